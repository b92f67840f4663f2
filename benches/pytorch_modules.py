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


class ResNet(Encoder):
    """resnet of 20 layers, with shortcut A, for small images; 18, 34 and 50 are torchvision's, with `fc` for `head`."""

    class Block(nn.Module):
        def __init__(self, inputs, channels, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
            self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
            self.padding = (channels - inputs) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.padding:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
            return F.relu(y + x)

    def __init__(self, classes=10, channels=1, blocks=3):
        super().__init__(64, classes)
        stage = lambda inputs, channels, stride: nn.Sequential(
            self.Block(inputs, channels, stride), *(self.Block(channels, channels, 1) for _ in range(blocks - 1))
        )
        self.conv1, self.bn1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)

    def embed(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


class Vgg(Encoder):
    """vgg of 11 layers with batch normalisation, without hidden layers: (batch, channels, 32 or more, 32 or more)."""

    def __init__(self, classes=10, channels=1):
        from torchvision.models import vgg11_bn

        super().__init__(512, classes)
        self.features = vgg11_bn().features
        self.features[0] = nn.Conv2d(channels, 64, 3, 1, 1)

    def embed(self, x):
        return self.features(x).mean((2, 3))


class MobileNetV2(Encoder):
    """mobilenet_v2, torchvision's."""

    def __init__(self, classes=10, channels=1):
        from torchvision.models import mobilenet_v2

        super().__init__(1280, classes)
        self.features = mobilenet_v2().features
        self.features[0][0] = nn.Conv2d(channels, 32, 3, 2, 1, bias=False)

    def embed(self, x):
        return self.features(x).mean((2, 3))


class EfficientNetLite0(Encoder):
    """efficientnet_lite0, timm's `tf_efficientnet_lite0`."""

    def __init__(self, classes=10, channels=1):
        import timm

        super().__init__(1280, classes)
        net = timm.create_model("tf_efficientnet_lite0", in_chans=channels, num_classes=0)
        self.conv_stem, self.bn1, self.blocks, self.conv_head, self.bn2 = (
            net.conv_stem, net.bn1, net.blocks, net.conv_head, net.bn2,
        )

    def embed(self, x):
        return self.bn2(self.conv_head(self.blocks(self.bn1(self.conv_stem(x))))).mean((2, 3))


class Vit(Encoder):
    """vit, timm's `vit_tiny_patch16_224` with patches of 4 pixels."""

    def __init__(self, classes=10, channels=1, size=28, patch_size=4):
        import timm

        super().__init__(192, classes)
        net = timm.create_model(
            "vit_tiny_patch16_224", img_size=size, patch_size=patch_size, in_chans=channels, num_classes=0
        )
        self.cls_token, self.pos_embed, self.patch_embed = net.cls_token, net.pos_embed, net.patch_embed
        self.blocks, self.norm = net.blocks, net.norm

    def embed(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.norm(self.blocks(x))[:, 0]


ENCODERS = {
    "seed_cnn": SeedCnn,
    "compact_cnn": CompactCnn,
    "mlp": Mlp,
    "resnet": ResNet,
    "vgg": Vgg,
    "mobilenet_v2": MobileNetV2,
    "efficientnet_lite0": EfficientNetLite0,
    "vit": Vit,
}
