//! What a table can show of a run, sort by and be filtered by.
use super::{Row, duration, figures_known, state};
use crate::{
    metrics::{self, MetricInfo},
    nearest::suggestion,
    spec::{Catalog, Param, ParamKind, RunSpec, Section, dotted},
};
use std::{borrow::Cow, collections::BTreeMap};

/// One property of runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// What a person calls the run.
    Name,
    /// The name of its folder.
    Id,
    /// Where it stands: "running", "finished" and so on.
    State,
    /// The minute in which it was made.
    Made,
    /// Batches done.
    Step,
    /// Seconds of training, without pauses.
    Time,
    /// What its random numbers are derived from.
    Seed,
    /// What its encoder began with.
    InitFrom,
    /// The comparison or sweep that it belongs to.
    Comparison,
    /// The arm of that comparison.
    Arm,
    /// The data set's path.
    Path,
    /// Its tags.
    Tags,
    /// The component chosen in a section.
    Component(Section),
    /// A hyperparameter.
    Param(Params),
    /// A figure of a metric, or of each run's own headline.
    Figure(Option<&'static MetricInfo>, Measured),
}

/// The hyperparameters that a word stands for: those of that very key, and where a run has none of them, those that
/// the word is a part of, as `dropout` is of `conv_dropout`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    exact: Vec<(Section, &'static Param)>,
    parts: Vec<(Section, &'static Param)>,
}

/// Which figure of a metric is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// The best on the validation examples.
    Best,
    /// The latest on the validation examples.
    Latest,
    /// On the test examples, where it was asked for.
    Test,
}

/// What a run has in a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Missing,
    /// A number, in the unit of the field.
    Number(f64),
    /// A word or a name.
    Text(Cow<'a, str>),
}

/// The fields that are called by a word of their own.
const NAMED: [(&str, Field); 19] = [
    ("name", Field::Name),
    ("id", Field::Id),
    ("state", Field::State),
    ("made", Field::Made),
    ("step", Field::Step),
    ("time", Field::Time),
    ("seed", Field::Seed),
    ("init_from", Field::InitFrom),
    ("comparison", Field::Comparison),
    ("sweep", Field::Comparison),
    ("arm", Field::Arm),
    ("path", Field::Path),
    ("tag", Field::Tags),
    ("tags", Field::Tags),
    ("best", Field::Figure(None, Measured::Best)),
    ("validation", Field::Figure(None, Measured::Best)),
    ("latest", Field::Figure(None, Measured::Latest)),
    ("test", Field::Figure(None, Measured::Test)),
    ("data", Field::Component(Section::Dataset)),
];

impl Field {
    /// The field that a word means: its own name, a component's section, a hyperparameter by its key (dotted, whole, its
    /// initials or its beginning), or a metric, whose best validation is meant unless `.latest` or `.test` follows.
    ///
    /// # Errors
    /// Where there is none, with the nearest known word, or where it could be several.
    pub fn find(word: &str, catalog: &Catalog) -> Result<Self, String> {
        let word = word.to_lowercase().replace('-', "_");
        if let Some((_, field)) = NAMED.iter().find(|(name, _)| *name == word) {
            return Ok(field.clone());
        }
        if let Some(section) = choosable().find(|section| section.id() == word) {
            return Ok(Self::Component(section));
        }
        if let Some(params) = params(&word, catalog)? {
            return Ok(Self::Param(params));
        }
        if let Some(figure) = figure(&word) {
            return Ok(figure);
        }
        Err(format!("{word:?} is not known{}", suggestion(&word, &known(catalog))))
    }

    /// A single hyperparameter.
    pub fn param(section: Section, param: &'static Param) -> Self {
        Self::Param(Params { exact: vec![(section, param)], parts: vec![] })
    }

