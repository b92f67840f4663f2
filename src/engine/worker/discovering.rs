//! Reads the runs that are on the disk, and those that other programs make, train and delete while this one is open.
use super::Engine;
use crate::{
    metrics::Point,
    protocol::{About, Event, Phase, RunId, RunInfo},
    runs::{Home, Stamp},
    service::attempt,
    spec::Catalog,
};
use anyhow::{Error, Result};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Runs that are read beside each other; a drawing that comes meanwhile waits for them.
const AT_ONCE: usize = 4;
/// Events that may wait to be taken while runs are read.
const MOST_ON_THEIR_WAY: usize = 200;

/// What is known of the runs on the disk.
#[derive(Default)]
pub struct Known {
    /// Those that have been shown, or will be.
    pub runs: BTreeSet<RunId>,
    /// Those that another program trains, with what their files were when they were read last.
    pub elsewhere: BTreeMap<RunId, Stamp>,
}

impl Known {
    /// Takes note of a run that was read, when its files were like that.
    pub fn note(&mut self, run: &RunId, phase: &Phase, stamp: Stamp) {
        match phase {
            Phase::Elsewhere => drop(self.elsewhere.insert(run.clone(), stamp)),
            _ => drop(self.elsewhere.remove(run)),
        }
    }
}

/// A run as it was read from the disk.
pub struct Found {
    info: RunInfo,
    points: Vec<Point>,
    stamp: Stamp,
    /// Why what a person says of it cannot be read.
    unmarked: Option<Error>,
}

impl Found {
    /// # Errors
    /// Where the run cannot be read.
    pub fn read(home: &Home, id: &RunId, catalog: &Catalog) -> Result<Self> {
        let folder = home.folder(id);
        // what is written while it is read is read again
        let stamp = folder.stamp();
        let mut info = folder.info(id, catalog)?;
        let points = match info.phase {
            // it is read again and again while it grows
            Phase::Elsewhere => folder.points()?,
            _ => {
                let (points, is_whole) = folder.sketch()?;
                info.is_sketch = !is_whole;
                points
            }
        };
        Ok(Self { info, points, stamp, unmarked: folder.marks().err() })
    }
}

impl Engine {
    /// Whether runs wait, and the faces have taken most of what was read before: a thousand runs on their way would take
    /// much memory.
    pub(super) fn can_open_more(&self) -> bool {
        !self.backlog.is_empty() && self.outbox.waiting() < MOST_ON_THEIR_WAY
    }

    /// Reads some of the runs that wait, beside each other.
    pub(super) fn open_some(&mut self) {
        let runs: Vec<RunId> = self.backlog.drain(..AT_ONCE.min(self.backlog.len())).collect();
        let (home, catalog) = (&self.home, &self.catalog);
        let read = |id: RunId| {
            let found = attempt(|| Found::read(home, &id, catalog));
            (id, found)
        };
        let read: Vec<(RunId, Result<Found>)> = runs.into_par_iter().map(read).collect();
        for (id, found) in read {
            self.guard(About::Run(id), "Could not open a run", |engine| {
                found.map(|found| engine.show_found(found))
            });
        }
    }

    pub(super) fn show_found(&mut self, Found { info, points, stamp, unmarked }: Found) {
        if let Some(error) = unmarked {
            self.complain(About::Run(info.id.clone()), "The run is shown without them", &error);
        }
        self.known.note(&info.id, &info.phase, stamp);
        self.show(info, points);
    }

    /// Shows all points of a run's curves, unless it has come into this program's hands meanwhile.
    pub(super) fn read_curves(&mut self, id: RunId) -> Result<()> {
        if self.active.contains_key(&id) {
            return Ok(());
        }
        let read = self.home.folder(&id).points();
        let (points, error) = match read {
            Ok(points) => (Some(points), None),
            Err(error) => (None, Some(error)),
        };
        self.outbox.push(Event::Curves(id, points));
        error.map_or(Ok(()), Err)
    }

    /// Shows what has come, takes away what has gone, and reads again what another program has gone on with.
    pub(super) fn look_around(&mut self) -> Result<()> {
        let there: BTreeSet<RunId> = self.home.list()?.into_iter().collect();
        let new = there.difference(&self.known.runs).filter(|run| !self.active.contains_key(*run));
        self.backlog.extend(new.cloned());
        let gone: Vec<RunId> = self.known.runs.difference(&there).cloned().collect();
        for run in gone {
            if self.active.contains_key(&run) {
                continue;
            }
            self.known.elsewhere.remove(&run);
            self.leave_queue(&run);
            self.backlog.retain(|waiting| *waiting != run);
            self.outbox.push(Event::Removed(run));
        }
        self.known.runs = there;
        let stale = |(run, stamp): (&RunId, &Stamp)| {
            let folder = self.home.folder(run);
            (folder.stamp() != *stamp || !folder.is_at_work()).then(|| run.clone())
        };
        let stale: Vec<RunId> = self.known.elsewhere.iter().filter_map(stale).collect();
        let stale = stale.into_iter().filter(|run| !self.backlog.contains(run)).collect::<Vec<_>>();
        self.backlog.extend(stale);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::outbox::Outbox, service::Service as _};
    use crossbeam_channel::unbounded;

    #[test]
    fn what_another_program_makes_trains_and_deletes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path().into()).unwrap();
        let (sender, events) = unbounded();
        let outbox = Outbox::new(sender, Box::new(|| {}));
        let mut engine = Engine::new(home.clone(), crate::engine::catalog(), outbox);
        let look = |engine: &mut Engine| -> Vec<Event> {
            engine.look_around().unwrap();
            while engine.has_work() {
                engine.work();
            }
            engine.outbox.flush();
            events.try_iter().collect()
        };
        assert_eq!(look(&mut engine), []);
        let id = home.install_shipped().unwrap();
        let shown = look(&mut engine);
        assert!(matches!(&shown[0], Event::Run(info) if info.id == id), "{shown:?}");
        assert_eq!(look(&mut engine), [], "nothing is shown twice");
        home.folder(&id).log(&crate::runs::Entry::new_phase(&Phase::Running)).unwrap();
        let lock = home.folder(&id).lock().unwrap();
        engine.open(&id).unwrap();
        assert_eq!(look(&mut engine).len(), 2, "it is trained elsewhere");
        assert_eq!(look(&mut engine), [], "and stands still there");
        home.folder(&id).log(&crate::runs::Entry::new_phase(&Phase::Finished)).unwrap();
        drop(lock);
        let shown = look(&mut engine);
        assert!(matches!(&shown[0], Event::Run(info) if info.phase == Phase::Finished), "{shown:?}");
        home.delete(&id).unwrap();
        assert_eq!(look(&mut engine), [Event::Removed(id)]);
    }
}
