//! What the last feature maps of a drawing come to, in one sentence.
use crate::{
    explanation::Third,
    inside::{FeatureMaps, Inside},
    ui::{views::region::region, widgets::thousands},
};

/// Values below this share of the largest one are painted black.
const BLACK: f32 = 1.0 / 255.0;

/// "52 of the 64 maps of conv2 light up and 12 stay dark; map 41 is the brightest, in its lower left part", of the layer that is
/// nearest to the answer.
pub fn sentence(found: &Inside) -> Option<String> {
    let maps = found.layers.last()?;
    let (layer, count) = (&maps.name, maps.count());
    let (map, at) = brightest(maps)?;
    let threshold = maps.strongest() * BLACK;
    let lit = (0..count).filter(|map| maps.map(*map).iter().any(|value| *value >= threshold)).count();
    let lit_up = match count - lit {
        0 if count == 1 => format!("The one map of {layer} lights up"),
        0 => format!("All {count} maps of {layer} light up"),
        dark => {
            format!("{lit} of the {count} maps of {layer} light up and {} stay dark", thousands(dark as u64))
        }
    };
    let (row, column) = (at / maps.width, at % maps.width);
    let place = region(Third::of(row, maps.height), Third::of(column, maps.width));
    let place = place.map_or(String::new(), |place| format!(", in its {place} part"));
    Some(format!("{lit_up}; map {map} is the brightest{place}."))
}

/// The map with the largest value, and the place of that in it; none where nothing is above 0.
fn brightest(maps: &FeatureMaps) -> Option<(usize, usize)> {
    let area = maps.height * maps.width;
    let values = maps.values.iter().enumerate().filter(|(_, value)| **value > 0.0);
    let (at, _) = values.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
    Some((at / area, at % area))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(values: Vec<f32>) -> Inside {
        let maps = FeatureMaps { name: "conv2".into(), height: 3, width: 3, values };
        Inside { filters: None, layers: vec![maps] }
    }

    #[test]
    fn what_is_bright_and_what_is_dark_is_counted() {
        let mut values = vec![0.0; 4 * 9];
        // The third map, in its last row and first column; the first is painted black, the last one is not.
        (values[0], values[2 * 9 + 6], values[3 * 9 + 4]) = (0.01, 5.0, 0.1);
        let told = "2 of the 4 maps of conv2 light up and 2 stay dark; map 2 is the brightest, in its lower left part.";
        assert_eq!(sentence(&inside(values)).as_deref(), Some(told));
        let told = "The one map of conv2 lights up; map 0 is the brightest, in its upper left part.";
        assert_eq!(sentence(&inside(vec![2.0; 9])).as_deref(), Some(told));
    }

    #[test]
    fn where_nothing_lights_up_nothing_is_said() {
        assert_eq!(sentence(&inside(vec![-1.0; 9])), None);
        assert_eq!(sentence(&Inside { filters: None, layers: vec![] }), None);
    }
}
