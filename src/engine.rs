//! Training: one batch per call, on a thread of its own.
use crate::{
    data,
    metrics::{self, MetricInfo},
    models, objectives,
    spec::{Catalog, ComponentInfo, Section, TRAINING},
};

mod active_run;
pub mod benchmark;
mod devices;
mod divergence;
pub mod exchange;
mod frozen;
mod inspections;
mod model;
mod neighbours;
mod optimizers;
mod outbox;
mod preparation;
mod preview;
mod probe;
mod provenance;
mod rehearsal;
mod resumption;
pub mod sample;
mod schedules;
mod self_labels;
mod trainer;
pub mod trust;
mod worker;
pub use model::{Model, Scoring};
pub use optimizers::{LEARNING_RATE, WEIGHT_DECAY};
pub use rehearsal::{Rehearsal, rehearse};
pub use resumption::newest_model;
pub use trainer::{Advance, Origin, Trainer, Verdict, partition};
pub use worker::Worker;

/// All that can be chosen for a run.
pub fn catalog() -> Catalog {
    let components: [(Section, Vec<ComponentInfo>); 8] = [
        (Section::Dataset, data::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Encoder, models::encoders::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Objective, objectives::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Optimizer, optimizers::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Schedule, schedules::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Device, devices::ALL.iter().map(|entry| entry.info).collect()),
        (Section::Augmentation, vec![data::augment::info()]),
        (Section::Training, vec![TRAINING]),
    ];
    let needed = objectives::ALL.iter().filter(|entry| !entry.augmentation.is_empty());
    let without_labels = objectives::ALL.iter().filter(|entry| !entry.needs_labels);
    let encoders =
        models::encoders::ALL.iter().map(|entry| ((Section::Encoder, entry.info.id), entry.serves));
    let objectives = objectives::ALL.iter().map(|entry| ((Section::Objective, entry.info.id), entry.serves));
    let augmentations =
        data::augment::ALL.iter().map(|entry| ((Section::Augmentation, entry.info.id), entry.serves()));
    Catalog {
        components: components.into(),
        needed_augmentation: needed.map(|entry| (entry.info.id, entry.augmentation)).collect(),
        headlines: objectives::ALL.iter().map(headline).collect(),
        without_labels: without_labels.map(|entry| entry.info.id).collect(),
        modalities: data::ALL.iter().map(|entry| (entry.info.id, entry.modality)).collect(),
        serves: encoders.chain(objectives).chain(augmentations).collect(),
        with_path: data::ALL.iter().filter(|entry| entry.takes_path()).map(|entry| entry.info.id).collect(),
        shipped_encoders: models::shipped::ALL.iter().map(|shipped| shipped.info).collect(),
    }
}

fn headline(objective: &objectives::ObjectiveEntry) -> (&'static str, &'static MetricInfo) {
    (objective.info.id, metrics::find(objective.headline).expect("every headline is a metric"))
}
