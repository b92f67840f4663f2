//! The headings and the lines of the table. Only the lines in sight are drawn.
use super::{
    Table,
    arranged::{Line, cell, heading},
};
use crate::{
    listing::{Field, Row},
    protocol::{Command, Mark},
    session::Run,
    ui::{
        Action,
        look::Look,
        theme,
        views::Scene,
        widgets::{fitted, star, steady},
    },
};
use egui::{
    Align2, Button, Color32, FontId, Rect, Role, ScrollArea, Sense, TextWrapMode, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};
use egui_material_icons::icons::{
    ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD, ICON_CHEVRON_RIGHT, ICON_EXPAND_MORE, ICON_VISIBILITY,
    ICON_VISIBILITY_OFF,
};

/// The height of a line, in points.
const LINE: f32 = 30.0;
/// Room for a run's line, star and eye, before its name.
const BEFORE_NAME: f32 = 84.0;
/// Between two columns.
const GAP: f32 = 10.0;

impl Table {
    pub(super) fn grid(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let width: f32 = self.arranged.widths.iter().map(|width| width + GAP).sum();
        let width = width.max(ui.available_width());
        ScrollArea::horizontal().id_salt("columns").auto_shrink(false).show(ui, |ui| {
            ui.set_width(width);
            self.headings(ui, scene);
            ui.spacing_mut().item_spacing.y = 0.0;
            let count = self.arranged.lines.len();
            let lines = ScrollArea::vertical().id_salt("runs").auto_shrink(false);
            lines.show_rows(ui, LINE, count, |ui, seen| {
                for place in seen {
                    match self.arranged.lines[place].clone() {
                        Line::Group(name, count) => self.group(ui, &name, count),
                        Line::Run(id) => {
                            if let Some(run) = scene.state.runs.get(&id) {
                                // a run may be in several groups
                                steady(ui, ("line", place), |ui| self.line(ui, run, scene));
                            }
                        }
                    }
                }
            });
        });
    }

    fn headings(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
        let columns: Vec<(Field, f32)> =
            self.arranged.columns.iter().cloned().zip(self.arranged.widths.iter().copied()).collect();
        let mut left = rect.left();
        for (field, width) in columns {
            let place = Rect::from_min_size(pos2(left, rect.top()), vec2(width, LINE));
            left += width + GAP;
            let (label, options) = (heading(&field), &mut scene.settings.table);
            let is_sorted = options.sort == field.key();
            let icon = if options.reversed { ICON_ARROW_UPWARD } else { ICON_ARROW_DOWNWARD };
            let text = egui::RichText::new(&label).small().strong();
            let button = match is_sorted {
                true => Button::new((text, icon.rich_text().size(14.0))),
                false => Button::new(text),
            };
            let button = button.frame(false).wrap_mode(TextWrapMode::Truncate);
            let builder = UiBuilder::new().id_salt(("heading", field.key())).max_rect(place);
            let layout = egui::Layout::left_to_right(egui::Align::Center);
            let response = ui.scope_builder(builder.layout(layout), |ui| ui.add(button)).inner;
            let order = match (is_sorted, options.reversed) {
                (false, _) => "",
                (true, false) => ", sorted by it",
                (true, true) => ", sorted by it the other way round",
            };
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{label}{order}")));
            if response
                .on_hover_text(format!("{label}: click to sort by it, again for the other way round"))
                .clicked()
            {
                self.sort_by(&field, options);
            }
        }
    }

