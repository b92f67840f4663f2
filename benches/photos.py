"""Few photographs of each class: the shipped EfficientNet, frozen, against logistic regression on the same features in PyTorch.

    python benches/photos.py target/release/headstart FOLDER [--draws 20] [--weights FILE]

FOLDER has a folder `train` and a folder `val`, each with a folder for each class. A draw takes 5, 10 or 20 photographs of each
class from `train` (numpy.random.RandomState(seed).permutation within a class), and all are tested on `val`. Two of them are set
aside for validation, where the recipe would take a fifth. With --weights, the same draws are given to PyTorch: resized to 256 bicubically, cropped to 224, scikit-learn's logistic regression with C = 0.1.
Needs numpy; with --weights torch, safetensors, scikit-learn, pillow and efficientnet_lite_pytorch.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SIZES = [5, 10, 20, None]


def listed(folder):
    return [sorted(path for path in kind.iterdir()) for kind in sorted(folder.iterdir()) if kind.is_dir()]


def drawn(classes, size, seed):
    state = np.random.RandomState(seed)
    return [[files[at] for at in state.permutation(len(files))[:size]] for files in classes]


def by_headstart(program, chosen, tests, home):
    with tempfile.TemporaryDirectory() as folder:
        for part, classes in (("train", chosen), ("test", tests)):
            for files in classes:
                place = Path(folder, part, files[0].parent.name)
                place.mkdir(parents=True)
                for file in files:
                    os.symlink(file.resolve(), place / file.name)
        recipe = Path(__file__).parent.parent / "configs/own_photos.toml"
        command = [program, "--home", home, "train", recipe, "--json", "--set", f"dataset.path={folder}"]
        command += ["--set", "validation_images=2"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(event["test_accuracy"] for event in events if event["event"] == "finished")


class Peer:
    """Features of every photograph, once."""

    def __init__(self, weights, classes, tests):
        import torch
        from efficientnet_lite_pytorch import EfficientNet
        from PIL import Image
        from safetensors.torch import load_file

        network = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(load_file(weights))
        network.eval()

        def features(file):
            image = Image.open(file).convert("RGB")
            scale = 256 / min(image.size)
            image = image.resize([round(side * scale) for side in image.size], Image.BICUBIC)
            left, top = ((side - 224) // 2 for side in image.size)
            pixels = np.asarray(image.crop((left, top, left + 224, top + 224)))
            pixels = (torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255 - 0.5) / 0.5
            with torch.no_grad():
                return network.extract_features(pixels).mean((2, 3))[0].numpy()

        self.known = {file: features(file) for files in classes + tests for file in files}

    def accuracy(self, chosen, tests):
        from sklearn.linear_model import LogisticRegression

        def numbers(classes):
            rows = [(self.known[file], label) for label, files in enumerate(classes) for file in files]
            return np.array([row for row, _ in rows]), np.array([label for _, label in rows])

        return LogisticRegression(C=0.1, max_iter=2000).fit(*numbers(chosen)).score(*numbers(tests))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--weights")
    args = parser.parse_args()
    classes, tests = listed(args.folder / "train"), listed(args.folder / "val")
    peer = Peer(args.weights, classes, tests) if args.weights else None
    print(f"{'a class':>8} {'draws':>6} {'Headstart':>14} {'PyTorch':>14} {'difference':>11}")
    for size in SIZES:
        ours, theirs = [], []
        with tempfile.TemporaryDirectory() as home:
            for seed in range(args.draws if size else 1):
                chosen = drawn(classes, size, seed)
                ours.append(100 * by_headstart(args.program, chosen, tests, home))
                theirs.append(100 * peer.accuracy(chosen, tests) if peer else float("nan"))
        mean = lambda values: f"{np.mean(values):.2f} ± {np.std(values):.2f}"
        print(f"{size or 'all':>8} {len(ours):>6} {mean(ours):>14} {mean(theirs):>14} {np.mean(ours) - np.mean(theirs):>+11.2f}", flush=True)


if __name__ == "__main__":
    main()
