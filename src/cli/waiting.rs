//! Shows on a terminal how far the reading of a data set is.
use super::output::duration;
use crate::protocol::Preparing;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::time::Instant;

/// A bar that is there as long as something is read, or another thing is waited for.
pub struct Waiting {
    bar: ProgressBar,
    /// Nothing while nothing is shown; else whether it is known how much there is to be done.
    is_counted: Option<bool>,
}

impl Waiting {
    pub fn new(json: bool) -> Self {
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Self { bar, is_counted: None }
    }

    /// Shows what is read now, or takes the bar away.
    pub fn show(&mut self, preparing: Option<Preparing>) {
        match &preparing {
            Some(now) => self.set(now.done, now.total, text(now)),
            None => self.end(),
        }
    }

    /// Shows how much of something is done, from 0 to 1.
    pub fn show_share(&mut self, what: &str, share: f32) {
        let percent = (share * 100.0) as u64;
        self.set(percent, 100, format!("{what}: {percent} %"));
    }

    /// A bar that has no length yet would look as if all were done: a wheel turns instead.
    fn set(&mut self, done: u64, total: u64, text: String) {
        let is_counted = total > 0;
        if self.is_counted != Some(is_counted) {
            self.is_counted = Some(is_counted);
            let style = ProgressStyle::with_template(template(is_counted));
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(text);
        self.bar.tick();
    }

    fn end(&mut self) {
        if self.is_counted.take().is_some() {
            self.bar.finish_and_clear();
            self.bar.reset();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}

/// A bar for examples that are counted here.
pub struct Counter {
    waiting: Waiting,
    what: &'static str,
    total: usize,
    began: Instant,
}

impl Counter {
    pub fn new(what: &'static str, total: usize, json: bool) -> Self {
        Self { waiting: Waiting::new(json), what, total, began: Instant::now() }
    }

    /// Sets how many are done.
    pub fn show(&mut self, done: usize) {
        let secs = self.began.elapsed().as_secs_f64();
        self.waiting.show(Some(Preparing::after(secs, self.what, done as u64, self.total as u64)));
    }
}

fn template(is_counted: bool) -> &'static str {
    if is_counted { "{bar:30} {msg}" } else { "{spinner} {msg}" }
}

/// "Preparing images: 12,000 of 60,000 · 8 s left".
pub fn text(of: &Preparing) -> String {
    let count = format!(": {} of {}", HumanCount(of.done), HumanCount(of.total));
    let count = if of.total > 0 { count } else { "…".into() };
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
        assert_eq!(of(0, 0, None), "Preparing images…");
    }

    #[test]
    fn no_bar_is_drawn_before_there_is_a_length() {
        assert!(!template(false).contains("bar") && template(true).contains("bar"));
        let mut waiting = Waiting { bar: ProgressBar::hidden(), is_counted: None };
        let preparing = |total| Some(Preparing { what: "Reading files", done: 0, total, secs_left: None });
        let mut shown = |preparing| {
            waiting.show(preparing);
            waiting.is_counted
        };
        assert_eq!([preparing(0), preparing(9), None].map(&mut shown), [Some(false), Some(true), None]);
    }
}
