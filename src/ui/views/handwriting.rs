//! A person's own drawings with their right labels: how well a run reads them, at each of its checkpoints and after it was
//! fine-tuned on half of them, and what it forgot of what it knew before.
use super::{Scene, View, ViewEntry, part};
use crate::{
    data::handwriting::CLASSES,
    evaluation::argmax,
    protocol::{
        Finding, Moment, Question, RunId,
        data::{DataRequest, Handwriting, Written},
    },
    sample::{Image, Modality},
    session::Run,
    spec::ComponentInfo,
    ui::{
        Action,
        asking::{Asking, Moments},
        draw_pad::Wish,
        widgets::title,
    },
};
use egui::{Button, RichText, Role, ScrollArea, Ui, WidgetInfo};
use std::sync::Arc;

mod curve;
mod drawings;
mod tuning;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "handwriting",
        label: "Handwriting",
        help: "Keep your own drawings with their right labels, see how well a network reads them, and fine-tune it on half of them.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: true,
    open: || Box::new(HandwritingView::default()),
};

const DIGITS: [&str; CLASSES] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// What the view keeps between frames.
#[derive(Default)]
struct HandwritingView {
    is_asked_for: bool,
    asking: Asking<Arc<Handwriting>>,
    known: Moments<Of>,
    drawings: drawings::Drawings,
    tuning: tuning::Tuning,
}

/// A run and the drawings that it is asked about.
type Of = (RunId, Arc<Handwriting>);

impl View for HandwritingView {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        if !std::mem::replace(&mut self.is_asked_for, true) {
            scene.actions.push(Action::Data(DataRequest::Handwriting));
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            part(ui, |ui| keep(ui, scene));
            let Some(handwriting) = scene.state.data.handwriting.clone() else {
                return working(ui, "Opening your drawings…");
            };
            if handwriting.drawings.is_empty() {
                return self.drawings.buttons(ui, &handwriting, scene);
            }
            let run = scene.run;
            if let Some(run) = run {
                self.follow(ui, scene, run, &handwriting);
            }
            let moments = run.map_or(&[][..], |run| self.known.of(&(run.id.clone(), handwriting.clone())));
            let scores = moments.last().map(|moment| moment.scores.as_slice());
            part(ui, |ui| self.drawings.ui(ui, &handwriting, scores, scene));
            let Some(run) = run else {
                ui.label("Start or select a run to see how well it reads your handwriting.");
                return;
            };
            let reading = self.reading(run, &handwriting);
            reading.iter().for_each(|text| working(ui, text));
            let source = scene.source(run);
            let asked = (moments, reading.is_some());
            part(ui, |ui| curve::ui(ui, (run, &source), &handwriting, asked, scene.actions));
            part(ui, |ui| self.tuning.ui(ui, scene, run, &handwriting, moments));
        });
    }
}

impl HandwritingView {
    /// What is said while the run's checkpoints are asked about the drawings: "Seed CNN reads your 9 drawings at each of its
    /// checkpoints: 40 %".
    fn reading(&self, run: &Run, handwriting: &Arc<Handwriting>) -> Option<String> {
        let found = self.asking.found(&run.id).filter(|found| *found.about == *handwriting);
        let (name, count) = (&run.spec.name, handwriting.drawings.len());
        match found.map(|found| (found.share_done, &found.finding)) {
            Some((_, Err(_))) => None,
            Some((share_done, _)) if share_done >= 1.0 => None,
            found => {
                let share_done = found.map_or(0.0, |(share_done, _)| share_done);
                let at = format!("{:.0} %", share_done * 100.0);
                Some(format!("{name} reads your {count} drawings at each of its checkpoints: {at}"))
            }
        }
    }

