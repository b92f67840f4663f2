//! What a network makes of an image without each part of what is drawn: each is covered in turn, as by occlusion's patches.
use super::{
    Explained,
    occlusion::{cover, hide},
};
use crate::{
    evaluation::argmax,
    explanation::{Part, Without, parts},
    ops,
};
use anyhow::Result;
use candle_core::Tensor;

/// Of the parts that hide something, what is left. `pixels` are those of the image, as bytes.
///
/// # Errors
/// Where the image does not fit the model.
pub fn without(explained: &Explained, pixels: &[u8]) -> Result<Vec<Without>> {
    let shape = explained.model.image_shape()?;
    let image = explained.image.flatten_all()?.to_vec1::<f32>()?;
    let cover = cover(&image, shape);
    let hidden = |part: Part| {
        let row = |row: usize| part.columns.clone().map(move |column| row * shape.width + column);
        let under: Vec<usize> = part.rows.clone().flat_map(row).collect();
        (hide(&image, &cover, &under), part)
    };
    let hidden = parts(shape, pixels).into_iter().map(hidden).filter(|(hidden, _)| *hidden != image);
    let (images, parts): (Vec<Vec<f32>>, Vec<Part>) = hidden.unzip();
    if parts.is_empty() {
        return Ok(vec![]);
    }
    let size = (parts.len(), shape.height, shape.width, shape.channels);
    let images = Tensor::from_vec(images.concat(), size, explained.image.device())?;
    let logits = ops::on_pool(|| explained.model.logits(&images))?;
    let outputs = explained.output(&logits)?.to_vec1::<f32>()?;
    let rest = |((part, logits), output): ((Part, Vec<f32>), f32)| Without {
        part,
        predicted: argmax(&logits) as u16,
        output,
    };
    Ok(parts.into_iter().zip(logits.to_vec2::<f32>()?).zip(outputs).map(rest).collect())
}
