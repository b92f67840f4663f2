//! What of its data a plot shows: never less than nothing, never what cannot be.
use crate::metrics::Unit;
use egui::{PointerButton, Vec2};
use egui_plot::{PlotBounds, PlotTransform, PlotUi};

/// From the lowest value to the highest.
pub type Range = [f64; 2];

/// Room at the edge of an axis for half a dot, in points.
pub const EDGE: f64 = 7.0;
/// No range is shown that is narrower than this share of all there is.
const NARROWEST: f64 = 1e-4;

/// The part of an axis that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shown {
    /// The range that the user chose; if none, all points are shown, later ones included.
    chosen: Option<Range>,
}

impl Shown {
    /// The range to be drawn, out of all that there is.
    pub fn of(self, all: Range) -> Range {
        self.chosen.map_or(all, |range| within(range, all))
    }

    pub fn is_chosen(self) -> bool {
        self.chosen.is_some()
    }

    /// Shows a range as far as there is anything of it. A plot that shows everything goes on to follow new points.
    pub fn choose(&mut self, range: Range, all: Range) {
        let range = within(range, all);
        self.chosen = (range != all).then_some(range);
    }
}

/// A range that is no wider than the limits, and moved no further than to their edges.
fn within([low, high]: Range, [least, most]: Range) -> Range {
    let all = most - least;
    let width = (high - low).max(all * NARROWEST);
    // A drag keeps the width, up to rounding.
    if width >= all * (1.0 - 1e-9) {
        return [least, most];
    }
    let low = (f64::midpoint(low, high) - width / 2.0).clamp(least, most - width);
    [low, low + width]
}

/// The values that a metric can take, as far as that is known: of plain numbers, none on the other side of 0 than the
/// data. On a logarithmic axis, their logarithms.
pub fn possible(unit: Unit, data: Option<Range>, logarithmic: bool) -> Range {
    let [low, high] = data.unwrap_or([0.0, 1.0]);
    match unit {
        Unit::Share if logarithmic => [f64::NEG_INFINITY, 0.0],
        Unit::Share => Unit::SHARES,
        Unit::Number if logarithmic => [f64::NEG_INFINITY, f64::INFINITY],
        Unit::Number => [
            if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY },
            if high <= 0.0 && low < 0.0 { 0.0 } else { f64::INFINITY },
        ],
    }
}

/// An axis for some values: a little wider than they are, within what is possible. A share's goes up to 100 %.
pub fn fitted(unit: Unit, data: Option<Range>, logarithmic: bool) -> Range {
    let [least, most] = possible(unit, data, logarithmic);
    let Some([low, high]) = data else { return if logarithmic { [-1.0, 0.0] } else { [0.0, 1.0] } };
    let is_share = unit == Unit::Share;
    let high = if is_share { most } else { high };
    let room = match high - low {
        // of a single value
        width if width <= 0.0 && logarithmic => 0.5,
        width if width <= 0.0 && is_share => 0.1,
        width if width <= 0.0 => {
            if low == 0.0 {
                1.0
            } else {
                low.abs() / 2.0
            }
        }
        width => width * 0.06,
    };
    [(low - room).max(least), (high + room).min(most)]
}

/// Room for half a dot at both ends of an axis, whose length is in points.
pub fn padded([low, high]: Range, points: f32) -> Range {
    let room = (high - low) * EDGE / (f64::from(points) - 2.0 * EDGE).max(EDGE);
    [low - room, high + room]
}

/// The lowest and the highest of some values; what is no number is passed over.
pub fn extent(values: impl IntoIterator<Item = f64>) -> Option<Range> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |range, value| {
        let [low, high] = range.unwrap_or([value; 2]);
        Some([value.min(low), value.max(high)])
    })
}

/// An axis for places along which everything is known: from the first to the last, and not of no width.
pub fn spread(places: impl IntoIterator<Item = f64>) -> Range {
    match extent(places) {
        Some([low, high]) if low < high => [low, high],
        Some([only, _]) => [only - 1.0, only + 1.0],
        None => [0.0, 1.0],
    }
}

/// "50 %"; nothing where there is no such share.
pub fn share_tick(share: f64) -> String {
    let is_possible = (-1e-9..=1.0 + 1e-9).contains(&share);
    if is_possible { format!("{:.0} %", share * 100.0) } else { String::new() }
}

/// Ranges about some data that have one scale on a part of the screen of this size, in points, so that distances are
/// alike in every direction.
pub fn at_one_scale(data: [Range; 2], size: Vec2) -> [Range; 2] {
    let points = [size.x, size.y].map(|points| f64::from(points.max(1.0)));
    let per_point = |axis: usize| width(data[axis]) / points[axis];
    let scale = per_point(0).max(per_point(1));
    [0, 1].map(|axis| about(data[axis], scale * points[axis]))
}

/// The ranges that are drawn, out of all that there is, of which each is the same share: all has one scale, and so have
/// they.
pub fn alike([x, y]: [Shown; 2], all: [Range; 2]) -> [Range; 2] {
    let shown = [x.of(all[0]), y.of(all[1])];
    let share = |axis: usize| width(shown[axis]) / width(all[axis]);
    let share = share(0).max(share(1));
    [0, 1].map(|axis| within(about(shown[axis], share * width(all[axis])), all[axis]))
}

fn width([low, high]: Range) -> f64 {
    high - low
}

/// A range of some width about the middle of another one.
fn about([low, high]: Range, width: f64) -> Range {
    let middle = f64::midpoint(low, high);
    [middle - width / 2.0, middle + width / 2.0]
}

/// The ranges of x and y as egui_plot has them.
pub fn to_set([x, y]: [Range; 2]) -> PlotBounds {
    PlotBounds::from_min_max([x[0], y[0]], [x[1], y[1]])
}

