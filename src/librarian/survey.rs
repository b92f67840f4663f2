//! A survey of all images of a data set, in portions: mean and deviation of each channel, and images that are the same or
//! nearly so. The worst are those both trained on and tested on: they make a result look better than it is.
use crate::{
    data::{Dataset, edits, thumbnails},
    protocol::{
        data::ExampleId,
        visual::{Survey, TwinCounts, Twins},
    },
    shape::ImageShape,
};
use anyhow::Result;
use std::{collections::HashMap, sync::Arc};

/// Images hashed in a portion.
const PORTION: usize = 256;
/// Pairs compared in a portion, approximately.
const PAIRS: usize = 1 << 22;
/// The most images that are all compared with each other: the time grows with the square of their number.
const MOST: usize = 120_000;
/// The most pairs that are listed.
const LISTED: usize = 200;
/// The most pairs that are kept, to list the worst of them.
const REMEMBERED: usize = 5000;
/// The side of the small grey pictures that are compared.
const SIDE: usize = 8;
/// Bits in which the difference hashes of near twins may differ, of 64.
const HASH_DISTANCE: u32 = 6;
/// The least correlation of near twins, of the small pictures and of the images themselves.
const LIKENESS: [f32; 2] = [0.985, 0.99];

/// What is compared of an image.
struct Print {
    image: ExampleId,
    /// Of its pixels.
    content: u64,
    /// Krawetz's difference hash: whether each of 8 × 8 parts is brighter than the one at its right.
    difference: u64,
}

/// A survey in progress.
pub struct Surveying {
    dataset: Arc<Dataset>,
    report: Survey,
    prints: Vec<Print>,
    /// Small grey pictures at mean 0 and length 1, one after another.
    small: Vec<f32>,
    /// Sums of values and of their squares, by channel, of the training part.
    sums: Vec<[f64; 2]>,
    twins: Vec<Twins>,
    /// Prints that are compared, one of each content, in order of the bits set in their difference hashes: those of near
    /// twins cannot be far apart in it.
    unique: Vec<usize>,
    /// The difference hashes of these.
    hashes: Vec<u64>,
    shape: ImageShape,
    /// The next of them to be compared with those after it.
    row: usize,
}

impl Surveying {
    /// # Errors
    /// Where the data set holds no images.
    pub fn new(request: u64, dataset: Arc<Dataset>) -> Result<Self> {
        let shape = dataset.info.shape.image()?;
        Ok(Self {
            shape,
            report: Survey { request, ..Survey::default() },
            prints: vec![],
            small: vec![],
            sums: vec![[0.0; 2]; shape.channels],
            twins: vec![],
            unique: vec![],
            hashes: vec![],
            row: 0,
            dataset,
        })
    }

    /// Does one portion; returns what is known so far.
    ///
    /// # Errors
    /// Where an image cannot be read any more.
    pub fn advance(&mut self) -> Result<Survey> {
        if self.prints.len() < self.images() {
            self.describe()?;
            if self.prints.len() == self.images() {
                self.measure();
                self.find_same();
            }
        } else {
            self.compare()?;
        }
        self.report.share_done = self.share_done();
        Ok(self.report.clone())
    }

    fn images(&self) -> usize {
        self.dataset.train.len() + self.dataset.test.len()
    }

    /// Reading counts as a fifth of the work.
    fn share_done(&self) -> f32 {
        let read = self.prints.len() as f32 / self.images().max(1) as f32;
        let left = (self.unique.len() - self.row) as f32 / self.unique.len().max(1) as f32;
        let compared = if read < 1.0 { 0.0 } else { 1.0 - left * left };
        0.2 * read + 0.8 * compared
    }

    fn describe(&mut self) -> Result<()> {
        let done = self.prints.len();
        let train = self.dataset.train.len();
        let (is_test, part, first) = if done < train {
            (false, &self.dataset.train, done)
        } else {
            (true, &self.dataset.test, done - train)
        };
        for index in first..(first + PORTION).min(part.len()) {
            let pixels = &*part.image(index)?;
            if !is_test {
                add(&mut self.sums, pixels);
            }
            self.prints.push(Print {
                image: ExampleId { is_test, index: index as u32 },
                content: edits::content_hash(pixels.iter()),
                difference: difference_hash(&thumbnails::grey(pixels, self.shape, 9, 8)),
            });
            if self.prints.len() <= MOST {
                let grey = thumbnails::grey(pixels, self.shape, SIDE, SIDE);
                self.small.extend(standardised(&grey));
            }
        }
        Ok(())
    }

