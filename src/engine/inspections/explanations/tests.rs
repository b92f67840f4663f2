//! Against PyTorch, on a network whose weights a formula makes.
//!
//! ```python
//! import numpy as np, torch, torch.nn.functional as F
//! torch.set_default_dtype(torch.float64)
//! def w(n, *shape):  # row by row, as Headstart lays them out
//!     fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 100
//!     i = np.arange(np.prod(shape)); v = np.sin(i * i % 1009 * 0.37 + n).astype(np.float32) * np.float32(2 / fan ** 0.5)
//!     return torch.tensor(v.reshape(shape)).double()
//! H = 8
//! x = torch.tensor(((np.arange(H * H) * 37) % 256).astype(np.float32).reshape(1, 1, H, H) / 255).double()
//! b1, w1, b2, w2 = w(0, 32), w(1, 3, 3, 1, 32), w(2, 64), w(3, 3, 3, 32, 64)
//! b3, w3, b4, w4 = w(4, 128), w(5, 256, 128), w(6, 3), w(7, 128, 3)
//! def last_map(x):
//!     a = F.relu(F.conv2d(x, w1.permute(3, 2, 0, 1), b1))
//!     return F.relu(F.conv2d(a, w2.permute(3, 2, 0, 1), b2))
//! def head(a):
//!     f = F.max_pool2d(a, 2).permute(0, 2, 3, 1).flatten(1)  # NHWC
//!     return F.relu(f @ w3 + b3) @ w4 + b4
//! out = lambda z: z[:, 2] - z[:, 0]
//! net = lambda x: out(head(last_map(x)))
//! def grad(x):
//!     x = x.clone().requires_grad_(); net(x).sum().backward(); return x.grad
//! gi = (grad(x) * x).flatten()
//! a = (torch.arange(20000) + 0.5) / 20000
//! ig = sum(grad(x * p.view(-1, 1, 1, 1)).sum(0) for p in a.split(1000)) / 20000 * x[0]
//! m = last_map(x).detach().requires_grad_(); out(head(m)).sum().backward()
//! cam = F.relu((m.grad.mean((2, 3), keepdim=True) * m).sum(1)).flatten()
//! print(net(x), net(x * 0), head(last_map(x)))
//! print("gi", [round(v, 5) for v in gi[::9].tolist()], gi.sum())
//! print("ig", [round(v, 5) for v in ig.flatten()[::9].tolist()], ig.sum())
//! print("cam", [round(v, 5) for v in cam.tolist()])
//! ```
use super::*;
use crate::{
    data::DatasetInfo,
    sample::Image,
    shape::ImageShape,
    spec::{Choice, RunSpec},
};
use candle_core::Device;

const SIDE: usize = 8;
const CLASSES: usize = 3;

fn wave(index: usize, phase: usize, size: f32) -> f32 {
    ((index * index % 1009) as f64 * 0.37 + phase as f64).sin() as f32 * size
}

fn model(encoder: &str) -> Arc<Model> {
    let shape = ImageShape { height: SIDE, width: SIDE, channels: 1 };
    let class_names = (0..CLASSES).map(|class| class.to_string()).collect();
    let spec = RunSpec { encoder: Choice::new(encoder), ..RunSpec::default() };
    let model = Model::build(&spec, &DatasetInfo { shape: shape.into(), class_names }).unwrap();
    for (phase, (name, var)) in model.vars.all().enumerate() {
        let dims = var.dims();
        let fan_in: usize = if dims.len() > 1 { dims[..dims.len() - 1].iter().product() } else { 100 };
        let size = (2.0 / (fan_in as f64).sqrt()) as f32;
        let mut numbers: Vec<f32> = (0..var.elem_count()).map(|index| wave(index, phase, size)).collect();
        // what batch normalisation divides by and multiplies with is near 1
        if name.ends_with("running_var") || (dims.len() == 1 && name.ends_with("weight")) {
            numbers.iter_mut().for_each(|number| *number = number.abs() + 0.5);
        }
        var.set(&Tensor::from_vec(numbers, dims, &Device::Cpu).unwrap()).unwrap();
    }
    Arc::new(model)
}

