//! `weights`: which weights that others published can be had by name, and which are on this computer.
use super::{
    Common, Outcome,
    fetch::{Source, View},
    output::{complain, line},
};
use crate::{
    data::{
        download::Limits,
        published::megabytes,
        weights::{self, Kept},
    },
    runs::Home,
};
use anyhow::{Context as _, Result};
use serde_json::json;

#[derive(clap::Subcommand, Debug)]
pub enum WeightsCommand {
    /// Fetch weights, such as resnet18; an interrupted download is continued
    Fetch(FetchWeights),
}

#[derive(clap::Args, Debug)]
pub struct FetchWeights {
    /// What they are called: headstart weights lists them
    name: String,
    #[command(flatten)]
    source: Source,
}

pub fn list(common: &Common) -> Result<Outcome> {
    let fetched = Home::open(super::home(common)?)?.weights();
    for known in weights::ALL {
        let (file, found) = (known.file(), known.find(&fetched));
        if common.json {
            let place = found.as_ref().map(|(_, kept)| match kept {
                Kept::Here => "headstart",
                Kept::Torch => "torch",
                Kept::Hub => "huggingface",
            });
            line(json!({
                "id": known.id, "label": known.label, "encoder": known.encoder, "set": known.set,
                "publisher": known.publisher, "licence": known.licence, "imagenet_top_1": known.top_1,
                "bytes": file.bytes, "sha256": file.sha256, "file": file.name, "addresses": known.files.mirrors,
                "path": found.as_ref().map(|(path, _)| path), "found_in": place,
            }));
            continue;
        }
        let state = match &found {
            Some((path, _)) => path.display().to_string(),
            None => format!("headstart weights fetch {} gets it", known.id),
        };
        line(format!(
            "{:<13} {:<30} {:>4} MB  {:.1}% of ImageNet right\n  {}, {}; SHA-256 {}…\n  {state}",
            known.id,
            known.label,
            megabytes(file.bytes),
            known.top_1,
            known.publisher,
            known.licence,
            &file.sha256[..8],
        ));
    }
    Ok(Outcome::Done)
}

pub fn fetch(args: &FetchWeights, common: &Common) -> Result<Outcome> {
    let known = weights::find(&args.name).with_context(|| {
        let ids: Vec<_> = weights::ALL.iter().map(|known| known.id).collect();
        format!("No weights are called {:?}: choose one of {}", args.name, ids.join(", "))
    })?;
    let fetched = Home::open(super::home(common)?)?.weights();
    let end = format!("--set init_from={0} begins with them, --set encoder={1}", known.id, known.encoder);
    let end = known.set.iter().fold(end, |end, set| format!("{end} --set {set}"));
    let view = View::new(known.id, "weights", &end, common);
    let bytes = known.files.bytes();
    if let Some((there, _)) =
        known.find(&fetched).filter(|(_, kept)| *kept != Kept::Here && !args.source.is_named())
    {
        view.end(&there.display().to_string(), bytes);
        return Ok(Outcome::Done);
    }
    let download = known.fetch(&fetched, args.source.mirrors()?, Limits::default())?;
    if view.follow(download, bytes)? {
        let path = fetched.join(known.id).join(known.file().name);
        view.end(&path.display().to_string(), bytes);
        return Ok(Outcome::Done);
    }
    complain("Stopped: the same command goes on from there");
    Ok(Outcome::Interrupted)
}
