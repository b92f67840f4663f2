//! COCO's JSON, as many programs write it: identifiers may be numbers or texts, and what is not needed may be missing.
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// A file of boxes.
#[derive(Deserialize)]
pub struct Instances {
    /// The photographs.
    pub images: Vec<Photograph>,
    /// The boxes.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// The classes.
    #[serde(default)]
    pub categories: Vec<Category>,
}

/// A photograph.
#[derive(Deserialize)]
pub struct Photograph {
    /// What annotations call it.
    pub id: Id,
    /// Its file, perhaps with folders, or with those of another computer.
    pub file_name: String,
    /// Its width, where that is said.
    #[serde(default)]
    pub width: Number,
    /// Its height.
    #[serde(default)]
    pub height: Number,
}

/// An object in a photograph.
#[derive(Deserialize)]
pub struct Annotation {
    /// The photograph.
    pub image_id: Id,
    /// The class.
    #[serde(default)]
    pub category_id: Option<Id>,
    /// Left, top, width and height, where it has them.
    #[serde(default)]
    pub bbox: Numbers,
    /// Where its outline reaches.
    #[serde(default)]
    pub segmentation: Extent,
    /// Whether it is a crowd of objects.
    #[serde(default)]
    pub iscrowd: Number,
}

impl Annotation {
    /// Left, top, width and height: those that are said, else those of the outline.
    pub fn rect(&self) -> Option<[f64; 4]> {
        let said = <[f64; 4]>::try_from(self.bbox.0.as_slice()).ok();
        said.or_else(|| {
            let [left, top, right, bottom] = self.segmentation.0?;
            Some([left, top, right - left, bottom - top])
        })
    }
}

/// A class.
#[derive(Deserialize)]
pub struct Category {
    /// What annotations call it.
    pub id: Id,
    /// Its name.
    pub name: Id,
}

/// An identifier: numbers are in order of their size, texts of numbers are those numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Number(number) => write!(f, "{number}"),
            Id::Text(text) => f.write_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Of;
        impl Visitor<'_> for Of {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number or a text")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
                Ok(Id::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(i64::try_from(number).map_or_else(|_| Id::Text(number.to_string()), Id::Number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
                let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
                Ok(if is_whole { Id::Number(number as i64) } else { Id::Text(number.to_string()) })
            }

            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                let number: Option<i64> = text.parse().ok();
                // 007 is a name, not a number
                let number = number.filter(|number| number.to_string() == text);
                Ok(number.map_or_else(|| Id::Text(text.into()), Id::Number))
            }
        }
        source.deserialize_any(Of)
    }
}

/// A number, also as a text or a truth value; 0 where it is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number(pub f64);

/// The numbers of a list; none of them where it is no list of numbers.
#[derive(Debug, Default, PartialEq)]
pub struct Numbers(pub Vec<f64>);

/// Least and largest x and y of an outline: of polygons, or of one. Nothing where it is kept in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extent(pub Option<[f64; 4]>);

/// Whatever an outline or a box may be made of.
enum Piece {
    Number(f64),
    List(Vec<f64>),
    Other,
}

struct AnyPiece;

impl<'de> Visitor<'de> for AnyPiece {
    type Value = Piece;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a list of numbers")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Piece, E> {
        Ok(Piece::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Piece, E> {
        Ok(Piece::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Piece, E> {
        Ok(Piece::Number(number as f64))
    }

    fn visit_bool<E>(self, is_true: bool) -> Result<Piece, E> {
        Ok(Piece::Number(is_true.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Piece, E> {
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        Ok(number.map_or(Piece::Other, Piece::Number))
    }

    fn visit_unit<E>(self) -> Result<Piece, E> {
        Ok(Piece::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Piece, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Piece::Other)
    }

    /// Numbers, and those of lists within, one after another.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Piece, A::Error> {
        let mut numbers = vec![];
        let mut is_plain = true;
        while let Some(piece) = list.next_element()? {
            match piece {
                Piece::Number(number) => numbers.push(number),
                Piece::List(inner) => numbers.extend(inner),
                Piece::Other => is_plain = false,
            }
        }
        Ok(if is_plain { Piece::List(numbers) } else { Piece::Other })
    }
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(AnyPiece)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(match Piece::deserialize(source)? {
            Piece::Number(number) => Number(number),
            _ => Number::default(),
        })
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(match Piece::deserialize(source)? {
            Piece::List(numbers) => Numbers(numbers),
            _ => Numbers::default(),
        })
    }
}

impl<'de> Deserialize<'de> for Extent {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let Piece::List(numbers) = Piece::deserialize(source)? else { return Ok(Extent(None)) };
        let points = numbers.chunks_exact(2);
        if points.len() < 2 || !points.remainder().is_empty() {
            return Ok(Extent(None));
        }
        let none = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        Ok(Extent(Some(points.fold(none, |[left, top, right, bottom], point| {
            [left.min(point[0]), top.min(point[1]), right.max(point[0]), bottom.max(point[1])]
        }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_in_many_ways_is_read() {
        let annotation = |rest: &str| -> Annotation {
            serde_json::from_str(&format!("{{\"image_id\": \"7\", {rest}}}")).unwrap()
        };
        let plain = annotation(r#""category_id": 1, "bbox": [1, 2.5, "3", 4], "iscrowd": false"#);
        assert_eq!((plain.rect(), plain.image_id), (Some([1.0, 2.5, 3.0, 4.0]), Id::Number(7)));
        assert_eq!(plain.iscrowd.0, 0.0);
        for crowd in ["1", "true", "\"1\""] {
            assert_eq!(annotation(&format!("\"iscrowd\": {crowd}")).iscrowd.0, 1.0, "{crowd}");
        }
        let outline = Some([1.0, 2.0, 4.0, 6.0]);
        for (rest, rect) in [
            (r#""segmentation": [[1, 2, 5, 2, 5, 8, 1, 8]]"#, outline),
            (r#""segmentation": [1, 2, 5, 2, 5, 8, 1, 8], "bbox": []"#, outline),
            (r#""segmentation": [[1, 2, 3, 2, 3, 3], [5, 8, 4, 7, 5, 7]], "bbox": null"#, outline),
            (r#""segmentation": {"counts": [1, 2], "size": [5, 5]}"#, None),
            (r#""segmentation": [{"counts": "x"}], "bbox": {"x": 1}"#, None),
            (r#""segmentation": [], "bbox": [1, 2, 3]"#, None),
            (r#""segmentation": [[1, 2, 3]]"#, None),
        ] {
            assert_eq!(annotation(rest).rect(), rect, "{rest}");
        }
    }

    #[test]
    fn identifiers_may_be_texts() {
        let id = |text: &str| serde_json::from_str::<Id>(text).unwrap();
        assert_eq!((id("7"), id("\"7\""), id("7.0")), (Id::Number(7), Id::Number(7), Id::Number(7)));
        assert_eq!((id("\"007\""), id("\"a\"")), (Id::Text("007".into()), Id::Text("a".into())));
        assert!(id("2") < id("10"));
    }
}
