//! A framed image as it would look elsewhere, turned, or in another size.
use super::SIDE;

/// How an image is moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Pixels to the right and downwards.
    pub shift: [f32; 2],
    /// Degrees, clockwise.
    pub rotation: f32,
    /// A factor.
    pub size: f32,
}

impl Default for Pose {
    fn default() -> Self {
        Self { shift: [0.0; 2], rotation: 0.0, size: 1.0 }
    }
}

impl Pose {
    /// A framed image, 28 by 28, turned and scaled about its middle and then shifted, between pixels along straight lines;
    /// what comes in from outside is paper.
    pub fn apply(&self, framed: &[u8]) -> Vec<u8> {
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let middle = (SIDE - 1) as f32 / 2.0;
        let place = |at: usize| {
            let x = ((at % SIDE) as f32 - middle - self.shift[0]) / self.size;
            let y = ((at / SIDE) as f32 - middle - self.shift[1]) / self.size;
            sample(framed, [x * cos + y * sin + middle, y * cos - x * sin + middle])
        };
        (0..SIDE * SIDE).map(place).collect()
    }
}

fn sample(framed: &[u8], [x, y]: [f32; 2]) -> u8 {
    let at = |x: f32, y: f32| {
        let within = (0.0..SIDE as f32).contains(&x) && (0.0..SIDE as f32).contains(&y);
        if within { f32::from(framed[y as usize * SIDE + x as usize]) } else { 0.0 }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = (x - left, y - top);
    let upper = at(left, top) * (1.0 - right) + at(left + 1.0, top) * right;
    let lower = at(left, top + 1.0) * (1.0 - right) + at(left + 1.0, top + 1.0) * right;
    (upper * (1.0 - below) + lower * below).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A single pixel of ink, to the right and below.
    fn dot(x: usize, y: usize) -> Vec<u8> {
        let mut image = vec![0; SIDE * SIDE];
        image[y * SIDE + x] = 255;
        image
    }

    #[test]
    fn images_stay_move_turn_and_grow() {
        let image = dot(20, 10);
        assert_eq!(Pose::default().apply(&image), image);
        assert_eq!(Pose { shift: [3.0, -2.0], ..Pose::default() }.apply(&image), dot(23, 8));
        // (6.5, −3.5) from the middle, a quarter clockwise, is (3.5, 6.5)
        assert_eq!(Pose { rotation: 90.0, ..Pose::default() }.apply(&image), dot(17, 20));
        let halves = Pose { shift: [0.5, 0.0], ..Pose::default() }.apply(&image);
        assert_eq!([halves[10 * SIDE + 20], halves[10 * SIDE + 21]], [128, 128]);
        let mass = |image: &[u8]| image.iter().map(|v| f32::from(*v)).sum::<f32>() / 255.0;
        let large = Pose { size: 2.0, ..Pose::default() }.apply(&dot(15, 12));
        assert!((mass(&large) - 4.0).abs() < 0.1, "{}", mass(&large));
        let gone = Pose { shift: [40.0, 0.0], ..Pose::default() }.apply(&image);
        assert_eq!(mass(&gone), 0.0);
    }
}
