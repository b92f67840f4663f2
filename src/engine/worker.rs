//! The thread that owns every tensor. It obeys commands and answers questions between any two batches.
use super::{active_run::ActiveRun, neighbours::Neighbours, outbox::Outbox};
use crate::{
    data::{
        Dataset,
        watch::{Stopped, Watch},
    },
    errors::message,
    export::bundle,
    metrics::Point,
    models,
    protocol::{About, Command, ComparisonId, Control, Event, Level, Mark, Phase, RunId, RunInfo},
    runs::Home,
    service::{Fault, Service, attempt, serve},
    spec::{Catalog, Choice, RunSpec},
};
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use calibrating::Refit;
use comparing::Contest;
use crossbeam_channel::{Receiver, Sender, bounded};
use discovering::{Found, Known};
use inquiries::Inquiry;
use queue::Queue;
use resting::Resting;
use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};

mod answers;
mod beginnings;
mod beside;
mod calibrating;
mod comparing;
mod datasets;
mod discovering;
mod forking;
mod inquiries;
mod queue;
mod resting;

/// The near end of the worker.
pub struct Worker {
    /// What it is to do, in order.
    pub commands: Sender<Command>,
    /// What it reports, in order.
    pub events: Receiver<Event>,
    /// How far the data set is that it reads at this moment; commands wait until that is done or stopped.
    pub watch: Arc<Watch>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the thread, which opens the runs of `home` and waits for commands.
    ///
    /// # Errors
    /// Where the home cannot be made or no thread can be started.
    pub fn spawn(home: PathBuf, catalog: Catalog, wake: Box<dyn Fn() + Send>) -> Result<Self> {
        let home = Home::open(home)?;
        let backlog: VecDeque<RunId> = home.list()?.into_iter().rev().collect();
        let (commands, command_receiver) = bounded(256);
        let (event_sender, events) = bounded(256);
        let mut engine = Engine::new(home, catalog, Outbox::new(event_sender, wake));
        engine.known.runs = backlog.iter().cloned().collect();
        (engine.backlog, engine.commands) = (backlog, command_receiver.clone());
        let watch = engine.watch.clone();
        let thread = std::thread::Builder::new().name("trainer".into());
        let thread = thread
            .spawn(move || engine.run(&command_receiver))
            .context("Could not start the training thread")?;
        Ok(Self { commands, events, watch, thread })
    }

    /// Saves every active run and waits for the thread to end.
    pub fn join(self) {
        self.watch.close();
        drop(self.commands);
        // The thread catches panics itself; one that got past has nothing left to save.
        let _ended = self.thread.join();
    }
}

/// What the thread works at.
struct Engine {
    home: Home,
    catalog: Catalog,
    outbox: Outbox,
    active: BTreeMap<RunId, ActiveRun>,
    queue: Queue,
    contests: BTreeMap<ComparisonId, Contest>,
    /// When changes to comparisons were looked for that other programs ask for.
    requests_seen: Option<Instant>,
    /// Those that wait, for while a batch takes long.
    commands: Receiver<Command>,
    /// Those that came meanwhile and have to do with more than questions.
    postponed: VecDeque<Command>,
    /// Runs on disk that have not been read yet, the newest first.
    backlog: VecDeque<RunId>,
    known: Known,
    /// Questions that are not answered to their end, the next one first.
    inquiries: VecDeque<Inquiry>,
    /// Runs that are not active, kept open for the next question: the one asked about last is the last.
    resting: Vec<Resting>,
    neighbours: Neighbours,
    /// Of the run in training that somebody draws for.
    refit: Option<Refit>,
    /// No preview before then while a run trains.
    no_preview_before: Option<Instant>,
    /// The data set read last.
    dataset: Option<(Choice, Arc<Dataset>)>,
    watch: Arc<Watch>,
}

impl Engine {
    fn new(home: Home, catalog: Catalog, outbox: Outbox) -> Self {
        Self {
            home,
            catalog,
            outbox,
            active: BTreeMap::new(),
            queue: Queue::default(),
            contests: BTreeMap::new(),
            requests_seen: None,
            commands: crossbeam_channel::never(),
            postponed: VecDeque::new(),
            backlog: VecDeque::new(),
            known: Known::default(),
            inquiries: VecDeque::new(),
            resting: vec![],
            neighbours: Neighbours::default(),
            refit: None,
            no_preview_before: None,
            dataset: None,
            watch: Arc::default(),
        }
    }

