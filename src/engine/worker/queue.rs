//! Runs that wait until others have ended: only so many train at once. A run that waits has its folder and no network yet;
//! when the program ends it is one that was stopped.
use super::Engine;
use crate::{
    protocol::{About, Event, Level, Phase, RunId, RunInfo},
    spec::RunSpec,
};
use anyhow::{Result, ensure};
use std::{
    collections::{BTreeSet, VecDeque},
    thread,
};

/// Runs that train at once on the smallest machine.
const FEWEST: usize = 4;

/// The runs that wait, and how many may train at once.
pub struct Queue {
    waiting: VecDeque<RunId>,
    pub most: usize,
}

impl Default for Queue {
    /// As many at once as there are processor cores, which they share.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(FEWEST, usize::from);
        Self { waiting: VecDeque::new(), most: cores.max(FEWEST) }
    }
}

impl Engine {
    /// Whether a run has to wait: a comparison's runs do not, and all of them count as one.
    pub(super) fn has_to_wait(&self, spec: &RunSpec) -> bool {
        spec.entrant.is_none() && self.is_full()
    }

    pub(super) fn has_one_to_begin(&self) -> bool {
        !self.queue.waiting.is_empty() && !self.is_full()
    }

    fn is_full(&self) -> bool {
        let running = self.active.values().filter(|run| run.phase == Phase::Running);
        let at_work: BTreeSet<&str> = running.map(|run| occupied_by(&run.trainer.spec, &run.id)).collect();
        at_work.len() >= self.queue.most
    }

    /// Puts a run at the end of the queue.
    pub(super) fn wait(&mut self, info: RunInfo) -> Result<()> {
        let points = self.home.folder(&info.id).points()?;
        let text = format!(
            "{} run at once on this machine: the run begins when one of them has ended",
            self.queue.most
        );
        self.outbox.notice(About::Run(info.id.clone()), Level::Info, text);
        self.queue.waiting.push_back(info.id.clone());
        self.backlog.retain(|waiting| *waiting != info.id);
        self.show(info, points);
        self.show_queue();
        Ok(())
    }

    /// Goes on with a run that rests, or has it wait; one that waits begins now.
    pub(super) fn resume_or_wait(&mut self, id: &RunId) -> Result<()> {
        let folder = self.home.folder(id);
        let waited = self.leave_queue(id);
        if waited || self.active.contains_key(id) || !self.has_to_wait(&folder.spec(&self.catalog)?) {
            return self.resume(id, None, waited);
        }
        let info = folder.info(id, &self.catalog)?;
        ensure!(info.phase != Phase::Finished, "The run is finished: it goes on with more epochs");
        self.wait(info)
    }

    /// Takes a run out of the queue; says whether it was there.
    pub(super) fn leave_queue(&mut self, id: &RunId) -> bool {
        let before = self.queue.waiting.len();
        self.queue.waiting.retain(|waiting| waiting != id);
        let was_there = self.queue.waiting.len() < before;
        if was_there {
            self.show_queue();
        }
        was_there
    }

    /// Puts the runs that wait into this order; the others among them wait no longer.
    pub(super) fn reorder(&mut self, order: Vec<RunId>) {
        let waiting = std::mem::take(&mut self.queue.waiting);
        for run in order {
            if waiting.contains(&run) && !self.queue.waiting.contains(&run) {
                self.queue.waiting.push_back(run);
            }
        }
        self.show_queue();
    }

    /// Begins the next run that waits, where there is room for one.
    pub(super) fn begin_next(&mut self) {
        if !self.has_one_to_begin() {
            return;
        }
        let Some(id) = self.queue.waiting.pop_front() else { return };
        self.show_queue();
        self.guard(About::Run(id.clone()), "Could not start the run", |engine| {
            engine.resume(&id, None, true)
        });
    }

    fn show_queue(&mut self) {
        self.outbox.push(Event::Queue(self.queue.waiting.iter().cloned().collect()));
    }
}

/// What takes a place among those that train at once: the run itself, or the comparison that it belongs to.
fn occupied_by<'a>(spec: &'a RunSpec, run: &'a RunId) -> &'a str {
    spec.entrant.as_ref().map_or(&**run, |entrant| entrant.comparison.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::outbox::Outbox, runs::Home, service::Service as _};
    use crossbeam_channel::unbounded;

    fn ended(engine: &Engine, run: &RunId) -> (Phase, u64) {
        let info = engine.home.folder(run).info(run, &engine.catalog).unwrap();
        (info.phase, info.progress.step)
    }

    #[test]
    fn runs_wait_in_an_order_that_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path().into()).unwrap();
        let (sender, events) = unbounded();
        let mut engine = Engine::new(home, crate::engine::catalog(), Outbox::new(sender, Box::new(|| {})));
        engine.queue.most = 1;
        let start = |engine: &mut Engine, name: &str| {
            let set = ["dataset=toy", "encoder=toy", "epochs=1", &format!("name={name}")].map(String::from);
            engine.start(RunSpec::from_toml("", &set, &engine.catalog).unwrap()).unwrap()
        };
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| start(&mut engine, name));
        assert_eq!(engine.active.keys().collect::<Vec<_>>(), [&a]);
        assert_eq!(engine.queue.waiting, [&b, &c, &d, &e].map(Clone::clone));
        // c waits no longer, a stranger is passed over, and b is wanted now
        engine.reorder(vec![e.clone(), b.clone(), d.clone(), "stranger".into(), d.clone()]);
        assert_eq!(engine.queue.waiting, [&e, &b, &d].map(Clone::clone));
        engine.resume_or_wait(&b).unwrap();
        assert_eq!(engine.active.keys().collect::<Vec<_>>(), [&a, &b]);
        // whatever makes a run train, as going back to a checkpoint does, it waits no longer
        let f = start(&mut engine, "f");
        engine.resume(&f, None, true).unwrap();
        assert!(!engine.queue.waiting.contains(&f) && engine.active.contains_key(&f));
        engine.delete(f).unwrap();
        engine.delete(e.clone()).unwrap();
        assert_eq!(engine.queue.waiting.iter().collect::<Vec<_>>(), [&d]);
        while engine.has_work() {
            engine.work();
            assert!(!engine.active.contains_key(&d) || engine.active.len() == 1, "it waits for both");
        }
        let steps = ended(&engine, &a).1;
        assert!(steps > 0);
        for run in [&a, &b, &d] {
            assert_eq!(ended(&engine, run), (Phase::Finished, steps));
        }
        assert_eq!(ended(&engine, &c), (Phase::Stopped, 0));
        engine.outbox.flush();
        let queues: Vec<Vec<RunId>> = events
            .try_iter()
            .filter_map(|event| if let Event::Queue(queue) = event { Some(queue) } else { None })
            .collect();
        assert_eq!(queues.last(), Some(&vec![]));
        assert!(queues.contains(&vec![e, b, d]));
    }
}
