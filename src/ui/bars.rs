//! Probabilities as bars that the back row can read.
use super::theme::semibold;
use egui::{Align2, Color32, FontFamily, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// One bar a class, `height` in all.
pub fn ui(ui: &mut Ui, probabilities: &[f32], height: f32) {
    let best = (0..probabilities.len()).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let each = height / probabilities.len().max(1) as f32;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (class, probability) in probabilities.iter().enumerate() {
            bar(ui, class, *probability, Some(class) == best, each);
        }
    });
}

fn bar(ui: &mut Ui, class: usize, probability: f32, best: bool, height: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let percent = format!("{:.0} %", probability * 100.0);
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, format!("Digit {class}: {percent}")));
    let visuals = ui.visuals();
    let size = (height * 0.86).clamp(12.0, 20.0);
    let font = FontId::new(size, if best { semibold() } else { FontFamily::Proportional });
    let text = if best { visuals.strong_text_color() } else { visuals.weak_text_color() };
    let painter = ui.painter();
    painter.text(rect.left_center(), Align2::LEFT_CENTER, class, font.clone(), text);
    let rail = Rect::from_min_max(
        pos2(rect.left() + size * 1.1, rect.top() + height * 0.2),
        pos2(rect.right() - size * 3.3, rect.bottom() - height * 0.2),
    );
    let fill = if best { visuals.selection.bg_fill } else { visuals.weak_text_color() };
    painter.rect_filled(rail, 3.0, visuals.widgets.inactive.bg_fill.gamma_multiply(0.45));
    painter.rect_filled(rail.with_max_x(rail.left() + rail.width() * probability.clamp(0.0, 1.0)), 3.0, fill);
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, percent, font, text);
}

/// Where there is nothing to show yet: the rails alone.
pub fn empty(ui: &mut Ui, classes: usize, height: f32) {
    let each = height / classes as f32;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let color = ui.visuals().weak_text_color();
    let rail: Color32 = ui.visuals().widgets.inactive.bg_fill.gamma_multiply(0.45);
    for class in 0..classes {
        let row =
            Rect::from_min_size(rect.left_top() + vec2(0.0, class as f32 * each), vec2(rect.width(), each));
        let size = (each * 0.86).clamp(12.0, 20.0);
        ui.painter().text(row.left_center(), Align2::LEFT_CENTER, class, FontId::proportional(size), color);
        let bar = Rect::from_min_max(
            pos2(row.left() + size * 1.1, row.top() + each * 0.2),
            pos2(row.right() - size * 3.3, row.bottom() - each * 0.2),
        );
        ui.painter().rect_filled(bar, 3.0, rail);
    }
}
