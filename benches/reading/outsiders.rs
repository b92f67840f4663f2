//! Whether a network notices what is no digit, kind by kind, how often it takes digits for such, and what its confidence is
//! worth. None of these kinds is trained on, or chosen by.
use super::{
    kinds::{KINDS, Shown},
    subject::Subject,
};
use anyhow::{Context as _, Result};
use headstart::{
    data::{
        Dataset, Examples,
        drawing::{self, SIDE},
        files::{self, PictureFile},
        watch::Watch,
    },
    evaluation::{Judgement, Verdict},
    protocol::Familiarity,
    spec::Choice,
};
use image::{DynamicImage, GrayImage};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Of a data set so many images at most.
const MOST: usize = 2000;
/// Answers above it are meant to be right.
const SURE: f32 = 0.99;

pub fn measure(subject: &Subject, data: &Path) -> Result<()> {
    let report = subject.trust.report();
    println!(
        "Calibrated on {} labels, trained on {}; {:.2} % of the validation images are flagged",
        report.labels.calibration,
        report.labels.training,
        100.0 * report.validation_flagged.unwrap_or(f64::NAN)
    );
    println!("\nOutsiders                      images  flagged   answered above 99 % and not flagged");
    for (name, draw) in KINDS {
        noticed(subject, name, &draw())?;
    }
    noticed(subject, "upside-down digits", &upside_down(&subject.dataset)?)?;
    if let Some(folder) = elsewhere(data, "fashion-mnist") {
        let fashion = read(&folder)?;
        let all: Vec<usize> = (0..fashion.test.len().min(MOST)).collect();
        let images = fashion.test.bytes(&all)?;
        let shown = images.chunks_exact(SIDE * SIDE).map(|image| Shown::new("", image.to_vec()));
        noticed(subject, "Fashion-MNIST", &shown.collect::<Vec<_>>())?;
    }
    println!("\nDigits                         images  flagged    right   above 99 %, not flagged  right");
    let test = &subject.dataset.test;
    let judgement = digits(subject, "MNIST, test", &test.subset(&(0..test.len()).collect::<Vec<_>>()))?;
    for set in ["drawn-digits", "hwd-1000", "usps"] {
        if let Some(folder) = elsewhere(data, set) {
            digits(subject, set, &framed(&folder)?)?;
        }
    }
    let verdicts = &judgement.verdicts;
    let mean_loss =
        verdicts.iter().map(|verdict| f64::from(verdict.loss)).sum::<f64>() / verdicts.len() as f64;
    let ece = judgement.reliability(true).ece;
    println!(
        "\nMNIST, test: negative log-likelihood {mean_loss:.4}, expected calibration error {:.2} %",
        100.0 * ece
    );
    Ok(())
}

/// Counts how many of a kind are flagged, and names those that are not.
fn noticed(subject: &Subject, name: &str, shown: &[Shown]) -> Result<()> {
    let pixels = shown.iter().flat_map(|shown| shown.framed.iter().copied()).collect();
    let impressions = subject.impressions(&Examples::unlabelled(pixels, SIDE * SIDE))?;
    let (mut flagged, mut sure) = (0, 0);
    let mut missed: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (shown, seen) in shown.iter().zip(&impressions) {
        let is_flagged = subject.trust.familiarity(seen) == Familiarity::Outside;
        let surest = subject.trust.probabilities(&seen.logits).into_iter().fold(0.0, f32::max);
        flagged += usize::from(is_flagged);
        sure += usize::from(!is_flagged && surest > SURE);
        let [misses, all] = missed.entry(&shown.name).or_default();
        *misses += usize::from(!is_flagged);
        *all += 1;
    }
    println!("{name:<30} {:>6}  {:>6.2} %   {sure}", shown.len(), percent(flagged, shown.len()));
    let mut missed: Vec<_> =
        missed.into_iter().filter(|(name, [misses, _])| !name.is_empty() && *misses > 0).collect();
    missed.sort_by_key(|(_, [misses, all])| std::cmp::Reverse(misses * 1000 / all));
    let listed: Vec<_> =
        missed.iter().take(20).map(|(name, [misses, all])| format!("{name} {misses}/{all}")).collect();
    if !listed.is_empty() {
        println!("    not flagged: {}", listed.join(", "));
    }
    Ok(())
}

