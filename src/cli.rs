//! The command line: the same session as the window, in a terminal.
use crate::{errors::message, experiment::Experiment, export::bundle, presets, session::Session};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::{io, path::PathBuf};

mod bench;
mod bench_drawing;
mod compare;
mod completions;
mod data;
mod dry_run;
mod embed;
mod evaluate;
mod example;
mod exchange;
mod explain;
mod fetch;
mod find_batch;
mod find_rate;
mod handwriting;
mod history;
mod keys;
mod log;
mod output;
mod plot;
mod reading;
mod recipes;
mod rewind;
mod runs;
mod sample;
mod score;
mod sharing;
mod slurm;
mod sweep;
mod train;
mod waiting;
mod watch;
mod weights;
pub use log::start_log;

/// Trains real networks in front of you. Without a command it opens its window.
#[derive(Parser, Debug)]
#[command(name = "headstart", version)]
pub struct Args {
    /// What to do; without a command the window opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options that every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// What every command understands.
#[derive(clap::Args, Clone, Debug)]
pub struct Common {
    /// The folder that holds the runs [default: $HEADSTART_HOME, else the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print one JSON object a line, and nothing else, on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Print nothing while a run trains, but for warnings and errors
    #[arg(long, global = true)]
    pub quiet: bool,
    /// Print what the log in the home is given on standard error, too
    #[arg(long, global = true)]
    pub verbose: bool,
}

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Train a new run
    #[command(after_help = train_help())]
    Train {
        /// A spec, such as configs/seed_cnn.toml, the name of a preset, such as seed_cnn, or - for standard input
        config: PathBuf,
        /// Change a value of the spec, such as epochs=3 or encoder.conv_dropout=0.1; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// What the run is called
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Train nothing: print the whole spec, and what memory and time it would take, by a few steps that leave nothing behind
        #[arg(long)]
        dry_run: bool,
        /// Stop at the first validation after this share of the steps, such as 0.33; resume goes on from there
        #[arg(long, value_name = "SHARE", value_parser = train::share)]
        until: Option<f64>,
    },
    /// Go on with a run or a comparison that was stopped
    Resume {
        /// Its folder, or a unique beginning of its name; RUN@STEP goes back to that checkpoint of a run
        run: String,
        /// Go on with another value of what may change while a run trains, such as learning_rate=0.0001, or with more
        /// epochs, such as epochs=20; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Stop at the first validation after this share of the steps
        #[arg(long, value_name = "SHARE", value_parser = train::share)]
        until: Option<f64>,
    },
    /// Go on from a moment of a run in a new one beside it, with other values
    Fork {
        /// Its folder, or a unique beginning of its name; RUN@STEP begins at that checkpoint, otherwise at the newest
        run: String,
        /// Change a value from there on, such as learning_rate=0.0001 or epochs=20; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Train a run's recipe again, with the live changes that were made to it at the same steps
    Replay {
        /// Its folder, or a unique beginning of its name
        run: String,
        /// Change a value of the recipe, such as seed=2; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Try rising learning rates in a copy of a run, or of a recipe, and suggest one
    FindRate {
        /// A run's folder, or a unique beginning of its name; or a recipe, such as configs/seed_cnn.toml, or a preset's name
        run: String,
        /// Change a value of the recipe; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// What another batch size would cost and change, by the noise of the gradient
    FindBatch {
        /// A run's folder, or a unique beginning of its name; or a recipe, such as configs/seed_cnn.toml, or a preset's name
        run: String,
        /// Change a value of the recipe; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Race the same network on the same few labels, with and without a head start
    Compare {
        /// A comparison, such as configs/transfer_in_three_minutes.toml, or the name of a preset, such as head_start
        config: PathBuf,
        #[allow(rustdoc::broken_intra_doc_links, reason = "a list of TOML, not a link")]
        /// Change a value, such as seeds=[1,2], run.epochs=2 or pretrain.epochs=1; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Try many settings of a recipe, and say which is best and what made it so
    Sweep(sweep::Sweep),
    /// Change what a sweep has still to do, here or in the program that works at it
    Revise(sweep::Revise),
    /// Score a run's newest weights on a whole split
    Evaluate {
        /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
        run: String,
        /// Which images: train, validation or test; validation where nothing is said, and test with --data
        #[arg(long, value_parser = ["train", "validation", "test"])]
        split: Option<String>,
        /// Other images of the same classes than those the run was trained on: a folder or a file
        #[arg(long, value_name = "PATH", conflicts_with = "outsiders")]
        data: Option<PathBuf>,
        /// Images unlike the training images, to measure how many are detected
        #[arg(long, value_name = "PATH")]
        outsiders: Option<PathBuf>,
    },
    /// Predict what pictures show, and the accuracy on labelled ones
    Predict {
        /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
        run: String,
        /// PNG, JPEG, WebP or BMP, dark on light or light on dark; or a folder of them, with or without a table of
        /// labels or a folder for each class
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<PathBuf>,
        /// How to explain the answer, where that is asked for.
        #[command(flatten)]
        explain: explain::Explain,
    },
    /// Predict a picture with each checkpoint of a run
    History {
        /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
        run: String,
        /// As for predict
        image: PathBuf,
    },
    /// Keep drawings of your own with their right labels, or fine-tune a run on half of them
    Handwriting {
        /// What to do with the drawings; lists them where none is given.
        #[command(subcommand)]
        command: Option<HandwritingCommand>,
    },
    /// Write a network's embeddings of images, or a map of them
    Embed(embed::Embed),
    /// Generate images with a run's newest weights
    Sample(sample::Sample),
    /// Export runs: weights for PyTorch, curves for TensorBoard or as a table, a whole run as one file
    Export(sharing::Export),
    /// Import weights that PyTorch trained, as a finished run, or a run that somebody sent
    Import {
        /// safetensors, one file or an index of several, what torch.save wrote (.pt, .pth, .bin, .th), the folder that
        /// these are in, or a .headstart file
        file: PathBuf,
        /// The network that the weights belong to
        #[arg(long, value_name = "ID", default_value = "seed_cnn")]
        encoder: String,
        /// Change a value of the spec, such as encoder.depth=3; may be repeated
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Take a layer of the file for one of the network, such as fc2=head; may be repeated
        #[arg(long, value_name = "THEIRS=OURS")]
        rename: Vec<String>,
    },
    /// List weights that others published, and fetch them: init_from begins with them by name
    Weights {
        /// What to do; lists them where nothing is given.
        #[command(subcommand)]
        command: Option<weights::WeightsCommand>,
    },
    /// Install the network that comes with the program as a run, which reads digits before anything was trained
    Example,
    /// List the runs, compare them, and say what is to be remembered of them
    Runs(runs::Runs),
    /// List what was deleted, bring it back, or remove it for good
    Trash {
        /// What to do with the trash; lists it where nothing is given.
        #[command(subcommand)]
        command: Option<runs::trash::TrashCommand>,
    },
    /// What can be set: range, default, what it means, and which component it belongs to
    Keys {
        /// A key, such as momentum, a section, such as optimizer, or a component, such as sgd
        key: Option<String>,
    },
    /// List the data sets, or say what is at a path
    Data {
        /// What to do; lists the data sets where none is given.
        #[command(subcommand)]
        command: Option<DataCommand>,
    },
    /// Print what completes commands in a shell: headstart completions bash > FILE, which the shell is to read
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for each command into a folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Measure how fast networks train and infer on this machine
    Bench {
        /// Only this network, such as seed_cnn or resnet18_224; may be repeated
        #[arg(long, value_name = "ID")]
        encoder: Vec<String>,
        /// How fast each objective trains instead
        #[arg(long)]
        objectives: bool,
        /// What augmentation costs the reference run instead
        #[arg(long, conflicts_with = "objectives")]
        augmentation: bool,
        /// How long a drawing waits for its answer and its explanations instead, and what drawing costs training
        #[arg(long, conflicts_with = "objectives")]
        drawing: bool,
        /// Seconds for each measurement
        #[arg(long, value_name = "SECS", default_value_t = bench::DEFAULT_SECS)]
        secs: f64,
    },
}

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(Subcommand, Debug)]
pub enum HandwritingCommand {
    /// Keep pictures of a digit; every other one is held out
    Add {
        /// As for predict
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<PathBuf>,
        /// The digit that they show
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..10))]
        label: u8,
    },
    /// Fine-tune a run on the drawings that are not held out; say what it gained and what it forgot
    Tune {
        /// A run's folder, or a unique beginning of its name; RUN@STEP and RUN@best are its checkpoints
        run: String,
    },
}

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(Subcommand, Debug)]
pub enum DataCommand {
    /// Fetch a published data set, such as fashion_mnist; an interrupted download is continued
    Fetch(fetch::Fetch),
    /// Read what is at a path: its format, counts, classes, shape, and every problem found, which make it exit with 1
    Check {
        /// A folder or a file with images
        path: PathBuf,
    },
}

