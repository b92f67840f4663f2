//! What `torch.save` wrote before PyTorch 1.6: pickles of a number that marks such files, of a version, of the system that
//! wrote it, of the object itself and of the names of the storages, and then the storages, each after its length.
use super::{AGAIN, Format, MOST_HEADER, Region, Source, TensorFile, shown, state};
use crate::pickle::{self, Value};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeMap, HashMap};

/// The number that marks such files, in a pickle of protocol 2; it has ten bytes.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
/// The only version there was.
const VERSION: i64 = 1001;

/// Reads the pickles, and where the storages are.
pub fn open(source: Source) -> Result<TensorFile> {
    let bytes = source.bytes(0, source.len().min(MOST_HEADER))?;
    let allowed = state::allowed();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        // whether it would do any harm is said first
        pickle::read(&bytes, &allowed)?;
        bail!(
            "it is a pickle that torch.save did not write: in Python, torch.save(model.state_dict(), \"weights.pt\") writes weights as they are read here"
        );
    };
    let mut rest = rest;
    let mut next = || {
        let pickle = pickle::read(rest, &allowed)?;
        rest = &rest[pickle.len..];
        anyhow::Ok(pickle)
    };
    let version = next()?.root().int();
    ensure!(
        version == Some(VERSION),
        "it is of a version of PyTorch's files that is not known: save it again"
    );
    let system = next()?;
    let is_big_endian = system.entry(system.root(), "little_endian") == Some(&Value::Bool(false));
    let object = next()?;
    let names = next()?;
    let start = (bytes.len() - rest.len()) as u64;
    let state = state::State::find(&object)?;
    let regions = regions(&source, start, &object, &names, is_big_endian)?;
    let remarks = state.remarks.clone();
    let tensors = state.place(is_big_endian, |storage| {
        let region = regions.get(&storage.key).copied();
        region.with_context(|| format!("lacks its numbers, {}: {AGAIN}", shown(&storage.key)))
    })?;
    Ok(TensorFile { tensors, sources: vec![source], format: Format::Pytorch, said: BTreeMap::new(), remarks })
}

/// Where the storages are, by their names: one after the other, in the order of the names.
fn regions(
    source: &Source,
    mut at: u64,
    object: &pickle::Pickle<'_>,
    names: &pickle::Pickle<'_>,
    is_big_endian: bool,
) -> Result<HashMap<String, Region>> {
    let mut widths = HashMap::new();
    for value in object.values().filter(|value| matches!(value, Value::Persistent(_))) {
        let storage = state::storage_of(object, value)?;
        widths.insert(storage.key, storage.kind.width().context(AGAIN)?);
    }
    let mut regions = HashMap::new();
    for name in names.items(names.root()).context(AGAIN)? {
        let name = name.text().context(AGAIN)?.into_owned();
        let count = source.bytes(at, 8)?.try_into().unwrap_or_default();
        let count = if is_big_endian { u64::from_be_bytes(count) } else { u64::from_le_bytes(count) };
        let bytes = widths.get(&name).and_then(|width| count.checked_mul(*width));
        let end = bytes.and_then(|bytes| at.checked_add(8)?.checked_add(bytes));
        let is_whole = end.is_some_and(|end| end <= source.len());
        let (Some(bytes), Some(end), true) = (bytes, end, is_whole) else {
            bail!("the storage {} would have {count} numbers, more than the file has: {AGAIN}", shown(&name));
        };
        regions.insert(name, Region { start: at + 8, bytes });
        at = end;
    }
    Ok(regions)
}