    fn run(mut self, commands: &Receiver<Command>) {
        self.open_comparisons();
        serve(&mut self, commands);
        for run in self.active.values_mut() {
            run.control(Control::Stop, &mut self.outbox);
        }
        self.outbox.flush();
    }

    fn is_training(&self) -> bool {
        self.active.values().any(|run| run.phase == Phase::Running)
    }

    /// One batch of the running run that is furthest behind.
    fn advance(&mut self) {
        let running = self.active.values().filter(|run| run.phase == Phase::Running);
        let id = running.min_by_key(|run| run.turns).map(|run| run.id.clone());
        let Some((id, mut run)) = id.and_then(|id| self.active.remove_entry(&id)) else { return };
        let advanced = match run.trainer.takes_long() {
            true => self.advance_beside(&mut run),
            false => attempt(|| run.advance(&mut self.outbox)),
        };
        if let Err(error) = advanced {
            let error = match error.downcast_ref::<Fault>() {
                Some(Fault(reason)) => {
                    anyhow!("A fault in Headstart ended the run: {reason}. Resume it, and please report this")
                }
                None => error,
            };
            run.fail(&error, &mut self.outbox);
        }
        self.stop_at_rung(&mut run);
        if run.phase.is_active() {
            self.active.insert(id, run);
        }
        std::mem::take(&mut self.postponed).into_iter().for_each(|command| self.guard_command(command));
    }

    fn guard_command(&mut self, command: Command) {
        let what = match &command {
            Command::Start(_) => "Could not start the run",
            Command::Resume(_) | Command::Rewind { .. } => "Could not resume the run",
            Command::Reopen(_) => "Could not open the run",
            Command::ReadCurves(_) => "Could not read the run's curves",
            Command::LookAround => "Could not look for runs of other programs",
            Command::Rename(..) => "Could not rename the run",
            Command::Mark(..) => "Could not write down what is said of the run",
            Command::Delete(_) => "Could not delete the run",
            Command::Restore(_) => "Could not bring the run back",
            Command::Receive(_) => "Could not take the run in",
            Command::Compare(_) => "Could not start the comparison",
            Command::Order(..) => "Could not do that to the comparison",
            Command::Control(..)
            | Command::Queue(_)
            | Command::Tune(..)
            | Command::Ask { .. }
            | Command::Dismiss(_)
            | Command::StopPreparing => "Could not do that",
        };
        self.guard(About::Request, what, |engine| engine.obey(command));
    }

    /// Errors and panics end what they happen in, not the thread.
    fn guard(&mut self, about: About, what: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = attempt(|| work(self)) {
            self.complain(about, what, &error);
        }
    }

    fn complain(&mut self, about: About, what: &str, error: &Error) {
        if error.is::<Stopped>() {
            return self.outbox.notice(about, Level::Info, error.to_string());
        }
        self.outbox.notice(about, Level::Error, format!("{what}: {}", message(error)));
    }

    fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Start(spec) => self.start(*spec).map(drop),
            Command::Resume(run) => self.resume_or_wait(&run),
            Command::Rewind { run, step, live, epochs } => {
                self.resume(&run, Some((step, live, epochs)), false)
            }
            Command::Control(run, control) => {
                self.control(&run, control);
                Ok(())
            }
            Command::Queue(order) => {
                self.reorder(order);
                Ok(())
            }
            Command::Tune(run, live) => {
                if let Some(active) = self.active.get_mut(&run) {
                    active.tune(live, &self.catalog, &mut self.outbox);
                }
                Ok(())
            }
            Command::Ask { request, run, question } => {
                self.ask(Inquiry::new(request, run, question));
                Ok(())
            }
            Command::Dismiss(request) => {
                self.inquiries.retain(|inquiry| !inquiry.is(request));
                Ok(())
            }
            Command::Reopen(run) => self.reopen(&run),
            Command::ReadCurves(run) => self.read_curves(run),
            Command::LookAround => self.look_around(),
            Command::Rename(run, name) => self.rename(run, name),
            Command::Mark(runs, mark) => {
                // what is refused for one is no reason to leave the others out
                let marked: Vec<_> = runs.into_iter().map(|run| self.mark(run, &mark)).collect();
                marked.into_iter().collect()
            }
            Command::Delete(run) => self.delete(run),
            Command::Restore(run) => {
                self.home.restore(&run)?;
                self.open(&run)
            }
            Command::Receive(path) => self.receive(&path),
            Command::Compare(comparison) => self.start_comparison(*comparison),
            Command::Order(comparison, order) => self.order(&comparison, order),
            // The session has told the watch, past all commands that wait.
            Command::StopPreparing => Ok(()),
        }
    }

    fn control(&mut self, run: &RunId, control: Control) {
        let Some(active) = self.active.get_mut(run) else { return };
        active.control(control, &mut self.outbox);
        if !active.phase.is_active() {
            self.active.remove(run);
        }
    }

    fn open(&mut self, id: &RunId) -> Result<()> {
        let found = Found::read(&self.home, id, &self.catalog)?;
        self.show_found(found);
        Ok(())
    }

    /// Reads a run again, unless it has come into this program's hands meanwhile.
    pub(super) fn reopen(&mut self, id: &RunId) -> Result<()> {
        self.forget_weights();
        if self.active.contains_key(id) { Ok(()) } else { self.open(id) }
    }

    fn show(&mut self, info: RunInfo, points: Vec<Point>) {
        let id = info.id.clone();
        self.known.runs.insert(id.clone());
        self.outbox.push(Event::Run(Box::new(info)));
        self.outbox.push(Event::Points(id, points));
    }

    fn receive(&mut self, path: &Path) -> Result<()> {
        let (run, _) = bundle::unpack(path, &self.home, &self.catalog, models::check_checkpoint)?;
        self.open(&run)?;
        self.outbox.notice(About::Run(run), Level::Info, "The run is taken in");
        Ok(())
    }

    fn rename(&mut self, run: RunId, name: String) -> Result<()> {
        ensure!(!name.trim().is_empty(), "a name needs at least one letter");
        let folder = self.home.folder(&run);
        let spec = RunSpec { name: name.clone(), ..folder.spec(&self.catalog)? };
        folder.write_spec(&spec, &self.catalog)?;
        if let Some(active) = self.active.get_mut(&run) {
            active.trainer.spec.name.clone_from(&name);
        }
        self.outbox.push(Event::Renamed(run, name));
        Ok(())
    }

    fn mark(&mut self, run: RunId, mark: &Mark) -> Result<()> {
        let marks = self.home.folder(&run).mark(mark)?;
        self.outbox.push(Event::Marked(run, marks));
        Ok(())
    }

    fn delete(&mut self, run: RunId) -> Result<()> {
        if let Some(mut active) = self.active.remove(&run) {
            active.control(Control::Stop, &mut self.outbox);
        }
        self.leave_queue(&run);
        self.forget_weights();
        self.home.delete(&run)?;
        self.known.runs.remove(&run);
        self.outbox.push(Event::Removed(run));
        Ok(())
    }
}

impl Service for Engine {
    type Message = Command;

    fn has_work(&self) -> bool {
        self.is_training()
            || self.has_round_to_begin()
            || self.has_one_to_begin()
            || self.can_open_more()
            || !self.inquiries.is_empty()
            || self.refit_is_under_way()
    }

    fn has_reports(&self) -> bool {
        // runs wait to be read until the faces have taken what was read before
        !self.outbox.is_empty() || !self.backlog.is_empty()
    }

    fn handle(&mut self, command: Command) {
        self.guard_command(command);
    }

    /// A little of everything that waits, the drawing first.
    fn work(&mut self) {
        self.answer();
        self.refit();
        if self.can_open_more() {
            self.open_some();
        }
        self.compare();
        self.begin_next();
        self.advance();
    }

    fn offer(&mut self) {
        self.outbox.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_of_and_does_not_end_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, events) = bounded(8);
        let home = Home::open(folder.path().into()).unwrap();
        let mut engine = Engine::new(home, crate::engine::catalog(), Outbox::new(sender, Box::new(|| {})));
        engine.guard(About::Request, "Could not do that", |_| panic!("out of luck"));
        engine.outbox.flush();
        let Ok(Event::Notice(notice)) = events.try_recv() else { panic!("no notice") };
        assert_eq!(notice.text, "Could not do that: a fault in Headstart: out of luck");
    }
}
