#!/usr/bin/env python3
"""Downloads from mirrors that drop, trickle and lie: each ends, says why, keeps what is whole, and puts nothing wrong in
its place."""

import signal
import time

import lib
import mirror

# How a mirror behaves; what is said of it; the most requests of it that are sensible.
QUICK = [
    ("missing", "404", 1),
    ("broken", "500", 1),
    ("other_content", "checksum", 2),
    ("one_bit", "checksum", 2),
    ("endless", "more than", 1),
    ("endless_chunks", "more than", 1),
    ("endless_head", "", 1),
    ("says_more", "bytes instead of", 1),
    ("says_less", "", 6),
    ("to_a_file", "", 12),
    ("round_and_round", "", 12),
    ("other_part", "another part", 1),
    ("part_without_range", "without saying which", 1),
    ("huge_range", "without saying which", 1),
    ("packed", "", 1),
    ("garbage", "", 1),
]
# These are asked again after pauses.
PATIENT = [
    ("drops_without_ranges", "5 times in a row", 6),
    ("drops_after_a_byte", "5 times in a row", 5),
    ("sends_nothing", "5 times in a row", 5),
    ("resets", "in a row", 6),
]
# These take up to three minutes each.
LONG = [
    ("trickles", "sends less than", 5),
    ("trickles_its_head", "", 1),
    ("says_nothing", "", 1),
]
ADDRESSES = [
    "file:///etc/",
    "ftp://127.0.0.1/",
    "",
    "127.0.0.1:80/",
    "http://",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:1/",
    "http://no-such-host.invalid/",
]


def main():
    script = lib.Script(__doc__, mirror.options)
    files = mirror.files(script)
    with mirror.serve(files or mirror.nothing()) as server:
        kinds = QUICK + PATIENT[:1] if script.short else QUICK + PATIENT + LONG
        for kind, said, requests in kinds:
            bad_mirror(script, server, files, kind, said, requests)
        for address in ADDRESSES:
            home = script.folder("home")
            ended = script.run("data", "fetch", mirror.SET, "--mirror", address, home=home, timeout=100)
            script.expect(
                "useless addresses",
                ended.code in (1, 2) and len(ended.err) > 20,
                f"{address!r} {ended.code} {ended.text()}",
            )
        ctrl_c(script, server)
        if files:
            what_is_there(script, server, files)
            one_after_another(script, server, files)
            two_at_once(script, server, files)
    script.end()


def bad_mirror(script, server, files, kind, said, requests):
    home = script.folder("home")
    server.asked.clear()
    fetch = ["data", "fetch", mirror.SET, "--mirror"]
    ended = script.run(*fetch, server.address(kind), home=home, timeout=240)
    asked = len(server.asked)
    detail = (
        f"{kind}: exit {ended.code} in {ended.secs:.0f} s, {ended.megabytes:.0f} MB, {asked} requests: {ended.text()}"
    )
    script.expect("bad mirrors: end", not ended.is_endless, detail)
    script.expect("bad mirrors: exit 1", ended.code == 1, detail)
    script.expect(
        "bad mirrors: say why, and what to do",
        said in ended.err and "--mirror" in ended.err and "--path" in ended.err,
        detail,
    )
    script.expect("bad mirrors: few requests", asked <= requests, detail)
    script.expect("bad mirrors: little memory", ended.megabytes < 300, detail)
    whole, wrong, _ = mirror.state(home, files or mirror.nothing())
    # Of zeros, every file of the right length is the right one to a mirror that has them.
    script.expect("bad mirrors: nothing wrong in its place", not wrong and (not whole or files), f"{kind}: {wrong}")
    if files:
        ended = script.run(*fetch, server.address("good"), home=home)
        whole, wrong, others = mirror.state(home, files)
        is_repaired = ended.code == 0 and len(whole) == len(files) and not wrong and not others
        script.expect(
            "bad mirrors: a good one makes it whole", is_repaired, f"{kind}: {whole} {wrong} {others} {ended.text()}"
        )


