//! `data.toml`: what a run's data set is, so that its network can be used where the data set has gone.
use super::RunFolder;
use crate::{
    data::{self, Dataset, DatasetInfo, drawing, watch::Watch},
    disk,
    errors::At as _,
    shape::Shape,
    spec::RunSpec,
};
use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) const NAME: &str = "data.toml";
const VERSION: u32 = 1;
/// Bytes of the file, at most: 65,535 classes with names of 200 letters.
const MOST_BYTES: u64 = 16 << 20;
/// Numbers of an example, or of a vocabulary, at most: more than any data set has.
const MOST_NUMBERS: usize = 1 << 24;

/// What a network has to know of the examples that it learns from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunData {
    version: u32,
    /// None where the run's data set was never read, as of weights that were imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<Counts>,
    /// What each label stands for, in order of the labels.
    class_names: Vec<String>,
    /// Whether they are drawings that were framed; none where that was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawings: Option<bool>,
    shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    /// Examples to train on, before some are set aside for validation.
    train: usize,
    test: usize,
}

impl RunData {
    /// Of a data set that is not read.
    pub fn unread(info: DatasetInfo) -> Self {
        let DatasetInfo { class_names, shape } = info;
        Self { version: VERSION, examples: None, class_names, drawings: None, shape }
    }

    /// Of a data set that has been read, with its counts.
    pub fn of(dataset: &Dataset) -> Self {
        let counts = Counts { train: dataset.train.len(), test: dataset.test.len() };
        let drawings = drawing::are_drawings(&dataset.train, dataset.info.shape);
        Self { examples: Some(counts), drawings: Some(drawings), ..Self::unread(dataset.info.clone()) }
    }

    /// Shape and classes.
    pub fn info(&self) -> DatasetInfo {
        DatasetInfo { shape: self.shape, class_names: self.class_names.clone() }
    }

    fn check(&self) -> Result<()> {
        ensure!(self.version == VERSION, "it is of version {}: is the program older?", self.version);
        let numbers = self.shape.dims().iter().try_fold(1usize, |all, side| all.checked_mul(*side));
        let vocabulary = if let Shape::Tokens { vocabulary, .. } = self.shape { vocabulary } else { 1 };
        let is_fine = |count: usize| (1..=MOST_NUMBERS).contains(&count);
        ensure!(numbers.is_some_and(is_fine) && is_fine(vocabulary), "the shape is out of range");
        Ok(())
    }
}

impl RunFolder {
    /// What the run's data set is; none for a run of a version that did not write it down.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn data(&self) -> Result<Option<RunData>> {
        let path = self.path.join(NAME);
        if !path.exists() {
            return Ok(None);
        }
        let read = || -> Result<RunData> {
            let data: RunData = toml::from_str(&disk::read_text(&path, MOST_BYTES)?)?;
            data.check()?;
            Ok(data)
        };
        let help =
            "What the run's data set is cannot be read: delete the file, and the data set is looked at";
        read().context(help).at(&path).map(Some)
    }

    /// Shape and classes of the run's data, by what the run has written down, else by the data set.
    ///
    /// # Errors
    /// Where neither can be read.
    pub fn dataset_info(&self, spec: &RunSpec, watch: &Watch) -> Result<DatasetInfo> {
        match self.data()? {
            Some(data) => Ok(data.info()),
            None => data::peek(&spec.dataset, watch),
        }
    }

    /// Whether the run learns from drawings, so that what it is shown has to be framed like one. Earlier versions did not
    /// write that down: of their runs it is supposed where the shape is that of a drawing.
    pub fn learns_from_drawings(&self, spec: &RunSpec) -> bool {
        let is_of_their_shape = |shape: Shape| shape == drawing::SHAPE;
        match self.data().ok().flatten() {
            Some(RunData { drawings: Some(are_drawings), .. }) => are_drawings,
            Some(data) => is_of_their_shape(data.shape),
            None if spec.dataset.path.is_some() => false,
            None => {
                data::peek(&spec.dataset, &Watch::default()).is_ok_and(|info| is_of_their_shape(info.shape))
            }
        }
    }

    /// The name of each class, as far as it is known without reading a data set; else none.
    pub fn class_names(&self, spec: &RunSpec) -> Arc<[String]> {
        let published = || data::peek(&spec.dataset, &Watch::default()).ok();
        let info = match self.data().ok().flatten() {
            Some(data) => Some(data.info()),
            None if spec.dataset.path.is_none() => published(),
            None => None,
        };
        info.map_or(vec![], |info| info.class_names).into()
    }

    /// Makes sure that a data set is the one that the run has learnt from so far, and writes down what it is where that
    /// was not done yet.
    ///
    /// # Errors
    /// Where it is another one, or the file cannot be read or written.
    pub fn check_data(&self, dataset: &Dataset) -> Result<()> {
        let Some(known) = self.data()? else {
            let path = self.path.join(NAME);
            return disk::replace(&path, RunData::of(dataset).to_toml().as_bytes())
                .map_err(|error| disk::unwritten("Could not write what the data set is", &path, error));
        };
        let now = &dataset.info;
        ensure!(
            known.info() == *now,
            "The data set has changed: the run learns from {} classes of {}, and there are {} of {} now. Bring the \
             former data set back, or start a new run",
            known.class_names.len(),
            known.shape,
            now.class_names.len(),
            now.shape
        );
        Ok(())
    }
}

impl RunData {
    /// As the file has it.
    pub(super) fn to_toml(&self) -> String {
        toml::to_string(self).expect("numbers and texts are TOML")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::ImageShape;
    use std::fs;

    fn folder() -> (tempfile::TempDir, RunFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let run = RunFolder::new(temporary.path());
        (temporary, run)
    }

    #[test]
    fn what_is_written_reads_back_for_every_shape() {
        let (_temporary, run) = folder();
        assert_eq!(run.data().unwrap(), None);
        let texts = Shape::Tokens { length: 1024, vocabulary: 50_257 };
        for (shape, examples) in
            [(ImageShape::new(28, 28, 1).into(), Some(Counts { train: 5, test: 2 })), (texts, None)]
        {
            let class_names = vec!["\"odd\"\nname".into(), "日本".into()];
            let drawings = examples.as_ref().map(|_| true);
            let data = RunData { version: VERSION, examples, class_names, drawings, shape };
            fs::write(run.path.join(NAME), data.to_toml()).unwrap();
            assert_eq!(run.data().unwrap(), Some(data));
        }
    }

    #[test]
    fn what_cannot_be_believed_is_refused() {
        let (_temporary, run) = folder();
        let good = "version = 1\nclass_names = ['a']\n";
        for (text, reason) in [
            (format!("{good}[shape.image]\nheight = 4000000000\nwidth = 4000000000\nchannels = 3"), "range"),
            (format!("{good}[shape.image]\nheight = 0\nwidth = 1\nchannels = 1"), "range"),
            (format!("{good}[shape.tokens]\nlength = 8\nvocabulary = 4000000000"), "range"),
            (format!("{good}[shape.sound]\nlength = 1"), "unknown variant"),
            (good.replace("version = 1", "version = 2") + "[shape]\nfeatures = 3", "version 2"),
            (String::new(), "missing field"),
        ] {
            fs::write(run.path.join(NAME), text).unwrap();
            let error = crate::errors::message(&run.data().unwrap_err());
            assert!(error.contains(reason) && error.contains("delete the file"), "{error}");
        }
    }
}
