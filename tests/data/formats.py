"""Writes the files of this folder, as Python writes them: pip install numpy pillow pyarrow."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

here = Path(__file__).parent

images = np.array([[[100 + 10 * n + 3 * y + x for x in range(3)] for y in range(2)] for n in range(4)], np.uint8)
np.savez(here / "fortran.npz", images=np.asfortranarray(images), labels=np.array([0, 1, 0, 1], np.int64))


def png(grey):
    file = io.BytesIO()
    Image.new("L", (4, 4), grey).save(file, "png")
    return {"bytes": file.getvalue(), "path": f"{grey}.png"}


features = {"image": {"_type": "Image"}, "label": {"names": ["ant", "bee", "cat"], "_type": "ClassLabel"}}
schema = pa.schema(
    [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())],
    metadata={"huggingface": json.dumps({"info": {"features": features}})},
)
for compression in ["brotli", "gzip", "lz4", "snappy", "zstd"]:
    folder = here / f"hub-{compression}" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    # a row of the last shard has no label, as where it is not published
    for name, rows in {
        "train-00000-of-00002": [(0, 0), (10, 1), (20, 2)],
        "train-00001-of-00002": [(30, 0), (40, 1), (50, 2), (60, -1)],
        "test-00000-of-00001": [(70, 0), (80, 1)],
    }.items():
        table = pa.table({"image": [png(grey) for grey, _ in rows], "label": [label for _, label in rows]}, schema)
        pq.write_table(table, folder / f"{name}.parquet", compression=compression, row_group_size=2)


# Situations from public reports, remade small.
cases = here / "cases"


def bytes_of(grey):
    return png(grey)["bytes"]


def hub(features):
    return {"huggingface": json.dumps({"info": {"features": features}})}


def parquet(path, columns, metadata=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)


# huggingface/dataset-viewer#2545: a plain binary column, with Image in the metadata, and as pandas writes it
for name, metadata in {"hub": hub({"image": {"_type": "Image"}}), "pandas": None}.items():
    columns = {"id": [b"x"] * 4, "image": [bytes_of(grey) for grey in [0, 10, 20, 30]], "label": ["cat", "dog"] * 2}
    parquet(cases / "28-parquet-binary" / name / "train.parquet", columns, metadata)
# huggingface/datasets#5644: paths without bytes, beside a folder of pictures
folder = cases / "28-parquet-binary" / "paths"
for grey in [0, 10, 20, 30]:
    file = folder / "pictures" / f"{grey}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes_of(grey))
paths = [f"pictures/{grey}.png" for grey in [0, 10, 20, 30]]
parquet(folder / "train.parquet", {"image": [{"bytes": None, "path": path} for path in paths], "label": [0.0, 1.0, None, 1.0]})
parquet(cases / "28-parquet-binary" / "paths" / "test.parquet", {"file_name": ["C:\\set\\pictures\\20.png"], "label": [1]})

# whole, but of other columns
parquet(cases / "28-parquet-binary" / "other" / "train.parquet", {"image": [png(0), png(10)], "text": ["a", "b"]})

# YimianDai/open-aff#14: fine and coarse labels, as of CIFAR-100
features = {
    "img": {"_type": "Image"},
    "coarse_label": {"names": ["pet", "wild"], "_type": "ClassLabel"},
    "fine_label": {"names": ["cat", "dog", "fox"], "_type": "ClassLabel"},
}
columns = {"img": [png(grey) for grey in [0, 10, 20, 30]], "coarse_label": [0, 0, 1, 0], "fine_label": [0, 1, 2, 1]}
parquet(cases / "29-parquet-two-labels" / "train.parquet", columns, hub(features))

# huggingface/datasets#5021: test and val as parts of other words
for name, (grey, label) in {
    "latest/train-00000-of-00001": (0, "cat"),
    "train-medieval-00000-of-00001": (10, "dog"),
    "retrieval/train-00000-of-00001": (20, "cat"),
    "validation-00000-of-00001": (30, "cat"),
    "test-00000-of-00001": (40, "dog"),
    "extra": (50, "dog"),
}.items():
    columns = {"image": [png(grey), png(grey + 1)], "label": [label] * 2}
    parquet(cases / "30-parquet-split-words" / f"{name}.parquet", columns)

# mljar/mljar-supervised#245, VIAME/VIAME#260: more classes than images, some above 1,024
names = [f"char{place:04}" for place in range(1100)]
features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
columns = {"image": [png(grey) for grey in [0, 10, 20, 30]], "label": [0, 1, 1030, 1099]}
parquet(cases / "32-parquet-many-classes" / "train.parquet", columns, hub(features))
# other names in another file: they are matched by name
features = {"image": {"_type": "Image"}, "label": {"names": ["char1030", "other"], "_type": "ClassLabel"}}
parquet(cases / "32-parquet-many-classes" / "test.parquet", {"image": [png(40), png(50)], "label": [0, 1]}, hub(features))

# booz-allen-hamilton/DSB3Tutorial#7, yassouali/pytorch-segmentation#2: the same images in numbers of every range and layout
arrays = cases / "34-npz-ranges"
arrays.mkdir(parents=True, exist_ok=True)
n, y, x, c = np.ogrid[:8, :8, :8, :3]
images = (20 * y + 3 * x + 40 * c + 2 * n).astype(np.uint8)
labels = np.arange(8) % 2
share = images / 255


def npz(name, images, labels=labels):
    np.savez_compressed(arrays / f"{name}.npz", x_train=images, y_train=labels)


npz("bytes", images)
npz("channels-first", images.transpose(0, 3, 1, 2))
npz("images-last", images.transpose(1, 2, 3, 0))
npz("by-columns", np.asfortranarray(images))
npz("planes", images.transpose(0, 3, 1, 2).reshape(8, -1))
npz("pixels", images.reshape(8, -1))
npz("whole-32", images.astype(np.int32))
npz("bytes-in-16", images.astype(np.uint16))
npz("bits-16", images.astype(">u2") * 257)
npz("shares", share.astype(np.float32))
npz("halves", share.astype(np.float16))
npz("signed", share * 2 - 1)
npz("float-255", images.astype(">f8"))
npz("standardised", (share - share.mean()) / share.std())
npz("one-hot", images, np.eye(2, dtype=np.float32)[labels])
npz("column", images, labels[:, None])
npz("real-labels", images, labels.astype(np.float32))
npz("many-hot", images, np.ones((8, 2)))
npz("half-labels", images, labels + 0.5)
npz("texts", images, np.array(["cat", "dog"])[labels])
npz("bytes-texts", images, np.array([b"cat", b"dog"])[labels])
np.savez_compressed(arrays / "unnamed.npz", images, labels)
np.savez_compressed(arrays / "names.npz", images=images, labels=labels, class_names=np.array(["cat", "dog"]))
np.savez_compressed(
    arrays / "medmnist.npz",
    **{f"{part}_images": images[rows] for part, rows in {"train": slice(0, 5), "val": slice(0, 2), "test": slice(5, 8)}.items()},
    **{f"{part}_labels": labels[rows, None] for part, rows in {"train": slice(0, 5), "val": slice(0, 2), "test": slice(5, 8)}.items()},
)
# one archive for each part, of which both say x_train; and one array a file
(arrays / "parts").mkdir(exist_ok=True)
np.savez_compressed(arrays / "parts" / "train.npz", x_train=share[:5], y_train=labels[:5])
np.savez_compressed(arrays / "parts" / "test.npz", x_train=share[5:], y_train=labels[5:])
(arrays / "single").mkdir(exist_ok=True)
for part, rows in {"train": slice(0, 5), "test": slice(5, 8)}.items():
    np.save(arrays / "single" / f"x_{part}.npy", images[rows])
    np.save(arrays / "single" / f"y_{part}.npy", labels[rows])
for part, rows in {"train": slice(0, 5), "test": slice(5, 8)}.items():
    (arrays / "folders" / part).mkdir(parents=True, exist_ok=True)
    np.save(arrays / "folders" / part / "images.npy", images[rows])
    np.save(arrays / "folders" / part / "labels.npy", labels[rows])
# EMNIST is published with rows and columns exchanged
np.savez_compressed(arrays / "emnist-letters.npz", x_train=images[..., 0].transpose(0, 2, 1), y_train=labels)

# Every kind of value, in every protocol of pickles.
import collections
import pickle

shared = [7]
everything = {
    "none": None,
    "truths": [True, False],
    "whole": [0, -1, 255, 65535, -(2**31), 2**63 - 1],
    "real": 1.5,
    "text": "aé\n☃",
    "bytes": b"a\n",
    "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
    "empty": [[], {}],
    "shared": [shared, shared],
    "ordered": collections.OrderedDict(a=1),
}
(here / "pickles").mkdir(exist_ok=True)
for protocol in range(6):
    (here / "pickles" / f"{protocol}.pickle").write_bytes(pickle.dumps(everything, protocol))

# dataplayer12/Fly-LSH#4, igul222/improved_wgan_training#15: CIFAR's version for Python
import tarfile


def planes(first):
    """An image whose rows are first, first + 1 and so on in red, 100 more in green and 200 more in blue."""
    rows = np.repeat(first + np.arange(32) % 20, 32)
    return np.concatenate([rows, rows + 100, rows + 200])


def batch(firsts, **labels):
    data = np.array([planes(first) for first in firsts], np.uint8)
    return {b"data": data, b"batch_label": b"a batch", b"filenames": [b"a.png"] * len(firsts)} | {
        key.encode(): value for key, value in labels.items()
    }


ten = cases / "37-cifar-python" / "ten" / "cifar-10-batches-py"
ten.mkdir(parents=True, exist_ok=True)
names = b"airplane automobile bird cat deer dog frog horse ship truck".split()
for name, content, protocol in [
    ("data_batch_1", batch([1, 2], labels=[3, 9]), 2),
    ("data_batch_2", batch([3, 4], labels=np.array([0, 1])), 4),
    ("test_batch", batch([5], labels=[9]), 2),
    ("batches.meta", {b"label_names": names, b"num_vis": 3072}, 2),
]:
    (ten / name).write_bytes(pickle.dumps(content, protocol))
with tarfile.open(ten.parent.parent / "cifar-10-python.tar.gz", "w:gz") as archive:
    archive.add(ten, "cifar-10-batches-py")
hundred = cases / "37-cifar-python" / "hundred" / "cifar-100-python"
hundred.mkdir(parents=True, exist_ok=True)
for name, content in {
    "train": batch([1, 2], fine_labels=[42, 7], coarse_labels=[1, 1]),
    "test": batch([5], fine_labels=[42], coarse_labels=[1]),
    "meta": {b"fine_label_names": [f"kind {place}".encode() for place in range(100)], b"coarse_label_names": [b"a"] * 20},
}.items():
    (hundred / name).write_bytes(pickle.dumps(content, 2))
