//! A worker and a librarian that answer at once, with made-up figures, to test what the window shows without training.
#![allow(dead_code, reason = "each test file uses its own part")]
use super::screen::{Screen, Window};
use egui::Vec2;
use headstart::{
    embedding::{Embedded, Gaps, Map, MapMethod, Neighbourhood, Pca},
    evaluation::{Candidate, Evaluation, Judgement, LabelCounts, TrustReport, Verdict},
    explanation::{Attribution, Explanation, Part, Without, parts},
    inside::{FeatureMaps, Filters, Inside, StrongImage, Strongest},
    metrics::Split,
    noise::NoiseScale,
    protocol::{
        Answer, Caption, Command, Confidence, Event, Familiarity, Finding, Moment, Prediction, Preview,
        Question, Strip,
        data::{Collection, DataReport, DataRequest, ExampleId, Handwriting, Item, Opened, Role, Written},
        visual::{
            Altered, Enlarged, Survey, TestExample, Thumbnails, TwinCounts, Twins, VisualReport,
            VisualRequest,
        },
    },
    rates::{RateTest, tried},
    sample::Image,
    session::State,
    shape::ImageShape,
    spec::Edits,
    ui::Action,
};
use std::sync::Arc;

/// Class names: short, long, and in other scripts.
const CLASSES: [&str; 8] = [
    "airplane",
    "automobile",
    "a class whose folder has a name of several words",
    "golden retriever",
    "deer",
    "金毛寻回犬",
    "frog",
    "马",
];
/// Height and width of an image.
const SIDE: usize = 28;
const IMAGES: u32 = 240;
const STEP: u64 = 5200;
const LABELS: LabelCounts = LabelCounts { training: 55_000, calibration: 5000 };

/// Answers the window's questions, and those that follow, until there are no more.
pub fn answer(window: &mut Window) {
    answer_of(window, &CLASSES.map(String::from));
}

/// The same for a network that knows other classes.
pub fn answer_of(window: &mut Window, names: &[String]) {
    for _ in 0..6 {
        let asked = std::mem::take(&mut window.state_mut().actions);
        if asked.is_empty() {
            return;
        }
        asked.into_iter().for_each(|action| take(window.state_mut(), action, names));
        window.run_steps(3);
    }
}

fn take(screen: &mut Screen, action: Action, names: &[String]) {
    let state = &mut screen.state;
    match action {
        Action::Send(Command::Ask { request, run, question }) => {
            let finding = Some(Ok(finding(question, names)));
            state.apply(Event::Answer(Answer { request, run, step: STEP, share_done: 1.0, finding }));
        }
        Action::Send(Command::Dismiss(request)) => drop(state.answers.remove(&request)),
        Action::Data(request) => report(state, request, names),
        _ => {}
    }
}

/// Rising and falling from image to image, adding up to 1.
fn scores(image: usize, classes: usize) -> Vec<f32> {
    let first = 0.4 + 0.5 * (image as f32 * 0.3).sin().abs();
    let rest = (1.0 - first) / (classes - 1) as f32;
    (0..classes).map(|class| if class == image / 9 % classes { first } else { rest }).collect()
}

fn pixels(images: usize) -> Vec<u8> {
    (0..images * SIDE * SIDE).map(|at| (at * 7 % 251) as u8).collect()
}

fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * 0.37).sin()).collect()
}

fn strip(name: &'static str, images: usize, names: &[String]) -> Strip {
    let caption = |image: usize| Caption {
        text: format!("{} 93 %", names[image % names.len()]),
        is_right: Some(!image.is_multiple_of(3)),
    };
    Strip {
        name,
        help: "What is to be seen.",
        shape: ImageShape::new(SIDE, SIDE, 1),
        pixels: pixels(images),
        captions: (0..images).map(caption).collect(),
    }
}

fn finding(question: Question, names: &[String]) -> Finding {
    let classes = names.len();
    match question {
        Question::Prediction { .. } => Finding::Prediction(Arc::new(Prediction {
            class_names: names.into(),
            probabilities: scores(0, classes),
            confidence: Confidence::Calibrated { labels: LABELS },
            familiarity: Familiarity::Outside,
            strips: vec![],
        })),
        Question::Nearest { .. } => Finding::Nearest(Arc::new(strip("Nearest training images", 8, names))),
        Question::Preview { .. } => {
            let strips = vec![strip("Input", 10, names), strip("Answer", 10, names)];
            Finding::Preview(Arc::new(Preview { strips, similarities: None }))
        }
        Question::Evaluation { split, outsiders, .. } => {
            Finding::Evaluation(Arc::new(evaluation(split, outsiders.is_some(), names)))
        }
        Question::Scores { samples } => Finding::Scores {
            class_names: names.into(),
            scores: Arc::new((0..samples.len()).map(|image| scores(image, classes)).collect()),
            is_calibrated: true,
        },
        Question::History { samples, .. } => Finding::History {
            class_names: names.into(),
            moments: Arc::new((0..9).map(|at| moment(at, samples.len(), classes)).collect()),
        },
        Question::LearningRates { .. } => Finding::LearningRates(Arc::new(rates())),
        Question::NoiseScale { .. } => {
            Finding::NoiseScale(Arc::new(NoiseScale { batch_size: 64, batches: 48, scale: Some(230.0) }))
        }
        Question::Recall { .. } => Finding::Recall { examples: 1000, accuracy: 0.934 },
        Question::Explanation { class, instead_of, .. } => {
            Finding::Explanation(Arc::new(explanation(class, instead_of, names)))
        }
        Question::Inside { .. } => Finding::Inside(Arc::new(inside())),
        Question::Strongest { layer, filter } => {
            Finding::Strongest(Arc::new(strongest(layer, filter, names)))
        }
        Question::Map { split, .. } => Finding::Map(Arc::new(map(split, names))),
        Question::Embedding { .. } => Finding::Embedding(Arc::new(wave(DIMENSIONS))),
    }
}

