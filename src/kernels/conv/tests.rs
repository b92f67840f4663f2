use super::*;
use crate::kernels::testing::{Random, assert_close, at_every_level, same_bits_on_any_threads};

struct Case {
    conv: Conv,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(conv: Conv, random: &mut Random) -> Self {
        let x = random.numbers(conv.batch * conv.in_len());
        let weight = random.numbers(conv.depth() * conv.out_channels);
        let (bias, dy) = (random.numbers(conv.out_channels), random.numbers(conv.batch * conv.out_len()));
        Case { conv, x, weight, bias, dy }
    }
}

fn random_conv(random: &mut Random) -> Conv {
    let (kernel_height, kernel_width) = (1 + random.below(5), 1 + random.below(5));
    let padding = random.padding(3);
    let smallest = |kernel: usize, zeros: usize| kernel.saturating_sub(zeros).max(1);
    Conv {
        batch: 1 + random.below(4),
        height: smallest(kernel_height, padding.rows(0)) + random.below(9),
        width: smallest(kernel_width, padding.columns(0)) + random.below(9),
        in_channels: 1 + random.below(20),
        kernel_height,
        kernel_width,
        out_channels: 1 + random.below(40),
        stride: 1 + random.below(3),
        padding,
    }
}

struct Results {
    y: Vec<f32>,
    dx: Vec<f32>,
    dw: Vec<f32>,
    db: Vec<f32>,
}

/// The definition, one product at a time.
fn reference(case: &Case, clamp: Clamp) -> Results {
    let c = &case.conv;
    let mut y = Vec::new();
    let (mut dx, mut dw) = (vec![0.0; case.x.len()], vec![0.0; case.weight.len()]);
    let mut db = vec![0.0; c.out_channels];
    for at in 0..case.dy.len() {
        let out_channel = at % c.out_channels;
        let (row, column) =
            (at / c.out_channels / c.out_width() % c.out_height(), at / c.out_channels % c.out_width());
        let mut products = Vec::new();
        for tap in 0..c.depth() {
            let (ky, kx) = (tap / c.in_channels / c.kernel_width, tap / c.in_channels % c.kernel_width);
            let (top, left) = (row * c.stride + ky, column * c.stride + kx);
            let inside = top >= c.padding.top && left >= c.padding.left;
            if inside && top - c.padding.top < c.height && left - c.padding.left < c.width {
                let pixel = (top - c.padding.top) * c.width + left - c.padding.left;
                let image = at / c.out_len() * c.in_len();
                products.push((
                    image + pixel * c.in_channels + tap % c.in_channels,
                    tap * c.out_channels + out_channel,
                ));
            }
        }
        let sum =
            case.bias[out_channel] + products.iter().map(|(x, w)| case.x[*x] * case.weight[*w]).sum::<f32>();
        let passes = clamp.mask(&[sum]).is_none_or(|mask| mask.pass(&[1.0]).next() == Some(1.0));
        y.push(clamp.number(sum));
        let gradient = if passes { case.dy[at] } else { 0.0 };
        db[out_channel] += gradient;
        for (x, w) in products {
            dx[x] += gradient * case.weight[w];
            dw[w] += gradient * case.x[x];
        }
    }
    Results { y, dx, dw, db }
}

fn check(case: &Case) {
    let Case { conv, x, weight, bias, dy } = case;
    for clamp in Clamp::ALL {
        let expected = reference(case, clamp);
        let what = format!("{conv:?} {clamp:?}");
        at_every_level(|| {
            assert_close(&forward(conv, x, weight, Some(bias), clamp), &expected.y, &what);
            let output = OutputGradient::new(dy, clamp, &expected.y);
            assert_close(&input_gradient(conv, weight, output), &expected.dx, &what);
            let (dw, db) = weight_gradient(conv, x, output, true);
            assert_close(&dw, &expected.dw, &what);
            assert_close(&db.unwrap(), &expected.db, &what);
            assert_eq!(weight_gradient(conv, x, output, false), (dw, None));
            let zeros = vec![0.0; bias.len()];
            assert_eq!(forward(conv, x, weight, None, clamp), forward(conv, x, weight, Some(&zeros), clamp));
        });
    }
}

