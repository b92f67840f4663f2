//! The names of real networks: tests/data/names, which tests/data/names.py wrote; those of `efficientnet_pytorch-lite0` are
//! those of the published file efficientnet-lite0.pth.
use super::*;
use crate::weights::Kind;
use std::fs;

pub type Listed = Vec<(String, Info)>;

pub fn listed(name: &str) -> Listed {
    let path = format!("{}/tests/data/names/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let info = |line: &str| {
        let (name, shape) = line.split_once(' ').unwrap_or((line, ""));
        let shape = shape.split_whitespace().map(|size| size.parse().unwrap()).collect();
        let kind = if name.ends_with(COUNTER) { Kind::Other("I64".into()) } else { Kind::F32 };
        (name.to_owned(), Info { shape, kind })
    };
    text.lines().map(info).collect()
}

/// What one of our networks needs: the names of others whose head has another name.
fn wanted(listed: &Listed, head: &str) -> BTreeMap<String, Vec<usize>> {
    let floats = listed.iter().filter(|(_, info)| info.kind.is_float());
    floats
        .map(|(name, info)| {
            let is_head = layer_of(name) == head;
            (if is_head { name.replacen(head, HEAD, 1) } else { name.clone() }, info.shape.clone())
        })
        .collect()
}

fn matched_in(file: &Listed, wanted: &BTreeMap<String, Vec<usize>>, renames: &[Rename]) -> Matched {
    let wanted: Wanted<'_> = wanted.iter().map(|(name, shape)| (name.as_str(), shape.clone())).collect();
    matched(file.iter().map(|(name, info)| (name.as_str(), info)), &wanted, renames)
}

