//! `export`: runs for PyTorch, TensorBoard, tables, and as files to be sent to somebody.
use super::{
    Common, Outcome, exchange, open,
    output::{complain, is_read, line},
    score::answer,
};
use crate::{
    errors::message,
    export::{
        bundle,
        table::{self, Selected},
        tensorboard::EventFile,
    },
    models,
    protocol::{Event, Finding, Phase, Question, RunId},
    runs::{Home, RunFolder},
    session::{State, catalog},
    spec::{Section, dotted},
};
use anyhow::{Result, bail, ensure};
use clap::ArgGroup;
use serde_json::json;
use std::{
    io::Cursor,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How often a run is looked at that another program trains.
const PAUSE: Duration = Duration::from_secs(2);

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(clap::Args, Debug)]
#[command(group(ArgGroup::new("form").required(true).args(["out", "tensorboard", "table", "bundle"])))]
pub struct Export {
    /// Folders of runs, or unique beginnings of their names
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// The newest weights of one run, with PyTorch's names and layouts
    #[arg(long, value_name = "FILE.safetensors")]
    out: Option<PathBuf>,
    /// Curves, hyperparameters and previews as TensorBoard's event files, a folder for each run
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    /// Go on writing as long as another program, such as the window, trains the run
    #[arg(long, requires = "tensorboard")]
    follow: bool,
    /// Every point of the curves in one table
    #[arg(long, value_name = "FILE.csv|.json|.parquet")]
    table: Option<PathBuf>,
    /// One run as a file to be sent to somebody, who opens it by `headstart import`
    #[arg(long, value_name = "FILE.headstart")]
    bundle: Option<PathBuf>,
    /// Leave the checkpoints out of the bundle
    #[arg(long, requires = "bundle")]
    without_weights: bool,
}

/// # Errors
/// Where a run cannot be read or a file cannot be written.
pub fn export(args: &Export, common: &Common) -> Result<Outcome> {
    if let (Some(out), [run]) = (&args.out, &args.runs[..]) {
        return exchange::export(run, out, common);
    }
    let home = Home::open(super::home(common)?)?;
    let ids = args.runs.iter().map(|run| home.find(run)).collect::<Result<Vec<_>>>()?;
    if let Some(path) = &args.table {
        let catalog = catalog();
        let selected = |id: &RunId| -> Result<Selected> {
            let folder = home.folder(id);
            Ok(Selected { id: id.to_string(), spec: folder.spec(&catalog)?, folder })
        };
        table::write(path, &ids.iter().map(selected).collect::<Result<Vec<_>>>()?, &catalog)?;
        said(json!({ "runs": ids, "file": path }), &path.display().to_string(), common);
    } else if let Some(logdir) = &args.tensorboard {
        ids.iter().try_for_each(|id| tensorboard(&home, id, logdir, args.follow, common))?;
    } else {
        let one = "one run at a time goes into a file: name one, or use --table or --tensorboard";
        let ([run], Some(path)) = (&ids[..], &args.bundle) else { bail!(one) };
        ensure!(
            path.extension().is_some_and(|ending| ending == bundle::ENDING),
            "A run's file ends in .{}, and {} does not",
            bundle::ENDING,
            path.display()
        );
        bundle::pack(run, &home.folder(run), path, !args.without_weights)?;
        said(json!({ "run": run, "file": path }), &path.display().to_string(), common);
    }
    Ok(Outcome::Done)
}

/// Takes a run that somebody sent into the home.
///
/// # Errors
/// Where the file is none, or is damaged.
pub fn receive(file: &Path, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let (run, folder) = bundle::unpack(file, &home, &catalog(), models::check_checkpoint)?;
    said(json!({ "run": run, "folder": folder.path }), &format!("{run}\n{}", folder.path.display()), common);
    Ok(Outcome::Done)
}

fn said(object: serde_json::Value, text: &str, common: &Common) {
    if common.json { line(object) } else { line(text) }
}