/// The box that was drawn to be zoomed into: the plot's bounds are others than those that it was given.
pub fn boxed(transform: &PlotTransform, set: [Range; 2]) -> Option<[Range; 2]> {
    let found = transform.bounds();
    (*found != to_set(set)).then(|| [0, 1].map(|axis| [found.min()[axis], found.max()[axis]]))
}

/// Applies this frame's pointer input to the ranges of x and y: a drag pans, Ctrl and the wheel zoom.
pub fn steered(plot: &PlotUi<'_>, shown: [Range; 2]) -> Option<[Range; 2]> {
    let (response, frame) = (plot.response(), plot.transform().frame());
    let length = [frame.width(), -frame.height()].map(f64::from);
    if response.dragged_by(PointerButton::Primary) {
        let drag = response.drag_delta();
        let by = |axis: usize, delta: f32| {
            let [low, high] = shown[axis];
            let shift = f64::from(delta) * (high - low) / length[axis];
            [low - shift, high - shift]
        };
        return Some([by(0, drag.x), by(1, drag.y)]);
    }
    let at = response.hover_pos().filter(|_| response.contains_pointer())?;
    let factor = plot.ctx().input(|input| input.zoom_delta_2d());
    if factor == egui::Vec2::splat(1.0) {
        return None;
    }
    let at = plot.plot_from_screen(at);
    let zoomed = |[low, high]: Range, centre: f64, factor: f32| {
        let factor = f64::from(factor);
        [centre - (centre - low) / factor, centre + (high - centre) / factor]
    };
    Some([zoomed(shown[0], at.x, factor.x), zoomed(shown[1], at.y, factor.y)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_moved_no_further_than_to_the_edge_of_the_data() {
        let all = [0.0, 1.0];
        assert_eq!(within([-2.5, -2.0], all), [0.0, 0.5], "it was moved off to the left");
        assert_eq!(within([5.0, 5.25], all), [0.75, 1.0]);
        assert_eq!(within([-3.0, 7.0], all), all, "wider than all there is");
        let [low, high] = within([0.5, 0.5], all);
        assert!(high - low >= NARROWEST / 2.0 && low < 0.5 && high > 0.5);
        assert_eq!(within([0.3, 1.3 - 1e-15], all), all, "all of it, but for rounding");
    }

    #[test]
    fn whoever_shows_everything_follows_what_is_to_come() {
        let mut shown = Shown::default();
        shown.choose([20.0, 40.0], [0.0, 100.0]);
        assert_eq!(shown.of([0.0, 200.0]), [20.0, 40.0]);
        shown.choose([-10.0, 900.0], [0.0, 200.0]);
        assert_eq!((shown.is_chosen(), shown.of([0.0, 300.0])), (false, [0.0, 300.0]));
    }

    #[test]
    fn a_map_keeps_its_scale_and_its_edges_whatever_is_done_to_it() {
        let all = at_one_scale([[0.0, 10.0], [-1.0, 1.0]], Vec2::new(200.0, 100.0));
        assert_eq!(all, [[0.0, 10.0], [-2.5, 2.5]]);
        let mut shown = [Shown::default(); 2];
        assert_eq!(alike(shown, all), all);
        // a box that is high and narrow, dragged far off to the right
        shown[0].choose([90.0, 91.0], all[0]);
        shown[1].choose([0.0, 2.0], all[1]);
        assert_eq!(alike(shown, all), [[6.0, 10.0], [0.0, 2.0]]);
        // the window has become as high as it is wide since
        let all = at_one_scale([[0.0, 10.0], [-1.0, 1.0]], Vec2::splat(100.0));
        let [x, y] = alike(shown, all);
        assert_eq!(width(x), width(y));
        assert!(x[1] <= 10.0 && y[1] <= 5.0);
    }

    #[test]
    fn no_axis_shows_what_cannot_be() {
        for data in [[0.0, 1.0], [0.97, 1.0], [0.2, 0.2], [1.0, 1.0], [0.0, 0.0]] {
            let [low, high] = fitted(Unit::Share, Some(data), false);
            assert!(low >= 0.0 && low < high && high == 1.0, "{data:?}: {low} to {high}");
            assert_eq!(
                fitted(Unit::Share, Some(data.map(|share: f64| share.log10().max(-9.0))), true)[1],
                0.0
            );
        }
        assert_eq!(fitted(Unit::Share, None, false), [0.0, 1.0], "nothing yet");
        let [low, high] = fitted(Unit::Number, Some([0.01, 2.3]), false);
        assert!(low == 0.0 && high > 2.3 && high < 2.6);
        assert_eq!(fitted(Unit::Number, Some([-3.0, -1.0]), false)[1], -0.88);
        assert_eq!(possible(Unit::Number, Some([-3.0, -1.0]), false), [f64::NEG_INFINITY, 0.0]);
        assert!(fitted(Unit::Number, Some([-1.0, 1.0]), false)[0] < -1.0);
    }

    #[test]
    fn an_axis_of_one_value_is_wide_enough_to_be_read() {
        assert_eq!(fitted(Unit::Number, Some([108.0, 108.0]), false), [54.0, 162.0]);
        assert_eq!(fitted(Unit::Number, Some([0.0, 0.0]), false), [0.0, 1.0]);
        assert_eq!(fitted(Unit::Number, Some([0.3, 0.3]), true), [-0.2, 0.8]);
    }

    #[test]
    fn the_extent_passes_over_what_is_no_number() {
        assert_eq!(extent([f64::NAN, 2.0, f64::INFINITY, -1.0]), Some([-1.0, 2.0]));
        assert_eq!(extent([f64::NAN]), None);
    }
}
