//! How a network takes its pixels: as they are, or normalised as those that its weights were trained on.
use crate::spec::{Choice, Param, ParamKind};

/// Of the red, green and blue of pixels from 0 to 1; one grey value has the average.
#[derive(Debug)]
pub struct InputScale {
    /// As recipes write it.
    pub id: &'static str,
    /// As a person reads it.
    pub label: &'static str,
    /// Subtracted first.
    pub mean: [f32; 3],
    /// Divided by.
    pub deviation: [f32; 3],
}

/// Those that published weights were trained with, pixels as they are first.
pub static INPUT_SCALES: [InputScale; 6] = [
    scale("plain", "0 to 1", [0.0; 3], [1.0; 3]),
    scale("centred", "−1 to 1", [0.5; 3], [0.5; 3]),
    scale("imagenet", "by ImageNet's mean", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    scale("mnist", "by MNIST's mean", [0.1307; 3], [0.3081; 3]),
    scale("fashion_mnist", "by Fashion-MNIST's mean", [0.286; 3], [0.353; 3]),
    scale("cifar10", "by CIFAR-10's mean", [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]),
];

const fn scale(id: &'static str, label: &'static str, mean: [f32; 3], deviation: [f32; 3]) -> InputScale {
    InputScale { id, label, mean, deviation }
}

/// Which of [`INPUT_SCALES`] a network uses: common to every encoder of images.
pub const INPUTS: Param = Param {
    key: "inputs",
    label: "Pixel values",
    unit: "",
    help: "How the network takes the brightness of pixels. Weights that were trained elsewhere need the values that they were trained with.",
    kind: ParamKind::Choice(&OPTIONS),
    default: 0.0,
    live: false,
};

const OPTIONS: [(&str, &str); INPUT_SCALES.len()] = {
    let mut options = [("", ""); INPUT_SCALES.len()];
    let mut at = 0;
    while at < options.len() {
        options[at] = (INPUT_SCALES[at].id, INPUT_SCALES[at].label);
        at += 1;
    }
    options
};

/// How an encoder takes its pixels; none where as they are.
pub fn input_scale(encoder: &Choice) -> Option<&'static InputScale> {
    match encoder.get(&INPUTS) as usize {
        0 => None,
        chosen => INPUT_SCALES.get(chosen),
    }
}
