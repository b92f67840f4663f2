//! A folder with four IDX files, as MNIST and Fashion-MNIST are published.
use super::{Dataset, DatasetEntry, DatasetInfo, PARAMS, idx_file, numbered};
use crate::spec::{Choice, ComponentInfo};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

pub const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "idx",
        label: "Folder of IDX files",
        help: "A folder with four files as MNIST and Fashion-MNIST are published: training and test images, and their labels.",
        params: &PARAMS,
    },
    load,
    peek,
};

/// The four parts, by the start of their names; `t10k` is the test set.
const PARTS: [[&str; 2]; 2] = [["train-images", "train-labels"], ["t10k-images", "t10k-labels"]];

fn load(choice: &Choice) -> Result<Dataset> {
    let folder = folder(choice)?;
    let [train, test] =
        PARTS.map(|[images, labels]| idx_file::examples_from(&find(folder, images)?, &find(folder, labels)?));
    let info = peek(choice)?;
    Dataset::new(info, train?, test?).with_context(|| format!("Folder: {}", folder.display()))
}

fn peek(choice: &Choice) -> Result<DatasetInfo> {
    let folder = folder(choice)?;
    let [images, labels] = PARTS[0];
    let [images, labels] = [find(folder, images)?, find(folder, labels)?];
    let shape = idx_file::shape(&images)?;
    let labels = idx_file::read_labels(File::open(&labels)?).with_context(|| file(&labels))?;
    let classes = labels.iter().max().map_or(0, |most| usize::from(*most) + 1);
    Ok(DatasetInfo { shape, class_names: numbered(classes) })
}

fn folder(choice: &Choice) -> Result<&Path> {
    let path =
        choice.path.as_deref().context("Choose the folder of the data set: it is the key dataset.path")?;
    ensure!(
        path.is_dir(),
        "There is no such folder: choose one with four IDX files\nFolder: {}",
        path.display()
    );
    Ok(path)
}

/// The file of a part, whatever follows the start of its name: `-idx3-ubyte`, `.idx3-ubyte`, with or without `.gz`.
fn find(folder: &Path, start: &str) -> Result<PathBuf> {
    let entries = folder
        .read_dir()
        .with_context(|| format!("Could not read the folder\nFolder: {}", folder.display()))?;
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
        .collect();
    found.sort();
    found.into_iter().next().ok_or_else(|| {
        anyhow!(
            "There is no file that begins with {start}: choose a folder with four IDX files\nFolder: {}",
            folder.display()
        )
    })
}

fn file(path: &Path) -> String {
    format!("File: {}", path.display())
}
