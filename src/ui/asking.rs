//! A question about something that changes: what is drawn, what is learnt, or what somebody chose.
use super::{Action, views::UNSAVED};
use crate::{
    protocol::{Answer, Command, Finding, Moment, Phase, Question, RunId, data::DataRequest},
    session::{DataState, Run, State},
};
use egui::Ui;
use std::{collections::BTreeMap, rc::Rc, time::Duration};

/// A question that has no answer after so many seconds is given up once it is about something else.
const PATIENCE: f64 = 2.0;
/// A question of which nothing is heard for so many seconds is lost, as to another view that asked one of its kind.
const LOST: f64 = 30.0;

/// Asks the worker and the librarian, by numbers that no two of the window's questions share.
pub struct Asker<'a> {
    /// The worker's, by their numbers.
    pub answers: &'a BTreeMap<u64, Answer>,
    /// What the librarian has reported.
    pub data: &'a DataState,
    /// The number of the newest question.
    newest: &'a mut u64,
    pub actions: &'a mut Vec<Action>,
}

impl<'a> Asker<'a> {
    pub fn new(state: &'a State, newest: &'a mut u64, actions: &'a mut Vec<Action>) -> Self {
        Self { answers: &state.answers, data: &state.data, newest, actions }
    }

    /// Asks something of a run's network; gives the question's number.
    pub fn ask(&mut self, run: RunId, question: Question) -> u64 {
        *self.newest += 1;
        let request = *self.newest;
        self.actions.push(Action::Send(Command::Ask { request, run, question }));
        request
    }

    /// Asks the librarian something under a new number, which it gives.
    pub fn ask_librarian(&mut self, request: impl FnOnce(u64) -> DataRequest) -> u64 {
        *self.newest += 1;
        self.actions.push(Action::Data(request(*self.newest)));
        *self.newest
    }

    /// Gives up on a question, or lets go of its answer.
    pub fn dismiss(&mut self, request: u64) {
        self.actions.push(Action::Send(Command::Dismiss(request)));
    }
}

/// How often something is asked again.
#[derive(Clone, Copy)]
pub struct Pace {
    /// For how many seconds something has to stay the same before it is asked about.
    pub settled: f64,
    /// The fewest seconds between an answer and the next question, where that is about something else.
    pub pause: f64,
    /// The same where only the weights have changed.
    pub pause_of_weights: f64,
    /// While a run trains, it rests from questions for so many times as long as the last one took.
    pub rest: f64,
    /// Whether only a whole answer makes room for the next question, and not its first part.
    pub awaits_all: bool,
}

impl Pace {
    /// Of what takes a network longer than a batch, or is looked at for longer.
    pub const DEFAULT: Self =
        Self { settled: 0.0, pause: 0.05, pause_of_weights: 0.5, rest: 8.0, awaits_all: true };
}

/// Asks again whenever `K`, which is what the question is about, or the weights have changed: one question at a time.
pub struct Asking<K> {
    pace: Pace,
    /// What is to be asked about, and since when it has been the same.
    wanted: Option<(Subject<K>, f64)>,
    asked: Option<Asked<K>>,
    found: Option<Found<K>>,
}

/// Whom a question is for, and what it is about.
struct Subject<K> {
    run: RunId,
    about: Rc<K>,
}

struct Asked<K> {
    request: u64,
    of: Subject<K>,
    /// Counts changes of the weights.
    weights: u64,
    at: f64,
    /// How much of the answer has come, and when that was heard.
    share_done: f32,
    heard_at: f64,
    /// When there was enough of the answer.
    done_at: Option<f64>,
}

/// An answer, as far as it is there.
pub struct Found<K> {
    pub run: RunId,
    pub about: Rc<K>,
    /// The step whose weights answered.
    pub step: u64,
    /// How much of the answer this is, from 0 to 1.
    pub share_done: f32,
    /// What was found, or why nothing is.
    pub finding: Result<Finding, String>,
}

impl<K> Default for Asking<K> {
    fn default() -> Self {
        Self::at(Pace::DEFAULT)
    }
}

