//! How a run uses the training examples there are: which it is validated on, which labels it may see, in which order it goes
//! through them, and what that does for rare classes.
use super::{AsRead, Draw, Examples};
use crate::{
    metrics::Split,
    rng::rng,
    spec::{Choice, Param, ParamKind, SplitRule},
};
use anyhow::{Result, ensure};
use rand::seq::SliceRandom as _;
use std::{borrow::Cow, collections::BTreeMap};

/// Number of training examples that are set aside for validation.
pub const VALIDATION_IMAGES: Param = Param {
    key: "validation_images",
    label: "Validation examples",
    unit: "examples",
    help: "Training examples that are set aside, the same share of each class, to see how well the network does on examples it was not fitted to; one in five at most.",
    kind: ParamKind::Integer { min: 1, max: 1_000_000 },
    default: 5000.0,
    live: false,
};

const VALIDATION_SHARE: Param = Param {
    key: "validation_share",
    label: "Validation share",
    unit: "",
    help: "The share of the training examples that is set aside for validation. 0 goes by the number of validation examples.",
    kind: ParamKind::Float { min: 0.0, max: 0.9, logarithmic: false },
    default: 0.0,
    live: false,
};

const STRATIFIED: Param = Param {
    key: "stratified",
    label: "Stratified",
    help: "Of each class the same share is set aside for validation and, where a share of the labels is asked for, labelled. Otherwise it is left to chance how many of which.",
    kind: ParamKind::Switch,
    default: 1.0,
    ..VALIDATION_SHARE
};

const SPLIT_SEED: Param = Param {
    key: "split_seed",
    label: "Split seed",
    help: "Which examples are set aside for validation, and which are labelled, is drawn from it: with the same one, runs of different seeds have the same examples. 0 takes the seed of the run.",
    kind: ParamKind::Integer { min: 0, max: 1 << 53 },
    default: 0.0,
    ..VALIDATION_SHARE
};

/// Number of labels of each class that a classifier may learn from; 0 for all.
pub const LABELS_PER_CLASS: Param = Param {
    key: "labels_per_class",
    label: "Labels per class",
    unit: "labels",
    help: "How many labelled training examples of each class a classifier may learn from, drawn by the seed. 0 is all of them.",
    kind: ParamKind::Integer { min: 0, max: 1_000_000 },
    ..VALIDATION_SHARE
};

const LABEL_SHARE: Param = Param {
    key: "label_share",
    label: "Share of labels",
    help: "The share of the training examples whose labels a classifier may learn from, drawn by the seed; of each class one at least. 1 is all of them.",
    kind: ParamKind::Float { min: 1e-6, max: 1.0, logarithmic: false },
    default: 1.0,
    ..VALIDATION_SHARE
};

const CLASS_BALANCE: Param = Param {
    key: "class_balance",
    label: "Class balance",
    help: "What a classifier does about classes of which there are few examples: sees them as often as the others (oversampling), or counts each of their mistakes for more (a weighted loss).",
    kind: ParamKind::Choice(&[
        ("none", "Leave it as it is"),
        ("oversample", "Oversample rare classes"),
        ("weighted_loss", "Weigh the loss"),
    ]),
    default: 0.0,
    ..VALIDATION_SHARE
};

/// The hyperparameters that say how examples are used, not which there are.
pub const USE: [Param; 7] = [
    VALIDATION_IMAGES,
    VALIDATION_SHARE,
    STRATIFIED,
    SPLIT_SEED,
    LABELS_PER_CLASS,
    LABEL_SHARE,
    CLASS_BALANCE,
];

/// Denominator of the largest share of examples that is set aside for validation, where a number is asked for.
const VALIDATION_AT_MOST: usize = 5;

/// Indices of the training examples: those to fit, and those set aside for validation. Both rise.
#[derive(Debug, Default, PartialEq)]
pub struct Partition {
    /// Examples whose loss is minimised.
    pub train: Vec<usize>,
    /// Examples that training never sees, on which it is measured.
    pub validation: Vec<usize>,
    /// All others, in an order drawn by the seed; `None` for an example that was excluded.
    pub others: Vec<Option<usize>>,
}

impl Partition {
    /// Indices of the examples of a split, of which the test part has `tests`.
    pub fn examples(&self, split: Split, tests: usize) -> Vec<usize> {
        match split {
            Split::Train => self.train.clone(),
            Split::Validation => self.validation.clone(),
            Split::Test => (0..tests).collect(),
        }
    }
}

