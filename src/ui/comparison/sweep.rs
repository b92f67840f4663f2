//! A sweep whose settings a search chooses: the curves of its trials, what they came to by each hyperparameter, how much
//! each matters, and what is still to be tried.
use super::{Entrants, awaited, conclusions_of, race::framed};
use crate::{
    experiment::{Experiment, Figure, Found, Importance, Search, Standing},
    protocol::{Command, ComparisonId, ComparisonInfo, Order, Phase},
    ui::{
        Action,
        plot::bounds,
        save::{self, Mark, Source},
        theme,
        widgets::{card, columns, figure, labeled_button, strong},
    },
};
use egui::{Color32, DragValue, Id, ProgressBar, RichText, Role, Ui, WidgetInfo};
use egui_material_icons::icons::ICON_PLAYLIST_ADD;
use egui_plot::{Line, PlotBounds};

mod parallel;
mod scatter;
mod trials;

/// In less width the plots are one beneath the other, in points.
const NARROW: f32 = 680.0;

/// What is kept between frames.
#[derive(Default)]
pub struct Kept {
    /// The sweep that it is about.
    of: Option<ComparisonId>,
    analysis: Option<Analysis>,
    /// The budget that is being chosen, in settings.
    budget: Option<usize>,
    /// All trials are listed, and not the best alone.
    all: bool,
}

/// What the figures come to; it is worked out again when one of them changes.
struct Analysis {
    search: Search,
    figures: Vec<Option<Figure>>,
    standings: Vec<Standing>,
    /// The best first.
    ranked: Vec<usize>,
    importance: Importance,
    said: Vec<String>,
}

impl Analysis {
    /// The former one where nothing has changed.
    fn of(former: Option<Self>, experiment: &Experiment, search: &Search, found: &Found) -> Self {
        let trials = || 0..search.drawn.len();
        let figures: Vec<_> = trials().map(|trial| experiment.figure(search, trial, found)).collect();
        let standings: Vec<_> = trials().map(|trial| experiment.standing(search, trial, found)).collect();
        if let Some(former) = former
            && (&former.figures, &former.standings, &former.search) == (&figures, &standings, search)
        {
            return former;
        }
        Self {
            ranked: experiment.ranked(search, found),
            importance: experiment.importance(search, found),
            said: experiment.said_of_sweep(search, found),
            search: search.clone(),
            figures,
            standings,
        }
    }

    /// The colour of a trial: the better it ranks, the more it stands out.
    fn color(&self, trial: usize, ui: &Ui) -> Color32 {
        let (best, rest) = (theme::run_colors(ui.visuals().dark_mode)[0], ui.visuals().weak_text_color());
        let Some(rank) = self.ranked.iter().position(|other| *other == trial) else { return rest };
        rest.lerp_to_gamma(best, (1.0 - 3.0 * rank as f32 / self.ranked.len() as f32).max(0.0))
    }
}

/// All that is drawn from.
struct Shown<'a> {
    experiment: &'a Experiment,
    search: &'a Search,
    found: &'a Found,
    analysis: &'a Analysis,
    source: &'a Source,
}

pub fn ui(
    ui: &mut Ui,
    kept: &mut Kept,
    (info, search, found): (&ComparisonInfo, &Search, &Found),
    entrants: &Entrants<'_>,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    let experiment = &info.experiment;
    if kept.of.as_ref() != Some(&info.id) {
        *kept = Kept { of: Some(info.id.clone()), ..Kept::default() };
    }
    let analysis = Analysis::of(kept.analysis.take(), experiment, search, found);
    budget(ui, &mut kept.budget, info, search, actions);
    let shown = Shown { experiment, search, found, analysis: &analysis, source };
    let height = ((ui.available_height() - 330.0) / 2.0).clamp(190.0, 380.0);
    let across = if ui.available_width() < NARROW { 1 } else { 2 };
    columns(ui, across, |column, ui| {
        if column == 0 {
            curves(ui, &shown, height, actions);
        }
        if column == across - 1 {
            parallel::ui(ui, &shown, height, actions);
        }
    });
    columns(ui, across, |column, ui| {
        for axis in (0..experiment.axes.len()).filter(|axis| axis % across == column) {
            scatter::ui(ui, &shown, axis, height, actions);
        }
    });
    importance(ui, &shown);
    trials::ui(ui, &mut kept.all, (info, &shown), entrants, actions);
    conclusions_of(ui, &analysis.said);
    kept.analysis = Some(analysis);
}