impl<K> Asking<K> {
    /// Asks so often.
    pub fn at(pace: Pace) -> Self {
        Self { pace, wanted: None, asked: None, found: None }
    }
}

impl<K: PartialEq> Asking<K> {
    /// Asks once the subject has stayed the same for so many seconds, so that half a stroke is not explained.
    pub fn once_settled(secs: f64) -> Self {
        Self::at(Pace { settled: secs, ..Pace::DEFAULT })
    }

    /// Takes in what has been answered, and asks a run if `about` is something else by now, or its weights are others.
    pub fn follow(
        &mut self,
        ui: &Ui,
        (run, weights): (&Run, u64),
        about: K,
        asker: &mut Asker<'_>,
        question: impl FnOnce(&K) -> Question,
    ) {
        let now = ui.input(|input| input.time);
        self.take_in(asker.answers, now);
        if !run.has_weights() {
            let (run, about, finding) = (run.id.clone(), Rc::new(about), Err(UNSAVED.into()));
            self.found = Some(Found { run, about, step: 0, share_done: 1.0, finding });
            return;
        }
        let is_same = |(of, _): &(Subject<K>, f64)| of.run == run.id && *of.about == about;
        if !self.wanted.as_ref().is_some_and(is_same) {
            // the first question need not wait
            let since = if self.asked.is_some() { now } else { f64::NEG_INFINITY };
            self.wanted = Some((Subject { run: run.id.clone(), about: Rc::new(about) }, since));
        }
        let rest = if run.phase == Phase::Running { self.pace.rest } else { 0.0 };
        let Some(wait) = self.wait(weights, now, rest) else { return };
        if wait > 0.0 {
            return ui.ctx().request_repaint_after(Duration::from_secs_f64(wait));
        }
        self.ask(asker, weights, now, question);
    }

    /// Seconds until the next question; nothing where none is due.
    fn wait(&self, weights: u64, now: f64, rest: f64) -> Option<f64> {
        let (wanted, since) = self.wanted.as_ref()?;
        let settles = since + self.pace.settled - now;
        let Some(asked) = &self.asked else { return Some(settles) };
        let is_same = Rc::ptr_eq(&asked.of.about, &wanted.about);
        let Some(done_at) = asked.done_at else {
            let lost = asked.heard_at + LOST - now;
            // the answer of another run is not shown any more
            let patience = if asked.of.run == wanted.run { asked.at + PATIENCE - now } else { settles };
            return Some(if is_same { lost } else { settles.max(patience).min(lost) });
        };
        let after = |pause: f64| done_at + pause.max(rest * (done_at - asked.at)) - now;
        match is_same {
            true if asked.weights == weights => None,
            true => Some(after(self.pace.pause_of_weights)),
            false if asked.of.run != wanted.run => Some(settles),
            false => Some(settles.max(after(self.pace.pause))),
        }
    }

    fn ask(&mut self, asker: &mut Asker<'_>, weights: u64, now: f64, question: impl FnOnce(&K) -> Question) {
        let Some((Subject { run, about }, _)) = &self.wanted else { return };
        if let Some(older) = self.asked.take() {
            asker.dismiss(older.request);
        }
        let of = Subject { run: run.clone(), about: about.clone() };
        let request = asker.ask(run.clone(), question(about));
        self.asked =
            Some(Asked { request, of, weights, at: now, share_done: 0.0, heard_at: now, done_at: None });
    }

