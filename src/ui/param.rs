//! A control made from a hyperparameter's description.
use super::{
    theme,
    widgets::{number, quiet_icon_button},
};
use crate::{
    experiment::is_several,
    spec::{Param, ParamKind},
};
use egui::{
    ComboBox, DragValue, Label, RichText, Sense, Slider, TextEdit, TextStyle, TextWrapMode, Ui, WidgetText,
    vec2,
};
use egui_material_icons::icons::ICON_RESTART_ALT;
use std::cell::RefCell;

/// Room for a number and its unit at least, and for the way back to the default.
const NUMBER_WIDTH: f32 = 62.0;
const BACK_WIDTH: f32 = 26.0;

/// What a 0 means where it is not a quantity.
const ZEROS: [(&str, &str); 10] = [
    ("labels_per_class", "All"),
    ("last_class", "Last"),
    ("image_size", "As they are"),
    ("channels", "As they are"),
    ("epoch_steps", "All examples"),
    ("freeze_stages", "None"),
    ("unfreeze_every", "Never"),
    ("fresh_stages", "None"),
    ("self_labels", "None"),
    ("patience", "Off"),
];

/// A row with label, control, unit and a way back to `default`, its error beneath. Says whether `value` changed.
pub fn row(ui: &mut Ui, param: &Param, value: &mut f64, default: f64, error: Option<&str>) -> bool {
    row_of_one_or_many(ui, param, value, default, error) == Typed::Value
}

/// What became of a row.
#[derive(Debug, PartialEq)]
pub enum Typed {
    /// Nothing.
    Nothing,
    /// The value is another one.
    Value,
    /// Several values or a range were typed.
    Several(String),
}

/// As [`row`]; of a number, several values or a range may be typed too.
pub fn row_of_one_or_many(
    ui: &mut Ui,
    param: &Param,
    value: &mut f64,
    default: f64,
    error: Option<&str>,
) -> Typed {
    let before = *value;
    let several = RefCell::new(None);
    ui.horizontal(|ui| {
        let label = label(ui, param.label, param.help);
        ui.spacing_mut().button_padding.x = 7.0;
        control(ui, param, value, label, &several);
        if *value != default {
            let name = format!("Set {} back to {}", param.label.to_lowercase(), in_words(param, default));
            if quiet_icon_button(ui, ICON_RESTART_ALT, &name).clicked() {
                *value = default;
            }
        }
    });
    if let Some(error) = error {
        ui.label(RichText::new(error).small().color(theme::alarm(ui.visuals().dark_mode)));
    }
    match several.into_inner() {
        Some(text) => Typed::Several(text),
        None if *value != before => Typed::Value,
        None => Typed::Nothing,
    }
}

/// A row whose value is several values or a range, with a way back to a single one, which was asked for where it says so.
pub fn row_of_many(ui: &mut Ui, param: &Param, text: &mut String, error: Option<&str>) -> bool {
    let mut back = false;
    ui.horizontal(|ui| {
        let label = label(ui, param.label, param.help);
        let edit =
            TextEdit::singleline(text).desired_width((ui.available_width() - BACK_WIDTH - 8.0).max(40.0));
        ui.add(edit)
            .labelled_by(label)
            .on_hover_text("Several values, such as 0.1, 0.2, or a range, such as 0.0001..0.1 log");
        let name = format!("Try one value of {} alone", param.label.to_lowercase());
        back = quiet_icon_button(ui, ICON_RESTART_ALT, &name).clicked();
    });
    if let Some(error) = error {
        ui.label(RichText::new(error).small().color(theme::alarm(ui.visuals().dark_mode)));
    }
    back
}

