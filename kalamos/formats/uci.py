"""Three pen data sets of the UCI repository: pendigits, UJI Pen Characters, Character Trajectories.

**pendigits** (E. Alpaydin, F. Alimoglu): a line is 16 numbers 0..100, eight points x y spaced evenly along the
digit, and its class. y points up and is turned. The pen lifts are lost in this form, every digit is one stroke; the
``-orig`` files are UNIPEN and hold them.

**UJI Pen Characters**, versions 1 and 2 (F. Prat, M. J. Castro, D. Llorens, A. Marzal, J. M. Vilar): lines ``WORD
label session``, ``NUMSTROKES s`` and s times ``POINTS n # x y x y ...``; ``//`` opens a comment. The session names
set, site, writer and repetition: ``trn_UJI_W01-01``. y points down.

**Character Trajectories** (B. H. Williams): a MATLAB 5 file; ``mixout`` holds ``(3, n)`` arrays, the velocities of
x, y and pen tip force at 200 points a second, differentiated and smoothed by its authors; ``consts.key`` and
``consts.charlabels`` name the characters. Positions are their sum, from (0, 0); y points up and is turned. Zeros at
either end are padding and are cut. One writer; every character is one stroke. The force is known by its velocity
only and stays an extra channel.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import FormatError
from kalamos.formats import matfile
from kalamos.formats.mending import mend, mend_flat
from kalamos.formats.reading import read_bytes, text_of
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

MAX_FILE_BYTES = 128 * 2**20
RATE_HZ = 200.0
"""Sampling rate of Character Trajectories."""

_PENDIGIT = re.compile(rb"\s*(?:\d{1,3}\s*,\s*){16}\d\s*(?:[\r\n]|$)")
_UJI_HEAD = re.compile(rb"(?>\s+|//[^\n]*\n)*+WORD\s+\S+\s+\S+\s+NUMSTROKES\s+\d")


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is one of the three, or None."""
    if _PENDIGIT.match(head):
        return "16 numbers and a digit on the first line (pendigits)"
    if _UJI_HEAD.match(head):
        return "opens with WORD and NUMSTROKES (UJI Pen Characters)"
    if head.startswith(matfile.MARK):
        return "is a MATLAB 5 file (Character Trajectories, if it holds mixout)"
    return None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the characters of a file; bad ones are refusals in ``report``.

    Raises:
        FormatError: where the file is none of the three.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    if data.startswith(matfile.MARK):
        yield from _read_trajectories(path, data, report)
    elif _PENDIGIT.match(data):
        yield from _read_pendigits(path, data, report)
    elif _UJI_HEAD.match(data[:65_536]):
        yield from _read_uji(path, text_of(data), report)
    else:
        raise FormatError(path, "is neither pendigits, UJI Pen Characters nor Character Trajectories")


def _read_pendigits(path: Path, data: bytes, report: UnitReport) -> Iterator[Sample]:
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        report.expected["characters"] += 1
        if not _PENDIGIT.match(line):
            report.refusals.append(Refusal(path.name, f"line {number}", "is not 16 numbers and a digit"))
            continue
        values = [int(word) for word in line.split(b",")]
        xy = np.array(values[:16], np.float64).reshape(8, 2) * (1.0, -1.0)
        ink = mend_flat(xy, [0, 8], counts=report.mendings)
        yield Sample(f"{path.stem}#{number}", ink, str(values[16]), source=f"{path.name}, line {number}")


def _read_uji(path: Path, text: str, report: UnitReport) -> Iterator[Sample]:
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]
    heads = [at for at, (_, words) in enumerate(lines) if words[:1] == ["WORD"]]
    for begin, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        number, words = lines[begin]
        report.expected["characters"] += 1
        where = f"line {number}"
        try:
            ink = _uji_ink([row for _, row in lines[begin + 1 : end]], report.mendings)
            if len(words) != 3 or not ink.n_strokes:
                raise ValueError("WORD takes a label and a session; the character needs a point")
        except (ValueError, OverflowError) as error:
            report.refusals.append(Refusal(path.name, where, f"the character cannot be read: {str(error)[:80]}"))
            continue
        session = words[2]
        writer = session.rpartition("-")[0] or session
        yield Sample(f"{words[1]}/{session}#{number}", ink, words[1], writer=writer, source=f"{path.name}, {where}")


def _uji_ink(rows: list[list[str]], counts: Counter[str]) -> Ink:
    rows = [row for row in rows if row and not row[0].startswith("//")]
    if not rows or rows[0][0] != "NUMSTROKES" or len(rows[0]) != 2 or int(rows[0][1]) != len(rows) - 1:
        raise ValueError("NUMSTROKES does not match the lines after it")
    strokes = []
    for row in rows[1:]:
        if row[0] != "POINTS" or len(row) < 3 or row[2] != "#" or len(row) != 3 + 2 * int(row[1]):
            raise ValueError("POINTS does not match the numbers after it")
        strokes.append(np.array([float(word) for word in row[3:]]).reshape(-1, 2))
    return mend(strokes, counts=counts)


def _read_trajectories(path: Path, data: bytes, report: UnitReport) -> Iterator[Sample]:
    velocities, labels = _mat_contents(path, data)
    for number, velocity in enumerate(velocities):
        report.expected["characters"] += 1
        where = f"mixout {number}"
        if velocity.ndim != 2 or velocity.shape[0] != 3 or velocity.dtype.kind not in "fiu":
            report.refusals.append(Refusal(path.name, where, "is not an array of numbers (3, n)"))
            continue
        ink = _trajectory_ink(velocity.astype(np.float64), report.mendings)
        if not ink.n_strokes:
            report.refusals.append(Refusal(path.name, where, "the pen never moves"))
            continue
        key, source = f"{path.stem}#{number}", f"{path.name}, {where}"
        yield Sample(key, ink, labels[number], time_source="rate" if ink.t is not None else "none", source=source)


def _trajectory_ink(velocity: Floats, counts: Counter[str]) -> Ink:
    moving = np.flatnonzero((velocity != 0).any(axis=0))
    if not len(moving):
        return Ink.empty()
    velocity = velocity[:, moving[0] : moving[-1] + 1]
    with np.errstate(invalid="ignore", over="ignore"):
        xy = np.cumsum(velocity[:2].T, axis=0) * (1.0, -1.0)
    n = len(xy)
    force = {"tip_force_velocity": velocity[2]}
    return mend_flat(xy, [0, n], np.arange(n) / RATE_HZ, None, force, counts=counts)


def _mat_contents(path: Path, data: bytes) -> tuple[list[NDArray[Any]], list[str]]:
    try:
        found = matfile.variables(data)
        if not {"consts", "mixout"} <= found.keys():
            raise ValueError(f"it needs mixout and consts, and holds {', '.join(found)[:80] or 'nothing'}")
        consts = found["consts"]
        if not isinstance(consts, dict) or not {"key", "charlabels"} <= consts.keys():
            raise ValueError("consts has no key and charlabels")
        names = [text if isinstance(text, str) else "" for text in consts["key"]]
        classes = np.asarray(consts["charlabels"], np.float64).reshape(-1)
        velocities = [np.asarray(cell) for cell in found["mixout"]]
        if not all(names) or len(velocities) != len(classes) or not ((classes >= 1) & (classes <= len(names))).all():
            raise ValueError("consts.charlabels does not name every trajectory of mixout")
    except (ValueError, TypeError, LookupError) as error:
        raise FormatError(path, f"is no Character Trajectories file: {str(error)[:200]}") from error
    return velocities, [names[int(k) - 1] for k in classes]
