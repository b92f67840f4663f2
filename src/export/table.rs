//! The curves of any runs as one table: CSV, JSON or Parquet, one row a point.
use crate::{
    disk,
    metrics::Point,
    runs::RunFolder,
    spec::{Catalog, RunSpec},
};
use anyhow::{Context as _, Result, bail};
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};
use serde_json::{Map, Value as Json, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

/// A run that is to be in the table.
pub struct Selected {
    /// The name of its folder.
    pub id: String,
    /// Its recipe.
    pub spec: RunSpec,
    /// Where its curves are.
    pub folder: RunFolder,
}

/// A value of a recipe.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Number(f64),
    Text(String),
}

/// By dotted key.
type Values = BTreeMap<String, Cell>;

/// Writes the curves of runs, with what differs between their recipes. The ending of `path` says how: csv, json or parquet.
///
/// # Errors
/// Where the ending is another one, a run's curves cannot be read, or the file cannot be written.
pub fn write(path: &Path, runs: &[Selected], catalog: &Catalog) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let write: fn(File, &[Selected], &Differing) -> Result<()> = match ending.as_str() {
        "csv" => as_csv,
        "json" => as_json,
        "parquet" => as_parquet,
        _ => bail!("A table ends in .csv, .json or .parquet, and {} does not", path.display()),
    };
    let differing = Differing::of(runs, catalog);
    let partial = disk::partial(path);
    let made = File::create(&partial).map_err(anyhow::Error::from);
    let made =
        made.and_then(|file| write(file, runs, &differing)).and_then(|()| Ok(disk::rename(&partial, path)?));
    if made.is_err() {
        let _best_effort = std::fs::remove_file(&partial);
    }
    made.map_err(|error| disk::unwritten("Could not write the table", path, error))
}

/// What differs between recipes.
struct Differing {
    keys: Vec<String>,
    /// One for each run.
    values: Vec<Values>,
}

impl Differing {
    fn of(runs: &[Selected], catalog: &Catalog) -> Self {
        let values: Vec<Values> = runs.iter().map(|run| values(&run.spec, catalog)).collect();
        let all: BTreeSet<&String> = values.iter().flat_map(|values| values.keys()).collect();
        let differs = |key: &&&String| values.iter().any(|of| of.get(**key) != values[0].get(**key));
        let keys = all.iter().filter(differs).map(|key| (*key).clone()).collect();
        Self { keys, values }
    }

    fn is_number(&self, key: &str) -> bool {
        self.values.iter().all(|of| !matches!(of.get(key), Some(Cell::Text(_))))
    }
}

/// A recipe by dotted keys, but its name and what it belongs to.
fn values(spec: &RunSpec, catalog: &Catalog) -> Values {
    let mut values = Values::new();
    for (section, value) in spec.to_table(catalog) {
        match value {
            toml::Value::Table(table) => {
                values.extend(
                    table.iter().filter_map(|(key, value)| Some((format!("{section}.{key}"), cell(value)?))),
                );
            }
            _ if ["name", "version"].contains(&section.as_str()) => {}
            value => values.extend(cell(&value).map(|cell| (section, cell))),
        }
    }
    values
}

fn cell(value: &toml::Value) -> Option<Cell> {
    Some(match value {
        toml::Value::Integer(number) => Cell::Number(*number as f64),
        toml::Value::Float(number) => Cell::Number(*number),
        toml::Value::Boolean(on) => Cell::Number(f64::from(u8::from(*on))),
        toml::Value::String(text) => Cell::Text(text.clone()),
        _ => return None,
    })
}

fn points(run: &Selected) -> Result<Vec<Point>> {
    let mut points = vec![];
    run.folder.each_point(|point| points.push(point))?;
    Ok(points)
}

