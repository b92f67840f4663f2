//! Several values of one hyperparameter, as people write them: `0.0001, 0.001, 0.01`, or a range, `0.0001..0.1 log`.
use super::{
    Setting,
    axis::{Axis, MOST_VALUES, Scale},
};
use crate::spec::{Catalog, FieldError, ParamKind, RunSpec};
use toml::{Table, Value};

/// Reads an axis: a list, one value, or a text with several values or a range.
///
/// # Errors
/// Where the key is unknown, a value is of another type, or a range cannot be one.
pub fn axis(key: &str, value: &Value, base: &RunSpec, catalog: &Catalog) -> Result<Axis, FieldError> {
    let settings = |values: &[Value]| -> Result<Vec<Setting>, FieldError> {
        values.iter().map(|value| Setting::read(key, value, base, catalog)).collect()
    };
    match value {
        Value::Array(values) => Ok(Axis::of(settings(values)?)),
        Value::String(text) => {
            if let Some(range) = Range::read(text) {
                return range.map_err(|wrong| FieldError::new(key, wrong))?.axis(key, base, catalog);
            }
            Ok(Axis::of(settings(&listed(text))?))
        }
        value => Ok(Axis::of(settings(std::slice::from_ref(value))?)),
    }
}

/// Whether a text stands for more than one value.
pub fn is_several(text: &str) -> bool {
    // what can only be meant as a range is refused as one
    Range::read(text).is_some()
        || text.contains(',')
        || (text.trim_start().starts_with('[') && text.trim_end().ends_with(']'))
}

/// The values between commas, each as TOML has it or else as a text.
fn listed(text: &str) -> Vec<Value> {
    let one = |part: &str| {
        let part = part.trim();
        let parsed = format!("v = {part}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
        parsed.unwrap_or_else(|| part.into())
    };
    text.split(',').map(one).collect()
}

/// Two ends, and how what is between them is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    ends: [f64; 2],
    scale: Scale,
    /// So many values in place of all that are between the ends.
    count: Option<usize>,
}

impl Range {
    /// None for a text that is no range; an error for one that could only be meant as one.
    fn read(text: &str) -> Option<Result<Self, String>> {
        let (low, rest) = text.split_once('…').or_else(|| text.split_once(".."))?;
        let low: f64 = low.trim().parse().ok()?;
        let mut words = rest.split([':', ' ']).map(str::trim).filter(|word| !word.is_empty());
        let high: f64 = words.next()?.parse().ok()?;
        let mut range = Self { ends: [low, high], scale: Scale::Linear, count: None };
        for word in words {
            match (word, word.parse()) {
                ("log", _) => range.scale = Scale::Log,
                ("linear", _) => range.scale = Scale::Linear,
                (_, Ok(count)) => range.count = Some(count),
                _ => {
                    return Some(Err(format!(
                        "{word:?} says nothing about a range: write it as {low}..{high}, {low}..{high}:log or {low}..{high}:log:5"
                    )));
                }
            }
        }
        Some(range.checked())
    }

    fn checked(self) -> Result<Self, String> {
        let [low, high] = self.ends;
        if !(low.is_finite() && high.is_finite()) {
            return Err("a range needs two numbers, such as 0.001..0.1".into());
        }
        if low >= high {
            return Err(format!(
                "{low}..{high} has nothing in it: write the smaller end first, as in 0.001..0.1"
            ));
        }
        if self.scale == Scale::Log && low <= 0.0 {
            return Err(format!(
                "{low}..{high} cannot be spread over orders of magnitude, as those of 0 never begin: start above 0, or leave log out"
            ));
        }
        if self.count.is_some_and(|count| !(2..=MOST_VALUES).contains(&count)) {
            return Err(format!("a range can be divided into 2 to {MOST_VALUES} values"));
        }
        Ok(self)
    }

    fn axis(self, key: &str, base: &RunSpec, catalog: &Catalog) -> Result<Axis, FieldError> {
        let end = |value: f64| {
            let whole = value.fract() == 0.0 && value.abs() < 9e15;
            let value = if whole { Value::Integer(value as i64) } else { Value::Float(value) };
            Setting::read(key, &value, base, catalog)
        };
        let settings = vec![end(self.ends[0])?, end(self.ends[1])?];
        let is_number = matches!(
            &settings[0],
            Setting::Param(_, param, _) if matches!(param.kind, ParamKind::Integer { .. } | ParamKind::Float { .. })
        );
        if !is_number {
            return Err(FieldError::new(key, "has no range: name its values, one after the other"));
        }
        let range = Axis { settings, range: Some(self.scale) };
        Ok(self.count.map_or(range.clone(), |count| Axis::of(range.divided(count))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn read(key: &str, text: &str) -> Result<Axis, String> {
        axis(key, &text.into(), &RunSpec::default(), &catalog()).map_err(|error| error.to_string())
    }

    #[test]
    fn ranges_are_read_however_they_are_written() {
        let whole = read("learning_rate", "0.0001..0.1:log").unwrap();
        assert_eq!((whole.range, whole.choices()), (Some(Scale::Log), None));
        for same in ["0.0001 … 0.1 log", "0.0001 .. 0.1 log", "1e-4..1e-1:log", "0.0001…0.1:log"] {
            assert_eq!(read("learning_rate", same).unwrap(), whole, "{same}");
        }
        assert_eq!(read("learning_rate", &whole.text().unwrap()).unwrap(), whole);
        assert_eq!(read("learning_rate", "0.001..0.1:log:3").unwrap().settings.len(), 3);
        assert_eq!(read("learning_rate", "0.1, 0.2,0.3").unwrap().settings.len(), 3);
        assert_eq!(read("optimizer", "sgd, adam").unwrap().settings.len(), 2);
        assert_eq!(read("learning_rate", "0.5").unwrap().settings.len(), 1);
        assert!(is_several("0.1..0.2") && is_several("1,2") && is_several("[1]") && !is_several("0.1"));
        assert!(!is_several("../weights.safetensors"));
    }

    #[test]
    fn what_cannot_be_a_range_is_said_in_a_sentence() {
        let refused = |key: &str, text: &str| read(key, text).unwrap_err();
        assert!(refused("learning_rate", "0.1..0.001").contains("smaller end first"));
        assert!(refused("learning_rate", "0..0.1:log").contains("start above 0"));
        assert!(refused("clip_norm", "-1..0.1 log").contains("start above 0"));
        assert!(refused("learning_rate", "0.1..nan").contains("two numbers"));
        assert!(refused("learning_rate", "0.1..0.2:logarithmic").contains("says nothing about a range"));
        assert!(refused("learning_rate", "0.1..0.2:1000000000").contains("2 to 1000 values"));
        assert!(refused("keep_head", "0..1").contains("has no range"));
        assert!(refused("class_balance", "0..1").contains("is not one of"));
        assert!(refused("learning_rate", "fast..slow").contains("is not a number"));
    }
}
