//! All drawings that were kept, what the network reads in each, and removing those that are chosen.
use super::DIGITS;
use crate::{
    data::handwriting::CLASSES,
    errors::Place,
    evaluation::argmax,
    protocol::{
        Caption, Strip,
        data::{DataRequest, Handwriting, Written},
        visual::Thumbnails,
    },
    shape::ImageShape,
    ui::{
        Action,
        save::{self, Source},
        sheet::SheetTexture,
        theme,
        views::Scene,
        widgets::{labeled_button, labeled_button_if, strong},
    },
};
use egui::{
    Align2, Color32, FontId, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextureOptions, Ui, WidgetInfo,
    vec2,
};
use egui_material_icons::icons::{ICON_CHECK, ICON_CLOSE, ICON_DELETE, ICON_UNDO};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// Side of a drawing on the screen, in points.
const DRAWING: f32 = 42.0;
/// The height of what stands beneath it, in points.
const BENEATH: f32 = 17.0;
/// The width of the column of digits, in points.
const NAMES: f32 = 64.0;
const SHAPE: ImageShape = ImageShape::new(28, 28, 1);

/// What is kept between frames.
#[derive(Default)]
pub struct Drawings {
    shown: Option<Shown>,
    /// Those that are chosen, by their places.
    chosen: BTreeSet<PathBuf>,
    /// Those that were removed last.
    removed: Vec<Written>,
}

/// Textures of all drawings, a digit each.
struct Shown {
    of: Arc<Handwriting>,
    textures: [SheetTexture; CLASSES],
}

impl Drawings {
    /// `scores` are the network's, one for each drawing.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        handwriting: &Arc<Handwriting>,
        scores: Option<&[Vec<f32>]>,
        scene: &mut Scene<'_>,
    ) {
        self.chosen.retain(|place| handwriting.drawings.iter().any(|one| one.place == *place));
        let held_out = handwriting.drawings.iter().filter(|one| one.is_test).count();
        ui.label(format!("{} drawings, {held_out} of them held out (·)", handwriting.drawings.len()))
            .on_hover_text(Place::folder(&handwriting.folder).to_string());
        ui.horizontal_wrapped(|ui| self.buttons(ui, handwriting, scene));
        let source = Source::of_handwriting(scene.run.map(|run| &run.spec));
        for (label, digit) in DIGITS.into_iter().enumerate() {
            let of_digit: Vec<_> = drawings_of(handwriting, label, scores).collect();
            if of_digit.is_empty() {
                continue;
            }
            ui.horizontal_top(|ui| {
                ui.allocate_ui(vec2(NAMES, DRAWING), |ui| {
                    ui.set_min_width(NAMES);
                    ui.label(strong(digit));
                    ui.label(RichText::new(of_digit.len().to_string()).small().weak());
                    let format = ui.push_id(label, |ui| save::menu(ui, digit, &save::PICTURE)).inner;
                    let picture = |format| source.strip(ui, digit, &strip(digit, &of_digit), format);
                    scene.actions.extend(format.map(picture).map(save::action));
                });
                self.row(ui, handwriting, label, &of_digit);
            });
        }
    }

    /// What can be done with those that are chosen, and with those that were removed.
    pub fn buttons(&mut self, ui: &mut Ui, handwriting: &Handwriting, scene: &mut Scene<'_>) {
        let count = self.chosen.len();
        if !handwriting.drawings.is_empty() {
            let text = format!("Remove {}", some(count));
            if labeled_button_if(ui, count > 0, ICON_DELETE, &text).clicked() {
                let is_chosen = |one: &&Written| self.chosen.contains(&one.place);
                self.removed = handwriting.drawings.iter().filter(is_chosen).cloned().collect();
                let places = std::mem::take(&mut self.chosen).into_iter().collect();
                scene.actions.push(Action::Data(DataRequest::RemoveDrawings { places }));
            }
        }
        let removed = match &self.removed[..] {
            [] => None,
            [one] => Some(format!("Bring the {} back", one.label)),
            several => Some(format!("Bring {} back", some(several.len()))),
        };
        if removed.is_some_and(|text| labeled_button(ui, ICON_UNDO, &text).clicked()) {
            let drawings = std::mem::take(&mut self.removed);
            scene.actions.push(Action::Data(DataRequest::RestoreDrawings { drawings }));
        }
        if count == 0 && !handwriting.drawings.is_empty() {
            ui.label(RichText::new("Click on a drawing to choose it.").weak());
        }
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        handwriting: &Arc<Handwriting>,
        label: usize,
        drawings: &[(&Written, Caption)],
    ) {
        if self.shown.as_ref().is_none_or(|shown| !Arc::ptr_eq(&shown.of, handwriting)) {
            self.shown = Some(Shown::new(ui, handwriting));
        }
        let Self { shown: Some(Shown { textures, .. }), chosen, .. } = self else { return };
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
            for (at, (one, caption)) in drawings.iter().enumerate() {
                let is_chosen = chosen.contains(&one.place);
                let spoken = spoken(at, one, caption);
                if drawing(ui, (&textures[label], at), caption, is_chosen, &spoken)
                    && !chosen.remove(&one.place)
                {
                    chosen.insert(one.place.clone());
                }
            }
        });
    }
}

