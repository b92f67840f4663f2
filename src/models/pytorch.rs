//! The weights of a classifier, or of an encoder that learnt without labels, by PyTorch's names and in its layout, as
//! safetensors: `encoder.conv1.weight`, (height, width, in, out), is `conv1.weight`, (out, in, height, width), there. The
//! block that makes a variable names its counterpart.
use super::{BlockVar, Scope, Vars};
use crate::{disk, errors::At as _, shape::ImageShape};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use candle_core::{DType, Tensor, Var, safetensors::BufferedSafetensors};
use std::{
    collections::{BTreeMap, HashMap},
    io::Read as _,
    path::Path,
};

/// The counterparts of a network's variables.
pub struct Pytorch<'a> {
    parts: Vec<Counterpart<'a>>,
}

/// A layer of the file under another name: `fc2` for `head` renames all tensors of that layer.
pub struct Rename {
    /// A layer of the file.
    pub theirs: String,
    /// The layer here that it is taken for.
    pub ours: String,
}

struct Counterpart<'a> {
    /// PyTorch's name.
    name: &'a str,
    layout: Layout,
    var: &'a Var,
}

/// How a variable lies in memory, here and there.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// The same on both sides.
    Same,
    /// (height, width, in, out) here, (out, in, height, width) there.
    Convolution,
    /// The same, after so many dimensions of length 1.
    Leading(usize),
    /// (height, width, channels) here, (channels, 1, height, width) there.
    Depthwise,
    /// (in, out) here, (out, in) there. What goes in may be a flattened image, (height · width · channels) here: it lies
    /// in memory as it did before, and PyTorch's images have their channels first.
    Linear {
        /// The shape of the image that was flattened.
        flattened: Option<ImageShape>,
    },
}

/// Tensors of PyTorch's that mean nothing here: how many batches a normalisation has seen.
const PASSED_OVER: &str = "num_batches_tracked";

impl<'a> Pytorch<'a> {
    /// Of an encoder and its head, or of the encoder alone, whatever an objective learns beside it.
    ///
    /// # Errors
    /// Where a weight has no counterpart in PyTorch.
    pub fn new(vars: &'a Vars, scope: Scope) -> Result<Self> {
        let mut rest: BTreeMap<&str, &Var> =
            vars.all().filter(|(name, _)| name.starts_with(scope.beginning())).collect();
        let counterpart = |of: &'a BlockVar| {
            let var = rest.remove(of.name.as_str())?;
            Some(Counterpart { name: &of.pytorch, layout: of.layout, var })
        };
        let parts = vars.of_blocks().iter().filter_map(counterpart).collect();
        match rest.keys().next() {
            Some(own) => bail!("The weights {own} have no counterpart in PyTorch"),
            None => Ok(Self { parts }),
        }
    }

    /// Tensors, and numbers in all of them.
    pub fn size(&self) -> (usize, usize) {
        (self.parts.len(), self.parts.iter().map(|part| part.var.elem_count()).sum())
    }

    /// The tensors by their names, as PyTorch lays them out.
    ///
    /// # Errors
    /// candle's own.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>> {
        let tensor = |part: &Counterpart<'_>| Ok((part.name.to_owned(), part.layout.theirs(part.var)?));
        self.parts.iter().map(tensor).collect()
    }

    /// Writes the tensors as safetensors.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn export(&self, path: &Path) -> Result<()> {
        candle_core::safetensors::save(&self.tensors()?, path).map_err(|error| {
            anyhow!("Could not write the weights ({error}): is there such a folder, and space?").at(path)
        })
    }

    /// Reads the variables from a file that PyTorch or [`export`](Self::export) wrote. Where there is an error, none of
    /// them is changed.
    ///
    /// # Errors
    /// Where it is no file of tensors, or they are not just those of this classifier: all that does not fit is named.
    pub fn import(&self, path: &Path, renames: &[Rename]) -> Result<()> {
        let tensors = self.read(path, renames).at(path)?;
        tensors.iter().zip(&self.parts).try_for_each(|(tensor, part)| Ok(part.var.set(tensor)?))
    }

    /// A tensor for each part, laid out as here.
    fn read(&self, path: &Path, renames: &[Rename]) -> Result<Vec<Tensor>> {
        let file = open(path, self.size().1)?;
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        let mut problems = vec![];
        for (theirs, _) in file.tensors() {
            let name = renamed(&theirs, renames);
            if !name.ends_with(PASSED_OVER) && found.insert(name.clone(), theirs).is_some() {
                problems.push(format!("{} is there twice after renaming", quoted(&name)));
            }
        }
        let mut fitting = vec![];
        for part in &self.parts {
            match found.remove(part.name).map(|theirs| part.take(&file, &theirs)) {
                Some(Ok(tensor)) => fitting.push(tensor),
                Some(Err(problem)) => problems.push(format!("{} {problem:#}", part.name)),
                None => problems.push(format!("{} is missing: {:?} is needed", part.name, part.shape())),
            }
        }
        problems.extend(found.keys().map(|name| format!("{} has no place in this network", quoted(name))));
        ensure!(
            problems.is_empty(),
            "{} of the {} tensors that this network needs fit:\n{}\n\
             Choose the network that the weights were trained in with --encoder and --set, or name its layers as here \
             with --rename THEIRS=OURS",
            fitting.len(),
            self.parts.len(),
            listed(&problems)
        );
        Ok(fitting)
    }
}

