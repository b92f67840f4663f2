//! A run as one file, `NAME.headstart`: a ZIP archive of its folder, with its newest and its best checkpoint or without
//! weights. A file that somebody sent is checked before anything of it is believed.
use crate::{
    disk,
    errors::At as _,
    protocol::RunId,
    runs::{Home, RunFolder},
    spec::{Catalog, RunSpec},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write as _},
    path::{Path, PathBuf},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// What such a file's name ends in.
pub const ENDING: &str = "headstart";

/// The version of the format.
const VERSION: u64 = 1;
const MANIFEST: &str = "headstart.toml";
const SPEC: &str = "spec.toml";
/// What a run's folder holds beside its checkpoints; only the spec has to be there.
const TEXTS: [&str; 5] = [SPEC, "data.toml", "log.jsonl", "metrics.csv", "marks.toml"];
/// What a checkpoint holds.
const TENSORS: [&str; 3] = ["model.safetensors", "optimizer.safetensors", "self_labels.safetensors"];
const STATE: &str = "state.toml";
/// The most bytes of a text and of a file of tensors, far more than any run has.
const MOST_TEXT: u64 = 1 << 30;
const MOST_TENSORS: u64 = 16 << 30;
/// The most files.
const MOST_FILES: usize = 64;

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u64,
    /// The name of the run's folder where it was trained.
    run: String,
}

/// Writes a run into a file.
///
/// # Errors
/// Where the run cannot be read or the file cannot be written.
pub fn pack(run: &RunId, folder: &RunFolder, path: &Path, with_weights: bool) -> Result<()> {
    let partial = disk::partial(path);
    let packed = write(run, folder, &partial, with_weights).and_then(|()| Ok(disk::rename(&partial, path)?));
    if packed.is_err() {
        let _best_effort = fs::remove_file(&partial);
    }
    packed.map_err(|error| disk::unwritten("Could not pack the run", path, error))
}

fn write(run: &RunId, folder: &RunFolder, path: &Path, with_weights: bool) -> Result<()> {
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    // a checkpoint may be larger than four gigabytes
    let options = SimpleFileOptions::default().large_file(true);
    let (text, tensors) = (
        options.compression_method(CompressionMethod::Deflated),
        options.compression_method(CompressionMethod::Stored),
    );
    archive.start_file(MANIFEST, text)?;
    archive.write_all(toml::to_string(&Manifest { version: VERSION, run: run.to_string() })?.as_bytes())?;
    for name in TEXTS {
        put(&mut archive, name, &folder.path.join(name), text)?;
    }
    for step in if with_weights { kept(folder) } else { vec![] } {
        let (place, from) = (format!("checkpoints/step-{step:06}"), folder.checkpoint(step));
        put(&mut archive, &format!("{place}/{STATE}"), &from.join(STATE), text)?;
        for name in TENSORS {
            put(&mut archive, &format!("{place}/{name}"), &from.join(name), tensors)?;
        }
    }
    archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// The steps of the best and of the newest checkpoint.
fn kept(folder: &RunFolder) -> Vec<u64> {
    let all = folder.checkpoints();
    let best = folder.newest_state().and_then(|state| state.best).map(|(best, _)| best);
    let newest = all.last().copied();
    let steps: BTreeSet<u64> = best.filter(|best| all.contains(best)).into_iter().chain(newest).collect();
    steps.into_iter().collect()
}

/// Puts a file into the archive, where it is there.
fn put(
    archive: &mut ZipWriter<BufWriter<File>>,
    name: &str,
    from: &Path,
    options: SimpleFileOptions,
) -> Result<()> {
    let mut file = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && name != SPEC => return Ok(()),
        opened => opened.context("Could not read the run").at(from)?,
    };
    archive.start_file(name, options)?;
    io::copy(&mut file, archive)?;
    Ok(())
}