    fn measure(&mut self) {
        let count = (self.dataset.train.len() * self.shape.height * self.shape.width).max(1) as f64;
        for [sum, squares] in &self.sums {
            let mean = sum / count;
            self.report.mean.push(mean);
            self.report.deviation.push((squares / count - mean * mean).max(0.0).sqrt());
        }
    }

    fn find_same(&mut self) {
        let mut first: HashMap<u64, usize> = HashMap::new();
        for at in 0..self.prints.len() {
            match first.get(&self.prints[at].content) {
                Some(same) => self.note(*same, at, 1.0),
                None => {
                    first.insert(self.prints[at].content, at);
                    self.unique.push(at);
                }
            }
        }
        // A flat image is like every other flat one; there is nothing in it to be compared.
        let is_flat =
            |at: usize| self.small[at * SIDE * SIDE..][..SIDE * SIDE].iter().all(|value| *value == 0.0);
        self.unique.retain(|at| *at < MOST && !is_flat(*at));
        self.unique.sort_by_key(|at| (self.prints[*at].difference.count_ones(), *at));
        self.hashes = self.unique.iter().map(|at| self.prints[*at].difference).collect();
        self.report.compared = self.unique.len();
        self.list();
    }

    fn compare(&mut self) -> Result<()> {
        let mut pairs = 0;
        while pairs < PAIRS && self.row < self.unique.len() {
            let (one, hash) = (self.unique[self.row], self.hashes[self.row]);
            let most = hash.count_ones() + HASH_DISTANCE;
            let end = self.hashes.partition_point(|other| other.count_ones() <= most);
            let near = |at: &usize| {
                (self.hashes[*at] ^ hash).count_ones() <= HASH_DISTANCE
                    && self.small_likeness(one, self.unique[*at]) >= LIKENESS[0]
            };
            let alike: Vec<usize> = (self.row + 1..end).filter(near).map(|at| self.unique[at]).collect();
            for other in alike {
                let likeness = self.likeness(one, other)?;
                if likeness >= LIKENESS[1] {
                    self.note(one.min(other), one.max(other), likeness.min(0.9999));
                }
            }
            pairs += end - self.row;
            self.row += 1;
        }
        self.list();
        Ok(())
    }

    fn small_likeness(&self, one: usize, other: usize) -> f32 {
        let small = |at: usize| &self.small[at * SIDE * SIDE..][..SIDE * SIDE];
        dot(small(one), small(other))
    }

    /// The correlation of two images, of every pixel and channel.
    fn likeness(&self, one: usize, other: usize) -> Result<f32> {
        let whole = |at: usize| -> Result<Vec<f32>> {
            let ExampleId { is_test, index } = self.prints[at].image;
            let part = if is_test { &self.dataset.test } else { &self.dataset.train };
            Ok(standardised(&part.image(index as usize)?))
        };
        Ok(dot(&whole(one)?, &whole(other)?))
    }

    fn note(&mut self, one: usize, other: usize, likeness: f32) {
        let twins = Twins { images: [one, other].map(|at| self.prints[at].image), likeness };
        let TwinCounts { exact, near, leaks } = &mut self.report.counts;
        *if twins.is_exact() { exact } else { near } += 1;
        *leaks += usize::from(twins.is_leak());
        if self.twins.len() < REMEMBERED || twins.is_leak() {
            self.twins.push(twins);
        }
    }

    /// The worst pairs: leaks before others, the most alike first.
    fn list(&mut self) {
        self.twins.sort_by(|a, b| {
            b.is_leak()
                .cmp(&a.is_leak())
                .then(b.likeness.total_cmp(&a.likeness))
                .then(a.images.cmp(&b.images))
        });
        self.twins.truncate(REMEMBERED);
        let listed = &self.twins[..self.twins.len().min(LISTED)];
        if self.report.twins.as_slice() != listed {
            self.report.twins = Arc::new(listed.to_vec());
        }
    }
}

