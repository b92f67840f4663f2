//! What the selected run's network makes of a few images, as it learns.
use super::{
    asking::{Asker, Asking, Pace},
    save::Source,
    strips::{GAP, NAME_WIDTH, Strips},
    theme,
    views::UNSAVED,
    widgets::{number, thousands},
};
use crate::{
    protocol::{Finding, Preview, Question, Similarities},
    sample::Image,
    session::Run,
    spec::{Catalog, Section},
};
use egui::{
    Align2, Color32, FontId, Painter, Rect, RichText, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};
use std::sync::Arc;

/// Asked twice a second at most; how much of the training's time that may take, the worker knows.
const PACE: Pace = Pace { settled: 0.0, pause: 0.5, pause_of_weights: 0.5, rest: 0.0, awaits_all: true };
/// Images are so high where ten of them fit side by side: twice MNIST's 28 pixels.
const SIDE: f32 = 56.0;
/// Or else as high as lets ten fit, but no less than this.
const LEAST_SIDE: f32 = 42.0;

/// What the panel keeps between frames.
pub struct PreviewPanel {
    strips: Strips,
    /// About drawings that take the places of images.
    asking: Asking<Vec<Image>>,
}

impl Default for PreviewPanel {
    fn default() -> Self {
        Self { strips: Strips::default(), asking: Asking::at(PACE) }
    }
}

impl PreviewPanel {
    /// Shows the answer; asks again when the run has moved on or something else is drawn. Images that take more than `most`
    /// points of height scroll.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        (run, most): (Option<&Run>, f32),
        catalog: &Catalog,
        drawings: Vec<Image>,
        asker: &mut Asker<'_>,
    ) {
        let Some(run) = run else {
            ui.label(RichText::new("Start or select a run: what its network makes of a few images appears here, as it learns.").weak());
            return;
        };
        if !run.has_weights() {
            ui.label(
                RichText::new(format!(
                    "{UNSAVED} What its network makes of a few images appears here, as it learns."
                ))
                .weak(),
            );
            return;
        }
        self.asking.follow(ui, (run, run.progress.step), drawings, asker, |drawings| Question::Preview {
            samples: drawings.iter().cloned().map(Into::into).collect(),
        });
        let Some((answer, step)) = self.answered(run) else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(RichText::new("Looking at a few images…").weak());
            });
            return;
        };
        let objective = catalog.component(Section::Objective, run.spec.id(Section::Objective));
        let explanation = objective.map_or("", |info| info.help);
        let source = Source::of(&run.spec, catalog);
        let step = thousands(step);
        ui.label(RichText::new(format!("{explanation} This is it at step {step}.")).small().weak());
        let area = ScrollArea::vertical().max_height(most).min_scrolled_height(most);
        area.auto_shrink([false, true]).show(ui, |ui| {
            let side = ((ui.available_width() - NAME_WIDTH) / 10.0 - GAP).clamp(LEAST_SIDE, SIDE);
            self.strips.beside(ui, &answer.strips, side, &source, asker.actions);
            if let Some(similarities) = &answer.similarities {
                histogram(ui, similarities);
            }
        });
    }

    /// Also gives the step whose weights answered.
    fn answered(&self, run: &Run) -> Option<(Arc<Preview>, u64)> {
        let found = self.asking.found(&run.id)?;
        match &found.finding {
            Ok(Finding::Preview(preview)) => Some((preview.clone(), found.step)),
            _ => None,
        }
    }
}

/// Pairs of views by how alike they are to the network: upwards those of one image, downwards those of two.
fn histogram(ui: &mut Ui, similarities: &Similarities) {
    let help = "How alike two views are to the network, from opposite at the left to the same at the right. Views of one image should gather at the right, those of different images away from it.";
    ui.horizontal_top(|ui| {
        ui.allocate_ui(vec2(NAME_WIDTH, 80.0), |ui| {
            ui.set_min_width(NAME_WIDTH);
            ui.label(RichText::new("Similarity").small()).on_hover_text(help);
        });
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width().min(600.0), 84.0), Sense::hover());
        let [same, others] = [&similarities.same, &similarities.others]
            .map(|cosines| number((cosines.mean * 100.0).round() / 100.0));
        let spoken = format!(
            "Similarity of views: {same} of the same image, {others} of different images, on average"
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
        response.on_hover_text(help);
        let colors = theme::run_colors(ui.visuals().dark_mode);
        let text = ui.visuals().text_color();
        let painter = ui.painter();
        bars(painter, rect.with_max_y(rect.center().y - 1.0), &similarities.same.shares, true, colors[0]);
        bars(painter, rect.with_min_y(rect.center().y + 1.0), &similarities.others.shares, false, colors[1]);
        painter.hline(rect.x_range(), rect.center().y, Stroke::new(1.0, text));
        let font = FontId::proportional(12.5);
        for (at, align, words) in [
            (rect.left_top(), Align2::LEFT_TOP, format!("Same image: {same} on average")),
            (rect.left_bottom(), Align2::LEFT_BOTTOM, format!("Different images: {others}")),
        ] {
            painter.text(at, align, words, font.clone(), text);
        }
    });
}

fn bars(painter: &Painter, rect: Rect, bins: &[f32], upwards: bool, color: Color32) {
    let highest = bins.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let width = rect.width() / bins.len().max(1) as f32;
    for (bin, share) in bins.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        let (left, height) = (rect.left() + bin as f32 * width, (share / highest * rect.height()).max(1.0));
        let top = if upwards { rect.bottom() - height } else { rect.top() };
        let bar = Rect::from_min_size(pos2(left, top), vec2((width - 1.0).max(1.0), height));
        painter.rect_filled(bar, 1.0, color);
    }
}