    fn follow(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, handwriting: &Arc<Handwriting>) {
        let of = (run.id.clone(), handwriting.clone());
        let after = self.known.of(&of).last().map(|moment| moment.step);
        let (of_run, about) = ((run, run.saved.unwrap_or_default()), handwriting.clone());
        self.asking.follow(ui, of_run, about, &mut scene.asker(), |handwriting| {
            let image = |drawing: &Written| Image::drawing(drawing.framed.clone()).into();
            Question::History { samples: Arc::new(handwriting.drawings.iter().map(image).collect()), after }
        });
        let found = self.asking.found(&run.id).map(|found| (&found.about, &found.finding));
        if let Some((about, Ok(Finding::History { moments, .. }))) = found {
            self.known.learn((run.id.clone(), (**about).clone()), moments);
        }
    }
}

/// What is being done, and that it goes on.
fn working(ui: &mut Ui, text: &str) {
    ui.horizontal(|ui| {
        ui.spinner();
        ui.label(text);
    });
}

/// One button a digit, to keep what is on the pad.
fn keep(ui: &mut Ui, scene: &mut Scene<'_>) {
    title(ui, "My handwriting").on_hover_text(
        "Drawings with their right labels, kept as pictures on this computer. Every other one of a digit is held out: it \
         is never trained on, so that it can say what was learnt.",
    );
    ui.horizontal_wrapped(|ui| {
        ui.label("Keep the drawing as");
        for (label, digit) in DIGITS.into_iter().enumerate() {
            let button = Button::new(RichText::new(digit).heading());
            let response = ui.add_enabled(scene.is_own_drawing, button);
            let spoken = format!("Keep the drawing as {digit}");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &spoken));
            let help = format!("The drawing on the pad is a {digit}: the key {digit} does the same");
            if response.on_hover_text(help).clicked() {
                *scene.pad = Some(Wish::Keep(label));
            }
        }
    });
    let text = if scene.is_own_drawing || scene.image.is_none() {
        "Draw a digit on the pad, then say here which one it is. Its key does the same; the pad is cleared for the next."
    } else {
        "What is on the pad is no drawing of yours."
    };
    ui.label(RichText::new(text).weak());
}

/// How many of some drawings are read right, of how many; nothing where the network has no names for digits.
fn right<'a>(drawings: impl Iterator<Item = (&'a Written, &'a Vec<f32>)>) -> Option<[usize; 2]> {
    let mut count = [0; 2];
    for (one, scores) in drawings {
        if scores.is_empty() {
            return None;
        }
        count = [count[0] + usize::from(argmax(scores) == one.label), count[1] + 1];
    }
    Some(count)
}

/// Of the drawings that a run may be judged by.
fn right_of(run: &Run, handwriting: &Handwriting, moment: &Moment) -> Option<[usize; 2]> {
    let has_seen = tuning::is_tuned(run, handwriting);
    let pairs = handwriting.drawings.iter().zip(&moment.scores);
    right(pairs.filter(|(one, _)| one.is_test || !has_seen))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn written(label: usize, is_test: bool) -> Written {
        Written { place: "train/1/0001.png".into(), label, is_test, framed: vec![] }
    }

    #[test]
    fn drawings_that_are_read_right_are_counted() {
        let drawings = [written(1, false), written(0, true)];
        let scores = [vec![0.2, 0.8], vec![0.4, 0.6]];
        assert_eq!(right(drawings.iter().zip(&scores)), Some([1, 2]));
        assert_eq!(right(drawings.iter().zip(&[vec![], vec![]])), None);
    }

    #[test]
    fn a_run_that_was_tuned_on_them_is_judged_by_those_held_out() {
        let handwriting =
            Handwriting { folder: "/h".into(), drawings: vec![written(1, false), written(0, true)] };
        let moment = Moment { step: 1, scores: vec![vec![0.2, 0.8], vec![0.4, 0.6]] };
        let mut run = tuning::tests::run();
        assert_eq!(right_of(&run, &handwriting, &moment), Some([1, 2]));
        run.spec = crate::session::fine_tuning(&run.spec, &run.id, &handwriting.folder);
        assert_eq!(right_of(&run, &handwriting, &moment), Some([0, 1]));
    }
}