/// Holds every name of a file to be one of ours, in its shape; says how the names were understood.
fn check(file: &Listed, ours: &str, head: &str) -> Vec<String> {
    let wanted = wanted(&listed(ours), head);
    let matched = matched_in(file, &wanted, &[]);
    assert!(matched.problems.is_empty(), "{:?}", matched.problems);
    assert_eq!(matched.sources.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    let shape = |name: &str| file.iter().find(|(own, _)| own == name).unwrap().1.shape.clone();
    for (name, from) in &matched.sources {
        match &from[..] {
            [only] => assert!(fits(&shape(only), &wanted[name]), "{only} for {name}"),
            parts => {
                assert_eq!(parts.len(), 3);
                assert!(parts.iter().all(|part| is_third(&shape(part), &wanted[name])), "{parts:?}");
                let ends: Vec<_> = parts.iter().map(|part| part.rsplit('.').nth(1).unwrap()).collect();
                assert!(
                    ends == ["query", "key", "value"] || ends == ["q_proj", "k_proj", "v_proj"],
                    "{parts:?}"
                );
            }
        }
    }
    let counters = file.iter().filter(|(name, _)| name.ends_with(COUNTER)).count();
    assert_eq!(matched.counters.len(), counters);
    matched.remarks
}

#[test]
fn every_family_of_names_becomes_ours() {
    let whose = |label: &str| format!("The names are those of {label}");
    let head = |layer: &str| format!("The layer {layer} was taken for the head");
    for (theirs, ours, our_head, remarks) in [
        ("torchvision-resnet18", "torchvision-resnet18", "fc", vec![head("fc")]),
        ("torchvision-resnet50", "torchvision-resnet50", "fc", vec![head("fc")]),
        (
            "hugging-resnet18",
            "torchvision-resnet18",
            "fc",
            vec![whose("Hugging Face's ResNet"), head("classifier.1")],
        ),
        (
            "hugging-resnet50",
            "torchvision-resnet50",
            "fc",
            vec![whose("Hugging Face's ResNet"), head("classifier.1")],
        ),
        (
            "listed-resnet18",
            "torchvision-resnet18",
            "fc",
            vec![whose("torchvision's ResNet as a list of its parts"), head("fc")],
        ),
        ("torchvision-vgg11_bn", "torchvision-vgg11_bn", "classifier.6", vec![head("classifier.6")]),
        (
            "timm-vgg11_bn",
            "torchvision-vgg11_bn",
            "classifier.6",
            vec![whose("timm's VGG"), head("classifier.6")],
        ),
        ("torchvision-mobilenet_v2", "torchvision-mobilenet_v2", "classifier.1", vec![head("classifier.1")]),
        (
            "timm-mobilenet_v2",
            "torchvision-mobilenet_v2",
            "classifier.1",
            vec![whose("timm's MobileNetV2"), head("classifier")],
        ),
        ("timm-efficientnet_lite0", "timm-efficientnet_lite0", "classifier", vec![head("classifier")]),
        (
            "efficientnet_pytorch-lite0",
            "timm-efficientnet_lite0",
            "classifier",
            vec![whose("efficientnet_pytorch"), head("_fc")],
        ),
        ("timm-vit", "timm-vit", "head", vec![]),
        ("torchvision-vit", "timm-vit", "head", vec![whose("torchvision's ViT"), head("heads.head")]),
        ("hugging-vit", "timm-vit", "head", vec![whose("Hugging Face's ViT"), head("classifier")]),
        ("hugging5-vit", "timm-vit", "head", vec![whose("Hugging Face's ViT"), head("classifier")]),
    ] {
        assert_eq!(check(&listed(theirs), ours, our_head), remarks, "{theirs}");
    }
}

#[test]
fn what_all_names_begin_with_is_taken_off() {
    for prefix in
        ["module.", "model.", "_orig_mod.", "encoder.", "backbone.", "model._orig_mod.module.", "net."]
    {
        for (theirs, ours, head) in
            [("hugging-vit", "timm-vit", "head"), ("torchvision-resnet18", "torchvision-resnet18", "fc")]
        {
            let file: Listed =
                listed(theirs).into_iter().map(|(name, info)| (format!("{prefix}{name}"), info)).collect();
            let remarks = check(&file, ours, head);
            assert_eq!(remarks[0], format!("The prefix {prefix} was taken off all names"));
        }
    }
}

#[test]
fn an_encoder_within_a_larger_network_is_found() {
    let resnet = listed("torchvision-resnet18");
    let wanted = wanted(&resnet, "fc");
    let within = |prefix: &str| {
        let parts = resnet.iter().filter(|(name, _)| layer_of(name) != "fc");
        parts.map(move |(name, info)| (format!("{prefix}{name}"), info.clone())).collect::<Listed>()
    };
    let info = |shape: &[usize]| Info { shape: shape.to_vec(), kind: Kind::F32 };
    let mut file = within("module.backbone.");
    file.push(("module.projector.0.weight".into(), info(&[128, 512])));
    file.push(("fc.weight".into(), info(&[1000, 512])));
    let matched = matched_in(&file, &wanted, &[]);
    let missing: Vec<_> = wanted.keys().filter(|name| !matched.sources.contains_key(*name)).collect();
    assert_eq!(missing, ["head.bias"]);
    assert!(matched.sources.contains_key("module.projector.0.weight"));
    assert_eq!(matched.remarks[0], "The prefix module.backbone. was taken off the names that have it");
}

#[test]
fn what_the_user_says_goes_before_what_is_known() {
    let resnet = listed("torchvision-resnet18");
    let wanted = wanted(&resnet, "fc");
    let rename = |theirs: &str, ours: &str| Rename { theirs: theirs.into(), ours: ours.into() };
    let file: Listed = resnet
        .iter()
        .map(|(name, info)| (format!("module.{}", name.replace("fc.", "answer.")), info.clone()))
        .collect();
    for renames in [
        vec![rename("module.answer", "head")],
        vec![rename("answer", "head")],
        vec![rename("module.answer", "head"), rename("module.", "")],
        vec![rename("module.answer", "head"), rename("module", "")],
    ] {
        let matched = matched_in(&file, &wanted, &renames);
        assert_eq!(matched.sources.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    }
}

#[test]
fn a_layer_of_the_network_is_no_head_of_the_file() {
    let info = |shape: &[usize]| Info { shape: shape.to_vec(), kind: Kind::F32 };
    let wanted = BTreeMap::from([("fc.weight".into(), vec![4, 8]), ("head.weight".into(), vec![2, 4])]);
    let file = vec![("classifier.weight".into(), info(&[2, 4])), ("fc.weight".into(), info(&[4, 8]))];
    let matched = matched_in(&file, &wanted, &[]);
    assert_eq!(matched.sources["fc.weight"], ["fc.weight"]);
    assert_eq!(matched.sources["head.weight"], ["classifier.weight"]);
}

#[test]
fn rules_count_as_they_are_written() {
    assert_eq!(understood("a.12.b.weight", "a.#.b"), Some((vec![12], ".weight")));
    assert_eq!(understood("a.12.bc", "a.#.b"), None);
    assert_eq!(understood("a.x.b", "a.#.b"), None);
    assert_eq!(understood("a.99999999999999999999999.b", "a.#.b"), None);
    let lite = |block| made_of("blocks.{0/1,2,2,3,3,4,1}.bn1", &[block]);
    assert_eq!(lite(0).unwrap(), "blocks.0.0.bn1");
    assert_eq!(lite(2).unwrap(), "blocks.1.1.bn1");
    assert_eq!(lite(15).unwrap(), "blocks.6.0.bn1");
    assert_eq!(lite(16), None);
    let mobile = |stage, block| made_of("features.{0,1/1,2,3,4,3,3,1+1}.conv", &[stage, block]);
    assert_eq!(mobile(1, 0).unwrap(), "features.2.conv");
    assert_eq!(mobile(6, 0).unwrap(), "features.17.conv");
    assert_eq!((mobile(1, 2), mobile(7, 0)), (None, None));
    assert_eq!(made_of("{0+1}", &[usize::MAX]), None);
    for family in FAMILIES {
        for (pattern, made) in family.rules {
            let numbers = vec![0; pattern.matches('#').count()];
            assert!(made_of(made, &numbers).is_some(), "{pattern} to {made}");
        }
    }
}

#[test]
fn shapes_that_hold_the_same_numbers_in_the_same_order_fit() {
    for (theirs, needed) in [
        (&[1, 1, 192][..], &[192][..]),
        (&[1, 197, 192], &[197, 192]),
        (&[197, 192], &[1, 197, 192]),
        (&[4096, 512, 7, 7], &[4096, 25088]),
        (&[10, 512, 1, 1], &[10, 512]),
        (&[10, 512], &[10, 512, 1, 1]),
    ] {
        assert!(fits(theirs, needed), "{theirs:?} {needed:?}");
    }
    for (theirs, needed) in [
        (&[3, 64, 7, 5][..], &[3, 64, 5, 7][..]),
        (&[512, 10], &[10, 512]),
        (&[1, 196, 192], &[1, 197, 192]),
        (&[usize::MAX, 4], &[usize::MAX, 2]),
        (&[10], &[10, 1]),
    ] {
        assert!(!fits(theirs, needed), "{theirs:?} {needed:?}");
    }
}

#[test]
fn a_file_of_many_odd_names_takes_no_long_time() {
    let file: Listed = (0..20_000)
        .map(|at| (format!("{at}.{at}.{at}.{at}"), Info { shape: vec![1], kind: Kind::F32 }))
        .collect();
    let matched = matched_in(&file, &BTreeMap::from([("w".into(), vec![1])]), &[]);
    assert_eq!(matched.sources.len(), 20_000);
}
