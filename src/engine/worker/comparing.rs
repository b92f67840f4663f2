//! Comparisons at work: round after round, the runs of each started together so that they race in lock-step.
use super::Engine;
use crate::{
    data::{self, watch::Stopped},
    errors::message,
    experiment::{Cell, Experiment, Found, Goal, Members},
    metrics::ACCURACY,
    objectives,
    protocol::{About, ComparisonId, ComparisonInfo, Control, Event, Order, Phase, RunId},
    runs::{ComparisonFolder, RunLock},
    spec::{Choice, RunSpec},
};
use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, VecDeque};

mod sweeping;

/// A comparison in the worker's hands.
pub struct Contest {
    experiment: Experiment,
    folder: ComparisonFolder,
    _lock: RunLock,
    /// Those that have been begun, in whatever session.
    runs: BTreeMap<Cell, RunId>,
    /// The first is under way once `begun`; those after it are to come.
    rounds: VecDeque<Vec<Cell>>,
    begun: bool,
    /// Of a sweep: what its runs train towards now.
    racing: Vec<Goal>,
    /// The steps at which those stop.
    goals: BTreeMap<RunId, u64>,
    /// What its runs have measured, but for those that race.
    found: Found,
}

impl Contest {
    /// The runs of the present round.
    fn racers(&self) -> impl Iterator<Item = &RunId> {
        let round = self.rounds.front().into_iter().flatten().filter_map(|cell| self.runs.get(cell));
        round.chain(self.goals.keys())
    }
}

impl Engine {
    /// Shows the comparisons of the home, which rest until somebody goes on with one.
    pub(super) fn open_comparisons(&mut self) {
        for id in self.home.list_comparisons().unwrap_or_default() {
            let about = About::Comparison(id.clone());
            self.guard(about, "Could not open a comparison", |engine| engine.show_comparison(&id, None));
        }
    }

