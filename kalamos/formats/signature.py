"""Signatures and other Wacom recordings: SVC2004 text, Wacom ``.svc``, MCYT ``.fpg``.

**SVC2004 and Wacom .svc** (D.-Y. Yeung et al., *SVC2004: First International Signature Verification Competition*,
ICBA 2004; the same lines are written by tools that record Wacom tablets): the number of points, then a line for
each, ``x y time button`` (task 1) or ``x y time button azimuth altitude pressure`` (task 2 and Wacom). The first bit
of the button code is the tip: odd codes are pen down, even ones (2, the side switch) air.
Times are milliseconds where they are whole numbers and seconds where any has a fraction (recordings that a tool has
converted).

**MCYT .fpg** (J. Ortega-Garcia et al., *MCYT baseline corpus*, IEE Proc. VISP 150, 2003): a binary header, then
vectors of x, y, pressure, azimuth and elevation at a fixed rate; little-endian. Offsets in bytes: 0 ``FPG ``, 4 size
of the header, 6 kind (4), 10 channels, 16 bits a value (8, 16, 32 or 64), 26 values a vector, 30 vectors and, in
headers of 48 or 60 bytes, 36 points a second. Pressure runs to 1024; the pen is down where it is above 0. The
coordinates are relative to the first point and so may be negative: 16-bit values are read as signed, though
descriptions call them unsigned (the tablet's range, 12,700, fits both).

Readings taken here: y points up and is turned; azimuth and elevation become degrees (SVC2004 and Wacom count
tenths); pen-up points bound the strokes and are dropped; points beyond the announced number are kept
(``signature-count-wrong``), a file with fewer is cut off and an error; whole-number pressures without a declared
maximum are divided by the largest of the file, and counted (``pressure-own-maximum``).
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample, TimeSource
from kalamos.machinery.arrays import Bools, Floats

MAX_FILE_BYTES = 64 * 2**20
FPG_PRESSURE_MAX = 1024.0
MOST_BUTTONS = 32
"""No tablet has more states of its tip and four buttons."""

_TEXT_HEAD = re.compile(rb"\s*\d{1,8}[ \t]*\r?\n((?:[ \t]*+[-+\d.eE]++){4,7})[ \t]*+(?:\r?\n|$)")
_WRITER = re.compile(r"[Uu](\d{1,6})[Ss]\d{1,6}")
_FPG_VALUES: dict[int, np.dtype[Any]] = {
    8: np.dtype("u1"),
    16: np.dtype("<i2"),
    32: np.dtype("<f4"),
    64: np.dtype("<f8"),
}


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is a signature recording, or None."""
    if head[:4] == b"FPG " and len(head) >= 8 and struct.unpack_from("<H", head, 6)[0] == 4:
        return "begins with the MCYT mark 'FPG ' and kind 4"
    match = _TEXT_HEAD.match(head)
    if match is None:
        return None
    words = match[1].split()
    if len(words) in (4, 7) and words[3].isdigit() and int(words[3]) < MOST_BUTTONS:
        return f"a number of points, then {len(words)} numbers a line with a pen state in the fourth (SVC2004, Wacom)"
    return None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the one recording of a file; it has no label inside.

    ``U5S10`` in the name of a file is signature 10 of writer 5. Skilled forgeries (S21 to S40 in SVC2004) carry the
    name of the person whose signature they imitate: the forger is not named, and a signature must not stand on two
    sides.

    Raises:
        FormatError: where the file is not laid out as described.
    """
    ink, time_source = read_ink(path, report.mendings)
    if not ink.n_strokes:
        raise FormatError(path, "the pen is never down on a point that is sound")
    named = _WRITER.fullmatch(path.stem)
    writer = f"U{int(named[1])}" if named else ""
    yield Sample(path.stem, ink, level="word", writer=writer, time_source=time_source, source=path.name)


def read_ink(path: Path, counts: Counter[str]) -> tuple[Ink, TimeSource]:
    """Return the ink of a file, y down, and where its times come from.

    Raises:
        FormatError: where the file is not laid out as described; names the line or byte.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    ink = _read_fpg(path, data, counts) if data[:4] == b"FPG " else _read_text(path, data, counts)
    if ink.t is None:
        return ink, "none"
    return ink, "rate" if data[:4] == b"FPG " else "recorded"


