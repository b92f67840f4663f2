//! Devices: where a run's tensors live. The same operations serve each of them.
use crate::{registry, spec::ComponentInfo};
use anyhow::Result;
use candle_core::Device;

registry!("device", DeviceEntry: cpu, cuda, metal);

/// A kind of device.
pub struct DeviceEntry {
    pub info: ComponentInfo,
    /// Fails with what is missing and what to do where this machine or this build has none.
    pub open: fn() -> Result<Device>,
}

/// The device that a spec names.
///
/// # Errors
/// Where it is unknown, or not there.
pub fn open(id: &str) -> Result<Device> {
    (find(id)?.open)()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;

    #[test]
    fn the_default_is_there_and_what_is_not_says_what_to_do() {
        assert!(open(&RunSpec::default().device.id).unwrap().is_cpu());
        for entry in ALL.iter().filter(|entry| entry.info.id != "cpu") {
            if let Err(error) = open(entry.info.id) {
                assert!(error.to_string().contains("device=cpu"), "{error}");
            }
        }
    }
}
