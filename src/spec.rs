//! What a run is: plain data, shared by the window, the command line and the engine.
//!
//! A [`RunSpec`] names one component of each kind and gives every hyperparameter a number. What can be chosen, and
//! what each hyperparameter means, is in the [`Catalog`]; controls, `--set`, validation and tooltips all come from it.
use std::{collections::BTreeMap, fmt, path::PathBuf};

pub mod edits;
pub mod overrides;
mod toml;
pub use self::{
    edits::{Edit, Edits},
    toml::SpecError,
};

/// Everything that determines a run, except the live changes made to it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSpec {
    /// What a person calls it.
    pub name: String,
    /// Every random number of the run is derived from it.
    pub seed: u64,
    /// A run, or a file of weights, that the encoder begins with.
    pub init_from: Option<String>,
    /// Its place in a comparison.
    pub entrant: Option<Entrant>,
    pub dataset: Choice,
    pub encoder: Choice,
    pub objective: Choice,
    pub optimizer: Choice,
    pub schedule: Choice,
    /// Where the tensors live.
    pub device: Choice,
    /// How training images are changed.
    pub augmentation: Values,
    /// Values of [`TRAINING`].
    pub training: Values,
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
    pub id: String,
    /// For data sets that are read from a file or a folder.
    pub path: Option<PathBuf>,
    pub values: Values,
    /// For data sets: what a person has corrected about it.
    pub edits: Edits,
}

/// Numbers by key. Integers and switches (0 or 1) are kept as numbers too.
pub type Values = BTreeMap<String, f64>;

/// The hyperparameters that may change between two batches, by dotted key (`optimizer.learning_rate`).
pub type LiveParams = BTreeMap<String, f64>;

/// The kinds of component, by the name of their section in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    Dataset,
    Encoder,
    Objective,
    Optimizer,
    Schedule,
    Device,
    Augmentation,
    Training,
}

impl Section {
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
}

/// One hyperparameter, described once: its control, its key in a spec, its bounds and its tooltip come from here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    pub key: &'static str,
    pub label: &'static str,
    /// Follows the number, such as "epochs"; empty for a plain number.
    pub unit: &'static str,
    /// One sentence for somebody who meets the term for the first time.
    pub help: &'static str,
    pub kind: ParamKind,
    pub default: f64,
    /// May change between two batches.
    pub live: bool,
}

/// What values a hyperparameter may have, bounds included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamKind {
    Integer {
        min: u64,
        max: u64,
    },
    Float {
        min: f64,
        max: f64,
        /// Spread evenly over orders of magnitude.
        logarithmic: bool,
    },
    Switch,
    /// One of several, kept as its place among them: what a spec calls each, and what a person reads.
    Choice(&'static [(&'static str, &'static str)]),
}

impl Param {
    /// The largest value that is allowed.
    pub fn max(&self) -> f64 {
        match self.kind {
            ParamKind::Integer { max, .. } => max as f64,
            ParamKind::Float { max, .. } => max,
            ParamKind::Switch => 1.0,
            ParamKind::Choice(options) => options.len().saturating_sub(1) as f64,
        }
    }

    /// Why `value` is not allowed, or nothing.
    pub fn check(&self, value: f64) -> Option<String> {
        let max = self.max();
        let min = match self.kind {
            ParamKind::Integer { min, .. } => min as f64,
            ParamKind::Float { min, .. } => min,
            ParamKind::Switch | ParamKind::Choice(_) => 0.0,
        };
        if !(min..=max).contains(&value) {
            return Some(format!("{value} is out of range: choose from {min} to {max}"));
        }
        let whole = !matches!(self.kind, ParamKind::Float { .. });
        (whole && value.fract() != 0.0).then(|| format!("{value} is not a whole number"))
    }
}

/// What a component is, without the component: enough to offer it and to validate its values.
#[derive(Clone, Copy, Debug)]
pub struct ComponentInfo {
    pub id: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub params: &'static [Param],
}

/// All that can be chosen, by section.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub components: BTreeMap<Section, Vec<ComponentInfo>>,
    /// What an objective that compares altered images needs of the augmentation, by its identifier.
    pub needed_augmentation: BTreeMap<&'static str, &'static [(&'static str, f64)]>,
    /// The augmentation that suits the data set of a choice, which is looked at for it where need be.
    pub suited_augmentation: fn(&Choice) -> anyhow::Result<Values>,
    /// Encoders that a run may begin with and that are part of the program.
    pub shipped_encoders: Vec<ShippedEncoder>,
}

/// A pretrained encoder that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShippedEncoder {
    /// What `init_from` calls it.
    pub id: &'static str,
    pub label: &'static str,
    /// The identifier of the network that it fits.
    pub encoder: &'static str,
}

