//! `metrics.csv`: step, split, metric, value. The same run writes the same bytes.
use super::{
    RunFolder,
    thinned::{self, Thinned},
};
use crate::{
    disk,
    errors::At as _,
    metrics::{self, Point, Split},
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    str,
};

pub(super) const NAME: &str = "metrics.csv";
const HEADER: &str = "step,split,metric,value\n";
/// The most bytes of a line: far more than any that was written.
const MOST_LINE: u64 = 4096;

/// The file, open for appending.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    /// Bytes that are whole lines on disk.
    len: u64,
    pending: String,
}

impl MetricsFile {
    /// Opens the file of a run and cuts it to `len` bytes, which is where a checkpoint was made; 0 starts an empty file. Where
    /// fewer are there, only whole lines are kept: see [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(run: &RunFolder, len: u64) -> Result<Self> {
        let path = run.path.join(NAME);
        let open = || -> io::Result<_> {
            let mut file = disk::open_own(&path)?;
            let len = whole_lines(&mut file, len)?;
            file.set_len(len)?;
            disk::sync_parent(&path)?;
            Ok((file, len))
        };
        let (file, len) =
            open().map_err(|error| disk::unwritten("Could not open the metrics", &path, error))?;
        let pending = if len == 0 { HEADER.into() } else { String::new() };
        Ok(Self { path, file, len, pending })
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// Adds points to those that [`flush`](Self::flush) writes.
    pub fn push(&mut self, points: &[Point]) {
        for Point { step, split, metric, value } in points {
            let _infallible = writeln!(self.pending, "{step},{},{metric},{value}", split.id());
        }
    }

    /// Writes what is pending. What fails to be written stays pending.
    ///
    /// # Errors
    /// Where it cannot be written, as on a full disk.
    pub fn flush(&mut self) -> Result<()> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(self.pending.as_bytes()));
        if let Err(error) = written {
            // Half a line helps nobody; the next attempt writes it whole from the same place.
            let _best_effort = self.file.set_len(self.len);
            return Err(disk::unwritten("Could not write the metrics", &self.path, error));
        }
        self.len += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes what is pending to the disk itself, so that a checkpoint can vouch for it; returns the length of the file.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn sync(&mut self) -> Result<u64> {
        self.flush()?;
        let synced = self.file.sync_data();
        synced.map_err(|error| disk::unwritten("Could not write the metrics", &self.path, error))?;
        Ok(self.len)
    }
}

impl RunFolder {
    /// Hands over the points on disk one by one, up to the last whole line; lines of unknown metrics are passed over.
    ///
    /// # Errors
    /// Where the file is there and cannot be read.
    pub fn each_point(&self, each: impl FnMut(Point)) -> Result<()> {
        self.each_of(|_| true, each)
    }

    /// As [`each_point`](Self::each_point), of the validation and the test examples alone, which are few: of the others'
    /// lines no more is read than it takes to tell them apart.
    ///
    /// # Errors
    /// As there.
    pub(super) fn each_checked(&self, each: impl FnMut(Point)) -> Result<()> {
        let is_checked = |line: &[u8]| {
            let comma = line.iter().position(|byte| *byte == b',');
            comma.is_some_and(|comma| !line[comma + 1..].starts_with(b"train,"))
        };
        self.each_of(is_checked, each)
    }