/// Takes a run out of a file and into a home; `check` looks at each checkpoint's folder before the run is there. It keeps the
/// name of its folder, unless there is a run of that name.
///
/// # Errors
/// Where the file is none of these, is damaged, or holds anything that no run has. Nothing is left behind then.
pub fn unpack(
    path: &Path,
    home: &Home,
    catalog: &Catalog,
    check: impl Fn(&Path) -> Result<()>,
) -> Result<(RunId, RunFolder)> {
    let read = || -> Result<(RunId, RunFolder)> {
        let file = File::open(path).context("Could not open the file")?;
        let mut archive =
            ZipArchive::new(BufReader::new(file)).context("It is no run that Headstart has written")?;
        let names = names(&mut archive)?;
        let manifest: Manifest = toml::from_str(&text(&mut archive, MANIFEST)?).context("It is damaged")?;
        ensure!(
            manifest.version <= VERSION,
            "It was written by a newer version: update Headstart to open it"
        );
        let spec = RunSpec::from_toml(&text(&mut archive, SPEC)?, &[], catalog)
            .context("Its recipe cannot be used")?;
        // It is no part of a comparison that is not here, and nothing of this program's.
        let spec = RunSpec { entrant: None, shipped: None, ..spec };
        home.receive(&manifest.run, &spec.name, |folder| {
            for (name, to) in &names {
                extract(&mut archive, name, &folder.path.join(to))?;
            }
            folder.write_spec(&spec, catalog)?;
            folder.entries()?;
            folder.each_point(|_| ())?;
            folder.checkpoints().into_iter().try_for_each(|step| {
                folder.checkpoint_state(step)?;
                check(&folder.checkpoint(step))
            })
        })
    };
    read().context("Could not open the run").at(path)
}

/// The files of a run in the archive, each with its place in the run's folder.
fn names(archive: &mut ZipArchive<BufReader<File>>) -> Result<Vec<(String, PathBuf)>> {
    ensure!(archive.len() <= MOST_FILES, "It holds {} files, more than any run", archive.len());
    let mut names = vec![];
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).context("It is damaged")?;
        let name = entry.name().to_owned();
        let most =
            if TENSORS.iter().any(|tensors| name.ends_with(tensors)) { MOST_TENSORS } else { MOST_TEXT };
        ensure!(is_known(&name), "It holds {name:?}, which no run has: it is not opened");
        ensure!(
            entry.size() <= most,
            "It says that {name} takes {}: it is not opened",
            disk::size(entry.size())
        );
        ensure!(names.iter().all(|(other, _)| *other != name), "It holds {name} twice: it is not opened");
        let place = PathBuf::from(&name);
        names.push((name, place));
    }
    names.retain(|(name, _)| name != MANIFEST);
    Ok(names)
}

/// Whether it is one of the files of a run; so it lies in the run's folder, whatever the system's paths mean.
fn is_known(name: &str) -> bool {
    if name == MANIFEST || TEXTS.contains(&name) {
        return true;
    }
    let Some((step, file)) = name.strip_prefix("checkpoints/step-").and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let is_step = (6..=18).contains(&step.len()) && step.bytes().all(|byte| byte.is_ascii_digit());
    is_step && (file == STATE || TENSORS.contains(&file))
}

