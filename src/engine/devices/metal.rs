//! The graphics processor of a Mac, by candle's own operations.
use super::DeviceEntry;
use crate::spec::ComponentInfo;
use anyhow::Result;
use candle_core::Device;

pub const ENTRY: DeviceEntry = DeviceEntry {
    info: ComponentInfo {
        id: "metal",
        label: "Apple graphics processor",
        help: "Trains on the graphics processor of a Mac, which pays off for large networks.",
        params: &[],
    },
    open,
};

#[cfg(feature = "metal")]
fn open() -> Result<Device> {
    use anyhow::Context as _;
    Device::new_metal(0).context("No device for Metal was found: check its driver, or train with device=cpu")
}

#[cfg(not(feature = "metal"))]
fn open() -> Result<Device> {
    anyhow::bail!(
        "This build of Headstart has no Metal: train with device=cpu, or build it with --features metal"
    )
}
