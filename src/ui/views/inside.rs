//! Inside the network: what its convolutions make of the drawing, and which images each of their filters looks for.
use super::{
    Scene, View, ViewEntry, empty,
    glossary::{FEATURE_MAP, FILTER, lead},
    pointed::Pointed,
    region::region,
    waiting, without_drawing,
};
use crate::{
    explanation::Third,
    inside::{FeatureMaps, Filters, Inside},
    protocol::{Finding, Question, RunId, Strip},
    sample::{Image, Modality},
    session::Run,
    shape::ImageShape,
    spec::ComponentInfo,
    ui::{
        Action,
        asking::Asking,
        save::{self, Format, Source},
        widgets::{strong, thousands, title},
    },
};
use atlas::Atlas;
use egui::{Frame, Margin, Panel, RichText, ScrollArea, Ui};
use filter::Filter;
use std::sync::Arc;

mod atlas;
mod filter;
mod sentence;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "inside",
        label: "Inside",
        help: "What each layer of the selected network makes of your drawing, and which images its filters look for.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: true,
    open: || Box::new(InsideView::default()),
};

/// Where no map of the last layer has a value above 0.
const DARK: &str = "No map of the last layer lights up.";
/// How large a map and a filter are shown, in points.
const MAP: f32 = 46.0;
const PATTERN: f32 = 30.0;

/// What the view keeps between frames.
#[derive(Default)]
struct InsideView {
    asking: Asking<Image>,
    run: Option<RunId>,
    /// The step of the weights that are shown.
    step: u64,
    shown: Option<Arc<Inside>>,
    filters: Option<Atlas>,
    /// One a layer.
    maps: Vec<Atlas>,
    filter: Filter,
}

impl View for InsideView {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(run) = scene.run else {
            return empty(ui, "Start a run, or select one", "Then you can look inside its network.");
        };
        let Some(image) = scene.image else {
            let then = "Here you see what each layer makes of it.";
            return without_drawing(ui, "Draw a digit, or open an image", then, scene);
        };
        if self.run.as_ref() != Some(&run.id) {
            (self.run, self.filter) = (Some(run.id.clone()), Filter::default());
        }
        let (of, image) = ((run, run.progress.step), image.clone());
        self.asking.follow(ui, of, image, &mut scene.asker(), |image| Question::Inside {
            sample: image.clone().into(),
        });
        match self.asking.found(&run.id).map(|found| (&found.finding, found.step)) {
            Some((Ok(Finding::Inside(found)), step)) => {
                let found = found.clone();
                self.step = step;
                self.show(ui, &found, run, scene);
            }
            Some((Err(problem), _)) => empty(ui, "The network cannot look at this", problem),
            _ => waiting(ui),
        }
    }
}

