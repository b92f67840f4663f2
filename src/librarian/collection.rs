//! A data set as a run of some spec would use it.
use crate::{
    data::{Dataset, Examples, Notes, edits::Edited, memory},
    engine,
    protocol::data::{Collection, Item, Role},
    spec::{Edits, RunSpec},
};
use anyhow::Result;

/// The role of each example of a data set in a run, after the edits of its spec. `keys` are the names that edits use for the
/// examples.
///
/// # Errors
/// Where the spec asks for more examples than there are.
pub fn of(dataset: &Dataset, spec: &RunSpec, keys: Option<&[Vec<String>; 2]>) -> Result<Collection> {
    let [train, test] = match keys {
        Some(keys) => dataset.apply(&spec.dataset.edits, keys),
        None => [&dataset.train, &dataset.test].map(Edited::of),
    };
    Ok(Collection {
        shape: dataset.info.shape,
        class_names: dataset.info.class_names.clone(),
        train: training(dataset, spec, &train)?,
        test: items(&dataset.test, &test, Role::Test),
        memory: dataset.memory(),
        free: memory::free(),
        remarks: remarks(dataset),
        kept: Edits::new(),
    })
}

/// The examples of the training part; a run's numbering skips those that are excluded.
fn training(dataset: &Dataset, spec: &RunSpec, edited: &Edited) -> Result<Vec<Item>> {
    let corrected = Dataset {
        info: dataset.info.clone(),
        train: dataset.train.corrected_labels(edited),
        test: Examples::default(),
        notes: Notes::default(),
    };
    let partition = engine::partition(spec, &corrected)?;
    let mut items = items(&dataset.train, edited, Role::Unlabelled);
    for (chosen, role) in [(partition.train, Role::Train), (partition.validation, Role::Validation)] {
        chosen.iter().for_each(|index| items[edited.kept[*index]].role = role);
    }
    Ok(items)
}

fn items(part: &Examples, edited: &Edited, role: Role) -> Vec<Item> {
    let item = |(was, is): (&u16, &u16)| Item {
        label: *is,
        role: Role::Excluded,
        corrected_from: (was != is).then_some(*was),
    };
    let mut items: Vec<_> = part.labels().iter().zip(&edited.labels).map(item).collect();
    edited.kept.iter().for_each(|place| items[*place].role = role);
    items
}

/// The most reasons that are shown.
const SHOWN: usize = 10;

/// The detected format, remarks about it, how much is used, and what is not.
fn remarks(dataset: &Dataset) -> Vec<String> {
    let notes = &dataset.notes;
    let format = (!notes.format.is_empty()).then(|| format!("Read as {}", notes.format));
    let used = dataset.train.len() + dataset.test.len();
    let unused = (notes.unused() > 0).then(|| format!("{used} used, {} left out", notes.unused()));
    let count = notes.passed_over.len();
    let passed_over = (count > 0).then(|| format!("{count} examples or files could not be read"));
    let first = notes.passed_over.iter().take(SHOWN).map(ToString::to_string);
    let left_out = notes.left_out.iter().map(ToString::to_string);
    let counted = unused.into_iter().chain(left_out).chain(passed_over).chain(first);
    format.into_iter().chain(notes.remarks.clone()).chain(counted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DatasetInfo, LABELS_PER_CLASS, VALIDATION_IMAGES},
        shape::ImageShape,
        spec::{Choice, Edit},
    };

    #[test]
    fn every_example_has_the_role_that_a_run_gives_it() {
        let info = DatasetInfo {
            shape: ImageShape::new(1, 1, 1).into(),
            class_names: vec!["ant".into(), "bee".into()],
        };
        let examples = |count: u8| {
            Examples::images((0..count).collect(), (0..count).map(|image| u16::from(image % 2)).collect())
        };
        let mut dataset = Dataset::new(info, examples(100), examples(10)).unwrap();
        dataset.notes.pass_over("A picture is broken".to_owned());
        dataset.notes.leave_out("AVIF cannot be read", std::path::Path::new("/a/b.avif"));
        let values = [(VALIDATION_IMAGES.key.to_owned(), 20.0), (LABELS_PER_CLASS.key.to_owned(), 5.0)];
        let mut spec = RunSpec {
            dataset: Choice { values: values.into(), ..Choice::new("mnist") },
            ..RunSpec::default()
        };
        let count = |spec: &RunSpec, role| {
            let found = of(&dataset, spec, None).unwrap();
            found.train.iter().chain(&found.test).filter(|item| item.role == role).count()
        };
        let found = of(&dataset, &spec, None).unwrap();
        assert_eq!(found.memory, 110, "one byte a pixel");
        let roles = [Role::Train, Role::Unlabelled, Role::Validation, Role::Test];
        assert_eq!(roles.map(|role| count(&spec, role)), [10, 70, 20, 10]);
        spec.objective = Choice::new("autoencoder");
        assert_eq!(roles.map(|role| count(&spec, role)), [80, 0, 20, 10]);
        let found = of(&dataset, &spec, None).unwrap();
        assert_eq!((found.train[3].label, found.class_names.len()), (1, 2));
        assert_eq!(
            found.remarks,
            [
                "110 used, 2 left out",
                "Not used: 1, as AVIF cannot be read, such as /a/b.avif",
                "1 examples or files could not be read",
                "A picture is broken"
            ]
        );
        let keys = dataset.keys().unwrap();
        spec.dataset.edits.insert(keys[0][0].clone(), Edit::Exclude);
        spec.dataset.edits.insert(keys[0][1].clone(), Edit::Label("ant".into()));
        let found = of(&dataset, &spec, Some(&keys)).unwrap();
        assert_eq!(found.train[0].role, Role::Excluded);
        assert_eq!((found.train[1].label, found.train[1].corrected_from), (0, Some(1)));
        let left = found.train.iter().filter(|item| item.role != Role::Excluded).count();
        assert_eq!(left, 99, "one is left out");
    }
}
