//! What a sweep varies: named values, or anything between two of them.
use super::Setting;
use crate::spec::{Param, ParamKind, Section};

/// The most values that a range may be divided into.
pub const MOST_VALUES: usize = 1000;

/// A hyperparameter, or a kind of component, that is varied.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its values, all of the same key, one at least; of a range the lower and the upper end.
    pub settings: Vec<Setting>,
    /// How a range is divided; none where the values are all that there is.
    pub range: Option<Scale>,
}

/// What lies evenly between the ends of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The values themselves.
    Linear,
    /// Their orders of magnitude.
    Log,
}

impl Axis {
    /// Of named values.
    pub fn of(settings: Vec<Setting>) -> Self {
        Self { settings, range: None }
    }

    /// How many values there are to choose from; none where a range has them without number.
    pub fn choices(&self) -> Option<usize> {
        self.range.is_none().then_some(self.settings.len())
    }

    /// The value at a share of the way, from 0 up to but not including 1.
    pub fn at(&self, share: f64) -> Setting {
        let share = share.clamp(0.0, 1.0 - f64::EPSILON);
        let (Some(scale), Some((section, param, [low, high]))) = (self.range, self.ends()) else {
            return self.settings[(share * self.settings.len() as f64) as usize].clone();
        };
        let [from, to] = widened(&param, [low, high]).map(|end| scaled(scale, end));
        let value = unscaled(scale, from + share * (to - from));
        Setting::Param(section, param, rounded(&param, scale, [low, high], value))
    }

    /// Where [`at`](Self::at) has a value; none for one that is not on the axis.
    pub fn share_of(&self, setting: &Setting) -> Option<f64> {
        let (Some(scale), Some((_, param, ends))) = (self.range, self.ends()) else {
            let place = self.settings.iter().position(|known| known.value() == setting.value())?;
            return Some((place as f64 + 0.5) / self.settings.len() as f64);
        };
        let Setting::Param(_, _, value) = setting else { return None };
        if !(ends[0]..=ends[1]).contains(value) {
            return None;
        }
        let [from, to] = widened(&param, ends).map(|end| scaled(scale, end));
        let share = (scaled(scale, *value) - from) / (to - from);
        Some(share.clamp(0.0, 1.0 - f64::EPSILON))
    }

    /// So many values of a range, evenly, both ends among them.
    pub fn divided(&self, count: usize) -> Vec<Setting> {
        let (Some(scale), Some((section, param, [low, high]))) = (self.range, self.ends()) else {
            return self.settings.clone();
        };
        let [from, to] = [low, high].map(|end| scaled(scale, end));
        let value = |place: usize| {
            let share = place as f64 / (count.max(2) - 1) as f64;
            rounded(&param, scale, [low, high], unscaled(scale, from + share * (to - from)))
        };
        let mut values: Vec<f64> = (0..count).map(value).collect();
        values.dedup();
        values.into_iter().map(|value| Setting::Param(section, param, value)).collect()
    }

    /// As a file or `--set` has a range: "0.0001..0.1 log".
    pub fn text(&self) -> Option<String> {
        let scale = match self.range? {
            Scale::Linear => "",
            Scale::Log => " log",
        };
        let (_, _, [low, high]) = self.ends()?;
        Some(format!("{low}..{high}{scale}"))
    }

    fn ends(&self) -> Option<(Section, Param, [f64; 2])> {
        match &self.settings[..] {
            [Setting::Param(section, param, low), Setting::Param(_, _, high)] => {
                Some((*section, *param, [*low, *high]))
            }
            _ => None,
        }
    }
}

/// The ends between which a number is drawn: a whole one has as much room at the ends as between them.
fn widened(param: &Param, [low, high]: [f64; 2]) -> [f64; 2] {
    if is_whole(param) { [low - 0.5, high + 0.5] } else { [low, high] }
}

fn is_whole(param: &Param) -> bool {
    !matches!(param.kind, ParamKind::Float { .. })
}