def ctrl_c(script, server):
    """While bytes come, while none come, and between two tries."""
    for kind, secs in (("trickles", 1.0), ("says_nothing", 1.0), ("drops_after_a_byte", 2.5)):
        home = script.folder("home")
        process = script.start("data", "fetch", mirror.SET, "--mirror", server.address(kind), home=home)
        time.sleep(secs)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        try:
            text, _ = process.communicate(timeout=20)
        except lib.subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
        took = time.monotonic() - began
        holds = process.returncode == 130 and took < 1.5
        script.expect(
            "Ctrl-C stops within a second", holds, f"{kind}: exit {process.returncode} after {took:.1f} s: {text}"
        )


def what_is_there(script, server, files):
    """Damage is found and mended, and nothing else is fetched again."""
    images = "train-images-idx3-ubyte.gz"
    size = len(files[images])
    rotten = bytearray(files[images])
    rotten[size // 2] ^= 8
    cases = {
        "a whole file": (images, files[images], 3),
        "an empty file": (images, b"", 4),
        "a rotten file": (images, bytes(rotten), 4),
        "a file cut short": (images, files[images][: size // 3], 4),
        "a part": (images + ".partial", files[images][: size // 3], 4),
        "a part of something else": (images + ".partial", bytes(size // 3), 5),
        "a part that is too long": (images + ".partial", bytes(2 * size), 4),
        "a whole part": (images + ".partial", files[images], 3),
    }
    for case, (name, content, requests) in cases.items():
        home = script.folder("home")
        folder = home / "data" / mirror.SET
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        server.asked.clear()
        ended = script.run("data", "fetch", mirror.SET, "--mirror", server.address("good"), home=home)
        whole, wrong, others = mirror.state(home, files)
        holds = ended.code == 0 and len(whole) == len(files) and not others
        script.expect("what is there: comes out whole", holds, f"{case}: {ended.code} {wrong} {others} {ended.text()}")
        asked = len(server.asked)
        script.expect("what is there: fetched only where damaged", asked == requests, f"{case}: {asked} requests")

    home = script.folder("home")
    folder = home / "data" / mirror.SET
    folder.mkdir(parents=True)
    victim = home / "precious"
    victim.write_text("mine")
    (folder / (images + ".partial")).symlink_to(victim)
    ended = script.run("data", "fetch", mirror.SET, "--mirror", server.address("good"), home=home)
    holds = victim.read_bytes() == b"mine" and ended.code == 1
    script.expect("what is there: links are not written through", holds, f"{ended.code} {ended.text()}")


def one_after_another(script, server, files):
    """A mirror that fails is followed by the next."""
    home = script.folder("home")
    mirrors = [
        word for kind in ("one_bit", "missing", "other_part", "good") for word in ("--mirror", server.address(kind))
    ]
    ended = script.run("data", "fetch", mirror.SET, *mirrors, home=home)
    whole, _, _ = mirror.state(home, files)
    script.expect("the next mirror is asked", ended.code == 0 and len(whole) == len(files), ended.text())
    # With ranges, each try of a mirror that drops brings something new, and the file is had in the end.
    if not script.short:
        home = script.folder("home")
        ended = script.run("data", "fetch", mirror.SET, "--mirror", server.address("drops"), home=home, timeout=120)
        whole, _, _ = mirror.state(home, files)
        script.expect(
            "a mirror that drops but gets on is enough", ended.code == 0 and len(whole) == len(files), ended.text()
        )


def two_at_once(script, server, files):
    home = script.folder("home")
    args = ["data", "fetch", mirror.SET, "--mirror", server.address("slow")]
    processes = [script.start(*args, home=home) for _ in range(2)]
    texts = [process.communicate(timeout=60)[0].decode() for process in processes]
    codes = sorted(process.returncode for process in processes)
    whole, wrong, others = mirror.state(home, files)
    holds = codes in ([0, 0], [0, 1]) and len(whole) == len(files) and not wrong and not others
    script.expect("two programs at once", holds, f"{codes} {whole} {wrong} {others} {texts}")


if __name__ == "__main__":
    main()
