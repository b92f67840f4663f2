//! Recipes as a person writes them: what they leave to the data set is filled in, and values that would do nothing are
//! refused. The folders of runs and comparisons are read without either.
use crate::{
    data,
    errors::message,
    experiment::Experiment,
    models,
    spec::{
        Catalog, FREEZE_STAGES, FRESH_STAGES, FieldError, KEEP_HEAD, Param, RunSpec, SELF_LABELS,
        SUITED_AUGMENTATION, Section, SpecError, UNFREEZE_EVERY, dotted,
    },
};
use toml::{Table, Value};

/// The recipe of a run. `overrides` are `key=value` pairs that win over the text.
///
/// # Errors
/// As [`RunSpec::from_toml`], where a value would do nothing, and where the data set cannot be looked at that the
/// augmentation is to suit.
pub fn run(text: &str, overrides: &[String], catalog: &Catalog) -> Result<RunSpec, SpecError> {
    let mut table = RunSpec::table(text, overrides, catalog)?;
    fill_in(&mut table, catalog)?;
    let spec = RunSpec::from_table(&table, catalog)?;
    let mut idle = beyond(&spec, catalog);
    idle.extend(unused(&spec, catalog));
    if idle.is_empty() { Ok(spec) } else { Err(SpecError(idle)) }
}

