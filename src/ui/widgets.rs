//! Small pieces that several panels share.
use super::theme;
pub use crate::listing::duration;
use crate::{
    metrics::{MetricInfo, Unit},
    protocol::Preparing,
    shape::ImageShape,
    spec::Misfit,
};
use egui::{
    Align, AsIdSalt, Button, Color32, ColorImage, FontId, FontSelection, Frame, Galley, Layout, Margin,
    PopupCloseBehavior, ProgressBar, Rect, Response, RichText, Role, ScrollArea, TextWrapMode, Ui, UiBuilder,
    Vec2, WidgetInfo, WidgetText,
    containers::menu::{MenuButton, MenuConfig},
    vec2,
};
use egui_material_icons::{MaterialIcon, icons::ICON_STAR};
use std::{sync::Arc, time::Duration};

/// A raised surface.
pub fn card(ui: &Ui) -> Frame {
    Frame::new()
        .fill(ui.visuals().window_fill)
        .stroke(ui.visuals().window_stroke)
        .corner_radius(10)
        .inner_margin(12)
}

/// A menu in which several things are chosen one after the other: it stays open until something else is clicked.
pub fn lasting_menu(text: &str) -> MenuButton<'_> {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    MenuButton::new(text).config(config)
}

/// What a menu holds. One that would be taller than the window scrolls.
pub fn menu_items<R>(ui: &mut Ui, items: impl FnOnce(&mut Ui) -> R) -> R {
    let most = (ui.ctx().content_rect().height() * 0.7).max(120.0);
    ScrollArea::vertical().max_height(most).min_scrolled_height(most).show(ui, items).inner
}

/// One of several to choose from; greyed out, with the reason as its tooltip, where it does not fit.
pub fn offered(
    ui: &mut Ui,
    is_chosen: bool,
    label: impl Into<WidgetText>,
    help: &str,
    misfit: Option<Misfit>,
) -> Response {
    let choice = ui.add_enabled(misfit.is_none(), Button::selectable(is_chosen, label.into()));
    match misfit {
        Some(misfit) => choice.on_disabled_hover_text(misfit.to_string()),
        None => choice.on_hover_text(help),
    }
}

/// A part whose widgets keep their identity, and with it the keyboard's focus, when something before it comes or goes.
pub fn steady<R>(ui: &mut Ui, salt: impl AsIdSalt, content: impl FnOnce(&mut Ui) -> R) -> R {
    let id = ui.scope_id().with(salt);
    ui.scope_builder(UiBuilder::new().scope_id(id), content).inner
}

/// Content that is as wide as there is room, and never pushes what is around it: what is wider is clipped.
pub fn contained<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let room = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), f32::INFINITY));
    let mut inside = ui.new_child(UiBuilder::new().id_salt("contained").max_rect(room));
    let clip = ui.clip_rect();
    inside.set_clip_rect(clip.intersect(room.with_min_y(clip.top()).expand2(vec2(2.0, 0.0))));
    let result = content(&mut inside);
    ui.allocate_space(vec2(room.width(), inside.min_rect().height()));
    result
}

/// Columns of equal width, each with its number. Texts in them end raggedly; in egui's own they are justified.
pub fn columns(ui: &mut Ui, count: usize, mut content: impl FnMut(usize, &mut Ui)) {
    ui.columns(count, |columns| {
        for (at, column) in columns.iter_mut().enumerate() {
            column.with_layout(Layout::top_down(Align::LEFT), |ui| content(at, ui));
        }
    });
}

/// Width and height of an image, in pixels.
pub fn size_of(shape: ImageShape) -> Vec2 {
    vec2(shape.width as f32, shape.height as f32)
}

/// Bytes as a picture: height, width and channels, row by row. Of other than three channels the first is shown as a grey.
pub fn picture(ImageShape { height, width, channels }: ImageShape, pixels: &[u8]) -> ColorImage {
    if channels == 3 {
        return ColorImage::from_rgb([width, height], pixels);
    }
    let greys: Vec<u8> = pixels.iter().step_by(channels.max(1)).copied().collect();
    ColorImage::from_gray([width, height], &greys)
}

/// The title of a part of the window.
pub fn title(ui: &mut Ui, text: &str) -> Response {
    ui.label(strong(text))
}

pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(theme::semibold())
}

/// A small tinted label.
pub fn pill(ui: &mut Ui, text: &str, color: Color32) {
    let frame =
        Frame::new().fill(color.gamma_multiply(0.18)).corner_radius(10).inner_margin(Margin::symmetric(8, 2));
    frame.show(ui, |ui| ui.label(RichText::new(text).small().color(color)));
}

