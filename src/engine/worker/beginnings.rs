//! How runs begin and go on, and what a run begins with where its encoder is not drawn at random.
use super::Engine;
use crate::{
    data::{
        self,
        fitting::{CHANNELS, IMAGE_SIZE},
        watch::Watch,
    },
    engine::{
        active_run::ActiveRun,
        provenance::provenance,
        resumption::newest,
        trainer::{Origin, Trainer},
    },
    models::{self, INPUT_SCALES, INPUTS, Weights},
    protocol::{About, Level, Phase, RunId, RunInfo},
    runs::{Entry, RunData, changed_data, last_phase},
    shape::ImageShape,
    spec::{EPOCHS, LiveParams, RunSpec, Section, SpecError, branch::left_behind},
    weights::TensorFile,
};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;

impl Engine {
    pub(super) fn start(&mut self, spec: RunSpec) -> Result<RunId> {
        let mut spec = RunSpec { shipped: None, ..spec.anchored() };
        let wrong = self.catalog.validate(&spec);
        ensure!(wrong.is_empty(), SpecError(wrong));
        if let Some(branch) = spec.branch.clone() {
            return self.fork(spec, branch);
        }
        if let Some(source) = spec.init_from.as_ref().filter(|source| source.ends_with("@best")) {
            // which one is the best may change; what the run began with does not
            spec.init_from = Some(self.home.find_at(source)?.to_string());
        }
        self.adopt_shape(&mut spec)?;
        self.adopt_inputs(&mut spec);
        let dataset = self.dataset(&spec.dataset)?;
        let init = self.init(&spec)?;
        // What cannot be trained leaves no folder behind.
        let origin = init.as_ref().map_or(Origin::Fresh, Origin::Weights);
        let data = RunData::of(&dataset);
        let trainer = Trainer::new(spec.clone(), self.catalog.live_params(&spec), dataset, origin)?;
        let (id, folder) = self.home.create(&spec, &self.catalog, &data)?;
        let has_to_wait = self.has_to_wait(&spec);
        let info = folder.info_of(&id, spec, &[], &self.catalog);
        if has_to_wait {
            self.wait(info)?;
        } else {
            self.activate(ActiveRun::begin(id.clone(), folder, trainer)?, info)?;
        }
        Ok(id)
    }

    /// Goes on from the newest checkpoint, or from that of a step with other live hyperparameters and perhaps more epochs. A
    /// run that has waited for others may have none.
    pub(super) fn resume(
        &mut self,
        id: &RunId,
        rewind: Option<(u64, LiveParams, Option<u64>)>,
        has_waited: bool,
    ) -> Result<()> {
        if self.active.contains_key(id) {
            ensure!(rewind.is_none(), "The run is at work: stop it first");
            return Ok(());
        }
        let folder = self.home.folder(id);
        let (mut spec, mut entries) = (folder.spec(&self.catalog)?, folder.entries()?);
        let epochs = rewind.as_ref().and_then(|(_, _, epochs)| *epochs);
        ensure!(
            last_phase(&entries).0 != Phase::Finished || epochs.is_some(),
            "The run is finished: it goes on with more epochs, as by --set epochs=20"
        );
        let mut said = vec![];
        if let Some(epochs) = epochs {
            ensure!(
                spec.entrant.is_none() && spec.shipped.is_none(),
                "This run has to stay as it is, as it is part of a comparison or of the program: fork it instead"
            );
            let before = spec.clone();
            spec.set(Section::Training, &EPOCHS, epochs as f64);
            let wrong = self.catalog.validate(&spec);
            ensure!(wrong.is_empty(), SpecError(wrong));
            said = left_behind(&before, &spec, &self.catalog)?;
        }
        let dataset = self.dataset(&spec.dataset)?;
        // Only a run that has no checkpoint of its own begins again.
        let is_saved = !folder.checkpoints().is_empty();
        let init = if is_saved { None } else { self.init(&spec)? };
        let mut run = ActiveRun::resume(
            id.clone(),
            folder.clone(),
            (&spec, &entries),
            dataset,
            init.as_ref(),
            &self.catalog,
        )?;
        if let Some((step, live, _)) = rewind {
            run.rewind(step, live, &self.catalog)?;
            entries = folder.entries()?;
        }
        if epochs.is_some() {
            folder.write_spec(&spec, &self.catalog)?;
        }
        run.warnings.extend(said);
        run.warnings.extend(changed_data(&entries, &run.trainer.data().0.checksum()?));
        if !is_saved && !has_waited {
            run.warnings.push("The run had not been saved yet: it begins again at step 0".into());
        }
        let info = folder.info_of(id, spec, &entries, &self.catalog);
        self.activate(run, info)
    }

