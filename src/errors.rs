//! Errors for the user: what happened, what to do, and last the place; and text from outside the program, made fit
//! to be shown.
use anyhow::Error;
use std::{
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The most characters that are shown of a name, a value or a path from outside the program.
const MOST_OF_A_NAME: usize = 200;
/// Characters of a line of an error, at most; the longest list of what can be chosen is shorter.
const MOST_OF_A_LINE: usize = 1200;

/// What an error or a remark is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file on the disk.
    File(PathBuf),
    /// A folder on the disk.
    Folder(PathBuf),
    /// A recipe that the program brings along.
    Preset(String),
    /// An encoder that the program brings along.
    Shipped(String),
}

/// A message, and the place that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What happened and what to do, in sentences.
    pub text: String,
    /// Where it is, if that is known.
    pub place: Option<Place>,
}

/// Attaches a place to an error.
pub trait At {
    /// What the place is attached to.
    type Output;
    /// Adds the place, unless a cause has one already, which is nearer to the fault.
    fn at(self, place: impl Into<Place>) -> Self::Output;
}

impl Place {
    /// A folder, whether it exists or not.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        Place::Folder(path.into())
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Place {
    /// A folder where there is one, otherwise a file.
    fn from(path: &P) -> Self {
        let path = path.as_ref().to_path_buf();
        if path.is_dir() { Place::Folder(path) } else { Place::File(path) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "File: {}", path.display()),
            Place::Folder(path) => write!(f, "Folder: {}", path.display()),
            Place::Preset(id) => write!(f, "Preset: {id}"),
            Place::Shipped(id) => write!(f, "Shipped encoder: {id}"),
        }
    }
}

impl At for Error {
    type Output = Error;

    fn at(self, place: impl Into<Place>) -> Error {
        if self.is::<Place>() { self } else { self.context(place.into()) }
    }
}

impl<T, E: Into<Error>> At for Result<T, E> {
    type Output = anyhow::Result<T>;

    fn at(self, place: impl Into<Place>) -> anyhow::Result<T> {
        self.map_err(|error| error.into().at(place))
    }
}

impl Remark {
    /// A remark about a place.
    pub fn new(text: impl Into<String>, place: impl Into<Place>) -> Self {
        Self { text: text.into(), place: Some(place.into()) }
    }
}

impl From<String> for Remark {
    fn from(text: String) -> Self {
        Self { text, place: None }
    }
}

impl From<&Error> for Remark {
    /// An error and its causes.
    fn from(error: &Error) -> Self {
        let place = error.downcast_ref::<Place>();
        let own = place.map(Place::to_string);
        let causes = error.chain().map(ToString::to_string).filter(|text| Some(text) != own.as_ref());
        let text = causes.map(|text| plain(&text)).collect::<Vec<_>>().join(": ");
        Self { text, place: place.cloned() }
    }
}

impl From<Remark> for Error {
    fn from(Remark { text, place }: Remark) -> Self {
        let error = Error::msg(text);
        match place {
            Some(place) => error.at(place),
            None => error,
        }
    }
}

/// Fit to be shown, with the place on the last line where there is one.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", fit(&self.text))?;
        let Some(place) = &self.place else { return Ok(()) };
        write!(f, "\n{}", visible(&place.to_string()).replace('\n', "\\n"))
    }
}

/// An error and its causes in one text, fit to be shown, with the place on the last line where there is one.
pub fn message(error: &Error) -> String {
    Remark::from(error).to_string()
}

/// A text fit to be shown: nothing in it steers a terminal, and no line goes on for ever.
pub fn fit(text: &str) -> String {
    visible(text).lines().map(bounded).collect::<Vec<_>>().join("\n")
}

/// Says what the system's errors within a text mean: "No such file or directory (os error 2)", as libraries quote it, is
/// "there is no such file or folder".
pub fn plain(text: &str) -> String {
    const CODE: &str = "(os error ";
    let (mut text, mut from) = (text.to_owned(), 0);
    while let Some(at) = text[from..].find(CODE) {
        from += at + CODE.len();
        let digits = text[from..].bytes().take_while(u8::is_ascii_digit).count();
        let Ok(code) = text[from..from + digits].parse() else { continue };
        let error = io::Error::from_raw_os_error(code);
        let (end, quoted) = (from + digits + 1, error.to_string());
        let Some(start) = end.checked_sub(quoted.len()) else { continue };
        if let (Some(meaning), true) = (meaning(error.kind()), text.get(start..end) == Some(&quoted)) {
            text.replace_range(start..end, meaning);
            from = start + meaning.len();
        }
    }
    text
}

