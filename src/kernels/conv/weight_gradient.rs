//! The gradients of weight and, where there is one, bias: partial sums over pieces of the batch, added up in their order.
use super::super::{
    OutputGradient, Scratch, build_pieces,
    clamp::Mask,
    frame::Frame,
    linear,
    simd::SimdLevel,
    tile::{AccumulateOuter, AddRows},
    winograd::{self, AccumulateWeights},
};
use super::{Conv, ImageBatch, MIN_PIECES, few_outputs, large_weight, place_all};
use rayon::prelude::*;

/// Partial sums: more would use more threads and more memory.
const PARTIAL_SUMS: usize = 8;
/// As [`PARTIAL_SUMS`], of transformed weights, which are four times as large.
const PARTIAL_SUMS_OF_POINTS: usize = 4;
/// Numbers of both operands that are walked again and again: they stay in the L1 cache.
const L1_NUMBERS: usize = 16 * 1024;

/// The gradient of weight and, where it is wanted, that of bias, summed over the batch.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn weight_gradient<'a>(
    conv: &Conv,
    x: &[f32],
    output: impl Into<ImageBatch<'a>>,
    with_bias: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let output = output.into();
    assert_eq!(x.len(), conv.batch * conv.in_len());
    conv.check_output(output);
    let level = SimdLevel::current();
    if let (ImageBatch::Whole { numbers: gradient, mask }, true) = (output, large_weight::fits(conv)) {
        let gradient = OutputGradient { gradient, mask }.through_clamp();
        let bias = || linear::bias_gradient(level, &gradient, conv.out_channels);
        return (large_weight::gradient(level, conv, x, &gradient), with_bias.then(bias));
    }
    let layout = SumLayout::of(level, conv);
    let work = layout.pieces(conv);
    let per_sum = work.count(conv).div_ceil(layout.partial_sums()).max(1);
    let partial_sums: Vec<_> = (0..work.count(conv).div_ceil(per_sum))
        .into_par_iter()
        .map(|index| {
            let mut sums = WeightSums::new(conv, layout, with_bias);
            for piece in index * per_sum..((index + 1) * per_sum).min(work.count(conv)) {
                sums.add(level, x, &output, work.piece(conv, piece));
            }
            (sums.weight, sums.bias)
        })
        .collect();
    let (weight, bias): (Vec<_>, Vec<_>) = partial_sums.into_iter().unzip();
    let bias = with_bias.then(|| add_up(&bias, layout.bias_len(conv), conv.out_channels, 1));
    (layout.weight(level, conv, &weight), bias)
}

/// How the gradient of the weights is added up, and the columns of the sums, which are whole vectors.
#[derive(Clone, Copy)]
enum SumLayout {
    /// (window numbers, columns of outputs).
    Direct(usize),
    /// (points of a transformed tile, inputs, columns of outputs).
    Points(usize),
    /// (taps and outputs, columns of inputs).
    FewOutputs(usize),
}

/// What of a batch is added up at a time: some images, or some rows of outputs of one.
#[derive(Clone, Copy)]
struct Pieces {
    images: usize,
    rows: usize,
}

/// Images from one on, and rows of outputs from one on.
struct Piece {
    first_image: usize,
    images: usize,
    first_row: usize,
    rows: usize,
}

impl SumLayout {
    fn of(level: SimdLevel, conv: &Conv) -> Self {
        let whole = |channels: usize| channels.next_multiple_of(2 * level.lanes());
        let pixels = conv.batch * conv.out_height() * conv.out_width();
        if winograd::fits(&conv.window(), pixels, conv.out_channels) {
            return SumLayout::Points(whole(conv.out_channels));
        }
        let is_inside = conv.padding.is_within(conv.kernel_height, conv.kernel_width);
        if is_inside && few_outputs::fits(&conv.window(), conv.out_channels) {
            return SumLayout::FewOutputs(whole(conv.in_channels));
        }
        SumLayout::Direct(whole(conv.out_channels))
    }

    fn pieces(self, conv: &Conv) -> Pieces {
        match self {
            SumLayout::Points(columns) => {
                let together =
                    conv.tiles(1, conv.out_height()).images_at_once(columns, conv.batch.div_ceil(MIN_PIECES));
                let band = conv.out_height().div_ceil(self.partial_sums().div_ceil(conv.batch.max(1)));
                Pieces { images: together, rows: band.next_multiple_of(winograd::STEP) }
            }
            SumLayout::FewOutputs(_) => Pieces { images: 1, rows: conv.out_height() },
            SumLayout::Direct(columns) => {
                let x_numbers = conv.window().frame_width * conv.in_channels * conv.stride;
                let rows = L1_NUMBERS / (x_numbers + conv.out_width() * columns);
                Pieces { images: 1, rows: rows.clamp(1, conv.out_height()) }
            }
        }
    }

    fn partial_sums(self) -> usize {
        match self {
            SumLayout::Points(_) => PARTIAL_SUMS_OF_POINTS,
            SumLayout::Direct(_) | SumLayout::FewOutputs(_) => PARTIAL_SUMS,
        }
    }

    fn weight_len(self, conv: &Conv) -> usize {
        match self {
            SumLayout::Direct(columns) => conv.depth() * columns,
            SumLayout::Points(columns) => winograd::POINTS * conv.in_channels * columns,
            SumLayout::FewOutputs(columns) => {
                conv.kernel_height * conv.kernel_width * conv.out_channels * columns
            }
        }
    }

    fn bias_len(self, conv: &Conv) -> usize {
        match self {
            SumLayout::Direct(columns) | SumLayout::Points(columns) => columns,
            SumLayout::FewOutputs(_) => conv.out_channels,
        }
    }

