#!/usr/bin/env python3
"""Kills training at one system call after the other, or has the disk fail there, and looks whether anything is lost.

A tiny run is trained once undisturbed. Then it is trained again for each rename, unlink, mkdir, ftruncate, fsync, write or
open within its folder: once killed there, once with an I/O error, once with a full disk. What is left is resumed until it is
finished. Its metrics and its weights must be those of the undisturbed run to the byte, with nothing half beside them, and
the disturbed program may say that all is well (exit status 0) only if it is. With keep_checkpoints = 1 and 3. Needs strace.
"""

import collections
import json
import random
import re
import shutil
import struct
import subprocess

import lib

CALLS = (
    "rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat ftruncate fsync fdatasync flock write openat"
).split()
ENDS = {"kill": "signal=KILL", "I/O error": "error=EIO", "full disk": "error=ENOSPC"}
# These cannot fail for want of room.
NEVER_FULL = {"unlink", "unlinkat", "rmdir", "flock"}
# One that is known, so that calls within the run's folder are.
NAME = "2026-01-01-0000-inject-0000"
# In the short form, every so many.
SHORT = 12


def main():
    script = lib.Script(__doc__, lambda parser: parser.add_argument("--only", choices=CALLS, help="this call alone"))
    if shutil.which("strace") is None:
        script.skip("system calls", "strace is not installed")
        script.end()
    data = script.folder("data")
    images(data)
    for keep in (1, 3):
        sweep = Sweep(script, data, keep)
        tries = [
            (call, place, end)
            for call, place in sweep.places
            for end in ENDS
            if script.options.only in (None, call) and not (end == "full disk" and call in NEVER_FULL)
        ]
        for call, place, end in tries[:: SHORT if script.short else 1]:
            sweep.disturb(call, place, end)
    script.end()


def images(folder):
    """Writes a data set of random images, 8 by 8, as IDX files."""
    chance = random.Random(0)
    for part, count in (("train", 100), ("t10k", 30)):
        pixels = bytes(chance.randrange(256) for _ in range(count * 64))
        labels = bytes(place % 10 for place in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, count, 8, 8) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


class Sweep:
    def __init__(self, script, data, keep):
        self.script, self.keep = script, keep
        recipe = dict(epochs=2, epoch_steps=4, evaluations_per_epoch=2, validation_images=20, batch_size=8)
        recipe |= dict(hidden_size=8, depth=1, dataset="files", dataset__path=data, keep_checkpoints=keep)
        home = script.folder(f"undisturbed-{keep}")
        done = script.run("train", lib.CONFIGS / "mlp.toml", *lib.settings(**recipe), home=home)
        assert done.code == 0, done.text()
        [run] = lib.runs(home)
        self.spec, self.wanted = (run / "spec.toml").read_bytes(), lib.digest(run)
        self.places = self.trace()

    def fresh(self, name):
        """A home with a run that has not begun."""
        home = self.script.folder(name)
        run = home / "runs" / NAME
        (run / "checkpoints").mkdir(parents=True)
        (run / "spec.toml").write_bytes(self.spec)
        return home, run

    def resume(self, home, *strace):
        command = [*strace, *self.script.command(["resume", NAME], home)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=lib.environment(), stdin=subprocess.DEVNULL
        )

    def trace(self):
        """The calls within the run's folder, each with its place among those of its kind and thread."""
        home, run = self.fresh("traced")
        written = self.script.scratch / "trace"
        done = self.resume(home, "strace", "-f", "-y", "-qq", "-s", "300", "-o", written, "-e", "trace=" + ",".join(CALLS))
        assert done.returncode == 0, done.stderr
        differing = lib.differences(lib.digest(run), self.wanted)
        self.script.expect(f"keep {self.keep}, undisturbed: same bytes", not differing, f"differs in {differing}")
        seen, places = collections.Counter(), set()
        for line in written.read_text(errors="replace").splitlines():
            found = re.match(r"(\d+)\s+(\w+)\(", line)
            if found:
                seen[found.groups()] += 1
                if str(run) in line:
                    places.add((found[2], seen[found.groups()]))
        return sorted(places)

    def disturb(self, call, place, end):
        script, row = self.script, f"keep {self.keep}, {end}"
        detail = f"inject={call}:{ENDS[end]}:when={place}"
        home, run = self.fresh("disturbed")
        done = self.resume(home, "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", detail)
        if done.returncode == 0:
            differing = lib.differences(lib.digest(run), self.wanted)
            script.expect(f"{row}: exit 0 is true", not differing, f"{detail}: differs in {differing}")
        attempts, said = 0, ""
        while self.state(home) != "finished" and attempts < 3:
            attempts += 1
            resumed = self.resume(home)
            said = resumed.stdout[-200:] + resumed.stderr[-400:]
        script.expect(f"{row}: resumed to the end", self.state(home) == "finished", f"{detail}: {said}")
        differing = lib.differences(lib.digest(run), self.wanted)
        script.expect(f"{row}: same bytes", not differing, f"{detail}: differs in {differing}")
        if attempts:
            left = lib.leftovers(home)
            script.expect(f"{row}: nothing left behind", not left, f"{detail}: {left}")

    def state(self, home):
        listed = self.script.run("runs", "--json", home=home)
        states = [json.loads(line)["state"] for line in listed.out.splitlines()]
        return states[0] if states else "none"


if __name__ == "__main__":
    main()
