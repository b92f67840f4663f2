//! What happened to a run: live changes along its steps, and its checkpoints.
use crate::{
    listing::short,
    metrics::{LOSS, Split},
    session::Run,
    spec::script::Planned,
    ui::{
        look::Look,
        views::Scene,
        widgets::{duration, strong},
    },
};
use egui::{Align2, FontId, Grid, RichText, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// The height of the line along which changes are marked, in points.
const LINE: f32 = 26.0;

/// Every live change, along a line and in words.
pub fn changes(ui: &mut Ui, run: &Run) {
    ui.label(strong("Changed while it trained"));
    let to_come: Vec<&Planned> =
        run.spec.changes.iter().filter(|planned| planned.step > run.progress.step).collect();
    if run.changes.is_empty() && to_come.is_empty() {
        ui.label(RichText::new("Nothing: it was trained as it was set at first.").weak());
        return;
    }
    line(ui, run, &to_come);
    Grid::new("changes").num_columns(4).spacing([16.0, 4.0]).show(ui, |ui| {
        for change in &run.changes {
            ui.label(format!("step {}", change.step));
            ui.label(
                RichText::new(format!("after {}", duration(run.elapsed_secs(change.step as f64)))).weak(),
            );
            ui.label(&change.key);
            ui.label(format!("{} → {}", short(change.from), short(change.to)));
            ui.end_row();
        }
        for planned in to_come {
            ui.label(format!("step {}", planned.step));
            ui.label(RichText::new("planned").weak());
            let values = planned.values.iter().map(|(key, to)| format!("{key} → {}", short(to)));
            ui.label(values.collect::<Vec<_>>().join(", "));
            ui.end_row();
        }
    });
}

/// The run from its beginning to its end, as far as it is, with a mark at each change and a ring at each that is planned.
fn line(ui: &mut Ui, run: &Run, to_come: &[&Planned]) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    let (made, steps) = (run.changes.len(), run.progress.steps);
    let spoken = format!("{made} changes along {steps} steps, {} more planned", to_come.len());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let steps = run.progress.steps.max(run.progress.step).max(1) as f32;
    let at = |step: u64| egui::lerp(rect.left() + 6.0..=rect.right() - 6.0, (step as f32 / steps).min(1.0));
    let y = rect.center().y;
    let (weak, strong) = (ui.visuals().weak_text_color(), Look::of_few(0, ui.visuals().dark_mode).color);
    ui.painter().hline(at(0)..=at(steps as u64), y, Stroke::new(2.0, weak.gamma_multiply(0.5)));
    ui.painter().hline(at(0)..=at(run.progress.step), y, Stroke::new(3.0, strong));
    for change in &run.changes {
        ui.painter().circle_filled(pos2(at(change.step), y), 5.0, strong);
    }
    for planned in to_come {
        ui.painter().circle_stroke(pos2(at(planned.step), y), 5.0, Stroke::new(1.5, strong));
    }
    if response.hovered()
        && let Some(pointer) = response.hover_pos()
        && let Some(near) = run.changes.iter().min_by(|a, b| {
            let away = |step| (at(step) - pointer.x).abs();
            away(a.step).total_cmp(&away(b.step))
        })
    {
        let text = format!("{}: {} → {}", near.key, short(near.from), short(near.to));
        let (align, x) = if at(near.step) > rect.center().x {
            (Align2::RIGHT_TOP, rect.right())
        } else {
            (Align2::LEFT_TOP, rect.left())
        };
        let font = FontId::proportional(12.0);
        ui.painter().text(pos2(x, rect.top() - 2.0), align, text, font, ui.visuals().text_color());
    }
}

/// Each with its step and the figure that was measured there.
pub fn checkpoints(ui: &mut Ui, run: &Run, scene: &Scene<'_>) {
    ui.label(strong("Checkpoints"));
    if run.checkpoints.is_empty() {
        ui.label(RichText::new("There is none yet: the first is saved with the first validation.").weak());
        return;
    }
    let headline = scene.catalog.headline(&run.spec);
    let best = run.best(LOSS, Split::Validation).map(|[step, _]| step as u64);
    for step in &run.checkpoints {
        ui.horizontal_wrapped(|ui| {
            ui.label(format!("step {step}"));
            ui.label(match run.at_step(headline.id, Split::Validation, *step) {
                Some(value) => format!("validation {} {}", headline.name(), headline.written(value)),
                None => "not validated there".into(),
            });
            if best == Some(*step) {
                ui.label(strong("lowest validation loss"));
            }
        });
    }
}
