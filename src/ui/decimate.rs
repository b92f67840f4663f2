//! Curves of any length, ready to draw: smoothed and thinned out step by step, as points arrive.
use crate::session::Series;

/// What is kept of one curve between two frames.
#[derive(Debug, Default)]
pub struct CurveView {
    pub raw: Envelope,
    smoothed: Smoothed,
    pub smooth: Envelope,
}

impl CurveView {
    /// Takes in the points that are new. `points_per_bucket` is a power of two; `smoothing` is from 0 to 1.
    pub fn update(&mut self, series: &[[f64; 2]], smoothing: f64, points_per_bucket: usize) {
        if self.smoothed.update(series, smoothing) {
            self.smooth = Envelope::default();
        }
        self.raw.update(series, points_per_bucket);
        self.smooth.update(&self.smoothed.values, points_per_bucket);
    }
}

impl CurveView {
    /// The smoothed value at a place in terms of `x`: that of the last point before it. None outside of the curve.
    pub fn at(&self, x: impl Fn(f64) -> f64, place: f64) -> Option<f64> {
        let values = &self.smoothed.values;
        let after = values.partition_point(|point| x(point[0]) <= place);
        let is_within = after < values.len() || values.last().is_some_and(|last| x(last[0]) == place);
        let [_, value] = values[after.checked_sub(1).filter(|_| is_within)?];
        value.is_finite().then_some(value)
    }
}

/// A moving average in which the past has a fixed weight per point, free of the start's bias: it does not depend on
/// how long the curve is.
#[derive(Debug, Default)]
struct Smoothed {
    smoothing: f64,
    average: f64,
    weight: f64,
    values: Series,
}

impl Smoothed {
    /// Returns whether it was rebuilt from the first point.
    fn update(&mut self, series: &[[f64; 2]], smoothing: f64) -> bool {
        let is_rebuilt = smoothing != self.smoothing || series.len() < self.values.len();
        if is_rebuilt {
            *self = Self { smoothing, ..Self::default() };
        }
        for &[x, y] in &series[self.values.len()..] {
            if y.is_finite() {
                self.average = self.average * smoothing + y * (1.0 - smoothing);
                self.weight = self.weight * smoothing + (1.0 - smoothing);
            }
            self.values.push([x, if self.weight > 0.0 { self.average / self.weight } else { y }]);
        }
        is_rebuilt
    }
}

/// The lowest and the highest point of every bucket of neighbouring points: no spike is lost, and no bucket changes
/// once it is full.
#[derive(Debug, Default)]
pub struct Envelope {
    points_per_bucket: usize,
    /// Points of the curve in full buckets.
    consumed: usize,
    /// Two for each full bucket, in order of x; the points themselves where a bucket is one point.
    full: Series,
    /// Of the bucket that still fills.
    rest: Series,
}

impl Envelope {
    fn update(&mut self, series: &[[f64; 2]], points_per_bucket: usize) {
        if points_per_bucket != self.points_per_bucket
            || series.len() < self.consumed + self.rest.len().min(1)
        {
            *self = Self { points_per_bucket, ..Self::default() };
        }
        let buckets = series[self.consumed..].chunks_exact(points_per_bucket);
        let rest = buckets.remainder();
        for bucket in buckets {
            self.consumed += bucket.len();
            self.full.extend(extremes(bucket));
        }
        self.rest.clear();
        self.rest.extend(extremes(rest));
    }

    /// The points from `x0` to `x1` in terms of `x`, with a neighbour on each side.
    pub fn visible<'a>(
        &'a self,
        x: impl Fn(f64) -> f64,
        x0: f64,
        x1: f64,
    ) -> impl Iterator<Item = [f64; 2]> + 'a {
        let first = self.full.partition_point(|point| x(point[0]) < x0).saturating_sub(1);
        let end = (self.full.partition_point(|point| x(point[0]) <= x1) + 1).min(self.full.len());
        self.full[first.min(end)..end].iter().chain(&self.rest).copied()
    }
}

/// The lowest and the highest of some points, in order of x; what is no number is passed over.
fn extremes(points: &[[f64; 2]]) -> impl Iterator<Item = [f64; 2]> {
    let finite = || points.iter().copied().filter(|point| point[1].is_finite());
    let low = finite().reduce(|a, b| if b[1] < a[1] { b } else { a });
    let high = finite().reduce(|a, b| if b[1] > a[1] { b } else { a });
    let ordered = match (low, high) {
        (Some(low), Some(high)) if high[0] < low[0] => [Some(high), Some(low)],
        (Some(low), Some(high)) if high[0] > low[0] => [Some(low), Some(high)],
        _ => [low, None],
    };
    ordered.into_iter().flatten()
}

/// The power of two that makes `points` fit into about two buckets a pixel.
pub fn points_per_bucket(points: usize, pixels: usize) -> usize {
    (points / (2 * pixels.max(1))).max(1).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(count: usize) -> Series {
        (0..count).map(|i| [i as f64, ((i * 7919) % 1000) as f64]).collect()
    }

    fn all(envelope: &Envelope) -> Series {
        envelope.visible(|x| x, f64::MIN, f64::MAX).collect()
    }

    #[test]
    fn a_curve_is_read_between_its_ends() {
        let mut view = CurveView::default();
        view.update(&[[10.0, 1.0], [20.0, 3.0], [30.0, f64::NAN]], 0.0, 1);
        let at = |place: f64| view.at(|step| step / 10.0, place);
        assert_eq!([0.9, 1.0, 1.9, 2.0, 3.1].map(at), [None, Some(1.0), Some(1.0), Some(3.0), None]);
        assert_eq!(CurveView::default().at(|step| step, 1.0), None);
    }

    #[test]
    fn appending_gives_what_starting_anew_gives() {
        let series = series(5000);
        let mut grown = CurveView::default();
        for end in (0..=5000).step_by(37).chain([5000]) {
            grown.update(&series[..end], 0.9, 16);
        }
        let mut fresh = CurveView::default();
        fresh.update(&series, 0.9, 16);
        assert_eq!(all(&grown.raw), all(&fresh.raw));
        assert_eq!(all(&grown.smooth), all(&fresh.smooth));
    }

    #[test]
    fn no_spike_is_lost_and_nothing_grows_with_the_curve() {
        let mut series = series(100_000);
        series[54_321][1] = 1e9;
        let mut view = CurveView::default();
        view.update(&series, 0.0, points_per_bucket(series.len(), 500));
        let points = all(&view.raw);
        assert!(points.contains(&[54_321.0, 1e9]));
        assert!(points.len() <= 2000, "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0][0] < pair[1][0]));
    }

    #[test]
    fn smoothing_is_free_of_the_starts_bias_and_of_gaps() {
        let mut view = CurveView::default();
        view.update(&[[0.0, 5.0], [1.0, f64::NAN], [2.0, 5.0]], 0.9, 1);
        assert!(all(&view.smooth).iter().all(|point| (point[1] - 5.0).abs() < 1e-9));
    }

    #[test]
    fn a_shorter_curve_begins_anew() {
        let series = series(100);
        let mut view = CurveView::default();
        view.update(&series, 0.5, 1);
        view.update(&series[..40], 0.5, 1);
        assert_eq!(all(&view.raw).len(), 40);
        assert_eq!(all(&view.smooth).len(), 40);
    }
}
