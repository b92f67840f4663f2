//! Text files, packed with gzip or not, read up to a bound.
use super::open;
use crate::{
    data::{idx_file::plain, memory, watch::Watch},
    disk,
    errors::At as _,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{io::Read as _, path::Path};

/// Longer files are refused: a few bytes of gzip can unpack to any length.
const MAX_BYTES: u64 = 2 << 30;

/// All of a file.
///
/// # Errors
/// Where it cannot be read, is no text, or is too long.
pub fn read(path: &Path, watch: &Watch) -> Result<String> {
    let file = watch.reading(open(path)?);
    // while it grows, a text is there twice and half of it empty
    let most = MAX_BYTES.min(memory::room() / 3);
    let unpacked = || -> Result<String> {
        let mut text = String::new();
        plain(file)?.take(most + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = unpacked().context("The file cannot be read as text: get it again").at(path)?;
    ensure!(
        text.len() as u64 <= most,
        anyhow!(
            "The file unpacks to more than {}, for which there is memory: choose a smaller one",
            disk::size(most)
        )
        .at(path)
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
