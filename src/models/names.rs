//! What others call the weights of the networks that are built here. Ours are torchvision's names for `resnet`, `vgg` and
//! `mobilenet_v2`, and timm's for `vit` and `efficientnet_lite0`; a family of rules each leads from other names to them.
//! Which family a file is of, and what its names begin with before that, is what makes most tensors fit.
use crate::weights::Info;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// A layer of the file under another name: `fc2` for `head` renames all tensors of that layer.
pub struct Rename {
    /// A layer of the file.
    pub theirs: String,
    /// The layer here that it is taken for.
    pub ours: String,
}

/// Who names weights so, and how those names become ours.
struct Family {
    /// Whose names these are.
    label: &'static str,
    /// What names begin with where the network is a part of a larger one.
    roots: &'static [&'static str],
    /// The first rule that fits is taken. In what it looks for, `#` is a number; in what it makes, `{0}` is the first one,
    /// `{0+1}` one more, `{0/1,2,2}` its group and its place there among groups of 1, 2 and 2, and `{0,1/1,2,2}` the number of
    /// a group and a place. A rule is about a layer, and `[2]` about a third of one: its rows follow those of `[1]`.
    rules: &'static [(&'static str, &'static str)],
}

/// The first of those that fit alike is taken.
const FAMILIES: &[Family] = &[
    Family { label: "", roots: &[], rules: &[] },
    Family {
        label: "Hugging Face's ResNet",
        roots: &["resnet."],
        rules: &[
            ("embedder.embedder.convolution", "conv1"),
            ("embedder.embedder.normalization", "bn1"),
            ("encoder.stages.#.layers.#.layer.#.convolution", "layer{0+1}.{1}.conv{2+1}"),
            ("encoder.stages.#.layers.#.layer.#.normalization", "layer{0+1}.{1}.bn{2+1}"),
            ("encoder.stages.#.layers.#.shortcut.convolution", "layer{0+1}.{1}.downsample.0"),
            ("encoder.stages.#.layers.#.shortcut.normalization", "layer{0+1}.{1}.downsample.1"),
        ],
    },
    Family {
        label: "torchvision's ResNet as a list of its parts",
        roots: &[],
        rules: &[
            ("0", "conv1"),
            ("1", "bn1"),
            ("4", "layer1"),
            ("5", "layer2"),
            ("6", "layer3"),
            ("7", "layer4"),
            ("9", "fc"),
        ],
    },
    Family {
        label: "Hugging Face's ViT",
        roots: &["vit.", "deit."],
        rules: &[
            ("embeddings.cls_token", "cls_token"),
            ("embeddings.position_embeddings", "pos_embed"),
            ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
            ("encoder.layer.#.attention.attention.query", "blocks.{0}.attn.qkv[0]"),
            ("encoder.layer.#.attention.attention.key", "blocks.{0}.attn.qkv[1]"),
            ("encoder.layer.#.attention.attention.value", "blocks.{0}.attn.qkv[2]"),
            ("encoder.layer.#.attention.output.dense", "blocks.{0}.attn.proj"),
            ("encoder.layer.#.layernorm_before", "blocks.{0}.norm1"),
            ("encoder.layer.#.layernorm_after", "blocks.{0}.norm2"),
            ("encoder.layer.#.intermediate.dense", "blocks.{0}.mlp.fc1"),
            ("encoder.layer.#.output.dense", "blocks.{0}.mlp.fc2"),
            // since version 5 of transformers
            ("layers.#.attention.q_proj", "blocks.{0}.attn.qkv[0]"),
            ("layers.#.attention.k_proj", "blocks.{0}.attn.qkv[1]"),
            ("layers.#.attention.v_proj", "blocks.{0}.attn.qkv[2]"),
            ("layers.#.attention.o_proj", "blocks.{0}.attn.proj"),
            ("layers.#.layernorm_before", "blocks.{0}.norm1"),
            ("layers.#.layernorm_after", "blocks.{0}.norm2"),
            ("layers.#.mlp", "blocks.{0}.mlp"),
            ("layernorm", "norm"),
        ],
    },
    Family {
        label: "torchvision's ViT",
        roots: &[],
        rules: &[
            ("class_token", "cls_token"),
            ("conv_proj", "patch_embed.proj"),
            ("encoder.pos_embedding", "pos_embed"),
            ("encoder.layers.encoder_layer_#.ln_1", "blocks.{0}.norm1"),
            ("encoder.layers.encoder_layer_#.ln_2", "blocks.{0}.norm2"),
            ("encoder.layers.encoder_layer_#.self_attention.in_proj_weight", "blocks.{0}.attn.qkv.weight"),
            ("encoder.layers.encoder_layer_#.self_attention.in_proj_bias", "blocks.{0}.attn.qkv.bias"),
            ("encoder.layers.encoder_layer_#.self_attention.out_proj", "blocks.{0}.attn.proj"),
            ("encoder.layers.encoder_layer_#.mlp.0", "blocks.{0}.mlp.fc1"),
            ("encoder.layers.encoder_layer_#.mlp.3", "blocks.{0}.mlp.fc2"),
            ("encoder.layers.encoder_layer_#.mlp.linear_1", "blocks.{0}.mlp.fc1"),
            ("encoder.layers.encoder_layer_#.mlp.linear_2", "blocks.{0}.mlp.fc2"),
            ("encoder.ln", "norm"),
        ],
    },
    Family {
        label: "efficientnet_pytorch",
        roots: &[],
        rules: &[
            ("_conv_stem", "conv_stem"),
            ("_bn0", "bn1"),
            // the first block widens nothing, so that its layers are counted from another one on
            ("_blocks.0._depthwise_conv", "blocks.0.0.conv_dw"),
            ("_blocks.0._bn1", "blocks.0.0.bn1"),
            ("_blocks.0._project_conv", "blocks.0.0.conv_pw"),
            ("_blocks.0._bn2", "blocks.0.0.bn2"),
            ("_blocks.#._expand_conv", "blocks.{0/1,2,2,3,3,4,1}.conv_pw"),
            ("_blocks.#._bn0", "blocks.{0/1,2,2,3,3,4,1}.bn1"),
            ("_blocks.#._depthwise_conv", "blocks.{0/1,2,2,3,3,4,1}.conv_dw"),
            ("_blocks.#._bn1", "blocks.{0/1,2,2,3,3,4,1}.bn2"),
            ("_blocks.#._project_conv", "blocks.{0/1,2,2,3,3,4,1}.conv_pwl"),
            ("_blocks.#._bn2", "blocks.{0/1,2,2,3,3,4,1}.bn3"),
            ("_conv_head", "conv_head"),
            ("_bn1", "bn2"),
        ],
    },
    Family {
        label: "timm's VGG",
        roots: &[],
        rules: &[
            ("pre_logits.fc1", "classifier.0"),
            ("pre_logits.fc2", "classifier.3"),
            ("head.fc", "classifier.6"),
        ],
    },
    Family {
        label: "timm's MobileNetV2",
        roots: &[],
        rules: &[
            ("conv_stem", "features.0.0"),
            ("bn1", "features.0.1"),
            ("blocks.0.0.conv_dw", "features.1.conv.0.0"),
            ("blocks.0.0.bn1", "features.1.conv.0.1"),
            ("blocks.0.0.conv_pw", "features.1.conv.1"),
            ("blocks.0.0.bn2", "features.1.conv.2"),
            ("blocks.#.#.conv_pw", "features.{0,1/1,2,3,4,3,3,1+1}.conv.0.0"),
            ("blocks.#.#.bn1", "features.{0,1/1,2,3,4,3,3,1+1}.conv.0.1"),
            ("blocks.#.#.conv_dw", "features.{0,1/1,2,3,4,3,3,1+1}.conv.1.0"),
            ("blocks.#.#.bn2", "features.{0,1/1,2,3,4,3,3,1+1}.conv.1.1"),
            ("blocks.#.#.conv_pwl", "features.{0,1/1,2,3,4,3,3,1+1}.conv.2"),
            ("blocks.#.#.bn3", "features.{0,1/1,2,3,4,3,3,1+1}.conv.3"),
            ("conv_head", "features.18.0"),
            ("bn2", "features.18.1"),
        ],
    },
];

