//! How fast this machine trains and infers, beside how fast it can multiply at most.
//!
//! Every measurement is warmed up, then taken in short slices: the median is what to expect, the best is what remains
//! when nothing else disturbs the machine.
mod augmentation;
mod networks;
pub use augmentation::{Augmented, augmentation_cost};
pub use networks::{NETWORKS, Network};

use super::{
    catalog,
    trainer::{Advance, Origin, Trainer},
};
use crate::{
    data::{Dataset, DatasetInfo, Examples, VALIDATION_IMAGES},
    kernels::simd::{Kernel, SimdLevel, Vector},
    models::encoders,
    objectives, ops,
    protocol::LayerInfo,
    rng::rng,
    shape::ImageShape,
    spec::{BATCH_SIZE, Choice, EPOCHS, EVALUATIONS_PER_EPOCH, RunSpec, Section},
};
use anyhow::{Context as _, Result, ensure};
use candle_core::{Device, Tensor};
use rand::RngExt as _;
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

/// Images a batch while classifiers train.
pub const TRAIN_BATCH: usize = 64;
/// Images a batch while they infer.
pub const INFER_BATCH: usize = 256;
/// Images a batch while objectives train.
pub const PRETRAIN_BATCH: usize = 128;
/// The encoder that objectives are measured with.
pub const PRETRAINED: &str = "compact_cnn";

/// Slices of one measurement.
const SLICES: u32 = 15;
/// Caches, clocks and threads warm up over a few slices.
const WARM_UP: u32 = 3;
/// Of training images: more than the caches hold.
const BYTES: usize = 32 << 20;
const SHAPE: ImageShape = ImageShape { height: 28, width: 28, channels: 1 };
const CLASSES: usize = 10;
/// Sides of the square matrices that are multiplied; the fastest counts.
const MATRIX_SIDES: [usize; 3] = [512, 1024, 2048];

/// A quantity over the slices of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Over the slices.
    pub median: f64,
    /// The fastest slice.
    pub best: f64,
}

/// What the machine can do at most, in f32 GFLOP/s, the best of many trials.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Of the kernels' pool.
    pub threads: usize,
    /// The instruction set of the kernels.
    pub simd: SimdLevel,
    /// Products of large matrices, by the `gemm` crate.
    pub gemm: f64,
    /// [`gemm`](Self::gemm), on one thread.
    pub gemm_one_core: f64,
    /// Multiply-adds that never leave the registers.
    pub multiply_add: f64,
    /// [`multiply_add`](Self::multiply_add), on one thread.
    pub multiply_add_one_core: f64,
}

/// How fast a classifier is on random images.
#[derive(Clone, Debug)]
pub struct Speed {
    /// What is measured.
    pub network: &'static Network,
    /// Images a second, by the code that trains runs.
    pub train: Measured,
    /// Images a second.
    pub infer: Measured,
    /// Seconds for a single image.
    pub latency: Measured,
    /// Floating-point operations an image.
    pub train_flops: u64,
    /// Floating-point operations an image, forward only.
    pub infer_flops: u64,
    /// Of the whole process, in bytes; none where the system does not report it.
    pub peak_memory: Option<u64>,
}

/// The objectives that can be measured.
pub fn objectives() -> impl Iterator<Item = &'static str> {
    objectives::ALL.iter().map(|entry| entry.info.id)
}

/// Measures the machine, for about `secs` seconds per figure.
///
/// # Errors
/// Where no threads can be started.
pub fn machine(secs: f64) -> Result<Machine> {
    let threads = rayon::current_num_threads();
    Ok(Machine {
        threads,
        simd: SimdLevel::current(),
        gemm: gemm(threads, secs)?,
        gemm_one_core: gemm(1, secs)?,
        multiply_add: multiply_add(threads, secs)?,
        multiply_add_one_core: multiply_add(1, secs)?,
    })
}

/// Measures the classifier of a network with Adam and dropout, for about `secs` seconds a measurement.
///
/// # Errors
/// Where its encoder does not fit the images.
pub fn speed(network: &'static Network, secs: f64) -> Result<Speed> {
    let rows = encoders::summary(&network.choice(), network.shape().into(), CLASSES)?;
    forget_peak_memory();
    let (train_batch, infer_batch) = (network.train_batch, network.infer_batch);
    let dataset = Arc::new(random_dataset(network.shape(), train_batch, infer_batch)?);
    let spec = spec_of(network.choice(), train_batch);
    let mut trainer =
        Trainer::new(spec.clone(), catalog().live_params(&spec), dataset.clone(), Origin::Fresh)?;
    let rate = |images: usize| move |secs: f64| images as f64 / secs;
    let train = measure(secs, || trained(&mut trainer))?.map(rate(train_batch), f64::max);
    let infer = |count: usize| {
        let images = trainer.model.batch(&dataset.train, &(0..count).collect::<Vec<_>>())?.inputs;
        measure(secs, || {
            let began = Instant::now();
            black_box(ops::on_pool(|| trainer.model.objective.predict(&images))?);
            Ok(began.elapsed())
        })
    };
    Ok(Speed {
        network,
        train,
        infer: infer(infer_batch)?.map(rate(infer_batch), f64::max),
        latency: infer(1)?.map(|secs| secs, f64::min),
        train_flops: train_flops(&rows),
        infer_flops: infer_flops(&rows),
        peak_memory: peak_memory(),
    })
}

