//! Settings: what some runs of an experiment have in place of what its recipe says.
use crate::spec::{
    Catalog, Choice, FieldError, Param, ParamKind, RunSpec, Section, dotted,
    overrides::{Target, target},
    param_value, written_value,
};
use toml::Value;

/// The key of the labelled examples of each class that a run learns from.
pub(super) const LABELS_PER_CLASS: &str = "labels_per_class";
const INIT_FROM: &str = "init_from";
/// What `augmentation` is set to where nothing is to be altered.
const NO_AUGMENTATION: &str = "none";

/// A value in place of the recipe's own.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// What the encoder begins with: the name of a pretraining, a run, or a file of weights; none for random weights.
    InitFrom(Option<String>),
    /// The component of a section, with all its defaults. For the augmentation: none.
    Component(Section, String),
    /// A hyperparameter and its value.
    Param(Section, Param, f64),
}

impl Setting {
    /// A hyperparameter that every run has.
    pub fn training(param: Param, value: f64) -> Self {
        Setting::Param(Section::Training, param, value)
    }

    /// No augmentation.
    pub fn unaltered() -> Self {
        Setting::Component(Section::Augmentation, NO_AUGMENTATION.into())
    }

    /// Reads `value` for a key as `--set` has it: dotted, or alone where the components that `spec` chose make it clear.
    ///
    /// # Errors
    /// Where the key is unknown or could be several, or the value is of another type.
    pub fn read(key: &str, value: &Value, spec: &RunSpec, catalog: &Catalog) -> Result<Self, FieldError> {
        let text = || value.as_str().ok_or_else(|| FieldError::new(key, "must be a text in quotes"));
        if key == INIT_FROM {
            return Ok(Setting::InitFrom(
                Some(text()?.to_owned()).filter(|source| !source.trim().is_empty()),
            ));
        }
        let ids = Section::ALL.map(|section| (section, spec.id(section))).into();
        match target(key, &ids, catalog)? {
            Target::Component(Section::Augmentation) if value.as_str() != Some(NO_AUGMENTATION) => {
                Err(FieldError::new(key, "can be none here: write every value out instead"))
            }
            Target::Component(section) => Ok(Setting::Component(section, text()?.to_owned())),
            Target::Value(section, name) => {
                let param = find(section, name, spec, catalog).ok_or_else(|| {
                    FieldError::new(key, format!("is not known{}", catalog.owner(name).unwrap_or_default()))
                })?;
                let number = param_value(param, value).map_err(|wrong| FieldError::new(key, wrong))?;
                Ok(Setting::Param(section, *param, number))
            }
            Target::Top => Err(FieldError::new(key, "is the same for all runs of an experiment")),
        }
    }

    /// The value as TOML.
    pub fn value(&self) -> Value {
        match self {
            Setting::InitFrom(source) => source.as_deref().unwrap_or_default().into(),
            Setting::Component(_, id) => id.as_str().into(),
            Setting::Param(_, param, value) => written_value(param, *value),
        }
    }

    /// The value as it stands in a table.
    pub fn text(&self) -> String {
        match self.value() {
            Value::String(text) => text,
            value => value.to_string(),
        }
    }

    /// Its section, and its key there: `id` for a component.
    pub fn place(&self) -> (Option<Section>, &'static str) {
        match self {
            Setting::InitFrom(_) => (None, INIT_FROM),
            Setting::Component(section, _) => (Some(*section), "id"),
            Setting::Param(section, param, _) => (Some(*section), param.key),
        }
    }

    /// The dotted key, such as `optimizer.learning_rate`; a component's is its section.
    pub fn key(&self) -> String {
        match self {
            Setting::InitFrom(_) => INIT_FROM.into(),
            Setting::Component(section, _) => section.id().into(),
            Setting::Param(section, param, _) => dotted(*section, param),
        }
    }

