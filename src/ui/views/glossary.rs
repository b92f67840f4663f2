//! The sentence that a view opens with, and what the terms beside it mean, one click away.
use crate::ui::widgets::strong;
use egui::{Align, Layout, Link, Popup, Response, RichText, Role, Ui, WidgetInfo};

/// A term of the field, and what it means in plain words.
pub struct Term {
    pub name: &'static str,
    pub meaning: &'static str,
}

pub const FRAMING: Term = Term {
    name: "Framing",
    meaning: "What is drawn is cropped, scaled to 20 × 20 pixels and put into the middle of 28 × 28, as the authors of MNIST did with their digits. A network reads only what looks like the images that it was trained on.",
};
pub const PROBABILITY: Term = Term {
    name: "Probability",
    meaning: "How a network shares out its belief among the classes that it knows; the shares add up to 100 %. It has to choose one of them even where none fits. Calibrated, 80 % means that 80 of 100 such answers are right.",
};
pub const LOGIT: Term = Term {
    name: "Score",
    meaning: "The number that a network gives a class before the numbers of all classes are turned into probabilities, also called its logit: the larger, the more probable the class.",
};
pub const PARTS: Term = Term {
    name: "Part",
    meaning: "The drawing is divided into up to nine parts. Each is blanked out in turn, and the network is asked again. The part that a class loses most without speaks most for it. With other divisions the answer may be another one.",
};
pub const FEATURE_MAP: Term = Term {
    name: "Feature map",
    meaning: "What a filter makes of the image: at each place, how well what is there fits the pattern that the filter looks for. Bright is a good fit, black none at all.",
};
pub const FILTER: Term = Term {
    name: "Filter",
    meaning: "A small pattern of weights that a layer lays over every place of the image. Nobody gave it its pattern: it is learnt.",
};
pub const EMBEDDING: Term = Term {
    name: "Embedding",
    meaning: "The numbers that a network turns an image into before it decides. Images whose numbers are near to each other are alike to the network.",
};
pub const PCA: Term = Term {
    name: "PCA",
    meaning: "Principal component analysis: the embeddings seen from the side from which they differ most. Distances can be taken at their word, but much is hidden behind each other.",
};
pub const TSNE: Term = Term {
    name: "t-SNE",
    meaning: "A way to lay out points with many coordinates on a plane so that neighbours stay neighbours. Groups can be trusted; how far apart two groups are, and how large one is, says little.",
};
pub const CONFUSION: Term = Term {
    name: "Confusion matrix",
    meaning: "A table of what the images are and what they are taken for: one row for each class, one column for each answer. What is right lies on the diagonal.",
};
pub const CALIBRATION: Term = Term {
    name: "Calibration",
    meaning: "Making confidence mean what it says: of the answers given with 80 %, 80 % should be right. The network's scores are divided by one number, the temperature, which is fitted on validation images.",
};
pub const OUTSIDER: Term = Term {
    name: "Outsider",
    meaning: "An image that looks like nothing that the network was trained on. It has to choose one of its classes all the same, so its answer is worth nothing.",
};

/// What is to be seen now, in one sentence, and the terms that it takes.
pub fn lead(ui: &mut Ui, sentence: &str, terms: &[&Term]) {
    ui.horizontal_wrapped(|ui| {
        ui.label(strong(sentence));
        for of in terms {
            term(ui, RichText::new(of.name).small(), of.name, of.meaning);
        }
    });
}

/// A term as it is `shown`; a click says what it means.
pub fn term(ui: &mut Ui, shown: RichText, name: &str, meaning: &str) -> Response {
    /// In points.
    const WIDTH: f32 = 320.0;
    let response = ui.add(Link::new(shown));
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, format!("What is {name}?")));
    let popup = Popup::from_toggle_button_response(&response).layout(Layout::top_down(Align::LEFT));
    popup.show(|ui| {
        ui.set_max_width(WIDTH.min(ui.ctx().content_rect().width() - 40.0));
        ui.label(strong(name));
        ui.label(meaning);
    });
    response
}
