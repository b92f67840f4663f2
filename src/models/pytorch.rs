//! The weights of a classifier, or of an encoder that learnt without labels, by PyTorch's names and in its layout:
//! `encoder.conv1.weight`, (height, width, in, out), is `conv1.weight`, (out, in, height, width), there. The block that makes
//! a variable names its counterpart; what others call it, [`names`] knows. Written as safetensors, and read from any file
//! that [`crate::weights`] reads.
use super::{
    BlockVar, Scope, Vars,
    names::{self, HEAD, Matched, Rename, Wanted, layer_of, quoted},
};
use crate::{errors::At as _, shape::ImageShape, weights::TensorFile};
use anyhow::{Result, anyhow, bail, ensure};
use candle_core::{Tensor, Var};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// The counterparts of a network's variables.
pub struct Pytorch<'a> {
    parts: Vec<Counterpart<'a>>,
    /// What is not read: PyTorch's names of variables that start from random weights.
    fresh: Vec<&'a str>,
    scope: Scope,
}

struct Counterpart<'a> {
    /// PyTorch's name.
    name: &'a str,
    layout: Layout,
    var: &'a Var,
}

/// What came of the tensors of a file.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// In the order in which the network has them.
    pub loaded: Vec<Loaded>,
    /// In order of their names.
    pub left_out: Vec<LeftOut>,
    /// How the file was understood, a sentence each.
    pub remarks: Vec<String>,
}

/// A tensor that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name here.
    pub name: String,
    /// Its names in the file.
    pub from: Vec<String>,
    /// Its shape in PyTorch.
    pub shape: Vec<usize>,
}

/// What was read of a part of the network, such as a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenPart {
    /// Its name here.
    pub name: String,
    /// What its names in the file have in common.
    pub from: String,
    /// Weights and biases, and statistics of normalisations.
    pub tensors: usize,
    /// Numbers in them.
    pub numbers: usize,
}

/// A tensor of the file that was not read.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Its name in the file.
    pub name: String,
    /// Why it was not.
    pub why: &'static str,
}

