//! The pen's way across the pad, out of the pointer's events.
use egui::{Event, PointerButton, Pos2, TouchPhase};

/// Where the pen is between two events. It has to see every event, in order: several strokes fit into one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pen {
    #[default]
    Up,
    Down,
    /// Held down outside the window: which way it goes there is unknown.
    Away,
}

/// What an event does to the strokes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// The pen is put down.
    Press(Pos2),
    /// It comes back into the window: a line of its own, of the same stroke.
    Return(Pos2),
    Draw(Pos2),
}

impl Pen {
    /// Follows one event. A stroke begins only where `is_pad` says that the pad would be touched, and may end anywhere.
    ///
    /// Of several fingers egui-winit makes a pointer of the first alone, but lets another one that stays on the screen
    /// move that pointer once the first is lifted: what moves without having been pressed draws nothing.
    pub fn follow(&mut self, event: &Event, is_pad: impl Fn(Pos2) -> bool) -> Option<Mark> {
        let before = *self;
        match *event {
            Event::PointerButton { pos, button: PointerButton::Primary, pressed, .. } => {
                *self = if pressed && is_pad(pos) { Pen::Down } else { Pen::Up };
                if pressed { (*self == Pen::Down).then_some(Mark::Press(pos)) } else { before.mark(pos) }
            }
            Event::PointerMoved(pos) => {
                if before == Pen::Away {
                    *self = Pen::Down;
                }
                before.mark(pos)
            }
            Event::PointerGone if before == Pen::Down => {
                *self = Pen::Away;
                None
            }
            Event::Touch { phase: TouchPhase::Cancel, .. } => {
                *self = Pen::Up;
                None
            }
            _ => None,
        }
    }

    /// What it draws when it is seen at a place.
    fn mark(self, pos: Pos2) -> Option<Mark> {
        match self {
            Pen::Up => None,
            Pen::Down => Some(Mark::Draw(pos)),
            Pen::Away => Some(Mark::Return(pos)),
        }
    }
}
