use super::operation::{BackwardPass, Operation};
use super::{apply1, is_on_cpu};
use crate::kernels::dropout::{self, Dropout};
use candle_core::{Result, Tensor, bail};

/// What is dropped together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropoutUnit {
    /// Single numbers.
    Elements,
    /// Whole channels of single examples, as `torch.nn.Dropout2d`: x is (batch, height, width, channels).
    Channels,
}

/// Drops each unit with the given probability, in [0, 1), and scales the others to keep the mean. The same key gives
/// the same mask, which is never stored.
///
/// # Errors
/// When the probability is out of range, or x is not of the unit's shape or not `f32`.
pub fn dropout(x: &Tensor, probability: f64, unit: DropoutUnit, key: u64) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("dropout", [x])?;
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout: the probability must be at least 0 and below 1, got {probability}")
    }
    let units = Units::of(x, unit)?;
    if probability == 0.0 {
        return Ok(x.clone());
    }
    let operation = DropoutOp { dropout: Dropout { probability, key }, units };
    if is_on_cpu { apply1(x, x.shape(), operation) } else { operation.by_mask(x) }
}

#[derive(Clone, Copy)]
enum Units {
    Elements,
    /// Channels of examples of this many places.
    Channels {
        places: usize,
        channels: usize,
    },
}

impl Units {
    fn of(x: &Tensor, unit: DropoutUnit) -> Result<Self> {
        Ok(match unit {
            DropoutUnit::Elements => Units::Elements,
            DropoutUnit::Channels => {
                let (_, height, width, channels) = x.dims4()?;
                Units::Channels { places: height * width, channels }
            }
        })
    }
}

struct DropoutOp {
    dropout: Dropout,
    units: Units,
}

impl DropoutOp {
    /// On any device, by a mask made on the CPU: the same units are dropped.
    fn by_mask(&self, x: &Tensor) -> Result<Tensor> {
        let mask = self.apply(&vec![1.0; x.elem_count()]);
        x * Tensor::from_vec(mask, x.shape(), x.device())?
    }

    fn apply(&self, x: &[f32]) -> Vec<f32> {
        match self.units {
            Units::Elements => dropout::elements(self.dropout, x),
            Units::Channels { places, channels } => dropout::channels(self.dropout, x, places, channels),
        }
    }
}

impl Operation<1> for DropoutOp {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        self.apply(x)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(self.apply(pass.gradient))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 3, 2, 8), 1)?];
        assert_gradients(&vars, |vars| dropout(&vars[0], 0.5, DropoutUnit::Elements, 9))?;
        assert_gradients(&vars, |vars| dropout(&vars[0], 0.25, DropoutUnit::Channels, 9))
    }

    #[test]
    fn other_devices_drop_the_same() -> Result<()> {
        let x = random((5, 7, 3, 9), 1)?;
        for unit in [DropoutUnit::Elements, DropoutUnit::Channels] {
            let dropped =
                DropoutOp { dropout: Dropout { probability: 0.3, key: 4 }, units: Units::of(&x, unit)? };
            let bits = |y: Tensor| y.flatten_all()?.to_vec1::<f32>();
            assert_eq!(bits(dropped.by_mask(&x)?)?, bits(dropout(&x, 0.3, unit, 4)?)?);
        }
        Ok(())
    }

    #[test]
    fn no_dropout_changes_nothing() -> Result<()> {
        let x = random((3, 4), 1)?;
        let y = dropout(&x, 0.0, DropoutUnit::Elements, 1)?;
        assert_eq!(y.to_vec2::<f32>()?, x.to_vec2::<f32>()?);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let x = random((3, 4), 1)?;
        for probability in [-0.1, 1.0, f64::NAN] {
            assert!(dropout(&x, probability, DropoutUnit::Elements, 1).is_err());
        }
        assert!(dropout(&x, 0.5, DropoutUnit::Channels, 1).is_err());
        Ok(())
    }
}
