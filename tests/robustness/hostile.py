#!/usr/bin/env python3
"""Hostile run folders, settings, pictures and archives: each is answered in a sentence, soon, in little memory, with an
exit status that is true; nothing is written through links, and no escape sequence reaches the terminal."""

import io
import json
import math
import os
import re
import shutil
import signal
import struct
import tarfile
import time
import tomllib
import zipfile
import zlib

import lib

SETTINGS = dict(
    epochs=2, epoch_steps=40, evaluations_per_epoch=4, validation_images=300, batch_size=16, hidden_size=64, keep_checkpoints=1000
)
# The newest checkpoint of a run that is to be damaged.
STEP = 40
MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.toml"
ENDLESS = "/dev/zero"


def main():
    parts = [specs, logs, metrics, checkpoints, weights, links, names, settings, configs, pictures, archives, stopping]
    names_of_parts = [part.__name__ for part in parts]
    script = lib.Script(__doc__, lambda parser: parser.add_argument("--only", choices=names_of_parts, help="one part alone"))
    bed = Bed(script)
    for part in parts:
        if script.options.only in (None, part.__name__):
            part(bed)
    script.end()


class Bed:
    """A run that was killed halfway, of which each case damages a copy."""

    def __init__(self, script):
        self.script = script
        self.train = ["train", lib.CONFIGS / "mlp.toml", *lib.settings(**SETTINGS)]
        home = script.folder("undisturbed")
        ended = script.run(*self.train, home=home)
        if ended.code:
            raise SystemExit(f"The undisturbed run fails: {ended.text()}")
        self.source = lib.runs(home)[0]
        self.name = self.source.name
        self.wanted = lib.digest(self.source)
        self.picture = lib.draw(script.scratch / "drawing.png", script.random)

    def copy(self):
        """A home with the run as it was when it was killed: the home, the run, its newest checkpoint."""
        home = self.script.folder("home")
        run = home / "runs" / self.name
        shutil.copytree(self.source, run)
        for checkpoint in lib.checkpoints(run):
            if int(checkpoint.name[5:]) > STEP:
                shutil.rmtree(checkpoint)
        (run / "log.jsonl").write_text('{"event":"phase","phase":"running"}\n')
        return home, run, run / "checkpoints" / f"step-{STEP:06}"

    def case(self, row, label, args, home, codes=(1,), says="", secs=10, megabytes=400, never="NaN %"):
        """Runs a command that has to end soon, in little memory, with one of these exit statuses, saying this."""
        ended = self.script.run(*args, home=home, timeout=max(30, 2 * secs))
        text = ended.out + ended.err
        detail = f"{label}: {args[0]} exit {ended.code}, {ended.secs:.1f} s, {ended.megabytes:.0f} MB: {ended.text()}"
        holds = {
            "ends in time": not ended.is_endless and ended.secs <= secs,
            "takes little memory": ended.megabytes <= megabytes,
            f"exits with {codes}": ended.code in codes,
            f"says {says!r}": re.search(says, text, re.IGNORECASE),
            f"does not say {never!r}": never not in text,
            "does not panic": "panicked" not in text,
            "sends no escape sequences": "\x1b" not in text and "\x07" not in text,
            "quotes no long lines": all(len(line) < 3000 for line in text.splitlines()),
            "says something": ended.code == 0 or len(ended.err) > 15,
        }
        failed = [what for what, is_so in holds.items() if not is_so]
        self.script.expect(row, not failed, f"{', '.join(failed)} – {detail}")
        return ended

    def damaged(self, row, label, damage, resume=(1,), says="", predict=None, listed=(0, 1), is_same=True, **how):
        """Damages a copy, lists, asks and resumes it. A resume that succeeds comes out as undisturbed."""
        home, run, checkpoint = self.copy()
        damage(run, checkpoint)
        self.case(row, f"{label}: listed", ["runs"], home, codes=listed, **how)
        if predict is not None:
            self.case(row, label, ["predict", self.name, self.picture], home, codes=predict, says=says, **how)
        ended = self.case(row, label, ["resume", self.name], home, codes=resume, says=says, **how)
        if ended.code == 0 and is_same:
            differing = lib.differences(lib.digest(run), self.wanted)
            self.script.expect(f"{row}: same bits", not differing, f"{label}: differs in {differing}")
        return run