fn explained(encoder: &str, class: u16, instead_of: Option<u16>) -> Explained {
    let pixels: Vec<u8> = (0..SIDE * SIDE).map(|pixel| (pixel * 37 % 256) as u8).collect();
    let model = model(encoder);
    let image = model
        .batch(
            &model.fitted(&[Image { shape: ImageShape::new(SIDE, SIDE, 1), pixels }.into()]).unwrap(),
            &[0],
        )
        .unwrap()
        .inputs;
    Explained { model, image, class, instead_of }
}

fn attribution(id: &str, of: &Explained) -> Vec<f32> {
    (find(id).unwrap().explain)(of).unwrap().unwrap()
}

fn assert_close(actual: impl IntoIterator<Item = f32>, expected: &[f32], tolerance: f32) {
    let actual: Vec<f32> = actual.into_iter().collect();
    assert_eq!(actual.len(), expected.len());
    let is_close = |(a, b): (&f32, &f32)| (a - b).abs() <= tolerance;
    assert!(actual.iter().zip(expected).all(is_close), "{actual:?} is not {expected:?}");
}

#[test]
fn numbers_are_those_of_pytorch() {
    let explained = explained("seed_cnn", 2, Some(0));
    assert_close(explained.outputs(&explained.image).unwrap(), &[-0.3341], 1e-4);
    let every_ninth = |values: Vec<f32>| values.into_iter().step_by(9).collect::<Vec<_>>();
    assert_close(
        every_ninth(attribution("gradient_input", &explained)),
        &[-0.0, -0.06613, -0.76436, -0.1864, 0.26017, 0.1968, -0.12044, 0.02067],
        2e-4,
    );
    // of 512 steps at most; PyTorch took 20,000
    assert_close(
        every_ninth(attribution("integrated_gradients", &explained)),
        &[-0.0, -0.03222, -0.5711, -0.28932, 0.1821, 0.22224, -0.04292, 0.01385],
        5e-3,
    );
    let map = explained.model.last_map(&explained.image).unwrap().unwrap();
    assert_eq!(map.dims(), [1, 4, 4, 64]);
    let expected = [
        0.0, 0.01483, 0.0, 0.0, 0.01451, 0.0, 0.0, 0.033, 0.0, 0.0, 0.03324, 0.02717, 0.0, 0.03349, 0.02629,
        0.00779,
    ];
    let heat = grad_cam::heat(&explained).unwrap().unwrap().flatten_all().unwrap();
    assert_close(heat.to_vec1::<f32>().unwrap(), &expected, 1e-4);
}

#[test]
fn integrated_gradients_add_up_to_the_difference() {
    for encoder in ["seed_cnn", "compact_cnn", "mlp"] {
        for (class, instead_of) in [(0, None), (1, None), (2, Some(1)), (0, Some(2))] {
            let explained = explained(encoder, class, instead_of);
            let images = Tensor::cat(&[&explained.empty().unwrap(), &explained.image], 0).unwrap();
            let ends = explained.outputs(&images).unwrap();
            let (sum, difference) =
                (attribution("integrated_gradients", &explained).iter().sum::<f32>(), ends[1] - ends[0]);
            assert!((sum - difference).abs() <= 0.01 * difference.abs(), "{encoder}: {sum}, {difference}");
        }
    }
}

#[test]
fn a_transformer_has_attention_and_no_last_map() {
    for entry in ALL {
        let values = (entry.explain)(&explained("vit", 1, None)).unwrap();
        assert_eq!(values.is_none(), entry.info.id == "grad_cam", "{}", entry.info.id);
    }
    let attention = attribution("rollout", &explained("vit", 1, None));
    assert!(attention.len() == SIDE * SIDE && attention.iter().all(|share| (0.0..1.0).contains(share)));
    let explained = explained("vit", 0, None);
    let maps = explained.model.maps(&explained.image).unwrap();
    let infos = explained.model.map_infos();
    assert_eq!((maps.len(), infos.len()), (13, 13));
    assert_eq!(maps[12].dims(), [1, SIDE / 4, SIDE / 4, 3], "a map for each head");
    assert_eq!((infos[12].name.as_str(), infos[12].field.at(1, 2)), ("blocks.11.attn", [4, 8, 4]));
}

