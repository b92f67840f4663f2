"""The work of `headstart bench` in PyTorch: the same network, batches and definitions.

    python benches/pytorch_baseline.py --mode channels_last+fused --json

Needs torch and numpy. Prints a table for people, or with --json one object a line with the keys of `headstart bench`.
"""

import argparse
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from pytorch_modules import ENCODERS

SLICES = 15
MODES = ["eager", "channels_last", "fused", "channels_last+fused"]
# Takes a minute to compile each network, and a C++ compiler.
COMPILED = ["channels_last+fused+compiled"]


def measure(secs, once):
    """Mean seconds of a call in each slice, after a warm-up, as `headstart bench` measures."""

    def one_slice(least):
        began, calls = time.perf_counter(), 0
        while True:
            once()
            calls += 1
            took = time.perf_counter() - began
            if took >= least:
                return took / calls

    share = secs / SLICES
    one_slice(3 * share)
    return sorted(one_slice(share) for _ in range(SLICES))


def of_photographs(network, side):
    """torchvision's and timm's networks for ten classes."""
    import timm
    import torchvision.models as tv

    if network == "vgg11_bn":
        model = tv.vgg11_bn(num_classes=10)
        model.avgpool, model.classifier = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(512, 10)
        return model
    if network in ("resnet18", "mobilenet_v2"):
        return getattr(tv, network)(num_classes=10)
    name = {"vit_tiny": "vit_tiny_patch16_224", "efficientnet_lite0": "tf_efficientnet_lite0"}[network]
    return timm.create_model(name, num_classes=10, **({"img_size": side} if network == "vit_tiny" else {}))


# As in src/engine/benchmark/networks.rs: images a batch, beside the sides that end a name.
BATCH = {
    "resnet20_32": 64,
    "resnet18_64": 16,
    "resnet18_224": 8,
    "vgg11_bn_64": 16,
    "vgg11_bn_224": 4,
    "mobilenet_v2_64": 16,
    "efficientnet_lite0_64": 16,
    "efficientnet_lite0_224": 16,
    "vit_tiny_64": 32,
    "vit_tiny_224": 8,
}
DIGITS = ["seed_cnn", "compact_cnn", "mlp"]


def bench(encoder, mode, secs):
    torch.manual_seed(0)
    layout = torch.channels_last if "channels_last" in mode else torch.contiguous_format
    if encoder in BATCH:
        name, side = encoder.rsplit("_", 1)
        TRAIN_BATCH = INFER_BATCH = BATCH[encoder]
        shape, BATCHES = (3, int(side), int(side)), 4
        model = ENCODERS["resnet"](channels=3) if name == "resnet20" else of_photographs(name, int(side))
    else:
        TRAIN_BATCH, INFER_BATCH, BATCHES, shape = 64, 256, 64, (1, 28, 28)
        model = ENCODERS[encoder]()
    model = model.to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused="fused" in mode or None)
    images = torch.rand(BATCHES * TRAIN_BATCH, *shape)
    labels = torch.randint(0, 10, (BATCHES * TRAIN_BATCH,))
    step = 0

    def train():
        nonlocal step
        chosen = slice(step % BATCHES * TRAIN_BATCH, (step % BATCHES + 1) * TRAIN_BATCH)
        step += 1
        loss = F.cross_entropy(model(images[chosen].contiguous(memory_format=layout)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    if "compiled" in mode:
        model = torch.compile(model)
    train_secs = measure(secs, train)
    model.eval()
    with torch.inference_mode():
        infer_secs = [
            measure(secs, lambda x=torch.rand(count, *shape).contiguous(memory_format=layout): model(x).softmax(1))
            for count in (INFER_BATCH, 1)
        ]
    median = SLICES // 2
    return {
        "measured": "encoder",
        "encoder": encoder,
        "mode": mode,
        "train_images_per_sec": TRAIN_BATCH / train_secs[median],
        "train_images_per_sec_best": TRAIN_BATCH / train_secs[0],
        "infer_images_per_sec": INFER_BATCH / infer_secs[0][median],
        "infer_images_per_sec_best": INFER_BATCH / infer_secs[0][0],
        "latency_us": infer_secs[1][median] * 1e6,
        "latency_us_best": infer_secs[1][0] * 1e6,
        "peak_memory_bytes": peak_memory(),
    }


def peak_memory():
    """Of the whole process; macOS counts in bytes, Linux in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--encoder", choices=[*DIGITS, *BATCH], default="seed_cnn")
    parser.add_argument("--mode", choices=MODES + COMPILED, action="append", help="may be repeated; all of them by default")
    parser.add_argument("--secs", type=float, default=3.0, help="seconds for each measurement")
    parser.add_argument("--threads", type=int, help="as many as PyTorch takes by default")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if not args.json:
        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {args.encoder}: median (best)")
    for mode in args.mode or MODES:
        found = bench(args.encoder, mode, args.secs)
        if args.json:
            print(json.dumps(found), flush=True)
            continue
        print(
            f"{mode:20} training {found['train_images_per_sec']:.0f} ({found['train_images_per_sec_best']:.0f})/s"
            f"  inference {found['infer_images_per_sec']:.0f} ({found['infer_images_per_sec_best']:.0f})/s"
            f"  one image {found['latency_us']:.0f} ({found['latency_us_best']:.0f}) µs"
            f"  memory {found['peak_memory_bytes'] / 2**20:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
