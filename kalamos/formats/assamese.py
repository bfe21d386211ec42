"""The recorder's text of the Online Handwritten Assamese Characters: ``X Y STYLUS_STATE STROKE`` between named headers.

A file is one character: ``CHARACTER_NAME: A``, ``STROKE_COUNT: 3``, a heading, for each stroke ``PEN_DOWN``, its points
and ``PEN_UP 0``, at the end ``END_CHARACTER: A``. y grows downwards; no times, no pressure. The recorder left out
positions equal to the one before.

**The column STROKE decides** which points make a stroke: in all 8,236 files of the corpus it has ``STROKE_COUNT``
values, while ``PEN_DOWN`` and ``PEN_UP`` are wrong in one of forty. Files in which it has not are refused. What the pen
lines say otherwise is counted, once a file:

``assamese-pen-line-missing``
    A ``PEN_UP`` is missing, or stands before the first ``PEN_DOWN``.
``assamese-point-outside``
    Points stand after a ``PEN_UP`` (a tap: its block is empty, and its one point follows).
``assamese-block-of-two``
    Two strokes stand in one block.
``assamese-end-name``
    The end of the file names another character than its beginning; the beginning counts.

A point whose STYLUS_STATE is 0 was not on the paper: it is left out (``assamese-pen-up-point``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample, locked, unchecked_ink
from kalamos.machinery.arrays import Bytes, Floats32, Ints32
from kalamos.machinery.kernels import kernel

MAX_FILE_BYTES = 2**20
_HEAD = re.compile(rb"\s*CHARACTER_NAME:[ \t]*([^\s]+)[ \t]*\r?\n\s*STROKE_COUNT:[ \t]*(\d{1,6})[ \t]*\r?\n")
_END = re.compile(rb"END_CHARACTER:[ \t]*([^\s]+)\s*\Z")
_BYTE_US = 0.5  # what a byte costs in plain Python
_RULES = ("assamese-pen-line-missing", "assamese-point-outside", "assamese-block-of-two", "assamese-pen-up-point")


class Character(NamedTuple):
    """A file: the name at its head and its ink."""

    name: str
    ink: Ink


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is one of these characters, or None."""
    return "opens with CHARACTER_NAME: and STROKE_COUNT:" if _HEAD.match(head) else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the one character of a file, labelled with the name at its head.

    Raises:
        FormatError: as :func:`read_character`.
    """
    name, ink = read_character(path, report)
    yield Sample(path.stem, ink, name, source=path.name)


def read_character(path: Path, report: UnitReport) -> Character:
    """Read a file; its mendings are counted in ``report``.

    Raises:
        FormatError: where the head is missing, a line is none of those above, or the column STROKE does not have
            STROKE_COUNT values that follow one another.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    head = _HEAD.match(data)
    if head is None:
        raise FormatError(path, "does not open with CHARACTER_NAME: and STROKE_COUNT:", "line 1")
    raw = np.frombuffer(data, np.uint8)
    xy, offsets = np.empty((len(raw) // 8 + 1, 2), np.float32), np.zeros(len(raw) // 8 + 2, np.int32)
    n, n_strokes, at, tally = _scan.for_work(_BYTE_US * len(raw))(raw, head.end(), xy, offsets)
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise FormatError(path, "expected X Y STYLUS_STATE STROKE as whole numbers, or a pen line", f"line {line}")
    if n_strokes != int(head[2]) or not n:
        reason = "the column STROKE does not have STROKE_COUNT values, one after another"
        raise FormatError(path, reason, f"{max(n_strokes, 0)} strokes, STROKE_COUNT {int(head[2])}")
    for rule, count in zip(_RULES, tally, strict=True):
        if count:
            report.mendings[rule] += count
    end = _END.search(data, max(0, len(data) - 256))
    if end is not None and end[1] != head[1]:
        report.mendings["assamese-end-name"] += 1
    ink = unchecked_ink(locked(xy[:n].copy(), np.float32), locked(offsets[: n_strokes + 1].copy(), np.int32))
    return Character(head[1].decode("ascii", "replace"), ink)


@kernel
def _scan(data: Bytes, start: int, xy: Floats32, offsets: Ints32) -> tuple[int, int, int, tuple[int, int, int, int]]:  # noqa: PLR0912 - compiled whole
    """Fill ``xy`` and ``offsets``; return points, strokes (-1: they go back), a bad line's byte or -1, ``_RULES``."""
    n_bytes, i, n = len(data), start, 0
    n_strokes, stroke, falls = 0, np.int64(-1), False
    unpaired, outside, twofold, lifted = 0, 0, 0, 0
    down, ever, block_stroke = False, False, -1
    while i < n_bytes:
        while i < n_bytes and (data[i] == 32 or data[i] == 9):
            i += 1
        begin, c = i, data[i] if i < n_bytes else 10
        if c == 80 and i + 5 < n_bytes and data[i + 3] == 95:  # PEN_
            opens = data[i + 4] == 68  # D
            if opens == down or (not opens and not ever):
                unpaired = 1
            down, ever, block_stroke = opens, ever or opens, -1
        elif 48 <= c <= 57 or c == 45:
            values = np.zeros(4, np.int64)
            count = 0
            while i < n_bytes and data[i] != 10:
                if data[i] <= 32:
                    i += 1
                    continue
                negative = data[i] == 45
                i += negative
                value, digits = np.int64(0), 0
                while i < n_bytes and 48 <= data[i] <= 57 and digits < 10:
                    value = value * 10 + (np.int64(data[i]) - 48)
                    digits += 1
                    i += 1
                if not digits or count == 4 or (i < n_bytes and data[i] > 32):
                    return n, n_strokes, begin, (unpaired, outside, twofold, lifted)
                values[count] = -value if negative else value
                count += 1
            if count != 4:
                return n, n_strokes, begin, (unpaired, outside, twofold, lifted)
            if values[2] == 0:
                lifted += 1
            else:
                if not down:
                    outside = 1
                elif block_stroke not in (-1, values[3]):
                    twofold = 1
                block_stroke = values[3]
                if values[3] != stroke:
                    falls = falls or values[3] < stroke
                    stroke = values[3]
                    n_strokes += 1
                xy[n, 0], xy[n, 1] = values[0], values[1]
                n += 1
                offsets[n_strokes] = n
        elif c == 69:  # END_CHARACTER
            break
        elif c > 32 and c != 88:  # X: the heading
            return n, n_strokes, begin, (unpaired, outside, twofold, lifted)
        while i < n_bytes and data[i] != 10:
            i += 1
        i += 1
    if down:
        unpaired = 1
    return n, -1 if falls else n_strokes, -1, (unpaired, outside, twofold, lifted)
