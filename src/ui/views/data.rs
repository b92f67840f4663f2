//! A data set before anything is trained on it: its images, what a run does with each, what is odd about them, and a way
//! to correct what is wrong.
use super::{Scene, View, ViewEntry};
use crate::{
    errors::message,
    protocol::{
        Preparing,
        data::{Collection, DataRequest, ExampleId, Role},
    },
    sample::Modality,
    shape::ImageShape,
    spec::{ComponentInfo, Edits},
    ui::{
        Action, save, theme,
        widgets::{elided, labeled_button, preparation, strong, thousands, title},
    },
};
use egui::{Color32, Panel, RichText, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_FILE_OPEN, ICON_FOLDER_OPEN};
use filter::Filter;
use grid::ImageGrid;
use overview::{Overview, Tally};
use sample::Sample;
use std::sync::Arc;

mod filter;
mod grid;
mod overview;
mod sample;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "data",
        label: "Data",
        help: "The images of the new run's data set: look at them, find what is wrong with them and correct it.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: false,
    open: || Box::new(DataView::default()),
};

/// The height of the filter and a row of images, in points.
const FILTER_AND_A_ROW: f32 = 150.0;

/// What the view keeps between frames.
#[derive(Default)]
struct DataView {
    /// What the rest was made for.
    shown: Option<Arc<Collection>>,
    tally: Tally,
    filter: Filter,
    /// The images that pass the filter.
    images: Vec<ExampleId>,
    grid: ImageGrid,
    sample: Sample,
    overview: Overview,
}

impl View for DataView {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let found = scene.state.data.found(&scene.spec.dataset);
        let collection = match found {
            None => return waiting(ui, scene.state.data.reading.as_ref()),
            Some(Err(error)) => return unreadable(ui, error, scene.actions),
            Some(Ok(collection)) => collection.clone(),
        };
        let shape = match collection.shape.image() {
            Ok(shape) => shape,
            Err(error) => return unreadable(ui, &message(&error), scene.actions),
        };
        self.follow(&collection);
        header(ui, &collection, shape, scene);
        if let Some(image) = self.side(ui, &collection, scene) {
            self.select(image, &collection);
        }
        if self.filter.ui(ui, &collection, &self.tally) {
            self.refilter(&collection);
        }
        let data = &scene.state.data;
        self.grid.ui(ui, &collection, shape, &self.images, data, scene.actions);
    }
}

impl DataView {
    /// Another data set, or another use of it.
    fn follow(&mut self, collection: &Arc<Collection>) {
        let before = self.shown.replace(collection.clone());
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, collection)) {
            return;
        }
        let counts = |of: &Collection| (of.train.len(), of.test.len(), of.shape, of.class_names.clone());
        if before.is_some_and(|before| counts(&before) != counts(collection)) {
            self.grid = self.grid.reset();
            self.sample = self.sample.reset();
            *self = Self {
                shown: self.shown.take(),
                grid: std::mem::take(&mut self.grid),
                sample: std::mem::take(&mut self.sample),
                ..Self::default()
            };
        }
        self.tally = Tally::of(collection);
        self.refilter(collection);
    }

    fn refilter(&mut self, collection: &Collection) {
        let images = self.filter.apply(collection);
        if images != self.images {
            self.images = images;
            self.grid.forget();
        }
    }

    /// Shows an image even where the filter hides it.
    fn select(&mut self, image: ExampleId, collection: &Collection) {
        if !self.images.contains(&image) {
            self.filter = Filter::default();
            self.refilter(collection);
        }
        self.grid.select(image);
    }

    /// What there is to say, at the right where there is room and beneath the images elsewhere; gives an image that is
    /// to be shown.
    fn side(&mut self, ui: &mut Ui, collection: &Collection, scene: &mut Scene<'_>) -> Option<ExampleId> {
        let mut chosen = None;
        let selected = self.grid.selected.filter(|image| collection.item(*image).is_some());
        let content = |ui: &mut Ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                self.sample.ui(ui, collection, selected, self.grid.id, scene);
                chosen = self.overview.ui(ui, collection, &self.tally, scene);
            });
        };
        let frame = egui::Frame::new().fill(ui.visuals().panel_fill);
        if ui.available_width() > 560.0 {
            let margin = egui::Margin { left: 12, ..egui::Margin::ZERO };
            let panel = Panel::right("data side").default_size(270.0).size_range(240.0..=420.0);
            panel.frame(frame.inner_margin(margin)).show(ui, content);
        } else {
            // The filter and some rows of images come first.
            let most = ui.available_height() * 0.45;
            let height = (ui.available_height() - 220.0).clamp(most.min(80.0), most);
            // it keeps its height in points when the window or its zoom changes, and there may be less room then
            let highest = (ui.available_height() - FILTER_AND_A_ROW).max(most.min(80.0));
            let panel = Panel::bottom("data side below").default_size(height).resizable(true);
            let panel = panel.size_range(most.min(80.0)..=highest);
            panel.frame(frame.inner_margin(egui::Margin { top: 8, ..egui::Margin::ZERO })).show(ui, content);
        }
        chosen
    }
}

