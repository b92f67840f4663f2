"""The work of `headstart bench --objectives` in PyTorch: the same encoder, heads, losses, batches and optimiser.

    python benches/objectives_by_pytorch.py                                  # PyTorch alone
    python benches/objectives_by_pytorch.py --against target/release/headstart --pairs 5

Needs torch. With --against, both take turns, and each objective's ratio is the median over the pairs of Headstart's
speed by the faster of PyTorch's two memory layouts, with fused AdamW. Set LD_PRELOAD to an allocator to help PyTorch.
"""

import argparse
import json
import math
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
from pytorch_modules import CompactCnn
from torch import nn

BATCH, SLICES, IMAGES = 128, 15, 4096


class Decoder(nn.Module):
    """(batch, features) to (batch, 1, 28, 28)."""

    def __init__(self, features, normalized=False):
        super().__init__()
        self.small = nn.Linear(features, 7 * 7 * 64)
        self.middle = nn.Conv2d(64, 32, 3, padding=1)
        self.large = nn.Conv2d(32, 1, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(64), nn.BatchNorm2d(32)] if normalized else [nn.Identity()] * 2)

    def forward(self, x):
        x = F.relu(self.norms[0](self.small(x).view(-1, 64, 7, 7)))
        x = F.relu(self.norms[1](self.middle(F.interpolate(x, scale_factor=2))))
        return self.large(F.interpolate(x, scale_factor=2))


