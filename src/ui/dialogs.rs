//! The platform's own dialogs, which must not hold up the window.
use super::{Action, File};
use crate::{
    errors::{At as _, Remark, message},
    protocol::{About, Level, Notice},
};
use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::Context;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// No hand closes a dialog as soon as this after it was asked for: there was none.
const BY_HAND: Duration = Duration::from_millis(300);

/// What a path is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A folder with images.
    DataFolder,
    /// A file with images.
    DataFile,
    /// A picture to be read.
    Image,
    /// Where to save a file.
    Save(File),
}

/// How a dialog ended.
pub enum Ended {
    /// A path was chosen.
    Chosen(Wanted, PathBuf),
    /// The dialog was closed.
    Cancelled,
    /// There is nothing on this computer that shows dialogs.
    Failed,
}

/// Dialogs that are open, and what came of those that are not.
pub struct Dialogs {
    ctx: Context,
    sender: Sender<Ended>,
    ended: Receiver<Ended>,
}

impl Wanted {
    /// What an action asks for, where it asks for a path.
    pub fn of(action: &Action) -> Option<Self> {
        match action {
            Action::PickDataset => Some(Self::DataFolder),
            Action::PickDataFile => Some(Self::DataFile),
            Action::PickImage => Some(Self::Image),
            Action::Save(Ok(file)) => Some(Self::Save(file.clone())),
            _ => None,
        }
    }

    /// The title of the dialog.
    pub fn title(&self) -> String {
        match self {
            Self::DataFolder => "Choose a folder with labelled images".into(),
            Self::DataFile => "Choose a file with labelled images".into(),
            Self::Image => "Open an image".into(),
            Self::Save(file) => format!("Save {}", file.name),
        }
    }
}

impl Dialogs {
    /// Wakes the window when a dialog is closed.
    pub fn new(ctx: Context) -> Self {
        let (sender, ended) = unbounded();
        Self { ctx, sender, ended }
    }

    /// Those that have ended since the last call.
    pub fn ended(&self) -> impl Iterator<Item = Ended> + '_ {
        self.ended.try_iter()
    }

    /// Asks for a path.
    pub fn open(&self, wanted: Wanted) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let thread = std::thread::Builder::new().name("dialog".into()).spawn(move || {
            let began = Instant::now();
            let ended = match pollster::block_on(show(&wanted)) {
                Some(path) => Ended::Chosen(wanted, path),
                None if began.elapsed() < BY_HAND => Ended::Failed,
                None => Ended::Cancelled,
            };
            // The window may have been closed meanwhile.
            let _gone = sender.send(ended);
            ctx.request_repaint();
        });
        if thread.is_err() {
            let _never_gone = self.sender.send(Ended::Failed);
        }
    }
}

async fn show(wanted: &Wanted) -> Option<PathBuf> {
    let dialog = rfd::AsyncFileDialog::new().set_title(wanted.title());
    let chosen = match wanted {
        Wanted::DataFolder => dialog.pick_folder().await,
        Wanted::DataFile => dialog.pick_file().await,
        Wanted::Image => {
            dialog.add_filter("Images", &["png", "jpg", "jpeg", "webp", "bmp"]).pick_file().await
        }
        Wanted::Save(File { name, .. }) => {
            let ending = name.rsplit('.').next().unwrap_or_default();
            dialog.set_file_name(name).add_filter(ending.to_uppercase(), &[ending]).save_file().await
        }
    };
    chosen.map(|file| file.path().to_path_buf())
}

/// Writes a file, and says how that went.
pub fn save(file: &File, path: &Path) -> Notice {
    match fs::write(path, &file.bytes).context("Could not write the file: choose another folder").at(path) {
        Ok(()) => {
            Notice { about: About::Request, level: Level::Info, text: Remark::new("Saved", path).to_string() }
        }
        Err(error) => Notice { about: About::Request, level: Level::Error, text: message(&error) },
    }
}

/// Whether a file holds many images, by its name.
pub(super) fn is_data(path: &Path) -> bool {
    const ENDINGS: [&str; 9] = [".gz", ".csv", ".npz", ".parquet", ".tar", ".bin", ".json", ".zip", "-ubyte"];
    let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().to_lowercase());
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}