/// The presets and an example.
fn train_help() -> String {
    let runs = presets::ALL.iter().filter(|preset| !Experiment::is_described_by(preset.text));
    let names: Vec<_> = runs.map(|preset| preset.id).collect();
    format!(
        "Presets: {}\n\nFor example: headstart train mlp --set epochs=3 --set learning_rate=0.0005\nAn unknown \
         key is answered with the list of known ones.",
        names.join(", ")
    )
}

/// How a program ends.
pub enum Outcome {
    /// Everything that was asked for was done.
    Done,
    /// Something failed that was already reported.
    Failed,
    /// The arguments were not understood.
    Misused,
    /// Interrupted by Ctrl-C, with everything saved.
    Interrupted,
}

impl Outcome {
    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Misused => 2,
            Outcome::Interrupted => 130,
        }
    }
}

/// How the program ends after a command, whose error is printed.
pub fn reported(ended: Result<Outcome>) -> Outcome {
    let outcome = output::ended(ended.unwrap_or_else(|error| {
        let text = message(&error);
        tracing::error!("{text}");
        output::fail_with(&error);
        Outcome::Failed
    }));
    tracing::info!(code = outcome.code(), "ended");
    outcome
}

/// What the program does without a command where no window can be opened, which `reason` is a sentence about: it trains
/// its first preset in the terminal.
///
/// # Errors
/// Where no run can be started.
pub fn without_a_window(reason: &str, common: &Common) -> Result<Outcome> {
    tracing::warn!("{reason}");
    output::complain(reason);
    train::first(common)
}

