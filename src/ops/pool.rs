use super::operation::{BackwardPass, Operation};
use super::{apply1, fallback, is_on_cpu, reshape};
use crate::kernels::pool::{self, MaxPool};
use crate::kernels::windows::{self, Windows};
use candle_core::{Result, Tensor, bail};
use std::sync::OnceLock;

/// The largest side of a window: its pixels are counted in 16 bits.
const MAX_POOL: usize = 256;

/// How the square windows of a pooling lie, alike in both directions, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// The side of a window.
    pub size: usize,
    /// From one window to the next.
    pub stride: usize,
    /// On each side of the image, at most half the size. What lies there is below every number.
    pub padding: usize,
}

impl PoolShape {
    /// Windows side by side.
    pub fn side_by_side(size: usize) -> Self {
        PoolShape { size, stride: size, padding: 0 }
    }
}

/// The maximum of each window: (batch, height, width, channels) to (batch, out height, out width, channels), where
///
/// out height = (height + 2 · padding − size) / stride + 1, rounded down, as `torch.nn.MaxPool2d`.
///
/// The gradient goes to the first maximum of a window, as in PyTorch.
///
/// # Errors
/// When x holds no window, padding or stride are out of range, or x is not `f32`.
pub fn max_pool2d(x: &Tensor, pool: PoolShape) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("max_pool2d", [x])?;
    let pool = max_pool("max_pool2d", x.dims4()?, pool)?;
    if !is_on_cpu {
        return fallback::max_pool2d(x, &pool);
    }
    let shape = (pool.batch, pool.out_height(), pool.out_width(), pool.channels);
    apply1(x, shape, MaxPool2d { pool, winners: OnceLock::new() })
}

/// A pooling of images (batch, height, width, channels).
pub(super) fn max_pool(
    name: &str,
    (batch, height, width, channels): (usize, usize, usize, usize),
    PoolShape { size, stride, padding }: PoolShape,
) -> Result<MaxPool> {
    if stride == 0 || padding > size / 2 {
        bail!("{name}: stride {stride} and padding {padding} do not fit windows of {size} x {size} pixels")
    }
    let fits = (1..=MAX_POOL).contains(&size) && height.min(width) + 2 * padding >= size;
    if !fits || batch * height * width * channels == 0 {
        bail!("{name}: no window of {size} x {size} pixels in {:?}", [batch, height, width, channels])
    }
    Ok(MaxPool { batch, height, width, channels, size, stride, padding })
}

struct MaxPool2d {
    pool: MaxPool,
    /// Where the maxima come from, for the backward pass.
    winners: OnceLock<Vec<u16>>,
}

impl Operation<1> for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        let (y, winners) = pool::forward(&self.pool, x);
        self.winners.get_or_init(|| winners);
        y
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        let winners = self.winners.get_or_init(|| pool::forward(&self.pool, pass.inputs[0]).1);
        [Some(pool::backward(&self.pool, winners, pass.gradient))]
    }
}

/// The mean of each `size` × `size` window, side by side: (batch, height, width, channels) to (batch, height / size,
/// width / size, channels). Rows and columns that fill no window are left out.
///
/// # Errors
/// When x holds no window, or is not `f32`.
pub fn avg_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    average("avg_pool2d", x, [size, size])
}

/// The mean of each channel of each image: (batch, height, width, channels) to (batch, channels).
///
/// # Errors
/// When x is empty, or not `f32`.
pub fn global_avg_pool2d(x: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    reshape(&average("global_avg_pool2d", x, [height, width])?, (batch, channels))
}

fn average(name: &'static str, x: &Tensor, [window_height, window_width]: [usize; 2]) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu(name, [x])?;
    let (batch, height, width, channels) = x.dims4()?;
    let holds_one = (1..=height).contains(&window_height) && (1..=width).contains(&window_width);
    if !holds_one || x.elem_count() == 0 {
        bail!("{name}: no window of {window_height} x {window_width} pixels in {:?}", x.shape())
    }
    if !is_on_cpu {
        return fallback::average(x, [window_height, window_width]);
    }
    let windows = Windows { batch, height, width, channels, window_height, window_width };
    let scale = 1.0 / (window_height * window_width) as f32;
    let shape = (batch, height / window_height, width / window_width, channels);
    apply1(x, shape, Resize { name, windows, scale, enlarges: false })
}

