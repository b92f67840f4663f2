//! What is found out in a copy of a run or of the form's recipe: a learning rate, and what another batch size would change.
use super::{
    Action,
    asking::Asker,
    look::{self, Look},
    plot::{
        axes::{logarithmic_marks, x_axis, y_axis},
        bounds,
    },
    theme::{self, semibold},
    widgets::{number, strong, thousands},
};
use crate::{
    engine::LEARNING_RATE,
    metrics,
    noise::{Alternative, NoiseScale},
    protocol::{Command, Finding, Question, RunId},
    rates::{self, RateTest, Suggestion, written},
    session::{Run, State},
    spec::{RunSpec, Section},
};
use egui::{Button, Color32, FontId, Id, Modal, ProgressBar, RichText, Role, Ui, WidgetInfo};
use egui_plot::{HoverPosition, Line, LineStyle, Plot, PlotBounds, VLine};

const HEIGHT: f32 = 240.0;

/// What is looked for.
#[derive(Clone, Copy, PartialEq)]
pub enum Wanted {
    /// A learning rate.
    Rate,
    /// What another batch size would cost and change.
    Batches,
}

/// What it is looked for.
pub enum Target {
    /// The weights of a run as they are.
    Run(RunId),
    /// Weights that a recipe would begin with.
    Recipe(Box<RunSpec>),
}

/// A test that somebody looks at.
struct Asked {
    what: Wanted,
    target: Target,
    request: u64,
    share_done: f32,
    found: Option<Result<Finding, String>>,
}

/// One test at a time, in a card over the window.
#[derive(Default)]
pub struct Finder {
    wanted: Option<(Wanted, Target)>,
    asked: Option<Asked>,
}

/// A learning rate that somebody chose to use.
pub struct Chosen {
    pub target: Target,
    pub rate: f64,
}

impl Finder {
    /// Begins a test at the next frame.
    pub fn find(&mut self, what: Wanted, target: Target) {
        self.wanted = Some((what, target));
    }

    /// The card, as long as it is open; gives the rate that was chosen.
    pub fn ui(&mut self, ui: &Ui, state: &State, asker: &mut Asker<'_>) -> Option<Chosen> {
        if let Some((what, target)) = self.wanted.take() {
            let (run, spec) = match &target {
                Target::Run(run) => (run.clone(), None),
                Target::Recipe(spec) => ("".into(), Some(spec.clone())),
            };
            let question = match what {
                Wanted::Rate => Question::LearningRates { spec },
                Wanted::Batches => Question::NoiseScale { spec },
            };
            let request = asker.ask(run, question);
            self.asked = Some(Asked { what, target, request, share_done: 0.0, found: None });
        }
        let asked = self.asked.as_mut()?;
        asked.take_in(asker);
        let (is_open, chosen) = asked.card(ui, state);
        if is_open {
            return None;
        }
        asker.dismiss(asked.request);
        let target = self.asked.take()?.target;
        chosen.map(|rate| Chosen { target, rate })
    }
}

impl Chosen {
    /// What makes a run go on with the rate: its schedule scales what it is tuned to.
    pub fn tuned(&self, run: &Run) -> Action {
        let mut live = run.live.clone();
        let base = live.get(Section::Optimizer, &LEARNING_RATE);
        let now = run.latest(metrics::LEARNING_RATE, metrics::Split::Train);
        let factor = now.map_or(1.0, |now| now / base);
        let rate = if factor > 0.0 { self.rate / factor } else { self.rate };
        live.set(Section::Optimizer, &LEARNING_RATE, rate.clamp(1e-6, LEARNING_RATE.max()));
        Action::Send(Command::Tune(run.id.clone(), live))
    }
}

impl Asked {
    fn take_in(&mut self, asker: &Asker<'_>) {
        let Some(answer) = asker.answers.get(&self.request) else { return };
        self.share_done = answer.share_done;
        if answer.finding.is_some() {
            self.found.clone_from(&answer.finding);
        }
    }

    /// Whether it stays open, and the rate that was chosen.
    fn card(&self, ui: &Ui, state: &State) -> (bool, Option<f64>) {
        let screen = ui.ctx().content_rect();
        let modal = Modal::new(Id::unique("rate finder")).show(ui.ctx(), |ui| {
            ui.set_width((screen.width() - 80.0).clamp(240.0, 620.0));
            let (title, text) = match self.what {
                Wanted::Rate => (
                    "Find a learning rate",
                    "A copy takes one step with each rate, from small to large, and is thrown away.",
                ),
                Wanted::Batches => (
                    "Another batch size",
                    "The gradients of some batches are compared, in a copy that is thrown away.",
                ),
            };
            ui.label(strong(title).heading());
            let of = match &self.target {
                Target::Run(run) => state.runs.get(run).map_or("The run", |run| &run.spec.name),
                Target::Recipe(_) => "The recipe",
            };
            ui.label(RichText::new(format!("{text} {of} stays as it is.")).weak());
            match &self.found {
                Some(Err(error)) => drop(ui.colored_label(theme::alarm(ui.visuals().dark_mode), error)),
                Some(Ok(Finding::LearningRates(test))) => self.test(ui, test),
                Some(Ok(Finding::NoiseScale(noise))) => batches(ui, noise),
                _ if self.what == Wanted::Rate => self.test(ui, &RateTest::default()),
                _ => self.progress(ui, "Comparing gradients"),
            }
            ui.add_space(6.0);
            self.buttons(ui)
        });
        let (is_open, chosen) = modal.inner;
        (is_open && !ui.input(|input| input.key_pressed(egui::Key::Escape)), chosen)
    }

