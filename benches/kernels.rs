//! Each kernel on one core, beside the highest rate of multiply-adds of that core: `cargo bench --bench kernels`.
//!
//! Criterion compares with the run before (its "elements" are floating-point operations); the table at the end gives
//! GFLOP/s and their share of large matrix products, or GB/s where memory is the limit. `-- conv` measures a part.
use criterion::{Criterion, Throughput};
use headstart::{
    engine::benchmark,
    kernels::{
        OutputGradient,
        activation::{self, Activation},
        attention::{self, Attention},
        clamp::Clamp,
        conv::{self, Conv},
        depthwise::{self, Depthwise},
        dropout::{self, Dropout},
        linear::{self, Linear},
        norm::{self, Norm},
        optimizer::Adam,
        padding::Padding,
        pool::{self, MaxPool},
    },
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

const BATCH: usize = 16;

fn main() {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one_core.install(|| {
        let criterion = Criterion::default()
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(2));
        let mut bench = Bench { criterion: criterion.configure_from_args(), rows: vec![] };
        convolutions(&mut bench);
        depthwise_convolutions(&mut bench);
        transformers(&mut bench);
        linears(&mut bench);
        the_rest(&mut bench);
        bench.criterion.final_summary();
        bench.table();
    });
}

/// The work of one call of a kernel.
enum Work {
    /// Floating-point operations.
    Flops(usize),
    /// Bytes read and written.
    Bytes(usize),
}

struct Bench {
    criterion: Criterion,
    /// Name, work and seconds of each kernel that was measured.
    rows: Vec<(String, Work, f64)>,
}

impl Bench {
    fn measure<T>(&mut self, name: &str, work: Work, mut kernel: impl FnMut() -> T) {
        let mut samples = vec![];
        let mut group = self.criterion.benchmark_group("kernels");
        group.throughput(match work {
            Work::Flops(flops) => Throughput::Elements(flops as u64),
            Work::Bytes(bytes) => Throughput::Bytes(bytes as u64),
        });
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|calls| {
                let began = Instant::now();
                for _ in 0..calls {
                    black_box(kernel());
                }
                let took = began.elapsed();
                samples.push(took.as_secs_f64() / calls as f64);
                took
            });
        });
        group.finish();
        samples.sort_by(f64::total_cmp);
        if let Some(median) = samples.get(samples.len() / 2) {
            self.rows.push((name.into(), work, *median));
        }
    }

    fn table(&self) {
        let machine = benchmark::machine(1.0).expect("threads can be started");
        let (gemm, registers) = (machine.gemm_one_core, machine.multiply_add_one_core);
        println!("One core, {:?}: {gemm:.0} GFLOP/s in products of large matrices,", machine.simd);
        println!("{registers:.0} in multiply-adds that never leave the registers\n");
        for (name, work, secs) in &self.rows {
            let rate = match work {
                Work::Flops(flops) => {
                    let gflops = *flops as f64 / secs / 1e9;
                    format!("{gflops:8.1} GFLOP/s  {:5.0} % of matrix products", 100.0 * gflops / gemm)
                }
                Work::Bytes(bytes) => format!("{:8.1} GB/s", *bytes as f64 / secs / 1e9),
            };
            println!("{name:32} {:10.1} µs {rate}", secs * 1e6);
        }
    }
}

