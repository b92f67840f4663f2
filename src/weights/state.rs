//! What `torch.save` pickles: a dictionary of tensors, or a checkpoint that holds one under some key.
use super::{Kind, Region, Stored, View, about, shown};
use crate::pickle::{Pickle, Place, Value};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeMap, HashSet};

/// What PyTorch's pickles name beside [storages](Kind::of_storage): tensors, and what people keep beside them, of which
/// nothing is made here.
const ALLOWED: [&str; 20] = [
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.Size",
    "torch.device",
    "torch.float32",
    "torch.float16",
    "torch.bfloat16",
    "torch.float64",
    "collections.defaultdict",
    "collections.Counter",
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "__builtin__.set",
    "builtins.set",
    "datetime.timedelta",
    "pathlib.PosixPath",
];
/// PyTorch's storages.
const STORAGES: [&str; 10] =
    ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"];
/// Dictionaries within dictionaries in which tensors are looked for.
const MOST_DEPTH: usize = 4;
/// As many keys are named of those that were passed over.
const MOST_NAMED: usize = 8;
/// What only an optimiser's state has.
const OPTIMIZER: &str = "param_groups";
const DAMAGED: &str = "it is damaged: get it again";

/// Every name that a pickle of weights may hold.
pub fn allowed() -> Vec<String> {
    let storages =
        STORAGES.iter().flat_map(|kind| ["", "cuda."].map(|at| format!("torch.{at}{kind}Storage")));
    storages.chain(ALLOWED.map(String::from)).collect()
}

/// Where a storage is kept outside of the pickle.
#[derive(Clone, Debug)]
pub struct Storage {
    /// What it is called there.
    pub key: String,
    pub kind: Kind,
    /// Numbers in it, as the pickle says.
    pub count: u64,
    /// Where it begins in the one that is kept: older versions shared storages so.
    offset: u64,
}

/// What a pickle's weights are.
pub struct State {
    tensors: BTreeMap<String, Tensor>,
    pub remarks: Vec<String>,
}

struct Tensor {
    storage: Storage,
    offset: u64,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// A dictionary that may be the one.
struct Candidate<'a> {
    keys: Vec<String>,
    entries: &'a [(Place, Place)],
    tensors: usize,
}

impl State {
    /// Finds the weights: the dictionary with the most tensors that is no optimiser's state, nor an average of the weights
    /// beside the weights themselves.
    pub fn find(pickle: &Pickle<'_>) -> Result<Self> {
        let mut remarks = vec![];
        let candidates = candidates(pickle);
        let is_average = |candidate: &Candidate<'_>| candidate.keys.iter().any(|key| key.contains("ema"));
        // the last of the largest; those that were found first are named first
        let best = candidates
            .iter()
            .rev()
            .max_by_key(|candidate| (candidate.tensors, !is_average(candidate)))
            .filter(|candidate| candidate.tensors > 0);
        let best = best.context(
            "it holds no dictionary of tensors: in Python, torch.save(model.state_dict(), \"weights.pt\") writes one",
        )?;
        let mut tensors = BTreeMap::new();
        let mut beside = vec![];
        if let (Some(first), Value::Dict(entries)) = (best.keys.first(), pickle.root()) {
            let others =
                entries.iter().filter_map(|(key, value)| Some((key_of(pickle, *key)?, pickle.get(*value))));
            beside.extend(others.filter(|(key, _)| key != first).map(|(key, value)| {
                if is_optimizer(pickle, value) { format!("{key} (an optimiser's state)") } else { key }
            }));
            remarks.push(format!("The weights are those under {}", shown(&best.keys.join("."))));
        }
        for (key, value) in best.entries {
            let (key, value) = (key_of(pickle, *key), pickle.get(*value));
            match key {
                Some(key) if is_tensor(value) => {
                    let tensor = tensor(pickle, value).map_err(|error| about(&key, &error))?;
                    tensors.insert(key, tensor);
                }
                Some(key) => beside.push(key),
                None => beside.push("a key that is no text".into()),
            }
        }
        if !beside.is_empty() {
            let named: Vec<_> = beside.iter().take(MOST_NAMED).map(|key| shown(key)).collect();
            let more = match beside.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            remarks.push(format!("Passed over beside the weights: {}{more}", named.join(", ")));
        }
        Ok(Self { tensors, remarks })
    }

