//! Whether a file is the one that was published, read through a portion a call.
use crate::disk;
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Read in one call.
const PORTION: usize = 1 << 20;

/// A file that is being read through.
pub struct Check(Kind);

enum Kind {
    Published { file: File, hasher: Sha256, bytes: u64, sha256: &'static str },
    Member { unpacked: Box<MultiGzDecoder<File>>, bytes: u64 },
}

impl Check {
    /// Of an open file, from its beginning on, against its published checksum in hexadecimal, or the first
    /// digits of it.
    pub fn published(file: File, sha256: &'static str) -> Self {
        Self(Kind::Published { file, hasher: Sha256::new(), bytes: 0, sha256 })
    }

    /// Of what was taken out of an archive, whose own checksum is all there is: the one that gzip writes at the end.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn member(path: &Path) -> io::Result<Self> {
        let unpacked = Box::new(MultiGzDecoder::new(disk::open(path)?.0));
        Ok(Self(Kind::Member { unpacked, bytes: 0 }))
    }

    /// Reads a portion. At the end, whether the file is whole.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn advance(&mut self) -> io::Result<Option<bool>> {
        let mut portion = vec![0; PORTION];
        match &mut self.0 {
            Kind::Published { file, hasher, bytes, sha256 } => {
                let read = file.read(&mut portion)?;
                hasher.update(&portion[..read]);
                *bytes += read as u64;
                Ok((read == 0).then(|| hex(&hasher.finalize_reset()).starts_with(*sha256)))
            }
            Kind::Member { unpacked, bytes } => match unpacked.read(&mut portion) {
                Ok(0) => Ok(Some(*bytes > 0)),
                Ok(read) => {
                    *bytes += read as u64;
                    Ok(None)
                }
                Err(error) if is_damage(error.kind()) => Ok(Some(false)),
                Err(error) => Err(error),
            },
        }
    }
}

fn is_damage(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::{fs, io::Write as _};

    fn is_whole(mut check: Check) -> bool {
        loop {
            if let Some(is_whole) = check.advance().unwrap() {
                return is_whole;
            }
        }
    }

    #[test]
    fn damage_is_found_anywhere_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let content: Vec<u8> = (0..3_000_000u32).map(|index| (index.wrapping_mul(index) / 7) as u8).collect();
        let mut gzip = GzEncoder::new(vec![], Compression::fast());
        gzip.write_all(&content).unwrap();
        let good = gzip.finish().unwrap();
        let sha256: &'static str = hex(&Sha256::digest(&good)).leak();
        let both = || {
            let published = Check::published(File::open(&path).unwrap(), sha256);
            [is_whole(published), is_whole(Check::member(&path).unwrap())]
        };
        fs::write(&path, &good).unwrap();
        assert_eq!(both(), [true, true]);
        for place in [12, good.len() / 2, good.len() - 6] {
            let mut rotten = good.clone();
            rotten[place] ^= 4;
            fs::write(&path, rotten).unwrap();
            assert_eq!(both(), [false, false], "{place}");
        }
        for length in [0, 5, good.len() - 1] {
            fs::write(&path, &good[..length]).unwrap();
            assert_eq!(both(), [false, false], "{length}");
        }
    }
}