    pub(super) fn activate(&mut self, mut run: ActiveRun, info: RunInfo) -> Result<()> {
        run.turns = self.active.values().map(|run| run.turns).min().unwrap_or_default();
        let info = run.info(info);
        let folder = self.home.folder(&run.id);
        folder.log(&Entry::Provenance(provenance(run.trainer.data().0)))?;
        folder.log(&Entry::new_phase(&Phase::Running))?;
        let about = || About::Run(info.id.clone());
        if let Some(beginning) = &run.trainer.beginning {
            folder.log(&Entry::Notice { text: beginning.clone() })?;
            // A comparison would say so for each of its runs.
            if run.trainer.spec.entrant.is_none() {
                self.outbox.notice(about(), Level::Info, beginning.clone());
            }
        }
        for warning in std::mem::take(&mut run.warnings) {
            folder.log(&Entry::Notice { text: warning.clone() })?;
            self.outbox.notice(about(), Level::Warning, warning);
        }
        let points = folder.points()?;
        self.forget_weights();
        self.backlog.retain(|waiting| *waiting != run.id);
        self.leave_queue(&run.id);
        self.show(info, points);
        self.active.insert(run.id.clone(), run);
        Ok(())
    }

    /// Has a run's images brought to the shape of those that its encoder was pretrained on, unless it asks for another.
    pub(super) fn adopt_shape(&mut self, spec: &mut RunSpec) -> Result<()> {
        let asks = [&IMAGE_SIZE, &CHANNELS].iter().any(|param| spec.dataset.get(param) > 0.0);
        let source = spec.init_from.as_ref().filter(|_| !asks && spec.entrant.is_none());
        let Some(source) = source else { return Ok(()) };
        let shapes = self.watched(|watch| {
            let shape = self.shape_of(source, watch);
            watch.go_on()?;
            shape.map(|shape| Ok((shape, data::peek(&spec.dataset, watch)?.shape.image()?))).transpose()
        })?;
        let Some((shape, own)) = shapes else { return Ok(()) };
        if shape != own && shape.height == shape.width {
            spec.set(Section::Dataset, &IMAGE_SIZE, shape.width as f64);
            spec.set(Section::Dataset, &CHANNELS, shape.channels as f64);
            self.outbox.notice(
                About::Data,
                Level::Info,
                format!(
                    "Images are brought to {0} by {0} pixels, {1}, which the encoder was pretrained on",
                    shape.width,
                    if shape.channels == 3 { "in colour" } else { "grey" }
                ),
            );
        }
        Ok(())
    }

    /// Has a network take its pixels as those that its encoder was pretrained on, unless it says itself how.
    pub(super) fn adopt_inputs(&mut self, spec: &mut RunSpec) {
        let is_silent = spec.encoder.get(&INPUTS) == INPUTS.default && spec.entrant.is_none();
        let Some(source) = spec.init_from.as_ref().filter(|_| is_silent) else { return };
        let Some(place) = self.inputs_of(source).filter(|place| *place > 0) else { return };
        spec.set(Section::Encoder, &INPUTS, place as f64);
        let text = format!("Pixels are taken {}, as the encoder was pretrained", INPUT_SCALES[place].label);
        self.outbox.notice(About::Data, Level::Info, text);
    }

