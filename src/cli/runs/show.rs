//! `runs show`: all that is known of a run.
use crate::{
    cli::{
        Common, Outcome,
        output::{duration, is_read, line},
    },
    errors::name,
    listing::{Setting, settings, short, state},
    metrics::{MetricInfo, Split},
    protocol::RunInfo,
    runs::{Entry, Home, Provenance, RunFolder, last_provenance},
    session::{catalog, command},
    spec::{Catalog, RunSpec},
};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

#[derive(clap::Args, Debug)]
pub struct Show {
    /// A run's folder, or a unique beginning of its name
    run: String,
    /// Beside another run, whose settings are shown where they differ
    #[arg(long, value_name = "OTHER")]
    against: Option<String>,
    /// Print it as a recipe in TOML, which `headstart train FILE` takes
    #[arg(long, conflicts_with_all = ["command", "against"])]
    toml: bool,
    /// Print it as the command that trains one like it
    #[arg(long, conflicts_with = "against")]
    command: bool,
    /// Also figures on the test examples, by which nothing should be chosen
    #[arg(long)]
    test: bool,
}

/// # Errors
/// Where a run is not there or cannot be read, or no command says what it is.
pub fn show(home: &Home, args: &Show, common: &Common) -> Result<Outcome> {
    let catalog = catalog();
    let id = home.find(args.run.rsplit_once('@').map_or(args.run.as_str(), |(run, _)| run))?;
    let folder = home.folder(&id);
    let entries = folder.entries()?;
    let info = folder.info_of(&id, folder.spec(&catalog)?, &entries, &catalog);
    if args.toml {
        let recipe = RunSpec { shipped: None, entrant: None, ..info.spec };
        line(recipe.to_toml(&catalog).trim_end());
        return Ok(Outcome::Done);
    }
    if args.command {
        let said = command::command(&info.spec, &catalog);
        line(said.context("No command says all that the run is, such as corrections of its data or planned changes: print it with --toml")?);
        return Ok(Outcome::Done);
    }
    let other =
        args.against.as_deref().map(|other| home.folder(&home.find(other)?).spec(&catalog)).transpose()?;
    let page = Page {
        settings: settings(&info.spec, other.as_ref(), &catalog),
        checkpoints: checkpoints(&folder, catalog.headline(&info.spec))?,
        provenance: last_provenance(&entries),
        test: if args.test { test(&folder, catalog.headline(&info.spec))? } else { None },
        compared: other.is_some(),
        headline: catalog.headline(&info.spec),
        entries: &entries,
        folder: &folder,
        info,
    };
    if common.json {
        line(page.as_json(&catalog))
    } else {
        page.print()
    }
    Ok(Outcome::Done)
}

/// All that is shown.
struct Page<'a> {
    info: RunInfo,
    folder: &'a RunFolder,
    entries: &'a [Entry],
    settings: Vec<Setting>,
    /// Each with the figure that was measured there.
    checkpoints: Vec<(u64, Option<f64>)>,
    provenance: Option<&'a Provenance>,
    headline: &'static MetricInfo,
    test: Option<f64>,
    compared: bool,
}

/// The steps of a run's checkpoints and the headline on the validation examples there.
fn checkpoints(folder: &RunFolder, headline: &MetricInfo) -> Result<Vec<(u64, Option<f64>)>> {
    let mut kept: Vec<(u64, Option<f64>)> =
        folder.checkpoints().into_iter().map(|step| (step, None)).collect();
    folder.each_point(|point| {
        if point.split == Split::Validation
            && point.metric == headline.id
            && let Some((_, figure)) = kept.iter_mut().find(|(step, _)| *step == point.step)
        {
            *figure = Some(point.value);
        }
    })?;
    Ok(kept)
}

fn test(folder: &RunFolder, headline: &MetricInfo) -> Result<Option<f64>> {
    let mut test = None;
    folder.each_point(|point| {
        if point.split == Split::Test && point.metric == headline.id {
            test = Some(point.value);
        }
    })?;
    Ok(test)
}