fn meaning(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::PermissionDenied => "permission is denied",
        ErrorKind::AlreadyExists => "something of that name is there already",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "your share of the disk is used up",
        ErrorKind::FileTooLarge => "the file would be larger than is allowed here",
        ErrorKind::ReadOnlyFilesystem => "the disk can only be read",
        ErrorKind::IsADirectory => "it is a folder, not a file",
        ErrorKind::NotADirectory => "a part of the path is a file, not a folder",
        ErrorKind::DirectoryNotEmpty => "the folder is not empty",
        ErrorKind::InvalidFilename => "the name is too long, or has characters that are not allowed",
        ErrorKind::ResourceBusy => "another program is using it",
        ErrorKind::OutOfMemory => "there is not enough memory",
        ErrorKind::BrokenPipe => "the reader went away",
        ErrorKind::ConnectionRefused => "the server takes no connections",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => "the connection broke off",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "there is no way to the server: is there a network?"
        }
        ErrorKind::TimedOut => "there was no answer in time",
        _ => return None,
    })
}

/// A text without characters that steer a terminal or turn the direction of writing: those are written as JSON writes
/// them, so that JSON stays the same JSON. Lines stay lines.
pub fn visible(text: &str) -> String {
    if !text.contains(is_steering) {
        return text.into();
    }
    text.chars().map(|c| if is_steering(c) { format!("\\u{:04x}", c as u32) } else { c.into() }).collect()
}

fn is_steering(c: char) -> bool {
    c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name or a path from outside the program, as one line of bounded length without control characters.
pub fn name(text: &str) -> String {
    shortened(&visible(text).replace('\n', "\\n"), MOST_OF_A_NAME)
}

/// A line in which no word and no quotation goes on for ever.
fn bounded(line: &str) -> String {
    if line.chars().count() <= MOST_OF_A_NAME {
        return line.into();
    }
    let words: Vec<String> = line.split(' ').map(|word| shortened(word, MOST_OF_A_NAME)).collect();
    shortened(&words.join(" "), MOST_OF_A_LINE)
}

/// The beginning and the end of a text that is too long.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let end: String = text.chars().skip(count - most / 4).collect();
    let beginning: String = text.chars().take(most - most / 4 - 1).collect();
    format!("{beginning}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};

    #[test]
    fn the_nearest_place_comes_last() {
        let error = anyhow!("it is cut short").context("Could not read the images").at("/a").context("Sorry");
        assert_eq!(message(&error), "Sorry: Could not read the images: it is cut short\nFile: /a");
        let error = anyhow!("two lines\nof advice").at("/in/b").context("Sorry").at(Place::folder("/in"));
        assert_eq!(message(&error), "Sorry: two lines\nof advice\nFile: /in/b");
        assert_eq!(message(&anyhow!("nothing else")), "nothing else");
        assert_eq!(message(&anyhow!("no such").at(Place::folder("/in"))), "no such\nFolder: /in");
        // Its own words do not pass for a place.
        assert_eq!(message(&anyhow!("File: /b").context("outer").at("/a")), "outer: File: /b\nFile: /a");
    }

    #[test]
    fn errors_of_the_system_are_said_in_plain_words() {
        let missing = std::fs::read("/nowhere/at all").context("Could not read it").at("/nowhere/at all");
        let expected = "Could not read it: there is no such file or folder\nFile: /nowhere/at all";
        assert_eq!(message(&missing.unwrap_err()), expected);
        let quoted = |code| format!("zip: {} (twice)", io::Error::from_raw_os_error(code));
        assert_eq!(plain(&quoted(13)), "zip: permission is denied (twice)");
        let unknown = quoted(9999);
        assert_eq!(plain(&unknown), unknown);
        let many = format!("{} and {}", quoted(2), quoted(2));
        assert_eq!(plain(&many).matches("no such file").count(), 2);
        for odd in ["(os error 2)", "(os error x)", "a (os error ", "é(os error 2)"] {
            assert_eq!(plain(odd), odd);
        }
    }

    #[test]
    fn what_strangers_wrote_steers_no_terminal_and_fills_no_screen() {
        let hostile = "a\u{1b}]0;title\u{7}\r\u{9b}2J\u{202e}b";
        let shown = visible(hostile);
        assert_eq!(shown, "a\\u001b]0;title\\u0007\\u000d\\u009b2J\\u202eb");
        let json = serde_json::to_string(hostile).unwrap();
        assert_eq!(serde_json::from_str::<String>(&visible(&json)).unwrap(), hostile);
        assert_eq!(message(&anyhow!("{hostile}")), shown);
        assert_eq!(name("one\ntwo"), "one\\ntwo");
        let long = "ß".repeat(100_000);
        assert_eq!(name(&long).chars().count(), 200);
        let error = message(&anyhow!("The class {long:?} is not known").at("/a"));
        assert!(error.chars().count() < 300 && error.ends_with("is not known\nFile: /a"), "{error}");
        assert!(message(&anyhow!("{}", "x ".repeat(50_000))).chars().count() <= 1200);
    }
}
