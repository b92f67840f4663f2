//! Parallel coordinates: an upright axis for each hyperparameter and one for the metric, and a line for each trial.
use super::{Shown, trials};
use crate::ui::{
    Action,
    comparison::awaited,
    plot::bounds,
    save::{self, Mark},
    widgets::{card, figure, strong},
};
use egui::{
    Align, Color32, FontId, Galley, Pos2, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, text::LayoutJob,
    vec2,
};
use std::sync::Arc;

/// The letters at the axes, in points.
const LETTERS: f32 = 13.0;

pub fn ui(ui: &mut Ui, shown: &Shown<'_>, height: f32, actions: &mut Vec<Action>) {
    let what = format!("{} by all hyperparameters", shown.experiment.measured());
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            let help = "Parallel coordinates: each line is a setting, which passes every axis at its value and ends at its figure. The best ones stand out.";
            ui.label(strong("All hyperparameters")).on_hover_text(help);
            wanted = save::menu(ui, "all hyperparameters", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        if shown.analysis.ranked.is_empty() {
            awaited(ui, height, "A line for each setting appears once it has come to its first figure.");
        } else {
            draw(ui, shown, height, &what);
        }
        let within = ui.min_rect().with_min_y(top);
        let caption = shown.source.title(&what).into();
        actions.extend(mark.save(ui, wanted, within, &caption, || trials::table(shown)));
    });
}

/// An upright axis.
struct Upright {
    title: String,
    /// Below and above.
    ends: [String; 2],
}

fn draw(ui: &mut Ui, shown: &Shown<'_>, height: f32, what: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let spoken = format!("{what}: {} settings", shown.analysis.ranked.len());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let metric = shown.experiment.metric;
    let values = bounds::extent(shown.analysis.figures.iter().flatten().map(|of| of.value));
    let [low, high] = values.filter(|[low, high]| low < high).unwrap_or([0.0, 1.0]);
    let of_metric = Upright { title: metric.label.into(), ends: [figure(metric, low), figure(metric, high)] };
    let uprights: Vec<Upright> = axes(shown).chain([of_metric]).collect();
    let spacing = rect.width() / uprights.len() as f32;
    let text = |words: &str, color: Color32| centered(ui, words, color, spacing - 8.0);
    let (strong, weak) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let titles: Vec<Arc<Galley>> = uprights.iter().map(|upright| text(&upright.title, strong)).collect();
    let ends: Vec<[Arc<Galley>; 2]> =
        uprights.iter().map(|upright| [0, 1].map(|end| text(&upright.ends[end], weak))).collect();
    let tallest = |galleys: &mut dyn Iterator<Item = f32>| galleys.fold(0.0, f32::max);
    let of_titles = tallest(&mut titles.iter().map(|galley| galley.size().y));
    let [below, above] = [0, 1].map(|end| tallest(&mut ends.iter().map(|ends| ends[end].size().y)));
    let top = rect.top() + of_titles + above + 6.0;
    let bottom = (rect.bottom() - below - 4.0).max(top + 1.0);
    let at = |place: usize, share: f64| -> Pos2 {
        let x = rect.left() + (place as f32 + 0.5) * spacing;
        pos2(x, bottom + (top - bottom) * share as f32)
    };
    let painter = ui.painter().clone();
    for trial in shown.analysis.ranked.iter().rev() {
        let Some(of) = shown.analysis.figures[*trial] else { continue };
        let shares = shown.experiment.axes.iter().zip(&shown.search.drawn[*trial]);
        let shares: Option<Vec<f64>> = shares.map(|(axis, setting)| axis.share_of(setting)).collect();
        let Some(mut shares) = shares else { continue };
        shares.push((of.value - low) / (high - low));
        let line: Vec<Pos2> = shares.iter().enumerate().map(|(place, share)| at(place, *share)).collect();
        let is_best = shown.analysis.ranked.first() == Some(trial);
        let width = if is_best { 3.0 } else { 1.4 };
        painter.add(Shape::line(line, Stroke::new(width, shown.analysis.color(*trial, ui))));
    }
    for (place, (title, [low, high])) in titles.into_iter().zip(ends).enumerate() {
        let [foot, head] = [at(place, 0.0), at(place, 1.0)];
        painter.line_segment([foot, head], Stroke::new(1.5, weak));
        put(&painter, title, pos2(foot.x, rect.top()), strong);
        put(&painter, high, pos2(foot.x, rect.top() + of_titles + 2.0), weak);
        put(&painter, low, pos2(foot.x, bottom + 3.0), weak);
    }
}

fn axes<'a>(shown: &'a Shown<'_>) -> impl Iterator<Item = Upright> + 'a {
    shown.experiment.axes.iter().map(|axis| {
        let ends = [axis.settings.first(), axis.settings.last()];
        Upright {
            title: axis.settings[0].title(),
            ends: ends.map(|end| end.map_or(String::new(), |setting| setting.short())),
        }
    })
}

/// Words in as many rows as they need within a width.
fn centered(ui: &Ui, words: &str, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::simple(words.to_owned(), FontId::proportional(LETTERS), color, width.max(20.0));
    job.halign = Align::Center;
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// Words below a place, unless they are scrolled out of sight.
fn put(painter: &egui::Painter, galley: Arc<Galley>, top: Pos2, color: Color32) {
    if painter.clip_rect().intersects(galley.rect.translate(top.to_vec2())) {
        painter.galley(top, galley, color);
    }
}
