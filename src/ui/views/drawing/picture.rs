//! The picture that was opened, with a box around each digit on it, which are read one after another.
use crate::{
    evaluation::confidence,
    ui::{
        draw_pad::{Digits, Wish, paint},
        views::{Scene, part},
        widgets::{strong, title},
    },
};
use egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

/// The most that the picture takes, in points.
const SIZE: egui::Vec2 = vec2(420.0, 260.0);

/// Shows it where there are several digits on it, or it is a photograph; a click chooses one of them.
pub fn ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let is_photographed = scene.sheet.is_some_and(|sheet| sheet.is_photographed());
    let shown = |digits: &&Digits<'_>| digits.are_several() || is_photographed;
    let Some(digits) = scene.digits.as_ref().filter(shown) else { return };
    let mut chosen = None;
    part(ui, |ui| {
        title(ui, "On the picture")
            .on_hover_text("The digits that were found, with all other ink taken away");
        if digits.are_several() {
            ui.label(strong(sentence(digits)));
        }
        chosen = boxed(ui, digits);
    });
    if chosen.is_some() {
        *scene.pad = chosen.map(Wish::Digit);
    }
}

/// "Read one after another: 42. The least sure is digit 2, read as 2 (71 %)."
fn sentence(digits: &Digits<'_>) -> String {
    let count = digits.found.len();
    let least = digits.read.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1));
    match (digits.text(), least) {
        (Some(text), Some((at, (class, share)))) => format!(
            "Read one after another: {text}. The least sure is digit {} of {count}, read as {class} ({}).",
            at + 1,
            confidence((*share).into(), 0)
        ),
        _ => format!("{count} digits were found."),
    }
}

/// The picture; gives the digit that was clicked.
fn boxed(ui: &mut Ui, digits: &Digits<'_>) -> Option<usize> {
    let picture = digits.picture.size_vec2();
    let room = SIZE.min(vec2(ui.available_width(), SIZE.y));
    let size = picture * (room / picture).min_elem();
    let (place, _) = ui.allocate_exact_size(size, Sense::hover());
    paint(ui.painter(), digits.picture, place);
    digits.paint(&ui.painter().with_clip_rect(place), place);
    if !digits.are_several() {
        return None;
    }
    (0..digits.found.len()).find(|at| is_clicked(ui, digits, *at, digits.place(*at, place)))
}

fn is_clicked(ui: &mut Ui, digits: &Digits<'_>, at: usize, place: Rect) -> bool {
    let response = ui.interact(place, ui.scope_id().with(("digit", at)), Sense::click());
    let is_enabled = ui.is_enabled();
    response.widget_info(|| {
        WidgetInfo::selected(Role::RadioButton, is_enabled, at == digits.at, digits.spoken(at))
    });
    if response.has_focus() {
        ui.painter().rect_stroke(
            place.expand(4.0),
            3.0,
            ui.visuals().selection.stroke,
            egui::StrokeKind::Outside,
        );
    }
    response.clicked()
}
