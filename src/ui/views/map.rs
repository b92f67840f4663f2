//! A map of a data set as a network sees it: images that it takes to be alike lie together, and the drawing among them.
use super::{
    Scene, UNSAVED, View, ViewEntry, empty,
    glossary::{EMBEDDING, PCA, TSNE, lead},
};
use crate::{
    embedding::{Map, MapMethod, Placement},
    metrics::Split,
    protocol::{Caption, Finding, Question, RunId, Strip},
    sample::{Image, Modality},
    session::Run,
    spec::ComponentInfo,
    ui::{
        asking::Asking,
        save::{self, Format, Mark, Source},
        strips::Strips,
        widgets::{elided, thousands, title},
    },
};
use egui::{ComboBox, Label, ProgressBar, RichText, ScrollArea, Ui};
use scatter::Scatter;
use std::sync::Arc;

mod scatter;
mod sentence;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "map",
        label: "Map",
        help: "A map of the images as the selected network sees them, with your drawing among its neighbours.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: true,
    open: || Box::new(MapView::new()),
};

/// Images on the map, at most.
const IMAGES: usize = 5000;
/// Neighbours of the drawing that are shown, and how high.
const NEAREST: usize = 10;
const NEIGHBOUR: f32 = 42.0;
/// What stands beneath the nearest images.
const RANKS: &str = "Closest 5 %: only 5 % of the images on the map have another one so close. Farthest 5 %: only 5 % have none so close.";
/// The height of the line about the image beneath the pointer.
const POINTED: f32 = scatter::THUMBNAIL + 8.0;

/// What the view keeps between frames.
struct MapView {
    split: Split,
    method: MapMethod,
    asked: Option<Asked>,
    /// Both ways to draw the newest answer.
    pca: Option<Arc<Map>>,
    tsne: Option<Arc<Map>>,
    /// Where the drawing is to be placed.
    embedding: Asking<Image>,
    scatter: Scatter,
    nearest: Strips,
}

/// The map that was asked for, and how far it is.
struct Asked {
    request: u64,
    run: RunId,
    split: Split,
    step: u64,
    share_done: f32,
    problem: Option<String>,
    is_stopped: bool,
}

impl View for MapView {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(run) = scene.run else {
            let then = "Then its network draws a map of the images as it sees them.";
            return empty(ui, "Start a run, or select one", then);
        };
        self.follow(scene, run);
        self.take_in(scene);
        let wanted = self.header(ui, scene, run);
        if let Some(problem) = self.asked.as_ref().and_then(|asked| asked.problem.clone()) {
            return empty(ui, "There is no map", &problem);
        }
        let Some(map) = self.shown() else {
            return empty(ui, "Looking at the images…", "Training goes on meanwhile.");
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let placement = self.placement(ui, scene, run, &map);
            let [name, called] =
                if scene.sheet.is_some() { ["Drawing", "drawing"] } else { ["Image", "image"] };
            let term = if map.method == MapMethod::Tsne { &TSNE } else { &PCA };
            let told = sentence::sentence(&map, placement.as_ref().map(|placement| (placement, called)));
            lead(ui, &told, &[term, &EMBEDDING]);
            let below = POINTED + if scene.image.is_some() { NEIGHBOUR + 92.0 } else { 34.0 };
            let mark = Mark::new(ui);
            let area = self.scatter.ui(
                ui,
                &map,
                placement.as_ref().map(|placement| (placement, name)),
                (ui.available_height() - below).max(160.0),
            );
            self.scatter.pointed(ui, &map);
            let source = scene.source(run).among(&format!("{} images", map.embedded.split.id()));
            let table = || table(&map, &source);
            scene.actions.extend(mark.save(ui, wanted, area, &source.title("Map").into(), table));
            self.neighbours(ui, &map, placement.as_ref(), scene);
        });
    }
}

impl MapView {
    fn new() -> Self {
        Self {
            split: Split::Train,
            method: MapMethod::Tsne,
            asked: None,
            pca: None,
            tsne: None,
            embedding: Asking::default(),
            scatter: Scatter::default(),
            nearest: Strips::default(),
        }
    }

