//! The recipes that are part of the program: every file under `configs/`.
use crate::{
    experiment::Experiment,
    spec::{Catalog, RunSpec, SpecError},
};

/// A recipe and its name.
#[derive(Debug, PartialEq)]
pub struct Preset {
    /// The name of its file, without the ending.
    pub id: &'static str,
    /// TOML.
    pub text: &'static str,
}

/// What a preset describes.
pub enum Recipe {
    /// A single run.
    Run(Box<RunSpec>),
    /// Several runs that are compared.
    Experiment(Box<Experiment>),
}

macro_rules! presets {
    ($($id:literal),* $(,)?) => {
        /// Every preset, in the order in which a newcomer may want to see them.
        pub static ALL: &[Preset] =
            &[$(Preset { id: $id, text: include_str!(concat!("../configs/", $id, ".toml")) }),*];
    };
}

presets!(
    "drawing",
    "seed_cnn",
    "mlp",
    "head_start",
    "label_efficiency",
    "transfer_in_three_minutes",
    "transfer_in_fifteen_minutes",
    "zero_to_four_then_five_to_nine",
    "mnist_to_fashion",
    "every_objective",
    "rate_and_dropout",
    "rotation",
    "autoencoder",
    "masked",
    "variational",
    "contrastive",
    "adversarial",
    "fine_tune",
    "own_photos",
    "photos",
    "resnet20",
);

/// Looks a preset up by its name.
pub fn find(id: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.id == id)
}

impl Recipe {
    /// The run, or what the runs of a comparison have in common.
    pub fn base_mut(&mut self) -> &mut RunSpec {
        match self {
            Recipe::Run(spec) => spec,
            Recipe::Experiment(experiment) => &mut experiment.base,
        }
    }
}

impl Preset {
    /// The sentences at the beginning of its file, without the command that runs it.
    pub fn help(&self) -> String {
        let comments = self.text.lines().map_while(|line| line.strip_prefix('#'));
        let sentences = comments.map(str::trim).filter(|line| !line.starts_with("headstart "));
        sentences.collect::<Vec<_>>().join(" ")
    }

    /// # Errors
    /// Where a value is not known to the catalog.
    pub fn recipe(&self, catalog: &Catalog) -> Result<Recipe, SpecError> {
        if Experiment::is_described_by(self.text) {
            return Ok(Recipe::Experiment(Box::new(Experiment::from_toml(self.text, &[], catalog)?)));
        }
        Ok(Recipe::Run(Box::new(RunSpec::from_toml(self.text, &[], catalog)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn every_file_is_a_preset_that_says_what_it_is_for() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).unwrap();
        for file in files.map(|file| file.unwrap().path()) {
            let id = file.file_stem().unwrap().to_str().unwrap();
            let preset = find(id).unwrap_or_else(|| panic!("{id} is no preset: add it to the list"));
            assert!(preset.recipe(&catalog()).is_ok(), "{id}");
            assert!(preset.help().ends_with(['.', '!', '?']), "{id}: {:?}", preset.help());
        }
    }
}