impl InsideView {
    fn show(&mut self, ui: &mut Ui, found: &Arc<Inside>, run: &Run, scene: &mut Scene<'_>) {
        if found.layers.is_empty() {
            let then = "Select a run with a convolutional encoder, such as the Seed CNN.";
            return empty(ui, "This network has no convolution to look into", then);
        }
        self.upload(ui, found);
        if self.filter.chosen.is_some() {
            let frame =
                Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin { left: 12, ..Margin::ZERO });
            let panel = Panel::right("filter").default_size(270.0).size_range(220.0..=420.0).frame(frame);
            panel.show(ui, |ui| {
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| self.filter.ui(ui, found, scene));
            });
        }
        ui.horizontal_wrapped(|ui| {
            title(ui, "Inside");
            ui.label(RichText::new(format!("step {}", thousands(self.step))).weak());
        });
        let told = sentence::sentence(found).unwrap_or_else(|| DARK.into());
        lead(ui, &told, &[&FEATURE_MAP, &FILTER]);
        let line = Pointed::reserve(ui);
        let source = scene.source(run);
        let area = ScrollArea::vertical().id_salt(&run.id).auto_shrink(false);
        let pointed = area.show(ui, |ui| self.layers(ui, found, &source, scene.actions)).inner;
        line.say(ui, pointed.as_deref(), "Choose a map or a filter to see which images it looks for.");
    }

    /// Gives what is beneath the pointer.
    fn layers(
        &mut self,
        ui: &mut Ui,
        found: &Inside,
        source: &Source,
        actions: &mut Vec<Action>,
    ) -> Option<String> {
        let mut pointed = None;
        if let (Some(filters), Some(atlas)) = (&found.filters, &self.filters) {
            let ImageShape { height, width, channels } = filters.shape;
            let heading = format!("Filters of {}", found.layers[0].name);
            let help = "What the first layer multiplies each patch of the image by";
            let colours = if channels == 3 {
                "in the image's colours, grey is 0"
            } else {
                "orange above 0, blue below"
            };
            let sizes = format!("{} of {height} × {width} pixels, {colours}", filters.count());
            let format = section(ui, &heading, help, &sizes);
            let picture =
                |format| source.strip(ui, &heading, &strip([height, width], painted(filters)), format);
            actions.extend(format.map(picture).map(save::action));
            let name = |filter: usize| format!("Filter {filter} of {}", found.layers[0].name);
            let answer = atlas.ui(ui, PATTERN, self.filter.of_layer(0), name);
            pointed = answer.pointed.map(name);
            if let Some(filter) = answer.clicked {
                self.filter.choose(0, filter);
            }
        }
        for ((layer, maps), atlas) in found.layers.iter().enumerate().zip(&self.maps) {
            let heading = format!("Feature maps of {}", maps.name);
            let help = "How strongly each filter of this layer answers at each place of the image: the brighter, the stronger. All maps of a layer have one scale";
            let sizes = format!(
                "{} of {} × {} places, white is {:.2}",
                maps.count(),
                maps.height,
                maps.width,
                maps.strongest()
            );
            let format = section(ui, &heading, help, &sizes);
            let picture =
                |format| source.strip(ui, &heading, &strip([maps.height, maps.width], lit(maps)), format);
            actions.extend(format.map(picture).map(save::action));
            let name = |filter: usize| format!("Map {filter} of {}", maps.name);
            let answer = atlas.ui(ui, MAP, self.filter.of_layer(layer), name);
            let told = |filter: usize| format!("{}{}", name(filter), brightness(maps, filter));
            pointed = answer.pointed.map(told).or(pointed);
            if let Some(filter) = answer.clicked {
                self.filter.choose(layer, filter);
            }
        }
        pointed
    }

    fn upload(&mut self, ui: &Ui, found: &Arc<Inside>) {
        if self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, found)) {
            return;
        }
        let of_filters = |filters: &Filters| {
            let ImageShape { height, width, .. } = filters.shape;
            Atlas::new(ui.ctx(), "filters", [height, width], &painted(filters))
        };
        let of_maps =
            |maps: &FeatureMaps| Atlas::new(ui.ctx(), &maps.name, [maps.height, maps.width], &lit(maps));
        self.filters = found.filters.as_ref().map(of_filters);
        self.maps = found.layers.iter().map(of_maps).collect();
        self.shown = Some(found.clone());
    }
}

/// ": up to 3.21, in its upper left part".
fn brightness(maps: &FeatureMaps, filter: usize) -> String {
    let values = maps.map(filter).iter().enumerate();
    let Some((at, value)) = values.max_by(|a, b| a.1.total_cmp(b.1)).filter(|(_, value)| **value > 0.0)
    else {
        return ": nothing above 0".into();
    };
    let place = region(Third::of(at / maps.width, maps.height), Third::of(at % maps.width, maps.width));
    format!(": up to {value:.2}{}", place.map_or(String::new(), |place| format!(", in its {place} part")))
}

/// The heading of a part, which can be saved as a picture.
fn section(ui: &mut Ui, heading: &str, help: &str, sizes: &str) -> Option<Format> {
    ui.add_space(6.0);
    let wanted = ui.horizontal_wrapped(|ui| {
        ui.label(strong(heading)).on_hover_text(help);
        ui.label(RichText::new(sizes).small().weak());
        save::menu(ui, &heading.to_lowercase(), &save::PICTURE)
    });
    wanted.inner
}

/// Pictures one after another.
fn strip([height, width]: [usize; 2], pixels: Vec<[u8; 3]>) -> Strip {
    let shape = ImageShape::new(height, width, 3);
    Strip { name: "Inside", help: "", shape, pixels: pixels.concat(), captions: vec![] }
}

/// Filters in colour, one after another.
fn painted(filters: &Filters) -> Vec<[u8; 3]> {
    let channels = filters.shape.channels;
    let scale = filters.values.iter().fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let pixel = |numbers: &[f32]| match numbers {
        [red, green, blue] => [red, green, blue].map(|value| (127.5 + 127.5 * value / scale) as u8),
        numbers => {
            let mean = numbers.iter().sum::<f32>() / numbers.len().max(1) as f32;
            crate::explanation::colour(0.3, mean / scale)
        }
    };
    filters.values.chunks_exact(channels.max(1)).map(pixel).collect()
}

/// Maps in greys, one after another.
fn lit(maps: &FeatureMaps) -> Vec<[u8; 3]> {
    let strongest = maps.strongest().max(f32::MIN_POSITIVE);
    let pixel = |value: &f32| [(value / strongest * 255.0) as u8; 3];
    maps.values.iter().map(pixel).collect()
}
