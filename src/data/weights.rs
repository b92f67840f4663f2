//! Weights that others published, by name: fetched as data sets are, or found where PyTorch and Hugging Face keep theirs.
use super::{
    download::{Download, Limits, Mirror},
    published::{Files, PublishedFile, length, megabytes},
};
use crate::shape::ImageShape;
use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Published weights that can be had by name.
#[derive(Debug)]
pub struct KnownWeights {
    /// What `init_from` and the command line call them.
    pub id: &'static str,
    /// The name shown to people.
    pub label: &'static str,
    /// The network that they belong to, and what has to be set for it.
    pub encoder: &'static str,
    /// Values of the network's hyperparameters, as `--set` takes them.
    pub set: &'static [&'static str],
    /// Who published them.
    pub publisher: &'static str,
    /// Under which terms.
    pub licence: &'static str,
    /// The share of ImageNet's validation images that they name right, in percent, as their publisher says.
    pub top_1: f64,
    /// What they were trained on.
    pub shape: ImageShape,
    /// The file, and who has it: the publisher alone.
    pub files: Files,
    /// The repository on Hugging Face's hub that has the same weights as safetensors.
    pub hub: &'static str,
}

/// Where weights were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Fetched by this program.
    Here,
    /// In PyTorch's cache.
    Torch,
    /// In Hugging Face's cache.
    Hub,
}

/// The pixel values that they were trained with.
const NORMALISED: &str = "encoder.inputs=imagenet";
const IMAGENET: ImageShape = ImageShape { height: 224, width: 224, channels: 3 };
const TORCHVISION: KnownWeights = KnownWeights {
    id: "",
    label: "",
    encoder: "resnet",
    set: &[],
    publisher: "torchvision",
    licence: "BSD-3-Clause; ImageNet's images are for research and education",
    top_1: 0.0,
    shape: IMAGENET,
    files: Files { files: &[], mirrors: &["https://download.pytorch.org/models/"], members: &[] },
    hub: "",
};