    fn group(&mut self, ui: &mut Ui, name: &str, count: usize) {
        let is_folded = self.folded.contains(name);
        let shown = if name.is_empty() { "The others" } else { name };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
        let spoken = format!("{shown}: {count} runs");
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, !is_folded, &spoken));
        let icon = if is_folded { ICON_CHEVRON_RIGHT } else { ICON_EXPAND_MORE };
        let color = ui.visuals().strong_text_color();
        let at = pos2(rect.left() + 4.0, rect.center().y);
        ui.painter().text(at, Align2::LEFT_CENTER, icon.codepoint, icon_font(), color);
        let font = FontId::new(14.0, theme::semibold());
        let galley = fitted(ui, &spoken, font, color, rect.width() - 40.0);
        ui.painter().galley(pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0), galley, color);
        if response.clicked() && !self.folded.remove(name) {
            self.folded.insert(name.into());
        }
    }

    fn line(&mut self, ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
        let row = run.row(scene.catalog);
        let cells: Vec<String> = self.arranged.columns.iter().map(|field| cell(field, &row)).collect();
        let is_picked = self.picked.has(&run.id);
        // the line senses the click before its buttons do, so that their own clicks stay theirs
        let response = ui.scope_builder(UiBuilder::new().sense(Sense::click()), |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
            let response = ui.response();
            let accent = ui.visuals().selection.bg_fill;
            let fill = match (is_picked, response.hovered() || response.has_focus()) {
                (true, _) => accent.gamma_multiply(0.28),
                (false, true) => ui.visuals().widgets.hovered.bg_fill,
                (false, false) => Color32::TRANSPARENT,
            };
            ui.painter().rect_filled(rect, 4.0, fill);
            if scene.run.is_some_and(|selected| selected.id == run.id) {
                let mark = Rect::from_min_size(rect.min, vec2(3.0, LINE));
                ui.painter().rect_filled(mark, 1.0, accent);
            }
            self.cells(ui, rect, &row, &cells);
            let buttons = Rect::from_min_size(rect.min + vec2(6.0, 0.0), vec2(BEFORE_NAME - 6.0, LINE));
            before_name(ui, buttons, run, scene);
        });
        let response = response.response;
        let spoken = spoken(&self.arranged.columns, &cells);
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_picked, &spoken));
        if response.clicked() {
            self.clicked(ui, &run.id, scene);
        }
        if response.double_clicked() {
            scene.settings.view = super::super::page::ENTRY.info.id.into();
        }
    }

    fn cells(&self, ui: &Ui, rect: Rect, row: &Row<'_>, cells: &[String]) {
        let mut left = rect.left();
        for ((field, width), text) in self.arranged.columns.iter().zip(&self.arranged.widths).zip(cells) {
            let before = if *field == Field::Name { BEFORE_NAME } else { 0.0 };
            let (font, color) = match field {
                Field::Name => (FontId::new(14.0, theme::semibold()), ui.visuals().strong_text_color()),
                _ => (FontId::proportional(13.5), ui.visuals().text_color()),
            };
            let color = if row.marks.archived { ui.visuals().weak_text_color() } else { color };
            let galley = fitted(ui, text, font, color, width - before);
            let at = pos2(left + before, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, color);
            left += width + GAP;
        }
    }
}

/// The run's line in the plots, its star and its eye.
fn before_name(ui: &mut Ui, place: Rect, run: &Run, scene: &mut Scene<'_>) {
    let is_shown = scene.settings.is_shown(run, scene.state);
    let mut look = Look::of_run(scene.settings.look(&run.id), false, ui.visuals());
    if !is_shown {
        look.color = ui.visuals().weak_text_color().gamma_multiply(0.4);
    }
    let line = Rect::from_min_size(place.min + vec2(2.0, 9.0), vec2(18.0, 12.0));
    look.paint(ui.painter(), line);
    let rest = place.with_min_x(place.left() + 24.0);
    let builder = UiBuilder::new().id_salt(("buttons", &run.id)).max_rect(rest);
    ui.scope_builder(builder.layout(egui::Layout::left_to_right(egui::Align::Center)), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 2.0;
        if star(ui, run.marks.star, &run.spec.name).clicked() {
            let command = Command::Mark(vec![run.id.clone()], Mark::Star(!run.marks.star));
            scene.actions.push(Action::Send(command));
        }
        let icon = if is_shown { ICON_VISIBILITY } else { ICON_VISIBILITY_OFF };
        let eye = ui.add(Button::new(icon.rich_text().size(17.0)).frame(false));
        eye.widget_info(|| {
            WidgetInfo::selected(Role::CheckBox, true, is_shown, format!("Curves of {}", run.spec.name))
        });
        if eye.on_hover_text("Show or hide the curves").clicked() {
            let was_alone = scene.settings.solo.take().is_some();
            scene.settings.show(run, !is_shown || was_alone);
        }
    });
}

/// All cells of a line as a screen reader speaks them.
fn spoken(columns: &[Field], cells: &[String]) -> String {
    let named =
        columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()).map(|(field, cell)| match field {
            Field::Name => cell.clone(),
            field => format!("{}: {cell}", heading(field)),
        });
    named.collect::<Vec<_>>().join(", ")
}

fn icon_font() -> FontId {
    FontId::new(18.0, egui::FontFamily::Name(egui_material_icons::FONT_FAMILY.into()))
}
