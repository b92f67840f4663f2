//! Live hyperparameters: those that may change between two batches.
use super::{Param, Section, dotted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The values of a run's live hyperparameters, asked for by the [`Param`] itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LiveParams(BTreeMap<String, f64>);

/// One live hyperparameter that got another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Steps done when it changed: the next one was the first with the new value.
    pub step: u64,
    /// Dotted, such as `optimizer.learning_rate`.
    pub key: String,
    /// The value before the change.
    pub from: f64,
    /// The value from `step` on.
    pub to: f64,
}

impl LiveParams {
    /// The value, or the parameter's default where the run has no such hyperparameter, as in a spec.
    pub fn get(&self, section: Section, param: &Param) -> f64 {
        self.0.get(&dotted(section, param)).copied().unwrap_or(param.default)
    }

    /// Sets the value of a live hyperparameter.
    pub fn set(&mut self, section: Section, param: &Param, value: f64) {
        self.0.insert(dotted(section, param), value);
    }

    /// Sets the value of a dotted key that comes from outside the program.
    pub fn set_key(&mut self, key: &str, value: f64) {
        self.0.insert(key.into(), value);
    }

    /// Dotted keys in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Dotted keys with their values, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(key, value)| (key.as_str(), *value))
    }

    /// Takes over every value of `others`.
    pub fn update(&mut self, others: &Self) {
        self.0.extend(others.0.iter().map(|(key, value)| (key.clone(), *value)));
    }

    /// What changes where these become `later` after `step` steps.
    pub fn changes(&self, later: &Self, step: u64) -> Vec<Change> {
        let change = |(key, to): (&String, &f64)| {
            let from = *self.0.get(key)?;
            (from != *to).then(|| Change { step, key: key.clone(), from, to: *to })
        };
        later.0.iter().filter_map(change).collect()
    }
}

impl FromIterator<(String, f64)> for LiveParams {
    fn from_iter<T: IntoIterator<Item = (String, f64)>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_once_with_what_was_before() {
        let live = |values: &[(&str, f64)]| -> LiveParams {
            values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
        };
        let (before, after) =
            (live(&[("a.x", 1.0), ("a.y", 2.0)]), live(&[("a.x", 1.0), ("a.y", 3.0), ("b.new", 4.0)]));
        let changed = Change { step: 7, key: "a.y".into(), from: 2.0, to: 3.0 };
        assert_eq!(before.changes(&after, 7), [changed]);
        let mut filled = before.clone();
        filled.update(&after);
        assert_eq!(filled, after);
    }
}
