//! Paper's own brightness, and how much darker or lighter ink is.
//!
//! The paper's brightness at a place is what a morphological closing leaves (Serra, "Image analysis and mathematical
//! morphology", 1982): dark structures narrower than its window vanish, and the straight edge of a shadow or of a desk
//! stays where it is, which a blurred background would not keep.
use crate::data::drawing::grid::Grid;

/// The window's side as a share of the picture's shorter side: more than a stroke is wide, and a blot of a loop.
const WINDOW: f32 = 0.28;
/// The share of a picture that a small digit's ink covers: the darkest of it says how dark ink is.
const INK: f32 = 0.0015;
/// As shares of that darkness: what is paper still, and what is ink entirely.
const RAMP: [f32; 2] = [0.42, 0.65];
/// Ink is darker than paper by this share of the paper's light at least.
const FAINTEST: f32 = 0.08;

/// How much darker than the paper around it each place is, from 0 for paper to 1 for ink. Light ink on dark paper is ink
/// too.
pub fn ink(light: &Grid) -> Grid {
    let reach = ((light.width.min(light.height) as f32 * WINDOW / 2.0) as usize).max(1);
    let seen = if is_light_ink(light, reach) { negative(light) } else { light.clone() };
    let paper = closed(&seen, reach);
    let darker =
        seen.coverage.iter().zip(&paper.coverage).map(|(seen, paper)| (paper - seen) / paper.max(0.1));
    ramped(Grid { coverage: darker.collect(), ..seen })
}

/// Whether what stands out from its surroundings is lighter than they are: the third moment of the differences from local
/// means says on which side the few far ones lie.
fn is_light_ink(light: &Grid, reach: usize) -> bool {
    let around = light.blurred(reach);
    let cubes =
        light.coverage.iter().zip(&around.coverage).map(|(light, around)| f64::from(light - around).powi(3));
    cubes.sum::<f64>() > 0.0
}

fn negative(light: &Grid) -> Grid {
    Grid { coverage: light.coverage.iter().map(|light| 1.0 - light).collect(), ..*light }
}

/// The largest value around, then the smallest of those around: what is darker than all around it within `reach` is gone.
/// At the border the picture goes on as it ends.
fn closed(grid: &Grid, reach: usize) -> Grid {
    let wide = grid.extended(reach);
    wide.slid(reach, f32::max).slid(reach, f32::min).part([
        reach,
        reach,
        reach + grid.width,
        reach + grid.height,
    ])
}

/// Between paper and ink by how dark the darkest is.
fn ramped(darker: Grid) -> Grid {
    let mut sorted = darker.coverage.clone();
    let darkest = sorted.len() - 1 - (sorted.len() as f32 * INK) as usize;
    let (_, darkest, _) = sorted.select_nth_unstable_by(darkest, f32::total_cmp);
    if *darkest < FAINTEST {
        return Grid::blank(darker.width, darker.height);
    }
    let [low, high] = RAMP.map(|share| share * *darkest);
    let coverage = darker.coverage.iter().map(|value| ((value - low) / (high - low)).clamp(0.0, 1.0));
    Grid { coverage: coverage.collect(), ..darker }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paper that is darker on one side of a slanted line, and darker towards the right, with a stroke across both.
    fn photograph(ink: f32, paper: f32) -> Grid {
        let mut stroke = Grid::blank(240, 200);
        stroke.line([60.0, 100.0], [180.0, 90.0], 5.0);
        let light = |place: usize| {
            let (x, y) = ((place % 240) as f32, (place / 240) as f32);
            let shadow = if x + 0.4 * y > 150.0 { 0.5 } else { 1.0 };
            let lamp = 1.0 - 0.3 * x / 240.0;
            (paper + (ink - paper) * stroke.coverage[place]) * shadow * lamp
        };
        Grid { coverage: (0..240 * 200).map(light).collect(), ..stroke }
    }

    #[test]
    fn shadows_are_paper_and_strokes_are_ink_on_either_side_of_their_edge() {
        let found = ink(&photograph(0.1, 0.9));
        assert_eq!(found.bounds(), Some([55, 85, 185, 105]));
        for x in [70, 110, 150, 175] {
            let column: f32 = (0..200).map(|y| found.get(x, y)).sum();
            assert!((8.0..12.0).contains(&column), "{column} in column {x}");
        }
        let chalk = ink(&photograph(0.9, 0.15));
        assert!(chalk.get(70, 99) > 0.9 && chalk.get(70, 50) == 0.0 && chalk.get(200, 20) == 0.0);
    }

    #[test]
    fn blank_paper_has_no_ink() {
        assert_eq!(ink(&photograph(0.9, 0.9)).bounds(), None);
    }
}
