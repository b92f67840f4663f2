//! What a person types to find runs: `lr>0.001 dropout=0.5 fashion tag:best state=finished star accuracy>98%`.
//!
//! Every word has to hold. A word by itself is found in the name, the folder, the data set or a tag; `star` and `archived`
//! ask for marks; `key=value`, with `!=`, `<`, `<=`, `>`, `>=` or a range `0.001..0.01`, asks for what a run has. Words in
//! quotes keep their spaces, and a `!` before a word means that it must not hold.
use super::{Field, Row, Value};
use crate::{
    nearest::suggestion,
    spec::{Catalog, Section},
};
use std::ops::RangeInclusive;

/// What is asked of runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(Vec<Condition>);

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    negated: bool,
    of: Asked,
}

#[derive(Clone, Debug, PartialEq)]
enum Asked {
    /// A part of the name, the folder, the data set or a tag, in small letters.
    Word(String),
    Star,
    Archived,
    Has(Field, Wanted),
}

/// What a value has to be.
#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    /// A number, and a text that is just this, in small letters.
    Is(Option<f64>, String),
    /// A text of which this is a part, in small letters.
    Contains(String),
    Within(RangeInclusive<f64>),
    Compared(Comparison, f64),
    /// A text in the order of the alphabet, as of dates.
    TextCompared(Comparison, String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What may stand between a key and a value; longer ones come first.
const OPERATORS: [&str; 7] = [">=", "<=", "!=", ">", "<", "=", ":"];

impl Filter {
    /// Reads what was typed. `with_test` says whether figures on test examples may be asked for.
    ///
    /// # Errors
    /// A key that is not known, with the nearest one, a value that no run can have there, or a quote without its end.
    pub fn read(text: &str, catalog: &Catalog, with_test: bool) -> Result<Self, String> {
        let conditions = words(text)?.into_iter().map(|word| Condition::read(&word, catalog, with_test));
        Ok(Self(conditions.collect::<Result<_, _>>()?))
    }

    /// Whether everything holds for a run.
    pub fn matches(&self, row: &Row<'_>) -> bool {
        self.0.iter().all(|condition| condition.of.matches(row) != condition.negated)
    }

    /// Whether it asks for runs that are put away, which are left out otherwise.
    pub fn asks_for_archived(&self) -> bool {
        self.0.iter().any(|condition| condition.of == Asked::Archived)
    }
}

impl Condition {
    fn read(word: &str, catalog: &Catalog, with_test: bool) -> Result<Self, String> {
        let (negated, word) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        let found = OPERATORS.iter().filter_map(|operator| Some((word.find(operator)?, *operator)));
        // the first in the word, and of several that begin there the longest
        let first = found.min_by_key(|(at, operator)| (*at, std::cmp::Reverse(operator.len())));
        let Some((at, operator)) = first.filter(|(at, _)| *at > 0) else {
            let of = mark(word).unwrap_or_else(|| Asked::Word(word.to_lowercase()));
            return Ok(Self { negated, of });
        };
        let (key, value) = (&word[..at], &word[at + operator.len()..]);
        if key == "is" {
            let of = mark(value).ok_or_else(|| format!("{word:?}: write is:star or is:archived"))?;
            return Ok(Self { negated: negated != (operator == "!="), of });
        }
        let field = Field::find(key, catalog)?;
        if field.is_of_the_test() && !with_test {
            return Err(format!("{key:?} is measured on the test examples: ask for their figures first"));
        }
        if value.is_empty() {
            return Err(format!("{word:?} lacks its value: write one behind the {operator}"));
        }
        if operator == "=" || operator == "!=" {
            known_value(&field, value, catalog).map_err(|wrong| format!("{word:?}: {wrong}"))?;
        }
        let wanted = Wanted::read(&field, operator, value).map_err(|wrong| format!("{word:?}: {wrong}"))?;
        Ok(Self { negated: negated != (operator == "!="), of: Asked::Has(field, wanted) })
    }
}

impl Wanted {
    fn read(field: &Field, operator: &str, value: &str) -> Result<Self, String> {
        let comparison = match operator {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return Ok(Self::same(field, operator, value)),
        };
        match number(value) {
            Some(number) if *field != Field::Made => Ok(Self::Compared(comparison, number)),
            _ if *field == Field::Made => Ok(Self::TextCompared(comparison, value.to_lowercase())),
            _ => Err(format!("{value} is not a number")),
        }
    }

    fn same(field: &Field, operator: &str, value: &str) -> Self {
        let range = value.split_once("..").or_else(|| value.split_once('…'));
        let ends = range.and_then(|(from, to)| {
            Some((number_or(from, f64::NEG_INFINITY)?, number_or(to, f64::INFINITY)?))
        });
        if let Some((from, to)) = ends {
            return Self::Within(from..=to);
        }
        let text = value.to_lowercase();
        // a tag is a word, and so are the states: half of one is another one
        let is_word = matches!(field, Field::Tags | Field::State);
        match number(value) {
            None if *field == Field::Made || operator == ":" && !is_word => Self::Contains(text),
            number => Self::Is(number, text),
        }
    }

    fn matches(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::Missing) => false,
            (Self::Is(Some(wanted), _), Value::Number(number)) => is_near(*wanted, *number),
            (Self::Is(_, wanted), Value::Text(text)) => text.to_lowercase() == *wanted,
            (Self::Contains(wanted), Value::Text(text)) => text.to_lowercase().contains(wanted),
            (Self::Within(range), Value::Number(number)) => range.contains(number),
            (Self::Compared(comparison, wanted), Value::Number(number)) => {
                comparison.holds(number.partial_cmp(wanted))
            }
            (Self::TextCompared(comparison, wanted), Value::Text(text)) => {
                // "made>2026-11-23" means later than that day
                let begun = text.get(..wanted.len()).unwrap_or(text);
                comparison.holds(Some(begun.cmp(wanted)))
            }
            _ => false,
        }
    }
}

