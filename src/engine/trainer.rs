//! One run as a state machine: each `advance` does one batch of work.
use super::{
    divergence::{Losses, ensure_finite},
    frozen::FrozenFeatures,
    model::{Model, Scoring},
    optimizers::Optimizer,
    preparation::{Batches, Outsiders, Portion, Upcoming},
    schedules::{self, Position, ScheduleEntry},
    self_labels::{SelfLabels, Spreading},
};
use crate::{
    data::{self, Balance, Dataset, Partition},
    metrics::{GRADIENT_NORM, LEARNING_RATE, LOSS, Point, SELF_LABEL_ACCURACY, Split},
    models::{self, Changes, Pass, Weights},
    objectives::{self, OUTSIDERS},
    ops::{self, Interrupt},
    runs::CheckpointState,
    shape::Shape,
    spec::{
        BATCH_SIZE, CLIP_NORM, EPOCH_STEPS, EPOCHS, EVALUATIONS_PER_EPOCH, FREEZE_STAGES, FRESH_STAGES,
        KEEP_HEAD, LiveParams, PATIENCE, RunSpec, SELF_LABELS, Section, UNFREEZE_EVERY, is_validation_due,
    },
};
use anyhow::{Context as _, Result, ensure};
use candle_core::{Tensor, backprop::GradStore};
use std::{path::Path, sync::Arc, time::Duration};

mod advancing;
use advancing::LONG;
pub use advancing::{Advance, Verdict};

/// A run in training: the model, the optimiser, and where they are.
pub struct Trainer {
    /// What is trained, as it was when the run began or was resumed.
    pub spec: RunSpec,
    /// May be set between any two calls of [`advance`](Self::advance).
    pub live: LiveParams,
    /// Batches done, and what was found out on the way.
    pub state: CheckpointState,
    /// Its weights change in place at each step.
    pub model: Arc<Model>,
    /// What the encoder began with, in a sentence, where it was not drawn at random.
    pub beginning: Option<String>,
    /// The training losses, by which divergence is noticed.
    pub losses: Losses,
    position: Position,
    dataset: Arc<Dataset>,
    partition: Partition,
    labels: Labels,
    /// Those of the frozen stages, where they can be kept.
    features: Option<FrozenFeatures>,
    batches: Batches,
    outsiders: Option<Outsiders>,
    /// The examples of the next step, prepared while the last one trained.
    next: Option<Portion>,
    class_weights: Option<Arc<[f32]>>,
    optimizer: Optimizer,
    schedule: &'static ScheduleEntry,
    scoring: Option<Scoring>,
    /// Ends a batch that takes long.
    pub interrupt: Interrupt,
    /// By the last batch of training, and by the last of anything else.
    took: [Duration; 2],
}

/// Where the labels of the training examples come from.
enum Labels {
    Dataset,
    /// From the network itself, which is still computing them.
    Spreading(Box<Spreading>),
    Network(SelfLabels),
}

/// As many different examples of none of the classes; they are altered as the others are.
const OUTSIDERS_MADE: usize = 16_384;

/// Part of a checkpoint, where the network has labelled examples itself.
pub const SELF_LABELS_FILE: &str = "self_labels.safetensors";

/// Where a new run takes its weights from.
#[derive(Clone)]
pub enum Origin<'a> {
    /// Drawn from the seed.
    Fresh,
    /// The encoder's are there, the others drawn from the seed.
    Weights(&'a Weights),
}

/// The examples that a run fits and those it is validated on.
///
/// # Errors
/// Where there are not as many as asked for.
pub fn partition(spec: &RunSpec, dataset: &Dataset) -> Result<Partition> {
    let needs_labels = objectives::find(&spec.objective.id)?.needs_labels;
    data::partition(&spec.dataset, &dataset.train, dataset.info.classes(), spec.seed, needs_labels)
}