fn convolutions(bench: &mut Bench) {
    let conv = |side, in_channels, kernel, out_channels, stride, padding| Conv {
        batch: BATCH,
        height: side,
        width: side,
        in_channels,
        kernel_height: kernel,
        kernel_width: kernel,
        out_channels,
        stride,
        padding: Padding::all(padding),
    };
    for (name, conv) in [
        ("conv 3×3 64→64 28×28", conv(28, 64, 3, 64, 1, 1)),
        ("conv 1×1 64→128 28×28", conv(28, 64, 1, 128, 1, 0)),
        ("conv 3×3/2 64→128 28×28", conv(28, 64, 3, 128, 2, 1)),
        ("seed_cnn conv1 1→32", conv(28, 1, 3, 32, 1, 0)),
        ("seed_cnn conv2 32→64", conv(26, 32, 3, 64, 1, 0)),
        ("compact_cnn conv1 1→32", conv(28, 1, 3, 32, 2, 1)),
        ("compact_cnn conv2 32→64", conv(14, 32, 3, 64, 2, 1)),
        ("compact_cnn conv3 64→128", conv(7, 64, 3, 128, 1, 1)),
        ("decoder middle 64→32", conv(14, 64, 3, 32, 1, 1)),
        ("decoder large 32→1", conv(28, 32, 3, 1, 1, 1)),
        ("resnet20 stage 1 16→16", conv(32, 16, 3, 16, 1, 1)),
        ("resnet20 stage 2 16→32", conv(32, 16, 3, 32, 2, 1)),
        ("resnet20 stage 3 64→64", conv(8, 64, 3, 64, 1, 1)),
        ("resnet18 stem 3→64", conv(224, 3, 7, 64, 2, 3)),
        ("resnet18 stage 4 256→512", conv(14, 256, 3, 512, 2, 1)),
        ("resnet18 stage 4 512→512", conv(7, 512, 3, 512, 1, 1)),
        ("efficientnet stem 3→32", conv(224, 3, 3, 32, 2, 1)),
        ("efficientnet 1×1 16→96", conv(112, 16, 1, 96, 1, 0)),
        ("efficientnet 1×1 144→40", conv(28, 144, 1, 40, 1, 0)),
        ("efficientnet 1×1 112→672", conv(14, 112, 1, 672, 1, 0)),
        ("efficientnet 1×1 1152→320", conv(7, 1152, 1, 320, 1, 0)),
    ] {
        let window = conv.kernel_height * conv.kernel_width * conv.in_channels;
        let outputs = BATCH * conv.out_height() * conv.out_width() * conv.out_channels;
        let flops = || Work::Flops(2 * outputs * window);
        let x = numbers(BATCH * conv.height * conv.width * conv.in_channels, 1);
        let (weight, bias) = (numbers(window * conv.out_channels, 2), numbers(conv.out_channels, 3));
        let y = conv::forward(&conv, &x, &weight, Some(&bias), Clamp::Relu);
        let gradient = numbers(outputs, 4);
        let output = OutputGradient::new(&gradient, Clamp::Relu, &y);
        bench.measure(&format!("{name} forward"), flops(), || {
            conv::forward(&conv, &x, &weight, Some(&bias), Clamp::Relu)
        });
        bench.measure(&format!("{name} dX"), flops(), || conv::input_gradient(&conv, &weight, output));
        bench.measure(&format!("{name} dW"), flops(), || conv::weight_gradient(&conv, &x, output, true));
    }
}

fn depthwise_convolutions(bench: &mut Bench) {
    let conv = |side, channels, kernel, stride| Depthwise {
        batch: BATCH,
        height: side,
        width: side,
        channels,
        kernel_height: kernel,
        kernel_width: kernel,
        stride,
        padding: Padding::all(kernel / 2),
    };
    for (name, conv) in [
        ("depthwise 3×3 32, 112×112", conv(112, 32, 3, 1)),
        ("depthwise 3×3/2 96, 112×112", conv(112, 96, 3, 2)),
        ("depthwise 3×3 144, 56×56", conv(56, 144, 3, 1)),
        ("depthwise 5×5 480, 14×14", conv(14, 480, 5, 1)),
        ("depthwise 5×5/2 672, 14×14", conv(14, 672, 5, 2)),
    ] {
        let Depthwise { height, width, channels, kernel_height, kernel_width, .. } = conv;
        let taps = kernel_height * kernel_width;
        let outputs = BATCH * conv.out_height() * conv.out_width() * channels;
        let flops = || Work::Flops(2 * outputs * taps);
        let x = numbers(BATCH * height * width * channels, 1);
        let (weight, bias) = (numbers(taps * channels, 2), numbers(channels, 3));
        let y = depthwise::forward(&conv, &x, &weight, Some(&bias), Clamp::Relu6);
        let gradient = numbers(outputs, 4);
        let output = OutputGradient::new(&gradient, Clamp::Relu6, &y);
        bench.measure(&format!("{name} forward"), flops(), || {
            depthwise::forward(&conv, &x, &weight, Some(&bias), Clamp::Relu6)
        });
        bench.measure(&format!("{name} dX"), flops(), || depthwise::input_gradient(&conv, &weight, output));
        bench.measure(&format!("{name} dW"), flops(), || depthwise::weight_gradient(&conv, &x, output, true));
    }
}

