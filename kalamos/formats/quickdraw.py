"""QuickDraw: newline-delimited JSON, one drawing a line.

Format: Google, *The Quick, Draw! Dataset* (its public repository). A line is an object with ``word``,
``countrycode``, ``timestamp``, ``recognized``, ``key_id`` and ``drawing``: a list of strokes, each ``[[x ...], [y
...], [t ...]]`` with t in milliseconds from the first point (raw), or ``[[x ...], [y ...]]`` scaled to 0..255 and
thinned out (simplified). y points down.

A line that is no such object is a refusal and the next one is read; a drawing that the game did not recognise is kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import InkError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.reading import lines_of
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample, TimeSource

MAX_LINE_BYTES = 16 * 2**20

_HEAD = re.compile(rb"\s*\{[^\[\]]*\"drawing\"\s*:\s*\[")


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is QuickDraw, or None."""
    return "a line opens a JSON object with the strokes of a 'drawing'" if _HEAD.match(head) else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawings of a file; ``key`` is the drawing's ``key_id``.

    Raises:
        FormatError: where the file cannot be read; a bad line is a refusal in ``report``.
    """
    for number, line in enumerate(lines_of(path, MAX_LINE_BYTES), start=1):
        if not line.strip():
            continue
        report.expected["drawings"] += 1
        try:
            drawing = json.loads(line)
            ink = ink_of(drawing["drawing"], report.mendings)
            if not ink.n_strokes:
                raise ValueError("the drawing holds no point")
            key = str(drawing.get("key_id") or f"{path.stem}-{number}")[:200]
            label = str(drawing.get("word", ""))[:1000]
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, InkError) as error:
            report.refusals.append(Refusal(path.name, f"line {number}", _reason(error)))
            continue
        time_source: TimeSource = "none" if ink.t is None else "recorded"
        yield Sample(key, ink, label, units="px", time_source=time_source, source=f"{path.name}, line {number}")


def ink_of(strokes: Any, counts: Counter[str]) -> Ink:
    """Return the ink of a ``drawing``; times only where every stroke has them."""
    columns = [[np.asarray(column, np.float64) for column in stroke] for stroke in strokes]
    if any(len(stroke) < 2 or any(column.ndim != 1 for column in stroke) for stroke in columns):
        raise ValueError("a stroke is not [[x ...], [y ...]] or [[x ...], [y ...], [t ...]]")
    timed = all(len(stroke) > 2 for stroke in columns)
    if not timed and any(len(stroke) > 2 for stroke in columns):
        counts["channel-in-few-strokes"] += 1
    ends = np.cumsum([0, *(len(stroke[0]) for stroke in columns)])
    t = plausible_times(np.concatenate([s[2] for s in columns]) / 1000.0, ends, counts) if timed and columns else None
    xy = np.concatenate([np.empty((0, 2)), *(np.stack(stroke[:2], axis=1) for stroke in columns)])
    return mend_flat(xy, ends, t, counts=counts)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "the line is not JSON"
    if isinstance(error, KeyError | AttributeError | TypeError):
        return "the line is not an object with a 'drawing' of numbers"
    return f"the drawing cannot be read: {str(error)[:80] or type(error).__name__}"