impl Shown {
    fn new(ui: &Ui, handwriting: &Arc<Handwriting>) -> Self {
        let texture = |label| {
            let of_digit = handwriting.drawings.iter().filter(|one| one.label == label);
            let pixels = Arc::new(of_digit.flat_map(|one| one.framed.iter().copied()).collect());
            SheetTexture::new(
                ui.ctx(),
                &Thumbnails { request: 0, shape: SHAPE, pixels },
                TextureOptions::NEAREST,
            )
        };
        Self { of: handwriting.clone(), textures: std::array::from_fn(texture) }
    }
}

/// "1 drawing" or "3 drawings".
fn some(count: usize) -> String {
    match count {
        0 => "drawings".into(),
        1 => "1 drawing".into(),
        _ => format!("{count} drawings"),
    }
}

/// Those of a digit, the oldest first, and what stands beneath each.
fn drawings_of<'a>(
    handwriting: &'a Handwriting,
    label: usize,
    scores: Option<&'a [Vec<f32>]>,
) -> impl Iterator<Item = (&'a Written, Caption)> {
    let all = handwriting.drawings.iter().enumerate().filter(move |(_, one)| one.label == label);
    all.map(move |(at, one)| (one, caption(one, scores.and_then(|scores| scores.get(at)))))
}

fn strip(name: &'static str, drawings: &[(&Written, Caption)]) -> Strip {
    Strip {
        name,
        help: "",
        shape: SHAPE,
        pixels: drawings.iter().flat_map(|(one, _)| one.framed.iter().copied()).collect(),
        captions: drawings.iter().map(|(_, caption)| caption.clone()).collect(),
    }
}

/// What the network reads, and a dot where the drawing is held out.
fn caption(one: &Written, scores: Option<&Vec<f32>>) -> Caption {
    let read = scores.filter(|scores| !scores.is_empty()).map(|scores| argmax(scores));
    let mark = if one.is_test { " ·" } else { "" };
    let text = read.map_or(mark.to_owned(), |read| format!("{read}{mark}"));
    Caption { text, is_right: read.map(|read| read == one.label) }
}

/// "A 7, number 3: held out, read as 1, which is wrong".
fn spoken(at: usize, one: &Written, caption: &Caption) -> String {
    let held_out = if one.is_test { "held out" } else { "to train on" };
    let read = caption.text.trim_end_matches(" ·");
    let read = match caption.is_right {
        None => String::new(),
        Some(true) => format!(", read as {read}"),
        Some(false) => format!(", read as {read}, which is wrong"),
    };
    format!("A {}, number {}: {held_out}{read}", one.label, at + 1)
}

/// One drawing; says whether it was clicked.
fn drawing(
    ui: &mut Ui,
    (texture, at): (&SheetTexture, usize),
    caption: &Caption,
    is_chosen: bool,
    spoken: &str,
) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(DRAWING, DRAWING + BENEATH), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), is_chosen, spoken));
    if ui.is_rect_visible(rect) {
        let place = Rect::from_min_size(rect.min, vec2(DRAWING, DRAWING));
        let (visuals, painter) = (ui.visuals(), ui.painter());
        let alarm = theme::alarm(visuals.dark_mode);
        let is_wrong = caption.is_right == Some(false);
        painter.image(texture.id(), place, texture.part(at), Color32::WHITE);
        let icon = |icon: egui_material_icons::MaterialIcon, at: egui::Pos2, anchor, color| {
            painter.text(at, anchor, icon.codepoint, FontId::new(15.0, icon.font_family()), color);
        };
        if is_wrong {
            painter.rect_stroke(place, 0.0, Stroke::new(2.0, alarm), StrokeKind::Inside);
            icon(ICON_CLOSE, place.right_top(), Align2::RIGHT_TOP, alarm);
        }
        let accent = visuals.selection.bg_fill;
        if is_chosen {
            painter.rect_filled(place, 0.0, accent.gamma_multiply(0.45));
            icon(ICON_CHECK, place.left_top(), Align2::LEFT_TOP, Color32::WHITE);
        }
        if is_chosen || response.hovered() || response.has_focus() {
            painter.rect_stroke(place, 2.0, Stroke::new(2.0, accent), StrokeKind::Outside);
        }
        let color = if is_wrong { alarm } else { visuals.text_color() };
        let at = place.center_bottom() + vec2(0.0, 2.0);
        painter.text(at, Align2::CENTER_TOP, &caption.text, FontId::proportional(12.5), color);
    }
    response.on_hover_text(spoken).clicked()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::written, *};

    #[test]
    fn drawings_are_captioned_and_spoken() {
        let wrong = caption(&written(0, true), Some(&vec![0.4, 0.6]));
        assert_eq!((wrong.text.as_str(), wrong.is_right), ("1 ·", Some(false)));
        assert_eq!(
            spoken(2, &written(0, true), &wrong),
            "A 0, number 3: held out, read as 1, which is wrong"
        );
        let unread = caption(&written(1, false), None);
        assert_eq!(unread, Caption { text: String::new(), is_right: None });
        assert_eq!(spoken(0, &written(1, false), &unread), "A 1, number 1: to train on");
    }
}
