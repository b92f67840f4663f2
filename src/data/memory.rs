//! How much memory a data set may take: said and checked before it is taken.
use crate::disk;
use anyhow::{Result, ensure};
use std::path::Path;

/// Decoded images are kept up to so many bytes; where there are more, they are made when they are asked for.
pub const MOST: u64 = 2 << 30;
/// The share of the free memory that a data set may take.
const SHARE: f64 = 0.6;
/// What is taken to be free where the system does not say: most computers have more.
const UNKNOWN: u64 = 8 << 30;

/// The bytes that a data set may take of the memory that is free now.
pub fn room() -> u64 {
    (free() as f64 * SHARE) as u64
}

/// Makes sure that there is room.
///
/// # Errors
/// Where there is not: what `what` would take, what there is, and what to do.
pub fn ensure_room(what: &str, bytes: u64) -> Result<()> {
    within(what, bytes, free())
}

fn within(what: &str, bytes: u64, free: u64) -> Result<()> {
    ensure!(
        bytes as f64 <= free as f64 * SHARE,
        "{what} would take {} of memory, and {} are free, of which a data set may take {:.0} %: choose a smaller image_size, or fewer images",
        disk::size(bytes),
        disk::size(free),
        SHARE * 100.0
    );
    Ok(())
}

/// Of the computer, and of the container that the program runs in.
fn free() -> u64 {
    let number =
        |path: &str| disk::read_text(Path::new(path), disk::MOST_TEXT).ok()?.trim().parse::<u64>().ok();
    let of_container = number("/sys/fs/cgroup/memory.max").zip(number("/sys/fs/cgroup/memory.current"));
    let of_container = of_container.map(|(most, taken)| most.saturating_sub(taken));
    let text = disk::read_text(Path::new("/proc/meminfo"), disk::MOST_TEXT).unwrap_or_default();
    available(&text).into_iter().chain(of_container).min().unwrap_or(UNKNOWN)
}

/// `MemAvailable` of Linux's /proc/meminfo.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert!(within("It", 6 << 30, 10 << 30).is_ok());
        let error = within("The images", 7 << 30, 10 << 30).unwrap_err().to_string();
        assert!(error.contains("The images would take 7.0 GiB of memory, and 10.0 GiB are free"), "{error}");
        assert!(error.contains("60 %") && error.contains("image_size"), "{error}");
        assert!(room() > 0);
    }
}
