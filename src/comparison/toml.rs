//! Comparisons as TOML: as strict as a spec, of which each of its parts is one.
use super::{Arm, Comparison};
use crate::spec::{Catalog, FieldError, RunSpec, SpecError, no_toml, overrides::ordered};
use toml::{Table, Value};

const VERSION: i64 = 1;
const KEYS: [&str; 7] = ["version", "name", "seeds", "labels_per_class", "pretrain", "run", "arms"];
const ARM_KEYS: [&str; 5] = ["name", "init_from", "frozen", "augmented", "self_labelled"];

impl Comparison {
    /// Whether a text in TOML describes a comparison rather than a single run.
    pub fn is_described_by(text: &str) -> bool {
        text.parse::<Table>().is_ok_and(|table| table.contains_key("arms"))
    }

    /// Reads a comparison. `overrides` are `key=value` pairs that win over the text: `seeds=[1]`, or, within a recipe,
    /// `run.epochs=1` and `pretrain.epochs=1`.
    ///
    /// # Errors
    /// Every unknown key, and every value of the wrong type or out of range.
    pub fn from_toml(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Self, SpecError> {
        Self::from_table(&Self::table(text, overrides, catalog)?, catalog)
    }

    /// A comparison's table with `overrides`, of which nothing has been checked but their keys.
    ///
    /// # Errors
    /// Where the text is no TOML, or a key of a recipe is unknown or could be several.
    pub fn table(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Table, SpecError> {
        let mut table: Table = text.parse().map_err(|error| SpecError(vec![no_toml(text, &error)]))?;
        for pair in ordered(overrides) {
            override_value(&mut table, pair, catalog).map_err(|error| SpecError(vec![error]))?;
        }
        Ok(table)
    }

    /// As [`from_toml`](Self::from_toml), of a table.
    ///
    /// # Errors
    /// As there.
    pub fn from_table(table: &Table, catalog: &Catalog) -> Result<Self, SpecError> {
        let one = |field: &str, message: String| SpecError(vec![FieldError::new(field, message)]);
        let mut errors = unknown_keys("", table, &KEYS);
        if table.get("version").is_some_and(|version| version.as_integer() != Some(VERSION)) {
            errors.push(FieldError::new(
                "version",
                format!("must be {VERSION}: is the program older than the file?"),
            ));
        }
        let arms = tables(table, "arms", &mut errors);
        let mut spec = |field: String, table: &Table| {
            RunSpec::from_table(table, catalog).unwrap_or_else(|SpecError(wrong)| {
                errors.extend(
                    wrong.into_iter().map(|e| FieldError::new(format!("{field}.{}", e.field), e.message)),
                );
                RunSpec::default()
            })
        };
        let run = match table.get("run").map(Value::as_table) {
            Some(Some(run)) => spec("run".into(), run),
            _ => return Err(one("run", "is missing: [run] holds the recipe that all arms share".into())),
        };
        let mut pretrain_errors = vec![];
        let pretrain = tables(table, "pretrain", &mut pretrain_errors);
        let pretrain =
            pretrain.iter().enumerate().map(|(i, table)| spec(format!("pretrain.{i}"), table)).collect();
        errors.extend(pretrain_errors);
        let name = match table.get("name").map(Value::as_str) {
            Some(Some(name)) if !name.trim().is_empty() => name.into(),
            _ => {
                errors.push(FieldError::new("name", "must be a text in quotes"));
                String::new()
            }
        };
        let comparison = Self {
            name,
            seeds: numbers(table, "seeds", &mut errors),
            labels_per_class: numbers(table, "labels_per_class", &mut errors),
            pretrain,
            run,
            arms: arms.iter().enumerate().map(|(index, table)| arm(index, table, &mut errors)).collect(),
        };
        errors.extend(if errors.is_empty() { comparison.validate(catalog) } else { vec![] });
        if errors.is_empty() { Ok(comparison) } else { Err(SpecError(errors)) }
    }

    /// The whole comparison as TOML, every default of `catalog` written out.
    pub fn to_toml(&self, catalog: &Catalog) -> String {
        let list =
            |numbers: &[u64]| Value::Array(numbers.iter().map(|n| Value::Integer(*n as i64)).collect());
        let spec = |spec: &RunSpec| Value::Table(spec.to_table(catalog));
        let mut table = Table::new();
        table.insert("version".into(), VERSION.into());
        table.insert("name".into(), self.name.as_str().into());
        table.insert("seeds".into(), list(&self.seeds));
        table.insert("labels_per_class".into(), list(&self.labels_per_class));
        if !self.pretrain.is_empty() {
            table.insert("pretrain".into(), Value::Array(self.pretrain.iter().map(spec).collect()));
        }
        table.insert("run".into(), spec(&self.run));
        table.insert("arms".into(), Value::Array(self.arms.iter().map(arm_table).collect()));
        table.to_string()
    }
}

fn arm(index: usize, table: &Table, errors: &mut Vec<FieldError>) -> Arm {
    let field = |key: &str| format!("arms.{index}.{key}");
    errors.extend(unknown_keys(&format!("arms.{index}."), table, &ARM_KEYS));
    let mut text = |key: &str| match table.get(key) {
        None => None,
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        Some(_) => {
            errors.push(FieldError::new(field(key), "must be a text in quotes"));
            None
        }
    };
    let (name, init_from) = (text("name"), text("init_from"));
    if name.is_none() {
        errors.push(FieldError::new(field("name"), "every arm needs a name"));
    }
    let mut switch = |key: &str, default: bool| match table.get(key) {
        None => default,
        Some(Value::Boolean(on)) => *on,
        Some(_) => {
            errors.push(FieldError::new(field(key), "must be true or false"));
            default
        }
    };
    let (frozen, augmented) = (switch("frozen", false), switch("augmented", true));
    let self_labelled = switch("self_labelled", false);
    Arm { name: name.unwrap_or_default(), init_from, frozen, augmented, self_labelled }
}

fn arm_table(arm: &Arm) -> Value {
    let mut table = Table::new();
    table.insert("name".into(), arm.name.as_str().into());
    if let Some(source) = &arm.init_from {
        table.insert("init_from".into(), source.as_str().into());
    }
    table.insert("frozen".into(), arm.frozen.into());
    table.insert("augmented".into(), arm.augmented.into());
    table.insert("self_labelled".into(), arm.self_labelled.into());
    table.into()
}

fn unknown_keys(prefix: &str, table: &Table, known: &[&str]) -> Vec<FieldError> {
    let unknown = table.keys().filter(|key| !known.contains(&key.as_str()));
    let advice = format!("is not known: choose one of {}", known.join(", "));
    unknown.map(|key| FieldError::new(format!("{prefix}{key}"), advice.clone())).collect()
}

/// Whole numbers from 0; one alone may stand without brackets.
fn numbers(table: &Table, key: &str, errors: &mut Vec<FieldError>) -> Vec<u64> {
    let one = |value: &Value| value.as_integer().and_then(|number| u64::try_from(number).ok());
    let found = match table.get(key) {
        Some(Value::Array(values)) => values.iter().map(one).collect(),
        Some(value) => one(value).map(|number| vec![number]),
        None => None,
    };
    found.unwrap_or_else(|| {
        errors.push(FieldError::new(key, "must be a list of whole numbers from 0, such as [1, 10]"));
        vec![]
    })
}

fn tables(table: &Table, key: &str, errors: &mut Vec<FieldError>) -> Vec<Table> {
    let found: Option<Vec<Table>> = match table.get(key) {
        None => Some(vec![]),
        Some(Value::Array(values)) => values.iter().map(|value| value.as_table().cloned()).collect(),
        Some(_) => None,
    };
    found.unwrap_or_else(|| {
        errors
            .push(FieldError::new(key, format!("must be sections: write [[{key}]] above the keys of each")));
        vec![]
    })
}

fn override_value(table: &mut Table, pair: &str, catalog: &Catalog) -> Result<(), FieldError> {
    let within = |table: &mut Value, rest: &str| match table.as_table_mut() {
        Some(table) => RunSpec::override_value(table, rest, catalog),
        None => Ok(()),
    };
    if let Some(rest) = pair.strip_prefix("run.") {
        return table.get_mut("run").map_or(Ok(()), |run| within(run, rest));
    }
    if let Some(rest) = pair.strip_prefix("pretrain.") {
        let all = table.get_mut("pretrain").and_then(Value::as_array_mut);
        return all.into_iter().flatten().try_for_each(|spec| within(spec, rest));
    }
    let wrong = || FieldError::new(pair, "must be written key=value, such as seeds=[1, 2] or run.epochs=1");
    let (key, text) = pair.split_once('=').ok_or_else(wrong)?;
    let value =
        format!("v = {}", text.trim()).parse::<Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    table.insert(key.trim().into(), value.unwrap_or_else(|| text.trim().into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn a_written_comparison_reads_back_the_same() {
        let comparison = super::super::tests::example();
        let text = comparison.to_toml(&catalog());
        let back = Comparison::from_toml(&text, &[], &catalog()).unwrap();
        assert_eq!(
            (&back.name, &back.seeds, &back.arms),
            (&comparison.name, &comparison.seeds, &comparison.arms)
        );
        assert_eq!(back.to_toml(&catalog()), text);
        let pairs = ["seeds=7", "run.epochs=2", "pretrain.epochs=3"].map(String::from);
        let changed = Comparison::from_toml(&text, &pairs, &catalog()).unwrap();
        assert_eq!(changed.seeds, [7]);
        assert_eq!((changed.run.training["epochs"], changed.pretrain[0].training["epochs"]), (2.0, 3.0));
    }

    #[test]
    fn every_mistake_is_named() {
        let refused = |text: &str, pairs: &[&str]| {
            let pairs: Vec<_> = pairs.iter().map(ToString::to_string).collect();
            Comparison::from_toml(text, &pairs, &catalog()).unwrap_err().to_string()
        };
        let text = super::super::tests::example().to_toml(&catalog());
        assert!(refused("", &[]).contains("[run] holds the recipe"));
        assert!(refused("= 1", &[]).contains("TOML"));
        assert!(refused(&text, &["seeds=[1.5]"]).contains("list of whole numbers"));
        assert!(refused(&text, &["run.epochs=0"]).contains("run.training.epochs"));
        assert!(refused(&text, &["run.epoch=1"]).contains("epochs"));
        assert!(refused(&text, &["version=9"]).contains("version"));
        assert!(refused(&text, &["seed=9"]).contains("seed: is not known"));
        assert!(refused(&text.replace("frozen = true", "frozen = 'yes'"), &[]).contains("arms.2.frozen"));
        assert!(refused(&text.replace("[[arms]]", "[arms]"), &[]).contains("TOML"));
    }
}
