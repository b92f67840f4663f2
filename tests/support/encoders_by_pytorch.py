"""Prints the constants of src/models/encoders/pytorch_tests.rs. Needs torch 2.15, torchvision 0.29 and timm 1.0.31."""
import numpy as np
import timm
import torch
import torch.nn.functional as F
import torchvision.models as tv
from torch import nn

torch.set_num_threads(2)


class Block(nn.Module):
    """He et al. 2016 for CIFAR, with shortcut A, as github.com/akamaster/pytorch_resnet_cifar10 has it."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        self.pads = stride != 1 and channels // 4

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pads:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pads, self.pads))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        stage = lambda i, c, s: nn.Sequential(*(Block(i if n == 0 else c, c, s if n == 0 else 1) for n in range(3)))
        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


def scattered(shape, seed):
    index = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.tensor((((index * 7919 + seed * 101) % 10007) / 5003.5 - 1.0).reshape(shape), dtype=torch.float64)


def fill(model):
    state = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    for seed, name in enumerate(sorted(state)):
        tensor = state[name]
        numbers = scattered(list(tensor.shape), seed)
        if name.endswith("running_var"):
            numbers = 1 + 0.5 * numbers
        elif tensor.dim() > 1:
            numbers = numbers * (3 / np.prod(tensor.shape[1:])) ** 0.5
        elif name.endswith("weight"):
            numbers = 1 + 0.2 * numbers
        else:
            numbers = 0.2 * numbers
        tensor.copy_(numbers)


def without_head(model, *names):
    for name in names:
        setattr(model, name, nn.Identity())
    return model


def vgg11_bn():
    model = tv.vgg11_bn()
    model.avgpool, model.classifier = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return model


NETWORKS = [
    ("resnet", 32, ResNet20),
    ("resnet depth=18", 64, lambda: without_head(tv.resnet18(), "fc")),
    ("resnet depth=50", 64, lambda: without_head(tv.resnet50(), "fc")),
    ("vgg", 32, vgg11_bn),
    ("mobilenet_v2", 64, lambda: without_head(tv.mobilenet_v2(), "classifier")),
    ("efficientnet_lite0", 64, lambda: without_head(timm.create_model("tf_efficientnet_lite0"), "classifier")),
    ("efficientnet_lite0", 75, lambda: without_head(timm.create_model("tf_efficientnet_lite0"), "classifier")),
    ("vit patch_size=16", 64, lambda: without_head(timm.create_model("vit_tiny_patch16_224", img_size=64), "head")),
]

for name, side, make in NETWORKS:
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():
        fill(model)
    images = (0.5 + 0.5 * scattered([2, side, side, 3], 99)).float().permute(0, 3, 1, 2)
    with torch.no_grad():
        y = model(images)
    weighted = (y.double() * scattered(list(y.shape), 98)).sum().item()
    print(f'("{name}", {side}, {y.norm().item():.6e}, {weighted:.6e}),')

print()
for name, side, make in (NETWORKS[0], NETWORKS[-1]):
    model = make().train()
    with torch.no_grad():
        fill(model)
    images = (0.5 + 0.5 * scattered([2, side, side, 3], 99)).float().permute(0, 3, 1, 2)
    y = model(images)
    (y * scattered(list(y.shape), 98).float()).sum().backward()
    print(f"// {name}")
    for part, tensor in sorted(model.named_parameters()):
        if any(part.startswith(p) for p in ("conv1", "layer2.0", "layer3.2", "cls", "pos", "patch", "blocks.0.", "norm")):
            # a vector that the layout of the tensor does not change
            print(f'("{part}", {tensor.grad.norm().item():.6e}, {(tensor.grad.double() * scattered(list(tensor.shape), 97)).sum().item():.6e}),')
