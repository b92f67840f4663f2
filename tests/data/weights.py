"""Writes tests/data/weights: small files of tensors as PyTorch 2.15 writes them, read by src/weights/tests.rs."""

from collections import OrderedDict
from pathlib import Path

import torch

FOLDER = Path(__file__).parent / "weights"


def weights(scale=1.0):
    """Numbers 0, 1, 2, ... in every kind, and in views that do not lie one number after the other."""
    whole = torch.arange(24, dtype=torch.float32) * scale
    named = OrderedDict()
    named["plain.weight"] = whole.reshape(2, 3, 4).clone()
    named["turned.weight"] = whole.reshape(4, 6).t()
    named["part.weight"] = whole.reshape(4, 6)[1:3, 2:5]
    named["one.bias"] = whole[7]
    named["empty"] = torch.zeros(0, 3)
    named["double"] = torch.tensor([0.5, -1.5], dtype=torch.float64)
    named["half"] = torch.tensor([0.5, -1.5], dtype=torch.float16)
    named["brain"] = torch.tensor([0.5, -1.5], dtype=torch.bfloat16)
    named["parameter"] = torch.nn.Parameter(torch.tensor([3.0]))
    named["bn.num_batches_tracked"] = torch.tensor(7)
    return named


def checkpoint():
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "best": torch.tensor(0.5),
        "device": torch.device("cpu"),
        "optimizer": optimizer.state_dict(),
        "model_ema": weights(2.0),
        "model": weights(),
    }


FOLDER.mkdir(exist_ok=True)
torch.save(weights(), FOLDER / "zip.pt")
torch.save(weights(), FOLDER / "legacy.th", _use_new_zipfile_serialization=False)
torch.save(checkpoint(), FOLDER / "checkpoint.pth")
torch.save(checkpoint(), FOLDER / "checkpoint-legacy.pth", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(1, 1), FOLDER / "module.pt")
