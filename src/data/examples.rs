//! Examples of a data set: what a network gets, and what it should answer.
use super::{
    AsRead, DatasetInfo,
    augment::{Augmentation, ViewKey},
    pixels::{Pixels, Stream},
};
use crate::shape::ImageShape;
use anyhow::{Result, bail, ensure};
use rayon::prelude::*;
use std::borrow::Cow;

/// A part of a data set.
#[derive(Debug, Default)]
pub struct Examples {
    /// What the network gets.
    pub inputs: Inputs,
    /// What it should answer.
    pub targets: Targets,
    /// The examples before any correction, where a split depends on more than the labels.
    pub(super) as_read: Option<AsRead>,
}

/// What a network gets.
#[derive(Debug)]
pub enum Inputs {
    /// Images of `size` bytes each, (height, width, channels).
    Pixels {
        /// Bytes in memory, or images that are decoded when a batch needs them.
        pixels: Pixels,
        /// Bytes of one image.
        size: usize,
    },
    /// Texts.
    Tokens(Tokens),
}

/// Texts of one length as numbers of tokens, one text after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tokens {
    /// (texts, length), each a number below the size of the vocabulary.
    pub ids: Vec<u32>,
    /// Tokens of each text.
    pub length: usize,
}

/// What a network should answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// The class of each example.
    Classes(Vec<u16>),
    /// Nothing is known of them.
    None,
}

/// An example, and the number of passes over all of them before this one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Index of the example.
    pub example: usize,
    /// Passes over all examples before this one.
    pub epoch: u64,
}

/// Examples as numbers, one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered {
    /// What the network gets.
    pub inputs: Numbers,
    /// The class of each; none where nothing is known of them.
    pub labels: Option<Vec<u32>>,
}

/// The inputs of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Pixels, from 0 to 1.
    Floats(Vec<f32>),
    /// Tokens.
    Ids(Vec<u32>),
}

impl Examples {
    /// Images in memory, one after another, and their labels.
    pub fn images(pixels: Vec<u8>, labels: Vec<u16>) -> Self {
        let size = pixels.len() / labels.len().max(1);
        Self { targets: Targets::Classes(labels), ..Self::unlabelled(pixels, size) }
    }

    /// Images of `size` bytes in memory, one after another.
    pub fn unlabelled(pixels: Vec<u8>, size: usize) -> Self {
        let inputs = Inputs::Pixels { pixels: Pixels::Memory(pixels), size };
        Self { inputs, targets: Targets::None, as_read: None }
    }

    /// Images of `size` bytes that are read when they are asked for, and their labels.
    pub fn streamed(stream: Stream, labels: Vec<u16>, size: usize) -> Self {
        let inputs = Inputs::Pixels { pixels: Pixels::of(stream), size };
        Self { inputs, targets: Targets::Classes(labels), as_read: None }
    }

    /// Texts, and what is known of them.
    pub fn texts(tokens: Tokens, targets: Targets) -> Self {
        Self { inputs: Inputs::Tokens(tokens), targets, as_read: None }
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        match &self.targets {
            Targets::Classes(labels) => labels.len(),
            Targets::None => self.inputs.len(),
        }
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of each example; empty where nothing is known of them.
    pub fn labels(&self) -> &[u16] {
        match &self.targets {
            Targets::Classes(labels) => labels,
            Targets::None => &[],
        }
    }

    /// Bytes of memory that they take, or will at most where they are read while a network learns.
    pub fn memory(&self) -> usize {
        match &self.inputs {
            Inputs::Pixels { pixels, size } => pixels.memory(*size),
            Inputs::Tokens(tokens) => size_of_val(&tokens.ids[..]),
        }
    }

    /// The chosen examples; what is on disk stays there.
    pub fn subset(&self, indices: &[usize]) -> Self {
        let targets = match &self.targets {
            Targets::Classes(labels) => {
                Targets::Classes(indices.iter().map(|&index| labels[index]).collect())
            }
            Targets::None => Targets::None,
        };
        Self { inputs: self.inputs.subset(indices), targets, as_read: None }
    }

    /// An image, (height, width, channels).
    ///
    /// # Errors
    /// Where these are no images, or it is on disk and cannot be read any more.
    pub fn image(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        let (pixels, size) = self.inputs.pixels()?;
        pixels.image(index, size)
    }

    /// The chosen images, one after another.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub fn bytes(&self, indices: &[usize]) -> Result<Vec<u8>> {
        let (pixels, size) = self.inputs.pixels()?;
        let mut bytes = vec![0; indices.len() * size];
        let read = |(out, index): (&mut [u8], &usize)| -> Result<()> {
            out.copy_from_slice(&pixels.image(*index, size)?);
            Ok(())
        };
        bytes.par_chunks_exact_mut(size.max(1)).zip(indices).try_for_each(read)?;
        Ok(bytes)
    }

