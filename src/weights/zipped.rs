//! What `torch.save` writes since PyTorch 1.6: a ZIP archive of a pickle and a file for each storage, none of them packed.
use super::{AGAIN, Format, MOST_HEADER, Region, Source, TensorFile, disk, shown, state};
use crate::{errors::At as _, pickle};
use anyhow::{Context as _, Result, ensure};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::BufReader,
};
use zip::{CompressionMethod, ZipArchive};

/// Reads the pickle, and where the storages are.
pub fn open(source: Source) -> Result<TensorFile> {
    let members = Members::of(&source)?;
    let pickled = members.region("data.pkl").context(
        "it is a ZIP archive that PyTorch did not write: choose the file of weights itself, or unpack it",
    )?;
    ensure!(pickled.bytes <= MOST_HEADER, "it says {} of its tensors: {AGAIN}", disk::size(pickled.bytes));
    let bytes = source.bytes(pickled.start, pickled.bytes)?;
    let order = members.region("byteorder").filter(|order| order.bytes < 16);
    let order = order.map(|order| source.bytes(order.start, order.bytes)).transpose()?;
    let allowed = state::allowed();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let pickle = pickle::read(&bytes, &allowed)?;
    let state = state::State::find(&pickle)?;
    let remarks = state.remarks.clone();
    let tensors = state.place(order.as_deref() == Some(b"big"), |storage| {
        let name = format!("data/{}", storage.key);
        let region = members.region(&name);
        let region = region.with_context(|| format!("lacks its numbers, {}: {AGAIN}", shown(&name)))?;
        let needed = storage.kind.width().and_then(|width| storage.count.checked_mul(width));
        let is_whole = needed.is_some_and(|needed| needed <= region.bytes);
        ensure!(
            is_whole,
            "would have {} numbers of {}, of which the file has {}: {AGAIN}",
            storage.count,
            storage.kind,
            disk::size(region.bytes)
        );
        Ok(region)
    })?;
    Ok(TensorFile { tensors, sources: vec![source], format: Format::Pytorch, said: BTreeMap::new(), remarks })
}

/// Where the files of an archive are, by their names without the folder that all are in.
struct Members(HashMap<String, Region>);

impl Members {
    fn of(source: &Source) -> Result<Self> {
        let Source::File { path, .. } = source else { anyhow::bail!(AGAIN) };
        let file = File::open(path).at(path)?;
        let mut archive = ZipArchive::new(BufReader::new(file)).context(AGAIN)?;
        // the folder that the pickle is in: `archive/data.pkl`
        let root = archive.file_names().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
        let root = root.unwrap_or_default();
        let mut members = HashMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).context(AGAIN)?;
            let Some(name) = entry.name().strip_prefix(&root) else { continue };
            let is_needed = name == "data.pkl" || name == "byteorder" || name.starts_with("data/");
            if !is_needed {
                continue;
            }
            ensure!(
                entry.compression() == CompressionMethod::Stored && !entry.encrypted(),
                "{} is packed, which PyTorch never does: get it from where it is published",
                shown(name)
            );
            let region = Region { start: entry.data_start().context(AGAIN)?, bytes: entry.size() };
            let end = region.start.checked_add(region.bytes);
            ensure!(end.is_some_and(|end| end <= source.len()), "{} is not whole: {AGAIN}", shown(name));
            members.insert(name.to_owned(), region);
        }
        Ok(Self(members))
    }

    fn region(&self, name: &str) -> Option<Region> {
        self.0.get(name).copied()
    }
}
