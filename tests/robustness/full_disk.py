#!/usr/bin/env python3
"""Full disks, limits on files, and standard output that cannot be written: said, with an exit status that is true, and
nothing lost. Small disks need root (Linux)."""

import os
import resource
import shutil
import signal
import subprocess
import time

import lib

SETTINGS = dict(
    epochs=2, epoch_steps=40, evaluations_per_epoch=4, validation_images=300, batch_size=16, keep_checkpoints=3
)
TRAIN = ["train", lib.CONFIGS / "mlp.toml", *lib.settings(**SETTINGS)]


def main():
    script = lib.Script(__doc__)
    home = script.folder("undisturbed")
    script.run(*TRAIN, home=home)
    wanted = lib.digest(lib.runs(home)[0])
    standard_output(script, wanted)
    limits(script, wanted)
    why = why_not(script)
    if why:
        script.skip("small disks", why)
    else:
        small_disks(script, wanted)
        fills_and_is_freed(script, wanted)
        read_only(script)
    script.end()


def resumed(script, row, run, home, wanted):
    """Once there is room, a run goes on and comes out as if nothing had happened."""
    if lib.last_phase(run) != "finished":
        ended = script.run("resume", run.name, home=home)
        script.expect(f"{row}: resume", ended.code == 0, f"exit {ended.code}: {ended.text()}")
    differing = lib.differences(lib.digest(run), wanted)
    script.expect(f"{row}: same bits", not differing, f"differs in {differing}")


def standard_output(script, wanted):
    """A terminal that goes away or a full disk under a log never stops a run."""
    for name, command in (
        ("/dev/full", "{} > /dev/full"),
        ("closed", "{} | true"),
        ("closed after a line", "{} | head -1"),
    ):
        for flags in ([], ["--json"]):
            home = script.folder("home")
            train = " ".join(f"'{word}'" for word in script.command([*TRAIN, *flags], home))
            began = subprocess.run(
                ["bash", "-c", "set -o pipefail; " + command.format(train)], capture_output=True, text=True, timeout=60
            )
            detail = f"{name} {flags}: exit {began.returncode}: {began.stderr[-300:]}"
            script.expect("standard output: exit", began.returncode in (0, 1), detail)
            found = lib.runs(home)
            phases = [lib.last_phase(run) for run in found]
            if script.expect("standard output: the run ends", phases == ["finished"], f"{detail} {phases}"):
                differing = lib.differences(lib.digest(found[0]), wanted)
                script.expect("standard output: same bits", not differing, f"{name} differs in {differing}")
    for args in (["runs"], ["data"], ["evaluate", lib.runs(script.scratch / "undisturbed")[0].name], ["--help"]):
        with open("/dev/full", "wb") as full:
            ended = script.run(*args, home=script.scratch / "undisturbed", stdout=full)
        script.expect("standard output: not written, not 0", ended.code not in (0, 101), f"{args} exit {ended.code}")


def limits(script, wanted):
    """Files that cannot grow past a length (ulimit -f): the system kills the program, or tells it."""
    for kilobytes in (1, 16, 200, 900):
        for ignored in ((), (signal.SIGXFSZ,)):
            home = script.folder("home")
            ended = script.run(*TRAIN, home=home, limits=[(resource.RLIMIT_FSIZE, kilobytes << 10)], ignored=ignored)
            detail = f"{kilobytes} KB: exit {ended.code}: {ended.text()}"
            is_said = ended.code == 1 and len(ended.err) > 40
            script.expect(
                "limited files: exit 1, and a word", is_said if ignored else ended.code == -signal.SIGXFSZ, detail
            )
            script.expect("limited files: no panic", "panicked" not in ended.err, detail)
            for run in lib.runs(home):
                resumed(script, "limited files", run, home, wanted)


def why_not(script):
    if os.name != "posix" or os.geteuid() != 0:
        return "they need root, to mount a disk"
    try:
        with Small(script, "1m"):
            return None
    except subprocess.CalledProcessError:
        return "no disk can be mounted here"


class Small:
    """A disk in memory of a given size."""

    def __init__(self, script, size):
        self.folder, self.size = script.scratch / "small", size

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.folder], check=True, capture_output=True
        )
        return self

    def fill(self):
        try:
            with open(self.folder / "ballast", "wb", buffering=0) as ballast:
                while True:
                    ballast.write(bytes(4096))
        except OSError:
            pass

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def __exit__(self, *_):
        subprocess.run(["umount", "-q", self.folder], check=False)


def small_disks(script, wanted):
    sizes = (
        ["64k", "1500k", "5m"]
        if script.short
        else ["16k", "64k", "300k", "500k", "1500k", "3500k", "5m", "7m", "9m", "11m"]
    )
    for size in sizes:
        with Small(script, size) as disk:
            home = disk.folder / "home"
            ended = script.run(*TRAIN, home=home)
            detail = f"{size}: exit {ended.code}: {ended.text()}"
            script.expect("small disks: the exit is true", honest(ended, home), detail)
            script.expect("small disks: no panic", "panicked" not in ended.err, detail)
            listed = script.run("runs", home=home)
            script.expect("small disks: runs lists", listed.code in (0, 1) and not listed.is_endless, listed.text())
            for run in lib.runs(home):
                again = script.run("resume", run.name, home=home)
                script.expect(
                    "small disks: resume while full",
                    honest(again, home) or "finished" in again.err,
                    f"{size}: {again.code} {again.text()}",
                )
            disk.remount("size=100m")
            for run in lib.runs(home):
                resumed(script, "small disks", run, home, wanted)


def honest(ended, home):
    """Success is said of a finished run alone, and failure in words."""
    is_finished = [lib.last_phase(run) for run in lib.runs(home)] == ["finished"]
    return is_finished if ended.code == 0 else ended.code == 1 and len(ended.err) > 40


def fills_and_is_freed(script, wanted):
    """A disk that fills while a run trains."""
    for _ in range(1 if script.short else 10):
        with Small(script, "100m") as disk:
            home = disk.folder / "home"
            process = script.start(*TRAIN, home=home)
            time.sleep(script.random.uniform(0.1, 0.8))
            disk.fill()
            text, _ = process.communicate(timeout=60)
            is_finished = [lib.last_phase(run) for run in lib.runs(home)] == ["finished"]
            code = process.returncode
            script.expect(
                "filled while training: the exit is true", (code == 0) == is_finished, f"exit {code}: {text[-300:]}"
            )
            (disk.folder / "ballast").unlink()
            for run in lib.runs(home):
                resumed(script, "filled while training", run, home, wanted)


def read_only(script):
    """A home that can only be read can be looked at, and what would write says that it cannot."""
    with Small(script, "50m") as disk:
        home = disk.folder / "home"
        script.run(*TRAIN, home=home)
        name = lib.runs(home)[0].name
        before = lib.digest(lib.runs(home)[0])
        disk.remount("ro")
        for args in (["runs"], ["evaluate", name, "--split", "validation"]):
            ended = script.run(*args, home=home)
            script.expect("read-only home: can be looked at", ended.code == 0, f"{args}: {ended.code} {ended.text()}")
        for args in (TRAIN, ["resume", name]):
            ended = script.run(*args, home=home)
            script.expect(
                "read-only home: writing is refused in words",
                ended.code == 1 and len(ended.err) > 20,
                f"{args[0]}: {ended.code} {ended.text()}",
            )
        script.expect("read-only home: nothing changed", lib.digest(lib.runs(home)[0]) == before, "differs")
    shutil.rmtree(disk.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
