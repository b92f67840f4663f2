//! A comparison: its races as they run, accuracy against labels, the figures, and what they allow to be said.
use super::{
    Action,
    save::{self, Format, Mark},
    theme,
    widgets::{card, duration, labeled_button, percent, pill, strong, title},
};
use crate::{
    comparison::{Band, BudgetResult, Cell, Comparison, Results, band, labels},
    metrics::{ACCURACY, Split},
    protocol::{Command, ComparisonInfo, Control, Order, Phase},
    session::{Run, State},
};
use egui::{Color32, FontId, Grid, Id, ProgressBar, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::{ICON_DELETE, ICON_FOLDER_OPEN, ICON_PAUSE, ICON_PLAY_ARROW, ICON_STOP};
use egui_plot::{
    AxisHints, Corner, GridMark, Legend, Line, LineStyle, MarkerShape, Plot, PlotPoints, Points, Polygon,
};
use std::collections::BTreeMap;

/// What the panel keeps between frames.
#[derive(Default)]
pub struct ComparisonPanel {
    /// The budget whose races are shown, by its place; the newest by itself where none was chosen.
    budget: Option<usize>,
}

type Entrants<'a> = BTreeMap<Cell, &'a Run>;

impl ComparisonPanel {
    pub fn ui(&mut self, ui: &mut Ui, state: &State, info: &ComparisonInfo, actions: &mut Vec<Action>) {
        let entrants = state.entrants(info);
        let results = state.results(info);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            header(ui, info, &entrants, actions);
            let height = ((ui.available_height() - 330.0) / 2.0).clamp(190.0, 420.0);
            ui.columns(2, |columns| {
                self.races(&mut columns[0], &info.comparison, &entrants, height, actions);
                efficiency(&mut columns[1], &info.comparison, &results, height, actions);
            });
            figures(ui, &info.comparison, &results, actions);
            conclusions(ui, &info.comparison, &results);
        });
    }

    /// Validation accuracy of every arm as it trains, over the seeds of one budget.
    fn races(
        &mut self,
        ui: &mut Ui,
        comparison: &Comparison,
        entrants: &Entrants<'_>,
        height: f32,
        actions: &mut Vec<Action>,
    ) {
        let newest = entrants.keys().rev().find_map(|cell| match cell {
            Cell::Arm { race, .. } => Some(race % comparison.labels_per_class.len()),
            Cell::Pretraining(_) => None,
        });
        let mut wanted = None;
        let shown = self.budget.or(newest).unwrap_or_default().min(comparison.labels_per_class.len() - 1);
        card(ui).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(strong("The race")).on_hover_text(
                    "Accuracy on validation images while the arms train side by side: the mean over the draws of labels, and between what they lie.",
                );
                for (index, budget) in comparison.labels_per_class.iter().enumerate() {
                    if ui.selectable_label(shown == index, short(*budget)).on_hover_text("Labelled images").clicked() {
                        self.budget = Some(index);
                    }
                }
                wanted = save::menu(ui, "the race", &save::PLOT);
            });
            let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
            let legend = Legend::default().position(Corner::RightBottom).background_alpha(0.6);
            let plot = framed("races", height, "steps").include_x(0.0).legend(legend.follow_insertion_order(true));
            plot.show(ui, |plot| {
                for (index, arm) in comparison.arms.iter().enumerate() {
                    let points = race_band(comparison, entrants, shown, index);
                    let look = Look::of(index, plot.ctx().global_style().visuals.dark_mode);
                    for (at, pair) in points.windows(2).enumerate() {
                        let id = Id::unique(("band", index, at));
                        plot.polygon(between(&pair[0], &pair[1], look.color).id(id));
                    }
                    let mean: Vec<[f64; 2]> = points.iter().map(|at| [at.step, at.mean]).collect();
                    plot.line(look.line(&arm.name, mean));
                }
            });
            let within = ui.min_rect().with_min_y(top);
            let budget = labels(comparison.labels_per_class[shown]);
            let what = format!("{}: validation accuracy with {budget}", comparison.name);
            let table = || race_table(&what, comparison, entrants, shown);
            actions.extend(mark.save(ui, wanted, within, &what, table));
        });
    }
}

/// How an arm is drawn: a colour, a kind of line and a marker of its own.
struct Look {
    color: Color32,
    style: LineStyle,
    marker: MarkerShape,
}

impl Look {
    fn of(arm: usize, dark: bool) -> Self {
        let colors = theme::run_colors(dark);
        let styles = [
            LineStyle::dotted_dense(),
            LineStyle::dashed_dense(),
            LineStyle::dashed_loose(),
            LineStyle::Solid,
        ];
        let markers = [MarkerShape::Cross, MarkerShape::Square, MarkerShape::Diamond, MarkerShape::Circle];
        Self { color: colors[arm % colors.len()], style: styles[arm % 4], marker: markers[arm % 4] }
    }

