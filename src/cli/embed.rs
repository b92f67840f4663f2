//! `embed`: where a network sees images, as a table.
use super::{
    Common, Outcome, open,
    output::line,
    score::{answer, find},
};
use crate::{
    embedding::{Map, MapMethod},
    errors::At as _,
    metrics::Split,
    protocol::{Finding, Question},
};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::{fs::File, io::Write, path::PathBuf};

#[derive(clap::Args, Debug)]
pub struct Embed {
    /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
    run: String,
    /// The table to write; - for standard output
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// Which images: train, validation or test
    #[arg(long, default_value = "validation", value_parser = ["train", "validation", "test"])]
    split: String,
    /// Down to two numbers an image by pca or tsne, or the embeddings as they are: none
    #[arg(long, default_value = "none", value_parser = ["none", "pca", "tsne"])]
    method: String,
    /// How many images, evenly drawn [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    images: usize,
}

pub fn embed(args: &Embed, common: &Common) -> Result<Outcome> {
    let run = find(&args.run, common)?;
    let split = Split::find(&args.split).context("the split is one of train, validation and test")?;
    let method = MapMethod::find(&args.method).context("the method is one of none, pca and tsne")?;
    let to_output = args.out.as_os_str() == "-";
    ensure!(!(to_output && common.json), "With --json, standard output is for JSON: name a file with --out");
    let mut session = open(common)?;
    let question = Question::Map { split, examples: args.images, method };
    let answered = answer(&mut session, &run, question);
    session.close();
    let (step, Finding::Map(map)) = answered? else { bail!("The answer is to another question") };
    if to_output {
        let mut bytes = vec![];
        write(&map, &mut bytes)?;
        line(String::from_utf8(bytes)?.trim_end());
        return Ok(Outcome::Done);
    }
    let written = File::create(&args.out).map_err(Into::into).and_then(|file| write(&map, file));
    written.context("Could not write the embeddings").at(&args.out)?;
    let (images, numbers) =
        (map.embedded.examples.len(), if map.positions.is_empty() { map.embedded.dimensions } else { 2 });
    if common.json {
        line(json!({
            "run": run, "step": step, "split": split.id(), "method": method.id(), "images": images,
            "numbers": numbers, "file": args.out,
        }));
    } else {
        line(format!(
            "{images} {} images, {numbers} numbers each, at step {step}: {}",
            split.id(),
            args.out.display()
        ));
    }
    Ok(Outcome::Done)
}

/// A line an image: its place in the data set, its label, and its numbers.
fn write(map: &Map, to: impl Write) -> Result<()> {
    let embedded = &map.embedded;
    let mut table = csv::Writer::from_writer(to);
    let is_map = !map.positions.is_empty();
    let names = if is_map {
        vec!["x".into(), "y".into()]
    } else {
        (0..embedded.dimensions).map(|number| format!("e{number}")).collect()
    };
    table.write_record(["image", "label", "class"].into_iter().map(str::to_owned).chain(names))?;
    for (at, (image, label)) in embedded.examples.iter().zip(&embedded.labels).enumerate() {
        let numbers = if is_map { map.positions[at].as_slice() } else { embedded.row(at) };
        let what = [image.to_string(), label.to_string(), embedded.class_name(at).to_owned()];
        table.write_record(what.into_iter().chain(numbers.iter().map(ToString::to_string)))?;
    }
    Ok(table.flush()?)
}
