//! What follows from a judgement, worked out once, and how the network does on each class.
use crate::{
    evaluation::{ClassFigures, Judgement, Reliability, TrustReport, by_confusion, class_figures},
    ui::{
        Action,
        look::{MARK_ROOM, class_mark},
        save::{self, Format, Source},
        widgets::{card, columns, percent, strong, thousands},
    },
};
use egui::{Label, ScrollArea, Sense, TextStyle, Ui, vec2};

/// What is shown of a judgement.
pub struct Figures {
    pub class_names: Vec<String>,
    /// Images by label and prediction.
    pub confusion: Vec<Vec<usize>>,
    /// The classes, those side by side that are confused.
    pub groups: Vec<usize>,
    pub classes: Vec<ClassFigures>,
    /// As the network gives its confidence, and calibrated.
    pub reliability: [Reliability; 2],
    pub trust: TrustReport,
    /// Share of the images that are taken for outsiders.
    pub flagged: f64,
}

impl Figures {
    pub fn new(judgement: &Judgement) -> Self {
        let confusion = judgement.confusion();
        Self {
            class_names: judgement.class_names.clone(),
            classes: class_figures(&confusion),
            groups: by_confusion(&confusion),
            confusion,
            reliability: [false, true].map(|calibrated| judgement.reliability(calibrated)),
            trust: judgement.trust,
            flagged: judgement.flagged(),
        }
    }

    /// Precision and recall, a class a row.
    pub fn ui(&self, ui: &mut Ui, source: &Source, actions: &mut Vec<Action>) {
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.label(strong("Class by class"));
                let wanted = save::menu(ui, "the figures of the classes", &[Format::Csv]);
                actions.extend(wanted.map(|_| save::action(self.table(source))));
            });
            heads(ui);
            let height = ui.text_style_height(&TextStyle::Body);
            let area = ScrollArea::vertical().id_salt("classes").max_height(420.0).auto_shrink([false, true]);
            area.show_rows(ui, height, self.classes.len(), |ui, rows| {
                rows.for_each(|class| self.row(ui, class))
            });
        });
    }

    fn table(&self, source: &Source) -> anyhow::Result<save::File> {
        let share = |share: Option<f64>| share.map_or(String::new(), |share| share.to_string());
        let rows = self.class_names.iter().zip(&self.classes).map(|(name, class)| {
            vec![name.clone(), class.examples.to_string(), share(class.precision), share(class.recall)]
        });
        source.table("Class by class", &["class", "images", "precision", "recall"], rows)
    }

    fn row(&self, ui: &mut Ui, class: usize) {
        let share = |share: Option<f64>| share.map_or("–".into(), percent);
        let (name, figures) = (&self.class_names[class], &self.classes[class]);
        let [precision, recall] = [figures.precision, figures.recall].map(share);
        let images = thousands(figures.examples as u64);
        columns(ui, 4, |column, ui| {
            let text = [name, &images, &precision, &recall][column];
            // A row is as high as its letters.
            ui.spacing_mut().interact_size.y = 0.0;
            ui.horizontal(|ui| {
                if column == 0 {
                    let size = vec2(MARK_ROOM, ui.text_style_height(&TextStyle::Body));
                    let (place, _) = ui.allocate_exact_size(size, Sense::hover());
                    class_mark(ui, place, class);
                }
                ui.add(Label::new(text).truncate());
            });
        });
    }
}

fn heads(ui: &mut Ui) {
    let heads = [
        ("Class", "What is in the images"),
        ("Images", "How many there are of the class"),
        ("Precision", "Of the images that it takes for the class, the share that is"),
        ("Recall", "Of the images of the class, the share that it takes for it"),
    ];
    columns(ui, 4, |column, ui| {
        let (name, help) = heads[column];
        ui.label(strong(name)).on_hover_text(help);
    });
}
