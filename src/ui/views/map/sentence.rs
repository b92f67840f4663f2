//! What a map shows, and where the drawing lies on it, in one sentence.
use crate::{
    embedding::{Map, Placement},
    metrics::Split,
    ui::widgets::{thousands, whole_percent},
};

/// Of the drawing, which `name` calls it, where it is placed: "9 of the 10 images nearest to the drawing are of class 7; it lies
/// closer to the nearest than 95 % of the training images do to theirs." Else of the images alone.
pub fn sentence(map: &Map, placed: Option<(&Placement, &str)>) -> String {
    placed.and_then(|(placement, name)| of_drawing(map, placement, name)).unwrap_or_else(|| of_images(map))
}

fn of_drawing(map: &Map, placement: &Placement, name: &str) -> Option<String> {
    let (_, distance) = *placement.nearest.first()?;
    let labels = || placement.nearest.iter().map(|(image, _)| map.embedded.labels[*image]);
    let count = |label: u16| labels().filter(|other| *other == label).count();
    // Of classes with equally many, that of the nearest.
    let most = labels().rev().max_by_key(|label| count(*label))?;
    let class = map.embedded.class_names.get(usize::from(most)).map_or("?", String::as_str);
    let mut told = format!(
        "{} of the {} images nearest to the {name} are of class {class}",
        count(most),
        placement.nearest.len()
    );
    let farther = map.neighbourhood.as_ref().and_then(|found| found.gaps.farther(distance));
    if let Some(farther) = farther {
        let (way, share) =
            if farther < 0.5 { ("farther from", 1.0 - farther) } else { ("closer to", farther) };
        let to = if farther < 0.5 { "from" } else { "to" };
        let (share, images) = (whole_percent(share), images(map.embedded.split));
        told += &format!("; it lies {way} the nearest than {share} of the {images} do {to} theirs");
    }
    Some(told + ".")
}

fn of_images(map: &Map) -> String {
    let count = thousands(map.embedded.labels.len() as u64);
    let images = images(map.embedded.split);
    match &map.neighbourhood {
        Some(found) => format!(
            "Of {count} {images}, {} lie nearest to one of their own class, as the network sees them.",
            whole_percent(found.alike)
        ),
        None => format!(
            "{count} {images} as the network sees them: those that it takes to be alike lie together."
        ),
    }
}

fn images(split: Split) -> &'static str {
    match split {
        Split::Train => "training images",
        Split::Validation => "validation images",
        Split::Test => "test images",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        embedding::{Embedded, Gaps, MapMethod, Neighbourhood, Pca},
        shape::ImageShape,
    };
    use std::sync::Arc;

    fn map(neighbourhood: Option<Neighbourhood>) -> Map {
        let embedded = Embedded {
            split: Split::Test,
            class_names: ["1", "7"].map(String::from).into(),
            examples: (0..4).collect(),
            labels: vec![0, 1, 1, 0],
            dimensions: 1,
            rows: vec![0.0; 4],
            thumbnail_shape: ImageShape::new(1, 1, 1),
            thumbnails: vec![0; 4],
        };
        let (method, positions) = (MapMethod::Tsne, vec![[0.0; 2]; 4]);
        let neighbourhood = neighbourhood.map(Arc::new);
        Map { embedded: Arc::new(embedded), method, positions, pca: Pca::default(), neighbourhood }
    }

    fn compared() -> Option<Neighbourhood> {
        let gaps = Gaps::new((1..=20).map(|gap| gap as f32).collect());
        Some(Neighbourhood { gaps, alike: 0.75 })
    }

    #[test]
    fn a_drawing_is_told_by_its_neighbours() {
        let placed = |distance| {
            let nearest = vec![(1, distance), (0, 30.0), (2, 40.0)];
            Placement { position: [0.0; 2], nearest }
        };
        let told = |map: &Map, distance| sentence(map, Some((&placed(distance), "drawing")));
        let near = "2 of the 3 images nearest to the drawing are of class 7; it lies closer to the nearest than 95 % of the test images do to theirs.";
        assert_eq!(told(&map(compared()), 1.5), near);
        let far = "2 of the 3 images nearest to the drawing are of class 7; it lies farther from the nearest than 90 % of the test images do from theirs.";
        assert_eq!(told(&map(compared()), 18.5), far);
        assert_eq!(told(&map(None), 1.5), "2 of the 3 images nearest to the drawing are of class 7.");
        let tie = Placement { position: [0.0; 2], nearest: vec![(3, 1.0), (1, 2.0)] };
        assert!(
            sentence(&map(None), Some((&tie, "image")))
                .starts_with("1 of the 2 images nearest to the image are of class 1")
        );
    }

    #[test]
    fn a_map_without_a_drawing_is_told_by_its_images() {
        let told = "Of 4 test images, 75 % lie nearest to one of their own class, as the network sees them.";
        assert_eq!(sentence(&map(compared()), None), told);
        assert!(sentence(&map(None), None).starts_with("4 test images as the network sees them"));
    }
}
