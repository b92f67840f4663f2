//! Named variables, those that are trained and those that are not: seeded by their names, in order of their names.
use super::pytorch::Layout;
use crate::{
    disk,
    errors::At as _,
    ops::Sink,
    rng::{normal, rng},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use candle_core::{Device, Tensor, Var, backprop::GradStore, safetensors};
use rand::RngExt as _;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// What the block that makes a variable says of it.
#[derive(Clone, Debug)]
pub struct BlockVar {
    /// As in checkpoints, such as `encoder.conv1.weight`.
    pub name: String,
    /// What PyTorch calls it.
    pub pytorch: String,
    /// How it lies in memory there.
    pub layout: Layout,
    /// The stage that it is frozen with; none where it never is.
    pub stage: Option<usize>,
}

/// The weights of a model.
pub struct Vars {
    seed: u64,
    trained: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
    /// In the order in which they were made.
    of_blocks: Vec<BlockVar>,
    device: Device,
    sink: Sink,
}

impl Vars {
    /// No variables yet; those that are asked for are drawn from the seed and their names.
    pub fn new(seed: u64, device: Device) -> Self {
        Self {
            seed,
            trained: BTreeMap::new(),
            buffers: BTreeMap::new(),
            of_blocks: vec![],
            device,
            sink: Sink::default(),
        }
    }

    /// A new weight or bias, uniform within ±1/√fan_in, which is how PyTorch begins its convolutions and linear layers.
    /// It depends on the seed and its own name alone: adding a head cannot change the encoder's start.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn weight(&mut self, name: &str, shape: &[usize], fan_in: usize) -> Result<Tensor> {
        self.check_new(name)?;
        let bound = 1.0 / (fan_in as f32).sqrt();
        let mut rng = rng(self.seed, name, 0);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-bound..bound)).collect();
        self.add(name, Tensor::from_vec(values, shape, &self.device)?)
    }

    /// As [`weight`](Self::weight), but normal with this deviation.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn normal(&mut self, name: &str, shape: &[usize], deviation: f32) -> Result<Tensor> {
        self.check_new(name)?;
        let mut values = normal(shape.iter().product(), self.seed, name, 0);
        values.iter_mut().for_each(|value| *value *= deviation);
        self.add(name, Tensor::from_vec(values, shape, &self.device)?)
    }

    /// A new weight whose numbers all begin as `value`, such as the gain of a normalisation.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn constant(&mut self, name: &str, shape: &[usize], value: f32) -> Result<Tensor> {
        self.check_new(name)?;
        self.add(name, Tensor::full(value, shape, &self.device)?)
    }

    /// A variable that is trained, as a layer uses it.
    fn add(&mut self, name: &str, values: Tensor) -> Result<Tensor> {
        let var = Var::from_tensor(&values)?;
        let tensor = var.as_tensor().clone();
        self.trained.insert(name.into(), var);
        Ok(tensor)
    }

    /// What a layer keeps beside its weights, such as a running mean: saved with them, and changed by no optimiser.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn buffer(&mut self, name: &str, shape: &[usize], value: f32) -> Result<Var> {
        self.check_new(name)?;
        let var = Var::from_tensor(&Tensor::full(value, shape, &self.device)?)?;
        self.buffers.insert(name.into(), var.clone());
        Ok(var)
    }

    fn check_new(&self, name: &str) -> Result<()> {
        let is_taken = self.trained.contains_key(name) || self.buffers.contains_key(name);
        ensure!(!is_taken, "there are two weights named {name}");
        Ok(())
    }

    /// Keeps what a block says of a variable that it makes.
    pub fn note(&mut self, var: BlockVar) {
        self.of_blocks.push(var);
    }

    /// What blocks said of their variables, in the order in which they were made.
    pub fn of_blocks(&self) -> &[BlockVar] {
        &self.of_blocks
    }

    /// The names of the variables of an encoder's last `count` stages.
    pub fn last_stages(&self, count: usize) -> Vec<&str> {
        let staged = || self.of_blocks.iter().filter_map(|var| Some((var.stage?, var.name.as_str())));
        let stages = staged().map(|(stage, _)| stage + 1).max().unwrap_or_default();
        staged().filter(|(stage, _)| stage + count >= stages).map(|(_, name)| name).collect()
    }

    /// How many stages lie between a variable of the encoder and the head, by name.
    pub fn stages_after(&self) -> HashMap<&str, i32> {
        let staged = || self.of_blocks.iter().filter_map(|var| Some((var.name.as_str(), var.stage?)));
        let last = staged().map(|(_, stage)| stage).max().unwrap_or_default();
        staged().map(|(name, stage)| (name, (last - stage) as i32)).collect()
    }

    /// Those that an optimiser changes.
    pub fn trained(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.trained.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// A copy of what no optimiser changes, to be [put back](Self::put_back).
    ///
    /// # Errors
    /// candle's own.
    pub fn buffers(&self) -> Result<Vec<Tensor>> {
        self.buffers.values().map(|var| Ok(var.copy()?)).collect()
    }

    /// Undoes what has become of the buffers since they were copied.
    ///
    /// # Errors
    /// Where they are another network's.
    pub fn put_back(&self, buffers: &[Tensor]) -> Result<()> {
        ensure!(buffers.len() == self.buffers.len(), "the buffers are of another network");
        self.buffers.values().zip(buffers).try_for_each(|(var, kept)| Ok(var.set(kept)?))
    }

    /// Those that are trained, then those that are not.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.trained().chain(self.buffers.iter().map(|(name, var)| (name.as_str(), var)))
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

    /// Copies all numbers from other weights of the same network.
    ///
    /// # Errors
    /// Where they are another network's.
    pub fn copy_from(&self, other: &Self) -> Result<()> {
        let names = |vars: &Self| vars.all().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        ensure!(names(self) == names(other), "the weights are of another network");
        self.all().zip(other.all()).try_for_each(|((_, to), (_, from))| Ok(to.set(from)?))
    }

    /// Whether every number is finite.
    ///
    /// # Errors
    /// candle's own.
    pub fn are_finite(&self) -> Result<bool> {
        self.all().try_fold(true, |all, (_, var)| Ok(all && is_finite(var)?))
    }

    /// Writes all weights as safetensors.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let tensors: HashMap<_, _> =
            self.all().map(|(name, var)| (name.to_owned(), var.as_tensor().clone())).collect();
        Ok(safetensors::save(&tensors, path)?)
    }

    /// Reads all weights back.
    ///
    /// # Errors
    /// Where the file cannot be read, lacks a weight, or has one of another shape or that is not finite. Nothing is
    /// changed then.
    pub fn load(&self, path: &Path) -> Result<()> {
        let numbers = self.all().map(|(_, var)| var.elem_count()).sum();
        let tensors = tensors(path, numbers, &self.device).context("Could not read the weights")?;
        let mut found = vec![];
        for (name, var) in self.all() {
            let tensor = tensors.get(name).with_context(|| format!("There is no weight {name}")).at(path)?;
            ensure!(
                tensor.shape() == var.shape() && tensor.dtype() == var.dtype(),
                anyhow!(
                    "The weight {name} is {:?} where {:?} is needed: it was made by another network",
                    tensor.shape(),
                    var.shape()
                )
                .at(path)
            );
            ensure!(is_finite(tensor)?, not_finite(name, path));
            found.push((var, tensor));
        }
        found.into_iter().try_for_each(|(var, tensor)| Ok(var.set(tensor)?))
    }
}