fn header(ui: &mut Ui, collection: &Collection, shape: ImageShape, scene: &mut Scene<'_>) {
    ui.horizontal_wrapped(|ui| {
        title(ui, &elided(&save::data_name(scene.spec, scene.catalog), 40));
        let ImageShape { height, width, channels } = shape;
        let color = if channels == 3 { "colour" } else { "grey" };
        let images = thousands((collection.train.len() + collection.test.len()) as u64);
        let classes = collection.class_names.len();
        let text = format!("{images} images of {width} × {height} pixels in {color}, {classes} classes");
        ui.label(RichText::new(text).weak());
        open_buttons(ui, scene.actions);
    });
    let other = scene.run.filter(|run| {
        run.spec.dataset.id != scene.spec.dataset.id || run.spec.dataset.path != scene.spec.dataset.path
    });
    if let Some(run) = other {
        let text = format!(
            "These are the data of the form for a new run; {} learns from {}.",
            elided(&run.spec.name, 40),
            elided(&save::data_name(&run.spec, scene.catalog), 40)
        );
        ui.label(RichText::new(text).small().weak());
    }
    let kept = &collection.kept;
    if scene.spec.dataset.edits.is_empty() && !kept.is_empty() {
        ui.horizontal_wrapped(|ui| {
            let text = format!("You have corrected {} of these images before.", kept.len());
            ui.label(RichText::new(text).small());
            let help = "The next run then sees the data as you corrected it; its spec says so";
            if ui.button("Use these corrections").on_hover_text(help).clicked() {
                scene.spec.dataset.edits.clone_from(kept);
            }
        });
    }
}

fn open_buttons(ui: &mut Ui, actions: &mut Vec<Action>) {
    let folder = labeled_button(ui, ICON_FOLDER_OPEN, "Open a folder…");
    if folder.on_hover_text("A folder of pictures for each class, IDX or CIFAR files, COCO …").clicked() {
        actions.push(Action::PickDataset);
    }
    let file = labeled_button(ui, ICON_FILE_OPEN, "Open a file…");
    if file.on_hover_text("A table, an archive or an array: CSV, .npz, .tar.gz, .json …").clicked() {
        actions.push(Action::PickDataFile);
    }
}

fn waiting(ui: &mut Ui, reading: Option<&Preparing>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.38);
        ui.spinner();
        match reading {
            Some(reading) => preparation(ui, reading),
            None => drop(ui.label("Reading the images…")),
        }
        ui.label(RichText::new("Training goes on meanwhile, and another data set can be chosen.").weak());
    });
}

fn unreadable(ui: &mut Ui, error: &str, actions: &mut Vec<Action>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(strong("No images yet").heading());
        ui.label(error);
        ui.label(
            RichText::new("Open a folder or a file with labelled images, or drop it on the window.").weak(),
        );
        ui.add_space(8.0);
        open_buttons(ui, actions);
    });
}

/// Corrects the data set of the form and keeps it for the next time.
fn correct(scene: &mut Scene<'_>, edits: Edits) {
    scene.spec.dataset.edits = edits;
    scene.actions.push(Action::Data(DataRequest::Keep { dataset: scene.spec.dataset.clone() }));
}

/// The name of what a run does with an image, and what that means.
fn role_text(role: Role) -> [&'static str; 2] {
    match role {
        Role::Train => ["Training", "The network is fitted to them."],
        Role::Unlabelled => ["Without label", "In the training part, but beyond the budget of labels."],
        Role::Validation => ["Validation", "Set aside, to see while it trains how well the network does."],
        Role::Test => ["Test", "Looked at once, when the run is finished."],
        Role::Excluded => ["Left out", "No run that uses these corrections sees them."],
    }
}

fn role_color(role: Role, dark: bool) -> Color32 {
    let colors = theme::run_colors(dark);
    match role {
        Role::Train => colors[0],
        Role::Validation => colors[1],
        Role::Test => colors[2],
        Role::Unlabelled => colors[5],
        Role::Excluded => colors[3],
    }
}

/// "7 · training · image 123", for tooltips and screen readers.
fn spoken(collection: &Collection, image: ExampleId) -> String {
    let Some(item) = collection.item(image) else { return String::new() };
    let name = |label: u16| collection.class_names.get(usize::from(label)).map_or("?", String::as_str);
    let corrected = item.corrected_from.map(|was| format!(" (was {})", name(was))).unwrap_or_default();
    let role = role_text(item.role)[0].to_lowercase();
    let part = if image.is_test { "test image" } else { "training image" };
    format!("{}{corrected} · {role} · {part} {}", name(item.label), thousands(image.index.into()))
}
