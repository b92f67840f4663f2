"""Makes a home with many runs of 5,000 steps, by copying one that is finished, to measure how long lists of them take.

    headstart --home /tmp/one train mlp --set epochs=1
    python3 benches/many_runs.py /tmp/one/runs/* /tmp/many 1000
    for i in 1 2 3; do time headstart --home /tmp/many runs > /dev/null; done

The copies differ in name, learning rate, dropout and curves. Their weights are links to those of the run that is copied.
"""
import json, math, os, random, re, sys
from pathlib import Path

STEPS, EVERY = 5000, 430


def metrics(rng, rate):
    pace, floor = 100 + 40000 * abs(math.log10(rate) + 3) * rng.uniform(0.8, 1.2) / 10, rng.uniform(0.02, 0.1)
    lines = ["step,split,metric,value"]
    for step in range(1, STEPS + 1):
        loss = (2.3 * math.exp(-step / pace) + floor) * rng.uniform(0.6, 1.4)
        accuracy = min(1.0, max(0.0, 1 - loss / 3))
        for metric, value in (("loss", loss), ("accuracy", accuracy), ("learning_rate", rate), ("gradient_norm", rng.uniform(0.5, 1.5))):
            lines.append(f"{step},train,{metric},{value}")
        if step % EVERY == 0:
            lines.append(f"{step},validation,loss,{loss * 0.9}")
            lines.append(f"{step},validation,accuracy,{min(1.0, accuracy + 0.01)}")
    lines.append(f"{STEPS},test,accuracy,{accuracy}")
    return "\n".join(lines) + "\n"


def copy(source, home, at):
    rng = random.Random(at)
    rate, dropout = 10 ** rng.uniform(-5, -1), rng.choice([0.0, 0.1, 0.25, 0.5])
    folder = home / "runs" / f"2026-11-{1 + at // 60 // 24:02d}-{at // 60 % 24:02d}{at % 60:02d}-copy-{at:04d}"
    (folder / "checkpoints").mkdir(parents=True)
    spec = (source / "spec.toml").read_text()
    spec = re.sub(r'(?m)^name = .*', f'name = "Copy {at}, rate {rate:.2g}, dropout {dropout}"', spec)
    spec = re.sub(r'(?m)^learning_rate = .*', f"learning_rate = {rate:.6f}", spec)
    spec = re.sub(r'(?m)^dropout = .*', f"dropout = {dropout}", spec)
    (folder / "spec.toml").write_text(spec)
    (folder / "data.toml").write_text((source / "data.toml").read_text())
    (folder / "metrics.csv").write_text(metrics(rng, rate))
    timing = [{"event": "timing", "step": step, "steps": STEPS, "steps_per_epoch": 860, "elapsed_secs": step * 0.02, "images_per_sec": 3200.0} for step in range(50, STEPS + 1, 50)]
    entries = [{"event": "phase", "phase": "running"}, *timing, {"event": "phase", "phase": "finished"}]
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for checkpoint in (source / "checkpoints").iterdir():
        target = folder / "checkpoints" / checkpoint.name
        target.mkdir()
        for file in checkpoint.iterdir():
            os.link(file, target / file.name)


source, home, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
for at in range(count):
    copy(source, home, at)
