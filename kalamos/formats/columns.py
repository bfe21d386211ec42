"""Which column of a table, or key of an object, is what; and from such columns to ink.

Names are compared without case and signs (``X_pos``, ``xPos``). Where a file has its own, ``--columns x=px,y=py,t=ms``
says which is which; a column without a name is called by its number, from 1. A minus turns y that points up
(``y=-Y``).

======== ===================================================================================================
x, y     positions; y downwards
t        times. The unit is that of the name (``t_ms``, ``seconds``), else milliseconds where the numbers
         are whole and seconds where they have fractions; what then cannot be is mended with a count
stroke   the number or name of the stroke: a new one begins where it changes
pen      1 (true, "down") where the pen touches; other points are air and are dropped
penup    1 at the last point of each stroke (EndPts of the signature files)
pressure any positive numbers; 0 is air where nothing else says where the pen is
sample   the name of the drawing: a new sample begins where it changes
label, writer, tilt_x, tilt_y, azimuth, altitude
======== ===================================================================================================

A table that has neither stroke, pen nor penup, and no pressure of 0, says nothing of the pen's lifts: it is one stroke,
and counted (``strokes-not-told``).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kalamos.errors import KalamosError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints

NAMES: Mapping[str, tuple[str, ...]] = {
    "x": ("x", "xpos", "posx", "positionx", "xposition", "xcoordinate", "xcoord", "coordx", "xpx", "xmm", "px"),
    "y": ("y", "ypos", "posy", "positiony", "yposition", "ycoordinate", "ycoord", "coordy", "ypx", "ymm", "py"),
    "t": (
        *("t", "time", "timestamp", "tstamp", "ts", "tms", "timems", "timestampms", "ms", "millis", "milliseconds"),
        *("s", "times", "seconds", "sec", "timestamps", "tus", "timeus", "us", "elapsed", "elapsedms"),
    ),
    "stroke": ("stroke", "strokeid", "strokenumber", "strokeno", "strokeindex", "strokenr", "trace", "traceid"),
    "pen": (
        *("pen", "penstate", "penstatus", "pendown", "down", "isdown", "tip", "tipswitch", "touch", "touching"),
        *("contact", "incontact", "stylusstate", "button", "buttonstatus"),
    ),
    "penup": ("penup", "endpts", "endpt", "endpoint", "endofstroke", "lift", "lifted"),
    "pressure": ("p", "pressure", "pres", "press", "force", "f", "tipforce"),
    "sample": ("sample", "sampleid", "samplekey", "drawing", "drawingid", "instance", "file", "filename"),
    "label": ("label", "truth", "text", "char", "character", "word"),
    "writer": ("writer", "writerid", "user", "userid", "subject", "subjectid", "author", "participant"),
    "tilt_x": ("tiltx", "otx"),
    "tilt_y": ("tilty", "oty"),
    "azimuth": ("azimuth", "az", "azi", "oa"),
    "altitude": ("altitude", "alt", "elevation", "ele", "oe"),
}
"""Role -> the names that it is known by, lower case, letters alone."""
CHANNELS = ("tilt_x", "tilt_y", "azimuth", "altitude")
_UNIT = re.compile(r"(ms|us|µs|s|sec|seconds|millis\w*)[)\]]?$", re.IGNORECASE)
_SECONDS = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6, "s": 1.0, "sec": 1.0, "seconds": 1.0}
_DOWN, _UP = (
    frozenset({"1", "down", "true", "pendown", "yes", "1.0"}),
    frozenset({"0", "up", "false", "penup", "no", "0.0"}),
)


def parse_columns(text: str) -> dict[str, str]:
    """Return role -> column of ``x=px,y=-py,t=ms``.

    Raises:
        KalamosError: where a role is unknown or given twice, or x or y is missing.
    """
    chosen: dict[str, str] = {}
    for part in text.split(","):
        role, sign, name = (piece.strip() for piece in part.partition("="))
        if not sign or not name or role not in NAMES or role in chosen:
            raise KalamosError(f"--columns: {part!r} is not ROLE=COLUMN, each once; roles are {', '.join(NAMES)}")
        chosen[role] = name
    if not {"x", "y"} <= chosen.keys():
        raise KalamosError(f"--columns {text!r} names no column for x, or none for y")
    return chosen


def roles_of(names: Sequence[str], columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return role -> name of the columns that are known, or chosen.

    Raises:
        ValueError: where a chosen column is not there.
    """
    if columns:
        missing = [name for name in columns.values() if name.lstrip("-") not in names]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r}; there are {', '.join(names)[:200]}")
        return {role: name.lstrip("-") for role, name in columns.items()}
    plain = {_plain(name): name for name in reversed(names)}
    found = {role: next((plain[name] for name in known if name in plain), None) for role, known in NAMES.items()}
    return {role: name for role, name in found.items() if name is not None}


