//! What a person says of a run: it changes nothing of what is trained.
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most characters of a note: dozens of pages.
const MOST_OF_A_NOTE: usize = 100_000;
/// The most characters of a tag, and the most tags of a run.
const MOST_OF_A_TAG: usize = 64;
const MOST_TAGS: usize = 100;

/// Star, tags, note and archive of a run; none of them where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Marks {
    /// One of those that matter most.
    pub star: bool,
    /// Put away: lists leave it out unless it is asked for.
    pub archived: bool,
    /// Single words, such as "baseline".
    pub tags: BTreeSet<String>,
    /// Markdown.
    pub note: String,
}

/// One thing that is said of runs. Saying it twice is the same as saying it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Whether it has a star.
    Star(bool),
    /// Whether it is put away.
    Archived(bool),
    /// Puts a tag on it.
    Tag(String),
    /// Takes a tag off it.
    Untag(String),
    /// Its whole note; empty for none.
    Note(String),
}

impl Marks {
    /// Takes in what is said. Where it cannot be, says why, and nothing is changed.
    ///
    /// # Errors
    /// A tag that is no single word, one too many, or a text that is too long.
    pub fn apply(&mut self, mark: &Mark) -> Result<(), String> {
        match mark {
            Mark::Star(star) => self.star = *star,
            Mark::Archived(archived) => self.archived = *archived,
            Mark::Tag(tag) => {
                check_tag(tag)?;
                if self.tags.len() >= MOST_TAGS && !self.tags.contains(tag) {
                    return Err(format!("a run has at most {MOST_TAGS} tags: take one off first"));
                }
                self.tags.insert(tag.clone());
            }
            Mark::Untag(tag) => drop(self.tags.remove(tag)),
            Mark::Note(note) => {
                check_note(note)?;
                self.note.clone_from(note);
            }
        }
        Ok(())
    }

    /// Whether all of it could have been said.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn check(&self) -> Result<(), String> {
        check_note(&self.note)?;
        self.tags.iter().try_for_each(|tag| check_tag(tag))?;
        if self.tags.len() > MOST_TAGS { Err(format!("a run has at most {MOST_TAGS} tags")) } else { Ok(()) }
    }
}

fn check_tag(tag: &str) -> Result<(), String> {
    let is_apart = |letter: char| letter.is_whitespace() || letter.is_control() || letter == ',';
    match tag.chars().count() {
        0 => Err("a tag needs at least one letter".into()),
        count if count > MOST_OF_A_TAG => Err(format!(
            "a tag has at most {MOST_OF_A_TAG} characters, and this one {count}: write a note instead"
        )),
        _ if tag.contains(is_apart) => {
            Err(format!("the tag {tag:?} is several words: join them with a dash, or give each by itself"))
        }
        _ => Ok(()),
    }
}

fn check_note(note: &str) -> Result<(), String> {
    let count = note.chars().count();
    if count <= MOST_OF_A_NOTE {
        return Ok(());
    }
    Err(format!(
        "a note has at most {MOST_OF_A_NOTE} characters, and this one {count}: keep the text in a file of its own and \
         write its path here"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_last_holds_and_what_is_refused_changes_nothing() {
        let mut marks = Marks::default();
        let tag = |text: &str| Mark::Tag(text.into());
        for mark in [Mark::Star(true), tag("best"), tag("best"), tag("日本"), Mark::Untag("日本".into())]
        {
            marks.apply(&mark).unwrap();
        }
        marks.apply(&Mark::Note("# Why\nIt **works**".into())).unwrap();
        let expected = Marks {
            star: true,
            tags: ["best".to_owned()].into(),
            note: "# Why\nIt **works**".into(),
            archived: false,
        };
        assert_eq!(marks, expected);
        for (refused, reason) in [
            (tag(""), "at least one letter"),
            (tag("two words"), "join them"),
            (tag("a,b"), "join them"),
            (tag(&"x".repeat(65)), "at most 64"),
            (Mark::Note("x".repeat(10_000_000)), "at most 100000 characters, and this one 10000000"),
        ] {
            assert!(marks.apply(&refused).unwrap_err().contains(reason), "{reason}");
        }
        assert_eq!(marks, expected);
        (0..99).for_each(|number| marks.apply(&tag(&number.to_string())).unwrap());
        assert!(marks.apply(&tag("more")).unwrap_err().contains("at most 100 tags"));
        assert_eq!((marks.apply(&tag("5")), marks.check()), (Ok(()), Ok(())));
    }
}