    /// Takes in what has been answered.
    pub fn take_in(&mut self, answers: &BTreeMap<u64, Answer>, now: f64) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.share_done < 1.0) else { return };
        let Some(answer) = answers.get(&asked.request) else { return };
        if asked.share_done != answer.share_done {
            (asked.share_done, asked.heard_at) = (answer.share_done, now);
        }
        let is_enough = answer.share_done >= 1.0 || (!self.pace.awaits_all && answer.finding.is_some());
        asked.done_at = asked.done_at.or(is_enough.then_some(now));
        // what has been found before stays until there is something new
        if let Some(finding) = &answer.finding {
            let (run, about, finding) = (answer.run.clone(), asked.of.about.clone(), finding.clone());
            let Answer { step, share_done, .. } = *answer;
            self.found = Some(Found { run, about, step, share_done, finding });
        }
    }

    /// Whether an answer, or the rest of one, is on its way.
    pub fn is_waiting(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.share_done < 1.0)
    }

    /// The newest that was found.
    pub fn newest(&self) -> Option<&Found<K>> {
        self.found.as_ref()
    }

    /// The newest that was found about a run.
    pub fn found(&self, run: &RunId) -> Option<&Found<K>> {
        self.newest().filter(|found| found.run == *run)
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

    /// Waits of a question that was asked at 10 s, of weights 1, by what is wanted, weights and time.
    fn asking(settled: f64, done_at: Option<f64>, is_same: bool) -> Asking<&'static str> {
        let subject = |about: &Rc<&'static str>| Subject { run: "run".into(), about: about.clone() };
        let [asked, other] = ["seven", "nine"].map(Rc::new);
        let wanted = Some((subject(if is_same { &asked } else { &other }), 11.0));
        let of = subject(&asked);
        let asked =
            Some(Asked { request: 1, of, weights: 1, at: 10.0, share_done: 0.0, heard_at: 10.0, done_at });
        Asking { wanted, asked, ..Asking::once_settled(settled) }
    }

    #[test]
    fn one_question_at_a_time_and_a_rest_while_training() {
        let near = |wait: Option<f64>, wanted: f64| wait.is_some_and(|wait| (wait - wanted).abs() < 1e-9);
        assert!(near(asking(0.0, None, true).wait(2, 11.0, 8.0), LOST - 1.0), "the answer is on its way");
        assert!(near(asking(0.0, None, false).wait(1, 11.0, 8.0), PATIENCE - 1.0));
        let done = Some(10.5);
        assert_eq!(asking(0.0, done, true).wait(1, 11.0, 8.0), None, "it is answered");
        assert!(near(asking(0.0, done, true).wait(2, 10.6, 0.0), 0.5 - 0.1), "by other weights");
        assert!(near(asking(0.0, done, true).wait(2, 11.0, 8.0), 8.0 * 0.5 - 0.5), "training comes first");
        assert!(asking(0.0, done, false).wait(1, 11.0, 0.0).is_some_and(|wait| wait <= 0.0));
        assert!(near(asking(0.3, done, false).wait(1, 11.1, 0.0), 0.2), "the stroke is not finished");
    }

    #[test]
    fn another_run_is_asked_without_waiting_for_the_first() {
        for done_at in [None, Some(10.5)] {
            let mut asking = asking(0.0, done_at, false);
            asking.asked.as_mut().unwrap().of.run = "another".into();
            assert!(asking.wait(1, 11.0, 8.0).is_some_and(|wait| wait <= 0.0));
        }
    }

    #[test]
    fn the_first_part_of_an_answer_makes_room_where_it_is_enough() {
        for awaits_all in [true, false] {
            let mut asking = asking(0.0, None, true);
            asking.pace = Pace { awaits_all, ..Pace::DEFAULT };
            let hear = |asking: &mut Asking<&'static str>, share_done, finding| {
                let answer = Answer { request: 1, run: "run".into(), step: 3, share_done, finding };
                asking.take_in(&[(1, answer)].into(), 10.0 + f64::from(share_done));
                asking.asked.as_ref().unwrap().done_at
            };
            let embedding = |number: f32| Some(Ok(Finding::Embedding(vec![number].into())));
            assert_eq!(hear(&mut asking, 0.25, None), None);
            assert_eq!(hear(&mut asking, 0.5, embedding(1.0)), (!awaits_all).then_some(10.5));
            assert!(asking.is_waiting(), "the rest is on its way");
            let done_at = if awaits_all { 11.0 } else { 10.5 };
            assert_eq!(hear(&mut asking, 1.0, embedding(2.0)), Some(done_at));
            let found = asking.found(&"run".into()).unwrap();
            assert_eq!((found.step, &found.finding), (3, &embedding(2.0).unwrap()), "the answer grows");
            assert!(!asking.is_waiting());
        }
    }

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
