//! Whose reading is measured: a run's network and its calibration.
use anyhow::{Context as _, Result};
use headstart::{
    data::{self, Dataset, Examples, watch::Watch},
    engine::{
        Model, newest_model, partition,
        trust::{Effort, Impression, Trust, Weighing},
    },
    runs::Home,
    session::catalog,
};
use std::sync::Arc;

/// A network, calibrated.
pub struct Subject {
    pub model: Model,
    pub dataset: Arc<Dataset>,
    pub trust: Trust,
}

impl Subject {
    /// The network of a run of `$HEADSTART_HOME`: at rest by its newest checkpoint; at another step as it was in training.
    pub fn open(run: &str, step: Option<u64>) -> Result<Self> {
        let home = std::env::var_os("HEADSTART_HOME").context("Set HEADSTART_HOME to where the run is")?;
        let home = Home::open(home.into())?;
        let folder = home.folder(&home.find(run)?);
        let (spec, watch) = (folder.spec(&catalog())?, Watch::default());
        let dataset = data::open(&spec.dataset, &home.data(), &watch)?;
        let (model, effort) = match step {
            None => (newest_model(&folder, &catalog(), &watch)?.loaded, Effort::FULL),
            Some(step) => {
                let model = Model::build(&spec, &dataset.info)?;
                model.vars.load(&folder.checkpoint(step).join("model.safetensors"))?;
                (model, Effort::BESIDE_TRAINING)
            }
        };
        let mut weighing = Weighing::new(&partition(&spec, &dataset)?, effort);
        let trust = loop {
            if let Some(trust) = weighing.advance(&model, &dataset)? {
                break trust;
            }
        };
        Ok(Self { model, dataset, trust })
    }

    /// What it makes of images.
    pub fn impressions(&self, examples: &Examples) -> Result<Vec<Impression>> {
        let all: Vec<usize> = (0..examples.len()).collect();
        let portions = all.chunks(256).map(|portion| self.model.impressions(examples, portion));
        Ok(portions.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}
