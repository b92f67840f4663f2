//! Specs as TOML: read strictly, with the nearest known key for a misspelt one; written complete.
use super::{
    Catalog, FieldError, Param, ParamKind, RunSpec, Section, SplitRule, edits, overrides, reader::Reader,
    script,
};
use std::fmt;
use toml::{Table, Value};

/// The version of the format of `spec.toml`.
pub(super) const VERSION: i64 = 2;
/// The version whose runs were split by the examples that corrections leave.
pub(super) const SPLIT_AS_CORRECTED: i64 = 1;

/// What `augmentation.id` may say: what suits the data set, or nothing. `session::written` fills in the values that the
/// first stands for, and a spec has them written out.
pub const SUITED_AUGMENTATION: &str = "recommended";
pub(super) const NO_AUGMENTATION: &str = "none";

/// Everything that is wrong with a spec.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecError(pub Vec<FieldError>);

impl std::error::Error for SpecError {}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{}", lines.join("\n"))
    }
}

impl RunSpec {
    /// Reads a spec; what it leaves out has its default. `overrides` are `key=value` pairs that win over the text:
    /// the key is dotted (`encoder.depth`), or alone where it is clear (`epochs`, `encoder`).
    ///
    /// # Errors
    /// Every unknown key, with the nearest known one, and every value of the wrong type or out of range.
    pub fn from_toml(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Self, SpecError> {
        Self::from_table(&Self::table(text, overrides, catalog)?, catalog)
    }

    /// A spec's table with `overrides`, of which nothing has been checked but their keys.
    ///
    /// # Errors
    /// Where the text is no TOML, or a key is unknown or could be several.
    pub fn table(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Table, SpecError> {
        let mut table: Table = text.parse().map_err(|error| SpecError(vec![no_toml(text, &error)]))?;
        for pair in overrides::ordered(overrides) {
            Self::override_value(&mut table, pair, catalog).map_err(|error| SpecError(vec![error]))?;
        }
        Ok(table)
    }

    /// As [`from_toml`](Self::from_toml), of a spec that is part of another file.
    ///
    /// # Errors
    /// As there.
    pub fn from_table(table: &Table, catalog: &Catalog) -> Result<Self, SpecError> {
        let mut reader = Reader { catalog, errors: vec![] };
        let spec = reader.spec(table);
        reader.errors.extend(if reader.errors.is_empty() { catalog.validate(&spec) } else { vec![] });
        if reader.errors.is_empty() { Ok(spec) } else { Err(SpecError(reader.errors)) }
    }

    /// The whole spec as TOML, every default of `catalog` written out.
    pub fn to_toml(&self, catalog: &Catalog) -> String {
        self.to_table(catalog).to_string()
    }

    /// As [`to_toml`](Self::to_toml), to become part of another file.
    pub fn to_table(&self, catalog: &Catalog) -> Table {
        let mut table = Table::new();
        let version = match self.dataset.split_rule {
            SplitRule::AsCorrected => SPLIT_AS_CORRECTED,
            SplitRule::AsRead => VERSION,
        };
        table.insert("version".into(), version.into());
        table.insert("name".into(), self.name.as_str().into());
        table.insert("seed".into(), Value::String(self.seed.to_string()));
        if let Ok(seed) = i64::try_from(self.seed) {
            table.insert("seed".into(), seed.into());
        }
        if let Some(source) = &self.init_from {
            table.insert("init_from".into(), source.as_str().into());
        }
        if let Some(branch) = &self.branch {
            table.insert("branch".into(), branch.to_string().into());
        }
        if let Some(recipe) = &self.shipped {
            table.insert("shipped".into(), recipe.as_str().into());
        }
        if let Some(entrant) = &self.entrant {
            table.insert("comparison".into(), entrant.comparison.as_str().into());
            table.insert("arm".into(), entrant.arm.as_str().into());
        }
        if !self.changes.is_empty() {
            table.insert("changes".into(), script::to_value(self, catalog));
        }
        for section in Section::ALL {
            table.insert(section.id().into(), self.section_table(section).into());
        }
        for (section, param) in catalog.params(self) {
            let value = self.get(section, param);
            let values = table[section.id()].as_table_mut().expect("inserted above");
            values.insert(param.key.into(), written_value(param, value));
        }
        table
    }

    /// Puts `key=value` into a spec's table, choosing the section of a lone key.
    ///
    /// # Errors
    /// Where the key is unknown, or could be several.
    pub fn override_value(table: &mut Table, pair: &str, catalog: &Catalog) -> Result<(), FieldError> {
        overrides::put(table, pair, catalog)
    }

    fn section_table(&self, section: Section) -> Table {
        let mut table = Table::new();
        if let Some(choice) = self.choice(section) {
            table.insert("id".into(), choice.id.as_str().into());
            if let Some(path) = &choice.path {
                table.insert("path".into(), path.display().to_string().into());
            }
            if !choice.edits.is_empty() {
                table.insert("edits".into(), edits::to_table(&choice.edits).into());
            }
        }
        table
    }
}

/// A hyperparameter's value as TOML.
pub(crate) fn written_value(param: &Param, value: f64) -> Value {
    match param.kind {
        ParamKind::Integer { .. } => Value::Integer(value as i64),
        ParamKind::Float { .. } => Value::Float(value),
        ParamKind::Switch => Value::Boolean(value != 0.0),
        ParamKind::Choice(options) => options.get(value as usize).map_or("", |(id, _)| id).into(),
    }
}

/// What is wrong with a text that is no TOML, and in which line.
pub(crate) fn no_toml(text: &str, error: &::toml::de::Error) -> FieldError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(String::new(), |before| format!("line {}: ", before.matches('\n').count() + 1));
    FieldError::new("TOML", format!("{line}{}", error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::catalog,
        spec::{Choice, EPOCHS},
    };

    fn read(text: &str, overrides: &[&str]) -> Result<RunSpec, String> {
        let overrides: Vec<_> = overrides.iter().map(ToString::to_string).collect();
        RunSpec::from_toml(text, &overrides, &catalog()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_written_spec_reads_back_the_same() {
        let mut spec = read("seed = 7\n[encoder]\nid = 'mlp'", &["name=Two words", "epochs=3"]).unwrap();
        spec.dataset.path = Some("/a b".into());
        let text = spec.to_toml(&catalog());
        let back = read(&text, &[]).unwrap();
        assert_eq!(back.to_toml(&catalog()), text);
        assert_eq!((back.seed, back.training(&EPOCHS), back.encoder.id.as_str()), (7, 3.0, "mlp"));
        assert_eq!(back.dataset.path, spec.dataset.path);
    }

    #[test]
    fn the_order_of_overrides_says_nothing() {
        for pairs in [["dataset.path=/a", "dataset=files"], ["dataset.id=files", "dataset.path=/a"]] {
            let spec = read("", &pairs).unwrap();
            assert_eq!((spec.dataset.id.as_str(), spec.dataset.path), ("files", Some("/a".into())));
        }
    }

    #[test]
    fn a_spec_of_version_1_is_split_as_it_was_and_stays_of_version_1() {
        for (text, rule, version) in [
            ("version = 1", SplitRule::AsCorrected, "version = 1"),
            ("version = 2", SplitRule::AsRead, "version = 2"),
            ("", SplitRule::AsRead, "version = 2"),
        ] {
            let spec = read(text, &["dataset=fashion_mnist"]).unwrap();
            assert_eq!(spec.dataset.split_rule, rule);
            assert!(spec.to_toml(&catalog()).contains(version));
        }
    }

    #[test]
    fn large_seeds_survive() {
        let spec = RunSpec { seed: u64::MAX, ..RunSpec::default() };
        assert_eq!(read(&spec.to_toml(&catalog()), &[]).unwrap().seed, u64::MAX);
    }

    #[test]
    fn a_misspelt_key_names_the_nearest() {
        let error = read("[optimizer]\nlearning_rte = 0.1", &[]).unwrap_err();
        assert_eq!(error, "optimizer.learning_rte: is not known: did you mean learning_rate?");
        assert!(read("", &["epoch=3"]).unwrap_err().contains("did you mean epochs?"));
        assert!(read("", &["optimiser.momentum=3"]).unwrap_err().contains("did you mean optimizer?"));
    }

    #[test]
    fn values_are_checked() {
        assert!(read("", &["epochs=0"]).unwrap_err().contains("out of range: choose from 1 to 1000"));
        assert!(read("", &["epochs=1.5"]).unwrap_err().contains("not a whole number"));
        assert!(read("", &["epochs=many"]).unwrap_err().contains("is not a whole number"));
        assert!(read("", &["learning_rate=nan"]).unwrap_err().contains("out of range"));
        assert!(read("version = 99", &[]).unwrap_err().contains("update Headstart"));
        assert!(read("seed = -1", &[]).unwrap_err().contains("whole number from 0"));
        assert!(read("encoder = 3", &[]).unwrap_err().contains("write [encoder]"));
        assert!(
            read("", &["encoder=nope"]).unwrap_err().contains("choose one of seed_cnn, compact_cnn, mlp")
        );
    }

    #[test]
    fn what_depends_on_the_data_set_is_not_passed_over() {
        assert!(read("", &["augmentation=recommended"]).unwrap_err().contains("depends on the data set"));
        assert!(read("", &["augmentation=lots"]).unwrap_err().contains("choose one of recommended, none"));
    }

    #[test]
    fn one_of_several_is_written_as_a_word() {
        let spec = read("", &["class_balance=weighted_loss"]).unwrap();
        assert_eq!(spec.dataset.values["class_balance"], 2.0);
        assert!(spec.to_toml(&catalog()).contains("class_balance = \"weighted_loss\""));
        assert_eq!(read(&spec.to_toml(&catalog()), &[]).unwrap().dataset.values["class_balance"], 2.0);
        for wrong in ["class_balance=2", "class_balance=some"] {
            let error = read("", &[wrong]).unwrap_err();
            assert!(error.contains("is not one of none, oversample, weighted_loss"), "{error}");
        }
    }

    #[test]
    fn another_component_starts_from_its_own_defaults() {
        let spec = read("[encoder]\nid = 'seed_cnn'\nconv_dropout = 0.1", &["encoder=mlp"]).unwrap();
        assert_eq!(spec.encoder, Choice::new("mlp"));
    }
}
