//! Divergence: when training has ruined a network's weights.
use anyhow::Result;
use std::fmt;

/// Ratio of the loss to the first loss from which a run counts as diverged; a first loss below [`LEAST`] counts as that.
const MOST: f64 = 100.0;
const LEAST: f64 = 1.0;

/// Training has ruined the weights.
#[derive(Debug)]
pub struct Diverged(String);

impl std::error::Error for Diverged {}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the run has diverged", self.0)
    }
}

/// The losses by which divergence is detected.
#[derive(Default)]
pub struct Losses {
    pub first: Option<f64>,
    pub newest: f64,
}

impl Losses {
    /// Whether a loss is that of weights worth keeping.
    pub fn is_near(&self, loss: f64) -> bool {
        loss <= MOST * self.first.unwrap_or_default().max(LEAST)
    }

    /// As [`is_near`](Self::is_near).
    ///
    /// # Errors
    /// Where the run has [`Diverged`].
    pub fn ensure_near(&self, what: &str, loss: f64, step: u64) -> Result<()> {
        let first = self.first.unwrap_or_default();
        let text = format!("The {what} is {loss:.3e} after {step} steps and was {first:.3} at first");
        if self.is_near(loss) { Ok(()) } else { Err(Diverged(text).into()) }
    }
}

/// # Errors
/// Where the run has [`Diverged`].
pub fn ensure_finite(what: &str, is_finite: bool, step: u64) -> Result<()> {
    let text = format!("{what} no longer a number after {step} steps");
    if is_finite { Ok(()) } else { Err(Diverged(text).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_times_the_first_loss_is_too_much_and_no_number_too() {
        let losses = Losses { first: Some(2.5), newest: 0.0 };
        assert_eq!(
            [249.0, 251.0, f64::NAN, f64::INFINITY].map(|loss| losses.is_near(loss)),
            [true, false, false, false]
        );
        let small = Losses { first: Some(0.01), newest: 0.0 };
        assert!(small.is_near(99.0) && !small.is_near(101.0) && small.is_near(-1e9));
        let error = losses.ensure_near("validation loss", 1.8e16, 20).unwrap_err();
        assert!(error.is::<Diverged>());
        assert_eq!(
            error.to_string(),
            "The validation loss is 1.800e16 after 20 steps and was 2.500 at first: the run has diverged"
        );
        let error = ensure_finite("The loss is", false, 3).unwrap_err().to_string();
        assert_eq!(error, "The loss is no longer a number after 3 steps: the run has diverged");
    }
}