impl Counterpart<'_> {
    /// The tensor that a file calls `theirs`, laid out as the variable.
    fn take(&self, file: &BufferedSafetensors, theirs: &str) -> Result<Tensor> {
        let shape = self.shape();
        let there = file.get(theirs)?;
        ensure!(there.shape() == shape, "is {:?} where {shape:?} is needed", there.shape());
        let kind = there.dtype();
        let tensor = file.load(theirs, self.var.device()).ok().filter(|tensor| tensor.dtype().is_float());
        let tensor =
            tensor.with_context(|| format!("holds {kind} where F32 is needed"))?.to_dtype(DType::F32)?;
        let numbers = tensor.flatten_all()?.to_vec1::<f32>()?;
        ensure!(numbers.iter().all(|number| number.is_finite()), "holds numbers that are not finite");
        self.layout.ours(&tensor)
    }

    /// PyTorch's.
    fn shape(&self) -> Vec<usize> {
        match (self.layout, self.var.dims()) {
            (Layout::Convolution, [height, width, inputs, outputs]) => {
                vec![*outputs, *inputs, *height, *width]
            }
            (Layout::Leading(ones), dims) => [&vec![1; ones], dims].concat(),
            (Layout::Depthwise, [height, width, channels]) => vec![*channels, 1, *height, *width],
            (Layout::Linear { .. }, [inputs, outputs]) => vec![*outputs, *inputs],
            (_, dims) => dims.to_vec(),
        }
    }
}

impl Layout {
    /// A variable as PyTorch lays it out.
    fn theirs(self, ours: &Tensor) -> Result<Tensor> {
        let ours = ours.detach();
        Ok(match self {
            Layout::Same => ours,
            Layout::Leading(ones) => ours.reshape([&vec![1; ones], ours.dims()].concat())?,
            Layout::Convolution => ours.permute((3, 2, 0, 1))?.contiguous()?,
            Layout::Depthwise => ours.permute((2, 0, 1))?.contiguous()?.unsqueeze(1)?,
            Layout::Linear { flattened: None } => ours.t()?.contiguous()?,
            Layout::Linear { flattened: Some(ImageShape { height, width, channels }) } => {
                let (inputs, outputs) = ours.dims2()?;
                let images = ours.reshape((height, width, channels, outputs))?.permute((3, 2, 0, 1))?;
                images.contiguous()?.reshape((outputs, inputs))?
            }
        })
    }

    /// What PyTorch laid out, as the variable is.
    fn ours(self, theirs: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Layout::Same => theirs.clone(),
            Layout::Leading(ones) => theirs.reshape(&theirs.dims()[ones..])?,
            Layout::Convolution => theirs.permute((2, 3, 1, 0))?.contiguous()?,
            Layout::Depthwise => theirs.squeeze(1)?.permute((1, 2, 0))?.contiguous()?,
            Layout::Linear { flattened: None } => theirs.t()?.contiguous()?,
            Layout::Linear { flattened: Some(ImageShape { height, width, channels }) } => {
                let (outputs, inputs) = theirs.dims2()?;
                let images = theirs.reshape((outputs, channels, height, width))?.permute((2, 3, 1, 0))?;
                images.contiguous()?.reshape((inputs, outputs))?
            }
        })
    }
}

/// Opens a file of at least `numbers` numbers. Memory is taken by the file's own length, and only up to a bound.
pub(super) fn open(path: &Path, numbers: usize) -> Result<BufferedSafetensors> {
    // Double precision, twice over, and a header.
    let limit = 16 * numbers as u64 + (16 << 20);
    let mut bytes = vec![];
    let (file, _) = disk::open(path).context("Could not read the weights")?;
    file.take(limit + 1).read_to_end(&mut bytes).context("Could not read the weights")?;
    const ADVICE: &str = "In Python, safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\") \
                          writes weights as they are read here";
    // A zip archive, or protocol 2 and later of a bare pickle.
    let is_pickle = bytes.starts_with(b"PK\x03\x04") || matches!(bytes[..], [0x80, 2..=5, ..]);
    ensure!(
        !is_pickle,
        "This is a pickle, as torch.save writes it, and opening one could run any program. {ADVICE}"
    );
    ensure!(
        bytes.len() as u64 <= limit,
        "The file is larger than {} MB, more than the weights of this network could take: is it the right one?",
        limit / 1_000_000
    );
    BufferedSafetensors::new(bytes).map_err(|error| {
        let reason = error.to_string();
        anyhow!("This is no whole safetensors file ({}). {ADVICE}", reason.lines().next().unwrap_or_default())
    })
}

/// `fc2.weight` by `fc2=head` is `head.weight`; the first rename that fits is taken.
fn renamed(name: &str, renames: &[Rename]) -> String {
    let rest = |rename: &Rename| {
        let rest = name.strip_prefix(&rename.theirs)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{}{rest}", rename.ours))
    };
    renames.iter().find_map(rest).map_or_else(|| name.into(), |name| name.trim_start_matches('.').into())
}

/// A name that a stranger chose, fit to be printed.
pub(super) fn quoted(name: &str) -> String {
    name.chars().take(80).collect::<String>().escape_debug().to_string()
}

/// A line each, the first ones only where there are many.
pub(super) fn listed(problems: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut lines: Vec<String> = problems.iter().take(SHOWN).map(|problem| format!("  {problem}")).collect();
    if problems.len() > SHOWN {
        lines.push(format!("  and {} more", problems.len() - SHOWN));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
