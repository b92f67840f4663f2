//! What the filters of convolutions see of an image.
use super::Layer;

/// Where a convolution's feature map looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The name of the convolution.
    pub name: &'static str,
    pub filters: usize,
    /// Pixels from one place of the map to the next.
    stride: usize,
    /// Pixels that a place of the map depends on, in each direction.
    size: usize,
    /// The first pixel that the first place looks at; padding lies before 0.
    start: i32,
}

impl Window {
    /// What a place of the map looks at: top, left, and the length of a side, in pixels.
    pub fn at(&self, row: usize, column: usize) -> [i32; 3] {
        let first = |place: usize| self.start + (place * self.stride) as i32;
        [first(row), first(column), self.size as i32]
    }
}

/// One a convolution, from the image on (receptive fields, as in Araujo, Norris and Sim, "Computing receptive fields of
/// convolutional neural networks", 2019).
pub fn windows(layers: &[Layer]) -> Vec<Window> {
    let (mut stride, mut size, mut start) = (1, 1, 0);
    let mut found = vec![];
    for layer in layers {
        let (kernel, step, padding) = match layer {
            Layer::Conv { kernel, stride, padding, .. } => (*kernel, *stride, *padding),
            Layer::MaxPool { size } => (*size, *size, 0),
            _ => continue,
        };
        size += (kernel - 1) * stride;
        start -= (padding * stride) as i32;
        stride *= step;
        if let Layer::Conv { name, channels, .. } = layer {
            found.push(Window { name, filters: *channels, stride, size, start });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{models::layers, spec::Choice};

    #[test]
    fn windows_grow_from_layer_to_layer() {
        let of = |encoder: &str| windows(&layers(&Choice::new(encoder)).unwrap());
        let seed = of("seed_cnn");
        assert_eq!(
            seed.iter().map(|window| (window.name, window.filters)).collect::<Vec<_>>(),
            [("conv1", 32), ("conv2", 64)]
        );
        assert_eq!([seed[0].at(0, 25), seed[1].at(2, 3)], [[0, 25, 3], [2, 3, 5]]);
        // two strides of 2 with padding: 3, then 3 + 2 × 2, then 7 + 2 × 4
        let compact = of("compact_cnn");
        let first: Vec<_> = compact.iter().map(|window| window.at(0, 1)).collect();
        assert_eq!(first, [[-1, 1, 3], [-3, 1, 7], [-7, -3, 15]]);
        assert!(of("mlp").is_empty());
    }
}
