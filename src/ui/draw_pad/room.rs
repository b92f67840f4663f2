//! How large the pad is in the room there is, and where the bars are.
use egui::Vec2;

/// The pad is never smaller than this, in points, where the room is as wide.
const LEAST: f32 = 240.0;
/// Bars need so much width beside the pad, in points.
const BARS: f32 = 104.0;
/// The share of the width that bars get beside the pad where there is more.
const SHARE: f32 = 0.3;
/// Bars are no wider than the pad is, by this factor.
const WIDEST: f32 = 1.1;
/// The height of the bars beneath the pad, in points.
const BENEATH: f32 = 190.0;
/// Between the two, in points.
pub const GAP: f32 = 8.0;

/// Sizes in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Of the pad, which is a square.
    pub side: f32,
    /// Width and height of all bars.
    pub bars: Vec2,
    pub is_beside: bool,
}

impl Room {
    /// The largest pad that leaves room for the bars: beside it, or beneath it where the room is narrow.
    pub fn of(size: Vec2) -> Self {
        let widest = size.x - GAP - BARS;
        if widest < LEAST {
            let side = size.x.min((size.y - BENEATH).max(LEAST));
            return Self { side, bars: Vec2::new(size.x, BENEATH), is_beside: false };
        }
        let side = (size.x * (1.0 - SHARE) - GAP).clamp(LEAST, widest).min(size.y.max(LEAST));
        let width = (size.x - GAP - side).min(side * WIDEST);
        Self { side, bars: Vec2::new(width, side), is_beside: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: f32, height: f32) -> (f32, bool) {
        let room = Room::of(Vec2::new(width, height));
        (room.side.round(), room.is_beside)
    }

    #[test]
    fn the_pad_is_as_large_as_the_room_allows() {
        assert_eq!(of(352.0, 400.0), (240.0, true), "the narrowest with bars beside the pad");
        assert_eq!(of(512.0, 600.0), (350.0, true));
        assert_eq!(of(512.0, 300.0), (300.0, true));
        assert_eq!(of(512.0, 100.0), (240.0, true), "it would rather scroll");
        assert_eq!(of(300.0, 700.0), (300.0, false));
        assert_eq!(of(300.0, 400.0), (240.0, false));
        assert_eq!(of(208.0, 400.0), (208.0, false), "there is no more");
        let screen = Room::of(Vec2::new(1880.0, 900.0));
        assert_eq!((screen.side, screen.bars.x.round()), (900.0, 972.0));
    }
}
