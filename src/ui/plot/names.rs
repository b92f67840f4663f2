//! Names at the ends of lines, where there is room for them: never over a line, never over each other.
use egui::{Pos2, Rect, Vec2, vec2};

/// With more runs than that, no names stand in the plot.
pub const MOST: usize = 8;
/// The longest name, in points; what is longer is cut.
pub const WIDEST: f32 = 120.0;
/// Between the end of a line and its name.
const GAP: f32 = 10.0;

/// Where names of these sizes go, the most important first: right of the ends of their lines or a little above or
/// below, or is left out.
pub fn places(names: &[(Pos2, Vec2)], lines: &[Vec<Pos2>], frame: Rect) -> Vec<Option<Rect>> {
    let mut taken: Vec<Rect> = vec![];
    let place = |(end, size): &(Pos2, Vec2)| {
        let offsets = [0.0, -1.0, 1.0, -2.0, 2.0].map(|rows| rows * size.y);
        let at = |dy: f32| Rect::from_min_size(*end + vec2(GAP, dy - size.y / 2.0), *size);
        let is_free = |rect: &Rect| {
            frame.contains_rect(*rect)
                && !taken.iter().any(|other| other.intersects(*rect))
                && !lines.iter().any(|line| crosses(line, rect.expand(1.0)))
        };
        let found = offsets.into_iter().map(at).find(is_free);
        taken.extend(found);
        found
    };
    names.iter().map(place).collect()
}

/// Whether a line from point to point touches a rectangle.
fn crosses(line: &[Pos2], rect: Rect) -> bool {
    let is_beside = |a: Pos2, b: Pos2| {
        a.x.max(b.x) < rect.left()
            || a.x.min(b.x) > rect.right()
            || a.y.max(b.y) < rect.top()
            || a.y.min(b.y) > rect.bottom()
    };
    let is_cut = |a: Pos2, b: Pos2| {
        // The part of the way from a to b that lies between the rectangle's sides is looked at: y at both of its ends.
        let at = |x: f32| if b.x == a.x { a.y } else { a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x) };
        let (left, right) = (a.x.min(b.x).max(rect.left()), a.x.max(b.x).min(rect.right()));
        let ys = if a.x == b.x { [a.y, b.y] } else { [at(left), at(right)] };
        ys[0].min(ys[1]) <= rect.bottom() && ys[0].max(ys[1]) >= rect.top()
    };
    if let [only] = line {
        return rect.contains(*only);
    }
    line.windows(2).any(|pair| !is_beside(pair[0], pair[1]) && is_cut(pair[0], pair[1]))
}

/// The end of a curve: its last point on the screen.
pub fn end(line: &[Pos2], frame: Rect) -> Option<Pos2> {
    let last = *line.last()?;
    frame.expand(1.0).contains(last).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    const FRAME: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(400.0, 100.0) };
    const SIZE: Vec2 = vec2(80.0, 14.0);

    #[test]
    fn a_name_stands_right_of_its_line_or_a_little_beside() {
        let lines = [vec![pos2(0.0, 90.0), pos2(200.0, 50.0)], vec![pos2(0.0, 80.0), pos2(200.0, 52.0)]];
        let ends = lines.each_ref().map(|line| (line[1], SIZE));
        let found = places(&ends, &lines, FRAME);
        assert_eq!(found[0].unwrap().left_center(), pos2(210.0, 50.0));
        let second = found[1].unwrap();
        assert!(!second.intersects(found[0].unwrap()) && (second.center().y - 52.0).abs() < 30.0);
    }

    #[test]
    fn a_name_never_stands_on_a_line_or_outside() {
        let short = vec![pos2(0.0, 50.0), pos2(100.0, 50.0)];
        let zigzag: Vec<Pos2> =
            (0..40).map(|at| pos2(10.0 * at as f32, if at % 2 == 0 { 5.0 } else { 95.0 })).collect();
        assert_eq!(places(&[(short[1], SIZE)], &[short.clone(), zigzag], FRAME), [None]);
        assert_eq!(places(&[(pos2(380.0, 50.0), SIZE)], &[], FRAME), [None], "it would leave the plot");
        let steep = vec![pos2(150.0, -1000.0), pos2(151.0, 1000.0)];
        assert_eq!(places(&[(short[1], SIZE)], &[short.clone(), steep], FRAME), [None]);
        assert!(places(&[(short[1], SIZE)], &[short], FRAME)[0].is_some());
    }
}
