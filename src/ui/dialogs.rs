//! The platform's own dialogs, which must not hold up the window.
use super::File;
use crate::{
    protocol::{Level, Notice},
    told::told,
};
use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::Context;
use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
};

/// What somebody chose in a dialog.
pub enum Picked {
    Dataset(PathBuf),
    Image(PathBuf),
    /// How the saving of a file went.
    Saved(Notice),
}

/// Dialogs that are open, and what came of those that are not.
pub struct Dialogs {
    ctx: Context,
    sender: Sender<Picked>,
    picked: Receiver<Picked>,
}

impl Dialogs {
    pub fn new(ctx: Context) -> Self {
        let (sender, picked) = unbounded();
        Self { ctx, sender, picked }
    }

    /// What was chosen since the last call.
    pub fn picked(&self) -> impl Iterator<Item = Picked> + '_ {
        self.picked.try_iter()
    }

    pub fn pick_dataset(&self) {
        let dialog =
            rfd::AsyncFileDialog::new().set_title("Choose a folder with labelled images").pick_folder();
        self.wait(dialog, Picked::Dataset);
    }

    pub fn pick_data_file(&self) {
        let dialog = rfd::AsyncFileDialog::new().set_title("Choose a file with labelled images").pick_file();
        self.wait(dialog, Picked::Dataset);
    }

    pub fn pick_image(&self) {
        let pictures = ["png", "jpg", "jpeg", "webp", "bmp"];
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open an image of a digit")
            .add_filter("Images", &pictures)
            .pick_file();
        self.wait(dialog, Picked::Image);
    }

    /// Asks where a file is to be saved, and saves it there.
    pub fn save(&self, file: File) {
        let ending = file.name.rsplit('.').next().unwrap_or_default().to_owned();
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Save")
            .set_file_name(&file.name)
            .add_filter(ending.to_uppercase(), &[ending])
            .save_file();
        self.wait(dialog, move |path| Picked::Saved(saved(&file, &path)));
    }

    fn wait(
        &self,
        dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
        picked: impl FnOnce(PathBuf) -> Picked + Send + 'static,
    ) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        std::thread::spawn(move || {
            if let Some(file) = pollster::block_on(dialog) {
                // The window may have been closed meanwhile.
                let _gone = sender.send(picked(file.path().to_path_buf()));
                ctx.request_repaint();
            }
        });
    }
}

fn saved(file: &File, path: &Path) -> Notice {
    let text = || format!("Could not write the file: choose another folder\nFile: {}", path.display());
    match fs::write(path, &file.bytes).with_context(text) {
        Ok(()) => Notice { level: Level::Info, text: format!("Saved\nFile: {}", path.display()) },
        Err(error) => Notice { level: Level::Error, text: told(&error) },
    }
}
