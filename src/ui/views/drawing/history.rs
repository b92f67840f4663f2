//! What the network made of the drawing at each of its checkpoints.
use super::{
    NO_NAMES,
    odds::{self, Odds},
    sentence,
    variants::said,
};
use crate::{
    protocol::{Finding, Moment, Question, RunId},
    sample::Image,
    session::Run,
    ui::{
        Action,
        asking::{Asking, Moments},
        bars,
        save::{self, Format, Source},
        views::Scene,
        widgets::{thousands, title},
    },
};
use egui::{RichText, Slider, Ui};
use std::sync::Arc;

/// Seconds for which a drawing has to stay the same before its history is asked for.
const SETTLED: f64 = 0.35;
/// The width of an answer beside the curve, in points.
const ANSWER: f32 = 190.0;
/// More changes of mind than that are only counted.
const MOST_TURNS: usize = 6;

pub struct History {
    asking: Asking<Image>,
    known: Moments<(RunId, Image)>,
    class_names: Arc<[String]>,
    /// The chosen moment, and of which image; the last one where none was chosen.
    chosen: Option<(usize, Image)>,
}

impl Default for History {
    fn default() -> Self {
        let asking = Asking::once_settled(SETTLED);
        Self { asking, known: Moments::default(), class_names: [].into(), chosen: None }
    }
}

impl History {
    pub fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let (Some(run), Some(image)) = (scene.run, scene.image) else { return };
        self.follow(ui, scene, run, image);
        let moments = self.known.of(&(run.id.clone(), image.clone()));
        let is_known = moments.iter().flat_map(|moment| &moment.scores).any(|scores| !scores.is_empty());
        let mut wanted = None;
        ui.horizontal(|ui| {
            title(ui, "Through time").on_hover_text(
                "What the network made of this drawing at each of its checkpoints, which are written with each validation. \
                 How many are kept is a setting of the run. Probabilities are as the network gave them, before any calibration.",
            );
            if is_known {
                wanted = save::menu(ui, "the history", &save::PLOT);
            }
        });
        if !is_known {
            let text = match moments {
                _ if self.asking.is_waiting() => "The checkpoints are being asked…",
                [] => "There is no checkpoint yet: the first is written with the first validation.",
                _ => NO_NAMES,
            };
            ui.label(RichText::new(text).weak());
            return;
        }
        let mut chosen = self.chosen.as_ref().filter(|(_, of)| of == image).map(|(at, _)| *at);
        let source = scene.source(run);
        let saved = show(ui, (moments, &self.class_names), (run, &source), &mut chosen, wanted);
        scene.actions.extend(saved);
        self.chosen = chosen.map(|at| (at, image.clone()));
    }

    /// What it made of an image last, and since when.
    pub fn sentence(&self, run: &Run, image: &Image) -> Option<String> {
        sentence::of_history(self.known.of(&(run.id.clone(), image.clone())), &self.class_names)
    }

    fn follow(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, image: &Image) {
        let after = self.known.of(&(run.id.clone(), image.clone())).last().map(|moment| moment.step);
        let of = (run, run.saved.unwrap_or_default());
        self.asking.follow(ui, of, image.clone(), &mut scene.asker(), |image| Question::History {
            samples: Arc::new(vec![image.clone().into()]),
            after,
        });
        let found = self.asking.found(&run.id).map(|found| (&found.about, &found.finding));
        if let Some((about, Ok(Finding::History { class_names, moments }))) = found {
            self.class_names = class_names.clone();
            self.known.learn((run.id.clone(), (**about).clone()), moments);
        }
    }
}

fn show(
    ui: &mut Ui,
    (moments, class_names): (&[Moment], &[String]),
    (run, source): (&Run, &Source),
    chosen: &mut Option<usize>,
    wanted: Option<Format>,
) -> Option<Action> {
    let scores: Vec<&[f32]> =
        moments.iter().filter_map(|moment| Some(moment.scores.first()?.as_slice())).collect();
    let last = moments.len() - 1;
    let mut at = chosen.unwrap_or(last).min(last);
    let mut curve = |ui: &mut Ui| {
        if slider(ui, &mut at, last) {
            *chosen = Some(at);
        }
        let steps: Vec<f64> = moments.iter().map(|moment| moment.step as f64).collect();
        let turns = odds::turns(&scores);
        let places: Vec<f64> = turns.iter().map(|(after, _)| steps[*after]).collect();
        let odds = Odds {
            id: "history",
            source,
            x_name: "step",
            height: 190.0,
            xs: &steps,
            scores: &scores,
            is_calibrated: false,
            class_names,
            grid: None,
            mark: steps[at],
            turns: &places,
        };
        let saved = odds::ui(ui, &odds, "The drawing at each checkpoint", wanted);
        ui.label(RichText::new(changes_of_mind(&turns, moments, class_names)).small());
        (saved, at)
    };
    let answer = |ui: &mut Ui, at: usize| {
        let (step, total) = (moments[at].step, run.progress.steps_per_epoch.max(1));
        let epoch = step as f64 / total as f64;
        let (said, kind) = (said(scores[at], class_names), bars::kind(false));
        let text = format!("Step {}, epoch {epoch:.2}: {said}, {kind}", thousands(step));
        ui.label(RichText::new(text).small());
        bars::ui(ui, scores[at], class_names, 220.0, false);
    };
    if ui.available_width() < 2.2 * ANSWER {
        let (saved, at) = curve(ui);
        answer(ui, at);
        return saved;
    }
    let shown = ui.horizontal_top(|ui| {
        let (saved, at) = ui
            .vertical(|ui| {
                ui.set_width(ui.available_width() - ANSWER);
                curve(ui)
            })
            .inner;
        ui.vertical(|ui| answer(ui, at));
        saved
    });
    shown.inner
}

/// Goes through the checkpoints; says whether it was moved.
fn slider(ui: &mut Ui, at: &mut usize, last: usize) -> bool {
    let row = ui.horizontal(|ui| {
        let label = ui.label("Checkpoint").on_hover_text("Goes back to what the network said then");
        ui.spacing_mut().slider_width = (ui.available_width() - 90.0).clamp(40.0, 500.0);
        let slider = ui.add(Slider::new(at, 0..=last).show_value(false)).labelled_by(label.id);
        ui.label(format!("{} of {}", *at + 1, last + 1));
        slider.changed()
    });
    row.inner
}

/// "It changed its mind at step 430 (1 to 7) and at step 2,580 (7 to 1)."
fn changes_of_mind(turns: &[(usize, [usize; 2])], moments: &[Moment], class_names: &[String]) -> String {
    if turns.is_empty() {
        return "It never changed its mind.".into();
    }
    if turns.len() > MOST_TURNS {
        return format!("It changed its mind {} times.", turns.len());
    }
    let turn = |(at, [from, to]): &(usize, [usize; 2])| {
        let [from, to] = [from, to].map(|class| bars::name(class_names, *class));
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
        let names = ["0", "1", "2"].map(String::from);
        let moments = [moment(0, 0), moment(430, 1), moment(860, 1), moment(1290, 2)];
        let scores: Vec<&[f32]> = moments.iter().map(|moment| moment.scores[0].as_slice()).collect();
        let said = changes_of_mind(&odds::turns(&scores), &moments, &names);
        assert_eq!(said, "It changed its mind at step 430 (0 to 1), at step 1,290 (1 to 2).");
        assert_eq!(changes_of_mind(&[], &moments, &names), "It never changed its mind.");
    }
}
