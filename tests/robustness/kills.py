#!/usr/bin/env python3
"""Kills (SIGKILL) at random moments; afterwards everything must be as if nothing had happened, to the byte."""

import re
import tomllib

import lib
import mirror

TINY = lib.settings(
    epochs=5, epoch_steps=32, evaluations_per_epoch=8, validation_images=300, batch_size=16, hidden_size=64
)
COMPARISON = """
name = "Small"
seeds = [1, 2]
labels_per_class = [2]
[[pretrain]]
name = "Rotated"
dataset = { id = "mnist", validation_images = 200 }
encoder = { id = "mlp", hidden_size = 32 }
objective = { id = "rotation" }
training = { batch_size = 16, epochs = 1, epoch_steps = 60, keep_checkpoints = 1, evaluations_per_epoch = 6 }
[run]
dataset = { id = "mnist", validation_images = 200 }
encoder = { id = "mlp", hidden_size = 32 }
objective = { id = "classify" }
training = { batch_size = 16, epochs = 2, epoch_steps = 40, keep_checkpoints = 1, evaluations_per_epoch = 4 }
[[arms]]
name = "From scratch"
[[arms]]
name = "Pretrained"
init_from = "Rotated"
"""


def main():
    def options(parser):
        parser.add_argument("--kills", type=int, help="how many (default: 12, or 200 without --short)")
        mirror.options(parser)

    script = lib.Script(__doc__, options)
    kills = script.options.kills or (12 if script.short else 200)
    shares = {train: 4, resume: 3, compare: 4, tune: 3, add: 3, fetch: 3}
    for kind, share in shares.items():
        kind(script, max(1, round(kills * share / sum(shares.values()))))
    script.end()


class Killer:
    """Kills commands at random moments until there were enough."""

    def __init__(self, script, name, kills):
        self.script, self.name, self.left = script, name, kills

    def run(self, longest, *args, home):
        """Runs a command, which takes at most about `longest` seconds: its result, or None where it was killed."""
        if self.left <= 0:
            return self.script.run(*args, home=home, timeout=120)
        # As often at the beginning, where folders are made, as anywhere.
        moment = self.script.random.uniform(0, self.script.random.choice([longest / 4, longest]))
        ended = self.script.kill_after(moment, *args, home=home)
        if ended is None:
            self.left -= 1
            self.script.note(f"{self.name}: kills")
        return ended

    def to_the_end(self, longest, next_command, home):
        """Starts and goes on until a command ends by itself, which must be a success."""
        ended = None
        while ended is None:
            ended = self.run(longest, *next_command(home), home=home)
            # On a busy computer a command may never come to its end in the time that it took when nobody killed it.
            longest *= 1.1
        self.script.expect(f"{self.name}: exits", ended.code == 0, f"exit {ended.code}: {ended.text()}")


def go_on(run):
    """What goes on with a run. One that was killed after it had finished has nothing left to do."""
    return ["runs"] if lib.last_phase(run) == "finished" else ["resume", run.name]


def chains(script, name, kills, chain):
    """Begins chains of kills, each in a home of its own, until there were enough, or ten times as many chains."""
    killer = Killer(script, name, kills)
    number = 0
    while killer.left > 0:
        if not script.expect(f"{name}: killed", number < 10 * kills, f"{killer.left} kills missing after {number} chains"):
            return
        home = script.folder(f"{name}-{number}")
        number += 1
        chain(home, killer)
        lib.shutil.rmtree(home, ignore_errors=True)


def compare_runs(script, name, home, wanted):
    """The only run of a home is the undisturbed one."""
    found = lib.runs(home)
    if not script.expect(f"{name}: one run", len(found) == 1, f"{[run.name for run in found]}"):
        return
    differing = lib.differences(lib.digest(found[0]), wanted)
    script.expect(f"{name}: same bits", not differing, f"differs in {differing}")
    script.expect(f"{name}: finished in its log", lib.last_phase(found[0]) == "finished", lib.last_phase(found[0]))
    left = lib.leftovers(home)
    script.expect(f"{name}: nothing left over", not left, left)


