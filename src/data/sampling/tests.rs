use super::*;
use crate::{
    data::{Dataset, DatasetInfo, edits, load, watch::Watch},
    shape::ImageShape,
    spec::Edit,
};
use std::{collections::BTreeSet, path::Path};

/// 700 examples of class 0, 150 of class 1 and 150 of class 2.
fn uneven() -> Vec<u16> {
    (0..1000).map(|i| if i < 700 { 0 } else { 1 + (i % 2) as u16 }).collect()
}

fn counts(examples: &[usize], labels: &[u16]) -> [usize; 3] {
    std::array::from_fn(|class| {
        examples.iter().filter(|example| usize::from(labels[**example]) == class).count()
    })
}

fn choice(values: &[(&str, f64)]) -> Choice {
    let values = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
    Choice { values, ..Choice::new("mnist") }
}

fn labelled(labels: Vec<u16>) -> Examples {
    Examples::images(vec![], labels)
}

fn parted(values: &[(&str, f64)], seed: u64) -> Partition {
    partition(&choice(values), &labelled(uneven()), 3, seed, true).unwrap()
}

#[test]
fn a_split_is_stratified_complete_and_seeded() {
    let labels = uneven();
    let split = |validation, seed| split(&labels, &BTreeMap::new(), 3, validation, seed);
    let [train, validation] = split(101, 5).unwrap();
    let [first, second, third] = counts(&validation, &labels);
    assert_eq!(first + second + third, 101);
    assert!((70..=71).contains(&first) && (15..=16).contains(&second));
    let all: BTreeSet<_> = train.iter().chain(&validation).collect();
    assert_eq!((all.len(), train.len()), (1000, 899));
    assert_eq!([train.clone(), validation], split(101, 5).unwrap());
    assert_ne!(train, split(101, 6).unwrap()[0]);
    assert!(split(1000, 5).is_err());
}

#[test]
fn the_split_goes_by_a_number_or_a_share_and_by_its_own_seed() {
    let validation = |values: &[(&str, f64)], seed| parted(values, seed).validation;
    assert_eq!(validation(&[], 1).len(), 200, "one in five at most");
    assert_eq!(validation(&[("validation_images", 50.0)], 1).len(), 50);
    let by_share = validation(&[("validation_share", 0.3)], 1);
    assert_eq!(counts(&by_share, &uneven()), [210, 45, 45]);
    assert_eq!(validation(&[("validation_share", 1e-6)], 1).len(), 1);
    let own = [("validation_share", 0.3), ("split_seed", 1.0)];
    assert_eq!(validation(&own, 1), validation(&own, 2));
    assert_eq!(validation(&own, 2), by_share, "it stands for the seed of a run");
    assert_ne!(validation(&own[..1], 2), by_share);
}

#[test]
fn without_strata_chance_decides() {
    let by_chance = |seed: f64| {
        let partition = parted(&[("stratified", 0.0), ("validation_share", 0.3), ("split_seed", seed)], 1);
        let all: BTreeSet<_> = partition.train.iter().chain(&partition.validation).collect();
        assert_eq!((all.len(), partition.validation.len()), (1000, 300));
        assert!(partition.train.is_sorted() && partition.validation.is_sorted());
        counts(&partition.validation, &uneven())
    };
    let draws: BTreeSet<_> = (1..20).map(|seed| by_chance(f64::from(seed))).collect();
    assert!(draws.len() > 10, "{draws:?}");
    assert!(draws.iter().all(|[first, ..]| (180..240).contains(first)), "{draws:?}");
    let few = |seed| parted(&[("stratified", 0.0), ("label_share", 0.1)], seed).train;
    assert_eq!(few(1).len(), 80);
    assert!(few(1).is_sorted() && few(1) != few(2));
}

#[test]
fn labels_are_drawn_alike_for_each_class() {
    let labels: Vec<u16> = (0..100).map(|i| (i % 4) as u16).collect();
    let train: Vec<usize> = (0..80).collect();
    let draw = |count, seed| draw_labels(&train, &labels, 4, seed, |_| count);
    let drawn = draw(3, 7).unwrap();
    assert!((0..4).all(|class| drawn.iter().filter(|i| labels[**i] == class).count() == 3));
    assert!(drawn.iter().all(|i| *i < 80));
    assert_eq!(drawn, draw(3, 7).unwrap());
    assert_ne!(drawn, draw(3, 8).unwrap());
    let error = draw(21, 7).unwrap_err().to_string();
    assert!(error.contains("has 20 training examples, fewer than the 21"), "{error}");
    assert!(draw_labels(&train, &labels, 5, 7, |_| 1).is_err());
}