/// The examples that a run of `seed` fits and those it is validated on; with `needs_labels`, only those whose labels it may
/// see. They are drawn among the examples as they were read, so that a correction changes nothing for other examples.
///
/// # Errors
/// Where there are not as many as asked for.
pub fn partition(
    choice: &Choice,
    examples: &Examples,
    classes: usize,
    seed: u64,
    needs_labels: bool,
) -> Result<Partition> {
    let as_read = match choice.split_rule {
        SplitRule::AsRead => examples.as_read(),
        SplitRule::AsCorrected => Cow::Owned(AsRead::of(examples.labels())),
    };
    let mut partition = draw(choice, &as_read, classes, seed, needs_labels)?;
    let now = |drawn: &mut Vec<usize>| {
        *drawn = drawn.iter().filter_map(|example| as_read.places[*example]).collect()
    };
    now(&mut partition.train);
    now(&mut partition.validation);
    if !(needs_labels && is_budgeted(choice)) {
        partition.train.extend(as_read.brought_in(examples.len()));
        partition.train.sort_unstable();
    }
    ensure!(
        !partition.train.is_empty() && !partition.validation.is_empty(),
        "No example is left to train on, or none to validate on: the others are left out, or are copies of each other"
    );
    Ok(partition)
}

/// Whether a run may see only some of the labels.
fn is_budgeted(choice: &Choice) -> bool {
    choice.get(&LABELS_PER_CLASS) > 0.0 || choice.get(&LABEL_SHARE) < 1.0
}

/// A partition of examples as they were read.
fn draw(
    choice: &Choice,
    AsRead { labels, places, twins }: &AsRead,
    classes: usize,
    run_seed: u64,
    needs_labels: bool,
) -> Result<Partition> {
    let seed = match choice.get(&SPLIT_SEED) as u64 {
        0 => run_seed,
        own => own,
    };
    let is_stratified = choice.get(&STRATIFIED) != 0.0;
    let validation = validation_examples(choice, labels.len());
    let [train, validation] = if is_stratified {
        split(labels, twins, classes, validation, seed)?
    } else {
        split_by_chance(labels.len(), twins, validation, seed)?
    };
    let mut partition = Partition { train, validation, others: vec![] };
    if needs_labels && is_budgeted(choice) {
        label(&mut partition.train, choice, labels, classes, seed)?;
    }
    let mut is_other = vec![true; labels.len()];
    partition.train.iter().chain(&partition.validation).for_each(|example| is_other[*example] = false);
    let mut others: Vec<usize> = (0..labels.len()).filter(|example| is_other[*example]).collect();
    others.shuffle(&mut rng(run_seed, "self-labels", 0));
    partition.others = others.into_iter().map(|example| places[example]).collect();
    Ok(partition)
}

/// Keeps those of the training examples whose labels a run may see.
fn label(train: &mut Vec<usize>, choice: &Choice, labels: &[u16], classes: usize, seed: u64) -> Result<()> {
    let (per_class, share) = (choice.get(&LABELS_PER_CLASS) as usize, choice.get(&LABEL_SHARE));
    ensure!(
        per_class == 0 || share == 1.0,
        "Both a number of labels per class and a share of the labels are asked for: set labels_per_class back to 0, or label_share back to 1"
    );
    let part = |count: usize| ((count as f64 * share).round() as usize).max(1).min(count);
    if per_class > 0 {
        *train = draw_labels(train, labels, classes, seed, |_| per_class)?;
    } else if choice.get(&STRATIFIED) != 0.0 {
        *train = draw_labels(train, labels, classes, seed, part)?;
    } else {
        train.shuffle(&mut rng(seed, "labels by chance", 0));
        train.truncate(part(train.len()));
        train.sort_unstable();
    }
    Ok(())
}

fn validation_examples(choice: &Choice, examples: usize) -> usize {
    let share = choice.get(&VALIDATION_SHARE);
    if share > 0.0 {
        return ((examples as f64 * share).round() as usize).max(1);
    }
    (choice.get(&VALIDATION_IMAGES) as usize).min((examples / VALIDATION_AT_MOST).max(1))
}

/// Sets `validation` examples aside, of each class its share, drawn by `seed`; gives the others and these.
///
/// # Errors
/// Where no example would be left to train on.
pub(super) fn split(
    labels: &[u16],
    twins: &BTreeMap<usize, usize>,
    classes: usize,
    validation: usize,
    seed: u64,
) -> Result<[Vec<usize>; 2]> {
    check(labels.len(), validation)?;
    let mut by_class = vec![vec![]; classes];
    for (index, label) in labels.iter().enumerate() {
        by_class[usize::from(*label)].push(index);
    }
    let mut is_validation = vec![false; labels.len()];
    let (mut seen, mut taken) = (0, 0);
    for (class, mut indices) in by_class.into_iter().enumerate() {
        indices.shuffle(&mut rng(seed, "validation", class as u64));
        seen += indices.len();
        // Rounding the running total, not each class, makes the counts add up.
        let share = (seen * validation + labels.len() / 2) / labels.len() - taken;
        taken += share;
        indices[..share].iter().for_each(|index| is_validation[*index] = true);
    }
    Ok(sides(is_validation, twins))
}

