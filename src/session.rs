//! The handle that both faces hold: sends commands to the worker, folds its events into a plain [`State`].
mod state;
pub use state::{Curve, Run, Series, State};
