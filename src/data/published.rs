//! Published data sets: downloaded once, when the user asks for it.
use super::{Dataset, DatasetEntry, DatasetInfo, Source, files, fitting, watch::Watch};
use crate::{
    errors::At as _,
    sample::Modality,
    shape::ImageShape,
    spec::{Choice, ComponentInfo, SplitRule, Values},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::path::{Path, PathBuf};

/// Shape and classes of a data set, and where it is downloaded from.
#[derive(Debug)]
pub struct Published {
    /// The shape of every image.
    pub shape: ImageShape,
    /// In order of the labels.
    pub class_names: &'static [&'static str],
    /// The files to download.
    pub files: &'static [PublishedFile],
    /// Addresses of folders that have the files, ending in a slash, the first to be asked first.
    pub mirrors: &'static [&'static str],
    /// Members of a single zip file that are extracted and kept instead of it; empty where files are kept as they are.
    pub members: &'static [&'static str],
    /// Folders into which operating systems' packages install it.
    pub installed: &'static [&'static str],
}

/// One file as it was published.
#[derive(Debug)]
pub struct PublishedFile {
    /// The file's name on every mirror.
    pub name: &'static str,
    /// Its exact length.
    pub bytes: u64,
    /// In hexadecimal, as TensorFlow Datasets 4.9.10 lists it (`url_checksums/`). Of weights it may be the first digits
    /// alone, where their publisher tells no more.
    pub sha256: &'static str,
}

/// Files that are fetched together.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// The files to download.
    pub files: &'static [PublishedFile],
    /// As in [`Published`].
    pub mirrors: &'static [&'static str],
    /// As in [`Published`].
    pub members: &'static [&'static str],
}

impl From<&'static Published> for Files {
    fn from(published: &'static Published) -> Self {
        published.fetched()
    }
}

impl Files {
    /// Bytes to be fetched.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The names of the files that a complete copy has.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'static str> + use<> {
        let names = self.files.iter().map(|file| file.name);
        let is_as_it_is = self.members.is_empty();
        names.filter(move |_| is_as_it_is).chain(self.members.iter().map(|member| base(member)))
    }
}

impl Published {
    /// The registry's entry of this set.
    pub(super) const fn entry(
        &'static self,
        id: &'static str,
        label: &'static str,
        help: &'static str,
        augmentation: fn(ImageShape) -> Values,
    ) -> DatasetEntry {
        let info = ComponentInfo { id, label, help, params: files::ENTRY.info.params };
        DatasetEntry {
            info,
            modality: Modality::Images,
            source: Source::Published(self),
            augmentation,
            outsiders: None,
        }
    }

    /// Bytes to be fetched.
    pub fn bytes(&self) -> u64 {
        self.fetched().bytes()
    }

    fn fetched(&self) -> Files {
        Files { files: self.files, mirrors: self.mirrors, members: self.members }
    }

    /// Where the set called `id` is, if it is: in the folder `fetched`, or where a package put it. A file of another length
    /// than the published one is not that file; what else may be wrong with it, `Download` finds out.
    pub fn find(&self, id: &str, fetched: &Path) -> Option<PathBuf> {
        let folder = fetched.join(id);
        if self.kept().all(|name| self.has_its_length(&folder.join(name), name)) {
            return Some(self.within(folder));
        }
        self.find_installed()
    }

    /// Where a package put it, if one did.
    pub fn find_installed(&self) -> Option<PathBuf> {
        let is_there = |folder: &PathBuf| self.kept().all(|name| length(&folder.join(name)) > Some(0));
        self.installed.iter().map(PathBuf::from).find(is_there).map(|folder| self.within(folder))
    }

    fn has_its_length(&self, path: &Path, name: &str) -> bool {
        let published = self.files.iter().find(|file| file.name == name);
        let length = length(path);
        published.map_or(length > Some(0), |published| length == Some(published.bytes))
    }

    /// Reads it from the choice's path, else from where it was downloaded or installed.
    ///
    /// # Errors
    /// Where it is not there, cannot be read, or is another data set.
    pub(super) fn load(&self, choice: &Choice, fetched: &Path, watch: &Watch) -> Result<Dataset> {
        let path = self.locate(choice, fetched)?;
        // Its splits stay what they are in all that was written about it, equal images or not.
        let choice = &Choice { split_rule: SplitRule::AsCorrected, ..choice.clone() };
        let mut dataset = files::read(&path, choice, watch)?;
        let expected = self.peek(choice);
        let [found, wanted] = [&dataset.info, &expected].map(describe);
        ensure!(
            found == wanted,
            anyhow!("This is another data set than {}: {wanted} expected, {found} found", choice.id)
                .at(&path)
        );
        dataset.info = expected;
        Ok(dataset)
    }