/// What a classifier's last layer is called elsewhere; of several that are there, the first one is it.
const HEADS: [&str; 11] = [
    "heads.head",
    "head.fc",
    "classifier.6",
    "classifier.1",
    "classifier.out_proj",
    "classifier",
    "_fc",
    "fc",
    "last_linear",
    "linear",
    "logits",
];
/// The last layer here.
pub const HEAD: &str = "head";
/// Tensors of PyTorch's that mean nothing here: how many batches a normalisation has seen.
const COUNTER: &str = "num_batches_tracked";

/// What is needed: names here, and shapes as PyTorch lays the tensors out.
pub type Wanted<'a> = BTreeMap<&'a str, Vec<usize>>;

/// The tensors of a file by the names that they have here.
#[derive(Debug, Default)]
pub struct Matched {
    /// The file's names for a tensor: several where their rows, one after the other, are one tensor here.
    pub sources: BTreeMap<String, Vec<String>>,
    /// Whole numbers that are no weights.
    pub counters: Vec<String>,
    /// How the names were understood, a sentence each.
    pub remarks: Vec<String>,
    /// Names that are there twice.
    pub problems: Vec<String>,
}

/// What a name of the file becomes.
struct Named<'a> {
    name: Cow<'a, str>,
    /// Which part of that tensor it is.
    part: Option<usize>,
}