#[test]
fn the_label_budget_is_a_number_or_a_share() {
    let train = |values: &[(&str, f64)]| counts(&parted(values, 1).train, &uneven());
    assert_eq!(train(&[]), [560, 120, 120]);
    assert_eq!(train(&[("label_share", 0.1)]), [56, 12, 12]);
    assert_eq!(train(&[("label_share", 1e-6)]), [1, 1, 1], "of each class one at least");
    assert_eq!(train(&[("labels_per_class", 7.0)]), [7, 7, 7]);
    // those of a smaller share are among those of a larger one
    let [few, more] = [0.1, 0.2].map(|share| parted(&[("label_share", share)], 1).train);
    assert!(few.iter().all(|example| more.contains(example)));
    let refused = |values: &[(&str, f64)]| {
        partition(&choice(values), &labelled(uneven()), 3, 1, true).unwrap_err().to_string()
    };
    assert!(
        refused(&[("labels_per_class", 7.0), ("label_share", 0.1)]).contains("set labels_per_class back")
    );
    assert!(refused(&[("labels_per_class", 121.0)]).contains("fewer than the 121 labels asked for"));
    let unlabelled = partition(&choice(&[("label_share", 0.1)]), &labelled(uneven()), 3, 1, false).unwrap();
    assert_eq!(unlabelled.train.len(), 800, "who learns without labels sees all examples");
    // a class without examples has no labels either
    assert_eq!(
        partition(&choice(&[("label_share", 0.1)]), &labelled(vec![0; 50]), 3, 1, true).unwrap().train.len(),
        4
    );
}