    /// Asks for a map where there is none of this run and split yet.
    fn follow(&mut self, scene: &mut Scene<'_>, run: &Run) {
        let is_there = |asked: &Asked| {
            let is_of = asked.run == run.id && asked.split == self.split;
            // a run that was not saved yet may be at work by now
            is_of && (asked.problem.as_deref() != Some(UNSAVED) || !run.has_weights())
        };
        if self.asked.as_ref().is_some_and(is_there) {
            return;
        }
        self.ask(scene, run);
        (self.pca, self.tsne) = (None, None);
        self.scatter = Scatter::default();
    }

    fn ask(&mut self, scene: &mut Scene<'_>, run: &Run) {
        let question = Question::Map { split: self.split, examples: IMAGES, method: MapMethod::Tsne };
        let has_weights = run.has_weights();
        self.asked = Some(Asked {
            request: if has_weights { scene.ask(run.id.clone(), question) } else { 0 },
            run: run.id.clone(),
            split: self.split,
            step: run.progress.step,
            share_done: 0.0,
            problem: (!has_weights).then(|| UNSAVED.into()),
            is_stopped: false,
        });
    }

    fn take_in(&mut self, scene: &Scene<'_>) {
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.is_stopped) else { return };
        let Some(answer) = scene.state.answers.get(&asked.request) else { return };
        asked.share_done = answer.share_done;
        match &answer.finding {
            Some(Ok(Finding::Map(map))) => {
                let embedded = |map: &Arc<Map>| Arc::as_ptr(&map.embedded);
                if self.pca.as_ref().is_none_or(|pca| embedded(pca) != embedded(map)) {
                    self.pca = Some(Arc::new(by_pca(map)));
                    self.tsne = None;
                }
                if map.method == MapMethod::Tsne {
                    self.tsne = Some(map.clone());
                }
            }
            Some(Err(problem)) => asked.problem = Some(problem.clone()),
            _ => {}
        }
    }

    /// What is there of the chosen map: PCA until t-SNE has begun.
    fn shown(&self) -> Option<Arc<Map>> {
        let tsne = self.tsne.as_ref().filter(|_| self.method == MapMethod::Tsne);
        tsne.or(self.pca.as_ref()).cloned()
    }

    /// Gives the format in which the map is to be saved.
    fn header(&mut self, ui: &mut Ui, scene: &mut Scene<'_>, run: &Run) -> Option<Format> {
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            title(ui, "Map").on_hover_text("Each mark is an image. The nearer two marks are, the more similar their embeddings; labels play no part");
            for (method, label, help) in [
                (MapMethod::Pca, "PCA", "The two directions in which embeddings differ most: quick, and distances can be taken at their word, but much is hidden behind each other"),
                (MapMethod::Tsne, "t-SNE", "Keeps neighbours together, so that groups stand out. Distances between groups mean little. It takes a while to converge"),
            ] {
                if ui.selectable_value(&mut self.method, method, label).on_hover_text(help).changed() {
                    self.scatter.reset();
                }
            }
            let name = |split: Split| match split {
                Split::Train => "Training images",
                Split::Validation => "Validation images",
                Split::Test => "Test images",
            };
            ComboBox::from_id_salt("map split").selected_text(name(self.split)).show_ui(ui, |ui| {
                for split in Split::ALL {
                    ui.selectable_value(&mut self.split, split, name(split));
                }
            })
            .response.on_hover_text("The images on the map, some thousands of them");
            if ui.button("Show all").on_hover_text("Drag to move, the wheel with Ctrl to zoom").clicked() {
                self.scatter.reset();
            }
            self.progress(ui, scene, run);
            if self.shown().is_some() {
                wanted = save::menu(ui, "the map", &save::PLOT);
            }
        });
        wanted
    }

    fn progress(&mut self, ui: &mut Ui, scene: &mut Scene<'_>, run: &Run) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.problem.is_none()) else { return };
        if asked.share_done < 1.0 && !asked.is_stopped {
            let percent = format!("{:.0} %", asked.share_done * 100.0);
            ui.add(ProgressBar::new(asked.share_done).desired_width(110.0).text(percent));
            if ui.button("Stop").on_hover_text("Keeps the map as it is now").clicked() {
                asked.is_stopped = true;
                scene.dismiss(asked.request);
            }
            return;
        }
        let step = thousands(asked.step);
        let name = &run.spec.name;
        ui.label(RichText::new(format!("{}, step {step}", elided(name, 24))).weak()).on_hover_text(name);
        let is_old = run.progress.step != asked.step;
        let help =
            if is_old { "Its weights have moved on since" } else { "Draws the map from the beginning" };
        if (is_old || asked.is_stopped) && ui.button("Draw again").on_hover_text(help).clicked() {
            self.ask(scene, run);
        }
    }

    /// Where the drawing lies, by its embedding as the network sees it now.
    fn placement(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, map: &Map) -> Option<Placement> {
        let (of, image) = ((run, run.progress.step), scene.image?.clone());
        self.embedding.follow(ui, of, image, &mut scene.asker(), |image| Question::Embedding {
            sample: image.clone().into(),
        });
        match &self.embedding.found(&run.id)?.finding {
            Ok(Finding::Embedding(embedding)) => map.place(embedding, NEAREST),
            _ => None,
        }
    }

    /// A map is of the weights as they were, the drawing is seen by those of now.
    fn say_whose_weights(&self, ui: &mut Ui) {
        let Some(map_of) = self.asked.as_ref().map(|asked| asked.step) else { return };
        let Some(seen_by) =
            self.asked.as_ref().and_then(|asked| self.embedding.found(&asked.run)).map(|found| found.step)
        else {
            return;
        };
        if seen_by != map_of {
            let [seen_by, map_of] = [seen_by, map_of].map(thousands);
            let text = format!(
                "The map is of step {map_of}, and step {seen_by} sees the drawing: draw the map again to use one step for both."
            );
            ui.label(RichText::new(text).small().weak());
        }
    }

    fn neighbours(&mut self, ui: &mut Ui, map: &Map, placement: Option<&Placement>, scene: &Scene<'_>) {
        match placement {
            Some(placement) => {
                self.nearest.line(ui, strip(map, placement), NEIGHBOUR);
                if map.neighbourhood.is_some() {
                    ui.add(Label::new(RichText::new(RANKS).small().weak()).truncate()).on_hover_text(RANKS);
                }
                self.say_whose_weights(ui);
            }
            None if scene.image.is_some() => {
                ui.label(RichText::new("Looking for the place of the drawing…").weak());
            }
            None => {
                ui.label(RichText::new("Draw a digit: it moves over the map as you draw.").weak());
            }
        }
    }
}

