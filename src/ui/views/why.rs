//! Why the drawing is taken for what it is taken for: what in it speaks for a class, by several methods side by side.
use super::{
    Scene, View, ViewEntry, centred, empty,
    glossary::{self, lead, term},
    pointed::Pointed,
    waiting, without_drawing,
};
use crate::{
    explanation::{Attribution, Explanation, colour},
    protocol::{Caption, Finding, Question, RunId, Strip},
    sample::{Image, Modality},
    shape::ImageShape,
    spec::ComponentInfo,
    ui::{
        Action,
        asking::Asking,
        save::{self, Source},
        theme,
        widgets::{card, strong, thousands, title},
    },
};
use egui::{
    Color32, ColorImage, ComboBox, Painter, Rect, RichText, Role, ScrollArea, Sense, Stroke, TextureHandle,
    TextureOptions, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

mod sentence;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "why",
        label: "Why",
        help: "What in your drawing speaks for a class and what against it, to the eyes of the selected network.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: true,
    open: || Box::new(Why::new()),
};

/// An explanation takes a while: nobody explains half a stroke.
const SETTLED: f64 = 0.15;

/// An image, the class to explain and the other one.
type About = (Image, Option<u16>, Option<u16>);

/// What the view keeps between frames.
struct Why {
    asking: Asking<About>,
    /// Of which run the classes below are.
    run: Option<RunId>,
    /// The one to explain; else the most probable one.
    class: Option<u16>,
    instead_of: Option<u16>,
    shown: Option<Arc<Explanation>>,
    pictures: Vec<Picture>,
}

/// What is kept of a method's answer.
struct Picture {
    texture: TextureHandle,
    /// The share of what speaks for the class that lies away from any ink.
    on_paper: Option<f32>,
}

const GRAD_CAM: &str = "grad_cam";
/// Where more than this share of the heat lies on paper, that is said.
const MOSTLY: f32 = 0.5;

impl View for Why {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(run) = scene.run else {
            return empty(ui, "Start a run, or select one", "Its network says what it sees in your drawing.");
        };
        let Some(image) = scene.image else {
            let then = "Here you see what in it speaks for each class.";
            return without_drawing(ui, "Draw a digit, or open an image", then, scene);
        };
        if self.run.as_ref() != Some(&run.id) {
            (self.run, self.class, self.instead_of) = (Some(run.id.clone()), None, None);
        }
        let about = (image.clone(), self.class, self.instead_of);
        let of = (run, run.progress.step);
        self.asking.follow(ui, of, about, &mut scene.asker(), |(image, class, instead_of)| {
            Question::Explanation { sample: image.clone().into(), class: *class, instead_of: *instead_of }
        });
        match self.asking.found(&run.id).map(|found| (&found.finding, found.step)) {
            Some((Ok(Finding::Explanation(found)), step)) => {
                let found = found.clone();
                self.upload(ui, &found);
                let weights = format!("{}, step {}", run.spec.name, thousands(step));
                self.header(ui, (&found, &scene.source(run)), &weights, scene.actions);
                self.methods(ui, &found);
            }
            Some((Err(problem), _)) => {
                let problem = problem.clone();
                centred(ui, "There is no explanation", &problem, |ui| {
                    let has_choice = self.class.is_some() || self.instead_of.is_some();
                    if has_choice && ui.button("Explain the most probable class").clicked() {
                        (self.class, self.instead_of) = (None, None);
                    }
                });
            }
            _ => waiting(ui),
        }
    }
}

impl Why {
    fn new() -> Self {
        let asking = Asking::once_settled(SETTLED);
        Self { asking, run: None, class: None, instead_of: None, shown: None, pictures: vec![] }
    }

