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
    #[command(flatten)]
    source: Source,
}

/// Where files come from in place of the internet's known addresses.
#[derive(clap::Args, Debug)]
pub struct Source {
    /// The address of a folder with its files, instead of the ones that are known; may be repeated
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
    /// Take the published files out of a folder, or one of them by itself, instead of the internet
    #[arg(long, value_name = "FILE_OR_FOLDER", alias = "from", conflicts_with = "mirror")]
    path: Option<PathBuf>,
}

impl Source {
    /// Whether there is one.
    pub fn is_named(&self) -> bool {
        !self.mirror.is_empty() || self.path.is_some()
    }

    pub fn mirrors(&self) -> Result<Vec<Mirror>> {
        let addresses = self.mirror.iter().map(|address| Mirror::address(address));
        let local = self.path.iter().map(|path| Ok(Mirror::Local(path.clone())));
        addresses.chain(local).collect()
    }
}

pub fn fetch(args: &Fetch, common: &Common) -> Result<Outcome> {
    let entry = data::find(&args.name)?;
    let published = entry.published().with_context(|| {
        format!("{} needs no fetching: headstart data lists the data sets", entry.info.label)
    })?;
    let fetched = Home::open(super::home(common)?)?.data();
    let end = format!("--set dataset={} trains on it", args.name);
    let view = View::new(&args.name, "dataset", &end, common);
    if let Some(there) = published.find_installed().filter(|_| !args.source.is_named()) {
        view.end(&there.display().to_string(), published.bytes());
        return Ok(Outcome::Done);
    }
    let folder = fetched.join(&args.name);
    let download = Download::new(published, folder.clone(), args.source.mirrors()?, Limits::default())?;
    if view.follow(download, published.bytes())? {
        view.end(&folder.display().to_string(), published.bytes());
        return Ok(Outcome::Done);
    }
    complain("Stopped: the same command goes on from there");
    Ok(Outcome::Interrupted)
}

/// What is shown of a download.
pub struct View<'a> {
    id: &'a str,
    /// What JSON calls what is fetched.
    key: &'static str,
    /// What can be done with it, once it is here.
    advice: &'a str,
    json: bool,
    bar: ProgressBar,
}

impl<'a> View<'a> {
    pub fn new(id: &'a str, key: &'static str, advice: &'a str, common: &Common) -> Self {
        Self { id, key, advice, json: common.json, bar: ProgressBar::hidden() }
    }

    /// Says whether it came to its end.
    pub fn follow(&self, mut download: Download, bytes: u64) -> Result<bool> {
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
                    "event": "progress", self.key: self.id, "bytes": progress.bytes_done,
                    "bytes_total": progress.bytes_total, "secs_left": progress.secs_left,
                }));
            }
        }
        bar.finish_and_clear();
        Ok(false)
    }

    pub fn end(&self, path: &str, bytes: u64) {
        if self.json {
            return line(json!({ "event": "fetched", self.key: self.id, "path": path, "bytes": bytes }));
        }
        line(format!("{} is here ({} MB): {}\n{path}", self.id, megabytes(bytes), self.advice));
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
