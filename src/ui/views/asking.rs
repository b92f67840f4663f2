//! A question about something that changes.
use crate::{
    protocol::{Finding, Moment, Phase, Question, RunId},
    ui::views::Scene,
};
use egui::Ui;
use std::{rc::Rc, time::Duration};

/// The fewest seconds between two questions.
const PAUSE: f64 = 0.1;
/// The same while the run is training: answering may take as long as a batch.
const LONG_PAUSE: f64 = 0.5;
/// A question that has no answer after so many seconds is given up once it is about something else.
const PATIENCE: f64 = 3.0;

/// Asks anew whenever `K`, which is what the question is about, has changed: one question at a time.
pub struct Asking<K> {
    asked: Option<Asked<K>>,
    found: Option<(Rc<K>, Finding)>,
}

struct Asked<K> {
    request: u64,
    about: Rc<K>,
    at: f64,
    is_answered: bool,
}

impl<K> Default for Asking<K> {
    fn default() -> Self {
        Self { asked: None, found: None }
    }
}

impl<K: PartialEq> Asking<K> {
    /// Takes in what has been answered, and asks if that is about something else by now.
    pub fn follow(
        &mut self,
        ui: &Ui,
        scene: &mut Scene<'_>,
        run: &RunId,
        about: K,
        question: impl FnOnce(&K) -> Question,
    ) {
        let is_training = scene.state.runs.get(run).is_some_and(|run| run.phase == Phase::Running);
        let pause = if is_training { LONG_PAUSE } else { PAUSE };
        self.take(scene);
        let now = ui.input(|input| input.time);
        if let Some(asked) = &self.asked {
            let pause = if asked.is_answered { pause } else { PATIENCE };
            if *asked.about == about {
                return;
            }
            if now - asked.at < pause {
                return ui.ctx().request_repaint_after(Duration::from_secs_f64(pause - (now - asked.at)));
            }
            scene.dismiss(asked.request);
        }
        let request = scene.ask(run.clone(), question(&about));
        self.asked = Some(Asked { request, about: Rc::new(about), at: now, is_answered: false });
    }

    fn take(&mut self, scene: &Scene<'_>) {
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.is_answered) else { return };
        let Some(answer) = scene.state.answers.get(&asked.request) else { return };
        if let Some(Ok(finding)) = &answer.finding {
            self.found = Some((asked.about.clone(), finding.clone()));
        }
        asked.is_answered = answer.share_done >= 1.0;
    }

    /// Whether an answer, or the rest of one, is on its way.
    pub fn is_waiting(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| !asked.is_answered)
    }

    /// The newest scores, and what was asked about.
    pub fn scores(&self) -> Option<(&K, &[Vec<f32>])> {
        match self.found.as_ref()? {
            (about, Finding::Scores(scores)) => Some((about, scores)),
            _ => None,
        }
    }

    /// The newest finding, and what was asked about.
    pub fn found(&self) -> Option<(&K, &Finding)> {
        self.found.as_ref().map(|(about, finding)| (&**about, finding))
    }

    /// The newest history, as far as it is known, and what was asked about.
    pub fn history(&self) -> Option<(&K, &[Moment])> {
        match self.found.as_ref()? {
            (about, Finding::History(moments)) => Some((about, moments)),
            _ => None,
        }
    }
}

/// What a network made of something so far; checkpoints that its run has removed since stay known.
pub struct Moments<T> {
    of: Option<T>,
    moments: Vec<Moment>,
}

impl<T> Default for Moments<T> {
    fn default() -> Self {
        Self { of: None, moments: vec![] }
    }
}

impl<T: PartialEq> Moments<T> {
    /// None where nothing is known of it.
    pub fn of(&self, about: &T) -> &[Moment] {
        if self.of.as_ref() == Some(about) { &self.moments } else { &[] }
    }

    /// Takes in an answer, which may have come in part before.
    pub fn learn(&mut self, about: T, moments: &[Moment]) {
        if self.of.as_ref() != Some(&about) {
            *self = Self { of: Some(about), moments: vec![] };
        }
        let last = self.moments.last().map(|moment| moment.step);
        self.moments.extend(moments.iter().filter(|moment| Some(moment.step) > last).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_grows_and_is_of_one_thing() {
        let moment = |step| Moment { step, scores: vec![] };
        let mut known = Moments::default();
        known.learn("one", &[moment(0), moment(430)]);
        // The next answer begins after what is known, and grows.
        known.learn("one", &[moment(860)]);
        known.learn("one", &[moment(860), moment(1290)]);
        let steps =
            |known: &Moments<&'static str>, of| known.of(&of).iter().map(|at| at.step).collect::<Vec<_>>();
        assert_eq!(steps(&known, "one"), [0, 430, 860, 1290]);
        known.learn("two", &[moment(1290)]);
        assert_eq!((steps(&known, "two"), steps(&known, "one")), (vec![1290], vec![]));
    }
}
