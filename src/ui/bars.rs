//! Probabilities as bars that the back row can read.
use super::theme::semibold;
use egui::{Align2, Color32, FontFamily, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Of more classes only the most probable are shown.
const MOST: usize = 10;
/// Letters of a name that there is room for.
const LETTERS: usize = 11;

/// One bar a class, `height` in all.
pub fn ui(ui: &mut Ui, probabilities: &[f32], class_names: &[String], height: f32) {
    let mut classes: Vec<usize> = (0..probabilities.len()).collect();
    classes.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let best = classes.first().copied();
    classes.truncate(MOST);
    if probabilities.len() <= MOST {
        classes.sort_unstable();
    }
    let names: Vec<String> = classes.iter().map(|class| short(name(class_names, *class))).collect();
    let answers = classes.iter().zip(&names).map(|(class, short)| {
        let spoken = format!("{}: {}", name(class_names, *class), percent(probabilities[*class]));
        (short.as_str(), Some((probabilities[*class], Some(*class) == best, spoken)))
    });
    rows(ui, longest(&names), height / names.len().max(1) as f32, answers);
}

/// Where there is nothing to show yet: the rails alone, named where all classes have one.
pub fn empty(ui: &mut Ui, class_names: &[String], height: f32) {
    let all_named = (1..=MOST).contains(&class_names.len());
    let names = if all_named {
        class_names.iter().map(|name| short(name)).collect()
    } else {
        vec![String::new(); MOST]
    };
    let height = height / names.len() as f32;
    rows(ui, longest(&names), height, names.iter().map(|name| (name.as_str(), None)));
}

/// What a class is.
pub fn name(class_names: &[String], class: usize) -> &str {
    class_names.get(class).map_or("?", String::as_str)
}

/// What probabilities are: of answers given with calibrated 80 %, 80 % are right.
pub fn kind(is_calibrated: bool) -> &'static str {
    if is_calibrated { "calibrated" } else { "uncalibrated" }
}

/// Letters of the longest name.
fn longest(names: &[String]) -> usize {
    names.iter().map(|name| name.chars().count()).max().unwrap_or(1)
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.into();
    }
    name.chars().take(LETTERS - 1).chain(['…']).collect()
}

fn percent(probability: f32) -> String {
    format!("{:.0} %", probability * 100.0)
}

/// The probability, whether it is the highest, and both in words.
type Answer = (f32, bool, String);

/// `letters` is the length of the longest name.
fn rows<'n>(ui: &mut Ui, letters: usize, height: f32, rows: impl Iterator<Item = (&'n str, Option<Answer>)>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (name, answer) in rows {
            row(ui, name, answer, letters, height);
        }
    });
}

fn row(ui: &mut Ui, name: &str, answer: Option<Answer>, letters: usize, height: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let (visuals, painter) = (ui.visuals(), ui.painter());
    let is_best = answer.as_ref().is_some_and(|(_, is_best, _)| *is_best);
    let size = (height * 0.86).clamp(12.0, if letters > 1 { 15.0 } else { 20.0 });
    let font = FontId::new(size, if is_best { semibold() } else { FontFamily::Proportional });
    let text = if is_best { visuals.strong_text_color() } else { visuals.weak_text_color() };
    painter.text(rect.left_center(), Align2::LEFT_CENTER, name, font.clone(), text);
    let rail = Rect::from_min_max(
        pos2(rect.left() + size * (0.55 + 0.55 * letters as f32), rect.top() + height * 0.2),
        pos2(rect.right() - size * 3.3, rect.bottom() - height * 0.2),
    );
    let behind: Color32 = visuals.widgets.inactive.bg_fill.gamma_multiply(0.45);
    painter.rect_filled(rail, 3.0, behind);
    let Some((probability, _, spoken)) = answer else { return };
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
    let fill = if is_best { visuals.selection.bg_fill } else { visuals.weak_text_color() };
    let filled = rail.with_max_x(rail.left() + rail.width() * probability.clamp(0.0, 1.0));
    painter.rect_filled(filled, 3.0, fill);
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, percent(probability), font, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_the_room_there_is() {
        assert_eq!([short("7"), short("golden retriever")], ["7", "golden ret…"]);
        assert_eq!([name(&["cat".into()], 0), name(&[], 3)], ["cat", "?"]);
    }
}