fn control(ui: &mut Ui, param: &Param, value: &mut f64, label: egui::Id, several: &RefCell<Option<String>>) {
    let parsed = |text: &str| {
        if is_several(text) {
            *several.borrow_mut() = Some(text.trim().to_owned());
            return None;
        }
        parsed(param, text)
    };
    match param.kind {
        ParamKind::Integer { min, max } => {
            let drag = DragValue::new(value)
                .range(min as f64..=max as f64)
                .max_decimals(0)
                .custom_formatter(|value, _| in_words(param, value))
                .custom_parser(parsed)
                .speed(0.2);
            ui.add(drag.update_while_editing(false)).labelled_by(label).on_hover_text(param.help);
        }
        ParamKind::Float { min, max, logarithmic } => {
            let text = WidgetText::from(in_words(param, *value));
            let number = text.into_galley(ui, Some(TextWrapMode::Extend), 0.0, TextStyle::Button);
            let number = (number.size().x + 2.0 * ui.spacing().button_padding.x).max(NUMBER_WIDTH);
            let room = ui.available_width() - number - BACK_WIDTH - ui.spacing().item_spacing.x;
            ui.spacing_mut().slider_width = room.clamp(30.0, 220.0);
            let slider = Slider::new(value, min..=max)
                .logarithmic(logarithmic)
                .smallest_positive(min.max(1e-6))
                .custom_formatter(|value, _| in_words(param, value))
                .custom_parser(parsed)
                .update_while_editing(false);
            ui.add(slider).labelled_by(label).on_hover_text(param.help);
        }
        ParamKind::Choice(options) => {
            let text = options.get(*value as usize).map_or("", |(_, text)| text);
            let menu = ComboBox::from_id_salt(param.key).selected_text(text).truncate();
            let shown = menu.width((ui.available_width() - BACK_WIDTH).max(60.0)).show_ui(ui, |ui| {
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

/// The label of a row, all of it: on two lines where there is no room for one.
pub fn label(ui: &mut Ui, text: &str, help: &str) -> egui::Id {
    let width = (ui.available_width() * 0.4).clamp(84.0, 148.0);
    let row = ui.allocate_ui_with_layout(
        vec2(width, 28.0),
        egui::Layout::left_to_right(egui::Align::Center).with_main_wrap(true),
        |ui| {
            ui.set_min_width(width);
            ui.add(Label::new(text).wrap().sense(Sense::hover())).on_hover_text(help)
        },
    );
    row.inner.id
}

/// "64 examples", "1 label", "0.001", or the meaning of 0: "All".
fn in_words(param: &Param, value: f64) -> String {
    let word = ZEROS.iter().find(|(key, _)| *key == param.key && value == 0.0);
    if let Some((_, word)) = word {
        return (*word).into();
    }
    let unit = if value == 1.0 { param.unit.strip_suffix('s').unwrap_or(param.unit) } else { param.unit };
    let text =
        if matches!(param.kind, ParamKind::Integer { .. }) { format!("{value:.0}") } else { number(value) };
    format!("{text} {unit}").trim_end().into()
}

/// Parses typed text: a number with or without its unit, or the word for 0.
fn parsed(param: &Param, text: &str) -> Option<f64> {
    let text = text.trim();
    let is_zero = |(key, word): &(&str, &str)| *key == param.key && word.eq_ignore_ascii_case(text);
    if ZEROS.iter().any(is_zero) {
        return Some(0.0);
    }
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn params() -> Vec<Param> {
        let components = catalog().components.into_values().flatten();
        components.flat_map(|component| component.params.to_vec()).collect()
    }

    #[test]
    fn a_zero_that_is_no_quantity_has_a_word() {
        for (key, word) in ZEROS {
            let param = params().into_iter().find(|param| param.key == key).expect(key);
            assert_eq!(param.check(0.0), None, "{key}");
            assert_eq!((in_words(&param, 0.0).as_str(), parsed(&param, word)), (word, Some(0.0)));
        }
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        for param in params() {
            for value in [param.default, 1.0, param.max()] {
                let text = in_words(&param, value);
                assert_eq!(
                    parsed(&param, &text).map(|read| in_words(&param, read)),
                    Some(text),
                    "{}",
                    param.key
                );
            }
        }
        let labels = params().into_iter().find(|param| param.key == "labels_per_class").unwrap();
        assert_eq!([0.0, 1.0, 10.0].map(|value| in_words(&labels, value)), ["All", "1 label", "10 labels"]);
    }
}
