"""A run that was killed halfway, copies of which are damaged, and what must hold of every answer to something hostile."""

import re
import shutil

import lib

SETTINGS = dict(
    epochs=2,
    epoch_steps=40,
    evaluations_per_epoch=4,
    validation_images=300,
    batch_size=16,
    hidden_size=64,
    keep_checkpoints=1000,
)
# The newest checkpoint of a run that is to be damaged.
STEP = 40
ENDLESS = "/dev/zero"


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