/// Finds the tensors that are wanted in a file.
pub fn matched<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Info)>,
    wanted: &Wanted<'_>,
    renames: &[Rename],
) -> Matched {
    let tensors: Vec<(&str, &Info)> = tensors.collect();
    let candidates =
        prefixes(&tensors).into_iter().flat_map(|prefix| FAMILIES.iter().map(move |family| (prefix, family)));
    let fitting = |(prefix, family): &(&str, &Family)| {
        let fits = |(name, info): &&(&str, &Info)| {
            let Named { name, part } = named(name, prefix, family, renames);
            let needed = wanted.get(&*name);
            needed.is_some_and(|needed| match part {
                None => fits(&info.shape, needed),
                Some(_) => is_third(&info.shape, needed),
            })
        };
        tensors.iter().filter(fits).count()
    };
    // the first of those that fit best, which is the simplest
    let candidates: Vec<_> = candidates.collect();
    let best = candidates.iter().rev().max_by_key(|candidate| fitting(candidate));
    let (prefix, family) = best.copied().unwrap_or(("", &FAMILIES[0]));
    let mut matched = Matched::default();
    let mut parts: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for (theirs, info) in &tensors {
        let Named { name, part } = named(theirs, prefix, family, renames);
        if theirs.ends_with(COUNTER) || info.kind.is_whole() && !wanted.contains_key(&*name) {
            matched.counters.push((*theirs).into());
            continue;
        }
        let taken = parts.entry(name.into_owned()).or_default();
        if let Some(other) = taken.insert(part.unwrap_or(0), (*theirs).into()) {
            matched.problems.push(format!(
                "{} and {} have the same name here",
                quoted(&other),
                quoted(theirs)
            ));
        }
    }
    matched.sources = parts.into_iter().map(|(name, parts)| (name, parts.into_values().collect())).collect();
    if !prefix.is_empty() {
        let is_all = tensors.iter().all(|(name, _)| name.starts_with(prefix));
        let of = if is_all { "all names" } else { "the names that have it" };
        matched.remarks.push(format!("The prefix {} was taken off {of}", quoted(prefix)));
    }
    if !family.label.is_empty() {
        matched.remarks.push(format!("The names are those of {}", family.label));
    }
    matched.take_head(wanted);
    matched
}

impl Matched {
    /// Takes the last layer of the file for ours, where it is called as such layers are.
    fn take_head(&mut self, wanted: &Wanted<'_>) {
        let is_here = |layer: &str| wanted.keys().any(|name| layer_of(name) == layer);
        let is_there = |layer: &str| self.sources.keys().any(|name| layer_of(name) == layer);
        if is_there(HEAD) {
            return;
        }
        let Some(theirs) = HEADS.into_iter().find(|layer| is_there(layer) && !is_here(layer)) else { return };
        let ends: Vec<String> =
            self.sources.keys().filter(|name| layer_of(name) == theirs).cloned().collect();
        for name in ends {
            if let Some(sources) = self.sources.remove(&name) {
                self.sources.insert(name.replacen(theirs, HEAD, 1), sources);
            }
        }
        self.remarks.push(format!("The layer {theirs} was taken for the head"));
    }
}

/// What names of tensors begin with, at ends of their parts: nothing, and what many of them share.
fn prefixes<'a>(tensors: &[(&'a str, &Info)]) -> BTreeSet<&'a str> {
    const MOST_PARTS: usize = 4;
    /// The share that has to have it, as one of so many.
    const SHARE: usize = 8;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, _) in tensors {
        for (at, _) in name.match_indices('.').take(MOST_PARTS) {
            *counts.entry(&name[..=at]).or_default() += 1;
        }
    }
    let shared = counts.into_iter().filter(|(_, count)| count * SHARE >= tensors.len());
    [""].into_iter().chain(shared.map(|(prefix, _)| prefix)).collect()
}