fn scaled(scale: Scale, value: f64) -> f64 {
    if scale == Scale::Log { value.ln() } else { value }
}

fn unscaled(scale: Scale, value: f64) -> f64 {
    if scale == Scale::Log { value.exp() } else { value }
}

/// A number that people can read and type: of whole ones the nearest, of others three digits, or as many as it takes to
/// tell five hundred values of the range apart.
fn rounded(param: &Param, scale: Scale, [low, high]: [f64; 2], value: f64) -> f64 {
    if is_whole(param) {
        return value.round().clamp(low, high);
    }
    let fine = if scale == Scale::Log && high > 2.0 * low { value / 100.0 } else { (high - low) / 500.0 };
    // 10^2 in place of 10^-2, so that 0.07 is not 0.07000000000000001
    let digits = -fine.log10().floor();
    let tens = 10_f64.powf(digits.abs());
    let near = if digits < 0.0 { (value / tens).round() * tens } else { (value * tens).round() / tens };
    if near.is_finite() { near.clamp(low, high) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::catalog, spec::RunSpec};

    fn axis(key: &str, ends: [f64; 2], scale: Scale) -> Axis {
        let read = |value: f64| {
            let whole = value.fract() == 0.0;
            let value = if whole { toml::Value::Integer(value as i64) } else { value.into() };
            Setting::read(key, &value, &RunSpec::default(), &catalog()).unwrap()
        };
        Axis { settings: ends.map(read).into(), range: Some(scale) }
    }

    fn value(setting: &Setting) -> f64 {
        let Setting::Param(_, _, value) = setting else { panic!("{setting:?}") };
        *value
    }

    #[test]
    fn values_are_spread_as_the_scale_says_and_found_again() {
        let rate = axis("learning_rate", [0.0001, 0.1], Scale::Log);
        let values = [0.0, 1.0 / 3.0, 2.0 / 3.0, 0.999_999_9].map(|share| value(&rate.at(share)));
        assert_eq!(values, [0.0001, 0.001, 0.01, 0.1]);
        let dropout = axis("conv_dropout", [0.0, 0.5], Scale::Linear);
        assert_eq!([0.0, 0.5, 0.62].map(|share| value(&dropout.at(share))), [0.0, 0.25, 0.31]);
        for (axis, share) in [(&rate, 0.3), (&rate, 0.9), (&dropout, 0.1)] {
            assert!((axis.share_of(&axis.at(share)).unwrap() - share).abs() < 0.002);
        }
        assert_eq!(rate.share_of(&axis("learning_rate", [0.5, 0.6], Scale::Linear).settings[0]), None);
    }

    #[test]
    fn whole_numbers_are_equally_likely_and_the_ends_too() {
        let epochs = axis("epochs", [1.0, 4.0], Scale::Linear);
        let mut counts = [0; 4];
        (0..400).for_each(|place| {
            counts[value(&epochs.at((f64::from(place) + 0.5) / 400.0)) as usize - 1] += 1;
        });
        assert_eq!(counts, [100; 4]);
        let batch = axis("batch_size", [1.0, 128.0], Scale::Log);
        assert_eq!([value(&batch.at(0.0)), value(&batch.at(0.999_999_9))], [1.0, 128.0]);
    }

    #[test]
    fn a_divided_range_has_both_ends_and_readable_numbers() {
        let rate = axis("learning_rate", [0.0001, 0.1], Scale::Log);
        assert_eq!(rate.divided(4).iter().map(value).collect::<Vec<_>>(), [0.0001, 0.001, 0.01, 0.1]);
        let dropout = axis("conv_dropout", [0.0, 0.5], Scale::Linear);
        assert_eq!(dropout.divided(3).iter().map(value).collect::<Vec<_>>(), [0.0, 0.25, 0.5]);
        let epochs = axis("epochs", [1.0, 3.0], Scale::Linear);
        assert_eq!(epochs.divided(9).iter().map(value).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!(rate.text().unwrap(), "0.0001..0.1 log");
    }
}