/// How a variable lies in memory, here and there.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// The same on both sides.
    Same,
    /// (height, width, in, out) here, (out, in, height, width) there.
    Convolution,
    /// (in, out) here, (out, in) there. What goes in may be a flattened image, (height · width · channels) here: it lies
    /// in memory as it did before, and PyTorch's images have their channels first.
    Linear {
        /// The shape of the image that was flattened.
        flattened: Option<ImageShape>,
    },
    /// (height, width, channels) here, (channels, 1, height, width) there: a convolution of each channel by itself.
    Depthwise,
    /// The same numbers, after so many dimensions of 1 there: positions (tokens, width) here are (1, tokens, width) there.
    Leading(usize),
}

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
            None => Ok(Self { parts, fresh: vec![], scope }),
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

    /// Leaves variables as they are, by their names here, when a file is read.
    pub fn except(mut self, vars: &'a Vars, fresh: &[&str]) -> Self {
        let of = vars.of_blocks().iter().filter(|var| fresh.contains(&var.name.as_str()));
        self.fresh = of.map(|var| var.pytorch.as_str()).collect();
        let fresh = &self.fresh;
        self.parts.retain(|part| !fresh.contains(&part.name));
        self
    }

    /// Reads the variables from a file that PyTorch or [`export`](Self::export) wrote. Where there is an error, none of
    /// them is changed.
    ///
    /// # Errors
    /// Where it is no file of tensors, or they are not just those of this network: all that does not fit is named.
    pub fn import(&self, path: &Path, renames: &[Rename]) -> Result<Taken> {
        self.take(&TensorFile::open(path)?, renames).at(path)
    }

    /// As [`import`](Self::import), from a file that is open.
    ///
    /// # Errors
    /// As there.
    pub fn take(&self, file: &TensorFile, renames: &[Rename]) -> Result<Taken> {
        let wanted: Wanted<'_> = self.parts.iter().map(|part| (part.name, part.shape())).collect();
        let mut matched = names::matched(file.tensors(), &wanted, renames);
        let mut problems = std::mem::take(&mut matched.problems);
        // whether another network or other names would help
        let mut is_another = !problems.is_empty();
        let (mut tensors, mut loaded, mut unfit) = (vec![], vec![], vec![]);
        for part in &self.parts {
            let Some(from) = matched.sources.remove(part.name) else {
                problems.push(format!("{} is missing: {:?} is needed", part.name, part.shape()));
                unfit.push((part.name, part.shape()));
                continue;
            };
            match part.take(file, &from) {
                Ok(tensor) => {
                    tensors.push((part.var, tensor));
                    loaded.push(Loaded { name: part.name.into(), from, shape: part.shape() });
                }
                Err(problem) => {
                    is_another |= !part.fits(file, &from);
                    problems.push(format!("{} {problem:#}", said_of(part.name, &from)));
                }
            }
        }
        let (left_out, strays) = self.left_out(&matched);
        is_another |= !unfit.is_empty() || !strays.is_empty();
        // so that some of both are seen where there are many
        let stray = strays.iter().map(|name| format!("{} has no place in this network", quoted(name)));
        let at = problems.len().min(SHOWN / 2 + 1);
        problems.splice(at..at, stray);
        if !problems.is_empty() {
            let suggested = suggestion(file, &unfit, &strays);
            let suggested = suggested.map(|suggested| match self.scope {
                Scope::All => suggested,
                Scope::Encoder => format!("{suggested}, and begin with that run"),
            });
            bail!(
                "{} of the {} tensors that this network needs fit:\n{}\n{}",
                loaded.len(),
                self.parts.len(),
                listed(&problems),
                suggested.unwrap_or_else(|| self.advice(is_another).into())
            );
        }
        tensors.iter().try_for_each(|(var, tensor)| var.set(tensor))?;
        let remarks = [&file.remarks[..], &matched.remarks[..]].concat();
        Ok(Taken { loaded, left_out, remarks })
    }

    fn advice(&self, is_another: bool) -> &'static str {
        match self.scope {
            _ if !is_another => {
                "Get the weights again from where they are published, in floating point: numbers that are quantised or no \
                 numbers at all are of no use here"
            }
            Scope::All => {
                "Choose the network that the weights were trained in with --encoder and --set, or name its layers as here \
                 with --rename THEIRS=OURS"
            }
            Scope::Encoder => "Choose the network and the image size that the weights were trained with",
        }
    }

    /// What of the file is not read and why, and what cannot be left out without a word: what the network has no place
    /// for, though it has such parts.
    fn left_out(&self, matched: &Matched) -> (Vec<LeftOut>, Vec<String>) {
        let kinds: Vec<&str> = self.parts.iter().map(|part| kind_of(part.name)).collect();
        let (mut left, mut strays) = (vec![], vec![]);
        for (name, from) in &matched.sources {
            let is_head = layer_of(name) == HEAD;
            let why = match self.scope {
                _ if self.fresh.contains(&name.as_str()) => "starts from random weights",
                Scope::Encoder if is_head => "is the head of another task",
                Scope::Encoder if !kinds.contains(&kind_of(name)) => "is no part of this encoder",
                _ => {
                    strays.extend(from.iter().cloned());
                    continue;
                }
            };
            left.extend(from.iter().map(|name| LeftOut { name: name.clone(), why }));
        }
        let counters = matched.counters.iter();
        left.extend(
            counters.map(|name| LeftOut { name: name.clone(), why: "only counts, and is no weight" }),
        );
        left.sort_by(|a, b| a.name.cmp(&b.name));
        (left, strays)
    }
}