    /// The chosen examples as numbers: (images, height, width, channels) from 0 to 1, or (texts, length).
    ///
    /// # Errors
    /// Where one is on disk and cannot be read any more.
    pub fn gather(&self, indices: &[usize]) -> Result<Gathered> {
        let inputs = match &self.inputs {
            Inputs::Pixels { pixels, size } => Numbers::Floats(floats(pixels, *size, indices)?),
            Inputs::Tokens(tokens) => Numbers::Ids(tokens.subset(indices).ids),
        };
        Ok(Gathered { inputs, labels: self.labels_of(indices) })
    }

    /// Images as [`gather`](Self::gather) has them, `views` times over, each altered in its own way for each epoch and
    /// view.
    ///
    /// # Errors
    /// As [`image`](Self::image).
    pub fn gather_views(
        &self,
        draws: &[Draw],
        shape: ImageShape,
        augmentation: &Augmentation,
        seed: u64,
        views: usize,
    ) -> Result<Gathered> {
        let indices: Vec<usize> = draws.iter().map(|draw| draw.example).collect();
        let (pixels, size) = self.inputs.pixels()?;
        let images = floats(pixels, size, &indices)?;
        let mut altered = vec![0.0; images.len() * views];
        altered.par_chunks_exact_mut(shape.len()).enumerate().for_each(|(place, out)| {
            let (view, at) = (place / draws.len(), place % draws.len());
            let (view, Draw { example, epoch }) = (format!("view {view}"), draws[at]);
            let look = ViewKey { seed, epoch, image: example as u64, view: &view };
            augmentation.apply(&images[at * shape.len()..][..shape.len()], shape, look, out);
        });
        let labels = self.labels_of(&indices).map(|labels| labels.repeat(views));
        Ok(Gathered { inputs: Numbers::Floats(altered), labels })
    }

    fn labels_of(&self, indices: &[usize]) -> Option<Vec<u32>> {
        match &self.targets {
            Targets::Classes(labels) => Some(indices.iter().map(|&index| u32::from(labels[index])).collect()),
            Targets::None => None,
        }
    }

    /// Makes sure that inputs and labels belong together.
    pub(super) fn check(&self, info: &DatasetInfo) -> Result<()> {
        ensure!(!self.is_empty(), "There are none");
        let inputs = self.inputs.count(info.shape.len());
        ensure!(inputs == self.len(), "There are {inputs} {} but {} labels", self.inputs.name(), self.len());
        let wrong = self.labels().iter().position(|label| usize::from(*label) >= info.classes());
        match wrong {
            Some(at) => bail!(
                "The label of {} {at} is {}, but the classes are 0 to {}",
                self.inputs.name().trim_end_matches('s'),
                self.labels()[at],
                info.classes() - 1
            ),
            None => Ok(()),
        }
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Inputs::Pixels { pixels: Pixels::default(), size: 0 }
    }
}

impl Default for Targets {
    fn default() -> Self {
        Targets::Classes(vec![])
    }
}

