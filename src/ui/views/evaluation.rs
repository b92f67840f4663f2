//! How well a network does on a split: what it confuses with what, how well it is calibrated, and the images that
//! are behind both.
use super::{
    Scene, View, ViewEntry, centred, empty,
    glossary::{CALIBRATION, CONFUSION, OUTSIDER, lead},
};
use crate::{
    data,
    evaluation::Evaluation,
    metrics::Split,
    protocol::{Answer, Finding, Question, RunId},
    sample::Modality,
    session::Run,
    spec::{Choice, ComponentInfo},
    ui::{
        save::Source,
        widgets::{columns, elided, strong, thousands},
    },
};
use closer::Closer;
use egui::{ComboBox, Label, ProgressBar, RichText, ScrollArea, Ui, WidgetInfo};
use figures::Figures;
use gallery::Gallery;
use list::{Kind, List};
use matrix::Matrix;
use std::sync::Arc;

mod closer;
mod confidence;
mod figures;
mod gallery;
mod list;
mod matrix;
mod reliability;
mod sentence;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "evaluation",
        label: "Evaluation",
        help: "Which classes a run's network confuses, how well its confidence is calibrated, and on which images it fails.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: false,
    open: || Box::new(EvaluationView::default()),
};

/// Evaluations that are kept.
const KEPT: usize = 6;
/// Characters of a run's name in the menu.
const NAME: usize = 32;

/// What the view keeps between frames.
struct EvaluationView {
    split: Split,
    /// A data set of which no image is one of the network's classes.
    outsiders: Option<String>,
    /// The run that the selected one is compared with.
    other: Option<RunId>,
    /// Evaluations under way, and those that are there, the newest last.
    asked: Vec<(u64, Wish)>,
    found: Vec<Arc<Found>>,
    /// What could not be evaluated last, and why.
    refused: Option<(Wish, String)>,
    matrix: Matrix,
    list: List,
    gallery: Gallery,
    closer: Closer,
}

/// An evaluation to ask for.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    run: RunId,
    split: Split,
    outsiders: Option<String>,
}

/// An evaluation that is there, and what follows from it.
struct Found {
    wish: Wish,
    /// The step whose weights were evaluated.
    step: u64,
    evaluation: Arc<Evaluation>,
    sentence: String,
    /// Whether the network is a classifier.
    figures: Option<Figures>,
}

impl Default for EvaluationView {
    fn default() -> Self {
        Self {
            split: Split::Test,
            outsiders: None,
            other: None,
            asked: vec![],
            found: vec![],
            refused: None,
            matrix: Matrix::default(),
            list: List::default(),
            gallery: Gallery::default(),
            closer: Closer::default(),
        }
    }
}

impl View for EvaluationView {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        self.collect(scene);
        let Some(run) = scene.run else {
            return empty(ui, "Nothing to evaluate yet", "Start or select a run.");
        };
        self.header(ui, run, scene);
        let wish = self.wish(&run.id);
        self.under_way(ui, &wish, scene);
        let Some(found) = self.best(&wish) else {
            if self.request(&wish.run).is_none() {
                self.offer(ui, run, scene);
            }
            return;
        };
        summary(ui, run, &found);
        match &found.figures {
            Some(figures) => self.content(ui, run, &found, figures, scene),
            None => drop(ui.label("This network learns without labels: there are no classes that it could confuse. Fine-tune it to tell classes apart, and evaluate that.")),
        }
    }
}

impl EvaluationView {
    fn wish(&self, run: &RunId) -> Wish {
        Wish { run: run.clone(), split: self.split, outsiders: self.outsiders.clone() }
    }

