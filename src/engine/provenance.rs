//! Where and by what a run is trained, as its log keeps it.
use crate::{data::Dataset, kernels::simd::SimdLevel, runs::Provenance};
use std::{env, sync::OnceLock};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The most characters of a command that are kept.
const MOST_OF_A_COMMAND: usize = 4000;

/// This program on this machine, with a data set; the checksum is missing where that cannot be read.
pub fn provenance(dataset: &Dataset) -> Provenance {
    let command =
        env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    Provenance {
        version: env!("CARGO_PKG_VERSION").into(),
        processor: processor().into(),
        instruction_set: format!("{:?}", SimdLevel::current()).to_lowercase(),
        threads: rayon::current_num_threads() as u64,
        command: command.chars().take(MOST_OF_A_COMMAND).collect(),
        data: dataset.checksum().ok(),
    }
}

/// What the processor calls itself.
fn processor() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(cpus).ok();
        let brand = system.and_then(|system| Some(system.cpus().first()?.brand().trim().to_owned()));
        brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| env::consts::ARCH.into())
    })
}
