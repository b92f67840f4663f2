//! A sweep carried on by runs whose figures are made up.
use super::*;
use crate::session::catalog;

pub fn searched(search: &str) -> Experiment {
    let text = format!(
        "
        name = 'A search'
        seeds = [1]
        search = {search}
        [axes]
        learning_rate = '0.0001..0.1 log'
        [run]
        training = {{ epochs = 9 }}
        "
    );
    Experiment::from_toml(&text, &[], &catalog()).unwrap()
}

fn cell(trial: usize) -> Cell {
    Cell::Arm { race: trial, arm: 0 }
}

/// A run of 90 steps that is validated every 10, as far as a goal.
fn train(found: &mut Found, goal: Goal, value: f64) {
    let step = (90.0 * goal.share / 10.0).ceil() as u64 * 10;
    let curve = (1..=step / 10).map(|at| [at as f64 * 10.0, value]).collect();
    let ended = (goal.share == 1.0).then_some(Ended::Finished);
    found.insert(goal.cell, Observed { steps: 90, step, curve, ended, secs: step as f64 });
}

/// Carries a sweep on until it is done; gives the experiment, what was found, and the steps that were trained.
fn carried_on(mut experiment: Experiment, mut found: Found) -> (Experiment, Found, u64) {
    loop {
        let search = experiment.search.clone().unwrap();
        match experiment.next(&search, &found) {
            Next::Done => break,
            Next::Draw(count) => {
                let drawn = experiment.draw(&search, &found, count);
                experiment.search.as_mut().unwrap().drawn.extend(drawn);
            }
            Next::Train(goals) => {
                for goal in goals {
                    let Cell::Arm { race, .. } = goal.cell else { panic!() };
                    train(&mut found, goal, worth(&experiment, race));
                }
            }
        }
    }
    let steps = found.values().map(|run| run.step).sum();
    (experiment, found, steps)
}

/// Best at a learning rate of 0.01.
fn worth(experiment: &Experiment, trial: usize) -> f64 {
    let Setting::Param(_, _, rate) = experiment.search.as_ref().unwrap().drawn[trial][0] else { panic!() };
    1.0 - (rate.log10() + 2.0).abs() / 3.0
}

#[test]
fn at_each_rung_the_best_third_goes_on() {
    let experiment = searched("{ kind = 'sobol', trials = 9, halving = 3, at_once = 9 }");
    assert_eq!(experiment.search.as_ref().unwrap().rungs(), [1.0 / 9.0, 1.0 / 3.0, 1.0]);
    let (experiment, found, steps) = carried_on(experiment, Found::new());
    let search = experiment.search.as_ref().unwrap();
    assert_eq!(steps, 6 * 10 + 2 * 30 + 90, "and not 9 × 90");
    let standings: Vec<Standing> = (0..9).map(|trial| experiment.standing(search, trial, &found)).collect();
    assert_eq!(standings.iter().filter(|standing| **standing == Standing::StoppedEarly).count(), 8);
    let best = standings.iter().position(|standing| *standing == Standing::Finished).unwrap();
    assert!((0..9).all(|trial| worth(&experiment, trial) <= worth(&experiment, best)));
    assert_eq!(experiment.ranked(search, &found)[0], best);
}

#[test]
fn a_sweep_that_is_stopped_anywhere_goes_on_to_the_same_trials() {
    let experiment = searched("{ trials = 27, halving = 3, at_once = 9 }");
    let (whole, found, _) = carried_on(experiment, Found::new());
    let drawn = |experiment: &Experiment| experiment.search.as_ref().unwrap().drawn.clone();
    assert_eq!(drawn(&whole).len(), 27);
    // stopped after the first group, and amid the second
    for kept in [9, 18] {
        let mut cut = whole.clone();
        cut.search.as_mut().unwrap().drawn.truncate(kept);
        let mut some: Found = found.clone();
        some.retain(|run, _| *run < cell(kept));
        for trial in 10..kept {
            some.insert(cell(trial), Observed { steps: 90, ..Observed::default() });
        }
        let (after, ..) = carried_on(cut, some);
        assert_eq!(drawn(&after), drawn(&whole), "{kept}");
    }
}

#[test]
fn what_failed_or_is_skipped_holds_nobody_up() {
    let mut experiment = searched("{ kind = 'random', trials = 4, at_once = 4 }");
    let search = experiment.search.clone().unwrap();
    let Next::Draw(4) = experiment.next(&search, &Found::new()) else { panic!() };
    let drawn = experiment.draw(&search, &Found::new(), 4);
    experiment.search.as_mut().unwrap().drawn = drawn;
    experiment.search.as_mut().unwrap().skipped.insert(2);
    let search = experiment.search.clone().unwrap();
    let mut found = Found::new();
    found.insert(cell(0), Observed { ended: Some(Ended::Failed), ..Observed::default() });
    let Next::Train(goals) = experiment.next(&search, &found) else { panic!() };
    assert_eq!(goals.iter().map(|goal| goal.cell).collect::<Vec<_>>(), [cell(1), cell(3)]);
    goals.into_iter().for_each(|goal| train(&mut found, goal, 0.5));
    assert_eq!(experiment.next(&search, &found), Next::Done);
    let standings = [0, 1, 2, 3].map(|trial| experiment.standing(&search, trial, &found));
    assert_eq!(standings, [Standing::Failed, Standing::Finished, Standing::Skipped, Standing::Finished]);
}

#[test]
fn minutes_end_a_sweep_and_more_trials_go_on_with_it() {
    let (mut experiment, found, _) =
        carried_on(searched("{ kind = 'random', trials = 100, minutes = 5, at_once = 2 }"), Found::new());
    // 90 s each: four trials are six minutes
    assert_eq!(experiment.search.as_ref().unwrap().drawn.len(), 4);
    let search = experiment.search.as_mut().unwrap();
    (search.minutes, search.trials) = (None, 6);
    let (experiment, ..) = carried_on(experiment, found);
    assert_eq!(experiment.search.unwrap().drawn.len(), 6);
}

#[test]
fn what_was_stopped_early_and_gone_on_with_counts() {
    let experiment = searched("{ kind = 'sobol', trials = 9, halving = 3, at_once = 9 }");
    let (experiment, mut found, _) = carried_on(experiment, Found::new());
    let search = experiment.search.as_ref().unwrap();
    let loser = *experiment.ranked(search, &found).last().unwrap();
    train(&mut found, Goal { cell: cell(loser), share: 1.0 }, 2.0);
    assert_eq!(experiment.standing(search, loser, &found), Standing::Finished);
    assert_eq!(experiment.ranked(search, &found)[0], loser);
    assert_eq!(experiment.next(search, &found), Next::Done);
}