/// Adds as many unlabelled examples to the training examples as the spec asks for, and returns these.
fn add_unlabelled(spec: &RunSpec, partition: &mut Partition) -> Result<Vec<usize>> {
    if !objectives::find(&spec.objective.id)?.needs_labels {
        return Ok(vec![]);
    }
    let count = spec.training(&SELF_LABELS) as usize;
    let others: Vec<usize> = partition.others.iter().take(count).copied().flatten().collect();
    partition.train.extend(&others);
    partition.train.sort_unstable();
    Ok(others)
}

/// The examples of none of the classes that a spec asks for.
fn outsiders(spec: &RunSpec, shape: Shape) -> Result<Option<Outsiders>> {
    let share = spec.objective.get(&OUTSIDERS);
    if share == 0.0 {
        return Ok(None);
    }
    let each_step = (share * spec.training(&BATCH_SIZE)).round().max(1.0) as u64;
    let examples = data::outsiders(&spec.dataset, shape, OUTSIDERS_MADE)?;
    Ok(Some(Outsiders::new(examples, each_step, spec.seed)))
}

impl Trainer {
    /// Begins a run at step 0.
    ///
    /// # Errors
    /// Where the spec does not fit the data, or the weights the spec.
    pub fn new(spec: RunSpec, live: LiveParams, dataset: Arc<Dataset>, origin: Origin<'_>) -> Result<Self> {
        let mut partition = partition(&spec, &dataset)?;
        let labelled = partition.train.clone();
        let others = add_unlabelled(&spec, &mut partition)?;
        let labels = match others.as_slice() {
            [] => Labels::Dataset,
            others => Labels::Spreading(Box::new(Spreading::new(&dataset, &labelled, others))),
        };
        let steps_per_epoch = match spec.training(&EPOCH_STEPS) as u64 {
            0 => partition.train.len().div_ceil(spec.training(&BATCH_SIZE) as usize) as u64,
            steps => steps,
        };
        let steps = steps_per_epoch * spec.training(&EPOCHS) as u64;
        let model = Model::build(&spec, &dataset.info)?;
        let optimizer = Optimizer::new(&spec.optimizer, &model.vars)?;
        let state = CheckpointState { validated: true, ..CheckpointState::default() };
        let mut beginning = None;
        match origin {
            Origin::Fresh => {}
            Origin::Weights(weights) => {
                let fresh = spec.training(&FRESH_STAGES) as usize;
                let part =
                    if spec.training(&KEEP_HEAD) > 0.0 { models::Scope::All } else { models::Scope::Encoder };
                beginning = Some(models::load_weights(&model.vars, weights, part, fresh)?);
            }
        }
        let shape = dataset.info.shape;
        let features = FrozenFeatures::new(&spec, &model, &partition)?;
        let mut trainer = Self {
            features,
            schedule: schedules::find(&spec.schedule.id)?,
            live,
            position: Position { step: state.step, steps, steps_per_epoch },
            state,
            model: Arc::new(model),
            beginning,
            losses: Losses::default(),
            dataset,
            batches: Batches::new(&spec, partition.train.len()),
            outsiders: outsiders(&spec, shape)?,
            next: None,
            class_weights: None,
            partition,
            labels,
            optimizer,
            scoring: None,
            interrupt: Interrupt::default(),
            took: [LONG, Duration::ZERO],
            spec,
        };
        trainer.balance();
        Ok(trainer)
    }

    /// Continues from a checkpoint.
    ///
    /// # Errors
    /// Where it cannot be read, or was made by another network: the trainer must not be used then.
    pub fn go_on(&mut self, state: CheckpointState, folder: &Path) -> Result<()> {
        self.model.vars.load(&folder.join("model.safetensors"))?;
        if state.step > 0 && state.optimizer_began == state.step {
            self.optimizer = Optimizer::new(&self.spec.optimizer, &self.model.vars)?;
        } else {
            self.optimizer.load(&folder.join("optimizer.safetensors"))?;
        }
        if state.step > 0 && !matches!(self.labels, Labels::Dataset) {
            let (path, classes) = (folder.join(SELF_LABELS_FILE), self.dataset.info.classes());
            self.labels = Labels::Network(SelfLabels::load(&path, &self.partition.train, classes)?);
        }
        self.balance();
        self.state = state;
        self.state.trained |= self.state.step >= self.position.steps;
        self.losses.newest = 0.0;
        self.scoring = None;
        Ok(())
    }

