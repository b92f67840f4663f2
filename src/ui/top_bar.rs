//! Title, theme, size, and which panels are open.
use super::{
    Settings,
    widgets::{icon_button, strong},
};
use egui::{Align, Layout, Ui};
use egui_material_icons::icons::{
    ICON_DARK_MODE, ICON_LEFT_PANEL_CLOSE, ICON_LEFT_PANEL_OPEN, ICON_LIGHT_MODE, ICON_RIGHT_PANEL_CLOSE,
    ICON_RIGHT_PANEL_OPEN, ICON_TEXT_DECREASE, ICON_TEXT_INCREASE,
};

pub fn ui(ui: &mut Ui, settings: &mut Settings, narrow: bool) {
    ui.horizontal(|ui| {
        ui.label(strong("Headstart").heading());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (icon, name) =
                if settings.dark { (ICON_LIGHT_MODE, "Light theme") } else { (ICON_DARK_MODE, "Dark theme") };
            if icon_button(ui, icon, name).clicked() {
                settings.dark = !settings.dark;
            }
            if icon_button(ui, ICON_TEXT_INCREASE, "Larger (Ctrl and +)").clicked() {
                settings.zoom += 0.25;
            }
            if icon_button(ui, ICON_TEXT_DECREASE, "Smaller (Ctrl and −)").clicked() {
                settings.zoom -= 0.25;
            }
            if narrow {
                return;
            }
            let right = if settings.show_controls {
                (ICON_RIGHT_PANEL_CLOSE, "Hide the controls")
            } else {
                (ICON_RIGHT_PANEL_OPEN, "Show the controls")
            };
            if icon_button(ui, right.0, right.1).clicked() {
                settings.show_controls = !settings.show_controls;
            }
            let left = if settings.show_runs {
                (ICON_LEFT_PANEL_CLOSE, "Hide the runs")
            } else {
                (ICON_LEFT_PANEL_OPEN, "Show the runs")
            };
            if icon_button(ui, left.0, left.1).clicked() {
                settings.show_runs = !settings.show_runs;
            }
        });
    });
}