    fn line<'a>(&self, name: &str, points: Vec<[f64; 2]>) -> Line<'a> {
        let points: PlotPoints<'a> = points.into();
        Line::new(name.to_owned(), points).color(self.color).style(self.style).width(2.6)
    }
}

/// A piece of a band; the whole would not be convex, which egui cannot fill.
fn between<'a>(from: &Band, to: &Band, color: Color32) -> Polygon<'a> {
    let corners = vec![[from.step, from.low], [from.step, from.high], [to.step, to.high], [to.step, to.low]];
    Polygon::new("", corners).fill_color(color.gamma_multiply(0.16)).stroke((0.0, color)).allow_hover(false)
}

fn header(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>, actions: &mut Vec<Action>) {
    let (text, color) = state_of(&info.phase, ui.visuals().dark_mode, ui.visuals().weak_text_color());
    let mut order = |order| actions.push(Action::Send(Command::Order(info.id.clone(), order)));
    let mut open_folder = false;
    ui.horizontal_wrapped(|ui| {
        title(ui, &info.comparison.name);
        pill(ui, text, color);
        match info.phase {
            Phase::Running => {
                if labeled_button(ui, ICON_PAUSE, "Pause").clicked() {
                    order(Order::Control(Control::Pause));
                }
            }
            Phase::Paused => {
                if labeled_button(ui, ICON_PLAY_ARROW, "Continue").clicked() {
                    order(Order::Control(Control::Continue));
                }
            }
            Phase::Stopped | Phase::Failed(_) => {
                let help = "Goes on just where it was, with the same figures as if it had never stopped.";
                if labeled_button(ui, ICON_PLAY_ARROW, "Resume").on_hover_text(help).clicked() {
                    order(Order::Resume);
                }
            }
            Phase::Finished => {}
        }
        if info.phase.is_active()
            && labeled_button(ui, ICON_STOP, "Stop").on_hover_text("It can be resumed.").clicked()
        {
            order(Order::Control(Control::Stop));
        }
        open_folder = labeled_button(ui, ICON_FOLDER_OPEN, "Open folder").clicked();
        let help = "Moves the comparison and its races to the trash; what was pretrained stays.";
        if !info.phase.is_active()
            && labeled_button(ui, ICON_DELETE, "Delete comparison").on_hover_text(help).clicked()
        {
            order(Order::Delete);
        }
    });
    if open_folder {
        actions.push(Action::OpenFolder(info.folder.clone()));
    }
    if let Phase::Failed(message) = &info.phase {
        ui.label(RichText::new(message).color(theme::alarm(ui.visuals().dark_mode)));
    }
    progress(ui, info, entrants);
}

/// "Training", and the colour of that.
pub fn state_of(phase: &Phase, dark: bool, weak: Color32) -> (&'static str, Color32) {
    let colors = theme::run_colors(dark);
    match phase {
        Phase::Running => ("Racing", colors[0]),
        Phase::Paused => ("Paused", colors[1]),
        Phase::Stopped => ("Stopped", weak),
        Phase::Finished => ("Finished", colors[2]),
        Phase::Failed(_) => ("Failed", theme::alarm(dark)),
    }
}

/// The share of a comparison's runs that are done, and where it stands in words.
pub fn stand(info: &ComparisonInfo, entrants: &Entrants<'_>) -> (f32, String) {
    let rounds = info.comparison.rounds();
    let finished = |cell: &Cell| entrants.get(cell).is_some_and(|run| run.phase == Phase::Finished);
    let is_done = |round: &&Vec<Cell>| round.iter().all(finished);
    let done = rounds.iter().take_while(is_done).count();
    let Some(current) = rounds.get(done) else { return (1.0, "All races have ended".into()) };
    let runs: Vec<&&Run> = current.iter().filter_map(|cell| entrants.get(cell)).collect();
    let share = |run: &&&Run| run.progress.step as f32 / run.progress.steps.max(1) as f32;
    let within = runs.iter().map(share).sum::<f32>() / current.len() as f32;
    let left: f64 = runs.iter().filter_map(|run| run.progress.secs_left()).sum();
    let pretrainings = info.comparison.pretrain.len();
    let what = if done < pretrainings {
        format!("{}, then {} races", info.comparison.pretrain[done].name, rounds.len() - pretrainings)
    } else {
        format!("Race {} of {}", done - pretrainings + 1, rounds.len() - pretrainings)
    };
    let took = |round: &Vec<Cell>| -> f64 {
        round.iter().filter_map(|cell| entrants.get(cell)).map(|run| run.progress.elapsed_secs).sum()
    };
    let races: Vec<f64> = rounds[pretrainings.min(done)..done].iter().map(took).collect();
    let pace = races.iter().sum::<f64>() / races.len().max(1) as f64;
    let to_come = rounds.len() - done.max(pretrainings) - usize::from(done >= pretrainings);
    let left = if left > 0.0 {
        format!(" · {} of training left", duration(left + pace * to_come as f64))
    } else {
        String::new()
    };
    ((done as f32 + within) / rounds.len() as f32, format!("{what}{left}"))
}