    /// Takes answers, and those that there will not be.
    fn collect(&mut self, scene: &mut Scene<'_>) {
        for (request, wish) in std::mem::take(&mut self.asked) {
            match scene.state.answers.get(&request) {
                Some(Answer { step, finding: Some(Ok(Finding::Evaluation(evaluation))), .. }) => {
                    self.found.retain(|found| found.wish != wish);
                    self.found.push(Arc::new(Found::new(wish, *step, evaluation.clone())));
                    scene.dismiss(request);
                }
                Some(Answer { finding: Some(Err(error)), .. }) => {
                    self.refused = Some((wish, error.clone()));
                    scene.dismiss(request);
                }
                _ => self.asked.push((request, wish)),
            }
        }
        let surplus = self.found.len().saturating_sub(KEPT);
        self.found.drain(..surplus);
        let state = scene.state;
        self.found.retain(|found| state.runs.contains_key(&found.wish.run));
    }

    /// What was wanted; until that is there, the same without other outsiders.
    fn best(&self, wish: &Wish) -> Option<Arc<Found>> {
        let of_split = |found: &&Arc<Found>| found.wish.run == wish.run && found.wish.split == wish.split;
        let exact = self.found.iter().rev().find(|found| found.wish == *wish);
        exact.or_else(|| self.found.iter().rev().find(of_split)).cloned()
    }

    /// The evaluation of a run that is under way.
    fn request(&self, run: &RunId) -> Option<u64> {
        self.asked.iter().find(|(_, wish)| wish.run == *run).map(|(request, _)| *request)
    }

    fn ask(&mut self, wish: Wish, scene: &mut Scene<'_>) {
        let outsiders = wish.outsiders.as_deref().map(Choice::new);
        let question = Question::Evaluation { split: wish.split, outsiders, data: None };
        let request = scene.ask(wish.run.clone(), question);
        // The worker gives up an older question about the same run.
        self.asked.retain(|(_, asked)| asked.run != wish.run);
        self.asked.push((request, wish));
        self.refused = None;
    }

    /// Asks for what is not there yet.
    fn want(&mut self, run: &RunId, scene: &mut Scene<'_>) {
        let wish = self.wish(run);
        let plain = self.other.clone().map(|run| Wish { run, outsiders: None, ..wish.clone() });
        for wish in [Some(wish), plain].into_iter().flatten() {
            let is_there = self.found.iter().any(|found| found.wish == wish);
            if !is_there && !self.asked.iter().any(|(_, asked)| *asked == wish) {
                self.ask(wish, scene);
            }
        }
    }

    fn header(&mut self, ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
        let before = (self.split, self.outsiders.clone(), self.other.clone());
        ui.horizontal_wrapped(|ui| {
            ui.add(Label::new(strong(format!("Evaluation of {}", run.spec.name))).truncate());
            for (split, name, help) in SPLITS {
                ui.selectable_value(&mut self.split, split, name).on_hover_text(help);
            }
            self.compare_with(ui, run, scene);
            self.choose_outsiders(ui, run, scene);
        });
        if before != (self.split, self.outsiders.clone(), self.other.clone()) {
            self.want(&run.id, scene);
        }
    }

