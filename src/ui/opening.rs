//! Opens the data set that the form has chosen, so that it can be seen before a run begins.
use super::Action;
use crate::{protocol::data::DataRequest, spec::RunSpec};

/// What was asked for last.
#[derive(Default)]
pub struct Opening {
    asked: Option<RunSpec>,
    requests: u64,
}

impl Opening {
    /// Asks again once a spec's examples, or what a run does with each, differ from those asked for.
    pub fn follow(&mut self, spec: &RunSpec, actions: &mut Vec<Action>) {
        let decides = |spec: &RunSpec| (spec.dataset.clone(), spec.seed, spec.objective.id.clone());
        if self.asked.as_ref().is_some_and(|asked| decides(asked) == decides(spec)) {
            return;
        }
        self.asked = Some(spec.clone());
        self.requests += 1;
        actions
            .push(Action::Data(DataRequest::Open { request: self.requests, spec: Box::new(spec.clone()) }));
    }
}
