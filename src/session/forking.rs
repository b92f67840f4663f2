//! Specs that begin where another run is, or do what was done to it.
use crate::{
    protocol::RunId,
    spec::{Branch, Catalog, Change, LiveParams, RunSpec, script::script},
};

/// The spec of a fork that changes nothing: it goes on from a step of a run, whose live hyperparameters are `live` there. No
/// step means where the run is now.
pub fn forked(
    parent: &RunSpec,
    live: &LiveParams,
    run: &RunId,
    step: Option<u64>,
    catalog: &Catalog,
) -> RunSpec {
    let branch = Branch { run: run.to_string(), step };
    let name = format!("{} (fork)", parent.name.trim_end_matches(" (fork)"));
    let mut spec = RunSpec { name, branch: Some(branch), shipped: None, entrant: None, ..parent.clone() };
    spec.set_live(live, catalog);
    spec
}

/// The spec of a run that is trained as another one was, with the `changes` that were made to it in its first `step` steps,
/// and those that it plans after that. What was changed before its first step are values to begin with.
pub fn replayed(spec: &RunSpec, changes: &[Change], step: u64, catalog: &Catalog) -> RunSpec {
    let began = spec.branch.as_ref().and_then(|branch| branch.step).unwrap_or(0);
    let mut first = catalog.live_params(spec);
    let before = changes.iter().filter(|change| change.step <= began);
    before.for_each(|change| first.set_key(&change.key, change.to));
    let made: Vec<Change> =
        changes.iter().filter(|change| change.step > began && change.step <= step).cloned().collect();
    let planned = spec.changes.iter().filter(|planned| planned.step > step).cloned();
    let changes = script(&made).into_iter().chain(planned).collect();
    let mut replay = RunSpec { changes, shipped: None, entrant: None, ..spec.clone() };
    replay.set_live(&first, catalog);
    replay
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::LEARNING_RATE,
        session::catalog,
        spec::{Planned, Section},
    };

    #[test]
    fn a_fork_begins_with_the_live_values_and_one_name() {
        let (catalog, parent) = (catalog(), RunSpec::default());
        let mut live = catalog.live_params(&parent);
        live.set(Section::Optimizer, &LEARNING_RATE, 0.5);
        let fork = forked(&parent, &live, &"a".into(), Some(9), &catalog);
        assert_eq!(
            (fork.get(Section::Optimizer, &LEARNING_RATE), fork.name.as_str()),
            (0.5, "Seed CNN (fork)")
        );
        assert_eq!(fork.branch.as_ref().unwrap().to_string(), "a@9");
        assert_eq!(forked(&fork, &live, &"b".into(), None, &catalog).name, fork.name);
    }

    #[test]
    fn a_replay_has_what_was_done_and_what_was_still_planned() {
        let key = "optimizer.learning_rate";
        let values = |to| LiveParams::from_iter([(key.to_owned(), to)]);
        let plan = |step, to| Planned { step, values: values(to) };
        let spec = RunSpec { changes: vec![plan(3, 0.3), plan(9, 0.9)], ..RunSpec::default() };
        let change = |step, to| Change { step, key: key.into(), from: 0.0, to };
        let made = [change(0, 0.1), change(3, 0.3), change(4, 0.4)];
        let replay = replayed(&spec, &made, 6, &catalog());
        assert_eq!(replay.changes, [plan(3, 0.3), plan(4, 0.4), plan(9, 0.9)]);
        assert_eq!(
            replay.get(Section::Optimizer, &LEARNING_RATE),
            0.1,
            "it begins with what was set before step 1"
        );
        let branch = Some(Branch { run: "a".into(), step: Some(3) });
        let fork = replayed(&RunSpec { branch, ..spec }, &made, 6, &catalog());
        assert_eq!(fork.changes, [plan(4, 0.4), plan(9, 0.9)]);
        assert_eq!(fork.get(Section::Optimizer, &LEARNING_RATE), 0.3);
    }
}
