//! `bench`: how fast each network trains and infers on this machine.
use super::{Common, Outcome, output::line};
use crate::{
    engine::benchmark::{
        self, Augmented, INFER_BATCH, Machine, Measured, NETWORKS, PRETRAIN_BATCH, PRETRAINED, Speed,
        TRAIN_BATCH,
    },
    nearest::suggestion,
};
use anyhow::{Result, ensure};
use serde_json::json;

/// Default duration of each measurement, in seconds.
pub const DEFAULT_SECS: f64 = 3.0;

pub fn bench(encoders: &[String], secs: f64, common: &Common) -> Result<Outcome> {
    check(secs)?;
    let all: Vec<&str> = NETWORKS.iter().map(|network| network.id).collect();
    if let Some(unknown) = encoders.iter().find(|id| !all.contains(&id.as_str())) {
        anyhow::bail!(
            "There is no network {unknown:?} to be measured{}: choose one of {}",
            suggestion(unknown, &all),
            all.join(", ")
        );
    }
    let chosen = NETWORKS.iter().filter(|network| match encoders {
        [] => !network.is_large,
        named => named.iter().any(|id| id == network.id),
    });
    let machine = benchmark::machine(secs)?;
    show_machine(&machine, common.json);
    for network in chosen {
        show_speed(&benchmark::speed(network, secs)?, &machine, common.json);
    }
    if !common.json {
        line(
            "\nMedian of short slices, the best one in brackets. GFLOP/s and their share of the matrix products are",
        );
        line("of the median. Training: forward, backward, and Adam, with dropout.");
    }
    Ok(Outcome::Done)
}

pub fn objectives(secs: f64, common: &Common) -> Result<Outcome> {
    check(secs)?;
    if !common.json {
        line(format!("{PRETRAINED}, batches of {PRETRAIN_BATCH}, images/s: median of short slices (best)"));
    }
    for objective in benchmark::objectives() {
        let Measured { median, best } = benchmark::objective_speed(objective, secs)?;
        if common.json {
            line(json!({
                "measured": "objective", "objective": objective, "encoder": PRETRAINED,
                "train_images_per_sec": median, "train_images_per_sec_best": best,
            }));
        } else {
            line(format!("{objective:<14} {median:8.0} ({best:.0})"));
        }
    }
    Ok(Outcome::Done)
}

pub fn augmentation(secs: f64, common: &Common) -> Result<Outcome> {
    check(secs)?;
    let Augmented { plain, augmented, slowdown } = benchmark::augmentation_cost(secs)?;
    if common.json {
        line(json!({
            "measured": "augmentation", "train_images_per_sec": plain.median,
            "train_images_per_sec_augmented": augmented.median, "slowdown": slowdown,
        }));
        return Ok(Outcome::Done);
    }
    line("The reference run, images/s: median of short slices (best)");
    for (name, Measured { median, best }) in
        [("images as they are", plain), ("recommended augmentation", augmented)]
    {
        line(format!("{name:<26} {median:8.0} ({best:.0})"));
    }
    line(format!("A step takes {:.1} % longer with it, slice by slice in turn", 100.0 * slowdown));
    Ok(Outcome::Done)
}

fn check(secs: f64) -> Result<()> {
    ensure!(
        (0.01..=3600.0).contains(&secs),
        "A measurement can last from 0.01 to 3,600 seconds, not {secs}: choose another --secs"
    );
    Ok(())
}

fn show_machine(machine: &Machine, json: bool) {
    let simd = format!("{:?}", machine.simd).to_lowercase();
    if json {
        return line(json!({
            "measured": "machine", "threads": machine.threads, "simd": simd, "gemm_gflops": machine.gemm,
            "gemm_gflops_one_core": machine.gemm_one_core, "multiply_add_gflops": machine.multiply_add,
            "multiply_add_gflops_one_core": machine.multiply_add_one_core,
        }));
    }
    line(format!("{} threads, {simd}, f32 GFLOP/s:    all cores  one core", machine.threads));
    line(format!("  products of large matrices   {:10.0} {:9.0}", machine.gemm, machine.gemm_one_core));
    line(format!(
        "  multiply-adds in registers   {:10.0} {:9.0}\n",
        machine.multiply_add, machine.multiply_add_one_core
    ));
    line(format!(
        "{:<22} {:>34} {:>34} {:>16} {:>8}",
        "",
        format!("training, batches of {TRAIN_BATCH}"),
        format!("inference, batches of {INFER_BATCH}"),
        "one image",
        "memory"
    ));
}

fn show_speed(speed: &Speed, machine: &Machine, json: bool) {
    let gflops = |measured: Measured, flops: u64| measured.median * flops as f64 / 1e9;
    let train = gflops(speed.train, speed.train_flops);
    let infer = gflops(speed.infer, speed.infer_flops);
    if json {
        return line(json!({
            "measured": "encoder", "encoder": speed.network.id,
            "train_images_per_sec": speed.train.median, "train_images_per_sec_best": speed.train.best,
            "train_gflops": train, "train_gemm_share": train / machine.gemm,
            "train_flops_per_image": speed.train_flops,
            "infer_images_per_sec": speed.infer.median, "infer_images_per_sec_best": speed.infer.best,
            "infer_gflops": infer, "infer_gemm_share": infer / machine.gemm,
            "infer_flops_per_image": speed.infer_flops,
            "latency_us": speed.latency.median * 1e6, "latency_us_best": speed.latency.best * 1e6,
            "peak_memory_bytes": speed.peak_memory,
        }));
    }
    let rate = |measured: Measured, gflops: f64| {
        format!(
            "{:.0} ({:.0})/s {gflops:.0} GF/s {:.0} %",
            measured.median,
            measured.best,
            100.0 * gflops / machine.gemm
        )
    };
    let latency = format!("{:.0} ({:.0}) µs", speed.latency.median * 1e6, speed.latency.best * 1e6);
    let memory = speed
        .peak_memory
        .map_or("–".into(), |bytes| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)));
    line(format!(
        "{:<22} {:>34} {:>34} {latency:>16} {memory:>8}",
        speed.network.id,
        rate(speed.train, train),
        rate(speed.infer, infer)
    ));
}
