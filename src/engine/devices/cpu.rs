//! The processor, by kernels of Headstart's own.
use super::DeviceEntry;
use crate::spec::ComponentInfo;
use candle_core::Device;

pub const ENTRY: DeviceEntry = DeviceEntry {
    info: ComponentInfo {
        id: "cpu",
        label: "Processor",
        help: "Trains on the processor, which every computer has: the fastest choice for small networks.",
        params: &[],
    },
    open: || Ok(Device::Cpu),
};
