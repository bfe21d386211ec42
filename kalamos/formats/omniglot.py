"""Omniglot strokes: ``x,y,t`` a line between ``START`` and ``BREAK``.

The file opens with ``START``; each stroke ends with ``BREAK``. x and y are pixels of the 105 x 105 drawing area, y
written as a negative number (up); t is milliseconds from the beginning of the drawing. Format: B. M. Lake,
R. Salakhutdinov, J. B. Tenenbaum, *Human-level concept learning through probabilistic program induction*, Science 350
(2015), and its public repository.

Readings taken here: y is turned; points after the last ``BREAK`` are a stroke that was cut off, and are kept; a
``START`` further down begins the drawing again and is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

MAX_FILE_BYTES = 64 * 2**20

_HEAD = re.compile(rb"\s*START\s+(?:BREAK\b|-?[\d.eE+-]+,-?[\d.eE+-]+,-?[\d.eE+-]+\s)")


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` holds Omniglot strokes, or None."""
    return "opens with START, and x,y,t on the next line" if _HEAD.match(head) else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the one drawing of a file; it has no label or writer inside.

    Raises:
        FormatError: where the file is not laid out as described.
    """
    ink = read_ink(path, report.mendings)
    if not ink.n_strokes:
        raise FormatError(path, "the drawing has no points")
    yield Sample(path.stem, ink, units="px", time_source="none" if ink.t is None else "recorded", source=path.name)


def read_ink(path: Path, counts: Counter[str]) -> Ink:
    """Return the ink of a file in pixels, y down, t in seconds.

    Raises:
        FormatError: where the file is not laid out as described; names the line.
    """
    words = read_bytes(path, MAX_FILE_BYTES).split()
    if not words or words[0] != b"START":
        raise FormatError(path, "does not open with START, as a file of Omniglot strokes does", "line 1")
    points = [k for k, word in enumerate(words) if word not in (b"START", b"BREAK")]
    if b"START" in words[1:]:
        raise FormatError(path, "holds a second START", f"line {words.index(b'START', 1) + 1}")
    numbers = _numbers(path, words, points)
    ends = np.cumsum([word != b"BREAK" for word in words[1:]])[[word == b"BREAK" for word in words[1:]]]
    offsets = np.unique(np.concatenate([[0], ends, [len(points)]])).astype(np.int64)
    t = plausible_times(numbers[:, 2] / 1000.0, offsets, counts)
    return mend_flat(numbers[:, :2] * (1.0, -1.0), offsets, t, counts=counts)


def _numbers(path: Path, words: list[bytes], points: list[int]) -> Floats:
    """Return the points ``(n, 3)``; one word is one line, so that a bad one is named by its place."""
    try:
        rows = [[float(part) for part in words[k].split(b",")] for k in points]
    except ValueError:
        rows = []
    if len(rows) == len(points) and all(len(row) == 3 for row in rows):
        return np.array(rows, np.float64).reshape(-1, 3)
    bad = next(k for k in points if not _is_point(words[k]))
    raise FormatError(path, f"expected x,y,t; got {words[bad][:40].decode(errors='replace')!r}", f"line {bad + 1}")


def _is_point(word: bytes) -> bool:
    try:
        return len([float(part) for part in word.split(b",")]) == 3
    except ValueError:
        return False