/// Each pixel as `factor` × `factor` alike: (batch, height, width, channels) to (batch, height · factor, width · factor,
/// channels).
///
/// # Errors
/// When x is empty or not `f32`, or the factor is 0.
pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("upsample_nearest2d", [x])?;
    let (batch, height, width, channels) = x.dims4()?;
    if factor == 0 || x.elem_count() == 0 {
        bail!("upsample_nearest2d: cannot enlarge {:?} by {factor}", x.shape())
    }
    if !is_on_cpu {
        return fallback::upsample_nearest2d(x, factor);
    }
    let (height, width) = (height * factor, width * factor);
    let windows = Windows { batch, height, width, channels, window_height: factor, window_width: factor };
    let shape = (batch, height, width, channels);
    apply1(x, shape, Resize { name: "upsample_nearest2d", windows, scale: 1.0, enlarges: true })
}

/// From pixels to their windows where it `enlarges`, from windows to their sums otherwise.
struct Resize {
    name: &'static str,
    windows: Windows,
    scale: f32,
    enlarges: bool,
}

impl Resize {
    fn apply(&self, enlarges: bool, x: &[f32]) -> Vec<f32> {
        if enlarges {
            windows::spread(&self.windows, x, self.scale)
        } else {
            windows::sum(&self.windows, x, self.scale)
        }
    }
}

impl Operation<1> for Resize {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        self.apply(self.enlarges, x)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(self.apply(!self.enlarges, pass.gradient))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::{Device, Var};

    /// As in ResNet.
    const OVERLAPPING: PoolShape = PoolShape { size: 3, stride: 2, padding: 1 };

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 5, 6, 3), 1)?];
        assert_gradients(&vars, |vars| max_pool2d(&vars[0], PoolShape::side_by_side(2)))?;
        // numbers that the differences do not carry past each other
        let spread = (0..90).map(|index| (index * 37 % 90) as f32 / 20.0);
        let spread = [Var::from_tensor(&Tensor::from_iter(spread, &Device::Cpu)?.reshape((1, 5, 6, 3))?)?];
        assert_gradients(&spread, |vars| max_pool2d(&vars[0], OVERLAPPING))?;
        assert_gradients(&vars, |vars| avg_pool2d(&vars[0], 2))?;
        assert_gradients(&vars, |vars| global_avg_pool2d(&vars[0]))?;
        assert_gradients(&vars, |vars| upsample_nearest2d(&vars[0], 3))
    }

    #[test]
    fn averages_and_copies_have_their_shapes() -> Result<()> {
        let x = Tensor::new(&[[[[1f32], [2.], [7.]], [[3.], [4.], [7.]]]], &Device::Cpu)?;
        let numbers = |tensor: Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        assert_eq!(numbers(avg_pool2d(&x, 2)?)?, [2.5]);
        assert_eq!(global_avg_pool2d(&x)?.dims(), [1, 1]);
        assert_eq!(numbers(global_avg_pool2d(&x)?)?, [4.0]);
        let rows = [[1., 1., 2., 2., 7., 7.], [3., 3., 4., 4., 7., 7.]];
        assert_eq!(numbers(upsample_nearest2d(&x, 2)?)?, [rows[0], rows[0], rows[1], rows[1]].concat());
        Ok(())
    }

    #[test]
    fn the_first_maximum_takes_the_gradient() -> Result<()> {
        let x = Var::new(&[[[[1f32], [7.]], [[7.], [2.]]]], &Device::Cpu)?;
        for pool in [PoolShape::side_by_side(2), OVERLAPPING] {
            let grads = (max_pool2d(&x, pool)?.sum_all()? * 3.)?.backward()?;
            assert_eq!(grads.get(&x).unwrap().flatten_all()?.to_vec1::<f32>()?, [0., 3., 0., 0.]);
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let x = random((1, 3, 3, 1), 1)?;
        let pool = |size, stride, padding| max_pool2d(&x, PoolShape { size, stride, padding });
        assert_eq!(pool(3, 2, 1)?.dims(), [1, 2, 2, 1]);
        assert_eq!(pool(5, 5, 1)?.dims(), [1, 1, 1, 1]);
        for (size, stride, padding) in [(0, 1, 0), (4, 4, 0), (6, 1, 1), (2, 0, 0), (2, 1, 2), (1, 1, 1)] {
            assert!(pool(size, stride, padding).is_err());
        }
        assert!(max_pool2d(&x.flatten_all()?, PoolShape::side_by_side(2)).is_err());
        assert!(avg_pool2d(&x, 0).is_err());
        assert!(avg_pool2d(&x, 4).is_err());
        assert!(global_avg_pool2d(&x.narrow(1, 0, 0)?).is_err());
        assert!(upsample_nearest2d(&x, 0).is_err());
        assert!(upsample_nearest2d(&x.flatten_all()?, 2).is_err());
        Ok(())
    }
}