impl Catalog {
    /// The components of a section; [`Section::Augmentation`] and [`Section::Training`] have a single one.
    pub fn section(&self, section: Section) -> &[ComponentInfo] {
        self.components.get(&section).map_or(&[], Vec::as_slice)
    }

    pub fn component(&self, section: Section, id: &str) -> Option<&ComponentInfo> {
        self.section(section).iter().find(|info| info.id == id)
    }

    /// Every hyperparameter of the components that `spec` chose.
    pub fn params<'a>(&'a self, spec: &'a RunSpec) -> impl Iterator<Item = (Section, &'static Param)> + 'a {
        Section::ALL.into_iter().flat_map(move |section| {
            let params = self.component(section, spec.id(section)).map_or(&[][..], |info| info.params);
            params.iter().map(move |param| (section, param))
        })
    }

    /// The live hyperparameters with the values that `spec` starts with.
    pub fn live_params(&self, spec: &RunSpec) -> LiveParams {
        self.params(spec)
            .filter(|(_, param)| param.live)
            .map(|(section, param)| (dotted(section, param), spec.get(section, param)))
            .collect()
    }

    /// Sets what the objective of `spec` needs of the augmentation, and takes back what another one needed, unless a
    /// person has chosen something else.
    pub fn augment_as_needed(&self, spec: &mut RunSpec) {
        let values = |needed: &[(&str, f64)]| -> Values {
            needed.iter().map(|(key, value)| (key.to_string(), *value)).collect()
        };
        if self.needed_augmentation.values().any(|needed| values(needed) == spec.augmentation) {
            spec.augmentation.clear();
        }
        if let Some(needed) = self.needed_augmentation.get(spec.objective.id.as_str())
            && spec.is_unaltered()
        {
            spec.augmentation = values(needed);
        }
    }

    /// Where images are altered, sets what suits the data set of `spec` that was just chosen, unless its objective has
    /// needs of its own. Images of one's own stay as they are: what suits them is known once they are read.
    pub fn augment_as_suits(&self, spec: &mut RunSpec) {
        let has_needs = self.needed_augmentation.contains_key(spec.objective.id.as_str());
        if !has_needs
            && !spec.is_unaltered()
            && let Ok(values) = (self.suited_augmentation)(&spec.dataset)
        {
            spec.augmentation = values;
        }
    }

    /// Whether the objective of `spec` compares altered images, and nothing alters them.
    pub fn lacks_augmentation(&self, spec: &RunSpec) -> bool {
        self.needed_augmentation.contains_key(spec.objective.id.as_str()) && spec.is_unaltered()
    }

    /// What is wrong with the values of `spec`, by dotted key.
    pub fn validate(&self, spec: &RunSpec) -> Vec<FieldError> {
        let mut errors = vec![];
        for section in Section::ALL {
            if self.component(section, spec.id(section)).is_none() {
                errors.push(FieldError::new(
                    format!("{}.id", section.id()),
                    self.unknown(section, spec.id(section)),
                ));
            }
        }
        errors.extend(self.params(spec).filter_map(|(section, param)| {
            Some(FieldError::new(dotted(section, param), param.check(spec.get(section, param))?))
        }));
        errors
    }

    fn unknown(&self, section: Section, id: &str) -> String {
        let known: Vec<_> = self.section(section).iter().map(|info| info.id).collect();
        format!("{id:?} is not known: choose one of {}", known.join(", "))
    }
}

/// The key of a hyperparameter in a whole spec, such as `optimizer.learning_rate`.
pub fn dotted(section: Section, param: &Param) -> String {
    format!("{}.{}", section.id(), param.key)
}

/// A value that cannot be used, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// Dotted key, such as `training.batch_size`.
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl Choice {
    pub fn new(id: &str) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    pub fn get(&self, param: &Param) -> f64 {
        self.values.get(param.key).copied().unwrap_or(param.default)
    }
}

impl RunSpec {
    pub fn id(&self, section: Section) -> &str {
        self.choice(section).map_or(section.id(), |choice| &choice.id)
    }

    pub fn get(&self, section: Section, param: &Param) -> f64 {
        self.values(section).get(param.key).copied().unwrap_or(param.default)
    }

    pub fn set(&mut self, section: Section, param: &Param, value: f64) {
        self.values_mut(section).insert(param.key.into(), value);
    }

