"""Prints the constants of src/models/pytorch/tests.rs: the reference network in PyTorch, in double precision."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).parents[2] / "benches"))
from pytorch_baseline import SeedCnn  # noqa: E402

torch.set_default_dtype(torch.float64)
IMAGES, LABELS = 4, torch.tensor([3, 1, 4, 1])


def scattered(shape, seed, scale):
    """Numbers from -scale / 2 to scale / 2 that are the same in every language, rounded to single precision."""
    index = torch.arange(torch.Size(shape).numel())
    numbers = ((index * 7919 + seed * 101) % 10007) / 10007 - 0.5
    return (numbers * scale).float().double().reshape(shape)


model = SeedCnn().eval()  # no dropout
with torch.no_grad():
    for seed, parameter in enumerate(model.parameters()):
        # 1D tensors are biases.
        scale = 6 / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 0.2
        parameter.copy_(scattered(parameter.shape, seed, scale))

logits = model(scattered((IMAGES, 1, 28, 28), 99, 1.0) + 0.5)
print("logits:")
for row in logits.tolist():
    print("    [" + ", ".join(f"{value:.6f}" for value in row) + "],")
F.cross_entropy(logits, LABELS).backward()
print("gradients: largest, length, and three of the numbers")
for name, parameter in model.named_parameters():
    gradient = parameter.grad.flatten()
    some = [gradient[at].item() for at in (len(gradient) // 3, len(gradient) // 2, len(gradient) - 1)]
    numbers = [gradient.abs().max().item(), gradient.norm().item(), *some]
    print(f'    ("{name}", [{", ".join(f"{number:.8e}" for number in numbers)}]),')
