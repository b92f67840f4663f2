//! Whether what a run learns has collapsed, in plain words.
use crate::{
    metrics::{EFFECTIVE_RANK, FEATURE_SPREAD, KL, SAMPLE_DIVERSITY, Split},
    session::Run,
};

/// Fewer directions than this are one.
const LEAST_RANK: f64 = 1.5;
/// Embeddings of length 1 that spread less than this are all the same.
const LEAST_SPREAD: f64 = 0.03;
/// Forged images that differ by less than this share of what real ones differ by are all the same.
const LEAST_DIVERSITY: f64 = 0.3;
/// Nats that the latents must tell about an image.
const LEAST_KL: f64 = 1.0;

/// What has happened and what to try, by the newest validation; nothing where all is well.
pub fn warning(run: &Run) -> Option<[&'static str; 2]> {
    let is_below = |metric, least| run.latest(metric, Split::Validation).is_some_and(|value| value < least);
    if is_below(EFFECTIVE_RANK, LEAST_RANK) || is_below(FEATURE_SPREAD, LEAST_SPREAD) {
        return Some([
            "The features have collapsed.",
            "All images look the same to the encoder, so there is nothing in its embeddings to build on. Try a lower learning rate, a larger batch, or another objective.",
        ]);
    }
    if is_below(SAMPLE_DIVERSITY, LEAST_DIVERSITY) {
        return Some([
            "The samples have collapsed.",
            "The generator paints the same few images again and again, because they pass for real (mode collapse). Try a lower learning rate, a larger gradient penalty or a larger batch.",
        ]);
    }
    if is_below(KL, LEAST_KL) {
        return Some([
            "The latents have collapsed.",
            "They tell nothing about the image, so the decoder paints the same blur for all of them. Try a smaller beta or a lower learning rate.",
        ]);
    }
    None
}