/// An experiment, of which each recipe is one of a run.
///
/// # Errors
/// As [`Experiment::from_toml`] and [`run`]; what one arm does without may be of use to another.
pub fn experiment(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Experiment, SpecError> {
    let mut table = Experiment::table(text, overrides, catalog)?;
    for (field, recipe) in recipes(&mut table) {
        fill_in(recipe, catalog).map_err(|error| SpecError(within(&field, error.0)))?;
    }
    let experiment = Experiment::from_table(&table, catalog)?;
    let mut idle = within("run", beyond(&experiment.base, catalog));
    for (place, recipe) in experiment.pretrain.iter().enumerate() {
        idle.extend(within(&format!("pretrain.{place}"), beyond(recipe, catalog)));
    }
    if idle.is_empty() { Ok(experiment) } else { Err(SpecError(idle)) }
}

/// The recipes in an experiment's table, and what they are called there.
fn recipes(table: &mut Table) -> Vec<(String, &mut Table)> {
    let (mut run, mut pretrain) = (None, None);
    for (key, value) in table.iter_mut() {
        match key.as_str() {
            "run" => run = value.as_table_mut(),
            "pretrain" => pretrain = value.as_array_mut(),
            _ => {}
        }
    }
    let pretrain = pretrain.into_iter().flatten().enumerate();
    let pretrain = pretrain.filter_map(|(i, recipe)| Some((format!("pretrain.{i}"), recipe.as_table_mut()?)));
    run.map(|run| ("run".to_owned(), run)).into_iter().chain(pretrain).collect()
}

fn within(field: &str, errors: Vec<FieldError>) -> Vec<FieldError> {
    let inside = |e: FieldError| FieldError::new(format!("{field}.{}", e.field), e.message);
    errors.into_iter().map(inside).collect()
}

/// Writes out the augmentation that suits the data set, where a recipe asks for that; values beside it win.
fn fill_in(recipe: &mut Table, catalog: &Catalog) -> Result<(), SpecError> {
    let section = Section::Augmentation.id();
    let id = recipe.get(section).and_then(|augmentation| augmentation.get("id"));
    if id.and_then(Value::as_str) != Some(SUITED_AUGMENTATION) {
        return Ok(());
    }
    let Some(Value::Table(mut augmentation)) = recipe.remove(section) else { return Ok(()) };
    let spec = RunSpec::from_table(recipe, catalog)?;
    let suited = data::suited_augmentation(&spec.dataset)
        .map_err(|error| SpecError(vec![FieldError::new(format!("{section}.id"), message(&error))]))?;
    augmentation.remove("id");
    for (key, value) in suited {
        augmentation.entry(key).or_insert(Value::Float(value));
    }
    recipe.insert(section.into(), augmentation.into());
    Ok(())
}

/// Values of `spec` that its components cannot take.
fn beyond(spec: &RunSpec, catalog: &Catalog) -> Vec<FieldError> {
    let mut errors = vec![];
    let dataset = spec.dataset.id.as_str();
    if spec.dataset.path.is_some() && !catalog.with_path.contains(&dataset) {
        let message = format!(
            "does nothing with dataset={dataset}, which is part of this program: add dataset=files, or leave it out"
        );
        errors.push(FieldError::new("dataset.path", message));
    }
    for param in [&FREEZE_STAGES, &FRESH_STAGES] {
        let stages = models::encoders::stages(&spec.encoder).unwrap_or(usize::MAX) as f64;
        let value = spec.training(param);
        if value > stages {
            let encoder = &spec.encoder.id;
            errors.push(training(param, format!("{value} is out of range: {encoder} has {stages} stages")));
        }
    }
    errors
}

/// Values of `spec` that do nothing beside the others.
fn unused(spec: &RunSpec, catalog: &Catalog) -> Vec<FieldError> {
    let objective = spec.objective.id.as_str();
    let is_fresh = spec.init_from.is_none();
    let without_source = "does nothing without init_from, the run that the network begins with";
    let learns_alone = format!("does nothing with objective={objective}, which learns without labels");
    let conditions = [
        (&FRESH_STAGES, is_fresh, without_source),
        (&KEEP_HEAD, is_fresh, without_source),
        (&UNFREEZE_EVERY, spec.training(&FREEZE_STAGES) == 0.0, "does nothing without freeze_stages"),
        (&SELF_LABELS, catalog.without_labels.contains(&objective), learns_alone.as_str()),
    ];
    let is_idle = |(param, idle, _): &(&Param, bool, &str)| *idle && spec.training(param) > 0.0;
    conditions.into_iter().filter(is_idle).map(|(param, _, message)| training(param, message)).collect()
}

fn training(param: &Param, message: impl Into<String>) -> FieldError {
    FieldError::new(dotted(Section::Training, param), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn read(text: &str, overrides: &[&str]) -> Result<RunSpec, String> {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        run(text, &overrides, &catalog()).map_err(|error| error.to_string())
    }

    fn refused(overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let spec = RunSpec::from_toml("", &overrides, &catalog()).unwrap();
        // what a run of before holds is read as it is
        assert!(RunSpec::from_toml(&spec.to_toml(&catalog()), &[], &catalog()).is_ok());
        run("", &overrides, &catalog()).map_err(|error| error.to_string()).err().unwrap_or_default()
    }

    #[test]
    fn values_that_do_nothing_are_refused_with_what_they_need() {
        for (overrides, message) in [
            (&["dataset.path=/a"][..], "dataset.path: does nothing with dataset=mnist"),
            (&["freeze_stages=99"], "training.freeze_stages: 99 is out of range: seed_cnn has 3 stages"),
            (&["freeze_stages=4", "encoder=mlp", "encoder.depth=2"], "mlp has 2 stages"),
            (&["fresh_stages=1"], "without init_from"),
            (&["keep_head=true"], "without init_from"),
            (&["unfreeze_every=10"], "without freeze_stages"),
            (&["self_labels=100", "objective=masked"], "objective=masked, which learns without labels"),
        ] {
            assert!(refused(overrides).contains(message), "{overrides:?}: {}", refused(overrides));
        }
        for fine in [
            &["dataset.path=/a", "dataset=files"][..],
            &["dataset.path=/a", "dataset=kmnist"],
            &["freeze_stages=3", "unfreeze_every=10"],
            &["fresh_stages=1", "keep_head=true", "init_from=a"],
            &["self_labels=100"],
        ] {
            assert_eq!(refused(fine), "", "{fine:?}");
        }
    }

    #[test]
    fn the_augmentation_can_be_set_as_a_whole_and_is_written_out() {
        let own = "[augmentation]\ngaussian_noise = 0.2";
        let suited = read(own, &["augmentation=recommended", "flip=0.25"]).unwrap();
        assert!(!suited.augmentation.contains_key("gaussian_noise") && suited.augmentation["rotation"] > 0.0);
        assert_eq!(suited.augmentation["flip"], 0.25);
        let back = read(&suited.to_toml(&catalog()), &[]).unwrap();
        assert!(suited.augmentation.iter().all(|(key, value)| back.augmentation[key] == *value));
        let photographs = read("", &["dataset=cifar10", "augmentation=recommended"]).unwrap();
        assert!(photographs.augmentation["flip"] > 0.0 && !photographs.augmentation.contains_key("rotation"));
        assert!(read(own, &["augmentation=none"]).unwrap().augmentation.is_empty());
        let error =
            read("", &["dataset=files", "dataset.path=/nowhere", "augmentation=recommended"]).unwrap_err();
        assert!(error.contains("There is nothing to be read here"), "{error}");
    }

    #[test]
    fn each_recipe_of_an_experiment_is_filled_in_and_checked() {
        let text = include_str!("../../configs/transfer_in_three_minutes.toml");
        let read = |pairs: &[&str]| {
            let pairs: Vec<String> = pairs.iter().map(ToString::to_string).collect();
            experiment(text, &pairs, &catalog()).map_err(|error| error.to_string())
        };
        let filled = read(&["run.augmentation=recommended", "pretrain.augmentation=recommended"]).unwrap();
        assert!(!filled.pretrain.is_empty());
        for recipe in filled.pretrain.iter().chain([&filled.base]) {
            assert_eq!(recipe.augmentation, data::suited_augmentation(&recipe.dataset).unwrap());
        }
        assert!(read(&["run.freeze_stages=99"]).unwrap_err().starts_with("run.training.freeze_stages: 99"));
        assert!(read(&["pretrain.fresh_stages=99"]).unwrap_err().starts_with("pretrain.0.training.fresh"));
    }
}
