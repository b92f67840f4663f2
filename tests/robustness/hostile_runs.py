"""Hostile run folders: specs, logs, metrics, checkpoints, weights, links and names."""

import json
import math
import os
import shutil
import struct
import tomllib

import lib
from bed import ENDLESS, STEP, replace

MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.toml"


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
    bed.damaged(
        row,
        "unknown keys",
        lambda run, _: replace(run / "log.jsonl", unknown),
        resume=(0, 1),
        says="foo|hyperparameter|value",
        is_same=False,
    )
    out_of_range = {
        "a dropout of 5": {"encoder__dropout": 5.0},
        "a learning rate of -1": {"optimizer__learning_rate": -1.0},
        "a learning rate of 1e300": {"optimizer__learning_rate": 1e300},
    }
    for label, values in out_of_range.items():
        content = begun + tuned(45, live, **values)
        run = bed.damaged(
            row,
            label,
            lambda run, _: replace(run / "log.jsonl", content),
            resume=(0, 1),
            says="learning.rate|dropout",
            is_same=False,
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
        first = [
            line
            for line in (run / "metrics.csv").read_text().splitlines()
            if line.startswith(f"{STEP + 1},train,learning_rate,")
        ]
        holds = ended.code == 1 or (
            changed != state and first and math.isclose(float(first[0].split(",")[3]), rate * 1.5)
        )
        bed.script.expect(
            "logs: live values of the checkpoint", holds, f"{label}: {rate * 1.5} in the checkpoint, {first}"
        )


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
    strange = (
        source + b"9,train,loss,NaN\n8,train,loss,1e308\n18446744073709551615,train,loss,inf\n-1,train,loss,-inf\n"
    )
    bed.damaged(
        row, "absurd values behind", lambda run, _: replace(run / "metrics.csv", strange), resume=(0, 1), is_same=False
    )
    bed.damaged(
        row, "binary", lambda run, _: replace(run / "metrics.csv", os.urandom(100_000)), resume=(0, 1), is_same=False
    )
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
        for args in (
            ["predict", bed.name, bed.picture],
            ["evaluate", bed.name, "--split", "validation"],
            ["history", bed.name, bed.picture],
        ):
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
        bed.script.expect(
            "links are not written through", victim.read_text() == "mine\n" * 10, f"{name} {victim.read_bytes()[:60]}"
        )
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
    for name in (
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "a\nb",
        "..%2f..",
        "-rf",
        "--help",
        "x" * 250,
        "ru n ü 数",
        "\u202egnp.exe",
    ):
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


PARTS = [specs, logs, metrics, checkpoints, weights, links, names]
