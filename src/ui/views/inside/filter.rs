//! One filter: the images that it answers to most.
use crate::{
    inside::{Inside, StrongImage, Strongest},
    protocol::{Finding, Question, RunId},
    ui::{
        theme,
        views::Scene,
        widgets::{picture, size_of, strong, thousands},
    },
};
use egui::{
    Color32, ProgressBar, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// Images in a row.
const ACROSS: usize = 3;

/// The filter that is chosen, and what is known of it.
#[derive(Default)]
pub struct Filter {
    /// Layer and filter.
    pub chosen: Option<(usize, usize)>,
    asked: Option<(u64, RunId, (usize, usize))>,
    share_done: f32,
    found: Option<Arc<Strongest>>,
    problem: Option<String>,
    textures: Vec<TextureHandle>,
}

impl Filter {
    pub fn choose(&mut self, layer: usize, filter: usize) {
        self.chosen = Some((layer, filter));
    }

    /// The chosen filter, if it is of a layer.
    pub fn of_layer(&self, layer: usize) -> Option<usize> {
        self.chosen.filter(|(of, _)| *of == layer).map(|(_, filter)| filter)
    }

    pub fn ui(&mut self, ui: &mut Ui, inside: &Inside, scene: &mut Scene<'_>) {
        let (Some(chosen @ (layer, filter)), Some(run)) = (self.chosen, scene.run) else { return };
        let asked_already =
            self.asked.as_ref().is_some_and(|(_, of, about)| *of == run.id && *about == chosen);
        if !asked_already {
            let request = scene.ask(run.id.clone(), Question::Strongest { layer, filter });
            *self = Self {
                chosen: self.chosen,
                asked: Some((request, run.id.clone(), chosen)),
                ..Self::default()
            };
        }
        self.take_in(ui, scene);
        let name = inside.layers.get(layer).map_or("?", |layer| &layer.name);
        ui.horizontal(|ui| {
            ui.label(strong(format!("Filter {filter} of {name}")));
            if ui.button("Close").clicked() {
                self.close(scene);
            }
        });
        let help = "The training images in which this filter answers most strongly anywhere; the frame is what it sees at that place";
        ui.label(RichText::new("Looks for").small()).on_hover_text(help);
        if let Some(problem) = &self.problem {
            ui.label(problem);
        }
        if self.share_done < 1.0 && self.problem.is_none() {
            ui.add(ProgressBar::new(self.share_done).desired_height(6.0));
        }
        if let Some(found) = self.found.clone() {
            self.images(ui, &found);
        }
    }

    fn close(&mut self, scene: &mut Scene<'_>) {
        if let Some((request, ..)) = self.asked.take().filter(|_| self.share_done < 1.0) {
            scene.dismiss(request);
        }
        *self = Self::default();
    }

    fn take_in(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let answer = self.asked.as_ref().and_then(|(request, ..)| scene.state.answers.get(request));
        let Some(answer) = answer else { return };
        self.share_done = answer.share_done;
        match &answer.finding {
            Some(Ok(Finding::Strongest(found))) => {
                if self.found.as_ref().is_some_and(|known| known.images == found.images) {
                    self.found = Some(found.clone());
                    return;
                }
                let texture = |image: &StrongImage| {
                    ui.ctx().load_texture(
                        "strong",
                        picture(found.shape, &image.pixels),
                        TextureOptions::NEAREST,
                    )
                };
                self.textures = found.images.iter().map(texture).collect();
                self.found = Some(found.clone());
            }
            Some(Err(problem)) => self.problem = Some(problem.clone()),
            _ => {}
        }
    }

    fn images(&self, ui: &mut Ui, found: &Strongest) {
        if found.images.is_empty() && self.share_done >= 1.0 {
            ui.label(
                "No training image wakes it: it is dead, or waits for something that is not in the data.",
            );
        }
        let gap = ui.spacing().item_spacing.x;
        let side = (ui.available_width() - gap * (ACROSS - 1) as f32) / ACROSS as f32;
        for (images, textures) in found.images.chunks(ACROSS).zip(self.textures.chunks(ACROSS)) {
            ui.horizontal_top(|ui| {
                for (image, texture) in images.iter().zip(textures) {
                    ui.vertical(|ui| strong_image(ui, found, image, texture, side));
                }
            });
        }
        let looked_at = thousands(found.looked_at as u64);
        ui.label(RichText::new(format!("Strongest of {looked_at} training images")).small().weak());
    }
}

fn strong_image(ui: &mut Ui, found: &Strongest, image: &StrongImage, texture: &TextureHandle, side: f32) {
    let size = size_of(found.shape);
    let scale = side / size.max_elem().max(1.0);
    let (rect, response) = ui.allocate_exact_size(size * scale, Sense::hover());
    ui.set_max_width(side);
    let class = found.class_names.get(usize::from(image.label)).map_or("?", String::as_str);
    let text = format!("{class} · {:.2}", image.activation);
    let spoken = format!("{text}, training image {}", thousands(image.image.into()));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), rect, whole, Color32::WHITE);
    let [top, left, length] = image.window.map(|pixels| pixels as f32 * scale);
    let window = Rect::from_min_size(rect.min + vec2(left, top), Vec2::splat(length));
    let stroke = Stroke::new(2.0, theme::run_colors(true)[1]);
    ui.painter().with_clip_rect(rect).rect_stroke(window, 0.0, stroke, StrokeKind::Inside);
    response.on_hover_text(spoken);
    ui.label(RichText::new(text).small());
}
