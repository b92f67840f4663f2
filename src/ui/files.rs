//! Files that a dialog chose, that were typed, or dropped on the window.
use super::{
    Action, Tab, Workbench,
    dialogs::{self, Ended, Wanted},
};
use crate::{
    export::bundle,
    protocol::{About, Command, Level, Notice},
    session::State,
};
use egui::Ui;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

impl Workbench {
    /// The folder or the file of images that a dialog chose.
    pub fn picked_dataset(&mut self, path: PathBuf) {
        self.form.picked_dataset(path);
        self.settings.view = "data".into();
        self.tab = Tab::View;
        self.runs.comparison = None;
    }

    /// The picture that a dialog chose.
    pub fn picked_image(&mut self, path: &Path) {
        self.draw_pad.open_file(path, false);
    }

    /// Shows the pictures that have been opened since the last frame.
    pub(super) fn opened_images(&mut self, ui: &Ui, state: &State) {
        let run = self.runs.selected.as_ref().and_then(|run| state.runs.get(run));
        while let Some((is_typed, shown)) = self.draw_pad.opened(run) {
            match shown {
                Ok(()) => self.show_controls(),
                Err(error) if is_typed => self.typed_path.refuse(Wanted::Image, error),
                Err(error) => self.notify(Notice {
                    about: About::Request,
                    level: Level::Error,
                    text: format!("Could not open the image: {error}"),
                }),
            }
        }
        if self.draw_pad.is_opening() {
            ui.ctx().request_repaint_after(Duration::from_millis(16));
        }
    }

    /// A dialog of the platform has ended.
    pub fn dialog_ended(&mut self, ended: Ended) {
        self.typed_path.dialog_ended(&ended);
        match ended {
            Ended::Chosen(Wanted::DataFolder | Wanted::DataFile, path) => self.picked_dataset(path),
            Ended::Chosen(Wanted::Image, path) => self.picked_image(&path),
            Ended::Chosen(Wanted::Save(file), path) => self.notify(dialogs::save(&file, &path)),
            Ended::Cancelled | Ended::Failed => {}
        }
    }

    /// A path was typed: used, or refused with a reason.
    pub(super) fn typed(&mut self, wanted: Wanted, path: &Path) {
        let refused = match &wanted {
            Wanted::DataFolder | Wanted::DataFile if path.exists() => {
                self.picked_dataset(path.into());
                None
            }
            Wanted::DataFolder | Wanted::DataFile => Some("There is nothing at this path.".into()),
            Wanted::Image => {
                self.draw_pad.open_file(path, true);
                None
            }
            Wanted::Save(file) => {
                let notice = dialogs::save(file, path);
                let is_saved = notice.level == Level::Info;
                let refused = (!is_saved).then(|| notice.text.clone());
                if is_saved {
                    self.notify(notice);
                }
                refused
            }
        };
        if let Some(error) = refused {
            self.typed_path.refuse(wanted, error);
        }
    }

    pub(super) fn dropped_files(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let dropped = ui.input(|input| input.raw.dropped_files.clone());
        for file in dropped {
            let path = file.path();
            if path.extension().is_some_and(|ending| ending == bundle::ENDING) {
                actions.push(Action::Send(Command::Receive(path.into())));
            } else if path.is_dir() || dialogs::is_data(path) {
                self.picked_dataset(path.into());
            } else {
                self.picked_image(path);
            }
        }
    }
}
