use super::operation::{BackwardPass, Operation};
use super::{apply3, fallback, is_on_cpu};
use crate::kernels::attention::{self, Attention};
use candle_core::{Result, Tensor, bail};

/// Scaled dot-product attention, `softmax(q · kᵀ / √head_dim) · v` of each head: queries, keys, values and output are
/// (batch, heads, tokens, head_dim). Where it is causal, a token attends to none after itself.
///
/// Vaswani et al., "Attention is all you need", 2017, equation 1.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, is_causal: bool) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("attention", [q, k, v])?;
    let (batch, heads, tokens, head_dim) = q.dims4()?;
    if k.dims() != q.dims() || v.dims() != q.dims() || q.elem_count() == 0 {
        bail!("attention: q {:?}, k {:?} and v {:?} do not fit", q.shape(), k.shape(), v.shape())
    }
    if !is_on_cpu {
        return fallback::attention(q, k, v, is_causal);
    }
    let attention = Attention { heads: batch * heads, tokens, head_dim, is_causal };
    apply3([q, k, v], q.shape(), AttentionOp(attention))
}

struct AttentionOp(Attention);

impl Operation<3> for AttentionOp {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn forward(&self, [q, k, v]: [&[f32]; 3]) -> Vec<f32> {
        attention::forward(&self.0, q, k, v)
    }

    fn backward(&self, pass: BackwardPass<'_, 3>) -> [Option<Vec<f32>>; 3] {
        let (of_q, of_k, of_v) = attention::backward(&self.0, pass.inputs, pass.gradient);
        [Some(of_q), Some(of_k), Some(of_v)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 2, 3, 4), 1)?, random((2, 2, 3, 4), 2)?, random((2, 2, 3, 4), 3)?];
        for is_causal in [false, true] {
            assert_gradients(&vars, |vars| attention(&vars[0], &vars[1], &vars[2], is_causal))?;
        }
        // heads as models split them from features: by a view
        let vars = [random((2, 3, 2, 4), 1)?];
        assert_gradients(&vars, |vars| {
            let x = vars[0].transpose(1, 2)?;
            attention(&x, &x, &x, false)
        })
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (q, other) = (random((2, 2, 3, 4), 1)?, random((2, 2, 4, 3), 2)?);
        assert!(attention(&q, &q, &q, true).is_ok());
        assert!(attention(&q, &other, &q, true).is_err());
        assert!(attention(&q, &q, &other, true).is_err());
        let (none, flat) = (q.narrow(2, 0, 0)?, q.flatten_to(1)?);
        assert!(attention(&none, &none, &none, true).is_err());
        assert!(attention(&flat, &flat, &flat, true).is_err());
        Ok(())
    }
}