    /// The sum of partial sums as weights (kernel_height, kernel_width, in_channels, out_channels).
    fn weight(self, level: SimdLevel, conv: &Conv, parts: &[Vec<f32>]) -> Vec<f32> {
        match self {
            SumLayout::Direct(columns) => add_up(parts, columns, conv.out_channels, conv.depth()),
            SumLayout::Points(columns) => {
                let rows = winograd::POINTS * conv.in_channels;
                winograd::gather_weights(level, &add_up(parts, columns, conv.out_channels, rows))
            }
            SumLayout::FewOutputs(columns) => {
                let rows = conv.kernel_height * conv.kernel_width * conv.out_channels;
                few_outputs::unswap(&add_up(parts, columns, conv.in_channels, rows), conv)
            }
        }
    }
}

impl Pieces {
    fn bands(self, conv: &Conv) -> usize {
        conv.out_height().div_ceil(self.rows)
    }

    fn count(self, conv: &Conv) -> usize {
        conv.batch.div_ceil(self.images) * self.bands(conv)
    }

    fn piece(self, conv: &Conv, index: usize) -> Piece {
        let first_image = index / self.bands(conv) * self.images;
        let first_row = index % self.bands(conv) * self.rows;
        Piece {
            first_image,
            images: self.images.min(conv.batch - first_image),
            first_row,
            rows: self.rows.min(conv.out_height() - first_row),
        }
    }
}

/// One partial sum of the gradients of weight and bias.
struct WeightSums<'a> {
    conv: &'a Conv,
    layout: SumLayout,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Otherwise the sums of bias mean nothing.
    with_bias: bool,
}

impl<'a> WeightSums<'a> {
    fn new(conv: &'a Conv, layout: SumLayout, with_bias: bool) -> Self {
        let (weight, bias) = (vec![0.0; layout.weight_len(conv)], vec![0.0; layout.bias_len(conv)]);
        WeightSums { conv, layout, weight, bias, with_bias }
    }

    /// Adds what a piece of the batch contributes.
    fn add(&mut self, level: SimdLevel, x: &[f32], output: &ImageBatch, piece: Piece) {
        let conv = self.conv;
        if let SumLayout::Points(columns) = self.layout {
            return self.add_points(level, (x, output), columns, piece);
        }
        let x = &x[piece.first_image * conv.in_len()..][..conv.in_len()];
        let mut unpooled = Scratch::new();
        let (gradient, mask) = output.image(level, piece.first_image, conv.out_len(), &mut unpooled);
        let sums = (&mut self.weight[..], self.with_bias.then_some(&mut self.bias[..]));
        match self.layout {
            SumLayout::FewOutputs(columns) => {
                few_outputs::accumulate(level, conv, x, (gradient, mask), columns, sums);
            }
            SumLayout::Direct(columns) | SumLayout::Points(columns) => {
                add_rows(level, conv, x, (gradient, mask), columns, (piece.first_row, piece.rows), sums);
            }
        }
    }

    fn add_points(
        &mut self,
        level: SimdLevel,
        (x, output): (&[f32], &ImageBatch),
        columns: usize,
        piece: Piece,
    ) {
        let (conv, first) = (self.conv, piece.first_row);
        let tiles = conv.tiles(piece.images, piece.rows);
        let x_frame = Frame { frame_width: tiles.frame_width(), ..conv.input_frame() };
        let gradient_frame = Frame { frame_width: tiles.frame_width() - 2, ..conv.output_frame(columns) };
        let (mut x_scratch, mut gradient_scratch) = (Scratch::new(), Scratch::new());
        let rows = (first, tiles.frame_rows());
        let x = (ImageBatch::of(x), piece.first_image, piece.images);
        let frame = place_all(level, &x_frame, x, rows, &mut x_scratch);
        let rows = (first, tiles.frame_rows() - 2);
        let output = (*output, piece.first_image, piece.images);
        let gradient = place_all(level, &gradient_frame, output, rows, &mut gradient_scratch);
        let (sums, bias) = (&mut self.weight, &mut self.bias);
        level.run(AccumulateWeights { tiles, frame, gradient, columns, sums, bias });
    }
}

/// Adds what some output rows of an image contribute, by the window itself.
fn add_rows(
    level: SimdLevel,
    conv: &Conv,
    x: &[f32],
    (gradient, mask): (&[f32], Option<Mask>),
    columns: usize,
    (first, rows): (usize, usize),
    (weight, bias): (&mut [f32], Option<&mut [f32]>),
) {
    let (mut x_scratch, mut gradient_scratch) = (Scratch::new(), Scratch::new());
    let x_rows = (first * conv.stride, (rows - 1) * conv.stride + conv.kernel_height);
    let frame = conv.input_frame().rows(level, x, None, x_rows, &mut x_scratch);
    let frame_of_gradient = conv.output_frame(columns);
    let gradient = frame_of_gradient.rows(level, gradient, mask, (first, rows), &mut gradient_scratch);
    if let Some(sums) = bias {
        level.run(AddRows { rows: gradient, sums });
    }
    level.run(AccumulateOuter { window: conv.window(), frame, gradient, columns, sums: weight });
}

/// The sum of (rows, columns) matrices in their order, cut to the first `kept` columns.
fn add_up(parts: &[Vec<f32>], columns: usize, kept: usize, rows: usize) -> Vec<f32> {
    build_pieces(rows, kept, |row, out| {
        for part in parts {
            for (sum, number) in out.iter_mut().zip(&part[row * columns..]) {
                *sum += number;
            }
        }
    })
}