    fn upload(&mut self, ui: &Ui, found: &Arc<Explanation>) {
        if self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, found)) {
            return;
        }
        let ImageShape { height, width, .. } = found.shape;
        let picture = |attribution: &Attribution| {
            let painted = attribution.values.as_ref().map(|_| found.paint(attribution));
            let image = painted.map_or_else(
                || ColorImage::filled([width, height], Color32::BLACK),
                |painted| ColorImage::from_rgb([width, height], &painted),
            );
            let texture = ui.ctx().load_texture(attribution.id, image, TextureOptions::NEAREST);
            // The patches of occlusion reach beyond the ink in any case.
            let on_paper = if attribution.id == GRAD_CAM { found.on_paper(attribution) } else { None };
            Picture { texture, on_paper }
        };
        self.pictures = found.attributions.iter().map(picture).collect();
        self.shown = Some(found.clone());
    }

    fn header(
        &mut self,
        ui: &mut Ui,
        (found, source): (&Explanation, &Source),
        weights: &str,
        actions: &mut Vec<Action>,
    ) {
        ui.horizontal_wrapped(|ui| {
            title(ui, "Why").on_hover_text("What is explained is the network's score for the class before it is turned into a probability: its logit");
            let most_probable = format!("{} (most probable)", found.class_name(found.predicted));
            let shown = self.class.map_or(most_probable.clone(), |class| found.class_name(class).into());
            ComboBox::from_id_salt("explained class").selected_text(shown).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.class, None, most_probable);
                for (class, name) in (0..).zip(&found.class_names) {
                    ui.selectable_value(&mut self.class, Some(class), name);
                }
            })
            .response.on_hover_text("The class to explain");
            ui.label("instead of");
            let shown = self.instead_of.map_or("nothing", |class| found.class_name(class));
            ComboBox::from_id_salt("other class").selected_text(shown).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.instead_of, None, "nothing");
                let others = (0..).zip(&found.class_names).filter(|(class, _)| *class != found.class);
                for (class, name) in others {
                    ui.selectable_value(&mut self.instead_of, Some(class), name);
                }
            })
            .response.on_hover_text("What speaks for the class rather than for this one");
            ui.label(RichText::new(weights).weak());
            let format = save::menu(ui, "the explanations", &save::PICTURE);
            let what = format!("What speaks for {}", found.subject());
            let picture = |format| source.strip(ui, &what, &painted(found), format);
            actions.extend(format.map(picture).map(save::action));
        });
        lead(ui, &sentence::sentence(found), &[&glossary::PARTS, &glossary::LOGIT]);
        let (output, empty) = (found.output, found.empty_output);
        ui.horizontal_wrapped(|ui| {
            let text = format!("Score of {}: {output:+.2}, of an empty image {empty:+.2}", found.subject());
            ui.label(RichText::new(text).small()).on_hover_text("The logits: the larger, the more probable. Integrated gradients share out their difference among the pixels");
            legend(ui, found);
        });
    }

    fn methods(&self, ui: &mut Ui, found: &Explanation) {
        const GAP: f32 = 10.0;
        /// What a card needs around its image.
        const AROUND: Vec2 = vec2(26.0, 106.0);
        const LEAST: f32 = 112.0;
        let line = Pointed::reserve(ui);
        let mut pointed = None;
        let count = found.attributions.len().max(1);
        let available = ui.available_size();
        let side = |across: usize| {
            let down = count.div_ceil(across) as f32;
            let cell = vec2(available.x / across as f32 - GAP, available.y / down - GAP) - AROUND;
            cell.min_elem()
        };
        let most = (available.x / (LEAST + AROUND.x + GAP)) as usize;
        let even = (1..=count.min(most)).filter(|across| count.is_multiple_of(*across));
        let across = even.max_by(|a, b| side(*a).total_cmp(&side(*b))).unwrap_or(1);
        let size = picture_size(found.shape, side(across).clamp(LEAST, 448.0));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let rows = found.attributions.chunks(across).zip(self.pictures.chunks(across));
            for (attributions, pictures) in rows {
                ui.horizontal_top(|ui| {
                    for (attribution, picture) in attributions.iter().zip(pictures) {
                        let said = card(ui).show(ui, |ui| method(ui, found, attribution, picture, size));
                        pointed = said.inner.or(pointed.take());
                    }
                });
            }
        });
        line.say(ui, pointed.as_deref(), "Point at a pixel to read what it says.");
    }
}

