//! Errors as a person reads them: what happened, what to do, and the path last; and text that strangers wrote, fit to be
//! shown.
use anyhow::Error;
use std::io::{self, ErrorKind};

/// The beginnings of lines that say where something is.
const PLACES: [&str; 5] = ["File: ", "Folder: ", "Path: ", "Preset: ", "Shipped encoder: "];
/// The most characters that are shown of a name, a value or a path from outside the program.
const MOST_OF_A_NAME: usize = 200;
/// Characters of a line of an error, at most; the longest list of what can be chosen is shorter.
const MOST_OF_A_LINE: usize = 1200;

/// An error and its causes in one text. Each may end with a line that says where; the innermost of them comes last.
pub fn told(error: &Error) -> String {
    let (mut said, mut place) = (vec![], None);
    for cause in error.chain() {
        let text = cause.to_string();
        let (places, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| is_place(line));
        place = places.last().map(ToString::to_string).or(place);
        said.extend((!rest.is_empty()).then(|| plain(&rest.join("\n"))));
    }
    let text = said.join(": ");
    fit(&place.map_or(text.clone(), |place| format!("{text}\n{place}")))
}

/// A text fit to be shown: nothing in it steers a terminal, and no line goes on for ever.
pub fn fit(text: &str) -> String {
    let line = |line| if is_place(line) { line.to_owned() } else { bounded(line) };
    visible(text).lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_place(line: &str) -> bool {
    PLACES.iter().any(|beginning| line.starts_with(beginning))
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
    fn the_path_comes_last_whoever_names_it() {
        let error =
            anyhow!("it is cut short").context("Could not read the images\nFile: /a").context("Sorry");
        assert_eq!(told(&error), "Sorry: Could not read the images: it is cut short\nFile: /a");
        let error = anyhow!("two lines\nof advice\nFile: /in/b").context("Folder: /in");
        assert_eq!(told(&error), "two lines\nof advice\nFile: /in/b");
        assert_eq!(told(&anyhow!("nothing else")), "nothing else");
    }

    #[test]
    fn errors_of_the_system_are_said_in_plain_words() {
        let missing = std::fs::read("/nowhere/at all").context("Could not read it\nFile: /nowhere/at all");
        let expected = "Could not read it: there is no such file or folder\nFile: /nowhere/at all";
        assert_eq!(told(&missing.unwrap_err()), expected);
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
        assert_eq!(told(&anyhow!("{hostile}")), shown);
        assert_eq!(name("one\ntwo"), "one\\ntwo");
        let long = "ß".repeat(100_000);
        assert_eq!(name(&long).chars().count(), 200);
        let error = told(&anyhow!("The class {long:?} is not known\nFile: /a"));
        assert!(error.chars().count() < 300 && error.ends_with("is not known\nFile: /a"), "{error}");
        assert!(told(&anyhow!("{}", "x ".repeat(50_000))).chars().count() <= 1200);
    }
}