    pub(super) fn start_comparison(&mut self, experiment: Experiment) -> Result<()> {
        let experiment = experiment.anchored();
        let wrong = experiment.validate(&self.catalog);
        ensure!(wrong.is_empty(), "{}", wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        for spec in &experiment.pretrain {
            data::require(&spec.dataset, &self.home.data())?;
        }
        self.check_recipes(&experiment)?;
        let (id, _) = self.home.create_comparison(&experiment, &self.catalog)?;
        self.resume_comparison(&id)
    }

    /// Refuses at once what would otherwise fail hours later, when its turn comes.
    fn check_recipes(&mut self, experiment: &Experiment) -> Result<()> {
        let sources = experiment.sources();
        // each source once for each encoder: weights take long to read
        let mut begun: Vec<(String, Choice)> = vec![];
        let probes = experiment.probes();
        let all = (0..experiment.arms.len()).flat_map(|arm| probes.iter().map(move |point| (arm, point)));
        for recipe in all.map(|(arm, point)| experiment.recipe_at(arm, point)) {
            ensure!(
                objectives::find(&recipe.objective.id)?.needs_labels || experiment.metric.id != ACCURACY,
                "A comparison measures what is learnt from few labels, and the objective {:?} learns without any: choose \
                 classify, or another metric than accuracy",
                recipe.objective.id
            );
            data::require(&recipe.dataset, &self.home.data())?;
            let Some(source) = recipe.init_from.clone().filter(|source| sources.contains(source.as_str()))
            else {
                continue;
            };
            let beginning = (source, recipe.encoder.clone());
            if !begun.contains(&beginning) {
                self.init(&recipe)?;
                begun.push(beginning);
            }
        }
        Ok(())
    }

    pub(super) fn order(&mut self, id: &ComparisonId, order: Order) -> Result<()> {
        match order {
            Order::Resume => self.resume_comparison(id),
            Order::Reopen => self.reopen_comparison(id),
            Order::Control(control) => self.control_comparison(id, control),
            Order::Revise(wanted) => self.revise(id, &wanted),
            Order::Delete => self.delete_comparison(id),
            Order::Restore => self.restore_comparison(id),
        }
    }

    /// Says whether a comparison waits for its next round.
    pub(super) fn has_round_to_begin(&self) -> bool {
        self.contests.values().any(|contest| !self.is_racing(contest))
    }

    /// Begins the next round of a comparison whose runs have ended.
    pub(super) fn compare(&mut self) {
        self.take_requests();
        let idle = self.contests.iter().find(|(_, contest)| !self.is_racing(contest));
        let Some(id) = idle.map(|(id, _)| id.clone()) else { return };
        let Some(mut contest) = self.contests.remove(&id) else { return };
        match self.next_round(&id, &mut contest) {
            Ok(None) => drop(self.contests.insert(id, contest)),
            Ok(Some(ended)) => self.outbox.push(Event::ComparisonPhase(id, ended)),
            Err(error) => {
                let is_stopped = error.is::<Stopped>();
                let phase = if is_stopped { Phase::Stopped } else { Phase::Failed(message(&error)) };
                self.outbox.push(Event::ComparisonPhase(id, phase));
            }
        }
    }

    fn is_racing(&self, contest: &Contest) -> bool {
        (contest.begun || !contest.goals.is_empty())
            && contest.racers().any(|run| self.active.contains_key(run))
    }

    /// Starts or resumes the runs of the first round that is not done; says how the comparison has ended, if it has.
    fn next_round(&mut self, id: &ComparisonId, contest: &mut Contest) -> Result<Option<Phase>> {
        while let Some(round) = contest.rounds.front().cloned() {
            let left = self.unfinished(contest, &round);
            if left.is_empty() {
                contest.rounds.pop_front();
                contest.begun = false;
                continue;
            }
            if contest.begun {
                return Ok(Some(left.into_iter().find_map(|(_, ended)| ended).unwrap_or(Phase::Stopped)));
            }
            for (cell, _) in left {
                self.race(id, contest, cell)?;
            }
            contest.begun = true;
            return Ok(None);
        }
        if contest.experiment.search.is_some() {
            return self.next_of_sweep(id, contest);
        }
        let experiment = &contest.experiment;
        let found =
            contest.runs.iter().filter_map(|(cell, run)| Some((*cell, self.figure(experiment, run)?)));
        contest.folder.write_results(experiment, &found.collect())?;
        Ok(Some(Phase::Finished))
    }

    /// The cells of a round that are not finished, and where they stand.
    fn unfinished(&self, contest: &Contest, round: &[Cell]) -> Vec<(Cell, Option<Phase>)> {
        let phase = |cell: &Cell| {
            let run = contest.runs.get(cell)?;
            self.home.folder(run).info(run, &self.catalog).ok().map(|info| info.phase)
        };
        let phases = round.iter().map(|cell| (*cell, phase(cell)));
        phases.filter(|(_, phase)| *phase != Some(Phase::Finished)).collect()
    }

    fn race(&mut self, id: &ComparisonId, contest: &mut Contest, cell: Cell) -> Result<()> {
        if let Some(run) = contest.runs.get(&cell) {
            return self.resume(run, None, false);
        }
        let run_of = |index| contest.runs.get(&Cell::Pretraining(index)).map(ToString::to_string);
        let spec = contest.experiment.spec(id, cell, &run_of);
        let name = spec.name.clone();
        let run = self.start(spec).with_context(|| format!("{name} could not start"))?;
        contest.runs.insert(cell, run);
        Ok(())
    }

    /// The last value of the metric that decides.
    fn figure(&self, experiment: &Experiment, run: &RunId) -> Option<f64> {
        let mut found = None;
        let read = self.home.folder(run).each_point(|point| {
            if (point.metric, point.split) == (experiment.metric.id, experiment.split) {
                found = Some(point.value);
            }
        });
        read.ok().and(found)
    }

    fn resume_comparison(&mut self, id: &ComparisonId) -> Result<()> {
        if self.contests.contains_key(id) {
            return self.control_comparison(id, Control::Continue);
        }
        let folder = self.home.comparison(id);
        let experiment = folder.read(&self.catalog)?;
        let lock = folder.lock()?;
        let contest = Contest {
            runs: self.home.entrants(id, &experiment, &self.catalog),
            rounds: experiment.rounds().into(),
            experiment,
            folder,
            _lock: lock,
            begun: false,
            racing: vec![],
            goals: BTreeMap::new(),
            found: Found::new(),
        };
        self.contests.insert(id.clone(), contest);
        self.show_comparison(id, Some(Phase::Running))
    }

    fn reopen_comparison(&mut self, id: &ComparisonId) -> Result<()> {
        if self.contests.contains_key(id) {
            return Ok(());
        }
        for run in self.runs_of(id).map(|(run, _)| run).collect::<Vec<_>>() {
            self.reopen(&run)?;
        }
        self.show_comparison(id, None)
    }

    /// Runs of the home that belong to a comparison.
    fn runs_of(&self, id: &ComparisonId) -> impl Iterator<Item = (RunId, RunSpec)> {
        let belongs = |run: RunId| {
            let spec = self.home.folder(&run).spec(&self.catalog).ok()?;
            let is_member = spec.entrant.as_ref().is_some_and(|entrant| entrant.comparison == **id);
            is_member.then_some((run, spec))
        };
        self.home.list().unwrap_or_default().into_iter().filter_map(belongs)
    }

    fn control_comparison(&mut self, id: &ComparisonId, control: Control) -> Result<()> {
        let Some(contest) = self.contests.get(id) else { return Ok(()) };
        for run in contest.racers().cloned().collect::<Vec<_>>() {
            self.control(&run, control);
        }
        let phase = match control {
            Control::Pause | Control::Step => Phase::Paused,
            Control::Continue => Phase::Running,
            Control::Stop => {
                self.contests.remove(id);
                Phase::Stopped
            }
        };
        self.outbox.push(Event::ComparisonPhase(id.clone(), phase));
        Ok(())
    }

    /// Its pretrainings stay: they took the longest, and other runs may begin with them.
    fn delete_comparison(&mut self, id: &ComparisonId) -> Result<()> {
        self.control_comparison(id, Control::Stop)?;
        let members = self.home.comparison(id).read(&self.catalog).ok().map(|read| Members::new(&read));
        let is_race = |spec: &RunSpec| {
            matches!(members.as_ref().and_then(|members| members.cell(spec)), Some(Cell::Arm { .. }))
        };
        let races: Vec<RunId> =
            self.runs_of(id).filter(|(_, spec)| is_race(spec)).map(|(run, _)| run).collect();
        for run in races {
            self.delete(run)?;
        }
        self.home.delete_comparison(id)?;
        self.outbox.push(Event::ComparisonRemoved(id.clone()));
        Ok(())
    }

    fn restore_comparison(&mut self, id: &ComparisonId) -> Result<()> {
        self.home.restore_comparison(id)?;
        for run in self.home.trashed_runs(&self.catalog, |spec| {
            spec.entrant.as_ref().is_some_and(|entrant| entrant.comparison == **id)
        }) {
            self.home.restore(&run)?;
            self.open(&run)?;
        }
        self.show_comparison(id, None)
    }

    /// Tells the faces of a comparison; one that is not at work here is finished, stopped, or in another program's hands.
    fn show_comparison(&mut self, id: &ComparisonId, phase: Option<Phase>) -> Result<()> {
        let folder = self.home.comparison(id);
        let resting = match (folder.is_finished(), phase.is_none() && folder.is_at_work()) {
            (true, _) => Phase::Finished,
            (false, true) => Phase::Elsewhere,
            (false, false) => Phase::Stopped,
        };
        self.outbox.push(Event::Comparison(Box::new(ComparisonInfo {
            id: id.clone(),
            experiment: folder.read(&self.catalog)?,
            folder: folder.path,
            phase: phase.unwrap_or(resting),
        })));
        Ok(())
    }
}