    fn compare_with(&mut self, ui: &mut Ui, run: &Run, scene: &Scene<'_>) {
        let comparable = |other: &&Run| {
            other.id != run.id
                && other.spec.objective.id == run.spec.objective.id
                && other.spec.dataset.id == run.spec.dataset.id
                && data::source(&other.spec.dataset) == data::source(&run.spec.dataset)
                && !scene.state.is_race(other)
        };
        let others: Vec<&Run> = scene.state.runs.values().filter(comparable).collect();
        if !others.iter().any(|other| Some(&other.id) == self.other.as_ref()) {
            self.other = None;
        }
        if others.is_empty() {
            return;
        }
        let named = |id: &RunId| scene.state.runs.get(id).map_or("", |run| run.spec.name.as_str());
        let shown =
            self.other.as_ref().map_or("Compare with…".into(), |id| format!("Compared with {}", named(id)));
        let menu = ComboBox::from_id_salt("compared run").selected_text(elided(&shown, NAME));
        let menu = menu.show_ui(ui, |ui| {
            ui.selectable_value(&mut self.other, None, "Nothing");
            for other in others {
                let name = &other.spec.name;
                let choice = ui.selectable_value(&mut self.other, Some(other.id.clone()), elided(name, NAME));
                choice.on_hover_text(name);
            }
        });
        menu.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &shown));
        let help =
            "Another run that learns from the same images: on which of them do the two answer differently?";
        menu.response.on_hover_text(format!("{shown}\n{help}"));
    }

    fn choose_outsiders(&mut self, ui: &mut Ui, run: &Run, scene: &Scene<'_>) {
        let datasets = scene.catalog.section(crate::spec::Section::Dataset);
        let here = |info: &&ComponentInfo| {
            info.id != run.spec.dataset.id
                && (info.id == "mnist" || scene.state.data.present.contains(info.id))
        };
        let sets: Vec<_> = datasets.iter().filter(here).collect();
        if !sets.iter().any(|info| Some(info.id) == self.outsiders.as_deref()) {
            self.outsiders = None;
        }
        if sets.is_empty() {
            return;
        }
        let label = sets.iter().find(|info| Some(info.id) == self.outsiders.as_deref());
        let shown = label.map_or("Outsiders…".into(), |info| format!("Outsiders: {}", info.label));
        let menu = ComboBox::from_id_salt("outsiders").selected_text(&shown).show_ui(ui, |ui| {
            ui.selectable_value(&mut self.outsiders, None, "None");
            for info in sets {
                ui.selectable_value(&mut self.outsiders, Some(info.id.to_owned()), info.label);
            }
        });
        menu.response.widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, &shown));
        menu.response.on_hover_text("Images of another data set, none of which is one of the classes: how many of them does the network notice?");
    }

    /// How far what was asked is, and a way to stop it.
    fn under_way(&mut self, ui: &mut Ui, wish: &Wish, scene: &mut Scene<'_>) {
        let asked: Vec<_> = self.asked.iter().map(|(request, wish)| (*request, wish.run.clone())).collect();
        let mine = |run: &RunId| *run == wish.run || Some(run) == self.other.as_ref();
        for (request, run) in asked.into_iter().filter(|(_, run)| mine(run)).collect::<Vec<_>>() {
            let share = scene.state.answers.get(&request).map_or(0.0, |answer| answer.share_done);
            let name = scene.state.runs.get(&run).map_or("", |run| run.spec.name.as_str());
            let is_stopped = ui.horizontal(|ui| {
                let text = format!("Evaluating {name}: {:.0} %", share * 100.0);
                ui.label(RichText::new(&text).weak());
                let bar = ProgressBar::new(share).desired_height(8.0).desired_width(160.0);
                ui.add(bar).widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &text));
                ui.button("Stop").on_hover_text("Gives up on it; training goes on").clicked()
            });
            if is_stopped.inner {
                self.asked.retain(|(asked, _)| *asked != request);
                scene.dismiss(request);
            }
        }
    }

    fn offer(&mut self, ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
        let (_, name, _) = SPLITS.into_iter().find(|(split, ..)| *split == self.split).unwrap_or(SPLITS[0]);
        let what = "What does it confuse, and how sure may it be?";
        let then = "The weights of the newest checkpoint are shown every image. Training goes on meanwhile.";
        centred(ui, what, then, |ui| {
            if let Some((_, error)) = self.refused.as_ref().filter(|(wish, _)| wish.run == run.id) {
                ui.label(format!("It could not be evaluated: {error}"));
            }
            let button = ui.button(format!("Evaluate on the {} images", name.to_lowercase()));
            if button.clicked() {
                self.want(&run.id, scene);
            }
        });
    }

    fn content(&mut self, ui: &mut Ui, run: &Run, found: &Found, figures: &Figures, scene: &mut Scene<'_>) {
        let other = self.other.clone().and_then(|run| {
            let wish = Wish { run, outsiders: None, ..found.wish.clone() };
            self.best(&wish)
        });
        self.list.follow(&found.evaluation, other.as_ref().map(|other| &other.evaluation));
        let source = scene.source(run).among(&format!("{} images", found.evaluation.split.id()));
        ScrollArea::vertical().id_salt(&run.id).auto_shrink(false).show(ui, |ui| {
            if ui.available_width() > 640.0 {
                columns(ui, 2, |column, ui| {
                    if column == 0 {
                        self.confusion(ui, figures, &source, scene);
                        figures.ui(ui, &source, scene.actions);
                    } else {
                        self.images(ui, run, figures, scene);
                        confidence::ui(ui, found, figures, &source, scene);
                    }
                });
            } else {
                self.confusion(ui, figures, &source, scene);
                self.images(ui, run, figures, scene);
                figures.ui(ui, &source, scene.actions);
                confidence::ui(ui, found, figures, &source, scene);
            }
        });
        let names = &figures.class_names;
        let runs = self.names_of_runs(run, scene);
        self.closer.ui(ui, run, &self.list, names, &runs, scene);
    }

    fn confusion(&mut self, ui: &mut Ui, figures: &Figures, source: &Source, scene: &mut Scene<'_>) {
        let chosen = self.matrix.ui(ui, figures, self.list.kind, source, scene.actions);
        if let Some((label, predicted)) = chosen {
            self.list.choose(Kind::Cell(label, predicted));
        }
    }

    fn images(&mut self, ui: &mut Ui, run: &Run, figures: &Figures, scene: &mut Scene<'_>) {
        let names = &figures.class_names;
        let runs = self.names_of_runs(run, scene);
        crate::ui::widgets::card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            self.list.chooser(ui, names);
            if let (Kind::Disagreements, Some(text)) = (self.list.kind, self.list.disagreement()) {
                ui.label(RichText::new(sentence::of_disagreement(text, &runs)).small());
            }
            let opened = self.gallery.ui(ui, run, &self.list, names, scene);
            if let Some(at) = opened {
                self.closer.open(at);
            }
        });
    }

    /// The names of the run and of the one that it is compared with.
    fn names_of_runs(&self, run: &Run, scene: &Scene<'_>) -> [String; 2] {
        let other = self.other.as_ref().and_then(|id| scene.state.runs.get(id));
        [run.spec.name.clone(), other.map_or(String::new(), |other| other.spec.name.clone())]
    }
}

