//! Fine-tuning on the drawings that are not held out, and what it cost.
use super::{right, right_of, working};
use crate::{
    protocol::{
        Command, Finding, Moment, Progress, Question, RunId,
        data::{Handwriting, Written},
    },
    sample::Image,
    session::{Run, fine_tuning},
    ui::{
        Action,
        asking::Asking,
        views::Scene,
        widgets::{labeled_button, percent, strong, thousands, title},
    },
};
use egui::{Grid, RichText, Ui};
use egui_material_icons::icons::ICON_PLAY_ARROW;
use std::sync::Arc;

/// Fewer drawings to train on are too few.
const FEWEST: usize = 5;

/// What a fine-tuned run and the one that it comes from are asked.
#[derive(Default)]
pub struct Tuning {
    /// What each gets right of the images that the older one is validated on.
    before: Asking<RunId>,
    after: Asking<RunId>,
    /// The answers of the older run.
    drawings_before: Asking<Arc<Handwriting>>,
}

impl Tuning {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        scene: &mut Scene<'_>,
        run: &Run,
        handwriting: &Arc<Handwriting>,
        moments: &[Moment],
    ) {
        title(ui, "Fine-tune").on_hover_text(
            "Goes on training the whole network, slowly, on the drawings that are not held out. It gets better at them, and \
             may forget some of what it knew.",
        );
        let state = scene.state;
        let parent = run.spec.init_from.as_ref().and_then(|parent| state.runs.get(parent.as_str()));
        if let Some(parent) = parent.filter(|_| is_tuned(run, handwriting)) {
            return self.gain(ui, scene, [parent, run], handwriting, moments);
        }
        let used = handwriting.drawings.iter().filter(|one| !one.is_test).count();
        if run.spec.objective.id != "classify" {
            ui.label(
                "This network learns without labels. Fine-tune it on digits first: it has no names for them.",
            );
        } else if run.saved.is_none() && run.phase.is_active() {
            ui.label("Wait for its first checkpoint.");
        } else if used < FEWEST {
            ui.label(format!(
                "Keep {} more drawings first: {FEWEST} that are not held out are the fewest to learn from.",
                2 * (FEWEST - used)
            ));
        } else {
            if labeled_button(ui, ICON_PLAY_ARROW, &format!("Fine-tune on {used} drawings")).clicked() {
                let spec = Box::new(fine_tuning(&run.spec, &run.id, &handwriting.folder));
                scene.actions.push(Action::Send(Command::Start(spec)));
            }
            ui.label(RichText::new("It takes some seconds, and leaves this run as it is.").weak());
        }
    }

    /// What a run gained and lost.
    fn gain(
        &mut self,
        ui: &mut Ui,
        scene: &mut Scene<'_>,
        [parent, run]: [&Run; 2],
        handwriting: &Arc<Handwriting>,
        moments: &[Moment],
    ) {
        let of = parent.id.clone();
        for (asking, about) in [(&mut self.before, parent), (&mut self.after, run)] {
            let saved = about.saved.unwrap_or(about.progress.step);
            let recall = |of: &RunId| Question::Recall { of: of.clone() };
            asking.follow(ui, (about, saved), of.clone(), &mut scene.asker(), recall);
        }
        let (saved, about) = (parent.saved.unwrap_or(parent.progress.step), handwriting.clone());
        self.drawings_before.follow(ui, (parent, saved), about, &mut scene.asker(), |handwriting| {
            let images = held_out(handwriting).map(|one| Image::drawing(one.framed.clone()).into()).collect();
            Question::Scores { samples: Arc::new(images) }
        });
        let found = self.drawings_before.found(&parent.id).filter(|found| *found.about == *handwriting);
        let scores = match found.map(|found| &found.finding) {
            Some(Ok(Finding::Scores { scores, .. })) => scores.as_slice(),
            _ => &[],
        };
        let mine = [
            right(held_out(handwriting).zip(scores)),
            moments.last().and_then(|moment| right_of(run, handwriting, moment)),
        ];
        let recall = [(&self.before, parent), (&self.after, run)].map(|(asking, about)| {
            match &asking.found(&about.id)?.finding {
                Ok(Finding::Recall { examples, accuracy }) => {
                    Some([(accuracy * *examples as f64).round() as usize, *examples])
                }
                _ => None,
            }
        });
        Grid::new("gain").striped(true).spacing([24.0, 6.0]).show(ui, |ui| {
            for head in ["Read right", "before", "after", "change"] {
                ui.label(strong(head));
            }
            ui.end_row();
            let tests = handwriting.drawings.iter().filter(|one| one.is_test).count();
            row(ui, &format!("Your drawings that were held out ({tests})"), mine);
            let images =
                recall[0].map_or(String::new(), |[_, images]| format!(" ({})", thousands(images as u64)));
            row(ui, &format!("Validation images of {}{images}", parent.spec.name), recall);
        });
        if run.phase.is_active() {
            let Progress { step, steps, .. } = run.progress;
            working(ui, &format!("Fine-tuning: step {} of {}", thousands(step), thousands(steps)));
        } else if is_missing(&recall) || held_out(handwriting).count() > 0 && is_missing(&mine) {
            working(ui, "Both networks read the drawings that are held out, and the validation images…");
        }
        ui.label(RichText::new("Before is the run that it was fine-tuned from. What it lost in the second row, it has forgotten.").weak());
    }
}

/// The drawings that are scored before and after, as many as can be scored at once.
fn held_out(handwriting: &Handwriting) -> impl Iterator<Item = &Written> {
    handwriting.drawings.iter().filter(|one| one.is_test).take(500)
}

fn is_missing(counts: &[Option<[usize; 2]>]) -> bool {
    counts.iter().any(|count| count.is_none_or(|[_, all]| all == 0))
}

/// How many were read right, of how many, before and after.
fn row(ui: &mut Ui, name: &str, counts: [Option<[usize; 2]>; 2]) {
    let share = |[right, all]: [usize; 2]| (all > 0).then(|| right as f64 / all as f64);
    ui.label(name);
    for count in counts {
        let text = count.and_then(|[right, all]| {
            let [of, among] = [right, all].map(|count| thousands(count as u64));
            Some(format!("{} ({of} of {among})", percent(share([right, all])?)))
        });
        ui.label(text.unwrap_or("…".into()));
    }
    let change = counts[0].and_then(share).zip(counts[1].and_then(share));
    let points = change.map(|(before, after)| format!("{:+.1} points", (after - before) * 100.0));
    ui.label(points.unwrap_or("…".into()));
    ui.end_row();
}

/// Whether a run was fine-tuned on these drawings.
pub fn is_tuned(run: &Run, handwriting: &Handwriting) -> bool {
    run.spec.dataset.path.as_ref() == Some(&handwriting.folder)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::{
        protocol::{Event, Phase, RunInfo},
        session::{State, catalog},
        spec::RunSpec,
    };

    pub fn run() -> Run {
        let mut state = State::default();
        let spec = RunSpec::default();
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: "run".into(),
            folder: "/runs/run".into(),
            live: catalog().live_params(&spec),
            spec,
            phase: Phase::Finished,
            remedy: None,
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            changes: vec![],
            progress: Default::default(),
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
        })));
        state.runs.pop_first().unwrap().1
    }
}
