//! Lines on standard output that survive a closed pipe.
use std::io::Write as _;

/// Prints a line; a reader that went away ends the program quietly.
pub fn line(text: impl std::fmt::Display) {
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// "98.61 %".
pub fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
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
