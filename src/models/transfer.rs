//! Transfer: an encoder's weights from another run or file, whatever head they were trained with.
use super::{
    Pytorch, Vars, names,
    pytorch::{self, Taken},
    shipped::Shipped,
    vars,
};
use crate::{
    disk,
    errors::{At as _, Place},
    weights::{Format, TensorFile},
};
use anyhow::{Context as _, Result, ensure};
use candle_core::{DType, Device, Tensor, Var};
use std::path::{Path, PathBuf};

/// What the names of an encoder's variables begin with.
const ENCODER: &str = "encoder.";
/// What those of an objective's begin with.
const OBJECTIVE: &str = "objective.";

/// Where an encoder's weights are.
#[derive(Clone, Debug)]
pub enum Weights {
    /// A `model.safetensors` of a run, or a file of another program's.
    File(PathBuf),
    /// Compiled into the program.
    Shipped(&'static Shipped),
}

impl From<&Weights> for Place {
    fn from(weights: &Weights) -> Self {
        match weights {
            Weights::File(path) => Place::File(path.clone()),
            Weights::Shipped(shipped) => Place::Shipped(shipped.info.id.into()),
        }
    }
}

/// Which of the weights of another run are wanted.
#[derive(Clone, Copy, PartialEq)]
pub enum Scope {
    /// All variables under `encoder.`.
    Encoder,
    /// The encoder and its head: the objective and its classes are the same.
    All,
}

impl Scope {
    /// What the names of its variables begin with.
    pub(super) fn beginning(self) -> &'static str {
        if self == Scope::Encoder { ENCODER } else { "" }
    }

    fn label(self) -> &'static str {
        if self == Scope::Encoder { "encoder" } else { "network" }
    }
}

/// Sets the variables of a scope to the tensors of a file, except for those of the encoder's last `fresh_stages` stages; says
/// what was read and what was not. They are those of the same names in a file of Headstart's, and in any other file those
/// that [`Pytorch`] finds. Where there is an error, none of them is changed.
///
/// # Errors
/// Where it is no file of tensors, or not exactly those of this scope: all that does not fit is named.
pub fn load_weights(vars: &Vars, weights: &Weights, scope: Scope, fresh_stages: usize) -> Result<String> {
    let load = || {
        let file = match weights {
            Weights::File(path) => TensorFile::open(path)?,
            Weights::Shipped(shipped) => {
                TensorFile::of_bytes(shipped.bytes).context("The shipped encoder is damaged")?
            }
        };
        read(vars, &file, scope, fresh_stages)
    };
    load().context("Could not begin with these weights").at(weights)
}

/// Whether a file that Headstart wrote holds weights that can be used.
///
/// # Errors
/// Where it cannot be read, or holds numbers that are not finite.
pub fn check(path: &Path) -> Result<()> {
    // Which network they are of is not known here: as many as there are.
    let len = disk::open(path).at(path)?.1;
    for (name, tensor) in vars::tensors(path, len as usize, &Device::Cpu)? {
        ensure!(tensor.dtype() == DType::F32 && vars::is_finite(&tensor)?, vars::not_finite(&name, path));
    }
    Ok(())
}

/// Whether a checkpoint that somebody sent has weights that can be used.
///
/// # Errors
/// As [`check`].
pub fn check_checkpoint(folder: &Path) -> Result<()> {
    check(&folder.join("model.safetensors"))
}

fn read(vars: &Vars, file: &TensorFile, scope: Scope, fresh_stages: usize) -> Result<String> {
    let own = Own::find(vars, file, scope, fresh_stages);
    if own.has_shapes {
        return own.take(file, scope);
    }
    let foreign = Pytorch::new(vars, scope)
        .and_then(|pytorch| pytorch.except(vars, &own.fresh).take(file, &[]))
        .map(|taken| said(&taken, scope));
    // a file of ours is told what it lacks by its own names
    if foreign.is_err() && is_own(file) { own.take(file, scope) } else { foreign }
}

/// Whether a file is named as Headstart names its own.
fn is_own(file: &TensorFile) -> bool {
    let begins = |name: &str| [ENCODER, OBJECTIVE].iter().any(|root| name.starts_with(root));
    file.format() == Format::Safetensors && file.tensors().all(|(name, _)| begins(name))
}