class Classify(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.encoder, self.head = CompactCnn(classes=None), nn.Linear(128, classes)

    def forward(self, x, labels):
        return F.cross_entropy(self.head(self.encoder(x)), labels)


class Rotation(Classify):
    def __init__(self):
        super().__init__(4)

    def forward(self, x, _):
        turned = torch.cat([torch.rot90(x, quarter, (2, 3)) for quarter in range(4)])
        return super().forward(turned, torch.arange(4).repeat_interleave(len(x)))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = CompactCnn(classes=None), Decoder(128)

    def forward(self, x, _):
        return F.binary_cross_entropy_with_logits(self.decoder(self.encoder(x)), x)


class Masked(Autoencoder):
    def forward(self, x, _):
        hidden = torch.rand(len(x), 49).argsort(1) < 24
        mask = hidden.view(-1, 1, 7, 7).float().repeat_interleave(4, 2).repeat_interleave(4, 3)
        painted = self.decoder(self.encoder(x * (1 - mask)))
        return (F.binary_cross_entropy_with_logits(painted, x, reduction="none") * mask).sum() / mask.sum()


class Variational(nn.Module):
    def __init__(self, latent=20):
        super().__init__()
        self.encoder, self.latent, self.decoder = CompactCnn(classes=None), nn.Linear(128, 2 * latent), Decoder(latent)

    def forward(self, x, _):
        x = torch.bernoulli(x)
        mean, log_variance = self.latent(self.encoder(x)).chunk(2, 1)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        painting = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum") / len(x)
        return painting + 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean()


class Contrastive(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = CompactCnn(classes=None)
        self.project = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x, _):
        with torch.no_grad():
            views = altered(torch.cat([x, x]))
        z = F.normalize(self.project(self.encoder(views)), dim=1)
        similar = (z @ z.t() / 0.2).fill_diagonal_(-torch.inf)
        return F.cross_entropy(similar, torch.arange(len(z)).roll(len(x)))


class Adversarial(nn.Module):
    """The two-sided loss of Headstart's objective, its R1 by a finite difference on a quarter of the batch."""

    def __init__(self, latent=64):
        super().__init__()
        self.encoder, self.head, self.generator = CompactCnn(classes=None), nn.Linear(128, 1), Decoder(latent, normalized=True)
        self.latent = latent

    def judge(self, x):
        return self.head(self.encoder(x)).flatten()

    def forward(self, x, _):
        z = torch.randn(len(x), self.latent)
        forged = torch.sigmoid(self.generator(z))
        some = x[: len(x) // 4]
        logits = self.judge(torch.cat([x, some + 0.05 * torch.randn_like(some)]))
        real, slopes = logits[: len(x)], (logits[len(x) :] - logits[: len(some)]) / 0.05
        fake = self.judge(forged.detach())
        discriminator = F.softplus(-real).mean() + F.softplus(fake).mean() + 0.05 * (slopes**2).mean()
        weights = [*self.encoder.parameters(), *self.head.parameters()]
        for weight in weights:
            weight.requires_grad_(False)
        generator = F.softplus(-self.judge(forged)).mean()
        for weight in weights:
            weight.requires_grad_(True)
        return discriminator + generator


def altered(x, rotation=17.0, scale=0.2, shear=0.3, shift=2.5, elastic=1.5, thickness=0.7):
    """Images as Headstart's augmentation may leave them."""
    count, side = len(x), x.shape[2]
    within = lambda reach, *shape: (torch.rand(count, *shape) * 2 - 1) * reach
    turn, zoom, slant = within(math.radians(rotation)), 1 / (1 + within(scale)), within(shear)
    cos, sin = turn.cos(), turn.sin()
    rows = [[cos * zoom, (slant * cos - sin) * zoom], [sin * zoom, (slant * sin + cos) * zoom]]
    matrix = torch.stack([torch.stack(row, 1) for row in rows], 1)
    axis = torch.arange(side) - (side - 1) / 2
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).view(1, -1, 2)
    pulls = F.interpolate(within(elastic, 2, 4, 4), (side, side), mode="bilinear", align_corners=True)
    places = grid @ matrix.transpose(1, 2) + within(shift, 1, 2) + pulls.flatten(2).transpose(1, 2)
    places = places.view(count, side, side, 2) / ((side - 1) / 2)
    x = F.grid_sample(x, places, padding_mode="border", align_corners=True)
    thicker = within(thickness, 1, 1, 1)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    cross = [padded[..., 1:-1, :-2], padded[..., 1:-1, 2:], padded[..., :-2, 1:-1], padded[..., 2:, 1:-1], x]
    cross = torch.stack(cross)
    most, least = cross.amax(0), cross.amin(0)
    return torch.where(thicker > 0, x + (most - x) * thicker, x - (least - x) * thicker)


OBJECTIVES = {
    "classify": Classify,
    "rotation": Rotation,
    "autoencoder": Autoencoder,
    "masked": Masked,
    "variational": Variational,
    "contrastive": Contrastive,
    "adversarial": Adversarial,
}


def measure(objective, layout, secs):
    """Images a second, the median of short slices."""
    torch.manual_seed(0)
    model = OBJECTIVES[objective]().to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
    images, labels = torch.rand(IMAGES, 1, 28, 28), torch.randint(0, 10, (IMAGES,))
    step = 0

    def train():
        nonlocal step
        begin = step * BATCH % IMAGES
        step += 1
        batch = images[begin : begin + BATCH].contiguous(memory_format=layout)
        loss = model(batch, labels[begin : begin + BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def one_slice(least):
        began, calls = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < least or not calls:
            train()
            calls += 1
        return took / calls

    one_slice(3 * secs / SLICES)
    return BATCH / statistics.median(one_slice(secs / SLICES) for _ in range(SLICES))


def by_pytorch(secs):
    layouts = [torch.contiguous_format, torch.channels_last]
    return {objective: max(measure(objective, layout, secs) for layout in layouts) for objective in OBJECTIVES}


def by_headstart(program, secs):
    command = [program, "bench", "--objectives", "--json", "--secs", str(secs)]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={}).stdout.splitlines()
    return {found["objective"]: found["train_images_per_sec"] for found in map(json.loads, lines)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", metavar="HEADSTART", help="the program to compare with")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--secs", type=float, default=2.0, help="seconds for each measurement")
    args = parser.parse_args()
    if not args.against:
        for objective, speed in by_pytorch(args.secs).items():
            print(f"{objective:14} {speed:8.0f} images/s")
        return
    turns = [(by_headstart(args.against, args.secs), by_pytorch(args.secs)) for _ in range(args.pairs)]
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {args.pairs} pairs, images/s")
    for objective in OBJECTIVES:
        own, other = ([turn[side][objective] for turn in turns] for side in (0, 1))
        ratios = sorted(a / b for a, b in zip(own, other))
        print(
            f"{objective:14} Headstart {statistics.median(own):7.0f}  PyTorch {statistics.median(other):7.0f}"
            f"  ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    main()
