//! Optimisers: how a gradient changes the weights. Their state is saved with a run, so that it can be resumed.
use crate::{
    errors::At as _,
    models::{Vars, tensors},
    ops, registry,
    spec::{
        Choice, ComponentInfo, ENCODER_LR_FACTOR, LiveParams, Param, ParamKind, STAGE_LR_FACTOR, Section,
    },
};
use anyhow::{Context as _, Result, anyhow, ensure};
use candle_core::{Device, Tensor, Var, backprop::GradStore};
use std::{collections::HashMap, path::Path};

registry!("optimiser", OptimizerEntry: adam, adamw, sgd);

/// A kind of optimiser.
pub struct OptimizerEntry {
    pub info: ComponentInfo,
    /// The names of what is kept for each weight.
    pub state: &'static [&'static str],
    pub update: fn(&mut Slot, &Tensor, &Update<'_>) -> candle_core::Result<()>,
}

/// A weight, and what the optimiser keeps for it: one vector for each name in [`OptimizerEntry::state`].
pub struct Slot {
    name: String,
    /// Of the encoder: stages between it and the head.
    stages_after: Option<i32>,
    pub var: Var,
    pub state: Vec<Vec<f32>>,
}

/// One change of all weights.
#[derive(Clone, Copy)]
pub struct Update<'a> {
    pub choice: &'a Choice,
    /// After the schedule.
    pub learning_rate: f64,
    pub weight_decay: f64,
    /// Counts from 1.
    pub step: u64,
    /// What clipping multiplies the gradient by.
    pub grad_scale: f64,
}

/// The initial learning rate, which the schedule scales.
pub const LEARNING_RATE: Param = Param {
    key: "learning_rate",
    label: "Learning rate",
    unit: "",
    help: "The size of each step. Too high and the loss jumps or explodes; too low and nothing seems to happen.",
    kind: ParamKind::Float { min: 1e-6, max: 10.0, logarithmic: true },
    default: 0.001,
    live: true,
};

/// Decoupled from the gradient for AdamW, added to it for the others.
pub const WEIGHT_DECAY: Param = Param {
    key: "weight_decay",
    label: "Weight decay",
    unit: "",
    help: "Pulls all weights towards zero a little at each step, which favours simpler networks.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: true },
    default: 0.0,
    live: true,
};

/// An optimiser with its state.
pub struct Optimizer {
    entry: &'static OptimizerEntry,
    choice: Choice,
    slots: Vec<Slot>,
}

impl Optimizer {
    /// # Errors
    /// Where the optimiser is unknown.
    pub fn new(choice: &Choice, vars: &Vars) -> Result<Self> {
        let entry = find(&choice.id)?;
        let stages_after = vars.stages_after();
        let slot = |(name, var): (&str, &Var)| Slot {
            name: name.into(),
            stages_after: stages_after.get(name).copied(),
            var: var.clone(),
            state: vec![vec![0.0; var.elem_count()]; entry.state.len()],
        };
        Ok(Self { entry, choice: choice.clone(), slots: vars.trained().map(slot).collect() })
    }

    /// The length of the whole gradient.
    ///
    /// # Errors
    /// Where a gradient cannot be read.
    pub fn gradient_norm(&self, gradients: &GradStore) -> Result<f64> {
        let mut sum = 0.0;
        for gradient in self.slots.iter().filter_map(|slot| gradients.get(&slot.var)) {
            sum += ops::sum_squares(gradient)?;
        }
        Ok(sum.sqrt())
    }

    /// All gradients, one after the other in the order of the weights' names; 0 for weights that have none.
    ///
    /// # Errors
    /// Where a gradient cannot be read.
    pub fn whole(&self, gradients: &GradStore) -> Result<Vec<f32>> {
        let mut whole = vec![];
        for slot in &self.slots {
            match gradients.get(&slot.var) {
                Some(gradient) => whole.extend(gradient.flatten_all()?.to_vec1::<f32>()?),
                None => whole.resize(whole.len() + slot.var.elem_count(), 0.0),
            }
        }
        Ok(whole)
    }

    /// Changes every weight that has a gradient. `step` counts from 1, `factor` is the schedule's.
    ///
    /// # Errors
    /// Where a gradient does not fit its weight.
    pub fn update(
        &mut self,
        gradients: &GradStore,
        live: &LiveParams,
        factor: f64,
        step: u64,
        grad_scale: f64,
    ) -> Result<()> {
        let update = Update {
            choice: &self.choice,
            learning_rate: self.learning_rate(live, factor),
            weight_decay: live.get(Section::Optimizer, &WEIGHT_DECAY),
            step,
            grad_scale,
        };
        let [of_encoder, of_stage] =
            [&ENCODER_LR_FACTOR, &STAGE_LR_FACTOR].map(|param| live.get(Section::Training, param));
        for slot in &mut self.slots {
            if let Some(gradient) = gradients.get(&slot.var) {
                let factor = slot.stages_after.map_or(1.0, |stages| of_encoder * of_stage.powi(stages));
                let update = Update { learning_rate: update.learning_rate * factor, ..update };
                (self.entry.update)(slot, gradient, &update)?;
            }
        }
        Ok(())
    }

    /// The learning rate that a step uses.
    pub fn learning_rate(&self, live: &LiveParams, factor: f64) -> f64 {
        factor * live.get(Section::Optimizer, &LEARNING_RATE)
    }

    /// Writes the state as safetensors, each named after its weight.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut tensors = HashMap::new();
        for slot in &self.slots {
            for (name, values) in self.entry.state.iter().zip(&slot.state) {
                tensors.insert(
                    format!("{}.{name}", slot.name),
                    Tensor::from_slice(values, slot.var.shape(), &Device::Cpu)?,
                );
            }
        }
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }

    /// Takes over what another one keeps of the same weights.
    ///
    /// # Errors
    /// Where it is of another kind, or of other weights.
    pub fn copy_from(&mut self, other: &Self) -> Result<()> {
        let lengths = |all: &Self| {
            all.slots.iter().map(|slot| slot.state.iter().map(Vec::len).collect()).collect::<Vec<Vec<_>>>()
        };
        ensure!(
            self.choice.id == other.choice.id && lengths(self) == lengths(other),
            "the optimiser's state is of another network"
        );
        for (slot, theirs) in self.slots.iter_mut().zip(&other.slots) {
            slot.state.clone_from(&theirs.state);
        }
        Ok(())
    }

    /// Reads the state back.
    ///
    /// # Errors
    /// Where the file cannot be read or was made for other weights.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let numbers = self.slots.iter().flat_map(|slot| &slot.state).map(Vec::len).sum();
        let tensors = tensors(path, numbers, &Device::Cpu).context("Could not read the optimiser's state")?;
        for slot in &mut self.slots {
            for (name, values) in self.entry.state.iter().zip(&mut slot.state) {
                let key = format!("{}.{name}", slot.name);
                let tensor =
                    tensors.get(&key).with_context(|| format!("There is no state {key}")).at(path)?;
                let read = tensor.flatten_all()?.to_vec1::<f32>()?;
                ensure!(
                    read.len() == values.len(),
                    anyhow!("The state {key} was made for another network").at(path)
                );
                *values = read;
            }
        }
        Ok(())
    }
}
