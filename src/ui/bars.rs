//! Probabilities as bars that the back row can read.
use super::{theme::semibold, widgets::fitted};
use egui::{Align2, Color32, FontId, Galley, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Of more classes only the most probable are shown.
const MOST: usize = 10;
/// The share of the width that there is for names.
const NAMES: f32 = 0.5;

/// One bar a class, `height` in all.
pub fn ui(ui: &mut Ui, probabilities: &[f32], class_names: &[String], height: f32) {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let best = classes.first().copied();
    classes.truncate(MOST);
    if probabilities.len() <= MOST {
        classes.sort_unstable();
    }
    let row = |class: &usize| {
        let answer = (probabilities[*class], Some(*class) == best);
        (name(class_names, *class), Some(answer))
    };
    rows(ui, &classes.iter().map(row).collect::<Vec<_>>(), height);
}

/// Where there is nothing to show yet: the rails alone, named where all classes have one.
pub fn empty(ui: &mut Ui, class_names: &[String], height: f32) {
    let all_named = (1..=MOST).contains(&class_names.len());
    let names: Vec<&str> =
        if all_named { class_names.iter().map(String::as_str).collect() } else { vec![""; MOST] };
    rows(ui, &names.into_iter().map(|name| (name, None)).collect::<Vec<_>>(), height);
}

/// What a class is.
pub fn name(class_names: &[String], class: usize) -> &str {
    class_names.get(class).map_or("?", String::as_str)
}

/// What probabilities are: of answers given with calibrated 80 %, 80 % are right.
pub fn kind(is_calibrated: bool) -> &'static str {
    if is_calibrated { "calibrated" } else { "uncalibrated" }
}

/// The probability of a class, and whether it is the highest.
type Answer = (f32, bool);

fn rows(ui: &mut Ui, rows: &[(&str, Option<Answer>)], height: f32) {
    let height = height / rows.len().max(1) as f32;
    let are_letters = rows.iter().all(|(name, _)| name.chars().count() <= 1);
    let size = (height * 0.86).clamp(12.0, if are_letters { 20.0 } else { 15.0 });
    let most = ui.available_width() * NAMES;
    let written = |(name, answer): &(&str, Option<Answer>)| {
        let (font, color) = look(ui, *answer, size);
        fitted(ui, name, font, color, most)
    };
    let names: Vec<_> = rows.iter().map(written).collect();
    let widest = names.iter().map(|name| name.size().x).fold(0.0, f32::max);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for ((name, answer), written) in rows.iter().zip(names) {
            row(ui, (name, *answer), written, [widest, height, size]);
        }
    });
}

/// Its name, its rail, and where there is an answer, the bar and the number.
fn row(
    ui: &mut Ui,
    (name, answer): (&str, Option<Answer>),
    written: Arc<Galley>,
    [widest, height, size]: [f32; 3],
) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let (visuals, painter, is_cut) = (ui.visuals(), ui.painter(), written.elided);
    painter.galley(rect.left_center() - vec2(0.0, written.size().y / 2.0), written, visuals.text_color());
    let rail = Rect::from_min_max(
        pos2(rect.left() + widest + 0.55 * size, rect.top() + height * 0.2),
        pos2(rect.right() - 3.3 * size, rect.bottom() - height * 0.2),
    );
    painter.rect_filled(rail, 3.0, visuals.widgets.inactive.bg_fill.gamma_multiply(0.45));
    let mut spoken = name.to_owned();
    if let Some((probability, is_best)) = answer {
        let fill = if is_best { visuals.selection.bg_fill } else { visuals.weak_text_color() };
        let filled = rail.with_max_x(rail.left() + rail.width() * probability.clamp(0.0, 1.0));
        painter.rect_filled(filled, 3.0, fill);
        let ((font, color), number) = (look(ui, answer, size), format!("{:.0} %", probability * 100.0));
        spoken = format!("{name}: {number}");
        painter.text(rect.right_center(), Align2::RIGHT_CENTER, number, font, color);
        response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
    }
    if is_cut {
        response.on_hover_text(spoken);
    }
}

/// How a row is written.
fn look(ui: &Ui, answer: Option<Answer>, size: f32) -> (FontId, Color32) {
    match answer {
        Some((_, true)) => (FontId::new(size, semibold()), ui.visuals().strong_text_color()),
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
}
