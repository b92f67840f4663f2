//! What was on the pad before, to go back to and forth again.
use super::{keeping::Deed, page::Page};

/// How many changes can be undone.
const KEPT: usize = 50;

#[derive(Default)]
pub struct History {
    past: Vec<Change>,
    /// What was undone, the newest last.
    future: Vec<Change>,
    /// Changes so far, those back and forth included.
    pub changes: usize,
}

/// A page that was on the pad, and what was done with it when it was left for the next one.
struct Change {
    page: Page,
    deed: Option<Deed>,
}

impl History {
    /// Keeps what is about to be changed, and what is done with it.
    pub fn keep(&mut self, page: Page, deed: Option<Deed>) {
        self.future.clear();
        self.changes += 1;
        self.past.push(Change { page, deed });
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

    /// Puts what was there before in place of `page`; gives what is to be undone beside that.
    pub fn undo(&mut self, page: &mut Page) -> Option<&mut Deed> {
        self.changes += 1;
        step(&mut self.past, &mut self.future, page)
    }

    /// Takes back the last [`History::undo`]; gives what is to be done again beside that.
    pub fn redo(&mut self, page: &mut Page) -> Option<&mut Deed> {
        self.changes += 1;
        step(&mut self.future, &mut self.past, page)
    }
}

/// What was done lies between two pages, whichever way it is gone.
fn step<'a>(from: &mut Vec<Change>, to: &'a mut Vec<Change>, page: &mut Page) -> Option<&'a mut Deed> {
    let Change { page: other, deed } = from.pop()?;
    to.push(Change { page: std::mem::replace(page, other), deed });
    to.last_mut()?.deed.as_mut()
}
