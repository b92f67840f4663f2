//! Integrated gradients: (x − x′) ⊙ ∫ ∇F(x′ + α (x − x′)) dα for α from 0 to 1 (Sundararajan, Taly and Yan, "Axiomatic
//! attribution for deep networks", 2017, equation 1), where x′ is an empty image. The numbers add up to F(x) − F(x′).
use super::{Explained, ExplanationEntry, per_pixel};
use crate::spec::ComponentInfo;
use anyhow::Result;
use candle_core::Tensor;

pub const ENTRY: ExplanationEntry = ExplanationEntry {
    info: ComponentInfo {
        id: "integrated_gradients",
        label: "Integrated gradients",
        help: "The drawing is faded in from an empty image, and on the way it is added up what each pixel contributes. All numbers together are exactly what the network believes more in the class than on an empty image.",
        params: &[],
    },
    explain,
    is_expected: true,
};

/// Steps of the way at first, and at most: they are doubled until the numbers add up.
const FIRST: usize = 32;
const MOST: usize = 512;
/// How much of the difference may be missing.
const TOLERANCE: f32 = 0.005;
/// Images looked at at once.
const PORTION: usize = 32;

fn explain(explained: &Explained) -> Result<Option<Vec<f32>>> {
    let image = &explained.image;
    let ends = explained.outputs(&Tensor::cat(&[&explained.empty()?, image], 0)?)?;
    let difference = ends[1] - ends[0];
    // by the trapezoidal rule: both ends count half
    let mut sum = (along(explained, &[0.0, 1.0])? * 0.5)?;
    let mut steps = FIRST;
    let mut fresh: Vec<f64> = (1..steps).map(|step| step as f64 / steps as f64).collect();
    loop {
        sum = (sum + along(explained, &fresh)?)?;
        let attribution = per_pixel(&(&sum * image)?.affine(1.0 / steps as f64, 0.0)?)?;
        let missing = (attribution.iter().sum::<f32>() - difference).abs();
        if missing <= TOLERANCE * difference.abs() || steps >= MOST {
            return Ok(Some(attribution));
        }
        fresh = (0..steps).map(|step| (step as f64 + 0.5) / steps as f64).collect();
        steps *= 2;
    }
}

/// The sum of the gradients at some points of the way, in the shape of the image.
fn along(explained: &Explained, points: &[f64]) -> Result<Tensor> {
    let mut sum = explained.empty()?;
    for points in points.chunks(PORTION) {
        let images = points.iter().map(|point| explained.image.affine(*point, 0.0));
        let images = Tensor::cat(&images.collect::<candle_core::Result<Vec<_>>>()?, 0)?;
        sum = (sum + explained.gradients(&images)?.sum_keepdim(0)?)?;
    }
    Ok(sum)
}
