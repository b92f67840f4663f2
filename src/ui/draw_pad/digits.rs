//! The digits that were found on a picture, which are read one after another.
use super::{DrawPad, page::Opened};
use crate::{
    data::drawing::Found,
    evaluation::confidence,
    protocol::Finding,
    session::Run,
    ui::{bars, theme, widgets::elided},
};
use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, RichText, Role, Stroke, StrokeKind,
    TextureHandle, Ui, Vec2, WidgetInfo, pos2,
};

/// The most characters of a class beside others of its kind.
const NAME: usize = 10;
/// The height of what is written above a box, in points.
const LETTER: f32 = 18.0;

/// A picture with the digits that were found on it.
pub struct Digits<'a> {
    pub picture: &'a TextureHandle,
    pub found: &'a [Found],
    /// The one that the bars and the views are about.
    pub at: usize,
    /// What each was read as, and how probable that is; empty until they have been read.
    pub read: Vec<(String, f32)>,
}

impl Digits<'_> {
    /// Whether there is more to show than the one digit that the bars are about.
    pub fn are_several(&self) -> bool {
        self.found.len() > 1
    }

    /// What was read, one digit after another: "42". None until they have been read.
    pub fn text(&self) -> Option<String> {
        let are_letters = self.read.iter().all(|(class, _)| class.chars().count() == 1);
        let classes: Vec<&str> = self.read.iter().map(|(class, _)| class.as_str()).collect();
        (!classes.is_empty()).then(|| classes.join(if are_letters { "" } else { ", " }))
    }

    /// "Digit 2 of 3, read as 4 (98 %)".
    pub fn spoken(&self, at: usize) -> String {
        let read = self.read.get(at);
        let read =
            read.map(|(class, share)| format!(", read as {class} ({})", confidence((*share).into(), 0)));
        format!("Digit {} of {}{}", at + 1, self.found.len(), read.unwrap_or_default())
    }

    /// Where a digit lies on its picture, which is shown in a rectangle.
    pub fn place(&self, at: usize, picture: Rect) -> Rect {
        let [left, top, right, bottom] = self.found[at].bounds;
        let on = |x: f32, y: f32| picture.min + Vec2::new(x, y) * picture.size();
        Rect::from_min_max(on(left, top), on(right, bottom)).expand(3.0).intersect(picture)
    }

    /// The digit whose box a point of the picture lies in.
    pub fn hit(&self, point: Pos2, picture: Rect) -> Option<usize> {
        (0..self.found.len()).find(|at| self.place(*at, picture).contains(point))
    }

    /// A box around each digit, with what it was read as, over a picture that is shown in a rectangle.
    pub fn paint(&self, painter: &Painter, picture: Rect) {
        let [other, chosen] = [Color32::from_gray(190), theme::run_colors(true)[0]];
        for at in 0..self.found.len() {
            let (place, is_chosen) = (self.place(at, picture), at == self.at && self.are_several());
            let (color, width) = if is_chosen { (chosen, 2.5) } else { (other, 1.5) };
            // a dark edge, so that it is seen on paper too
            let halo = Stroke::new(width + 2.0, Color32::from_black_alpha(150));
            painter.rect_stroke(place, CornerRadius::same(3), halo, StrokeKind::Middle);
            painter.rect_stroke(place, CornerRadius::same(3), Stroke::new(width, color), StrokeKind::Middle);
            if let Some((class, _)) = self.read.get(at).filter(|_| self.are_several()) {
                write(painter, elided(class, NAME), place, color);
            }
        }
    }

    /// A button for each digit; gives the one that was chosen.
    pub fn choose(&self, ui: &mut Ui) -> Option<usize> {
        let mut chosen = None;
        for at in 0..self.found.len() {
            let text = self.read.get(at).map_or("?".into(), |(class, _)| elided(class, NAME));
            let response = ui.selectable_label(at == self.at, RichText::new(text).strong());
            let is_enabled = ui.is_enabled();
            response.widget_info(|| {
                WidgetInfo::selected(Role::RadioButton, is_enabled, at == self.at, self.spoken(at))
            });
            if response.on_hover_text("Look into this digit").clicked() {
                chosen = Some(at);
            }
        }
        chosen
    }
}

/// A class above its box, or beneath it at the top of the picture.
fn write(painter: &Painter, class: String, place: Rect, color: Color32) {
    let has_room = place.top() - LETTER > painter.clip_rect().top();
    let (at, align) = match has_room {
        true => (place.center_top() - Vec2::new(0.0, 3.0), Align2::CENTER_BOTTOM),
        false => (place.center_bottom() + Vec2::new(0.0, 3.0), Align2::CENTER_TOP),
    };
    let galley = painter.layout_no_wrap(class, FontId::proportional(LETTER - 3.0), color);
    let written = align.anchor_size(at, galley.size());
    painter.rect_filled(written.expand2(Vec2::new(4.0, 0.0)), 3.0, Color32::from_black_alpha(190));
    painter.galley(written.min, galley, color);
}

impl DrawPad {
    /// The digits on the picture that is open, where it is read as a drawing.
    pub fn digits(&self, run: Option<&Run>) -> Option<Digits<'_>> {
        let opened = self.page.opened.as_ref().filter(|opened| opened.as_drawing && !opened.is_framed)?;
        let [_, picture] = self.textures.as_ref()?;
        Some(Digits { picture, found: &opened.digits, at: opened.at, read: self.read(run, opened) })
    }

    /// What a run reads in each digit of a picture, once it has read them.
    fn read(&self, run: Option<&Run>, opened: &Opened) -> Vec<(String, f32)> {
        let found = run.and_then(|run| self.questions.digits.found(&run.id));
        let Some(Ok(Finding::Scores { class_names, scores, .. })) = found.map(|found| &found.finding) else {
            return vec![];
        };
        let are_theirs = found.is_some_and(|found| *found.about == opened.number);
        let named = |scores: &Vec<f32>| {
            let (class, share) = bars::best(scores);
            (bars::name(class_names, class).to_owned(), share)
        };
        let read = scores.iter().filter(|scores| are_theirs && !scores.is_empty());
        read.map(named).collect()
    }

    /// The digit of the picture that a point of the pad lies on, where there are several.
    pub(super) fn digit_at(&self, point: Pos2, pad: Rect) -> Option<usize> {
        let digits = self.digits(None).filter(Digits::are_several)?;
        digits.hit(point, fitted(digits.picture, pad))
    }

    /// Chooses the digit that the bars and the views are about.
    pub fn choose_digit(&mut self, at: usize) {
        if let Some(opened) = self.page.opened.as_mut().filter(|opened| at < opened.digits.len()) {
            opened.at = at;
            self.changed();
        }
    }
}

/// The part of a rectangle that a picture fills, as large as fits.
pub fn fitted(picture: &TextureHandle, rect: Rect) -> Rect {
    let size = picture.size_vec2();
    Rect::from_center_size(rect.center(), size * (rect.size() / size).min_elem())
}

/// A picture in the part of a rectangle that it fills.
pub fn paint(painter: &Painter, picture: &TextureHandle, rect: Rect) {
    let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(picture.id(), rect, whole, Color32::WHITE);
}