/// What a scope needs of a file of Headstart's.
struct Own<'a> {
    all: Vec<(&'a str, &'a Var)>,
    /// Those that are read.
    wanted: Vec<(&'a str, &'a Var)>,
    /// The names of those that start from random weights.
    fresh: Vec<&'a str>,
    /// Whether every one is there, in its shape.
    has_shapes: bool,
}

impl<'a> Own<'a> {
    fn find(vars: &'a Vars, file: &TensorFile, scope: Scope, fresh_stages: usize) -> Self {
        let all: Vec<_> = vars.all().filter(|(name, _)| name.starts_with(scope.beginning())).collect();
        let fresh = vars.last_stages(fresh_stages);
        let wanted: Vec<_> = all.iter().copied().filter(|(name, _)| !fresh.contains(name)).collect();
        let has_shapes =
            wanted.iter().all(|(name, var)| file.get(name).is_some_and(|info| info.shape == var.dims()));
        Self { all, wanted, fresh, has_shapes }
    }

    fn take(&self, file: &TensorFile, scope: Scope) -> Result<String> {
        let (mut fitting, mut problems) = (vec![], vec![]);
        for (name, var) in &self.wanted {
            match take(file, name, var) {
                Ok(tensor) => fitting.push((var, tensor)),
                Err(problem) => problems.push(format!("{name} {problem:#}")),
            }
        }
        let others: Vec<&str> = file.tensors().map(|(name, _)| name).collect();
        let is_stray = |name: &&&str| {
            name.starts_with(scope.beginning()) && !self.all.iter().any(|(own, _)| own == *name)
        };
        let stray = |name: &&str| format!("{} has no place in this network", names::quoted(name));
        problems.extend(others.iter().filter(is_stray).map(stray));
        ensure!(
            problems.is_empty(),
            "{} of the {} tensors of this {} fit:\n{}\nChoose the network and the image size that the weights were \
             trained with",
            fitting.len(),
            self.wanted.len(),
            scope.label(),
            pytorch::listed(&problems)
        );
        for (var, tensor) in &fitting {
            var.set(tensor)?;
        }
        let fresh = match self.all.len() - self.wanted.len() {
            0 => String::new(),
            fresh => format!("; {fresh} start from random weights"),
        };
        let left = others.iter().filter(|name| !name.starts_with(scope.beginning())).count();
        let left =
            if left == 0 { String::new() } else { format!("; {left} of the old objective were left out") };
        Ok(format!("The {} begins with {} pretrained tensors{fresh}{left}", scope.label(), fitting.len()))
    }
}

fn take(file: &TensorFile, name: &str, var: &Var) -> Result<Tensor> {
    let there = file.get(name).with_context(|| format!("is missing: {:?} is needed", var.dims()))?;
    ensure!(there.shape == var.dims(), "is {:?} where {:?} is needed", there.shape, var.dims());
    let tensor = Tensor::from_vec(file.read(name)?, var.dims(), var.device())?;
    ensure!(vars::is_finite(&tensor)?, "holds numbers that are not finite");
    Ok(tensor)
}