/// One method's picture, and what it says in words. Gives what is beneath the pointer.
fn method(
    ui: &mut Ui,
    found: &Explanation,
    attribution: &Attribution,
    picture: &Picture,
    size: Vec2,
) -> Option<String> {
    let method = ui.vertical(|ui| {
        ui.set_width(size.x);
        term(ui, strong(attribution.label), attribution.label, attribution.help);
        let Some(values) = &attribution.values else {
            ui.allocate_ui(size, |ui| {
                ui.label(RichText::new("This network has no convolution to look at.").weak())
            });
            return None;
        };
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        let [speaks_for, against] = shares(attribution);
        let class = found.class_name(found.class);
        let spoken = format!("{}: for {class} {speaks_for}, against it {against}", attribution.label);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(picture.texture.id(), rect, whole, Color32::WHITE);
        signs(ui.painter(), rect, found.shape, values, attribution.scale());
        let pointed = response.hover_pos().map(|pointer| {
            let ImageShape { height, width, .. } = found.shape;
            let at = ((pointer - rect.min) / rect.size() * vec2(width as f32, height as f32)).max(Vec2::ZERO);
            let (row, column) = ((at.y as usize).min(height - 1), (at.x as usize).min(width - 1));
            let value = values.get(row * width + column).copied().unwrap_or_default();
            let label = attribution.label;
            format!("{label}, row {}, column {}: {}", row + 1, column + 1, said(value, class))
        });
        let text = format!("{speaks_for} for {class} · {against} against");
        ui.label(RichText::new(text).small()).on_hover_text("Of what all pixels say");
        ui.label(RichText::new(format!("strongest colour ±{:.3}", attribution.scale())).small().weak());
        if let Some(share) = picture.on_paper.filter(|share| *share > MOSTLY) {
            let text = format!("It lights up paper: {:.0} % of it lies away from any ink.", share * 100.0);
            ui.label(RichText::new(text).small().color(theme::alarm(ui.visuals().dark_mode)));
        }
        pointed
    });
    method.inner
}

/// The pictures of all methods.
fn painted(found: &Explanation) -> Strip {
    let there = || found.attributions.iter().filter(|attribution| attribution.values.is_some());
    let caption = |attribution: &Attribution| Caption { text: attribution.label.into(), is_right: None };
    let ImageShape { height, width, .. } = found.shape;
    Strip {
        name: "Why",
        help: "",
        shape: ImageShape::new(height, width, 3),
        pixels: there().flat_map(|attribution| found.paint(attribution)).collect(),
        captions: there().map(caption).collect(),
    }
}

/// How much of what all pixels say is for the class and against it, "95 %" and "5 %".
fn shares(attribution: &Attribution) -> [String; 2] {
    let [speaks_for, against] = attribution.sums().map(|sum| f64::from(sum.abs()));
    let total = (speaks_for + against).max(f64::MIN_POSITIVE);
    [speaks_for, against].map(|sum| format!("{:.0} %", sum / total * 100.0))
}

fn said(value: f32, class: &str) -> String {
    match value {
        0.0 => "says nothing".into(),
        value if value > 0.0 => format!("{value:+.3}, speaks for {class}"),
        value => format!("{value:+.3}, speaks against {class}"),
    }
}

/// A plus on the pixels that speak strongly for the class and a minus on those against it, where there is room: colours are
/// not the only sign.
fn signs(
    painter: &Painter,
    rect: Rect,
    ImageShape { height, width, .. }: ImageShape,
    values: &[f32],
    scale: f32,
) {
    /// Of the strongest colour.
    const STRONG: f32 = 0.5;
    let pixel = rect.size() / vec2(width as f32, height as f32);
    if pixel.min_elem() < 6.0 {
        return;
    }
    let stroke = Stroke::new(1.2, Color32::BLACK);
    for (index, value) in values.iter().enumerate().filter(|(_, value)| value.abs() > STRONG * scale) {
        let at = vec2((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
        let (center, arm) = (rect.min + at * pixel, pixel.min_elem() * 0.25);
        painter.hline(center.x - arm..=center.x + arm, center.y, stroke);
        if *value > 0.0 {
            painter.vline(center.x, center.y - arm..=center.y + arm, stroke);
        }
    }
}

/// The colours from "against" to "for".
fn legend(ui: &mut Ui, found: &Explanation) {
    let class = found.class_name(found.class);
    ui.label(RichText::new(format!("− against {class}")).small());
    let (rect, response) = ui.allocate_exact_size(vec2(120.0, 12.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Colours: blue against, orange for"));
    const PARTS: u16 = 40;
    let width = rect.width() / f32::from(PARTS);
    for part in 0..PARTS {
        let [red, green, blue] = colour(0.0, f32::from(part) / f32::from(PARTS - 1) * 2.0 - 1.0);
        let left = rect.left() + f32::from(part) * width;
        let bar = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
        ui.painter().rect_filled(bar, 0.0, Color32::from_rgb(red, green, blue));
    }
    ui.label(RichText::new(format!("for {class} +")).small());
}

/// About `side` points, in whole multiples of the pixels where they are smaller.
fn picture_size(ImageShape { height, width, .. }: ImageShape, side: f32) -> Vec2 {
    let longest = height.max(width).max(1) as f32;
    let scale = if longest < side { (side / longest).floor() } else { side / longest };
    vec2(width as f32, height as f32) * scale
}