    /// The word for it, which [`find`](Self::find) understands.
    pub fn key(&self) -> String {
        match self {
            Self::Component(section) => section.id().into(),
            Self::Param(params) => match (&params.exact[..], &params.parts[..]) {
                ([(section, param)], []) => dotted(*section, param),
                ([(_, param), ..], _) | ([], [(_, param), ..]) => param.key.into(),
                ([], []) => String::new(),
            },
            Self::Figure(Some(metric), Measured::Best) => metric.id.into(),
            Self::Figure(Some(metric), Measured::Latest) => format!("{}.latest", metric.id),
            Self::Figure(Some(metric), Measured::Test) => format!("{}.test", metric.id),
            named => NAMED
                .iter()
                .find(|(_, field)| field == named)
                .map_or_else(String::new, |(name, _)| (*name).into()),
        }
    }

    /// What it is called at the head of a column.
    pub fn label(&self) -> String {
        let plain = match self {
            Self::Name => "Name",
            Self::Id => "Folder",
            Self::State => "State",
            Self::Made => "Made",
            Self::Step => "Step",
            Self::Time => "Time",
            Self::Seed => "Seed",
            Self::InitFrom => "Begins with",
            Self::Comparison => "Comparison",
            Self::Arm => "Arm",
            Self::Path => "Path",
            Self::Tags => "Tags",
            Self::Component(section) => return section.label().into(),
            Self::Param(Params { exact, parts }) => {
                let params = exact.iter().chain(parts);
                return params.map(|(_, param)| param.label).next().unwrap_or_default().into();
            }
            Self::Figure(metric, measured) => {
                let of = metric.map_or("Figure".into(), |metric| metric.label.to_owned());
                return format!("{of}, {}", measured.label());
            }
        };
        plain.into()
    }

    /// Whether it is measured on the test examples, by which nobody should choose.
    pub fn is_of_the_test(&self) -> bool {
        matches!(self, Self::Figure(_, Measured::Test))
    }

    /// All that a run has in the field: of a word that stands for several hyperparameters, each.
    pub fn values<'a>(&self, row: &Row<'a>) -> Vec<Value<'a>> {
        match self {
            Self::Param(params) => {
                params.of(row).map(|(section, param)| value(row.spec, section, param)).collect()
            }
            Self::Tags => row.marks.tags.iter().map(|tag| Value::Text(tag.as_str().into())).collect(),
            single => vec![single.value(row)],
        }
    }

    /// What a run has in the field, as one value.
    pub fn value<'a>(&self, row: &Row<'a>) -> Value<'a> {
        let text = |text: &'a str| Value::Text(text.into());
        let optional = |found: Option<&'a str>| found.map_or(Value::Missing, text);
        let entrant = row.spec.entrant.as_ref();
        match self {
            Self::Name => text(&row.spec.name),
            Self::Id => text(row.id),
            Self::State => Value::Text(state(row.phase).into()),
            Self::Made => Value::Text(row.id.get(..15).unwrap_or(row.id).into()),
            Self::Step => Value::Number(row.progress.step as f64),
            Self::Time => Value::Number(row.progress.elapsed_secs),
            Self::Seed => Value::Number(row.spec.seed as f64),
            Self::InitFrom => optional(row.spec.init_from.as_deref()),
            Self::Comparison => optional(entrant.map(|entrant| entrant.comparison.as_str())),
            Self::Arm => optional(entrant.map(|entrant| entrant.arm.as_str())),
            Self::Path => row
                .spec
                .dataset
                .path
                .as_ref()
                .map_or(Value::Missing, |path| Value::Text(path.to_string_lossy())),
            Self::Tags if row.marks.tags.is_empty() => Value::Missing,
            Self::Tags => {
                Value::Text(row.marks.tags.iter().map(String::as_str).collect::<Vec<_>>().join(" ").into())
            }
            Self::Component(section) => text(row.spec.id(*section)),
            Self::Param(params) => {
                let first = params.of(row).next();
                first.map_or(Value::Missing, |(section, param)| value(row.spec, section, param))
            }
            Self::Figure(metric, measured) => {
                let figure = measured.of(row, metric.unwrap_or(row.headline));
                figure.map_or(Value::Missing, Value::Number)
            }
        }
    }

    /// What a run has in the field, to be read by a person; empty where there is nothing.
    pub fn written(&self, row: &Row<'_>) -> String {
        match (self, self.value(row)) {
            (_, Value::Missing) => String::new(),
            (Self::Figure(metric, _), Value::Number(value)) => metric.unwrap_or(row.headline).written(value),
            (Self::Time, Value::Number(secs)) => duration(secs),
            (Self::Seed, _) => row.spec.seed.to_string(),
            (_, Value::Number(number)) => short(number),
            (_, Value::Text(text)) => text.into_owned(),
        }
    }
}

