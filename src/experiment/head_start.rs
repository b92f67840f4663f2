//! The head start as an experiment: the same few labels, the same steps, with and without pretraining.
//!
//! Its arms can differ in nothing but what the encoder begins with, whether it is trained, whether examples are altered,
//! and whether the run labels further examples itself.
use super::{Arm, Experiment, Setting};
use crate::spec::{
    Catalog, Choice, ENCODER_LR_FACTOR, FREEZE_STAGES, FRESH_STAGES, RunSpec, SELF_LABELS, STAGE_LR_FACTOR,
    SpecError, UNFREEZE_EVERY,
};

/// What an arm of a head start does.
#[derive(Clone, Debug, PartialEq)]
pub struct Switches {
    /// What the encoder begins with: the name of a pretraining, a run, or a file of weights.
    pub init_from: Option<String>,
    /// The encoder stays as it is; only the head learns.
    pub frozen: bool,
    /// Training examples are altered as the recipe says.
    pub augmented: bool,
    /// As many unlabelled examples as the recipe says get labels from the encoder itself.
    pub self_labelled: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { init_from: None, frozen: false, augmented: true, self_labelled: false }
    }
}

impl Switches {
    /// The arm that the others are measured against: the best that can be done with the same labels without pretraining.
    pub fn is_control(&self) -> bool {
        self.init_from.is_none() && self.augmented && !self.self_labelled
    }

    /// What it sets in the recipe, in order of the keys.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = vec![Setting::InitFrom(self.init_from.clone())];
        if !self.augmented {
            settings.push(Setting::unaltered());
        }
        if !self.self_labelled {
            settings.push(Setting::training(SELF_LABELS, 0.0));
        }
        // Factors for a pretrained encoder would hold one back that has everything to learn.
        if self.init_from.is_none() {
            settings.push(Setting::training(ENCODER_LR_FACTOR, 1.0));
            settings.push(Setting::training(STAGE_LR_FACTOR, 1.0));
            settings.push(Setting::training(FRESH_STAGES, 0.0));
        }
        if self.init_from.is_none() || self.frozen {
            let stages = if self.frozen { FREEZE_STAGES.max() } else { 0.0 };
            settings.push(Setting::training(FREEZE_STAGES, stages));
            settings.push(Setting::training(UNFREEZE_EVERY, 0.0));
        }
        settings.sort_by_key(Setting::key);
        settings
    }
}

/// The arms that tell the whole story, of which the second is the control: without those from scratch, augmentation or
/// further examples would pass for a head start.
pub fn standard_arms(init_from: &str) -> Vec<Arm> {
    let scratch = Switches::default();
    let pretrained = Switches { init_from: Some(init_from.into()), ..Switches::default() };
    let arms = [
        ("From scratch, plain", Switches { augmented: false, ..scratch.clone() }),
        ("From scratch", scratch.clone()),
        ("From scratch, self-labelled", Switches { self_labelled: true, ..scratch }),
        ("Pretrained, frozen", Switches { frozen: true, ..pretrained.clone() }),
        ("Pretrained, fine-tuned", pretrained.clone()),
        ("Pretrained, self-labelled", Switches { self_labelled: true, ..pretrained }),
    ];
    arms.map(|(name, switches)| Arm { name: name.into(), settings: switches.settings() }).into()
}

impl Experiment {
    /// The head start that a run gives, by the recipe of the shipped comparison: on 10 and on 100 labels, five times.
    ///
    /// # Errors
    /// Where the shipped recipe does not fit the run's encoder or data set.
    pub fn of_run(id: &str, run: &RunSpec, catalog: &Catalog) -> Result<Self, SpecError> {
        let shipped =
            Self::from_toml(include_str!("../../configs/transfer_in_three_minutes.toml"), &[], catalog)?;
        let dataset = Choice { values: shipped.base.dataset.values.clone(), ..run.dataset.clone() };
        Ok(Self {
            name: format!("The head start of {}", run.name),
            pretrain: vec![],
            base: RunSpec {
                dataset,
                encoder: run.encoder.clone(),
                device: run.device.clone(),
                ..shipped.base.clone()
            },
            arms: standard_arms(id),
            control: 1,
            ..shipped
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        experiment::{Cell, tests::example},
        session::catalog,
    };

    #[test]
    fn arms_differ_in_nothing_but_their_head_start() {
        let experiment = example();
        assert_eq!(experiment.control, 1);
        let specs: Vec<RunSpec> = (0..4)
            .map(|arm| experiment.spec("c", Cell::Arm { race: 2, arm }, &|_| Some("run".into())))
            .collect();
        for spec in &specs {
            let mut same = spec.clone();
            same.name.clone_from(&specs[0].name);
            same.entrant.clone_from(&specs[0].entrant);
            same.init_from = None;
            same.augmentation.clear();
            same.training.clone_from(&specs[0].training);
            assert_eq!(same, specs[0]);
        }
        let starts: Vec<_> = specs.iter().map(|spec| spec.init_from.as_deref()).collect();
        assert_eq!(starts, [None, None, Some("run"), Some("run")]);
        let of = |param| specs.iter().map(|spec| spec.training(param)).collect::<Vec<_>>();
        assert_eq!(of(&ENCODER_LR_FACTOR), [1.0, 1.0, 0.1, 0.1]);
        assert_eq!(of(&FREEZE_STAGES), [0.0, 0.0, 100.0, 0.0]);
        assert_eq!(of(&SELF_LABELS), [0.0; 4]);
        assert_eq!(specs.iter().filter(|spec| spec.augmentation.is_empty()).count(), 1);
    }

    #[test]
    fn the_second_standard_arm_is_the_control() {
        let mut spec = RunSpec { init_from: Some("left over".into()), ..RunSpec::default() };
        let arms = standard_arms("a run");
        arms[1].settings.iter().for_each(|setting| setting.apply(&mut spec));
        assert_eq!(spec.init_from, None);
        assert_eq!(arms[1].settings, Switches::default().settings());
        assert!(Switches::default().is_control());
        let experiment = Experiment::of_run("a run", &RunSpec::default(), &catalog()).unwrap();
        assert!(experiment.validate(&catalog()).is_empty());
        assert_eq!(experiment.arms[experiment.control].name, "From scratch");
    }
}
