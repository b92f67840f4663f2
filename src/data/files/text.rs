//! Text files, packed with gzip or not, read up to a bound: UTF-8, UTF-16, or Windows-1252 where it is neither.
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
/// What is read of a file for its first lines.
const HEAD_BYTES: u64 = 1 << 16;

/// All of a file.
///
/// # Errors
/// Where it cannot be read, is no text, or is too long.
pub fn read(path: &Path, watch: &Watch) -> Result<String> {
    let file = watch.reading(open(path)?);
    // while it grows, a text is there twice and half of it empty
    let most = MAX_BYTES.min(memory::room() / 3);
    let unpacked = || -> Result<Vec<u8>> {
        let mut bytes = vec![];
        plain(file)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes =
        unpacked().context("The file cannot be read whole: if it is packed, pack it again").at(path)?;
    ensure!(
        bytes.len() as u64 <= most,
        anyhow!(
            "The file unpacks to more than {}, for which there is memory: choose a smaller one",
            disk::size(most)
        )
        .at(path)
    );
    decoded(bytes).context("The file is no text: save it as UTF-8").at(path)
}

/// The first lines of a file, or what of them fits into a few thousand bytes; none where it is no text.
pub fn first_lines(path: &Path) -> Option<String> {
    let mut bytes = vec![];
    // a packed file that is cut short still has a beginning
    let _cut_short = plain(open(path).ok()?).ok()?.take(HEAD_BYTES).read_to_end(&mut bytes);
    let is_cut = bytes.len() as u64 == HEAD_BYTES;
    // what is cut ends with the last whole line, or with a whole sign
    let end = bytes.iter().rposition(|byte| *byte == b'\n').filter(|_| is_cut).unwrap_or(bytes.len());
    bytes.truncate(if is_cut && encoding(&bytes) != Encoding::Bytes { end & !1 } else { end });
    decoded(bytes)
}

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Bytes,
    LittleEndian,
    BigEndian,
}

/// UTF-16 by its mark, or by the zeros of its first two signs.
fn encoding(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => Encoding::LittleEndian,
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => Encoding::BigEndian,
        _ => Encoding::Bytes,
    }
}

/// The text that bytes are, without a mark of their order; none where they are no text.
fn decoded(bytes: Vec<u8>) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match encoding(&bytes) {
        Encoding::Bytes => return narrow(bytes),
        Encoding::LittleEndian => u16::from_le_bytes,
        Encoding::BigEndian => u16::from_be_bytes,
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok()
        .map(|text| text.trim_start_matches('\u{feff}').into())
        .filter(|text: &String| !text.contains('\0'))
}

/// UTF-8, or Windows-1252, which Latin-1 is a part of but for signs that steer terminals.
fn narrow(mut bytes: Vec<u8>) -> Option<String> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Some(text),
        Err(error) => error.into_bytes(),
    };
    let is_text = |byte: &u8| *byte >= b' ' || b"\t\n\r".contains(byte);
    bytes.iter().all(is_text).then(|| bytes.iter().map(|byte| western(*byte)).collect())
}

/// A sign of Windows-1252.
fn western(byte: u8) -> char {
    /// Of the bytes from 0x80 to 0x9f; those that have none stay what they are in Latin-1.
    const SIGNS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => SIGNS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_in_every_encoding() {
        let text = "file,label\r\nimg/ä.png,café\r\n";
        let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let western: Vec<u8> = text.chars().map(|sign| sign as u8).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat(),
            [&b"\xfe\xff"[..], &wide(u16::to_be_bytes)].concat(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            western,
        ] {
            assert_eq!(decoded(bytes.clone()).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(decoded(b"5 \x80 \x96".to_vec()).as_deref(), Some("5 € –"));
        assert_eq!(decoded(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()), None);
        assert_eq!(decoded(vec![]).as_deref(), Some(""));
    }

    #[test]
    fn a_long_text_is_begun_at_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let line = "ä,ö\n";
        std::fs::write(&path, line.repeat(20_000)).unwrap();
        let lines = first_lines(&path).unwrap();
        assert!(lines.len() < 70_000 && lines.lines().all(|found| found == line.trim()));
        std::fs::write(&path, [0x89, b'P', 0, 0xff]).unwrap();
        assert_eq!(first_lines(&path), None);
    }
}