/// Counts what becomes of labelled digits.
fn digits(subject: &Subject, name: &str, examples: &Examples) -> Result<Judgement> {
    let impressions = subject.impressions(examples)?;
    let labelled = impressions.iter().zip(examples.labels()).zip(0..);
    let verdicts: Vec<Verdict> =
        labelled.map(|((seen, label), image)| subject.trust.verdict(image, *label, seen)).collect();
    let is_sure = |verdict: &&Verdict| !verdict.is_outsider && verdict.confidence > SURE;
    let right = |verdicts: &[Verdict]| verdicts.iter().filter(|verdict| verdict.is_right()).count();
    let sure: Vec<Verdict> = verdicts.iter().filter(is_sure).copied().collect();
    let flagged = verdicts.iter().filter(|verdict| verdict.is_outsider).count();
    println!(
        "{name:<30} {:>6}  {:>6.2} %  {:>6.2} %   {:>21} {:>6.2} %",
        verdicts.len(),
        percent(flagged, verdicts.len()),
        percent(right(&verdicts), verdicts.len()),
        sure.len(),
        percent(right(&sure), sure.len()),
    );
    let class_names = subject.dataset.info.class_names.clone();
    Ok(Judgement { class_names, verdicts, trust: subject.trust.report() })
}

/// Digits turned by half, but those that are digits then.
fn upside_down(dataset: &Dataset) -> Result<Vec<Shown>> {
    let labels = dataset.test.labels();
    let turned = (0..labels.len()).filter(|image| ![0, 1, 6, 8, 9].contains(&labels[*image])).take(MOST);
    turned
        .map(|image| {
            let mut pixels = dataset.test.image(image)?.into_owned();
            pixels.reverse();
            Ok(Shown::new(labels[image].to_string(), pixels))
        })
        .collect()
}

/// The folder of a data set that is not part of the program; none where it is not there, which is said.
fn elsewhere(data: &Path, set: &str) -> Option<PathBuf> {
    let path = Some(data.join(set)).filter(|path| path.exists());
    if path.is_none() {
        println!("{set} is left out: it is not in {}", data.display());
    }
    path
}

fn read(path: &Path) -> Result<Dataset> {
    let choice = Choice { path: Some(path.into()), ..Choice::new("files") };
    headstart::data::load(&choice, Path::new(""), &Watch::default())
}

/// All digits of a data set as the pad reads them, from their pictures where it has such.
fn framed(folder: &Path) -> Result<Examples> {
    let framed: Vec<(Vec<u8>, u16)> = match files::labelled_pictures(folder) {
        Ok(pictures) => {
            let read = |(picture, label): &(PictureFile, String)| {
                Ok((drawing::read_one(&picture.path)?.frame(), label.parse()?))
            };
            pictures.par_iter().map(read).collect::<Result<_>>()?
        }
        Err(_) => framed_images(&read(folder)?)?,
    };
    let (pixels, labels): (Vec<_>, Vec<_>) = framed.into_iter().unzip();
    Ok(Examples::images(pixels.concat(), labels))
}

fn framed_images(dataset: &Dataset) -> Result<Vec<(Vec<u8>, u16)>> {
    let shape = dataset.info.shape.image()?;
    let parts = [&dataset.train, &dataset.test];
    let all = parts.into_iter().flat_map(|part| (0..part.len()).map(move |image| (part, image)));
    let framed = |(part, image): (&Examples, usize)| {
        let picture =
            GrayImage::from_raw(shape.width as u32, shape.height as u32, part.image(image)?.into_owned());
        let picture = DynamicImage::from(picture.context("an image is no grey one")?);
        let label = dataset.info.class_names[usize::from(part.labels()[image])].parse()?;
        Ok((drawing::of(&picture)?[0].sheet.frame(), label))
    };
    all.collect::<Vec<_>>().into_par_iter().map(framed).collect()
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}
