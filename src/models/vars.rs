//! Named trainable variables: seeded by their names, in order of their names.
use crate::{ops::Sink, rng::rng};
use anyhow::{Context as _, Result, ensure};
use candle_core::{Device, Tensor, Var, backprop::GradStore};
use rand::RngExt as _;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// The weights of a model.
pub struct Vars {
    seed: u64,
    by_name: BTreeMap<String, Var>,
    device: Device,
    sink: Sink,
}

impl Vars {
    pub fn new(seed: u64, device: Device) -> Self {
        Self { seed, by_name: BTreeMap::new(), device, sink: Sink::default() }
    }

    /// A new weight or bias, uniform within ±1/√fan_in, which is how PyTorch begins its convolutions and linear layers.
    /// It depends on the seed and its own name alone: adding a head cannot change the encoder's start.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn weight(&mut self, name: &str, shape: &[usize], fan_in: usize) -> Result<Tensor> {
        ensure!(!self.by_name.contains_key(name), "there are two weights named {name}");
        let bound = 1.0 / (fan_in as f32).sqrt();
        let mut rng = rng(self.seed, name, 0);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-bound..bound)).collect();
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, &self.device)?)?;
        let tensor = var.as_tensor().clone();
        self.by_name.insert(name.into(), var);
        Ok(tensor)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.by_name.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// Where the weights live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Where the networks of these weights leave their gradients.
    pub fn sink(&self) -> &Sink {
        &self.sink
    }

    /// The gradients of a loss.
    ///
    /// # Errors
    /// candle's own.
    pub fn backward(&self, loss: &Tensor) -> Result<GradStore> {
        Ok(self.sink.backward(loss)?)
    }

    /// Writes all weights as safetensors.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors: HashMap<_, _> =
            self.iter().map(|(name, var)| (name.to_owned(), var.as_tensor().clone())).collect();
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }

    /// Reads all weights back.
    ///
    /// # Errors
    /// Where the file cannot be read, lacks a weight, or has one of another shape. Nothing is changed then.
    pub fn load(&self, path: &Path) -> Result<()> {
        let named = || format!("File: {}", path.display());
        let tensors = candle_core::safetensors::load(path, &self.device)
            .context("Could not read the weights")
            .with_context(named)?;
        let mut found = vec![];
        for (name, var) in self.iter() {
            let tensor = tensors
                .get(name)
                .with_context(|| format!("There is no weight {name}"))
                .with_context(named)?;
            ensure!(
                tensor.shape() == var.shape() && tensor.dtype() == var.dtype(),
                "The weight {name} is {:?} where {:?} is needed: it was made by another network\n{}",
                tensor.shape(),
                var.shape(),
                named()
            );
            found.push((var, tensor));
        }
        found.into_iter().try_for_each(|(var, tensor)| Ok(var.set(tensor)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_weight_depends_on_seed_and_name_alone() {
        let (mut one, mut two) = (Vars::new(3, Device::Cpu), Vars::new(3, Device::Cpu));
        two.weight("another", &[5], 1).unwrap();
        let [a, b] = [&mut one, &mut two].map(|vars| values(&vars.weight("w", &[100], 25).unwrap()));
        assert_eq!(a, b);
        assert!(a.iter().all(|value| value.abs() <= 0.2) && a.iter().any(|value| value.abs() > 0.15));
        assert_ne!(a, values(&Vars::new(4, Device::Cpu).weight("w", &[100], 25).unwrap()));
    }

    #[test]
    fn weights_come_back_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let vars = |seed, size: usize| {
            let mut vars = Vars::new(seed, Device::Cpu);
            vars.weight("w", &[size], 1).unwrap();
            vars
        };
        vars(1, 3).save(&path).unwrap();
        let other = vars(2, 3);
        other.load(&path).unwrap();
        assert_eq!(values(other.iter().next().unwrap().1), values(vars(1, 3).iter().next().unwrap().1));
        let error = format!("{:#}", vars(1, 4).load(&path).unwrap_err());
        assert!(error.contains("another network"), "{error}");
        std::fs::write(&path, b"no tensors").unwrap();
        assert!(vars(1, 3).load(&path).is_err());
    }
}
