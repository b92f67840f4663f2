//! Python's pickles, read as plain data: nothing in them is executed.
//!
//! A pickle is a program for a machine with a stack and a memo (Python's `pickletools`; PEP 307 and PEP 3154 for protocols 2
//! and 4). This machine knows the instructions that make values. A class or function is only a name here, and only one
//! that the caller allows; what would call it is kept as a [`Value::Object`] with the arguments, for the caller to
//! understand. So a pickle costs no more than its own length in memory and time, whatever it says.
use anyhow::{Context as _, Result, bail, ensure};
use std::{borrow::Cow, collections::HashMap};

mod machine;
mod op;
mod written;

const DAMAGED: &str = "it is damaged: get it again";
/// More values than this are refused.
const MAX_VALUES: usize = 1 << 23;
/// Values within values, at most.
const MAX_DEPTH: usize = 500;

/// Where a value is among those of its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(usize);

/// A value of a pickle. Those within it are named by their places, so that no value is there twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number of at most eight bytes.
    Int(i64),
    /// A number of floating point.
    Float(f64),
    /// Bytes, or a text of Python 2, which are the same there.
    Bytes(Cow<'a, [u8]>),
    /// Text.
    Text(Cow<'a, str>),
    /// A list or a set.
    List(Vec<Place>),
    /// A tuple.
    Tuple(Vec<Place>),
    /// Keys and values, in their order; of an ordered dictionary, too.
    Dict(Vec<(Place, Place)>),
    /// A class or function by its name, such as `numpy.dtype`.
    Global(Box<str>),
    /// What a class or function would have made.
    Object(Box<Object>),
    /// What is kept outside of the pickle, by what it is called there.
    Persistent(Place),
}

/// What a class or function would have made.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The name of the class or function.
    pub of: Box<str>,
    /// The arguments, a tuple.
    pub arguments: Place,
    /// What its state would have been set to.
    pub state: Option<Place>,
}

/// What a pickle holds.
#[derive(Debug)]
pub struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Place,
    /// The number of bytes that it takes: what follows is no part of it.
    pub len: usize,
}

/// Reads the pickle at the beginning of some bytes, which may name the classes and functions that are `allowed`, each as
/// `module.name`.
///
/// # Errors
/// Where it is damaged, names something else, holds numbers of more than eight bytes, or is nested too deeply.
pub fn read<'a>(bytes: &'a [u8], allowed: &[&str]) -> Result<Pickle<'a>> {
    let pickle = machine::run(bytes, allowed)?;
    pickle.check_depth()?;
    Ok(pickle)
}

/// Whether bytes begin as a pickle of protocol 2 or later does.
pub fn is_like(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..])
}

impl<'a> Pickle<'a> {
    /// The outermost value.
    pub fn root(&self) -> &Value<'a> {
        self.get(self.root)
    }

    /// The value at a place.
    pub fn get(&self, place: Place) -> &Value<'a> {
        &self.values[place.0]
    }

    /// Every value, in the order in which they were made.
    pub fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.iter()
    }

    /// What a dictionary says of a key, which may be text or bytes.
    pub fn entry(&self, dict: &Value<'a>, key: &str) -> Option<&Value<'a>> {
        let Value::Dict(entries) = dict else { return None };
        let is_key = |place: Place| match self.get(place) {
            Value::Text(text) => text == key,
            Value::Bytes(bytes) => **bytes == *key.as_bytes(),
            _ => false,
        };
        entries.iter().rev().find(|(own, _)| is_key(*own)).map(|(_, value)| self.get(*value))
    }

    /// The values within a list or a tuple.
    pub fn items(&self, value: &Value<'a>) -> Option<impl ExactSizeIterator<Item = &Value<'a>>> {
        match value {
            Value::List(items) | Value::Tuple(items) => Some(items.iter().map(|place| self.get(*place))),
            _ => None,
        }
    }

    /// Makes sure that values lie no deeper within each other than [`MAX_DEPTH`], and that none lies within itself.
    fn check_depth(&self) -> Result<()> {
        const DEEP: &str = "it is nested more deeply than any data is: get it from where it is published";
        const UNDER_WAY: usize = usize::MAX;
        // 0 where it is not known yet
        let mut depths = vec![0; self.values.len()];
        let mut open = vec![(self.root, false)];
        while let Some((place, is_left)) = open.pop() {
            let inner = self.inner(place);
            if is_left {
                let deepest = inner.iter().map(|place| depths[place.0]).max().unwrap_or(0);
                ensure!(deepest < MAX_DEPTH, DEEP);
                depths[place.0] = deepest + 1;
            } else if depths[place.0] == 0 {
                depths[place.0] = UNDER_WAY;
                open.push((place, true));
                open.extend(inner.into_iter().map(|place| (place, false)));
            } else {
                // it lies within itself
                ensure!(depths[place.0] != UNDER_WAY, DEEP);
            }
        }
        Ok(())
    }

    fn inner(&self, place: Place) -> Vec<Place> {
        match self.get(place) {
            Value::List(items) | Value::Tuple(items) => items.clone(),
            Value::Dict(entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).collect(),
            Value::Object(object) => [Some(object.arguments), object.state].into_iter().flatten().collect(),
            Value::Persistent(place) => vec![*place],
            _ => vec![],
        }
    }
}

impl Value<'_> {
    /// Bytes, or text as bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// A text, also one of Python 2.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
            Value::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bool(is_true) => Some((*is_true).into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
