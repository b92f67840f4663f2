//! A run that waits for others to end: its place, and what can be done about it.
use crate::{
    protocol::{Command, RunId},
    ui::{
        Action,
        widgets::{labeled_button, quiet_icon_button},
    },
};
use egui::{RichText, Ui};
use egui_material_icons::icons::{ICON_ARROW_DOWNWARD, ICON_ARROW_UPWARD, ICON_CLOSE, ICON_PLAY_ARROW};

/// "Waits, 2nd of 3"; nothing of a run that does not wait.
pub fn place(run: &RunId, queue: &[RunId]) -> Option<String> {
    let at = queue.iter().position(|waiting| waiting == run)?;
    Some(match (at, queue.len()) {
        (0, _) => "Waits, next in line".into(),
        (at, of) => format!("Waits, number {} of {of}", at + 1),
    })
}

/// Lets the run begin now, moves it in the queue, or takes it out. Nothing is shown of a run that does not wait.
pub fn ui(ui: &mut Ui, run: &RunId, queue: &[RunId], actions: &mut Vec<Action>) {
    let Some(at) = queue.iter().position(|waiting| waiting == run) else { return };
    ui.label(RichText::new("It begins when one of the runs that train has ended.").small().weak());
    let mut order = queue.to_vec();
    ui.horizontal(|ui| {
        let help = "Trains beside the others, which all become slower";
        if labeled_button(ui, ICON_PLAY_ARROW, "Start now").on_hover_text(help).clicked() {
            actions.push(Action::Send(Command::Resume(run.clone())));
        }
        if at > 0 && quiet_icon_button(ui, ICON_ARROW_UPWARD, "Let it begin earlier").clicked() {
            order.swap(at, at - 1);
        }
        if at + 1 < queue.len() && quiet_icon_button(ui, ICON_ARROW_DOWNWARD, "Let it begin later").clicked()
        {
            order.swap(at, at + 1);
        }
        if quiet_icon_button(ui, ICON_CLOSE, "Take it out of the queue: it can be resumed later").clicked() {
            order.remove(at);
        }
    });
    if order != queue {
        actions.push(Action::Send(Command::Queue(order)));
    }
}
