//! The built program on a few digits, with portable kernels, and the hashes and figures that identify a run.
#![allow(dead_code, reason = "each test file uses its own part")]
use crate::support::{newest_checkpoint, small_mnist};
use candle_core::{Device, safetensors};
use headstart::{
    data::{self, watch::Watch},
    metrics::{
        ALIGNMENT, BITS_PER_DIM, EFFECTIVE_RANK, ELBO, FEATURE_SPREAD, KL, SAMPLE_DIVERSITY, UNIFORMITY,
    },
    spec::Choice,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The results of a run: SHA-256 of its files, and figures, by name.
pub type Golden = BTreeMap<String, String>;

/// Whether the same seed gives the bits of `hashes.toml`: logarithms and the like come from the system's library, and
/// differ elsewhere in their last bits.
pub const HAS_GOLDEN_BITS: bool = cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"));

/// Metrics that candle's own sums and products make, whose last bits depend on the processor.
const INEXACT: [&str; 8] =
    [ALIGNMENT, UNIFORMITY, EFFECTIVE_RANK, FEATURE_SPREAD, ELBO, KL, BITS_PER_DIM, SAMPLE_DIVERSITY];
/// The relative tolerance of such a figure.
const TOLERANCE: f64 = 1e-3;

/// The recipe that all others differ from.
const SMALL: [&str; 6] = [
    "encoder=compact_cnn",
    "image_size=16",
    "validation_images=30",
    "batch_size=8",
    "epochs=2",
    "epoch_steps=6",
];

/// A folder of digits, and a home for runs on them.
pub struct Program {
    folder: tempfile::TempDir,
    /// Threads of its pool; as many as the machine has by default.
    threads: Option<&'static str>,
}

impl Program {
    pub fn new() -> Self {
        Self::with_images(300, 40)
    }

    pub fn with_images(train: u32, test: u32) -> Self {
        let program = Self { folder: tempfile::tempdir().unwrap(), threads: None };
        fs::create_dir(program.data()).unwrap();
        small_mnist(&program.data(), train, test);
        program
    }

    /// Limited to a number of threads.
    pub fn on(threads: &'static str) -> Self {
        Self { threads: Some(threads), ..Self::new() }
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Trains [`SMALL`] with `set`; returns its folder.
    pub fn train(&self, set: &[impl AsRef<str>]) -> PathBuf {
        self.train_recipe("", set)
    }

    /// As [`train`](Self::train), of digits of `size` pixels of which the first is left out and the second is a 9. Specs of
    /// version 1 are split by what corrections leave.
    pub fn train_corrected(&self, version: u8, size: u32, set: &[&str]) -> PathBuf {
        let values = [("image_size".to_owned(), size.into())].into();
        let digits = Choice { path: Some(self.data()), values, ..Choice::new("files") };
        let [names, _] = data::open(&digits, Path::new(""), &Watch::default()).unwrap().keys().unwrap();
        let recipe = format!(
            "version = {version}\n[dataset]\nid = 'files'\npath = '{}'\n[dataset.edits]\n{} = false\n{} = '9'\n",
            self.data().display(),
            names[0],
            names[1]
        );
        self.train_recipe(&recipe, &[set, &[&format!("image_size={size}")]].concat())
    }

    fn train_recipe(&self, text: &str, set: &[impl AsRef<str>]) -> PathBuf {
        let recipe = self.folder.path().join("recipe.toml");
        fs::write(&recipe, text).unwrap();
        let path = format!("dataset.path={}", self.data().display());
        let names_data =
            text.contains("[dataset]") || set.iter().any(|pair| pair.as_ref().starts_with("dataset="));
        let data: &[&str] = if names_data { &[] } else { &["dataset=files", &path] };
        let all = data.iter().copied().chain(SMALL).chain(set.iter().map(AsRef::as_ref));
        let set = all.flat_map(|pair| ["--set".to_owned(), pair.to_owned()]);
        let arguments = ["train".to_owned(), recipe.display().to_string()].into_iter().chain(set);
        let said = self.run(&arguments.collect::<Vec<_>>());
        let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        self.home().join("runs").join(last["run"].as_str().unwrap())
    }

    /// Runs a comparison: a pretraining, and its arms.
    pub fn compare(&self, set: &[impl AsRef<str>]) {
        let path = format!("dataset.path={}", self.data().display());
        let of_both = ["dataset=files", &path, "validation_images=30", "image_size=16"];
        let of_both = of_both.iter().flat_map(|pair| [format!("run.{pair}"), format!("pretrain.{pair}")]);
        let small =
            ["run.epochs=1", "run.epoch_steps=6", "run.batch_size=8", "pretrain.epochs=1", "seeds=[1]"];
        let rest = small.into_iter().chain(["labels_per_class=[2]"]).chain(set.iter().map(AsRef::as_ref));
        let all = of_both.chain(rest.map(str::to_owned));
        let arguments = ["compare".to_owned(), "transfer_in_three_minutes".to_owned()].into_iter();
        self.run(&arguments.chain(all.flat_map(|pair| ["--set".to_owned(), pair])).collect::<Vec<_>>());
    }

    /// Runs the program, which must not fail; returns its output.
    pub fn run(&self, arguments: &[impl AsRef<str>]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn output(&self, arguments: &[impl AsRef<str>]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
        command.args(arguments.iter().map(AsRef::as_ref)).arg("--json").stdin(Stdio::null());
        command.arg("--home").arg(self.home()).env("HEADSTART_SIMD", "portable");
        if let Some(threads) = self.threads {
            command.env("RAYON_NUM_THREADS", threads);
        }
        command.output().unwrap()
    }

    /// The folders within `runs` or `comparisons`, in order.
    pub fn folders(&self, of: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home().join(of)).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = entries.filter(|path| path.is_dir()).collect();
        all.sort();
        all
    }
}

/// A run's name, which is its folder's.
pub fn id(run: &Path) -> &str {
    run.file_name().unwrap().to_str().unwrap()
}

/// Of a run: its exact metrics, its last weights, its last loss, and the last value of each metric that is not exact.
pub fn golden(run: &Path) -> Golden {
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    let metric = |line: &str| line.split(',').nth(2).unwrap_or_default().to_owned();
    let (inexact, exact): (Vec<&str>, Vec<&str>) =
        metrics.lines().partition(|line| INEXACT.contains(&metric(line).as_str()));
    let model = newest_checkpoint(run).join("model.safetensors");
    let mut golden = Golden::from([
        ("metrics.csv".into(), hash(exact.join("\n").as_bytes())),
        ("model.safetensors".into(), hash_of_tensors(&model)),
    ]);
    let losses = exact.into_iter().filter(|line| metric(line) == "loss");
    for line in inexact.into_iter().chain(losses) {
        golden.insert(metric(line), line.rsplit(',').next().unwrap().to_owned());
    }
    golden
}

/// One sentence for each hash or figure that differs.
pub fn differences(name: &str, kept: &Golden, now: &Golden) -> Vec<String> {
    let is_same = |kept: &str, now: &str| match (kept.parse::<f64>(), now.parse::<f64>()) {
        (Ok(kept), Ok(now)) => (kept - now).abs() <= TOLERANCE * kept.abs(),
        _ => kept == now,
    };
    let all = kept.keys().chain(now.keys().filter(|what| !kept.contains_key(*what)));
    let missing = "missing".to_owned();
    let both = all.map(|what| (what, kept.get(what).unwrap_or(&missing), now.get(what).unwrap_or(&missing)));
    both.filter(|(_, kept, now)| !is_same(kept, now))
        .map(|(what, kept, now)| format!("{name}: {what} was {kept} and is {now}"))
        .collect()
}

/// The hash of names, shapes and numbers, in whatever order the file has them.
fn hash_of_tensors(path: &Path) -> String {
    let tensors: BTreeMap<_, _> = safetensors::load(path, &Device::Cpu).unwrap().into_iter().collect();
    let mut bytes = vec![];
    for (name, tensor) in tensors {
        bytes.extend(format!("{name} {:?}\n", tensor.dims()).into_bytes());
        let numbers = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    hash(&bytes)
}

/// SHA-256 in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
