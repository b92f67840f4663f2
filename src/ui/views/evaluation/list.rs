//! Which images of an evaluation are shown, and in which order.
use crate::{
    evaluation::{Disagreement, Evaluation, Verdict},
    ui::widgets::thousands,
};
use egui::Ui;
use std::sync::Arc;

/// What an image must be to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Kind {
    #[default]
    Mistakes,
    Hits,
    Outsiders,
    /// Those with the first label that are taken for the second.
    Cell(u16, u16),
    /// Those on which two runs differ.
    Disagreements,
}

/// An image, the answer of one network, and that of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    pub verdict: Verdict,
    pub other: Option<Verdict>,
}

/// The images of one kind.
#[derive(Default)]
pub struct List {
    pub kind: Kind,
    of: Option<Arc<Evaluation>>,
    other: Option<Arc<Evaluation>>,
    /// How many mistakes, hits and outsiders there are.
    counts: [usize; 3],
    /// Where there is another run.
    disagreement: Option<Disagreement>,
    items: Vec<Item>,
    /// Rises with each new list, so that a view notices that it shows an old one.
    version: u64,
}

impl List {
    /// Rebuilds the list for another evaluation.
    pub fn follow(&mut self, of: &Arc<Evaluation>, other: Option<&Arc<Evaluation>>) {
        let is_same = |a: Option<&Arc<Evaluation>>, b: Option<&Arc<Evaluation>>| {
            a.map(Arc::as_ptr) == b.map(Arc::as_ptr)
        };
        if is_same(self.of.as_ref(), Some(of)) && is_same(self.other.as_ref(), other) {
            return;
        }
        let has_new_other = other.is_some() && !is_same(self.other.as_ref(), other);
        self.of = Some(of.clone());
        self.other = other.cloned();
        let judgements = of.judgement.as_ref().zip(other.and_then(|other| other.judgement.as_ref()));
        self.disagreement = judgements.map(|(first, second)| Disagreement::between(first, second));
        let verdicts = of.judgement.as_ref().map_or(&[][..], |judgement| &judgement.verdicts);
        let count = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
        let outsiders = count(|verdict| verdict.is_outsider);
        self.counts = [count(|verdict| !verdict.is_right()), count(Verdict::is_right), outsiders];
        let kind = match self.kind {
            _ if has_new_other && self.disagreement.is_some() => Kind::Disagreements,
            Kind::Disagreements if self.disagreement.is_none() => Kind::Mistakes,
            kind => kind,
        };
        self.choose(kind);
    }

    pub fn choose(&mut self, kind: Kind) {
        self.kind = kind;
        self.version += 1;
        let judgement = self.of.as_ref().and_then(|of| of.judgement.as_ref());
        let verdicts = judgement.map_or(vec![], |judgement| match kind {
            Kind::Mistakes => judgement.mistakes(),
            Kind::Hits => judgement.hits(),
            Kind::Outsiders => judgement.outsiders(),
            Kind::Cell(label, predicted) => judgement.cell(label, predicted),
            Kind::Disagreements => vec![],
        });
        self.items = verdicts.into_iter().map(|verdict| Item { verdict: *verdict, other: None }).collect();
        if let (Kind::Disagreements, Some(found)) = (kind, &self.disagreement) {
            let item = |[verdict, other]: &[Verdict; 2]| Item { verdict: *verdict, other: Some(*other) };
            self.items = found.answers.iter().map(item).collect();
        }
    }

    pub fn items(&self) -> &[Item] {
        &self.items
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn disagreement(&self) -> Option<&Disagreement> {
        self.disagreement.as_ref()
    }

    /// Whether its images are of the test part.
    pub fn is_of_test(&self) -> bool {
        self.of.as_ref().is_some_and(|of| of.split == crate::metrics::Split::Test)
    }

    pub fn chooser(&mut self, ui: &mut Ui, names: &[String]) {
        let mut kind = self.kind;
        ui.horizontal_wrapped(|ui| {
            let [mistakes, hits, outsiders] = self.counts.map(|count| thousands(count as u64));
            let kinds = [
                (
                    Kind::Mistakes,
                    format!("Confident mistakes {mistakes}"),
                    "Wrong answers, those first that were given with the most confidence",
                ),
                (
                    Kind::Hits,
                    format!("Hesitant hits {hits}"),
                    "Right answers, those first that were given with the least confidence",
                ),
                (
                    Kind::Outsiders,
                    format!("Outsiders {outsiders}"),
                    "Images that look like nothing that the network was trained on",
                ),
            ];
            for (of, text, help) in kinds {
                ui.selectable_value(&mut kind, of, text).on_hover_text(help);
            }
            if let Some(found) = &self.disagreement {
                let text = format!("Disagreements {}", thousands(found.answers.len() as u64));
                let help = "Images on which the two runs differ, those first of which both are sure";
                ui.selectable_value(&mut kind, Kind::Disagreements, text).on_hover_text(help);
            }
            if let Kind::Cell(label, predicted) = self.kind {
                let text =
                    format!("{} {}", cell_name(names, label, predicted), thousands(self.items.len() as u64));
                ui.selectable_value(&mut kind, self.kind, text)
                    .on_hover_text("The chosen cell of the confusion matrix");
            }
        });
        if kind != self.kind {
            self.choose(kind);
        }
    }
}

/// "4 taken for 9".
pub fn cell_name(names: &[String], label: u16, predicted: u16) -> String {
    let [is, taken] = [label, predicted].map(|class| class_name(names, class));
    if label == predicted { format!("{is} taken for what it is") } else { format!("{is} taken for {taken}") }
}

pub fn class_name(names: &[String], class: u16) -> &str {
    names.get(usize::from(class)).map_or("?", String::as_str)
}
