//! `marks.toml`: what a person says of a run. No file says nothing.
use super::RunFolder;
use crate::{
    disk,
    errors::At as _,
    protocol::{Mark, Marks},
};
use anyhow::{Context as _, Error, Result};
use std::{io, path::PathBuf};

const NAME: &str = "marks.toml";
/// The most bytes of the file: a longest note in letters of four bytes, each with escapes, and all its tags.
const MOST_BYTES: u64 = 2 << 20;

impl RunFolder {
    /// What was said of the run.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or says what nobody could have said.
    pub fn marks(&self) -> Result<Marks> {
        let path = self.marks_path();
        let text = match disk::read_text(&path, MOST_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Marks::default()),
            text => text,
        };
        let read = || -> Result<Marks> {
            let marks: Marks = toml::from_str(&text?)?;
            marks.check().map_err(Error::msg)?;
            Ok(marks)
        };
        read().context("Star, tags and note of the run cannot be read: mend the file, or delete it").at(&path)
    }

    /// Writes down what is said of the run, beside what was said before; gives all of it.
    ///
    /// # Errors
    /// Where it is refused, or the file cannot be read or written. Nothing is changed then.
    pub fn mark(&self, mark: &Mark) -> Result<Marks> {
        let mut marks = self.marks()?;
        marks.apply(mark).map_err(Error::msg)?;
        let path = self.marks_path();
        let text = toml::to_string(&marks).expect("texts and switches are TOML");
        disk::replace(&path, text.as_bytes())
            .map_err(|error| disk::unwritten("Could not write what is said of the run", &path, error))?;
        Ok(marks)
    }

    fn marks_path(&self) -> PathBuf {
        self.path.join(NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::message;
    use std::fs;

    #[test]
    fn marks_read_back_and_what_is_damaged_is_neither_believed_nor_overwritten() {
        let temporary = tempfile::tempdir().unwrap();
        let run = RunFolder::new(temporary.path());
        assert_eq!(run.marks().unwrap(), Marks::default());
        run.mark(&Mark::Star(true)).unwrap();
        run.mark(&Mark::Note("\u{1}\"\"\"\n日本".into())).unwrap();
        let marks = run.mark(&Mark::Tag("best".into())).unwrap();
        assert_eq!(run.marks().unwrap(), marks);
        assert!(marks.star && marks.note.ends_with("日本") && marks.tags.contains("best"));
        let longest = Mark::Note("\u{1}".repeat(100_000));
        run.mark(&longest).unwrap();
        run.marks().unwrap();
        let path = temporary.path().join(NAME);
        for damaged in ["star = 3", "tags = ['two words']", "newer = true", "\0", &"#".repeat(3 << 20)] {
            fs::write(&path, damaged).unwrap();
            for error in [run.marks().unwrap_err(), run.mark(&Mark::Star(true)).unwrap_err()] {
                assert!(message(&error).contains("mend the file"), "{}", message(&error));
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
