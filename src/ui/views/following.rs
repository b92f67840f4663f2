//! A question that follows what is drawn and what is learnt.
use super::Scene;
use crate::{
    protocol::{Answer, Finding, Question, RunId},
    session::Run,
};
use egui::Ui;
use std::time::Duration;

/// A question that takes a while has to stay the same for so many seconds before it is asked: nobody explains half a stroke.
const SETTLED: f64 = 0.15;
/// While the weights change, an answer stands for at least so many seconds, and for so many times as long as it took.
const REST: [f64; 2] = [1.0, 8.0];

/// The newest question of a view, and what came of it so far.
#[derive(Default)]
pub struct Following {
    /// It is asked at once, but only one at a time.
    is_prompt: bool,
    /// What is to be asked, and since when it has been the same.
    wanted: Option<(RunId, Question, f64)>,
    asked: Option<Asked>,
    answer: Option<Answer>,
}

struct Asked {
    request: u64,
    run: RunId,
    question: Question,
    /// The step of the run, and the time.
    step: u64,
    at: f64,
    /// When the answer was complete.
    done_at: Option<f64>,
}

/// Seconds after which nobody waits for an answer any more.
const PATIENCE: f64 = 2.0;

impl Following {
    /// Of a question that is answered quickly.
    pub fn prompt() -> Self {
        Self { is_prompt: true, ..Self::default() }
    }

    /// Asks when the question is another one, or the weights have moved on; takes in what has been answered.
    pub fn follow(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, question: Question) {
        let now = ui.input(|input| input.time);
        self.take_in(scene, now);
        let is_same = |(id, wanted, _): &(RunId, Question, f64)| *id == run.id && *wanted == question;
        if !self.wanted.as_ref().is_some_and(is_same) {
            let is_first = self.asked.is_none();
            let since = if is_first { f64::NEG_INFINITY } else { now };
            self.wanted = Some((run.id.clone(), question, since));
        }
        let Some((_, question, since)) = &self.wanted else { return };
        let wait = match &self.asked {
            Some(asked) if asked.run == run.id && asked.question == *question => match asked.done_at {
                Some(done_at) if asked.step != run.progress.step => {
                    done_at + REST[0].max(REST[1] * (done_at - asked.at)) - now
                }
                _ => return,
            },
            Some(asked) if self.is_prompt && asked.done_at.is_none() && now - asked.at < PATIENCE => return,
            _ if self.is_prompt => 0.0,
            _ => since + SETTLED - now,
        };
        if wait > 0.0 {
            return ui.ctx().request_repaint_after(Duration::from_secs_f64(wait));
        }
        let question = question.clone();
        let request = scene.ask(run.id.clone(), question.clone());
        let (run, step) = (run.id.clone(), run.progress.step);
        self.asked = Some(Asked { request, run, question, step, at: now, done_at: None });
    }

    fn take_in(&mut self, scene: &Scene<'_>, now: f64) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.done_at.is_none()) else { return };
        let Some(answer) = scene.state.answers.get(&asked.request) else { return };
        asked.done_at = (answer.share_done >= 1.0).then_some(now);
        // what has been found before stays until there is something new
        if answer.finding.is_some() {
            self.answer = Some(answer.clone());
        }
    }

    /// The newest finding about a run, or why there is none.
    pub fn found(&self, run: &Run) -> Option<&Result<Finding, String>> {
        self.answer.as_ref().filter(|answer| answer.run == run.id)?.finding.as_ref()
    }

    /// The step whose weights were asked.
    pub fn step(&self) -> u64 {
        self.answer.as_ref().map_or(0, |answer| answer.step)
    }
}
