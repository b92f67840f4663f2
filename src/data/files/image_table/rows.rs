//! The pictures that tables name, with their labels, part by part.
use super::{
    super::{PictureFile, finder::Finder, parts::PartName},
    plan::Said,
};
use crate::data::Notes;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// The rows of all tables of a data set.
pub struct Rows {
    found: Vec<Row>,
    /// The label of each picture as a whole, and whether another row says otherwise; by its place and part.
    whole: BTreeMap<(usize, Option<PartName>), (String, bool)>,
    /// The shorter side of the smallest box that is used.
    min_side: f64,
    small: usize,
    again: usize,
}

struct Row {
    place: usize,
    part: Option<PartName>,
    label: String,
    crop: Option<[u32; 4]>,
}

const SEVERAL: &str = "a table gives them several labels and no boxes";

impl Rows {
    pub fn new(min_side: f64) -> Self {
        Self { found: vec![], whole: BTreeMap::new(), min_side, small: 0, again: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds what a row says of the picture at a place.
    pub fn add(&mut self, place: usize, said: Said, finder: &mut Finder, notes: &mut Notes) {
        let own_part = finder.part(place);
        let picture = finder.picture(place);
        picture.is_named = true;
        if let Some(kind) = picture.unreadable {
            return notes.leave_out(&format!("{kind} cannot be read"), &picture.path);
        }
        if said.label.is_empty() {
            return notes.leave_out("a table names them without a label", &picture.path);
        }
        let part = said.part.or(own_part);
        let Some(bounds) = said.bounds else {
            match self.whole.get_mut(&(place, part)) {
                None => {
                    self.whole.insert((place, part), (said.label.clone(), false));
                    self.found.push(Row { place, part, label: said.label, crop: None });
                }
                Some((label, _)) if *label == said.label => self.again += 1,
                Some((_, is_several)) => *is_several = true,
            }
            return;
        };
        match bounds {
            Err(error) => notes.leave_out(&format!("{error:#}"), &picture.path),
            Ok([_, _, width, height]) if width.min(height) < self.min_side => self.small += 1,
            Ok([left, top, width, height]) => {
                // what lies beyond the left and the upper edge is no part of the picture; casts saturate
                let crop = [left.max(0.0), top.max(0.0), width + left.min(0.0), height + top.min(0.0)];
                let crop = Some(crop.map(|number| number as u32));
                self.found.push(Row { place, part, label: said.label, crop });
            }
        }
    }

    /// The pictures to train on, and those to test on, with their labels as written.
    ///
    /// # Errors
    /// Where there are none to train on.
    pub fn parts(self, finder: &Finder, notes: &mut Notes) -> Result<[Vec<(PictureFile, String)>; 2]> {
        let Self { found, whole, small, again, min_side, .. } = self;
        if small > 0 {
            notes.remarks.push(format!("{small} boxes are smaller than {min_side} pixels, and are left out"));
        }
        if again > 0 {
            notes.remarks.push(format!("{again} rows name a picture again, with the same label"));
        }
        let has = |part| found.iter().any(|row| row.part == part);
        let (has_train, has_test) = (has(Some(PartName::Train)), has(Some(PartName::Test)));
        let (mut train, mut test) = (vec![], vec![]);
        for Row { place, part, label, crop } in found {
            let path = &finder.pictures()[place].path;
            let is_several = crop.is_none() && whole.get(&(place, part)).is_some_and(|(_, several)| *several);
            if is_several {
                notes.leave_out(SEVERAL, path);
                continue;
            }
            let picture = PictureFile { path: path.clone(), crop };
            match part {
                Some(PartName::Validation) if has_train && has_test => {
                    notes.leave_out("the validation part is not used, as there is a test part", path);
                }
                Some(PartName::Validation | PartName::Test) if has_train => test.push((picture, label)),
                None if has_train => notes.leave_out("they are of no part, while others are", path),
                _ => train.push((picture, label)),
            }
        }
        let several = || notes.left_out.iter().any(|left| left.why == SEVERAL);
        ensure!(
            !train.is_empty() || !several(),
            "The table gives each picture several labels, and a classifier learns one: write a line for each picture, or columns xmin, ymin, xmax and ymax for the box of each label"
        );
        ensure!(!train.is_empty(), "None of the pictures is of the training part");
        Ok([train, test])
    }
}
