//! Puts an image into the frame that a window slides over: zeros around it and between its pixels.

/// Where the pixels of an image go. Negative offsets crop.
#[derive(Clone, Copy)]
pub struct Frame {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Row and column of the frame that the image's first pixel falls on.
    pub top: isize,
    pub left: isize,
    /// Frame pixels from one image pixel to the next.
    pub dilation: usize,
    pub frame_width: usize,
    /// Numbers per pixel of the frame, zeros after the image's own `channels`.
    pub frame_channels: usize,
}

impl Frame {
    /// Rows `first..first + rows` of the frame, (rows, frame_width, frame_channels). They are borrowed from the image
    /// itself where the frame adds nothing. Pixels count only where `mask` (shaped as the image) is above zero.
    pub fn rows<'a>(
        &self,
        image: &'a [f32],
        mask: Option<&[f32]>,
        (first, rows): (usize, usize),
        scratch: &'a mut Vec<f32>,
    ) -> &'a [f32] {
        let row_len = self.frame_width * self.frame_channels;
        if mask.is_none() && self.is_image_itself() && first + rows <= self.height {
            return &image[first * row_len..][..rows * row_len];
        }
        scratch.clear();
        scratch.resize(rows * row_len, 0.0);
        for (row, out) in scratch.chunks_exact_mut(row_len).enumerate() {
            if let Some(y) = self.image_row(first + row) {
                let at = y * self.width * self.channels;
                let len = self.width * self.channels;
                self.place(&image[at..][..len], mask.map(|mask| &mask[at..][..len]), out);
            }
        }
        scratch
    }

    fn is_image_itself(&self) -> bool {
        (self.top, self.left, self.dilation) == (0, 0, 1)
            && (self.frame_width, self.frame_channels) == (self.width, self.channels)
    }

    /// The image row that lies on this row of the frame.
    fn image_row(&self, frame_row: usize) -> Option<usize> {
        let offset = (frame_row as isize).checked_sub(self.top).filter(|offset| *offset >= 0)? as usize;
        let y = offset / self.dilation;
        (offset.is_multiple_of(self.dilation) && y < self.height).then_some(y)
    }

    fn place(&self, row: &[f32], mask: Option<&[f32]>, out: &mut [f32]) {
        let dense = self.dilation == 1 && self.frame_channels == self.channels;
        let skipped = (-self.left).max(0) as usize;
        let first = skipped.div_ceil(self.dilation);
        let room = (self.frame_width as isize - self.left).max(0) as usize;
        let end = room.div_ceil(self.dilation).min(self.width);
        if first >= end {
            return;
        }
        let (runs, run) =
            if dense { (1, (end - first) * self.channels) } else { (end - first, self.channels) };
        let start = (self.left + (first * self.dilation) as isize) as usize * self.frame_channels;
        for index in 0..runs {
            let from = first * self.channels + index * run;
            let to = &mut out[start + index * self.dilation * self.frame_channels..][..run];
            match mask {
                None => to.copy_from_slice(&row[from..][..run]),
                Some(mask) => copy_where_positive(&row[from..][..run], &mask[from..][..run], to),
            }
        }
    }
}

/// `out = from` where `mask` is above zero, else 0: the gradient of ReLU, whose slope at zero is zero.
pub fn copy_where_positive(from: &[f32], mask: &[f32], out: &mut [f32]) {
    for ((out, from), mask) in out.iter_mut().zip(from).zip(mask) {
        *out = if *mask > 0.0 { *from } else { 0.0 };
    }
}
