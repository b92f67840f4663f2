//! How fast a run trains.
use std::time::Duration;

/// Images a second over about the last twenty batches.
#[derive(Default)]
pub struct Pace {
    images: f64,
    secs: f64,
}

impl Pace {
    pub fn add(&mut self, images: usize, took: Duration) {
        self.images = self.images * 0.95 + images as f64;
        self.secs = self.secs * 0.95 + took.as_secs_f64();
    }

    pub fn images_per_sec(&self) -> f64 {
        if self.secs > 0.0 { self.images / self.secs } else { 0.0 }
    }
}
