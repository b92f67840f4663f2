use super::{apply3, fallback, gradient_of, is_on_cpu, numbers, output, read};
use crate::kernels::attention::{self, Attention};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

/// Scaled dot-product attention, `softmax(q · kᵀ / √head_dim) · v` of each head: queries, keys, values and output are
/// (batch, heads, tokens, head_dim). Where it is causal, a token sees none after itself.
///
/// Vaswani et al., "Attention is all you need", 2017, equation 1.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, is_causal: bool) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("attention", &[q, k, v])?;
    let (batch, heads, tokens, head_dim) = q.dims4()?;
    if k.dims() != q.dims() || v.dims() != q.dims() || q.elem_count() == 0 {
        bail!("attention: q {:?}, k {:?} and v {:?} do not fit", q.shape(), k.shape(), v.shape())
    }
    if !is_on_cpu {
        return fallback::attention(q, k, v, is_causal);
    }
    let op = AttentionOp(Attention { heads: batch * heads, tokens, head_dim, is_causal });
    apply3([q, k, v], op)
}

struct AttentionOp(Attention);

impl CustomOp3 for AttentionOp {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (q, k, v) = (numbers(q, q_layout)?, numbers(k, k_layout)?, numbers(v, v_layout)?);
        output(attention::forward(&self.0, q, k, v), q_layout.shape())
    }

    fn bwd(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let readers = [read(q), read(k), read(v)];
        let inputs = [readers[0].numbers()?, readers[1].numbers()?, readers[2].numbers()?];
        let (dq, dk, dv) = attention::backward(&self.0, inputs, read(&gradient).numbers()?);
        Ok((gradient_of(q, dq)?, gradient_of(k, dk)?, gradient_of(v, dv)?))
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
        // as models make heads of their features: by a view
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