def turned(columns: Mapping[str, str] | None) -> bool:
    """Say whether the chosen y points up."""
    return bool(columns) and columns is not None and columns["y"].startswith("-") and columns["y"] != "-"


def ink_of(table: Mapping[str, Any], names: Mapping[str, str], counts: Counter[str], y_up: bool = False) -> Ink:
    """Return the ink of one drawing.

    Args:
        table: role -> its values, one a point.
        names: role -> the name of its column, which may tell the unit of the times.
        counts: what was mended; added to.
        y_up: whether y points up.

    Raises:
        ValueError: where a column is no numbers, or no pen state.
    """
    x, y = numbers(table["x"], "x"), numbers(table["y"], "y")
    offsets, keep = _strokes(table, counts, len(x))
    xy = np.stack([x, -y if y_up else y], axis=1)[keep]
    t = seconds(table["t"], names["t"])[keep] if "t" in table else None
    if t is not None and np.isnan(t).any():
        counts["channel-not-finite"] += 1
        t = None
    if t is not None and len(t):
        t = plausible_times(t - np.nanmin(t), offsets, counts)
    extra = {name: numbers(table[name], name)[keep] for name in CHANNELS if name in table}
    force = numbers(table["pressure"], "pressure")[keep] if "pressure" in table else None
    channels = {name: _filled(values, counts) for name, values in {"pressure": force, **extra}.items()}
    known = {name: values for name, values in channels.items() if values is not None}
    return mend_flat(xy, offsets, t, known.pop("pressure", None), known, counts=counts)


def seconds(values: Any, name: str) -> Floats:
    """Return times in seconds: by the unit that the column's name tells, else by whether they are whole numbers."""
    times = numbers(values, "t")
    unit = _UNIT.search(name)
    known = _plain(name)
    if unit is not None and known not in ("ts", "t", "times", "timestamps"):
        return times * _SECONDS.get(unit[1].lower(), 1e-3)
    sound = times[np.isfinite(times)]
    return times * (1e-3 if (sound == np.floor(sound)).all() else 1.0)


def numbers(values: Any, role: str) -> Floats:
    """Return values as float64 ``(n,)``; NaN where one is missing.

    Raises:
        ValueError: where one is something else.
    """
    try:
        return np.array([np.nan if value is None else value for value in values], np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        found = next((value for value in values if not _is_number(value)), "a list")
        raise ValueError(f"{role} holds {str(found)[:40]!r}, which is no number") from None


def spans(values: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the runs of equal values as (first, after the last)."""
    edges = [0, *(k for k in range(1, len(values)) if values[k] != values[k - 1]), len(values)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


def _plain(name: str) -> str:
    return re.sub(r"[^a-zµ]", "", name.lower())


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return value is None
    return True


def _filled(values: Floats | None, counts: Counter[str]) -> Floats | None:
    """Return a channel whose missing values are its median; None where fewer than half of the points have one."""
    if values is None or not len(values):
        return None
    missing = np.isnan(values)
    if not missing.any():
        return values
    if 2 * missing.sum() > len(values):
        counts["channel-in-few-strokes"] += 1
        return None
    counts["channel-filled"] += int(missing.sum())
    return np.where(missing, np.nanmedian(values), values)


def _strokes(table: Mapping[str, Any], counts: Counter[str], n: int) -> tuple[Ints, Bools]:
    """Return where the strokes begin among the points that are kept, and which are."""
    keep = np.ones(n, np.bool_)
    told = {"stroke", "pen", "penup"} & table.keys()
    if "pen" in table:
        keep = _states(table["pen"], "pen")
    elif not told and "pressure" in table:
        force = numbers(table["pressure"], "pressure")
        if (force == 0).any() and (force > 0).any():
            keep = force != 0
            told = {"pressure"}
    begins = np.zeros(n, np.bool_)
    begins[1:] = keep[1:] & ~keep[:-1]
    if "stroke" in table:
        number = list(table["stroke"])
        begins[1:] |= np.fromiter(
            (a != b for a, b in zip(number[1:], number[:-1], strict=True)), np.bool_, max(n - 1, 0)
        )
    if "penup" in table:
        begins[1:] |= _states(table["penup"], "penup")[:-1]
    if not told and n > 1:
        counts["strokes-not-told"] += 1
    kept = np.flatnonzero(keep)
    # a stroke begins at the first kept point at or after each beginning
    group = np.cumsum(begins)[kept]
    starts = np.flatnonzero(np.diff(group, prepend=-1)) if len(kept) else np.empty(0, np.int64)
    return np.append(starts, len(kept)).astype(np.int64) if len(kept) else np.zeros(1, np.int64), keep


def _states(values: Iterable[Any], role: str) -> Bools:
    words = [str(value).strip().lower().replace(" ", "").replace("_", "") for value in values]
    strange = sorted(set(words) - _DOWN - _UP)
    if strange:
        raise ValueError(f"{role} is 0 or 1 (up or down), not {strange[0][:40]!r}")
    return np.array([word in _DOWN for word in words], np.bool_)
