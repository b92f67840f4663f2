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
for compression in ["snappy", "zstd"]:
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
