//! Probabilities as bars that the back row can read.
use super::{theme::semibold, widgets::fitted};
use crate::evaluation::{argmax, confidence};
use egui::{Align2, Color32, FontId, Galley, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Of more classes only the most probable are shown.
const MOST: usize = 10;
/// The share of the width that there is for names beside the bars.
const NAMES: f32 = 0.5;
/// Width in points below which names that are longer than a letter stand above their bars.
const NARROW: f32 = 220.0;
/// The height of what is said of the classes that are not shown, in points.
const OTHERS: f32 = 20.0;
/// How large the number is of an answer that is not to be relied on, beside its usual size.
const SMALL: f32 = 0.75;

/// One bar a class, `height` in all. All are grey where the answer is not to be relied on.
pub fn ui(ui: &mut Ui, probabilities: &[f32], class_names: &[String], height: f32, is_doubtful: bool) {
    let rows: Vec<_> = ranked(probabilities)
        .into_iter()
        .map(|(class, is_best)| Row {
            name: name(class_names, class),
            answer: Some(Answer { probability: probabilities[class], is_best: is_best && !is_doubtful }),
        })
        .collect();
    let others = probabilities.len() - rows.len();
    let height = if others > 0 { height - OTHERS } else { height };
    draw(ui, &rows, height, if is_doubtful { SMALL } else { 1.0 });
    if others > 0 {
        let shown: f32 = rows.iter().filter_map(|row| Some(row.answer?.probability)).sum();
        let text = format!("{others} other classes: {}", confidence((1.0 - shown).into(), 0));
        ui.label(RichText::new(text).small().weak());
    }
}

/// The classes that are shown, and which is the most probable: all in their order, or of many the likeliest first.
fn ranked(probabilities: &[f32]) -> Vec<(usize, bool)> {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let best = classes.first().copied();
    classes.truncate(MOST);
    if probabilities.len() <= MOST {
        classes.sort_unstable();
    }
    classes.into_iter().map(|class| (class, Some(class) == best)).collect()
}

/// Where there is nothing to show yet: the rails alone, named where all classes have one.
pub fn empty(ui: &mut Ui, class_names: &[String], height: f32) {
    let all_named = (1..=MOST).contains(&class_names.len());
    let names: Vec<&str> =
        if all_named { class_names.iter().map(String::as_str).collect() } else { vec![""; MOST] };
    draw(ui, &names.into_iter().map(|name| Row { name, answer: None }).collect::<Vec<_>>(), height, 1.0);
}

/// The class with the highest probability, and that.
pub fn best(scores: &[f32]) -> (usize, f32) {
    let best = argmax(scores);
    (best, scores.get(best).copied().unwrap_or_default())
}

/// What a class is.
pub fn name(class_names: &[String], class: usize) -> &str {
    class_names.get(class).map_or("?", String::as_str)
}

/// What probabilities are: of answers given with calibrated 80 %, 80 % are right.
pub fn kind(is_calibrated: bool) -> &'static str {
    if is_calibrated { "calibrated" } else { "uncalibrated" }
}

/// A class, and what is said of it.
struct Row<'a> {
    name: &'a str,
    answer: Option<Answer>,
}

#[derive(Clone, Copy)]
struct Answer {
    probability: f32,
    /// It is the highest, and to be relied on.
    is_best: bool,
}

/// How rows are laid out, in points.
#[derive(Clone, Copy)]
struct Look {
    height: f32,
    /// Of the letters.
    size: f32,
    /// Of the numbers.
    number: f32,
    /// The width of the names beside the bars; none where they stand above them.
    names: Option<f32>,
}

