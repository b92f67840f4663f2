//! Events on their way out: a stalled window neither blocks training nor loses a point.
use crate::{
    metrics::Point,
    protocol::{About, Answer, Event, Level, Notice, Progress, RunId},
    service::OFFER_EVERY,
};
use crossbeam_channel::{Sender, TrySendError};
use std::{collections::VecDeque, time::Instant};

/// Keeps what the reader has not taken yet; the points of a run wait in one growing message.
pub struct Outbox {
    sender: Sender<Event>,
    wake: Box<dyn Fn() + Send>,
    queue: VecDeque<Event>,
    last_flush: Instant,
}

impl Outbox {
    pub fn new(sender: Sender<Event>, wake: Box<dyn Fn() + Send>) -> Self {
        Self { sender, wake, queue: VecDeque::new(), last_flush: Instant::now() }
    }

    /// An outbox without a reader, whose events another one [takes over](Self::take_over).
    pub fn apart() -> Self {
        Self::new(crossbeam_channel::bounded(0).0, Box::new(|| {}))
    }

    /// Sends what another one has kept.
    pub fn take_over(&mut self, other: Self) {
        for event in other.queue {
            match event {
                Event::Points(run, points) => self.points(&run, points),
                Event::Progress(run, progress) => self.progress(&run, progress),
                event => self.push(event),
            }
        }
    }

    /// How many events wait to be taken.
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.sender.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Wakes the faces where something has changed that has no event of its own.
    pub fn wake(&self) {
        (self.wake)();
    }

    pub fn push(&mut self, event: Event) {
        self.queue.push_back(event);
    }

    pub fn notice(&mut self, about: About, level: Level, text: impl Into<String>) {
        let notice = Event::Notice(Notice { about, level, text: text.into() });
        if !self.queue.contains(&notice) {
            self.push(notice);
        }
    }

    /// Joins the points of the same run that still wait.
    pub fn points(&mut self, run: &RunId, points: Vec<Point>) {
        let waiting = self.queue.iter_mut().rev().find_map(|event| match event {
            Event::Points(of, points) if of == run => Some(points),
            _ => None,
        });
        match waiting {
            Some(waiting) => waiting.extend(points),
            None => self.push(Event::Points(run.clone(), points)),
        }
    }

    /// Replaces the progress of the same run that still waits.
    pub fn progress(&mut self, run: &RunId, progress: Progress) {
        let waiting = self.queue.iter_mut().rev().find_map(|event| match event {
            Event::Progress(of, progress) if of == run => Some(progress),
            _ => None,
        });
        match waiting {
            Some(waiting) => *waiting = progress,
            None => self.push(Event::Progress(run.clone(), progress)),
        }
    }

    /// Replaces a waiting answer to the same question that holds progress alone.
    pub fn answer(&mut self, answer: Answer) {
        let waiting = self.queue.iter_mut().rev().find_map(|event| match event {
            Event::Answer(waiting) if waiting.request == answer.request && waiting.finding.is_none() => {
                Some(waiting)
            }
            _ => None,
        });
        match waiting {
            Some(waiting) => *waiting = answer,
            None => self.push(Event::Answer(answer)),
        }
    }

    /// Sends what fits, at once if something cannot wait.
    pub fn flush(&mut self) {
        let can_wait = |event: &Event| match event {
            Event::Points(..) | Event::Progress(..) => true,
            Event::Answer(answer) => answer.share_done < 1.0 && answer.finding.is_none(),
            _ => false,
        };
        if self.queue.is_empty()
            || (self.queue.iter().all(can_wait) && self.last_flush.elapsed() < OFFER_EVERY)
        {
            return;
        }
        while let Some(event) = self.queue.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.queue.push_front(event);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        self.last_flush = Instant::now();
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{LOSS, Split};

    #[test]
    fn a_reader_that_stalls_loses_nothing() {
        let (sender, receiver) = crossbeam_channel::bounded(2);
        let mut outbox = Outbox::new(sender, Box::new(|| {}));
        let run: RunId = "a".into();
        for step in 0..1000 {
            outbox.points(&run, vec![Point { step, split: Split::Train, metric: LOSS, value: 0.0 }]);
            outbox.notice(About::Request, Level::Info, format!("notice {}", step % 10));
            let share_done = step as f32 / 999.0;
            outbox.answer(Answer { request: 1, run: run.clone(), step, share_done, finding: None });
            outbox.flush();
        }
        assert!(outbox.queue.len() <= 12, "what waits must not grow without end: {}", outbox.queue.len());
        let (mut steps, mut done) = (vec![], 0.0);
        while !outbox.is_empty() || !receiver.is_empty() {
            outbox.last_flush = Instant::now() - OFFER_EVERY;
            outbox.flush();
            for event in receiver.try_iter() {
                match event {
                    Event::Points(_, points) => steps.extend(points.iter().map(|point| point.step)),
                    Event::Answer(answer) => done = answer.share_done,
                    _ => {}
                }
            }
        }
        assert_eq!(done, 1.0, "the last answer is lost");
        steps.sort_unstable();
        assert_eq!(steps, (0..1000).collect::<Vec<_>>());
    }
}