/// Writes a run's event file, and goes on with it as long as another program trains the run, if it is to follow.
fn tensorboard(home: &Home, id: &RunId, logdir: &Path, follow: bool, common: &Common) -> Result<()> {
    let folder = home.folder(id);
    let began = began(&folder);
    let mut events = EventFile::create(logdir, id, began)?;
    let mut written = Written::default();
    written.hyperparameters(&mut events, &folder, id, began)?;
    loop {
        let is_trained = written.points(&mut events, &folder, id, began)?;
        events.flush()?;
        if !follow || !is_trained || !is_read() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if !folder.checkpoints().is_empty()
        && let Err(error) = previews(&mut events, id, began, common)
    {
        complain(format!("The curves are written, without previews: {}", message(&error)));
    }
    events.flush()?;
    said(
        json!({ "run": id, "points": written.points, "file": events.path() }),
        &events.path().display().to_string(),
        common,
    );
    Ok(())
}

/// How much of a run's curves an event file has.
#[derive(Default)]
struct Written {
    points: usize,
}

impl Written {
    fn hyperparameters(
        &self,
        events: &mut EventFile,
        folder: &RunFolder,
        id: &RunId,
        began: f64,
    ) -> Result<()> {
        let catalog = catalog();
        let spec = folder.spec(&catalog)?;
        let values =
            catalog.params(&spec).map(|(section, param)| (dotted(section, param), spec.get(section, param)));
        let chosen = Section::ALL.into_iter().filter(|section| spec.choice(*section).is_some());
        let chosen = chosen.map(|section| (section.id(), spec.id(section)));
        events.hyperparameters(began, id, values, chosen)
    }

    /// Appends the points that are new; says whether another program trains the run.
    fn points(&mut self, events: &mut EventFile, folder: &RunFolder, id: &RunId, began: f64) -> Result<bool> {
        let mut state = State::default();
        state.apply(Event::Run(Box::new(folder.info(id, &catalog())?)));
        let run = &state.runs[id];
        let (mut at, mut ended) = (0, Ok(()));
        folder.each_point(|point| {
            at += 1;
            if at > self.points && ended.is_ok() && point.value.is_finite() {
                ended = events.point(began + run.elapsed_secs(point.step as f64), &point);
            }
        })?;
        self.points = at;
        ended?;
        Ok(run.phase == Phase::Elsewhere)
    }
}

/// Seconds since 1970 when a run was made.
fn began(folder: &RunFolder) -> f64 {
    let made =
        std::fs::metadata(folder.path.join("log.jsonl")).and_then(|log| log.created().or(log.modified()));
    let made = made.unwrap_or_else(|_| SystemTime::now());
    made.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// What the newest weights make of a few examples.
fn previews(events: &mut EventFile, id: &RunId, began: f64, common: &Common) -> Result<()> {
    let mut session = open(common)?;
    let (step, finding) = answer(&mut session, id, Question::Preview { samples: vec![] })?;
    session.close();
    let Finding::Preview(preview) = finding else { bail!("the answer is to another question") };
    for strip in &preview.strips {
        let Some((size, png)) = picture(strip) else { continue };
        events.picture(began, step, &format!("preview/{}", strip.name), size, &png)?;
    }
    Ok(())
}

/// The images of a strip side by side, as PNG.
fn picture(strip: &crate::protocol::Strip) -> Option<([u32; 2], Vec<u8>)> {
    let shape = strip.shape;
    let images: Vec<_> = strip.pixels.chunks_exact(shape.len().max(1)).collect();
    let [width, height] = [shape.width * images.len(), shape.height].map(|side| side as u32);
    let pixel = |x: u32, y: u32| {
        let (image, x) = (images[x as usize / shape.width], x as usize % shape.width);
        let at = (y as usize * shape.width + x) * shape.channels;
        match &image[at..at + shape.channels] {
            [grey] => image::Rgb([*grey; 3]),
            colour => image::Rgb([colour[0], colour[1], colour[2]]),
        }
    };
    let mut png = Cursor::new(vec![]);
    let drawn = image::RgbImage::from_fn(width, height, pixel);
    drawn.write_to(&mut png, image::ImageFormat::Png).ok()?;
    Some(([width, height], png.into_inner()))
}