/// `scale` is that of the numbers.
fn draw(ui: &mut Ui, rows: &[Row<'_>], height: f32, scale: f32) {
    let (width, height) = (ui.available_width(), height / rows.len().max(1) as f32);
    let are_letters = rows.iter().all(|row| row.name.chars().count() <= 1);
    let is_above = !are_letters && width < NARROW;
    let size = match are_letters {
        true => (height * 0.86).min(width * 0.13).clamp(12.0, 44.0),
        false if is_above => (height * 0.62).clamp(11.0, 13.0),
        false => (height * 0.86).min(width * 0.06).clamp(12.0, 26.0),
    };
    let most = if is_above { width - 3.0 * size } else { width * NAMES };
    let names: Vec<_> = rows.iter().map(|row| written(ui, row, size, most)).collect();
    let widest = names.iter().map(|name| name.size().x).fold(0.0, f32::max);
    let look = Look { height, size, number: size * scale, names: (!is_above).then_some(widest) };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        rows.iter().zip(names).for_each(|(row, name)| draw_row(ui, row, name, look));
    });
}

fn written(ui: &Ui, row: &Row<'_>, size: f32, most: f32) -> Arc<Galley> {
    let (font, color) = font(ui, row.answer, size);
    fitted(ui, row.name, font, color, most)
}

/// Its name, its rail, and where there is an answer, the bar and the number.
fn draw_row(ui: &mut Ui, Row { name, answer }: &Row<'_>, written: Arc<Galley>, look: Look) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), look.height), Sense::hover());
    let (visuals, painter, is_cut) = (ui.visuals(), ui.painter(), written.elided);
    let (rail, line) = places(rect, look);
    painter.galley(pos2(rect.left(), line - written.size().y / 2.0), written, visuals.text_color());
    painter.rect_filled(rail, 3.0, visuals.widgets.inactive.bg_fill.gamma_multiply(0.45));
    let mut spoken = (*name).to_owned();
    if let Some(Answer { probability, is_best }) = *answer {
        let fill = if is_best { visuals.selection.bg_fill } else { visuals.weak_text_color() };
        let filled = rail.with_max_x(rail.left() + rail.width() * probability.clamp(0.0, 1.0));
        painter.rect_filled(filled, 3.0, fill);
        let ((font, color), number) = (font(ui, *answer, look.number), confidence(probability.into(), 0));
        spoken = format!("{name}: {number}");
        painter.text(pos2(rect.right(), line), Align2::RIGHT_CENTER, number, font, color);
        response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
    }
    if is_cut {
        response.on_hover_text(spoken);
    }
}

/// Where the rail of a row is, and the middle of its letters.
fn places(rect: Rect, look: Look) -> (Rect, f32) {
    let Look { height, size, names, .. } = look;
    let Some(names) = names else {
        let top = rect.bottom() - (height * 0.22).clamp(3.0, 6.0) - 1.0;
        return (rect.with_min_y(top).with_max_y(rect.bottom() - 1.0), (rect.top() + top) / 2.0);
    };
    let from = pos2(rect.left() + names + 0.55 * size, rect.top() + height * 0.2);
    let to = pos2(rect.right() - 3.3 * size, rect.bottom() - height * 0.2);
    (Rect::from_min_max(from, to), rect.center().y)
}

/// How a row is written.
fn font(ui: &Ui, answer: Option<Answer>, size: f32) -> (FontId, Color32) {
    match answer {
        Some(Answer { is_best: true, .. }) => {
            (FontId::new(size, semibold()), ui.visuals().strong_text_color())
        }
        _ => (FontId::proportional(size), ui.visuals().weak_text_color()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_a_name_is_a_question() {
        assert_eq!([name(&["cat".into()], 0), name(&[], 3)], ["cat", "?"]);
    }

    #[test]
    fn few_classes_keep_their_order_and_of_many_the_likeliest_come_first() {
        assert_eq!(ranked(&[0.2, 0.5, 0.3]), [(0, false), (1, true), (2, false)]);
        let many: Vec<f32> =
            (0..12).map(|class| [0.05, 0.01, 0.4][class % 3] / (1 + class / 3) as f32).collect();
        let classes: Vec<usize> = ranked(&many).into_iter().map(|(class, _)| class).collect();
        assert_eq!((classes.len(), &classes[..3]), (MOST, &[2, 5, 8][..]));
    }
}
