//! Tiny recipes give the same bits as before: `tests/golden/hashes.toml` has, for each, the SHA-256 of its metrics and of
//! its last weights, and its last loss, which shows how large a difference is.
//!
//! A new component needs an entry there, and an intended change of bits needs new hashes. One command writes the file
//! again, to be committed with the reason:
//!
//! ```sh
//! cargo test --release --test golden -- --ignored
//! ```
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
#[path = "support/program.rs"]
mod program;
mod support;

use headstart::{
    session::catalog,
    spec::{ParamKind, Section},
};
use program::{Golden, Program, differences, golden, hash, id};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use support::forget_the_end;

/// By the names of the recipes.
type Family = BTreeMap<String, Golden>;

type Train = fn() -> Family;

/// Recipes are trained in parallel.
const FAMILIES: [(&str, Train); 5] = [
    ("components", components),
    ("settings", settings),
    ("histories", histories),
    ("comparison", comparison),
    ("streamed", streamed),
];

/// The sections of which every component is trained. Of data sets there are only some that need no network, and of
/// devices only one that every machine has.
const SECTIONS: [Section; 4] = [Section::Encoder, Section::Objective, Section::Optimizer, Section::Schedule];

const ADVICE: &str = "Where this is meant, `cargo test --release --test golden -- --ignored` writes \
                      tests/golden/hashes.toml again: commit it with the reason.";

#[test]
fn every_component_gives_the_same_bits() {
    check("components");
}

#[test]
fn settings_of_training_and_data_give_the_same_bits() {
    check("settings");
}

#[test]
fn runs_with_a_history_give_the_same_bits() {
    check("histories");
}

#[test]
fn a_comparison_gives_the_same_bits() {
    check("comparison");
}

#[test]
fn images_that_do_not_fit_into_memory_give_the_same_bits() {
    check("streamed");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let recipe = ["objective=contrastive", "augmentation.rotation=10", "batch_size=64", "epoch_steps=2"];
    let trained = |threads| golden(&Program::on(threads).train(&recipe));
    assert_eq!(differences("with three threads", &trained("1"), &trained("3")), [""; 0]);
}

#[test]
#[ignore = "writes tests/golden/hashes.toml again"]
fn take_the_hashes() {
    let kept = FAMILIES.map(|(name, train)| (name, train()));
    fs::write(hashes(), toml::to_string(&BTreeMap::from(kept)).unwrap()).unwrap();
}

fn hashes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hashes.toml")
}

/// Trains some recipes and compares them with the file.
fn check(family: &str) {
    let (name, train) = FAMILIES.into_iter().find(|(name, _)| *name == family).unwrap();
    let mut kept: BTreeMap<String, Family> = toml::from_str(&fs::read_to_string(hashes()).unwrap()).unwrap();
    let wrong = wrong(&kept.remove(name).unwrap_or_default(), &train());
    assert!(wrong.is_empty(), "{}\n\n{ADVICE}", wrong.join("\n"));
}

/// One sentence for each difference.
fn wrong(kept: &Family, now: &Family) -> Vec<String> {
    let gone = kept.keys().filter(|name| !now.contains_key(*name));
    let gone = gone.map(|name| format!("{name}: hashes are kept, but there is no such recipe any more"));
    let changed = now.iter().flat_map(|(name, golden)| match kept.get(name) {
        None => vec![format!("{name}: no hashes of this recipe are kept yet")],
        Some(kept) => differences(name, kept, golden),
    });
    gone.chain(changed).collect()
}

/// Each component of [`SECTIONS`], and each augmentation.
fn components() -> Family {
    let (program, catalog) = (Program::new(), catalog());
    let mut family = Family::new();
    for section in SECTIONS {
        // Encoders see the digits at their own size.
        let size = if section == Section::Encoder { 28 } else { 16 };
        for info in catalog.section(section) {
            let chosen = format!("{}={}", section.id(), info.id);
            let needed = catalog.needed_augmentation.get(info.id).copied().unwrap_or_default();
            let needed = needed.iter().map(|(key, value)| format!("augmentation.{key}={value}"));
            let set: Vec<String> =
                [chosen.clone(), format!("image_size={size}")].into_iter().chain(needed).collect();
            family.insert(chosen, golden(&program.train(&set)));
        }
    }
    for param in catalog.section(Section::Augmentation).iter().flat_map(|info| info.params) {
        let share = if matches!(param.kind, ParamKind::Float { .. }) { 0.5 } else { 1.0 };
        let altered = format!("augmentation.{}={}", param.key, param.max() * share);
        let run = program.train(&["encoder=mlp", &altered]);
        family.insert(altered, golden(&run));
    }
    family
}

