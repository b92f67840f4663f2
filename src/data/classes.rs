//! A data set narrowed to some of its classes, as where a network learns 0 to 4 first and 5 to 9 later.
use super::{Dataset, DatasetInfo, Examples, Targets, files::labels::meant};
use crate::{
    errors::name,
    metrics::Split,
    spec::{Choice, Param, ParamKind},
};
use anyhow::{Context as _, Result, ensure};
use std::ops::Range;

/// Common to every data set.
pub const FIRST_CLASS: Param = Param {
    key: "first_class",
    label: "First class",
    unit: "",
    help: "Only examples of this class and those after it are used; counted from 0.",
    kind: ParamKind::Integer { min: 0, max: 65_535 },
    default: 0.0,
    live: false,
};

/// Common to every data set.
pub const LAST_CLASS: Param = Param {
    key: "last_class",
    label: "Last class",
    help: "Only examples of this class and those before it are used; counted from 0. 0 is the last class there is.",
    ..FIRST_CLASS
};

/// The classes that a choice asks for, of `classes` that there are.
///
/// # Errors
/// Where that is fewer than two, or more than there are.
pub(super) fn wanted(choice: &Choice, classes: usize) -> Result<Range<usize>> {
    let [first, last] = [FIRST_CLASS, LAST_CLASS].map(|param| choice.get(&param) as usize);
    let end = if last == 0 { classes } else { last + 1 };
    ensure!(
        first < end.min(classes) && end <= classes,
        "Classes {first} to {} are asked for, but there are 0 to {}: change the first or the last class",
        end - 1,
        classes.saturating_sub(1)
    );
    ensure!(
        end - first > 1,
        "Only class {first} is asked for: there is nothing to tell apart. Choose at least two classes"
    );
    Ok(first..end)
}

impl DatasetInfo {
    pub(super) fn narrowed(mut self, classes: Range<usize>) -> Self {
        self.class_names.truncate(classes.end);
        self.class_names.drain(..classes.start);
        self
    }
}

impl Dataset {
    /// Keeps the examples of some classes, whose labels then count from 0.
    ///
    /// # Errors
    /// Where no training or no test example is of them.
    pub(super) fn narrowed(self, classes: Range<usize>) -> Result<Self> {
        if classes == (0..self.info.classes()) {
            return Ok(self);
        }
        let [train, test] = [self.train, self.test].map(|examples| examples.narrowed(&classes));
        Ok(Self { notes: self.notes, ..Self::new(self.info.narrowed(classes), train, test)? })
    }
}

impl Dataset {
    /// A part of it, alone, whose labels are places among other names of classes: by name, however it is written, or by
    /// place where there are as many names and not all of them are known.
    ///
    /// # Errors
    /// Where its classes are others.
    pub fn as_classes(&self, split: Split, names: &[String]) -> Result<Self> {
        let known: Vec<String> = names.iter().map(|name| meant(name)).collect();
        let place = |name: &String| known.iter().position(|known| *known == meant(name));
        let by_name: Option<Vec<usize>> = self.info.class_names.iter().map(place).collect();
        let by_place = || (self.info.classes() == names.len()).then(|| (0..names.len()).collect());
        let places: Vec<usize> = by_name.or_else(by_place).with_context(|| {
            format!(
                "The network tells {} classes apart, such as {}, and these images are of {}, such as {}: choose images of \
                 the same classes",
                names.len(),
                listed(names),
                self.info.classes(),
                listed(&self.info.class_names)
            )
        })?;
        let examples = if split == Split::Test { &self.test } else { &self.train };
        let mut part = examples.subset(&(0..examples.len()).collect::<Vec<_>>());
        if let Targets::Classes(labels) = &mut part.targets {
            labels.iter_mut().for_each(|label| *label = places[usize::from(*label)] as u16);
        }
        let info = DatasetInfo { class_names: names.to_vec(), ..self.info.clone() };
        let (train, test) = match split {
            Split::Test => (Examples::default(), part),
            _ => (part, Examples::default()),
        };
        Ok(Self { info, train, test, notes: self.notes.clone() })
    }
}

/// The first few.
fn listed(names: &[String]) -> String {
    names.iter().take(3).map(|own| name(own)).collect::<Vec<_>>().join(", ")
}

impl Examples {
    fn narrowed(self, classes: &Range<usize>) -> Self {
        let kept = |label: u16| classes.contains(&usize::from(label));
        let indices: Vec<usize> = (0..self.len()).filter(|index| kept(self.labels()[*index])).collect();
        let as_read = self.as_read.as_ref().map(|as_read| as_read.left(&indices).narrowed(classes));
        let mut narrowed = Self { as_read, ..self.subset(&indices) };
        if let Targets::Classes(labels) = &mut narrowed.targets {
            labels.iter_mut().for_each(|label| *label -= classes.start as u16);
        }
        narrowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::numbered, shape::ImageShape};

    fn set() -> Dataset {
        let examples = || Examples::images((0..10).collect(), vec![0, 1, 2, 3, 4]);
        let info = DatasetInfo { shape: ImageShape::new(2, 1, 1).into(), class_names: numbered(5) };
        Dataset::new(info, examples(), examples()).unwrap()
    }

    fn choice(first: f64, last: f64) -> Choice {
        let values = [(FIRST_CLASS.key.to_owned(), first), (LAST_CLASS.key.to_owned(), last)];
        Choice { values: values.into(), ..Choice::new("mnist") }
    }

    #[test]
    fn labels_count_from_0_and_names_stay() {
        let narrow = |first, last| {
            let set = set();
            let classes = wanted(&choice(first, last), 5).unwrap();
            set.narrowed(classes).unwrap()
        };
        assert_eq!(narrow(0.0, 0.0).train.labels(), set().train.labels());
        let last = narrow(3.0, 4.0);
        assert_eq!(last.train.labels(), narrow(3.0, 0.0).train.labels());
        assert_eq!(last.train.bytes(&[0, 1]).unwrap(), [6, 7, 8, 9]);
        assert_eq!(last.train.labels(), [0, 1]);
        assert_eq!(last.info.class_names, ["3", "4"]);
        assert_eq!(narrow(0.0, 1.0).test.bytes(&[0, 1]).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn classes_that_are_not_there_are_refused() {
        let refused = |first, last| wanted(&choice(first, last), 5).unwrap_err().to_string();
        assert!(refused(0.0, 5.0).contains("Classes 0 to 5 are asked for, but there are 0 to 4"));
        assert!(refused(7.0, 0.0).contains("Classes 7 to 4"));
        assert!(refused(3.0, 2.0).contains("Classes 3 to 2"));
        assert!(refused(2.0, 2.0).contains("at least two classes"));
    }
}
