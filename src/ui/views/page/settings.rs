//! Every setting of a run beside its default and beside another run's.
use crate::{
    listing::{Setting, settings},
    protocol::RunId,
    session::Run,
    spec::Section,
    ui::{
        views::Scene,
        widgets::{elided, strong},
    },
};
use egui::{ComboBox, Grid, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

/// Characters of a value that are shown; the tooltip has the rest.
const MOST: usize = 28;
/// Runs that the menu offers at once.
const OFFERED: usize = 100;

/// What is kept between frames.
#[derive(Default)]
pub struct Settings {
    against: Option<RunId>,
    all: bool,
    search: String,
}

impl Settings {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run, scene: &Scene<'_>) {
        let other =
            self.against.as_ref().and_then(|id| scene.state.runs.get(id)).filter(|other| other.id != run.id);
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("Settings"));
            ui.checkbox(&mut self.all, "Also those at their defaults");
            ui.label("beside");
            self.choose_other(ui, run, other, scene);
        });
        let all = settings(&run.spec, other.map(|other| &other.spec), scene.catalog);
        let is_shown = |setting: &&Setting| {
            let differs = setting.other.as_ref().is_some_and(|other| *other != setting.value);
            self.all || setting.is_changed() || differs || setting.is_component()
        };
        ScrollArea::horizontal().id_salt("settings").show(ui, |ui| {
            let columns = if other.is_some() { 4 } else { 3 };
            Grid::new("settings").num_columns(columns).striped(true).spacing([16.0, 5.0]).show(ui, |ui| {
                let heads = ["Setting", "This run", "Default", "The other run"];
                heads.iter().take(columns).for_each(|head| {
                    ui.label(RichText::new(*head).small().weak());
                });
                ui.end_row();
                all.iter().filter(is_shown).for_each(|setting| self.row(ui, setting, run, other, scene));
            });
        });
    }

    fn row(&self, ui: &mut Ui, setting: &Setting, run: &Run, other: Option<&Run>, scene: &Scene<'_>) {
        let label = if setting.is_component() { strong(setting.label) } else { RichText::new(setting.label) };
        ui.label(label).on_hover_text(format!("{}\n{}", setting.help, setting.key));
        let live = live_now(setting, run, scene);
        let value = match &live {
            Some(now) => format!("{}, now {now}", shown(&setting.value)),
            None => shown(&setting.value),
        };
        ui.label(if setting.is_changed() { strong(value) } else { RichText::new(value) })
            .on_hover_text(&setting.value);
        ui.label(RichText::new(shown(&setting.default)).weak()).on_hover_text(&setting.default);
        if other.is_some() {
            let text = setting.other.as_deref().unwrap_or("");
            let differs = setting.other.as_ref() != Some(&setting.value);
            ui.label(if differs { strong(shown(text)) } else { RichText::new(shown(text)).weak() })
                .on_hover_text(text);
        }
        ui.end_row();
    }

    fn choose_other(&mut self, ui: &mut Ui, run: &Run, other: Option<&Run>, scene: &Scene<'_>) {
        let text = other.map_or("no other run".into(), |other| elided(&other.spec.name, 40));
        let menu =
            ComboBox::from_id_salt("other run").selected_text(&text).width(220.0).truncate().height(360.0);
        let shown = menu.show_ui(ui, |ui| {
            ui.add(TextEdit::singleline(&mut self.search).hint_text("a part of a name"));
            if ui.selectable_label(other.is_none(), "no other run").clicked() {
                self.against = None;
            }
            let sought = self.search.to_lowercase();
            let is_sought =
                |other: &&Run| other.id != run.id && other.spec.name.to_lowercase().contains(&sought);
            for candidate in scene.state.runs.values().rev().filter(is_sought).take(OFFERED) {
                let is_chosen = other.is_some_and(|other| other.id == candidate.id);
                let name = elided(&candidate.spec.name, 60);
                if ui.selectable_label(is_chosen, name).on_hover_text(&*candidate.id).clicked() {
                    self.against = Some(candidate.id.clone());
                }
            }
        });
        shown.response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Compare with another run");
            info.current_text_value = Some(text.clone());
            info
        });
    }
}

/// What a live hyperparameter has come to, where that is something else than it began with.
fn live_now(setting: &Setting, run: &Run, scene: &Scene<'_>) -> Option<String> {
    let section = setting.section.filter(|_| setting.live)?;
    let (_, param) = scene
        .catalog
        .params(&run.spec)
        .find(|(of, param)| *of == section && crate::spec::dotted(*of, param) == setting.key)?;
    let now = run.live.get(section, param);
    (now != run.spec.get(section, param)).then(|| crate::listing::short(now))
}

fn shown(value: &str) -> String {
    if value.is_empty() { "–".into() } else { elided(value, MOST) }
}

impl Setting {
    fn is_component(&self) -> bool {
        Section::ALL.iter().any(|section| section.id() == self.key)
    }
}