fn text(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<String> {
    let Ok(entry) = archive.by_name(name) else {
        bail!("It is no run that Headstart has written: {name} is missing")
    };
    let mut text = String::new();
    entry.take(disk::MOST_TEXT).read_to_string(&mut text).context("It is damaged")?;
    Ok(text)
}

/// Writes one file, of which no more is taken than it says.
fn extract(archive: &mut ZipArchive<BufReader<File>>, name: &str, to: &Path) -> Result<()> {
    let entry = archive.by_name(name).context("It is damaged")?;
    let size = entry.size();
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    let mut file = File::create(to)?;
    let copied = io::copy(&mut entry.take(size + 1), &mut file).context("It is damaged")?;
    ensure!(copied == size, anyhow!("It is damaged: {name} is not as long as it says"));
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::DatasetInfo,
        protocol::Phase,
        runs::{CheckpointState, Entry, RunData},
        session::catalog,
        shape::ImageShape,
    };

    fn home(folder: &Path) -> Home {
        Home::open(folder.into()).unwrap()
    }

    /// A run with a checkpoint, in a home of its own.
    fn run(home: &Home) -> (RunId, RunFolder) {
        let info = DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names: vec![] };
        let spec = RunSpec { name: "Sent".into(), ..RunSpec::default() };
        let (id, folder) = home.create(&spec, &catalog(), &RunData::unread(info)).unwrap();
        folder.log(&Entry::new_phase(&Phase::Finished)).unwrap();
        let state = CheckpointState { step: 40, ..CheckpointState::default() };
        folder.save_checkpoint(&state, |to| Ok(fs::write(to.join("model.safetensors"), "weights")?)).unwrap();
        (id, folder)
    }

    /// An archive of any files.
    fn archive(path: &Path, files: &[(&str, &str)]) {
        let mut archive = ZipWriter::new(File::create(path).unwrap());
        for (name, text) in files {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
    }

    #[test]
    fn a_run_arrives_as_it_was_sent_and_twice_under_two_names() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (id, folder) = run(&home(from.path()));
        let file = from.path().join("a.headstart");
        pack(&id, &folder, &file, true).unwrap();
        let to = home(to.path());
        let (first, received) = unpack(&file, &to, &catalog(), |_| Ok(())).unwrap();
        assert_eq!((&first, received.checkpoints()), (&id, vec![40]));
        for name in ["spec.toml", "data.toml", "log.jsonl", "checkpoints/step-000040/model.safetensors"] {
            assert_eq!(
                fs::read(received.path.join(name)).unwrap(),
                fs::read(folder.path.join(name)).unwrap(),
                "{name}"
            );
        }
        let (second, _) = unpack(&file, &to, &catalog(), |_| Ok(())).unwrap();
        assert_ne!(second, first);
        pack(&id, &folder, &file, false).unwrap();
        let (_, without) = unpack(&file, &to, &catalog(), |_| Ok(())).unwrap();
        assert!(without.checkpoints().is_empty());
    }

    #[test]
    fn what_no_run_has_is_refused_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (home, file) = (home(&folder.path().join("home")), folder.path().join("a.headstart"));
        let spec = RunSpec::default().to_toml(&catalog());
        let whole = [("headstart.toml", "version = 1\nrun = 'a'"), ("spec.toml", spec.as_str())];
        for (more, reason) in [
            (&[("../../evil", "x")][..], "which no run has"),
            (&[("/etc/passwd", "x")], "which no run has"),
            (&[("checkpoints/step-000001/../../../x", "x")], "which no run has"),
            (&[("checkpoints\\step-000001\\model.safetensors", "x")], "which no run has"),
            (&[("checkpoints/step-000001/state.toml", "step = 'x'")], "The checkpoint is damaged"),
            (&[("checkpoints/step-000001/model.safetensors", "x")], "Could not read the checkpoint"),
        ] {
            archive(&file, &[&whole[..], more].concat());
            let error = format!("{:#}", unpack(&file, &home, &catalog(), |_| Ok(())).unwrap_err());
            assert!(error.contains(reason), "{more:?}: {error}");
        }
        for (files, reason) in [
            (&[][..], "headstart.toml is missing"),
            (&whole[..1], "spec.toml is missing"),
            (&[("headstart.toml", "version = 2\nrun = 'a'"), whole[1]], "newer version"),
            (&[("headstart.toml", "hello"), whole[1]], "damaged"),
            (&[whole[0], ("spec.toml", "[encoder]\nid = 'brain'")], "recipe cannot be used"),
        ] {
            archive(&file, files);
            let error = format!("{:#}", unpack(&file, &home, &catalog(), |_| Ok(())).unwrap_err());
            assert!(error.contains(reason), "{files:?}: {error}");
        }
        fs::write(&file, "no archive").unwrap();
        assert!(unpack(&file, &home, &catalog(), |_| Ok(())).is_err());
        archive(&file, &whole);
        assert!(
            unpack(&file, &home, &catalog(), |_| bail!("weights")).is_ok(),
            "it has no checkpoint to be checked"
        );
        archive(&file, &[("headstart.toml", "version = 1\nrun = '../../a'"), whole[1]]);
        let (id, received) = unpack(&file, &home, &catalog(), |_| Ok(())).unwrap();
        assert!(received.path.ends_with(&*id) && !id.contains('/'));
        assert_eq!(home.list().unwrap().len(), 2);
        assert!(!folder.path().join("evil").exists());
    }
}
