//! safetensors: the length of a header, the header, which is JSON, and the numbers of all tensors.
use super::{
    AGAIN, Format, Kind, MOST_HEADER, Region, Source, Stored, TensorFile, View, about, count, disk, shown,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use std::{collections::BTreeMap, fmt};

/// The entry of a header that is no tensor.
const METADATA: &str = "__metadata__";

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// A header's tensors, and what else it says.
#[derive(Default)]
struct Header {
    entries: BTreeMap<String, Entry>,
    said: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        header.said = map.next_value()?;
                    } else {
                        header.entries.insert(name, map.next_value()?);
                    }
                }
                Ok(header)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Reads the header.
pub fn open(source: Source) -> Result<TensorFile> {
    let first = source.bytes(0, 8)?;
    let len = first.iter().rev().fold(0u64, |len, byte| len << 8 | u64::from(*byte));
    let rest = source.len() - 8;
    ensure!(
        len <= rest.min(MOST_HEADER),
        "it is no whole safetensors file: its header would take {} of {}: get it again",
        disk::size(len),
        disk::size(rest)
    );
    let data = Region { start: 8 + len, bytes: rest - len };
    let Header { entries, said } = serde_json::from_slice(&source.bytes(8, len)?)
        .map_err(|error| anyhow!("it is no whole safetensors file ({error}): get it again"))?;
    let stored = |(name, entry): (String, Entry)| {
        let stored = stored(&entry, data).map_err(|error| about(&name, &error))?;
        Ok((name, stored))
    };
    Ok(TensorFile {
        tensors: entries.into_iter().map(stored).collect::<Result<_>>()?,
        sources: vec![source],
        format: Format::Safetensors,
        said,
        remarks: vec![],
    })
}

fn stored(entry: &Entry, data: Region) -> Result<Stored> {
    let [begin, end] = entry.data_offsets;
    ensure!(
        begin <= end && end <= data.bytes,
        "would take the bytes {begin} to {end} of {}: {AGAIN}",
        data.bytes
    );
    let kind = Kind::of_safetensors(&shown(&entry.dtype));
    let shape: Option<Vec<usize>> =
        entry.shape.iter().map(|dimension| usize::try_from(*dimension).ok()).collect();
    let shape = shape.context(AGAIN)?;
    let bytes = count(&shape).zip(kind.width()).and_then(|(count, width)| width.checked_mul(count as u64));
    ensure!(
        kind.width().is_none() || bytes == Some(end - begin),
        "is {shape:?} in {kind}, for which it has {} bytes: {AGAIN}",
        end - begin
    );
    let region = Region { start: data.start + begin, bytes: end - begin };
    Stored::new(View { shape, strides: None, offset: 0, kind: &kind }, region, false)
}
