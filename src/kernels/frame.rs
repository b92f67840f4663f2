//! Puts an image into the frame that a window slides over: zeros around it.

use super::Scratch;
use super::clamp::Mask;
use super::simd::{Kernel, SimdLevel, Vector};
use std::ops::Range;

/// Where the pixels of an image go. Negative offsets crop.
#[derive(Clone, Copy)]
pub struct Frame {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Row and column of the frame that the image's first pixel falls on.
    pub top: isize,
    pub left: isize,
    pub frame_width: usize,
    /// Numbers per pixel of the frame, zeros after the image's own `channels`.
    pub frame_channels: usize,
}

impl Frame {
    /// Numbers of the image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Rows `first..first + rows` of the frame, (rows, frame_width, frame_channels). They are borrowed from the image
    /// itself where the frame adds nothing. Pixels count only where `mask` (shaped as the image) lets them pass.
    pub fn rows<'a>(
        &self,
        level: SimdLevel,
        image: &'a [f32],
        mask: Option<Mask>,
        (first, rows): (usize, usize),
        scratch: &'a mut Scratch,
    ) -> &'a [f32] {
        let row_len = self.frame_width * self.frame_channels;
        if mask.is_none() && self.is_image_itself() && first + rows <= self.height {
            return &image[first * row_len..][..rows * row_len];
        }
        let out = scratch.numbers(rows * row_len);
        self.place(level, (image, mask), first, out);
        out
    }

    /// As [`rows`](Self::rows), as many as `out` holds, never borrowed.
    pub fn place(
        &self,
        level: SimdLevel,
        (image, mask): (&[f32], Option<Mask>),
        first: usize,
        out: &mut [f32],
    ) {
        level.run(Place { frame: self, image, mask, first, out });
    }

    fn is_image_itself(&self) -> bool {
        (self.top, self.left) == (0, 0)
            && (self.frame_width, self.frame_channels) == (self.width, self.channels)
    }

    /// The image row that lies on this row of the frame.
    fn image_row(&self, frame_row: usize) -> Option<usize> {
        let offset = (frame_row as isize).checked_sub(self.top).filter(|offset| *offset >= 0)? as usize;
        (offset < self.height).then_some(offset)
    }

    /// The image columns that fall inside the frame.
    fn columns(&self) -> Range<usize> {
        let skipped = (-self.left).max(0) as usize;
        let room = (self.frame_width as isize - self.left).max(0) as usize;
        skipped..room.min(self.width)
    }
}

/// Fills `out` with the rows of the frame from `first` on.
struct Place<'a> {
    frame: &'a Frame,
    image: &'a [f32],
    mask: Option<Mask<'a>>,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Place<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let frame = self.frame;
        let columns = frame.columns();
        let is_dense = frame.frame_channels == frame.channels;
        let (runs, run) = if is_dense { (1, columns.len()) } else { (columns.len(), 1) };
        let run_len = run * frame.channels;
        let start = (frame.left + columns.start as isize).max(0) as usize * frame.frame_channels;
        let row_len = frame.frame_width * frame.frame_channels;

        for (row, out) in self.out.chunks_exact_mut(row_len).enumerate() {
            let Some(y) = frame.image_row(self.first + row).filter(|_| !columns.is_empty()) else {
                out.fill(0.0);
                continue;
            };
            if is_dense {
                out[..start].fill(0.0);
                out[start + run_len..].fill(0.0);
            } else {
                out.fill(0.0);
            }
            let from = (y * frame.width + columns.start) * frame.channels;
            for index in 0..runs {
                let out = &mut out[start + index * frame.frame_channels..][..run_len];
                let run = from + index * run_len..from + (index + 1) * run_len;
                let image = &self.image[run.clone()];
                match self.mask {
                    None => out.copy_from_slice(image),
                    Some(mask) => {
                        out.iter_mut().zip(mask.part(run).pass(image)).for_each(|(out, x)| *out = x);
                    }
                }
            }
        }
    }
}
