//! What a run is: plain data, shared by the window, the command line and the engine.
//!
//! A [`RunSpec`] names one component of each kind and gives every hyperparameter a number. What can be chosen, and
//! what each hyperparameter means, is in the [`Catalog`]; controls, `--set`, validation and tooltips all come from it.
use std::{collections::BTreeMap, fmt, path::PathBuf};

pub mod branch;
mod catalog;
pub mod edits;
mod live;
pub mod overrides;
mod reader;
pub mod script;
mod toml;
mod training;
pub use self::{
    branch::Branch,
    catalog::{Catalog, ComponentInfo, Misfit, Param, ParamKind, ShippedEncoder, dotted},
    edits::{Edit, Edits},
    live::{Change, LiveParams},
    script::Planned,
    toml::{SUITED_AUGMENTATION, SpecError},
    training::*,
};
pub(crate) use self::{
    reader::param_value,
    toml::{no_toml, written_value},
};

/// Everything that determines a run, except the live changes made to it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// The name that the user gave it.
    pub name: String,
    /// Every random number of the run is derived from it.
    pub seed: u64,
    /// A run, or a file of weights, that the encoder begins with.
    pub init_from: Option<String>,
    /// A moment of another run that it goes on from.
    pub branch: Option<Branch>,
    /// Of a run that came with the program: the name of its recipe.
    pub shipped: Option<String>,
    /// Its place in a comparison.
    pub entrant: Option<Entrant>,
    /// The data set, and how the run uses it.
    pub dataset: Choice,
    /// The network up to the embedding.
    pub encoder: Choice,
    /// What is minimised.
    pub objective: Choice,
    /// How the weights follow their gradients.
    pub optimizer: Choice,
    /// How the learning rate changes over the steps.
    pub schedule: Choice,
    /// Where the tensors live.
    pub device: Choice,
    /// How training examples are changed.
    pub augmentation: Values,
    /// Values of [`TRAINING`].
    pub training: Values,
    /// Live changes that the run makes by itself, in the order of their steps.
    pub changes: Vec<Planned>,
}

/// How a run's spec says which comparison it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrant {
    /// The comparison's identifier.
    pub comparison: String,
    /// The name of the arm, or of the pretraining.
    pub arm: String,
}

/// A component and the values of its hyperparameters, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The component's identifier in its registry.
    pub id: String,
    /// For data sets that are read from a file or a folder.
    pub path: Option<PathBuf>,
    /// Hyperparameters by their keys; a missing one has its default.
    pub values: Values,
    /// For data sets: the user's corrections.
    pub edits: Edits,
    /// For data sets: what a split is drawn from.
    pub split_rule: SplitRule,
}

/// What decides on which side of a split an example is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitRule {
    /// As in specs of version 1: the seed and the examples that corrections leave, so that correcting one moves others.
    AsCorrected,
    /// The seed and the examples as they were read; equal ones are on one side.
    #[default]
    AsRead,
}

/// Numbers by key. Integers and switches (0 or 1) are kept as numbers too.
pub type Values = BTreeMap<String, f64>;

/// The kinds of component, by the name of their section in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The data set.
    Dataset,
    /// The network up to the embedding.
    Encoder,
    /// What is minimised, and the head over the encoder.
    Objective,
    /// How the weights follow their gradients.
    Optimizer,
    /// The learning rate over the steps.
    Schedule,
    /// Where tensors are computed.
    Device,
    /// Random changes of training examples.
    Augmentation,
    /// Hyperparameters that every run has.
    Training,
}

impl Section {
    /// Every section, in the order of a spec's file.
    pub const ALL: [Section; 8] = [
        Section::Dataset,
        Section::Encoder,
        Section::Objective,
        Section::Optimizer,
        Section::Schedule,
        Section::Device,
        Section::Augmentation,
        Section::Training,
    ];

    /// The name used in TOML and in `--set`.
    pub fn id(self) -> &'static str {
        match self {
            Section::Dataset => "dataset",
            Section::Encoder => "encoder",
            Section::Objective => "objective",
            Section::Optimizer => "optimizer",
            Section::Schedule => "schedule",
            Section::Device => "device",
            Section::Augmentation => "augmentation",
            Section::Training => "training",
        }
    }

    /// The name shown in the window.
    pub fn label(self) -> &'static str {
        match self {
            Section::Dataset => "Data set",
            Section::Encoder => "Network",
            Section::Objective => "Objective",
            Section::Optimizer => "Optimiser",
            Section::Schedule => "Schedule",
            Section::Device => "Device",
            Section::Augmentation => "Augmentation",
            Section::Training => "Training",
        }
    }
}

/// A value that cannot be used, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Dotted key, such as `training.batch_size`.
    pub field: String,
    /// What is wrong and what is allowed instead.
    pub message: String,
}

impl FieldError {
    /// An error about a field, named as in `--set`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl std::error::Error for FieldError {}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl Choice {
    /// A component with all its defaults.
    pub fn new(id: &str) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The value of a hyperparameter, or its default.
    pub fn get(&self, param: &Param) -> f64 {
        self.values.get(param.key).copied().unwrap_or(param.default)
    }
}

