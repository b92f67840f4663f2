//! How far a comparison is, and how long it will still take.
use super::Entrants;
use crate::{
    experiment::{Cell, Search},
    protocol::{ComparisonInfo, Phase},
    session::Run,
    ui::widgets::duration,
};

/// The share of a comparison's runs that are done, and where it stands in words.
pub fn stand(info: &ComparisonInfo, entrants: &Entrants<'_>) -> (f32, String) {
    let has_begun = entrants.keys().any(|cell| matches!(cell, Cell::Arm { .. }));
    if let Some(search) =
        info.experiment.search.as_ref().filter(|_| has_begun || info.experiment.pretrain.is_empty())
    {
        return sweep(search, entrants);
    }
    let rounds = info.experiment.rounds();
    let of = |round: usize| -> Vec<&Run> {
        rounds[round].iter().filter_map(|cell| entrants.get(cell).copied()).collect()
    };
    let is_done = |round: usize| {
        let finished = of(round).into_iter().filter(|run| run.phase == Phase::Finished);
        finished.count() == rounds[round].len()
    };
    let done = (0..rounds.len()).take_while(|round| is_done(*round)).count();
    if done == rounds.len() {
        return (1.0, "All races have ended".into());
    }
    let (current, size) = (of(done), rounds[done].len());
    let share = |run: &&Run| run.progress.step as f32 / run.progress.steps.max(1) as f32;
    let within = current.iter().map(share).sum::<f32>() / size as f32;
    let pretrainings = info.experiment.pretrain.len();
    let races = rounds.len() - pretrainings;
    let left = if current.len() == size { secs_left(&current) } else { None };
    let text = if done < pretrainings {
        let left = left.map_or(String::new(), |left| format!(": {} of training left", duration(left)));
        format!("{}{left}, then {races} races", info.experiment.pretrain[done].name)
    } else {
        let ended: Vec<f64> = (pretrainings..done).map(|round| secs_taken(&of(round))).collect();
        let left = left.map(|left| races_left(&ended, secs_taken(&current), left, rounds.len() - done - 1));
        let left = left.map_or(String::new(), |left| format!(" · {} of training left", duration(left)));
        format!("Race {} of {races}{left}", done - pretrainings + 1)
    };
    ((done as f32 + within) / rounds.len() as f32, text)
}

/// Of a sweep: the group of settings that race now, among all that are to be tried.
fn sweep(search: &Search, entrants: &Entrants<'_>) -> (f32, String) {
    let (tried, at_once) = (search.drawn.len(), search.at_once.max(1));
    if tried == 0 {
        return (0.0, "The first settings are being chosen".into());
    }
    let before = tried.saturating_sub(1) / at_once * at_once;
    let racing: Vec<f32> = entrants
        .values()
        .filter(|run| run.phase.is_active())
        .map(|run| run.progress.step as f32 / run.progress.steps.max(1) as f32)
        .collect();
    let within = if racing.is_empty() { 0.0 } else { racing.iter().sum::<f32>() / racing.len() as f32 };
    let share = (before as f32 + (tried - before) as f32 * within) / search.trials.max(1) as f32;
    (share.min(1.0), format!("Settings {} to {tried} of {}", before + 1, search.trials.max(tried)))
}

/// Seconds that runs have trained, in all.
fn secs_taken(runs: &[&Run]) -> f64 {
    runs.iter().map(|run| run.progress.elapsed_secs).sum()
}

/// Seconds that runs will still train, in all, once the pace of each is known.
fn secs_left(runs: &[&Run]) -> Option<f64> {
    runs.iter().map(|run| run.secs_left()).sum()
}

/// Seconds of training that are left of a race under way and of those to come, each of which will take as long as the
/// others on average: those that have `ended`, and the one under way.
fn races_left(ended: &[f64], taken: f64, left: f64, to_come: usize) -> f64 {
    let one = (ended.iter().sum::<f64>() + taken + left) / (ended.len() + 1) as f64;
    left + one * to_come as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_race_says_how_long_the_other_nine_will_take() {
        assert_eq!(races_left(&[], 20.0, 40.0, 9), 40.0 + 9.0 * 60.0);
    }

    #[test]
    fn later_races_count_those_that_have_ended() {
        assert_eq!(races_left(&[50.0, 70.0], 30.0, 30.0, 2), 30.0 + 2.0 * 60.0);
        assert_eq!(races_left(&[50.0], 70.0, 0.0, 0), 0.0, "the end of the last one");
    }
}