/// Where each image lies, and what it is.
fn table(map: &Map, source: &Source) -> anyhow::Result<save::File> {
    let rows = map.positions.iter().enumerate().map(|(image, [x, y])| {
        let (number, class) = (map.embedded.examples[image], map.embedded.class_name(image));
        vec![number.to_string(), class.to_owned(), x.to_string(), y.to_string()]
    });
    source.table("Map", &["image", "class", "x", "y"], rows)
}

/// The same images by PCA, which is there at once.
fn by_pca(map: &Map) -> Map {
    let rows = map.embedded.rows.chunks_exact(map.embedded.dimensions.max(1));
    let positions = rows.map(|row| map.pca.place(row)).collect();
    Map { method: MapMethod::Pca, positions, ..map.clone() }
}

/// The nearest images with their labels and distances.
fn strip(map: &Map, placement: &Placement) -> Strip {
    let embedded = &map.embedded;
    let size = embedded.thumbnail_shape.len();
    let image = |(image, _): &(usize, f32)| embedded.thumbnails[image * size..][..size].to_vec();
    let rank = |distance: f32| map.neighbourhood.as_ref()?.gaps.rank(distance);
    let caption = |(image, distance): &(usize, f32)| {
        let class = embedded.class_name(*image);
        let text = rank(*distance).map_or(class.into(), |rank| format!("{class} · {rank}"));
        Caption { text, is_right: None }
    };
    Strip {
        name: "Nearest images",
        help: "Those whose embeddings are nearest by Euclid's distance, with their labels",
        shape: embedded.thumbnail_shape,
        pixels: placement.nearest.iter().flat_map(image).collect(),
        captions: placement.nearest.iter().map(caption).collect(),
    }
}
