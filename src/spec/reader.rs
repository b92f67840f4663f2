//! Reads a spec's table, and says all that is wrong with it.
use super::{
    Catalog, Choice, Entrant, FieldError, Param, ParamKind, RunSpec, Section, SplitRule, dotted, edits,
    script,
    toml::{NO_AUGMENTATION, SPLIT_AS_CORRECTED, SUITED_AUGMENTATION, VERSION},
};
use crate::nearest::suggestion;
use std::path::PathBuf;
use toml::{Table, Value};

/// The keys outside the sections.
const TOP: [&str; 9] =
    ["version", "name", "seed", "init_from", "branch", "shipped", "comparison", "arm", "changes"];

/// Reads, and keeps what is wrong.
pub(super) struct Reader<'a> {
    /// What can be chosen.
    pub catalog: &'a Catalog,
    /// All that is wrong with the table so far.
    pub errors: Vec<FieldError>,
}

impl Reader<'_> {
    /// The spec of a table, with defaults in place of what is wrong.
    pub fn spec(&mut self, table: &Table) -> RunSpec {
        let known: Vec<&str> = TOP.into_iter().chain(Section::ALL.map(Section::id)).collect();
        self.unknown_keys("", table, &known);
        let mut spec = RunSpec::default();
        match table.get("version").map(Value::as_integer) {
            None | Some(Some(SPLIT_AS_CORRECTED | VERSION)) => {}
            Some(Some(newer)) if newer > VERSION => {
                self.error(
                    "version",
                    format!("{newer} is newer than this program: update Headstart to open it"),
                );
            }
            _ => self.error("version", format!("must be a number up to {VERSION}")),
        }
        spec.name = self.text(table, "name", "a text in quotes").unwrap_or(spec.name);
        spec.init_from = self.text(table, "init_from", "a run's name or a file's path in quotes");
        let branch = self.text(table, "branch", "a run's name, or RUN@STEP, in quotes");
        spec.branch = branch.and_then(|branch| branch.parse().ok());
        spec.shipped = self.text(table, "shipped", "the name of a recipe in quotes");
        spec.entrant = self.entrant(table);
        if let Some(seed) = table.get("seed") {
            let whole = seed.as_integer().and_then(|seed| u64::try_from(seed).ok());
            match whole.or_else(|| seed.as_str()?.parse().ok()) {
                Some(seed) => spec.seed = seed,
                None => self.error("seed", format!("{seed} is no seed: use a whole number from 0")),
            }
        }
        for section in Section::ALL {
            match table.get(section.id()) {
                None => {}
                Some(Value::Table(values)) => self.section(&mut spec, section, values),
                Some(_) => self.error(
                    section.id(),
                    format!("must be a section: write [{}] above its keys", section.id()),
                ),
            }
        }
        if table.get("version").and_then(Value::as_integer) == Some(SPLIT_AS_CORRECTED) {
            spec.dataset.split_rule = SplitRule::AsCorrected;
        }
        match table.get("changes").map(|changes| script::read(changes, &spec, self.catalog)) {
            Some(Ok(changes)) => spec.changes = changes,
            Some(Err(wrong)) => self.errors.extend(wrong),
            None => {}
        }
        spec
    }

    /// A text that is not blank, where the key is there.
    fn text(&mut self, table: &Table, key: &str, expected: &str) -> Option<String> {
        let value = table.get(key)?;
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.error(key, format!("must be {expected}"));
        }
        text.map(String::from)
    }

    fn entrant(&mut self, table: &Table) -> Option<Entrant> {
        let text = |key: &str| table.get(key).and_then(Value::as_str).map(String::from);
        match (text("comparison"), text("arm")) {
            (Some(comparison), Some(arm)) => return Some(Entrant { comparison, arm }),
            _ if table.contains_key("comparison") || table.contains_key("arm") => {
                self.error("comparison", "needs an arm beside it, both as texts in quotes");
            }
            _ => {}
        }
        None
    }

    fn section(&mut self, spec: &mut RunSpec, section: Section, table: &Table) {
        if let Some(choice) = spec.choice_mut(section) {
            self.choice(section, choice, table);
        }
        let catalog = self.catalog;
        let Some(info) = catalog.component(section, spec.id(section)) else {
            let message = catalog.unknown(section, spec.id(section));
            return self.error(&format!("{}.id", section.id()), message);
        };
        let choices: &[&str] = match section {
            Section::Training => &[],
            Section::Dataset => &["id", "path", "edits"],
            _ => &["id"],
        };
        let known: Vec<&str> =
            choices.iter().copied().chain(info.params.iter().map(|param| param.key)).collect();
        self.unknown_keys(section.id(), table, &known);
        if section == Section::Augmentation
            && let Some(id) = table.get("id")
        {
            self.whole_augmentation(spec, id);
        }
        for param in info.params {
            let Some(value) = table.get(param.key) else { continue };
            match param_value(param, value) {
                Ok(number) => spec.set(section, param, number),
                Err(wrong) => self.error(&dotted(section, param), wrong),
            }
        }
    }

    fn choice(&mut self, section: Section, choice: &mut Choice, table: &Table) {
        let id = table.get("id").map(Value::as_str);
        match id {
            Some(Some(id)) => *choice = Choice::new(id),
            Some(None) => self.error(&format!("{}.id", section.id()), "must be a text in quotes"),
            None => {}
        }
        match table.get("path").map(Value::as_str) {
            Some(Some(path)) => choice.path = Some(PathBuf::from(path)),
            Some(None) => self.error(&format!("{}.path", section.id()), "must be a text in quotes"),
            None => {}
        }
        let form = "must be a table of examples: false leaves one out, a text is its class";
        match table.get("edits").map(|edits| edits.as_table().map(edits::from_table)) {
            Some(Some(Ok(edits))) => choice.edits = edits,
            Some(_) => self.error(&format!("{}.edits", section.id()), form),
            None => {}
        }
    }

    /// Sets the whole augmentation; single keys are applied after it.
    fn whole_augmentation(&mut self, spec: &mut RunSpec, id: &Value) {
        match id.as_str() {
            Some(NO_AUGMENTATION) => spec.augmentation.clear(),
            Some(SUITED_AUGMENTATION) => {
                self.error(
                    "augmentation.id",
                    "depends on the data set: here every value has to be written out",
                );
            }
            _ => self.error(
                "augmentation.id",
                format!("{id} is not known: choose one of {SUITED_AUGMENTATION}, {NO_AUGMENTATION}"),
            ),
        }
    }

    fn unknown_keys(&mut self, prefix: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            let field = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let advice = self.catalog.owner(key).unwrap_or_else(|| suggestion(key, known));
            self.errors.push(FieldError::new(field, format!("is not known{advice}")));
        }
    }

    fn error(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, message));
    }
}