impl Page<'_> {
    fn as_json(&self, catalog: &Catalog) -> Value {
        let info = &self.info;
        let setting = |setting: &Setting| {
            json!({
                "key": setting.key, "value": setting.value, "default": setting.default, "other": setting.other,
                "changed": setting.is_changed(), "live": setting.live,
            })
        };
        let best = self.folder.best();
        let checkpoint = |(step, figure): &(u64, Option<f64>)| json!({ "step": step, "figure": figure, "best": best == Some(*step) });
        let changes = info.changes.iter();
        let changes =
            changes.map(|it| json!({ "step": it.step, "key": it.key, "from": it.from, "to": it.to }));
        let mut object = json!({
            "run": info.id, "name": info.spec.name, "folder": info.folder, "state": state(&info.phase),
            "step": info.progress.step, "steps": info.progress.steps, "elapsed_secs": info.progress.elapsed_secs,
            "headline": self.headline.id, "settings": self.settings.iter().map(setting).collect::<Vec<_>>(),
            "changes": changes.collect::<Vec<_>>(),
            "checkpoints": self.checkpoints.iter().map(checkpoint).collect::<Vec<_>>(),
            "star": info.marks.star, "archived": info.marks.archived, "tags": info.marks.tags, "note": info.marks.note,
            "provenance": self.provenance, "command": command::command(&info.spec, catalog),
        });
        if let Some(test) = self.test {
            object["test"] = json!(test);
        }
        object
    }

    fn print(&self) {
        let info = &self.info;
        let star = if info.marks.star { " *" } else { "" };
        line(format!("{}{star}\n{}", name(&info.spec.name), info.folder.display()));
        let progress = info.progress;
        line(format!(
            "{} at step {} of {}, after {}",
            state(&info.phase),
            progress.step,
            progress.steps,
            duration(progress.elapsed_secs)
        ));
        if !info.marks.tags.is_empty() {
            line(format!("Tags: {}", info.marks.tags.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        if !info.marks.note.is_empty() {
            line(format!("\n{}", info.marks.note.trim_end()));
        }
        self.print_settings();
        self.print_changes();
        self.print_checkpoints();
        if let Some(test) = self.test {
            line(format!("\nTest {}: {}", self.headline.name(), self.headline.written(test)));
        }
        self.print_provenance();
    }

    fn print_settings(&self) {
        let title = if self.compared { "default, and the other run's" } else { "default" };
        line(format!("\nSettings; where they are not the default, {title}:"));
        for setting in self.settings.iter().take_while(|_| is_read()) {
            let mut beside = vec![];
            if setting.is_changed() {
                beside.push(format!("default {}", shown(&setting.default)));
            }
            match &setting.other {
                Some(other) if *other != setting.value => {
                    beside.push(format!("the other has {}", shown(other)))
                }
                None if self.compared => beside.push("the other has none".into()),
                _ => {}
            }
            let mark = if beside.is_empty() { " " } else { "·" };
            let text =
                format!("{mark} {:<34} {:<18} {}", setting.key, shown(&setting.value), beside.join(", "));
            line(text.trim_end());
        }
    }

    fn print_changes(&self) {
        if self.info.changes.is_empty() {
            return;
        }
        line("\nChanged while it trained:");
        for change in self.info.changes.iter().take_while(|_| is_read()) {
            let (from, to) = (short(change.from), short(change.to));
            line(format!("  step {:>7}  {}: {from} to {to}", change.step, change.key));
        }
    }

    fn print_checkpoints(&self) {
        line(if self.checkpoints.is_empty() { "\nNo checkpoint yet" } else { "\nCheckpoints:" });
        let best = self.folder.best();
        for (step, figure) in &self.checkpoints {
            let figure = figure.map_or("not validated there".into(), |figure| {
                format!("validation {} {}", self.headline.name(), self.headline.written(figure))
            });
            let mark = if best == Some(*step) { "  (best loss)" } else { "" };
            line(format!("  {}@{step}  {figure}{mark}", name(&self.info.id)));
        }
    }

    fn print_provenance(&self) {
        let resumed = self.entries.iter().filter(|entry| matches!(entry, Entry::Provenance(_))).count();
        let Some(Provenance { version, processor, instruction_set, threads, command, data }) =
            self.provenance
        else {
            line(
                "\nBy which machine and version it was trained was not written down by the version that did",
            );
            return;
        };
        let times = if resumed > 1 {
            format!(", begun or gone on with {resumed} times, the last time")
        } else {
            String::new()
        };
        line(format!(
            "\nTrained by Headstart {version} on {}, {instruction_set}, {threads} threads{times}",
            name(processor)
        ));
        line(format!("  {}", name(command)));
        if let Some(data) = data {
            line(format!("  checksum of its data: {data}"));
        }
    }
}

fn shown(value: &str) -> String {
    if value.is_empty() { "–".into() } else { name(value) }
}
