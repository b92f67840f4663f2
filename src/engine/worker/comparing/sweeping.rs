//! Sweeps at work: which runs train next, and how far, is a function of what those before have measured
//! ([`Experiment::next`]); here it is carried out.
use super::{Contest, Engine};
use crate::{
    engine::active_run::ActiveRun,
    errors::message,
    experiment::{Cell, Ended, Experiment, Goal, Next, step_at},
    protocol::{About, ComparisonId, Control, Level, Phase, RunId},
    runs::{Entry, Request},
    spec::validation_from,
};
use anyhow::{Context as _, Result, anyhow, bail};
use std::time::{Duration, Instant};

/// How often a sweep looks for changes that another program asks for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Engine {
    /// Chooses trials, starts or resumes runs, or says how the sweep has ended.
    pub(super) fn next_of_sweep(
        &mut self,
        id: &ComparisonId,
        contest: &mut Contest,
    ) -> Result<Option<Phase>> {
        match contest.folder.take_request(&self.catalog)? {
            Some(Request::Stop) => return Ok(Some(Phase::Stopped)),
            Some(Request::Revise(wanted)) => {
                let about = About::Comparison(id.clone());
                self.guard(about, "Could not change the sweep", |engine| engine.adopt(contest, &wanted));
                self.show_comparison(id, Some(Phase::Running))?;
            }
            None => {}
        }
        self.observe(contest);
        let search = contest.experiment.search.clone().context("The sweep has no search")?;
        match contest.experiment.next(&search, &contest.found) {
            Next::Train(goals) => self.train_towards(id, contest, goals),
            Next::Draw(count) => {
                let drawn = contest.experiment.draw(&search, &contest.found, count);
                if drawn.is_empty() {
                    return end_sweep(contest);
                }
                let mut search = search;
                search.drawn.extend(drawn);
                contest.experiment.search = Some(search);
                // the trials are on the disk before any of their runs
                contest.folder.write(&contest.experiment, &self.catalog)?;
                contest.racing = vec![];
                self.show_comparison(id, Some(Phase::Running))?;
                Ok(None)
            }
            Next::Done => end_sweep(contest),
        }
    }

    fn train_towards(
        &mut self,
        id: &ComparisonId,
        contest: &mut Contest,
        goals: Vec<Goal>,
    ) -> Result<Option<Phase>> {
        // what was trained towards the same goal before, and has not come to it, was stopped by somebody
        if goals.iter().any(|goal| contest.racing.contains(goal)) {
            return Ok(Some(Phase::Stopped));
        }
        self.ensure_some_are_sound(contest)?;
        (contest.racing, contest.goals) = (goals.clone(), Default::default());
        let mut failed = None;
        for Goal { cell, share } in goals {
            if let Err(error) = self.race(id, contest, cell) {
                self.give_up(contest, cell, &error)?;
                failed = Some(error);
                continue;
            }
            let Some(run) = contest.runs.get(&cell).and_then(|run| self.active.get(run)) else { continue };
            let position = run.trainer.position();
            let step = step_at(share, position.steps);
            let step = if share < 1.0 {
                validation_from(&run.trainer.spec, step, position.steps_per_epoch)
            } else {
                u64::MAX
            };
            contest.goals.insert(run.id.clone(), step);
        }
        match failed {
            Some(error) if contest.goals.is_empty() => Err(error),
            Some(_) => {
                contest.folder.write(&contest.experiment, &self.catalog)?;
                self.show_comparison(id, Some(Phase::Running))?;
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// A setting that no run can be started with is skipped, so that the others are not held up by it.
    fn give_up(&mut self, contest: &mut Contest, cell: Cell, error: &anyhow::Error) -> Result<()> {
        let Cell::Arm { race, .. } = cell else { bail!("a pretraining is no trial") };
        let trial = contest.experiment.race(race).point;
        let text = format!("Trial {} is skipped: {}", trial + 1, message(error));
        self.outbox.notice(About::Request, Level::Warning, text);
        if let Some(search) = &mut contest.experiment.search {
            search.skipped.insert(trial);
        }
        Ok(())
    }

    /// Where all runs of a race have failed, the next would fail as well.
    fn ensure_some_are_sound(&self, contest: &Contest) -> Result<()> {
        let ended = |goal: &Goal| contest.found.get(&goal.cell).and_then(|run| run.ended);
        let all_failed = contest.racing.iter().all(|goal| ended(goal) == Some(Ended::Failed));
        if contest.racing.is_empty() || !all_failed {
            return Ok(());
        }
        let phase = |goal: &Goal| {
            let run = contest.runs.get(&goal.cell)?;
            Some(self.home.folder(run).info(run, &self.catalog).ok()?.phase)
        };
        let reason = contest.racing.iter().find_map(|goal| match phase(goal)? {
            Phase::Failed(reason) => Some(reason),
            _ => None,
        });
        bail!("All trials that raced have failed. The first: {}", reason.unwrap_or_default())
    }

    /// Reads again what may have changed: the runs that raced, and those not read yet.
    fn observe(&self, contest: &mut Contest) {
        for (cell, run) in &contest.runs {
            let raced = contest.racing.iter().any(|goal| goal.cell == *cell);
            if matches!(cell, Cell::Pretraining(_)) || (contest.found.contains_key(cell) && !raced) {
                continue;
            }
            if let Ok(observed) = self.home.folder(run).observed(run, &contest.experiment, &self.catalog) {
                contest.found.insert(*cell, observed);
            }
        }
    }

    /// Stops a run that has come to the rung that its sweep trains it to, with a checkpoint.
    pub(in crate::engine::worker) fn stop_at_rung(&mut self, run: &mut ActiveRun) {
        let goal = self.contests.values().find_map(|contest| contest.goals.get(&run.id));
        let state = &run.trainer.state;
        if goal.is_none_or(|goal| state.step < *goal) || !state.validated || !run.phase.is_active() {
            return;
        }
        let text = format!(
            "Its sweep has it wait at step {} of {}, and goes on with the best of those that have come so far",
            state.step,
            run.trainer.position().steps
        );
        if let Err(error) = self.home.folder(&run.id).log(&Entry::Notice { text }) {
            self.outbox.notice(About::Run(run.id.clone()), Level::Warning, message(&error));
        }
        run.control(Control::Stop, &mut self.outbox);
    }

    /// Changes what a sweep still has to do: its budget, the ends of its ranges, and the trials that are given up.
    pub(super) fn revise(&mut self, id: &ComparisonId, wanted: &Experiment) -> Result<()> {
        if let Some(mut contest) = self.contests.remove(id) {
            let adopted = self.adopt(&mut contest, wanted);
            let racers: Vec<&ActiveRun> = contest.racers().filter_map(|run| self.active.get(run)).collect();
            let is_paused = racers.iter().any(|run| run.phase == Phase::Paused);
            self.contests.insert(id.clone(), contest);
            adopted?;
            return self.show_comparison(id, Some(if is_paused { Phase::Paused } else { Phase::Running }));
        }
        let folder = self.home.comparison(id);
        if folder.is_at_work() {
            folder.request(wanted, &self.catalog)?;
            return Ok(());
        }
        let _lock = folder.lock()?;
        let revised =
            folder.read(&self.catalog)?.revised(wanted, &self.catalog).map_err(|text| anyhow!(text))?;
        folder.write(&revised, &self.catalog)?;
        folder.reopen_results()?;
        self.show_comparison(id, Some(Phase::Stopped))
    }

    fn adopt(&mut self, contest: &mut Contest, wanted: &Experiment) -> Result<()> {
        let revised = contest.experiment.revised(wanted, &self.catalog).map_err(|text| anyhow!(text))?;
        contest.folder.write(&revised, &self.catalog)?;
        contest.experiment = revised;
        self.stop_skipped(contest);
        Ok(())
    }

    fn stop_skipped(&mut self, contest: &mut Contest) {
        let Some(search) = &contest.experiment.search else { return };
        let is_skipped = |cell: &Cell| match cell {
            Cell::Arm { race, .. } => search.skipped.contains(&contest.experiment.race(*race).point),
            Cell::Pretraining(_) => false,
        };
        let skipped: Vec<RunId> =
            contest.runs.iter().filter(|(cell, _)| is_skipped(cell)).map(|(_, run)| run.clone()).collect();
        for run in skipped {
            if contest.goals.remove(&run).is_some() {
                self.control(&run, Control::Stop);
            }
        }
    }

    /// Takes over changes that another program has asked for, such as the command line.
    pub(super) fn take_requests(&mut self) {
        if self.requests_seen.is_some_and(|seen| seen.elapsed() < LOOK_EVERY) {
            return;
        }
        self.requests_seen = Some(Instant::now());
        for id in self.contests.keys().cloned().collect::<Vec<_>>() {
            let folder = self.home.comparison(&id);
            match folder.take_request(&self.catalog) {
                Ok(None) => {}
                Ok(Some(Request::Stop)) => {
                    let about = About::Comparison(id.clone());
                    self.guard(about, "Could not stop", |engine| {
                        engine.control_comparison(&id, Control::Stop)
                    });
                }
                Ok(Some(Request::Revise(wanted))) => {
                    let about = About::Comparison(id.clone());
                    self.guard(about, "Could not change the sweep", |engine| engine.revise(&id, &wanted));
                }
                Err(error) => {
                    self.outbox.notice(About::Comparison(id), Level::Warning, message(&error));
                }
            }
        }
    }
}

fn end_sweep(contest: &Contest) -> Result<Option<Phase>> {
    if let Some(search) = &contest.experiment.search {
        contest.folder.write_trials(&contest.experiment, search, &contest.found)?;
    }
    Ok(Some(Phase::Finished))
}
