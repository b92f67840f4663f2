//! Boxes in photographs, each of which becomes an image: what COCO, Pascal VOC and YOLO have in common.
use super::{
    Contents, Images, Part, PictureFile, name,
    pictures::{self, Stored},
};
use crate::{
    data::{Notes, watch::Watch},
    errors::{At as _, Remark},
};
use anyhow::{Result, anyhow, ensure};
use image::metadata::Orientation;
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// How far the sides of a photograph may be from those that are said of it, as a share, where it is another size of it.
const SAME_FORM: f64 = 0.02;

/// What a file of boxes, or a folder of them, holds.
#[derive(Default)]
pub struct Found {
    /// The file or folder.
    pub path: PathBuf,
    /// Photographs with boxes in them.
    pub photographs: Vec<Photograph>,
    /// The boxes.
    pub boxes: Vec<Marked>,
    /// Boxes that are left out already, by the reason, which follows their number: "mark crowds".
    pub left: BTreeMap<&'static str, usize>,
}

/// A photograph that boxes lie in.
pub struct Photograph {
    /// The file.
    pub path: PathBuf,
    /// In what the boxes are measured.
    pub measure: Measure,
}

/// In what boxes of a photograph are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// Pixels, of a photograph of this width and height where that is said: as it is stored, or as a camera's note turns it.
    Pixels(Option<[u32; 2]>),
    /// Shares of the width and height of the photograph as it is seen.
    Shares,
}

/// A box.
pub struct Marked {
    /// Its place among the photographs.
    pub photograph: usize,
    /// Its place among the names of the classes.
    pub class: usize,
    /// Left, top, width and height.
    pub rect: [f64; 4],
}

/// Cuts the boxes out. Those classes that some box to train on is of are kept, in their order.
///
/// # Errors
/// Where nothing is left to train on, or reading was stopped.
pub fn cut(
    names: &[String],
    train: Vec<Found>,
    test: Vec<Found>,
    min_side: f64,
    watch: &Watch,
    mut notes: Notes,
) -> Result<Contents> {
    let first = train.first().map(|found| found.path.clone()).unwrap_or_default();
    let photographs = train.iter().chain(&test).map(|found| found.photographs.len());
    watch.expect("Looking at photographs", photographs.sum());
    let train = pieces(train, min_side, watch, &mut notes)?;
    let test = pieces(test, min_side, watch, &mut notes)?;
    if train.is_empty() && !notes.passed_over.is_empty() {
        return Err(notes.nothing_left(""));
    }
    ensure!(
        !train.is_empty(),
        anyhow!("None of the boxes is large enough and lies in a photograph that is there: put the photographs beside the file, or choose a smaller min_box_size").at(&first)
    );
    let used: BTreeSet<usize> = train.iter().map(|(class, _)| *class).collect();
    let places: BTreeMap<usize, usize> =
        used.iter().enumerate().map(|(place, class)| (*class, place)).collect();
    let class_names = used.iter().map(|class| names.get(*class).cloned().unwrap_or_default()).collect();
    let strange = test.iter().filter(|(class, _)| !used.contains(class)).count();
    if strange > 0 {
        notes.remarks.push(format!(
            "{strange} boxes of the test part are of classes that no box to train on is of, and are left out"
        ));
    }
    let part = |pieces: Vec<(usize, PictureFile)>| {
        let pieces = pieces.into_iter().filter_map(|(class, file)| Some((*places.get(&class)?, file)));
        let (labels, pictures): (Vec<usize>, Vec<PictureFile>) = pieces.unzip();
        Part { images: Images::Pictures(pictures), labels }
    };
    let (train, test) = (part(train), part(test));
    let test = (!test.labels.is_empty()).then_some(test);
    Ok(Contents { class_names, train, test, notes })
}

