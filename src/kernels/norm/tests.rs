use super::*;
use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

/// Normalises by its own statistics, or by a given (mean, variance) of each group.
fn plain(norm: &Norm, inputs: &[Vec<f64>], clamp: Clamp, fixed: Option<&Statistics>) -> Vec<f64> {
    let [x, weight, bias] = inputs else { panic!("three inputs") };
    let Norm { samples, places, channels, groups, epsilon } = *norm;
    let mut y = vec![0.0; x.len()];
    for sample in 0..samples {
        for group in 0..groups {
            let of_place = |place: usize| {
                let first = (sample * places + place) * channels + group * (channels / groups);
                first..first + channels / groups
            };
            let members: Vec<usize> = (0..places).flat_map(of_place).collect();
            let mean_of = |f: &dyn Fn(usize) -> f64| {
                members.iter().map(|at| f(*at)).sum::<f64>() / members.len() as f64
            };
            let mut mean = mean_of(&|at| x[at]);
            let mut variance = mean_of(&|at| (x[at] - mean).powi(2));
            if let Some(fixed) = fixed {
                (mean, variance) =
                    (fixed.mean[sample * groups + group], fixed.variance[sample * groups + group]);
            }
            for at in members {
                let standard = (x[at] - mean) / (variance + epsilon).sqrt();
                y[at] = clamp.plain(standard * weight[at % channels] + bias[at % channels]);
            }
        }
    }
    y
}

fn divisor(random: &mut Random, of: usize) -> usize {
    let divisors: Vec<usize> = (1..=of).filter(|divisor| of.is_multiple_of(*divisor)).collect();
    divisors[random.below(divisors.len())]
}

#[test]
fn forward_and_backward_match_the_reference() {
    let mut random = Random::new(1);
    for round in 0..40 {
        let channels = 1 + random.below(67);
        let groups = if round % 2 == 0 { divisor(&mut random, channels) } else { channels };
        // with few numbers in a group, the gradient is all cancellation
        let (samples, places) = (1 + random.below(9), (8 * groups).div_ceil(channels) + random.below(30));
        // rows of their own statistics, every now and then
        let (places, groups) = if round % 8 == 3 && channels > 8 { (1, 1) } else { (places, groups) };
        let norm = Norm { samples, places, channels, groups, epsilon: 1e-5 };
        let clamp = Clamp::ALL[round % 3];
        let x: Vec<f32> = random.numbers(samples * places * channels).iter().map(|x| x + 0.5).collect();
        let mut numbers = || random.numbers(channels).iter().map(|x| 4.0 * x).collect::<Vec<f32>>();
        let (weight, bias) = (numbers(), numbers());
        let fixed = (round % 4 == 0).then(|| Statistics {
            mean: random.numbers(samples * groups).iter().map(|x| *x as f64).collect(),
            variance: random.numbers(samples * groups).iter().map(|x| 1.5 + *x as f64).collect(),
        });
        let reference = Reference::new(&mut random, &[&x, &weight, &bias], |inputs| {
            plain(&norm, inputs, clamp, fixed.as_ref())
        });
        let what = format!("{norm:?}, {clamp:?}, fixed {}", fixed.is_some());
        at_every_level(|| {
            let statistics = fixed.clone().unwrap_or_else(|| statistics(&norm, &x));
            let y = forward(&norm, &x, &statistics, &weight, &bias, clamp);
            reference.assert_value(&y, &what);
            let output = OutputGradient::new(&reference.output_gradient, clamp, &y);
            let sums = gradient_sums(&norm, &x, &statistics, &weight, output);
            let moving = fixed.is_none().then_some(&sums);
            let dx = input_gradient(&norm, &x, &statistics, &weight, output, moving);
            reference.assert_gradients(&[&dx, &sums.weight, &sums.bias], &what);
        });
    }
}

#[test]
fn a_mean_far_from_zero_costs_no_precision() {
    let norm = Norm { samples: 1, places: 1000, channels: 1, groups: 1, epsilon: 0.0 };
    let x: Vec<f32> = (0..1000).map(|index| 1e6 + (index % 2) as f32).collect();
    let statistics = statistics(&norm, &x);
    assert!((statistics.mean[0] - 1_000_000.5).abs() < 1e-6 && (statistics.variance[0] - 0.25).abs() < 1e-3);
    let y = forward(&norm, &x, &statistics, &[1.0], &[0.0], Clamp::None);
    assert!((y[0] + 1.0).abs() < 1e-3 && (y[1] - 1.0).abs() < 1e-3);
}

#[test]
fn threads_do_not_change_a_bit() {
    for (samples, places, groups) in [(1, 4000, 19), (5, 500, 1), (3000, 1, 1)] {
        let norm = Norm { samples, places, channels: 19, groups, epsilon: 1e-5 };
        let mut random = Random::new(2);
        let (x, gradient) = (random.numbers(samples * places * 19), random.numbers(samples * places * 19));
        let (weight, bias) = (random.numbers(19), random.numbers(19));
        same_bits_on_any_threads(|| {
            let statistics = statistics(&norm, &x);
            let y = forward(&norm, &x, &statistics, &weight, &bias, Clamp::Relu);
            let output = OutputGradient::whole(&gradient);
            let sums = gradient_sums(&norm, &x, &statistics, &weight, output);
            let dx = input_gradient(&norm, &x, &statistics, &weight, output, Some(&sums));
            vec![y, dx, sums.weight, sums.bias]
        });
    }
}