    /// Continues from where another run of the same network is now.
    ///
    /// # Errors
    /// Where it is another network, or still labels examples itself.
    pub fn take_over(&mut self, other: &Self) -> Result<()> {
        ensure!(
            !matches!(other.labels, Labels::Spreading(_)),
            "The run still labels examples: ask again once it trains"
        );
        self.model.vars.copy_from(&other.model.vars)?;
        self.optimizer.copy_from(&other.optimizer)?;
        if let Labels::Network(labels) = &other.labels {
            self.labels = Labels::Network(labels.clone());
        }
        self.balance();
        self.state = other.state.clone();
        self.losses = Losses { first: other.losses.first, newest: 0.0 };
        Ok(())
    }

    /// Does one batch, on a thread of the kernels.
    fn advance_here(&mut self) -> Result<Advance> {
        if self.scoring.is_some() {
            return self.score();
        }
        let is_over = self.state.validated && self.state.trained;
        if let Some(features) = self.features.as_mut().filter(|features| !is_over && !features.is_complete())
        {
            features.advance(&self.model, &self.dataset)?;
            return Ok(Advance::Scored);
        }
        if !self.state.validated {
            let indices = self.partition.validation.clone();
            return self.begin_scoring(Split::Validation, indices);
        }
        if self.state.trained {
            let indices = (0..self.dataset.test.len()).collect();
            return self.begin_scoring(Split::Test, indices);
        }
        if let Labels::Spreading(_) = self.labels {
            return self.spread_labels();
        }
        self.train()
    }

    fn spread_labels(&mut self) -> Result<Advance> {
        let mut points = vec![];
        if let Labels::Spreading(spreading) = &mut self.labels
            && let Some((labels, value)) = spreading.advance(&self.model, &self.dataset)?
        {
            self.labels = Labels::Network(labels);
            self.balance();
            let step = self.state.step;
            points.push(Point { step, split: Split::Train, metric: SELF_LABEL_ACCURACY, value });
        }
        Ok(Advance::Labelled { points })
    }

    /// Balances the classes as the spec says, by the current labels.
    fn balance(&mut self) {
        let balance = Balance::of(&self.spec.dataset);
        let needs_labels = objectives::find(&self.spec.objective.id).is_ok_and(|entry| entry.needs_labels);
        if balance == Balance::None || !needs_labels {
            return;
        }
        let train = &self.partition.train;
        let labels: Vec<u16> = match &self.labels {
            Labels::Network(labels) => train.iter().map(|example| labels.of_example(*example)).collect(),
            _ => train.iter().map(|example| self.dataset.train.labels()[*example]).collect(),
        };
        if balance == Balance::Oversample {
            self.batches.balance(labels);
        } else {
            self.class_weights = Some(data::class_weights(&labels, self.dataset.info.classes()).into());
        }
    }

    /// The data set, and which of its training examples are fitted and which are not.
    pub fn data(&self) -> (&Arc<Dataset>, &Partition) {
        (&self.dataset, &self.partition)
    }

    /// Batches to be done in all, and in an epoch.
    pub fn position(&self) -> Position {
        Position { step: self.state.step, ..self.position }
    }

    /// What is being done between two steps, examples done, and examples in all.
    pub fn aside(&self) -> Option<(&'static str, usize, usize)> {
        let features = self.features.as_ref().filter(|features| !features.is_complete());
        match (&self.scoring, &self.labels) {
            (Some(scoring), _) => Some(scoring.progress()),
            _ if features.is_some() => features.map(FrozenFeatures::progress),
            (None, Labels::Spreading(spreading)) => Some(spreading.progress()),
            (None, _) => None,
        }
    }

