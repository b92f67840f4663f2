//! What can be selected, and what the middle can show of it, as menus and strips.
use super::{HIGH, Parts, ROOMY, RUNS_MENU, Shown, TABBED, is_low};
use crate::ui::{
    Tab, views,
    widgets::{menu_items, offered},
};
use egui::{
    Align, Button, ComboBox, Layout, PopupCloseBehavior, Role, Ui, Vec2, WidgetInfo,
    containers::menu::{MenuButton, MenuConfig},
};
use egui_material_icons::icons::ICON_EXPAND_MORE;

impl Parts<'_> {
    /// What can be selected, and what the middle can show of it, in a window of this size.
    pub fn menus(&mut self, ui: &mut Ui, size: Vec2) {
        self.runs_menu(ui, size);
        if size.x < TABBED { self.view_menu(ui, size) } else { self.strip(ui, size.y < HIGH) }
    }

    /// The list of runs, behind a button with the name of the selected one.
    fn runs_menu(&mut self, ui: &mut Ui, size: Vec2) {
        let comparison = self.bench.runs.comparison.as_ref().and_then(|id| self.state.comparisons.get(id));
        let run = self.bench.selected(self.state).map(|run| run.spec.name.as_str());
        let selected = comparison.map(|info| info.experiment.name.as_str()).or(run);
        let text = selected.filter(|_| size.x >= ROOMY || !is_low(ui)).unwrap_or("Runs");
        let spoken = selected.map_or("Runs".into(), |name| format!("Runs: {name} is selected"));
        let button = Button::new((text, ICON_EXPAND_MORE.rich_text())).truncate();
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let menu = MenuButton::from_button(button).config(config);
        let response = ui.allocate_ui(RUNS_MENU, |ui| {
            let (response, _) = menu.ui(ui, |ui| {
                ui.set_width((ui.ctx().content_rect().width() - 48.0).min(320.0));
                ui.reset_style();
                // As in the column: nothing is as wide as the menu for being in one.
                menu_items(ui, |ui| ui.with_layout(Layout::top_down(Align::LEFT), |ui| self.runs(ui)));
            });
            response
        });
        let response = response.inner;
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
        response.on_hover_text(format!("{spoken}\nSelect, show, hide, rename, resume and delete runs"));
    }

    /// What the middle can show, to choose from.
    pub(super) fn strip(&mut self, ui: &mut Ui, with_preview: bool) {
        for (choice, info) in choices(with_preview, false) {
            self.offer(ui, choice, info);
        }
    }

    /// The same in a menu.
    fn view_menu(&mut self, ui: &mut Ui, size: Vec2) {
        let all = choices(size.y < HIGH, size.x < ROOMY);
        let chosen = all.iter().find(|(choice, _)| self.is_chosen(*choice));
        let text = chosen.map_or("Race", |(_, info)| info[0]);
        let width = if is_low(ui) { 118.0 } else { 140.0 };
        let menu = ComboBox::from_id_salt("view").selected_text(text).width(width).truncate().height(400.0);
        let shown = menu.show_ui(ui, |ui| {
            for (choice, info) in all {
                self.offer(ui, choice, info);
            }
        });
        shown.response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ComboBox, true, "View");
            info.current_text_value = Some(text.into());
            info
        });
    }

    /// Greyed out where it does not serve the data of the selected run.
    fn offer(&mut self, ui: &mut Ui, choice: Choice, [label, help]: [&str; 2]) {
        let is_chosen = self.is_chosen(choice);
        let misfit = match choice {
            Choice::View(id) => views::find(id).ok().zip(self.bench.selected(self.state)),
            Choice::Tab(_) => None,
        };
        let misfit = misfit.and_then(|(view, run)| self.catalog.unserved(&run.spec, view.serves));
        if offered(ui, is_chosen, label, help, misfit).clicked() {
            self.choose(choice);
        }
    }

    fn is_chosen(&self, choice: Choice) -> bool {
        match choice {
            Choice::View(id) => {
                matches!(self.shown(), Shown::Curves | Shown::OtherView) && self.view().info.id == id
            }
            Choice::Tab(tab) => self.bench.tab == tab,
        }
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::View(id) => {
                self.bench.settings.view = id.into();
                self.bench.tab = Tab::View;
                self.bench.runs.comparison = None;
            }
            Choice::Tab(tab) => self.bench.tab = tab,
        }
    }
}

/// What can be chosen for the middle.
#[derive(Clone, Copy)]
enum Choice {
    View(&'static str),
    Tab(Tab),
}

/// Each with its label and its tooltip.
fn choices(with_preview: bool, with_controls: bool) -> Vec<(Choice, [&'static str; 2])> {
    let views =
        views::ALL.iter().map(|entry| (Choice::View(entry.info.id), [entry.info.label, entry.info.help]));
    let preview =
        (Choice::Tab(Tab::Preview), ["Preview", "What the network makes of a few images, as it learns"]);
    let controls = (
        Choice::Tab(Tab::Controls),
        ["Controls", "The run that trains, the draw pad, and the form for a new run"],
    );
    views.chain(with_preview.then_some(preview)).chain(with_controls.then_some(controls)).collect()
}
