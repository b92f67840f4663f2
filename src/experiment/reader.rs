//! Reads an experiment's table, and says all that is wrong with it.
//!
//! A head start has a short form: `labels_per_class` in place of an axis, and arms with switches in place of settings.
use super::{
    Arm, Axis, Experiment, Setting, default_metric, head_start::Switches, setting::LABELS_PER_CLASS, several,
    toml::VERSION,
};
use crate::{
    metrics::{self, MetricInfo, Split},
    nearest::suggestion,
    spec::{Catalog, FieldError, RunSpec, Section, SpecError},
};
use toml::{Table, Value};

const KEYS: [&str; 12] = [
    "version",
    "name",
    "seeds",
    "metric",
    "split",
    "control",
    LABELS_PER_CLASS,
    "axes",
    "search",
    "pretrain",
    "run",
    "arms",
];
const ARM_KEYS: [&str; 6] = ["name", "set", "init_from", "frozen", "augmented", "self_labelled"];

mod search;

/// Reads, and keeps what is wrong.
pub struct Reader<'a> {
    /// What can be chosen.
    pub catalog: &'a Catalog,
    /// All that is wrong with the text so far.
    pub errors: Vec<FieldError>,
}

impl Reader<'_> {
    /// The experiment of a table, with defaults in place of what is wrong.
    ///
    /// # Errors
    /// Where there is no recipe to be read at all.
    pub fn experiment(&mut self, table: &Table) -> Result<Experiment, SpecError> {
        self.unknown_keys("", table, &KEYS);
        self.version(table);
        let base = match table.get("run").map(Value::as_table) {
            Some(Some(run)) => self.spec("run", run),
            _ => {
                let message = "is missing: [run] holds the recipe that all runs share";
                return Err(SpecError(vec![FieldError::new("run", message)]));
            }
        };
        let pretrain = self.tables(table, "pretrain");
        let pretrain = pretrain.iter().enumerate();
        let pretrain = pretrain.map(|(i, table)| self.spec(&format!("pretrain.{i}"), table)).collect();
        let name = self.text(table, "", "name").unwrap_or_else(|| {
            self.error("name", "must be a text in quotes");
            String::new()
        });
        let (arms, controls): (Vec<Arm>, Vec<bool>) = self.arms(table, &name, &base).into_iter().unzip();
        let axes = self.axes(table, &base);
        Ok(Experiment {
            seeds: self.seeds(table),
            search: self.search(table, &axes, &base),
            axes,
            control: self.control(table, &arms, &controls),
            metric: self.metric(table),
            split: self.split(table),
            name,
            pretrain,
            base,
            arms,
        })
    }

    fn version(&mut self, table: &Table) {
        let version = table.get("version").map(Value::as_integer);
        if !version.is_none_or(|version| version.is_some_and(|version| (1..=VERSION).contains(&version))) {
            self.error("version", format!("must be up to {VERSION}: is the program older than the file?"));
        }
    }

    fn spec(&mut self, field: &str, table: &Table) -> RunSpec {
        RunSpec::from_table(table, self.catalog).unwrap_or_else(|SpecError(wrong)| {
            let inside = |e: FieldError| FieldError::new(format!("{field}.{}", e.field), e.message);
            self.errors.extend(wrong.into_iter().map(inside));
            RunSpec::default()
        })
    }

    /// Whole numbers from 0; one alone may stand without brackets.
    fn seeds(&mut self, table: &Table) -> Vec<u64> {
        let one = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_integer().and_then(|number| u64::try_from(number).ok()),
        };
        let found: Option<Vec<u64>> =
            table.get("seeds").and_then(|value| listed(value).into_iter().map(one).collect());
        found.unwrap_or_else(|| {
            self.error("seeds", "must be a list of whole numbers from 0, such as [1, 10]");
            vec![]
        })
    }

    /// By their keys, so that their order in the text says nothing.
    fn axes(&mut self, table: &Table, base: &RunSpec) -> Vec<Axis> {
        let mut axes = match table.get("axes") {
            None => vec![],
            Some(Value::Table(axes)) => flat(axes),
            Some(_) => {
                self.error("axes", "must be a section: write [axes] above the keys that are varied");
                vec![]
            }
        };
        if let Some(labels) = table.get(LABELS_PER_CLASS) {
            axes.push((format!("{}.{LABELS_PER_CLASS}", Section::Dataset.id()), labels));
        }
        let mut read: Vec<Axis> = vec![];
        for (key, values) in axes {
            match several::axis(&key, values, base, self.catalog) {
                Ok(axis) => read.push(axis),
                Err(error) => self.error(&format!("axes.{}", error.field), error.message),
            }
        }
        let key = |axis: &Axis| axis.settings.first().map(Setting::key);
        read.sort_by_key(key);
        let twice =
            read.windows(2).filter(|pair| key(&pair[0]) == key(&pair[1])).filter_map(|pair| key(&pair[0]));
        for key in twice.collect::<Vec<_>>() {
            self.error(&format!("axes.{key}"), "is given twice: keep one of them");
        }
        read
    }

    /// Each with whether it is a head start's control. An experiment without arms has one, which is the recipe.
    fn arms(&mut self, table: &Table, name: &str, base: &RunSpec) -> Vec<(Arm, bool)> {
        let tables = self.tables(table, "arms");
        if tables.is_empty() {
            return vec![(Arm { name: name.into(), settings: vec![] }, true)];
        }
        tables.iter().enumerate().map(|(index, table)| self.arm(index, table, base)).collect()
    }

    fn arm(&mut self, index: usize, table: &Table, base: &RunSpec) -> (Arm, bool) {
        let place = format!("arms.{index}.");
        self.unknown_keys(&place, table, &ARM_KEYS);
        let name = self.text(table, &place, "name").unwrap_or_else(|| {
            self.error(&format!("{place}name"), "every arm needs a name");
            String::new()
        });
        let switches = Switches {
            init_from: self.text(table, &place, "init_from"),
            frozen: self.switch(table, &place, "frozen", false),
            augmented: self.switch(table, &place, "augmented", true),
            self_labelled: self.switch(table, &place, "self_labelled", false),
        };
        let Some(set) = table.get("set") else {
            return (Arm { name, settings: switches.settings() }, switches.is_control());
        };
        let has_switches = table.keys().any(|key| key != "set" && key != "name");
        let Some(set) = set.as_table().filter(|_| !has_switches) else {
            let advice =
                "must be a table, such as { learning_rate = 0.1 }, and holds all that the arm changes";
            self.error(&format!("{place}set"), advice);
            return (Arm { name, settings: vec![] }, false);
        };
        (Arm { name, settings: self.settings(&place, set, base) }, false)
    }

    /// Reads components first, of which other keys may be; gives all in order of their keys.
    fn settings(&mut self, place: &str, set: &Table, base: &RunSpec) -> Vec<Setting> {
        let is_component = |key: &str| Section::ALL.iter().any(|section| section.id() == key);
        let (components, others): (Vec<_>, Vec<_>) =
            flat(set).into_iter().partition(|(key, _)| is_component(key));
        let (mut spec, mut settings) = (base.clone(), vec![]);
        for (key, value) in components.into_iter().chain(others) {
            match Setting::read(&key, value, &spec, self.catalog) {
                Ok(setting) => {
                    setting.apply(&mut spec);
                    settings.push(setting);
                }
                Err(error) => self.error(&format!("{place}set.{}", error.field), error.message),
            }
        }
        settings.sort_by_key(Setting::key);
        settings
    }

    /// Named, or a head start's own, or the first arm.
    fn control(&mut self, table: &Table, arms: &[Arm], controls: &[bool]) -> usize {
        let Some(name) = self.text(table, "", "control") else {
            return controls.iter().position(|is_control| *is_control).unwrap_or_default();
        };
        arms.iter().position(|arm| arm.name == name).unwrap_or_else(|| {
            let known: Vec<_> = arms.iter().map(|arm| arm.name.as_str()).collect();
            self.error("control", format!("is no arm{}", suggestion(&name, &known)));
            0
        })
    }

    fn metric(&mut self, table: &Table) -> &'static MetricInfo {
        let Some(id) = self.text(table, "", "metric") else { return default_metric() };
        metrics::find(&id).unwrap_or_else(|| {
            let known: Vec<_> = metrics::ALL.iter().map(|metric| metric.id).collect();
            self.error("metric", format!("{id:?} is not known{}", suggestion(&id, &known)));
            default_metric()
        })
    }

    /// A sweep is there to choose by, which test data may not be used for.
    fn split(&mut self, table: &Table) -> Split {
        let default = if table.contains_key("arms") { Split::Test } else { Split::Validation };
        let Some(id) = self.text(table, "", "split") else { return default };
        Split::find(&id).unwrap_or_else(|| {
            self.error("split", "must be one of train, validation, test");
            default
        })
    }

    fn text(&mut self, table: &Table, place: &str, key: &str) -> Option<String> {
        match table.get(key) {
            None => None,
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
            Some(_) => {
                self.error(&format!("{place}{key}"), "must be a text in quotes");
                None
            }
        }
    }

    fn switch(&mut self, table: &Table, place: &str, key: &str, default: bool) -> bool {
        match table.get(key) {
            None => default,
            Some(Value::Boolean(on)) => *on,
            Some(_) => {
                self.error(&format!("{place}{key}"), "must be true or false");
                default
            }
        }
    }

    fn tables(&mut self, table: &Table, key: &str) -> Vec<Table> {
        let found: Option<Vec<Table>> = match table.get(key) {
            None => Some(vec![]),
            Some(Value::Array(values)) => values.iter().map(|value| value.as_table().cloned()).collect(),
            Some(_) => None,
        };
        found.unwrap_or_else(|| {
            self.error(key, format!("must be sections: write [[{key}]] above the keys of each"));
            vec![]
        })
    }

    fn unknown_keys(&mut self, place: &str, table: &Table, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.error(&format!("{place}{key}"), format!("is not known: choose one of {}", known.join(", ")));
        }
    }

    fn error(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, message));
    }
}

/// The values of a list; one alone may stand without brackets.
fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

/// The same, each by its dotted key; a component by its section.
fn flat(table: &Table) -> Vec<(String, &Value)> {
    let mut values = vec![];
    for (key, value) in table {
        match value {
            Value::Table(inner) => values.extend(inner.iter().map(|(name, value)| {
                (if name == "id" { key.clone() } else { format!("{key}.{name}") }, value)
            })),
            value => values.push((key.clone(), value)),
        }
    }
    values
}