    /// The tensors, each within the region where its storage is.
    pub fn place(
        self,
        is_big_endian: bool,
        mut region: impl FnMut(&Storage) -> Result<Region>,
    ) -> Result<BTreeMap<String, Stored>> {
        let mut place = |tensor: Tensor| {
            let Tensor { storage, offset, shape, strides } = tensor;
            let region = region(&storage)?;
            let offset = offset.checked_add(storage.offset).context(DAMAGED)?;
            let view = View { shape, strides: Some(strides), offset, kind: &storage.kind };
            Stored::new(view, region, is_big_endian)
        };
        let placed = |(name, tensor): (String, Tensor)| match place(tensor) {
            Ok(stored) => Ok((name, stored)),
            Err(error) => Err(about(&name, &error)),
        };
        self.tensors.into_iter().map(placed).collect()
    }
}

fn key_of(pickle: &Pickle<'_>, place: Place) -> Option<String> {
    pickle.get(place).text().map(|text| text.into_owned())
}

fn is_optimizer(pickle: &Pickle<'_>, value: &Value<'_>) -> bool {
    pickle.entry(value, OPTIMIZER).is_some()
}

/// The dictionaries within the outermost one, itself first. Each is looked at once, however often it is there.
fn candidates<'a>(pickle: &'a Pickle<'_>) -> Vec<Candidate<'a>> {
    let (mut found, mut seen) = (vec![], HashSet::new());
    let mut waiting = vec![(vec![], pickle.root())];
    while let Some((path, value)) = waiting.pop() {
        let Value::Dict(entries) = value else { continue };
        if is_optimizer(pickle, value) {
            continue;
        }
        let tensors = entries.iter().filter(|(_, value)| is_tensor(pickle.get(*value))).count();
        if path.len() < MOST_DEPTH {
            let inner = entries
                .iter()
                .rev()
                .filter(|(_, place)| matches!(pickle.get(*place), Value::Dict(_)) && seen.insert(*place));
            waiting.extend(inner.filter_map(|(key, place)| {
                let key = key_of(pickle, *key)?;
                Some((path.iter().cloned().chain([key]).collect(), pickle.get(*place)))
            }));
        }
        found.push(Candidate { keys: path, entries, tensors });
    }
    found
}

fn is_tensor(value: &Value<'_>) -> bool {
    matches!(value, Value::Object(object) if object.of.starts_with("torch._utils._rebuild_"))
}

/// What would rebuild a tensor: a storage, an offset, a size and strides.
fn tensor(pickle: &Pickle<'_>, value: &Value<'_>) -> Result<Tensor> {
    let Value::Object(object) = value else { bail!(DAMAGED) };
    let arguments: Vec<&Value<'_>> =
        pickle.items(pickle.get(object.arguments)).context(DAMAGED)?.take(8).collect();
    if object.of.starts_with("torch._utils._rebuild_parameter") {
        let data = arguments.first().context(DAMAGED)?;
        // a parameter of a tensor, and not of another parameter
        let Value::Object(inner) = data else { bail!(DAMAGED) };
        ensure!(inner.of.starts_with("torch._utils._rebuild_tensor"), DAMAGED);
        return tensor(pickle, data);
    }
    let [storage, offset, shape, strides, ..] = arguments[..] else { bail!(DAMAGED) };
    let numbers = |value: &Value<'_>| -> Result<Vec<usize>> {
        let items = pickle.items(value).context(DAMAGED)?;
        ensure!(items.len() <= super::MOST_DIMENSIONS, "has {} dimensions: {DAMAGED}", items.len());
        items.map(|item| usize::try_from(item.int().context(DAMAGED)?).context(DAMAGED)).collect()
    };
    Ok(Tensor {
        storage: storage_of(pickle, storage)?,
        offset: u64::try_from(offset.int().context(DAMAGED)?).context(DAMAGED)?,
        shape: numbers(shape)?,
        strides: numbers(strides)?,
    })
}

/// What is kept outside of the pickle.
pub fn storage_of(pickle: &Pickle<'_>, value: &Value<'_>) -> Result<Storage> {
    let Value::Persistent(place) = value else { bail!(DAMAGED) };
    let items: Vec<&Value<'_>> = pickle.items(pickle.get(*place)).context(DAMAGED)?.take(6).collect();
    let [_, Value::Global(class), key, _, count, ..] = items[..] else { bail!(DAMAGED) };
    let kind = Kind::of_storage(class).context(DAMAGED)?;
    let count = u64::try_from(count.int().context(DAMAGED)?).context(DAMAGED)?;
    // a name, an offset and a size of a part of the storage
    let part = items.get(5).and_then(|part| pickle.items(part));
    let offset = part.and_then(|mut part| part.nth(1)?.int()).unwrap_or(0);
    let offset = u64::try_from(offset).context(DAMAGED)?;
    Ok(Storage { key: key.text().context(DAMAGED)?.into_owned(), kind, count, offset })
}
