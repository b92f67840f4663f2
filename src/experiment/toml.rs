//! Experiments as TOML: as strict as a spec, of which each of its recipes is one.
use super::{Arm, Axis, Experiment, Search, Setting, reader::Reader};
use crate::spec::{Catalog, FieldError, RunSpec, Section, SpecError, no_toml, overrides::ordered};
use toml::{Table, Value};

/// The version of `comparison.toml`. Version 1 had the short form alone.
pub(super) const VERSION: i64 = 2;

impl Experiment {
    /// Whether a text in TOML describes an experiment rather than a single run.
    pub fn is_described_by(text: &str) -> bool {
        text.parse::<Table>()
            .is_ok_and(|table| ["arms", "axes", "search"].iter().any(|key| table.contains_key(*key)))
    }

    /// Reads an experiment. `overrides` are `key=value` pairs that win over the text: `seeds=[1]`,
    /// `axes.learning_rate=[0.1, 0.01]`, or, within a recipe, `run.epochs=1` and `pretrain.epochs=1`.
    ///
    /// # Errors
    /// Every unknown key, and every value of the wrong type or out of range.
    pub fn from_toml(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Self, SpecError> {
        Self::from_table(&Self::table(text, overrides, catalog)?, catalog)
    }

    /// An experiment's table with `overrides`, of which nothing has been checked but their keys.
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
        let mut reader = Reader { catalog, errors: vec![] };
        let experiment = reader.experiment(table)?;
        reader.errors.extend(if reader.errors.is_empty() { experiment.validate(catalog) } else { vec![] });
        if reader.errors.is_empty() { Ok(experiment) } else { Err(SpecError(reader.errors)) }
    }

    /// The whole experiment as TOML, every default of `catalog` written out.
    pub fn to_toml(&self, catalog: &Catalog) -> String {
        let spec = |spec: &RunSpec| Value::Table(spec.to_table(catalog));
        let seeds = self.seeds.iter().map(|seed| written_seed(*seed)).collect();
        let mut table = Table::new();
        table.insert("version".into(), VERSION.into());
        table.insert("name".into(), self.name.as_str().into());
        table.insert("seeds".into(), Value::Array(seeds));
        table.insert("metric".into(), self.metric.id.into());
        table.insert("split".into(), self.split.id().into());
        table.insert("control".into(), self.arms[self.control].name.as_str().into());
        let axis = |axis: &Axis| {
            let values = || Value::Array(axis.settings.iter().map(Setting::value).collect());
            Some((axis.settings.first()?.place(), axis.text().map_or_else(values, Value::String)))
        };
        table.insert("axes".into(), nested(self.axes.iter().filter_map(axis)));
        if let Some(search) = &self.search {
            table.insert("search".into(), search_table(search));
        }
        if !self.pretrain.is_empty() {
            table.insert("pretrain".into(), Value::Array(self.pretrain.iter().map(spec).collect()));
        }
        table.insert("run".into(), spec(&self.base));
        table.insert("arms".into(), Value::Array(self.arms.iter().map(arm_table).collect()));
        table.to_string()
    }
}

fn search_table(search: &Search) -> Value {
    let mut table = Table::new();
    table.insert("kind".into(), search.kind.into());
    table.insert("seed".into(), written_seed(search.seed));
    for (key, value) in [("trials", search.trials), ("halving", search.halving), ("at_once", search.at_once)]
    {
        table.insert(key.into(), Value::Integer(value as i64));
    }
    search.minutes.map(|minutes| table.insert("minutes".into(), minutes.into()));
    let skipped = search.skipped.iter().map(|trial| Value::Integer(*trial as i64)).collect();
    table.insert("skipped".into(), Value::Array(skipped));
    let trial =
        |settings: &Vec<Setting>| nested(settings.iter().map(|setting| (setting.place(), setting.value())));
    table.insert("drawn".into(), Value::Array(search.drawn.iter().map(trial).collect()));
    table.into()
}

fn arm_table(arm: &Arm) -> Value {
    let mut table = Table::new();
    table.insert("name".into(), arm.name.as_str().into());
    table.insert("set".into(), nested(arm.settings.iter().map(|setting| (setting.place(), setting.value()))));
    table.into()
}

/// A seed beyond what TOML holds is written as text, as in a spec.
fn written_seed(seed: u64) -> Value {
    i64::try_from(seed).map_or_else(|_| Value::String(seed.to_string()), Value::Integer)
}