/// Settings that belong to no component, or to the data.
fn settings() -> Family {
    let program = Program::new();
    let recipes: [(&str, &[&str]); 12] = [
        ("another seed", &["seed=7"]),
        ("colour", &["image_size=20", "channels=3", "hue=20", "colour_jitter=0.3"]),
        ("some classes", &["first_class=2", "last_class=6"]),
        ("few labels", &["labels_per_class=3"]),
        ("a share of the labels, oversampled", &["label_share=0.2", "class_balance=oversample"]),
        ("weighted classes", &["class_balance=weighted_loss", "stratified=false", "split_seed=3"]),
        (
            "self-labelled",
            &["init_from=mnist_contrastive", "image_size=0", "labels_per_class=2", "self_labels=90"],
        ),
        ("a shipped encoder, frozen", &["init_from=mnist_contrastive", "image_size=0", "freeze_stages=4"]),
        ("clipped", &["clip_norm=0.5", "label_smoothing=0.1", "warmup_steps=4", "weight_decay=0.01"]),
        ("stopped early", &["encoder=mlp", "patience=1", "epochs=20", "learning_rate=0.05"]),
        ("deep and narrow", &["encoder=mlp", "depth=8", "hidden_size=17", "dropout=0.5"]),
        ("the program's own digits", &["dataset=mnist", "image_size=0", "encoder=mlp", "hidden_size=16"]),
    ];
    let mut family: Family =
        recipes.into_iter().map(|(name, set)| (name.to_owned(), golden(&program.train(set)))).collect();
    for (name, version) in [("corrected", 2), ("corrected, split as in version 1", 1)] {
        family.insert(name.to_owned(), golden(&program.train_corrected(version, 16, &["encoder=mlp"])));
    }
    family
}

/// Runs that are resumed, or begin with the weights of others.
fn histories() -> Family {
    let program = Program::new();
    let mut family = Family::new();
    let mut keep = |name: &str, run: &Path| family.insert(name.to_owned(), golden(run));

    let straight = program.train(&["keep_checkpoints=9"]);
    keep("straight", &straight);
    for step in [9, 12] {
        fs::remove_dir_all(straight.join(format!("checkpoints/step-{step:06}"))).unwrap();
    }
    forget_the_end(&straight);
    program.run(&["resume", id(&straight)]);
    keep("resumed", &straight);

    let pretrained = program.train(&["objective=contrastive", "augmentation.rotation=10"]);
    keep("pretrained", &pretrained);
    let from = |run: &Path| format!("init_from={}", id(run));
    for (name, set) in [
        ("fine-tuned, frozen", ["freeze_stages=3", "labels_per_class=2"]),
        ("fine-tuned, thawed", ["freeze_stages=4", "unfreeze_every=4"]),
        ("fine-tuned, partly from scratch", ["fresh_stages=1", "encoder_lr_factor=0.1"]),
    ] {
        keep(name, &program.train(&[&set[..], &[&from(&pretrained)]].concat()));
    }
    keep("fine-tuned with its head", &program.train(&[&from(&straight), "keep_head=true"]));

    forget_the_end(&straight);
    program.run(&["resume", &format!("{}@6", id(&straight)), "--set", "learning_rate=0.0003"]);
    keep("back to a checkpoint, and on with another learning rate", &straight);
    assert_eq!(family["resumed"], family["straight"], "a run that was killed goes on as if it had not been");
    family
}

/// A comparison: a pretraining, six arms, and the results.
fn comparison() -> Family {
    let program = Program::new();
    program.compare(&[""; 0]);
    let entrant = |run: PathBuf| {
        let spec: toml::Table = fs::read_to_string(run.join("spec.toml")).unwrap().parse().unwrap();
        (spec["name"].as_str().unwrap().to_owned(), golden(&run))
    };
    let mut family: Family = program.folders("runs").into_iter().map(entrant).collect();
    let results = fs::read(program.folders("comparisons")[0].join("results.csv")).unwrap();
    family.insert("results".into(), [("results.csv".to_owned(), hash(&results))].into());
    family
}

/// More images than are kept in memory, which is two gigabytes.
fn streamed() -> Family {
    let program = Program::with_images(2800, 20);
    let large = ["encoder=mlp", "hidden_size=2", "image_size=512", "channels=3", "batch_size=4", "shift=1"];
    [("more images than fit".to_owned(), golden(&program.train(&large)))].into()
}
