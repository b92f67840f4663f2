"""Headstart's encoders as PyTorch modules, the layers named as `headstart export` names them.

    import safetensors.torch
    from pytorch_modules import CompactCnn
    module = CompactCnn().eval()
    module.load_state_dict(safetensors.torch.load_file("weights.safetensors"))
    probabilities = module(pixels / 255).softmax(1)

Inputs are (batch, channels, height, width) and go from 0 to 1: the pixels x of an image as x / 255, ink bright on dark,
with no mean taken away. Outputs are (batch, classes), logits. With `classes=None` a module has no head and its output is
the embedding, (batch, embed_dim): so are the encoders of runs that learnt without labels. Sizes other than MNIST's and the
hyperparameters of an encoder are arguments.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    """An encoder with a head, or, of no classes, without."""

    def __init__(self, embed_dim, classes):
        super().__init__()
        self.head = nn.Linear(embed_dim, classes) if classes else nn.Identity()

    def forward(self, x):
        return self.head(self.embed(x))


class SeedCnn(Encoder):
    """seed_cnn, the reference network: (batch, 1, 28, 28) to (batch, 10)."""

    def __init__(self, classes=10, channels=1, size=28):
        super().__init__(128, classes)
        self.conv1 = nn.Conv2d(channels, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.conv_dropout = nn.Dropout2d(0.25)
        self.fc1 = nn.Linear(64 * ((size - 4) // 2) ** 2, 128)
        self.dense_dropout = nn.Dropout(0.5)

    def embed(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.conv_dropout(F.max_pool2d(x, 2))
        return self.dense_dropout(F.relu(self.fc1(torch.flatten(x, 1))))


class CompactCnn(Encoder):
    """compact_cnn: (batch, 1, 28, 28) to (batch, 10)."""

    def __init__(self, classes=10, channels=1, size=28, dropout=0.0):
        super().__init__(128, classes)
        self.conv1, self.norm1 = nn.Conv2d(channels, 32, 3, 2, 1), nn.BatchNorm2d(32)
        self.conv2, self.norm2 = nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64)
        self.conv3, self.norm3 = nn.Conv2d(64, 128, 3, 1, 1), nn.BatchNorm2d(128)
        self.fc = nn.Linear(128 * ((size + 3) // 4 // 2) ** 2, 128)
        self.dropout = nn.Dropout(dropout)

    def embed(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        x = F.relu(self.norm3(self.conv3(x)))
        return self.dropout(F.relu(self.fc(torch.flatten(F.max_pool2d(x, 2), 1))))


class Mlp(Encoder):
    """mlp, of two hidden layers: (batch, 1, 28, 28) to (batch, 10)."""

    def __init__(self, classes=10, pixels=784, hidden_size=256):
        super().__init__(hidden_size, classes)
        self.fc1 = nn.Linear(pixels, hidden_size)
        self.fc2 = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(0.2)

    def embed(self, x):
        x = self.dropout(F.relu(self.fc1(torch.flatten(x, 1))))
        return self.dropout(F.relu(self.fc2(x)))


ENCODERS = {"seed_cnn": SeedCnn, "compact_cnn": CompactCnn, "mlp": Mlp}
