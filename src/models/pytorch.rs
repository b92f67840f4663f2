//! The weights of a classifier, or of an encoder that learnt without labels, by PyTorch's names and in its layout, as safetensors: `encoder.conv1.weight`, (height, width,
//! in, out), is `conv1.weight`, (out, in, height, width), there.
use super::{Layer, Vars, layers, layers::head};
use crate::{
    disk,
    errors::At as _,
    shape::{ImageShape, Shape},
    spec::Choice,
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use candle_core::{DType, Tensor, Var, safetensors::BufferedSafetensors};
use std::{
    collections::{BTreeMap, HashMap},
    io::Read as _,
    path::Path,
};

/// The counterparts of a network's variables.
pub struct Pytorch<'a> {
    parts: Vec<Part<'a>>,
}

/// What a tensor of the file is called here: `fc2` for `head` renames all tensors of that layer.
pub struct Rename {
    pub theirs: String,
    pub ours: String,
}

struct Part<'a> {
    /// PyTorch's name.
    name: String,
    layout: Layout,
    var: &'a Var,
}

/// How a variable lies in memory, here and there.
#[derive(Clone, Copy)]
enum Layout {
    /// The same on both sides.
    Vector { len: usize },
    /// (height, width, in, out) here, (out, in, height, width) there.
    Conv { hwio: [usize; 4] },
    /// (height · width · in, out) here, (out, in · height · width) there: a flattened image lies in memory as it did
    /// before, and PyTorch's images have their channels first.
    Linear { hwio: [usize; 4] },
}

/// The variables of a layer by the ends of their names. A new kind of layer says here what PyTorch calls its own, what
/// is no weight, such as running means, included.
fn variables(layer: &Layer, input: Shape, flattened: Option<ImageShape>) -> Vec<(&'static str, Layout)> {
    match (layer, input) {
        (Layer::Conv { kernel, channels, .. }, Shape::Image(image)) => {
            let hwio = [*kernel, *kernel, image.channels, *channels];
            vec![("weight", Layout::Conv { hwio }), ("bias", Layout::Vector { len: *channels })]
        }
        (Layer::Linear { features, .. }, Shape::Features(inputs)) => {
            let ImageShape { height, width, channels } =
                flattened.unwrap_or(ImageShape { height: 1, width: 1, channels: inputs });
            let hwio = [height, width, channels, *features];
            vec![("weight", Layout::Linear { hwio }), ("bias", Layout::Vector { len: *features })]
        }
        (Layer::BatchNorm { .. }, Shape::Image(image)) => {
            let vector = Layout::Vector { len: image.channels };
            ["weight", "bias", "running_mean", "running_var"].map(|end| (end, vector)).to_vec()
        }
        (Layer::MaxPool { .. } | Layer::Dropout { .. } | Layer::Flatten, _) => vec![],
        (Layer::Conv { .. } | Layer::BatchNorm { .. } | Layer::Linear { .. }, _) => {
            unreachable!("the shape was checked by Layer::output")
        }
    }
}

/// Tensors of PyTorch's that mean nothing here: how many batches a normalisation has seen.
const PASSED_OVER: &str = "num_batches_tracked";

impl<'a> Pytorch<'a> {
    /// Of an encoder and a head for so many classes; without any, of the encoder alone, whatever an objective learns
    /// beside it.
    ///
    /// # Errors
    /// Where the layers do not fit the images, or the weights are not those of this network.
    pub fn new(vars: &'a Vars, encoder: &Choice, image: ImageShape, classes: Option<usize>) -> Result<Self> {
        let is_mine = |(name, _): &(&str, &Var)| classes.is_some() || name.starts_with("encoder.");
        let mut vars: BTreeMap<&str, &Var> = vars.all().filter(is_mine).collect();
        let (encoder, head) = (layers(encoder)?, classes.map(head));
        let head = head.iter().map(|layer| ("objective", layer));
        let all = encoder.iter().map(|layer| ("encoder", layer)).chain(head);
        let (mut parts, mut shape, mut flattened) = (vec![], Shape::from(image), None);
        for (prefix, layer) in all {
            let output = layer.output(shape)?;
            for (end, layout) in variables(layer, shape, flattened) {
                let name = format!("{}.{end}", layer.name());
                let own = format!("{prefix}.{name}");
                let var = vars.remove(own.as_str()).with_context(|| format!("there is no weight {own}"))?;
                parts.push(Part { name, layout, var });
            }
            flattened = match (layer, shape) {
                (Layer::Flatten, Shape::Image(image)) => Some(image),
                (Layer::Linear { .. }, _) => None,
                _ => flattened,
            };
            shape = output;
        }
        if let Some(own) = vars.keys().next() {
            bail!("The weights {own} have no counterpart in PyTorch");
        }
        Ok(Self { parts })
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
        let tensor = |part: &Part<'_>| Ok((part.name.clone(), part.layout.theirs(part.var)?));
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
            match found.remove(&part.name).map(|theirs| part.take(&file, &theirs)) {
                Some(Ok(tensor)) => fitting.push(tensor),
                Some(Err(problem)) => problems.push(format!("{} {problem:#}", part.name)),
                None => {
                    problems.push(format!("{} is missing: {:?} is needed", part.name, part.layout.shape()))
                }
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

impl Part<'_> {
    /// The tensor that a file calls `theirs`, laid out as the variable.
    fn take(&self, file: &BufferedSafetensors, theirs: &str) -> Result<Tensor> {
        let shape = self.layout.shape();
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
}

impl Layout {
    /// PyTorch's.
    fn shape(self) -> Vec<usize> {
        match self {
            Layout::Vector { len } => vec![len],
            Layout::Conv { hwio: [height, width, inputs, outputs] } => vec![outputs, inputs, height, width],
            Layout::Linear { hwio: [height, width, inputs, outputs] } => {
                vec![outputs, inputs * height * width]
            }
        }
    }

    fn theirs(self, ours: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Layout::Vector { .. } => ours.detach(),
            Layout::Conv { hwio } | Layout::Linear { hwio } => {
                ours.detach().reshape(&hwio)?.permute((3, 2, 0, 1))?.contiguous()?.reshape(self.shape())?
            }
        })
    }

    fn ours(self, theirs: &Tensor) -> Result<Tensor> {
        let (Layout::Conv { hwio } | Layout::Linear { hwio }) = self else { return Ok(theirs.clone()) };
        let [height, width, inputs, outputs] = hwio;
        let moved = theirs.reshape((outputs, inputs, height, width))?.permute((2, 3, 1, 0))?.contiguous()?;
        Ok(match self {
            Layout::Linear { .. } => moved.reshape((height * width * inputs, outputs))?,
            _ => moved,
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
