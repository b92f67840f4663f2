//! What the network made of the drawing at each of its checkpoints.
use super::{
    NO_NAMES,
    odds::{self, Odds},
    variants::said,
};
use crate::{
    protocol::{Moment, Question, RunId},
    session::Run,
    ui::{
        bars,
        views::{
            Scene,
            asking::{Asking, Moments},
        },
        widgets::{thousands, title},
    },
};
use egui::{RichText, Slider, Ui};
use std::{sync::Arc, time::Duration};

/// A drawing that changes is asked about once it has stayed the same for so many seconds.
const REST: f64 = 0.35;
/// More changes of mind than that are only counted.
const MOST_TURNS: usize = 6;

#[derive(Default)]
pub struct History {
    asking: Asking<About>,
    /// What is on the pad, and since when.
    newest: (Vec<u8>, f64),
    known: Moments<(RunId, Vec<u8>)>,
    /// The moment that is looked at; the last one where none was chosen.
    chosen: Option<usize>,
}

/// A run as far as it has been saved, and a drawing.
#[derive(PartialEq)]
struct About {
    run: RunId,
    drawing: Vec<u8>,
    saved: Option<u64>,
}

impl History {
    pub fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        title(ui, "Through time").on_hover_text(
            "What the network made of this drawing at each of its checkpoints, which are written with each validation. \
             How many are kept is a setting of the run. Probabilities are as the network gave them, before any calibration.",
        );
        let (Some(run), Some(drawing)) = (scene.run, scene.drawing) else { return };
        self.follow(ui, scene, run, drawing);
        let moments = self.known.of(&(run.id.clone(), drawing.into()));
        if moments.iter().all(|moment| moment.scores.iter().all(Vec::is_empty)) {
            let text = match moments {
                _ if self.asking.is_waiting() => "The checkpoints are being asked…",
                [] => "There is no checkpoint yet: the first is written with the first validation.",
                _ => NO_NAMES,
            };
            ui.label(RichText::new(text).weak());
            return;
        }
        show(ui, moments, run, &mut self.chosen);
    }

    fn follow(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, drawing: &[u8]) {
        let now = ui.input(|input| input.time);
        if self.newest.0 != drawing {
            self.newest = (drawing.into(), now);
            self.chosen = None;
        }
        if now - self.newest.1 < REST {
            return ui.ctx().request_repaint_after(Duration::from_secs_f64(REST));
        }
        let about = About { run: run.id.clone(), drawing: drawing.into(), saved: run.saved };
        let after = self.known.of(&(run.id.clone(), drawing.into())).last().map(|moment| moment.step);
        self.asking.follow(ui, scene, &run.id, about, |about| {
            let images = Arc::new(vec![about.drawing.clone()]);
            Question::History { images, after }
        });
        if let Some((about, moments)) = self.asking.history() {
            self.known.learn((about.run.clone(), about.drawing.clone()), moments);
        }
    }
}

fn show(ui: &mut Ui, moments: &[Moment], run: &Run, chosen: &mut Option<usize>) {
    let scores: Vec<&[f32]> =
        moments.iter().filter_map(|moment| Some(moment.scores.first()?.as_slice())).collect();
    let steps: Vec<f64> = moments.iter().map(|moment| moment.step as f64).collect();
    let last = moments.len() - 1;
    let mut at = chosen.unwrap_or(last).min(last);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width((ui.available_width() - 190.0).max(200.0));
            ui.horizontal(|ui| {
                let label = ui.label("Checkpoint").on_hover_text("Goes back to what the network said then");
                ui.spacing_mut().slider_width = (ui.available_width() - 90.0).clamp(80.0, 500.0);
                if ui.add(Slider::new(&mut at, 0..=last).show_value(false)).labelled_by(label.id).changed() {
                    *chosen = Some(at);
                }
                ui.label(format!("{} of {}", at + 1, moments.len()));
            });
            let turns = odds::turns(&scores);
            let places: Vec<f64> = turns.iter().map(|(after, _)| steps[*after]).collect();
            odds::ui(
                ui,
                &Odds {
                    id: "history",
                    x_name: "step",
                    height: 190.0,
                    xs: &steps,
                    scores: &scores,
                    grid: None,
                    mark: steps[at],
                    turns: &places,
                },
            );
            ui.label(RichText::new(changes_of_mind(&turns, moments)).small());
        });
        ui.vertical(|ui| {
            let (step, total) = (moments[at].step, run.progress.steps_per_epoch.max(1));
            let epoch = step as f64 / total as f64;
            ui.label(
                RichText::new(format!("Step {}, epoch {epoch:.2}: {}", thousands(step), said(scores[at])))
                    .small(),
            );
            bars::ui(ui, scores[at], 220.0);
        });
    });
}

/// "It changed its mind at step 430 (1 to 7) and at step 2,580 (7 to 1)."
fn changes_of_mind(turns: &[(usize, [usize; 2])], moments: &[Moment]) -> String {
    if turns.is_empty() {
        return "It never changed its mind.".into();
    }
    if turns.len() > MOST_TURNS {
        return format!("It changed its mind {} times.", turns.len());
    }
    let turn = |(at, [from, to]): &(usize, [usize; 2])| {
        format!("at step {} ({from} to {to})", thousands(moments[*at].step))
    };
    format!("It changed its mind {}.", turns.iter().map(turn).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(step: u64, class: usize) -> Moment {
        let score = |at| if at == class { 0.9 } else { 0.05 };
        Moment { step, scores: vec![(0..3).map(score).collect()] }
    }

    #[test]
    fn changes_of_mind_are_told() {
        let moments = [moment(0, 0), moment(430, 1), moment(860, 1), moment(1290, 2)];
        let scores: Vec<&[f32]> = moments.iter().map(|moment| moment.scores[0].as_slice()).collect();
        let said = changes_of_mind(&odds::turns(&scores), &moments);
        assert_eq!(said, "It changed its mind at step 430 (0 to 1), at step 1,290 (1 to 2).");
        assert_eq!(changes_of_mind(&[], &moments), "It never changed its mind.");
    }
}
