//! What the faces show: the worker's events, folded into plain data.
use super::{DataState, entrants::Entrants};
use crate::{
    engine::LEARNING_RATE,
    experiment::{Cell, Experiment, Results},
    metrics::{self, LOSS, Point, Split},
    protocol::{
        Answer, Command, ComparisonId, ComparisonInfo, Event, Marks, Notice, Phase, Preparing, Progress,
        Remedy, RunId, RunInfo,
    },
    spec::{Change, LiveParams, RunSpec, Section},
};
use std::{collections::BTreeMap, mem::discriminant, path::PathBuf, sync::Arc};

/// Answers of a kind that wait to be taken, at most.
const KEPT_ANSWERS: usize = 16;

/// Everything that is known of a home's runs.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// In order of their folders' names: the oldest first.
    pub runs: BTreeMap<RunId, Run>,
    /// Those that wait for others to end, the next one first; as long as they do, they are stopped.
    pub queue: Vec<RunId>,
    /// By the names of their folders: the oldest first.
    pub comparisons: BTreeMap<ComparisonId, ComparisonInfo>,
    /// What has come of each question that waits for an answer, by its request; who asked lets go of it.
    pub answers: BTreeMap<u64, Answer>,
    /// What the librarian knows.
    pub data: DataState,
    /// Not yet shown; a face takes them out to show them.
    pub notices: Vec<Notice>,
    /// How far the data set is that the worker reads; nothing while it reads none.
    pub preparing: Option<Preparing>,
    /// The run that was started or resumed last, by itself.
    pub newest: Option<RunId>,
    /// The comparison that was started or resumed last.
    pub newest_comparison: Option<ComparisonId>,
    /// Which runs belong to which comparison.
    pub entrants: Entrants,
    /// Rises with each event: as long as it stays, nothing here has changed.
    pub revision: u64,
}

/// One run, as the faces see it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name of its folder.
    pub id: RunId,
    /// Where it is on disk.
    pub folder: PathBuf,
    /// Everything that determines it, but live changes.
    pub spec: RunSpec,
    /// The live hyperparameters as they are now.
    pub live: LiveParams,
    /// Where it stands.
    pub phase: Phase,
    /// Of a run that diverged.
    pub remedy: Option<Remedy>,
    /// How far it is.
    pub progress: Progress,
    /// What was measured.
    pub curves: BTreeMap<Curve, Series>,
    /// Whether the long ones among them are sketches: their lowest and highest points of each stretch alone.
    pub is_sketch: bool,
    /// Rises whenever the curves are replaced as a whole, and stays while points are added.
    pub curves_since: u64,
    /// Every live change that was made to it, in order.
    pub changes: Vec<Change>,
    /// Steps and the seconds of training they took, both rising.
    pub timing: Vec<[f64; 2]>,
    /// The name of each class, in order of the labels; none where that is not known.
    pub class_names: Arc<[String]>,
    /// The step of the newest checkpoint.
    pub saved: Option<u64>,
    /// The steps of all checkpoints, rising.
    pub checkpoints: Vec<u64>,
    /// Whether it learns from drawings, so that what it is shown is framed like one.
    pub learns_from_drawings: bool,
    /// What a person says of it.
    pub marks: Marks,
}

