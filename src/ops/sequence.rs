//! Positions and single tokens of sequences, as transformers of images have them.
//!
//! Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", 2021.

use super::operation::{BackwardPass, Operation};
use super::{apply1, apply2, fallback, is_on_cpu};
use crate::kernels::sequence;
use candle_core::{Result, Tensor, bail};

/// Adds positions (tokens, features) to each sequence of x (batch, tokens, features).
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn add_positions(x: &Tensor, positions: &Tensor) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("add_positions", [x, positions])?;
    let (_, tokens, features) = x.dims3()?;
    if positions.dims() != [tokens, features] || x.elem_count() == 0 {
        bail!("add_positions: x {:?} and positions {:?} do not fit", x.shape(), positions.shape())
    }
    if !is_on_cpu {
        return x.broadcast_add(positions);
    }
    apply2([x, positions], x.shape(), AddPositions)
}

struct AddPositions;

impl Operation<2> for AddPositions {
    fn name(&self) -> &'static str {
        "add_positions"
    }

    fn forward(&self, [x, positions]: [&[f32]; 2]) -> Vec<f32> {
        sequence::add_to_each(x, positions)
    }

    fn backward(&self, pass: BackwardPass<'_, 2>) -> [Option<Vec<f32>>; 2] {
        let BackwardPass { inputs: [_, positions], gradient, wanted: [of_x, of_positions], .. } = pass;
        [
            of_x.then(|| gradient.to_vec()),
            of_positions.then(|| sequence::sum_of_each(gradient, positions.len())),
        ]
    }
}

/// Puts token (features) before those of each sequence of x (batch, tokens, features): (batch, tokens + 1, features).
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn prepend_token(x: &Tensor, token: &Tensor) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("prepend_token", [x, token])?;
    let (batch, tokens, features) = x.dims3()?;
    if token.dims() != [features] || x.elem_count() == 0 {
        bail!("prepend_token: x {:?} and token {:?} do not fit", x.shape(), token.shape())
    }
    if !is_on_cpu {
        return fallback::prepend_token(x, token);
    }
    let operation = PrependToken { numbers: tokens * features };
    apply2([x, token], (batch, tokens + 1, features), operation)
}

struct PrependToken {
    /// Of a sequence of x.
    numbers: usize,
}

impl Operation<2> for PrependToken {
    fn name(&self) -> &'static str {
        "prepend_token"
    }

    fn forward(&self, [x, token]: [&[f32]; 2]) -> Vec<f32> {
        sequence::prepend(x, self.numbers, token)
    }

    fn backward(&self, pass: BackwardPass<'_, 2>) -> [Option<Vec<f32>>; 2] {
        let BackwardPass { inputs: [_, token], gradient, wanted: [of_x, of_token], .. } = pass;
        let features = token.len();
        let part = |range| sequence::narrow(gradient, features + self.numbers, range);
        [
            of_x.then(|| part((features, self.numbers))),
            of_token.then(|| sequence::sum_of_each(&part((0, features)), features)),
        ]
    }
}

/// One token of each sequence of x (batch, tokens, features): (batch, features).
///
/// # Errors
/// When x has no such token, or is not `f32`.
pub fn take_token(x: &Tensor, index: usize) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("take_token", [x])?;
    let (batch, tokens, features) = x.dims3()?;
    if index >= tokens || x.elem_count() == 0 {
        bail!("take_token: x {:?} has no token {index}", x.shape())
    }
    if !is_on_cpu {
        return x.narrow(1, index, 1)?.squeeze(1);
    }
    let operation = TakeToken { numbers: tokens * features, range: (index * features, features) };
    apply1(x, (batch, features), operation)
}

struct TakeToken {
    /// Of a sequence.
    numbers: usize,
    /// The first of the token's, and how many.
    range: (usize, usize),
}

impl Operation<1> for TakeToken {
    fn name(&self) -> &'static str {
        "take_token"
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        sequence::narrow(x, self.numbers, self.range)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(sequence::widen(pass.gradient, self.numbers, self.range))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let x = random((3, 4, 5), 1)?;
        assert_gradients(&[x.clone(), random((4, 5), 2)?], |vars| add_positions(&vars[0], &vars[1]))?;
        assert_gradients(&[x.clone(), random(5, 2)?], |vars| prepend_token(&vars[0], &vars[1]))?;
        for index in [0, 3] {
            assert_gradients(std::slice::from_ref(&x), |vars| take_token(&vars[0], index))?;
        }
        Ok(())
    }

    #[test]
    fn a_token_that_is_prepended_is_the_first() -> Result<()> {
        let (x, token) = (random((3, 4, 5), 1)?, random(5, 2)?);
        let y = prepend_token(&x, &token)?;
        assert_eq!(y.dims(), [3, 5, 5]);
        for row in take_token(&y, 0)?.to_vec2::<f32>()? {
            assert_eq!(row, token.to_vec1::<f32>()?);
        }
        assert_eq!(take_token(&y, 4)?.to_vec2::<f32>()?, take_token(&x, 3)?.to_vec2::<f32>()?);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, other) = (random((3, 4, 5), 1)?, random((5, 4), 2)?);
        assert!(add_positions(&x, &other).is_err());
        assert!(add_positions(&other, &other).is_err());
        assert!(prepend_token(&x, &other).is_err());
        assert!(prepend_token(&x, random(4, 3)?.as_tensor()).is_err());
        assert!(take_token(&x, 4).is_err());
        assert!(take_token(&other, 0).is_err());
        assert!(take_token(&x.narrow(0, 0, 0)?, 0).is_err());
        Ok(())
    }
}
