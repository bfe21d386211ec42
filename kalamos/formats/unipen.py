"""UNIPEN 1.0: the text format of the UNIPEN exchange project, of LipiTk and of Qt's handwriting tests.

The format is defined by I. Guyon, *UNIPEN 1.0 Format Definition*, AT&T Bell Laboratories, 1994 (``unipen.def``). Files
in the field bend it; these are the readings taken here.

- **Components** are the ``.PEN_DOWN`` and ``.PEN_UP`` blocks that hold points; empty blocks do not count. Numbering
  starts at 0, again at each ``.START_SET``, and runs on through included files.
- **Delineations** are lists of ``A``, ``A-B``, ``A:M-B:N`` and mixtures; ``M`` and ``N`` are points, both included.
  ``A:M`` alone is that point up to the end of the component. An omitted delineation, or ``?``, is all that follows up
  to the next such segment. Ink comes in the order of writing, whatever the order of the list.
- **Placeholders.** A pen-down block of the single point ``0 0`` stands for ink that was taken out of a release: it
  counts as a component. A segment that names one is not whole any more and is refused.
- **Lines** of a block that do not hold exactly one number for each coordinate are dropped, and counted
  (``unipen-line-malformed``), but only where the block as a whole cannot be cut evenly: points may share lines.
- **Coordinates** are X and Y where ``.COORD`` is missing (``unipen-coord-missing``).
- **Slices** that end behind the last point of a component end at it (``unipen-slice-clipped``).
- **Time** is T in milliseconds. Without T, or with a T that hardly ever advances within components
  (``unipen-time-constant``), it follows from ``.POINTS_PER_SECOND``, ``.PEN_UP`` points and ``.DT``; where the file
  says nothing of a pen-up, the next stroke begins one sampling period later. No pen is
  sampled less than 20 or more than 1000 times a second: such rates (the speed of a serial line, a resolution) are
  ignored (``unipen-rate-implausible``).
- **Pressure** is divided by the largest pressure of the file, which declares no maximum.
- **Direction.** y points up and is turned; y is scaled to the resolution of x where the two differ. LipiTk and Qt open
  with a ``.SEGMENT`` that delineates nothing, and their y points down.
- **Includes** are looked for below ``<root>/include`` and beside the including file, never outside the root.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kalamos.errors import FormatError
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.unipen_document import Document, Heading, Range, Segment
from kalamos.formats.unipen_reader import Reader
from kalamos.ink import Ink, Level, Sample

LEVELS: dict[str, Level] = {
    "WORD": "word",
    "LINE": "line",
    "SENTENCE": "line",
    "TEXT": "line",
    "FORMULA": "line",
    "PARAGRAPH": "page",
    "PAGE": "page",
    "SHEET": "page",
    "DOCUMENT": "page",
}
"""Level of each type of segment; the others (CHARACTER, GLYPH, KEY ...) are characters."""

GROUP_POINTS = 100_000
"""Points of segments that are cut out and mended in one pass."""

_FIRST_KEYWORD = re.compile(
    rb"(?:^|[\r\n])\.(VERSION|COORD|PEN_DOWN|PEN_UP|INCLUDE|SEGMENT|HIERARCHY|DATA_SOURCE|DATA_ID|WRITER_ID|START_SET"
    rb"|POINTS_PER_SECOND|X_POINTS_PER_INCH|X_POINTS_PER_MM|COMMENT|KEYWORD|RESERVE|START_BOX)(?=[\s]|$)"
)


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is UNIPEN, or None."""
    if b"\0" in head[:4096]:
        return None
    found = _FIRST_KEYWORD.search(head)
    if found is None or head.lstrip()[:1] != b".":
        return None
    return f"a line begins with the UNIPEN keyword .{found[1].decode()}"


