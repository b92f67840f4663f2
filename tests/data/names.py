"""Writes tests/data/names: what networks call their tensors, and the shapes of these, read by src/models/names/tests.rs.

pip install torch torchvision timm transformers safetensors
"""

import tempfile
from pathlib import Path

import timm
import torchvision.models as vision
import transformers as hugging
from safetensors import safe_open
from torch import nn

FOLDER = Path(__file__).parent / "names"


def write(name, shapes):
    lines = [" ".join([key, *map(str, shape)]) for key, shape in shapes.items()]
    (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n")


def of(module):
    return {key: tensor.shape for key, tensor in module.state_dict().items()}


def as_saved(module):
    """As in the files of the hub, where names may be others than those in memory."""
    with tempfile.TemporaryDirectory() as folder:
        module.save_pretrained(folder)
        file = safe_open(f"{folder}/model.safetensors", "pt")
        return {key: file.get_slice(key).get_shape() for key in file.keys()}


FOLDER.mkdir(exist_ok=True)
resnets = {"18": ("basic", [64, 128, 256, 512], [2, 2, 2, 2]), "50": ("bottleneck", [256, 512, 1024, 2048], [3, 4, 6, 3])}
for depth, (kind, widths, depths) in resnets.items():
    write(f"torchvision-resnet{depth}", of(vision.get_model(f"resnet{depth}", weights=None)))
    config = hugging.ResNetConfig(layer_type=kind, hidden_sizes=widths, depths=depths, num_labels=1000)
    write(f"hugging-resnet{depth}", as_saved(hugging.ResNetForImageClassification(config)))
resnet = vision.resnet18(weights=None)
write("listed-resnet18", of(nn.Sequential(*resnet.children())))
write("torchvision-mobilenet_v2", of(vision.mobilenet_v2(weights=None)))
write("timm-mobilenet_v2", of(timm.create_model("mobilenetv2_100", pretrained=False)))
write("torchvision-vgg11_bn", of(vision.vgg11_bn(weights=None)))
write("timm-vgg11_bn", of(timm.create_model("vgg11_bn", pretrained=False)))
write("timm-efficientnet_lite0", of(timm.create_model("tf_efficientnet_lite0", pretrained=False)))
sizes = dict(hidden_size=192, num_hidden_layers=2, num_attention_heads=3, intermediate_size=768, num_labels=1000)
transformer = hugging.ViTForImageClassification(hugging.ViTConfig(**sizes))
write("hugging-vit", as_saved(transformer))
write("hugging5-vit", of(transformer))
write("timm-vit", of(timm.create_model("vit_tiny_patch16_224", depth=2, pretrained=False)))
write(
    "torchvision-vit",
    of(vision.VisionTransformer(image_size=224, patch_size=16, num_layers=2, num_heads=3, hidden_dim=192, mlp_dim=768)),
)
