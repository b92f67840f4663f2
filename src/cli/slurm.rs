//! A sweep past one machine: its runs as a Slurm array, a round at a time. The folder is a home like any other, which the
//! jobs share; each job is `headstart train` or `headstart resume`.
use super::{
    Common, Outcome,
    output::{line, program},
    sweep,
};
use crate::{
    disk,
    errors::At as _,
    experiment::{Cell, Experiment, Found, Goal, Next, Search},
    protocol::{ComparisonId, Phase, RunId},
    runs::{ComparisonFolder, Home},
    session::catalog,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The most settings in one array where none waits for another.
const MOST_JOBS: usize = 256;

/// Begins a sweep whose runs are trained by jobs.
pub fn plan(mut experiment: Experiment, folder: &Path, common: &Common) -> Result<Outcome> {
    ensure!(
        experiment.pretrain.is_empty(),
        "Pretrain first, and let init_from name that run: jobs wait for nobody"
    );
    ensure!(
        experiment.arms.len() == 1,
        "A race is one machine's work, so that it is run in lock-step: plan a sweep"
    );
    let catalog = catalog();
    if experiment.search.is_none() {
        let axes = experiment.axes.clone();
        let search = Search::new(Search::default_kind(&axes), &axes);
        // nothing is learnt from the first before the others: they are one array
        experiment.search = Some(Search { at_once: search.trials.clamp(1, MOST_JOBS), ..search });
    }
    let folder = std::path::absolute(folder)?;
    let home = Home::open(folder.clone())?;
    ensure!(
        home.list_comparisons()?.is_empty(),
        "A sweep is planned there already: headstart sweep --gather {} goes on with it",
        folder.display()
    );
    let experiment = experiment.anchored();
    let (id, _) = home.create_comparison(&experiment, &catalog)?;
    round(&folder, &home, &id, experiment, common)
}

/// Goes on with one, by what its jobs have come to.
pub fn gather(folder: &Path, common: &Common) -> Result<Outcome> {
    ensure!(
        folder.join("comparisons").is_dir(),
        "Nothing is planned there: headstart sweep RECIPE --plan DIR begins"
    );
    let folder = std::path::absolute(folder)?;
    let (home, catalog) = (Home::open(folder.clone())?, catalog());
    let all = home.list_comparisons()?;
    let [id] = &all[..] else {
        anyhow::bail!("There must be just one sweep in the folder, and there are {}", all.len())
    };
    let experiment = home.comparison(id).read(&catalog)?;
    round(&folder, &home, id, experiment, common)
}

/// Says what there is, and writes what comes next.
fn round(
    folder: &Path,
    home: &Home,
    id: &ComparisonId,
    mut experiment: Experiment,
    common: &Common,
) -> Result<Outcome> {
    let catalog = catalog();
    let comparison = home.comparison(id);
    let _lock = comparison.lock()?;
    let runs = home.entrants(id, &experiment, &catalog);
    let found = home.found(&runs, &experiment, &catalog);
    let mut search = experiment.search.clone().context("The sweep has no search")?;
    if !search.drawn.is_empty() {
        sweep::show(id, &experiment, &search, &found, common.json);
    }
    let goals = loop {
        match experiment.next(&search, &found) {
            Next::Train(goals) => break goals,
            Next::Done => break vec![],
            Next::Draw(count) => {
                let drawn = experiment.draw(&search, &found, count);
                if drawn.is_empty() {
                    break vec![];
                }
                search.drawn.extend(drawn);
                experiment.search = Some(search.clone());
                comparison.write(&experiment, &catalog)?;
            }
        }
    };
    let at_work = |goal: &Goal| {
        let run = runs.get(&goal.cell)?;
        Some(home.folder(run).info(run, &catalog).ok()?.phase == Phase::Elsewhere)
    };
    let (busy, idle): (Vec<Goal>, Vec<Goal>) =
        goals.into_iter().partition(|goal| at_work(goal) == Some(true));
    if !busy.is_empty() {
        say(common, &json!({ "event": "at_work", "runs": busy.len() }), || {
            format!("{} runs are still at work: gather again once they have ended", busy.len())
        });
    }
    if idle.is_empty() {
        if busy.is_empty() {
            return end(&comparison, &experiment, &search, &found, common);
        }
        return Ok(Outcome::Done);
    }
    let script = write_round(folder, id, &experiment, &runs, &idle)?;
    say(common, &json!({ "event": "planned", "jobs": idle.len(), "script": script }), || {
        format!(
            "{} jobs are planned. Hand them over, and gather once they have ended:\n  sbatch {}\n  {} sweep --gather {}",
            idle.len(),
            quoted(&script.display().to_string()),
            program(),
            quoted(&folder.display().to_string())
        )
    });
    Ok(Outcome::Done)
}

fn end(
    comparison: &ComparisonFolder,
    experiment: &Experiment,
    search: &Search,
    found: &Found,
    common: &Common,
) -> Result<Outcome> {
    comparison.write_trials(experiment, search, found)?;
    say(common, &json!({ "event": "finished" }), || {
        "The sweep is done: there is nothing left to be tried".into()
    });
    Ok(Outcome::Done)
}

fn say(common: &Common, json: &serde_json::Value, text: impl Fn() -> String) {
    if common.json { line(json) } else { line(text()) }
}

/// Writes the specs of a round and the script of its array.
fn write_round(
    folder: &Path,
    id: &ComparisonId,
    experiment: &Experiment,
    runs: &BTreeMap<Cell, RunId>,
    goals: &[Goal],
) -> Result<PathBuf> {
    let rounds = folder.join("rounds");
    let number = (1..).find(|number| !rounds.join(format!("{number:03}")).exists()).unwrap_or(1);
    let round = rounds.join(format!("{number:03}"));
    fs::create_dir_all(&round).context("Could not make the folder of the round").at(&round)?;
    let mut cases = String::new();
    for (task, goal) in (1..).zip(goals) {
        let until = if goal.share < 1.0 { format!(" --until {}", goal.share) } else { String::new() };
        let what = match runs.get(&goal.cell) {
            Some(run) => format!("resume {run}"),
            None => {
                let path = round.join(format!("{task}.toml"));
                let spec = experiment.spec(id, goal.cell, &|_| None);
                disk::replace(&path, spec.to_toml(&catalog()).as_bytes())
                    .map_err(|error| disk::unwritten("Could not write a spec", &path, error))?;
                format!("train {}", quoted(&path.display().to_string()))
            }
        };
        writeln!(cases, "{task}) exec \"$HEADSTART\" {what}{until} --home \"$HEADSTART_HOME\" ;;")?;
    }
    let path = round.join("array.sh");
    let text = script(&experiment.name, &round, folder, goals.len(), &cases);
    disk::replace(&path, text.as_bytes())
        .map_err(|error| disk::unwritten("Could not write the script", &path, error))?;
    Ok(path)
}

/// What `sbatch` is given: options of the cluster, such as a partition or a time limit, are its own or added here.
fn script(name: &str, round: &Path, home: &Path, jobs: usize, cases: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || " -_.".contains(*c)).collect();
    let program = std::env::current_exe().map_or("headstart".into(), |path| path.display().to_string());
    format!(
        "#!/bin/bash\n#SBATCH --job-name={}\n#SBATCH --array=1-{jobs}\n#SBATCH --output={}/%a.log\n\
         # An interrupted job saves its run; gathering plans the rest of it again.\n\
         : \"${{HEADSTART:={program}}}\"\n\
         export HEADSTART_HOME={}\n\
         export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-1}}\"\n\
         case \"$SLURM_ARRAY_TASK_ID\" in\n{cases}\
         *) echo \"There is no task $SLURM_ARRAY_TASK_ID in this round\" >&2; exit 2 ;;\nesac\n",
        quoted(&name),
        round.display().to_string().replace(' ', "\\ "),
        quoted(&home.display().to_string()),
    )
}

/// A word of a shell's line.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if is_plain && !text.is_empty() { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_a_shell() {
        assert_eq!(quoted("/a/b-c_1.toml"), "/a/b-c_1.toml");
        assert_eq!(quoted("a b; rm -rf 'x'"), r"'a b; rm -rf '\''x'\'''");
        let text = script("it's; $(x)", Path::new("/r"), Path::new("/h o"), 3, "1) true ;;\n");
        assert!(text.contains("--job-name='its x'") && text.contains("HEADSTART_HOME='/h o'"), "{text}");
        assert!(text.contains("--array=1-3\n"));
    }
}