/// What can be evaluated, the most telling first.
const SPLITS: [(Split, &str, &str); 3] = [
    (
        Split::Test,
        "Test",
        "Images that nothing was learnt from and nothing chosen by: what the network will do on new ones.",
    ),
    (
        Split::Validation,
        "Validation",
        "Images set aside while training; its settings may have been chosen by them, and its confidence is calibrated on them.",
    ),
    (Split::Train, "Training", "Images that it was fitted to: how well it remembers."),
];

impl Found {
    fn new(wish: Wish, step: u64, evaluation: Arc<Evaluation>) -> Self {
        let figures = evaluation.judgement.as_ref().map(Figures::new);
        let sentence = sentence::sentence(&evaluation);
        Self { wish, step, evaluation, sentence, figures }
    }
}

/// What came of it, and of which weights.
fn summary(ui: &mut Ui, run: &Run, found: &Found) {
    match found.figures {
        Some(_) => lead(ui, &found.sentence, &[&CONFUSION, &CALIBRATION, &OUTSIDER]),
        None => lead(ui, &found.sentence, &[]),
    }
    ui.horizontal_wrapped(|ui| {
        let text = format!("loss {:.4} nats, at step {}", found.evaluation.loss, thousands(found.step));
        ui.label(RichText::new(text).weak());
        if run.saved.is_some_and(|saved| saved > found.step) {
            ui.label(RichText::new("The run has been saved again since.").weak());
        }
    });
}
