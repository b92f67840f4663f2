//! Pictures that a table gives labels to: a column of files, and one of labels, on a line for each picture or for each box.
use super::{
    Contents, Format, Images, MIN_BOX_SIZE, Part, PictureFile,
    columns::{FILES, Header, LABELS},
    entries,
    finder::{Finder, Missing},
    labels::own_classes,
    name,
    parts::{self, PartName},
    pictures::is_picture,
    table::{Table, candidates, chosen, is_table},
    tree::Folder,
};
use crate::{
    data::{Notes, watch::Watch},
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use plan::Plan;
use rows::Rows;
use std::path::{Path, PathBuf};

mod plan;
mod rows;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "image_table",
        label: "CSV table of pictures",
        help: "Pictures, and a table with a column of their names (file, image, filename, path, id) and one of labels, or a column of 0 and 1 for each class; with boxes (xmin, ymin, xmax, ymax) each box becomes an image. Commas, semicolons, tabs or bars.",
        params: &[],
    },
    recognises: |path| !tables(path).is_empty(),
    read,
};

/// Rows that tell what a table is.
const FIRST_ROWS: usize = 6;
/// Columns among which that of files is.
const FIRST_COLUMNS: usize = 8;
/// Folders beside a table that are looked into for its pictures.
const FOLDERS: usize = 32;
/// Endings that the names in a table may lack.
const ENDINGS: [&str; 3] = ["jpg", "png", "jpeg"];

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let mut contents = Contents::default();
    let notes = &mut contents.notes;
    let tables = tables(path);
    let root = if path.is_dir() { path } else { path.parent().context("The table is in no folder")? };
    let mut finder = Finder::of(&Folder::read(root, watch, notes)?);
    let tables = chosen(tables, root, notes);
    let mut rows = Rows::new(choice.get(&MIN_BOX_SIZE));
    for (place, (path, part)) in tables.iter().enumerate() {
        let read = add(path, *part, &mut rows, &mut finder, watch, notes);
        match read.map_err(|error| error.at(path)) {
            // one table is enough to train on
            Err(error) if place > 0 && !error.is::<crate::data::watch::Stopped>() => {
                notes.remarks.push(Remark::from(&error.context("A table is not used")).to_string());
            }
            other => other?,
        }
    }
    ensure!(!rows.is_empty(), nothing_named(tables.first().map_or(root, |(path, _)| path), notes));
    let [train, test] = rows.parts(&finder, notes)?;
    for picture in finder.pictures().iter().filter(|picture| !picture.is_named) {
        match picture.unreadable {
            Some(kind) => notes.leave_out(&format!("{kind} cannot be read"), &picture.path),
            None => notes.leave_out("no table gives them a label", &picture.path),
        }
    }
    let written: Vec<String> = train.iter().chain(&test).map(|(_, label)| label.clone()).collect();
    let (class_names, labels) = own_classes(&written);
    let (train_labels, test_labels) = labels.split_at(train.len());
    let part = |rows: Vec<(PictureFile, String)>, labels: &[usize]| Part {
        images: Images::Pictures(rows.into_iter().map(|(picture, _)| picture).collect()),
        labels: labels.to_vec(),
    };
    contents.class_names = class_names;
    contents.train = part(train, train_labels);
    contents.test = (!test_labels.is_empty()).then(|| part(test, test_labels));
    Ok(contents)
}

fn nothing_named(table: &Path, notes: &Notes) -> anyhow::Error {
    match notes.left_out.first().filter(|_| notes.passed_over.is_empty()) {
        Some(_) => notes.nothing_left("None of the pictures that the table names can be used"),
        None => anyhow!("None of the pictures that the table names is there: put them beside it").at(table),
    }
}

/// The tables of pictures in a folder, or the one that is meant by a file.
fn tables(path: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| candidates(folder).into_iter().filter(|path| is_of_pictures(path));
    let own: Vec<PathBuf> = inside(path).collect();
    let is_home = |folder: &PathBuf| {
        folder.is_dir()
            && (parts::named(&name(folder)).is_some() || ["annotations", "labels"].contains(&&*name(folder)))
    };
    let inner: Vec<PathBuf> =
        entries(path).iter().filter(|path| is_home(path)).flat_map(|folder| inside(folder)).collect();
    // a table of the other parts alone is none of those that are trained on
    let trains = |inner: &PathBuf| parts::of(inner, path).is_none_or(|part| part == PartName::Train);
    if own.is_empty() && !inner.iter().any(trains) { vec![] } else { [own, inner].concat() }
}

