"""Hostile settings, recipes, pictures and archives, and Ctrl-C while data are prepared."""

import io
import os
import signal
import struct
import tarfile
import time
import zipfile
import zlib

import lib
from bed import ENDLESS


def settings(bed):
    """Nonsense is refused, or trains: never a panic, never much memory."""
    home = bed.script.folder("home")
    refused = """
        batch_size=0 batch_size=-1 batch_size=1.5 batch_size=1e9 batch_size=1000000000 hidden_size=1000000000 hidden_size=1e9
        epochs=99999999999999999999999 seed=-1 seed=18446744073709551616 learning_rate=nan learning_rate=inf learning_rate=1e30
        learning_rate=1e400 learning_rate=-1 learning_rate= =1 learning_rate unknown=1 encoder.nope=1 encoder=nope device=nope
        dataset=nope validation_images=2000000 validation_share=1 validation_share=1.1 label_share=0 labels_per_class=1000000
        last_class=-1 first_class=10 image_size=100000 dropout=nan dropout=2 beta1=1 beta2=1 version=99 init_from=nope
        init_from=/etc/passwd init_from=../../.. init_from=/dev/zero init_from=/tmp keep_checkpoints=0 depth=1000 split_seed=1e300
        class_balance=x stratified=3 optim=adam lr=0.1 dataset.path=/nowhere freeze_stages=99
    """.split()
    if bed.script.short:
        refused = refused[::3]
    for setting in [*refused, "x" * 100_000 + "=1", 'name="a\\u001b[31m"=', "name=\x1b[31m"]:
        bed.case(
            "settings",
            setting[:40],
            [*bed.train, "--set", setting],
            home,
            codes=(0, 1, 2) if setting.startswith("name") else (1, 2),
        )


def configs(bed):
    home = bed.script.folder("home")
    recipe = bed.script.scratch / "recipe.toml"
    cases = {
        "unknown keys": b'name="x"\nfoo=1\n[encoder]\nid="mlp"\nhiden_size=3\n',
        "binary": os.urandom(2000),
        "the same key twice": b'name="a"\nname="b"\n',
        "100,000 keys": b"".join(b"k%d=1\n" % number for number in range(100_000)),
        "a string of 20 MB": b'name="' + b"x" * 20_000_000 + b'"',
        "deep": b"a=" + b"[" * 100_000,
        "UTF-16": 'name="x"\n'.encode("utf-16"),
        "a line of escape sequences": b"\x1b[31m\x1b]0;mine\x07 = 1\n",
        "a line of 100,000 characters": b"x = " + b"y" * 100_000,
    }
    for label, content in cases.items():
        recipe.write_bytes(content)
        bed.case("configs", label, ["train", recipe], home)
    pipe = bed.script.scratch / "pipe.toml"
    os.mkfifo(pipe)
    for path in (ENDLESS, pipe, "/tmp", "/nowhere.toml", "sed_cnn", home):
        bed.case("configs", str(path)[-30:], ["train", path], home, codes=(1, 2))
        bed.case("configs", str(path)[-30:], ["compare", path], home, codes=(1, 2))


def pictures(bed):
    row = "pictures"
    home, _, _ = bed.copy()
    folder = bed.script.folder("pictures")
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    claims = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    made = {
        "claims.png": claims + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")),
        "empty.png": b"",
        "text.png": b"hello",
        "zeros.bmp": b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 30000, 30000, 1, 24, 0, 0, 0, 0, 0, 0),
        "\x1b[31m.png": b"hello",
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "pipe.png")
    for path in [*(folder / name for name in made), folder / "pipe.png", ENDLESS, "/proc/self/mem", "/nowhere.png"]:
        bed.case(row, str(path)[-20:], ["predict", bed.name, path], home, megabytes=1500)
        bed.case(row, str(path)[-20:], ["handwriting", "add", "--label", "3", path], home, megabytes=1500)
    bomb = folder / "bomb.png"
    big_png(bomb, 30_000)
    # 900 megapixels out of 110 KB.
    bed.case(row, "900 megapixels", ["predict", bed.name, bomb], home, codes=(0, 1), megabytes=1500, secs=20)
    bed.case(row, "a label that is none", ["handwriting", "add", "--label", "10", bed.picture], home, codes=(1, 2))


def big_png(path, size):
    """A black picture of one bit a pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (size + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(size)) + packer.flush()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def npz(path, arrays):
    """Writes arrays of zeros: what their headers claim, and how many bytes there are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (kind, shape, length) in arrays.items():
            header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
            header += b" " * ((-len(header) - 11) % 64) + b"\n"
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                entry.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
                for at in range(0, length, 1 << 20):
                    entry.write(bytes(min(1 << 20, length - at)))