impl Comparison {
    fn holds(self, order: Option<std::cmp::Ordering>) -> bool {
        order.is_some_and(|order| match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        })
    }
}

impl Asked {
    fn matches(&self, row: &Row<'_>) -> bool {
        match self {
            Self::Star => row.marks.star,
            Self::Archived => row.marks.archived,
            Self::Word(word) => {
                let places = [row.spec.name.as_str(), row.id, row.spec.id(Section::Dataset)];
                let mut all = places.into_iter().chain(row.marks.tags.iter().map(String::as_str));
                all.any(|text| text.to_lowercase().contains(word))
            }
            Self::Has(field, wanted) => field.values(row).iter().any(|value| wanted.matches(value)),
        }
    }
}

/// What a word alone says of marks.
fn mark(word: &str) -> Option<Asked> {
    match word.to_lowercase().as_str() {
        "star" | "starred" => Some(Asked::Star),
        "archived" => Some(Asked::Archived),
        _ => None,
    }
}

/// Refuses what no run can have in a field of few words.
fn known_value(field: &Field, value: &str, catalog: &Catalog) -> Result<(), String> {
    let known: Vec<&str> = match field {
        Field::Component(section) => catalog.section(*section).iter().map(|info| info.id).collect(),
        Field::State => vec!["running", "paused", "stopped", "finished", "failed"],
        _ => return Ok(()),
    };
    if known.contains(&value.to_lowercase().as_str()) {
        return Ok(());
    }
    Err(format!("{value:?} is not known{}", suggestion(value, &known)))
}

/// Numbers that a person would call the same: 0.1 + 0.2 is 0.3.
fn is_near(one: f64, two: f64) -> bool {
    one == two || (one - two).abs() <= 1e-9 * one.abs().max(two.abs())
}

/// "0.001", "1e-3", "98 %" as 0.98, "10min" in seconds, "true" as in switches not at all.
fn number(text: &str) -> Option<f64> {
    let units = [("%", 0.01), ("min", 60.0), ("h", 3600.0), ("s", 1.0)];
    let with_unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (digits, factor) = match with_unit {
        Some((digits, factor))
            if digits.trim_end().ends_with(|end: char| end.is_ascii_digit() || end == '.') =>
        {
            (digits.trim_end(), factor)
        }
        _ => (text, 1.0),
    };
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || ['-', '+', '.'].contains(&c));
    digits.parse::<f64>().ok().filter(|number| is_number && !number.is_nan()).map(|number| number * factor)
}

fn number_or(text: &str, otherwise: f64) -> Option<f64> {
    if text.trim().is_empty() { Some(otherwise) } else { number(text.trim()) }
}

fn is_quote(letter: char) -> bool {
    letter == '"' || letter == '\''
}

/// The words of a text; those in quotes keep their spaces.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (vec![], String::new(), None);
    for letter in text.chars() {
        match quote {
            Some(end) if letter == end => quote = None,
            None if is_quote(letter) && (word.is_empty() || word.ends_with(['=', ':', '!'])) => {
                quote = Some(letter)
            }
            None if letter.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    // an apostrophe within a word is none
    if let Some(quote) = quote {
        return Err(format!("a quote has no end: write another {quote}"));
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}
