//! Corrections of a data set, as a spec and the user's file store them: a table of examples and what becomes of them.
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The user's corrections, by the key of an example (`data::edits::key`).
pub type Edits = BTreeMap<String, Edit>;

/// What becomes of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// No run sees it.
    Exclude,
    /// It is of the class of this name.
    Label(String),
}

/// A table in which `false` leaves an example out and a text is its class.
pub fn to_table(edits: &Edits) -> Table {
    let value = |edit: &Edit| match edit {
        Edit::Exclude => Value::Boolean(false),
        Edit::Label(name) => Value::String(name.clone()),
    };
    edits.iter().map(|(key, edit)| (key.clone(), value(edit))).collect()
}

/// The edits of a table, or the first key whose value is none.
///
/// # Errors
/// That key.
pub fn from_table(table: &Table) -> Result<Edits, String> {
    let edit = |(key, value): (&String, &Value)| match value {
        Value::Boolean(false) => Ok((key.clone(), Edit::Exclude)),
        Value::String(name) => Ok((key.clone(), Edit::Label(name.clone()))),
        _ => Err(key.clone()),
    };
    table.iter().map(edit).collect()
}