/// Values in the tables of their sections.
fn nested(values: impl Iterator<Item = ((Option<Section>, &'static str), Value)>) -> Value {
    let mut table = Table::new();
    for ((section, key), value) in values {
        match section {
            None => drop(table.insert(key.into(), value)),
            Some(section) => {
                let inner = table.entry(section.id()).or_insert_with(|| Table::new().into());
                inner.as_table_mut().expect("made above").insert(key.into(), value);
            }
        }
    }
    table.into()
}

fn override_value(table: &mut Table, pair: &str, catalog: &Catalog) -> Result<(), FieldError> {
    if let Some(rest) = pair.strip_prefix("run.") {
        let run = table.get_mut("run").and_then(Value::as_table_mut);
        return run.map_or(Ok(()), |run| RunSpec::override_value(run, rest, catalog));
    }
    if let Some(rest) = pair.strip_prefix("pretrain.") {
        let recipes = table.get_mut("pretrain").and_then(Value::as_array_mut).into_iter().flatten();
        let mut recipes = recipes.filter_map(Value::as_table_mut).peekable();
        if recipes.peek().is_none() {
            return Err(FieldError::new(pair, "does nothing here: this recipe pretrains nothing"));
        }
        return recipes.try_for_each(|recipe| RunSpec::override_value(recipe, rest, catalog));
    }
    let wrong = || FieldError::new(pair, "must be written key=value, such as seeds=[1, 2] or run.epochs=1");
    let (key, text) = pair.split_once('=').ok_or_else(wrong)?;
    let (key, text) = (key.trim(), text.trim());
    let value = format!("v = {text}").parse::<Table>().ok().and_then(|mut parsed| parsed.remove("v"));
    let value = value.unwrap_or_else(|| text.into());
    let section = ["axes", "search"]
        .into_iter()
        .find_map(|section| Some((section, key.strip_prefix(section)?.strip_prefix('.')?)));
    let Some((section, key)) = section else {
        table.insert(key.into(), value);
        return Ok(());
    };
    let inner = table.entry(section).or_insert_with(|| Table::new().into());
    let inner = inner.as_table_mut().ok_or_else(|| FieldError::new(section, "must be a section"))?;
    inner.insert(key.into(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Found,
            sweep::tests::searched,
            tests::{example, sweep},
        },
        *,
    };
    use crate::{metrics::Split, session::catalog};

    #[test]
    fn a_written_experiment_reads_back_the_same() {
        for experiment in [example(), sweep()] {
            let text = experiment.to_toml(&catalog());
            let back = Experiment::from_toml(&text, &[], &catalog()).unwrap();
            assert_eq!(back.to_toml(&catalog()), text);
            let same = Experiment { base: back.base.clone(), pretrain: back.pretrain.clone(), ..experiment };
            assert_eq!(back, same);
        }
    }

    #[test]
    fn a_search_is_written_with_what_it_has_chosen() {
        let mut experiment = searched("{ trials = 12, minutes = 2.5, halving = 3, skipped = [1] }");
        let search = experiment.search.clone().unwrap();
        assert_eq!((search.kind, search.at_once, search.seed), ("tpe", 9, 0));
        let drawn = experiment.draw(&search, &Found::new(), 9);
        experiment.search.as_mut().unwrap().drawn = drawn;
        let text = experiment.to_toml(&catalog());
        let back = Experiment::from_toml(&text, &[], &catalog()).unwrap();
        assert_eq!((back.to_toml(&catalog()), back.search), (text, experiment.search));
    }

    #[test]
    fn what_cannot_be_searched_is_said_in_a_sentence() {
        let text = "name = 'a'\nrun = {}\nseeds = 1\n[axes]\nlearning_rate = '0.001..0.1 log'";
        let refused = |pairs: &[&str]| {
            let pairs: Vec<_> = pairs.iter().map(ToString::to_string).collect();
            Experiment::from_toml(text, &pairs, &catalog()).unwrap_err().to_string()
        };
        assert!(refused(&["search.trials=1000000000"]).contains("choose 5000 at most"));
        assert!(refused(&["search.trials=0"]).contains("search.trials: must be"));
        assert!(refused(&["search.minutes=-1"]).contains("search.minutes: must be"));
        assert!(refused(&["search.halving=1000000000"]).contains("search.halving: must be"));
        assert!(refused(&["search.at_once=1000000000"]).contains("search.at_once: must be"));
        assert!(refused(&["search.kind=gird"]).contains("did you mean grid?"));
        assert!(refused(&["search.kind=grid"]).contains("0.001..0.1:log:5"));
        assert!(refused(&["search.budget=3"]).contains("search.budget: is not known"));
        assert!(refused(&["search.skipped=[-1]"]).contains("search.skipped: must be"));
        assert!(refused(&["search.drawn=[{ batch_size = 3 }]"]).contains("search.drawn.0"));
        assert!(refused(&["split=test"]).contains("validation"));
        assert!(refused(&["axes.learning_rate=0.1..0.001"]).contains("smaller end first"));
        assert!(refused(&["axes.learning_rate=0..0.1 log"]).contains("start above 0"));
        assert!(refused(&["axes.learning_rate=0.1..1000"]).contains("out of range"));
        let arms = "arms=[{ name = 'a', set = {} }, { name = 'b', set = { batch_size = 16 } }]";
        assert!(refused(&[arms]).contains("search"));
        // few validations for so many rungs
        assert!(refused(&["search.halving=3", "run.epochs=1"]).contains("evaluations_per_epoch"));
    }

    #[test]
    fn what_is_set_wins_over_the_text() {
        let read = |text: &str, pairs: &[&str]| {
            let pairs: Vec<_> = pairs.iter().map(ToString::to_string).collect();
            Experiment::from_toml(text, &pairs, &catalog()).unwrap()
        };
        let text = example().to_toml(&catalog());
        let changed = read(&text, &["seeds=7", "run.epochs=2", "pretrain.epochs=3"]);
        assert_eq!(changed.seeds, [7]);
        assert_eq!((changed.base.training["epochs"], changed.pretrain[0].training["epochs"]), (2.0, 3.0));
        let varied = read(
            "name = 'a'\nseeds = 1\nrun = {}\naxes = { learning_rate = [0.1] }",
            &["axes.learning_rate=[0.2, 0.3]", "axes.optimizer=[\"sgd\", \"adam\"]", "metric=loss"],
        );
        assert_eq!((varied.points(), varied.metric.id, varied.split), (4, "loss", Split::Validation));
        assert_eq!(varied.point_label(2), "optimizer adam, learning rate 0.2");
    }

    #[test]
    fn the_short_form_of_a_head_start_is_read_for_ever() {
        let short = "
            version = 1
            name = 'Races'
            seeds = [1]
            labels_per_class = [5, 1]
            run = {}
            arms = [{ name = 'Frozen', init_from = 'mnist_contrastive', frozen = true }, { name = 'Scratch' }]
        ";
        let long = "
            version = 2
            name = 'Races'
            seeds = [1]
            control = 'Scratch'
            split = 'test'
            run = {}
            [axes.dataset]
            labels_per_class = [5, 1]
            [[arms]]
            name = 'Frozen'
            [arms.set]
            init_from = 'mnist_contrastive'
            training = { self_labels = 0, freeze_stages = 100, unfreeze_every = 0 }
            [[arms]]
            name = 'Scratch'
            set = { init_from = '', self_labels = 0, encoder_lr_factor = 1, stage_lr_factor = 1, fresh_stages = 0, freeze_stages = 0, unfreeze_every = 0 }
        ";
        let [short, long] = [short, long].map(|text| Experiment::from_toml(text, &[], &catalog()).unwrap());
        assert_eq!(short.to_toml(&catalog()), long.to_toml(&catalog()));
        assert!(short.is_pretrained(0) && !short.is_pretrained(1));
        assert_eq!((short.control, short.point_label(1)), (1, "1 label a class".into()));
    }

    #[test]
    fn every_mistake_is_named() {
        let refused = |text: &str, pairs: &[&str]| {
            let pairs: Vec<_> = pairs.iter().map(ToString::to_string).collect();
            Experiment::from_toml(text, &pairs, &catalog()).unwrap_err().to_string()
        };
        let text = example().to_toml(&catalog());
        assert!(refused("", &[]).contains("[run] holds the recipe"));
        assert!(refused("= 1", &[]).contains("TOML"));
        assert!(refused(&text, &["seeds=[1.5]"]).contains("list of whole numbers"));
        assert!(refused(&text, &["run.epochs=0"]).contains("run.training.epochs"));
        assert!(refused(&text, &["run.epoch=1"]).contains("epochs"));
        assert!(refused(&text, &["version=9"]).contains("version"));
        assert!(refused(&text, &["seed=9"]).contains("seed: is not known"));
        assert!(refused(&text, &["metric=acuracy"]).contains("did you mean accuracy?"));
        assert!(refused(&text, &["split=all"]).contains("train, validation, test"));
        assert!(refused(&text, &["control=Scrach"]).contains("did you mean Scratch?"));
        assert!(refused(&text, &["labels_per_class=[3]"]).contains("is given twice"));
        assert!(refused(&text, &["axes.momentun=[0.5]"]).contains("axes.momentun: is not known"));
        assert!(refused(&text, &["axes=[3]"]).contains("write [axes]"));
        assert!(refused(&text, &["arms=[{ name = 'a', set = 3 }]"]).contains("arms.0.set: must be a table"));
        let alone = "name = 'a'\nrun = {}\naxes = {}";
        assert!(refused(alone, &["pretrain.epochs=1"]).contains("pretrains nothing"));
        let both = "arms=[{ name = 'a', frozen = true, set = {} }]";
        assert!(refused(&text, &[both]).contains("holds all that the arm changes"));
        let unknown = "arms=[{ name = 'a', set = { training = { epoch = 3 } } }]";
        assert!(refused(&text, &[unknown]).contains("arms.0.set.training.epoch: is not known"));
        let switch = "arms=[{ name = 'a', frozen = 'yes' }]";
        assert!(refused(&text, &[switch]).contains("arms.0.frozen: must be true or false"));
        assert!(refused(&text.replace("[[arms]]", "[arms]"), &[]).contains("TOML"));
    }
}
