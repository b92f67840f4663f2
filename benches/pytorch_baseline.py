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

TRAIN_BATCH, INFER_BATCH, SLICES, BATCHES = 64, 256, 15, 64
MODES = ["eager", "channels_last", "fused", "channels_last+fused"]


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


def bench(encoder, mode, secs):
    torch.manual_seed(0)
    layout = torch.channels_last if "channels_last" in mode else torch.contiguous_format
    model = ENCODERS[encoder]().to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused="fused" in mode or None)
    images = torch.rand(BATCHES * TRAIN_BATCH, 1, 28, 28)
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

    train_secs = measure(secs, train)
    model.eval()
    with torch.inference_mode():
        infer_secs = [
            measure(secs, lambda x=torch.rand(count, 1, 28, 28).contiguous(memory_format=layout): model(x).softmax(1))
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
    parser.add_argument("--encoder", choices=ENCODERS, default="seed_cnn")
    parser.add_argument("--mode", choices=MODES, action="append", help="may be repeated; all of them by default")
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
