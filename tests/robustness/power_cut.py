#!/usr/bin/env python3
"""Power cuts: a disk is copied while the program is stopped in the middle of something, and what the copy holds, without
anything that was still in memory, is all that there is. Needs root and loop devices (Linux)."""

import os
import shutil
import signal
import subprocess
import time
import tomllib

import lib

SETTINGS = dict(
    epochs=6, epoch_steps=32, evaluations_per_epoch=8, validation_images=300, batch_size=16, keep_checkpoints=3
)
TRAIN = ["train", lib.CONFIGS / "mlp.toml", *lib.settings(**SETTINGS)]


def main():
    script = lib.Script(
        __doc__, lambda parser: parser.add_argument("--cuts", type=int, help="how many (default: 3, or 30)")
    )
    why = why_not(script.scratch)
    if why:
        script.skip("power cuts", why)
        script.end()
    cuts = script.options.cuts or (3 if script.short else 30)
    home = script.folder("undisturbed")
    ended = script.run(*TRAIN, home=home)
    wanted = lib.digest(lib.runs(home)[0])
    for _ in range(cuts):
        while_training(script, wanted, max(ended.secs, 0.5))
    for _ in range(max(1, cuts // 5)):
        while_drawings_are_kept(script)
    script.end()


def why_not(scratch):
    """Why this computer cannot copy a disk, if it cannot."""
    if os.name != "posix" or os.geteuid() != 0:
        return "it needs root, to mount a disk"
    if not shutil.which("mkfs.ext4"):
        return "it needs mkfs.ext4 (e2fsprogs)"
    try:
        with Disk(scratch):
            return None
    except subprocess.CalledProcessError:
        return "no loop device can be mounted here"


class Disk:
    """An ext4 disk in a file, mounted; `cut` gives what of it outlives a power cut."""

    def __init__(self, scratch):
        self.image, self.copy = scratch / "disk", scratch / "copy"
        self.folder, self.after = scratch / "before", scratch / "after"

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.after.mkdir(exist_ok=True)
        self.image.unlink(missing_ok=True)
        with open(self.image, "wb") as image:
            image.truncate(200 << 20)
        shell("mkfs.ext4", "-q", "-F", self.image)
        shell("mount", "-o", "loop", self.image, self.folder)
        return self

    def cut(self, process=None):
        """The power is cut; the folder of what is left."""
        if process:
            process.send_signal(signal.SIGSTOP)
        shell("cp", "--sparse=always", self.image, self.copy)
        if process:
            process.kill()
            process.communicate()
        shell("mount", "-o", "loop", self.copy, self.after)
        return self.after

    def __exit__(self, *_):
        for folder in (self.after, self.folder):
            subprocess.run(["umount", "-q", folder], check=False)


def shell(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def while_training(script, wanted, longest):
    with Disk(script.scratch) as disk:
        home = disk.folder / "home"
        for name in ("runs", "trash", "comparisons"):
            (home / name).mkdir(parents=True)
        shell("sync", "-f", home)
        process = script.start(*TRAIN, home=home, stdout=subprocess.DEVNULL)
        time.sleep(script.random.uniform(0.2, longest))
        after = disk.cut(process) / "home"
        script.note("training: cuts")
        found = lib.runs(after)
        if not found:
            script.note("training: cut before there was a run")
            return
        run = found[0]
        vouched = vouched_for(run)
        size = (run / "metrics.csv").stat().st_size if (run / "metrics.csv").is_file() else 0
        script.expect(
            "training: metrics.csv reaches as far as the checkpoint", size >= vouched, f"{size} of {vouched} bytes"
        )
        ended = script.run("resume", run.name, home=after)
        metrics = (run / "metrics.csv").read_bytes() if (run / "metrics.csv").is_file() else b""
        is_over = ended.code == 0 or "finished" in ended.err
        script.expect("training: can be resumed", is_over, f"exit {ended.code}: {ended.text()}")
        script.expect(
            "training: no NUL bytes in metrics.csv", b"\0" not in metrics, f"{metrics.count(0)} of {len(metrics)}"
        )
        differing = lib.differences(lib.digest(run), wanted)
        script.expect("training: same bits", not differing, f"differs in {differing}")


def vouched_for(run):
    """Bytes of metrics.csv that the newest checkpoint relies on."""
    found = lib.checkpoints(run)
    return tomllib.loads((found[-1] / "state.toml").read_text())["metrics_bytes"] if found else 0


def while_drawings_are_kept(script):
    """A drawing that was said to be kept is there, whole, though the power goes at once."""
    with Disk(script.scratch) as disk:
        home = disk.folder / "home"
        pictures = [lib.draw(script.scratch / f"{number}.png", script.random) for number in range(4)]
        for number, picture in enumerate(pictures):
            ended = script.run("handwriting", "add", "--label", number, picture, home=home)
            script.expect("handwriting: exits", ended.code == 0, ended.text())
        after = disk.cut() / "home"
        script.note("handwriting: cuts")
        kept = [path for path in (after / "handwriting").rglob("*.png")]
        whole = [path for path in kept if path.read_bytes().endswith(b"IEND\xaeB`\x82")]
        script.expect(
            "handwriting: every drawing is there",
            len(whole) == len(pictures),
            f"{len(kept)} files, {len(whole)} whole, of {len(pictures)}",
        )


if __name__ == "__main__":
    main()
