//! What a spec keeps when another component is chosen, and what a recipe still needs.
use super::Run;
use crate::{
    data,
    objectives::OUTSIDERS,
    presets::{self, Recipe},
    protocol::Phase,
    spec::{
        Catalog, Choice, ENCODER_LR_FACTOR, FREEZE_STAGES, FRESH_STAGES, KEEP_HEAD, Param, RunSpec,
        STAGE_LR_FACTOR, Section, UNFREEZE_EVERY, Values,
    },
};

/// Hyperparameters that only matter where the encoder begins with pretrained weights.
pub const FINE_TUNING: [&Param; 6] =
    [&FREEZE_STAGES, &UNFREEZE_EVERY, &ENCODER_LR_FACTOR, &STAGE_LR_FACTOR, &FRESH_STAGES, &KEEP_HEAD];

/// A spec after a choice.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// It fits: nothing in it contradicts the choice.
    pub spec: RunSpec,
    /// What no longer fits and was left out, as the form calls it: "elastic", "labels per class".
    pub left_out: Vec<String>,
}

/// Chooses a component, and adapts what depends on it: another data set suits another augmentation, pretrained weights may
/// no longer fit, and a generated name is generated again.
pub fn choose(before: &RunSpec, section: Section, choice: Choice, catalog: &Catalog) -> Fitted {
    let mut fitted = Fitted { spec: before.clone(), left_out: vec![] };
    if let Some(place) = fitted.spec.choice_mut(section) {
        *place = choice;
    }
    if section == Section::Dataset {
        fitted.leave_out_values(before, catalog);
        fitted.leave_out_outsiders();
        augment_as_suits(&mut fitted.spec, catalog);
        fitted.leave_out_alterations(catalog);
    }
    catalog.augment_as_needed(&mut fitted.spec);
    fitted.say_alterations(before, catalog);
    if matches!(section, Section::Dataset | Section::Encoder) {
        fitted.leave_out_beginning();
        fitted.rename(before, catalog);
    }
    fitted
}

/// Where there is augmentation, sets the one that suits the chosen data set, unless the objective needs a particular one.
/// For data of one's own nothing changes: what suits them is known once they are read.
pub fn augment_as_suits(spec: &mut RunSpec, catalog: &Catalog) {
    let has_needs = catalog.needed_augmentation.contains_key(spec.objective.id.as_str());
    if !has_needs
        && !spec.is_unaltered()
        && let Ok(values) = data::suited_augmentation(&spec.dataset)
    {
        spec.augmentation = values;
    }
}

/// Fits the augmentation to data that have been read since they were chosen.
pub fn fit_to_data(before: &RunSpec, suited: Values, catalog: &Catalog) -> Fitted {
    let mut fitted = Fitted { spec: before.clone(), left_out: vec![] };
    let has_needs = catalog.needed_augmentation.contains_key(before.objective.id.as_str());
    let is_unsuited = |(key, value): (&String, &f64)| *value != 0.0 && !suited.contains_key(key);
    if !has_needs && before.augmentation.iter().any(is_unsuited) {
        fitted.spec.augmentation = suited;
    }
    fitted.say_alterations(before, catalog);
    fitted
}

/// Restores what a choice left out, but keeps the choice.
pub fn bring_back(spec: &mut RunSpec, before: &RunSpec, catalog: &Catalog) {
    spec.name.clone_from(&before.name);
    spec.augmentation.clone_from(&before.augmentation);
    if spec.encoder.id == before.encoder.id {
        spec.init_from.clone_from(&before.init_from);
        for param in FINE_TUNING {
            spec.set(Section::Training, param, before.training(param));
        }
    }
    let known = catalog.component(Section::Dataset, &spec.dataset.id).map_or(&[][..], |info| info.params);
    for param in known.iter().filter(|param| before.dataset.values.contains_key(param.key)) {
        spec.set(Section::Dataset, param, before.dataset.get(param));
    }
}

/// Whether a spec fine-tunes an encoder that it does not name.
pub fn lacks_beginning(spec: &RunSpec) -> bool {
    spec.init_from.is_none() && FINE_TUNING.into_iter().any(|param| spec.training(param) != param.default)
}

/// Begins with the weights of a run or a shipped encoder; with none from scratch, and without options of fine-tuning.
pub fn begin_with(spec: &mut RunSpec, beginning: Option<String>) {
    if beginning.is_none() {
        spec.training.retain(|key, _| FINE_TUNING.iter().all(|param| param.key != key));
    }
    spec.init_from = beginning;
}