def replace(path, content):
    path.unlink(missing_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def specs(bed):
    row = "specs"
    spec = (bed.source / "spec.toml").read_bytes()
    cases = {
        "empty": b"",
        "of a name alone": b'name = "x"\n',
        "cut short": spec[:300],
        "binary": os.urandom(5000),
        "of huge numbers": spec.replace(b"hidden_size = 64", b"hidden_size = 99999999999999999"),
        "of deep arrays": b"name=" + b"[" * 200_000 + b"]" * 200_000,
        "of deep tables": b"[" + b"a." * 100_000 + b"a]\n",
        "of another network": spec.replace(b"hidden_size = 64", b"hidden_size = 32"),
        "of 50 MB": spec + b"# " + b"x" * 50_000_000,
    }
    for label, content in cases.items():
        says = "network" if label == "of another network" else "spec"
        bed.damaged(row, label, lambda run, _: replace(run / "spec.toml", content), says=says, predict=(1,))
    bed.damaged(row, "missing", lambda run, _: (run / "spec.toml").unlink(), says="spec|run")
    irregular(bed, row, "spec.toml")


def irregular(bed, row, name):
    """Pipes, devices, folders and loops in place of a file of a run."""

    def pipe(run, _):
        (run / name).unlink()
        os.mkfifo(run / name)

    def folder(run, _):
        (run / name).unlink()
        (run / name).mkdir()

    def link(target):
        def put(run, _):
            (run / name).unlink()
            (run / name).symlink_to(target)

        return put

    bed.damaged(row, f"{name} is a pipe", pipe, resume=(0, 1))
    bed.damaged(row, f"{name} is a folder", folder, resume=(0, 1))
    bed.damaged(row, f"{name} is a device", link(ENDLESS), resume=(0, 1))
    bed.damaged(row, f"{name} is a link to itself", link(name), resume=(0, 1))


def tuned(step, live, **values):
    changed = live | {key.replace("__", "."): value for key, value in values.items()}
    return json.dumps({"event": "tuned", "step": step, "values": changed}) + "\n"


def logs(bed):
    row = "logs"
    live = tomllib.loads((lib.checkpoints(bed.source)[0] / STATE).read_text())["live"]
    begun = '{"event":"phase","phase":"running"}\n'
    harmless = {
        "empty": "",
        "half a line": begun + '{"event":"tun',
        "binary": os.urandom(200_000),
        "a line of 10 MB": begun + '{"event":"notice","text":"' + "y" * 10_000_000 + '"}\n',
        "deep": begun + "[" * 1_000_000 + "\n",
    }
    for label, content in harmless.items():
        bed.damaged(row, label, lambda run, _: replace(run / "log.jsonl", content), resume=(0,))
    unknown = begun + '{"event":"tuned","step":45,"values":{"foo":1}}\n'
    bed.damaged(row, "unknown keys", lambda run, _: replace(run / "log.jsonl", unknown), resume=(0, 1), says="foo|hyperparameter|value", is_same=False)
    out_of_range = {
        "a dropout of 5": {"encoder__dropout": 5.0},
        "a learning rate of -1": {"optimizer__learning_rate": -1.0},
        "a learning rate of 1e300": {"optimizer__learning_rate": 1e300},
    }
    for label, values in out_of_range.items():
        content = begun + tuned(45, live, **values)
        run = bed.damaged(
            row, label, lambda run, _: replace(run / "log.jsonl", content), resume=(0, 1), says="learning.rate|dropout", is_same=False
        )
        bed.script.expect("logs: never trained with it", sane(run), label)
    # Escape sequences of a failure that never was.
    failed = '{"event":"phase","phase":"failed","message":"\\u001b[2J\\u001b]0;mine\\u0007"}\n'
    bed.damaged(row, "escape sequences", lambda run, _: replace(run / "log.jsonl", begun + failed), resume=(0,))
    irregular(bed, row, "log.jsonl")
    lost_log(bed, live)


def sane(run):
    """Whether the metrics hold no learning rate that is not allowed and no absurd loss."""
    values = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()[1:]]
    rates = [float(value) for _, _, metric, value in values if metric == "learning_rate"]
    losses = [float(value) for _, _, metric, value in values if metric == "loss"]
    return all(0 <= rate <= 10 for rate in rates) and all(loss < 100 for loss in losses)