fn progress(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>) {
    if info.phase == Phase::Finished {
        return;
    }
    let (share, text) = stand(info, entrants);
    ui.label(RichText::new(text).weak());
    let (_, color) = state_of(&info.phase, ui.visuals().dark_mode, ui.visuals().weak_text_color());
    let bar = ui.add(ProgressBar::new(share).desired_height(6.0).corner_radius(3.0).fill(color));
    bar.widget_info(|| {
        WidgetInfo::labeled(
            Role::ProgressIndicator,
            true,
            format!("{}: {:.0} %", info.comparison.name, share * 100.0),
        )
    });
}

fn race_band(comparison: &Comparison, entrants: &Entrants<'_>, budget: usize, arm: usize) -> Vec<Band> {
    let races = comparison.races();
    let wanted = comparison.labels_per_class[budget];
    let on_budget = (0..races.len()).filter(|race| races[*race].labels_per_class == wanted);
    let curves: Vec<&[[f64; 2]]> = on_budget
        .filter_map(|race| Some(entrants.get(&Cell::Arm { race, arm })?.curve(ACCURACY, Split::Validation)))
        .filter(|curve| !curve.is_empty())
        .collect();
    band(&curves)
}

/// What is drawn of a race, an arm and a step a row.
fn race_table(
    what: &str,
    comparison: &Comparison,
    entrants: &Entrants<'_>,
    budget: usize,
) -> anyhow::Result<save::File> {
    let rows = comparison.arms.iter().enumerate().flat_map(|(index, arm)| {
        let row = |at: Band| {
            let figures = [at.step, at.mean, at.low, at.high].map(|value| value.to_string());
            std::iter::once(arm.name.clone()).chain(figures).collect()
        };
        race_band(comparison, entrants, budget, index).into_iter().map(row)
    });
    save::table(what, &["arm", "step", "mean", "lowest", "highest"], rows)
}

/// "10 a class".
fn short(budget: u64) -> String {
    labels(budget).replace(" labels", "").replace(" label", "")
}

/// Test accuracy against the number of labels, evenly spaced by budget.
fn efficiency(
    ui: &mut Ui,
    comparison: &Comparison,
    results: &Results,
    height: f32,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        let mut wanted = None;
        ui.horizontal(|ui| {
            ui.label(strong("What labels are worth")).on_hover_text(
                "Accuracy on the test images at the end of each race, by the number of labels: the mean over the draws, and one standard deviation either way.",
            );
            wanted = save::menu(ui, "what labels are worth", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let budgets = comparison.labels_per_class.clone();
        let name = move |mark: GridMark, _: &std::ops::RangeInclusive<f64>| {
            let place = mark.value.round();
            let budget = budgets.get(place as usize).filter(|_| (mark.value - place).abs() < 1e-6 && place >= 0.0);
            budget.map_or(String::new(), |budget| short(*budget))
        };
        let font = FontId::proportional(14.0);
        let weak = ui.visuals().weak_text_color();
        let axis = AxisHints::new_x().tick_label_font(font).tick_label_color(weak).formatter(name);
        let count = comparison.labels_per_class.len();
        let marks = move |_| (0..count).map(|place| GridMark { value: place as f64, step_size: 1.0 }).collect();
        let plot = framed("efficiency", height, "labels").custom_x_axes(vec![axis]).x_grid_spacer(marks);
        let plot = plot.include_x(-0.3).include_x(count as f64 - 0.7);
        plot.show(ui, |plot| {
            let dark = plot.ctx().global_style().visuals.dark_mode;
            for (index, arm) in comparison.arms.iter().enumerate() {
                let look = Look::of(index, dark);
                let at = |(place, budget): (usize, &BudgetResult)| {
                    let result = &budget.arms[index];
                    Some((place as f64, result.mean?, result.deviation.unwrap_or_default()))
                };
                let found: Vec<(f64, f64, f64)> = results.budgets.iter().enumerate().filter_map(at).collect();
                for (x, mean, deviation) in &found {
                    let whisker = vec![[*x, mean - deviation], [*x, mean + deviation]];
                    let id = Id::unique(("whisker", index, x.to_bits()));
                    plot.line(look.line("", whisker).style(LineStyle::Solid).width(1.4).id(id).allow_hover(false));
                }
                let points: Vec<[f64; 2]> = found.iter().map(|(x, mean, _)| [*x, *mean]).collect();
                let dots = Points::new(arm.name.clone(), points.clone()).shape(look.marker).radius(5.0).filled(true);
                plot.points(dots.color(look.color).id(Id::unique(("dots", index))));
                plot.line(look.line(&arm.name, points));
            }
        });
        let within = ui.min_rect().with_min_y(top);
        let what = format!("{}: what labels are worth", comparison.name);
        actions.extend(mark.save(ui, wanted, within, &what, || table(comparison, results)));
    });
}

fn framed<'a>(id: &str, height: f32, x_name: &'static str) -> Plot<'a> {
    let font = FontId::proportional(14.0);
    let y_axis = AxisHints::new_y().tick_label_font(font.clone()).min_thickness(52.0);
    Plot::new(("comparison", id))
        .height(height)
        .show_background(false)
        .include_y(1.0)
        .custom_x_axes(vec![AxisHints::new_x().tick_label_font(font)])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| format!("{:.0} %", mark.value * 100.0))])
        .label_formatter(move |hover| match hover {
            egui_plot::HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\n{x_name} {:.0}\naccuracy {}", position.x, percent(position.y)))
            }
            egui_plot::HoverPosition::Elsewhere { .. } => None,
        })
}

