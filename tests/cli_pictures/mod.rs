//! Pictures in files, as a network is shown them.
use super::*;
use image::{GrayImage, Luma};

/// Grey pictures whose bright square is at the left or at the right: framed like drawings, they would all look alike.
fn halves(folder: &Path) {
    for (class, first) in [("left", 4), ("right", 36)] {
        let folder = folder.join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..24_u32 {
            let [left, top] = [first + number % 5, 2 * number];
            let is_bright = |x, y| (left..left + 16).contains(&x) && (top..top + 16).contains(&y);
            let picture = GrayImage::from_fn(64, 64, |x, y| Luma([if is_bright(x, y) { 230 } else { 40 }]));
            picture.save(folder.join(format!("{number:02}.png"))).unwrap();
        }
    }
}

#[test]
fn pictures_that_are_no_drawings_are_seen_as_in_training() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let data = fixture.data().join("halves");
    halves(&data);
    let path = format!("dataset.path={}", data.display());
    let set = [&path, "encoder=mlp", "epochs=30", "batch_size=8", "dataset.validation_images=8"];
    let trained = objects(&run(&home, &strs(&train(&fixture, &set))));
    let last = trained.last().unwrap();
    assert_eq!(last["test_accuracy"].as_f64(), Some(1.0), "{last}");
    let id = last["run"].as_str().unwrap();
    let read = objects(&run(&home, &["predict", id, data.to_str().unwrap(), "--json"]));
    let counts = read.last().unwrap();
    assert_eq!((&counts["images"], &counts["right"]), (&48.into(), &48.into()), "{counts}");
    let one = run_json(&home, &["predict", id, data.join("right/07.png").to_str().unwrap()]);
    assert_eq!((&one["class"], &read[24 + 7]["probabilities"]), (&"right".into(), &one["probabilities"]));
}
