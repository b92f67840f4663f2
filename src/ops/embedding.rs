//! Embedding lookup.

use super::operation::{BackwardPass, Operation};
use super::{apply1, fallback, is_on_cpu};
use crate::kernels::embedding;
use candle_core::{Result, Tensor, bail};

/// The row of a table for each id: `u32` ids of any shape (…), such as (batch, length), and a table (vocabulary,
/// features), to (…, features), as `torch.nn.Embedding`. The ids have no gradient; a row's is the sum over its uses.
///
/// # Errors
/// When an id is not below the vocabulary, something is empty, or a tensor is of another type.
pub fn embedding(ids: &Tensor, table: &Tensor) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("embedding", [table])?;
    let (vocabulary, features) = table.dims2()?;
    let mut shape = ids.dims().to_vec();
    shape.push(features);
    let ids = ids.flatten_all()?.to_vec1::<u32>()?;
    if ids.is_empty() || table.elem_count() == 0 {
        bail!("embedding: {} ids and table {:?} must not be empty", ids.len(), table.shape())
    }
    if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
        bail!("embedding: id {id} is not below {vocabulary}, the rows of the table")
    }
    if !is_on_cpu {
        return fallback::embedding(ids, table, shape);
    }
    apply1(table, shape, Embedding { ids, vocabulary, features })
}

struct Embedding {
    ids: Vec<u32>,
    vocabulary: usize,
    features: usize,
}

impl Operation<1> for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn forward(&self, [table]: [&[f32]; 1]) -> Vec<f32> {
        embedding::forward(&self.ids, table, self.features)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(embedding::backward(&self.ids, pass.gradient, self.vocabulary, self.features))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use crate::ops::{Activation, Sink, chain, linear};
    use candle_core::Device;

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let ids = Tensor::new(&[[2u32, 0, 2], [4, 2, 0]], &Device::Cpu)?;
        assert_gradients(&[random((5, 3), 1)?], |vars| embedding(&ids, &vars[0]))?;
        assert_gradients(&[random((5, 3), 1)?], |vars| embedding(&ids.t()?, &vars[0]))
    }

    #[test]
    fn a_chain_may_start_with_ids() -> Result<()> {
        let ids = Tensor::new(&[[2u32, 0, 2], [4, 2, 0]], &Device::Cpu)?;
        let vars = [random((5, 3), 1)?, random((3, 4), 2)?];
        let network = |ids: &Tensor| linear(&embedding(ids, &vars[0])?, &vars[1], None, Activation::Relu);
        let sink = Sink::default();
        let chained = chain(&ids, &sink, network)?;
        assert_eq!(chained.dims(), [2, 3, 4]);
        let grads = sink.backward(&chained.sqr()?.sum_all()?)?;
        let expected = network(&ids)?.sqr()?.sum_all()?.backward()?;
        for var in &vars {
            let (grad, expected) = (grads.get(var).unwrap(), expected.get(var).unwrap());
            assert_eq!(grad.to_vec2::<f32>()?, expected.to_vec2::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let table = random((5, 3), 1)?;
        let ids = |ids: &[u32]| Tensor::new(ids, &Device::Cpu);
        assert_eq!(embedding(&ids(&[4])?, &table)?.dims(), [1, 3]);
        let error = embedding(&ids(&[0, 5])?, &table).unwrap_err().to_string();
        assert!(error.contains("id 5"), "{error}");
        assert!(embedding(&ids(&[u32::MAX])?, &table).is_err());
        assert!(embedding(&ids(&[])?, &table).is_err());
        assert!(embedding(&Tensor::new(&[0f32], &Device::Cpu)?, &table).is_err());
        assert!(embedding(&ids(&[0])?, &table.flatten_all()?).is_err());
        Ok(())
    }
}
