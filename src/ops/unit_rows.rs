use candle_core::{D, Result, Tensor};

/// (…, features) to the same shape: each row scaled to length 1, for cosine similarities. A row of zeros stays one. No gradient
/// flows through it.
///
/// # Errors
/// candle's own.
pub fn unit_rows(x: &Tensor) -> Result<Tensor> {
    let x = x.detach();
    let lengths = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-24)?.sqrt()?;
    x.broadcast_div(&lengths)
}