#[test]
fn random_shapes_match_the_definition() {
    let mut random = Random::new(1);
    for _ in 0..120 {
        let conv = random_conv(&mut random);
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn every_channel_count_matches_the_definition() {
    let mut random = Random::new(2);
    for channels in 1..=67 {
        let (in_channels, out_channels, stride) = (channels, 68 - channels, 1 + channels % 2);
        let conv = Conv {
            batch: 1 + channels % 9,
            height: 5,
            width: 4,
            in_channels,
            kernel_height: 3,
            kernel_width: 2,
            out_channels,
            stride,
            padding: Padding::all(1),
        };
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn small_images_that_share_products_match_the_definition() {
    let mut random = Random::new(9);
    for _ in 0..6 {
        let conv = Conv {
            batch: 17 + random.below(40),
            height: 5 + random.below(4),
            width: 5 + random.below(4),
            in_channels: 8 + random.below(20),
            kernel_height: 3,
            kernel_width: 3,
            out_channels: 8 + random.below(20),
            stride: 1,
            padding: Padding::all(1),
        };
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn few_outputs_match_the_definition() {
    let mut random = Random::new(10);
    for case in 0..60 {
        let kernel = 1 + random.below(5);
        let conv = Conv {
            batch: 1 + random.below(20),
            height: 5 + random.below(9),
            width: 5 + random.below(9),
            in_channels: 8 + random.below(40),
            kernel_height: kernel,
            kernel_width: 1 + random.below(3),
            out_channels: 1 + case % 3,
            stride: 1,
            padding: random.padding(kernel + 1),
        };
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn tiles_of_transformed_points_match_the_definition() {
    let mut random = Random::new(5);
    for _ in 0..40 {
        let padding = random.padding(3);
        let conv = Conv {
            batch: 1 + random.below(9),
            height: 8 + random.below(24),
            width: 8 + random.below(24),
            in_channels: 8 + random.below(60),
            kernel_height: 3,
            kernel_width: 3,
            out_channels: 8 + random.below(60),
            stride: 1,
            padding,
        };
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn many_channels_match_the_definition() {
    let mut random = Random::new(11);
    for (kernel, stride, channels) in [(1, 1, 190), (3, 2, 190), (2, 1, 190)] {
        let conv = Conv {
            batch: 2,
            height: 4,
            width: 5,
            in_channels: channels,
            kernel_height: kernel,
            kernel_width: kernel,
            out_channels: channels - 15,
            stride,
            padding: random.padding(2),
        };
        let case = Case::new(conv, &mut random);
        check(&case);
        same_bits_on_any_threads(|| {
            let (dw, db) = weight_gradient(&conv, &case.x, OutputGradient::whole(&case.dy), true);
            vec![dw, db.unwrap()]
        });
    }
}

#[test]
fn many_bands_match_the_definition() {
    let mut random = Random::new(3);
    for (batch, padding, stride) in [(1, 0, 1), (2, 2, 2), (3, 1, 1)]
        .map(|(batch, padding, stride)| (batch, Padding::all(padding), stride))
    {
        let conv = Conv {
            batch,
            height: 33,
            width: 31,
            in_channels: 16,
            kernel_height: 3,
            kernel_width: 3,
            out_channels: 33,
            stride,
            padding,
        };
        check(&Case::new(conv, &mut random));
    }
}

#[test]
fn a_nan_is_not_hidden_by_relu() {
    let conv = Conv {
        batch: 1,
        height: 1,
        width: 1,
        in_channels: 1,
        kernel_height: 1,
        kernel_width: 1,
        out_channels: 1,
        stride: 1,
        padding: Padding::all(0),
    };
    at_every_level(|| assert!(forward(&conv, &[f32::NAN], &[1.0], Some(&[0.0]), Clamp::Relu)[0].is_nan()));
}

#[test]
fn threads_do_not_change_a_bit() {
    let mut random = Random::new(4);
    for (batch, stride, padding) in [(1, 1, 0), (9, 1, 1), (5, 2, 1)]
        .map(|(batch, stride, padding)| (batch, stride, Padding::all(padding)))
    {
        let conv = Conv {
            batch,
            height: 14,
            width: 13,
            in_channels: 19,
            kernel_height: 3,
            kernel_width: 3,
            out_channels: 35,
            stride,
            padding,
        };
        let Case { x, weight, bias, dy, .. } = Case::new(conv, &mut random);
        same_bits_on_any_threads(|| {
            let y = forward(&conv, &x, &weight, Some(&bias), Clamp::Relu);
            let output = OutputGradient::new(&dy, Clamp::Relu, &y);
            let (dw, db) = weight_gradient(&conv, &x, output, true);
            let dx = input_gradient(&conv, &weight, output);
            vec![y, dx, dw, db.unwrap()]
        });
    }
}