/// Falls around 0.001, rises from 0.1 on.
fn rates() -> RateTest {
    let mut test = RateTest::default();
    for rate in tried().into_iter().take_while(|rate| *rate < 0.3) {
        let falling = 0.5 + 1.8 / (1.0 + ((rate.log10() + 3.0) * 5.0).exp());
        test.add(rate, falling + (8.0 * (rate.log10() + 1.0)).exp());
    }
    test.conclude();
    test
}

fn moment(at: usize, images: usize, classes: usize) -> Moment {
    Moment { step: at as u64 * 650, scores: (0..images).map(|image| scores(image + at, classes)).collect() }
}

fn evaluation(split: Split, with_outsiders: bool, names: &[String]) -> Evaluation {
    let classes = names.len() as u16;
    let verdict = |image: u32| {
        let label = image as u16 % classes;
        let predicted = if image.is_multiple_of(7) { (label + 3) % classes } else { label };
        let [first, second] = [0.7, 0.2].map(|probability| Candidate { class: predicted, probability });
        let second = Candidate { class: (predicted + 1) % classes, ..second };
        Verdict {
            example: image,
            label,
            predicted,
            raw_confidence: 0.97 - (image % 50) as f32 / 100.0,
            confidence: first.probability,
            runners_up: [second, Candidate::default(), Candidate::default(), Candidate::default()],
            loss: if label == predicted { 0.36 } else { 3.1 },
            is_outsider: image.is_multiple_of(31),
        }
    };
    let trust = TrustReport {
        temperature: 1.42,
        validation_ece: [0.061, 0.012],
        validation_flagged: Some(0.03),
        labels: LABELS,
        outsiders: with_outsiders.then_some((10_000, 0.87)),
    };
    let judgement =
        Judgement { class_names: names.into(), verdicts: (0..IMAGES).map(verdict).collect(), trust };
    let (examples, accuracy) = (IMAGES as usize, Some(0.857));
    Evaluation { split, examples, loss: 0.412, accuracy, judgement: Some(judgement) }
}

fn explanation(class: Option<u16>, instead_of: Option<u16>, names: &[String]) -> Explanation {
    let attribution = |(id, label)| Attribution {
        id,
        label,
        help: "How it is found out.",
        values: Some(wave(SIDE * SIDE)),
    };
    let methods = [
        ("gradient_input", "Gradient × input"),
        ("integrated_gradients", "Integrated gradients"),
        ("grad_cam", "Grad-CAM"),
        ("occlusion", "Occlusion"),
    ];
    let without = |part: Part| Without { output: part.rows.start as f32, predicted: 0, part };
    let shape = ImageShape::new(SIDE, SIDE, 1);
    Explanation {
        class_names: names.to_vec(),
        class: class.unwrap_or(1),
        instead_of,
        predicted: 1,
        shape,
        pixels: pixels(1),
        output: 9.41,
        empty_output: -0.37,
        without: parts(shape, &pixels(1)).into_iter().map(without).collect(),
        attributions: methods.map(attribution).into(),
    }
}

fn inside() -> Inside {
    let layer = |(name, maps, side): (&'static str, usize, usize)| FeatureMaps {
        name: name.into(),
        height: side,
        width: side,
        values: wave(maps * side * side).into_iter().map(f32::abs).collect(),
    };
    let filters = Filters { shape: ImageShape::new(3, 3, 1), values: wave(16 * 9) };
    let layers = [("conv1", 16, 28), ("conv2", 32, 14), ("conv3", 64, 7)].map(layer).into();
    Inside { filters: Some(filters), layers }
}

fn strongest(layer: usize, filter: usize, names: &[String]) -> Strongest {
    let image = |image: u32| StrongImage {
        image,
        label: image as u16 % names.len() as u16,
        activation: 3.2,
        window: [4, 6, 9],
        pixels: pixels(1),
    };
    Strongest {
        layer,
        filter,
        looked_at: 5000,
        shape: ImageShape::new(SIDE, SIDE, 1),
        images: (0..16).map(image).collect(),
        class_names: names.to_vec(),
    }
}

