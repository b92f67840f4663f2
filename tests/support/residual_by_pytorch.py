"""Prints the constants of src/models/blocks/residual/tests.rs: a small ResNet in PyTorch, in double precision."""

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)


def scattered(shape, seed):
    """Numbers from -1 to 1 that are the same in every language."""
    index = torch.arange(torch.Size(shape).numel())
    return (((index * 7919 + seed * 101) % 10007) / 5003.5 - 1).reshape(shape)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        body = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(body + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 6, 2))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer2(self.layer1(x)).mean((2, 3))


model = ResNet()
with torch.no_grad():
    for index, parameter in enumerate(model.parameters()):
        parameter.copy_(scattered(parameter.shape, index) * 0.5 + (0.5 if parameter.dim() == 1 else 0.0))
images = scattered([3, 9, 9, 2], 99).permute(0, 3, 1, 2)
value = (model(images) * scattered([3, 6], 98)).sum()
value.backward()
print(f"const TRAINING: f64 = {value.item():.6};")
print(f"const EVALUATION: f64 = {(model.eval()(images) * scattered([3, 6], 98)).sum().item():.6};")
for name, parameter in model.named_parameters():
    print(f'    ("{name}", {(parameter.grad * scattered(parameter.shape, 97)).sum().item():.6}),')
