//! `sweep` and `revise`: many settings of one recipe, what they came to, and changes to what is still to be tried.
use super::{
    Common, Outcome, compare, open,
    output::{line, percent, program},
    recipes, slurm,
};
use crate::{
    experiment::{Axis, Experiment, Found, Importance, Search, Setting, Share, Standing, search::find},
    metrics::Unit,
    protocol::Command,
    runs::Home,
    session::catalog,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The most settings that are listed.
const LISTED: usize = 12;

/// Try many settings of a recipe, and say which is best and what made it so
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Several values: --set batch_size=16,32,64. A range: --set conv_dropout=0..0.5, or over orders of \
    magnitude --set learning_rate=0.0001..0.1:log; a third part divides it, as in 0.0001..0.1:log:4.\nA single value \
    changes the recipe for all runs. Validation examples alone decide."
)]
pub struct Sweep {
    /// A recipe of a run or of a sweep, or the name of a preset
    #[arg(value_name = "RECIPE", required_unless_present_any = ["gather", "results"])]
    config: Option<PathBuf>,
    /// What is varied, and what is changed for all runs; may be repeated
    #[arg(long, value_name = "KEY=VALUES")]
    set: Vec<String>,
    #[command(flatten)]
    budget: Budget,
    /// The seeds that every setting is trained with, such as 1,2,3
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Stop the hopeless early: of so many settings that race, one goes on at each look [for example 3]
    #[arg(long, value_name = "COUNT")]
    halving: Option<u64>,
    /// How many settings race side by side [default: 4, or the square of --halving]
    #[arg(long, value_name = "COUNT")]
    at_once: Option<u64>,
    /// Write the runs as a Slurm array for other machines into this folder, instead of training them here
    #[arg(long, value_name = "DIR", conflicts_with = "gather")]
    plan: Option<PathBuf>,
    /// Read back what the jobs of a planned sweep have come to, and write the next round
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    gather: Option<PathBuf>,
    /// Say what a sweep has found so far
    #[arg(long, value_name = "SWEEP", conflicts_with_all = ["config", "gather"])]
    results: Option<String>,
}

/// How trials are chosen, and how many.
#[derive(clap::Args, Debug)]
pub struct Budget {
    /// How settings are chosen: grid, random, sobol or tpe [default: tpe, or grid where there is no range]
    #[arg(long, value_name = "KIND")]
    search: Option<String>,
    /// So many settings at most
    #[arg(long, value_name = "COUNT")]
    trials: Option<u64>,
    /// No further setting once the runs have trained for so long in all
    #[arg(long, value_name = "MINUTES")]
    minutes: Option<f64>,
}

/// Change what a sweep has still to do, here or in the program that works at it
#[derive(clap::Args, Debug)]
pub struct Revise {
    /// Its folder, or a unique beginning of its name
    sweep: String,
    #[command(flatten)]
    budget: Budget,
    /// Other values or another range of what it varies; may be repeated
    #[arg(long, value_name = "KEY=VALUES")]
    set: Vec<String>,
    /// Give up on a setting, by its number; may be repeated
    #[arg(long, value_name = "TRIAL")]
    skip: Vec<usize>,
    /// Stop it; headstart resume goes on with it
    #[arg(long)]
    stop: bool,
}

pub fn sweep(args: &Sweep, common: &Common) -> Result<Outcome> {
    if let Some(folder) = &args.gather {
        return slurm::gather(folder, common);
    }
    if let Some(name) = &args.results {
        return results(name, common);
    }
    let config = args.config.as_ref().context("Name a recipe")?;
    let experiment = recipes::sweep(config, &args.set, &options(args))?;
    if let Some(folder) = &args.plan {
        return slurm::plan(experiment, folder, common);
    }
    let mut session = open(common)?;
    session.send(Command::Compare(Box::new(experiment)));
    compare::follow(session, common)
}

