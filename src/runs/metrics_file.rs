//! `metrics.csv`: step, split, metric, value. The same run writes the same bytes.
use super::{RunFolder, at};
use crate::metrics::{self, Point, Split};
use anyhow::{Context as _, Result};
use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

const HEADER: &str = "step,split,metric,value\n";

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
    /// Opens the file of a run and cuts it to `len` bytes, which is where a checkpoint was made; 0 begins anew.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn open(run: &RunFolder, len: u64) -> Result<Self> {
        let path = run.path.join("metrics.csv");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.and_then(|file| file.set_len(len).map(|()| file));
        let file = file.with_context(|| at("Could not open the metrics", &path))?;
        let pending = if len == 0 { HEADER.into() } else { String::new() };
        Ok(Self { path, file, len, pending })
    }

    pub fn push(&mut self, points: &[Point]) {
        for Point { step, split, metric, value } in points {
            let _infallible = writeln!(self.pending, "{step},{},{metric},{value}", split.id());
        }
    }

    /// Writes what is pending; returns the length of the file. What fails to be written stays pending.
    ///
    /// # Errors
    /// Where it cannot be written, as on a full disk.
    pub fn flush(&mut self) -> Result<u64> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.len))
            .and_then(|_| self.file.write_all(self.pending.as_bytes()));
        if let Err(error) = written {
            // Half a line helps nobody; the next attempt writes it whole from the same place.
            let _best_effort = self.file.set_len(self.len);
            return Err(error).with_context(|| at("Could not write the metrics", &self.path));
        }
        self.len += self.pending.len() as u64;
        self.pending.clear();
        Ok(self.len)
    }
}

impl RunFolder {
    /// The points on disk, up to the last whole line; lines of unknown metrics are passed over.
    pub fn points(&self) -> Vec<Point> {
        let text = fs::read(self.path.join("metrics.csv")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(parse).collect()
    }
}

fn parse(line: &str) -> Option<Point> {
    let mut fields = line.split(',');
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
    use super::*;

    #[test]
    fn points_come_back_exactly_up_to_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder { path: folder.path().into() };
        let point = |step, value| Point { step, split: Split::Train, metric: metrics::LOSS, value };
        let points = [point(1, 0.1 + 0.2), point(2, 1e-300)];
        let mut file = MetricsFile::open(&run, 0).unwrap();
        file.push(&points[..1]);
        let kept = file.flush().unwrap();
        file.push(&points[1..]);
        file.flush().unwrap();
        assert_eq!(run.points(), points);
        file.push(&points[1..]);
        let end = file.flush().unwrap();
        file.file.set_len(end - 2).unwrap();
        assert_eq!(run.points(), points);
        MetricsFile::open(&run, kept).unwrap();
        assert_eq!(run.points(), points[..1]);
    }
}