impl Taken {
    /// What was read, by the outermost parts of the network.
    pub fn by_part(&self) -> Vec<TakenPart> {
        let mut parts: Vec<TakenPart> = vec![];
        for Loaded { name, from, shape } in &self.loaded {
            let part = name.split('.').next().unwrap_or_default();
            let numbers = shape.iter().product();
            let layers = || from.iter().map(|name| layer_of(name));
            match parts.last_mut().filter(|last| last.name == part) {
                Some(last) => {
                    last.from = layers().fold(last.from.clone(), |all, name| shared(&all, name));
                    last.tensors += 1;
                    last.numbers += numbers;
                }
                None => {
                    let first = layers().next().unwrap_or_default().to_owned();
                    let from = layers().fold(first, |all, name| shared(&all, name));
                    parts.push(TakenPart { name: part.into(), from, tensors: 1, numbers });
                }
            }
        }
        parts
    }

    /// Why tensors were left out, and the layers that these are in, or of many the first one.
    pub fn left_out_by_reason(&self) -> Vec<(&'static str, String)> {
        const SHOWN: usize = 4;
        let mut reasons: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
        for left in &self.left_out {
            reasons.entry(left.why).or_default().push(&left.name);
        }
        let line = |(why, names): (&'static str, Vec<&str>)| {
            let mut layers: Vec<&str> = names.iter().map(|name| layer_of(name)).collect();
            layers.dedup();
            let listed = match &layers[..] {
                [first, ..] if layers.len() > SHOWN => {
                    format!("{} tensors, such as {}", names.len(), quoted(first))
                }
                few => few.iter().map(|layer| quoted(layer)).collect::<Vec<_>>().join(", "),
            };
            (why, listed)
        };
        reasons.into_iter().map(line).collect()
    }
}

/// What two names begin with, up to an end of their parts.
fn shared(one: &str, other: &str) -> String {
    let parts = one.split('.').zip(other.split('.'));
    parts.take_while(|(a, b)| a == b).map(|(part, _)| part).collect::<Vec<_>>().join(".")
}

