//! A control made from a hyperparameter's description.
use super::{
    theme,
    widgets::{number, quiet_icon_button},
};
use crate::spec::{Param, ParamKind};
use egui::{ComboBox, DragValue, Label, RichText, Sense, Slider, Ui, vec2};
use egui_material_icons::icons::ICON_RESTART_ALT;

/// The width of the column of labels.
const LABEL_WIDTH: f32 = 126.0;

/// A row with label, control, unit and a way back to `default`, its error beneath. Says whether `value` changed.
pub fn row(ui: &mut Ui, param: &Param, value: &mut f64, default: f64, error: Option<&str>) -> bool {
    let before = *value;
    ui.horizontal(|ui| {
        let label = ui.allocate_ui_with_layout(
            vec2(LABEL_WIDTH, 28.0),
            egui::Layout::left_to_right(egui::Align::Center),
            |ui| {
                ui.set_min_width(LABEL_WIDTH);
                ui.add(Label::new(param.label).truncate().sense(Sense::hover())).on_hover_text(param.help)
            },
        );
        control(ui, param, value, label.inner.id);
        if *value != default {
            let name = format!("Set {} back to {}", param.label.to_lowercase(), number(default));
            if quiet_icon_button(ui, ICON_RESTART_ALT, &name).clicked() {
                *value = default;
            }
        }
    });
    if let Some(error) = error {
        ui.label(RichText::new(error).small().color(theme::alarm(ui.visuals().dark_mode)));
    }
    *value != before
}

fn control(ui: &mut Ui, param: &Param, value: &mut f64, label: egui::Id) {
    let suffix = if param.unit.is_empty() { String::new() } else { format!(" {}", param.unit) };
    match param.kind {
        ParamKind::Integer { min, max } => {
            let drag = DragValue::new(value)
                .range(min as f64..=max as f64)
                .max_decimals(0)
                .suffix(suffix)
                .speed(0.2);
            ui.add(drag.update_while_editing(false)).labelled_by(label).on_hover_text(param.help);
        }
        ParamKind::Float { min, max, logarithmic } => {
            // What is left of the row, less the number and the way back.
            ui.spacing_mut().slider_width = (ui.available_width() - 106.0).clamp(60.0, 220.0);
            let slider = Slider::new(value, min..=max)
                .logarithmic(logarithmic)
                .smallest_positive(min.max(1e-6))
                .custom_formatter(|value, _| number(value))
                .custom_parser(|text| text.trim().parse().ok())
                .suffix(suffix)
                .update_while_editing(false);
            ui.add(slider).labelled_by(label).on_hover_text(param.help);
        }
        ParamKind::Choice(options) => {
            let text = options.get(*value as usize).map_or("", |(_, text)| text);
            let menu = ComboBox::from_id_salt(param.key).selected_text(text);
            let shown = menu.width((ui.available_width() - 34.0).max(60.0)).show_ui(ui, |ui| {
                for (place, (_, text)) in options.iter().enumerate() {
                    ui.selectable_value(value, place as f64, *text);
                }
            });
            shown.response.labelled_by(label).on_hover_text(param.help);
        }
        ParamKind::Switch => {
            let mut on = *value != 0.0;
            if ui.checkbox(&mut on, "").labelled_by(label).on_hover_text(param.help).changed() {
                *value = f64::from(u8::from(on));
            }
        }
    }
}

/// A label of the same width, for rows that hold another control.
pub fn label(ui: &mut Ui, text: &str, help: &str) -> egui::Id {
    let row = ui.allocate_ui_with_layout(
        vec2(LABEL_WIDTH, 28.0),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            ui.set_min_width(LABEL_WIDTH);
            ui.label(text).on_hover_text(help)
        },
    );
    row.inner.id
}
