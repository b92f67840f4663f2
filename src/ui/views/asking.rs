//! A question about something that changes: what is drawn, what is learnt, or what somebody chose.
use super::{Scene, UNSAVED};
use crate::{
    protocol::{Finding, Moment, Phase, Question, RunId},
    session::Run,
};
use egui::Ui;
use std::{rc::Rc, time::Duration};

/// The fewest seconds between an answer and the next question, where that is about something else.
const PAUSE: f64 = 0.05;
/// The same where only the weights have changed.
const LONG_PAUSE: f64 = 0.5;
/// While a run trains, it rests from questions for so many times as long as the last one took.
const REST: f64 = 8.0;
/// A question that has no answer after so many seconds is given up once it is about something else.
const PATIENCE: f64 = 3.0;
/// A question of which nothing is heard for so many seconds is lost, as to another view that asked one of its kind.
const LOST: f64 = 30.0;

/// Asks anew whenever `K`, which is what the question is about, or the weights have changed: one question at a time.
pub struct Asking<K> {
    /// For how many seconds `K` has to stay the same before it is asked about.
    settled: f64,
    /// What is to be asked about, and since when it has been the same.
    wanted: Option<(Subject<K>, f64)>,
    asked: Option<Asked<K>>,
    found: Option<Found<K>>,
}

/// Whom a question is for, and what it is about.
struct Subject<K> {
    run: RunId,
    about: Rc<K>,
}

struct Asked<K> {
    request: u64,
    of: Subject<K>,
    /// Counts changes of the weights.
    weights: u64,
    at: f64,
    /// How much of the answer has come, and when that was heard.
    share_done: f32,
    heard_at: f64,
    /// When the answer was complete.
    done_at: Option<f64>,
}

/// An answer, as far as it is there.
pub struct Found<K> {
    pub run: RunId,
    pub about: Rc<K>,
    /// The step whose weights answered.
    pub step: u64,
    /// What was found, or why nothing is.
    pub finding: Result<Finding, String>,
}

impl<K> Default for Asking<K> {
    fn default() -> Self {
        Self { settled: 0.0, wanted: None, asked: None, found: None }
    }
}

impl<K: PartialEq> Asking<K> {
    /// Asks about nothing that has not stayed the same for so many seconds: nobody explains half a stroke.
    pub fn once_settled(secs: f64) -> Self {
        Self { settled: secs, ..Self::default() }
    }

    /// Takes in what has been answered, and asks a run if that is about something else by now, or about other weights.
    pub fn follow(
        &mut self,
        ui: &Ui,
        scene: &mut Scene<'_>,
        run: &Run,
        weights: u64,
        about: K,
        question: impl FnOnce(&K) -> Question,
    ) {
        let now = ui.input(|input| input.time);
        self.take_in(scene, now);
        if !run.has_weights() {
            let finding = Err(UNSAVED.into());
            self.found = Some(Found { run: run.id.clone(), about: Rc::new(about), step: 0, finding });
            return;
        }
        let is_same = |(of, _): &(Subject<K>, f64)| of.run == run.id && *of.about == about;
        if !self.wanted.as_ref().is_some_and(is_same) {
            // the first question need not wait
            let since = if self.asked.is_some() { now } else { f64::NEG_INFINITY };
            self.wanted = Some((Subject { run: run.id.clone(), about: Rc::new(about) }, since));
        }
        let rest = if run.phase == Phase::Running { REST } else { 0.0 };
        let Some(wait) = self.wait(weights, now, rest) else { return };
        if wait > 0.0 {
            return ui.ctx().request_repaint_after(Duration::from_secs_f64(wait));
        }
        self.ask(scene, weights, now, question);
    }

    /// Seconds until the next question; nothing where none is due.
    fn wait(&self, weights: u64, now: f64, rest: f64) -> Option<f64> {
        let (wanted, since) = self.wanted.as_ref()?;
        let settles = since + self.settled - now;
        let Some(asked) = &self.asked else { return Some(settles) };
        let is_same = Rc::ptr_eq(&asked.of.about, &wanted.about);
        let Some(done_at) = asked.done_at else {
            let lost = asked.heard_at + LOST - now;
            return Some(if is_same { lost } else { settles.max(asked.at + PATIENCE - now).min(lost) });
        };
        let after = |pause: f64| done_at + pause.max(rest * (done_at - asked.at)) - now;
        match is_same {
            true if asked.weights == weights => None,
            true => Some(after(LONG_PAUSE)),
            false => Some(settles.max(after(PAUSE))),
        }
    }

