//! The colour and dash pattern of each run's curves, the same in every plot.
use super::{theme, widgets::fitted};
use egui::{
    Align, Color32, FontId, Layout, Painter, Rect, Response, Sense, Shape, Stroke, Ui, Visuals, vec2,
};
use egui_plot::{Line, LineStyle, MarkerShape, PlotPoints};

/// A colour, a kind of line, and a marker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    pub color: Color32,
    pub style: LineStyle,
    pub marker: MarkerShape,
}

const DASHES: [LineStyle; 4] = [
    LineStyle::Solid,
    LineStyle::Dashed { length: 10.0 },
    LineStyle::Dotted { spacing: 6.0 },
    LineStyle::Dashed { length: 4.0 },
];
const MARKERS: [MarkerShape; 4] =
    [MarkerShape::Circle, MarkerShape::Diamond, MarkerShape::Square, MarkerShape::Cross];

/// Pairs of a colour and a kind of line.
pub const PAIRS: usize = theme::RUN_COLORS * DASHES.len();

impl Look {
    /// A pair by its number, under [`PAIRS`]: every colour solid first, then every colour in each kind of dash.
    pub fn pair(number: usize, dark: bool) -> Self {
        Self::new(number % theme::RUN_COLORS, number / theme::RUN_COLORS, dark)
    }

    /// One of a handful of curves: neighbours differ in colour, in the kind of line, and in their markers.
    pub fn of_few(number: usize, dark: bool) -> Self {
        Self::new(number, number, dark)
    }

    fn new(color: usize, dash: usize, dark: bool) -> Self {
        let colors = theme::run_colors(dark);
        let dash = dash % DASHES.len();
        Self { color: colors[color % colors.len()], style: DASHES[dash], marker: MARKERS[dash] }
    }

    /// That of a run, by the number of its pair. A run that has none stands back, unless it is selected.
    pub fn of_run(pair: Option<usize>, selected: bool, visuals: &Visuals) -> Self {
        let grey = if selected { visuals.strong_text_color() } else { visuals.weak_text_color() };
        let plain = Self { color: grey, style: LineStyle::Solid, marker: MarkerShape::Circle };
        pair.map_or(plain, |pair| Self::pair(pair, visuals.dark_mode))
    }

    /// A line of a width in points.
    pub fn line<'a>(&self, name: &str, points: impl Into<PlotPoints<'a>>, width: f32) -> Line<'a> {
        // A dot's radius is the width of its line.
        let width = if matches!(self.style, LineStyle::Dotted { .. }) { width * 0.6 } else { width };
        Line::new(name.to_owned(), points).color(self.color).style(self.style).width(width)
    }

    /// A short piece of the line, along the middle of `rect`.
    pub fn paint(&self, painter: &Painter, rect: Rect) {
        painter.add(Shape::Vec(self.shapes(rect)));
    }

    pub fn shapes(&self, rect: Rect) -> Vec<Shape> {
        let ends = [rect.left_center(), rect.right_center()];
        let stroke = Stroke::new(3.0, self.color);
        match self.style {
            LineStyle::Solid => vec![Shape::line_segment(ends, stroke)],
            LineStyle::Dashed { length } => Shape::dashed_line(&ends, stroke, length, length * 0.6),
            LineStyle::Dotted { spacing } => Shape::dotted_line(&ends, self.color, spacing, 2.0),
        }
    }
}

/// The size of a short piece of line in a list of names, in points.
pub const SWATCH: egui::Vec2 = vec2(24.0, 12.0);

/// The largest width of a name in the legend, in points.
const WIDEST: f32 = 150.0;

/// A short piece of a line.
pub fn swatch(ui: &mut Ui, look: &Look) -> Response {
    let (rect, response) = ui.allocate_exact_size(SWATCH, Sense::hover());
    look.paint(ui.painter(), rect);
    response
}

/// The legend of a plot: a piece of each line and its name, in as many rows as necessary.
pub fn key<'a>(ui: &mut Ui, entries: impl IntoIterator<Item = (Look, &'a str)>) {
    ui.horizontal_wrapped(|ui| {
        for (look, name) in entries {
            let name = fitted(ui, name, FontId::proportional(13.5), ui.visuals().text_color(), WIDEST);
            // As one piece, which goes to the next line as a whole.
            let size = vec2(SWATCH.x + ui.spacing().item_spacing.x + name.size().x, SWATCH.y);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(size, layout, |ui| {
                swatch(ui, &look);
                ui.label(name);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pairs_look_the_same() {
        for dark in [true, false] {
            let looks: Vec<Look> = (0..PAIRS).map(|number| Look::pair(number, dark)).collect();
            for (at, look) in looks.iter().enumerate() {
                let twin =
                    looks[..at].iter().find(|other| other.color == look.color && other.style == look.style);
                assert_eq!(twin, None, "of {at}");
            }
            let few: Vec<Look> = (0..6).map(|number| Look::of_few(number, dark)).collect();
            assert!(
                few.windows(2).all(|pair| pair[0].color != pair[1].color && pair[0].style != pair[1].style)
            );
        }
        assert_eq!(PAIRS, 24);
    }
}
