//! `keys`: what can be set, within which bounds, and what it means.
use super::{
    Common, Outcome,
    output::{is_read, line},
};
use crate::{
    listing::written,
    nearest::suggestion,
    session::catalog,
    spec::{Catalog, Param, ParamKind, Section},
};
use anyhow::{Result, bail};
use serde_json::json;

/// A hyperparameter, and what has it.
struct Key {
    section: Section,
    param: &'static Param,
    /// Of the section; empty where all of them have it, or there is none to choose.
    components: Vec<&'static str>,
}

/// Lists every key, or says all that is known of those that a word means.
///
/// # Errors
/// Where no key is called like that.
pub fn keys(word: Option<&str>, common: &Common) -> Result<Outcome> {
    let catalog = catalog();
    let all = all(&catalog);
    let Some(word) = word else {
        let mut section = None;
        for key in all.iter().take_while(|_| is_read()) {
            if !common.json && section.replace(key.section) != Some(key.section) {
                heading(key.section, &catalog);
            }
            line(if common.json { key.as_json() } else { key.in_a_line() });
        }
        return Ok(Outcome::Done);
    };
    let word = word.to_lowercase().replace('-', "_");
    let is_meant = |key: &&Key| key.param.key == word || key.dotted() == word || key.section.id() == word;
    let meant: Vec<&Key> = all.iter().filter(is_meant).collect();
    let components: Vec<_> =
        Section::ALL.into_iter().filter_map(|section| catalog.component(section, &word)).collect();
    if meant.is_empty() && components.is_empty() {
        let components =
            Section::ALL.into_iter().flat_map(|section| catalog.section(section)).map(|info| info.id);
        let mut known: Vec<&str> = all.iter().map(|key| key.param.key).chain(components).collect();
        known.sort_unstable();
        known.dedup();
        bail!("{word:?} is no key and no component{}", suggestion(&word, &known));
    }
    for info in components {
        if common.json {
            line(json!({ "component": info.id, "label": info.label, "help": info.help }));
        } else {
            line(format!("{}: {}. {}\n", info.id, info.label, info.help));
        }
        let own = all.iter().filter(|key| info.params.iter().any(|param| param == key.param));
        own.for_each(|key| line(if common.json { key.as_json() } else { key.in_a_line() }));
    }
    meant.iter().for_each(|key| line(if common.json { key.as_json() } else { key.in_full() }));
    Ok(Outcome::Done)
}

/// A section, and what can be chosen in it.
fn heading(section: Section, catalog: &Catalog) {
    let ids: Vec<&str> = catalog.section(section).iter().map(|info| info.id).collect();
    let choice = if ids.len() > 1 { format!(", {}={}", section.id(), ids.join("|")) } else { String::new() };
    line(format!("\n{}{choice}", section.label()));
}

fn all(catalog: &Catalog) -> Vec<Key> {
    let mut all: Vec<Key> = vec![];
    for section in Section::ALL {
        let infos = catalog.section(section);
        for (info, param) in infos.iter().flat_map(|info| info.params.iter().map(move |param| (info, param)))
        {
            let known = all.iter_mut().find(|key| key.section == section && key.param == param);
            match known {
                Some(key) => key.components.push(info.id),
                None => all.push(Key { section, param, components: vec![info.id] }),
            }
        }
        let is_of_all = |key: &&mut Key| key.section == section && key.components.len() == infos.len();
        all.iter_mut().filter(is_of_all).for_each(|key| key.components.clear());
    }
    all
}

impl Key {
    fn dotted(&self) -> String {
        crate::spec::dotted(self.section, self.param)
    }

    /// "encoder=seed_cnn, encoder=compact_cnn", or the section where all have it.
    fn owner(&self) -> String {
        if self.components.is_empty() {
            return self.section.id().into();
        }
        let owners: Vec<_> = self.components.iter().map(|id| format!("{}={id}", self.section.id())).collect();
        owners.join(", ")
    }

    fn in_a_line(&self) -> String {
        let live = if self.param.live { ", while it trains too" } else { "" };
        let only = if self.components.is_empty() {
            String::new()
        } else {
            format!("  ({})", self.components.join(", "))
        };
        format!(
            "  {:<24} {:<14} {}{live}{only}",
            self.param.key,
            written_of(self.param, self.param.default),
            range(self.param)
        )
    }

    fn in_full(&self) -> String {
        let Param { label, help, unit, live, .. } = self.param;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let live = if *live { "\n  may be changed while a run trains" } else { "" };
        format!(
            "{}: {label}\n  {help}\n  {}, {}{unit} unless it is set\n  belongs to {}{live}",
            self.dotted(),
            range(self.param),
            written_of(self.param, self.param.default),
            self.owner()
        )
    }

    fn as_json(&self) -> String {
        let (min, max) = bounds(self.param);
        let options = match self.param.kind {
            ParamKind::Choice(options) => Some(options.iter().map(|(id, _)| *id).collect::<Vec<_>>()),
            _ => None,
        };
        json!({
            "key": self.param.key, "dotted": self.dotted(), "label": self.param.label, "help": self.param.help,
            "unit": self.param.unit, "default": written_of(self.param, self.param.default), "min": min, "max": max,
            "options": options, "live": self.param.live, "section": self.section.id(), "components": self.components,
        })
        .to_string()
    }
}

fn bounds(param: &Param) -> (Option<f64>, Option<f64>) {
    match param.kind {
        ParamKind::Integer { min, max } => (Some(min as f64), Some(max as f64)),
        ParamKind::Float { min, max, .. } => (Some(min), Some(max)),
        ParamKind::Switch | ParamKind::Choice(_) => (None, None),
    }
}

/// "a whole number from 1 to 1000", "from 0 to 1" or "one of none, oversample".
fn range(param: &Param) -> String {
    match param.kind {
        ParamKind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        ParamKind::Float { min, max, .. } => format!("from {} to {}", written(min), written(max)),
        ParamKind::Switch => "true or false".into(),
        ParamKind::Choice(options) => {
            format!("one of {}", options.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", "))
        }
    }
}

fn written_of(param: &Param, value: f64) -> String {
    match param.kind {
        ParamKind::Switch => (value != 0.0).to_string(),
        ParamKind::Choice(options) => {
            options.get(value as usize).map_or_else(String::new, |(id, _)| (*id).into())
        }
        _ => written(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hyperparameter_is_among_the_keys_with_those_that_have_it() {
        let catalog = catalog();
        let all = all(&catalog);
        for section in Section::ALL {
            for param in catalog.section(section).iter().flat_map(|info| info.params) {
                assert!(all.iter().any(|key| key.section == section && key.param == param), "{}", param.key);
            }
        }
        let of = |name: &str| all.iter().find(|key| key.param.key == name).unwrap();
        assert_eq!(of("momentum").owner(), "optimizer=sgd");
        assert_eq!(of("epochs").owner(), "training");
        assert_eq!(of("learning_rate").owner(), "optimizer=adam, optimizer=adamw", "SGD has another default");
        assert!(of("momentum").in_full().contains("belongs to optimizer=sgd"));
        assert!(of("class_balance").in_a_line().contains("one of none, oversample, weighted_loss"));
        assert!(of("learning_rate").as_json().contains("\"live\":true"));
    }
}
