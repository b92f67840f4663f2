//! Whether an encoded picture is there to its end. Decoders paint what is missing of a JPEG in grey, without a word.
use anyhow::{Result, ensure};

/// The bytes at the end of a picture that tell whether it is whole.
pub const TAIL_BYTES: usize = 12;
/// A PNG's last chunk: no bytes, its name and its checksum.
const PNG_END: [u8; TAIL_BYTES] = *b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Makes sure that a JPEG is whole; others are left to their decoders, which say where they are not.
///
/// # Errors
/// Where the picture goes on after the last byte.
pub fn ensure_whole(encoded: &[u8]) -> Result<()> {
    ensure!(
        !is_jpeg(encoded) || has_end(encoded),
        "it is cut short, and the rest of the picture is not there"
    );
    Ok(())
}

/// Whether a picture ends as its kind does, by its first bytes and its last. One that does not may still be whole, with
/// something after it.
pub fn ends_well(head: &[u8], tail: &[u8]) -> bool {
    match head {
        _ if is_jpeg(head) => tail.ends_with(&[0xff, 0xd9]),
        [0x89, b'P', b'N', b'G', ..] => tail.ends_with(&PNG_END),
        _ => true,
    }
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Walks from marker to marker up to the end of the image. Those of a thumbnail lie within a segment, which is skipped.
fn has_end(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some(found) = jpeg.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) {
        at += found;
        at += match jpeg.get(at + 1) {
            None => return false,
            Some(0xd9) => return true,
            // bytes of the image that look like a marker, and markers without a segment
            Some(0x00 | 0x01 | 0xd0..=0xd8) => 2,
            Some(0xff) => 1,
            Some(_) => {
                let Some([high, low]) = jpeg.get(at + 2..at + 4) else { return false };
                2 + usize::from(u16::from_be_bytes([*high, *low]))
            }
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder};

    fn jpeg() -> Vec<u8> {
        let pixels: Vec<u8> = (0..64 * 64).map(|place| (place * 7 % 251) as u8).collect();
        let mut bytes = vec![];
        JpegEncoder::new_with_quality(&mut bytes, 90)
            .write_image(&pixels, 64, 64, ExtendedColorType::L8)
            .unwrap();
        bytes
    }

    #[test]
    fn a_jpeg_that_is_cut_anywhere_is_not_whole() {
        let whole = jpeg();
        assert!(ensure_whole(&whole).is_ok());
        assert!((3..whole.len()).all(|end| ensure_whole(&whole[..end]).is_err()));
        // what follows does no harm, even another picture that is cut
        let followed = [&whole[..], &whole[..whole.len() / 2], &[0; 9]].concat();
        assert!(ensure_whole(&followed).is_ok() && !ends_well(&followed, &followed));
        assert!(ends_well(&whole, &whole) && !ends_well(&whole, &whole[..whole.len() / 2]));
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_that_of_the_picture() {
        let (whole, thumbnail) = (jpeg(), jpeg());
        let length = (thumbnail.len() as u16 + 2).to_be_bytes();
        let with = [&whole[..2], &[0xff, 0xe1], &length, &thumbnail, &whole[2..]].concat();
        assert!(ensure_whole(&with).is_ok());
        assert!(ensure_whole(&with[..with.len() - 100]).is_err());
    }
}
