//! Archives of other formats, good and hostile ones.
use super::*;
use crate::{
    data::{Dataset, files::read, watch::Stopped},
    errors::message,
};
use std::io::Cursor;

/// Two classes of six pictures each, in a folder of its own, with what a Mac adds.
fn members() -> Vec<(String, Vec<u8>)> {
    let picture = |grey: u8| {
        let mut bytes = Cursor::new(vec![]);
        image::GrayImage::from_pixel(4, 4, [grey].into())
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    let one = |place: u8| (format!("set/kind {}/{place}.png", place % 2), picture(place));
    (0..12).map(one).chain([("__MACOSX/._set".into(), vec![1, 2])]).collect()
}

fn zipped(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(vec![]));
    for (name, bytes) in members {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tarred(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(vec![]);
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append(&header, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn set(path: &Path) -> Result<Dataset, String> {
    read(path, &Choice::new("files"), &Watch::default()).map_err(|error| message(&error))
}

fn greys(set: &Dataset) -> Vec<u8> {
    let mut greys: Vec<u8> = [&set.train, &set.test]
        .iter()
        .flat_map(|part| (0..part.len()).map(|place| part.image(place).unwrap()[0]).collect::<Vec<_>>())
        .collect();
    greys.sort();
    greys
}

#[test]
fn every_archive_opens_as_if_it_were_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let (zip, tar) = (zipped(&members()), tarred(&members()));
    for (name, bytes) in
        [("a.zip", &zip), ("b.tar", &tar), ("c.tar.gz", &gzipped(&tar)), ("d.TGZ", &gzipped(&tar))]
    {
        let own = folder.path().join(name).with_extension("");
        fs::create_dir_all(&own).unwrap();
        let path = own.join(name);
        fs::write(&path, bytes).unwrap();
        for path in [&path, &own] {
            let set = set(path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(set.info.class_names, ["kind 0", "kind 1"], "{name}");
            assert_eq!(greys(&set), (0..12).collect::<Vec<u8>>(), "{name}");
            assert!(set.notes.remarks.concat().contains("was unpacked to"), "{name}: {:?}", set.notes);
        }
    }
}

#[test]
fn an_archive_is_unpacked_once_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    fs::write(&path, zipped(&members())).unwrap();
    let first = unpacked(&path, &Watch::default()).unwrap();
    fs::write(first.join("mark"), "").unwrap();
    assert_eq!(unpacked(&path, &Watch::default()).unwrap(), first);
    assert!(first.join("mark").exists());
    fs::write(&path, zipped(&members()[..8])).unwrap();
    let second = unpacked(&path, &Watch::default()).unwrap();
    assert!(second != first && second.is_dir() && !first.exists());
}

#[test]
fn archives_that_lead_out_or_never_end_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let refused = |name: &str, bytes: &[u8]| {
        fs::write(path(name), bytes).unwrap();
        let said = set(&path(name)).unwrap_err();
        assert!(said.ends_with(&format!("\nFile: {}", path(name).display())), "{said}");
        said
    };
    for name in ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png"] {
        let members = [(name.to_owned(), vec![1])];
        assert!(refused("out.zip", &zipped(&members)).contains("leads out of it"), "{name}");
        assert!(refused("out.tar", &tarred(&members)).contains("leads out of it"), "{name}");
    }
    let mut link = tar::Builder::new(vec![]);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "set", "/etc").unwrap();
    assert!(refused("link.tar", &link.into_inner().unwrap()).contains("leads out of it"));
    let large = [("zeros".to_owned(), vec![0; 20 << 20])];
    assert!(refused("bomb.zip", &zipped(&large)).contains("200 times its size"));
    assert!(refused("bomb.tar.gz", &gzipped(&tarred(&large))).contains("200 times its size"));
    let whole = zipped(&members());
    assert!(refused("cut.zip", &whole[..whole.len() / 2]).contains("get it again"));
    let whole = gzipped(&tarred(&members()));
    assert!(refused("cut.tgz", &whole[..whole.len() / 2]).contains("get it again"));
    assert!(refused("none.zip", &zipped(&[("a.txt".to_owned(), vec![1])])).contains("holds no data set"));
    let left = entries(&cache()).into_iter().filter(|path| name(path).ends_with(disk::PARTIAL));
    assert_eq!(left.count(), 0);
}

#[test]
fn unpacking_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    fs::write(&path, tarred(&members())).unwrap();
    let watch = Watch::default();
    watch.stop();
    assert!(unpacked(&path, &watch).unwrap_err().is::<Stopped>());
}
