//! What a table makes of runs.
use super::*;
use crate::{
    metrics::{ACCURACY, LOSS},
    session::catalog,
    spec::{Choice, Entrant, Section},
};

/// A run that owns what a row borrows.
struct Made {
    id: RunId,
    spec: RunSpec,
    phase: Phase,
    marks: Marks,
    figures: Vec<Figures>,
    step: u64,
}

fn made(id: &str, set: &[&str]) -> Made {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    Made {
        id: id.into(),
        spec: RunSpec::from_toml("", &set, &catalog()).unwrap(),
        phase: Phase::Finished,
        marks: Marks::default(),
        figures: vec![],
        step: 100,
    }
}

impl Made {
    fn accuracy(mut self, best: f64, test: f64) -> Self {
        let metric = metrics::find(ACCURACY).unwrap();
        let mut figures = Figures::none(metric);
        figures.validated(50, best);
        figures.validated(100, best - 0.01);
        self.figures.push(Figures { test: Some(test), ..figures });
        self
    }

    fn row<'a>(&'a self, catalog: &'a Catalog) -> Row<'a> {
        Row {
            catalog,
            id: &self.id,
            spec: &self.spec,
            phase: &self.phase,
            marks: &self.marks,
            progress: Progress { step: self.step, ..Progress::default() },
            created: None,
            headline: catalog.headline(&self.spec),
            figures: self.figures.clone(),
        }
    }
}

/// Four runs: two seeds of a small network, one with another rate, and one of another kind that has no accuracy.
fn runs() -> Vec<Made> {
    let mut runs = vec![
        made("2026-11-23-1405-run-9", &["name=Run 9", "learning_rate=0.001", "seed=1"]).accuracy(0.98, 0.97),
        made("2026-11-23-1406-run-10", &["name=Run 10", "learning_rate=0.01", "seed=1"]).accuracy(0.99, 0.96),
        made("2026-11-24-0900-mlp", &["name=It's an MLP", "encoder=mlp", "dropout=0.5", "seed=2"])
            .accuracy(0.95, 0.94),
        made(
            "2026-11-25-0000-auto",
            &["name=Auto", "objective=autoencoder", "dataset=fashion_mnist", "seed=1"],
        ),
    ];
    runs[1].marks =
        Marks { star: true, tags: ["best".to_owned(), "try".to_owned()].into(), ..Marks::default() };
    runs[2].phase = Phase::Failed("why".into());
    runs[2].marks.archived = true;
    runs[3].spec.entrant = Some(Entrant { comparison: "c1".into(), arm: "one".into() });
    runs[3].step = 2000;
    runs
}

fn found(text: &str) -> Result<Vec<usize>, String> {
    let (catalog, runs) = (catalog(), runs());
    let filter = Filter::read(text, &catalog, false)?;
    Ok((0..runs.len()).filter(|at| filter.matches(&runs[*at].row(&catalog))).collect())
}