/// The class and the place of each box that is kept.
fn pieces(
    found: Vec<Found>,
    min_side: f64,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<Vec<(usize, PictureFile)>> {
    let mut pieces = vec![];
    for Found { path, photographs, boxes, left } in found {
        let stored: Vec<Result<Stored>> = photographs
            .par_iter()
            .map(|photograph| {
                watch.did(1)?;
                pictures::stored(&photograph.path)
            })
            .collect();
        watch.go_on()?;
        let mut left: BTreeMap<String, usize> =
            left.into_iter().map(|(why, count)| (why.to_owned(), count)).collect();
        let mut leave = |why: String| *left.entry(why).or_default() += 1;
        for (photograph, stored) in photographs.iter().zip(&stored) {
            if let Err(error) = stored {
                let text = format!("A picture cannot be read, so replace or remove it: {error:#}");
                notes.pass_over(Remark::new(text, &photograph.path));
            }
        }
        for Marked { photograph, class, rect } in boxes {
            let (Some(photograph), Some(Ok(stored))) = (photographs.get(photograph), stored.get(photograph))
            else {
                leave("lie in pictures that cannot be read".into());
                continue;
            };
            let Some(upright) = upright(rect, photograph.measure, *stored) else {
                leave("lie in photographs of another form than is said of them".into());
                continue;
            };
            match clipped(upright, stored.upright()) {
                None => leave("lie outside of their photographs".into()),
                Some([_, _, width, height]) if width.min(height) < min_side => {
                    leave(format!("are smaller than {min_side} pixels"));
                }
                Some(inside) => {
                    // casts saturate, so that no number in the file overflows
                    let crop = Some(inside.map(|number| number as u32));
                    pieces.push((class, PictureFile { path: photograph.path.clone(), crop }));
                }
            }
        }
        if !left.is_empty() {
            let total: usize = left.values().sum();
            let reasons: Vec<String> = left.iter().map(|(why, count)| format!("{count} {why}")).collect();
            notes.remarks.push(format!(
                "{total} boxes of {} are left out: {}",
                name(&path),
                reasons.join(", ")
            ));
        }
    }
    Ok(pieces)
}

/// A box in pixels of the photograph as it is seen; nothing where the photograph has another form than is said of it.
fn upright(rect: [f64; 4], measure: Measure, stored: Stored) -> Option<[f64; 4]> {
    let (own, seen) = (stored.size.map(f64::from), stored.upright());
    let [left, top, width, height] = rect;
    match measure {
        Measure::Shares => Some([left * seen[0], top * seen[1], width * seen[0], height * seen[1]]),
        Measure::Pixels(None) => Some(turned(rect, own, stored.orientation)),
        Measure::Pixels(Some(said)) => {
            let said = said.map(f64::from);
            if said == own {
                return Some(turned(rect, own, stored.orientation));
            }
            let scaled = |actual: [f64; 2]| {
                let [wide, high] = [actual[0] / said[0], actual[1] / said[1]];
                let is_alike = (wide / high - 1.0).abs() <= SAME_FORM;
                is_alike.then_some([left * wide, top * high, width * wide, height * high])
            };
            if said == seen {
                return Some(rect);
            }
            scaled(own).map(|rect| turned(rect, own, stored.orientation)).or_else(|| scaled(seen))
        }
    }
}

/// A box in a photograph of a width and height as it is stored, where it is once that has been turned.
fn turned(rect: [f64; 4], [wide, high]: [f64; 2], orientation: Orientation) -> [f64; 4] {
    let [left, top, width, height] = rect;
    let (right, bottom) = (wide - left - width, high - top - height);
    match orientation {
        Orientation::NoTransforms => rect,
        Orientation::FlipHorizontal => [right, top, width, height],
        Orientation::Rotate180 => [right, bottom, width, height],
        Orientation::FlipVertical => [left, bottom, width, height],
        Orientation::Rotate90 => [bottom, left, height, width],
        Orientation::Rotate270 => [top, right, height, width],
        Orientation::Rotate90FlipH => [top, left, height, width],
        Orientation::Rotate270FlipH => [bottom, right, height, width],
    }
}

/// What of a box lies in a photograph of a width and height.
fn clipped([left, top, width, height]: [f64; 4], [wide, high]: [f64; 2]) -> Option<[f64; 4]> {
    // what lies within keeps its numbers to the last bit
    let side = |start: f64, length: f64, most: f64| {
        let inside = length - (-start).max(0.0) - (start + length - most).max(0.0);
        (start.max(0.0), inside)
    };
    let ((left, width), (top, height)) = (side(left, width, wide), side(top, height, high));
    (width > 0.0 && height > 0.0).then_some([left, top, width, height])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_clipped_by_what_lies_within() {
        let size = [100.0, 50.0];
        assert_eq!(clipped([10.5, 3.5, 30.0, 40.0], size), Some([10.5, 3.5, 30.0, 40.0]));
        assert_eq!(clipped([-10.0, -5.0, 30.0, 20.0], size), Some([0.0, 0.0, 20.0, 15.0]));
        assert_eq!(clipped([90.0, 40.0, 30.0, 20.0], size), Some([90.0, 40.0, 10.0, 10.0]));
        assert_eq!(clipped([-10.0, -5.0, 300.0, 200.0], size), Some([0.0, 0.0, 100.0, 50.0]));
        for outside in [[100.0, 0.0, 5.0, 5.0], [-5.0, 0.0, 5.0, 5.0], [0.0, 0.0, 0.0, 5.0], [f64::NAN; 4]] {
            assert_eq!(clipped(outside, size), None, "{outside:?}");
        }
    }

    /// A pixel of an image is where its box is, however a camera has turned it.
    #[test]
    fn boxes_turn_with_the_picture() {
        use image::{DynamicImage, GrayImage};
        let (at, size) = ([1u32, 2u32], [5u32, 4u32]);
        let stored = GrayImage::from_fn(size[0], size[1], |x, y| [u8::from([x, y] == at) * 255].into());
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let mut image = DynamicImage::from(stored.clone());
            image.apply_orientation(orientation);
            let rect = [f64::from(at[0]), f64::from(at[1]), 1.0, 1.0];
            let [left, top, width, height] = turned(rect, size.map(f64::from), orientation);
            assert_eq!([width, height], [1.0, 1.0]);
            assert_eq!(image.to_luma8().get_pixel(left as u32, top as u32).0, [255], "{exif}");
        }
    }

    #[test]
    fn what_is_said_of_a_photograph_says_how_its_boxes_lie() {
        let stored = Stored { size: [40, 20], orientation: Orientation::Rotate90 };
        let rect = [2.0, 4.0, 6.0, 8.0];
        let of = |measure| upright(rect, measure, stored);
        let turned = Some([8.0, 2.0, 8.0, 6.0]);
        assert_eq!(of(Measure::Pixels(Some([40, 20]))), turned);
        assert_eq!(of(Measure::Pixels(None)), turned);
        assert_eq!(of(Measure::Pixels(Some([20, 40]))), Some(rect));
        // made smaller since
        assert_eq!(of(Measure::Pixels(Some([80, 40]))), Some([14.0, 1.0, 4.0, 3.0]));
        assert_eq!(of(Measure::Pixels(Some([30, 40]))), None);
        assert_eq!(upright([0.5, 0.25, 0.5, 0.5], Measure::Shares, stored), Some([10.0, 10.0, 10.0, 20.0]));
        let square = Stored { size: [20, 20], ..stored };
        assert_eq!(upright(rect, Measure::Pixels(Some([20, 20])), square), Some([8.0, 2.0, 8.0, 6.0]));
    }
}