/// The run, shipped encoder or file that an encoder begins with, and of a run the step of its checkpoint.
pub fn at(source: &str) -> (String, Option<u64>) {
    let at_step = source.rsplit_once('@').and_then(|(run, step)| Some((run, step.parse().ok()?)));
    at_step.map_or((source.to_owned(), None), |(run, step)| (run.to_owned(), Some(step)))
}

/// Whether a run has an encoder that fits a spec.
pub fn fits(run: &Run, spec: &RunSpec) -> bool {
    run.spec.encoder.id == spec.encoder.id && (run.saved.is_some() || run.phase == Phase::Finished)
}

/// A recipe as the form takes it. Where it fine-tunes an encoder, that is the selected run's, if it fits and was trained
/// with another objective or on another data set.
pub fn prepared(mut recipe: RunSpec, selected: Option<&Run>) -> RunSpec {
    let has_learnt_otherwise =
        |run: &&Run| run.spec.objective.id != recipe.objective.id || run.spec.dataset.id != recipe.dataset.id;
    let pretrained = selected.filter(|run| fits(run, &recipe)).filter(has_learnt_otherwise);
    if let Some(run) = pretrained.filter(|_| lacks_beginning(&recipe)) {
        recipe.init_from = Some(run.id.to_string());
    }
    recipe
}

impl Fitted {
    /// The values that a person set for the data set before.
    fn leave_out_values(&mut self, before: &RunSpec, catalog: &Catalog) {
        let params =
            catalog.component(Section::Dataset, &before.dataset.id).map_or(&[][..], |info| info.params);
        let is_lost = |param: &&Param| {
            let value = before.dataset.get(param);
            value != param.default && self.spec.dataset.values.get(param.key) != Some(&value)
        };
        self.left_out.extend(params.iter().filter(is_lost).map(|param| param.label.to_lowercase()));
    }

    /// Examples of none of the classes, where the data set has none to offer.
    fn leave_out_outsiders(&mut self) {
        if self.spec.objective.get(&OUTSIDERS) != 0.0 && !data::offers_outsiders(&self.spec.dataset) {
            self.spec.set(Section::Objective, &OUTSIDERS, 0.0);
            self.left_out.push(OUTSIDERS.label.to_lowercase());
        }
    }

    /// The alterations of another kind of data.
    fn leave_out_alterations(&mut self, catalog: &Catalog) {
        let mut kept = std::mem::take(&mut self.spec.augmentation);
        kept.retain(|key, _| catalog.misfit(&self.spec, Section::Augmentation, key).is_none());
        self.spec.augmentation = kept;
    }

    fn say_alterations(&mut self, before: &RunSpec, catalog: &Catalog) {
        let params = catalog.section(Section::Augmentation).iter().flat_map(|info| info.params);
        let has = |spec: &RunSpec, param: &Param| spec.get(Section::Augmentation, param) != 0.0;
        let is_lost = |param: &&Param| has(before, param) && !has(&self.spec, param);
        let lost: Vec<String> = params.filter(is_lost).map(|param| param.label.to_lowercase()).collect();
        self.left_out.extend(lost);
    }

    fn leave_out_beginning(&mut self) {
        if self.spec.init_from.is_some() || lacks_beginning(&self.spec) {
            begin_with(&mut self.spec, None);
            self.left_out.push("what to begin with".into());
        }
    }

    fn rename(&mut self, before: &RunSpec, catalog: &Catalog) {
        if is_made(before, catalog) {
            self.spec.name = name(&self.spec, catalog);
        }
    }
}

/// Whether the name of a spec was made by the program: by default, or by a preset.
fn is_made(spec: &RunSpec, catalog: &Catalog) -> bool {
    let is_preset = |preset: &presets::Preset| matches!(preset.recipe(catalog), Ok(Recipe::Run(recipe)) if recipe.name == spec.name);
    spec.name == name(spec, catalog) || presets::ALL.iter().any(is_preset)
}

