#!/usr/bin/env python3
"""Kills a training run, or has the disk fail, at one system call after the other, and looks whether anything is lost.

    python3 tests/robustness/inject.py [--short] [--program target/release/headstart] [--every N] [--only CALL]

A tiny run is trained once undisturbed. Then it is trained again for the k-th rename, unlink, mkdir, ftruncate, fsync, write
or open within its folder, for every k: once killed there, once with an I/O error, once with a full disk. What is left is
resumed until it is finished. Its metrics.csv and its weights must be those of the undisturbed run to the byte, with no half
checkpoint beside them, and the disturbed program may say that all is well (exit code 0) only if it is. Each is done with
keep_checkpoints = 1 and 3. Linux only; needs strace. --short tries every tenth call.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

CALLS = (
    "rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat ftruncate fsync fdatasync flock write openat"
).split()
# How a call is made to end: by a kill, an I/O error or a full disk. Some errors cannot happen to some calls.
ENDS = {"kill": "signal=KILL", "eio": "error=EIO", "enospc": "error=ENOSPC"}
NEVER_FULL = {"unlink", "unlinkat", "rmdir", "flock"}
NAME = "2026-01-01-0000-inject-0000"
RECIPE = dict(
    epochs=2, epoch_steps=4, evaluations_per_epoch=2, validation_images=20, batch_size=8, hidden_size=8, depth=1
)


def images(folder, rng):
    """Writes a data set of random images, 8 by 8, as IDX files."""
    folder.mkdir(parents=True)
    for part, count in (("train", 100), ("t10k", 30)):
        pixels = bytes(rng.randrange(256) for _ in range(count * 64))
        labels = bytes(place % 10 for place in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, count, 8, 8) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


class Sweep:
    def __init__(self, program, work, keep):
        self.program, self.keep = str(program), keep
        self.work, self.data = work / f"keep-{keep}", work / "data"
        self.counts = collections.Counter()
        self.faults = []
        pairs = dict(RECIPE, keep_checkpoints=keep, encoder="mlp", dataset="files", **{"dataset.path": self.data})
        sets = [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]
        recipe = self.work / "recipe.toml"
        self.work.mkdir(parents=True)
        recipe.write_text("")
        home = self.work / "template"
        done = self.run(["train", str(recipe), *sets], home)
        if done.returncode:
            sys.exit(f"The undisturbed run failed: {done.stderr}")
        [run] = [run for run in (home / "runs").iterdir()]
        self.spec = (run / "spec.toml").read_bytes()
        self.digest = self.digest_of(run)
        self.places = self.trace()

    def run(self, words, home, prefix=()):
        environment = {key: value for key, value in os.environ.items() if key != "HEADSTART_HOME"}
        return subprocess.run(
            [*prefix, self.program, *words, "--home", str(home)],
            capture_output=True, text=True, timeout=300, env=environment, stdin=subprocess.DEVNULL,
        )

    def fresh(self, home):
        """A home with a run that has not begun: its name is known, so that calls within its folder are."""
        run = home / "runs" / NAME
        (run / "checkpoints").mkdir(parents=True)
        (run / "spec.toml").write_bytes(self.spec)
        return run

    def trace(self):
        """The calls within the run's folder: their names and their places among those of their thread."""
        home, trace = self.work / "traced", self.work / "trace"
        run = self.fresh(home)
        strace = ["strace", "-f", "-y", "-qq", "-s", "300", "-o", str(trace), "-e", "trace=" + ",".join(CALLS)]
        done = self.run(["resume", NAME], home, strace)
        if done.returncode:
            sys.exit(f"The traced run failed: {done.stderr}")
        if self.digest_of(run) != self.digest:
            sys.exit("The same run twice gives other bytes")
        seen, places = collections.Counter(), []
        for line in trace.read_text(errors="replace").splitlines():
            found = re.match(r"(\d+)\s+(\w+)\(", line)
            if not found:
                continue
            seen[found.groups()] += 1
            if str(run) in line:
                places.append((found[2], seen[found.groups()]))
        shutil.rmtree(home)
        return sorted(set(places))

    def digest_of(self, run):
        """What does not depend on the clock: the metrics and the tensors."""
        files = [run / "metrics.csv", *run.glob("checkpoints/step-*/*.safetensors")]
        return {
            str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.exists()
        }

    def is_finished(self, home):
        listed = self.run(["runs", "--json"], home)
        states = [json.loads(line)["state"] for line in listed.stdout.splitlines()]
        return states == ["finished"]

    def disturb(self, call, place, end):
        home = self.work / f"{call}-{place}-{end}"
        run = self.fresh(home)
        strace = ["strace", "-f", "-qq", "-o", str(self.work / "injected"), "-e", f"trace={call}"]
        done = self.run(["resume", NAME], home, [*strace, "-e", f"inject={call}:{ENDS[end]}:when={place}"])
        self.counts["tries"] += 1
        said = f"{call} {place} {end} keep {self.keep}"
        if done.returncode == 0:
            self.counts["went on"] += 1
            if self.digest_of(run) != self.digest:
                self.faults.append(f"{said}: exit code 0, and other bytes than undisturbed")
        attempts = 0
        while not self.is_finished(home) and attempts < 3:
            attempts += 1
            resumed = self.run(["resume", NAME], home)
        if not self.is_finished(home):
            self.faults.append(f"{said}: resuming fails: {resumed.stderr[-400:]}")
        elif self.digest_of(run) != self.digest:
            now = self.digest_of(run)
            names = sorted(name for name in {*now, *self.digest} if now.get(name) != self.digest.get(name))
            self.faults.append(f"{said}: other bytes in {names}")
        rests = [rest.name for rest in run.rglob("*.partial")]
        if rests and attempts:
            self.faults.append(f"{said}: left behind: {rests}")
        elif rests:
            self.counts["left to be cleared at the next start"] += 1
        if not self.faults or not self.faults[-1].startswith(said):
            shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("target/release/headstart"))
    parser.add_argument("--short", action="store_true", help="try every tenth call")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth call")
    parser.add_argument("--only", choices=CALLS, help="this system call alone")
    arguments = parser.parse_args()
    every = 10 if arguments.short else arguments.every
    if shutil.which("strace") is None:
        sys.exit("strace is needed: apt-get install strace")
    work = pathlib.Path(tempfile.mkdtemp(prefix="headstart-inject-"))
    images(work / "data", random.Random(0))
    faults = []
    for keep in (1, 3):
        sweep = Sweep(arguments.program.resolve(), work, keep)
        tries = [
            (call, place, end)
            for call, place in sweep.places
            for end in ENDS
            if arguments.only in (None, call) and not (end == "enospc" and call in NEVER_FULL)
        ]
        for index, (call, place, end) in enumerate(tries):
            if index % every == 0:
                sweep.disturb(call, place, end)
        calls = collections.Counter(call for call, _ in sweep.places)
        print(f"keep_checkpoints = {keep}: {dict(calls)} calls; {dict(sweep.counts)}", flush=True)
        faults += sweep.faults
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults" + (f", what is left of them is in {work}" if faults else ""))
    if not faults:
        shutil.rmtree(work)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
