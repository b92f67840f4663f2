//! Runs that belong together.
use super::{Field, Row, Value};
use crate::spec::Section;
use std::collections::BTreeMap;

/// By what runs are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// Not at all.
    #[default]
    None,
    /// The comparison or sweep that they belong to.
    Comparison,
    /// The data set that they learn from.
    Dataset,
    /// What they minimise.
    Objective,
    /// Their tags: a run of several tags is in the group of each.
    Tag,
}

impl Group {
    /// Every way, by the name that it has on the command line and the one that it has in the window.
    pub const ALL: [(Group, &'static str, &'static str); 5] = [
        (Group::None, "none", "Not grouped"),
        (Group::Comparison, "sweep", "By sweep"),
        (Group::Dataset, "data", "By data set"),
        (Group::Objective, "objective", "By objective"),
        (Group::Tag, "tag", "By tag"),
    ];

    /// The groups, each with its name and the places of its rows, in their order. Those that belong to none come last,
    /// under an empty name.
    pub fn of(self, rows: &[Row<'_>]) -> Vec<(String, Vec<usize>)> {
        let field = match self {
            Group::None => return vec![(String::new(), (0..rows.len()).collect())],
            Group::Comparison => Field::Comparison,
            Group::Dataset => Field::Component(Section::Dataset),
            Group::Objective => Field::Component(Section::Objective),
            Group::Tag => Field::Tags,
        };
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut rest = vec![];
        for (place, row) in rows.iter().enumerate() {
            let names: Vec<String> = field.values(row).into_iter().filter_map(named).collect();
            if names.is_empty() {
                rest.push(place);
            }
            names.into_iter().for_each(|name| groups.entry(name).or_default().push(place));
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        if !rest.is_empty() {
            groups.push((String::new(), rest));
        }
        groups
    }
}

fn named(value: Value<'_>) -> Option<String> {
    match value {
        Value::Text(name) => Some(name.into_owned()),
        Value::Number(_) | Value::Missing => None,
    }
}
