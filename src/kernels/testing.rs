//! What the kernels' tests share.

use super::{padding::Padding, simd::SimdLevel};

/// A small seeded generator, for test data alone.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// One of `0..end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Up to `end` zeros, exclusive, on each side: as many on all of them, or on each its own number.
    pub fn padding(&mut self, end: usize) -> Padding {
        let all = Padding::all(self.below(end));
        let mut side = || self.below(end);
        let each = Padding { top: side(), left: side(), bottom: side(), right: side() };
        if self.below(2) == 0 { all } else { each }
    }

    /// Numbers in [-1, 1).
    pub fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

/// Runs the checks once at each level this machine has.
pub fn at_every_level(checks: impl Fn()) {
    SimdLevel::available().for_each(|level| level.with(&checks));
}

/// Within 1e-4 of the largest number expected.
pub fn assert_close(actual: &[f32], expected: &[f32], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-3f32, |scale, x| scale.max(x.abs()));
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let level = SimdLevel::current();
        assert!(
            (actual - expected).abs() <= 1e-4 * scale,
            "{what} {level:?} at {index}: {actual} for {expected}"
        );
    }
}

/// The reference for a kernel, from a plain function of several inputs in double precision: its value, and the slopes of
/// Σ output_gradient · value by central differences, at some numbers of each input.
pub struct Reference {
    /// Random, shaped as the value.
    pub output_gradient: Vec<f32>,
    value: Vec<f32>,
    slopes: Vec<Vec<(usize, f32)>>,
}

impl Reference {
    const STEP: f64 = 1e-6;
    const SLOPES: usize = 16;

    pub fn new(random: &mut Random, inputs: &[&[f32]], f: impl Fn(&[Vec<f64>]) -> Vec<f64>) -> Self {
        let mut inputs: Vec<Vec<f64>> =
            inputs.iter().map(|numbers| numbers.iter().map(|x| *x as f64).collect()).collect();
        let value: Vec<f32> = f(&inputs).iter().map(|y| *y as f32).collect();
        let output_gradient = random.numbers(value.len());
        let total =
            |x: &[Vec<f64>]| f(x).iter().zip(&output_gradient).map(|(y, g)| y * *g as f64).sum::<f64>();
        let mut slopes = vec![Vec::new(); inputs.len()];
        for (index, slopes) in slopes.iter_mut().enumerate() {
            for _ in 0..Self::SLOPES {
                let at = random.below(inputs[index].len());
                let x = inputs[index][at];
                inputs[index][at] = x + Self::STEP;
                let above = total(&inputs);
                inputs[index][at] = x - Self::STEP;
                let below = total(&inputs);
                inputs[index][at] = x;
                slopes.push((at, ((above - below) / (2.0 * Self::STEP)) as f32));
            }
        }
        Reference { output_gradient, value, slopes }
    }

    pub fn assert_value(&self, y: &[f32], what: &str) {
        assert_close(y, &self.value, what);
    }

    /// `gradients` has one for each input, in order.
    pub fn assert_gradients(&self, gradients: &[&[f32]], what: &str) {
        assert_eq!(gradients.len(), self.slopes.len());
        for (input, (gradient, slopes)) in gradients.iter().zip(&self.slopes).enumerate() {
            let (actual, expected): (Vec<f32>, Vec<f32>) =
                slopes.iter().map(|(at, slope)| (gradient[*at], *slope)).unzip();
            assert_close(&actual, &expected, &format!("gradient {input} of {what}"));
        }
    }
}

/// `compute` gives the same bits in pools of 1 to 4 threads, at every level.
pub fn same_bits_on_any_threads(compute: impl Fn() -> Vec<Vec<f32>> + Sync) {
    for level in SimdLevel::available() {
        let mut expected = None;
        for threads in 1..=4 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let results = pool.install(|| level.with(&compute));
            let bits: Vec<Vec<u32>> =
                results.iter().map(|result| result.iter().map(|number| number.to_bits()).collect()).collect();
            assert!(*expected.get_or_insert(bits.clone()) == bits, "{threads} threads, {level:?}");
        }
    }
}