/// Images a second, in batches of [`PRETRAIN_BATCH`], at which an objective trains [`PRETRAINED`] with AdamW, its images
/// augmented where the objective needs it; for about `secs` seconds.
///
/// # Errors
/// Where the objective is unknown.
pub fn objective_speed(objective: &str, secs: f64) -> Result<Measured> {
    let entry = objectives::find(objective)?;
    let altered = entry.augmentation.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    let mut spec = RunSpec {
        objective: Choice::new(objective),
        optimizer: Choice::new("adamw"),
        augmentation: altered,
        ..spec(PRETRAINED)
    };
    spec.set(Section::Training, &BATCH_SIZE, PRETRAIN_BATCH as f64);
    let dataset = Arc::new(random_dataset(SHAPE, TRAIN_BATCH, INFER_BATCH)?);
    let live = catalog().live_params(&spec);
    let mut trainer = Trainer::new(spec, live, dataset, Origin::Fresh)?;
    Ok(measure(secs, || trained(&mut trainer))?.map(|secs| PRETRAIN_BATCH as f64 / secs, f64::max))
}

/// The time that the next training step takes; the scoring between two epochs is passed over.
fn trained(trainer: &mut Trainer) -> Result<Duration> {
    loop {
        let began = Instant::now();
        if let Advance::Trained { examples, .. } = trainer.advance()? {
            let batch = trainer.spec.training(&BATCH_SIZE) as usize;
            ensure!(examples == batch, "a batch has {examples} examples");
            return Ok(began.elapsed());
        }
    }
}

fn infer_flops(rows: &[LayerInfo]) -> u64 {
    rows.iter().map(|row| row.flops).sum()
}

/// Forward, the gradient of each weight, and the gradient of each layer's input, which the first layer does not need.
fn train_flops(rows: &[LayerInfo]) -> u64 {
    let first = rows.iter().map(|row| row.flops).find(|flops| *flops > 0).unwrap_or_default();
    3 * infer_flops(rows) - first
}

fn spec(encoder: &str) -> RunSpec {
    spec_of(Choice::new(encoder), TRAIN_BATCH)
}

fn spec_of(encoder: Choice, batch: usize) -> RunSpec {
    let mut spec = RunSpec { encoder, ..RunSpec::default() };
    spec.set(Section::Dataset, &VALIDATION_IMAGES, batch as f64);
    spec.set(Section::Training, &BATCH_SIZE, batch as f64);
    spec.set(Section::Training, &EVALUATIONS_PER_EPOCH, 1.0);
    // More than any measurement takes.
    spec.set(Section::Training, &EPOCHS, 1e9);
    spec
}

/// So many batches to train on that they are more than the caches hold, or as many as inference takes.
fn random_dataset(shape: ImageShape, train_batch: usize, infer_batch: usize) -> Result<Dataset> {
    let mut rng = rng(0, "benchmark", 0);
    let mut examples = |count: usize| {
        let pixels = (0..count * shape.len()).map(|_| rng.random()).collect();
        Examples::images(pixels, (0..count).map(|_| rng.random_range(0..CLASSES as u16)).collect())
    };
    let class_names = (0..CLASSES).map(|class| class.to_string()).collect();
    let batches = (BYTES / (train_batch * shape.len())).clamp(4, 64);
    let (train, test) = (examples((batches + 1) * train_batch.max(infer_batch / 2)), examples(train_batch));
    Dataset::new(DatasetInfo { shape: shape.into(), class_names }, train, test)
}

/// Mean seconds per call, one for each slice.
struct Slices(Vec<f64>);

impl Slices {
    /// Median and best of `quantity(seconds)`.
    fn map(self, quantity: impl Fn(f64) -> f64, better: fn(f64, f64) -> f64) -> Measured {
        let mut values: Vec<f64> = self.0.into_iter().map(quantity).collect();
        values.sort_by(f64::total_cmp);
        let median = values[values.len() / 2];
        Measured { median, best: values.into_iter().fold(median, better) }
    }
}

