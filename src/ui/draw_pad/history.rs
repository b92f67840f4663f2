//! What was on the pad before, to go back to and forth again.
use super::page::Page;

/// How many changes can be undone.
const KEPT: usize = 50;

#[derive(Default)]
pub struct History {
    past: Vec<Page>,
    /// What was undone, the newest last.
    future: Vec<Page>,
}

impl History {
    /// Keeps what is about to be changed.
    pub fn keep(&mut self, page: Page) {
        self.future.clear();
        self.past.push(page);
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Puts what was there before in place of `page`.
    pub fn undo(&mut self, page: &mut Page) {
        step(&mut self.past, &mut self.future, page);
    }

    /// Takes back the last [`History::undo`].
    pub fn redo(&mut self, page: &mut Page) {
        step(&mut self.future, &mut self.past, page);
    }
}

fn step(from: &mut Vec<Page>, to: &mut Vec<Page>, page: &mut Page) {
    if let Some(other) = from.pop() {
        to.push(std::mem::replace(page, other));
    }
}