/// "Compact CNN on Fashion-MNIST clothes".
fn name(spec: &RunSpec, catalog: &Catalog) -> String {
    let label =
        |section| catalog.component(section, spec.id(section)).map_or(spec.id(section), |info| info.label);
    let folder = spec.dataset.path.as_ref().and_then(|path| path.file_name());
    let data = folder.map_or(label(Section::Dataset).into(), |name| name.to_string_lossy());
    format!("{} on {data}", label(Section::Encoder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Modality, session::catalog};

    fn preset(id: &str) -> RunSpec {
        match presets::find(id).unwrap().recipe(&catalog()).unwrap() {
            Recipe::Run(spec) => *spec,
            Recipe::Experiment(_) => panic!("{id} is a comparison"),
        }
    }

    #[test]
    fn photographs_do_not_keep_what_suits_digits() {
        let catalog = catalog();
        let before = RunSpec { init_from: Some("a run".into()), ..preset("fine_tune") };
        let Fitted { spec, left_out } = choose(&before, Section::Dataset, Choice::new("cifar10"), &catalog);
        for gone in ["labels per class", "elastic", "thickness", "what to begin with"] {
            assert!(left_out.iter().any(|label| label.starts_with(gone)), "{gone}: {left_out:?}");
        }
        assert_eq!(spec.augmentation, data::suited_augmentation(&spec.dataset).unwrap());
        assert_eq!((spec.init_from.as_ref(), spec.training(&ENCODER_LR_FACTOR)), (None, 1.0));
        assert_eq!(spec.name, "Compact CNN on CIFAR-10 photographs");
        let mut back = spec;
        bring_back(&mut back, &before, &catalog);
        assert_eq!(
            RunSpec { dataset: before.dataset.clone(), ..back.clone() }.to_toml(&catalog),
            before.to_toml(&catalog)
        );
        assert_eq!(back.dataset.values, before.dataset.values);
    }

    #[test]
    fn alterations_of_another_kind_of_data_are_left_out() {
        let mut catalog = catalog();
        catalog.modalities.insert("kmnist", Modality::Text);
        let before = preset("drawing");
        assert!(!before.augmentation.is_empty());
        let Fitted { spec, left_out } = choose(&before, Section::Dataset, Choice::new("kmnist"), &catalog);
        assert!(spec.augmentation.is_empty());
        assert!(left_out.iter().any(|label| label == "elastic"), "{left_out:?}");
    }

    #[test]
    fn examples_of_none_of_the_classes_are_left_out_where_there_are_none() {
        let catalog = catalog();
        let mut before = preset("drawing");
        before.set(Section::Objective, &OUTSIDERS, 0.2);
        for (dataset, kept) in [("strokes", 0.2), ("kmnist", 0.0)] {
            let Fitted { spec, left_out } = choose(&before, Section::Dataset, Choice::new(dataset), &catalog);
            assert_eq!(spec.objective.get(&OUTSIDERS), kept);
            assert_eq!(left_out.contains(&"none of these".to_owned()), kept == 0.0, "{left_out:?}");
        }
    }

    #[test]
    fn what_fits_is_kept() {
        let catalog = catalog();
        let named = RunSpec { name: "By hand".into(), ..preset("drawing") };
        let Fitted { spec, left_out } = choose(&named, Section::Dataset, Choice::new("kmnist"), &catalog);
        // no other data set has drawn digits beside it, or strokes that are no digit; blur suits digits of many pens
        let expected = ["drawn digits beside", "none of these", "blur"].map(String::from).to_vec();
        assert_eq!((spec.name.as_str(), left_out), ("By hand", expected));
        let spec = choose(&named, Section::Optimizer, Choice::new("sgd"), &catalog).spec;
        assert_eq!(RunSpec { optimizer: named.optimizer.clone(), ..spec }, named);
    }

    #[test]
    fn data_of_ones_own_are_fitted_once_they_are_read() {
        let catalog = catalog();
        let before = preset("drawing");
        let photographs: Values = [("crop".to_owned(), 0.4)].into();
        let fitted = fit_to_data(&before, photographs.clone(), &catalog);
        assert_eq!(fitted.spec.augmentation, photographs);
        assert_eq!(fitted.left_out.len(), before.augmentation.len());
        let suited = before.augmentation.keys().map(|key| (key.clone(), 0.1)).collect();
        assert_eq!(fit_to_data(&before, suited, &catalog).spec, before, "what suits stays as it was set");
    }

    #[test]
    fn only_fine_tuning_asks_what_to_begin_with() {
        let catalog = catalog();
        for preset in presets::ALL {
            if let Recipe::Run(spec) = preset.recipe(&catalog).unwrap() {
                assert_eq!(lacks_beginning(&spec), preset.id == "fine_tune", "{}", preset.id);
            }
        }
        let mut spec = preset("fine_tune");
        begin_with(&mut spec, Some("run".into()));
        assert!(!lacks_beginning(&spec) && spec.training(&ENCODER_LR_FACTOR) == 0.1);
        begin_with(&mut spec, None);
        assert!(!lacks_beginning(&spec) && spec.training(&ENCODER_LR_FACTOR) == 1.0);
    }
}