    /// How a run, a shipped encoder, known weights or a file of weights took its pixels, by its place in [`INPUT_SCALES`];
    /// none where that is not said.
    fn inputs_of(&self, source: &str) -> Option<usize> {
        let place = |id: &str| INPUT_SCALES.iter().position(|scale| scale.id == id);
        if let Some(shipped) = models::shipped::find(source) {
            return place(shipped.inputs);
        }
        if let Some(known) = data::weights::find(source) {
            return place(known.set.iter().find_map(|set| set.strip_prefix("encoder.inputs="))?);
        }
        if Path::new(source).is_file() {
            return place(TensorFile::open(Path::new(source)).ok()?.said("inputs")?);
        }
        let run = self.home.find(source.rsplit_once('@').map_or(source, |(run, _)| run)).ok()?;
        let spec = self.home.folder(&run).spec(&self.catalog).ok()?;
        Some(spec.encoder.get(&INPUTS) as usize)
    }

    /// The shape of the images that a run or a shipped encoder was trained on, where that can be told.
    fn shape_of(&self, source: &str, watch: &Watch) -> Option<ImageShape> {
        if let Some(shipped) = models::shipped::find(source) {
            return Some(shipped.shape);
        }
        if let Some(known) = data::weights::find(source) {
            return Some(known.shape);
        }
        let run = self.home.find(source.rsplit_once('@').map_or(source, |(run, _)| run)).ok()?;
        let folder = self.home.folder(&run);
        folder.dataset_info(&folder.spec(&self.catalog).ok()?, watch).ok()?.shape.image().ok()
    }

    /// What a run's encoder begins with.
    pub(super) fn init(&mut self, spec: &RunSpec) -> Result<Option<Weights>> {
        let Some(source) = &spec.init_from else { return Ok(None) };
        if Path::new(source).is_file() {
            return Ok(Some(Weights::File(source.into())));
        }
        if let Some(shipped) = models::shipped::find(source) {
            return Ok(Some(Weights::Shipped(shipped)));
        }
        if let Some(known) = data::weights::find(source) {
            return Ok(Some(Weights::File(known.locate(&self.home.weights())?)));
        }
        let named = || {
            let shipped: Vec<_> = models::shipped::ALL.iter().map(|shipped| shipped.info.id).collect();
            let known: Vec<_> = data::weights::ALL.iter().map(|known| known.id).collect();
            format!(
                "init_from names no file, no run, no shipped encoder ({}) and no known weights ({})",
                shipped.join(", "),
                known.join(", ")
            )
        };
        let (run, step) =
            source.rsplit_once('@').map_or((source.as_str(), None), |(run, step)| (run, Some(step)));
        let folder = self.home.folder(&self.home.find(run).with_context(named)?);
        let weights = |step| folder.checkpoint(step).join("model.safetensors");
        let kept = folder.checkpoints();
        if let Some(step) = step {
            let step = step.parse().ok().filter(|step| kept.contains(step)).with_context(|| {
                format!("The run {run:?} has no checkpoint of step {step}: choose one of {kept:?}")
            })?;
            return Ok(Some(Weights::File(weights(step))));
        }
        let newest = newest(&folder, |_, path| models::check(&path.join("model.safetensors")))?;
        let newest = newest.with_context(|| {
            format!("The run {run:?} has no checkpoint yet: begin when it has trained for a while")
        })?;
        newest
            .passed_over
            .into_iter()
            .for_each(|text| self.outbox.notice(About::Request, Level::Warning, text));
        let step = newest.state.step;
        if let Some((best, _)) = newest.state.best.filter(|(best, _)| *best < step)
            && matches!(folder.info(&run.into(), &self.catalog)?.phase, Phase::Failed(_))
        {
            let text = format!(
                "The run {run:?} failed: if the weights of step {step} turn out to be ruined, begin with its best ones, \
                 init_from={run}@{best}"
            );
            self.outbox.notice(About::Request, Level::Warning, text);
        }
        Ok(Some(Weights::File(weights(step))))
    }
}
