//! What happens between two layers of a long pass: other work on the kernels' threads has
//! its turn, and a pass that is not wanted any more ends.
use super::chain;
use crate::kernels;
use candle_core::{Result, bail};
use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Ends passes through networks, from any thread.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Has the passes end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether they were to end; from now on they are not any more.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }

    /// Does some work whose passes make way for other work between any two layers, and end with an error where that is
    /// asked for.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        with(Some(self.clone()), work)
    }
}

thread_local! {
    /// By what the passes of this thread can be ended; nothing where they make no way.
    static INTERRUPT: RefCell<Option<Interrupt>> = const { RefCell::new(None) };
}

fn with<T>(interrupt: Option<Interrupt>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Interrupt>);
    impl Drop for Restore {
        fn drop(&mut self) {
            INTERRUPT.set(self.0.take());
        }
    }
    let _restore = Restore(INTERRUPT.replace(interrupt));
    work()
}

/// Comes before each layer, forward and backward.
///
/// # Errors
/// Where the pass is to end.
pub(super) fn pause() -> Result<()> {
    let Some(interrupt) = INTERRUPT.with_borrow(Clone::clone) else { return Ok(()) };
    rayon::yield_now();
    if interrupt.0.load(Ordering::Relaxed) {
        bail!("the pass was ended before its last layer")
    }
    Ok(())
}

/// Runs `work` on one of the threads that the kernels share. Asked from any other thread, each kernel would be handed
/// over and waited for on its own. That thread may be amid a pass of its own, of which `work` knows nothing.
pub fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let is_on_it = rayon::current_thread_index().is_some();
    kernels::on_pool(|| if is_on_it { work() } else { with(None, || chain::apart(work)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Activation, Sink, activate, chain, linear, testing::random};
    use candle_core::{Tensor, Var};

    fn layers(x: &Tensor, weight: &Var, count: usize) -> Result<Tensor> {
        (0..count).try_fold(x.clone(), |x, _| linear(&x, weight, None, Activation::Tanh))
    }

    /// What comes of a pass and its way back, of which the gradient of the weight.
    fn gradient(x: &Tensor, weight: &Var) -> anyhow::Result<Vec<f32>> {
        let sink = Sink::default();
        let y = chain(x, &sink, |x| layers(x, weight, 12))?;
        let gradients = sink.backward(&y.sqr()?.sum_all()?)?;
        Ok(gradients.get(weight).unwrap().flatten_all()?.to_vec1()?)
    }

    #[test]
    fn passes_end_forward_and_backward() -> anyhow::Result<()> {
        let (x, weight) = (random((4, 8), 1)?, random((8, 8), 2)?);
        let interrupt = Interrupt::default();
        interrupt.set();
        assert!(layers(&x, &weight, 1).is_ok(), "a pass outside is not interrupted");
        assert!(interrupt.within(|| layers(&x, &weight, 1)).is_err());
        assert!(interrupt.take() && !interrupt.take());
        let sink = Sink::default();
        let y = interrupt.within(|| chain(&x, &sink, |x| layers(x, &weight, 3)))?.sum_all()?;
        interrupt.set();
        assert!(interrupt.within(|| sink.backward(&y)).is_err());
        assert!(activate(&x, Activation::Tanh).is_ok());
        Ok(())
    }

    #[test]
    fn other_work_in_between_changes_no_bits_and_is_not_ended() -> anyhow::Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let ((x, weight), interrupt) = ((random((4, 8), 1)?, random((8, 8), 2)?), Interrupt::default());
        let expected = gradient(&x, &weight)?;
        let other = || with(None, || chain::apart(|| layers(&x, &weight, 2)));
        let (passed, others) = pool.scope(|scope| {
            let others = Arc::new(AtomicBool::new(false));
            let done = others.clone();
            // On the only thread there is, amid the pass.
            scope.spawn(move |_| {
                let is_done = other().is_ok();
                done.store(is_done, Ordering::Relaxed);
            });
            let passed = interrupt.within(|| gradient(&x, &weight));
            (passed, others.load(Ordering::Relaxed))
        });
        assert_eq!(passed?, expected);
        assert!(others, "the other work waited for the end of the pass");
        Ok(())
    }
}