/// Sets any `validation` examples aside, drawn by `seed`; gives the others and these.
fn split_by_chance(
    examples: usize,
    twins: &BTreeMap<usize, usize>,
    validation: usize,
    seed: u64,
) -> Result<[Vec<usize>; 2]> {
    check(examples, validation)?;
    let mut order: Vec<usize> = (0..examples).collect();
    order.shuffle(&mut rng(seed, "validation by chance", 0));
    let mut is_validation = vec![false; examples];
    order[examples - validation..].iter().for_each(|index| is_validation[*index] = true);
    Ok(sides(is_validation, twins))
}

/// The examples on either side, rising; equal ones go with the first of them.
fn sides(mut is_validation: Vec<bool>, twins: &BTreeMap<usize, usize>) -> [Vec<usize>; 2] {
    twins.iter().for_each(|(example, first)| is_validation[*example] = is_validation[*first]);
    [false, true].map(|side| (0..is_validation.len()).filter(|index| is_validation[*index] == side).collect())
}

fn check(examples: usize, validation: usize) -> Result<()> {
    ensure!(
        validation < examples,
        "{validation} validation examples leave none of the {examples} training examples to train on: ask for fewer"
    );
    Ok(())
}

/// Keeps as many examples of each class as `count` says of how many there are, drawn by `seed`.
fn draw_labels(
    train: &[usize],
    labels: &[u16],
    classes: usize,
    seed: u64,
    count: impl Fn(usize) -> usize,
) -> Result<Vec<usize>> {
    let mut kept = vec![];
    for class in 0..classes {
        let mut indices: Vec<usize> =
            train.iter().copied().filter(|index| usize::from(labels[*index]) == class).collect();
        let count = count(indices.len());
        ensure!(
            indices.len() >= count,
            "Class {class} has {} training examples, fewer than the {count} labels asked for: ask for fewer labels per class",
            indices.len()
        );
        indices.shuffle(&mut rng(seed, "labels", class as u64));
        kept.extend(&indices[..count]);
    }
    kept.sort_unstable();
    Ok(kept)
}

/// The order in which an epoch goes through the training examples.
pub fn order(train: &[usize], seed: u64, epoch: u64) -> Vec<Draw> {
    let mut order: Vec<_> = train.iter().map(|example| Draw { example: *example, epoch }).collect();
    order.shuffle(&mut rng(seed, "shuffle", epoch));
    order
}

/// What is done about rare classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Balance {
    /// Classes count as often as they occur.
    None,
    /// Examples of rare classes are drawn more often, so that all classes are drawn alike.
    Oversample,
    /// The loss of an example is weighted by the inverse frequency of its class.
    WeightedLoss,
}

impl Balance {
    /// As the hyperparameters of a data set say.
    pub fn of(choice: &Choice) -> Self {
        match choice.get(&CLASS_BALANCE) as usize {
            1 => Balance::Oversample,
            2 => Balance::WeightedLoss,
            _ => Balance::None,
        }
    }
}

/// As [`order`], as many examples of each class as of any other, and as many in all. Each class is gone through at its own
/// pace, again and again, over all epochs: a common one has not all its examples in one, a rare one has them several times.
/// `labels` are those of `train`, one each.
pub fn balanced_order(train: &[usize], labels: &[u16], seed: u64, epoch: u64) -> Vec<Draw> {
    let classes = by_class(train, labels);
    let mut order = Vec::with_capacity(train.len());
    for (place, (class, examples)) in classes.iter().enumerate() {
        let bound = |place: usize| (place * train.len() / classes.len()) as u64;
        let (count, len) = (bound(place + 1) - bound(place), examples.len() as u64);
        let mut pass = None;
        for turn in epoch * count..(epoch + 1) * count {
            let epoch = turn / len;
            let (_, shuffled) = match pass.take() {
                Some((of, examples)) if of == epoch => pass.insert((of, examples)),
                _ => {
                    let mut examples = examples.clone();
                    examples.shuffle(&mut rng(seed, &format!("shuffle of class {class}"), epoch));
                    pass.insert((epoch, examples))
                }
            };
            order.push(Draw { example: shuffled[(turn % len) as usize], epoch });
        }
    }
    order.shuffle(&mut rng(seed, "shuffle", epoch));
    order
}

/// What an example of each class counts for, so that all classes count the same: examples / (classes × examples of the class),
/// as scikit-learn's "balanced" has it; 0 where a class has no example.
pub fn class_weights(labels: &[u16], classes: usize) -> Vec<f32> {
    let mut counts = vec![0_usize; classes];
    labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    let present = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: usize| labels.len() as f32 / (present * count) as f32;
    counts.into_iter().map(|count| if count > 0 { weight(count) } else { 0.0 }).collect()
}

/// The examples of each class that has any.
fn by_class(train: &[usize], labels: &[u16]) -> BTreeMap<u16, Vec<usize>> {
    let mut classes = BTreeMap::<_, Vec<usize>>::new();
    for (example, label) in train.iter().zip(labels) {
        classes.entry(*label).or_default().push(*example);
    }
    classes
}

#[cfg(test)]
mod tests;