    fn ask(&mut self, scene: &mut Scene<'_>, weights: u64, now: f64, question: impl FnOnce(&K) -> Question) {
        let Some((Subject { run, about }, _)) = &self.wanted else { return };
        if let Some(older) = self.asked.take() {
            scene.dismiss(older.request);
        }
        let of = Subject { run: run.clone(), about: about.clone() };
        let request = scene.ask(run.clone(), question(about));
        self.asked =
            Some(Asked { request, of, weights, at: now, share_done: 0.0, heard_at: now, done_at: None });
    }

    fn take_in(&mut self, scene: &Scene<'_>, now: f64) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.done_at.is_none()) else { return };
        let Some(answer) = scene.state.answers.get(&asked.request) else { return };
        if asked.share_done != answer.share_done {
            (asked.share_done, asked.heard_at) = (answer.share_done, now);
        }
        asked.done_at = (answer.share_done >= 1.0).then_some(now);
        // what has been found before stays until there is something new
        if let Some(finding) = &answer.finding {
            let (run, about) = (answer.run.clone(), asked.of.about.clone());
            self.found = Some(Found { run, about, step: answer.step, finding: finding.clone() });
        }
    }

    /// Whether an answer, or the rest of one, is on its way.
    pub fn is_waiting(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.done_at.is_none())
    }

    /// The newest that was found about a run.
    pub fn found(&self, run: &RunId) -> Option<&Found<K>> {
        self.found.as_ref().filter(|found| found.run == *run)
    }
}

/// What a network made of something so far; checkpoints that its run has removed since stay known.
pub struct Moments<T> {
    of: Option<T>,
    moments: Vec<Moment>,
}

impl<T> Default for Moments<T> {
    fn default() -> Self {
        Self { of: None, moments: vec![] }
    }
}

impl<T: PartialEq> Moments<T> {
    /// None where nothing is known of it.
    pub fn of(&self, about: &T) -> &[Moment] {
        if self.of.as_ref() == Some(about) { &self.moments } else { &[] }
    }

    /// Takes in an answer, which may have come in part before.
    pub fn learn(&mut self, about: T, moments: &[Moment]) {
        if self.of.as_ref() != Some(&about) {
            *self = Self { of: Some(about), moments: vec![] };
        }
        let last = self.moments.last().map(|moment| moment.step);
        self.moments.extend(moments.iter().filter(|moment| Some(moment.step) > last).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits of a question that was asked at 10 s, of weights 1, by what is wanted, weights and time.
    fn asking(settled: f64, done_at: Option<f64>, is_same: bool) -> Asking<&'static str> {
        let subject = |about: &Rc<&'static str>| Subject { run: "run".into(), about: about.clone() };
        let [asked, other] = ["seven", "nine"].map(Rc::new);
        let wanted = Some((subject(if is_same { &asked } else { &other }), 11.0));
        let of = subject(&asked);
        let asked =
            Some(Asked { request: 1, of, weights: 1, at: 10.0, share_done: 0.0, heard_at: 10.0, done_at });
        Asking { settled, wanted, asked, found: None }
    }

    #[test]
    fn one_question_at_a_time_and_a_rest_while_training() {
        let near = |wait: Option<f64>, wanted: f64| wait.is_some_and(|wait| (wait - wanted).abs() < 1e-9);
        assert!(near(asking(0.0, None, true).wait(2, 11.0, 8.0), LOST - 1.0), "the answer is on its way");
        assert!(near(asking(0.0, None, false).wait(1, 11.0, 8.0), PATIENCE - 1.0));
        let done = Some(10.5);
        assert_eq!(asking(0.0, done, true).wait(1, 11.0, 8.0), None, "it is answered");
        assert!(near(asking(0.0, done, true).wait(2, 10.6, 0.0), LONG_PAUSE - 0.1), "by other weights");
        assert!(near(asking(0.0, done, true).wait(2, 11.0, REST), 8.0 * 0.5 - 0.5), "training comes first");
        assert!(asking(0.0, done, false).wait(1, 11.0, 0.0).is_some_and(|wait| wait <= 0.0));
        assert!(near(asking(0.3, done, false).wait(1, 11.1, 0.0), 0.2), "the stroke is not finished");
    }

    #[test]
    fn what_is_known_grows_and_is_of_one_thing() {
        let moment = |step| Moment { step, scores: vec![] };
        let mut known = Moments::default();
        known.learn("one", &[moment(0), moment(430)]);
        // The next answer begins after what is known, and grows.
        known.learn("one", &[moment(860)]);
        known.learn("one", &[moment(860), moment(1290)]);
        let steps =
            |known: &Moments<&'static str>, of| known.of(&of).iter().map(|at| at.step).collect::<Vec<_>>();
        assert_eq!(steps(&known, "one"), [0, 430, 860, 1290]);
        known.learn("two", &[moment(1290)]);
        assert_eq!((steps(&known, "two"), steps(&known, "one")), (vec![1290], vec![]));
    }
}
