//! Curves of any length in bounded memory, in the shape that they have.
//!
//! A curve of no more points than there are buckets is kept as it is. Of a longer one, equal numbers of neighbouring points
//! share a bucket, of which the lowest and the highest point are kept: every peak, dip and best value is there. The newest
//! point is kept as well.
use std::mem;

/// Buckets of a curve that is shown: what lies within one of them is too narrow for any screen.
pub const MOST: usize = 1 << 16;
/// Buckets of a curve of which only the figures are shown, so that those of a thousand runs fit into memory.
pub const SKETCH: usize = 1 << 8;

/// A step and its value.
pub type At = (u64, f64);

/// A curve, as far as it has been handed over.
#[derive(Debug)]
pub struct Thinned {
    buckets: Vec<Bucket>,
    most: usize,
    /// Points in the last bucket, and in each of the others.
    in_last: usize,
    in_each: usize,
    newest: Option<At>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    low: At,
    high: At,
}

impl Bucket {
    fn joined(self, other: Self) -> Self {
        // what is no number has no place among the others
        let low = if other.low.1 < self.low.1 || self.low.1.is_nan() { other.low } else { self.low };
        let high = if other.high.1 > self.high.1 || self.high.1.is_nan() { other.high } else { self.high };
        Self { low, high }
    }

    /// In order of their steps.
    fn points(self) -> impl Iterator<Item = At> {
        let [first, second] =
            if self.high.0 < self.low.0 { [self.high, self.low] } else { [self.low, self.high] };
        [Some(first), (second.0 != first.0).then_some(second)].into_iter().flatten()
    }
}

impl Thinned {
    /// A curve in at most so many buckets, of which there are an even number.
    pub fn within(most: usize) -> Self {
        Self { buckets: vec![], most, in_last: 0, in_each: 1, newest: None }
    }

    /// Whether every point is kept.
    pub fn is_whole(&self) -> bool {
        self.in_each == 1
    }

    /// Takes in the next point.
    pub fn push(&mut self, point: At) {
        self.newest = Some(point);
        let alone = Bucket { low: point, high: point };
        match self.buckets.last_mut() {
            Some(last) if self.in_last < self.in_each => {
                *last = last.joined(alone);
                self.in_last += 1;
            }
            _ => {
                self.make_room();
                self.buckets.push(alone);
                self.in_last = 1;
            }
        }
    }

    /// Joins neighbouring buckets where there are too many.
    fn make_room(&mut self) {
        if self.buckets.len() == self.most {
            let pairs = mem::take(&mut self.buckets);
            self.buckets = pairs.chunks_exact(2).map(|pair| pair[0].joined(pair[1])).collect();
            self.in_each *= 2;
        }
    }

    /// What is kept of the curve, in order of its steps.
    pub fn points(&self) -> impl Iterator<Item = At> + '_ {
        let kept = self.buckets.iter().flat_map(|bucket| bucket.points());
        let last = self.buckets.last().map(|bucket| bucket.low.0.max(bucket.high.0));
        kept.chain(self.newest.filter(|(step, _)| Some(*step) != last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(points: impl IntoIterator<Item = At>) -> Vec<At> {
        let mut thinned = Thinned::within(MOST);
        points.into_iter().for_each(|point| thinned.push(point));
        thinned.points().collect()
    }

    #[test]
    fn a_curve_that_is_not_too_long_is_kept_as_it_is() {
        let all: Vec<At> = (0..MOST as u64).map(|step| (step, (step % 7) as f64)).collect();
        assert_eq!(thinned(all.clone()), all);
        assert_eq!(thinned([]), []);
    }

    #[test]
    fn a_sketch_says_whether_it_is_whole_and_keeps_the_best() {
        let mut sketch = Thinned::within(SKETCH);
        (0..SKETCH as u64).for_each(|step| sketch.push((step, step as f64)));
        assert!(sketch.is_whole());
        (0..5000).for_each(|step| sketch.push((1000 + step, if step == 3333 { -1.0 } else { 1.0 })));
        assert!(!sketch.is_whole() && sketch.points().count() <= 2 * SKETCH + 1);
        assert!(sketch.points().any(|point| point == (4333, -1.0)));
    }

    #[test]
    fn a_long_curve_keeps_its_peaks_its_dips_and_its_end() {
        let count = 10 * MOST as u64 + 3;
        let value = |step| match step {
            123_457 => 99.0,
            400_001 => -99.0,
            400_002 => f64::NAN,
            _ => (step as f64 / 1e5).sin(),
        };
        let kept = thinned((0..count).map(|step| (step, value(step))));
        assert!(kept.len() <= 2 * MOST + 1, "{}", kept.len());
        assert!(kept.contains(&(123_457, 99.0)) && kept.contains(&(400_001, -99.0)));
        assert_eq!(kept.last(), Some(&(count - 1, value(count - 1))));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0) && kept.iter().all(|(_, value)| !value.is_nan()));
        // no part of the curve is without points
        let widest = kept.windows(2).map(|pair| pair[1].0 - pair[0].0).max();
        assert!(widest <= Some(2 * 16), "{widest:?}");
    }
}
