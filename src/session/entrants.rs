//! Which runs belong to which comparison, and as what: kept up to date as runs come and go, so that no frame has to
//! look through all of them.
use crate::{
    experiment::{Cell, Experiment, Members},
    protocol::RunId,
    spec::RunSpec,
};
use std::{collections::BTreeMap, sync::Arc};

/// Runs by the comparison that their specs name, whether that is known or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entrants(BTreeMap<Arc<str>, Group>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    /// None before the comparison is known.
    members: Option<Members>,
    /// The runs, and their cells where they have one.
    cells: BTreeMap<RunId, Option<Cell>>,
}

impl Entrants {
    /// Takes in a run, or one that has changed.
    pub fn add(&mut self, id: &RunId, spec: &RunSpec) {
        let Some(entrant) = &spec.entrant else { return };
        let group = self.0.entry(entrant.comparison.as_str().into()).or_default();
        let cell = group.members.as_ref().and_then(|members| members.cell(spec));
        group.cells.insert(id.clone(), cell);
    }

    /// Forgets a run.
    pub fn remove(&mut self, id: &RunId, spec: &RunSpec) {
        let comparison = spec.entrant.as_ref().map(|entrant| entrant.comparison.as_str());
        if let Some(group) = comparison.and_then(|comparison| self.0.get_mut(comparison)) {
            group.cells.remove(id);
        }
    }

    /// Takes in what a comparison compares, or forgets it, and finds the places of its runs, whose specs `spec_of` gives.
    pub fn know<'a>(
        &mut self,
        comparison: &str,
        experiment: Option<&Experiment>,
        spec_of: impl Fn(&RunId) -> Option<&'a RunSpec>,
    ) {
        let group = self.0.entry(comparison.into()).or_default();
        group.members = experiment.map(Members::new);
        for (run, cell) in &mut group.cells {
            *cell = group.members.as_ref().and_then(|members| members.cell(spec_of(run)?));
        }
    }

    /// The place of a run in its comparison.
    pub fn cell(&self, id: &RunId, spec: &RunSpec) -> Option<Cell> {
        *self.0.get(spec.entrant.as_ref()?.comparison.as_str())?.cells.get(id)?
    }

    /// The runs of a comparison that have a place there.
    pub fn of(&self, comparison: &str) -> impl Iterator<Item = (Cell, &RunId)> {
        let cells = self.0.get(comparison).into_iter().flat_map(|group| &group.cells);
        cells.filter_map(|(run, cell)| Some(((*cell)?, run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::catalog, spec::Entrant};

    #[test]
    fn runs_and_comparisons_come_in_any_order() {
        let experiment = Experiment::of_run("first", &RunSpec::default(), &catalog()).unwrap();
        let spec = experiment.spec("c", Cell::Arm { race: 1, arm: 2 }, &|_| None);
        let other = RunSpec { seed: 77, ..spec.clone() };
        let specs = BTreeMap::from([(RunId::from("a"), spec.clone()), (RunId::from("b"), other)]);
        let before = |entrants: &mut Entrants| entrants.know("c", Some(&experiment), |run| specs.get(run));
        let runs = |entrants: &mut Entrants| specs.iter().for_each(|(run, spec)| entrants.add(run, spec));
        let (mut first, mut last) = (Entrants::default(), Entrants::default());
        before(&mut first);
        runs(&mut first);
        runs(&mut last);
        assert_eq!(last.cell(&"a".into(), &spec), None);
        before(&mut last);
        assert_eq!(first, last);
        assert_eq!(first.of("c").collect::<Vec<_>>(), [(Cell::Arm { race: 1, arm: 2 }, &RunId::from("a"))]);
        first.know("c", None, |run| specs.get(run));
        assert_eq!(first.of("c").count(), 0);
        last.remove(&"a".into(), &spec);
        assert_eq!(last.of("c").count(), 0);
        let elsewhere = Entrant { comparison: "d".into(), arm: "x".into() };
        assert_eq!(last.cell(&"a".into(), &RunSpec { entrant: Some(elsewhere), ..spec }), None);
    }
}
