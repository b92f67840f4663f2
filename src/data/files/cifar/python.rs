//! CIFAR's version for Python: pickles of dictionaries, of which `data` is an array of rows of red, green and blue planes, and
//! `labels` or `fine_labels` a list.
use super::{Records, SHAPE};
use crate::pickle::{self, Pickle, Value};
use anyhow::{Context as _, Result, bail, ensure};

/// What such a pickle names: NumPy's arrays.
const ALLOWED: [&str; 4] = [
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
];

/// Whether a file is called as a batch of CIFAR-10 is.
pub fn is_batch(name: &str) -> bool {
    name == "test_batch" || name.strip_prefix("data_batch_").is_some_and(|rest| !rest.contains('.'))
}

/// Whether a file is called as one of CIFAR-100 is: `meta` tells it from other files of such names.
pub fn is_of_hundred(name: &str) -> bool {
    ["train", "test"].contains(&name)
}

/// Whether a file holds the names of classes.
pub fn is_meta(name: &str) -> bool {
    ["meta", "batches.meta"].contains(&name)
}

/// Adds the images of a batch; says whether its labels are CIFAR-100's.
///
/// # Errors
/// Where it is damaged, or holds anything else.
pub fn add(records: &mut Records, bytes: &[u8]) -> Result<bool> {
    let batch = pickle::read(bytes, &ALLOWED)?;
    let root = batch.root();
    let fine = batch.entry(root, "fine_labels");
    let labels = fine.or_else(|| batch.entry(root, "labels"));
    let labels = labels.context("it has no labels: get it from where it is published")?;
    let labels = numbers(&batch, labels).context("its labels are no whole numbers: get it again")?;
    let data = batch.entry(root, "data").context("it has no data: get it from where it is published")?;
    let pixels = match data {
        Value::Bytes(bytes) => bytes,
        data => {
            let array =
                array(&batch, data).context("its data is no array: get it from where it is published")?;
            ensure!(
                array.kind == "u1" && !array.is_by_columns,
                "its data are no bytes: get it from where it is published"
            );
            array.bytes
        }
    };
    ensure!(
        !labels.is_empty() && pixels.len() == labels.len() * SHAPE.len(),
        "it has {} bytes of pixels for {} images of {}: get it again",
        pixels.len(),
        labels.len(),
        SHAPE.len()
    );
    for (label, planes) in labels.iter().zip(pixels.chunks_exact(SHAPE.len())) {
        let label = usize::try_from(*label).ok().context("a label is negative: get it again")?;
        records.push(label, planes);
    }
    Ok(fine.is_some())
}

/// The names of the classes.
pub fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let meta = pickle::read(bytes, &ALLOWED).ok()?;
    let entry = |key: &str| meta.entry(meta.root(), key);
    let names = entry("fine_label_names").or_else(|| entry("label_names"))?;
    meta.items(names)?.map(|name| Some(name.text()?.into_owned())).collect()
}

struct Array<'a> {
    kind: &'a str,
    is_by_columns: bool,
    bytes: &'a [u8],
}

/// An array as NumPy pickles it: made empty, then given its version, shape, kind, order and bytes.
fn array<'a>(pickle: &'a Pickle, value: &'a Value) -> Option<Array<'a>> {
    let Value::Object(object) = value else { return None };
    let state: Vec<&Value> = pickle.items(pickle.get(object.state?))?.collect();
    let [_, _, kind, is_by_columns, bytes] = state[..] else { return None };
    let Value::Object(kind) = kind else { return None };
    let kind = std::str::from_utf8(pickle.items(pickle.get(kind.arguments))?.next()?.bytes()?).ok()?;
    Some(Array { kind, is_by_columns: is_by_columns.int()? != 0, bytes: bytes.bytes()? })
}

fn numbers(pickle: &Pickle, value: &Value) -> Result<Vec<i64>> {
    const WRONG: &str = "one of them is something else";
    if let Some(items) = pickle.items(value) {
        return items.map(|item| item.int().context(WRONG)).collect();
    }
    let array = array(pickle, value).context(WRONG)?;
    Ok(match array.kind {
        "u1" => array.bytes.iter().map(|byte| i64::from(*byte)).collect(),
        "i4" => array.bytes.chunks_exact(4).map(|number| little(number) as i32 as i64).collect(),
        "i8" => array.bytes.chunks_exact(8).map(|number| little(number) as i64).collect(),
        _ => bail!(WRONG),
    })
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