    /// Puts the weights of a checkpoint back, as early stopping does.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn restore_weights(&self, checkpoint: &Path) -> Result<()> {
        self.model.vars.load(&checkpoint.join("model.safetensors"))
    }

    /// Writes weights and optimiser into the folder of a checkpoint.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.model.vars.save(&folder.join("model.safetensors"))?;
        if let Labels::Network(labels) = &self.labels {
            labels.save(&folder.join(SELF_LABELS_FILE))?;
        }
        self.optimizer.save(&folder.join("optimizer.safetensors"))
    }

    /// Trains on one batch, while any free thread prepares the next one. What is prepared does not depend on when.
    fn train(&mut self) -> Result<Advance> {
        let step = self.state.step;
        let portion = self.next.take().filter(|portion| portion.step == step);
        let portion = portion.unwrap_or_else(|| self.upcoming(step).prepare());
        let next = (step + 1 < self.position.steps).then(|| self.upcoming(step + 1));
        let (trained, next) = rayon::join(|| self.train_on(portion), || next.map(Upcoming::prepare));
        self.next = next;
        trained
    }

    fn upcoming(&mut self, step: u64) -> Upcoming {
        let draws = self.batches.draws(&self.partition.train, step);
        let outsiders = self.outsiders.as_mut().map(|outsiders| outsiders.draws(step));
        let is_known = self.features.as_ref().is_some_and(FrozenFeatures::is_complete);
        let preparation = (!is_known).then(|| self.model.preparation.clone());
        Upcoming { step, draws, dataset: self.dataset.clone(), preparation, outsiders }
    }

    fn train_on(&mut self, portion: Portion) -> Result<Advance> {
        let examples = portion.draws.len();
        let (found, loss, gradients) = self.gradients(portion)?;
        let gradient_norm = self.optimizer.gradient_norm(&gradients)?;
        ensure_finite("The gradient is", gradient_norm.is_finite(), self.state.step)?;
        let clip_norm = self.live.get(Section::Training, &CLIP_NORM);
        let grad_scale = if clip_norm > 0.0 { (clip_norm / (gradient_norm + 1e-6)).min(1.0) } else { 1.0 };
        let factor = (self.schedule.factor)(&self.spec.schedule, self.position());
        let optimizer_steps = self.state.step + 1 - self.state.optimizer_began;
        self.optimizer.update(&gradients, &self.live, factor, optimizer_steps, grad_scale)?;
        self.losses.newest = loss;
        self.losses.first.get_or_insert(loss);
        self.state.step += 1;
        self.state.validated = !self.is_validation_due();
        self.state.trained = self.state.step >= self.position.steps;
        let learning_rate = self.optimizer.learning_rate(&self.live, factor);
        let values = [(LOSS, loss)]
            .into_iter()
            .chain(found.metrics)
            .chain([(LEARNING_RATE, learning_rate), (GRADIENT_NORM, gradient_norm)]);
        let point = |(metric, value)| Point { step: self.state.step, split: Split::Train, metric, value };
        Ok(Advance::Trained { points: values.map(point).collect(), examples })
    }

    /// What the objective finds of a batch, its loss, and the gradients of that.
    fn gradients(&mut self, portion: Portion) -> Result<(objectives::Loss, f64, GradStore)> {
        let Portion { draws, numbers, outsiders, .. } = portion;
        let mut batch = match (numbers, &self.features) {
            (None, Some(features)) => {
                let examples: Vec<usize> = draws.iter().map(|draw| draw.example).collect();
                features.batch(&self.model, &self.dataset, &examples)?
            }
            (numbers, _) => self.model.tensors(numbers.context("A batch was not prepared")??)?,
        };
        if let Some(outsiders) = outsiders {
            batch.outsiders = Some(self.model.tensors(outsiders?)?.inputs);
        }
        if let Labels::Network(labels) = &self.labels {
            batch.labels = Some(Tensor::new(labels.of(&draws), batch.inputs.device())?);
        }
        batch.class_weights.clone_from(&self.class_weights);
        let pass = Pass::Training {
            seed: self.spec.seed,
            step: self.state.step,
            live: &self.live,
            frozen_stages: self.frozen_stages(),
            changes: Changes::All,
        };
        self.model.objective.before_step(self.state.step)?;
        let found = self.model.objective.loss(&batch, &pass)?;
        let loss = f64::from(found.loss.to_scalar::<f32>()?);
        ensure_finite("The loss is", loss.is_finite(), self.state.step)?;
        let gradients = self.model.vars.backward(&found.loss)?;
        Ok((found, loss, gradients))
    }

    /// The whole gradient of the next step's batch. The step is done without its change of the weights.
    ///
    /// # Errors
    /// Where the run has diverged, or still labels examples itself.
    pub fn next_gradient(&mut self) -> Result<Vec<f32>> {
        ensure!(
            !matches!(self.labels, Labels::Spreading(_)),
            "The network labels examples itself first: ask again once it trains"
        );
        let portion = self.upcoming(self.state.step).prepare();
        let (_, _, gradients) = ops::on_pool(|| self.gradients(portion))?;
        self.state.step += 1;
        self.optimizer.whole(&gradients)
    }

    fn frozen_stages(&self) -> usize {
        let frozen = self.spec.training(&FREEZE_STAGES) as u64;
        let thawed = self.state.step.checked_div(self.spec.training(&UNFREEZE_EVERY) as u64).unwrap_or(0);
        let stages = self.model.stages() as u64;
        frozen.min(stages).saturating_sub(thawed) as usize
    }

    fn is_validation_due(&self) -> bool {
        let each_epoch = self.spec.training(&EVALUATIONS_PER_EPOCH) as u64;
        is_validation_due(self.state.step, self.position.steps_per_epoch, each_epoch)
    }

    fn begin_scoring(&mut self, split: Split, indices: Vec<usize>) -> Result<Advance> {
        self.scoring = Some(Scoring::new(split, self.dataset.clone(), indices));
        self.score()
    }

    fn score(&mut self) -> Result<Advance> {
        let Some(mut scoring) = self.scoring.take() else { return Ok(Advance::Scored) };
        if !scoring.advance(&self.model, self.features.as_ref())? {
            self.scoring = Some(scoring);
            return Ok(Advance::Scored);
        }
        let points = scoring.points(self.state.step);
        Ok(match scoring.split() {
            Split::Test => Advance::Finished { points },
            _ => Advance::Validated { points, verdict: self.judge(scoring.mean(LOSS).unwrap_or(f64::NAN))? },
        })
    }

    fn judge(&mut self, loss: f64) -> Result<Verdict> {
        self.losses.ensure_near("validation loss", loss, self.state.step)?;
        self.state.validated = true;
        if self.state.best.is_none_or(|(_, best)| loss < best) {
            self.state.best = Some((self.state.step, loss));
            self.state.validations_since_best = 0;
            return Ok(Verdict::Best);
        }
        self.state.validations_since_best += 1;
        let patience = self.spec.training(&PATIENCE) as u64;
        if patience > 0 && self.state.validations_since_best >= patience {
            self.state.trained = true;
            return Ok(Verdict::OutOfPatience);
        }
        Ok(Verdict::NotBest)
    }

    /// An error unless the weights are worth keeping.
    ///
    /// # Errors
    /// Where the run has diverged.
    pub fn ensure_sound(&self) -> Result<()> {
        self.losses.ensure_near("loss", self.losses.newest, self.state.step)?;
        ensure_finite("A weight is", self.model.vars.are_finite()?, self.state.step)
    }
}
