//! `logs/`: what the program did, in one file for each day on which it was started.
use super::timestamp;
use crate::disk;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Files that are kept; older ones are removed.
const KEPT: usize = 7;

/// Opens the log of today (UTC) within the folder of a home, to append to it: `logs/headstart.2026-11-29.log`.
///
/// # Errors
/// Where the folder or the file cannot be made, or something else has its name.
pub fn program_log(home: &Path) -> io::Result<File> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    open(&home.join("logs"), now)
}

fn open(folder: &Path, unix_secs: u64) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("headstart.{}.log", &timestamp(unix_secs)[.."2026-11-29".len()]));
    drop(disk::open_own(&path)?);
    let file = OpenOptions::new().append(true).open(&path)?;
    remove_oldest(folder)?;
    Ok(file)
}

/// The names are in the order of the days.
fn remove_oldest(folder: &Path) -> io::Result<()> {
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("headstart.") && name.ends_with(".log")
    };
    let entries = fs::read_dir(folder)?.filter_map(Result::ok);
    let mut logs: Vec<_> = entries.map(|entry| entry.path()).filter(is_log).collect();
    logs.sort();
    let surplus = logs.len().saturating_sub(KEPT);
    logs[..surplus].iter().try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_week_of_logs_is_kept_and_one_day_shares_a_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("logs");
        for day in 0..9 {
            for hour in [1, 23] {
                writeln!(open(&folder, day * 86_400 + hour * 3600).unwrap(), "{day} {hour}").unwrap();
            }
        }
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!((names.len(), names[0].to_str()), (KEPT, Some("headstart.1970-01-03.log")));
        assert_eq!(fs::read_to_string(folder.join(&names[6])).unwrap(), "8 1\n8 23\n");
    }
}
