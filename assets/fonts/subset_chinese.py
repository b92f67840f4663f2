"""Makes NotoSansSC-GB2312.otf: the characters of GB 2312 out of Noto Sans CJK SC Regular, as Debian ships it.

    apt-get download fonts-noto-cjk
    dpkg -x fonts-noto-cjk_*.deb package
    pip install fonttools==4.68.0
    python assets/fonts/subset_chinese.py package/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

GB 2312 (1980) has 6,763 hanzi and 682 punctuation marks, symbols, kana, Greek and Cyrillic letters. Only outlines and
widths are kept: no hints, no vertical writing, no alternative forms.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTCollection

FACE = "Noto Sans CJK SC"
TO = pathlib.Path(__file__).with_name("NotoSansSC-GB2312.otf")
DROPPED = ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
# Copyright, names, version, licence: what has to stay with a font.
NAMES = [0, 1, 2, 3, 4, 5, 6, 13, 14]


def gb2312():
    """Code points of all 94 × 94 cells that are assigned."""
    cells = (bytes([row, column]) for row in range(0xA1, 0xFF) for column in range(0xA1, 0xFF))
    decoded = (cell.decode("gb2312", "ignore") for cell in cells)
    return {ord(character) for character in decoded if character}


def main(collection):
    font = next(font for font in TTCollection(collection, lazy=True) if font["name"].getDebugName(4) == FACE)
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.drop_tables += DROPPED
    options.name_IDs = NAMES
    options.name_languages = [0x409]
    options.notdef_outline = True
    wanted = gb2312()
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    missing = wanted - set(font.getBestCmap())
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(TO)
    print(f"{len(wanted)} characters, {len(missing)} of them without a glyph, {TO.stat().st_size} bytes: {TO}")


main(sys.argv[1])