#[test]
fn every_method_gives_a_number_a_pixel_and_blank_paper_says_nothing() {
    for entry in ALL {
        for encoder in ["seed_cnn", "compact_cnn", "mlp"] {
            let mut explained = explained(encoder, 1, None);
            let values = (entry.explain)(&explained).unwrap();
            let has_nothing_to_look_at = match entry.info.id {
                "grad_cam" => encoder == "mlp",
                "rollout" => true,
                _ => false,
            };
            assert_eq!(values.is_none(), has_nothing_to_look_at, "{}", entry.info.id);
            let Some(values) = values else { continue };
            assert_eq!(values.len(), SIDE * SIDE);
            // Grad-CAM shows only what speaks for the class, which may be nothing
            let says_something = values.iter().any(|value| *value != 0.0);
            assert!(says_something || entry.info.id == "grad_cam", "{}: {encoder}", entry.info.id);
            explained.image = explained.empty().unwrap();
            let of_nothing = (entry.explain)(&explained).unwrap().unwrap();
            // where there is no ink, there is nothing to take away; feature maps have their biases all the same
            let says_nothing = of_nothing.iter().all(|value| *value == 0.0);
            assert!(says_nothing || entry.info.id == "grad_cam", "{}: {encoder}", entry.info.id);
        }
    }
}

#[test]
fn what_occlusion_hides_is_what_counts() {
    let explained = explained("mlp", 0, None);
    let whole = explained.outputs(&explained.image).unwrap()[0];
    let empty = explained.outputs(&explained.empty().unwrap()).unwrap()[0];
    let values = attribution("occlusion", &explained);
    // a patch of 3 × 3 over the middle of 8 × 8: each pixel's number is the mean of the losses by the patches over it
    let hidden = |left: usize, top: usize| {
        let mut image = explained.image.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (row, column) in (top..top + 3).flat_map(|row| (left..left + 3).map(move |column| (row, column)))
        {
            image[row * SIDE + column] = 0.0;
        }
        let image = Tensor::from_vec(image, (1, SIDE, SIDE, 1), &Device::Cpu).unwrap();
        whole - explained.outputs(&image).unwrap()[0]
    };
    let around = (2..5).flat_map(|left| (2..5).map(move |top| (left, top)));
    let mean = around.map(|(left, top)| hidden(left, top)).sum::<f32>() / 9.0;
    assert!((values[4 * SIDE + 4] - mean).abs() < 1e-4, "{} is not {mean}", values[4 * SIDE + 4]);
    assert_ne!(whole, empty);
}

#[test]
fn without_a_part_the_network_sees_the_rest() {
    let explained = explained("mlp", 0, Some(1));
    let mut pixels = vec![0u8; SIDE * SIDE];
    (pixels[9], pixels[14], pixels[54]) = (255, 120, 200);
    let sample = Image { shape: ImageShape::new(SIDE, SIDE, 1), pixels: pixels.clone() }.into();
    let fitted = explained.model.fitted(&[sample]).unwrap();
    let image = explained.model.batch(&fitted, &[0]).unwrap().inputs;
    let explained = Explained { image: image.clone(), ..explained };
    let found = parts::without(&explained, &pixels).unwrap();
    // Ink in three corners of the box around it: what covers no ink is not asked about.
    assert_eq!(found.len(), 3);
    let mut rest = image.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    rest[54] = 0.0;
    let rest = Tensor::from_vec(rest, (1, SIDE, SIDE, 1), &Device::Cpu).unwrap();
    let logits = explained.model.logits(&rest).unwrap().squeeze(0).unwrap().to_vec1::<f32>().unwrap();
    assert!((found[2].output - (logits[0] - logits[1])).abs() < 1e-5);
    assert_eq!(usize::from(found[2].predicted), argmax(&logits));
    assert!(parts::without(&explained, &[0; SIDE * SIDE]).unwrap().is_empty());
}
