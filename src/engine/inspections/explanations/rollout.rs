//! Attention rollout: how much of each place arrives in the embedding, if attention is followed from layer to layer
//! (Abnar and Zuidema, "Quantifying attention flow in transformers", 2020, section 3).
use super::{Explained, ExplanationEntry, grad_cam::stretch};
use crate::{engine::model::Attention, models::blocks::to_places, spec::ComponentInfo};
use anyhow::Result;
use candle_core::{DType, Tensor};

pub const ENTRY: ExplanationEntry = ExplanationEntry {
    info: ComponentInfo {
        id: "rollout",
        label: "Attention rollout",
        help: "Where a transformer looks, followed from layer to layer. It is the same for every class: it shows what was looked at, not what speaks for the answer.",
        params: &[],
    },
    explain,
    is_expected: false,
};

fn explain(explained: &Explained) -> Result<Option<Vec<f32>>> {
    let model = &explained.model;
    let Some(Attention { layers, grid }) = model.attention(&explained.image)? else { return Ok(None) };
    let Some(rolled) = rollout(&layers)? else { return Ok(None) };
    let heat = to_places(&rolled.unsqueeze(0)?.unsqueeze(0)?, grid)?.squeeze(3)?.squeeze(0)?;
    stretch(&heat, model.image_shape()?).map(Some)
}

/// (tokens, tokens): the product over the layers, the last one first, of the mean over the heads. Half of each is the token
/// itself, which goes around the attention.
fn rollout(layers: &[Tensor]) -> Result<Option<Tensor>> {
    let mut rolled: Option<Tensor> = None;
    for layer in layers {
        let mean = layer.squeeze(0)?.mean(0)?;
        let own = Tensor::eye(mean.dim(0)?, DType::F32, mean.device())?;
        let mixed = ((mean + own)? * 0.5)?;
        rolled = Some(match rolled {
            Some(before) => mixed.matmul(&before)?,
            None => mixed,
        });
    }
    Ok(rolled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// The second layer asks only token 2, which asked only token 1 before: a quarter each way, and the token's own share.
    #[test]
    fn attention_is_followed_through_the_layers() {
        let layer = |to: usize| {
            let row: Vec<f32> = (0..3).map(|token| f32::from(u8::from(token == to))).collect();
            Tensor::from_vec(row.repeat(3), (1, 1, 3, 3), &Device::Cpu).unwrap()
        };
        let rolled = rollout(&[layer(1), layer(2)]).unwrap().unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(rolled[0], [0.25, 0.5, 0.25]);
        assert!(rolled.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6));
        assert!(rollout(&[]).unwrap().is_none());
    }
}
