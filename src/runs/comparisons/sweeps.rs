//! Sweeps on disk: what they have chosen so far, what their runs have measured, and what is asked of one that another
//! program works at.
use super::{ComparisonFolder, column};
use crate::{
    disk,
    errors::At as _,
    experiment::{Cell, Ended, Experiment, Found, Members, Observed, Search},
    protocol::{Phase, RunId},
    runs::{Home, MOST_SPEC, RunFolder},
    spec::Catalog,
};
use anyhow::{Context as _, Result};
use std::{collections::BTreeMap, fmt::Write as _, fs};

const REQUEST: &str = "request.toml";
/// What a request to stop consists of.
const STOP: &str = "stop = true\n";

/// What another program wants of a sweep.
pub enum Request {
    /// Every run is saved and let go of.
    Stop,
    /// What it still has to do is changed.
    Revise(Box<Experiment>),
}

impl Home {
    /// The runs of a comparison, by their cells; where there are several of a cell, the one that has come furthest.
    pub fn entrants(
        &self,
        comparison: &str,
        experiment: &Experiment,
        catalog: &Catalog,
    ) -> BTreeMap<Cell, RunId> {
        let members = Members::new(experiment);
        let saved = |run: &RunId| self.folder(run).checkpoints().last().copied();
        let mut runs: BTreeMap<Cell, RunId> = BTreeMap::new();
        for run in self.list().unwrap_or_default() {
            let Ok(spec) = self.folder(&run).spec(catalog) else { continue };
            let is_member = spec.entrant.as_ref().is_some_and(|entrant| entrant.comparison == comparison);
            let Some(cell) = members.cell(&spec).filter(|_| is_member) else { continue };
            if runs.get(&cell).is_none_or(|other| saved(other) <= saved(&run)) {
                runs.insert(cell, run);
            }
        }
        runs
    }

    /// What the runs of a sweep have measured, as far as that can be read.
    pub fn found(&self, runs: &BTreeMap<Cell, RunId>, experiment: &Experiment, catalog: &Catalog) -> Found {
        let observed = |(cell, run): (&Cell, &RunId)| {
            Some((*cell, self.folder(run).observed(run, experiment, catalog).ok()?))
        };
        runs.iter().filter(|(cell, _)| matches!(cell, Cell::Arm { .. })).filter_map(observed).collect()
    }
}

impl ComparisonFolder {
    /// Writes what is compared again, such as with the trials that were chosen since.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, experiment: &Experiment, catalog: &Catalog) -> Result<()> {
        let path = self.path.join("comparison.toml");
        disk::replace(&path, experiment.to_toml(catalog).as_bytes())
            .map_err(|error| disk::unwritten("Could not write the comparison", &path, error))
    }

    /// A sweep that has more to do is not finished any more.
    ///
    /// # Errors
    /// Where the results cannot be removed.
    pub fn reopen_results(&self) -> Result<()> {
        let path = self.path.join("results.csv");
        if path.is_file() {
            fs::remove_file(&path).context("Could not go on with a finished sweep").at(&path)?;
        }
        Ok(())
    }

    /// Asks the program that works at a sweep for a change.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn request(&self, wanted: &Experiment, catalog: &Catalog) -> Result<()> {
        self.write_request(&wanted.to_toml(catalog))
    }

    /// Asks the program that works at it to stop.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn request_stop(&self) -> Result<()> {
        self.write_request(STOP)
    }

    fn write_request(&self, text: &str) -> Result<()> {
        let path = self.path.join(REQUEST);
        disk::replace(&path, text.as_bytes())
            .map_err(|error| disk::unwritten("Could not ask for the change", &path, error))
    }

    /// Takes what was asked for; whatever it is, it is asked for once.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn take_request(&self, catalog: &Catalog) -> Result<Option<Request>> {
        let path = self.path.join(REQUEST);
        if !path.is_file() {
            return Ok(None);
        }
        let text =
            disk::read_text(&path, MOST_SPEC).context("Could not read what is asked of a sweep").at(&path);
        fs::remove_file(&path).context("Could not take what is asked of a sweep").at(&path)?;
        let text = text?;
        if text == STOP {
            return Ok(Some(Request::Stop));
        }
        let wanted = Experiment::from_toml(&text, &[], catalog);
        let wanted = wanted.context("What is asked of a sweep cannot be used").at(&path)?;
        Ok(Some(Request::Revise(Box::new(wanted))))
    }

    /// Writes what every run of a sweep has come to.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_trials(&self, experiment: &Experiment, search: &Search, found: &Found) -> Result<()> {
        let axes = experiment.axes.iter().filter_map(|axis| Some(axis.settings.first()?.name()));
        let metric = format!("{}_{}", experiment.split.id(), experiment.metric.id);
        let header = ["trial"].into_iter().chain(axes).chain(["seed", "state", "step", "steps", &metric]);
        let mut text = header.collect::<Vec<_>>().join(",") + "\n";
        for (trial, settings) in search.drawn.iter().enumerate() {
            let state = experiment.standing(search, trial, found).id();
            for (cell, seed) in experiment.cells_of(trial).zip(&experiment.seeds) {
                write!(text, "{},", trial + 1)?;
                settings.iter().for_each(|setting| text.push_str(&column(setting)));
                let run = found.get(&cell);
                let [step, steps] = run.map_or([0; 2], |run| [run.step, run.steps]);
                let value =
                    run.and_then(|run| run.curve.last()).map_or(String::new(), |point| point[1].to_string());
                writeln!(text, "{seed},{state},{step},{steps},{value}")?;
            }
        }
        let path = self.path.join("results.csv");
        disk::replace(&path, text.as_bytes())
            .map_err(|error| disk::unwritten("Could not write the results", &path, error))
    }
}

impl RunFolder {
    /// What a run of a sweep has measured so far.
    ///
    /// # Errors
    /// Where its spec, its log or its metrics cannot be read.
    pub fn observed(&self, id: &RunId, experiment: &Experiment, catalog: &Catalog) -> Result<Observed> {
        let info = self.info(id, catalog)?;
        let mut curve = vec![];
        self.each_point(|point| {
            if (point.metric, point.split) == (experiment.metric.id, experiment.split) {
                curve.push([point.step as f64, point.value]);
            }
        })?;
        Ok(Observed {
            steps: info.progress.steps,
            step: info.progress.step,
            curve,
            ended: match info.phase {
                Phase::Finished => Some(Ended::Finished),
                Phase::Failed(_) => Some(Ended::Failed),
                _ => None,
            },
            secs: info.progress.elapsed_secs,
        })
    }
}