def _read_text(path: Path, data: bytes, counts: Counter[str]) -> Ink:
    lines = data.splitlines()
    if not lines or not lines[0].strip().isdigit():
        raise FormatError(path, "the first line is not the number of points", "line 1")
    declared, points = int(lines[0][:20]), _table(path, lines[1:])
    if len(points) < declared:
        raise FormatError(path, f"announces {declared} points and holds {len(points)}; it is cut off", "line 1")
    if len(points) > declared:
        counts["signature-count-wrong"] += 1
    seconds = any(b"." in line.split()[2] for line in lines[1:] if line.strip())
    t = points[:, 2] if seconds else points[:, 2] / 1000.0
    tip = _tip(path, points[:, 3])
    if points.shape[1] == 4:
        return _ink(points[:, :2], tip, t, {}, counts)
    angles = {"azimuth_deg": points[:, 4] / 10.0, "altitude_deg": points[:, 5] / 10.0}
    return _ink(points[:, :2], tip, t, {"pressure": points[:, 6], **angles}, counts)


def _tip(path: Path, buttons: Floats) -> Bools:
    """Return where the tip touches: the first bit of the button code."""
    wrong = ~((buttons >= 0) & (buttons < MOST_BUTTONS) & (buttons == np.floor(buttons)))
    if wrong.any():
        place = int(np.argmax(wrong))
        raise FormatError(path, f"{buttons[place]:g} is no button code (0 to {MOST_BUTTONS - 1})", f"point {place + 1}")
    tip: Bools = buttons.astype(np.int64) % 2 == 1
    return tip


def _table(path: Path, lines: list[bytes]) -> Floats:
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = []
        if len(row) not in (4, 7) or (rows and len(row) != len(rows[0])):
            raise FormatError(path, "expected 4 or 7 numbers, as many as on the lines before", f"line {number}")
        rows.append(row)
    return np.array(rows, np.float64) if rows else np.empty((0, 4))


def _read_fpg(path: Path, data: bytes, counts: Counter[str]) -> Ink:
    if len(data) < 36:
        raise FormatError(path, "is cut off within the header", f"byte {len(data)}")
    header_size, kind = struct.unpack_from("<HH", data, 4)
    channels, bits = struct.unpack_from("<H", data, 10)[0], struct.unpack_from("<H", data, 16)[0]
    width, n_vectors = struct.unpack_from("<II", data, 26)
    if kind != 4 or channels != 1 or bits not in _FPG_VALUES or not 3 <= width <= 64:
        what = f"kind {kind}, {channels} channels, {bits} bits, {width} values"
        raise FormatError(path, f"is no MCYT signature (kind 4, 1 channel, 8 to 64 bits, 3 or more values): {what}")
    values = _FPG_VALUES[bits]
    needed = header_size + n_vectors * width * values.itemsize
    if header_size < 36 or needed > len(data):
        raise FormatError(path, f"announces {needed} bytes and holds {len(data)}; it may be cut off")
    table = np.frombuffer(data, values, n_vectors * width, header_size).reshape(-1, width).astype(np.float64)
    rate_hz = struct.unpack_from("<I", data, 36)[0] if header_size in (48, 60) else 0
    t = np.arange(n_vectors) / rate_hz if rate_hz else None
    extra = {"pressure": table[:, 2]}
    extra.update({name: table[:, k] for k, name in ((3, "azimuth_deg"), (4, "altitude_deg")) if k < width})
    return _ink(table[:, :2], table[:, 2] > 0, t, extra, counts, pressure_max=FPG_PRESSURE_MAX)


def _ink(
    xy: Floats,
    down: Bools,
    t: Floats | None,
    channels: dict[str, Floats],
    counts: Counter[str],
    *,
    pressure_max: float | None = None,
) -> Ink:
    """Return the pen-down points as strokes, cut where the pen was up, times from 0."""
    rows = np.flatnonzero(down)
    offsets = np.concatenate([[0], np.flatnonzero(np.diff(rows) > 1) + 1, [len(rows)]])
    times = None if t is None else t[rows] - t[rows[0]] if len(rows) and np.isfinite(t[rows[0]]) else t[rows]
    times = plausible_times(times, offsets, counts)
    picked = {name: values[rows] for name, values in channels.items()}
    force = picked.pop("pressure", None)
    with np.errstate(invalid="ignore"):
        return mend_flat(
            xy[rows] * (1.0, -1.0), offsets, times, force, picked, counts=counts, pressure_max=pressure_max
        )