/// What was taken of another program's file, in a sentence each.
fn said(taken: &Taken, scope: Scope) -> String {
    let mut said = format!("The {} begins with {} pretrained tensors", scope.label(), taken.loaded.len());
    for (why, names) in taken.left_out_by_reason() {
        said.push_str(&format!("; left out, as it {why}: {names}"));
    }
    [&[said][..], &taken.remarks].concat().join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        errors::message,
        models::{BlockVar, Layout},
    };
    use std::collections::HashMap;

    fn vars(seed: u64, features: usize) -> Vars {
        let mut vars = Vars::new(seed, Device::Cpu);
        vars.weight("encoder.fc.weight", &[2, features], 2).unwrap();
        vars.buffer("encoder.norm.running_mean", &[features], seed as f32).unwrap();
        for (stage, name) in ["encoder.norm.running_mean", "encoder.fc.weight"].into_iter().enumerate() {
            let (pytorch, layout, stage) = (String::new(), Layout::Same, Some(stage));
            vars.note(BlockVar { name: name.into(), pytorch, layout, stage });
        }
        vars.weight("objective.head.weight", &[features, 3], 2).unwrap();
        vars
    }

    fn numbers(vars: &Vars) -> Vec<Vec<f32>> {
        vars.all().map(|(_, var)| var.flatten_all().unwrap().to_vec1().unwrap()).collect()
    }

    #[test]
    fn the_encoder_comes_over_and_the_head_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let (old, new) = (vars(1, 4), vars(2, 4));
        old.save(&path).unwrap();
        let head = numbers(&new)[1].clone();
        let said = load_weights(&new, &Weights::File(path.clone()), Scope::Encoder, 0).unwrap();
        assert_eq!(
            said,
            "The encoder begins with 2 pretrained tensors; 1 of the old objective were left out"
        );
        assert_eq!((&numbers(&new)[0], &numbers(&new)[2]), (&numbers(&old)[0], &numbers(&old)[2]));
        assert_eq!(numbers(&new)[1], head);
    }

    #[test]
    fn the_head_comes_over_too_where_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let (old, new) = (vars(1, 4), vars(2, 4));
        old.save(&path).unwrap();
        let said = load_weights(&new, &Weights::File(path.clone()), Scope::All, 0).unwrap();
        assert_eq!(
            (said.as_str(), numbers(&new)),
            ("The network begins with 3 pretrained tensors", numbers(&old))
        );
        let mut other = vars(2, 4);
        other.weight("objective.further", &[1], 1).unwrap();
        let error = message(&load_weights(&other, &Weights::File(path), Scope::All, 0).unwrap_err());
        assert!(error.contains("objective.further is missing"), "{error}");
    }

    #[test]
    fn fresh_stages_stay_as_they_were_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let (old, new) = (vars(1, 4), vars(2, 4));
        old.save(&path).unwrap();
        let before = numbers(&new);
        let said = load_weights(&new, &Weights::File(path), Scope::Encoder, 1).unwrap();
        assert!(said.contains("with 1 pretrained tensors; 1 start from random weights"), "{said}");
        let [fc, _, norm] = &numbers(&new)[..] else { panic!("three variables") };
        assert_eq!((fc, norm), (&before[0], &numbers(&old)[2]));
    }

    #[test]
    fn what_does_not_fit_is_named_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let new = vars(2, 4);
        let before = numbers(&new);
        let refused = |tensors: &[(&str, Tensor)]| {
            let tensors: HashMap<_, _> =
                tensors.iter().map(|(name, t)| (name.to_string(), t.clone())).collect();
            candle_core::safetensors::save(&tensors, &path).unwrap();
            message(&load_weights(&new, &Weights::File(path.clone()), Scope::Encoder, 0).unwrap_err())
        };
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let mean = ("encoder.norm.running_mean", zeros(&[4]));
        let other = refused(&[("encoder.fc.weight", zeros(&[2, 5])), mean.clone()]);
        assert!(other.contains("encoder.fc.weight is [2, 5] where [2, 4] is needed"), "{other}");
        let missing = refused(std::slice::from_ref(&mean));
        assert!(missing.contains("encoder.fc.weight is missing"), "{missing}");
        let extra =
            refused(&[("encoder.fc.weight", zeros(&[2, 4])), mean.clone(), ("encoder.more", zeros(&[1]))]);
        assert!(extra.contains("encoder.more has no place"), "{extra}");
        let nan = (zeros(&[2, 4]) / 0.0).unwrap();
        let nan = refused(&[("encoder.fc.weight", nan), mean]);
        assert!(nan.contains("not finite"), "{nan}");
        std::fs::write(&path, b"PK\x03\x04pickle").unwrap();
        assert!(
            message(&load_weights(&new, &Weights::File(path.clone()), Scope::Encoder, 0).unwrap_err())
                .contains("damaged")
        );
        std::fs::write(&path, b"nothing").unwrap();
        assert!(
            message(&load_weights(&new, &Weights::File(path.clone()), Scope::Encoder, 0).unwrap_err())
                .contains("neither safetensors nor")
        );
        assert_eq!(numbers(&new), before);
    }
}
