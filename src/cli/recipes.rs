//! Recipes of runs and of comparisons, as files or presets, with what `--set` changes.
use super::output::program;
use crate::{
    disk,
    errors::{At as _, Place},
    experiment::{Experiment, is_several},
    nearest::suggestion,
    presets,
    session::{catalog, written},
    spec::{RunSpec, SpecError},
};
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use std::{
    io::{self, Read as _},
    path::Path,
};
use toml::Table;

/// In place of a file: standard input.
const STDIN: &str = "-";

/// # Errors
/// Where there is no such recipe, it is one of a comparison, or a value cannot be used or would do nothing.
pub fn run(config: &Path, set: &[String]) -> Result<RunSpec> {
    let text = text(config)?;
    ensure!(
        !Experiment::is_described_by(&text),
        "This is a comparison, not one run's recipe: {} compare {}",
        program(),
        config.display()
    );
    let read = |set: &[String]| written::run(&text, set, &catalog());
    read(set).map_err(|error| blamed(error, read(&[]).is_ok(), config))
}

/// The same by another name.
///
/// # Errors
/// As [`run`], and where the name is blank.
pub fn named(config: &Path, set: &[String], name: Option<String>) -> Result<RunSpec> {
    let mut spec = run(config, set)?;
    if let Some(name) = name {
        ensure!(!name.trim().is_empty(), "A name needs at least one letter");
        spec.name = name.trim().into();
    }
    Ok(spec)
}

/// # Errors
/// Where there is no such recipe, it is one of a single run, or a value cannot be used or would do nothing.
pub fn experiment(config: &Path, set: &[String]) -> Result<Experiment> {
    let text = text(config)?;
    let is_run = text.parse::<Table>().is_ok_and(|table| !table.contains_key("run"));
    let is_run = is_run && !Experiment::is_described_by(&text);
    ensure!(
        !is_run,
        "This is the recipe of one run, not a comparison: {} train {}",
        program(),
        config.display()
    );
    let read = |set: &[String]| written::experiment(&text, set, &catalog());
    read(set).map_err(|error| blamed(error, read(&[]).is_ok(), config))
}

/// A sweep: a recipe of one, or that of a run, in which `set` gives hyperparameters several values or a range. `options` are
/// pairs about the sweep itself, such as `search.trials=20`.
///
/// # Errors
/// As [`experiment`], and where nothing is varied.
pub fn sweep(config: &Path, set: &[String], options: &[String]) -> Result<Experiment> {
    let mut text = text(config)?;
    let of_runs = text.parse::<Table>().is_ok_and(|table| table.contains_key("run"));
    let is_of_a_run = !of_runs && !Experiment::is_described_by(&text);
    if is_of_a_run {
        // a text that is no TOML is refused as that of a run
        let run: Table = text.parse().or_else(|_| self::run(config, &[]).map(|_| Table::new()))?;
        let mut table = Table::new();
        let name = run.get("name").and_then(toml::Value::as_str).unwrap_or("Headstart");
        table.insert("name".into(), format!("Sweep of {name}").into());
        table.insert("seeds".into(), run.get("seed").cloned().unwrap_or(toml::Value::Integer(0)));
        table.insert("axes".into(), Table::new().into());
        table.insert("run".into(), run.into());
        text = table.to_string();
    }
    let pairs: Vec<String> = set.iter().map(|pair| of_sweep(pair)).chain(options.iter().cloned()).collect();
    let read = |pairs: &[String]| written::experiment(&text, pairs, &catalog());
    let is_fine = || if is_of_a_run { self::run(config, &[]).is_ok() } else { read(&[]).is_ok() };
    let varies = pairs.iter().any(|pair| pair.starts_with("axes.")) || !is_of_a_run;
    ensure!(
        varies,
        "Nothing is varied: give a hyperparameter several values or a range, such as --set learning_rate=0.0001..0.1:log"
    );
    read(&pairs).map_err(|error| blamed(error, is_fine(), config))
}