/// A button that shows only an icon; its name is for screen readers, and its tooltip.
pub fn icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let response = ui.add(Button::new(icon.rich_text().size(18.0)));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    response.on_hover_text(name)
}

/// As [`icon_button`], without a frame, for places with many of them.
pub fn quiet_icon_button(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let response = ui.add(Button::new(icon.rich_text().size(17.0)).frame(false));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    response.on_hover_text(name)
}

/// A star that is on or off, of something with a name.
pub fn star(ui: &mut Ui, is_on: bool, name: &str) -> Response {
    let color = if is_on {
        theme::star(ui.visuals().dark_mode)
    } else {
        ui.visuals().weak_text_color().gamma_multiply(0.5)
    };
    let response = ui.add(Button::new(ICON_STAR.rich_text().size(17.0).color(color)).frame(false));
    response
        .widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), is_on, format!("Star {name}")));
    response.on_hover_text(if is_on { "Take the star off" } else { "Put a star on it" })
}

/// A button with an icon before its text.
pub fn labeled_button(ui: &mut Ui, icon: MaterialIcon, text: &str) -> Response {
    labeled_button_if(ui, true, icon, text)
}

/// The same where it can be pressed under a condition.
pub fn labeled_button_if(ui: &mut Ui, enabled: bool, icon: MaterialIcon, text: &str) -> Response {
    let response = ui.add_enabled(enabled, Button::new((icon.rich_text().size(18.0), RichText::new(text))));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled && ui.is_enabled(), text));
    response
}

/// Shortens a text to a number of characters, the last of them "…" where some are cut off.
pub fn elided(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.into(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A line of letters, ended by "…" where it would be wider than `most` points.
pub fn fitted(ui: &Ui, text: &str, font: FontId, color: Color32, most: f32) -> Arc<Galley> {
    let text = WidgetText::from(RichText::new(text).font(font).color(color));
    text.into_galley(ui, Some(TextWrapMode::Truncate), most.max(0.0), FontSelection::Default)
}

/// "98 %", and ">99 %" of what is not all.
pub fn whole_percent(share: f32) -> String {
    if (0.995..1.0).contains(&share) { ">99 %".into() } else { format!("{:.0} %", share * 100.0) }
}

/// "98.6 %".
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A metric's value, short: "98.6 %" or "0.0432 nats".
pub fn figure(of: &MetricInfo, value: f64) -> String {
    if of.unit == Unit::Share { percent(value) } else { of.written(value) }
}

/// Three significant digits, without noise: "0.001", "0.25", "64", "1.2e-5".
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    let digits = (2.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// How far the images of a data set are: "Preparing images: 12,000 of 60,000 · 8 s left".
pub fn preparation(ui: &mut Ui, of: &Preparing) {
    ui.label(prepared(of));
    ui.add(ProgressBar::new(of.done as f32 / of.total.max(1) as f32).desired_height(6.0));
    // nothing else says that it went on
    ui.ctx().request_repaint_after(Duration::from_millis(100));
}

/// "Preparing images: 12,000 of 60,000 · 8 s left".
pub fn prepared(of: &Preparing) -> String {
    let count = format!(": {} of {}", thousands(of.done), thousands(of.total));
    let count = if of.total > 0 { count } else { "…".into() };
    let left = of.secs_left.map_or(String::new(), |secs| format!(" · {} left", duration(secs)));
    format!("{}{count}{left}", of.what)
}

/// "12,345".
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let grouped: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    grouped.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        let found = [0.0, 0.001, 0.00035, 0.25, 64.0, 1234.5, 0.1 + 0.2, 5e7].map(number);
        assert_eq!(found, ["0", "0.001", "0.00035", "0.25", "64", "1234", "0.3", "5e7"]);
        assert_eq!([999, 1000, 1_199_882].map(thousands), ["999", "1,000", "1,199,882"]);
        assert_eq!([0.0, 0.984, 0.9951, 1.0].map(whole_percent), ["0 %", "98 %", ">99 %", "100 %"]);
        assert_eq!([0.4, 61.0, 3700.0].map(duration), ["0 s", "1 min 01 s", "1 h 01 min"]);
    }

    #[test]
    fn letters_of_any_script_fit_into_the_room_there_is() {
        let ctx = egui::Context::default();
        crate::ui::install(&ctx);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            let written = |text| fitted(ui, text, FontId::proportional(15.0), Color32::BLACK, 64.0);
            assert!(["7", "马", "frog"].into_iter().all(|text| !written(text).elided));
            for text in ["a golden retriever", "金毛寻回犬和马"] {
                let written = written(text);
                assert!(written.elided && written.size().x <= 64.0, "{text}: {}", written.size());
            }
        });
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(["名字很长", "名字很长的"].map(|text| elided(text, 4)), ["名字很长", "名字很…"]);
    }
}
