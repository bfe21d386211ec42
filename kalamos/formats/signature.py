"""Signatures and other Wacom recordings: SVC2004 text, Wacom ``.svc``, MCYT ``.fpg``.

**SVC2004 and Wacom .svc** (D.-Y. Yeung et al., *SVC2004: First International Signature Verification Competition*,
ICBA 2004; the same lines are written by tools that record Wacom tablets): the number of points, then a line for
each, ``x y time button`` (task 1) or ``x y time button azimuth altitude pressure`` (task 2 and Wacom). The first bit
of the button code is the tip: odd codes are pen down, even ones (2, the side switch) air.
Times are milliseconds where they are whole numbers and seconds where any has a fraction (recordings that a tool has
converted).

**.hwr and .sig** (SigComp 2009 to 2013, SUSIG): lines of ``x y pressure``, some with azimuth and altitude, after a
heading of a name and the number of points, or none. The pen is up where the pressure is 0: the first such point ends
the stroke, the others are air. A table whose first line names its columns (``X Y TStamp Pres EndPts``) is read by
:mod:`kalamos.formats.table`. No rate is stated, there are no times.

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

import itertools
import re
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times, possible_angle
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
_HWR_HEAD = re.compile(rb"\s*+(?=[A-Za-z0-9]\d*+[A-Za-z_-])([A-Za-z0-9][\w-]{1,200}+)[ \t]++(\d{1,8})\s*+")
_HWR_ROW = re.compile(rb"\s*(?:-?\d{1,7}(?:\s+|\s*$)){3,5}")
MOST_PRESSURE = 65_536
MOST_SNIFFED = 2000
HEAD_BYTES = 65_536
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
    if (why := _sniff_pressure_lines(head)) is not None:
        return why
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


def read_ink(path: Path, counts: Counter[str], *, rate_hz: float | None = None) -> tuple[Ink, TimeSource]:
    """Return the ink of a file, y down, and where its times come from.

    Args:
        path: the file.
        counts: what was mended is counted there.
        rate_hz: points a second where a corpus says it of its ``.hwr`` files, which do not say it themselves; the first
            line may then be any heading.

    Raises:
        FormatError: where the file is not laid out as described; names the line or byte.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    if data[:4] == b"FPG ":
        ink = _read_fpg(path, data, counts)
    elif rate_hz is not None or _sniff_pressure_lines(data[:HEAD_BYTES]) is not None:
        ink = _read_pressure_lines(path, data, counts, rate_hz)
        return ink, "none" if ink.t is None else "rate"
    else:
        ink = _read_text(path, data, counts)
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


def _sniff_pressure_lines(head: bytes) -> str | None:
    """Say why lines of three or five whole numbers have the pressure in the third; None where they may be otherwise.

    A third number that only grows may be a time. Under a heading that names the recording nothing else is meant.
    """
    lines = head.splitlines()[: -1 if len(head) >= HEAD_BYTES else None]  # the last one may be cut
    lines = [line for line in lines if line.strip()][:MOST_SNIFFED]
    named = bool(lines) and _HWR_HEAD.fullmatch(lines[0]) is not None
    rows = [line.split() for line in lines[named:]]
    if not rows or len(rows[0]) not in (3, 5) or not all(_HWR_ROW.fullmatch(line) for line in lines[named:]):
        return None
    if any(len(row) != len(rows[0]) for row in rows):
        return None
    force = [int(row[2]) for row in rows]
    grows = all(b >= a for a, b in itertools.pairwise(force))
    if min(force) < 0 or max(force) > MOST_PRESSURE or (not named and grows):
        return None
    heading = "a name and a number of points, then" if named else "lines of"
    return f"{heading} {len(rows[0])} whole numbers, pressure in the third (SigComp .hwr)"


def _read_pressure_lines(path: Path, data: bytes, counts: Counter[str], rate_hz: float | None) -> Ink:
    lines = [line for line in data.splitlines() if line.strip()]
    head = _HWR_HEAD.fullmatch(lines[0]) if lines else None
    headed = head is not None or (rate_hz is not None and bool(lines) and _HWR_ROW.fullmatch(lines[0]) is None)
    rows = [line.split() for line in lines[headed:]]
    if not rows or len(rows[0]) not in (3, 5):
        raise FormatError(
            path, "expected lines of x, y, pressure, or with azimuth and altitude too", f"line {headed + 1}"
        )
    wrong = next((k for k, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    try:
        points = np.array(rows, np.float64) if wrong is None else np.empty(0)
    except ValueError:
        wrong = next(k for k, row in enumerate(rows, 1) if not _HWR_ROW.fullmatch(b" ".join(row)))
    if wrong is not None:
        raise FormatError(path, f"expected {len(rows[0])} numbers, as on the first line", f"line {wrong + headed}")
    if head is not None and int(head[2]) != len(points):
        if len(points) < int(head[2]):
            raise FormatError(path, f"announces {int(head[2])} points and holds {len(points)}; it is cut off", "line 1")
        counts["signature-count-wrong"] += 1
    touches = points[:, 2] > 0
    down = touches.copy()
    down[1:] |= touches[:-1]  # where the pen left the paper
    extra = {"pressure": points[:, 2]}
    extra.update({name: points[:, k] for k, name in ((3, "azimuth_deg"), (4, "altitude_deg")) if k < points.shape[1]})
    for name in ("azimuth_deg", "altitude_deg"):
        if name in extra and not possible_angle(name, extra[name]):
            extra[name] = extra[name] / 10.0  # Wacom's tenths
    t = np.arange(len(points)) / rate_hz if rate_hz else None
    return _ink(points[:, :2], down, t, extra, counts, begins=touches)


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
    begins: Bools | None = None,
) -> Ink:
    """Return the pen-down points as strokes, cut where the pen was up, times from 0.

    ``begins`` says where the pen touches if ``down`` takes the point in where it left the paper: behind that a new
    stroke begins.
    """
    rows = np.flatnonzero(down)
    cuts = np.diff(rows) > 1
    if begins is not None:
        cuts |= ~begins[rows[:-1]]
    offsets = np.concatenate([[0], np.flatnonzero(cuts) + 1, [len(rows)]])
    times = None if t is None else t[rows] - t[rows[0]] if len(rows) and np.isfinite(t[rows[0]]) else t[rows]
    times = plausible_times(times, offsets, counts)
    picked = {name: values[rows] for name, values in channels.items()}
    force = picked.pop("pressure", None)
    with np.errstate(invalid="ignore"):
        return mend_flat(
            xy[rows] * (1.0, -1.0), offsets, times, force, picked, counts=counts, pressure_max=pressure_max
        )
