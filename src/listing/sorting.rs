//! In which order runs stand.
use super::{Field, Row, Value};
use std::cmp::Ordering;

/// A field, and from which end.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorting {
    /// What is compared.
    pub by: Field,
    /// The other way round.
    pub reversed: bool,
}

/// The places of the rows in their order: of figures the best first, of everything else the smallest. Runs that have
/// nothing in that field come last either way, and equal ones stay as they were.
pub fn sorted(rows: &[Row<'_>], sorting: &Sorting) -> Vec<usize> {
    let keys: Vec<Key<'_>> = rows.iter().map(|row| Key::of(row, sorting)).collect();
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by(|a, b| keys[*a].compare(&keys[*b], sorting.reversed));
    places
}

/// What two rows are compared by.
struct Key<'a> {
    /// Figures of different metrics are not compared: each metric's stand together.
    kind: &'static str,
    value: Value<'a>,
}

impl<'a> Key<'a> {
    fn of(row: &Row<'a>, sorting: &Sorting) -> Self {
        let value = sorting.by.value(row);
        let Field::Figure(metric, _) = sorting.by else { return Self { kind: "", value } };
        let metric = metric.unwrap_or(row.headline);
        let value = match value {
            Value::Number(value) if metric.higher_is_better => Value::Number(-value),
            other => other,
        };
        Self { kind: metric.id, value }
    }

    fn compare(&self, other: &Self, reversed: bool) -> Ordering {
        let values = match (&self.value, &other.value) {
            (Value::Missing, Value::Missing) => return self.kind.cmp(other.kind),
            (Value::Missing, _) => return Ordering::Greater,
            (_, Value::Missing) => return Ordering::Less,
            (Value::Number(one), Value::Number(two)) => one.total_cmp(two),
            (Value::Text(one), Value::Text(two)) => natural(one, two),
            (Value::Number(_), Value::Text(_)) => Ordering::Less,
            (Value::Text(_), Value::Number(_)) => Ordering::Greater,
        };
        self.kind.cmp(other.kind).then(if reversed { values.reverse() } else { values })
    }
}

/// Numbers within texts by their size, so that "run 9" comes before "run 10".
fn natural(one: &str, two: &str) -> Ordering {
    let (mut a, mut b) = (one.chars().peekable(), two.chars().peekable());
    loop {
        let (Some(x), Some(y)) = (a.peek().copied(), b.peek().copied()) else {
            return a.peek().is_some().cmp(&b.peek().is_some()).then_with(|| one.cmp(two));
        };
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let number = |letters: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                let mut digits = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                digits.trim_start_matches('0').to_owned()
            };
            let (one, two) = (number(&mut a), number(&mut b));
            one.len().cmp(&two.len()).then(one.cmp(&two))
        } else {
            a.next();
            b.next();
            x.to_lowercase().cmp(y.to_lowercase())
        };
        if order.is_ne() {
            return order;
        }
    }
}