/// The options as `key=value` pairs of a sweep's recipe.
fn options(args: &Sweep) -> Vec<String> {
    let Budget { search, trials, minutes } = &args.budget;
    let text = |key: &str, value: Option<String>| value.map(|value| format!("{key}={value}"));
    [
        text("search.kind", search.clone()),
        text("search.trials", trials.map(|trials| trials.to_string())),
        text("search.minutes", minutes.map(|minutes| minutes.to_string())),
        text("search.halving", args.halving.map(|halving| halving.to_string())),
        text("search.at_once", args.at_once.map(|at_once| at_once.to_string())),
        text("seeds", args.seeds.as_ref().map(|seeds| format!("[{seeds}]"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub fn revise(args: &Revise, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let id = home.find_comparison(&args.sweep)?;
    let folder = home.comparison(&id);
    let is_at_work = folder.is_at_work();
    if args.stop {
        ensure!(is_at_work, "No program works at {id}");
        folder.request_stop()?;
        line(format!("Asked to stop: {} resume {id} goes on with it", program()));
        return Ok(Outcome::Done);
    }
    let catalog = catalog();
    let own = folder.read(&catalog)?;
    let wanted = wanted(&own, args)?;
    let revised = own.revised(&wanted, &catalog).map_err(|text| anyhow!(text))?;
    if is_at_work {
        folder.request(&wanted, &catalog)?;
        line("The program that works at it takes the change over within seconds");
        return Ok(Outcome::Done);
    }
    let _lock = folder.lock()?;
    folder.write(&revised, &catalog)?;
    folder.reopen_results()?;
    line(format!("Changed: {} resume {id} goes on with it", program()));
    Ok(Outcome::Done)
}

/// A sweep as the options would have it.
fn wanted(own: &Experiment, args: &Revise) -> Result<Experiment> {
    let mut wanted = own.clone();
    for pair in &args.set {
        let (key, values) = pair.split_once('=').context("Write --set KEY=VALUES")?;
        wanted.vary(key.trim(), values, &catalog()).map_err(|wrong| anyhow!(wrong.to_string()))?;
    }
    let search = wanted.search.as_mut().context("Only a sweep with a search can be changed")?;
    if let Some(kind) = &args.budget.search {
        search.kind = find(kind)?.info.id;
    }
    search.trials = args.budget.trials.map_or(search.trials, |trials| trials as usize);
    search.minutes = args.budget.minutes.or(search.minutes);
    for trial in &args.skip {
        let tried = search.drawn.len();
        ensure!(
            (1..=tried).contains(trial),
            "There is no trial {trial}: they are numbered from 1 to {tried}"
        );
        search.skipped.insert(trial - 1);
    }
    Ok(wanted)
}

fn results(name: &str, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let (id, catalog) = (home.find_comparison(name)?, catalog());
    let experiment = home.comparison(&id).read(&catalog)?;
    let Some(search) = &experiment.search else {
        anyhow::bail!("{id} has no search: {} resume {id} says what it found", program());
    };
    let found = home.found(&home.entrants(&id, &experiment, &catalog), &experiment, &catalog);
    show(&id, &experiment, search, &found, common.json);
    Ok(Outcome::Done)
}

/// Prints what a sweep has found.
pub fn show(id: &str, experiment: &Experiment, search: &Search, found: &Found, json: bool) {
    if json {
        return line(as_json(id, experiment, search, found));
    }
    line(format!("\n{} of {} settings", experiment.measured(), search.drawn.len()));
    let ranked = experiment.ranked(search, found);
    for trial in ranked.iter().take(LISTED) {
        line(row(experiment, search, found, *trial));
    }
    if ranked.len() > LISTED {
        line(format!("  … and {} more: results.csv has all", ranked.len() - LISTED));
    }
    line("");
    importance(experiment, search, found).iter().for_each(line);
    experiment.said_of_sweep(search, found).iter().for_each(line);
}

/// How much each hyperparameter matters, a line each, or why that cannot be said.
fn importance(experiment: &Experiment, search: &Search, found: &Found) -> Vec<String> {
    match experiment.importance(search, found) {
        Importance::TooFew { trials, needed } => {
            vec![format!("What matters is said once {needed} settings have a figure: {trials} have one.\n")]
        }
        Importance::Unclear => {
            vec![
                "The figures do not show that any of the hyperparameters matters within these ranges.\n"
                    .into(),
            ]
        }
        Importance::Known { shares, after, trials } => {
            let after = if after < 1.0 {
                format!(" after {:.0} % of the training", 100.0 * after)
            } else {
                String::new()
            };
            let head = format!(
                "How much of the differences between {trials} settings{after} each explains by itself (in brackets, where nine of ten resamples lie):"
            );
            let row = |(axis, share): (&Axis, &Share)| {
                let [low, high] = share.interval.map(|end| 100.0 * end);
                let title = axis.settings[0].title();
                format!("  {:>3.0} % ({low:.0} to {high:.0})  {title}", 100.0 * share.mean)
            };
            let rows = experiment.axes.iter().zip(&shares).map(row);
            [head].into_iter().chain(rows).chain([String::new()]).collect()
        }
    }
}

/// "  12.34 %  trial 3: learning rate 0.01 (stopped early after 11 %)".
pub fn row(experiment: &Experiment, search: &Search, found: &Found, trial: usize) -> String {
    let figure = experiment.figure(search, trial, found);
    let value = figure.map_or("–".into(), |figure| written(experiment, figure.value));
    let after = figure.map_or(String::new(), |figure| format!(" after {:.0} %", 100.0 * figure.share));
    let state = match experiment.standing(search, trial, found) {
        Standing::Finished => String::new(),
        Standing::StoppedEarly => format!(" (stopped early{after})"),
        Standing::Racing => format!(" (under way{after})"),
        Standing::Failed => " (failed)".into(),
        Standing::Skipped => " (skipped)".into(),
    };
    format!("  {value:<9} trial {}: {}{state}", trial + 1, experiment.point_label(trial))
}

fn written(experiment: &Experiment, value: f64) -> String {
    match experiment.metric.unit {
        Unit::Share => percent(value),
        Unit::Number => format!("{value:.4}"),
    }
}

fn as_json(id: &str, experiment: &Experiment, search: &Search, found: &Found) -> Value {
    let metric = format!("{}_{}", experiment.split.id(), experiment.metric.id);
    let trial = |trial: usize| {
        let figure = experiment.figure(search, trial, found);
        let settings: serde_json::Map<String, Value> =
            search.drawn[trial].iter().map(|setting| (setting.key(), setting_json(setting))).collect();
        json!({
            "trial": trial + 1, "settings": settings, "state": experiment.standing(search, trial, found).id(),
            &metric: figure.map(|figure| figure.value), "share_trained": figure.map(|figure| figure.share),
        })
    };
    let importance = match experiment.importance(search, found) {
        Importance::Known { shares, .. } => experiment
            .axes
            .iter()
            .zip(shares)
            .map(|(axis, share)| {
                json!({ "key": axis.settings[0].key(), "share": share.mean, "interval": share.interval })
            })
            .collect(),
        _ => vec![],
    };
    json!({
        "importance": importance, "conclusions": experiment.said_of_sweep(search, found),
        "event": "sweep", "comparison": id, "kind": search.kind,
        "trials": (0..search.drawn.len()).map(trial).collect::<Vec<_>>(),
        "ranked": experiment.ranked(search, found).iter().map(|trial| trial + 1).collect::<Vec<_>>(),
    })
}

/// The value of a setting as a number, a switch or a text.
pub fn setting_json(setting: &Setting) -> Value {
    match setting.value() {
        toml::Value::Integer(number) => json!(number),
        toml::Value::Float(number) => json!(number),
        toml::Value::Boolean(on) => json!(on),
        other => json!(other.as_str()),
    }
}
