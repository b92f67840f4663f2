use super::operation::{BackwardPass, Operation};
use super::{apply1, fallback, is_on_cpu, read};
use crate::kernels::attention::{self, Attention};
use candle_core::{Result, Tensor, bail};

/// Scaled dot-product attention within each sequence, `softmax(q · kᵀ / √head_dim) · v` of each head: qkv (batch, tokens,
/// 3 · width) has the queries, then the keys, then the values of a token, each split in heads of width / heads features,
/// as PyTorch packs them; the output is (batch, tokens, width). Where it is causal, a token attends to none after itself.
///
/// Vaswani et al., "Attention is all you need", 2017, equation 1.
///
/// # Errors
/// When the heads do not divide the features, qkv is empty, or it is not `f32`.
pub fn self_attention(qkv: &Tensor, heads: usize, is_causal: bool) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("self_attention", [qkv])?;
    let attention = shape(qkv, heads, is_causal)?;
    if !is_on_cpu {
        return fallback::self_attention(qkv, &attention);
    }
    let Attention { batch, tokens, head_dim, .. } = attention;
    apply1(qkv, (batch, tokens, heads * head_dim), attention)
}

/// How much each token attends to each in [`self_attention`], a constant, where none is hidden: (batch, heads, tokens,
/// tokens), whose rows sum up to 1.
///
/// # Errors
/// As there.
pub fn attention_probabilities(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("attention_probabilities", [qkv])?;
    let attention = shape(qkv, heads, false)?;
    if !is_on_cpu {
        return Ok(fallback::attention_probabilities(qkv, &attention)?.detach());
    }
    let qkv = qkv.contiguous()?;
    let probabilities = attention::probabilities(&attention, read(&qkv).numbers()?);
    let Attention { batch, tokens, .. } = attention;
    Tensor::from_vec(probabilities, (batch, heads, tokens, tokens), qkv.device())
}

fn shape(qkv: &Tensor, heads: usize, is_causal: bool) -> Result<Attention> {
    let (batch, tokens, features) = qkv.dims3()?;
    if heads == 0 || !features.is_multiple_of(3 * heads) || qkv.elem_count() == 0 {
        bail!("self_attention: {:?} does not hold queries, keys and values of {heads} heads", qkv.shape())
    }
    Ok(Attention { batch, tokens, heads, head_dim: features / (3 * heads), is_causal })
}

impl Operation<1> for Attention {
    fn name(&self) -> &'static str {
        "self_attention"
    }

    fn forward(&self, [qkv]: [&[f32]; 1]) -> Vec<f32> {
        attention::forward(self, qkv)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(attention::backward(self, pass.inputs[0], pass.gradient))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 3, 24), 1)?];
        for is_causal in [false, true] {
            assert_gradients(&vars, |vars| self_attention(&vars[0], 2, is_causal))?;
        }
        Ok(())
    }

    #[test]
    fn probabilities_are_what_values_are_weighted_by() -> Result<()> {
        let (heads, qkv) = (2, random((2, 5, 24), 1)?);
        let probabilities = attention_probabilities(&qkv, heads)?;
        assert!(!probabilities.track_op());
        let values = qkv.narrow(2, 16, 8)?.reshape((2, 5, heads, 4))?.transpose(1, 2)?.contiguous()?;
        let expected = probabilities.matmul(&values)?.transpose(1, 2)?.reshape((2, 5, 8))?;
        let difference = (self_attention(&qkv, heads, false)? - expected)?.abs()?.max_all()?;
        assert!(difference.to_scalar::<f32>()? < 1e-6);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let qkv = random((2, 3, 24), 1)?;
        assert!(self_attention(&qkv, 4, true).is_ok());
        for heads in [0, 3, 5] {
            assert!(self_attention(&qkv, heads, true).is_err());
            assert!(attention_probabilities(&qkv, heads).is_err());
        }
        assert!(self_attention(&qkv.narrow(1, 0, 0)?, 2, true).is_err());
        assert!(self_attention(&qkv.flatten_to(1)?, 2, true).is_err());
        Ok(())
    }
}
