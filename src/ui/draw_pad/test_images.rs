//! Images of the test part of a run's data set, one after another, for want of a drawing.
use super::DrawPad;
use crate::{
    protocol::visual::VisualRequest,
    session::{DataState, Run},
    ui::asking::Asker,
};

#[derive(Default)]
pub struct TestImages {
    /// How many were taken: the next one is another.
    turn: u64,
    asked: Option<u64>,
    /// Why there is none.
    problem: Option<String>,
}

impl TestImages {
    /// What is to be said: that one is on its way, or why there is none.
    pub fn status(&self) -> Option<&str> {
        self.asked.map(|_| "Taking a test image…").or(self.problem.as_deref())
    }
}

impl DrawPad {
    /// Begins to take a test image, which is shown once it is there.
    pub fn take_test_image(&mut self, run: &Run, asker: &mut Asker<'_>) {
        let TestImages { turn, asked, problem } = &mut self.test_images;
        let dataset = Box::new(run.spec.dataset.clone());
        *asked =
            Some(asker.ask_librarian(|request| {
                VisualRequest::TestExample { request, dataset, turn: *turn }.into()
            }));
        *turn += 1;
        *problem = None;
    }

    /// Shows the image that has arrived.
    pub fn take_in_test_image(&mut self, data: &DataState) {
        let arrived =
            data.test_example.as_ref().filter(|example| Some(example.request) == self.test_images.asked);
        let Some(arrived) = arrived else { return };
        self.test_images.asked = None;
        match &arrived.found {
            Ok((image, class)) => {
                self.show(image.clone());
                if let Some(opened) = &mut self.page.opened {
                    opened.class = Some(class.clone());
                }
            }
            Err(problem) => self.test_images.problem = Some(problem.clone()),
        }
    }
}