/// What a name of the file becomes by a family's rules, and the user's own.
fn named<'a>(theirs: &'a str, prefix: &str, family: &Family, renames: &[Rename]) -> Named<'a> {
    let whole = |name| Named { name, part: None };
    let own = renamed(theirs, renames);
    let Some(rest) = theirs.strip_prefix(prefix).filter(|_| matches!(own, Cow::Borrowed(_))) else {
        return whole(own);
    };
    let own = renamed(rest, renames);
    if matches!(own, Cow::Owned(_)) {
        return whole(own);
    }
    let rest = family.roots.iter().find_map(|root| rest.strip_prefix(root)).unwrap_or(rest);
    let ruled = family.rules.iter().find_map(|(pattern, made)| {
        let (numbers, end) = understood(rest, pattern)?;
        Some((made_of(made, &numbers)?, end))
    });
    let Some((made, end)) = ruled else { return whole(rest.into()) };
    let part = made.strip_suffix(']').and_then(|made| made.rsplit_once('['));
    match part.and_then(|(made, part)| Some((made, part.parse().ok()?))) {
        Some((made, part)) => Named { name: format!("{made}{end}").into(), part: Some(part) },
        None => whole(format!("{made}{end}").into()),
    }
}

/// The numbers of a name at a pattern's `#`, and what follows, where the name is that of a layer or a tensor in it.
fn understood<'a>(name: &'a str, pattern: &str) -> Option<(Vec<usize>, &'a str)> {
    let (mut rest, mut numbers) = (name, vec![]);
    for (at, literal) in pattern.split('#').enumerate() {
        if at > 0 {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            numbers.push(rest[..digits].parse().ok()?);
            rest = &rest[digits..];
        }
        rest = rest.strip_prefix(literal)?;
    }
    (rest.is_empty() || rest.starts_with('.')).then_some((numbers, rest))
}

/// A name with numbers in it.
fn made_of(made: &str, numbers: &[usize]) -> Option<String> {
    let mut name = String::new();
    let mut rest = made;
    while let Some((before, after)) = rest.split_once('{') {
        let (rule, after) = after.split_once('}')?;
        name.push_str(before);
        name.push_str(&number(rule, numbers)?);
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

/// What stands between braces.
fn number(rule: &str, numbers: &[usize]) -> Option<String> {
    let all = |text: &str| text.split(',').map(|number| number.parse().ok()).collect::<Option<Vec<usize>>>();
    let (rule, more) =
        rule.split_once('+').map_or(Some((rule, 0)), |(rule, more)| Some((rule, more.parse().ok()?)))?;
    let (places, groups) = rule.split_once('/').unwrap_or((rule, ""));
    let places = all(places)?;
    let at = |place: usize| numbers.get(*places.get(place)?).copied();
    if groups.is_empty() {
        return Some(at(0)?.checked_add(more)?.to_string());
    }
    let groups = all(groups)?;
    if places.len() == 2 {
        let (group, place) = (at(0)?, at(1)?);
        let before: usize = groups.get(..group)?.iter().sum();
        return (place < *groups.get(group)?).then(|| (before + place + more).to_string());
    }
    let mut place = at(0)?;
    for (group, size) in groups.iter().enumerate() {
        if place < *size {
            return Some(format!("{group}.{place}"));
        }
        place -= size;
    }
    None
}

/// Whether a tensor of PyTorch's can be one of a shape: the same, but for dimensions of 1 in front; or what a linear layer and
/// a convolution over all that there is have in common.
pub fn fits(theirs: &[usize], needed: &[usize]) -> bool {
    let bare = |shape: &[usize]| -> Vec<usize> {
        shape.iter().copied().skip_while(|dimension| *dimension == 1).collect()
    };
    let count = |shape: &[usize]| shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
    let is_matrix = [theirs, needed].iter().any(|shape| shape.len() == 2);
    theirs == needed
        || bare(theirs) == bare(needed)
        || is_matrix
            && theirs.len() >= 2
            && needed.len() >= 2
            && theirs[0] == needed[0]
            && count(theirs).is_some()
            && count(theirs) == count(needed)
}

/// Whether a tensor can be one of three whose rows are those of another.
fn is_third(theirs: &[usize], needed: &[usize]) -> bool {
    match (theirs, needed) {
        ([rows, theirs @ ..], [all, needed @ ..]) => rows.checked_mul(3) == Some(*all) && theirs == needed,
        _ => false,
    }
}

/// A tensor's layer: `layer1.0.conv1` of `layer1.0.conv1.weight`.
pub fn layer_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(layer, _)| layer)
}

/// `fc2.weight` by `fc2=head` is `head.weight`; the first rename that fits is taken.
fn renamed<'a>(name: &'a str, renames: &[Rename]) -> Cow<'a, str> {
    let rest = |rename: &Rename| {
        // a prefix may be written with its point, as it is in names
        let rest = name.strip_prefix(rename.theirs.trim_end_matches('.'))?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{}{rest}", rename.ours))
    };
    let renamed = renames.iter().find_map(rest);
    renamed.map_or(Cow::Borrowed(name), |name| Cow::Owned(name.trim_start_matches('.').into()))
}

/// A name that a stranger chose, fit to be printed.
pub fn quoted(name: &str) -> String {
    name.chars().take(80).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
pub mod tests;