def read(path: Path, report: UnitReport, level: Level | None = None) -> Iterator[Sample]:
    """Yield one sample for each segment of the smallest type that the file delineates, or one for the whole file.

    With ``level`` those of all types of that level. Segments of other levels are the same ink again: they are counted
    as left out (``left-out-word`` and the like).

    Raises:
        FormatError: where the file cannot be read at all; a bad segment is a refusal in ``report``.
    """
    document = read_document(path, _root_of(path))
    if not document.segments and document.n_components:
        document.add_whole_sets()
    smallest = _smallest_type(document)
    chosen: list[Segment] = []
    for segment in document.segments:
        own = LEVELS.get(segment.kind, "character")
        if segment.kind == smallest if level is None else own == level:
            chosen.append(segment)
        elif segment.delineation or segment.label is not None:
            report.mendings[f"left-out-{own}"] += 1
    yield from samples(document, chosen, path.name, report)


class Delineated(NamedTuple):
    """A segment with its ink: all that a sample is made of.

    Attributes:
        segment: the statement.
        number: its number in the file, from 0.
        ink: what it delineates, mended, never empty.
        heading: the declarations in force at its first component.
        source: file and line.
    """

    segment: Segment
    number: int
    ink: Ink
    heading: Heading
    source: str


def samples(document: Document, segments: Iterable[Segment], name: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the sample of each segment, keyed ``name#k`` by its number in the file; refusals go to ``report``."""
    for segment, number, ink, heading, source in delineated(document, segments, name, report):
        yield Sample(
            key=f"{name}#{number}",
            ink=ink,
            label=segment.label or "",
            level=LEVELS.get(segment.kind, "character"),
            writer=heading.writer,
            points_per_mm=heading.x_per_mm,
            time_source="none" if ink.t is None else document.time_source,
            source=source,
        )


def delineated(document: Document, segments: Iterable[Segment], name: str, report: UnitReport) -> Iterator[Delineated]:
    """Yield each segment with its ink; refusals, under the file's ``name``, and mendings go to ``report``."""
    report.mendings.update(document.counts)
    numbers = {id(segment): k for k, segment in enumerate(document.segments)}
    for group in _groups(document, segments, name, report):
        inks = document.inks_of([ranges for _, ranges in group], report.mendings)
        for (segment, ranges), ink in zip(group, inks, strict=True):
            if not ink.n_strokes:
                reason = "no point of the segment is a finite number"
                report.refusals.append(Refusal(name, document.line(segment), reason))
                continue
            heading = document.headings[document.heading_of[ranges[0][0]]]
            yield Delineated(segment, numbers[id(segment)], ink, heading, f"{name}, {document.line(segment)}")


def _groups(
    document: Document, segments: Iterable[Segment], name: str, report: UnitReport
) -> Iterator[list[tuple[Segment, list[Range]]]]:
    """Yield groups of segments with what they delineate, none of more points than fit memory; refuse the others."""
    group: list[tuple[Segment, list[Range]]] = []
    points = 0
    for segment in segments:
        report.expected[f".SEGMENT {segment.kind}"] += 1
        try:
            ranges = document.ranges(segment, report.mendings)
        except FormatError as error:
            report.refusals.append(Refusal(name, error.where, error.reason))
            continue
        group.append((segment, ranges))
        points += sum(b - a for _, a, b in ranges)
        if points > GROUP_POINTS:
            yield group
            group, points = [], 0
    if group:
        yield group


def read_document(path: Path, root: Path | None = None) -> Document:
    """Read a UNIPEN file and what it includes; nothing outside ``root`` (its own folder by default) is opened.

    Raises:
        FormatError: where the file is no UNIPEN, too large, or its includes leave the root, form a circle or never end.
    """
    return Reader(path, (root or path.parent).resolve()).document()


def _root_of(path: Path) -> Path:
    """Return the nearest folder above a file that holds ``include``, else the file's own folder."""
    parents = list(path.resolve().parents)[:8]
    return next((folder for folder in parents if (folder / "include").is_dir()), path.parent)


def _smallest_type(document: Document) -> str:
    """Return the last type of the hierarchy of which there are segments, else the most frequent type."""
    present = Counter(segment.kind for segment in document.segments)
    declared = [kind for kind in document.hierarchy if kind in present]
    return declared[-1] if declared else max(present, key=lambda kind: present[kind], default="")