/// Prints the help that was asked for, or what is wrong with the arguments.
pub fn explained(usage: &clap::Error) -> Outcome {
    let outcome = if usage.use_stderr() { Outcome::Misused } else { Outcome::Done };
    if matches!(outcome, Outcome::Misused) && std::env::args_os().any(|word| word == "--json") {
        output::speak_json();
        output::complain(usage.render().to_string().trim_end());
        return outcome;
    }
    match usage.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Outcome::Failed,
        _ => outcome,
    }
}

/// Runs a command to its end.
///
/// # Errors
/// Where it cannot be carried out: what happened and what to do.
pub fn run(command: Command, common: &Common) -> Result<Outcome> {
    if common.json {
        output::speak_json();
    }
    match command {
        Command::Train { config, set, name, dry_run: true, .. } => dry_run::show(&config, &set, name, common),
        Command::Train { config, set, name, until, .. } => train::start(&config, &set, name, until, common),
        Command::Resume { run, set, until } => train::resume(&run, &set, until, common),
        Command::Fork { run, set } => train::fork(&run, &set, common),
        Command::Replay { run, set } => train::replay(&run, &set, common),
        Command::FindBatch { run, set } => find_batch::find_batch(&run, &set, common),
        Command::FindRate { run, set } => find_rate::find_rate(&run, &set, common),
        Command::Compare { config, set } => compare::start(&config, &set, common),
        Command::Sweep(args) => sweep::sweep(&args, common),
        Command::Revise(args) => sweep::revise(&args, common),
        Command::Evaluate { run, split, data, outsiders } => {
            evaluate::evaluate(&run, split.as_deref(), data.as_deref(), outsiders.as_deref(), common)
        }
        Command::History { run, image } => history::history(&run, &image, common),
        Command::Handwriting { command: None } => handwriting::list(common),
        Command::Handwriting { command: Some(HandwritingCommand::Add { images, label }) } => {
            handwriting::add(&images, usize::from(label), common)
        }
        Command::Handwriting { command: Some(HandwritingCommand::Tune { run }) } => {
            handwriting::tune(&run, common)
        }
        Command::Predict { run, images, explain } => score::predict(&run, &images, &explain, common),
        Command::Embed(args) => embed::embed(&args, common),
        Command::Sample(args) => sample::sample(&args, common),
        Command::Export(args) => sharing::export(&args, common),
        Command::Import { file, .. } if file.extension().is_some_and(|ending| ending == bundle::ENDING) => {
            sharing::receive(&file, common)
        }
        Command::Import { file, encoder, set, rename } => {
            exchange::import(&file, &encoder, &set, &rename, common)
        }
        Command::Weights { command: None } => weights::list(common),
        Command::Weights { command: Some(weights::WeightsCommand::Fetch(args)) } => {
            weights::fetch(&args, common)
        }
        Command::Example => example::install(common),
        Command::Runs(args) => runs::runs(&args, common),
        Command::Trash { command } => runs::trash::trash(command.as_ref(), common),
        Command::Keys { key } => keys::keys(key.as_deref(), common),
        Command::Completions { shell } => Ok(completions::completions(shell)),
        Command::Man { out } => completions::man(out.as_deref()),
        Command::Data { command: None } => data::data(common),
        Command::Data { command: Some(DataCommand::Check { path }) } => data::check(&path, common),
        Command::Data { command: Some(DataCommand::Fetch(args)) } => fetch::fetch(&args, common),
        Command::Bench { augmentation: true, secs, .. } => bench::augmentation(secs, common),
        Command::Bench { objectives: true, secs, .. } => bench::objectives(secs, common),
        Command::Bench { drawing: true, secs, .. } => bench_drawing::measure(secs, common),
        Command::Bench { encoder, secs, .. } => bench::bench(&encoder, secs, common),
    }
}

/// `--home`, else HEADSTART_HOME, else the platform's data folder.
///
/// # Errors
/// Where the platform names no such folder.
pub fn home(common: &Common) -> Result<PathBuf> {
    let named = common
        .home
        .clone()
        .or_else(|| std::env::var_os("HEADSTART_HOME").filter(|home| !home.is_empty()).map(PathBuf::from));
    if let Some(home) = named {
        return Ok(home);
    }
    let folders = directories::ProjectDirs::from("", "", "headstart");
    folders
        .map(|folders| folders.data_dir().to_path_buf())
        .context("There is no folder for data here: name one with --home")
}

fn open(common: &Common) -> Result<Session> {
    Session::open(home(common)?, || {})
}
