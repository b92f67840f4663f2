//! An NVIDIA graphics card, by candle's own operations.
use super::DeviceEntry;
use crate::spec::ComponentInfo;
use anyhow::Result;
use candle_core::Device;

pub const ENTRY: DeviceEntry = DeviceEntry {
    info: ComponentInfo {
        id: "cuda",
        label: "NVIDIA graphics card",
        help: "Trains on an NVIDIA graphics card, which pays off for large networks.",
        params: &[],
    },
    open,
};

#[cfg(feature = "cuda")]
fn open() -> Result<Device> {
    use anyhow::Context as _;
    Device::new_cuda(0).context("No device for CUDA was found: check its driver, or train with device=cpu")
}

#[cfg(not(feature = "cuda"))]
fn open() -> Result<Device> {
    anyhow::bail!(
        "This build of Headstart has no CUDA: train with device=cpu, or build it with --features cuda"
    )
}
