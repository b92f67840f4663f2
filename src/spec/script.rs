//! Live changes that are planned before a run begins: `[[changes]]` in a recipe.
//!
//! ```toml
//! [[changes]]
//! step = 1000
//! learning_rate = 0.0003
//! conv_dropout = 0.5
//! ```
use super::{
    Catalog, Change, FieldError, LiveParams, RunSpec, dotted, reader::param_value, toml::written_value,
};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The most steps of a script: more than a person makes in a day, dragging a slider.
const MOST: usize = 10_000;

/// The values that some live hyperparameters get at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Steps done when they change, from 1: the next step is the first with the new values.
    pub step: u64,
    /// The values from then on; others stay as they are.
    pub values: LiveParams,
}

/// Changes that were made to a run after its first step, as the script of another one that is to make them again.
pub fn script(changes: &[Change]) -> Vec<Planned> {
    let mut steps: BTreeMap<u64, LiveParams> = BTreeMap::new();
    for Change { step, key, to, .. } in changes {
        steps.entry(*step).or_default().set_key(key, *to);
    }
    steps.into_iter().map(|(step, values)| Planned { step, values }).collect()
}

/// What is wrong with the script of a spec.
pub(super) fn validate(spec: &RunSpec, catalog: &Catalog) -> Vec<FieldError> {
    let mut errors = vec![];
    if spec.changes.len() > MOST {
        let message = format!("{} steps are too many: plan at most {MOST}", spec.changes.len());
        errors.push(FieldError::new("changes", message));
    }
    if spec.changes.windows(2).any(|pair| pair[0].step >= pair[1].step) {
        errors.push(FieldError::new("changes", "must be in the order of their steps, and each step once"));
    }
    for Planned { step, values } in &spec.changes {
        let field = |key: &str| format!("changes.{key} at step {step}");
        if *step == 0 {
            errors.push(FieldError::new("changes.step", "begins with 1: step 0 has the recipe's own values"));
        }
        for (key, value) in values.iter() {
            let param =
                catalog.params(spec).find(|(section, param)| param.live && dotted(*section, param) == key);
            let wrong = match param {
                Some((_, param)) => param.check(value),
                None => Some("is nothing that this run can change while it trains".into()),
            };
            errors.extend(wrong.map(|wrong| FieldError::new(field(key), wrong)));
        }
    }
    errors
}

/// Reads `[[changes]]`, whose keys may be alone where they are clear, as with `--set`.
///
/// # Errors
/// Everything that is wrong with it; values are not checked.
pub(super) fn read(
    value: &Value,
    spec: &RunSpec,
    catalog: &Catalog,
) -> Result<Vec<Planned>, Vec<FieldError>> {
    let form =
        || vec![FieldError::new("changes", "must be a list: write [[changes]] above a step and its values")];
    let tables: Vec<&Table> =
        value.as_array().and_then(|all| all.iter().map(Value::as_table).collect()).ok_or_else(form)?;
    let mut errors = vec![];
    let mut script: Vec<Planned> =
        tables.into_iter().filter_map(|table| planned(table, spec, catalog, &mut errors)).collect();
    script.sort_by_key(|planned| planned.step);
    if errors.is_empty() { Ok(script) } else { Err(errors) }
}

fn planned(
    table: &Table,
    spec: &RunSpec,
    catalog: &Catalog,
    errors: &mut Vec<FieldError>,
) -> Option<Planned> {
    let step = table.get("step").and_then(Value::as_integer).and_then(|step| u64::try_from(step).ok());
    let Some(step) = step else {
        errors.push(FieldError::new("changes.step", "must be a whole number of steps"));
        return None;
    };
    let mut values = LiveParams::default();
    for (key, value) in table.iter().filter(|(key, _)| *key != "step") {
        match live_value(key, value, spec, catalog) {
            Ok((key, number)) => values.set_key(&key, number),
            Err(wrong) => errors.push(FieldError::new(format!("changes.{key}"), wrong)),
        }
    }
    Some(Planned { step, values })
}

fn live_value(key: &str, value: &Value, spec: &RunSpec, catalog: &Catalog) -> Result<(String, f64), String> {
    let live: Vec<_> = catalog.params(spec).filter(|(_, param)| param.live).collect();
    let means = |(section, param): &&(_, &super::Param)| param.key == key || dotted(*section, param) == key;
    let found: Vec<_> = live.iter().filter(means).collect();
    let all = || live.iter().map(|(section, param)| dotted(*section, param)).collect::<Vec<_>>().join(", ");
    match found[..] {
        [(section, param)] => Ok((dotted(*section, param), param_value(param, value)?)),
        [] => Err(format!("is nothing that this run can change while it trains: choose from {}", all())),
        _ => Err(format!("could be several: write one of {}", all())),
    }
}

/// As it stands in a spec.
pub(super) fn to_value(spec: &RunSpec, catalog: &Catalog) -> Value {
    let table = |Planned { step, values }: &Planned| {
        let mut table = Table::new();
        table.insert("step".into(), Value::Integer(i64::try_from(*step).unwrap_or(i64::MAX)));
        for (key, value) in values.iter() {
            let param = catalog.params(spec).find(|(section, param)| dotted(*section, param) == key);
            let written = param.map_or(Value::Float(value), |(_, param)| written_value(param, value));
            table.insert(key.into(), written);
        }
        Value::Table(table)
    };
    Value::Array(spec.changes.iter().map(table).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn read(text: &str) -> Result<RunSpec, String> {
        RunSpec::from_toml(text, &[], &catalog()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_script_is_read_in_order_and_written_as_it_was_read() {
        let spec = read(
            "[[changes]]\nstep = 9\nlearning_rate = 0.1\n[[changes]]\nstep = 3\n\"encoder.conv_dropout\" = 0.5\nclip_norm = 1",
        );
        let spec = spec.unwrap();
        let keys: Vec<_> =
            spec.changes.iter().map(|at| (at.step, at.values.keys().collect::<Vec<_>>())).collect();
        assert_eq!(
            keys,
            [(3, vec!["encoder.conv_dropout", "training.clip_norm"]), (9, vec!["optimizer.learning_rate"])]
        );
        assert_eq!(read(&spec.to_toml(&catalog())).unwrap().changes, spec.changes);
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        for (text, reason) in [
            ("changes = 3", "must be a list"),
            ("[[changes]]\nlearning_rate = 0.1", "must be a whole number of steps"),
            ("[[changes]]\nstep = -1", "must be a whole number of steps"),
            ("[[changes]]\nstep = 0\nlearning_rate = 0.1", "begins with 1"),
            ("[[changes]]\nstep = 5\nepochs = 3", "changes.epochs: is nothing that this run can change"),
            (
                "[[changes]]\nstep = 5\nlearning_rate = 99",
                "changes.optimizer.learning_rate at step 5: 99 is out of range",
            ),
            ("[[changes]]\nstep = 5\nlearning_rate = 'much'", "is not a"),
            ("[[changes]]\nstep = 5\n[[changes]]\nstep = 5", "each step once"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn changes_that_were_made_become_a_script() {
        let change = |step, key: &str, to| Change { step, key: key.into(), from: 0.0, to };
        let made = [change(1, "a.x", 1.0), change(4, "a.x", 2.0), change(4, "a.y", 3.0)];
        let script = script(&made);
        let steps: Vec<_> = script.iter().map(|at| (at.step, at.values.iter().collect::<Vec<_>>())).collect();
        assert_eq!(steps, [(1, vec![("a.x", 1.0)]), (4, vec![("a.x", 2.0), ("a.y", 3.0)])]);
    }
}
