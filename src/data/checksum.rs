//! A number that changes with a data set.
use super::{Dataset, Examples, Inputs, pixels::Pixels};
use anyhow::Result;

/// Of examples that are read from the disk when they are needed, so many are looked at: reading all of them would take
/// longer than anybody waits.
const SAMPLED: usize = 64;
/// The prime of FNV-1a (Fowler, Noll, Vo), by which eight bytes are taken in at a time here.
const PRIME: u64 = 0x0100_0000_01b3;

impl Dataset {
    /// Sixteen hexadecimal digits that tell whether a data set is still the same: of its classes, all labels and all
    /// examples, or of examples that are read as they are needed, an even sample. It is no proof against forgery.
    ///
    /// # Errors
    /// Where an example cannot be read.
    pub fn checksum(&self) -> Result<String> {
        let mut sum = Sum(0xcbf2_9ce4_8422_2325);
        self.info.class_names.iter().for_each(|name| sum.bytes(name.as_bytes()));
        [&self.train, &self.test].into_iter().try_for_each(|part| sum.examples(part))?;
        Ok(format!("{:016x}", sum.0))
    }
}

struct Sum(u64);

impl Sum {
    fn word(&mut self, word: u64) {
        // the turn brings high bits down, which a product alone never does
        self.0 = (self.0 ^ word).wrapping_mul(PRIME).rotate_left(29);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.word(u64::from(*byte)));
    }

    fn examples(&mut self, part: &Examples) -> Result<()> {
        self.word(part.len() as u64);
        part.labels().iter().for_each(|label| self.word(u64::from(*label)));
        match &part.inputs {
            Inputs::Pixels { pixels: Pixels::Memory(bytes), .. } => self.bytes(bytes),
            Inputs::Pixels { pixels: Pixels::Stream(..), .. } => {
                let every = part.len().div_ceil(SAMPLED).max(1);
                for place in (0..part.len()).step_by(every) {
                    self.bytes(&part.image(place)?);
                }
            }
            Inputs::Tokens(tokens) => {
                self.word(tokens.length as u64);
                tokens.ids.iter().for_each(|id| self.word(u64::from(*id)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DatasetInfo, numbered, pixels::Stream},
        shape::ImageShape,
    };

    #[test]
    fn it_changes_with_every_pixel_label_and_name_and_with_nothing_else() {
        let set = |pixels: &[u8], labels: &[u16], classes: usize| {
            let info = DatasetInfo { shape: ImageShape::new(1, 3, 1).into(), class_names: numbered(classes) };
            let part = || Examples::images(pixels.to_vec(), labels.to_vec());
            Dataset::new(info, part(), part()).unwrap().checksum().unwrap()
        };
        let pixels: Vec<u8> = (0..30).collect();
        let labels: Vec<u16> = (0..10).map(|at| at % 2).collect();
        let first = set(&pixels, &labels, 2);
        assert_eq!((first.len(), &first), (16, &set(&pixels, &labels, 2)));
        let mut seen = vec![first, set(&pixels, &labels, 3), set(&pixels[..27], &labels[..9], 2)];
        for at in 0..30 {
            let mut other = pixels.clone();
            other[at] ^= 128;
            seen.push(set(&other, &labels, 2));
        }
        for at in 0..10 {
            let mut other = labels.clone();
            other[at] = 1 - other[at];
            seen.push(set(&pixels, &other, 2));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn of_examples_on_the_disk_a_sample_is_read() {
        use std::sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        };
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let stream = Stream::new(10_000, 0, move |place| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(vec![place as u8; 3])
        });
        let info = DatasetInfo { shape: ImageShape::new(1, 3, 1).into(), class_names: numbered(2) };
        let train = Examples::streamed(stream, vec![0; 10_000], 3);
        let set = Dataset::new(info, train, Examples::images(vec![0; 3], vec![1])).unwrap();
        set.checksum().unwrap();
        assert!((50..=SAMPLED).contains(&read.load(Ordering::Relaxed)));
    }
}
