use crate::{
    models::{
        Network, Vars,
        encoders::{
            blocks, summary,
            tests::{chosen, published},
        },
    },
    shape::ImageShape,
};
use candle_core::Device;

/// Among the options of `DEPTH`.
const EIGHTEEN: f64 = 3.0;
const THIRTY_FOUR: f64 = 4.0;
const FIFTY: f64 = 5.0;

/// torchvision 0.30: `sum(p.numel() for p in resnet18().parameters())` and so on; the multiplications are those of its pages.
#[test]
fn parameters_and_operations_are_those_published() {
    let of = |depth| published(&chosen("resnet", &[("depth", depth)]), 224);
    assert_eq!(of(EIGHTEEN).0, 11_689_512);
    assert_eq!(of(THIRTY_FOUR).0, 21_797_672);
    assert_eq!(of(FIFTY).0, 25_557_032);
    assert_eq!([of(EIGHTEEN), of(FIFTY)].map(|(_, products)| products / 1_000_000), [1814, 4089]);
}

/// The table of the authors of the code whose weights are known has 0.27 M and 0.85 M (github.com/akamaster/pytorch_resnet_cifar10).
#[test]
fn those_for_small_images_are_as_the_paper_has_them() {
    let rows = |values: &[(&str, f64)]| {
        let rows = summary(&chosen("resnet", values), ImageShape::new(32, 32, 3).into(), 10).unwrap();
        rows.iter().map(|row| row.parameters).sum::<u64>()
    };
    assert_eq!(rows(&[]), 269_722);
    assert_eq!(rows(&[("depth", 2.0)]), 853_018);
    // two projections: 16 × 32 + 2 × 32, and 32 × 64 + 2 × 64
    assert_eq!(rows(&[("shortcut", 2.0)]), 269_722 + 576 + 2176);
}

#[test]
fn stages_are_counted_as_people_count_them() {
    let mut vars = Vars::new(1, Device::Cpu);
    let blocks = blocks(&chosen("resnet", &[("depth", EIGHTEEN), ("width", 0.125)])).unwrap();
    let network = Network::build(&blocks, ImageShape::new(64, 64, 3).into(), &mut vars).unwrap();
    assert_eq!((network.stages(), network.embed_dim()), (5, 64));
    let last = vars.last_stages(1);
    assert!(last.iter().all(|name| name.starts_with("encoder.layer4.")) && last.len() == 25, "{last:?}");
    let first: Vec<_> =
        vars.all().map(|(name, _)| name).filter(|name| !vars.last_stages(4).contains(name)).collect();
    let stem = ["bn1.bias", "bn1.weight", "conv1.weight", "bn1.running_mean", "bn1.running_var"];
    assert_eq!(first, stem.map(|name| format!("encoder.{name}")));
}
