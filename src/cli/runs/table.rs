//! The list of runs.
use crate::{
    cli::{
        Common, Outcome,
        output::{complain, is_read, line},
    },
    errors::{message, name},
    listing::{Field, Filter, Group, Row, Sorting, differing, sorted, state},
    metrics::ACCURACY,
    protocol::Phase,
    runs::{Home, Summary},
    session::catalog,
    spec::{Catalog, Section},
};
use anyhow::{Context as _, Error, Result, anyhow};
use console::measure_text_width;
use serde_json::{Value, json};

/// Columns of what differs that are shown unless others are asked for.
const MOST_DIFFERENCES: usize = 6;
/// The widest that a column becomes, in characters.
const WIDEST: usize = 44;

#[derive(clap::Args, Debug)]
pub struct List {
    /// Only these: a part of a name, data set or tag; star; KEY=VALUE, KEY!=VALUE, KEY<VALUE, KEY=FROM..TO, such as
    /// lr>0.001 dropout=0.5 fashion tag:best state=finished 'accuracy>98%'; a ! before it means all others
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Sort by a hyperparameter, a figure such as best or accuracy, or name, step, time, made; of figures the best comes first
    #[arg(long, value_name = "KEY")]
    sort: Option<String>,
    /// The other way round
    #[arg(long)]
    reverse: bool,
    /// Put together by sweep, data, objective or tag
    #[arg(long, value_name = "KEY", value_parser = ["none", "sweep", "data", "objective", "tag"])]
    group: Option<String>,
    /// These columns in place of the hyperparameters that differ, such as lr,dropout,accuracy.latest
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    columns: Vec<String>,
    /// Also figures on the test examples, by which nothing should be chosen
    #[arg(long)]
    test: bool,
    /// Also runs that were put away
    #[arg(long)]
    archived: bool,
}

/// Lists the runs that are asked for, in order of time unless another is.
///
/// # Errors
/// Where a key is not known, or the home cannot be read.
pub fn list(home: &Home, args: &List, common: &Common) -> Result<Outcome> {
    let catalog = catalog();
    let filter = Filter::read(&args.filter.join(" "), &catalog, args.test);
    let filter = filter.map_err(|wrong| anyhow!(wrong)).context("The filter is not understood")?;
    let (summaries, errors) = home.summaries(&catalog)?;
    for error in &errors {
        complain(message(error));
    }
    if summaries.is_empty() && errors.is_empty() && !common.json {
        line(
            "There are no runs yet: headstart train drawing makes one, headstart example installs one that is trained",
        );
        return Ok(Outcome::Done);
    }
    let all: Vec<(&Summary, Row<'_>)> =
        summaries.iter().map(|summary| (summary, summary.row(&catalog))).collect();
    let shows_archived = args.archived || filter.asks_for_archived();
    let is_asked_for = |row: &Row<'_>| (shows_archived || !row.marks.archived) && filter.matches(row);
    let (shown, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, row)| is_asked_for(row));
    let shown = in_order(shown, args, &catalog)?;
    if common.json {
        shown.iter().take_while(|_| is_read()).for_each(|(_, row)| line(as_json(home, row)));
        return Ok(Outcome::Done);
    }
    let rows: Vec<Row<'_>> = shown.into_iter().map(|(_, row)| row).collect();
    let columns = Columns::of(&rows, args, &catalog)?;
    columns.show(&rows, group(args));
    let away = rest.iter().filter(|(_, row)| row.marks.archived && filter.matches(row)).count();
    if rows.is_empty() {
        line(format!("None of the {} runs is as asked for", summaries.len()));
    }
    if away > 0 && !shows_archived {
        line(format!("{away} more were put away: --archived shows them"));
    }
    Ok(Outcome::Done)
}

fn in_order<'a, T>(rows: Vec<(T, Row<'a>)>, args: &List, catalog: &Catalog) -> Result<Vec<(T, Row<'a>)>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    match &args.sort {
        Some(key) => {
            let by = field(key, args, catalog).context("They cannot be sorted like that")?;
            let only: Vec<Row<'_>> = rows.iter().map(|(_, row)| row.clone()).collect();
            order = sorted(&only, &Sorting { by, reversed: args.reverse });
        }
        None if args.reverse => order.reverse(),
        None => {}
    }
    let mut rows: Vec<Option<(T, Row<'a>)>> = rows.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|place| rows[place].take()).collect())
}

fn field(key: &str, args: &List, catalog: &Catalog) -> Result<Field> {
    let field = Field::find(key, catalog).map_err(Error::msg)?;
    if field.is_of_the_test() && !args.test {
        return Err(anyhow!("{key:?} is measured on the test examples: add --test to see their figures"));
    }
    Ok(field)
}

fn group(args: &List) -> Group {
    let named = Group::ALL.iter().find(|(_, name, _)| Some(*name) == args.group.as_deref());
    named.map_or(Group::None, |(group, ..)| *group)
}