def archives(bed):
    row = "archives"
    home = bed.script.folder("home")
    folder = bed.script.folder("archives")

    def both(label, path, megabytes=600, secs=20, codes=(1,)):
        train = [
            "train",
            lib.CONFIGS / "mlp.toml",
            *lib.settings(dataset="files", dataset__path=path, epochs=1, epoch_steps=5),
        ]
        for args in (["data", "check", path], train):
            bed.case(row, label, args, home, codes=codes, megabytes=megabytes, secs=secs)

    npz(folder / "lie.npz", {"images": ("|u1", (10**12, 28, 28), 1000), "labels": ("|u1", (10**12,), 10)})
    both("an npz that claims 10^12 images", folder / "lie.npz")
    npz(folder / "huge.npz", {"images": ("<f8", (10**9, 10**9, 10**9), 1000), "labels": ("|u1", (10**9,), 10)})
    both("an npz whose size overflows", folder / "huge.npz")
    if not bed.script.short:
        npz(
            folder / "bomb.npz",
            {"images": ("|u1", (5_000_000, 28, 28), 3_920_000_000), "labels": ("|u1", (5_000_000,), 5_000_000)},
        )
        both("an npz of 3.9 GB in 4 MB", folder / "bomb.npz", megabytes=2500)
        (folder / "line.csv").write_bytes(b"label,p0\n" + b"9" * 200_000_000)
        both("a CSV of one line of 200 MB", folder / "line.csv", megabytes=1000)
    (folder / "wide.csv").write_bytes(
        b"label," + b",".join(b"p%d" % n for n in range(784)) + b"\n1," + b"0," * 2_000_000 + b"\n"
    )
    both("a CSV of two million columns", folder / "wide.csv")
    tars(bed, both)
    for path in (ENDLESS, "/dev/null", "/etc/passwd"):
        both(path, path, codes=(1, 2))
    loop = bed.script.folder("loop")
    (loop / "a").mkdir()
    (loop / "a" / "up").symlink_to("..")
    lib.draw(loop / "a" / "1.png", bed.script.random)
    bed.case(row, "a folder that contains itself", ["data", "check", loop], home, codes=(0, 1))
    for path in (ENDLESS, "/tmp", "/proc/self/mem"):
        bed.case(row, f"import {path}", ["import", path, "--encoder", "seed_cnn"], home)


def tars(bed, both):
    """Archives that would write elsewhere, or hold no files, or too much."""
    files = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ]
    outside = bed.script.scratch / "outside"
    folder = f"../../../../../../../../../..{outside}/"

    def tar(name, prefix, kind=tarfile.REGTYPE, first=3073 * 20):
        path = bed.script.folder(f"tar-{name}") / "cifar-10-binary.tar.gz"
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for number, file in enumerate(files):
                entry = tarfile.TarInfo(prefix + file)
                is_first = number == 0
                entry.type = kind if is_first else tarfile.REGTYPE
                entry.linkname = "/etc/passwd" if entry.type != tarfile.REGTYPE else ""
                entry.size = 0 if entry.type != tarfile.REGTYPE else first if is_first else 3073 * 20
                archive.addfile(entry, io.BytesIO(bytes(entry.size)) if entry.size else None)
        return path

    inside = "cifar-10-batches-bin/"
    both("a tar that climbs out", tar("out", folder), codes=(0, 1))
    both("a tar with absolute names", tar("absolute", f"{outside}/"), codes=(0, 1))
    for name, kind in (("symlink", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
        both(f"a tar with a {name}", tar(name, inside, kind), codes=(0, 1))
    bed.script.expect("archives write nothing elsewhere", not outside.exists(), outside)


def stopping(bed):
    """Ctrl-C is answered within a second while images are brought to another size."""
    home = bed.script.folder("home")
    for size in (128,) if bed.script.short else (128, 256):
        process = bed.script.start("train", lib.CONFIGS / "mlp.toml", "--set", f"image_size={size}", home=home)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        try:
            process.communicate(timeout=30)
        except lib.subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        took = time.monotonic() - began
        holds = process.returncode in (1, 130) and took < 1.5
        bed.script.expect(
            "Ctrl-C while data are prepared", holds, f"image_size={size}: exit {process.returncode} after {took:.1f} s"
        )


PARTS = [settings, configs, pictures, archives, stopping]
