//! Gradient × input: how much the logit would rise if a pixel grew, times how bright it is (Shrikumar, Greenside,
//! Shcherbina and Kundaje, "Not just a black box", 2016).
use super::{Explained, ExplanationEntry, per_pixel};
use crate::spec::ComponentInfo;
use anyhow::Result;

pub const ENTRY: ExplanationEntry = ExplanationEntry {
    info: ComponentInfo {
        id: "gradient_input",
        label: "Gradient × input",
        help: "How much more the network would believe in the class if a pixel had a little more ink, times the ink that is there. The quickest look, and the noisiest: it knows only the network's slope at this very image.",
        params: &[],
    },
    explain,
    is_expected: true,
};

fn explain(explained: &Explained) -> Result<Option<Vec<f32>>> {
    per_pixel(&(explained.gradients(&explained.image)? * &explained.image)?).map(Some)
}
