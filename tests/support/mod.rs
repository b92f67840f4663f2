//! A small data set, and helpers that drive a session.
#![allow(dead_code, reason = "each test file uses its own part")]
use flate2::read::GzDecoder;
use headstart::{
    protocol::{Command, Phase, RunId},
    session::{Run, Session, catalog},
    spec::RunSpec,
};
use std::{
    fs,
    io::Read as _,
    path::Path,
    time::{Duration, Instant},
};

/// Writes the first images of MNIST as a folder of four raw IDX files.
pub fn small_mnist(folder: &Path, train: u32, test: u32) {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/mnist");
    for (part, count) in [("train", train), ("t10k", test)] {
        for (name, header, size) in [("images-idx3-ubyte", 16, 784), ("labels-idx1-ubyte", 8, 1)] {
            let file = fs::File::open(assets.join(format!("{part}-{name}.gz"))).unwrap();
            let mut bytes = vec![0; header + count as usize * size];
            GzDecoder::new(file).read_exact(&mut bytes).unwrap();
            bytes[4..8].copy_from_slice(&count.to_be_bytes());
            fs::write(folder.join(format!("{part}-{name}")), bytes).unwrap();
        }
    }
}

/// The test images of such a folder that show a digit, 28 by 28.
pub fn digits(folder: &Path, digit: u8) -> Vec<Vec<u8>> {
    let read = |name: &str, header: usize| fs::read(folder.join(name)).unwrap().split_off(header);
    let (images, labels) = (read("t10k-images-idx3-ubyte", 16), read("t10k-labels-idx1-ubyte", 8));
    let all = images.chunks_exact(784).zip(labels);
    all.filter(|(_, label)| *label == digit).map(|(image, _)| image.to_vec()).collect()
}

/// A photograph of paper, half of it in shadow, with a 1 and a 7 on it.
pub fn photograph_of_two(path: &Path) {
    let strokes: [[[f32; 2]; 2]; 3] =
        [[[120.0, 80.0], [116.0, 220.0]], [[230.0, 80.0], [310.0, 84.0]], [[310.0, 84.0], [260.0, 222.0]]];
    let picture = image::GrayImage::from_fn(420, 300, |x, y| {
        let at = [x as f32, y as f32];
        let is_ink = strokes.iter().any(|[a, b]| {
            let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [at[0] - a[0], at[1] - a[1]]);
            let along = ((ap[0] * ab[0] + ap[1] * ab[1]) / (ab[0] * ab[0] + ab[1] * ab[1])).clamp(0.0, 1.0);
            (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1]) < 6.0
        });
        let light = if x + y > 330 { 110.0 } else { 230.0 };
        image::Luma([if is_ink { 0.15 * light } else { light } as u8])
    });
    picture.save(path).unwrap();
}

/// A spec on such a folder that trains in a second or two; `overrides` as on the command line.
pub fn small_spec(folder: &Path, overrides: &[&str]) -> RunSpec {
    let path = format!("dataset.path={}", folder.display());
    let base = ["dataset=files", &path, "dataset.validation_images=100", "batch_size=32", "epochs=2"];
    let all: Vec<String> = base.iter().chain(overrides).map(ToString::to_string).collect();
    RunSpec::from_toml("", &all, &catalog()).unwrap()
}

/// A home with a data set beside it.
pub struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with_images(600, 200)
    }

    pub fn with_images(train: u32, test: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        small_mnist(&folder.path().join("data"), train, test);
        Self { folder }
    }

    pub fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub fn spec(&self, overrides: &[&str]) -> RunSpec {
        small_spec(&self.data(), overrides)
    }

    pub fn session(&self) -> Session {
        Session::open(self.home(), || {}).unwrap()
    }

    /// Trains a spec to its end.
    pub fn train(&self, overrides: &[&str]) -> Run {
        let mut session = self.session();
        let id = start(&mut session, self.spec(overrides));
        let run = until(&mut session, &id, |run| !run.phase.is_active());
        session.close();
        run
    }
}

/// Starts a run and waits until it is there.
pub fn start(session: &mut Session, spec: RunSpec) -> RunId {
    session.state.newest = None;
    session.send(Command::Start(Box::new(spec)));
    wait(session, |session| session.state.newest.clone())
}

/// Waits until a run is as wanted; returns it.
pub fn until(session: &mut Session, id: &RunId, wanted: impl Fn(&Run) -> bool) -> Run {
    wait(session, |session| session.state.runs.get(id).filter(|run| wanted(run)).cloned())
}

/// Waits for something to be there.
pub fn wait<T>(session: &mut Session, found: impl Fn(&mut Session) -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found(session) {
            return found;
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "waited in vain; notices: {:?}",
            session.state.notices
        );
        session.wait(Duration::from_millis(20));
    }
}

/// The weights of the newest checkpoint, byte by byte.
pub fn weights(run: &Run) -> Vec<u8> {
    fs::read(newest_checkpoint(&run.folder).join("model.safetensors")).unwrap()
}

pub fn newest_checkpoint(folder: &Path) -> std::path::PathBuf {
    let mut all: Vec<_> =
        fs::read_dir(folder.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all.pop().unwrap()
}

pub fn finished(run: &Run) -> bool {
    run.phase == Phase::Finished
}

/// As if the program had been killed before it wrote that the run is finished.
pub fn forget_the_end(run: &Path) {
    let log = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let lines: Vec<_> = log.lines().filter(|line| !line.contains("finished")).collect();
    fs::write(run.join("log.jsonl"), lines.join("\n")).unwrap();
}