    /// The path that a choice names, else where the set is.
    ///
    /// # Errors
    /// Where it is not on this computer: the message says how to get it.
    pub(super) fn locate(&self, choice: &Choice, fetched: &Path) -> Result<PathBuf> {
        let named = choice.path.as_ref().map(|path| self.within(path.clone()));
        named.or_else(|| self.find(&choice.id, fetched)).with_context(|| self.missing(&choice.id))
    }

    /// Shape and classes, which are known beforehand.
    pub(super) fn peek(&self, choice: &Choice) -> DatasetInfo {
        DatasetInfo {
            shape: fitting::wanted(choice, self.shape).into(),
            class_names: self.class_names.iter().map(ToString::to_string).collect(),
        }
    }

    fn missing(&self, id: &str) -> String {
        format!(
            "The images of {id} are not on this computer yet. Fetch them ({} MB) under Data in the window, or by headstart \
             data fetch {id}; a copy that you have is named by dataset.path",
            megabytes(self.bytes())
        )
    }

    /// The names of the files that a complete copy has.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'static str> {
        self.fetched().kept()
    }

    /// The archive within a folder, where it is read as an archive; otherwise the path itself.
    fn within(&self, path: PathBuf) -> PathBuf {
        match self.files {
            [only] if path.join(only.name).is_file() && self.members.is_empty() => path.join(only.name),
            _ => path,
        }
    }
}

/// The last part of a name within an archive.
pub(super) fn base(member: &'static str) -> &'static str {
    member.rsplit_once('/').map_or(member, |(_, name)| name)
}

/// Bytes of a regular file.
pub(super) fn length(path: &Path) -> Option<u64> {
    path.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
}

/// Bytes in whole millions, at least one.
pub fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn describe(info: &DatasetInfo) -> String {
    format!("{} classes of {}", info.classes(), info.shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    fn load(choice: &Choice, fetched: &Path) -> Result<Dataset> {
        data::load(choice, fetched, &Watch::default())
    }

    #[test]
    fn every_published_set_is_described_in_full() {
        let all = data::ALL.iter().filter_map(|entry| Some((entry.info, entry.published()?)));
        let mut count = 0;
        for (info, published) in all {
            count += 1;
            assert!(
                published.files.iter().all(|file| file.sha256.len() == 64 && file.bytes > 0),
                "{}",
                info.id
            );
            assert!(
                published.mirrors.len() > 1 && published.mirrors.iter().all(|mirror| mirror.ends_with('/'))
            );
            assert!(published.members.is_empty() || published.files.len() == 1);
            let classes: std::collections::BTreeSet<_> = published.class_names.iter().collect();
            assert_eq!(classes.len(), published.class_names.len());
            let info = data::peek(&Choice::new(info.id), &Watch::default()).unwrap();
            assert_eq!((info.shape, info.classes()), (published.shape.into(), classes.len()));
        }
        assert_eq!(count, 5);
    }

    #[test]
    fn a_missing_set_says_how_it_is_had_and_another_one_is_refused() {
        let fetched = tempfile::tempdir().unwrap();
        let kmnist = Choice::new("kmnist");
        let error = format!("{:#}", load(&kmnist, fetched.path()).unwrap_err());
        assert!(error.contains("headstart data fetch kmnist") && error.contains("22 MB"), "{error}");
        let digits = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mnist");
        let copy = Choice { path: Some(digits.into()), ..kmnist };
        let set = load(&copy, fetched.path()).unwrap();
        assert_eq!(set.info.class_names[..2], ["o", "ki"]);
        let letters = Choice { path: Some(digits.into()), ..Choice::new("emnist_letters") };
        let error = format!("{:#}", load(&letters, fetched.path()).unwrap_err());
        assert!(error.contains("26 classes") && error.contains("10 classes"), "{error}");
    }

    #[test]
    fn a_package_of_the_system_is_as_good_as_a_download_and_an_empty_file_is_none() {
        let package = tempfile::tempdir().unwrap();
        let installed: &'static str = package.path().display().to_string().leak();
        let file = PublishedFile { name: "all.tar.gz", bytes: 1, sha256: "" };
        let set = Published {
            shape: ImageShape { height: 1, width: 1, channels: 1 },
            class_names: &["a", "b"],
            files: Box::leak(Box::new([file])),
            mirrors: &[],
            members: &[],
            installed: Box::leak(Box::new([installed])),
        };
        assert_eq!(set.find("set", Path::new("/nowhere")), None);
        let file = package.path().join("all.tar.gz");
        std::fs::write(&file, "").unwrap();
        assert_eq!(set.find("set", Path::new("/nowhere")), None);
        std::fs::write(&file, "1").unwrap();
        assert_eq!(set.find("set", Path::new("/nowhere")), Some(file.clone()));
        let unpacked = Published { installed: &[], ..set };
        assert_eq!(unpacked.find("", package.path()), Some(file.clone()));
        std::fs::write(&file, "12").unwrap();
        assert_eq!(unpacked.find("", package.path()), None);
    }
}
