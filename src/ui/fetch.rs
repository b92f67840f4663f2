//! The row under a published data set that is not on this computer yet: fetch it, watch it come, stop it.
use super::{
    Action, theme,
    widgets::{duration, labeled_button},
};
use crate::{
    data::{self, published::megabytes},
    protocol::data::{DataRequest, FetchPhase},
    session::DataState,
    spec::Choice,
};
use egui::{ProgressBar, RichText, Ui};
use egui_material_icons::icons::{ICON_CLOSE, ICON_DOWNLOAD, ICON_FOLDER_OPEN};

/// Whether a data set has to be fetched, or a copy chosen, before anything can be done with it.
pub fn is_missing(choice: &Choice, state: &DataState) -> bool {
    choice.path.is_none() && bytes(&choice.id).is_some() && !state.present.contains(&choice.id)
}

/// What a menu shows beside the name of a data set that has to be fetched.
pub fn mark(id: &str, state: &DataState) -> Option<String> {
    let bytes = bytes(id).filter(|_| !state.present.contains(id))?;
    Some(format!("to be fetched, {} MB", megabytes(bytes)))
}

pub fn ui(ui: &mut Ui, choice: &Choice, state: &DataState, actions: &mut Vec<Action>) {
    let Some(bytes) = bytes(&choice.id).filter(|_| is_missing(choice, state)) else { return };
    let phase = state.fetch.as_ref().filter(|fetch| fetch.dataset == choice.id).map(|fetch| &fetch.phase);
    if let Some(FetchPhase::Running { bytes_done, bytes_total, secs_left, is_pausing }) = phase {
        running(ui, *bytes_done, *bytes_total, *secs_left, actions);
        if *is_pausing {
            ui.label(RichText::new("The server broke off. It is asked again soon.").small().weak());
        }
        return;
    }
    ui.label(RichText::new("These data are not on this computer yet.").small().weak());
    ui.horizontal_wrapped(|ui| {
        let text = format!("Fetch ({} MB)", megabytes(bytes));
        let help = "Downloads it once from where it is published, and checks that it is complete and unaltered. What was cut off goes on where it was.";
        if labeled_button(ui, ICON_DOWNLOAD, &text).on_hover_text(help).clicked() {
            actions.push(Action::Data(DataRequest::Fetch { dataset: choice.id.clone() }));
        }
        let help = "A folder with the same files, such as one from a USB stick";
        if labeled_button(ui, ICON_FOLDER_OPEN, "Use a folder…").on_hover_text(help).clicked() {
            actions.push(Action::PickDataset);
        }
    });
    match phase {
        Some(FetchPhase::Failed(error)) => {
            ui.label(RichText::new(error).small().color(theme::alarm(ui.visuals().dark_mode)));
        }
        Some(FetchPhase::Stopped) => {
            ui.label(RichText::new("Stopped. Fetching again goes on from there.").small().weak());
        }
        _ => {}
    }
}

fn running(ui: &mut Ui, done: u64, total: u64, secs_left: Option<f64>, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let left = secs_left.map(|secs| format!(" · {} left", duration(secs))).unwrap_or_default();
        let text = format!("{} of {} MB{left}", done / 1_000_000, megabytes(total));
        let width = (ui.available_width() - 90.0).max(80.0);
        let bar = ProgressBar::new(done as f32 / total.max(1) as f32).text(text).desired_width(width);
        ui.add(bar);
        if labeled_button(ui, ICON_CLOSE, "Stop").on_hover_text("What has come is kept").clicked() {
            actions.push(Action::Data(DataRequest::StopFetching));
        }
    });
}

fn bytes(id: &str) -> Option<u64> {
    Some(data::find(id).ok()?.published()?.bytes())
}
