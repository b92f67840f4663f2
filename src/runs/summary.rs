//! What a list of runs shows of each. The figures are in files that grow with every step, so that what was found there is
//! kept, by the lengths and times of those files, in `HOME/listing.json`: where that is missing, damaged or stale, the
//! files are read again.
use super::{Entry, Home, RunFolder, last_phase, metrics_file};
use crate::{
    disk,
    listing::{Figures, Row},
    metrics::{self, Split},
    protocol::{Marks, Phase, Progress, RunId},
    spec::{Catalog, RunSpec},
};
use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::Metadata,
    time::{SystemTime, UNIX_EPOCH},
};

const CACHE: &str = "listing.json";
/// Changes with what is kept.
const VERSION: u32 = 1;
/// The most bytes of it: those of a hundred thousand runs.
const MOST_CACHE: u64 = 64 << 20;

/// A run as a list shows it.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The name of its folder.
    pub id: RunId,
    /// Everything that determines it, but live changes.
    pub spec: RunSpec,
    /// Where it stands.
    pub phase: Phase,
    /// What a person says of it.
    pub marks: Marks,
    /// How far it is.
    pub progress: Progress,
    /// When its log was begun, where the disk knows that.
    pub created: Option<SystemTime>,
    figures: Vec<Figures>,
}

impl Summary {
    /// What a table can show of the run.
    pub fn row<'a>(&'a self, catalog: &'a Catalog) -> Row<'a> {
        let since = self.created.and_then(|created| created.duration_since(UNIX_EPOCH).ok());
        Row {
            catalog,
            id: &self.id,
            spec: &self.spec,
            phase: &self.phase,
            marks: &self.marks,
            progress: self.progress,
            created: since.map(|since| since.as_secs_f64()),
            headline: catalog.headline(&self.spec),
            figures: self.figures.clone(),
        }
    }
}

impl Home {
    /// All runs in the order in which they were made, and why some cannot be listed, or are listed without their marks.
    ///
    /// # Errors
    /// Where the home cannot be read.
    pub fn summaries(&self, catalog: &Catalog) -> Result<(Vec<Summary>, Vec<anyhow::Error>)> {
        let known = self.kept();
        let read = |id: RunId| {
            let folder = self.folder(&id);
            let stamp = folder.stamp();
            let kept = known.get(&*id).filter(|kept| kept.stamp == stamp).cloned();
            let is_new = kept.is_none();
            let found = match kept {
                Some(kept) => Ok(kept),
                None => folder.found(stamp),
            };
            let (marks, unmarked) = match folder.marks() {
                Ok(marks) => (marks, None),
                Err(error) => (Marks::default(), Some(error)),
            };
            let summary = found.and_then(|found| Ok((folder.summary(&id, &found, marks, catalog)?, found)));
            (summary.map(|(summary, found)| (summary, found, is_new)), unmarked)
        };
        let read: Vec<_> = self.list()?.into_par_iter().map(read).collect();
        let (mut summaries, mut errors, mut kept, mut is_stale) = (vec![], vec![], BTreeMap::new(), false);
        for (read, unmarked) in read {
            errors.extend(unmarked);
            match read {
                Ok((summary, found, is_new)) => {
                    is_stale |= is_new;
                    kept.insert(summary.id.to_string(), found);
                    summaries.push(summary);
                }
                Err(error) => errors.push(error),
            }
        }
        if is_stale || kept.len() != known.len() {
            self.keep(kept);
        }
        let minute = |summary: &Summary| summary.id.chars().take("2026-11-23-1405".len()).collect::<String>();
        summaries.sort_by_cached_key(|summary| (minute(summary), summary.created, summary.id.clone()));
        Ok((summaries, errors))
    }

    fn kept(&self) -> BTreeMap<String, Found> {
        let bytes = disk::read(&self.path.join(CACHE), MOST_CACHE).unwrap_or_default();
        let cache: Option<Cache> = serde_json::from_slice(&bytes).ok();
        cache.filter(|cache| cache.version == VERSION).map(|cache| cache.runs).unwrap_or_default()
    }

    fn keep(&self, runs: BTreeMap<String, Found>) {
        let bytes = serde_json::to_vec(&Cache { version: VERSION, runs }).unwrap_or_default();
        // it only saves time: a home that cannot be written is listed all the same
        let _best_effort = disk::replace(&self.path.join(CACHE), &bytes);
    }
}

#[derive(Serialize, Deserialize)]
struct Cache {
    version: u32,
    runs: BTreeMap<String, Found>,
}

/// What was found in the long files of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Found {
    stamp: Stamp,
    /// The line of the log with its last phase.
    phase: Option<Entry>,
    /// The same with the last moment of training.
    timing: Option<Entry>,
    figures: BTreeMap<String, Kept>,
}

/// Bytes, and seconds and nanoseconds of the last change: of the log, and of the metrics.
pub type Stamp = [(u64, u64, u32); 2];

/// [`Figures`] without the metric.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Kept {
    best: Option<(u64, f64)>,
    latest: Option<(u64, f64)>,
    test: Option<f64>,
}