/// What stands for all layers that are counted: `fc` of `fc1.weight`.
fn kind_of(name: &str) -> &str {
    let first = name.split('.').next().unwrap_or_default();
    first.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

/// A tensor by its name here, and there where that is another.
fn said_of(name: &str, from: &[String]) -> String {
    match from {
        [only] if only == name => name.into(),
        [only] => format!("{name} ({})", quoted(only)),
        several => format!("{name} ({} tensors)", several.len()),
    }
}

/// Layers of the file that would fit under other names: those alone that have just the tensors of one layer that is missing.
fn suggestion(file: &TensorFile, missing: &[(&str, Vec<usize>)], strays: &[String]) -> Option<String> {
    type Layers<'a> = BTreeMap<&'a str, Vec<(&'a str, Vec<usize>)>>;
    let (mut ours, mut theirs) = (Layers::new(), Layers::new());
    for (name, shape) in missing {
        ours.entry(layer_of(name)).or_default().push((&name[layer_of(name).len()..], shape.clone()));
    }
    for name in strays {
        let shape = file.get(name)?.shape.clone();
        theirs.entry(layer_of(name)).or_default().push((&name[layer_of(name).len()..], shape));
    }
    ours.values_mut().chain(theirs.values_mut()).for_each(|layer| layer.sort());
    let only = |layers: &Layers<'_>, wanted: &Vec<(&str, Vec<usize>)>| {
        layers.values().filter(|layer| *layer == wanted).count() == 1
    };
    let renames = ours.iter().filter(|(_, layer)| only(&ours, layer) && only(&theirs, layer));
    let renames: Vec<String> = renames
        .filter_map(|(our, layer)| {
            let (their, _) = theirs.iter().find(|(_, other)| *other == layer)?;
            Some(format!("--rename {}={our}", quoted(their)))
        })
        .collect();
    (!renames.is_empty()).then(|| {
        let rest = if renames.len() == ours.len() { "" } else { ", and the others likewise" };
        format!(
            "Import them under the names that layers have here: headstart import FILE {}{rest}",
            renames.join(" ")
        )
    })
}

impl Counterpart<'_> {
    /// What a file calls `theirs`, laid out as the variable.
    fn take(&self, file: &TensorFile, theirs: &[String]) -> Result<Tensor> {
        let shape = self.shape();
        ensure!(
            self.fits(file, theirs),
            "is {} where {shape:?} is needed",
            theirs
                .iter()
                .filter_map(|name| Some(format!("{:?}", file.get(name)?.shape)))
                .collect::<Vec<_>>()
                .join(" and ")
        );
        let mut numbers = vec![];
        for name in theirs {
            numbers.extend(file.read(name)?);
        }
        ensure!(numbers.iter().all(|number| number.is_finite()), "holds numbers that are not finite");
        self.layout.ours(&Tensor::from_vec(numbers, shape, self.var.device())?)
    }

    /// Whether a tensor of the file has the shape that is needed, or several, rows after rows.
    fn fits(&self, file: &TensorFile, theirs: &[String]) -> bool {
        let shapes = || theirs.iter().filter_map(|name| Some(&file.get(name)?.shape[..]));
        let rows = shapes().filter_map(<[usize]>::first).fold(0usize, |all, rows| all.saturating_add(*rows));
        match shapes().next() {
            Some(only) if theirs.len() == 1 => names::fits(only, &self.shape()),
            Some([_, rest @ ..]) => {
                shapes().all(|shape| shape.get(1..) == Some(rest))
                    && names::fits(&[&[rows], rest].concat(), &self.shape())
            }
            _ => false,
        }
    }

    /// PyTorch's.
    fn shape(&self) -> Vec<usize> {
        match (self.layout, self.var.dims()) {
            (Layout::Convolution, [height, width, inputs, outputs]) => {
                vec![*outputs, *inputs, *height, *width]
            }
            (Layout::Linear { .. }, [inputs, outputs]) => vec![*outputs, *inputs],
            (Layout::Depthwise, [height, width, channels]) => vec![*channels, 1, *height, *width],
            (Layout::Leading(ones), dims) => [&vec![1; ones][..], dims].concat(),
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
            Layout::Convolution => ours.permute((3, 2, 0, 1))?.contiguous()?,
            Layout::Linear { flattened: None } => ours.t()?.contiguous()?,
            Layout::Linear { flattened: Some(ImageShape { height, width, channels }) } => {
                let (inputs, outputs) = ours.dims2()?;
                let images = ours.reshape((height, width, channels, outputs))?.permute((3, 2, 0, 1))?;
                images.contiguous()?.reshape((outputs, inputs))?
            }
            Layout::Depthwise => ours.permute((2, 0, 1))?.unsqueeze(1)?.contiguous()?,
            Layout::Leading(ones) => {
                let dims = [&vec![1; ones][..], ours.dims()].concat();
                ours.reshape(dims)?
            }
        })
    }

    /// What PyTorch laid out, as the variable is.
    fn ours(self, theirs: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Layout::Same => theirs.clone(),
            Layout::Convolution => theirs.permute((2, 3, 1, 0))?.contiguous()?,
            Layout::Linear { flattened: None } => theirs.t()?.contiguous()?,
            Layout::Linear { flattened: Some(ImageShape { height, width, channels }) } => {
                let (outputs, inputs) = theirs.dims2()?;
                let images = theirs.reshape((outputs, channels, height, width))?.permute((2, 3, 1, 0))?;
                images.contiguous()?.reshape((inputs, outputs))?
            }
            Layout::Depthwise => theirs.squeeze(1)?.permute((1, 2, 0))?.contiguous()?,
            Layout::Leading(ones) => theirs.reshape(theirs.dims().get(ones..).unwrap_or_default())?,
        })
    }
}

/// As many lines are shown of a list.
const SHOWN: usize = 12;

/// A line each, the first ones only where there are many.
pub(super) fn listed(problems: &[String]) -> String {
    let mut lines: Vec<String> = problems.iter().take(SHOWN).map(|problem| format!("  {problem}")).collect();
    if problems.len() > SHOWN {
        lines.push(format!("  and {} more", problems.len() - SHOWN));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
