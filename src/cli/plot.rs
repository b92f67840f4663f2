//! The curves of a run in characters, for a terminal.
use crate::{
    metrics::{self, LOSS, MetricInfo, Split, Unit},
    session::Run,
};
use console::Term;
use ratatui_core::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
    symbols::Marker,
    text::{Line, Span},
    widgets::Widget as _,
};
use ratatui_widgets::{
    block::Block,
    chart::{Axis, Chart, Dataset, GraphType},
};
use std::io::IsTerminal as _;

const HEIGHT: u16 = 12;
/// The widest plot, in characters; two stand side by side.
const WIDEST: u16 = 64;
const NARROWEST: u16 = 36;
/// Lines of a terminal that plots leave to what is written above them.
const LEFT: u16 = 10;
const TRAINING: Color = Color::Cyan;
const VALIDATION: Color = Color::Yellow;

/// Plots of a run's loss and of its headline metric, or of the loss alone where that is the headline, as lines of text for
/// the terminal. None where an output is not a terminal, the terminal is too small, or there is nothing to show yet.
pub fn on_terminal(run: &Run, headline: &'static MetricInfo) -> Option<String> {
    if !std::io::stdout().is_terminal() || !std::io::stderr().is_terminal() || console::is_dumb() {
        return None;
    }
    let (rows, columns) = Term::stderr().size();
    drawn(run, headline, [columns, rows], console::colors_enabled_stderr())
}

fn drawn(
    run: &Run,
    headline: &'static MetricInfo,
    [columns, rows]: [u16; 2],
    coloured: bool,
) -> Option<String> {
    let loss = metrics::find(LOSS)?;
    let all = if headline.id == LOSS { vec![loss] } else { vec![loss, headline] };
    let fitting = usize::from(columns / NARROWEST).min(all.len());
    if rows < HEIGHT + LEFT || fitting == 0 || run.curve(LOSS, Split::Train).len() < 2 {
        return None;
    }
    let shown = &all[..fitting];
    let width = (columns / fitting as u16 - 1).min(WIDEST);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width * fitting as u16, HEIGHT));
    for (place, info) in shown.iter().enumerate() {
        curves(run, info, Rect::new(width * place as u16, 0, width, HEIGHT), &mut buffer);
    }
    Some(lines(&buffer, coloured))
}

/// A metric over the steps: training as a line, validation as dots.
fn curves(run: &Run, info: &'static MetricInfo, area: Rect, buffer: &mut Buffer) {
    // a character is two dots of Braille wide
    let dots = usize::from(area.width) * 2;
    let training = thinned(run.curve(info.id, Split::Train), dots);
    let validation = thinned(run.curve(info.id, Split::Validation), dots);
    let [low, high] = range(info, training.iter().chain(&validation).map(|point| point.1));
    let last = run.progress.steps.max(1) as f64;
    let title = Line::from(vec![
        Span::from(format!("{} ", info.label)),
        Span::styled("─ training ", TRAINING),
        Span::styled("• validation", VALIDATION),
    ]);
    let y = [low, (low + high) / 2.0, high].map(|value| label(info, value));
    let x = ["0".into(), format!("step {}", run.progress.steps)];
    let line =
        |data, color| Dataset::default().data(data).style(Style::from(color)).graph_type(GraphType::Line);
    let datasets = vec![
        line(&training, TRAINING).marker(Marker::Braille),
        line(&validation, VALIDATION).marker(Marker::Dot).graph_type(GraphType::Scatter),
    ];
    Chart::new(datasets)
        .block(Block::new().title(title))
        .legend_position(None)
        .x_axis(Axis::default().bounds([0.0, last]).labels(x))
        .y_axis(Axis::default().bounds([low, high]).labels(y))
        .render(area, buffer);
}

/// The means of equal portions of a curve, up to a number of portions. NaN is left out.
fn thinned(curve: &[[f64; 2]], most: usize) -> Vec<(f64, f64)> {
    let portion = curve.len().div_ceil(most.max(1)).max(1);
    let mean = |points: &[[f64; 2]]| {
        let of = |at: usize| points.iter().map(|point| point[at]).sum::<f64>() / points.len() as f64;
        (of(0), of(1))
    };
    curve.chunks(portion).map(mean).filter(|point| point.1.is_finite()).collect()
}

/// From the lowest to the highest value and a little more, within what a metric can be.
fn range(info: &MetricInfo, values: impl Iterator<Item = f64>) -> [f64; 2] {
    let all = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    let [low, high] = if all[0] <= all[1] { all } else { [0.0, 1.0] };
    let margin = ((high - low) * 0.05).max(high.abs() * 1e-3).max(1e-9);
    match info.unit {
        Unit::Share => [(low - margin).max(0.0), (high + margin).min(1.0)],
        Unit::Number => [low - margin, high + margin],
    }
}