def lost_log(bed, live):
    """Without its log, a run goes on with the values that its checkpoint holds."""
    rate = live["optimizer.learning_rate"]
    for label, content in (("lost", b""), ("garbage", os.urandom(5000))):
        home, run, checkpoint = bed.copy()
        state = (checkpoint / STATE).read_text()
        changed = state.replace(f'"optimizer.learning_rate" = {rate}', f'"optimizer.learning_rate" = {rate * 1.5}')
        replace(checkpoint / STATE, changed)
        replace(run / "log.jsonl", content)
        ended = bed.case("logs: live values of the checkpoint", label, ["resume", bed.name], home, codes=(0, 1))
        first = [line for line in (run / "metrics.csv").read_text().splitlines() if line.startswith(f"{STEP + 1},train,learning_rate,")]
        holds = ended.code == 1 or (changed != state and first and math.isclose(float(first[0].split(",")[3]), rate * 1.5))
        bed.script.expect("logs: live values of the checkpoint", holds, f"{label}: {rate * 1.5} in the checkpoint, {first}")


def metrics(bed):
    row = "metrics"
    source = (bed.source / "metrics.csv").read_bytes()
    short = {"missing": None, "empty": b"", "shorter than the checkpoint says": source[:1000]}
    for label, content in short.items():

        def damage(run, _):
            (run / "metrics.csv").unlink()
            if content is not None:
                (run / "metrics.csv").write_bytes(content)

        run = bed.damaged(row, label, damage, resume=(0, 1), says="metrics", is_same=False)
        found = (run / "metrics.csv").read_bytes() if (run / "metrics.csv").is_file() else b""
        bed.script.expect("metrics: never filled up", b"\0" not in found, f"{label}: {found.count(0)} NUL bytes")
    strange = source + b"9,train,loss,NaN\n8,train,loss,1e308\n18446744073709551615,train,loss,inf\n-1,train,loss,-inf\n"
    bed.damaged(row, "absurd values behind", lambda run, _: replace(run / "metrics.csv", strange), resume=(0, 1), is_same=False)
    bed.damaged(row, "binary", lambda run, _: replace(run / "metrics.csv", os.urandom(100_000)), resume=(0, 1), is_same=False)
    large = b"step,split,metric,value\n" + b"1,train,loss,2.5\n" * (1_000_000 if bed.script.short else 12_000_000)
    home, run, _ = bed.copy()
    replace(run / "metrics.csv", large)
    bed.case(row, f"of {len(large) >> 20} MiB", ["runs"], home, codes=(0, 1), megabytes=300)
    irregular(bed, row, "metrics.csv")


def checkpoints(bed):
    """What is damaged is passed over for the newest whole checkpoint, which is said; without one, nothing is made up."""
    row = "checkpoints"
    here = {
        f"{MODEL} cut short": (MODEL, lambda content: content[:5000]),
        f"{MODEL} empty": (MODEL, lambda _: b""),
        f"{MODEL} missing": (MODEL, lambda _: None),
        f"{OPTIMIZER} cut short": (OPTIMIZER, lambda content: content[:5000]),
        f"{OPTIMIZER} missing": (OPTIMIZER, lambda _: None),
        f"{STATE} empty": (STATE, lambda _: b""),
        f"{STATE} missing": (STATE, lambda _: None),
        f"{STATE} of garbage": (STATE, lambda _: os.urandom(300)),
        "a header of 2^60 bytes": (MODEL, lambda content: struct.pack("<Q", 1 << 60) + content[8:]),
        "a header of 90 MB of spaces": (MODEL, lambda _: struct.pack("<Q", 90_000_000) + b" " * 90_000_000),
        "overlapping tensors": (MODEL, lambda content: reshaped(content, overlap)),
        "a shape of 2^40 by 2^40": (MODEL, lambda content: reshaped(content, large)),
        "integers": (MODEL, lambda content: reshaped(content, lambda tensor: tensor | {"dtype": "I32"})),
        "half as many numbers": (MODEL, lambda content: reshaped(content, lambda tensor: tensor | {"dtype": "F64"})),
    }
    for label, (name, change) in here.items():

        def damage(run, checkpoint):
            content = change((checkpoint / name).read_bytes())
            (checkpoint / name).unlink()
            if content is not None:
                (checkpoint / name).write_bytes(content)

        predict = (0, 1) if name == OPTIMIZER else (0,)
        says = "" if name == OPTIMIZER else "checkpoint|step"
        home, run, checkpoint = bed.copy()
        damage(run, checkpoint)
        bed.case(row, label, ["predict", bed.name, bed.picture], home, codes=predict, says=says)
        bed.damaged(row, label, damage, resume=(0,), says="checkpoint|step")
    for what in (MODEL, STATE):

        def all_of_them(run, _):
            for checkpoint in lib.checkpoints(run):
                replace(checkpoint / what, b"")

        home, run, _ = bed.copy()
        all_of_them(run, None)
        for args in (
            ["predict", bed.name, bed.picture],
            ["evaluate", bed.name, "--split", "validation"],
            ["export", bed.name, "--out", bed.script.scratch / "w.safetensors"],
            ["history", bed.name, bed.picture],
            ["resume", bed.name],
        ):
            bed.case("checkpoints: none is whole", f"every {what} empty", args, home, says="checkpoint")


