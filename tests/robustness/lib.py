"""What the scripts of this folder share: running the program, comparing runs, counting what went wrong."""

import argparse
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
# The memory that no command may take, whatever it is given.
MOST_MEMORY = 10 << 30


# ---- arguments, scratch folder, report


class Script:
    """One script: its options, its scratch folder, its table of counts and its exit status."""

    def __init__(self, description, options=lambda parser: None):
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--program", type=Path, help="the program; else $HEADSTART, else target/release/headstart")
        parser.add_argument("--short", action="store_true", help="a short form, for every change")
        parser.add_argument("--seed", type=int, default=1, help="of the random moments (default: 1)")
        parser.add_argument("--keep", action="store_true", help="keep the scratch folder")
        options(parser)
        self.options = parser.parse_args()
        self.binary = find_binary(self.options.program)
        self.short = self.options.short
        self.random = random.Random(self.options.seed)
        self.scratch = Path(tempfile.mkdtemp(prefix="headstart-"))
        self.rows = {}
        self.failures = []
        self.skipped = []
        self.began = time.monotonic()

    def folder(self, name):
        """An empty folder."""
        path = self.scratch / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def expect(self, row, holds, detail=""):
        """Counts a try in a row of the table, and a failure where something does not hold."""
        tries, failures = self.rows.get(row, (0, 0))
        self.rows[row] = (tries + 1, failures + (not holds))
        if not holds:
            self.failures.append(f"{row}: {detail}")
            print(f"FAILED {row}: {detail}", flush=True)
        return holds

    def note(self, row, count=1):
        """Counts what is neither right nor wrong, such as kills."""
        tries, failures = self.rows.get(row, (0, None))
        self.rows[row] = (tries + count, failures)

    def skip(self, what, why):
        self.skipped.append(f"{what}: skipped, {why}")
        print(self.skipped[-1], flush=True)

    def end(self):
        """Prints the table, removes the scratch folder, and exits with 1 where anything failed."""
        width = max([len(row) for row in self.rows] + [10])
        print(f"\n{'':{width}}  {'count':>6}  failures")
        for row, (tries, failures) in self.rows.items():
            print(f"{row:{width}}  {tries:6}  {'' if failures is None else failures}")
        for line in self.skipped:
            print(line)
        if self.options.keep:
            print(f"What was made lies in {self.scratch}")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)
        print(f"{len(self.failures)} failures in {time.monotonic() - self.began:.0f} s")
        sys.exit(1 if self.failures else 0)

    # ---- running the program

    def run(self, *args, home=None, **how):
        """Runs a command to its end: see `execute`."""
        return execute(self.command(args, home), **how)

    def command(self, args, home=None):
        return [str(self.binary), *(["--home", str(home)] if home else []), *map(str, args)]

    def start(self, *args, home, stdout=subprocess.PIPE):
        return subprocess.Popen(
            self.command(args, home),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            env=environment(),
        )

    def kill_after(self, secs, *args, home):
        """Runs a command and kills it (SIGKILL) after some time: None, or the result where it ended before."""
        process = self.start(*args, home=home)
        try:
            text, _ = process.communicate(timeout=secs)
            return Result(process.returncode, text.decode(errors="replace"), "", secs, 0, False)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None


def find_binary(given):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = given or Path(os.environ.get("HEADSTART", target / "release" / "headstart"))
    if not binary.is_file():
        sys.exit(f"There is no program to test: cargo build --release, or name it with --program\nFile: {binary}")
    return binary.resolve()


@dataclass
class Result:
    code: int
    out: str
    err: str
    secs: float
    megabytes: float
    is_endless: bool

    def text(self, most=400):
        """What was said, in one line."""
        return (self.out[-most:] + " | " + self.err[-most:]).replace("\n", " / ")


def environment():
    """Where nothing leads elsewhere, and errors are those that a person sees."""
    return {key: value for key, value in os.environ.items() if key not in ("HEADSTART_HOME", "RUST_BACKTRACE")}


def execute(command, timeout=60, stdout=None, limits=(), ignored=()):
    """Runs a command to its end, with a limit of time and memory. `limits` are those of setrlimit, `ignored` signals."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            for what, most in limits:
                resource.setrlimit(what, (most, most))
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout or out,
            stderr=err,
            env=environment(),
            preexec_fn=limit,
            start_new_session=True,
        )
        is_endless = False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - began > timeout and not is_endless:
                is_endless = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)

        def text(file):
            file.seek(0)
            return file.read(1 << 20).decode(errors="replace")

        secs = time.monotonic() - began
        return Result(process.returncode, text(out), text(err), secs, usage.ru_maxrss / 1024, is_endless)


# ---- runs


def settings(**values):
    """--set for each: `dataset__path` stands for dataset.path."""
    return [word for key, value in values.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]


def runs(home):
    """The run folders of a home, oldest first."""
    return whole_folders(Path(home) / "runs")


def whole_folders(folder):
    """What a folder holds but for what is half made, and the lock of those that make folders."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if not path.name.endswith(".partial") and not path.name.startswith(".")
    )


def checkpoints(run):
    folder = Path(run) / "checkpoints"
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if re.fullmatch(r"step-\d+", path.name))


def digest(run):
    """A hash of each thing in a run folder that does not depend on the clock."""
    run = Path(run)
    found = {"metrics.csv": sha256(run / "metrics.csv")}
    for checkpoint in checkpoints(run):
        for path in sorted(checkpoint.iterdir()):
            content = path.read_bytes()
            if path.name == "state.toml":
                content = re.sub(rb"elapsed_secs = .*\n", b"", content)
            found[f"{checkpoint.name}/{path.name}"] = hashlib.sha256(content).hexdigest()
    return found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def differences(found, wanted):
    """Names that differ between two digests."""
    return [name for name in sorted(set(found) | set(wanted)) if found.get(name) != wanted.get(name)]


def last_phase(run):
    """The last phase in a run's log; nothing where it was killed before it had one."""
    phase, log = None, Path(run) / "log.jsonl"
    for line in log.read_text(errors="replace").splitlines() if log.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("event") == "phase":
            phase = entry.get("phase")
    return phase


def leftovers(home):
    """What is not whole and was not cleared away, beside the downloads that can be gone on with."""
    home = Path(home)
    names = [path.relative_to(home) for path in home.rglob("*") if "partial" in path.name]
    return [str(name) for name in names if name.parts[0] != "data"]


# ---- files


def png(path, width, height, grey):
    """Writes a grey picture; `grey(x, y)` is 0 to 255."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(grey(x, y) for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def draw(path, chance):
    """A picture of a random broken line, light on dark, as somebody might draw it. Returns the path."""
    size = 56
    corners = [(chance.uniform(8, 48), chance.uniform(8, 48)) for _ in range(5)]
    ink = set()
    for (x0, y0), (x1, y1) in zip(corners, corners[1:]):
        for step in range(101):
            x, y = x0 + (x1 - x0) * step / 100, y0 + (y1 - y0) * step / 100
            ink |= {(int(x) + dx, int(y) + dy) for dx in range(-2, 3) for dy in range(-2, 3)}
    png(path, size, size, lambda x, y: 255 if (x, y) in ink else 0)
    return path
