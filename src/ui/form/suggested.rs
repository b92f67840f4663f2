//! Which of the program's recipes suits images that a person has picked.
use crate::{
    data::{
        files,
        fitting::{CHANNELS, IMAGE_SIZE},
    },
    presets::{self, Recipe},
    session::fitting::prepared,
    shape::{ImageShape, Shape},
    spec::{Catalog, RunSpec, Section},
};

/// A recipe for images of a person's own.
#[derive(Clone, Debug)]
pub struct Suggested {
    /// With these images in it.
    pub spec: RunSpec,
    /// What they were taken for, and what that asks for, in a sentence.
    pub reason: &'static str,
}

/// Images with shorter sides are no photographs.
const SMALLEST_PHOTOGRAPH: usize = 48;

const PHOTOGRAPHS: (&str, &str) = (
    "own_photos",
    "These look like photographs: a network that has seen a million of them stays as it is, and only its last layer learns.",
);
const SMALL_COLOURS: (&str, &str) = (
    "resnet20",
    "These are small images in colour: a residual network of 20 layers learns them from scratch.",
);

/// The recipe for images of this shape, as they would be read where nothing else is asked for; none where the recipe that is
/// there suits them: the first one in the form is made for small grey images.
pub fn suggested(before: &RunSpec, shape: Shape, catalog: &Catalog) -> Option<Suggested> {
    let ImageShape { height, width, channels } = shape.image().ok()?;
    let (preset, reason) = match channels {
        1 => return None,
        _ if height.min(width) >= SMALLEST_PHOTOGRAPH => PHOTOGRAPHS,
        _ => SMALL_COLOURS,
    };
    let Recipe::Run(recipe) = presets::find(preset)?.recipe(catalog).ok()? else { return None };
    let mut spec = prepared(*recipe, None);
    let [size, colours] = [&IMAGE_SIZE, &CHANNELS].map(|param| spec.dataset.get(param));
    spec.dataset = before.dataset.clone();
    spec.set(Section::Dataset, &IMAGE_SIZE, size);
    spec.set(Section::Dataset, &CHANNELS, colours);
    (spec.seed, spec.device) = (before.seed, before.device.clone());
    Some(Suggested { spec, reason })
}

/// Gives a recipe for images of one's own those that are in the form, where it names none.
pub fn take_images(recipe: &mut RunSpec, form: &RunSpec) {
    if lacks_images(recipe) && form.dataset.id == recipe.dataset.id {
        recipe.dataset.path.clone_from(&form.dataset.path);
    }
}

/// Whether a recipe is for images of one's own and does not say where they are.
pub fn lacks_images(recipe: &RunSpec) -> bool {
    recipe.dataset.id == files::ENTRY.info.id && recipe.dataset.path.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::catalog, spec::Choice};
    use std::path::PathBuf;

    fn suggested(height: usize, width: usize, channels: usize) -> Option<RunSpec> {
        let dataset = Choice { path: Some(PathBuf::from("/photos")), ..Choice::new("files") };
        let before = RunSpec { dataset, seed: 7, ..RunSpec::default() };
        let shape = ImageShape::new(height, width, channels).into();
        Some(super::suggested(&before, shape, &catalog())?.spec)
    }

    #[test]
    fn photographs_get_a_network_that_has_seen_photographs() {
        let spec = suggested(64, 64, 3).unwrap();
        assert_eq!((spec.encoder.id.as_str(), spec.seed), ("efficientnet_lite0", 7));
        assert_eq!(spec.init_from.as_deref(), Some("imagenet_efficientnet_lite0"));
        assert_eq!(spec.dataset.path, Some(PathBuf::from("/photos")));
        assert_eq!([&IMAGE_SIZE, &CHANNELS].map(|param| spec.dataset.get(param)), [256.0, 3.0]);
        assert!(catalog().validate(&spec).is_empty());
    }

    #[test]
    fn a_recipe_for_images_of_ones_own_takes_those_of_the_form() {
        let recipe = |id: &str| RunSpec { dataset: Choice::new(id), ..RunSpec::default() };
        let path = Some(PathBuf::from("/photos"));
        let form =
            RunSpec { dataset: Choice { path: path.clone(), ..Choice::new("files") }, ..recipe("files") };
        for (id, expected) in [("files", &path), ("mnist", &None)] {
            let mut recipe = recipe(id);
            assert_eq!(lacks_images(&recipe), id == "files");
            take_images(&mut recipe, &form);
            assert_eq!(&recipe.dataset.path, expected);
        }
        let mut alone = recipe("files");
        take_images(&mut alone, &recipe("mnist"));
        assert!(lacks_images(&alone));
    }

    #[test]
    fn small_colours_get_a_residual_network_and_grey_images_keep_what_is_there() {
        let spec = suggested(32, 32, 3).unwrap();
        assert_eq!((spec.encoder.id.as_str(), spec.init_from), ("resnet", None));
        assert!(suggested(28, 28, 1).is_none() && suggested(64, 64, 1).is_none());
    }
}