#[test]
fn what_is_typed_finds_runs() {
    for (text, expected) in [
        ("", &[0, 1, 2, 3][..]),
        ("run", &[0, 1]),
        ("FASHION", &[3]),
        ("\"run 10\"", &[1]),
        ("it's", &[2]),
        ("best", &[1]),
        ("tag:best", &[1]),
        ("tag:bes", &[]),
        ("tag!=best", &[0, 2, 3]),
        ("star", &[1]),
        ("!star run", &[0]),
        ("is:archived", &[2]),
        ("lr>0.001", &[1]),
        ("lr>=1e-3 objective=classify", &[0, 1, 2]),
        ("learning_rate=0.001..0.005", &[0, 2, 3]),
        ("optimizer.learning_rate=..0.005 !fashion", &[0, 2]),
        // seed_cnn has two dropouts, the MLP one of that very name
        ("dropout=0.5", &[0, 1, 2, 3]),
        ("dropout=0.25", &[0, 1, 3]),
        ("dense_dropout=0.5", &[0, 1, 3]),
        ("encoder:cnn", &[0, 1, 3]),
        ("state=failed", &[2]),
        ("state!=finished", &[2]),
        ("accuracy>98%", &[1]),
        ("accuracy.latest>=0.98", &[1]),
        ("best<0.96", &[2]),
        ("step>1000", &[3]),
        ("made>2026-11-23", &[2, 3]),
        ("made:11-23", &[0, 1]),
        ("name:auto", &[3]),
        ("sweep=c1", &[3]),
        ("seed=1 dropout=0.5 lr>0.001", &[1]),
    ] {
        assert_eq!(found(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_said_with_what_could_be() {
    for (text, reason) in [
        ("learnin_rate>0.1", "did you mean learning_rate?"),
        ("objectiv=classify", "did you mean objective?"),
        ("objective=clasify", "did you mean classify?"),
        ("state=done", "choose one of running, paused"),
        ("lr>much", "much is not a number"),
        ("lr>", "lacks its value"),
        ("test>0.9", "measured on the test examples"),
        ("accuracy.test>0.9", "measured on the test examples"),
        ("\"open", "has no end"),
        ("is:gone", "write is:star"),
        ("mom=0.9 va=3", "\"va\" is not known"),
    ] {
        let error = found(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let catalog = catalog();
    assert!(Filter::read("test>0.9", &catalog, true).is_ok());
    assert!(Field::find("valid", &catalog).unwrap_err().contains("could be"), "it begins several keys");
    assert!(Filter::read("archived", &catalog, false).unwrap().asks_for_archived());
}

#[test]
fn every_key_that_is_known_is_found_and_finds_itself_again() {
    let catalog = catalog();
    for word in field::known(&catalog) {
        let field = Field::find(word, &catalog).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Field::find(&field.key(), &catalog).unwrap().key(), field.key(), "{word}");
        assert!(!field.label().is_empty(), "{word}");
    }
}

#[test]
fn columns_are_those_in_which_runs_differ() {
    let (catalog, mut runs) = (catalog(), runs());
    let keys = |runs: &[Made]| -> Vec<String> {
        let rows: Vec<_> = runs.iter().map(|run| run.row(&catalog)).collect();
        differing(&rows).iter().map(Field::key).collect()
    };
    assert_eq!(keys(&runs[..2]), ["optimizer.learning_rate"]);
    assert_eq!(keys(&runs[..1]), [""; 0]);
    let all = keys(&runs);
    for expected in ["dataset", "encoder", "objective", "seed", "encoder.dropout", "encoder.conv_dropout"] {
        assert!(all.contains(&expected.to_owned()), "{expected} in {all:?}");
    }
    runs.iter_mut().for_each(|run| run.spec = runs_alike());
    // what one writes out and another leaves to its default is the same
    runs[1].spec.optimizer.values.insert("learning_rate".into(), 0.001);
    assert_eq!(keys(&runs), [""; 0]);
}

fn runs_alike() -> RunSpec {
    RunSpec { optimizer: Choice::new("adam"), ..RunSpec::default() }
}

#[test]
fn figures_sort_from_the_best_and_what_is_missing_comes_last() {
    let (catalog, runs) = (catalog(), runs());
    let rows: Vec<_> = runs.iter().map(|run| run.row(&catalog)).collect();
    let order =
        |key: &str, reversed| sorted(&rows, &Sorting { by: Field::find(key, &catalog).unwrap(), reversed });
    assert_eq!(order("accuracy", false), [1, 0, 2, 3]);
    assert_eq!(order("accuracy", true), [2, 0, 1, 3]);
    assert_eq!(order("best", false), [1, 0, 2, 3]);
    assert_eq!(order("test", false), [0, 1, 2, 3]);
    assert_eq!(order("lr", true)[0], 1);
    assert_eq!(order("name", false), [3, 2, 0, 1], "run 9 comes before run 10");
    assert_eq!(order("tags", false)[0], 1);
    let losses = [(0.4, 1), (0.2, 2)].map(|(loss, step)| {
        let mut figures = Figures::none(metrics::find(LOSS).unwrap());
        figures.validated(step, loss);
        figures.validated(step + 1, f64::NAN);
        let mut run = made("2026-11-23-1405-x", &[]);
        run.figures = vec![figures];
        run
    });
    let rows: Vec<_> = losses.iter().map(|run| run.row(&catalog)).collect();
    let by_loss = Sorting { by: Field::find("loss", &catalog).unwrap(), reversed: false };
    assert_eq!(sorted(&rows, &by_loss), [1, 0], "a lower loss is better, and NaN is not the best");
}

#[test]
fn cells_say_what_they_mean() {
    let (catalog, runs) = (catalog(), runs());
    let written =
        |run: usize, key: &str| Field::find(key, &catalog).unwrap().written(&runs[run].row(&catalog));
    assert_eq!(written(0, "accuracy"), "98.00 %");
    assert_eq!(written(0, "accuracy.latest"), "97.00 %");
    assert_eq!(written(3, "accuracy"), "");
    assert_eq!(written(1, "tags"), "best try");
    assert_eq!(written(2, "state"), "failed");
    assert_eq!(written(0, "class_balance"), "none");
    assert_eq!(written(0, "keep_head"), "false");
    assert_eq!([1e-9, 0.1 + 0.2, 64.0, 997.0 * 1e-4].map(short), ["1e-9", "0.3", "64", "0.0997"]);
    assert_eq!(field::written(0.1 + 0.2), "0.30000000000000004");
    let label = |key: &str| Field::find(key, &catalog).unwrap().label();
    assert_eq!([label("accuracy"), label("test")], ["Accuracy, best validation", "Figure, test"]);
}

#[test]
fn groups_have_every_run_and_those_without_one_come_last() {
    let (catalog, runs) = (catalog(), runs());
    let rows: Vec<_> = runs.iter().map(|run| run.row(&catalog)).collect();
    let groups = |group: Group| -> Vec<(String, Vec<usize>)> { group.of(&rows) };
    let named = |name: &str, places: &[usize]| (name.to_owned(), places.to_vec());
    assert_eq!(groups(Group::Tag), [named("best", &[1]), named("try", &[1]), named("", &[0, 2, 3])]);
    assert_eq!(groups(Group::Comparison), [named("c1", &[3]), named("", &[0, 1, 2])]);
    assert_eq!(groups(Group::Dataset), [named("fashion_mnist", &[3]), named("mnist", &[0, 1, 2])]);
    assert_eq!(groups(Group::None), [named("", &[0, 1, 2, 3])]);
}

#[test]
fn settings_stand_beside_their_defaults_and_those_of_another_run() {
    let (catalog, runs) = (catalog(), runs());
    let all = settings(&runs[1].spec, Some(&runs[2].spec), &catalog);
    let of = |key: &str| all.iter().find(|setting| setting.key == key).unwrap();
    let rate = of("optimizer.learning_rate");
    assert_eq!((&*rate.value, &*rate.default, rate.other.as_deref()), ("0.01", "0.001", Some("0.001")));
    assert!(rate.is_changed() && rate.live && !of("training.epochs").is_changed());
    assert_eq!(of("encoder.conv_dropout").other, None, "an MLP has none");
    assert_eq!((&*of("encoder").value, of("encoder").other.as_deref()), ("seed_cnn", Some("mlp")));
    let changed: Vec<_> =
        all.iter().filter(|setting| setting.is_changed()).map(|setting| &*setting.key).collect();
    assert_eq!(changed, ["seed", "optimizer.learning_rate"]);
}

#[test]
fn a_thousand_runs_are_sorted_filtered_and_compared_at_once() {
    let catalog = catalog();
    let runs: Vec<Made> = (0..1000)
        .map(|at| {
            let mut run = made("2026-11-23-1405-run", &[]).accuracy(at as f64 / 1000.0, 0.5);
            run.spec = RunSpec::from_toml(&run.spec.to_toml(&catalog), &[], &catalog).unwrap();
            run.spec.optimizer.values.insert("learning_rate".into(), at as f64 * 1e-5);
            run
        })
        .collect();
    let began = std::time::Instant::now();
    let rows: Vec<_> = runs.iter().map(|run| run.row(&catalog)).collect();
    assert_eq!(differing(&rows).len(), 1);
    let filter = Filter::read("lr>0.001 accuracy>0.5 mnist dropout=0.5", &catalog, false).unwrap();
    assert_eq!(rows.iter().filter(|row| filter.matches(row)).count(), 499);
    let by = Sorting { by: Field::find("best", &catalog).unwrap(), reversed: false };
    assert_eq!(sorted(&rows, &by)[0], 999);
    assert_eq!(rows[0].figures(ACCURACY).map(|figures| figures.latest.is_some()), Some(true));
    let took = began.elapsed();
    // far above what it takes, so that it holds on a busy machine and without optimisation
    assert!(took.as_millis() < 500, "{took:?}");
    assert_eq!(rows[5].spec.id(Section::Encoder), "seed_cnn");
}
