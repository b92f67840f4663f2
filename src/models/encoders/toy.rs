//! A toy encoder of texts for the tests: one more encoder is a file such as this and a word in the registry.
use super::EncoderEntry;
use crate::{
    models::blocks::{GlobalAveragePooling, Sequence, Vectors},
    sample::Modality,
    spec::ComponentInfo,
};

pub(crate) const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "toy",
        label: "Toy",
        help: "The mean of the vectors of a text's letters.",
        params: &[],
    },
    serves: &[Modality::Text],
    blocks: |_| Sequence::new().named("letters", Vectors { features: 4 }).then(GlobalAveragePooling),
};
