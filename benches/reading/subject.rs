//! Whose reading is measured: a run's network and its calibration.
use anyhow::{Context as _, Result, bail};
use headstart::{
    data::{self, Dataset, Examples, watch::Watch},
    engine::{
        Model, newest_model, partition,
        trust::{Effort, Impression, Trust, Weighing},
    },
    runs::Home,
    session::catalog,
};
use std::{path::PathBuf, sync::Arc};

/// What the command line asks for.
#[derive(Default)]
pub struct Wish {
    /// All where none is named.
    pub parts: Vec<String>,
    run: String,
    /// The newest where none is named.
    step: Option<u64>,
    home: PathBuf,
    /// Where the data sets are that are not part of the program.
    pub data: Option<PathBuf>,
}

impl Wish {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let home = std::env::var_os("HEADSTART_HOME").map(PathBuf::from).unwrap_or_default();
        let mut wish = Self { home, ..Self::default() };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                // what cargo says to every benchmark
                "--bench" => {}
                "--run" => wish.run = value()?,
                "--step" => wish.step = Some(value()?.parse()?),
                "--home" => wish.home = value()?.into(),
                "--data" => wish.data = Some(value()?.into()),
                _ if word.starts_with('-') => bail!("{word} is unknown"),
                _ => wish.parts.push(word),
            }
        }
        Ok(wish)
    }
}

/// A network, calibrated.
pub struct Subject {
    pub model: Model,
    pub dataset: Arc<Dataset>,
    pub trust: Trust,
}

impl Subject {
    /// The network of a run: at rest by its newest checkpoint; at another step as it was in training.
    pub fn open(wish: &Wish) -> Result<Self> {
        let home = Home::open(wish.home.clone())?;
        let folder = home.folder(&home.find(&wish.run)?);
        let (spec, watch) = (folder.spec(&catalog())?, Watch::default());
        let dataset = data::open(&spec.dataset, &home.data(), &watch)?;
        let (model, effort) = match wish.step {
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
