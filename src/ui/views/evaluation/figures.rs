//! What follows from a judgement, worked out once, and how the network does on each class.
use crate::{
    evaluation::{ClassFigures, Judgement, Reliability, TrustReport, class_figures},
    ui::{
        Action,
        save::{self, Format},
        widgets::{card, percent, strong, thousands},
    },
};
use egui::{Grid, ScrollArea, Ui};

/// What is shown of a judgement.
pub struct Figures {
    pub class_names: Vec<String>,
    /// Images by label and prediction.
    pub confusion: Vec<Vec<usize>>,
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
            confusion,
            reliability: [false, true].map(|calibrated| judgement.reliability(calibrated)),
            trust: judgement.trust,
            flagged: judgement.flagged(),
        }
    }

    /// Precision and recall, a class a row.
    pub fn ui(&self, ui: &mut Ui, actions: &mut Vec<Action>) {
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.label(strong("Class by class"));
                let wanted = save::menu(ui, "the figures of the classes", &[Format::Csv]);
                actions.extend(wanted.map(|_| save::action(self.table())));
            });
            ScrollArea::vertical().id_salt("classes").max_height(420.0).auto_shrink([false, true]).show(
                ui,
                |ui| {
                    let grid = Grid::new("class figures").striped(true).num_columns(4).spacing([20.0, 4.0]);
                    grid.show(ui, |ui| self.rows(ui));
                },
            );
        });
    }

    fn table(&self) -> anyhow::Result<save::File> {
        let share = |share: Option<f64>| share.map_or(String::new(), |share| share.to_string());
        let rows = self.class_names.iter().zip(&self.classes).map(|(name, class)| {
            vec![name.clone(), class.images.to_string(), share(class.precision), share(class.recall)]
        });
        save::table("Class by class", &["class", "images", "precision", "recall"], rows)
    }

    fn rows(&self, ui: &mut Ui) {
        ui.label(strong("Class"));
        ui.label(strong("Images"));
        ui.label(strong("Precision"))
            .on_hover_text("Of the images that it takes for the class, the share that is");
        ui.label(strong("Recall"))
            .on_hover_text("Of the images of the class, the share that it takes for it");
        ui.end_row();
        let share = |share: Option<f64>| share.map_or("–".into(), percent);
        for (name, class) in self.class_names.iter().zip(&self.classes) {
            ui.label(name);
            ui.label(thousands(class.images as u64));
            ui.label(share(class.precision));
            ui.label(share(class.recall));
            ui.end_row();
        }
    }
}
