use super::*;
use crate::{data::DatasetInfo, errors::message, session::catalog, shape::ImageShape};

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path().into()).unwrap();
    (folder, home)
}

fn data() -> RunData {
    let class_names = vec!["a".into(), "b".into()];
    RunData::unread(DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names })
}

#[test]
fn names_are_dates_and_slugs() {
    assert_eq!(timestamp(1_795_442_700), "2026-11-23-1405");
    assert_eq!(timestamp(951_782_400), "2000-02-29-0000");
    assert_eq!(slug("Läßt: CNN / Adam 1e-3 "), "l-t-cnn-adam-1e-3");
    assert_eq!(slug("数字"), "run");
}

#[test]
fn a_run_is_found_by_a_unique_beginning() {
    let (_folder, home) = home();
    let (id, folder) =
        home.create(&RunSpec { name: "one".into(), ..RunSpec::default() }, &catalog(), &data()).unwrap();
    assert_eq!(home.find(&id[..12]).unwrap(), id);
    assert_eq!(home.find(&folder.path.display().to_string()).unwrap(), id);
    home.create(&RunSpec { name: "two".into(), ..RunSpec::default() }, &catalog(), &data()).unwrap();
    assert!(home.find(&id[..10]).unwrap_err().to_string().contains("2 runs begin with"));
    assert!(message(&home.find("nope").unwrap_err()).contains("No run begins with"));
}

#[test]
fn deleting_can_be_undone_but_not_under_a_program_that_trains() {
    let (_folder, home) = home();
    let (id, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    let lock = folder.lock().unwrap();
    assert!(message(&home.delete(&id).unwrap_err()).contains("Another Headstart"));
    drop(lock);
    home.delete(&id).unwrap();
    assert!(home.list().unwrap().is_empty());
    home.restore(&id).unwrap();
    assert_eq!(home.list().unwrap(), [id]);
}

#[test]
fn a_run_in_the_hands_of_another_program_is_not_called_stopped() {
    let (_folder, home) = home();
    let (id, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    let phase = || folder.info(&id, &catalog()).unwrap().phase;
    folder.log(&Entry::new_phase(&Phase::Running)).unwrap();
    assert_eq!(phase(), Phase::Stopped, "its program is gone");
    let lock = folder.lock().unwrap();
    assert_eq!(phase(), Phase::Elsewhere);
    folder.log(&Entry::new_phase(&Phase::Finished)).unwrap();
    assert_eq!(phase(), Phase::Finished, "the log says that it has ended");
    folder.log(&Entry::new_phase(&Phase::Paused)).unwrap();
    drop(lock);
    assert_eq!(phase(), Phase::Stopped);
    folder.lock().expect("the lock was only looked at");
}

#[test]
fn a_damaged_or_newer_run_says_so() {
    let (_folder, home) = home();
    let (id, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    fs::write(folder.path.join("spec.toml"), "version = 9").unwrap();
    let error = format!("{:#}", folder.info(&id, &catalog()).unwrap_err());
    assert!(error.contains("update Headstart") && error.contains("spec.toml"), "{error}");
    fs::remove_file(folder.path.join("spec.toml")).unwrap();
    assert!(folder.info(&id, &catalog()).is_err());
}

#[test]
fn an_empty_or_shortened_spec_is_no_recipe() {
    let (_folder, home) = home();
    let (_, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    let path = folder.path.join("spec.toml");
    let whole = fs::read_to_string(&path).unwrap();
    let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.last(), Some(&whole.len()));
    for end in [0].iter().chain(&ends[..ends.len() - 1]) {
        fs::write(&path, &whole[..*end]).unwrap();
        assert!(folder.spec(&catalog()).is_err(), "{:?}", &whole[..*end]);
    }
    fs::write(&path, "").unwrap();
    assert!(format!("{:#}", folder.spec(&catalog()).unwrap_err()).contains("cut short"));
    fs::write(&path, &whole).unwrap();
    folder.spec(&catalog()).unwrap();
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_a_folder_are_refused() {
    let (outside, home) = home();
    let (id, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    for name in ["lock", "log.jsonl", "metrics.csv"] {
        std::os::unix::fs::symlink(&precious, folder.path.join(name)).unwrap();
    }
    let refused = [
        folder.lock().map(drop),
        folder.log(&Entry::Notice { text: "one".into() }),
        MetricsFile::open(&folder, 0).map(drop),
    ];
    for refused in refused {
        assert!(message(&refused.unwrap_err()).contains("link to another file"));
    }
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    for name in ["spec.toml", "log.jsonl", "metrics.csv"] {
        let path = folder.path.join(name);
        let before = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let read = folder.info(&id, &catalog()).map(drop).and_then(|()| folder.points().map(drop));
        assert!(message(&read.unwrap_err()).contains("device"), "{name}");
        fs::remove_file(&path).unwrap();
        fs::write(&path, before).unwrap();
    }
    let [lock, checkpoints] = ["lock", "checkpoints"].map(|name| folder.path.join(name));
    fs::remove_file(lock).unwrap();
    folder.lock().unwrap();
    fs::remove_dir_all(&checkpoints).unwrap();
    std::os::unix::fs::symlink(outside.path(), &checkpoints).unwrap();
    assert!(message(&folder.lock().unwrap_err()).contains("link to another folder"));
}

#[test]
fn a_lock_knows_whether_its_folder_is_still_there() {
    let (_folder, home) = home();
    let (_, folder) = home.create(&RunSpec::default(), &catalog(), &data()).unwrap();
    let lock = folder.lock().unwrap();
    assert!(lock.is_in(&folder));
    fs::rename(&folder.path, home.trash().join("elsewhere")).unwrap();
    assert!(!lock.is_in(&folder));
    fs::create_dir(&folder.path).unwrap();
    let _other = folder.lock().unwrap();
    assert!(!lock.is_in(&folder));
}