fn transformers(bench: &mut Bench) {
    const TOKENS: usize = 197;
    const WIDTH: usize = 192;
    let attention = Attention { batch: BATCH, tokens: TOKENS, heads: 3, head_dim: 64, is_causal: false };
    let (qkv, gradient) = (numbers(3 * BATCH * TOKENS * WIDTH, 1), numbers(BATCH * TOKENS * WIDTH, 2));
    let products = |count: usize| Work::Flops(count * 2 * BATCH * TOKENS * TOKENS * WIDTH);
    bench.measure("attention forward", products(2), || attention::forward(&attention, &qkv));
    bench.measure("attention backward", products(5), || attention::backward(&attention, &qkv, &gradient));

    let norm = Norm { samples: BATCH * TOKENS, places: 1, channels: WIDTH, groups: 1, epsilon: 1e-6 };
    let (weight, bias) = (numbers(WIDTH, 3), numbers(WIDTH, 4));
    let bytes = |count: usize| Work::Bytes(count * size_of::<f32>() * BATCH * TOKENS * WIDTH);
    let x = &gradient;
    let statistics = norm::statistics(&norm, x);
    bench.measure("layer norm forward", bytes(3), || {
        norm::forward(&norm, x, &norm::statistics(&norm, x), &weight, &bias, Clamp::None)
    });
    let output = OutputGradient::whole(&qkv[..x.len()]);
    bench.measure("layer norm backward", bytes(5), || {
        let sums = norm::gradient_sums(&norm, x, &statistics, &weight, output);
        norm::input_gradient(&norm, x, &statistics, &weight, output, Some(&sums))
    });

    let x = numbers(BATCH * TOKENS * 4 * WIDTH, 1);
    bench.measure("GELU forward", bytes(8), || activation::forward(Activation::Gelu, &x));
    bench.measure("GELU backward", bytes(12), || activation::backward(Activation::Gelu, &x, &x));
}

fn linears(bench: &mut Bench) {
    for (name, linear) in [
        ("seed_cnn fc1 9216→128", Linear { batch: 64, inputs: 9216, outputs: 128 }),
        ("mlp fc1 784→256", Linear { batch: 64, inputs: 784, outputs: 256 }),
        ("mlp fc1 784→256, one image,", Linear { batch: 1, inputs: 784, outputs: 256 }),
        ("vit fc1 192→768", Linear { batch: 197 * BATCH, inputs: 192, outputs: 768 }),
        ("vit fc2 768→192", Linear { batch: 197 * BATCH, inputs: 768, outputs: 192 }),
    ] {
        let Linear { batch, inputs, outputs } = linear;
        let flops = || Work::Flops(2 * batch * inputs * outputs);
        let (x, weight, bias) =
            (numbers(batch * inputs, 1), numbers(inputs * outputs, 2), numbers(outputs, 3));
        let y = linear::forward(&linear, &x, &weight, Some(&bias), Clamp::Relu);
        let gradient = numbers(batch * outputs, 4);
        let output = OutputGradient::new(&gradient, Clamp::Relu, &y);
        bench.measure(&format!("{name} forward"), flops(), || {
            linear::forward(&linear, &x, &weight, Some(&bias), Clamp::Relu)
        });
        bench.measure(&format!("{name} dX"), flops(), || linear::input_gradient(&linear, &weight, output));
        bench.measure(&format!("{name} dW"), flops(), || linear::weight_gradient(&linear, &x, output, true));
    }
}

fn the_rest(bench: &mut Bench) {
    const NUMBER: usize = size_of::<f32>();
    let pool = MaxPool { batch: BATCH, height: 24, width: 24, channels: 64, size: 2, stride: 2, padding: 0 };
    let x = numbers(BATCH * 24 * 24 * 64, 1);
    let (y, winners) = pool::forward(&pool, &x);
    let (read, written) = (x.len() * NUMBER, y.len() * NUMBER);
    let chosen = winners.len() * size_of::<u16>();
    bench.measure("pool 2×2 forward", Work::Bytes(read + written + chosen), || pool::forward(&pool, &x));
    bench.measure("pool 2×2 backward", Work::Bytes(read + written + chosen), || {
        pool::backward(&pool, &winners, &y)
    });

    let dropout = Dropout { probability: 0.5, key: 7 };
    bench.measure("dropout of elements", Work::Bytes(2 * written), || dropout::elements(dropout, &y));
    bench.measure("dropout of channels", Work::Bytes(2 * written), || {
        dropout::channels(dropout, &y, 12 * 12, 64)
    });

    let adam = Adam {
        learning_rate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        step: 10,
        grad_scale: 1.0,
    };
    let mut weights = numbers(9216 * 128, 1);
    let gradient = numbers(weights.len(), 2);
    let mut moments = [vec![0.0; weights.len()], vec![0.0; weights.len()]];
    let [first, second] = &mut moments;
    // Reads four vectors and writes three.
    bench.measure("adam, 9216×128 weights", Work::Bytes(7 * weights.len() * NUMBER), || {
        adam.update(&mut weights, &gradient, first, second);
    });
}

/// Numbers from -1 to 1, without a pattern that matters.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7 + seed * 13) % 201) as f32 / 100.0 - 1.0).collect()
}