#[test]
fn every_epoch_has_its_own_order() {
    let train: Vec<_> = (0..100).collect();
    let examples = |epoch| order(&train, 1, epoch).iter().map(|draw| draw.example).collect::<Vec<_>>();
    assert_ne!(examples(0), examples(1));
    assert_eq!(examples(0), examples(0));
    assert_eq!(examples(0).iter().collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn oversampling_sees_each_class_as_often_and_no_look_twice() {
    let labels = uneven();
    let train: Vec<usize> = (0..labels.len()).collect();
    let epochs: Vec<_> = (0..7).map(|epoch| balanced_order(&train, &labels, 3, epoch)).collect();
    for epoch in &epochs {
        let examples: Vec<_> = epoch.iter().map(|draw| draw.example).collect();
        assert_eq!(counts(&examples, &labels), [333, 333, 334]);
    }
    assert_ne!(epochs[0], epochs[1]);
    assert_eq!(epochs[2], balanced_order(&train, &labels, 3, 2));
    // 7 × 333 turns are three whole passes over the 700 examples of class 0
    let looks: Vec<_> = epochs.concat().iter().map(|draw| (draw.example, draw.epoch)).collect();
    assert_eq!(looks.iter().collect::<BTreeSet<_>>().len(), looks.len());
    let whole = looks.iter().filter(|(example, epoch)| labels[*example] == 0 && *epoch < 3).count();
    assert_eq!(whole, 3 * 700);
    // not every label has to be there
    let drawn = balanced_order(&[5, 6, 9], &[4, 4, 8], 1, 0);
    assert_eq!((drawn.len(), drawn.iter().filter(|draw| draw.example == 9).count()), (3, 2));
}

#[test]
fn weights_even_the_classes_out() {
    // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3], y=[0, 0, 0, 0, 1, 1, 3, 3])
    assert_eq!(class_weights(&[0, 0, 0, 0, 1, 1, 3, 3], 4), [2.0 / 3.0, 4.0 / 3.0, 0.0, 4.0 / 3.0]);
}

/// Hashes of splits as version 1 drew them: its runs go on from there, and so do figures that were published.
#[test]
fn splits_of_examples_that_nobody_corrected_stay_what_they_always_were() {
    let hash = |examples: &[usize]| {
        let bytes: Vec<u8> = examples.iter().flat_map(|example| (*example as u32).to_le_bytes()).collect();
        edits::content_hash(bytes.iter())
    };
    let mnist =
        labelled(load(&choice(&[]), Path::new(""), &Watch::default()).unwrap().train.labels().to_vec());
    let of = |examples: &Examples, values: &[(&str, f64)], seed| {
        [SplitRule::AsRead, SplitRule::AsCorrected].map(|split_rule| {
            let choice = Choice { split_rule, ..choice(values) };
            let partition = partition(&choice, examples, 10, seed, true).unwrap();
            [hash(&partition.train), hash(&partition.validation)]
        })
    };
    for (found, expected) in [
        (of(&mnist, &[], 0), [16395759176264356253, 15494609043805674833]),
        (of(&mnist, &[("labels_per_class", 10.0)], 3), [3004564412768201070, 2741343161804007126]),
        (
            of(&mnist, &[("stratified", 0.0), ("label_share", 0.01), ("split_seed", 5.0)], 1),
            [5467948866904185709, 7632393483749842512],
        ),
        (
            of(&labelled(uneven()), &[("validation_share", 0.3), ("label_share", 0.5)], 7),
            [14133691206005448476, 2198481042244505968],
        ),
    ] {
        assert_eq!(found, [expected; 2]);
    }
}

/// 60 examples of one pixel, each with a number of its own, of three classes in turn.
fn numbered_examples() -> Dataset {
    let info = DatasetInfo {
        shape: ImageShape::new(1, 1, 1).into(),
        class_names: ["a", "b", "c"].map(String::from).to_vec(),
    };
    let part = || Examples::images((0..60).collect(), (0..60).map(|example| example % 3).collect());
    Dataset::new(info, part(), part()).unwrap()
}

/// The numbers of the examples on each side, once the data set was corrected: to fit, to validate on, others.
fn sides_of(
    values: &[(&str, f64)],
    corrections: &[(usize, Edit)],
    classes: std::ops::Range<usize>,
) -> [Vec<u8>; 3] {
    let set = numbered_examples();
    let keys = set.keys().unwrap();
    let edits = corrections.iter().map(|(example, edit)| (keys[0][*example].clone(), edit.clone())).collect();
    let set = set.edited(&edits).unwrap().narrowed(classes).unwrap();
    let found = partition(&choice(values), &set.train, set.info.classes(), 3, true).unwrap();
    let others: Vec<usize> = found.others.into_iter().flatten().collect();
    [found.train, found.validation, others].map(|examples| set.train.bytes(&examples).unwrap())
}

#[test]
fn a_correction_moves_no_other_example() {
    let budgets: [&[(&str, f64)]; 4] = [
        &[],
        &[("stratified", 0.0), ("validation_share", 0.3)],
        &[("labels_per_class", 4.0)],
        &[("label_share", 0.25), ("stratified", 0.0)],
    ];
    for (values, classes) in budgets.into_iter().flat_map(|values| [(values, 0..3), (values, 1..3)]) {
        let before = sides_of(values, &[], classes.clone());
        for example in 0..60_u8 {
            let is_in = before.iter().flatten().any(|other| *other == example);
            for edit in [Edit::Exclude, Edit::Label("b".into()), Edit::Label("a".into())] {
                let after = sides_of(values, &[(usize::from(example), edit)], classes.clone());
                let without = |side: &Vec<u8>| -> Vec<u8> {
                    side.iter().copied().filter(|other| *other != example).collect()
                };
                assert_eq!(
                    after.each_ref().map(without),
                    before.each_ref().map(without),
                    "{values:?} {example}"
                );
                // nor does it move itself, if it stays at all
                let side = |sides: &[Vec<u8>; 3]| sides.iter().position(|side| side.contains(&example));
                assert!(!is_in || side(&after).is_none() || side(&after) == side(&before));
            }
        }
    }
    // what a correction brings in is trained on, or unlabelled where labels are few
    let brought = |values| sides_of(values, &[(0, Edit::Label("b".into()))], 1..3);
    assert!(brought(budgets[0])[0].contains(&0));
    assert!(brought(budgets[2]).iter().all(|side| !side.contains(&0)));
}

/// As in version 1, whose runs were trained that way: the labels of today are all there is.
#[test]
fn runs_that_were_split_as_corrected_stay_so() {
    let set = numbered_examples();
    let edits = [(set.keys().unwrap()[0][7].clone(), Edit::Label("a".into()))].into();
    let set = set.edited(&edits).unwrap();
    let by = |split_rule| {
        let choice = Choice { split_rule, ..choice(&[]) };
        partition(&choice, &set.train, 3, 3, true).unwrap()
    };
    let plain = partition(&choice(&[]), &labelled(set.train.labels().to_vec()), 3, 3, true).unwrap();
    assert_eq!(by(SplitRule::AsCorrected), plain);
    assert_ne!(by(SplitRule::AsRead).validation, plain.validation);
}

#[test]
fn equal_examples_are_on_one_side() {
    let mut examples = Examples::images(
        (0..60).map(|example| example % 20).collect(),
        (0..60).map(|example| example % 3).collect(),
    );
    examples.find_twins();
    for values in [&[("validation_share", 0.3)][..], &[("validation_share", 0.3), ("stratified", 0.0)]] {
        for seed in 0..20 {
            let found = partition(&choice(values), &examples, 3, seed, true).unwrap();
            let seen = |side: &[usize]| side.iter().map(|example| example % 20).collect::<BTreeSet<_>>();
            assert!(seen(&found.train).is_disjoint(&seen(&found.validation)));
            assert_eq!(found.train.len() + found.validation.len(), 60);
        }
    }
}
