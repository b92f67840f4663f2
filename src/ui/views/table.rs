//! All runs as a table: sorted by any column, filtered by what is typed, with the columns in which they differ.
use super::{Scene, View, ViewEntry, empty};
use crate::{
    listing::{Field, Group},
    protocol::RunId,
    sample::Modality,
    spec::{ComponentInfo, Section},
    ui::{
        settings::TableOptions,
        theme,
        widgets::{lasting_menu, menu_items},
    },
};
use arranged::{Arranged, Wanted};
use egui::{ComboBox, Frame, Key, Margin, Modifiers, Panel, RichText, Role, TextEdit, Ui, WidgetInfo};
use picked::Picked;
use std::collections::BTreeSet;

mod arranged;
mod grid;
mod picked;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "table",
        label: "Table",
        help: "All runs side by side: which was best, and in what they differ.",
        params: &[],
    },
    serves: Modality::ALL,
    looks_at_the_pad: false,
    open: || Box::new(Table::default()),
};

/// What can be typed, shown where nothing is.
const EXAMPLE: &str = "lr>0.001 dropout=0.5 fashion";
const FILTER_HELP: &str = "Every word has to hold: a part of a name, data set or tag, or a comparison such as lr>0.001, dropout=0.1..0.5, objective=classify, tag:best, state=finished, accuracy>98%, star. A ! before a word means all others.";

/// What the table keeps between frames.
#[derive(Default)]
struct Table {
    filter: String,
    folded: BTreeSet<String>,
    arranged: Arranged,
    picked: Picked,
}

impl View for Table {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        if scene.state.runs.is_empty() {
            return empty(ui, "No run yet", "Once runs have been started, they are compared here.");
        }
        self.toolbar(ui, scene);
        let wanted = Wanted {
            filter: self.filter.clone(),
            options: scene.settings.table.clone(),
            folded: self.folded.clone(),
            with_archived: scene.settings.show_archived,
        };
        self.arranged.update(ui, wanted, scene);
        if let Err(wrong) = &self.arranged.filter {
            ui.label(RichText::new(wrong).color(theme::alarm(ui.visuals().dark_mode)));
        }
        self.picked.keep(&self.arranged.order);
        self.keys(ui);
        if !self.picked.is_empty() {
            // beneath the lines, so that they stay where they are when some are picked
            let frame = Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO });
            Panel::bottom("picked").resizable(false).frame(frame).show(ui, |ui| self.picked.ui(ui, scene));
        }
        if self.arranged.order.is_empty() {
            ui.label("No run is as asked for.");
            return;
        }
        self.grid(ui, scene);
    }
}

impl Table {
    fn toolbar(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        ui.horizontal_wrapped(|ui| {
            let width = ui.available_width().min(300.0);
            let edit = ui.add(TextEdit::singleline(&mut self.filter).desired_width(width).hint_text(EXAMPLE));
            edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Filter the runs"));
            edit.on_hover_text(FILTER_HELP);
            group_menu(ui, &mut scene.settings.table);
            let (menu, _) = lasting_menu("Columns").ui(ui, |ui| menu_items(ui, |ui| columns_menu(ui, scene)));
            menu.on_hover_text("Choose what is shown of each run");
            let count = self.arranged.order.len();
            let of = scene.state.runs.len();
            let text = if count == of { format!("{count} runs") } else { format!("{count} of {of} runs") };
            ui.label(RichText::new(text).small().weak());
            if self.arranged.archived > 0 || scene.settings.show_archived {
                let text = match self.arranged.archived {
                    0 => "Those put away".into(),
                    away => format!("{away} put away"),
                };
                ui.checkbox(&mut scene.settings.show_archived, text)
                    .on_hover_text("Show runs that were put away, too");
            }
        });
    }

    /// Ctrl+A picks all that are listed, Escape none, unless something is typed.
    fn keys(&mut self, ui: &Ui) {
        if ui.ctx().text_edit_focused() || ui.ctx().memory(|memory| memory.top_modal_layer().is_some()) {
            return;
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::A)) {
            self.picked.pick_all(&self.arranged.order);
        }
        if !self.picked.is_empty() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
            self.picked.pick_all(&[]);
        }
    }

    /// What a click on a run does: alone it selects it, with Ctrl it is picked beside others, with Shift all up to it.
    fn clicked(&mut self, ui: &Ui, run: &RunId, scene: &mut Scene<'_>) {
        let modifiers = ui.input(|input| input.modifiers);
        if modifiers.shift {
            self.picked.pick_up_to(run, &self.arranged.order);
        } else if modifiers.command {
            self.picked.toggle(run);
        } else {
            self.picked.pick_only(run);
            *scene.select = Some(run.clone());
        }
    }

    fn sort_by(&self, field: &Field, options: &mut TableOptions) {
        let key = field.key();
        match (options.sort == key, options.reversed) {
            (false, _) => (options.sort, options.reversed) = (key, false),
            (true, false) => options.reversed = true,
            // back to the order of time
            (true, true) => (options.sort, options.reversed) = (String::new(), false),
        }
    }
}

fn group_menu(ui: &mut Ui, options: &mut TableOptions) {
    let chosen = Group::ALL.iter().find(|(_, id, _)| *id == options.group).unwrap_or(&Group::ALL[0]);
    let menu = ComboBox::from_id_salt("group").selected_text(chosen.2).width(130.0);
    let shown = menu.show_ui(ui, |ui| {
        for (_, id, label) in Group::ALL {
            if ui.selectable_label(options.group == id, label).clicked() {
                options.group = id.into();
            }
        }
    });
    shown.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Group the runs");
        info.current_text_value = Some(chosen.2.into());
        info
    });
}

/// What can be shown beside the name.
fn columns_menu(ui: &mut Ui, scene: &mut Scene<'_>) {
    let options = &mut scene.settings.table;
    ui.checkbox(&mut options.differing, "What differs")
        .on_hover_text("Every hyperparameter in which the runs that are listed differ");
    ui.checkbox(&mut options.test, "Test figures").on_hover_text(
        "On the test examples. Whoever chooses by them no longer knows how good the chosen run is.",
    );
    ui.separator();
    let plain = [
        Field::State,
        Field::Made,
        Field::Step,
        Field::Time,
        Field::Seed,
        Field::Comparison,
        Field::Tags,
        Field::InitFrom,
    ];
    let latest = Field::find("latest", scene.catalog).into_iter();
    let sections =
        [Section::Dataset, Section::Encoder, Section::Objective, Section::Optimizer, Section::Schedule];
    let fields = plain.into_iter().chain(latest).chain(sections.map(Field::Component));
    for field in fields {
        extra(ui, options, &field);
    }
    ui.separator();
    let mut known = BTreeSet::new();
    for run in scene.state.runs.values() {
        for (section, param) in scene.catalog.params(&run.spec) {
            known.insert((section, param.key));
        }
    }
    let params = known.iter().filter_map(|(section, key)| {
        let infos = scene.catalog.section(*section).iter();
        infos
            .flat_map(|info| info.params)
            .find(|param| param.key == *key)
            .map(|param| Field::param(*section, param))
    });
    for field in params {
        extra(ui, options, &field);
    }
}

/// A field that is shown whether or not the runs differ in it.
fn extra(ui: &mut Ui, options: &mut TableOptions, field: &Field) {
    let key = field.key();
    let mut is_shown = options.extra.contains(&key);
    if ui.checkbox(&mut is_shown, field.label()).clicked() {
        options.extra.retain(|shown| *shown != key);
        if is_shown {
            options.extra.push(key);
        }
    }
}
