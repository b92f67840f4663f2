//! Which runs a table lists, in which order and with which columns: worked out again where something has changed, and of
//! many runs that train no more than twice a second.
use crate::{
    listing::{Field, Filter, Group, Row, Sorting, differing, sorted},
    protocol::{Phase, RunId},
    spec::{Catalog, Section},
    ui::{settings::TableOptions, views::Scene},
};
use egui::Ui;
use std::{collections::BTreeSet, time::Duration};

/// So many runs are arranged within a moment, in each frame.
const FEW: usize = 200;
/// Seconds between two arrangements of more of them, where only figures have changed.
const PAUSE: f64 = 0.5;
/// Columns of hyperparameters that differ, at most.
const MOST_DIFFERENCES: usize = 12;
/// The narrowest and the widest column, and the width of a letter, in points.
const NARROWEST: f32 = 64.0;
const WIDEST: f32 = 230.0;
const LETTER: f32 = 7.6;

/// What is asked of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub filter: String,
    pub options: TableOptions,
    /// Groups whose runs are not listed.
    pub folded: BTreeSet<String>,
    pub with_archived: bool,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The name of a group, and how many runs it has.
    Group(String, usize),
    Run(RunId),
}

/// What is shown.
pub struct Arranged {
    wanted: Wanted,
    /// Of the state that it was made from.
    revision: (u64, usize),
    at: f64,
    pub lines: Vec<Line>,
    /// Every run that is listed, those in folded groups included, each once.
    pub order: Vec<RunId>,
    pub columns: Vec<Field>,
    /// In points.
    pub widths: Vec<f32>,
    /// Runs that are left out because they were put away.
    pub archived: usize,
    /// Why the filter is not understood: then the last one that was goes on.
    pub filter: Result<Filter, String>,
    understood: Filter,
}

impl Default for Arranged {
    fn default() -> Self {
        Self {
            wanted: Wanted::default(),
            revision: (0, 0),
            at: f64::NEG_INFINITY,
            lines: vec![],
            order: vec![],
            columns: vec![],
            widths: vec![],
            archived: 0,
            filter: Ok(Filter::default()),
            understood: Filter::default(),
        }
    }
}

impl Arranged {
    pub fn update(&mut self, ui: &Ui, wanted: Wanted, scene: &Scene<'_>) {
        let (state, now) = (scene.state, ui.input(|input| input.time));
        let revision = (state.revision, state.runs.len());
        let is_asked_anew = self.wanted != wanted || self.revision.1 != revision.1;
        if !is_asked_anew && state.runs.len() > FEW {
            let left = self.at + PAUSE - now;
            if self.revision == revision {
                return;
            }
            if left > 0.0 {
                return ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
            }
        }
        (self.revision, self.at) = (revision, now);
        self.wanted = wanted;
        // the newest first
        let rows: Vec<Row<'_>> = state.runs.values().rev().map(|run| run.row(scene.catalog)).collect();
        self.arrange(rows, scene.catalog);
    }

    fn arrange(&mut self, rows: Vec<Row<'_>>, catalog: &Catalog) {
        let Wanted { filter, options, folded, with_archived } = self.wanted.clone();
        self.filter = Filter::read(&filter, catalog, options.test);
        if let Ok(filter) = &self.filter {
            self.understood.clone_from(filter);
        }
        let shows_archived = with_archived || self.understood.asks_for_archived();
        let (found, away): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .filter(|row| self.understood.matches(row))
            .partition(|row| shows_archived || !row.marks.archived);
        self.archived = away.len();
        let by = Field::find(&options.sort, catalog).ok().filter(|_| !options.sort.is_empty());
        let order = match by {
            Some(by) => sorted(&found, &Sorting { by, reversed: options.reversed }),
            None => (0..found.len()).collect(),
        };
        let rows: Vec<Row<'_>> = order.into_iter().map(|place| found[place].clone()).collect();
        self.columns = columns(&rows, &options, catalog);
        self.widths = self.columns.iter().map(|field| width(field, &rows)).collect();
        self.order = rows.iter().map(|row| row.id.clone()).collect();
        self.lines = lines(&rows, &options, &folded);
    }
}

fn columns(rows: &[Row<'_>], options: &TableOptions, catalog: &Catalog) -> Vec<Field> {
    let mut columns = vec![Field::Name];
    columns.extend(Field::find("best", catalog));
    if options.test {
        columns.extend(Field::find("test", catalog));
    }
    let mut add = |field: Field| {
        if !columns.contains(&field) {
            columns.push(field);
        }
    };
    if rows.iter().any(|row| *row.phase != Phase::Finished) {
        add(Field::State);
    }
    options.extra.iter().filter_map(|key| Field::find(key, catalog).ok()).for_each(&mut add);
    if options.differing {
        // what a run is judged by stands beside its figure already
        let told = Field::Component(Section::Objective);
        let differing = differing(rows).into_iter().filter(|field| *field != told);
        differing.take(MOST_DIFFERENCES).for_each(&mut add);
    }
    if rows.iter().any(|row| !row.marks.tags.is_empty()) {
        add(Field::Tags);
    }
    columns
}

/// As wide as its longest text, within bounds.
fn width(field: &Field, rows: &[Row<'_>]) -> f32 {
    let letters = |text: &str| -> usize {
        // hanzi and their like are twice as wide
        text.chars().map(|letter| if letter as u32 > 0x2e7f { 2 } else { 1 }).sum()
    };
    let longest = rows.iter().map(|row| letters(&cell(field, row))).max().unwrap_or_default();
    let head = letters(&heading(field)) + 2;
    let room = if *field == Field::Name { 90.0 } else { 20.0 };
    (longest.max(head) as f32 * LETTER + room).clamp(NARROWEST, WIDEST + room)
}

/// What a column is called.
pub fn heading(field: &Field) -> String {
    match field {
        Field::Figure(None, _) if field.is_of_the_test() => "Test".into(),
        Field::Figure(None, _) if field.key() == "best" => "Best validation".into(),
        Field::Figure(None, _) => "Latest validation".into(),
        field => field.label(),
    }
}

/// What a run has in a column; a figure of its headline says which that is.
pub fn cell(field: &Field, row: &Row<'_>) -> String {
    let text = field.written(row);
    match field {
        Field::Figure(None, _) if !text.is_empty() => format!("{text} {}", row.headline.name()),
        Field::State => match row.phase {
            Phase::Elsewhere => "running elsewhere".into(),
            _ => text,
        },
        _ => text,
    }
}

fn lines(rows: &[Row<'_>], options: &TableOptions, folded: &BTreeSet<String>) -> Vec<Line> {
    let group =
        Group::ALL.iter().find(|(_, id, _)| *id == options.group).map_or(Group::None, |(group, ..)| *group);
    let mut lines = vec![];
    for (name, places) in group.of(rows) {
        let is_folded = group != Group::None && folded.contains(&name);
        if group != Group::None {
            lines.push(Line::Group(name, places.len()));
        }
        if !is_folded {
            lines.extend(places.into_iter().map(|place| Line::Run(rows[place].id.clone())));
        }
    }
    lines
}