/// A pair for a sweep's table: several values are an axis, one changes the recipe that all runs share.
fn of_sweep(pair: &str) -> String {
    let Some((key, value)) = pair.split_once('=') else { return pair.into() };
    let own = ["run.", "axes.", "search.", "pretrain."];
    let key = key.trim();
    match key {
        "seeds" | "metric" | "split" | "control" | "name" => pair.into(),
        "seed" => format!("seeds={value}"),
        _ if own.iter().any(|part| key.starts_with(part)) => pair.into(),
        _ if is_several(value) => format!("axes.{key}={value}"),
        _ => format!("run.{key}={value}"),
    }
}

/// The text of a recipe: a file's, or, where there is none of that name, a preset's.
fn text(config: &Path) -> Result<String> {
    if let Some(preset) = preset(config) {
        return Ok(preset.text.into());
    }
    if config.as_os_str() == STDIN {
        return read_stdin().context("Could not read the recipe on standard input");
    }
    let known: Vec<_> = presets::ALL.iter().map(|preset| preset.id).collect();
    let typed = config.to_str().filter(|typed| !typed.contains(['/', '\\', '.'])).unwrap_or_default();
    ensure!(
        config.exists() || typed.is_empty(),
        "There is no file and no preset {typed}{}",
        suggestion(typed, &known)
    );
    let advice =
        || format!("Could not read the recipe: name a file, or one of the presets {}", known.join(", "));
    disk::read_text(config, disk::MOST_TEXT).with_context(advice).at(config)
}

fn preset(config: &Path) -> Option<&'static presets::Preset> {
    config.to_str().and_then(presets::find).filter(|_| !config.exists())
}

fn read_stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin().lock().take(disk::MOST_TEXT + 1).read_to_string(&mut text)?;
    ensure!(
        text.len() as u64 <= disk::MOST_TEXT,
        "it is larger than the {} that can be right",
        disk::size(disk::MOST_TEXT)
    );
    Ok(text)
}

/// An error names the recipe only where that is at fault, and not what `--set` says.
fn blamed(error: SpecError, recipe_is_fine: bool, config: &Path) -> Error {
    if recipe_is_fine {
        return anyhow!(error).context("What --set says cannot be used");
    }
    if config.as_os_str() == STDIN {
        return anyhow!(error).context("The recipe on standard input cannot be used");
    }
    let place = preset(config).map_or(config.into(), |preset| Place::Preset(preset.id.into()));
    anyhow!(error).context("The recipe cannot be used").at(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{errors::message, presets::Recipe};

    #[test]
    fn every_preset_is_taken_by_its_own_command_and_sent_there_by_the_other() {
        for preset in presets::ALL {
            let config = Path::new(preset.id);
            let (run, experiment) = (run(config, &[]), experiment(config, &[]));
            let (taken, sent, command) = match preset.recipe(&catalog()).unwrap() {
                Recipe::Run(_) => (run.err(), experiment.err(), "train"),
                Recipe::Experiment(_) => (experiment.err(), run.err(), "compare"),
            };
            assert!(taken.is_none(), "{}: {taken:?}", preset.id);
            assert!(sent.unwrap().to_string().ends_with(&format!(" {command} {}", preset.id)));
        }
    }

    #[test]
    fn errors_blame_what_is_at_fault() {
        let error = |config: &str, set: &[&str]| {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            message(&run(Path::new(config), &set).unwrap_err())
        };
        let of_set = error("mlp", &["momentum=0.9"]);
        assert!(
            of_set.contains("--set") && !of_set.contains("Preset") && !of_set.contains("File"),
            "{of_set}"
        );
        assert!(error("see_cnn", &[]).contains("did you mean seed_cnn?"));
        assert!(error("./nowhere.toml", &[]).contains("File: ./nowhere.toml"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "[optimizer]\nmomentum = 0.9").unwrap();
        let of_file = error(file.to_str().unwrap(), &["epochs=1"]);
        assert!(of_file.contains("optimizer=sgd") && of_file.contains("a.toml"), "{of_file}");
    }
}