    /// Whether no augmentation is set.
    fn is_unaltered(&self) -> bool {
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
            entrant: None,
            dataset: Choice::new("mnist"),
            encoder: Choice::new("seed_cnn"),
            objective: Choice::new("classify"),
            optimizer: Choice::new("adam"),
            schedule: Choice::new("constant"),
            device: Choice::new("cpu"),
            augmentation: Values::new(),
            training: Values::new(),
        }
    }
}

const fn count(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    default: u64,
    max: u64,
    help: &'static str,
) -> Param {
    Param {
        key,
        label,
        unit,
        help,
        kind: ParamKind::Integer { min: 0, max },
        default: default as f64,
        live: false,
    }
}

pub const BATCH_SIZE: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 4096 },
    ..count(
        "batch_size",
        "Batch size",
        "images",
        64,
        4096,
        "How many images are looked at before each change of the weights.",
    )
};
pub const EPOCHS: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 1000 },
    ..count("epochs", "Epochs", "", 10, 1000, "How many times training goes through all the training images.")
};
pub const CLIP_NORM: Param = Param {
    key: "clip_norm",
    label: "Gradient clipping",
    unit: "",
    help: "A gradient longer than this is shortened to it, which tames sudden jumps. 0 never clips.",
    kind: ParamKind::Float { min: 0.0, max: 100.0, logarithmic: true },
    default: 0.0,
    live: true,
};
pub const EVALUATIONS_PER_EPOCH: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 20 },
    ..count(
        "evaluations_per_epoch",
        "Validations per epoch",
        "",
        2,
        20,
        "How often in an epoch the validation images are scored.",
    )
};
pub const PATIENCE: Param = count(
    "patience",
    "Early stopping",
    "validations",
    0,
    1000,
    "Training ends, and the best weights come back, after this many validations in a row without a better loss. 0 trains to the end.",
);
pub const KEEP_CHECKPOINTS: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 1000 },
    ..count(
        "keep_checkpoints",
        "Checkpoints kept",
        "",
        3,
        1000,
        "How many of the newest checkpoints stay on disk, beside the best one.",
    )
};

pub const EPOCH_STEPS: Param = count(
    "epoch_steps",
    "Steps per epoch",
    "steps",
    0,
    1_000_000,
    "How many steps count as an epoch, for very few images: they are gone through again and again. 0 is once through all images.",
);
pub const FREEZE_STAGES: Param = count(
    "freeze_stages",
    "Frozen stages",
    "stages",
    0,
    100,
    "How many convolutions and linear layers of the network stay as they are, from the first. As many as there are, or more, train the head alone.",
);
pub const UNFREEZE_EVERY: Param = count(
    "unfreeze_every",
    "Unfreeze a stage every",
    "steps",
    0,
    1_000_000,
    "Lets the last frozen stage learn too after so many steps, then the one before it. 0 keeps them frozen.",
);
pub const ENCODER_LR_FACTOR: Param = Param {
    key: "encoder_lr_factor",
    label: "Encoder learning rate",
    unit: "×",
    help: "The encoder's learning rate as a share of the head's: pretrained weights are changed carefully.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    default: 1.0,
    live: true,
};

pub const FRESH_STAGES: Param = count(
    "fresh_stages",
    "Stages begun anew",
    "stages",
    0,
    100,
    "How many convolutions and linear layers of a pretrained encoder begin anew, from the last: they may be too much made for what was learnt before.",
);
pub const KEEP_HEAD: Param = Param {
    kind: ParamKind::Switch,
    ..count(
        "keep_head",
        "Keep the head",
        "",
        0,
        1,
        "Begins with the whole network of the run that it is fine-tuned from, not with its encoder alone: for the same classes in other images.",
    )
};
pub const SELF_LABELS: Param = count(
    "self_labels",
    "Self-labelled images",
    "images",
    0,
    20_000,
    "How many unlabelled images a classifier learns from too, by labels that it gives them itself before the first step: those of their neighbours in the eyes of the encoder. For pretrained encoders and few labels.",
);

/// The hyperparameters that every run has, whatever its components.
pub const TRAINING: ComponentInfo = ComponentInfo {
    id: "training",
    label: "Training",
    help: "How long and in what portions a network is trained.",
    params: &[
        BATCH_SIZE,
        EPOCHS,
        EPOCH_STEPS,
        CLIP_NORM,
        FREEZE_STAGES,
        UNFREEZE_EVERY,
        ENCODER_LR_FACTOR,
        FRESH_STAGES,
        KEEP_HEAD,
        SELF_LABELS,
        EVALUATIONS_PER_EPOCH,
        PATIENCE,
        KEEP_CHECKPOINTS,
    ],
};