/// Weights that can be had by name. Accuracies are torchvision's own (`Weights.meta`, 0.29) and DeiT's; of checksums PyTorch tells
/// the first eight digits, in the file's name. The lengths of VGG-11 and MobileNetV2 agree with torchvision's to a thousandth of a
/// MiB, which is as much as it says; no download has confirmed them.
pub static ALL: &[KnownWeights] = &[
    KnownWeights {
        id: "resnet18",
        label: "ResNet-18",
        set: &["encoder.depth=18", NORMALISED],
        top_1: 69.758,
        files: Files {
            files: &[PublishedFile {
                name: "resnet18-f37072fd.pth",
                bytes: 46_830_571,
                sha256: "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
            }],
            ..TORCHVISION.files
        },
        hub: "timm/resnet18.tv_in1k",
        ..TORCHVISION
    },
    KnownWeights {
        id: "resnet50",
        label: "ResNet-50",
        set: &["encoder.depth=50", NORMALISED],
        top_1: 76.13,
        files: Files {
            files: &[PublishedFile {
                name: "resnet50-0676ba61.pth",
                bytes: 102_530_333,
                sha256: "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
            }],
            ..TORCHVISION.files
        },
        hub: "timm/resnet50.tv_in1k",
        ..TORCHVISION
    },
    KnownWeights {
        id: "vgg11_bn",
        label: "VGG-11 with batch norm",
        encoder: "vgg",
        set: &["encoder.depth=11", NORMALISED],
        top_1: 70.37,
        files: Files {
            files: &[PublishedFile { name: "vgg11_bn-6002323d.pth", bytes: 531_503_671, sha256: "6002323d" }],
            ..TORCHVISION.files
        },
        hub: "timm/vgg11_bn.tv_in1k",
        ..TORCHVISION
    },
    KnownWeights {
        id: "vgg16",
        label: "VGG-16",
        encoder: "vgg",
        set: &["encoder.depth=16", "encoder.batch_norm=false", NORMALISED],
        top_1: 71.592,
        files: Files {
            files: &[PublishedFile {
                name: "vgg16-397923af.pth",
                bytes: 553_433_881,
                sha256: "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            }],
            ..TORCHVISION.files
        },
        hub: "timm/vgg16.tv_in1k",
        ..TORCHVISION
    },
    KnownWeights {
        id: "mobilenet_v2",
        label: "MobileNetV2",
        encoder: "mobilenet_v2",
        set: &[NORMALISED],
        top_1: 71.878,
        files: Files {
            files: &[PublishedFile {
                name: "mobilenet_v2-b0353104.pth",
                bytes: 14_212_972,
                sha256: "b0353104",
            }],
            ..TORCHVISION.files
        },
        ..TORCHVISION
    },
    KnownWeights {
        id: "deit_tiny",
        label: "ViT-Ti/16, as DeiT trained it",
        encoder: "vit",
        set: &["encoder.patch_size=16", NORMALISED],
        publisher: "Facebook AI Research (Touvron et al. 2021)",
        licence: "Apache-2.0; ImageNet's images are for research and education",
        top_1: 72.2,
        files: Files {
            files: &[PublishedFile {
                name: "deit_tiny_patch16_224-a1311bcf.pth",
                bytes: 22_917_895,
                sha256: "a1311bcf4f24e3c95adaa75535db67bc4412d95535b98f7c1dfd1164dda41c97",
            }],
            mirrors: &["https://dl.fbaipublicfiles.com/deit/"],
            members: &[],
        },
        hub: "timm/deit_tiny_patch16_224.fb_in1k",
        ..TORCHVISION
    },
];

/// The weights of a name.
pub fn find(id: &str) -> Option<&'static KnownWeights> {
    ALL.iter().find(|known| known.id == id)
}

/// Digits of a whole SHA-256.
const WHOLE: usize = 64;

impl KnownWeights {
    /// The file.
    pub fn file(&self) -> &'static PublishedFile {
        &self.files.files[0]
    }

    /// Where these weights are, if they are on this computer: fetched into the folder `fetched`, or by another program. A file
    /// of another length than the published one is not that file.
    pub fn find(&self, fetched: &Path) -> Option<(PathBuf, Kept)> {
        let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_path_buf());
        self.find_with(fetched, home.as_deref(), |name| env::var_os(name))
    }

    fn find_with(
        &self,
        fetched: &Path,
        home: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Option<(PathBuf, Kept)> {
        let file = self.file();
        let is_it = |path: &PathBuf| length(path) == Some(file.bytes);
        let named = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = || named("XDG_CACHE_HOME").or_else(|| Some(home?.join(".cache")));
        let own = Some(fetched.join(self.id).join(file.name)).filter(is_it);
        if let Some(own) = own {
            return Some((own, Kept::Here));
        }
        let torch = named("TORCH_HOME").or_else(|| Some(cache()?.join("torch")));
        let torch = torch.map(|torch| torch.join("hub/checkpoints").join(file.name)).filter(is_it);
        if let Some(torch) = torch {
            return Some((torch, Kept::Torch));
        }
        let hub = named("HF_HUB_CACHE")
            .or_else(|| Some(named("HF_HOME")?.join("hub")))
            .or_else(|| Some(cache()?.join("huggingface/hub")))?;
        if self.hub.is_empty() {
            return None;
        }
        let snapshots = hub.join(format!("models--{}", self.hub.replace('/', "--"))).join("snapshots");
        let mut found: Vec<PathBuf> = fs::read_dir(snapshots)
            .ok()?
            .filter_map(|revision| Some(revision.ok()?.path().join("model.safetensors")))
            .filter(|path| path.is_file())
            .collect();
        found.sort();
        Some((found.pop()?, Kept::Hub))
    }

    /// Where these weights are.
    ///
    /// # Errors
    /// Where they are not on this computer: the message says how to get them.
    pub fn locate(&self, fetched: &Path) -> Result<PathBuf> {
        let found = self.find(fetched).map(|(path, _)| path);
        found.with_context(|| {
            format!(
                "The weights {0} are not on this computer yet. Fetch them ({1} MB) by headstart weights fetch {0}; a file \
                 that you have is named by init_from",
                self.id,
                megabytes(self.files.bytes())
            )
        })
    }

    /// Begins to fetch them, from mirrors or, where there are none, from their publisher.
    ///
    /// # Errors
    /// Where the folder cannot be made, or a mirror is named for a file whose checksum is not known in full: then only the
    /// publisher can be trusted to have it.
    pub fn fetch(&self, fetched: &Path, mirrors: Vec<Mirror>, limits: Limits) -> Result<Download> {
        let is_elsewhere = mirrors.iter().any(|mirror| matches!(mirror, Mirror::Address(_)));
        ensure!(
            !is_elsewhere || self.file().sha256.len() == WHOLE,
            "{}'s publisher tells only the first digits of its checksum, by which a mirror's file cannot be told from \
             another: fetch it without --mirror, or name a file that you have by --path",
            self.label
        );
        Download::new(self.files, fetched.join(self.id), mirrors, limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::download::Activity, session::catalog, spec::RunSpec};
    use std::{collections::BTreeSet, time::Duration};

    #[test]
    fn all_that_is_known_is_described_in_full() {
        let ids: BTreeSet<_> = ALL.iter().map(|known| known.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for known in ALL {
            let file = known.file();
            assert_eq!(known.files.files.len(), 1);
            assert!(file.bytes > 10_000_000 && known.top_1 > 60.0 && known.top_1 < 90.0, "{}", known.id);
            assert!([8, WHOLE].contains(&file.sha256.len()) && file.name.contains(&file.sha256[..8]));
            assert!(
                known
                    .files
                    .mirrors
                    .iter()
                    .all(|mirror| { mirror.starts_with("https://") && mirror.ends_with('/') })
            );
            assert!(find(known.id).is_some() && !known.label.is_empty() && !known.licence.is_empty());
        }
        assert!(find("resnet").is_none());
    }

    #[test]
    fn what_has_to_be_set_can_be() {
        for known in ALL {
            let set = known.set.iter().map(ToString::to_string);
            let all: Vec<String> = [format!("encoder={}", known.encoder)].into_iter().chain(set).collect();
            let spec = RunSpec::from_toml("", &all, &catalog())
                .unwrap_or_else(|error| panic!("{}: {error}", known.id));
            assert_eq!(spec.encoder.values.len(), spec.encoder.values.len().max(known.set.len()));
        }
    }

    /// Weights of a few bytes.
    fn small(sha256: &'static str) -> KnownWeights {
        let file = PublishedFile { name: "small-9f86d081.pth", bytes: 4, sha256 };
        let files = Files { files: Box::leak(Box::new([file])), ..TORCHVISION.files };
        KnownWeights { id: "small", label: "Small", files, hub: "timm/small.in1k", ..TORCHVISION }
    }

    #[test]
    fn weights_are_found_where_others_keep_them() {
        let folder = tempfile::tempdir().unwrap();
        let (home, fetched) = (folder.path().join("user"), folder.path().join("weights"));
        let known = small("9f86d081");
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let variables = |given: &'static [(&'static str, &'static str)]| {
            let root = folder.path().to_path_buf();
            move |name: &str| {
                let value = given.iter().find(|(own, _)| *own == name)?.1;
                Some(if value.is_empty() { value.into() } else { root.join(value).into_os_string() })
            }
        };
        let find = |given| known.find_with(&fetched, Some(&home), variables(given));
        assert_eq!(find(&[]), None);
        let hub = put(
            "user/.cache/huggingface/hub/models--timm--small.in1k/snapshots/abc/model.safetensors",
            "any",
        );
        assert_eq!(find(&[("HF_HOME", "")]), Some((hub, Kept::Hub)));
        assert_eq!(find(&[("HF_HOME", "elsewhere")]), None);
        let moved = put("elsewhere/hub/models--timm--small.in1k/snapshots/abc/model.safetensors", "any");
        assert_eq!(find(&[("HF_HOME", "elsewhere")]), Some((moved, Kept::Hub)));
        put("user/.cache/torch/hub/checkpoints/small-9f86d081.pth", "cut");
        assert_eq!(find(&[]).unwrap().1, Kept::Hub);
        let torch = put("user/.cache/torch/hub/checkpoints/small-9f86d081.pth", "test");
        assert_eq!(find(&[]), Some((torch, Kept::Torch)));
        let set = put("mine/hub/checkpoints/small-9f86d081.pth", "test");
        assert_eq!(find(&[("TORCH_HOME", "mine")]), Some((set, Kept::Torch)));
        let own = put("weights/small/small-9f86d081.pth", "test");
        assert_eq!(find(&[("TORCH_HOME", "mine")]), Some((own, Kept::Here)));
    }

    #[test]
    fn a_part_of_a_checksum_is_enough_for_a_file_of_ones_own_and_not_for_a_mirror() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = || vec![Mirror::address("http://127.0.0.1:1/").unwrap()];
        let known = small("9f86d081");
        let refused = known.fetch(folder.path(), mirror(), Limits::default()).err().unwrap().to_string();
        assert!(refused.contains("only the first digits of its checksum"), "{refused}");
        let whole = small("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
        assert!(whole.fetch(folder.path(), mirror(), Limits::default()).is_ok());
        let file = folder.path().join("mine.pth");
        for (text, is_it) in [("test", true), ("tent", false)] {
            fs::write(&file, text).unwrap();
            let fetched = folder.path().join(text);
            let local = vec![Mirror::Local(file.clone())];
            let mut download = known.fetch(&fetched, local, Limits::default()).unwrap();
            let end = loop {
                match download.advance(Duration::from_millis(100)) {
                    Ok(progress) if progress.activity == Activity::Done => break Ok(()),
                    Ok(_) => {}
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(end.is_ok(), is_it, "{text}");
            assert_eq!(known.find_with(&fetched, None, |_| None).is_some(), is_it);
        }
    }

    #[test]
    fn what_is_missing_says_how_it_is_had() {
        let nowhere = tempfile::tempdir().unwrap();
        let said = small("9f86d081").find_with(nowhere.path(), None, |_| None);
        assert_eq!(said, None);
        let known = KnownWeights { hub: "", ..small("9f86d081") };
        let said = known.locate(nowhere.path()).unwrap_err().to_string();
        assert!(said.contains("headstart weights fetch small") && said.contains("1 MB"), "{said}");
    }
}
