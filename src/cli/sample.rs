//! `sample`: images that a network generates, and how a classifier recognises them.
use super::{
    Common, Outcome,
    output::{complain, line, percent},
    waiting::Counter,
};
use crate::{
    data::watch::Watch,
    engine::{newest_model, sample},
    errors::{At as _, Place},
    protocol::RunId,
    runs::Home,
    sample::Image,
    session::catalog,
    shape::ImageShape,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A classifier recognises a sample where it is surer than this.
const SURE: f64 = 0.9;

#[derive(clap::Args, Debug)]
pub struct Sample {
    /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
    run: String,
    /// The folder to write PNG files to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many images
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Decides the noise that the images are painted from
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// A classifier's run that says what it recognises
    #[arg(long, value_name = "RUN")]
    judge: Option<String>,
}

pub fn sample(args: &Sample, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let run = home.find_at(&args.run)?;
    let judge = args.judge.as_deref().map(|name| home.find_at(name)).transpose()?;
    keeps_apart(&args.out, args.count)?;
    let count = args.count as usize;
    let mut counter = Counter::new("Painting images", count, common.json);
    let found = sample::paint(&home.folder(&run), &catalog(), count, args.seed, |done| counter.show(done))?;
    drop(counter);
    found.passed_over.iter().for_each(complain);
    let images: Vec<&[u8]> = found.pixels.chunks_exact(found.shape.len()).collect();
    let judged =
        judge.map(|judge| recognise(&home, &judge, &images, found.shape, common.json)).transpose()?;
    std::fs::create_dir_all(&args.out).context("Could not make the folder").at(Place::folder(&args.out))?;
    for (index, image) in images.iter().enumerate() {
        write(&args.out.join(format!("{index:05}.png")), image, found.shape)?;
    }
    if common.json {
        line(json!({ "run": run, "step": found.step, "images": images.len(), "folder": args.out }));
    } else {
        line(format!("{} images of step {}: {}", images.len(), found.step, args.out.display()));
    }
    if let Some(judged) = judged {
        judged.show(common.json);
    }
    Ok(Outcome::Done)
}

/// Refuses a folder in which images of another sampling would stay among these.
fn keeps_apart(folder: &Path, count: u32) -> Result<()> {
    let number = |entry: std::fs::DirEntry| -> Option<u32> {
        entry.file_name().to_str()?.strip_suffix(".png")?.parse().ok()
    };
    let numbers = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| number(entry.ok()?));
    let others = numbers.filter(|number| *number >= count).count();
    ensure!(
        others == 0,
        anyhow!("{others} images of an earlier sampling would stay among these: choose another folder")
            .at(folder)
    );
    Ok(())
}

fn write(path: &Path, image: &[u8], shape: ImageShape) -> Result<()> {
    let color = match shape.channels {
        1 => image::ColorType::L8,
        3 => image::ColorType::Rgb8,
        channels => anyhow::bail!("Images of {channels} channels cannot be written as PNG"),
    };
    image::save_buffer(path, image, shape.width as u32, shape.height as u32, color)
        .context("Could not write the image")
        .at(path)
}

/// A classifier's answers on samples.
struct Judged {
    judge: RunId,
    images: usize,
    /// Images that it is sure of, by class.
    by_class: Vec<usize>,
}

fn recognise(home: &Home, judge: &RunId, images: &[&[u8]], shape: ImageShape, json: bool) -> Result<Judged> {
    let newest = newest_model(&home.folder(judge), &catalog(), &Watch::default())?;
    newest.passed_over.iter().for_each(complain);
    let (mut by_class, mut counter) = (vec![], Counter::new("Judging images", images.len(), json));
    for (done, image) in images.iter().enumerate() {
        counter.show(done);
        let shown = Image { shape, pixels: image.to_vec() };
        let probabilities = newest.loaded.scores(&[shown.into()])?.pop().unwrap_or_default();
        ensure!(!probabilities.is_empty(), "The run {judge} learns without labels: judge by a classifier");
        by_class.resize(probabilities.len(), 0);
        if let Some(class) = probabilities.iter().position(|probability| f64::from(*probability) > SURE) {
            by_class[class] += 1;
        }
    }
    Ok(Judged { judge: judge.clone(), images: images.len(), by_class })
}

impl Judged {
    fn show(&self, json: bool) {
        let Self { judge, images, by_class } = self;
        let share = by_class.iter().sum::<usize>() as f64 / *images as f64;
        if json {
            return line(json!({
                "judge": judge, "recognised": share, "confidence_above": SURE, "by_class": by_class,
            }));
        }
        let there = by_class.iter().filter(|count| **count > 0).count();
        line(format!(
            "{} recognised with a confidence above {SURE}, of {there} of {} classes: {by_class:?}",
            percent(share),
            by_class.len()
        ));
    }
}