/// The tensors of a safetensors file that holds about so many numbers. No more is read than those can take.
///
/// # Errors
/// Where the file cannot be read or is another one.
pub fn tensors(path: &Path, numbers: usize, device: &Device) -> Result<HashMap<String, Tensor>> {
    // Double precision, and a header.
    let most = 8 * numbers as u64 + (16 << 20);
    let read = || -> Result<_> { Ok(safetensors::load_buffer(&disk::read(path, most)?, device)?) };
    read().at(path)
}

/// The error about a weight that holds no finite numbers.
pub fn not_finite(name: &str, path: &Path) -> anyhow::Error {
    anyhow!("The weight {name} holds numbers that are not finite").at(path)
}

pub fn is_finite(tensor: &Tensor) -> Result<bool> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.iter().all(|number| number.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::message;

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
        assert_eq!(values(other.all().next().unwrap().1), values(vars(1, 3).all().next().unwrap().1));
        let error = message(&vars(1, 4).load(&path).unwrap_err());
        assert!(error.contains("another network"), "{error}");
        let mut buffered = vars(1, 3);
        let mean = buffered.buffer("mean", &[1], 0.5).unwrap();
        assert!(buffered.load(&path).is_err() && !buffered.trained().any(|(name, _)| name == "mean"));
        buffered.save(&path).unwrap();
        mean.set(&mean.zeros_like().unwrap()).unwrap();
        buffered.load(&path).unwrap();
        assert_eq!(values(&mean), [0.5]);
        std::fs::write(&path, b"no tensors").unwrap();
        assert!(vars(1, 3).load(&path).is_err());
        let ruined = vars(1, 3);
        assert!(ruined.are_finite().unwrap());
        let (_, weight) = ruined.all().next().unwrap();
        weight.set(&(weight.zeros_like().unwrap() / 0.0).unwrap()).unwrap();
        assert!(!ruined.are_finite().unwrap());
        ruined.save(&path).unwrap();
        let error = message(&vars(1, 3).load(&path).unwrap_err());
        assert!(error.contains("not finite"), "{error}");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = message(&vars(1, 3).load(&path).unwrap_err());
        assert!(error.contains("larger than the 16 MiB"), "{error}");
    }
}
