//! The hyperparameters of training that belong to no component.
use super::{ComponentInfo, Param, ParamKind, RunSpec};

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

/// Training examples in one step.
pub const BATCH_SIZE: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 4096 },
    ..count(
        "batch_size",
        "Batch size",
        "examples",
        64,
        4096,
        "How many examples are looked at before each change of the weights.",
    )
};
/// Passes over the training examples.
pub const EPOCHS: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 1000 },
    ..count(
        "epochs",
        "Epochs",
        "",
        10,
        1000,
        "How many times training goes through all the training examples.",
    )
};
/// Gradients with a larger Euclidean norm are scaled down to it; 0 switches clipping off.
pub const CLIP_NORM: Param = Param {
    key: "clip_norm",
    label: "Gradient clipping",
    unit: "",
    help: "A gradient longer than this is shortened to it, which tames sudden jumps. 0 never clips.",
    kind: ParamKind::Float { min: 0.0, max: 100.0, logarithmic: true },
    default: 0.0,
    live: true,
};
/// Validations in one pass over the training examples.
pub const EVALUATIONS_PER_EPOCH: Param = Param {
    kind: ParamKind::Integer { min: 1, max: 20 },
    ..count(
        "evaluations_per_epoch",
        "Validations per epoch",
        "",
        2,
        20,
        "How often in an epoch the validation examples are scored.",
    )
};
/// Whether a run is validated after a step: as often in an epoch as asked for, evenly, the last time at its end.
pub fn is_validation_due(step: u64, steps_per_epoch: u64, each_epoch: u64) -> bool {
    let count = each_epoch.min(steps_per_epoch);
    let within = step.saturating_sub(1) % steps_per_epoch.max(1) + 1;
    (within * count) / steps_per_epoch.max(1) > ((within - 1) * count) / steps_per_epoch.max(1)
}

/// The first step from one on after which a run is validated.
pub fn validation_from(spec: &RunSpec, step: u64, steps_per_epoch: u64) -> u64 {
    let each_epoch = spec.training(&EVALUATIONS_PER_EPOCH) as u64;
    let within_an_epoch = step.max(1)..=step.max(1) + steps_per_epoch;
    within_an_epoch
        .into_iter()
        .find(|step| is_validation_due(*step, steps_per_epoch, each_epoch))
        .unwrap_or(step)
}

/// Validations without a lower loss before a run stops early; 0 for never.
pub const PATIENCE: Param = count(
    "patience",
    "Early stopping",
    "validations",
    0,
    1000,
    "Training ends, and the best weights come back, after this many validations in a row without a better loss. 0 trains to the end.",
);
/// Number of newest checkpoints that are kept; the best one is kept too.
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

/// Steps of an epoch where that is not one pass over the examples; 0 for one pass.
pub const EPOCH_STEPS: Param = count(
    "epoch_steps",
    "Steps per epoch",
    "steps",
    0,
    1_000_000,
    "How many steps count as an epoch, for very few examples: they are gone through again and again. 0 is once through all examples.",
);
/// Number of first encoder stages whose weights are not trained.
pub const FREEZE_STAGES: Param = count(
    "freeze_stages",
    "Frozen stages",
    "stages",
    0,
    100,
    "How many stages of the network, convolutions and linear layers or groups of them, stay as they are, from the first. As many as there are, or more, train the head alone.",
);
/// Steps after which one more frozen stage is trained; 0 for never.
pub const UNFREEZE_EVERY: Param = count(
    "unfreeze_every",
    "Unfreeze a stage every",
    "steps",
    0,
    1_000_000,
    "Every this many steps, the last frozen stage is trained too, then the one before it. 0 keeps them frozen.",
);
/// Factor of the encoder's learning rate relative to the head's.
pub const ENCODER_LR_FACTOR: Param = Param {
    key: "encoder_lr_factor",
    label: "Encoder learning rate",
    unit: "×",
    help: "The encoder's learning rate as a share of the head's: pretrained weights are changed carefully.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    default: 1.0,
    live: true,
};

/// Factor of each encoder stage's learning rate relative to that of the stage after it.
pub const STAGE_LR_FACTOR: Param = Param {
    key: "stage_lr_factor",
    label: "Rate from stage to stage",
    help: "The learning rate of each stage of the encoder as a share of that of the stage after it: first stages see what all examples have in common, and are changed least.",
    kind: ParamKind::Float { min: 0.1, max: 1.0, logarithmic: false },
    ..ENCODER_LR_FACTOR
};

/// Number of last encoder stages that keep their random initial weights.
pub const FRESH_STAGES: Param = count(
    "fresh_stages",
    "Reinitialised stages",
    "stages",
    0,
    100,
    "How many of the last stages of a pretrained encoder start from random weights: they may be too specific to the former task.",
);
/// Whether the pretrained head is loaded along with the encoder.
pub const KEEP_HEAD: Param = Param {
    kind: ParamKind::Switch,
    ..count(
        "keep_head",
        "Keep the head",
        "",
        0,
        1,
        "Begins with the whole network of the run that it is fine-tuned from, not with its encoder alone: for the same classes in other data.",
    )
};
/// Unlabelled examples that a run labels itself before its first step.
pub const SELF_LABELS: Param = count(
    "self_labels",
    "Self-labelled examples",
    "examples",
    0,
    20_000,
    "How many unlabelled examples a classifier learns from too, by labels that it gives them itself before the first step: those of their neighbours in the eyes of the encoder. For pretrained encoders and few labels.",
);

/// The hyperparameters that every run has.
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
        STAGE_LR_FACTOR,
        FRESH_STAGES,
        KEEP_HEAD,
        SELF_LABELS,
        EVALUATIONS_PER_EPOCH,
        PATIENCE,
        KEEP_CHECKPOINTS,
    ],
};
