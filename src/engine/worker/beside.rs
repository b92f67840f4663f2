//! A long batch runs on the kernels' threads. Meanwhile this thread takes commands, and questions about drawings that are put
//! to other networks are answered on a thread of their own: a single layer of the batch can take longer than a person waits.
use super::Engine;
use crate::{
    engine::{active_run::ActiveRun, outbox::Outbox},
    ops::Interrupt,
    protocol::{Command, Control, Order, RunId},
    service::attempt,
};
use anyhow::{Context as _, Result};
use crossbeam_channel::{Receiver, bounded, select};
use rayon::{ThreadPool, ThreadPoolBuilder};

impl Engine {
    /// One batch of a run that is not among the active ones meanwhile. Commands that concern more than questions come
    /// after it; it is interrupted for one that ends the run.
    ///
    /// # Errors
    /// The batch's own.
    pub(super) fn advance_beside(&mut self, run: &mut ActiveRun) -> Result<()> {
        let (id, interrupt) = (run.id.clone(), run.trainer.interrupt.clone());
        let (sender, done) = bounded(1);
        let questions = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "questions".into());
        let questions = questions.build().context("Could not start a thread for questions")?;
        let mut events = Outbox::apart();
        let advanced = rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                let advanced = attempt(|| run.advance(&mut events));
                // it is waited for
                let _sent = sender.send(advanced);
            });
            self.serve_until(&done, &id, &interrupt, &questions)
        });
        self.outbox.take_over(events);
        advanced
    }

    fn serve_until(
        &mut self,
        done: &Receiver<Result<()>>,
        run: &RunId,
        interrupt: &Interrupt,
        questions: &ThreadPool,
    ) -> Result<()> {
        let commands = self.commands.clone();
        loop {
            questions.install(|| self.answer_drawings(Some(run)));
            let command = select! {
                recv(done) -> advanced => return advanced.context("the batch did not end")?,
                recv(commands) -> command => command,
            };
            match command {
                Ok(command @ (Command::Ask { .. } | Command::Dismiss(_))) => self.guard_command(command),
                Ok(command) => {
                    if ends(&command, run) {
                        interrupt.set();
                    }
                    self.postponed.push_back(command);
                }
                Err(_) => {
                    interrupt.set();
                    return done.recv().context("the batch did not end")?;
                }
            }
        }
    }
}

/// Whether what a command leaves of a run needs no further batch.
fn ends(command: &Command, run: &RunId) -> bool {
    match command {
        Command::Control(of, Control::Stop) | Command::Delete(of) => of == run,
        Command::Order(_, Order::Control(Control::Stop) | Order::Delete) => true,
        _ => false,
    }
}