const DIMENSIONS: usize = 6;

fn map(split: Split, names: &[String]) -> Map {
    let count = IMAGES as usize;
    let embedded = Embedded {
        split,
        class_names: names.to_vec(),
        examples: (0..IMAGES).collect(),
        labels: (0..IMAGES).map(|image| image as u16 % names.len() as u16).collect(),
        dimensions: DIMENSIONS,
        rows: wave(count * DIMENSIONS),
        thumbnail_shape: ImageShape::new(SIDE, SIDE, 1),
        thumbnails: pixels(count),
    };
    let axis = |which: usize| (0..DIMENSIONS).map(|at| f32::from(u8::from(at == which))).collect();
    // Each class has a place of its own, all around the middle.
    let position = |at: usize| {
        let class = Vec2::angled((at % names.len()) as f32 * 0.8) * 10.0;
        (class + Vec2::angled(at as f32) * 2.0).into()
    };
    Map {
        embedded: Arc::new(embedded),
        method: MapMethod::Tsne,
        positions: (0..count).map(position).collect(),
        pca: Pca { mean: vec![0.0; DIMENSIONS], axes: [axis(0), axis(1)] },
        neighbourhood: Some(Arc::new(Neighbourhood { gaps: Gaps::new(wave(count)), alike: 0.97 })),
    }
}

fn report(state: &mut State, request: DataRequest, names: &[String]) {
    let report = match request {
        DataRequest::Open { request, spec } => DataReport::Opened(Opened {
            request,
            dataset: spec.dataset.clone(),
            found: Ok(Arc::new(collection(names))),
        }),
        DataRequest::Visual(request) => match seen(request, names) {
            Some(report) => DataReport::Visual(report),
            None => return,
        },
        DataRequest::Handwriting => DataReport::Handwriting(Arc::new(handwriting())),
        _ => return,
    };
    state.apply_report(report);
}

fn seen(request: VisualRequest, names: &[String]) -> Option<VisualReport> {
    let shape = ImageShape::new(SIDE, SIDE, 1);
    let sheet = |request, images: usize| Thumbnails { request, shape, pixels: Arc::new(pixels(images)) };
    Some(match request {
        VisualRequest::Sheet { request, images } => VisualReport::Sheet(sheet(request, images.len())),
        VisualRequest::RunSheet { request, images, .. } => {
            VisualReport::RunSheet(sheet(request, images.len()))
        }
        VisualRequest::TestExample { request, .. } => {
            let found = Ok((Image { shape, pixels: pixels(1) }, names[2].clone()));
            VisualReport::TestExample(TestExample { request, found })
        }
        VisualRequest::Enlarge { request, image } => {
            let key = "train-images-idx3-ubyte.gz, image 17".into();
            VisualReport::Enlarged(Enlarged { request, image, shape, pixels: Arc::new(pixels(1)), key })
        }
        VisualRequest::Alter { request, .. } => {
            VisualReport::Altered(Altered { request, shape, pixels: Arc::new(pixels(8)) })
        }
        VisualRequest::Survey { request } => VisualReport::Survey(survey(request)),
        VisualRequest::EndSurvey => return None,
    })
}

fn collection(names: &[String]) -> Collection {
    let classes = names.len() as u16;
    let item = |role| {
        move |image: u32| {
            let corrected_from = image.is_multiple_of(40).then_some(1);
            Item { label: image as u16 % classes, role, corrected_from }
        }
    };
    let trained = [Role::Train, Role::Unlabelled, Role::Validation, Role::Excluded];
    let train = (0..600).map(|image| item(trained[image as usize % trained.len()])(image));
    Collection {
        shape: ImageShape::new(SIDE, SIDE, 1).into(),
        class_names: names.to_vec(),
        train: train.collect(),
        test: (0..IMAGES).map(item(Role::Test)).collect(),
        remarks: vec![
            "17 files are no pictures and were left out, the first of them notes.txt in the folder of frog"
                .into(),
        ],
        memory: 123 << 20,
        free: 5 << 30,
        kept: Edits::new(),
    }
}

fn survey(request: u64) -> Survey {
    let twins = |index: u32| Twins {
        images: [ExampleId { is_test: false, index }, ExampleId { is_test: true, index }],
        likeness: if index.is_multiple_of(2) { 1.0 } else { 0.987 },
    };
    Survey {
        request,
        share_done: 1.0,
        mean: vec![0.131],
        deviation: vec![0.308],
        twins: Arc::new((0..6).map(twins).collect()),
        counts: TwinCounts { exact: 3, near: 3, leaks: 6 },
        compared: 840,
    }
}

fn handwriting() -> Handwriting {
    let drawing = |number: usize| Written {
        place: format!("train/{}/{number:04}.png", number % 10).into(),
        label: number % 10,
        is_test: number % 20 >= 10,
        framed: pixels(1),
    };
    Handwriting { folder: "/home/handwriting".into(), drawings: (0..80).map(drawing).collect() }
}
