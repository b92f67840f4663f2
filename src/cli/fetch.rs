//! `data fetch`: a published data set onto this computer.
use super::{
    Common, Outcome,
    output::{complain, duration, line},
    train::interruption,
};
use crate::{
    data::{
        self,
        download::{Activity, Download, DownloadProgress, Limits, Mirror},
        published::megabytes,
    },
    runs::Home,
};
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::{
    path::PathBuf,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

/// Ctrl-C is answered within so long.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(clap::Args, Debug)]
pub struct Fetch {
    /// Its identifier: headstart data lists them
    name: String,
    /// The address of a folder with its files, instead of the ones that are known; may be repeated
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// Take the published files out of a folder, or one of them by itself, instead of the internet
    #[arg(long, value_name = "FILE_OR_FOLDER", conflicts_with = "mirror")]
    path: Option<PathBuf>,
}

pub fn fetch(args: &Fetch, common: &Common) -> Result<Outcome> {
    let entry = data::find(&args.name)?;
    let published = entry.published().with_context(|| {
        format!("{} needs no fetching: headstart data lists the data sets", entry.info.label)
    })?;
    let fetched = Home::open(super::home(common)?)?.data();
    let view = View { id: &args.name, json: common.json, bar: ProgressBar::hidden() };
    let is_source_named = !args.mirror.is_empty() || args.path.is_some();
    if let Some(there) = published.find_installed().filter(|_| !is_source_named) {
        view.end(&there.display().to_string(), published.bytes());
        return Ok(Outcome::Done);
    }
    let addresses = args.mirror.iter().map(|address| Mirror::address(address));
    let local = args.path.iter().map(|path| Ok(Mirror::Local(path.clone())));
    let mirrors = addresses.chain(local).collect::<Result<Vec<_>>>()?;
    let folder = fetched.join(&args.name);
    let download = Download::new(published, folder.clone(), mirrors, Limits::default())?;
    if view.follow(download, published.bytes())? {
        view.end(&folder.display().to_string(), published.bytes());
        return Ok(Outcome::Done);
    }
    complain("Stopped: the same command goes on from there");
    Ok(Outcome::Interrupted)
}

struct View<'a> {
    id: &'a str,
    json: bool,
    bar: ProgressBar,
}

impl View<'_> {
    /// Says whether it came to its end.
    fn follow(&self, mut download: Download, bytes: u64) -> Result<bool> {
        let interrupted = interruption()?;
        let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} · {msg}")?;
        let bar = if self.json { self.bar.clone() } else { ProgressBar::new(bytes).with_style(style) };
        let mut reported = Instant::now();
        while !interrupted.load(Ordering::SeqCst) {
            let progress = download.advance(PATIENCE)?;
            if progress.activity == Activity::Done {
                bar.finish_and_clear();
                return Ok(true);
            }
            bar.set_position(progress.bytes_done);
            bar.set_message(words(&progress));
            if self.json && reported.elapsed() > Duration::from_secs(1) {
                reported = Instant::now();
                line(json!({
                    "event": "progress", "dataset": self.id, "bytes": progress.bytes_done,
                    "bytes_total": progress.bytes_total, "secs_left": progress.secs_left,
                }));
            }
        }
        bar.finish_and_clear();
        Ok(false)
    }

    fn end(&self, path: &str, bytes: u64) {
        if self.json {
            return line(json!({ "event": "fetched", "dataset": self.id, "path": path, "bytes": bytes }));
        }
        line(format!(
            "{} is here ({} MB): --set dataset={0} trains on it\n{path}",
            self.id,
            megabytes(bytes)
        ));
    }
}

fn words(progress: &DownloadProgress) -> String {
    match (progress.activity, progress.secs_left) {
        (Activity::Connecting, _) => "connecting".into(),
        (Activity::Receiving, Some(secs)) => format!("{} left", duration(secs)),
        (Activity::Receiving, None) => String::new(),
        (Activity::Pausing { fruitless, of }, _) => {
            format!("the server broke off: trying again soon ({fruitless} of {of} tries brought nothing)")
        }
        (Activity::Checking, _) => "checking".into(),
        (Activity::Unpacking | Activity::Done, _) => "unpacking".into(),
    }
}
