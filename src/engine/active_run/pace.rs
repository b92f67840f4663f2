//! How fast a run trains.
use std::time::Duration;

/// Examples a second over about the last twenty batches.
#[derive(Default)]
pub struct Pace {
    examples: f64,
    secs: f64,
}

impl Pace {
    pub fn add(&mut self, examples: usize, took: Duration) {
        self.examples = self.examples * 0.95 + examples as f64;
        self.secs = self.secs * 0.95 + took.as_secs_f64();
    }

    pub fn examples_per_sec(&self) -> f64 {
        if self.secs > 0.0 { self.examples / self.secs } else { 0.0 }
    }
}
