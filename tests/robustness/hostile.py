#!/usr/bin/env python3
"""Hostile run folders, settings, pictures and archives: each is answered in a sentence, soon, in little memory, with an
exit status that is true; nothing is written through links, and no escape sequence reaches the terminal."""

import hostile_files
import hostile_runs
import lib
from bed import Bed


def main():
    parts = {part.__name__: part for part in hostile_runs.PARTS + hostile_files.PARTS}
    script = lib.Script(__doc__, lambda parser: parser.add_argument("--only", choices=parts, help="one part alone"))
    bed = Bed(script)
    for name, part in parts.items():
        if script.options.only in (None, name):
            part(bed)
    script.end()


if __name__ == "__main__":
    main()
