//! `key=value` pairs that win over a spec's file, as `--set` has them.
use super::{Catalog, FieldError, RunSpec, Section};
use crate::nearest::suggestion;
use toml::{Table, Value};

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
    if let Some((section, field)) = key.split_once('.') {
        let section = Section::ALL.into_iter().find(|known| known.id() == section).ok_or_else(|| {
            FieldError::new(
                key,
                format!("is not known{}", suggestion(section, &Section::ALL.map(Section::id))),
            )
        })?;
        return insert(table, section, field, value);
    }
    if ["name", "init_from"].contains(&key) {
        table.insert(key.into(), Value::String(text.into()));
        return Ok(());
    }
    if key == "seed" {
        table.insert(key.into(), value);
        return Ok(());
    }
    if let Some(section) = Section::ALL.into_iter().find(|section| section.id() == key) {
        return insert(table, section, "id", value);
    }
    let owners: Vec<_> = owners(table, key, catalog);
    match owners[..] {
        [section] => insert(table, section, key, value),
        [] => {
            let advice = catalog.owner(key).unwrap_or_else(|| suggestion(key, &all_keys(table, catalog)));
            Err(FieldError::new(key, format!("is not known{advice}")))
        }
        _ => {
            let known: Vec<_> = owners.iter().map(|section| format!("{}.{key}", section.id())).collect();
            Err(FieldError::new(key, format!("could be {}: write one of them", known.join(" or "))))
        }
    }
}

/// The sections whose chosen component has a hyperparameter of that name.
fn owners(table: &Table, key: &str, catalog: &Catalog) -> Vec<Section> {
    let has = |section: &Section| chosen_keys(table, *section, catalog).contains(&key);
    Section::ALL.into_iter().filter(has).collect()
}

fn all_keys(table: &Table, catalog: &Catalog) -> Vec<&'static str> {
    let keys = Section::ALL.into_iter().flat_map(|section| chosen_keys(table, section, catalog));
    ["name", "seed", "init_from"].into_iter().chain(Section::ALL.map(Section::id)).chain(keys).collect()
}

fn chosen_keys(table: &Table, section: Section, catalog: &Catalog) -> Vec<&'static str> {
    let default = RunSpec::default();
    let chosen = table.get(section.id()).and_then(|values| values.get("id")).and_then(Value::as_str);
    // what the augmentation is set to as a whole does not change its keys
    let chosen = chosen.filter(|_| section != Section::Augmentation);
    let info = catalog.component(section, chosen.unwrap_or(default.id(section)));
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