fn label(info: &MetricInfo, value: f64) -> String {
    match info.unit {
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Number if value.abs() >= 1000.0 => format!("{value:.1e}"),
        Unit::Number => format!("{value:.2}"),
    }
}

/// The rows of a buffer, each ended, with escape sequences for its colours or without.
fn lines(buffer: &Buffer, coloured: bool) -> String {
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width).max(1)) {
        let mut last = Color::Reset;
        for cell in row {
            if coloured && cell.fg != last {
                last = cell.fg;
                text.push_str(escape(last));
            }
            text.push_str(cell.symbol());
        }
        text.truncate(text.trim_end_matches(' ').len());
        if last != Color::Reset {
            text.push_str(escape(Color::Reset));
        }
        text.push('\n');
    }
    text
}

/// Switches a terminal to a colour (ECMA-48, "select graphic rendition").
fn escape(color: Color) -> &'static str {
    match color {
        TRAINING => "\u{1b}[36m",
        VALIDATION => "\u{1b}[33m",
        _ => "\u{1b}[0m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{ACCURACY, Point},
        protocol::{Event, Phase, Progress, RunInfo},
        session::State,
        spec::RunSpec,
    };

    fn run(points: Vec<Point>) -> Run {
        let mut state = State::default();
        let progress = Progress { step: 50, steps: 100, ..Progress::default() };
        let info = RunInfo {
            marks: Default::default(),
            id: "a".into(),
            folder: "/a".into(),
            spec: RunSpec::default(),
            live: Default::default(),
            phase: Phase::Running,
            remedy: None,
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            changes: vec![],
            progress,
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
        };
        state.apply(Event::Run(Box::new(info)));
        state.apply(Event::Points("a".into(), points));
        state.runs.remove("a").unwrap()
    }

    fn falling() -> Run {
        let mut points = vec![];
        for step in 1..=50u64 {
            let value = 1.0 / step as f64;
            points.push(Point { step, split: Split::Train, metric: LOSS, value });
            points.push(Point { step, split: Split::Train, metric: ACCURACY, value: 1.0 - value });
        }
        points.push(Point { step: 50, split: Split::Validation, metric: ACCURACY, value: f64::NAN });
        points.push(Point { step: 50, split: Split::Validation, metric: LOSS, value: 0.02 });
        run(points)
    }

    #[test]
    fn curves_fill_the_left_half_of_a_run_that_is_half_done() {
        let text = drawn(&falling(), metrics::find(ACCURACY).unwrap(), [100, 40], false).unwrap();
        let rows: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        assert_eq!(rows.len(), usize::from(HEIGHT));
        assert!(text.starts_with("Loss ─ training • validation") && text.contains("Accuracy ─ training"));
        assert!(text.contains("step 100") && text.contains("100 %") && !text.contains('\u{1b}'), "{text}");
        let braille = |row: &Vec<char>| -> Vec<usize> {
            (0..row.len()).filter(|at| ('\u{2801}'..='\u{28ff}').contains(&row[*at])).collect()
        };
        let loss: Vec<usize> = rows.iter().flat_map(braille).filter(|at| *at < 49).collect();
        assert!(!loss.is_empty() && loss.iter().all(|at| *at <= 28), "{text}");
        assert!(braille(&rows[1])[0] < 10, "it begins high at the left\n{text}");
        assert!(rows.iter().flatten().any(|c| *c == '•'));
        let coloured = drawn(&falling(), metrics::find(ACCURACY).unwrap(), [100, 40], true).unwrap();
        assert_eq!(console::strip_ansi_codes(&coloured), text);
    }

    #[test]
    fn small_terminals_show_one_plot_or_none() {
        let plots = |size| {
            let text = drawn(&falling(), metrics::find(ACCURACY).unwrap(), size, true)?;
            let widest = text.lines().map(console::measure_text_width).max()?;
            assert!(widest <= usize::from(size[0]), "{text}");
            Some(text.matches("validation").count())
        };
        let found = [[200, 60], [80, 24], [60, 24], [35, 24], [80, 21], [0, 0]].map(plots);
        assert_eq!(found, [Some(2), Some(2), Some(1), None, None, None]);
        let text = drawn(&falling(), metrics::find(LOSS).unwrap(), [200, 60], false).unwrap();
        assert_eq!(text.matches("validation").count(), 1, "the loss is the headline\n{text}");
        assert_eq!(drawn(&run(vec![]), metrics::find(LOSS).unwrap(), [80, 24], true), None);
    }
}
