//! What is on the screen as a file: pictures and plots as SVG or PNG, tables as CSV.
use super::{Action, look::Look, widgets::quiet_icon_button};
use crate::{
    errors::message,
    experiment::Experiment,
    protocol::Strip,
    spec::{Catalog, RunSpec, Section},
};
use anyhow::{Context as _, Result};
use egui::{
    Id, LayerId, Popup, Rect, Shape, Ui, emath::TSTransform, epaint::ClippedShape, layers::PaintList,
    style::ScrollAnimation,
};
use egui_material_icons::icons::ICON_DOWNLOAD;
use picture::Figure;

mod picture;
mod strip;
mod svg;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    Svg,
    Png,
    Csv,
}

/// What a picture can be saved as.
pub const PICTURE: [Format; 2] = [Format::Svg, Format::Png];
/// And where there are numbers behind it.
pub const PLOT: [Format; 3] = [Format::Svg, Format::Png, Format::Csv];

/// A file that waits for a place.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// With its ending.
    pub name: String,
    /// The contents of the file.
    pub bytes: Vec<u8>,
}

impl File {
    fn new(what: &str, format: Format, bytes: Vec<u8>) -> Self {
        let ending = match format {
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Csv => "csv",
        };
        Self { name: format!("{}.{ending}", hyphenated(what)), bytes }
    }
}

/// A table: its header, then its rows.
///
/// # Errors
/// Where a row is longer or shorter than the header.
pub fn table(what: &str, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<File> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(&row)?;
    }
    Ok(File::new(what, Format::Csv, writer.into_inner().context("Could not write the table")?))
}

/// What stands above a saved picture: its title, and what its lines are.
#[derive(Clone, Debug, Default)]
pub struct Caption {
    pub title: String,
    pub key: Vec<(Look, String)>,
}

impl From<&str> for Caption {
    fn from(title: &str) -> Self {
        Self { title: title.into(), key: vec![] }
    }
}

impl From<String> for Caption {
    fn from(title: String) -> Self {
        Self { title, key: vec![] }
    }
}

/// Where figures come from: a run or a comparison, and its images.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What the column of its name is called in a table.
    kind: &'static str,
    name: String,
    data: String,
}

impl Source {
    pub fn of(spec: &RunSpec, catalog: &Catalog) -> Self {
        Self { kind: "run", name: spec.name.clone(), data: data_name(spec, catalog) }
    }

    pub fn of_experiment(experiment: &Experiment, catalog: &Catalog) -> Self {
        let data = data_name(&experiment.base, catalog);
        Self { kind: "comparison", name: experiment.name.clone(), data }
    }

    /// The user's own drawings, as a run reads them where there is one.
    pub fn of_handwriting(run: Option<&RunSpec>) -> Self {
        let name = run.map_or_else(String::new, |spec| spec.name.clone());
        Self { kind: "run", name, data: "my handwriting".into() }
    }

    /// Of some of the images only, such as "test images".
    pub fn among(self, images: &str) -> Self {
        Self { data: format!("{}, {images}", self.data), ..self }
    }

    /// "Reliability: Seed CNN on MNIST digits".
    pub fn title(&self, what: &str) -> String {
        format!("{what}: {self}")
    }

    /// Images with their captions as a picture, under a title that names this source.
    ///
    /// # Errors
    /// Where the picture has too many pixels.
    pub fn strip(&self, ui: &Ui, what: &str, strip: &Strip, format: Format) -> Result<File> {
        let title = self.title(what);
        strip::picture(ui.ctx(), &title, strip).file(&title, format)
    }

    /// A row of a [`table`] of several runs: the run and the data, then the cells.
    pub fn row(&self, cells: impl IntoIterator<Item = String>) -> Vec<String> {
        [self.name.clone(), self.data.clone()].into_iter().chain(cells).collect()
    }

    /// A [`table`] of this source alone, which its first two columns name.
    ///
    /// # Errors
    /// As [`table`].
    pub fn table(
        &self,
        what: &str,
        header: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
    ) -> Result<File> {
        let header: Vec<&str> = [self.kind, "data"].into_iter().chain(header.iter().copied()).collect();
        table(&self.title(what), &header, rows.map(|cells| self.row(cells)))
    }
}

/// What a run's data set is called: its folder, where it has one.
pub fn data_name(spec: &RunSpec, catalog: &Catalog) -> String {
    let folder = spec.dataset.path.as_ref().and_then(|path| path.file_name());
    let label = || catalog.component(Section::Dataset, &spec.dataset.id).map(|info| info.label.to_owned());
    let name = folder.map(|name| name.to_string_lossy().into_owned()).or_else(label);
    name.unwrap_or_else(|| spec.dataset.id.clone())
}

/// "Seed CNN on MNIST digits", or the data alone where no run looks at them.
impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.is_empty() {
            return f.write_str(&self.data);
        }
        write!(f, "{} on {}", self.name, self.data)
    }
}

/// Where on the screen what is painted from now on begins.
///
/// A picture is made from the shapes that egui is given for it, so that it is what is seen, in the theme and at the zoom
/// in which it is seen.
pub struct Mark {
    layer: LayerId,
    from: usize,
}

impl Mark {
    pub fn new(ui: &Ui) -> Self {
        let layer = ui.layer_id();
        let from = ui.ctx().graphics(|graphics| graphics.get(layer).map_or(0, |list| list.next_idx().0));
        Self { layer, from }
    }

