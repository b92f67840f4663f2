//! Shows on a terminal how far the reading of a data set is.
use super::output::duration;
use crate::protocol::Preparing;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// A bar that is there as long as something is read.
pub struct Waiting {
    bar: ProgressBar,
    is_shown: bool,
}

impl Waiting {
    pub fn new(json: bool) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {msg}");
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Self { bar: bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())), is_shown: false }
    }

    /// Shows what is read now, or takes the bar away.
    pub fn show(&mut self, preparing: Option<Preparing>) {
        if let Some(now) = &preparing {
            self.bar.set_length(now.total);
            self.bar.set_position(now.done);
            self.bar.set_message(text(now));
        } else if self.is_shown {
            self.bar.finish_and_clear();
            self.bar.reset();
        }
        self.is_shown = preparing.is_some();
    }
}

/// "Preparing images: 12,000 of 60,000 · 8 s left".
fn text(of: &Preparing) -> String {
    let count = format!(": {} of {}", HumanCount(of.done), HumanCount(of.total));
    let count = if of.total > 0 { count } else { String::new() };
    let left = of.secs_left.map_or(String::new(), |secs| format!(" · {} left", duration(secs)));
    format!("{}{count}{left}", of.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_much_is_done_and_how_long_it_takes() {
        let of =
            |done, total, secs_left| text(&Preparing { what: "Preparing images", done, total, secs_left });
        assert_eq!(of(12_000, 60_000, Some(8.2)), "Preparing images: 12,000 of 60,000 · 8 s left");
        assert_eq!(of(0, 0, None), "Preparing images");
    }
}
