"""pendigits: digits by 44 writers, as recorded (UNIPEN) or as eight points each.

Layout: ``pendigits-orig.tra`` and ``.tes`` are UNIPEN with every stroke; ``pendigits.tra`` and ``.tes`` hold eight
evenly spaced points of the same digits and no pen lifts. Where the originals are there, only they are read: the
others are the same digits.

The points of the originals lie at equal intervals, of which the length is not stated reliably (``.DT 100`` stands
after every stroke, and UCI's text calls it the sampling interval).

The writers of ``.tra`` and ``.tes`` are different people: ``.tes`` is the test split. In the originals a
``.COMMENT`` after each segment gives digit, writer and number; the writers of ``.tra`` are cut by hash, a tenth of
them for validation. The files of eight points name no writer, so that their ``.tra`` is all training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from kalamos.datasets.corpus import Card, UnitReport, split_by_writer
from kalamos.datasets.folders import FolderCorpus, files, refused_as
from kalamos.formats import uci, unipen
from kalamos.formats.reading import read_bytes
from kalamos.ink import Sample, Split

NAME = "pendigits"
LAYOUT = "pendigits-orig.tra and pendigits-orig.tes, or pendigits.tra and pendigits.tes"
_SEGMENT = re.compile(rb"^\.SEGMENT[^\n]*\n\.COMMENT[ \t]+(\d+)[ \t]+(\d+)[ \t]+(\d+)", re.MULTILINE)
_ANY_SEGMENT = re.compile(rb"^\.SEGMENT\b", re.MULTILINE)


def _find(root: Path) -> Sequence[str]:
    """Return the original files where they are there, else those of eight points.

    Raises:
        CorpusError: where there is neither.
    """
    found = files(root, (".tra", ".tes"), LAYOUT)
    return [name for name in found if "orig" in name.rpartition("/")[2]] or found


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the digits of one file."""
    with refused_as(unit, report) as own:
        original = uci.sniff(read_bytes(root / unit, uci.MAX_FILE_BYTES)[:65_536]) is None
        yield from _originals(root, unit, own) if original else _points(root, unit, own)


def _originals(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    data = read_bytes(root / unit, uci.MAX_FILE_BYTES)
    comments = {match.start(): match for match in _SEGMENT.finditer(data)}
    writers = [comments.get(match.start()) for match in _ANY_SEGMENT.finditer(data)]
    document = unipen.read_document(root / unit, root)
    part = "tes" if unit.endswith("tes") else "tra"
    for sample in unipen.samples(document, document.segments, unit, report):
        comment = writers[int(sample.key.rpartition("#")[2])]
        writer = f"{part}/{int(comment[2])}" if comment else ""
        placed = replace(sample, corpus=NAME, writer=writer, split=_split(part, writer))
        yield replace(placed, level="character", time_source="equal-interval" if sample.ink.t is None else "rate")


def _points(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    split: Split = "test" if unit.endswith("tes") else "train"
    for sample in uci.read(root / unit, report):
        place = sample.source.partition(", ")[2]
        yield replace(sample, key=f"{unit}#{sample.key}", corpus=NAME, split=split, source=f"{unit}, {place}")


def _split(part: str, writer: str) -> Split | None:
    if part == "tes":
        return "test"
    return split_by_writer(NAME, writer, (("train", 0.9), ("validation", 0.1))) if writer else "train"


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="Pen-Based Recognition of Handwritten Digits (UCI)",
        scripts=("Zyyy",),
        levels=("character",),
        size="10,992 digits by 44 writers: 7,494 of 30 for training, 3,498 of 14 for test",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        citation=(
            "E. Alpaydin, F. Alimoglu: Pen-Based Recognition of Handwritten Digits. UCI Machine Learning Repository,"
            " 1996, doi:10.24432/C5MG6K"
        ),
        obtain=(
            "download pendigits-orig.tra.Z and pendigits-orig.tes.Z from the UCI repository, data set 81, and"
            " uncompress them"
        ),
        layout=LAYOUT,
        verified="the original files: all 10,992 digits, 13,690 strokes, 442,794 points, 30 and 14 writers",
        url="https://archive.ics.uci.edu/dataset/81/pen+based+recognition+of+handwritten+digits",
    ),
    _find,
    _read,
)
