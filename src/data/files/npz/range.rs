//! Which number is black and which is white, by the kind of the numbers and by what they lie between.
use super::array::Sort;
use crate::spec::{Param, ParamKind};

/// What is taken for black and white, where that is not to be told by the numbers.
pub const INPUT_RANGE: Param = Param {
    key: "input_range",
    label: "Range of numbers",
    help: "What the numbers of arrays are taken for. As found: bytes, 16 bits, shares of white, -1 to 1, or smallest to largest, by their kind and by what they lie between, and the remarks say which. Anything else is taken at your word.",
    kind: ParamKind::Choice(&[
        ("auto", "As found"),
        ("bytes", "0 to 255"),
        ("unit", "0 to 1"),
        ("signed", "-1 to 1"),
        ("sixteen_bits", "0 to 65,535"),
        ("stretched", "Smallest to largest"),
    ]),
    default: 0.0,
    ..crate::data::fitting::IMAGE_SIZE
};

/// What numbers lie between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// Whether all of them are whole.
    pub is_whole: bool,
}

impl Default for Range {
    fn default() -> Self {
        Self { least: f64::INFINITY, most: f64::NEG_INFINITY, is_whole: true }
    }
}

impl Range {
    /// Takes in a number.
    pub fn widen(&mut self, number: f64) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
        self.is_whole &= number.fract() == 0.0;
    }

    /// What the numbers of both lie between.
    pub fn with(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            is_whole: self.is_whole && other.is_whole,
        }
    }
}

/// Makes bytes of numbers: 255 is white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    black: f64,
    white: f64,
    /// How it was told.
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Bytes,
    SmallBytes,
    Unit,
    Sixteenths,
    Signed,
    SignedBytes,
    SixteenBits,
    Stretched,
}

impl Scale {
    /// The scale of numbers of a kind, which lie in a range; `wanted` is a value of [`INPUT_RANGE`].
    pub fn new(sort: Sort, range: Range, wanted: f64) -> Self {
        let rule = match wanted as usize {
            1 => Rule::Bytes,
            2 => Rule::Unit,
            3 => Rule::Signed,
            4 => Rule::SixteenBits,
            5 => Rule::Stretched,
            _ => rule(sort, range),
        };
        let [black, white] = match rule {
            Rule::Bytes | Rule::SmallBytes => [0.0, 255.0],
            Rule::Unit => [0.0, 1.0],
            Rule::Sixteenths => [0.0, 16.0],
            Rule::Signed => [-1.0, 1.0],
            Rule::SignedBytes => [-128.0, 127.0],
            Rule::SixteenBits => [0.0, 65_535.0],
            Rule::Stretched => [range.least, range.most],
        };
        Self { black, white, rule }
    }

    /// The byte of a number, and whether that is as bright as the number says.
    pub fn byte(self, number: f64) -> (u8, bool) {
        let width = self.white - self.black;
        let grey = if width > 0.0 { ((number - self.black) * 255.0 / width).round() } else { 0.0 };
        (grey.clamp(0.0, 255.0) as u8, (0.0..=255.0).contains(&grey))
    }

    /// What is to be said of numbers in a range that are read by it; nothing where they are bytes.
    pub fn said(self, sort: Sort, range: Range) -> Option<String> {
        let Range { least, most, .. } = range;
        let [least, most] = [least, most].map(short);
        let taken = match self.rule {
            Rule::Bytes => return None,
            Rule::SmallBytes => {
                if sort == (Sort::Whole { bytes: 1, signed: false }) {
                    return None;
                }
                "they are taken as bytes, of which 255 is white"
            }
            Rule::Unit => "1 is taken for white",
            Rule::Sixteenths => "16 is taken for white",
            Rule::Signed => "-1 is taken for black and 1 for white",
            Rule::SignedBytes => "-128 is taken for black and 127 for white",
            Rule::SixteenBits => "they are taken as 16 bits, of which 65,535 is white",
            Rule::Stretched => {
                "they are neither bytes nor shares of white, as where they were standardised, so the smallest number of the training part is black and the largest white"
            }
        };
        Some(format!(
            "The numbers of its images go from {least} to {most}: {taken} (input_range says otherwise)"
        ))
    }
}

