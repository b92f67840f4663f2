//! The pixels of a part of a data set: in memory, or read when they are asked for.
use anyhow::Result;
use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Images of one size as bytes.
#[derive(Debug)]
pub enum Pixels {
    /// One after another.
    Memory(Vec<u8>),
    /// Some of a stream's images, by their places in it.
    Stream(Arc<Stream>, Vec<u32>),
}

/// Images that are read one by one, as often as they are asked for, because all of them would not fit into memory, or
/// because making all of them takes longer than anybody waits.
///
/// As many as fit are kept, and nothing is ever dropped for another: in a pass over shuffled images each is as likely
/// to be asked for next as any other, and in repeated passes in one order the least recently used is the next to come.
pub struct Stream {
    read: Box<dyn Fn(usize) -> Result<Vec<u8>> + Send + Sync>,
    kept: Vec<OnceLock<Box<[u8]>>>,
    /// Bytes that may still be kept.
    left: AtomicUsize,
}

impl Stream {
    /// A stream of `count` images that `read` gives by their places, of which it keeps up to `bound` bytes.
    pub fn new(
        count: usize,
        bound: usize,
        read: impl Fn(usize) -> Result<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let kept = (0..count).map(|_| OnceLock::new()).collect();
        Self { read: Box::new(read), kept, left: AtomicUsize::new(bound) }
    }

    /// The same, of which the first images are there already.
    pub fn beginning_with<'a>(self, first: impl Iterator<Item = &'a [u8]>) -> Self {
        first.zip(&self.kept).for_each(|(image, kept)| drop(kept.set(image.into())));
        self
    }

    /// Bytes that are kept at most.
    fn bound(&self) -> usize {
        let kept: usize = self.kept.iter().filter_map(OnceLock::get).map(|image| image.len()).sum();
        kept + self.left.load(Ordering::Relaxed)
    }

    fn image(&self, place: usize) -> Result<Cow<'_, [u8]>> {
        if let Some(kept) = self.kept[place].get() {
            return Ok(Cow::Borrowed(kept));
        }
        let image = (self.read)(place)?;
        let take = |left: usize| left.checked_sub(image.len());
        // two threads that read the same image at once take room for it twice, which only keeps the bound
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Ok(image.into());
        }
        Ok(Cow::Borrowed(self.kept[place].get_or_init(|| image.into())))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream of {} images", self.kept.len())
    }
}

impl Default for Pixels {
    fn default() -> Self {
        Pixels::Memory(vec![])
    }
}

impl Pixels {
    /// All images of a stream.
    pub fn of(stream: Stream) -> Self {
        let places = (0..stream.kept.len() as u32).collect();
        Pixels::Stream(Arc::new(stream), places)
    }

    /// Bytes of memory that images of `size` bytes take, or will at most where they are read later.
    pub fn memory(&self, size: usize) -> usize {
        match self {
            Pixels::Memory(bytes) => bytes.len(),
            Pixels::Stream(stream, places) => stream.bound().min(places.len() * size),
        }
    }

    /// How many images of `size` bytes there are.
    pub fn count(&self, size: usize) -> usize {
        match self {
            Pixels::Memory(bytes) => bytes.len() / size.max(1),
            Pixels::Stream(_, places) => places.len(),
        }
    }

    /// An image of `size` bytes.
    ///
    /// # Errors
    /// Where it is read only now, and cannot be.
    pub fn image(&self, at: usize, size: usize) -> Result<Cow<'_, [u8]>> {
        match self {
            Pixels::Memory(bytes) => Ok(bytes[at * size..][..size].into()),
            Pixels::Stream(stream, places) => stream.image(places[at] as usize),
        }
    }

    /// The chosen images, of `size` bytes each; what is not in memory stays where it is.
    pub fn subset(&self, indices: &[usize], size: usize) -> Self {
        match self {
            Pixels::Memory(bytes) => {
                let mut chosen = Vec::with_capacity(indices.len() * size);
                indices.iter().for_each(|at| chosen.extend_from_slice(&bytes[at * size..][..size]));
                Pixels::Memory(chosen)
            }
            Pixels::Stream(stream, places) => {
                Pixels::Stream(stream.clone(), indices.iter().map(|at| places[*at]).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_stream_keeps_what_fits_and_reads_the_rest_again() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = reads.clone();
        let stream = Stream::new(4, 5, move |place| {
            counted.fetch_add(1, Ordering::Relaxed);
            anyhow::ensure!(place != 3, "gone");
            Ok(vec![place as u8; 2])
        });
        let all = Pixels::of(stream);
        let some = all.subset(&[2, 0, 1], 2);
        assert_eq!((all.memory(2), some.subset(&[0], 2).memory(2)), (5, 2), "no more than that is kept");
        for _ in 0..3 {
            let images: Vec<u8> = (0..3).map(|at| some.image(at, 2).unwrap()[1]).collect();
            assert_eq!(images, [2, 0, 1]);
        }
        // two of three fit into five bytes, and the third is read each time
        assert_eq!(reads.load(Ordering::Relaxed), 2 + 3);
        assert_eq!(all.image(3, 2).unwrap_err().to_string(), "gone");
        assert_eq!((all.count(2), some.count(2), all.memory(2)), (4, 3, 5));
        // what another part of the stream has read is there
        assert_eq!(*all.image(0, 2).unwrap(), [0, 0]);
        assert_eq!(reads.load(Ordering::Relaxed), 2 + 3 + 1);
    }

    #[test]
    fn what_a_stream_begins_with_is_never_read() {
        let stream = Stream::new(3, 2, |place| {
            anyhow::ensure!(place == 2, "{place} is there");
            Ok(vec![7; 2])
        });
        let all = Pixels::of(stream.beginning_with([[1, 2], [3, 4]].iter().map(|image| &image[..])));
        let images: Vec<Vec<u8>> = (0..3).map(|at| all.image(at, 2).unwrap().into_owned()).collect();
        assert_eq!(images, [[1, 2], [3, 4], [7, 7]]);
        assert_eq!(all.memory(2), 6);
    }
}