/// Reads a hyperparameter's value. The error says what kind of value is expected; bounds are not checked.
pub(crate) fn param_value(param: &Param, value: &Value) -> Result<f64, String> {
    let number = match (value, param.kind) {
        (Value::Boolean(on), ParamKind::Switch) => Some(f64::from(*on)),
        (Value::String(text), ParamKind::Choice(options)) => {
            options.iter().position(|(id, _)| id == text).map(|place| place as f64)
        }
        // such as a number of layers: people write depth = 18 rather than "18"
        (Value::Integer(number), ParamKind::Choice(options)) => {
            options.iter().position(|(id, _)| *id == number.to_string()).map(|place| place as f64)
        }
        (_, ParamKind::Choice(_)) => None,
        (Value::Integer(n), _) => Some(*n as f64),
        (Value::Float(x), _) => Some(*x),
        _ => None,
    };
    number.ok_or_else(|| format!("{value} is not {}", expected(param.kind)))
}

fn expected(kind: ParamKind) -> String {
    match kind {
        ParamKind::Integer { .. } => "a whole number".into(),
        ParamKind::Float { .. } => "a number".into(),
        ParamKind::Switch => "true or false".into(),
        ParamKind::Choice(options) => {
            let ids: Vec<_> = options.iter().map(|(id, _)| *id).collect();
            format!("one of {}", ids.join(", "))
        }
    }
}