/// Mean, deviation and the paired difference, an arm a row.
fn figures(ui: &mut Ui, comparison: &Comparison, results: &Results, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let control = &comparison.arms[comparison.control()].name;
        let mut wanted = None;
        ui.horizontal(|ui| {
        ui.label(strong("Test accuracy")).on_hover_text(format!(
            "Mean ± standard deviation over the draws of labels. In brackets the mean difference from “{control}” in the same races, with its 95 % interval, in percentage points."
        ));
        wanted = save::menu(ui, "the figures", &[Format::Csv]);
        });
        actions.extend(wanted.map(|_| save::action(table(comparison, results))));
        ScrollArea::horizontal().show(ui, |ui| {
            Grid::new("figures").striped(true).spacing([22.0, 6.0]).show(ui, |ui| {
                ui.label("");
                for budget in &results.budgets {
                    ui.label(strong(labels(budget.labels_per_class)));
                }
                ui.end_row();
                for (index, arm) in comparison.arms.iter().enumerate() {
                    let color = Look::of(index, ui.visuals().dark_mode).color;
                    ui.label(strong(&arm.name).color(color));
                    for budget in &results.budgets {
                        ui.label(figure(budget, index));
                    }
                    ui.end_row();
                }
            });
        });
    });
}

/// The same figures, an arm and a number of labels a row.
fn table(comparison: &Comparison, results: &Results) -> anyhow::Result<save::File> {
    let header = ["arm", "labels", "mean", "deviation", "difference", "difference_low", "difference_high"];
    let written = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rows = results.budgets.iter().flat_map(|budget| {
        budget.arms.iter().zip(&comparison.arms).map(move |(result, arm)| {
            let [low, high] =
                [0, 1].map(|end| result.difference.and_then(|found| Some(found.interval?[end])));
            let difference = result.difference.map(|found| found.mean);
            let figures = [result.mean, result.deviation, difference, low, high].map(written);
            [arm.name.clone(), labels(budget.labels_per_class)].into_iter().chain(figures).collect()
        })
    });
    save::table(&format!("{} test accuracy", comparison.name), &header, rows)
}

/// "87.8 % ± 3.7 (+19.2, 12.0 to 26.4)".
fn figure(budget: &BudgetResult, arm: usize) -> String {
    let result = &budget.arms[arm];
    let Some(mean) = result.mean else { return "–".into() };
    let deviation = result.deviation.map_or(String::new(), |share| format!(" ± {:.1}", share * 100.0));
    let difference = result.difference.map_or(String::new(), |difference| {
        let interval = difference
            .interval
            .map_or(String::new(), |[low, high]| format!(", {:+.1} to {:+.1}", low * 100.0, high * 100.0));
        format!("  ({:+.1}{interval})", difference.mean * 100.0)
    });
    format!("{}{deviation}{difference}", percent(mean)).replace('-', "−")
}

fn conclusions(ui: &mut Ui, comparison: &Comparison, results: &Results) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(strong("What may be concluded"));
        for sentence in results.conclusions(comparison) {
            ui.label(sentence);
        }
    });
}