fn add(sums: &mut [[f64; 2]], pixels: &[u8]) {
    let channels = sums.len();
    for (channel, [sum, squares]) in sums.iter_mut().enumerate() {
        let values = || pixels.iter().skip(channel).step_by(channels).map(|value| u64::from(*value));
        *sum += values().sum::<u64>() as f64 / 255.0;
        *squares += values().map(|value| value * value).sum::<u64>() as f64 / (255.0 * 255.0);
    }
}

/// The difference hash of 9 by 8 greys.
fn difference_hash(grey: &[u8]) -> u64 {
    let brighter =
        |(row, column): (usize, usize)| u64::from(grey[row * 9 + column] > grey[row * 9 + column + 1]);
    (0..64).map(|bit| brighter((bit / 8, bit % 8)) << bit).sum()
}

/// Values at mean 0 and length 1, or all 0 where there is hardly any difference between them.
fn standardised(values: &[u8]) -> Vec<f32> {
    let count = values.len().max(1) as f32;
    let mean = values.iter().map(|value| f32::from(*value)).sum::<f32>() / count;
    let centred: Vec<f32> = values.iter().map(|value| f32::from(*value) - mean).collect();
    let length = dot(&centred, &centred).sqrt();
    let is_flat = length < 2.0 * count.sqrt();
    centred.iter().map(|value| if is_flat { 0.0 } else { value / length }).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums at a time, which the compiler turns into vector instructions.
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        (0..8).for_each(|at| sums[at] += a[at] * b[at]);
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DatasetInfo, Examples},
        rng::rng,
        shape::ImageShape,
    };
    use rand::RngExt as _;

    fn picture(seed: u64) -> Vec<u8> {
        // 8 by 8 blocks of 3 by 3 pixels
        let mut rng = rng(seed, "picture", 0);
        let blocks: Vec<u8> = (0..64).map(|_| rng.random_range(0..240)).collect();
        (0..24 * 24).map(|at| blocks[at / 24 / 3 * 8 + at % 24 / 3]).collect()
    }

    fn noisy(picture: &[u8], most: u8) -> Vec<u8> {
        let mut rng = rng(9, "noise", 0);
        picture.iter().map(|value| value + rng.random_range(0..=most)).collect()
    }

    fn survey(train: &[Vec<u8>], test: &[Vec<u8>]) -> Survey {
        let part = |images: &[Vec<u8>]| {
            Examples::images(images.concat(), (0..images.len()).map(|image| (image % 2) as u16).collect())
        };
        let info = DatasetInfo {
            shape: ImageShape::new(24, 24, 1).into(),
            class_names: vec!["a".into(), "b".into()],
        };
        let dataset = Dataset::new(info, part(train), part(test)).unwrap();
        let mut surveying = Surveying::new(1, Arc::new(dataset)).unwrap();
        for _ in 0..1000 {
            let report = surveying.advance().unwrap();
            if report.share_done >= 1.0 {
                return report;
            }
        }
        panic!("it never ends")
    }

    #[test]
    fn same_and_nearly_same_images_are_found_and_leaks_come_first() {
        let flat = vec![7; 576];
        let train: Vec<_> =
            (0..300).map(picture).chain([picture(3), noisy(&picture(5), 12), flat.clone()]).collect();
        let test = [picture(8), noisy(&picture(9), 12), picture(1000), noisy(&flat, 1)];
        let found = survey(&train, &test);
        assert_eq!(found.counts, TwinCounts { exact: 2, near: 2, leaks: 2 });
        let image = |is_test, index| ExampleId { is_test, index };
        assert_eq!(found.twins[0], Twins { images: [image(false, 8), image(true, 0)], likeness: 1.0 });
        assert_eq!(found.twins[1].images, [image(false, 9), image(true, 1)]);
        assert_eq!(found.twins[2], Twins { images: [image(false, 3), image(false, 300)], likeness: 1.0 });
        assert_eq!(found.twins[3].images, [image(false, 5), image(false, 301)]);
    }

    #[test]
    fn brightness_is_measured_on_the_training_part() {
        let found = survey(&[vec![0; 576], vec![255; 576]], &[vec![9; 576]]);
        assert_eq!((found.mean, found.deviation), (vec![0.5], vec![0.5]));
        assert_eq!(found.counts, TwinCounts::default());
    }
}