/// Whether a file is a table of pictures: its first line says so, or its first rows name some that are there.
fn is_of_pictures(path: &Path) -> bool {
    // a form for answers gives every picture the same label
    if name(path).contains("submission") {
        return false;
    }
    let Some(rows) = Table::beginning(path).map(|table| table.first(FIRST_ROWS)) else { return false };
    let Some(first) = rows.first().filter(|row| row.len() > 1) else { return false };
    let header = Header::of(first);
    let files = &FILES[..18];
    let has_names = header.find(files).is_some() && !header.all(&LABELS).is_empty();
    let is_text = name(path).ends_with(".txt");
    if has_names && !is_text {
        return true;
    }
    let folders = beside(path);
    let named = |column: usize| {
        let is_file = header.all(&FILES).contains(&column);
        let is_there =
            |row: &&Vec<String>| row.get(column).is_some_and(|field| is_there(field, is_file, &folders));
        let found = rows.iter().filter(is_there).count();
        found > 0 && found + 1 >= rows.len()
    };
    (0..first.len().min(FIRST_COLUMNS)).any(named)
}

/// The folder of a table, and those in it, where its pictures may be.
fn beside(table: &Path) -> Vec<PathBuf> {
    let Some(own) = table.parent() else { return vec![] };
    let above = own.parent().filter(|_| parts::named(&name(own)).is_none());
    let inner = entries(own).into_iter().filter(|path| path.is_dir()).take(FOLDERS);
    [own.to_path_buf()].into_iter().chain(inner).chain(above.map(Into::into)).collect()
}

/// Whether a field names a picture; without an ending only in a column that is called one of files.
fn is_there(field: &str, is_file_column: bool, folders: &[PathBuf]) -> bool {
    let written = field.trim().replace('\\', "/");
    if written.is_empty() || written.len() > 255 || !is_within(&written) {
        return false;
    }
    let is_file = |path: &Path| folders.iter().any(|folder| folder.join(path).is_file());
    if is_picture(Path::new(&written)) {
        let own = written.rsplit('/').next().unwrap_or(&written);
        return is_file(Path::new(&written)) || is_file(Path::new(own));
    }
    is_file_column && ENDINGS.iter().any(|ending| is_file(Path::new(&format!("{written}.{ending}"))))
}

/// Whether a path stays within its folder.
fn is_within(file: &str) -> bool {
    let is_inner = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir);
    Path::new(file).components().all(is_inner)
}

/// Adds the rows of a table.
fn add(
    path: &Path,
    part: Option<PartName>,
    rows: &mut Rows,
    finder: &mut Finder,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<()> {
    let table = Table::read(path, watch)?;
    let folder = path.parent().unwrap_or(path);
    // also where the table is all there is, its pictures are those of the part that it names
    let near = part.or_else(|| parts::named(&name(path)));
    let plan = Plan::of(&table, |field| finder.find(field, folder, near) != Err(Missing::None), watch)?;
    notes.remarks.extend(plan.remark.clone());
    let mut is_first = plan.is_header;
    table.each(|line, row| {
        watch.go_on()?;
        if std::mem::take(&mut is_first) {
            return Ok(());
        }
        let Some(file) = row.get(plan.file).filter(|_| row.len() >= plan.columns) else {
            let (columns, found) = (plan.columns, row.len());
            let text = format!(
                "Line {line} was passed over, so correct it: it has {found} columns where {columns} are needed, separated by {}",
                table.separated_by()
            );
            notes.pass_over(Remark::new(text, path));
            return Ok(());
        };
        match finder.find(file, folder, near) {
            Ok(place) => rows.add(place, plan.row(row, part), finder, notes),
            Err(missing) => {
                let text = match missing {
                    Missing::None => "names a picture that is not in the folder: put it there",
                    Missing::Several => "names a picture of which there are several: write its folder before it",
                };
                notes.pass_over(Remark::new(format!("Line {line} {text}"), &folder.join(file)));
            }
        }
        Ok(())
    })
}

/// What is wrong with the tables that lie among pictures and that no format reads; none where there are none.
pub(super) fn fault(path: &Path) -> Option<anyhow::Error> {
    let is_csv = |path: &PathBuf| is_table(path) && !name(path).ends_with(".txt");
    let table = &candidates(path).into_iter().find(is_csv)?;
    let first = Table::beginning(table)?.first(1).into_iter().next().unwrap_or_default();
    let shown: Vec<String> = first.iter().take(6).map(|field| crate::errors::name(field)).collect();
    let text = format!(
        "The table has the columns {}: a table of pictures needs one of files and one of labels, named file and label, and one of pixels a label and at least 16 numbers a line",
        if shown.is_empty() { "of no line".into() } else { shown.join(", ") }
    );
    Some(anyhow!(text).at(table))
}
