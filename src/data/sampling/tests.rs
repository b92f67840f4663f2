use super::*;
use std::collections::BTreeSet;

/// 700 images of class 0, 150 of class 1 and 150 of class 2.
fn uneven() -> Vec<u16> {
    (0..1000).map(|i| if i < 700 { 0 } else { 1 + (i % 2) as u16 }).collect()
}

fn counts(images: &[usize], labels: &[u16]) -> [usize; 3] {
    std::array::from_fn(|class| images.iter().filter(|image| usize::from(labels[**image]) == class).count())
}

fn choice(values: &[(&str, f64)]) -> Choice {
    let values = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
    Choice { values, ..Choice::new("mnist") }
}

fn parted(values: &[(&str, f64)], seed: u64) -> Partition {
    partition(&choice(values), &uneven(), 3, seed, true).unwrap()
}

#[test]
fn a_split_is_stratified_complete_and_seeded() {
    let labels = uneven();
    let partition = split(&labels, 3, 101, 5).unwrap();
    let [first, second, third] = counts(&partition.validation, &labels);
    assert_eq!(first + second + third, 101);
    assert!((70..=71).contains(&first) && (15..=16).contains(&second));
    let all: BTreeSet<_> = partition.train.iter().chain(&partition.validation).collect();
    assert_eq!((all.len(), partition.train.len()), (1000, 899));
    assert_eq!(partition, split(&labels, 3, 101, 5).unwrap());
    assert_ne!(partition, split(&labels, 3, 101, 6).unwrap());
    assert!(split(&labels, 3, 1000, 5).is_err());
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
    let labelled = |seed| parted(&[("stratified", 0.0), ("label_share", 0.1)], seed).train;
    assert_eq!(labelled(1).len(), 80);
    assert!(labelled(1).is_sorted() && labelled(1) != labelled(2));
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
    assert!(error.contains("has 20 training images, fewer than the 21"), "{error}");
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
    assert!(few.iter().all(|image| more.contains(image)));
    let refused =
        |values: &[(&str, f64)]| partition(&choice(values), &uneven(), 3, 1, true).unwrap_err().to_string();
    assert!(
        refused(&[("labels_per_class", 7.0), ("label_share", 0.1)]).contains("set labels_per_class back")
    );
    assert!(refused(&[("labels_per_class", 121.0)]).contains("fewer than the 121 labels asked for"));
    let unlabelled = partition(&choice(&[("label_share", 0.1)]), &uneven(), 3, 1, false).unwrap();
    assert_eq!(unlabelled.train.len(), 800, "who learns without labels sees all images");
    // a class without images has no labels either
    assert_eq!(partition(&choice(&[("label_share", 0.1)]), &[0; 50], 3, 1, true).unwrap().train.len(), 4);
}

#[test]
fn every_epoch_has_its_own_order() {
    let train: Vec<_> = (0..100).collect();
    let images = |epoch| order(&train, 1, epoch).iter().map(|draw| draw.image).collect::<Vec<_>>();
    assert_ne!(images(0), images(1));
    assert_eq!(images(0), images(0));
    assert_eq!(images(0).iter().collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn oversampling_sees_each_class_as_often_and_no_look_twice() {
    let labels = uneven();
    let train: Vec<usize> = (0..labels.len()).collect();
    let epochs: Vec<_> = (0..7).map(|epoch| balanced_order(&train, &labels, 3, epoch)).collect();
    for epoch in &epochs {
        let images: Vec<_> = epoch.iter().map(|draw| draw.image).collect();
        assert_eq!(counts(&images, &labels), [333, 333, 334]);
    }
    assert_ne!(epochs[0], epochs[1]);
    assert_eq!(epochs[2], balanced_order(&train, &labels, 3, 2));
    // 7 × 333 turns are three whole passes over the 700 images of class 0
    let looks: Vec<_> = epochs.concat().iter().map(|draw| (draw.image, draw.epoch)).collect();
    assert_eq!(looks.iter().collect::<BTreeSet<_>>().len(), looks.len());
    let whole = looks.iter().filter(|(image, epoch)| labels[*image] == 0 && *epoch < 3).count();
    assert_eq!(whole, 3 * 700);
    // not every label has to be there
    let drawn = balanced_order(&[5, 6, 9], &[4, 4, 8], 1, 0);
    assert_eq!((drawn.len(), drawn.iter().filter(|draw| draw.image == 9).count()), (3, 2));
}

#[test]
fn weights_even_the_classes_out() {
    // sklearn.utils.class_weight.compute_class_weight("balanced", classes=[0, 1, 3], y=[0, 0, 0, 0, 1, 1, 3, 3])
    assert_eq!(class_weights(&[0, 0, 0, 0, 1, 1, 3, 3], 4), [2.0 / 3.0, 4.0 / 3.0, 0.0, 4.0 / 3.0]);
}