/// How many settings are tried, which may be changed at any time.
fn budget(
    ui: &mut Ui,
    kept: &mut Option<usize>,
    info: &ComparisonInfo,
    search: &Search,
    actions: &mut Vec<Action>,
) {
    let mut wanted = kept.unwrap_or(search.trials);
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Settings to try");
        let help = "How many settings are tried in all. It can be changed while the sweep is at work, and a finished one goes on.";
        let number = DragValue::new(&mut wanted).range(search.drawn.len().max(1)..=5000).speed(0.2);
        ui.add(number).labelled_by(label.id).on_hover_text(help);
        if wanted != search.trials {
            let text = format!("Try {wanted} settings");
            if labeled_button(ui, ICON_PLAYLIST_ADD, &text).clicked() {
                let mut experiment = info.experiment.clone();
                experiment.search = Some(Search { trials: wanted, ..search.clone() });
                let mut order = |order| actions.push(Action::Send(Command::Order(info.id.clone(), order)));
                order(Order::Revise(Box::new(experiment)));
                if info.phase == Phase::Finished {
                    order(Order::Resume);
                }
            }
        }
    });
    *kept = (wanted != search.trials).then_some(wanted);
}

/// The metric of every trial while it trains.
fn curves(ui: &mut Ui, shown: &Shown<'_>, height: f32, actions: &mut Vec<Action>) {
    let Shown { experiment, found, analysis, source, .. } = shown;
    let what = format!("{} while the trials train", experiment.measured());
    card(ui).show(ui, |ui| {
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("The trials")).on_hover_text(format!("{what}. The best ones stand out."));
            wanted = save::menu(ui, "the trials", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let points = || found.values().flat_map(|run| &run.curve);
        if points().next().is_none() {
            awaited(ui, height, "A curve for each setting appears at its first validation.");
        } else {
            let last = points().map(|point| point[0]).fold(1.0, f64::max);
            let values = bounds::extent(points().map(|point| point[1]));
            let [y0, y1] =
                bounds::padded(bounds::fitted(experiment.metric.unit, values, false), height - 20.0);
            // the best are drawn last, over the others
            let order = (0..analysis.figures.len()).filter(|trial| !analysis.ranked.contains(trial));
            let order: Vec<usize> = order.chain(analysis.ranked.iter().rev().copied()).collect();
            let colors: Vec<Color32> = order.iter().map(|trial| analysis.color(*trial, ui)).collect();
            framed("sweep", height, experiment.metric).show(ui, |plot| {
                plot.set_plot_bounds(PlotBounds::from_min_max([0.0, y0], [last * 1.02, y1]));
                for (trial, color) in order.iter().zip(colors) {
                    for (seed, cell) in experiment.cells_of(*trial).enumerate() {
                        let Some(run) = found.get(&cell).filter(|run| !run.curve.is_empty()) else {
                            continue;
                        };
                        let name = format!("Trial {}: {}", trial + 1, experiment.point_label(*trial));
                        let id = Id::unique(("trial", trial, seed));
                        plot.line(Line::new(name, run.curve.clone()).color(color).width(1.8).id(id));
                    }
                }
            });
        }
        let within = ui.min_rect().with_min_y(top);
        let caption = source.title(&what).into();
        actions.extend(mark.save(ui, wanted, within, &caption, || trials::table(shown)));
    });
}

/// How much each hyperparameter matters, or why that cannot be said.
fn importance(ui: &mut Ui, shown: &Shown<'_>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let help = "The share of the differences between settings that each hyperparameter explains by itself, as a random forest has learnt them: functional analysis of variance. In brackets, where nine of ten resamples of the trials lie.";
        ui.label(strong("What matters")).on_hover_text(help);
        match &shown.analysis.importance {
            Importance::TooFew { trials, needed } => {
                let text = format!("This is said once {needed} settings have a figure; {trials} have one.");
                ui.label(RichText::new(text).weak());
            }
            Importance::Unclear => {
                let text = "The figures do not show that any of the hyperparameters matters within these ranges.";
                ui.label(text);
            }
            Importance::Known { shares, after, trials } => {
                let color = theme::run_colors(ui.visuals().dark_mode)[0];
                for (axis, share) in shown.experiment.axes.iter().zip(shares) {
                    let [low, high] = share.interval.map(|end| 100.0 * end);
                    let text = format!(
                        "{}: {:.0} % ({low:.0} to {high:.0} %)",
                        axis.settings[0].title(),
                        100.0 * share.mean
                    );
                    ui.label(&text);
                    let bar = ProgressBar::new(share.mean as f32).desired_height(6.0).corner_radius(3.0).fill(color);
                    let bar = ui.add(bar);
                    bar.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &text));
                }
                let after = if *after < 1.0 { format!(", {:.0} % into their training", 100.0 * after) } else { String::new() };
                ui.label(RichText::new(format!("By {trials} settings{after}.")).weak());
            }
        }
    });
}

/// "98.6 %", or a dash.
fn written(experiment: &Experiment, of: Option<Figure>) -> String {
    of.map_or("–".into(), |of| figure(experiment.metric, of.value))
}
