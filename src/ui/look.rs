//! The colour and dash pattern of each run's curves, and the colour and mark of each class, the same in every plot.
use super::{theme, widgets::fitted};
use egui::{
    Align, Color32, FontId, Layout, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, Visuals,
    vec2,
};
use egui_plot::{Line, LineStyle, MarkerShape, PlotPoints};
use std::f32::consts::TAU;

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

/// After so many classes colours and the ten marks meet again.
const MEET: usize = 30;

/// Pairs of a colour and a kind of line.
pub const PAIRS: usize = theme::RUN_COLORS * DASHES.len();

impl Look {
    /// A pair by its number, under [`PAIRS`]: every colour solid first, then every colour in each kind of dash.
    pub fn pair(number: usize, dark: bool) -> Self {
        Self::new(number % theme::RUN_COLORS, number / theme::RUN_COLORS, dark)
    }

    /// That of a class, by its index: neighbours differ in colour, in the kind of line, and in their marks; colour and mark
    /// together are a class's own among the first sixty.
    pub fn of_class(class: usize, dark: bool) -> Self {
        let shapes = MarkerShape::all().count();
        let marker = MarkerShape::all().nth((class + class / MEET) % shapes).unwrap_or(MarkerShape::Circle);
        Self { marker, ..Self::new(class, class, dark) }
    }

    /// One of a handful of curves: as different as those of classes.
    pub fn of_few(number: usize, dark: bool) -> Self {
        Self::of_class(number, dark)
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

    /// The mark, as egui_plot draws it.
    pub fn mark(&self, painter: &Painter, at: Pos2) {
        let Self { color, marker, .. } = *self;
        let around = |count: usize, turn: f32| -> Vec<Pos2> {
            let corner =
                |corner: usize| at + MARK * Vec2::angled((corner as f32 / count as f32 + turn) * TAU);
            (0..count).map(corner).collect()
        };
        let filled = |corners| Shape::convex_polygon(corners, color, Stroke::NONE);
        let rays = |ends: Vec<Pos2>| {
            let ray = |end| Shape::line_segment([at, end], Stroke::new(1.6, color));
            Shape::Vec(ends.into_iter().map(ray).collect())
        };
        painter.add(match marker {
            MarkerShape::Circle => Shape::circle_filled(at, MARK * 0.9, color),
            MarkerShape::Diamond => filled(around(4, 0.0)),
            MarkerShape::Square => filled(around(4, 0.125)),
            MarkerShape::Cross => rays(around(4, 0.125)),
            MarkerShape::Plus => rays(around(4, 0.0)),
            MarkerShape::Up => filled(around(3, 0.75)),
            MarkerShape::Down => filled(around(3, 0.25)),
            MarkerShape::Left => filled(around(3, 0.5)),
            MarkerShape::Right => filled(around(3, 0.0)),
            MarkerShape::Asterisk => rays(around(6, 0.25)),
        });
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

/// The radius of a mark beside a name, in points, and the room that it takes.
pub const MARK: f32 = 5.0;
pub const MARK_ROOM: f32 = 2.0 * MARK + 4.0;

/// The mark of a class, in the middle of a line, at its left end.
pub fn class_mark(ui: &Ui, line: Rect, class: usize) {
    Look::of_class(class, ui.visuals().dark_mode)
        .mark(ui.painter(), line.left_center() + vec2(MARK_ROOM / 2.0, 0.0));
}

/// The largest width of a name in the legend, in points.
const WIDEST: f32 = 150.0;

/// A short piece of a line.
pub fn swatch(ui: &mut Ui, look: &Look) -> Response {
    let (rect, response) = ui.allocate_exact_size(SWATCH, Sense::hover());
    look.paint(ui.painter(), rect);
    response
}

/// The legend of a plot: a piece of each line with its mark, and its name, in as many rows as necessary.
pub fn key<'a>(ui: &mut Ui, entries: impl IntoIterator<Item = (Look, &'a str)>) {
    ui.horizontal_wrapped(|ui| {
        for (look, name) in entries {
            let name = fitted(ui, name, FontId::proportional(13.5), ui.visuals().text_color(), WIDEST);
            // As one piece, which goes to the next line as a whole.
            let size = vec2(SWATCH.x + ui.spacing().item_spacing.x + name.size().x, SWATCH.y);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(size, layout, |ui| {
                let place = swatch(ui, &look).rect;
                look.mark(ui.painter(), place.center());
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

    #[test]
    fn sixty_classes_have_a_colour_and_a_mark_of_their_own() {
        for dark in [true, false] {
            let looks: Vec<Look> = (0..2 * MEET).map(|class| Look::of_class(class, dark)).collect();
            let is_like = |a: &Look, b: &Look| a.color == b.color && a.marker == b.marker;
            let twins =
                (0..2 * MEET).filter(|at| looks[..*at].iter().any(|other| is_like(other, &looks[*at])));
            assert_eq!(twins.collect::<Vec<_>>(), [0usize; 0]);
            let are_apart =
                |pair: &[Look]| pair[0].color != pair[1].color && pair[0].marker != pair[1].marker;
            assert!(looks.windows(2).all(are_apart), "of any two neighbours");
        }
    }
}
