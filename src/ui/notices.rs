//! What has happened, in words: shown for a while at the bottom of the middle, and kept in a list.
use super::{
    theme,
    widgets::{card, duration, elided, icon_button, menu_items, quiet_icon_button, strong},
};
use crate::protocol::{Level, Notice};
use egui::{
    Align, Align2, Area, Button, Color32, Id, Label, Layout, Order, PopupCloseBehavior, Rect, RichText, Role,
    Sense, Ui, WidgetInfo,
    containers::menu::{MenuButton, MenuConfig},
    vec2,
};
use egui_material_icons::{
    MaterialIcon,
    icons::{ICON_CLOSE, ICON_CONTENT_COPY, ICON_ERROR, ICON_INFO, ICON_NOTIFICATIONS, ICON_WARNING},
};
use std::{collections::VecDeque, time::Duration};

/// Of more notices the oldest are forgotten.
const KEPT: usize = 200;
/// Shown at once, at most, and the height that each may need, in points.
const POPPED_UP: usize = 3;
const HEIGHT: f32 = 215.0;
/// Characters of a notice that pops up; the list has the rest.
const SHORT: usize = 400;

/// The notices since the program was started, the oldest first.
#[derive(Default)]
pub struct Notices {
    kept: VecDeque<Kept>,
    unread: usize,
}

struct Kept {
    notice: Notice,
    /// How often it has come.
    times: usize,
    /// When it was first drawn and until when it is popped up, in the window's seconds.
    shown: Option<[f64; 2]>,
}

impl Notices {
    /// One that is there already is counted, and not kept twice.
    pub fn add(&mut self, notice: Notice) {
        let before = self.kept.iter().position(|kept| kept.notice == notice);
        let times = before.and_then(|at| self.kept.remove(at)).map_or(1, |kept| kept.times + 1);
        self.kept.push_back(Kept { notice, times, shown: None });
        self.unread += 1;
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.unread = self.unread.min(self.kept.len());
    }

    /// The newest notices, over the bottom of a part of the window.
    pub fn pop_up(&mut self, ui: &Ui, within: Rect) {
        let now = ui.input(|input| input.time);
        for kept in &mut self.kept {
            let secs = if kept.notice.level == Level::Info { 5.0 } else { 12.0 };
            kept.shown.get_or_insert([now, now + secs]);
        }
        let is_up = |kept: &&mut Kept| kept.shown.is_some_and(|[_, until]| now < until);
        let most = ((within.height() / HEIGHT) as usize).clamp(1, POPPED_UP);
        let mut up: Vec<&mut Kept> = self.kept.iter_mut().rev().filter(is_up).take(most).collect();
        if up.is_empty() {
            return;
        }
        let width = (within.width() - 24.0).clamp(120.0, 520.0);
        let area = Area::new(Id::unique("notices")).order(Order::Foreground).pivot(Align2::CENTER_BOTTOM);
        let area = area.fixed_pos(within.center_bottom() - vec2(0.0, 12.0)).constrain_to(within);
        area.show(ui.ctx(), |ui| {
            ui.set_width(width);
            for kept in up.iter_mut().rev() {
                popped_up(ui, kept, now);
            }
        });
        let next = up.iter().filter_map(|kept| Some(kept.shown?[1])).fold(f64::INFINITY, f64::min);
        ui.ctx().request_repaint_after(Duration::from_secs_f64((next - now).clamp(0.05, 60.0)));
    }

    /// A button with the number of unread notices, which opens the list of all.
    pub fn button(&mut self, ui: &mut Ui) {
        let icon = ICON_NOTIFICATIONS.rich_text().size(18.0);
        let button = match self.unread {
            0 => Button::new(icon),
            unread => Button::new((icon, RichText::new(unread.to_string()))),
        };
        let spoken = format!("Notices: {} unread", self.unread);
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| self.list(ui));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
        response.on_hover_text("What has happened: messages stay here after they have faded");
    }

    fn list(&mut self, ui: &mut Ui) {
        self.unread = 0;
        let now = ui.input(|input| input.time);
        ui.set_width((ui.ctx().content_rect().width() - 48.0).clamp(120.0, 440.0));
        ui.horizontal(|ui| {
            ui.label(strong("Notices"));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if !self.kept.is_empty() && ui.button("Dismiss all").clicked() {
                    self.kept.clear();
                }
            });
        });
        if self.kept.is_empty() {
            ui.label(RichText::new("There are none. Messages stay here after they have faded.").weak());
            return;
        }
        menu_items(ui, |ui| {
            // What a menu holds is justified, which spreads the letters of a text.
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                for kept in self.kept.iter().rev() {
                    ui.separator();
                    listed(ui, kept, now);
                }
            });
        });
        ui.ctx().request_repaint_after(Duration::from_secs(1));
    }
}

fn popped_up(ui: &mut Ui, kept: &mut Kept, now: f64) {
    let text = elided(&kept.notice.text, SHORT);
    let is_whole = text == kept.notice.text;
    let mut is_closed = false;
    let (icon, _, color) = look(kept.notice.level, ui.visuals().dark_mode);
    let shadow = ui.visuals().popup_shadow;
    let shown = card(ui).shadow(shadow).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
            is_closed = icon_button(ui, ICON_CLOSE, "Close the message").clicked();
            ui.with_layout(Layout::left_to_right(Align::TOP), |ui| {
                ui.label(icon.rich_text().size(20.0).color(color));
                ui.vertical(|ui| {
                    ui.add(Label::new(text).wrap());
                    if !is_whole {
                        let more = "The whole text is in the list behind the bell.";
                        ui.label(RichText::new(more).small().weak());
                    }
                });
            });
        });
    });
    if let Some([_, until]) = &mut kept.shown {
        if is_closed {
            *until = now;
        } else if ui.rect_contains_pointer(shown.response.rect) {
            *until = until.max(now + 2.0);
        }
    }
}

fn listed(ui: &mut Ui, kept: &Kept, now: f64) {
    let (icon, word, color) = look(kept.notice.level, ui.visuals().dark_mode);
    let ago = kept.shown.map_or(0.0, |[at, _]| now - at);
    ui.horizontal(|ui| {
        ui.add(Label::new(icon.rich_text().size(18.0).color(color)).sense(Sense::hover()));
        ui.label(RichText::new(word).small().color(color));
        let times = if kept.times > 1 { format!(", {} times", kept.times) } else { String::new() };
        ui.label(RichText::new(format!("{} ago{times}", duration(ago))).small().weak());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if quiet_icon_button(ui, ICON_CONTENT_COPY, "Copy the message").clicked() {
                ui.ctx().copy_text(kept.notice.text.clone());
            }
        });
    });
    ui.add(Label::new(&kept.notice.text).wrap().selectable(true));
}

/// How a level looks, and what it is called.
fn look(level: Level, dark: bool) -> (MaterialIcon, &'static str, Color32) {
    let colors = theme::run_colors(dark);
    match level {
        Level::Info => (ICON_INFO, "Information", colors[0]),
        Level::Warning => (ICON_WARNING, "Warning", colors[1]),
        Level::Error => (ICON_ERROR, "Error", theme::alarm(dark)),
    }
}
