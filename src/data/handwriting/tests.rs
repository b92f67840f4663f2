//! Drawings that are kept, removed and brought back.
use super::*;
use crate::{
    data::{self, watch::Watch},
    spec::Choice,
};

/// A bar of a width and a brightness of its own, which no other is like.
fn image(value: usize) -> Vec<u8> {
    (0..SIDE * SIDE)
        .map(|at| if at % SIDE / 3 == value || at / SIDE / 3 == value { 250 } else { 0 })
        .collect()
}

#[test]
fn drawings_are_kept_half_of_them_held_out_and_are_a_data_set() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("handwriting");
    assert!(read(&folder).read.is_empty());
    for value in 0..6 {
        assert!(matches!(keep(&folder, 7, &image(value)).unwrap(), Kept::New(_)));
    }
    keep(&folder, 3, &image(7)).unwrap();
    keep(&folder, 3, &image(8)).unwrap();
    let kept = read(&folder).read;
    let seen: Vec<_> = kept.iter().map(|one| (one.label, one.framed.clone(), one.is_test)).collect();
    let sevens = (0..6).map(|value| (7, image(value), value % 2 == 1));
    let threes = [(3, image(7), false), (3, image(8), true)];
    assert_eq!(seen, threes.into_iter().chain(sevens).collect::<Vec<_>>());
    let choice = Choice { path: Some(folder.clone()), ..Choice::new("files") };
    let dataset = data::load(&choice, home.path(), &Watch::default()).unwrap();
    assert_eq!((dataset.info.classes(), dataset.info.shape.len()), (10, 784));
    assert_eq!((dataset.train.labels(), dataset.test.labels()), (&[3, 7, 7, 7][..], &[3, 7, 7, 7][..]));
    remove(&folder, &kept[2..3].iter().map(|one| one.place.clone()).collect::<Vec<_>>()).unwrap();
    assert_eq!(read(&folder).read.len(), 7);
    keep(&folder, 7, &image(6)).unwrap();
    let last = read(&folder).read.pop().unwrap();
    assert_eq!(
        (last.place, last.is_test),
        (PathBuf::from("train/7/0007.png"), false),
        "a number is not given twice"
    );
    assert!(remove(&folder, &[PathBuf::from("../outside.png")]).is_err());
    assert!(keep(&folder, 10, &image(0)).is_err() && keep(&folder, 1, &[0]).is_err());
}

#[test]
fn what_is_nearly_the_same_is_on_one_side_and_the_same_is_kept_once() {
    let home = tempfile::tempdir().unwrap();
    let keep = |label, framed: &[u8]| keep(home.path(), label, framed).unwrap();
    let faded = |by: u8| -> Vec<u8> { image(2).into_iter().map(|value| value.saturating_sub(by)).collect() };
    let first = PathBuf::from("train/7/0001.png");
    assert_eq!(keep(7, &image(2)), Kept::New(first.clone()));
    assert_eq!(keep(7, &image(2)), Kept::Already(first.clone()));
    let second = PathBuf::from("train/7/0002.png");
    assert_eq!(keep(7, &faded(20)), Kept::BesideAlike { place: second, alike: first });
    assert!(matches!(keep(7, &faded(40)), Kept::BesideAlike { .. }));
    // of another class it is a contradiction, but no less known
    assert!(matches!(keep(1, &image(2)), Kept::BesideAlike { .. }));
    assert!(matches!(keep(7, &image(5)), Kept::New(_)));
    let mut kept = read(home.path()).read;
    assert_eq!(kept.iter().filter(|one| one.is_test).map(|one| &one.framed).collect::<Vec<_>>(), [&image(5)]);
    assert_eq!(leaks(&kept), 0);
    // as it was kept before
    kept[1].is_test = true;
    assert_eq!(leaks(&kept), 1);
}

#[test]
fn what_was_removed_comes_back_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    (0..4).for_each(|value| drop(keep(folder, 7, &image(value)).unwrap()));
    let before = read(folder).read;
    let removed = [before[1].clone(), before[3].clone()];
    assert!(removed.iter().all(|one| one.is_test), "every other one is held out");
    remove(folder, &removed.each_ref().map(|one| one.place.clone())).unwrap();
    // would be the first to be held out
    keep(folder, 7, &image(4)).unwrap();
    restore(folder, &removed).unwrap();
    let after = read(folder).read;
    assert!(before[..3].iter().all(|one| after.contains(one)), "{after:?}");
    let number_taken = after.iter().find(|one| one.framed == image(3)).unwrap();
    assert_eq!((&number_taken.place, number_taken.is_test), (&PathBuf::from("test/7/0005.png"), true));
    assert_eq!(after.len(), 5);
}

#[test]
fn drawings_that_cannot_be_read_are_named() {
    let home = tempfile::tempdir().unwrap();
    keep(home.path(), 4, &image(1)).unwrap();
    fs::write(home.path().join("test/4/0002.png"), b"").unwrap();
    let drawings = read(home.path());
    assert_eq!((drawings.read.len(), &drawings.unreadable[..]), (1, &[PathBuf::from("test/4/0002.png")][..]));
    assert!(drawings.complaint(home.path()).unwrap().contains("1 kept drawings cannot be read"));
    keep(home.path(), 4, &image(2)).unwrap();
    assert_eq!(read(home.path()).unreadable, drawings.unreadable, "what is there is not written over");
}

#[test]
fn drawings_that_are_kept_at_once_are_all_there() {
    let home = tempfile::tempdir().unwrap();
    let mark =
        |at: usize| (0..SIDE * SIDE).map(|pixel| if pixel == at { 255 } else { 0 }).collect::<Vec<u8>>();
    let folder = home.path();
    std::thread::scope(|scope| {
        (0..8).for_each(|at| drop(scope.spawn(move || keep(folder, 5, &mark(3 * at)).unwrap())));
    });
    let kept = read(home.path()).read;
    assert_eq!((kept.len(), kept.iter().filter(|one| one.is_test).count()), (8, 4));
    fs::write(folder.join("drawing.png.partial"), "left by a program that was killed").unwrap();
    keep(folder, 6, &mark(100)).unwrap();
    assert!(!folder.join("drawing.png.partial").exists());
    assert_eq!(read(folder).read.len(), 9);
}