impl Choice {
    /// The same with an absolute path.
    pub fn anchored(self) -> Self {
        let path = self.path.map(|path| std::path::absolute(&path).unwrap_or(path));
        Self { path, ..self }
    }
}

/// A file of weights by its absolute path; the name of a run or of a shipped encoder as it is.
pub fn anchored_source(source: String) -> String {
    let file = std::path::absolute(&source).ok().filter(|path| path.is_file());
    file.and_then(|path| path.into_os_string().into_string().ok()).unwrap_or(source)
}

impl RunSpec {
    /// The component chosen in a section; empty for sections without components.
    pub fn id(&self, section: Section) -> &str {
        self.choice(section).map_or(section.id(), |choice| &choice.id)
    }

    /// Live hyperparameters begin with these values.
    pub fn set_live(&mut self, live: &LiveParams, catalog: &Catalog) {
        let values: Vec<_> = catalog.params(self).filter(|(_, param)| param.live).collect();
        values.into_iter().for_each(|(section, param)| self.set(section, param, live.get(section, param)));
    }

    /// The value of a hyperparameter, or its default.
    pub fn get(&self, section: Section, param: &Param) -> f64 {
        self.values(section).get(param.key).copied().unwrap_or(param.default)
    }

    /// Sets a hyperparameter; the value is not checked.
    pub fn set(&mut self, section: Section, param: &Param, value: f64) {
        self.values_mut(section).insert(param.key.into(), value);
    }

    /// The same with absolute paths, so that the working directory does not matter.
    pub fn anchored(mut self) -> Self {
        self.dataset = self.dataset.anchored();
        self.init_from = self.init_from.map(anchored_source);
        self
    }

    /// Whether another run has the same component in a section, with the same values.
    pub fn is_same(&self, other: &Self, section: Section) -> bool {
        self.id(section) == other.id(section) && self.values(section) == other.values(section)
    }

    /// Whether no augmentation is set.
    pub fn is_unaltered(&self) -> bool {
        self.augmentation.values().all(|value| *value == 0.0)
    }

    /// A value of [`TRAINING`].
    pub fn training(&self, param: &Param) -> f64 {
        self.get(Section::Training, param)
    }

    /// The choice of a section; augmentation and training have none.
    pub fn choice(&self, section: Section) -> Option<&Choice> {
        match section {
            Section::Dataset => Some(&self.dataset),
            Section::Encoder => Some(&self.encoder),
            Section::Objective => Some(&self.objective),
            Section::Optimizer => Some(&self.optimizer),
            Section::Schedule => Some(&self.schedule),
            Section::Device => Some(&self.device),
            Section::Augmentation | Section::Training => None,
        }
    }

    /// The component of a section, to be changed; none for sections without components.
    pub fn choice_mut(&mut self, section: Section) -> Option<&mut Choice> {
        match section {
            Section::Dataset => Some(&mut self.dataset),
            Section::Encoder => Some(&mut self.encoder),
            Section::Objective => Some(&mut self.objective),
            Section::Optimizer => Some(&mut self.optimizer),
            Section::Schedule => Some(&mut self.schedule),
            Section::Device => Some(&mut self.device),
            Section::Augmentation | Section::Training => None,
        }
    }

    fn values(&self, section: Section) -> &Values {
        match section {
            Section::Augmentation => &self.augmentation,
            _ => self.choice(section).map_or(&self.training, |choice| &choice.values),
        }
    }

    fn values_mut(&mut self, section: Section) -> &mut Values {
        match section {
            Section::Training => &mut self.training,
            Section::Augmentation => &mut self.augmentation,
            _ => &mut self.choice_mut(section).expect("every other section is a choice").values,
        }
    }
}

/// The reference run: `seed_cnn` on MNIST, Adam 0.001, batch 64, 10 epochs.
impl Default for RunSpec {
    fn default() -> Self {
        Self {
            name: "Seed CNN".into(),
            seed: 0,
            init_from: None,
            branch: None,
            shipped: None,
            entrant: None,
            dataset: Choice::new("mnist"),
            encoder: Choice::new("seed_cnn"),
            objective: Choice::new("classify"),
            optimizer: Choice::new("adam"),
            schedule: Choice::new("constant"),
            device: Choice::new("cpu"),
            augmentation: Values::new(),
            training: Values::new(),
            changes: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_absolute_and_names_are_not() {
        let here = std::env::current_dir().unwrap();
        let anchored = |path: &str, source: &str| {
            let dataset = Choice { path: Some(path.into()), ..Choice::new("files") };
            let spec = RunSpec { dataset, init_from: Some(source.into()), ..RunSpec::default() }.anchored();
            (spec.dataset.path.unwrap(), spec.init_from.unwrap())
        };
        assert_eq!(anchored("src", "a run"), (here.join("src"), "a run".into()));
        let file = here.join("Cargo.toml").display().to_string();
        assert_eq!(anchored("/a/b", "Cargo.toml"), ("/a/b".into(), file));
        assert_eq!(RunSpec::default().anchored(), RunSpec::default());
    }
}
