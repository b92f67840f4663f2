//! Notices, theme, size, and which panels are open.
use super::{Settings, notices::Notices, widgets::icon_button};
use egui::{Align, Align2, Button, FontId, Layout, Rect, Role, Sense, StrokeKind, Ui, WidgetInfo, vec2};
use egui_material_icons::{
    MaterialIcon,
    icons::{
        ICON_DARK_MODE, ICON_LEFT_PANEL_CLOSE, ICON_LEFT_PANEL_OPEN, ICON_LIGHT_MODE, ICON_RIGHT_PANEL_CLOSE,
        ICON_RIGHT_PANEL_OPEN, ICON_TEXT_DECREASE, ICON_TEXT_INCREASE,
    },
};

/// The margin of the bar, in points.
pub const MARGIN: egui::Margin = egui::Margin::symmetric(14, 8);

/// How much of the bar's width each zoom button senses, in points at 100 %: it is the same part of the screen at every
/// zoom, so that a button stays under the pointer that presses it.
const PLACE: f32 = 56.0;

/// At the right end of the bar. `wide` says whether the runs have a panel of their own.
pub fn ui(ui: &mut Ui, settings: &mut Settings, notices: &mut Notices, wide: bool) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        zoom(ui, settings);
        let (icon, name) =
            if settings.dark { (ICON_LIGHT_MODE, "Light theme") } else { (ICON_DARK_MODE, "Dark theme") };
        if icon_button(ui, icon, name).clicked() {
            settings.dark = !settings.dark;
        }
        let right = if settings.show_controls {
            (ICON_RIGHT_PANEL_CLOSE, "Hide the controls")
        } else {
            (ICON_RIGHT_PANEL_OPEN, "Show the controls")
        };
        if icon_button(ui, right.0, right.1).clicked() {
            settings.show_controls = !settings.show_controls;
        }
        if wide {
            let left = if settings.show_runs {
                (ICON_LEFT_PANEL_CLOSE, "Hide the runs")
            } else {
                (ICON_LEFT_PANEL_OPEN, "Show the runs")
            };
            if icon_button(ui, left.0, left.1).clicked() {
                settings.show_runs = !settings.show_runs;
            }
        }
        notices.button(ui);
    });
}

/// In the corner: larger, smaller, and how large everything is.
fn zoom(ui: &mut Ui, settings: &mut Settings) {
    let place = PLACE / ui.ctx().zoom_factor();
    let bar = ui.max_rect().expand2(vec2(MARGIN.rightf(), MARGIN.topf()));
    ui.add_space(2.0 * place - MARGIN.rightf());
    let at = |number: f32| {
        let right = bar.right() - number * place;
        Rect::from_x_y_ranges(right - place..=right, bar.y_range())
    };
    for (number, steps, icon, name) in [
        (0.0, 1.0, ICON_TEXT_INCREASE, "Larger (Ctrl and +)"),
        (1.0, -1.0, ICON_TEXT_DECREASE, "Smaller (Ctrl and −)"),
    ] {
        let zoomed = settings.zoomed(steps);
        if zoom_button(ui, at(number), icon, name, zoomed != settings.zoom) {
            settings.zoom = zoomed;
        }
    }
    let percent = format!("{:.0} %", settings.zoom * 100.0);
    let help = "How large everything is: click, or press Ctrl and 0, for 100 %";
    if ui.add(Button::new(percent).frame(false)).on_hover_text(help).clicked() {
        settings.zoom = 1.0;
    }
}

fn zoom_button(ui: &Ui, place: Rect, icon: MaterialIcon, name: &str, enabled: bool) -> bool {
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let response = ui.interact(place, ui.make_persistent_id(name), sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    let visuals = ui.style().interact(&response);
    let button = Rect::from_center_size(place.center(), vec2((place.width() - 4.0).min(38.0), 28.0));
    let painter = ui.painter();
    painter.rect(button, visuals.corner_radius, visuals.weak_bg_fill, visuals.bg_stroke, StrokeKind::Inside);
    let color =
        if enabled { visuals.text_color() } else { ui.visuals().weak_text_color().gamma_multiply(0.5) };
    let font = FontId::new(18.0, icon.font_family());
    painter.text(button.center(), Align2::CENTER_CENTER, icon.codepoint, font, color);
    response.on_hover_text(name).clicked()
}