impl Params {
    /// Those that a run has.
    fn of(&self, row: &Row<'_>) -> impl Iterator<Item = (Section, &'static Param)> {
        let has = |(section, param): &(Section, &'static Param)| row.catalog.has(row.spec, *section, param);
        let exact: Vec<_> = self.exact.iter().copied().filter(has).collect();
        let parts = if exact.is_empty() { &self.parts[..] } else { &[] };
        exact.into_iter().chain(parts.iter().copied().filter(has).collect::<Vec<_>>())
    }
}

impl Measured {
    /// Every kind of figure, and what may follow a metric's name for it.
    const ALL: [(Measured, &str); 3] =
        [(Measured::Best, "best"), (Measured::Latest, "latest"), (Measured::Test, "test")];

    fn label(self) -> &'static str {
        match self {
            Self::Best => "best validation",
            Self::Latest => "latest validation",
            Self::Test => "test",
        }
    }

    fn of(self, row: &Row<'_>, metric: &MetricInfo) -> Option<f64> {
        let figures = row.figures(metric.id)?;
        match self {
            Self::Best => figures.best.map(|(_, value)| value),
            Self::Latest => figures.latest.map(|(_, value)| value),
            Self::Test => figures.test,
        }
    }
}

/// The fields in which runs differ, the most telling first: components, then hyperparameters in the order of the form.
pub fn differing(rows: &[Row<'_>]) -> Vec<Field> {
    let Some((first, others)) = rows.split_first() else { return vec![] };
    let differs = |field: &Field| {
        let value = field.value(first);
        others.iter().any(|row| field.value(row) != value)
    };
    let plain = choosable().map(Field::Component).chain([Field::Path, Field::InitFrom, Field::Seed]);
    let mut fields: Vec<Field> = plain.filter(differs).collect();
    let mut params: BTreeMap<Section, Vec<&'static Param>> = BTreeMap::new();
    for section in Section::ALL {
        // most runs of a section are alike, and comparing whole sections is quick
        let is_other = |row: &&Row<'_>| !row.spec.is_same(first.spec, section);
        for row in others.iter().filter(is_other) {
            let known = params.entry(section).or_default();
            let of_row = row.catalog.component(section, row.spec.id(section)).into_iter();
            let of_first = row.catalog.component(section, first.spec.id(section)).into_iter();
            for param in of_first.chain(of_row).flat_map(|info| info.params) {
                if !known.contains(&param) && value_if(first, section, param) != value_if(row, section, param)
                {
                    known.push(param);
                }
            }
        }
    }
    let named = params
        .into_iter()
        .flat_map(|(section, params)| params.into_iter().map(move |param| (section, param)));
    fields.extend(named.map(|(section, param)| Field::param(section, param)));
    fields
}

/// A number to six digits: "0.001", "0.00001", "64", "1e-9".
pub fn short(number: f64) -> String {
    // by way of decimal digits, so that 0.1 + 0.2 is 0.3
    written(format!("{number:.5e}").parse().unwrap_or(number))
}

/// A number that reads back the same: "0.001", "0.00001", "64", "1e-9".
pub fn written(number: f64) -> String {
    let is_tiny = number != 0.0 && !(1e-6..1e12).contains(&number.abs());
    if is_tiny { format!("{number:e}") } else { format!("{number}") }
}

/// The sections in which a component is chosen.
fn choosable() -> impl Iterator<Item = Section> {
    let are_not_chosen = [Section::Augmentation, Section::Training];
    Section::ALL.into_iter().filter(move |section| !are_not_chosen.contains(section))
}

fn value_if(row: &Row<'_>, section: Section, param: &'static Param) -> Option<f64> {
    row.catalog.has(row.spec, section, param).then(|| row.spec.get(section, param))
}

/// The value of a hyperparameter, in words where it is one of several.
fn value<'a>(spec: &RunSpec, section: Section, param: &'static Param) -> Value<'a> {
    let value = spec.get(section, param);
    match param.kind {
        ParamKind::Switch => Value::Text(if value == 0.0 { "false" } else { "true" }.into()),
        ParamKind::Choice(options) => match options.get(value as usize) {
            Some((id, _)) => Value::Text((*id).into()),
            None => Value::Number(value),
        },
        _ => Value::Number(value),
    }
}

