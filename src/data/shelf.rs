//! Data sets that are open: asking for one of them again gives the same one, so that nothing is read or kept twice.
use super::{Dataset, load, source, watch::Watch};
use crate::spec::Choice;
use anyhow::Result;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak},
    time::Duration,
};

type Slot = Arc<Mutex<Weak<Dataset>>>;

/// A thread that waits for another looks again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

static SLOTS: Mutex<Vec<(Choice, Slot)>> = Mutex::new(vec![]);

/// As [`load`], or what another thread has loaded and still holds; waits where it is being read at this moment.
///
/// # Errors
/// As [`load`].
pub fn open(choice: &Choice, fetched: &Path, watch: &Watch) -> Result<Arc<Dataset>> {
    let slot = slot(source(choice));
    let mut held = wait(&slot, watch)?;
    if let Some(dataset) = held.upgrade() {
        return Ok(dataset);
    }
    let dataset = Arc::new(load(choice, fetched, watch)?);
    *held = Arc::downgrade(&dataset);
    Ok(dataset)
}

/// The place of a data set; places that nobody uses any more are given up.
fn slot(source: Choice) -> Slot {
    let mut slots = lock(&SLOTS);
    slots.retain(|(_, slot)| Arc::strong_count(slot) > 1 || lock(slot).strong_count() > 0);
    if let Some((_, slot)) = slots.iter().find(|(of, _)| *of == source) {
        return slot.clone();
    }
    let slot = Slot::default();
    slots.push((source, slot.clone()));
    slot
}

/// Waits for a data set that another thread reads, until that is done or the wait is stopped.
fn wait<'a>(slot: &'a Slot, watch: &Watch) -> Result<MutexGuard<'a, Weak<Dataset>>> {
    loop {
        match slot.try_lock() {
            Ok(held) => return Ok(held),
            Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
        }
        watch.go_on()?;
    }
}

/// What a panic has left behind in there is whole: a set is put in once it is read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{LAST_CLASS, VALIDATION_IMAGES};

    fn open(choice: &Choice) -> Result<Arc<Dataset>> {
        super::open(choice, Path::new("/nowhere"), &Watch::default())
    }

    #[test]
    fn a_data_set_is_read_once_as_long_as_somebody_holds_it() {
        let with = |key: &str, value| Choice { values: [(key.into(), value)].into(), ..Choice::new("mnist") };
        let first = open(&Choice::new("mnist")).unwrap();
        let other = std::thread::scope(|scope| {
            scope.spawn(|| open(&with(VALIDATION_IMAGES.key, 7.0)).unwrap()).join().unwrap()
        });
        assert!(Arc::ptr_eq(&first, &other), "how it is split does not make it another set");
        drop(other);
        let narrowed = open(&with(LAST_CLASS.key, 4.0)).unwrap();
        assert_eq!((narrowed.info.classes(), first.info.classes()), (5, 10));
        let weak = Arc::downgrade(&first);
        drop(first);
        assert!(weak.upgrade().is_none(), "it is kept although nobody needs it");
    }
}
