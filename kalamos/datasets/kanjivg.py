"""KanjiVG: the strokes of Japanese characters, drawn once by hand as vector paths, in their taught order.

A file is one character, ``kanji/<code point>.svg``, variants ``kanji/<code point>-<variant>.svg``; the folder was
called ``svgs`` in older releases. There is one "writer" and no time: no split by writer can be had, and order and
direction are all there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from kalamos.datasets.corpus import Card, UnitReport
from kalamos.datasets.folders import FolderCorpus, refuse_value
from kalamos.errors import CorpusError
from kalamos.formats import kanjivg
from kalamos.ink import Sample

NAME = "kanjivg"


def _find(root: Path, variants: str = "no") -> Sequence[str]:
    """Return the drawings.

    Args:
        root: the folder that holds ``kanji`` or ``svgs``.
        variants: ``yes`` for the variants too.

    Raises:
        CorpusError: where the folder is not there.
    """
    refuse_value(NAME, "variants", variants, ("yes", "no"))
    folder = next((name for name in ("kanji", "svgs") if (root / name).is_dir()), None)
    if folder is None:
        raise CorpusError(f"{root} has no folder 'kanji'; name the folder of KanjiVG itself")
    found = sorted(f"{folder}/{file.name}" for file in (root / folder).glob("*.svg"))
    return [unit for unit in found if variants == "yes" or "-" not in unit]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the character of one file."""
    report.expected["character"] += 1
    for sample in kanjivg.read(root / unit, report):
        yield dataclasses.replace(sample, corpus=NAME, source=unit)


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="KanjiVG",
        scripts=("Hani", "Hira", "Kana", "Zyyy"),
        levels=("character",),
        size="6,703 characters; 11,662 drawings with the variants (release of 14 July 2026)",
        licence="CC BY-SA 3.0",
        citation="U. Apel: KanjiVG, https://kanjivg.tagaini.net",
        obtain="git clone https://github.com/KanjiVG/kanjivg, or pip download --no-deps kanjivg and unzip the wheel",
        layout="kanji/<code point in five hexadecimal digits>[-<variant>].svg",
        verified="all 11,662 drawings of the release of 14 July 2026",
        url="https://kanjivg.tagaini.net",
        options=(("variants", "yes or no (default)"),),
    ),
    _find,
    _read,
)
