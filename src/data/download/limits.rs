//! When a mirror is asked again, and when it is given up: no download goes on for ever.
use std::time::{Duration, Instant};

/// What a mirror is allowed to do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Tries in a row without progress before the next mirror is asked.
    pub tries: u32,
    /// Bytes of a file that were not there before, which make a try count as progress.
    pub progress: u64,
    /// Before the second try; twice as long before each further one.
    pub first_pause: Duration,
    /// Upper limit of the pause between two attempts.
    pub longest_pause: Duration,
    /// A mirror that sends fewer than `least_bytes` in this time has stalled.
    pub window: Duration,
    /// Bytes that a mirror has to send within a `window`.
    pub least_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tries: 5,
            progress: 1 << 20,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            window: Duration::from_secs(30),
            least_bytes: 30 << 10,
        }
    }
}

impl Limits {
    /// How long to wait after a number of tries in a row without progress.
    pub fn pause(&self, fruitless: u32) -> Duration {
        let doublings = fruitless.saturating_sub(1).min(16);
        (self.first_pause * (1 << doublings)).min(self.longest_pause)
    }
}

/// The download rate, checked once in each window.
pub struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0 }
    }

    pub fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Whether a window has ended that brought too little. Begins the next one where it brought enough.
    pub fn is_stalled(&mut self, now: Instant, limits: &Limits) -> bool {
        if now.duration_since(self.since) < limits.window {
            return false;
        }
        let is_stalled = self.bytes < limits.least_bytes;
        *self = Self::new(now);
        is_stalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let limits = Limits::default();
        let pauses = [0, 1, 2, 3, 5, 6, 1000].map(|fruitless| limits.pause(fruitless).as_secs());
        assert_eq!(pauses, [1, 1, 2, 4, 16, 30, 30]);
    }

    #[test]
    fn a_trickle_is_noticed_at_the_end_of_a_window_and_a_slow_line_is_not_one() {
        let limits = Limits::default();
        let began = Instant::now();
        let at = |secs| began + Duration::from_secs(secs);
        let mut trickle = Pace::new(began);
        for secs in 1..30 {
            trickle.add(1);
            assert!(!trickle.is_stalled(at(secs), &limits));
        }
        assert!(trickle.is_stalled(at(30), &limits));
        let mut slow = Pace::new(began);
        for secs in 1..100 {
            slow.add(1025);
            assert!(!slow.is_stalled(at(secs), &limits));
        }
        // What came in earlier windows does not count.
        assert!(slow.is_stalled(at(1000), &limits) || slow.is_stalled(at(1030), &limits));
    }
}
