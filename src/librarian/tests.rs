use super::*;
use crate::protocol::data::FetchPhase;
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;

fn answer(librarian: &Librarian) -> DataReport {
    librarian.reports.recv_timeout(Duration::from_secs(60)).expect("no report")
}

#[test]
fn what_cannot_be_opened_is_an_answer_and_the_next_one_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let home = Home::open(home.path().into()).unwrap();
    let librarian = Librarian::spawn(home, Box::new(|| {})).unwrap();
    let DataReport::Present(present) = answer(&librarian) else { panic!("no stock") };
    assert!(!present.contains("kmnist"));
    let nowhere = Choice { path: Some("/nowhere/at/all".into()), ..Choice::new("files") };
    for (request, dataset) in [(1, nowhere), (2, Choice::new("mnist"))] {
        let spec = Box::new(RunSpec { dataset, ..RunSpec::default() });
        librarian.requests.send(DataRequest::Open { request, spec }).unwrap();
        let DataReport::Opened(opened) = answer(&librarian) else { panic!("not opened") };
        assert_eq!(opened.request, request);
        assert_eq!(opened.found.is_ok(), request == 2, "{:?}", opened.found.err());
    }
    librarian.join();
}

#[test]
fn an_image_is_shown_as_a_run_would_see_it() {
    let home = tempfile::tempdir().unwrap();
    let (sender, _reports) = bounded(1);
    let mut desk = Desk::new(Home::open(home.path().into()).unwrap(), Box::new(|| {}), sender);
    let mut alter = |request, turn, values: &[(&str, f64)]| {
        let augmentation = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        desk.handle(VisualRequest::Alter { request, turn, seed: 3, augmentation }.into());
        while desk.has_work() {
            desk.work();
        }
        desk.outgoing.pop_back()
    };
    assert_eq!(alter(1, 0, &[]), None, "nothing is open");
    let spec = Box::new(RunSpec::default());
    desk.handle(DataRequest::Open { request: 1, spec });
    desk.work();
    let mut alter = |request, turn, values: &[(&str, f64)]| {
        let augmentation = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        desk.handle(VisualRequest::Alter { request, turn, seed: 3, augmentation }.into());
        desk.work();
        let Some(DataReport::Visual(VisualReport::Altered(altered))) = desk.outgoing.pop_back() else {
            panic!("no image")
        };
        assert_eq!((altered.request, altered.shape), (request, crate::shape::ImageShape::new(28, 28, 1)));
        altered.pixels.chunks(28 * 28).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    let plain = alter(2, 0, &[]);
    assert!(plain.len() > 5 && plain.iter().all(|look| *look == plain[0]));
    assert_ne!(plain[0], alter(3, 1, &[])[0], "each turn has its image");
    let shifted = alter(4, 0, &[("shift", 3.0)]);
    assert_eq!(shifted[0], plain[0]);
    assert!(shifted.windows(2).all(|looks| looks[0] != looks[1]));
}

#[test]
fn a_panic_is_told_of_and_reports_wait_for_room() {
    let (sender, reports) = bounded(1);
    let home = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(Home::open(home.path().into()).unwrap(), Box::new(|| {}), sender);
    desk.guard("Could not do that", |_| panic!("out of luck"));
    desk.guard("Could not do that", |_| anyhow::bail!("no"));
    desk.offer();
    assert_eq!(desk.outgoing.len(), 1, "a full channel was waited for, or a report lost");
    let DataReport::Notice(notice) = reports.try_recv().unwrap() else { panic!("no notice") };
    assert_eq!(notice.text, "Could not do that: a fault in Headstart: out of luck");
    desk.offer();
    assert!(reports.try_recv().is_ok());
}

#[test]
fn fetching_reports_how_it_ends_and_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, _reports) = bounded(1);
    let mut desk = Desk::new(Home::open(folder.path().into()).unwrap(), Box::new(|| {}), sender);
    let phase = |desk: &mut Desk| match desk.outgoing.pop_back() {
        Some(DataReport::Fetch(fetch)) => Some((fetch.dataset, fetch.phase)),
        _ => None,
    };
    desk.fetch("kmnist".into()).unwrap();
    assert!(desk.has_work());
    desk.stop_fetching();
    assert_eq!(phase(&mut desk), Some(("kmnist".into(), FetchPhase::Stopped)));
    assert!(!desk.has_work());
    // A folder that cannot be written to.
    let data = folder.path().join("data");
    let blocked = data.join("cifar10");
    std::fs::write(&blocked, "").unwrap();
    assert!(desk.fetch("cifar10".into()).is_err());
    assert!(desk.fetch("mnist".into()).is_err() && !desk.has_work());
    // All that would be fetched is there already: no mirror has to be asked.
    let letters = data.join("emnist_letters");
    std::fs::create_dir_all(&letters).unwrap();
    for name in ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"] {
        let mut packed = GzEncoder::new(vec![], Compression::fast());
        packed.write_all(b"whole").unwrap();
        let path = letters.join(format!("emnist-letters-{name}-ubyte.gz"));
        std::fs::write(path, packed.finish().unwrap()).unwrap();
    }
    desk.asked = Some((7, RunSpec { dataset: Choice::new("emnist_letters"), ..RunSpec::default() }));
    desk.fetch("emnist_letters".into()).unwrap();
    for _ in 0..100 {
        desk.go_on_fetching();
    }
    let Some(DataReport::Present(present)) = desk.outgoing.pop_back() else { panic!("no stock") };
    assert!(present.contains("emnist_letters"));
    assert_eq!(phase(&mut desk), Some(("emnist_letters".into(), FetchPhase::Done)));
    assert_eq!(desk.to_open.map(|(request, _)| request), Some(7), "it is not opened again");
}
