//! Text files, packed with gzip or not, read up to a bound.
use super::{at, open};
use crate::data::idx_file::plain;
use anyhow::{Context as _, Result, ensure};
use std::{io::Read as _, path::Path};

/// Longer files are refused: a few bytes of gzip can unpack to any length.
const MAX_BYTES: u64 = 2 << 30;

/// All of a file.
///
/// # Errors
/// Where it cannot be read, is no text, or is too long.
pub fn read(path: &Path) -> Result<String> {
    let file = open(path)?;
    let unpacked = || -> Result<String> {
        let mut text = String::new();
        plain(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = unpacked().with_context(|| at("The file cannot be read as text: get it again", path))?;
    ensure!(
        text.len() as u64 <= MAX_BYTES,
        at("The file unpacks to more than 2 GiB: choose a smaller one", path)
    );
    Ok(text)
}

/// The first line of a file, or what of it fits into a few thousand bytes.
pub fn first_line(path: &Path) -> Option<String> {
    let mut bytes = vec![];
    plain(open(path).ok()?).ok()?.take(65_536).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().next().map(Into::into)
}