fn as_csv(file: File, runs: &[Selected], differing: &Differing) -> Result<()> {
    let mut table = csv::Writer::from_writer(BufWriter::new(file));
    let keys = differing.keys.iter().map(String::as_str);
    table
        .write_record(["run", "name"].into_iter().chain(keys).chain(["split", "step", "metric", "value"]))?;
    for (run, values) in runs.iter().zip(&differing.values) {
        let text = |key: &String| match values.get(key) {
            Some(Cell::Number(number)) => number.to_string(),
            Some(Cell::Text(text)) => text.clone(),
            None => String::new(),
        };
        let of_run: Vec<String> = [run.id.clone(), run.spec.name.clone()]
            .into_iter()
            .chain(differing.keys.iter().map(text))
            .collect();
        for Point { step, split, metric, value } in points(run)? {
            let of_point = [split.id().to_owned(), step.to_string(), metric.to_owned(), value.to_string()];
            table.write_record(of_run.iter().chain(&of_point))?;
        }
    }
    Ok(table.into_inner().map_err(|error| error.into_error())?.flush()?)
}

fn as_json(file: File, runs: &[Selected], differing: &Differing) -> Result<()> {
    let mut file = BufWriter::new(file);
    let mut separator = "[\n";
    for (run, values) in runs.iter().zip(&differing.values) {
        let mut of_run = Map::new();
        for key in &differing.keys {
            let value = match values.get(key) {
                Some(Cell::Number(number)) => json!(number),
                Some(Cell::Text(text)) => json!(text),
                None => Json::Null,
            };
            of_run.insert(key.clone(), value);
        }
        for Point { step, split, metric, value } in points(run)? {
            // JSON has no NaN: null stands for it
            let mut row = json!({
                "run": run.id, "name": run.spec.name, "split": split.id(), "step": step, "metric": metric, "value": value,
            });
            row.as_object_mut().into_iter().for_each(|row| row.extend(of_run.clone()));
            file.write_all(separator.as_bytes())?;
            serde_json::to_writer(&mut file, &row)?;
            separator = ",\n";
        }
    }
    file.write_all(if separator == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    Ok(file.flush()?)
}

/// One group of rows a run.
fn as_parquet(file: File, runs: &[Selected], differing: &Differing) -> Result<()> {
    let text = |name: &str| column(name, Physical::BYTE_ARRAY, Some(LogicalType::String));
    let number = |name: &str| column(name, Physical::DOUBLE, None);
    let mut columns = vec![text("run")?, text("name")?];
    for key in &differing.keys {
        columns.push(if differing.is_number(key) { number(key)? } else { text(key)? });
    }
    let step = column("step", Physical::INT64, None)?;
    columns.extend([text("split")?, step, text("metric")?, number("value")?]);
    let schema = Arc::new(Type::group_type_builder("points").with_fields(columns).build()?);
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let mut file = SerializedFileWriter::new(BufWriter::new(file), schema, Arc::new(properties.build()))?;
    for (run, values) in runs.iter().zip(&differing.values) {
        let points = points(run)?;
        let rows = points.len();
        let mut group = file.next_row_group()?;
        let repeated = |text: &str| vec![ByteArray::from(text); rows];
        put::<ByteArrayType>(&mut group, &repeated(&run.id), rows)?;
        put::<ByteArrayType>(&mut group, &repeated(&run.spec.name), rows)?;
        for key in &differing.keys {
            match values.get(key) {
                Some(Cell::Text(text)) => put::<ByteArrayType>(&mut group, &repeated(text), rows)?,
                Some(Cell::Number(number)) if differing.is_number(key) => {
                    put::<DoubleType>(&mut group, &vec![*number; rows], rows)?;
                }
                Some(Cell::Number(number)) => {
                    put::<ByteArrayType>(&mut group, &repeated(&number.to_string()), rows)?
                }
                None if differing.is_number(key) => put::<DoubleType>(&mut group, &[], rows)?,
                None => put::<ByteArrayType>(&mut group, &[], rows)?,
            }
        }
        let texts = |text: fn(&Point) -> &'static str| {
            points.iter().map(|at| ByteArray::from(text(at))).collect::<Vec<_>>()
        };
        put::<ByteArrayType>(&mut group, &texts(|at| at.split.id()), rows)?;
        put::<Int64Type>(&mut group, &points.iter().map(|at| at.step as i64).collect::<Vec<_>>(), rows)?;
        put::<ByteArrayType>(&mut group, &texts(|at| at.metric), rows)?;
        put::<DoubleType>(&mut group, &points.iter().map(|at| at.value).collect::<Vec<_>>(), rows)?;
        group.close()?;
    }
    file.close()?;
    Ok(())
}

