//! A Parquet file whose headers are checked before a reader relies on them.
//!
//! They are in Thrift's compact protocol, which lists how many values follow. The reader takes no byte for a truth value that
//! it passes over, so that a few bytes can keep it busy for years.
use ::parquet::{
    errors::{ParquetError, Result},
    file::reader::{ChunkReader, Length},
};
use std::{
    fs::File,
    io::{Cursor, Read as _, Seek as _, SeekFrom},
};

/// Behind the header of the whole file stand its length and four letters.
const TAIL: u64 = 8;
/// Headers of pages are shorter.
const PAGE_HEADER: u64 = 64 << 10;
/// Structures within structures.
const DEPTH: u8 = 64;

pub struct Checked {
    file: File,
    len: u64,
}

impl Checked {
    /// # Errors
    /// Where the file's length cannot be found out.
    pub fn new(file: File) -> std::io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    fn read(&self, start: u64, most: u64) -> Result<Vec<u8>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![];
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Checked {
    type T = Cursor<Vec<u8>>;

    /// The header of a page, or the tail of the file.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let bytes = self.read(start, PAGE_HEADER)?;
        if start + TAIL != self.len {
            check(&bytes)?;
        }
        Ok(Cursor::new(bytes))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len);
        let end = end.ok_or_else(|| ParquetError::EOF("a part of it lies behind its end".into()))?;
        let bytes = self.read(start, length as u64)?;
        if end + TAIL == self.len {
            check(&bytes)?;
        }
        Ok(bytes.into())
    }
}

fn check(header: &[u8]) -> Result<()> {
    let mut walk = Walk { rest: header, truths_left: header.len(), is_endless: false };
    walk.value(Kind::Struct, DEPTH);
    if walk.is_endless {
        return Err(ParquetError::General("a header lists more than it can hold".into()));
    }
    Ok(())
}

/// What a value is, by its number in the protocol.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Truth,
    Fixed(usize),
    Number,
    Text,
    List,
    Map,
    Struct,
}

impl Kind {
    fn new(number: u8) -> Option<Self> {
        Some(match number {
            1 | 2 => Kind::Truth,
            3 => Kind::Fixed(1),
            4..=6 => Kind::Number,
            7 => Kind::Fixed(8),
            8 => Kind::Text,
            9 | 10 => Kind::List,
            11 => Kind::Map,
            12 => Kind::Struct,
            13 => Kind::Fixed(16),
            _ => return None,
        })
    }
}

/// The way through a header; it ends early where the header is cut short or no header, which the reader finds out itself.
struct Walk<'a> {
    rest: &'a [u8],
    /// Truth values in lists and maps that may still come.
    truths_left: usize,
    is_endless: bool,
}

impl Walk<'_> {
    fn value(&mut self, kind: Kind, depth: u8) -> Option<()> {
        let deeper = depth.checked_sub(1)?;
        match kind {
            Kind::Truth => Some(()),
            Kind::Fixed(count) => self.pass(count),
            Kind::Number => self.number().map(drop),
            Kind::Text => {
                let count = self.number()?;
                self.pass(usize::try_from(count).ok()?)
            }
            Kind::List => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
                let kind = Kind::new(head & 15).filter(|_| count > 0);
                (0..count).try_for_each(|_| self.item(kind?, deeper))
            }
            Kind::Map => {
                let count = self.number()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                let kinds = [kinds >> 4, kinds & 15].map(Kind::new);
                (0..count).try_for_each(|_| kinds.into_iter().try_for_each(|kind| self.item(kind?, deeper)))
            }
            Kind::Struct => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Some(());
                }
                if head >> 4 == 0 {
                    self.number()?;
                }
                self.value(Kind::new(head & 15)?, deeper)?;
            },
        }
    }

    /// A value of a list or a map.
    fn item(&mut self, kind: Kind, depth: u8) -> Option<()> {
        if kind == Kind::Truth {
            let left = self.truths_left.checked_sub(1);
            self.is_endless = left.is_none();
            self.truths_left = left?;
        }
        self.value(kind, depth)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn pass(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_list_more_truths_than_bytes_are_refused() {
        // a structure with a number, a text, a list of two numbers and a map from numbers to truths
        let tame = [0x15, 2, 0x18, 2, b'h', b'i', 0x19, 0x25, 4, 6, 0x1b, 2, 0x51, 1, 3, 0];
        check(&tame).unwrap();
        // cut short, or nonsense: for the reader to find out
        check(&tame[..7]).unwrap();
        check(&[0xff; 9]).unwrap();
        // 2³¹ truths in a list, and in a list of lists
        let many = [0xff, 0xff, 0xff, 0xff, 7];
        let list = [&[0x19, 0xf1][..], &many].concat();
        let nested = [&[0x19, 0xf9][..], &many, &[0xf1], &many].concat();
        let map = [&[0x1b][..], &many, &[0x11]].concat();
        for wild in [list, nested, map] {
            assert!(check(&wild).is_err(), "{wild:?}");
        }
    }
}
