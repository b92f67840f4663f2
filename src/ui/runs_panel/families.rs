//! The order of the list: each fork below the run that it goes on from, the family with the newest run first.
use crate::{protocol::RunId, session::Run};
use egui::{Stroke, Ui, UiBuilder, pos2};
use std::collections::{BTreeMap, BTreeSet};

/// How far a fork is moved to the right of its parent, in points.
const INDENT: f32 = 14.0;
/// Forks of forks of forks are moved no further.
const DEEPEST: usize = 3;

/// Runs and how many runs of the list each goes on from, out of runs with the newest first.
pub fn ordered<'a>(newest_first: &[&'a Run]) -> Vec<(&'a Run, usize)> {
    let listed: BTreeSet<&str> = newest_first.iter().map(|run| &*run.id).collect();
    let mut forks: BTreeMap<&str, Vec<&'a Run>> = BTreeMap::new();
    let mut roots = vec![];
    for run in newest_first {
        match run.spec.branch.as_ref().filter(|branch| listed.contains(branch.run.as_str())) {
            Some(branch) => forks.entry(branch.run.as_str()).or_default().push(run),
            None => roots.push(*run),
        }
    }
    if forks.is_empty() {
        return roots.into_iter().map(|run| (run, 0)).collect();
    }
    let mut families: Vec<Vec<(&Run, usize)>> = roots.into_iter().map(|root| family(root, &forks)).collect();
    families
        .sort_by_cached_key(|family| std::cmp::Reverse(family.iter().map(|(run, _)| run.id.clone()).max()));
    let mut found = families.concat();
    if found.len() < newest_first.len() {
        // files that were changed by hand may say that runs go on from each other
        let shown: BTreeSet<&RunId> = found.iter().map(|(run, _)| &run.id).collect();
        let left: Vec<_> = newest_first.iter().filter(|run| !shown.contains(&run.id)).collect();
        found.extend(left.into_iter().map(|run| (*run, 0)));
    }
    found
}

/// A run and its forks, each before its own.
fn family<'a>(root: &'a Run, forks: &BTreeMap<&str, Vec<&'a Run>>) -> Vec<(&'a Run, usize)> {
    let mut left = vec![(root, 0)];
    let mut found = vec![];
    while let Some((run, depth)) = left.pop() {
        found.push((run, depth));
        let own = forks.get(&*run.id).into_iter().flatten();
        left.extend(own.rev().map(|fork| (*fork, depth + 1)));
    }
    found
}

/// Draws an entry to the right of its parent's, with a line that leads to it.
pub fn beside<R>(ui: &mut Ui, depth: usize, add: impl FnOnce(&mut Ui) -> R) -> R {
    if depth == 0 {
        return add(ui);
    }
    let mut area = ui.available_rect_before_wrap();
    let left = area.left() + INDENT * (depth.min(DEEPEST) - 1) as f32 + 0.5 * INDENT;
    area.min.x = left + 0.5 * INDENT;
    let drawn = ui.scope_builder(UiBuilder::new().max_rect(area), add);
    let (top, middle) =
        (drawn.response.rect.top() - ui.spacing().item_spacing.y, drawn.response.rect.top() + 18.0);
    let stroke = Stroke::new(1.5, ui.visuals().weak_text_color());
    let corner = pos2(left, middle);
    ui.painter().line(vec![pos2(left, top), corner, pos2(area.left(), middle)], stroke);
    drawn.inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::{Event, Phase, Progress, RunInfo},
        session::State,
        spec::{Branch, LiveParams, RunSpec},
    };

    fn state(runs: &[(&str, Option<&str>)]) -> State {
        let mut state = State::default();
        for (id, parent) in runs {
            let branch = parent.map(|run| Branch { run: run.into(), step: Some(1) });
            state.apply(Event::Run(Box::new(RunInfo {
                id: RunId::from(*id),
                folder: "/".into(),
                spec: RunSpec { branch, ..RunSpec::default() },
                live: LiveParams::default(),
                phase: Phase::Stopped,
                remedy: None,
                saved: None,
                checkpoints: vec![],
                is_sketch: false,
                learns_from_drawings: true,
                changes: vec![],
                progress: Progress::default(),
                timing: vec![],
                class_names: [].into(),
                marks: Default::default(),
            })));
        }
        state
    }

    fn order(runs: &[(&str, Option<&str>)]) -> Vec<(String, usize)> {
        let state = state(runs);
        let newest_first: Vec<&Run> = state.runs.values().rev().collect();
        ordered(&newest_first).into_iter().map(|(run, depth)| (run.id.to_string(), depth)).collect()
    }

    #[test]
    fn forks_stand_below_what_they_go_on_from() {
        let of = |list: &[(&str, usize)]| -> Vec<(String, usize)> {
            list.iter().map(|(id, depth)| ((*id).into(), *depth)).collect()
        };
        assert_eq!(order(&[("1", None), ("2", None)]), of(&[("2", 0), ("1", 0)]));
        // 5 goes on from 3, which goes on from 1: their family is the newest
        let runs = [("1", None), ("2", Some("1")), ("3", Some("1")), ("4", None), ("5", Some("3"))];
        assert_eq!(order(&runs), of(&[("1", 0), ("3", 1), ("5", 2), ("2", 1), ("4", 0)]));
        // two that go on from each other, and one that goes on from itself
        let circle = [("1", Some("2")), ("2", Some("1")), ("3", Some("3")), ("4", None)];
        assert_eq!(order(&circle), of(&[("4", 0), ("3", 0), ("2", 0), ("1", 0)]));
        // the parent is gone
        assert_eq!(order(&[("1", Some("0")), ("2", None)]), of(&[("2", 0), ("1", 0)]));
    }
}