/// A column in which values may be missing.
fn column(name: &str, physical: Physical, logical: Option<LogicalType>) -> Result<Arc<Type>> {
    let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(builder.with_logical_type(logical).build()?))
}

/// Writes the next column of a group: all values of `rows`, or none.
fn put<T: DataType>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, BufWriter<File>>,
    values: &[T::T],
    rows: usize,
) -> Result<()> {
    let mut column = group.next_column()?.context("there is no such column")?;
    let levels = vec![i16::from(!values.is_empty()); rows];
    column.typed::<T>().write_batch(values, Some(&levels), None)?;
    Ok(column.close()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::{LOSS, Split},
        runs::MetricsFile,
        session::catalog,
    };
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    fn selected(home: &Path, id: &str, encoder: &str) -> Selected {
        let folder = RunFolder::new(home.join(id));
        std::fs::create_dir(&folder.path).unwrap();
        let mut metrics = MetricsFile::open(&folder, 0).unwrap();
        metrics.push(&[
            Point { step: 1, split: Split::Train, metric: LOSS, value: 0.5 },
            Point { step: 2, split: Split::Validation, metric: LOSS, value: f64::NAN },
        ]);
        metrics.sync().unwrap();
        let spec =
            RunSpec::from_toml("", &[format!("encoder={encoder}"), format!("name=a, \"{id}\"")], &catalog());
        Selected { id: id.into(), spec: spec.unwrap(), folder }
    }

    #[test]
    fn each_form_has_every_point_and_what_differs() {
        let home = tempfile::tempdir().unwrap();
        let runs = [selected(home.path(), "one", "mlp"), selected(home.path(), "two", "seed_cnn")];
        let to = |name: &str| {
            let path = home.path().join(name);
            write(&path, &runs, &catalog()).unwrap();
            path
        };
        let mut table = csv::Reader::from_path(to("a.csv")).unwrap();
        let header: Vec<_> = table.headers().unwrap().iter().map(String::from).collect();
        assert!(
            header.contains(&"encoder.id".into()) && !header.contains(&"optimizer.id".into()),
            "{header:?}"
        );
        let rows: Vec<_> = table.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[0][1], &rows[0][rows[0].len() - 1]), (4, "a, \"one\"", "0.5"));
        let json: Vec<Json> = serde_json::from_reader(File::open(to("a.json")).unwrap()).unwrap();
        assert_eq!(
            (json.len(), &json[2]["encoder.id"], &json[3]["value"]),
            (4, &json!("seed_cnn"), &Json::Null)
        );
        let parquet = SerializedFileReader::new(File::open(to("a.parquet")).unwrap()).unwrap();
        let rows: Vec<_> = parquet.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let fields: BTreeMap<String, String> =
            rows[0].get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect();
        assert_eq!(
            (rows.len(), fields["value"].as_str(), fields["encoder.id"].as_str()),
            (4, "0.5", "\"mlp\"")
        );
        assert_eq!(fields.len(), header.len());
    }

    #[test]
    fn another_ending_is_refused_and_no_run_is_an_empty_table() {
        let home = tempfile::tempdir().unwrap();
        let error = write(&home.path().join("a.xlsx"), &[], &catalog()).unwrap_err();
        assert!(error.to_string().contains(".csv, .json or .parquet"), "{error}");
        let path = home.path().join("a.json");
        write(&path, &[], &catalog()).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "[]\n");
    }
}