    fn test(&self, ui: &mut Ui, test: &RateTest) {
        plot(ui, test);
        if self.share_done < 1.0 {
            let most = rates::tried().len();
            self.progress(ui, &format!("{} steps taken, at most {most}", test.points.len()));
        } else {
            ui.label(test.conclusion());
        }
    }

    fn progress(&self, ui: &mut Ui, text: &str) {
        let bar = ui.add(ProgressBar::new(self.share_done).desired_height(8.0).corner_radius(4.0));
        bar.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, text));
        ui.label(RichText::new(text).small().weak());
    }

    /// Whether the card stays open, and the rate that was chosen.
    fn buttons(&self, ui: &mut Ui) -> (bool, Option<f64>) {
        let suggested = match &self.found {
            Some(Ok(Finding::LearningRates(test))) if self.share_done >= 1.0 => test.suggestion,
            _ => None,
        };
        ui.horizontal_wrapped(|ui| {
            let chosen = suggested.filter(|Suggestion { rate, .. }| {
                let text = RichText::new(format!("Use {}", written(*rate))).color(Color32::WHITE);
                let fill = ui.visuals().selection.bg_fill;
                ui.add(Button::new(text.family(semibold())).fill(fill)).clicked()
            });
            let text = if self.share_done < 1.0 && self.found.as_ref().is_none_or(|found| found.is_ok()) {
                "Stop"
            } else {
                "Close"
            };
            let is_closed = ui.button(text).clicked();
            (!is_closed && chosen.is_none(), chosen.map(|found| found.rate))
        })
        .inner
    }
}

/// What was found, and what other batch sizes would cost.
fn batches(ui: &mut Ui, noise: &NoiseScale) {
    ui.label(noise.conclusion());
    let alternatives = noise.alternatives();
    if alternatives.is_empty() {
        return;
    }
    ui.add_space(4.0);
    egui::Grid::new("batches").striped(true).spacing([24.0, 4.0]).show(ui, |ui| {
        for heading in ["Batch size", "Steps", "Examples"] {
            ui.label(strong(heading));
        }
        ui.end_row();
        for Alternative { batch_size, steps, examples } in alternatives {
            ui.label(thousands(batch_size as u64));
            ui.label(format!("{steps:.2} ×"));
            ui.label(format!("{examples:.2} ×"));
            ui.end_row();
        }
    });
    let text = "To the same loss, against the present batch size; the learning rate has to suit each.";
    ui.label(RichText::new(text).small().weak());
}

/// The losses over a logarithmic axis of rates, the suggestion as a dashed line.
fn plot(ui: &mut Ui, test: &RateTest) {
    let dark = ui.visuals().dark_mode;
    let look = Look::of_few(0, dark);
    let weak = ui.visuals().weak_text_color();
    let of_noise = Look { color: look.color.gamma_multiply(0.4), ..look };
    look::key(ui, [(look, "Loss, smoothed"), (of_noise, "Loss of each step")]);
    let rates = rates::tried();
    let [x0, x1] = [rates[0], rates[rates.len() - 1]].map(f64::log10);
    let font = FontId::proportional(13.0);
    let x_axis = x_axis(font.clone()).tick_label_color(weak).label("Learning rate");
    let y_axis = y_axis(font, 46.0).tick_label_color(weak);
    let plot = Plot::new("rates")
        .height(HEIGHT)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .x_grid_spacer(logarithmic_marks)
        .custom_x_axes(vec![x_axis.formatter(|mark, _| decade(mark.value))])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| number(mark.value))])
        .label_formatter(|hover| match hover {
            HoverPosition::NearDataPoint { position, .. } => Some(format!(
                "Learning rate {}\nLoss {}",
                written(10f64.powf(position.x)),
                number(position.y)
            )),
            HoverPosition::Elsewhere { .. } => None,
        });
    let [x0, x1] = bounds::padded([x0, x1], ui.available_width() - 46.0);
    // Noise is not made to look like a fall: the axis begins at 0, and ends above the loss at rest.
    let first = test.smoothed.first().copied().unwrap_or(1.0);
    let [low, _] = bounds::extent(test.smoothed.iter().copied()).unwrap_or([0.0, 1.0]);
    let [y0, y1] = bounds::padded([low.min(0.0), 1.4 * first.max(0.01)], HEIGHT - 40.0);
    let shown = |at: f64| at <= y1;
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
        let raw = test.points.iter().map(|[rate, loss]| [rate.log10(), *loss]).filter(|at| shown(at[1]));
        let raw = Line::new("Loss of each step", raw.collect::<Vec<_>>());
        plot.line(raw.color(of_noise.color).width(1.0).allow_hover(false));
        let smooth = test.points.iter().zip(&test.smoothed).map(|([rate, _], loss)| [rate.log10(), *loss]);
        plot.line(look.line("Loss, smoothed", smooth.filter(|at| shown(at[1])).collect::<Vec<_>>(), 2.4));
        if let Some(Suggestion { rate, .. }) = test.suggestion {
            let line = VLine::new("Suggested", rate.log10()).id(Id::unique("suggested"));
            plot.vline(line.color(weak).width(1.5).style(LineStyle::dashed_dense()));
        }
    });
}

/// The mark of a whole decade.
fn decade(log: f64) -> String {
    if (log - log.round()).abs() < 1e-6 { written(10f64.powf(log)) } else { String::new() }
}
