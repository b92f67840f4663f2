//! A person's own drawings with their right labels: how well a run reads them, at each of its checkpoints and after it was
//! fine-tuned on half of them, and what it forgot of what it knew before.
use super::{Scene, View, ViewEntry, part};
use crate::{
    data::handwriting::CLASSES,
    errors::Place,
    evaluation::argmax,
    protocol::{
        Caption, Finding, Moment, Question, RunId, Strip,
        data::{DataRequest, Handwriting, Written},
    },
    sample::{Image, Modality},
    session::Run,
    shape::ImageShape,
    spec::ComponentInfo,
    ui::{
        Action,
        asking::{Asking, Moments},
        save::Source,
        strips::Strips,
        widgets::{icon_button, labeled_button, title},
    },
};
use egui::{Button, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::{ICON_DELETE, ICON_UNDO};
use std::sync::Arc;

mod curve;
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

/// Side of a drawing on the screen.
const DRAWING: f32 = 42.0;
const DIGITS: [&str; CLASSES] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// What the view keeps between frames.
#[derive(Default)]
struct HandwritingView {
    is_asked_for: bool,
    asking: Asking<Arc<Handwriting>>,
    known: Moments<Of>,
    strips: [Strips; CLASSES],
    /// The one that was removed last.
    removed: Option<Written>,
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
            let Some(handwriting) = scene.state.data.handwriting.clone() else { return };
            if handwriting.drawings.is_empty() {
                return bring_back(ui, &mut self.removed, scene);
            }
            let run = scene.run;
            if let Some(run) = run {
                self.follow(ui, scene, run, &handwriting);
            }
            let moments = run.map_or(&[][..], |run| self.known.of(&(run.id.clone(), handwriting.clone())));
            let scores = moments.last().map(|moment| moment.scores.as_slice());
            part(ui, |ui| {
                bring_back(ui, &mut self.removed, scene);
                drawings(ui, &mut self.strips, &mut self.removed, &handwriting, scores, scene);
            });
            let Some(run) = run else {
                ui.label("Start or select a run to see how well it reads your handwriting.");
                return;
            };
            let source = scene.source(run);
            part(ui, |ui| curve::ui(ui, (run, &source), &handwriting, moments, scene.actions));
            part(ui, |ui| self.tuning.ui(ui, scene, run, &handwriting, moments));
        });
    }
}

impl HandwritingView {
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

/// One button a digit, to keep what is on the pad.
fn keep(ui: &mut Ui, scene: &mut Scene<'_>) {
    title(ui, "My handwriting").on_hover_text(
        "Drawings with their right labels, kept as pictures on this computer. Every other one of a digit is held out: it \
         is never trained on, so that it can say what was learnt.",
    );
    // only a drawing is framed
    let framed = scene.image.filter(|_| scene.sheet.is_some());
    ui.horizontal_wrapped(|ui| {
        ui.label("Keep the drawing as");
        for (label, digit) in DIGITS.into_iter().enumerate() {
            let button = Button::new(RichText::new(digit).heading());
            let response = ui.add_enabled(framed.is_some(), button);
            let spoken = format!("Keep the drawing as {digit}");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &spoken));
            let response = response.on_hover_text(format!("The drawing on the pad is a {digit}"));
            if let Some(framed) = framed.filter(|_| response.clicked()) {
                let request = DataRequest::KeepDrawing { label, framed: framed.pixels.clone() };
                scene.actions.push(Action::Data(request));
            }
        }
    });
    if framed.is_none() {
        ui.label(RichText::new("Draw a digit on the pad, then say here which one it is.").weak());
    }
}

/// Keeps the drawing again that was removed last.
fn bring_back(ui: &mut Ui, removed: &mut Option<Written>, scene: &mut Scene<'_>) {
    let Some(label) = removed.as_ref().map(|one| one.label) else { return };
    let button = labeled_button(ui, ICON_UNDO, &format!("Bring the {label} back"));
    if let Some(one) = removed.take_if(|_| button.clicked()) {
        let request = DataRequest::KeepDrawing { label: one.label, framed: one.framed };
        scene.actions.push(Action::Data(request));
    }
}

/// All drawings, with what the network reads.
fn drawings(
    ui: &mut Ui,
    strips: &mut [Strips; CLASSES],
    removed: &mut Option<Written>,
    handwriting: &Handwriting,
    scores: Option<&[Vec<f32>]>,
    scene: &mut Scene<'_>,
) {
    let held_out = handwriting.drawings.iter().filter(|one| one.is_test).count();
    let source = Source::of_handwriting(scene.run.map(|run| &run.spec));
    ui.label(format!("{} drawings, {held_out} of them held out (·)", handwriting.drawings.len()))
        .on_hover_text(Place::folder(&handwriting.folder).to_string());
    for (label, strips) in strips.iter_mut().enumerate() {
        let chosen = || handwriting.drawings.iter().enumerate().filter(move |(_, one)| one.label == label);
        let Some((_, last)) = chosen().next_back() else { continue };
        ui.horizontal_top(|ui| {
            if icon_button(ui, ICON_DELETE, &format!("Remove the last {label}")).clicked() {
                let request = DataRequest::RemoveDrawing { place: last.place.clone() };
                scene.actions.push(Action::Data(request));
                *removed = Some(last.clone());
            }
            ui.vertical(|ui| {
                let caption = |(at, one): (usize, &Written)| caption(one, scores.and_then(|scores| scores.get(at)));
                let strip = Strip {
                    name: DIGITS[label],
                    help: "What the network reads stands beneath each, with a cross where it is wrong; those that are held out are marked with a dot.",
                    shape: ImageShape::new(28, 28, 1),
                    pixels: chosen().flat_map(|(_, one)| one.framed.iter().copied()).collect(),
                    captions: chosen().map(caption).collect(),
                };
                strips.beside(ui, std::slice::from_ref(&strip), DRAWING, &source, scene.actions);
            });
        });
    }
}

fn caption(one: &Written, scores: Option<&Vec<f32>>) -> Caption {
    let read = scores.filter(|scores| !scores.is_empty()).map(|scores| argmax(scores));
    let mark = if one.is_test { " ·" } else { "" };
    let text = read.map_or(mark.to_owned(), |read| format!("{read}{mark}"));
    Caption { text, is_right: read.map(|read| read == one.label) }
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
mod tests {
    use super::*;

    fn written(label: usize, is_test: bool) -> Written {
        Written { place: "train/1/0001.png".into(), label, is_test, framed: vec![] }
    }

    #[test]
    fn drawings_are_counted_and_captioned() {
        let drawings = [written(1, false), written(0, true)];
        let scores = [vec![0.2, 0.8], vec![0.4, 0.6]];
        assert_eq!(right(drawings.iter().zip(&scores)), Some([1, 2]));
        assert_eq!(right(drawings.iter().zip(&[vec![], vec![]])), None);
        let wrong = caption(&drawings[1], Some(&scores[1]));
        assert_eq!((wrong.text.as_str(), wrong.is_right), ("1 ·", Some(false)));
        assert_eq!(caption(&drawings[0], None), Caption { text: String::new(), is_right: None });
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