impl Inputs {
    fn len(&self) -> usize {
        match self {
            Inputs::Pixels { size, .. } => self.count(*size),
            Inputs::Tokens(tokens) => self.count(tokens.length),
        }
    }

    /// How many there are of `size` numbers each.
    fn count(&self, size: usize) -> usize {
        match self {
            Inputs::Pixels { pixels, .. } => pixels.count(size),
            Inputs::Tokens(tokens) => tokens.ids.len() / size.max(1),
        }
    }

    pub(super) fn subset(&self, indices: &[usize]) -> Self {
        match self {
            Inputs::Pixels { pixels, size } => {
                Inputs::Pixels { pixels: pixels.subset(indices, *size), size: *size }
            }
            Inputs::Tokens(tokens) => Inputs::Tokens(tokens.subset(indices)),
        }
    }

    /// The pixels, and how many bytes an image has.
    fn pixels(&self) -> Result<(&Pixels, usize)> {
        match self {
            Inputs::Pixels { pixels, size } => Ok((pixels, *size)),
            Inputs::Tokens(_) => bail!("This looks at images, and the data set holds texts"),
        }
    }

    /// Images that are in memory, one after another, and how many bytes each has.
    pub(super) fn in_memory(&self) -> Option<(&[u8], usize)> {
        match self {
            Inputs::Pixels { pixels: Pixels::Memory(bytes), size } => Some((bytes, (*size).max(1))),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Inputs::Pixels { .. } => "images",
            Inputs::Tokens(_) => "texts",
        }
    }
}

impl Tokens {
    fn subset(&self, indices: &[usize]) -> Self {
        let texts = indices.iter().flat_map(|&index| &self.ids[index * self.length..][..self.length]);
        Self { ids: texts.copied().collect(), length: self.length }
    }
}

impl Numbers {
    /// Pixels from 0 to 1.
    ///
    /// # Errors
    /// Where these are no images.
    pub fn floats(self) -> Result<Vec<f32>> {
        let Numbers::Floats(floats) = self else {
            bail!("This looks at images, and the data set holds texts")
        };
        Ok(floats)
    }
}

fn floats(pixels: &Pixels, size: usize, indices: &[usize]) -> Result<Vec<f32>> {
    let mut numbers = vec![0.0; indices.len() * size];
    let read = |(out, index): (&mut [f32], &usize)| -> Result<()> {
        let image = pixels.image(*index, size)?;
        out.iter_mut().zip(&*image).for_each(|(out, byte)| *out = f32::from(*byte) / 255.0);
        Ok(())
    };
    numbers.par_chunks_exact_mut(size.max(1)).zip(indices).try_for_each(read)?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::numbered, shape::Shape};

    #[test]
    fn texts_are_chosen_and_gathered_as_tokens() {
        let tokens = Tokens { ids: vec![1, 2, 3, 4, 5, 6], length: 2 };
        let texts = Examples::texts(tokens.clone(), Targets::Classes(vec![0, 1, 0]));
        let info =
            DatasetInfo { shape: Shape::Tokens { length: 2, vocabulary: 9 }, class_names: numbered(2) };
        assert!(texts.check(&info).is_ok());
        let gathered = texts.subset(&[2, 1]).gather(&[1, 0]).unwrap();
        assert_eq!((gathered.inputs, gathered.labels), (Numbers::Ids(vec![3, 4, 5, 6]), Some(vec![1, 0])));
        let unknown = Examples::texts(tokens, Targets::None);
        assert_eq!((unknown.len(), unknown.labels()), (3, &[][..]));
        assert_eq!(unknown.gather(&[1]).unwrap().labels, None);
        let error = unknown.bytes(&[0]).unwrap_err().to_string();
        assert!(error.contains("the data set holds texts"), "{error}");
        let wrong = Examples::texts(Tokens { ids: vec![1; 6], length: 2 }, Targets::Classes(vec![0, 1]));
        assert_eq!(wrong.check(&info).unwrap_err().to_string(), "There are 3 texts but 2 labels");
    }
}
