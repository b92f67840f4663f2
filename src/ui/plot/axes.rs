//! The marks of a curve's axes, and how their values are written.
use crate::{
    metrics::Unit,
    ui::{
        settings::XAxis,
        widgets::{number, percent, thousands},
    },
};
use egui::FontId;
use egui_plot::{AxisHints, GridInput, GridMark};

/// An x axis whose marks are read at any width that they fit into, with [`linear_marks`].
pub fn x_axis<'a>(font: FontId) -> AxisHints<'a> {
    AxisHints::new_x().tick_label_font(font).label_spacing(28.0..=40.0)
}

/// The same for a y axis, of this width at least, in points.
pub fn y_axis<'a>(font: FontId, width: f32) -> AxisHints<'a> {
    AxisHints::new_y().tick_label_font(font).min_thickness(width).label_spacing(14.0..=22.0)
}

/// A mark of the x axis: nothing is before its beginning, and there are no parts of a step.
pub fn x_tick(axis: XAxis, value: f64) -> String {
    let is_whole = (value - value.round()).abs() < 1e-6;
    match axis {
        _ if value < 0.0 => String::new(),
        XAxis::Step | XAxis::Examples if !is_whole => String::new(),
        _ if is_whole => thousands(value.round() as u64),
        _ => number(value),
    }
}

/// A mark of the y axis; nothing where such a value cannot be.
pub fn y_tick(unit: Unit, value: f64, [least, most]: [f64; 2]) -> String {
    if !(least - 1e-9..=most + 1e-9).contains(&value) {
        return String::new();
    }
    match unit {
        Unit::Share if (value * 1000.0).round() % 10.0 == 0.0 => format!("{:.0} %", value * 100.0),
        Unit::Share => percent(value),
        Unit::Number => number(value),
    }
}

pub fn written(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::Number => format!("{value:.4}"),
    }
}

pub fn map(value: f64, logarithmic: bool) -> f64 {
    if logarithmic { value.log10() } else { value }
}

pub fn unmap(value: f64, logarithmic: bool) -> f64 {
    if logarithmic { 10f64.powf(value) } else { value }
}

/// Marks of an axis whose values are logarithms: decades strong, the numbers between them weak. Within about a decade,
/// round numbers at equal distances.
pub fn logarithmic_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    if high - low < 1.2 {
        return round_marks(low, high);
    }
    let range = (low.floor().max(-30.0) as i32)..=(high.ceil().min(30.0) as i32);
    let marks = range.flat_map(|decade| (1..10).map(move |k| (k, f64::from(decade) + f64::from(k).log10())));
    let strength = |k| match k {
        1 => 1.0,
        2 | 5 => 0.3,
        _ => 0.05,
    };
    marks
        .filter(|(_, value)| (low..=high).contains(value))
        .map(|(k, value)| GridMark { value, step_size: strength(k) })
        .collect()
}

/// About five round numbers on an axis of plain values.
pub fn linear_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let (step, values) = round_numbers(low, high);
    values.into_iter().map(|value| GridMark { value, step_size: step }).collect()
}

/// About five round numbers between two logarithms.
fn round_marks(low: f64, high: f64) -> Vec<GridMark> {
    let (_, values) = round_numbers(10f64.powf(low), 10f64.powf(high));
    let marks = values.into_iter().filter(|value| *value > 0.0).map(f64::log10);
    marks.map(|value| GridMark { value, step_size: (high - low) / 5.0 }).collect()
}

/// The distance between some round numbers from `low` to `high`, and the numbers.
fn round_numbers(low: f64, high: f64) -> (f64, Vec<f64>) {
    let rough = (high - low) / 5.0;
    let decade = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * decade).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let first = (low / step - 1e-9).ceil();
    let values = (0..12).map(|at| (first + f64::from(at)) * step);
    (step, values.take_while(|value| *value <= high + step * 1e-9).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_marked_within_bounds() {
        let marks = logarithmic_marks(GridInput { bounds: (-2.0, 0.0), base_step_size: 0.1 });
        assert_eq!((marks.first().unwrap().value, marks.last().unwrap().value, marks.len()), (-2.0, 0.0, 19));
    }

    #[test]
    fn within_a_decade_there_are_round_numbers() {
        let marks =
            logarithmic_marks(GridInput { bounds: (0.2f64.log10(), 1.1f64.log10()), base_step_size: 0.1 });
        let values: Vec<String> = marks.iter().map(|mark| number(10f64.powf(mark.value))).collect();
        assert_eq!(values, ["0.2", "0.4", "0.6", "0.8", "1"]);
    }

    #[test]
    fn a_plain_axis_has_about_five_round_numbers() {
        let marks = linear_marks(GridInput { bounds: (0.04, 1.03), base_step_size: 0.1 });
        let values: Vec<String> = marks.iter().map(|mark| number(mark.value)).collect();
        assert_eq!(values, ["0.2", "0.4", "0.6", "0.8", "1"]);
    }

    #[test]
    fn what_cannot_be_has_no_mark() {
        assert_eq!(
            [-100.0, 0.0, 0.5, 1000.0, 12_000.0].map(|x| x_tick(XAxis::Step, x)),
            ["", "0", "", "1,000", "12,000"]
        );
        assert_eq!(x_tick(XAxis::Epoch, 0.5), "0.5");
        let share = |value| y_tick(Unit::Share, value, Unit::SHARES);
        assert_eq!([-0.1, 0.0, 0.985, 1.0, 1.1].map(share), ["", "0 %", "98.5 %", "100 %", ""]);
    }
}