/// Keys of earlier versions stay.
fn as_json(home: &Home, row: &Row<'_>) -> Value {
    let message = match row.phase {
        Phase::Elsewhere => "Another program trains it",
        Phase::Failed(message) => message,
        _ => "",
    };
    let spec = row.spec;
    let figures = row.figures(row.headline.id);
    let [best, latest] = [figures.and_then(|of| of.best), figures.and_then(|of| of.latest)];
    let test = figures.and_then(|of| of.test);
    let value = |at: Option<(u64, f64)>| at.map(|(_, value)| value);
    let is_accuracy = |value: Option<f64>| value.filter(|_| row.headline.id == ACCURACY);
    json!({
        "run": row.id, "name": spec.name, "folder": home.folder(row.id).path, "state": state(row.phase),
        "message": message, "step": row.progress.step, "steps": row.progress.steps,
        "elapsed_secs": row.progress.elapsed_secs, "created_unix_secs": row.created,
        "objective": spec.objective.id, "encoder": spec.encoder.id, "dataset": spec.dataset.id,
        "comparison": spec.entrant.as_ref().map(|entrant| &entrant.comparison), "shipped": spec.shipped.is_some(),
        "headline": row.headline.id, "best_validation": value(best), "best_step": best.map(|(step, _)| step),
        "latest_validation": value(latest), "test": test,
        "best_validation_accuracy": is_accuracy(value(best)), "test_accuracy": is_accuracy(test),
        "star": row.marks.star, "archived": row.marks.archived, "tags": row.marks.tags, "note": row.marks.note,
        "settings": settings(row),
    })
}

/// Every hyperparameter by its dotted key, as it was set.
fn settings(row: &Row<'_>) -> Value {
    let params = row.catalog.params(row.spec);
    let settings = params.map(|(section, param)| {
        let field = Field::param(section, param);
        let value = match field.value(row) {
            crate::listing::Value::Number(number) => json!(number),
            crate::listing::Value::Text(text) => json!(text),
            crate::listing::Value::Missing => Value::Null,
        };
        (field.key(), value)
    });
    settings.collect::<serde_json::Map<_, _>>().into()
}

/// The columns of a table in letters.
struct Columns(Vec<Column>);

enum Column {
    Run,
    Progress,
    /// What the objective is judged by, and its best validation.
    Best,
    Field(Field),
}

impl Columns {
    fn of(rows: &[Row<'_>], args: &List, catalog: &Catalog) -> Result<Self> {
        let mut columns = vec![Column::Run, Column::Field(Field::State), Column::Progress, Column::Best];
        if args.test {
            columns.push(Column::Field(Field::find("test", catalog).map_err(Error::msg)?));
        }
        if !args.columns.is_empty() {
            for key in &args.columns {
                let field = field(key.trim(), args, catalog).context("There is no such column")?;
                columns.push(Column::Field(field));
            }
            return Ok(Self(columns));
        }
        let objective = Field::Component(Section::Objective);
        let always = [objective.clone(), Field::Comparison, Field::Tags];
        let is_there =
            |field: &Field| *field == objective || rows.iter().any(|row| !field.written(row).is_empty());
        let differing =
            differing(rows).into_iter().filter(|field| *field != objective).take(MOST_DIFFERENCES);
        let [objective, comparison, tags] = always;
        let all = [objective].into_iter().chain(differing).chain([comparison, tags]);
        columns.extend(all.filter(is_there).map(Column::Field));
        Ok(Self(columns))
    }

    fn show(&self, rows: &[Row<'_>], by: Group) {
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| self.0.iter().map(|it| it.cell(row)).collect()).collect();
        let head: Vec<String> = self.0.iter().map(Column::head).collect();
        let width = |at: usize| {
            let all = cells.iter().chain([&head]).map(|row| measure_text_width(&row[at]));
            all.max().unwrap_or_default().min(WIDEST)
        };
        let widths: Vec<usize> = (0..self.0.len()).map(width).collect();
        if !rows.is_empty() {
            line(padded(&head, &widths));
        }
        for (group, places) in by.of(rows) {
            if by != Group::None {
                let title = if group.is_empty() { "The others".into() } else { name(&group) };
                line(format!("\n{title}: {}", places.len()));
            }
            places.iter().take_while(|_| is_read()).for_each(|place| line(padded(&cells[*place], &widths)));
        }
    }
}

impl Column {
    fn head(&self) -> String {
        match self {
            Self::Run => "Run".into(),
            Self::Progress => "Steps".into(),
            Self::Best => "Best validation".into(),
            Self::Field(field) if field.is_of_the_test() => "Test".into(),
            Self::Field(field) => field.label(),
        }
    }

    fn cell(&self, row: &Row<'_>) -> String {
        match self {
            Self::Run => format!("{}{}", name(row.id), if row.marks.star { " *" } else { "" }),
            Self::Progress => format!("{} of {}", row.progress.step, row.progress.steps),
            Self::Best => {
                let best = row.figures(row.headline.id).and_then(|figures| figures.best);
                let best = best.map_or("–".into(), |(_, value)| row.headline.written(value));
                format!("{} {best}", row.headline.name())
            }
            Self::Field(Field::State) if *row.phase == Phase::Elsewhere => "running elsewhere".into(),
            Self::Field(field) => match field.written(row) {
                text if text.is_empty() => "–".into(),
                text => name(&text),
            },
        }
    }
}

fn padded(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let missing = width.saturating_sub(measure_text_width(cell));
        format!("{cell}{}", " ".repeat(missing))
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
