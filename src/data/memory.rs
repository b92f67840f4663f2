//! How much memory a data set may take: said and checked before it is taken.
use crate::disk;
use anyhow::{Result, ensure};
use std::path::Path;
use sysinfo::{MemoryRefreshKind, System};

/// Bytes up to which decoded images are kept; further ones are decoded when they are asked for.
pub const MOST: u64 = 2 << 30;
/// The share of the free memory that a data set may take.
const SHARE: f64 = 0.6;
/// What is taken to be free on a system that does not say: most computers have more.
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

/// Bytes that are free now: of the computer, and of the container that the program runs in.
pub fn free() -> u64 {
    let text = |name| disk::read_text(Path::new(&format!("/sys/fs/cgroup/memory.{name}")), disk::MOST_TEXT);
    let container = ["max", "current", "stat"].map(|name| text(name).unwrap_or_default());
    let container = of_container(container.each_ref().map(String::as_str));
    of_computer().into_iter().chain(container).min().unwrap_or(UNKNOWN)
}

/// What the system could give to a program without swapping; nothing on a system that is not known.
fn of_computer() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}

/// What a container has left by Linux's control groups: of its limit, less what is taken, but for files in memory that
/// give way.
fn of_container([most, taken, stat]: [&str; 3]) -> Option<u64> {
    let [most, taken] = [most, taken].map(|text| text.trim().parse::<u64>().ok());
    let files = line(stat, "inactive_file ").unwrap_or_default();
    Some(most?.saturating_sub(taken?.saturating_sub(files)))
}

/// The number after a word at the beginning of a line.
fn line(text: &str, word: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(word))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        assert_eq!(line("anon 9\ninactive_file 2048\n", "inactive_file "), Some(2048));
        assert_eq!(line("anon 9\n", "inactive_file "), None);
        assert_eq!(of_container(["1000\n", "900\n", "anon 5\ninactive_file 300\n"]), Some(400));
        assert_eq!(of_container(["max\n", "900\n", ""]), None, "there is no limit");
        assert!(within("It", 6 << 30, 10 << 30).is_ok());
        let error = within("The images", 7 << 30, 10 << 30).unwrap_err().to_string();
        assert!(error.contains("The images would take 7.0 GiB of memory, and 10.0 GiB are free"), "{error}");
        assert!(error.contains("60 %") && error.contains("image_size"), "{error}");
    }

    /// On each system that continuous integration has, Linux, macOS and Windows.
    #[test]
    fn the_system_says_what_is_free() {
        let free = of_computer().expect("this system is not asked");
        assert!(((16 << 20)..(1 << 46)).contains(&free), "{free} is no number of bytes");
        assert!(room() > 0 && room() < free);
    }
}