fn rule(sort: Sort, range: Range) -> Rule {
    let Range { least, most, is_whole } = range;
    let is_signed_byte = sort == (Sort::Whole { bytes: 1, signed: true });
    match (least < 0.0, most) {
        _ if sort == Sort::Truth => Rule::Unit,
        (false, ..=1.0) => Rule::Unit,
        (false, ..=16.0) if is_whole => Rule::Sixteenths,
        (false, ..=16.0) => Rule::Stretched,
        (false, ..=255.0) => Rule::SmallBytes,
        (false, ..=65_535.0) if is_whole => Rule::SixteenBits,
        (true, ..=1.0) if least >= -1.0 => Rule::Signed,
        (true, _) if is_signed_byte => Rule::SignedBytes,
        _ => Rule::Stretched,
    }
}

/// A number with few digits.
fn short(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number}") } else { format!("{number:.3}") }
}

/// Numbers as bytes, by what they lie between.
pub fn greys<I: Iterator<Item = f32>>(numbers: impl Fn() -> I) -> Vec<u8> {
    let mut range = Range::default();
    numbers().filter(|number| number.is_finite()).for_each(|number| range.widen(number.into()));
    let scale = Scale::new(Sort::Real, range, INPUT_RANGE.default);
    numbers().map(|number| scale.byte(number.into()).0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTE: Sort = Sort::Whole { bytes: 1, signed: false };
    const WORD: Sort = Sort::Whole { bytes: 2, signed: false };
    const SHORT: Sort = Sort::Whole { bytes: 2, signed: true };

    fn scaled(sort: Sort, numbers: &[f64], wanted: f64) -> (Vec<u8>, Option<String>) {
        let mut range = Range::default();
        numbers.iter().for_each(|number| range.widen(*number));
        let scale = Scale::new(sort, range, wanted);
        (numbers.iter().map(|number| scale.byte(*number).0).collect(), scale.said(sort, range))
    }

    #[test]
    fn white_is_told_by_kind_and_range() {
        for (sort, numbers, bytes, said) in [
            (BYTE, &[0.0, 17.0, 255.0][..], [0, 17, 255], ""),
            (BYTE, &[0.0, 1.0, 1.0], [0, 255, 255], "1 is taken for white"),
            (Sort::Truth, &[0.0, 1.0, 1.0], [0, 255, 255], "1 is taken for white"),
            (WORD, &[0.0, 17.0, 255.0], [0, 17, 255], "taken as bytes"),
            (WORD, &[0.0, 257.0, 65_535.0], [0, 1, 255], "as 16 bits"),
            (SHORT, &[0.0, 257.0, 32_767.0], [0, 1, 127], "as 16 bits"),
            (SHORT, &[-1000.0, 0.0, 3080.0], [0, 63, 255], "neither bytes nor shares"),
            (Sort::Whole { bytes: 1, signed: true }, &[-128.0, 0.0, 127.0], [0, 128, 255], "-128 is taken"),
            (Sort::Real, &[0.0, 0.5, 1.0], [0, 128, 255], "1 is taken for white"),
            (Sort::Real, &[0.0, 8.0, 16.0], [0, 128, 255], "16 is taken for white"),
            (Sort::Real, &[0.0, 17.5, 255.0], [0, 18, 255], "taken as bytes"),
            (Sort::Real, &[-1.0, 0.0, 1.0], [0, 128, 255], "-1 is taken for black"),
            (Sort::Real, &[-1.5, 0.5, 2.5], [0, 128, 255], "from -1.500 to 2.500"),
            (Sort::Real, &[0.0, 1.25, 2.5], [0, 128, 255], "neither bytes nor shares"),
            (Sort::Real, &[3.5, 3.5, 3.5], [0, 0, 0], "neither bytes nor shares"),
        ] {
            let (found, remark) = scaled(sort, numbers, 0.0);
            let remark = remark.unwrap_or_default();
            assert_eq!(found, bytes, "{sort:?} {numbers:?}: {remark}");
            assert!(remark.contains(said) && remark.is_empty() == said.is_empty(), "{numbers:?}: {remark}");
        }
    }

    #[test]
    fn a_range_of_ones_own_is_taken_at_its_word() {
        let numbers = [0.0, 0.5, 1.0];
        let bytes = |wanted| scaled(Sort::Real, &numbers, wanted).0;
        assert_eq!(bytes(1.0), [0, 1, 1]);
        assert_eq!(bytes(3.0), [128, 191, 255]);
        assert_eq!(scaled(WORD, &[0.0, 4095.0], 5.0).0, [0, 255]);
        let scale = Scale::new(Sort::Real, Range::default(), 2.0);
        assert_eq!((scale.byte(1.5), scale.byte(1.0)), ((255, false), (255, true)));
    }
}
