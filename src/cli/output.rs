//! Text on standard output and standard error. A closed pipe never ends the work that is being reported.
use super::Outcome;
use crate::errors::{Remark, message, plain, visible};
pub use crate::listing::duration;
use serde_json::json;
use std::{
    fmt::Display,
    io::{self, Write},
    sync::OnceLock,
};

/// Why standard output takes no more, once it does not.
static FAILURE: OnceLock<io::Error> = OnceLock::new();
/// Whether what goes wrong is said in JSON.
static JSON: OnceLock<()> = OnceLock::new();

/// Prints a line on standard output. Once it cannot be written to, later lines are dropped, and [`ended`] says so by
/// the exit code: training goes on without a reader.
pub fn line(text: impl Display) {
    if is_read()
        && let Err(error) = write(&mut io::stdout().lock(), &visible(&text.to_string()))
    {
        fail(error);
    }
}

/// Whether standard output still takes lines; if not, listing commands can end early.
pub fn is_read() -> bool {
    FAILURE.get().is_none()
}

/// Prints bytes that a program reads on standard output, as they are.
pub fn raw(bytes: &[u8]) {
    let written = io::stdout().lock().write_all(bytes);
    if is_read()
        && let Err(error) = written
    {
        fail(error);
    }
}

/// From now on what goes wrong is said in JSON, too: an object a line on standard error.
pub fn speak_json() {
    let _already = JSON.set(());
}

/// Prints a line on standard error, in JSON as `{"message": …}`. Where that is closed too, the line is lost.
pub fn complain(text: impl Display) {
    let text = text.to_string();
    say(if JSON.get().is_some() { json!({ "message": text }).to_string() } else { text });
}

/// Prints why the program fails, in JSON as `{"error": …, "place": …}`.
pub fn fail_with(error: &anyhow::Error) {
    if JSON.get().is_none() {
        return complain(message(error));
    }
    let remark = Remark::from(error);
    say(json!({ "error": remark.text, "place": remark.place.map(|place| place.to_string()) }).to_string());
}

fn say(text: String) {
    let _nowhere_left = write(&mut io::stderr().lock(), &visible(&text));
}

/// How the program ends, all in all: a reader that went away, as `head` does, is no failure; output that was lost is.
pub fn ended(outcome: Outcome) -> Outcome {
    if is_read()
        && let Err(error) = io::stdout().lock().flush()
    {
        fail(error);
    }
    match (outcome, FAILURE.get()) {
        (Outcome::Done, Some(error)) if error.kind() != io::ErrorKind::BrokenPipe => Outcome::Failed,
        (outcome, _) => outcome,
    }
}

/// A line in one piece, flushed, so that lines of several programs do not mix.
fn write(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(format!("{text}\n").as_bytes())?;
    to.flush()
}

fn fail(error: io::Error) {
    if error.kind() != io::ErrorKind::BrokenPipe {
        let reason = plain(&error.to_string());
        complain(format!("Standard output cannot be written to, so that the rest of it is lost: {reason}"));
    }
    let _first_failure_stays = FAILURE.set(error);
}

/// How this program was started, for the commands that it suggests: "headstart", or "target/release/headstart".
pub fn program() -> String {
    let typed = std::env::args_os().next().and_then(|name| name.into_string().ok());
    typed.filter(|name| !name.contains(char::is_whitespace)).unwrap_or_else(|| "headstart".into())
}

/// "98.61 %".
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// "+1.5" or "−1.5", as sentences have it.
pub fn signed(number: f64) -> String {
    format!("{number:+.1}").replace('-', "−")
}