impl RunFolder {
    /// Changes with what grows while the run trains.
    pub fn stamp(&self) -> Stamp {
        ["log.jsonl", metrics_file::NAME].map(|name| {
            let Ok(metadata) = self.path.join(name).metadata() else { return (0, 0, 0) };
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let changed = changed.unwrap_or_default();
            (metadata.len(), changed.as_secs(), changed.subsec_nanos())
        })
    }

    fn found(&self, stamp: Stamp) -> Result<Found> {
        let entries = self.entries()?;
        let last = |is: fn(&Entry) -> bool| entries.iter().rev().find(|entry| is(entry)).cloned();
        let mut figures: BTreeMap<&'static str, Figures> = BTreeMap::new();
        self.each_checked(|point| {
            let Some(metric) = metrics::find(point.metric) else { return };
            let of = figures.entry(metric.id).or_insert_with(|| Figures::none(metric));
            match point.split {
                Split::Test => of.test = Some(point.value),
                _ => of.validated(point.step, point.value),
            }
        })?;
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let kept = |(id, of): (&str, Figures)| {
            let latest = of.latest.filter(|(_, value)| value.is_finite());
            (id.to_owned(), Kept { best: of.best, latest, test: finite(of.test) })
        };
        Ok(Found {
            stamp,
            phase: last(|entry| matches!(entry, Entry::Phase { .. })),
            timing: last(|entry| matches!(entry, Entry::Timing { .. })),
            figures: figures.into_iter().map(kept).collect(),
        })
    }

    fn summary(&self, id: &RunId, found: &Found, marks: Marks, catalog: &Catalog) -> Result<Summary> {
        let entries: Vec<Entry> = found.phase.iter().chain(&found.timing).cloned().collect();
        let figures = found.figures.iter().filter_map(|(id, kept)| {
            let Kept { best, latest, test } = *kept;
            Some(Figures { metric: metrics::find(id)?, best, latest, test })
        });
        let made = self.path.join("log.jsonl").metadata();
        Ok(Summary {
            id: id.clone(),
            spec: self.spec(catalog)?,
            phase: self.now(last_phase(&entries).0),
            marks,
            progress: super::progress(&entries),
            created: made.ok().as_ref().map(Metadata::created).and_then(Result::ok),
            figures: figures.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::DatasetInfo,
        metrics::{ACCURACY, LOSS, Point},
        protocol::Mark,
        runs::{MetricsFile, RunData},
        session::catalog,
        shape::ImageShape,
    };
    use std::fs;

    #[test]
    fn what_is_kept_is_what_the_files_say_and_changes_with_them() {
        let temporary = tempfile::tempdir().unwrap();
        let home = Home::open(temporary.path().into()).unwrap();
        let catalog = catalog();
        let info = DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names: vec![] };
        let made = |name: &str| {
            let spec = RunSpec { name: name.into(), ..RunSpec::default() };
            home.create(&spec, &catalog, &RunData::unread(info.clone())).unwrap()
        };
        let (id, folder) = made("one");
        let point = |step, split, metric, value| Point { step, split, metric, value };
        let mut metrics = MetricsFile::open(&folder, 0).unwrap();
        metrics.push(&[
            point(1, Split::Train, LOSS, 0.1),
            point(2, Split::Validation, ACCURACY, 0.9),
            point(2, Split::Validation, LOSS, 0.5),
            point(4, Split::Validation, ACCURACY, 0.8),
            point(4, Split::Validation, LOSS, f64::NAN),
            point(4, Split::Test, ACCURACY, 0.7),
        ]);
        metrics.flush().unwrap();
        folder.log(&Entry::new_phase(&Phase::Finished)).unwrap();
        let listed = || home.summaries(&catalog).unwrap();
        let check = || {
            let (found, errors) = listed();
            assert_eq!((found.len(), errors.len()), (1, 0));
            let row = found[0].row(&catalog);
            let accuracy = *row.figures(ACCURACY).unwrap();
            assert_eq!((accuracy.best, accuracy.latest), (Some((2, 0.9)), Some((4, 0.8))));
            let loss = *row.figures(LOSS).unwrap();
            assert_eq!((accuracy.test, loss.best), (Some(0.7), Some((2, 0.5))));
            assert_eq!((row.id, row.phase, row.headline.id), (&id, &Phase::Finished, ACCURACY));
        };
        check();
        let cache = temporary.path().join(CACHE);
        assert!(cache.is_file());
        check();
        for damaged in ["", "{", "{\"version\":99,\"runs\":{}}"] {
            fs::write(&cache, damaged).unwrap();
            check();
        }
        metrics.push(&[point(6, Split::Validation, ACCURACY, 0.95)]);
        metrics.flush().unwrap();
        folder.mark(&Mark::Star(true)).unwrap();
        let changed = listed().0;
        assert_eq!(changed[0].row(&catalog).figures(ACCURACY).unwrap().best, Some((6, 0.95)));
        assert!(changed[0].marks.star);
        fs::write(folder.path.join("marks.toml"), "?").unwrap();
        let (found, errors) = listed();
        assert_eq!((found.len(), errors.len()), (1, 1), "what is said of it cannot be read");
        fs::remove_file(folder.path.join("marks.toml")).unwrap();
        let (_, other) = made("two");
        fs::write(other.path.join("spec.toml"), "?").unwrap();
        let (found, errors) = listed();
        assert_eq!((found.len(), errors.len()), (1, 1));
    }
}
