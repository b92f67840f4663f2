//! Reads how a sweep chooses its trials.
use super::{Axis, Reader, flat};
use crate::{
    experiment::{Search, Setting, search},
    spec::RunSpec,
};
use std::collections::BTreeSet;
use toml::{Table, Value};

const KEYS: [&str; 8] = ["kind", "seed", "trials", "minutes", "halving", "at_once", "skipped", "drawn"];

impl Reader<'_> {
    /// The search of a table; one of the usual kind where an axis is a range and nothing is said.
    pub(super) fn search(&mut self, table: &Table, axes: &[Axis], base: &RunSpec) -> Option<Search> {
        let empty = Table::new();
        let table = match table.get("search") {
            None if axes.iter().any(|axis| axis.range.is_some()) => &empty,
            None => return None,
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.error("search", "must be a section: write [search] above its keys");
                return None;
            }
        };
        self.unknown_keys("search.", table, &KEYS);
        let mut search = Search::new(self.kind(table, axes), axes);
        self.whole(table, "trials", &mut search.trials);
        self.whole(table, "halving", &mut search.halving);
        search.at_once = Search::usual_at_once(search.halving);
        self.whole(table, "at_once", &mut search.at_once);
        search.seed = self.seed(table);
        search.minutes = self.minutes(table);
        search.skipped = self.skipped(table);
        search.drawn = self.drawn(table, axes, base);
        Some(search)
    }

    fn kind(&mut self, table: &Table, axes: &[Axis]) -> &'static str {
        let Some(id) = self.text(table, "search.", "kind") else { return Search::default_kind(axes) };
        match search::find(&id) {
            Ok(entry) => entry.info.id,
            Err(error) => {
                self.error("search.kind", error.to_string());
                Search::default_kind(axes)
            }
        }
    }

    fn whole(&mut self, table: &Table, key: &str, into: &mut usize) {
        let Some(value) = table.get(key) else { return };
        match value.as_integer().and_then(|number| usize::try_from(number).ok()) {
            Some(number) => *into = number,
            None => self.error(&format!("search.{key}"), "must be a whole number"),
        }
    }

    fn seed(&mut self, table: &Table) -> u64 {
        let Some(value) = table.get("seed") else { return 0 };
        let whole = value.as_integer().and_then(|seed| u64::try_from(seed).ok());
        whole.or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| {
            self.error("search.seed", "must be a whole number from 0");
            0
        })
    }

    fn minutes(&mut self, table: &Table) -> Option<f64> {
        let value = table.get("minutes")?;
        let minutes = value.as_float().or_else(|| Some(value.as_integer()? as f64));
        if minutes.is_none_or(f64::is_nan) {
            self.error("search.minutes", "must be a number");
        }
        minutes
    }

    fn skipped(&mut self, table: &Table) -> BTreeSet<usize> {
        let one = |value: &Value| value.as_integer().and_then(|trial| usize::try_from(trial).ok());
        let found: Option<BTreeSet<usize>> = match table.get("skipped") {
            None => Some(BTreeSet::new()),
            Some(value) => value.as_array().and_then(|values| values.iter().map(one).collect()),
        };
        found.unwrap_or_else(|| {
            self.error("search.skipped", "must be a list of trials by their numbers");
            BTreeSet::new()
        })
    }

    /// The settings that were chosen so far, each a value for every axis.
    fn drawn(&mut self, table: &Table, axes: &[Axis], base: &RunSpec) -> Vec<Vec<Setting>> {
        let trials = match table.get("drawn") {
            None => return vec![],
            Some(Value::Array(trials)) => trials,
            Some(_) => {
                self.error("search.drawn", "must be a list of tables");
                return vec![];
            }
        };
        let keys: Vec<String> = axes.iter().filter_map(|axis| Some(axis.settings.first()?.key())).collect();
        let mut drawn = vec![];
        for (place, trial) in trials.iter().enumerate() {
            let settings: Result<Vec<Setting>, _> = trial
                .as_table()
                .into_iter()
                .flat_map(flat)
                .map(|(key, value)| Setting::read(&key, value, base, self.catalog))
                .collect();
            let mut settings = settings.unwrap_or_default();
            settings.sort_by_key(Setting::key);
            if settings.iter().map(Setting::key).eq(keys.iter().cloned()) {
                drawn.push(settings);
            } else {
                self.error(&format!("search.drawn.{place}"), "must have a value for each axis");
            }
        }
        drawn
    }
}