    fn each_of(&self, is_wanted: impl Fn(&[u8]) -> bool, mut each: impl FnMut(Point)) -> Result<()> {
        let path = self.path.join(NAME);
        let read = disk::each_line(&path, MOST_LINE, |line| {
            let line = line.strip_suffix(b"\n").filter(|line| is_wanted(line));
            line.and_then(parse).into_iter().for_each(&mut each);
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            read => read.context("Could not read the metrics").at(&path),
        }
    }

    /// The points on disk, curve by curve: those of a curve that is too long for any screen are thinned.
    ///
    /// # Errors
    /// As [`each_point`](Self::each_point).
    pub fn points(&self) -> Result<Vec<Point>> {
        Ok(self.thinned(thinned::MOST)?.0)
    }

    /// As [`points`](Self::points), with as few of the training curves as a list needs; and whether those are all. The
    /// others are short, and say what was measured at which step.
    ///
    /// # Errors
    /// As there.
    pub fn sketch(&self) -> Result<(Vec<Point>, bool)> {
        self.thinned(thinned::SKETCH)
    }

    /// The points of curves, those of training in at most so many buckets, and whether those are all of them.
    fn thinned(&self, of_training: usize) -> Result<(Vec<Point>, bool)> {
        let mut curves: BTreeMap<(&str, Split), Thinned> = BTreeMap::new();
        self.each_point(|Point { step, split, metric, value }| {
            let most = if split == Split::Train { of_training } else { thinned::MOST };
            curves.entry((metric, split)).or_insert_with(|| Thinned::within(most)).push((step, value));
        })?;
        let of_curve = |((metric, split), curve): (&(&'static str, Split), &Thinned)| {
            let (metric, split) = (*metric, *split);
            curve.points().map(move |(step, value)| Point { step, split, metric, value }).collect::<Vec<_>>()
        };
        let is_whole = curves.values().all(Thinned::is_whole);
        Ok((curves.iter().flat_map(of_curve).collect(), is_whole))
    }
}

/// Where the last whole line ends within the first `len` bytes. A power cut may leave less, or zeros in its place.
fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    if len > 0 && file.metadata()?.len() >= len {
        file.seek(SeekFrom::Start(len - 1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last == *b"\n" {
            return Ok(len);
        }
    }
    file.rewind()?;
    let (mut reader, mut line, mut whole) = (BufReader::new(file.take(len)), vec![], 0);
    loop {
        line.clear();
        let read = reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") || line.contains(&0) {
            return Ok(whole);
        }
        whole += read as u64;
    }
}

fn parse(line: &[u8]) -> Option<Point> {
    let mut fields = str::from_utf8(line).ok()?.split(',');
    let mut next = || fields.next();
    let (step, split, metric, value) = (next()?, next()?, next()?, next()?);
    Some(Point {
        step: step.parse().ok()?,
        split: Split::find(split)?,
        metric: metrics::find(metric)?.id,
        value: value.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::thinned, *};
    use std::fs;

    #[test]
    fn points_come_back_exactly_up_to_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let point = |step, value| Point { step, split: Split::Train, metric: metrics::LOSS, value };
        let points = [point(1, 0.1 + 0.2), point(2, 1e-300)];
        let mut file = MetricsFile::open(&run, 0).unwrap();
        file.push(&points[..1]);
        let kept = file.sync().unwrap();
        file.push(&points[1..]);
        file.flush().unwrap();
        assert_eq!(run.points().unwrap(), points);
        file.push(&points[1..]);
        let end = file.sync().unwrap();
        file.file.set_len(end - 2).unwrap();
        assert_eq!(run.points().unwrap(), points);
        MetricsFile::open(&run, kept).unwrap();
        assert_eq!(run.points().unwrap(), points[..1]);
    }

    #[test]
    fn endless_metrics_are_read_in_bounded_memory() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let (mut text, steps) = (String::from(HEADER), 3 * thinned::MOST);
        for step in 1..=steps {
            writeln!(text, "{step},train,loss,{}", 1.0 / step as f64).unwrap();
        }
        text.push_str("7,validation,accuracy,0.5\n");
        fs::write(run.path.join(NAME), text).unwrap();
        let points = run.points().unwrap();
        let validated: Vec<_> = points.iter().filter(|point| point.split == Split::Validation).collect();
        assert_eq!((validated.len(), validated[0].step, validated[0].value), (1, 7, 0.5));
        let trained: Vec<_> = points.iter().filter(|point| point.split == Split::Train).collect();
        assert!(trained.len() <= 2 * thinned::MOST + 1, "{}", trained.len());
        assert_eq!((trained[0].value, trained[trained.len() - 1].step), (1.0, steps as u64));
    }

    #[test]
    fn a_sketch_has_few_points_of_training_and_all_that_was_validated() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let text: String = (1..=5000)
            .map(|step| format!("{step},train,loss,1\n{step},validation,loss,{}\n", 1.0 / f64::from(step)))
            .collect();
        fs::write(run.path.join(NAME), format!("{HEADER}{text}")).unwrap();
        let (points, is_whole) = run.sketch().unwrap();
        let of = |split| points.iter().filter(|point| point.split == split).count();
        assert!(!is_whole && of(Split::Train) <= 2 * thinned::SKETCH + 1);
        assert_eq!(of(Split::Validation), 5000, "a checkpoint's figure is that of its step");
    }

    /// As power cuts leave it: shorter than the checkpoint says, gone, or with zeros in the place of what was written.
    #[test]
    fn what_is_missing_is_never_filled_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let line = "1,train,loss,0.5\n";
        let one = (HEADER.len() + line.len()) as u64;
        let zeros = format!("{HEADER}{line}{}", "\0".repeat(17));
        for (there, kept) in [
            (format!("{HEADER}{line}{line}"), one + 17),
            (format!("{HEADER}{line}2,train,lo"), one),
            (zeros, one),
            ("\0".repeat(99), 0),
            (String::new(), 0),
        ] {
            fs::write(run.path.join(NAME), &there).unwrap();
            let mut file = MetricsFile::open(&run, one + 17).unwrap();
            assert_eq!(file.bytes(), kept, "{there:?}");
            file.push(&[Point { step: 2, split: Split::Train, metric: metrics::LOSS, value: 0.25 }]);
            let end = file.sync().unwrap();
            let text = fs::read_to_string(run.path.join(NAME)).unwrap();
            assert_eq!(text.len() as u64, end);
            assert!(text.starts_with(HEADER) && text.ends_with("2,train,loss,0.25\n"), "{text:?}");
            assert!(!text.contains('\0'), "{text:?}");
        }
    }
}