def undisturbed(script, name, *args, home=None):
    home = home or script.folder(f"{name}-undisturbed")
    ended = script.run(*args, home=home)
    if ended.code:
        raise SystemExit(f"The undisturbed {name} fails: {ended.text()}")
    return home, max(ended.secs, 0.3)


def train(script, kills):
    for keep in (1, 3):
        args = ["train", lib.CONFIGS / "mlp.toml", *TINY, *lib.settings(keep_checkpoints=keep)]
        home, longest = undisturbed(script, "train", *args)
        wanted = lib.digest(lib.runs(home)[0])

        def next_command(home):
            begun = lib.runs(home)
            return go_on(begun[0]) if begun else args

        def chain(home, killer):
            killer.to_the_end(longest, next_command, home)
            compare_runs(script, "train", home, wanted)

        chains(script, "train", max(1, kills // 2), chain)


def resume(script, kills):
    """A run whose log holds live changes for steps ahead."""
    home, _ = undisturbed(script, "resume", "train", lib.CONFIGS / "mlp.toml", *TINY, *lib.settings(keep_checkpoints=3))
    source = lib.runs(home)[0]
    state = tomllib.loads((lib.checkpoints(source)[0] / "state.toml").read_text())
    rate = state["live"]["optimizer.learning_rate"]

    def begin(home):
        run = home / "runs" / source.name
        (run / "checkpoints").mkdir(parents=True)
        (run / "spec.toml").write_bytes((source / "spec.toml").read_bytes())
        with open(run / "log.jsonl", "w") as log:
            for step, factor in ((11, 0.5), (23, 2.0), (37, 1.5)):
                values = state["live"] | {"optimizer.learning_rate": rate * factor}
                log.write(lib.json.dumps({"event": "tuned", "step": step, "values": values}) + "\n")

    home = script.folder("resume-reference")
    begin(home)
    home, longest = undisturbed(script, "resume", "resume", source.name, home=home)
    wanted = lib.digest(lib.runs(home)[0])
    changed = wanted["metrics.csv"] != lib.digest(source)["metrics.csv"]
    script.expect("resume: live changes are replayed", changed, "the metrics are those without the changes")

    def chain(home, killer):
        begin(home)
        killer.to_the_end(longest, lambda _: go_on(home / "runs" / source.name), home)
        compare_runs(script, "resume", home, wanted)

    chains(script, "resume", kills, chain)


def compare(script, kills):
    recipe = script.scratch / "comparison.toml"
    recipe.write_text(COMPARISON)
    home, longest = undisturbed(script, "compare", "compare", recipe)
    wanted = cells(home)
    results = results_of(home)

    def next_command(home):
        begun = lib.whole_folders(home / "comparisons")
        return ["resume", begun[0].name] if begun else ["compare", recipe]

    def chain(home, killer):
        killer.to_the_end(longest, next_command, home)
        found = cells(home)
        script.expect(
            "compare: no run doubled or lost", sorted(found) == sorted(wanted), f"{len(found)} of {len(wanted)}"
        )
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        script.expect("compare: same bits", not differing, f"{len(differing)} of {len(wanted)} runs differ")
        script.expect("compare: same results.csv", results_of(home) == results, "results.csv differs")
        left = lib.leftovers(home)
        script.expect("compare: nothing left over", not left, left)

    chains(script, "compare", kills, chain)


def cells(home):
    """Digests of a comparison's runs by their specs, without what names a run."""
    found = {}
    for run in lib.runs(home):
        spec = re.sub(r"(?m)^(init_from|comparison)\b.*\n", "", (run / "spec.toml").read_text())
        spec = re.sub(r"\d{4}-\d\d-\d\d-\d{4}-[a-z0-9-]+", "ID", spec).replace(str(home), "HOME")
        key = spec if spec not in found else f"{spec}\n(again)"
        found[key] = lib.digest(run)
    return found


def results_of(home):
    return [path.read_bytes() for path in sorted(home.glob("comparisons/*/results.csv"))]


def drawings(script, count):
    folder = script.scratch / "drawings"
    folder.mkdir(exist_ok=True)
    return [(number % 10, lib.draw(folder / f"{number}.png", script.random)) for number in range(count)]


def kept(home):
    """Drawings in a home, and those of them that are no pictures."""
    paths = [path for path in (home / "handwriting").rglob("*") if path.is_file() and path.suffix == ".png"]
    return paths, [path.name for path in paths if not path.read_bytes().endswith(b"IEND\xaeB`\x82")]


def add(script, kills):
    """Drawings are kept: every one that was said to be kept, whole, and none twice by itself."""
    pictures = drawings(script, 3 * kills + 10)

    def chain(home, killer):
        said = 0
        for label, path in pictures:
            ended = killer.run(0.05, "handwriting", "add", "--label", label, path, home=home)
            said += bool(ended) and ended.code == 0
            if ended is None:
                break
        paths, broken = kept(home)
        # The last may have been kept before it could be said.
        script.expect(
            "handwriting add: what was said is kept", len(paths) in (said, said + 1), f"{said} said, {len(paths)} kept"
        )
        script.expect("handwriting add: whole pictures", not broken, broken)
        again = script.run("handwriting", "add", "--label", 3, pictures[-1][1], home=home)
        script.expect("handwriting add: exits", again.code == 0, again.text())
        left = lib.leftovers(home)
        script.expect("handwriting add: nothing left over", not left, left)

    chains(script, "handwriting add", kills, chain)


def tune(script, kills):
    first = script.folder("tune-source")
    undisturbed(script, "training", "train", lib.CONFIGS / "mlp.toml", *TINY, home=first)
    run = lib.runs(first)[0].name
    for label, path in drawings(script, 40):
        script.run("handwriting", "add", "--label", label, path, home=first)
    # Drawings are named by their paths in a run's spec: everything happens in one place.
    home = script.scratch / "tune-home"

    def begin():
        lib.shutil.rmtree(home, ignore_errors=True)
        lib.shutil.copytree(first, home)

    def made():
        return [other for other in lib.runs(home) if other.name != run]

    begin()
    _, longest = undisturbed(script, "tune", "handwriting", "tune", run, home=home)
    wanted = lib.digest(made()[0])
    source = lib.digest(lib.runs(first)[0])

    def next_command(_):
        begun = made()
        return go_on(begun[0]) if begun else ["handwriting", "tune", run]

    def chain(_, killer):
        begin()
        killer.to_the_end(longest, next_command, home)
        begun = made()
        if not script.expect("tune: one run", len(begun) == 1, [other.name for other in begun]):
            return
        differing = lib.differences(lib.digest(begun[0]), wanted)
        script.expect("tune: same bits", not differing, f"differs in {differing}")
        script.expect("tune: the run before is as it was", lib.digest(home / "runs" / run) == source, run)
        left = lib.leftovers(home)
        script.expect("tune: nothing left over", not left, left)

    chains(script, "tune", kills, chain)


def fetch(script, kills):
    files = mirror.files(script)
    if files is None:
        return
    with mirror.serve(files) as server:

        def chain(home, killer):
            manner = script.random.choice(["slow", "slow without ranges"])
            args = ["data", "fetch", mirror.SET, "--mirror", server.address(manner)]
            killer.to_the_end(3, lambda _: args, home)
            whole, wrong, others = mirror.state(home, files)
            script.expect("fetch: whole files", len(whole) == len(files) and not wrong, f"{whole}, wrong: {wrong}")
            script.expect("fetch: nothing left over", not others, others)

        chains(script, "fetch", kills, chain)


if __name__ == "__main__":
    main()
