//! USPS digits as text: on each line a label, then 256 greys from −1 to 1, 16 by 16 pixels (Hastie, Tibshirani and Friedman,
//! "The elements of statistical learning").
use super::{Contents, Format, Images, Part, entries, name, text};
use crate::{
    data::{numbered, watch::Watch},
    errors::At as _,
    shape::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::path::{Path, PathBuf};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "usps",
        label: "USPS text",
        help: "zip.train.gz and zip.test.gz: a label and 256 greys from -1 to 1 on each line.",
        params: &[],
    },
    recognises: |path| files(path).is_some(),
    read,
};

const SHAPE: ImageShape = ImageShape { height: 16, width: 16, channels: 1 };
const CLASSES: usize = 10;

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let (train, test) = files(path).context("There is no zip.train")?;
    let test = test.map(|test| part(&test, watch)).transpose()?;
    Ok(Contents { class_names: numbered(CLASSES), train: part(&train, watch)?, test, ..Contents::default() })
}

/// The training file, and the test file where there is one.
fn files(path: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    if path.is_dir() {
        let all = entries(path);
        let find = |start: &str| all.iter().find(|path| name(path).starts_with(start)).cloned();
        return Some((find("zip.train")?, find("zip.test")));
    }
    let is_own = ["zip.train", "zip.test"].iter().any(|start| name(path).starts_with(start));
    is_own.then(|| (path.to_path_buf(), None))
}

fn part(path: &Path, watch: &Watch) -> Result<Part> {
    let (mut labels, mut pixels) = (vec![], vec![]);
    for (line, text) in
        text::read(path, watch)?.lines().enumerate().filter(|(_, text)| !text.trim().is_empty())
    {
        watch.go_on()?;
        let damaged = || {
            let (line, greys) = (line + 1, SHAPE.len());
            anyhow!(
                "Line {line} is no label and {greys} greys from -1 to 1: correct it, or get the file again"
            )
            .at(path)
        };
        let numbers: Vec<f32> =
            text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| damaged())?;
        let [label, greys @ ..] = &numbers[..] else { anyhow::bail!(damaged()) };
        let is_class = label.fract() == 0.0 && (0.0..CLASSES as f32).contains(label);
        ensure!(
            greys.len() == SHAPE.len() && is_class && greys.iter().all(|grey| grey.is_finite()),
            damaged()
        );
        labels.push(*label as usize);
        pixels.extend(greys.iter().map(|grey| ((grey + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8));
    }
    ensure!(!labels.is_empty(), anyhow!("The file is empty: get it again").at(path));
    Ok(Part { images: Images::Raw { shape: SHAPE, pixels }, labels })
}
