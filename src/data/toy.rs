//! A toy data set of texts for the tests: one more data set is a file such as this and a word in the registry.
use super::{Dataset, DatasetEntry, DatasetInfo, Examples, PARAMS, Source, Targets, Tokens};
use crate::{
    rng,
    sample::Modality,
    shape::Shape,
    spec::{ComponentInfo, Values},
};
use anyhow::Result;
use rand::RngExt as _;

pub(crate) const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "toy",
        label: "Toy texts",
        help: "Texts of eight letters: does the first letter of the alphabet occur more often than the second?",
        params: &PARAMS,
    },
    modality: Modality::Text,
    source: Source::Own { load: |_, _| load(), peek: |_, _| Ok(info()) },
    augmentation: |_| Values::new(),
    outsiders: None,
};

const LENGTH: usize = 8;
const LETTERS: u32 = 3;

fn info() -> DatasetInfo {
    let shape = Shape::Tokens { length: LENGTH, vocabulary: LETTERS as usize };
    DatasetInfo { shape, class_names: vec!["no".into(), "yes".into()] }
}

fn load() -> Result<Dataset> {
    Dataset::new(info(), texts(1200, 0), texts(200, 1))
}

fn texts(count: usize, part: u64) -> Examples {
    let mut letters = rng::rng(0, "toy texts", part);
    let ids: Vec<u32> = (0..count * LENGTH).map(|_| letters.random_range(0..LETTERS)).collect();
    let occurs = |text: &[u32], letter| text.iter().filter(|id| **id == letter).count();
    let labels = ids.chunks_exact(LENGTH).map(|text| u16::from(occurs(text, 0) > occurs(text, 1)));
    let labels = labels.collect();
    Examples::texts(Tokens { ids, length: LENGTH }, Targets::Classes(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{self, watch::Watch},
        engine::{Advance, Origin, Trainer},
        metrics::{ACCURACY, Split},
        session::catalog,
        spec::RunSpec,
    };
    use std::path::Path;

    fn spec(pairs: &[&str]) -> Result<RunSpec, String> {
        let pairs: Vec<String> = ["dataset=toy"].iter().chain(pairs).map(ToString::to_string).collect();
        RunSpec::from_toml("", &pairs, &catalog()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_network_learns_from_texts_as_from_images() {
        let spec =
            spec(&["encoder=toy", "epochs=10", "learning_rate=0.05", "validation_images=100"]).unwrap();
        let dataset = data::open(&spec.dataset, Path::new("/nowhere"), &Watch::default()).unwrap();
        let live = catalog().live_params(&spec);
        let mut trainer = Trainer::new(spec, live, dataset, Origin::Fresh).unwrap();
        let points = loop {
            if let Advance::Finished { points } = trainer.advance().unwrap() {
                break points;
            }
        };
        let accuracy = points.iter().find(|point| (point.metric, point.split) == (ACCURACY, Split::Test));
        assert!(accuracy.unwrap().value > 0.95, "{points:?}");
    }

    #[test]
    fn what_serves_images_alone_is_refused() {
        let misfit = "Works with images, and this data set holds text";
        assert_eq!(spec(&[]).unwrap_err(), format!("encoder.id: {misfit}"));
        let refused = spec(&["encoder=toy", "objective=masked", "augmentation.flip=0.5"]).unwrap_err();
        for key in ["objective.id", "augmentation.flip"] {
            assert!(refused.contains(&format!("{key}: {misfit}")), "{refused}");
        }
    }
}