/// Calls `once`, which returns its own duration, until each slice has taken its share of `secs`.
fn measure(secs: f64, mut once: impl FnMut() -> Result<Duration>) -> Result<Slices> {
    let share = share(secs);
    slice(WARM_UP * share, &mut once)?;
    Ok(Slices((0..SLICES).map(|_| slice(share, &mut once)).collect::<Result<_>>()?))
}

fn share(secs: f64) -> Duration {
    Duration::from_secs_f64(secs / f64::from(SLICES))
}

/// The mean time of a call, over as many calls as take `least` together.
fn slice(least: Duration, once: &mut impl FnMut() -> Result<Duration>) -> Result<f64> {
    let (mut took, mut calls) = (Duration::ZERO, 0);
    while took < least || calls == 0 {
        took += once()?;
        calls += 1;
    }
    Ok(took.as_secs_f64() / f64::from(calls))
}

fn gemm(threads: usize, secs: f64) -> Result<f64> {
    pool(threads)?.install(|| {
        let mut best = 0.0;
        for side in MATRIX_SIDES {
            let numbers: Vec<f32> = (0..side * side).map(|at| (at % 7) as f32).collect();
            let matrix = Tensor::from_vec(numbers, (side, side), &Device::Cpu)?;
            let slices = measure(secs / MATRIX_SIDES.len() as f64, || {
                let began = Instant::now();
                black_box(matrix.matmul(&matrix)?);
                Ok(began.elapsed())
            })?;
            let gflops = |secs: f64| 2.0 * (side as f64).powi(3) / secs / 1e9;
            best = slices.map(gflops, f64::max).best.max(best);
        }
        Ok(best)
    })
}

fn multiply_add(threads: usize, secs: f64) -> Result<f64> {
    let pool = pool(threads)?;
    let mut flops = 0;
    let slices = measure(secs, || {
        let began = Instant::now();
        flops = pool.broadcast(|_| SimdLevel::current().run(MultiplyAdd { rounds: 500_000 })).iter().sum();
        Ok(began.elapsed())
    })?;
    Ok(slices.map(|secs| flops as f64 / secs / 1e9, f64::max).best)
}

fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("Could not start threads")
}

/// Sums in registers, enough of them to hide how long each multiply-add takes.
struct MultiplyAdd {
    rounds: usize,
}

impl Kernel for MultiplyAdd {
    /// Floating-point operations done.
    type Output = usize;

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> usize {
        const SUMS: usize = 12;
        let (factor, term) = (black_box(V::splat(0.999)), black_box(V::splat(0.001)));
        let mut sums = [V::splat(0.0); SUMS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, term);
            }
        }
        black_box(sums);
        2 * SUMS * V::LANES * self.rounds
    }
}

/// Linux reports it in a file that other systems do not have.
pub(super) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Resets the peak to what is in use now, so that each encoder has a peak of its own.
pub(super) fn forget_peak_memory() {
    let _only_on_linux = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Modality;

    #[test]
    fn operations_are_counted_honestly() {
        let rows = encoders::summary(&Choice::new("seed_cnn"), SHAPE.into(), CLASSES).unwrap();
        // The first convolution, of 2 × 26² × 9 × 32 operations, needs no gradient of the image.
        assert_eq!((infer_flops(&rows), train_flops(&rows)), (23_984_896, 3 * 23_984_896 - 389_376));
    }

    #[test]
    fn every_encoder_can_be_measured() {
        for entry in encoders::serving(Modality::Images) {
            let of_it = NETWORKS.iter().filter(|network| network.encoder == entry.info.id);
            let smallest = of_it.min_by_key(|network| network.side).expect("an encoder that is not measured");
            let speed = speed(smallest, 0.01).unwrap();
            for measured in [speed.train, speed.infer] {
                assert!(measured.median > 0.0 && measured.best >= measured.median, "{speed:?}");
            }
            assert!(speed.latency.best > 0.0 && speed.latency.best <= speed.latency.median, "{speed:?}");
        }
    }

    #[test]
    fn every_objective_can_be_measured() {
        for objective in super::objectives() {
            let speed = objective_speed(objective, 0.01).unwrap();
            assert!(speed.median > 0.0 && speed.best >= speed.median, "{objective}: {speed:?}");
        }
        assert!(objective_speed("guessing", 0.01).is_err());
    }

    #[test]
    fn the_machine_has_a_peak() {
        let machine = machine(0.02).unwrap();
        assert!(machine.gemm > 0.0 && machine.multiply_add_one_core > 0.0, "{machine:?}");
    }
}