/// Every hyperparameter that there is, each once.
fn all_params(catalog: &Catalog) -> Vec<(Section, &'static Param)> {
    let mut all: Vec<(Section, &'static Param)> = vec![];
    for section in Section::ALL {
        for param in catalog.section(section).iter().flat_map(|info| info.params) {
            if !all.iter().any(|(other, known)| *other == section && known.key == param.key) {
                all.push((section, param));
            }
        }
    }
    all
}

/// The hyperparameters that a word stands for; none where it is no such word.
fn params(word: &str, catalog: &Catalog) -> Result<Option<Params>, String> {
    let all = all_params(catalog);
    let those = |is: &dyn Fn(&(Section, &'static Param)) -> bool| -> Vec<_> {
        all.iter().copied().filter(is).collect()
    };
    if word.contains('.') {
        let exact = those(&|(section, param)| dotted(*section, param) == word);
        return Ok((!exact.is_empty()).then_some(Params { exact, parts: vec![] }));
    }
    let initials =
        |param: &Param| -> String { param.key.split('_').filter_map(|part| part.chars().next()).collect() };
    let mut exact = those(&|(_, param)| param.key == word);
    if exact.is_empty() && word.len() >= 2 {
        exact = those(&|(_, param)| initials(param) == word);
    }
    let parts = those(&|(_, param)| param.key != word && param.key.split('_').any(|part| part == word));
    if !exact.is_empty() || !parts.is_empty() {
        return Ok(Some(Params { exact, parts }));
    }
    let exact = those(&|(_, param)| word.len() >= 3 && param.key.starts_with(word));
    let mut keys: Vec<&str> = exact.iter().map(|(_, param)| param.key).collect();
    keys.dedup();
    match keys[..] {
        [] => Ok(None),
        [_] => Ok(Some(Params { exact, parts: vec![] })),
        _ => Err(format!("{word:?} could be {}: write one of them", keys.join(" or "))),
    }
}

/// "accuracy", "accuracy.latest" or "test.accuracy".
fn figure(word: &str) -> Option<Field> {
    let measured =
        |name: &str| Measured::ALL.iter().find(|(_, known)| *known == name).map(|(measured, _)| *measured);
    let (metric, measured) = match word.split_once('.') {
        None => (word, Measured::Best),
        Some((metric, kind)) => match (measured(kind), measured(metric)) {
            (Some(measured), _) => (metric, measured),
            (None, Some(measured)) => (kind, measured),
            (None, None) => return None,
        },
    };
    let metric = metrics::find(metric).filter(|found| figures_known().any(|known| known.id == found.id))?;
    Some(Field::Figure(Some(metric), measured))
}

/// Every word that names a field.
pub(super) fn known(catalog: &Catalog) -> Vec<&'static str> {
    let named = NAMED.iter().map(|(name, _)| *name);
    let sections = choosable().map(Section::id);
    let params = all_params(catalog).into_iter().map(|(_, param)| param.key);
    let mut known: Vec<_> =
        named.chain(sections).chain(params).chain(figures_known().map(|metric| metric.id)).collect();
    known.sort_unstable();
    known.dedup();
    known
}
