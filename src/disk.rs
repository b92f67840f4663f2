//! Files that survive a power cut, and reading that no hostile folder can hang or flood.
//!
//! Files that must not be lost are written by [`replace`]. Files that the user or another program may have made are read by
//! [`read`] or [`read_text`], with an upper limit in bytes.
use crate::errors::At as _;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The ending of a file or folder that is not whole yet.
pub const PARTIAL: &str = ".partial";
/// The most bytes of a recipe or a state: far more than any that was written by hand or by Headstart.
pub const MOST_TEXT: u64 = 4 << 20;

/// Bytes that are read at a time of a file that is read line by line.
const PIECE: usize = 256 << 10;

/// The name under which a file or folder is written before it is renamed into place.
pub fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    name.into()
}

/// Writes a file whole or not at all; once it returns, the file outlives a power cut.
///
/// # Errors
/// Where it cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    write_synced(&partial, bytes)?;
    rename(&partial, path)
}

/// Writes a file and syncs it to the disk. A file of the same name is replaced.
///
/// # Errors
/// Where it cannot be written.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_link(path)?;
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Renames a file or folder; once it returns, the new name outlives a power cut.
///
/// # Errors
/// Where it cannot be renamed.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_parent(to)
}

/// Makes a folder whole or not at all: `fill` writes into it under its partial name. Programs that make folders beside each
/// other take turns, so that a partial folder that is there at the beginning was left by a program that was killed.
///
/// # Errors
/// Where it cannot be made.
pub fn make_folder(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let within = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(within)?;
    let _alone = lock_folder(within)?;
    remove_partial_folders(within)?;
    let partial = partial(path);
    let make = || {
        fs::create_dir(&partial)?;
        fill(&partial)?;
        rename(&partial, path)
    };
    make().inspect_err(|_| {
        let _best_effort = fs::remove_dir_all(&partial);
    })
}

fn remove_partial_folders(within: &Path) -> io::Result<()> {
    let is_partial =
        |entry: &fs::DirEntry| entry.path().as_os_str().as_encoded_bytes().ends_with(PARTIAL.as_bytes());
    for entry in fs::read_dir(within)?.filter_map(Result::ok).filter(is_partial) {
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Waits until no other program writes within a folder, and keeps others waiting until the file is dropped.
///
/// # Errors
/// Where the folder cannot be written.
pub fn lock_folder(folder: &Path) -> io::Result<File> {
    let file = open_own(&folder.join(".lock"))?;
    file.lock()?;
    Ok(file)
}

/// Brings the names within the folder of `path` to the disk.
///
/// # Errors
/// Where the disk fails.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}

/// Brings the names within a folder to the disk. Windows does so by itself, and cannot open a folder.
///
/// # Errors
/// Where the disk fails.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Opens a file to be read and written, created if it is missing and never truncated. A link, a pipe or a device under
/// its name is refused: writing would go through it.
///
/// # Errors
/// Where it cannot be opened.
pub fn open_own(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(irregular(&metadata)),
        _ => OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path),
    }
}

/// Opens a regular file for reading, and says how long it is. A pipe would never answer, a device never end.
///
/// # Errors
/// Where it is something else, or cannot be opened.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(irregular(&metadata));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// Where it is something else, is larger, or cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, len) = open(path)?;
    let mut bytes = vec![];
    if len <= most {
        // Files of /proc say that they are empty, and a file may grow: the limit holds for what is read.
        file.take(most + 1).read_to_end(&mut bytes)?;
    }
    if len.max(bytes.len() as u64) > most {
        let text = format!("it is larger than the {} that can be right", size(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// The text of a regular file of at most `most` bytes.
///
/// # Errors
/// As [`read`], and where it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, most)?);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// Hands over the lines of a regular file one by one, each with its line break, which the last one may lack. A line of
/// more than `most` bytes is passed over; memory is never taken by the length of the file.
///
/// # Errors
/// Where it is something else, or cannot be read.
pub fn each_line(path: &Path, most: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(PIECE, open(path)?.0);
    // what there is of a line that goes on in the next piece, and whether that is passed over
    let (mut begun, mut is_long) = (vec![], false);
    loop {
        let piece = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            piece => piece?,
        };
        let read = piece.len();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = part.ends_with(b"\n");
            if is_long || (begun.len() + part.len()) as u64 > most {
                begun.clear();
                is_long = !is_whole;
            } else if is_whole && begun.is_empty() {
                each(part);
            } else {
                begun.extend(part);
                if is_whole {
                    each(&begun);
                    begun.clear();
                }
            }
        }
        reader.consume(read);
        if read == 0 {
            if !begun.is_empty() {
                each(&begun);
            }
            return Ok(());
        }
    }
}

/// A failed write in words: what could not be written, what helps, and where.
pub fn unwritten(what: &str, path: &Path, error: impl Into<anyhow::Error>) -> anyhow::Error {
    let error = error.into();
    let kind = error.chain().find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let advice = match kind {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            ": the disk is full, free some space"
        }
        Some(io::ErrorKind::PermissionDenied) => ": you may not write there, change its permissions",
        Some(io::ErrorKind::ReadOnlyFilesystem) => ": the disk can only be read",
        _ => "",
    };
    error.context(format!("{what}{advice}")).at(path)
}