    /// Saves what has been painted within a part of the screen since, or the table behind it, in the format that a
    /// [`menu`] gave. A picture that is partly out of sight is brought into sight and saved then.
    pub fn save(
        &self,
        ui: &Ui,
        wanted: Option<Format>,
        within: Rect,
        caption: &Caption,
        table: impl FnOnce() -> Result<File>,
    ) -> Option<Action> {
        let format = wanted?;
        if format == Format::Csv {
            return Some(action(table()));
        }
        let in_sight = ui.clip_rect();
        let would_fit = within.width() <= in_sight.width() && within.height() <= in_sight.height();
        if would_fit && !in_sight.contains_rect(within) && Chosen::wait(ui) {
            ui.scroll_to_rect_animation(within, None, ScrollAnimation::none());
            return None;
        }
        if Chosen::settle(ui) {
            return None;
        }
        Some(action(self.picture(ui, within, caption, format)))
    }

    fn picture(&self, ui: &Ui, within: Rect, caption: &Caption, format: Format) -> Result<File> {
        let shapes: Vec<_> = ui.ctx().graphics(|graphics| {
            let all = graphics.get(self.layer).into_iter().flat_map(PaintList::all_entries);
            all.skip(self.from)
                .filter(|shape| shape.shape.visual_bounding_rect().intersects(within))
                .cloned()
                .collect()
        });
        let within = shapes.iter().fold(within, |within, shape| within.union(text_of(shape)));
        let visuals = ui.visuals();
        let (paper, ink) = (visuals.window_fill, visuals.strong_text_color());
        let mut picture = Figure::new(ui.ctx(), within.size(), caption, paper, ink);
        let to_its_place = TSTransform::from_translation(picture.origin() - within.min);
        for mut shape in shapes {
            shape.clip_rect = shape.clip_rect.intersect(within);
            shape.transform(to_its_place);
            picture.shapes.push(shape);
        }
        picture.file(&caption.title, format)
    }
}

/// The part of the screen that a text takes: the last number of an axis reaches beyond the axis.
fn text_of(shape: &ClippedShape) -> Rect {
    match &shape.shape {
        Shape::Text(text) => text.visual_bounding_rect().intersect(shape.clip_rect),
        _ => Rect::NOTHING,
    }
}

/// The format chosen in a [`menu`], until the picture is scrolled into view.
#[derive(Clone, Copy)]
struct Chosen {
    menu: Id,
    format: Format,
    frames_left: u8,
    is_waiting: bool,
    is_settled: bool,
}

/// Frames in which a picture has to come into sight.
const PATIENCE: u8 = 20;

impl Chosen {
    /// One for all menus.
    fn id() -> Id {
        Id::unique("what is being saved")
    }

    fn keep(ui: &Ui, menu: Id, format: Format) {
        let chosen = Self { menu, format, frames_left: PATIENCE, is_waiting: false, is_settled: false };
        ui.data_mut(|data| data.insert_temp(Self::id(), chosen));
    }

    /// Lets the menu give the same answer in the next frame; says whether there is time for that.
    fn wait(ui: &Ui) -> bool {
        let chosen = ui.data(|data| data.get_temp::<Self>(Self::id()));
        let Some(chosen) = chosen.filter(|chosen| chosen.frames_left > 0) else { return false };
        let waiting = Self { frames_left: chosen.frames_left - 1, is_waiting: true, ..chosen };
        ui.data_mut(|data| data.insert_temp(Self::id(), waiting));
        ui.ctx().request_repaint();
        true
    }

    /// Whether to wait for one more frame, as a plot that has just come into sight gives its axes their room in the next one.
    fn settle(ui: &Ui) -> bool {
        let chosen = ui.data(|data| data.get_temp::<Self>(Self::id()));
        let has_moved = |chosen: &Self| chosen.frames_left < PATIENCE && !chosen.is_settled;
        let Some(chosen) = chosen.filter(has_moved) else { return false };
        ui.data_mut(|data| {
            data.insert_temp(Self::id(), Self { is_settled: true, is_waiting: true, ..chosen })
        });
        ui.ctx().request_repaint();
        true
    }

    /// What was chosen in a menu in an earlier frame and waits.
    fn again(ui: &Ui, menu: Id) -> Option<Format> {
        let chosen = ui.data(|data| data.get_temp::<Self>(Self::id()));
        let chosen = chosen.filter(|chosen| chosen.menu == menu && chosen.is_waiting)?;
        ui.data_mut(|data| data.insert_temp(Self::id(), Self { is_waiting: false, ..chosen }));
        Some(chosen.format)
    }
}

/// A small menu that says as what a picture or a table is to be saved.
pub fn menu(ui: &mut Ui, what: &str, formats: &[Format]) -> Option<Format> {
    let button = quiet_icon_button(ui, ICON_DOWNLOAD, &format!("Save {what}…"));
    let mut chosen = Chosen::again(ui, button.id);
    Popup::menu(&button).show(|ui| {
        for format in formats {
            let (text, help) = match format {
                Format::Svg => ("As SVG…", "Sharp at any size; for slides and papers"),
                Format::Png => ("As PNG…", "Pixels; opens everywhere"),
                Format::Csv => ("As CSV…", "The numbers, as a table"),
            };
            if ui.button(text).on_hover_text(help).clicked() {
                Chosen::keep(ui, button.id, *format);
                chosen = Some(*format);
                ui.close();
            }
        }
    });
    chosen
}

/// What to do about a file that may not have come about.
pub fn action(file: Result<File>) -> Action {
    Action::Save(file.map_err(|error| message(&error)))
}

/// "Loss of Seed CNN" as "loss-of-seed-cnn", short enough for any disk.
fn hyphenated(what: &str) -> String {
    let words = what.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_lowercase();
    name.chars().take(60).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
