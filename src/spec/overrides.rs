//! `key=value` pairs that win over a spec's file, as `--set` has them.
use super::{Catalog, FieldError, RunSpec, Section};
use crate::nearest::suggestion;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The keys outside the sections.
const TOP: [&str; 4] = ["name", "seed", "init_from", "branch"];

/// Those first that choose a component, which takes the values of the one before with it: their order says nothing.
pub fn ordered(pairs: &[String]) -> Vec<&str> {
    let chooses = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default().trim();
        // the recipes of a comparison
        let key =
            ["run.", "pretrain."].into_iter().find_map(|recipe| key.strip_prefix(recipe)).unwrap_or(key);
        let section = key.strip_suffix(".id").unwrap_or(key);
        Section::ALL.iter().any(|known| known.id() == section)
    };
    let (mut choices, others): (Vec<&str>, Vec<&str>) = pairs.iter().map(String::as_str).partition(chooses);
    choices.extend(others);
    choices
}

/// Puts `key=value` into a spec's table, choosing the section of a lone key.
///
/// # Errors
/// Where the key is unknown, or could be several.
pub fn put(table: &mut Table, pair: &str, catalog: &Catalog) -> Result<(), FieldError> {
    let (key, text) =
        pair.split_once('=').ok_or_else(|| FieldError::new(pair, "must be written key=value"))?;
    let (key, text) = (key.trim(), text.trim());
    let value = format!("v = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let value = value.unwrap_or_else(|| Value::String(text.into()));
    let chosen = chosen(table);
    let target = target(key, &chosen, catalog)?;
    match target {
        Target::Top if key == "seed" => drop(table.insert(key.into(), value)),
        Target::Top => drop(table.insert(key.into(), Value::String(text.into()))),
        Target::Component(section) => insert(table, section, "id", value)?,
        Target::Value(section, field) => insert(table, section, field, value)?,
    }
    Ok(())
}

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// The name, the seed, or what the run begins with.
    Top,
    /// The component of a section.
    Component(Section),
    /// A key within a section, which need not be known there.
    Value(Section, &'a str),
}

/// Finds what a key means: dotted, or alone where the chosen components make it clear, which `ids` gives by section; the default
/// ones in sections that it leaves out.
///
/// # Errors
/// Where the key is unknown, or could be several.
pub fn target<'a>(
    key: &'a str,
    ids: &BTreeMap<Section, &str>,
    catalog: &Catalog,
) -> Result<Target<'a>, FieldError> {
    if let Some((section, field)) = key.split_once('.') {
        let section = Section::ALL.into_iter().find(|known| known.id() == section).ok_or_else(|| {
            let known = Section::ALL.map(Section::id);
            FieldError::new(key, format!("is not known{}", suggestion(section, &known)))
        })?;
        return Ok(if field == "id" { Target::Component(section) } else { Target::Value(section, field) });
    }
    if TOP.contains(&key) {
        return Ok(Target::Top);
    }
    if let Some(section) = Section::ALL.into_iter().find(|section| section.id() == key) {
        return Ok(Target::Component(section));
    }
    let keys = |section| keys(section, ids.get(&section).copied(), catalog);
    let owners: Vec<Section> =
        Section::ALL.into_iter().filter(|section| keys(*section).contains(&key)).collect();
    match owners[..] {
        [section] => Ok(Target::Value(section, key)),
        [] => {
            let all: Vec<&str> = TOP
                .into_iter()
                .chain(Section::ALL.map(Section::id))
                .chain(Section::ALL.into_iter().flat_map(keys))
                .collect();
            let advice = catalog.owner(key).unwrap_or_else(|| suggestion(key, &all));
            Err(FieldError::new(key, format!("is not known{advice}")))
        }
        _ => {
            let known: Vec<_> = owners.iter().map(|section| format!("{}.{key}", section.id())).collect();
            Err(FieldError::new(key, format!("could be {}: write one of them", known.join(" or "))))
        }
    }
}

/// The identifiers that a spec's table gives.
fn chosen(table: &Table) -> BTreeMap<Section, &str> {
    // what the augmentation is set to as a whole does not change its keys
    let sections = Section::ALL.into_iter().filter(|section| *section != Section::Augmentation);
    let ids = sections.filter_map(|section| Some((section, table.get(section.id())?.get("id")?.as_str()?)));
    ids.collect()
}

/// The hyperparameters of a component, or of the default one.
fn keys(section: Section, id: Option<&str>, catalog: &Catalog) -> Vec<&'static str> {
    let default = RunSpec::default();
    let info = catalog.component(section, id.unwrap_or(default.id(section)));
    info.map_or(vec![], |info| info.params.iter().map(|param| param.key).collect())
}

/// A new id takes the values of the old component with it.
fn insert(table: &mut Table, section: Section, key: &str, value: Value) -> Result<(), FieldError> {
    let values = table.entry(section.id()).or_insert_with(|| Table::new().into());
    let Some(values) = values.as_table_mut() else {
        return Err(FieldError::new(section.id(), "must be a section"));
    };
    if key == "id" && values.get("id") != Some(&value) {
        values.clear();
    }
    values.insert(key.into(), value);
    Ok(())
}