def header_of(content):
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def reshaped(content, change):
    header, data = header_of(content)
    tensors = {name: change(tensor) if name != "__metadata__" else tensor for name, tensor in header.items()}
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + data


def overlap(tensor):
    begin, end = tensor["data_offsets"]
    return tensor | {"data_offsets": [0, end - begin]}


def large(tensor):
    return tensor | {"shape": [1 << 40, 1 << 40]}


def weights(bed):
    """Weights that are no numbers answer nothing."""
    for label, value in (("NaN", math.nan), ("infinite", math.inf), ("1e38", 1e38)):

        def damage(run, checkpoint):
            header, data = header_of((checkpoint / MODEL).read_bytes())
            text = json.dumps(header).encode()
            filled = struct.pack("<f", value) * (len(data) // 4)
            replace(checkpoint / MODEL, struct.pack("<Q", len(text)) + text + filled)

        home, run, checkpoint = bed.copy()
        damage(run, checkpoint)
        for args in (["predict", bed.name, bed.picture], ["evaluate", bed.name, "--split", "validation"], ["history", bed.name, bed.picture]):
            bed.case("weights", f"{label}", args, home, codes=(0, 1), never="NaN")


def links(bed):
    """Nothing outside a run folder is written through a link in it."""
    for name in ("lock", "metrics.csv", "log.jsonl"):
        home, run, _ = bed.copy()
        victim = home / "precious"
        victim.write_text("mine\n" * 10)
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(victim)
        for args in (["runs"], ["resume", bed.name]):
            bed.case("links", name, args, home, codes=(0, 1))
        bed.script.expect("links are not written through", victim.read_text() == "mine\n" * 10, f"{name} {victim.read_bytes()[:60]}")
    for name in (MODEL, STATE):
        for target in ("/etc/passwd", ENDLESS, name):

            def damage(_, checkpoint):
                (checkpoint / name).unlink()
                (checkpoint / name).symlink_to(target)

            bed.damaged("links", f"{name} to {target}", damage, resume=(0, 1))

    # A folder of checkpoints elsewhere, in which pruning would delete.
    elsewhere = bed.script.folder("elsewhere")
    shutil.copytree(bed.source / "checkpoints" / "step-000010", elsewhere / "step-000010")
    before = sorted(path.name for path in elsewhere.rglob("*"))
    home, run, _ = bed.copy()
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").symlink_to(elsewhere)
    for args in (["runs"], ["resume", bed.name]):
        bed.case("links", "checkpoints elsewhere", args, home, codes=(0, 1))
    after = sorted(path.name for path in elsewhere.rglob("*"))
    bed.script.expect("links are not written through", before == after, f"checkpoints: {after}")


def names(bed):
    row = "names"
    for name in ("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\nb", "..%2f..", "-rf", "--help", "x" * 250, "ru n ü 数", "\u202egnp.exe"):
        home, run, _ = bed.copy()
        run.rename(run.with_name(name))
        bed.case(row, f"run {name[:20]!r}", ["runs"], home, codes=(0, 1))
        bed.case(row, f"run {name[:20]!r}", ["resume", "--", name], home, codes=(0, 1))
    home, run, _ = bed.copy()
    os.rename(os.fsencode(run), os.fsencode(run.parent) + b"/\xff\xfe")
    (run.parent / "file").write_text("no run")
    bed.case(row, "not in UTF-8, and a file", ["runs"], home, codes=(0, 1))
    for name in ("../../../../etc", "..", ".", "/", "", "x" * 100_000, "\x1b[2J"):
        bed.case(row, f"resume {name[:20]!r}", ["resume", name], home, codes=(1, 2))
    folder = bed.script.folder("classes")
    for label in ("\x1b[31mred", "b"):
        (folder / label).mkdir()
        for number in range(10):
            lib.draw(folder / label / f"{number}.png", bed.script.random)
    bed.case(row, "a class with escape sequences", ["data", "check", folder], home, codes=(0, 1))


def settings(bed):
    """Nonsense is refused, or trains: never a panic, never much memory."""
    home = bed.script.folder("home")
    refused = """
        batch_size=0 batch_size=-1 batch_size=1.5 batch_size=1e9 batch_size=1000000000 hidden_size=1000000000 hidden_size=1e9
        epochs=99999999999999999999999 seed=-1 seed=18446744073709551616 learning_rate=nan learning_rate=inf learning_rate=1e30
        learning_rate=1e400 learning_rate=-1 learning_rate= =1 learning_rate unknown=1 encoder.nope=1 encoder=nope device=nope
        dataset=nope validation_images=60000 validation_share=1 validation_share=1.1 label_share=0 labels_per_class=1000000
        last_class=-1 first_class=10 image_size=100000 dropout=nan dropout=2 beta1=1 beta2=1 version=99 init_from=nope
        init_from=/etc/passwd init_from=../../.. init_from=/dev/zero init_from=/tmp keep_checkpoints=0 depth=1000 split_seed=1e300
        class_balance=x stratified=3 optim=adam lr=0.1 dataset.path=/nowhere freeze_stages=99
    """.split()
    if bed.script.short:
        refused = refused[::3]
    for setting in [*refused, "x" * 100_000 + "=1", 'name="a\\u001b[31m"=', "name=\x1b[31m"]:
        bed.case("settings", setting[:40], [*bed.train, "--set", setting], home, codes=(0, 1, 2) if setting.startswith("name") else (1, 2))


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
    claims = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    made = {
        "claims.png": claims + b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")),
        "empty.png": b"",
        "text.png": b"hello",
        "zeros.bmp": b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 30000, 30000, 1, 24, 0, 0, 0, 0, 0, 0),
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
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
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
        train = ["train", lib.CONFIGS / "mlp.toml", *lib.settings(dataset="files", dataset__path=path, epochs=1, epoch_steps=5)]
        for args in (["data", "check", path], train):
            bed.case(row, label, args, home, codes=codes, megabytes=megabytes, secs=secs)

    npz(folder / "lie.npz", {"images": ("|u1", (10**12, 28, 28), 1000), "labels": ("|u1", (10**12,), 10)})
    both("an npz that claims 10^12 images", folder / "lie.npz")
    npz(folder / "huge.npz", {"images": ("<f8", (10**9, 10**9, 10**9), 1000), "labels": ("|u1", (10**9,), 10)})
    both("an npz whose size overflows", folder / "huge.npz")
    if not bed.script.short:
        npz(folder / "bomb.npz", {"images": ("|u1", (5_000_000, 28, 28), 3_920_000_000), "labels": ("|u1", (5_000_000,), 5_000_000)})
        both("an npz of 3.9 GB in 4 MB", folder / "bomb.npz", megabytes=2500)
        (folder / "line.csv").write_bytes(b"label,p0\n" + b"9" * 200_000_000)
        both("a CSV of one line of 200 MB", folder / "line.csv", megabytes=1000)
    (folder / "wide.csv").write_bytes(b"label," + b",".join(b"p%d" % n for n in range(784)) + b"\n1," + b"0," * 2_000_000 + b"\n")
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
    files = ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"]
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
        bed.script.expect("Ctrl-C while data are prepared", holds, f"image_size={size}: exit {process.returncode} after {took:.1f} s")


if __name__ == "__main__":
    main()