/// A metric's identifier and the split it is measured on.
pub type Curve = (&'static str, Split);

/// Steps and values, in order of their steps.
pub type Series = Vec<[f64; 2]>;

impl Run {
    fn new(info: RunInfo, revision: u64) -> Self {
        Self {
            id: info.id,
            folder: info.folder,
            spec: info.spec,
            live: info.live,
            phase: info.phase,
            remedy: info.remedy,
            progress: info.progress,
            curves: BTreeMap::new(),
            is_sketch: info.is_sketch,
            curves_since: revision,
            changes: info.changes,
            timing: info.timing,
            class_names: info.class_names,
            saved: info.saved,
            checkpoints: info.checkpoints,
            learns_from_drawings: info.learns_from_drawings,
            marks: info.marks,
        }
    }

    /// Whether there are weights to ask: those that are trained here, or saved ones.
    pub fn has_weights(&self) -> bool {
        self.phase.is_active() || self.phase == Phase::Finished || self.saved.is_some()
    }

    /// The points of a curve, none if it was never measured.
    pub fn curve(&self, metric: &'static str, split: Split) -> &[[f64; 2]] {
        self.curves.get(&(metric, split)).map_or(&[], Vec::as_slice)
    }

    /// The value of a curve that was measured after exactly that step.
    pub fn at_step(&self, metric: &'static str, split: Split, step: u64) -> Option<f64> {
        let curve = self.curve(metric, split);
        let at = curve.partition_point(|point| point[0] < step as f64);
        Some(curve.get(at).filter(|point| point[0] == step as f64)?[1])
    }

    /// The newest value of a curve.
    pub fn latest(&self, metric: &'static str, split: Split) -> Option<f64> {
        Some(self.curve(metric, split).last()?[1])
    }

    /// The best value of a curve so far, and its step.
    pub fn best(&self, metric: &'static str, split: Split) -> Option<[f64; 2]> {
        let sign = if metrics::find(metric)?.higher_is_better { 1.0 } else { -1.0 };
        let finite = self.curve(metric, split).iter().filter(|point| point[1].is_finite());
        finite.copied().max_by(|a, b| (sign * a[1]).total_cmp(&(sign * b[1])))
    }

    /// Seconds of training until `step` was done, between two known moments along a straight line.
    pub fn elapsed_secs(&self, step: f64) -> f64 {
        let after = self.timing.partition_point(|moment| moment[0] < step);
        let [s0, t0] = after.checked_sub(1).map_or([0.0, 0.0], |before| self.timing[before]);
        match self.timing.get(after) {
            Some([s1, t1]) if *s1 > s0 => t0 + (t1 - t0) * (step - s0) / (s1 - s0),
            _ => t0,
        }
    }

    /// Seconds of training that the rest of the run will take at its present pace, or nothing before that is known.
    pub fn secs_left(&self) -> Option<f64> {
        let Progress { step, steps, elapsed_secs, .. } = self.progress;
        let [from, began] = self.pace_since();
        let (done, took) = (step as f64 - from, elapsed_secs - began);
        (done > 0.0 && took > 0.0).then(|| took / done * steps.saturating_sub(step) as f64)
    }

    /// The moment from which on the present pace is measured: some seconds ago, and so long ago that the steps since
    /// have had their share of validation.
    fn pace_since(&self) -> [f64; 2] {
        const RECENT_SECS: f64 = 15.0;
        let validated = self.curve(LOSS, Split::Validation);
        let between = match validated {
            [.., before, last] => last[0] - before[0],
            _ => 0.0,
        };
        let (step, secs) = (self.progress.step as f64 - between, self.progress.elapsed_secs - RECENT_SECS);
        let after = self.timing.partition_point(|moment| moment[0] <= step && moment[1] <= secs);
        after.checked_sub(1).map_or([0.0; 2], |before| self.timing[before])
    }

    /// What has a run that diverged go on from its last good weights, with a lower learning rate.
    pub fn remedied(&self) -> Option<(Remedy, Command)> {
        let remedy = self.remedy?;
        let mut live = self.live.clone();
        live.set(Section::Optimizer, &LEARNING_RATE, remedy.learning_rate);
        Some((remedy, Command::Rewind { run: self.id.clone(), step: remedy.step, live, epochs: None }))
    }

    fn add(&mut self, points: Vec<Point>) {
        // as a whole, so that a curve that is read from the disk takes no more memory than it has points
        for curve in points.chunk_by(|one, next| (one.metric, one.split) == (next.metric, next.split)) {
            let Some(first) = curve.first() else { continue };
            let series = self.curves.entry((first.metric, first.split)).or_default();
            series.extend(curve.iter().map(|point| [point.step as f64, point.value]));
        }
    }

    fn replace_curves(&mut self, points: Option<Vec<Point>>, revision: u64) {
        self.is_sketch = false;
        if let Some(points) = points {
            self.curves.clear();
            self.curves_since = revision;
            self.add(points);
        }
    }

    fn advance(&mut self, progress: Progress) {
        self.progress = progress;
        let moment = [progress.step as f64, progress.elapsed_secs];
        if self.timing.last().is_none_or(|last| last[0] < moment[0] && last[1] <= moment[1]) {
            self.timing.push(moment);
        }
    }
}

impl State {
    /// Takes in one event. Events of unknown runs are passed over.
    pub fn apply(&mut self, event: Event) {
        self.revision += 1;
        match event {
            Event::Run(info) => {
                if info.phase.is_active() && info.spec.entrant.is_none() {
                    self.newest = Some(info.id.clone());
                }
                self.entrants.add(&info.id, &info.spec);
                self.runs.insert(info.id.clone(), Run::new(*info, self.revision));
            }
            Event::Phase(id, phase) => self.update(&id, |run| run.phase = phase),
            Event::Remedy(id, remedy) => self.update(&id, |run| run.remedy = Some(remedy)),
            Event::Points(id, points) => self.update(&id, |run| run.add(points)),
            Event::Curves(id, points) => {
                let revision = self.revision;
                self.update(&id, |run| run.replace_curves(points, revision));
            }
            Event::Progress(id, progress) => self.update(&id, |run| run.advance(progress)),
            Event::Tuned(id, live, changes) => self.update(&id, |run| {
                run.live = live;
                run.changes.extend(changes);
            }),
            Event::Saved(id, kept) => self.update(&id, |run| {
                run.saved = kept.last().copied();
                run.checkpoints = kept;
            }),
            Event::Renamed(id, name) => self.update(&id, |run| run.spec.name = name),
            Event::Marked(id, marks) => self.update(&id, |run| run.marks = marks),
            Event::Removed(id) => {
                if let Some(run) = self.runs.remove(&id) {
                    self.entrants.remove(&id, &run.spec);
                }
            }
            Event::Queue(waiting) => self.queue = waiting,
            Event::Comparison(info) => {
                if info.phase.is_active() {
                    self.newest_comparison = Some(info.id.clone());
                }
                self.know(&info.id, Some(&info.experiment));
                self.comparisons.insert(info.id.clone(), *info);
            }
            Event::ComparisonPhase(id, phase) => {
                if let Some(info) = self.comparisons.get_mut(&id) {
                    info.phase = phase;
                }
            }
            Event::ComparisonRemoved(id) => {
                self.know(&id, None);
                self.comparisons.remove(&id);
            }
            Event::Answer(answer) => self.answer(answer),
            Event::Notice(notice) => self.notices.push(notice),
        }
    }

    /// Whether nothing was trained here yet: there is no run but the one that comes with the program.
    pub fn is_untrained(&self) -> bool {
        self.runs.values().all(|run| run.spec.shipped.is_some())
    }

    fn know(&mut self, comparison: &ComparisonId, experiment: Option<&Experiment>) {
        let runs = &self.runs;
        self.entrants.know(comparison, experiment, |run| Some(&runs.get(run)?.spec));
    }

    /// One of the many races of a comparison, which are shown together there.
    pub fn is_race(&self, run: &Run) -> bool {
        matches!(self.entrants.cell(&run.id, &run.spec), Some(Cell::Arm { .. }))
    }

    /// The runs of a comparison that have begun.
    pub fn entrants(&self, of: &ComparisonInfo) -> BTreeMap<Cell, &Run> {
        self.entrants.of(&of.id).filter_map(|(cell, run)| Some((cell, self.runs.get(run)?))).collect()
    }

    /// What a comparison has found so far.
    pub fn results(&self, of: &ComparisonInfo) -> Results {
        let Experiment { metric, split, .. } = of.experiment;
        let is_whole = |run: &&Run| of.experiment.search.is_none() || run.phase == Phase::Finished;
        let value =
            |(cell, run): (Cell, &Run)| Some((cell, Some(run).filter(is_whole)?.latest(metric.id, split)?));
        Results::new(&of.experiment, &self.entrants(of).into_iter().filter_map(value).collect())
    }

    /// Keeps the newest answers of each kind; older ones are obsolete.
    fn answer(&mut self, mut answer: Answer) {
        if answer.finding.is_none() {
            answer.finding = self.answers.remove(&answer.request).and_then(|older| older.finding);
        }
        let kind = |answer: &Answer| Some(discriminant(answer.finding.as_ref()?.as_ref().ok()?));
        let of = kind(&answer);
        self.answers.insert(answer.request, answer);
        let same = self.answers.iter().filter(|(_, other)| kind(other) == of);
        let mut same: Vec<u64> = same.map(|(request, _)| *request).collect();
        same.truncate(same.len().saturating_sub(KEPT_ANSWERS));
        same.iter().for_each(|request| drop(self.answers.remove(request)));
    }

    fn update(&mut self, id: &RunId, change: impl FnOnce(&mut Run)) {
        if let Some(run) = self.runs.get_mut(id) {
            change(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{ACCURACY, LOSS},
        protocol::Finding,
    };

    fn run() -> Run {
        Run::new(
            RunInfo {
                marks: Default::default(),
                id: "a".into(),
                folder: PathBuf::new(),
                spec: RunSpec::default(),
                live: LiveParams::default(),
                phase: Phase::Running,
                remedy: None,
                saved: None,
                checkpoints: vec![],
                is_sketch: false,
                learns_from_drawings: true,
                changes: vec![],
                progress: Progress::default(),
                timing: vec![],
                class_names: Arc::default(),
            },
            0,
        )
    }

    fn point(step: u64, metric: &'static str, value: f64) -> Point {
        Point { step, split: Split::Validation, metric, value }
    }

    #[test]
    fn best_follows_the_metric_and_passes_over_nan() {
        let mut run = run();
        run.add(vec![
            point(1, LOSS, 0.5),
            point(2, LOSS, f64::NAN),
            point(3, LOSS, 0.7),
            point(1, ACCURACY, 0.8),
        ]);
        assert_eq!(run.best(LOSS, Split::Validation), Some([1.0, 0.5]));
        assert_eq!(run.best(ACCURACY, Split::Validation), Some([1.0, 0.8]));
        assert_eq!(run.best(LOSS, Split::Test), None);
    }

    #[test]
    fn seconds_lie_between_known_moments() {
        let mut run = run();
        run.timing = vec![[10.0, 1.0], [20.0, 3.0]];
        assert_eq!([5.0, 10.0, 15.0, 99.0].map(|step| run.elapsed_secs(step)), [0.5, 1.0, 2.0, 3.0]);
    }

    /// A run that trains at so many seconds a step up to each step, one after the other.
    fn at_paces(steps: u64, paces: &[(u64, f64)]) -> Run {
        let (mut run, mut secs) = (run(), 0.0);
        for step in 1..=paces[paces.len() - 1].0 {
            secs += paces.iter().find(|(until, _)| step <= *until).unwrap().1;
            run.advance(Progress {
                step,
                steps,
                steps_per_epoch: 100,
                elapsed_secs: secs,
                ..Progress::default()
            });
        }
        run
    }

    #[test]
    fn time_left_goes_by_the_present_pace_and_not_by_the_whole_past() {
        // The machine was busy for a thousand steps, and is free now.
        let run = at_paces(3200, &[(1000, 0.5), (2000, 0.1)]);
        assert!((run.secs_left().unwrap() - 120.0).abs() < 1e-6, "{:?}", run.secs_left());
        assert_eq!(at_paces(100, &[(100, 0.1)]).secs_left(), Some(0.0));
    }

    #[test]
    fn time_left_has_its_share_of_validation() {
        // A hundred steps of 0.1 s take 10 s, and validation after them 10 s more.
        let mut run =
            at_paces(1000, &[(99, 0.1), (100, 10.1), (199, 0.1), (200, 10.1), (299, 0.1), (300, 10.1)]);
        run.add(vec![point(100, LOSS, 1.0), point(200, LOSS, 1.0), point(300, LOSS, 1.0)]);
        assert!((run.secs_left().unwrap() - 140.0).abs() < 1.0, "{:?}", run.secs_left());
    }

    #[test]
    fn time_left_is_unknown_before_the_first_step() {
        assert_eq!(run().secs_left(), None);
        let mut begun = run();
        begun.advance(Progress { step: 4, steps: 10, elapsed_secs: 2.0, ..Progress::default() });
        assert_eq!(begun.secs_left(), Some(3.0), "by all there is");
    }

    #[test]
    fn answers_do_not_pile_up() {
        let answer = |request, finding| {
            let finding = Some(Ok(finding));
            Answer { request, run: "a".into(), step: 0, share_done: 1.0, finding }
        };
        let mut state = State::default();
        state.apply(Event::Answer(answer(0, Finding::Embedding(Arc::default()))));
        for request in 1..100 {
            state.apply(Event::Answer(answer(
                request,
                Finding::Scores { class_names: [].into(), scores: Arc::default(), is_calibrated: false },
            )));
        }
        let kept: Vec<u64> = state.answers.into_keys().collect();
        assert_eq!((kept[0], kept[1], kept.len()), (0, 84, 17));
    }

    #[test]
    fn what_was_found_stays_until_there_is_something_new() {
        let embedding = |number: f32| Some(Ok(Finding::Embedding(Arc::new(vec![number]))));
        let mut state = State::default();
        for (share_done, finding) in [(0.0, None), (0.2, embedding(1.0)), (0.4, None), (1.0, embedding(2.0))]
        {
            let known = state.answers.get(&1).and_then(|answer| answer.finding.clone());
            let expected = finding.clone().or(known);
            state.apply(Event::Answer(Answer { request: 1, run: "a".into(), step: 0, share_done, finding }));
            assert_eq!((state.answers[&1].share_done, &state.answers[&1].finding), (share_done, &expected));
        }
        assert_eq!(state.answers[&1].finding, embedding(2.0));
    }
}
