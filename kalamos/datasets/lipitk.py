"""LipiTk's samples: digits by writers in India, and Latin letters, in the toolkit's UNIPEN dialect.

Layout, as the toolkit keeps its projects: ``.../projects/<project>/data/raw/usr<w>/<class>t<trial>.txt`` (class
000000 to 000009 is the digit in ``numerals``), or ``.../projects/<project>/data/<class>/<class>_<trial>.txt`` (class
1 to 26 is a to z in ``EnglishLower``), or files of boxed fields whose segments are labelled ``"digit trial __"``.

The T column of ``numerals`` holds a time at the first and last point of a stroke and 0 between them: it is left out.
The rate that those files declare (1,200 a second) is no sampling rate.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card, split_by_writer
from kalamos.datasets.folders import of_files
from kalamos.formats import unipen
from kalamos.ink import Sample

_RAW = re.compile(r"(?:^|/)(usr\d+)/(\d+)t(\d+)\.txt$")
_CLASS = re.compile(r"(?:^|/)([^/]*)/data/(\d+)/\2_\d+\.txt$")
_BOXED = re.compile(r"^(\d) \d+ __$")


def _complete(sample: Sample, root: Path, unit: str) -> Sample | None:
    if raw := _RAW.search(unit):
        writer = raw[1]
        untimed = replace(sample, ink=sample.ink.with_points(sample.ink.xy, sample.ink.offsets, {}), time_source="none")
        split = split_by_writer("lipitk", writer)
        return replace(untimed, label=str(int(raw[2])), script="Zyyy", writer=writer, split=split)
    if named := _CLASS.search(unit):
        number = int(named[2])
        return replace(sample, label=chr(96 + number), script="Latn") if 1 <= number <= 26 else None
    if boxed := _BOXED.match(sample.label):
        return replace(sample, label=boxed[1], script="Zyyy", level="character")
    return None


CORPUS = of_files(
    Card(
        name="lipitk",
        title="Lipi Toolkit sample data",
        scripts=("Zyyy", "Latn"),
        levels=("character",),
        size="160 digits by 8 writers, 81 letters a to z, 5 files of boxed digits",
        licence="MIT",
        citation=(
            "S. Madhvanath, D. Vijayasenan, T. M. Kadiresan: LipiTk: A Generic Toolkit for Online Handwriting"
            " Recognition. IWFHR 2006"
        ),
        obtain="take the folder projects of the toolkit (LipiTk 4.0, or its copies on GitHub)",
        layout="projects/<project>/data/... .txt",
        verified="160 digits, 81 letters and the boxed fields of real copies",
        url="http://lipitk.sourceforge.net",
    ),
    unipen,
    (".txt",),
    _complete,
)