    /// The key without its section, as a column's name.
    pub fn name(&self) -> &'static str {
        match self {
            Setting::InitFrom(_) => INIT_FROM,
            Setting::Component(section, _) => section.id(),
            Setting::Param(_, param, _) => param.key,
        }
    }

    /// What it is about, as a title has it: "Learning rate".
    pub fn title(&self) -> String {
        match self {
            Setting::InitFrom(_) => "Starting weights".into(),
            Setting::Component(section, _) => capitalized(section.id()),
            Setting::Param(_, param, _) if param.key == LABELS_PER_CLASS => "Labels".into(),
            Setting::Param(_, param, _) => param.label.into(),
        }
    }

    /// Whether it says how many labels a run learns from.
    pub fn is_of_labels(&self) -> bool {
        matches!(self, Setting::Param(_, param, _) if param.key == LABELS_PER_CLASS)
    }

    /// The value alone: "0.01", "10 a class".
    pub fn short(&self) -> String {
        match self {
            Setting::InitFrom(source) => source.as_deref().unwrap_or("random weights").into(),
            Setting::Component(_, id) => id.clone(),
            Setting::Param(_, param, value) if param.key == LABELS_PER_CLASS => match *value {
                0.0 => "all".into(),
                many => format!("{many} a class"),
            },
            Setting::Param(_, param, value) => number(param, *value),
        }
    }

    /// With what the value is of: "learning rate 0.01", "10 labels a class".
    pub fn label(&self) -> String {
        match self {
            Setting::Param(_, param, value) if param.key == LABELS_PER_CLASS => labels(*value as u64),
            Setting::Param(_, param, value) => {
                format!("{} {}", lowercased(param.label), number(param, *value))
            }
            _ => format!("{} {}", lowercased(&self.title()), self.short()),
        }
    }

    /// Puts it into a recipe.
    pub fn apply(&self, spec: &mut RunSpec) {
        match self {
            Setting::InitFrom(source) => spec.init_from.clone_from(source),
            Setting::Component(section, id) => match spec.choice_mut(*section) {
                Some(choice) if choice.id != *id => *choice = Choice::new(id),
                Some(_) => {}
                None => spec.augmentation.clear(),
            },
            Setting::Param(section, param, value) => spec.set(*section, param, *value),
        }
    }

    /// The same key with the value that a run's spec has.
    pub fn of(&self, spec: &RunSpec) -> Self {
        match self {
            Setting::InitFrom(_) => Setting::InitFrom(spec.init_from.clone()),
            Setting::Component(Section::Augmentation, _) if spec.is_unaltered() => Self::unaltered(),
            Setting::Component(section, _) => Setting::Component(*section, spec.id(*section).into()),
            Setting::Param(section, param, _) => Setting::Param(*section, *param, spec.get(*section, param)),
        }
    }

    /// Whether nothing in `spec` takes the value: it is another component's.
    pub(super) fn is_foreign(&self, spec: &RunSpec, catalog: &Catalog) -> bool {
        let Setting::Param(section, param, _) = self else { return false };
        catalog
            .component(*section, spec.id(*section))
            .is_some_and(|info| info.params.iter().all(|known| known.key != param.key))
    }
}

/// The hyperparameter of the chosen component, or else of any other in the section.
fn find<'a>(section: Section, name: &str, spec: &RunSpec, catalog: &'a Catalog) -> Option<&'a Param> {
    let chosen = catalog.component(section, spec.id(section));
    let mut all = chosen.into_iter().chain(catalog.section(section)).flat_map(|info| info.params);
    all.find(|param| param.key == name)
}

fn number(param: &Param, value: f64) -> String {
    match param.kind {
        ParamKind::Switch => if value == 0.0 { "off" } else { "on" }.into(),
        ParamKind::Choice(options) => {
            options.get(value as usize).map_or(String::new(), |(_, label)| (*label).into())
        }
        ParamKind::Integer { .. } | ParamKind::Float { .. } => value.to_string(),
    }
}

/// "1 label a class", "10 labels a class", "all labels".
pub fn labels(per_class: u64) -> String {
    match per_class {
        0 => "all labels".into(),
        1 => "1 label a class".into(),
        many => format!("{many} labels a class"),
    }
}

pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

pub(super) fn lowercased(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn read(key: &str, value: impl Into<Value>) -> Result<Setting, String> {
        Setting::read(key, &value.into(), &RunSpec::default(), &catalog()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_read_is_in_the_recipe_that_it_is_put_into() {
        for (key, value, dotted, label) in [
            ("init_from", Value::from("a run"), "init_from", "starting weights a run"),
            ("optimizer", "sgd".into(), "optimizer", "optimizer sgd"),
            ("augmentation", "none".into(), "augmentation", "augmentation none"),
            ("labels_per_class", 10.into(), "dataset.labels_per_class", "10 labels a class"),
            ("learning_rate", 0.25.into(), "optimizer.learning_rate", "learning rate 0.25"),
            ("encoder.conv_dropout", 0.5.into(), "encoder.conv_dropout", "dropout 0.5"),
            ("class_balance", "oversample".into(), "dataset.class_balance", ""),
        ] {
            let setting = read(key, value.clone()).unwrap();
            assert_eq!((setting.key().as_str(), setting.value()), (dotted, value));
            assert!(setting.label().ends_with(label.trim_start()), "{}", setting.label());
            let mut spec = RunSpec { augmentation: [("flip".to_owned(), 0.5)].into(), ..RunSpec::default() };
            assert_ne!(setting.of(&spec), setting);
            setting.apply(&mut spec);
            assert_eq!(setting.of(&spec), setting);
        }
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        assert!(read("learning_rte", 1).unwrap_err().contains("did you mean learning_rate?"));
        assert!(read("learning_rate", "fast").unwrap_err().contains("is not a number"));
        assert!(read("optimizer", 3).unwrap_err().contains("text in quotes"));
        assert!(read("augmentation", "recommended").unwrap_err().contains("can be none here"));
        assert!(read("seed", 3).unwrap_err().contains("same for all runs"));
        assert!(read("training.momentum", 0.5).unwrap_err().contains("it belongs to optimizer=sgd"));
    }

    #[test]
    fn a_value_of_another_component_is_foreign() {
        let momentum = read("optimizer.momentum", 0.9).unwrap();
        let mut spec = RunSpec::default();
        assert!(momentum.is_foreign(&spec, &catalog()));
        read("optimizer", "sgd").unwrap().apply(&mut spec);
        assert!(!momentum.is_foreign(&spec, &catalog()));
    }
}
