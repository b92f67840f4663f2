//! `bench --drawing`: how long a drawing waits for its bars and its explanations, also beside another run whose steps take
//! seconds, and what it costs the training to be drawn on all the time. Measured through the session, as the window sees it.
use super::{Common, Outcome, output::line};
use crate::{
    data::drawing::Drawing,
    errors::At as _,
    protocol::{Command, Confidence, Control, Finding, Question, RunId},
    sample::Image,
    session::{Session, catalog},
    spec::RunSpec,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Slices with and without a pen, in turns.
const SLICES: usize = 8;
/// From one position of the pen to the next: a frame of the window.
const FRAME: Duration = Duration::from_millis(16);
/// Nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The reference network in training, in a home that is gone afterwards.
struct Bench {
    session: Session,
    run: RunId,
    home: PathBuf,
    requests: u64,
}

/// Milliseconds.
struct Latencies(Vec<f64>);

/// What was measured beside a run whose steps take seconds.
struct BesideLongSteps {
    /// Seconds of one of its steps.
    step_secs: f64,
    /// From the pen to the bars of the other network.
    bars: Latencies,
    /// Milliseconds from Stop to its end.
    stop: f64,
}

/// Drawings beside steps that take seconds.
const BESIDE_LONG_STEPS: usize = 300;

pub fn measure(secs: f64, common: &Common) -> Result<Outcome> {
    let mut bench = Bench::open()?;
    let measured = bench.measure(secs, common.json);
    bench.session.close();
    let removed = std::fs::remove_dir_all(&bench.home);
    measured?;
    removed.context("Could not remove the folder of the measurement").at(&bench.home)?;
    Ok(Outcome::Done)
}

impl Bench {
    fn open() -> Result<Self> {
        let home = std::env::temp_dir().join(format!("headstart-bench-{}", std::process::id()));
        let mut session = Session::open(home.clone(), || {})?;
        session.send(Command::Start(Box::new(RunSpec::from_toml("", &endless(&[]), &catalog())?)));
        let run = wait(&mut session, |session| session.state.newest.clone())?;
        let mut bench = Self { session, run, home, requests: 0 };
        bench.until_step(40)?;
        Ok(bench)
    }

    fn measure(&mut self, secs: f64, json: bool) -> Result<()> {
        let (mut resting, mut drawn) = (vec![], vec![]);
        let mut training = Latencies(vec![]);
        for _ in 0..SLICES {
            resting.push(self.rate(secs, |bench| {
                bench.session.wait(FRAME);
                Ok(())
            })?);
            drawn.push(self.rate(secs, |bench| {
                training.0.push(bench.draw(false)?);
                Ok(())
            })?);
        }
        let slowdown = 1.0 - median(&mut drawn) / median(&mut resting);
        let mut explained_training = self.explain()?;
        self.session.send(Command::Control(self.run.clone(), Control::Stop));
        let run = self.run.clone();
        wait(&mut self.session, |session| (!session.state.runs.get(&run)?.phase.is_active()).then_some(()))?;
        // it is calibrated first, which takes a second or two
        self.draw(true)?;
        let mut idle = Latencies(vec![]);
        for _ in 0..(secs / FRAME.as_secs_f64()) as usize {
            idle.0.push(self.draw(true)?);
        }
        let mut explained_idle = self.explain()?;
        let mut beside = self.beside_long_steps()?;
        report(json, slowdown, &mut training, &mut idle, &mut explained_training, &mut explained_idle);
        beside.report(json);
        Ok(())
    }

    /// Draws for the network that rests, while another is trained in large steps, which is stopped amid one of them.
    fn beside_long_steps(&mut self) -> Result<BesideLongSteps> {
        let spec =
            RunSpec::from_toml("", &endless(&["objective=adversarial", "batch_size=2048"]), &catalog())?;
        self.session.send(Command::Start(Box::new(spec)));
        let resting = self.run.clone();
        let long = wait(&mut self.session, |session| {
            session.state.newest.clone().filter(|newest| *newest != resting)
        })?;
        let step = |bench: &Self| bench.session.state.runs.get(&long).map_or(0, |run| run.progress.step);
        let until = |bench: &mut Self, step: u64| {
            wait(&mut bench.session, |session| {
                (session.state.runs.get(&long)?.progress.step >= step).then_some(())
            })
        };
        until(self, 2)?;
        let (first, began) = (step(self), Instant::now());
        let mut bars = Latencies(vec![]);
        for _ in 0..BESIDE_LONG_STEPS {
            bars.0.push(self.draw(false)?);
        }
        let next = step(self) + 1;
        until(self, next)?;
        let step_secs = began.elapsed().as_secs_f64() / (step(self) - first) as f64;
        std::thread::sleep(Duration::from_secs_f64(step_secs / 4.0));
        let began = Instant::now();
        self.session.send(Command::Control(long.clone(), Control::Stop));
        wait(&mut self.session, |session| (!session.state.runs.get(&long)?.phase.is_active()).then_some(()))?;
        Ok(BesideLongSteps { step_secs, bars, stop: began.elapsed().as_secs_f64() * 1e3 })
    }

    /// Steps a second for a while.
    fn rate(&mut self, secs: f64, mut meanwhile: impl FnMut(&mut Self) -> Result<()>) -> Result<f64> {
        let step = |bench: &Self| bench.session.state.runs.get(&bench.run).map_or(0, |run| run.progress.step);
        // from the end of a batch to the end of a batch
        let first = step(self);
        self.until_step(first + 1)?;
        let (first, began) = (step(self), Instant::now());
        while began.elapsed().as_secs_f64() < secs {
            meanwhile(self)?;
        }
        let last = step(self);
        self.until_step(last + 1)?;
        Ok((step(self) - first) as f64 / began.elapsed().as_secs_f64())
    }

    fn until_step(&mut self, step: u64) -> Result<()> {
        let run = self.run.clone();
        wait(&mut self.session, |session| (session.state.runs.get(&run)?.progress.step >= step).then_some(()))
    }

    /// Milliseconds from a new position of the pen to its bars, calibrated where that is waited for; then rests until the
    /// next frame.
    fn draw(&mut self, calibrated: bool) -> Result<f64> {
        self.requests += 1;
        let (request, run, began) = (self.requests, self.run.clone(), Instant::now());
        let image = framed(request)?;
        let question = Question::Prediction { sample: image.into() };
        self.session.send(Command::Ask { request, run, question });
        wait(&mut self.session, |session| {
            let finding = session.state.answers.get(&request)?.finding.as_ref();
            let Some(Ok(Finding::Prediction(found))) = finding else { return None };
            let is_calibrated = matches!(found.confidence, Confidence::Calibrated { .. });
            (is_calibrated || !calibrated).then_some(())
        })?;
        let took = began.elapsed();
        self.session.send(Command::Dismiss(request));
        std::thread::sleep(FRAME.saturating_sub(took));
        Ok(took.as_secs_f64() * 1e3)
    }

    /// Milliseconds that each method takes, by its label, for several drawings.
    fn explain(&mut self) -> Result<Vec<(&'static str, Latencies)>> {
        let mut methods: Vec<(&'static str, Latencies)> = vec![];
        for drawing_number in 0..10 {
            self.requests += 1;
            let request = self.requests;
            let image = framed(drawing_number * 6)?;
            let question = Question::Explanation { sample: image.into(), class: None, instead_of: None };
            self.session.send(Command::Ask { request, run: self.run.clone(), question });
            let mut since = Instant::now();
            for method in 0.. {
                let (label, is_last) = wait(&mut self.session, |session| {
                    let answer = session.state.answers.get(&request)?;
                    let Some(Ok(Finding::Explanation(found))) = &answer.finding else { return None };
                    let is_last = answer.share_done >= 1.0 && method + 1 == found.attributions.len();
                    Some((found.attributions.get(method)?.label, is_last))
                })?;
                let took = since.elapsed().as_secs_f64() * 1e3;
                since = Instant::now();
                match methods.iter_mut().find(|(known, _)| *known == label) {
                    Some((_, latencies)) => latencies.0.push(took),
                    None => methods.push((label, Latencies(vec![took]))),
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(methods)
    }
}

/// A run that does not end, and is not scored, before it has been measured.
fn endless(pairs: &[&str]) -> Vec<String> {
    let endless = ["epoch_steps=1000000", "epochs=10", "evaluations_per_epoch=1"];
    endless.iter().chain(pairs).map(ToString::to_string).collect()
}

/// A seven in the making, as a network sees it: its pen is at another place for each number.
fn framed(number: u64) -> Result<Image> {
    let way = (number % 60 + 6) as usize;
    let point = |at: usize| {
        let along = at as f32 / 65.0;
        if along < 0.4 {
            [0.25 + 1.25 * along, 0.22]
        } else {
            [0.75 - 0.5 * (along - 0.4), 0.22 + (along - 0.4)]
        }
    };
    let drawing = Drawing { strokes: vec![(0..way).map(point).collect()], pen_width: 0.08 };
    Ok(Image::drawing(drawing.sheet().context("nothing is drawn")?.frame()))
}

fn wait<T>(session: &mut Session, found: impl Fn(&Session) -> Option<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = found(session) {
            return Ok(found);
        }
        ensure!(began.elapsed() < PATIENCE, "The measurement got no answer: {:?}", session.state.notices);
        session.wait(Duration::from_millis(100));
    }
}

impl Latencies {
    /// The least that so large a share of them does not exceed.
    fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let at = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn report(
    json: bool,
    slowdown: f64,
    training: &mut Latencies,
    idle: &mut Latencies,
    explained_training: &mut [(&'static str, Latencies)],
    explained_idle: &mut [(&'static str, Latencies)],
) {
    if json {
        return line(json!({
            "measured": "drawing", "training_slowed_by": slowdown,
            "training_ms_p50": training.quantile(0.5), "training_ms_p99": training.quantile(0.99),
            "idle_ms_p50": idle.quantile(0.5), "idle_ms_p99": idle.quantile(0.99),
            "explanations_training_ms_max": maxima(explained_training),
            "explanations_idle_ms_max": maxima(explained_idle),
        }));
    }
    line(format!("Training is {:.1} % slower during constant drawing", slowdown * 100.0));
    for (when, latencies) in [("while training", training), ("idle", idle)] {
        let (half, most) = (latencies.quantile(0.5), latencies.quantile(0.99));
        line(format!(
            "Pen to bars, {when}: median {half:.1} ms, 99 % within {most:.1} ms, of {}",
            latencies.0.len()
        ));
    }
    for (when, methods) in [("while training", explained_training), ("idle", explained_idle)] {
        for (label, latencies) in methods {
            let (half, most) = (latencies.quantile(0.5), latencies.quantile(1.0));
            line(format!("{label}, {when}: median {half:.0} ms, at most {most:.0} ms"));
        }
    }
}

impl BesideLongSteps {
    fn report(&mut self, json: bool) {
        let Self { step_secs, stop, .. } = *self;
        let (half, most, count) = (self.bars.quantile(0.5), self.bars.quantile(0.99), self.bars.0.len());
        if json {
            return line(json!({
                "measured": "drawing beside long steps", "step_secs": step_secs,
                "ms_p50": half, "ms_p99": most, "stop_ms": stop,
            }));
        }
        line(format!(
            "Pen to bars, beside steps of {step_secs:.1} s of another run: median {half:.1} ms, 99 % within {most:.1} ms, of {count}"
        ));
        line(format!("Stop amid such a step: {stop:.0} ms"));
    }
}

fn maxima(methods: &mut [(&'static str, Latencies)]) -> serde_json::Map<String, serde_json::Value> {
    methods
        .iter_mut()
        .map(|(label, latencies)| ((*label).to_owned(), json!(latencies.quantile(1.0))))
        .collect()
}
