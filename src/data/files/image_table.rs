//! Pictures that a CSV table gives labels to: a column of files, and one of labels.
use super::{Contents, Format, Images, Part, PictureFile, entries, name, named_classes, text};
use crate::{
    data::watch::Watch,
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::path::{Path, PathBuf};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "image_table",
        label: "CSV table of pictures",
        help: "A folder with pictures and a CSV file that has a column of their names (file, image, filename, path) and one of labels.",
        params: &[],
    },
    recognises: |path| table(path).is_some(),
    read,
};

const FILE_NAMES: [&str; 6] = ["file", "image", "filename", "file_name", "path", "image_path"];
const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "category"];

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let table = table(path).context("There is no table of pictures")?;
    let folder = table.parent().context("The table is in no folder")?;
    let text = text::read(&table, watch)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().context("The table has no first line").at(&table)?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|field| names.contains(&field.trim().to_lowercase().as_str()))
    };
    let (file, label) = column(&FILE_NAMES)
        .zip(column(&LABEL_NAMES))
        .context("The table has no column of files, or none of labels: name them file and label")
        .at(&table)?;
    let mut contents = Contents::default();
    let (mut pictures, mut written) = (vec![], vec![]);
    for (line, record) in reader.records().enumerate() {
        watch.go_on()?;
        let fields = record.as_ref().ok().and_then(|record| record.get(file).zip(record.get(label)));
        let Some((file, label)) = fields else {
            let text = format!("Line {} has too few columns or is no text: correct it", line + 2);
            contents.notes.pass_over(Remark::new(text, &table));
            continue;
        };
        let path = folder.join(file.trim());
        if !is_within(file.trim()) || !path.is_file() {
            let text = format!("Line {} names a picture that is not in the folder: put it there", line + 2);
            contents.notes.pass_over(Remark::new(text, &path));
            continue;
        }
        pictures.push(PictureFile { path, crop: None });
        written.push(label.trim().to_owned());
    }
    ensure!(
        !pictures.is_empty(),
        anyhow!("None of the pictures that the table names is there: put them beside it").at(&table)
    );
    let (class_names, labels) = named_classes(&written);
    contents.class_names = class_names;
    contents.train = Part { images: Images::Pictures(pictures), labels };
    Ok(contents)
}

/// The table itself, or the first fitting one in a folder.
fn table(path: &Path) -> Option<PathBuf> {
    let is_table = |path: &PathBuf| {
        let line = text::first_line(path).unwrap_or_default().to_lowercase();
        let fields: Vec<&str> = line.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let has = |names: &[&str]| fields.iter().any(|field| names.contains(field));
        has(&FILE_NAMES) && has(&LABEL_NAMES)
    };
    let is_csv = |path: &PathBuf| name(path).ends_with(".csv");
    let candidates = if path.is_dir() { entries(path) } else { vec![path.to_path_buf()] };
    candidates.into_iter().filter(is_csv).find(is_table)
}

/// A table may not name files outside its folder.
fn is_within(file: &str) -> bool {
    Path::new(file)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir))
}
