//! Text on standard output and standard error. A closed pipe never ends the work that is being reported.
use super::Outcome;
use crate::errors::{plain, visible};
use std::{
    fmt::Display,
    io::{self, Write},
    sync::OnceLock,
};

/// Why standard output takes no more, once it does not.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

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

/// Prints a line on standard error. Where that is closed too, the line is lost.
pub fn complain(text: impl Display) {
    let _nowhere_left = write(&mut io::stderr().lock(), &visible(&text.to_string()));
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

/// "1 h 05 min", "3 min 20 s" or "12 s".
pub fn duration(secs: f64) -> String {
    let secs = secs.round().max(0.0) as u64;
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min {:02} s", secs / 60, secs % 60),
        _ => format!("{} h {:02} min", secs / 3600, secs / 60 % 60),
    }
}