fn remove_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => fs::remove_file(path),
        _ => Ok(()),
    }
}

fn irregular(metadata: &fs::Metadata) -> io::Error {
    let what = match metadata {
        _ if metadata.is_dir() => "it is a folder, not a file",
        _ if metadata.is_symlink() => "it is a link to another file, which Headstart does not write through",
        _ => "it is a pipe or a device, not a file",
    };
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// A number of bytes with a unit, such as "1.5 GiB".
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.0} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.0} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::message;

    #[test]
    fn a_folder_is_made_whole_and_what_a_killed_program_left_is_removed() {
        let all = tempfile::tempdir().unwrap();
        let path = |name: &str| all.path().join(name);
        fs::create_dir_all(path("killed.partial/checkpoints")).unwrap();
        fs::write(path("note.partial"), "a file is none of ours").unwrap();
        make_folder(&path("of/its/own"), |_| Ok(())).unwrap();
        make_folder(&path("new"), |folder| fs::write(folder.join("a"), "whole")).unwrap();
        let failed = make_folder(&path("failed"), |_| Err(io::Error::other("full")));
        assert!(failed.is_err());
        let mut names: Vec<_> =
            fs::read_dir(all.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".lock", "new", "note.partial", "of"]);
        assert_eq!(fs::read_to_string(path("new/a")).unwrap(), "whole");
    }

    #[test]
    fn files_are_replaced_whole_and_read_within_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"one").unwrap();
        replace(&path, b"three").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"three");
        let error = read(&path, 4).unwrap_err();
        assert!(error.to_string().contains("larger than the 4 bytes"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, b"\xff").unwrap();
        assert!(read_text(&path, 5).unwrap_err().to_string().contains("UTF-8"));
        assert!(read(folder.path(), 5).unwrap_err().to_string().contains("folder"));
        assert_eq!(
            [size(900), size(4 << 20), size(13 << 28)],
            ["900 bytes", "4 MiB", "3.2 GiB"].map(String::from)
        );
    }

    #[test]
    fn lines_come_one_by_one_and_too_long_ones_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one\n\nfive5\nmore than five\nlast").unwrap();
        let mut lines = vec![];
        each_line(&path, 6, |line| lines.push(String::from_utf8(line.to_vec()).unwrap())).unwrap();
        assert_eq!(lines, ["one\n", "\n", "five5\n", "last"]);
        assert!(each_line(folder.path(), 6, |_| ()).is_err());
    }

    #[test]
    fn only_a_full_disk_is_called_full() {
        for (kind, advice) in [
            (io::ErrorKind::StorageFull, "Could not save: the disk is full, free some space: underway: "),
            (io::ErrorKind::PermissionDenied, "Could not save: you may not write there"),
            (io::ErrorKind::ReadOnlyFilesystem, "Could not save: the disk can only be read"),
            (io::ErrorKind::NotADirectory, "Could not save: underway"),
        ] {
            let error = anyhow::Error::from(io::Error::from(kind)).context("underway");
            let text = message(&unwritten("Could not save", Path::new("/a"), error));
            assert!(text.starts_with(advice) && text.ends_with("\nFile: /a"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_written_through_and_devices_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
        fs::write(&target, b"precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(open_own(&link).unwrap_err().to_string().contains("link"));
        write_synced(&link, b"new").unwrap();
        assert_eq!(
            (read(&target, 9).unwrap(), read(&link, 9).unwrap()),
            (b"precious".to_vec(), b"new".to_vec())
        );
        assert!(read(Path::new("/dev/zero"), 9).unwrap_err().to_string().contains("device"));
    }
}
