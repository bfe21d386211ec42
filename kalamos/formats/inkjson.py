"""Kalamos' own JSON: one sample a line (JSON Lines), fields beside its strokes.

``{"kalamos": 1, "key": ..., "label": ..., ..., "strokes": [{"x": [...], "y": [...], "t": [...], "pressure": [...],
"extra": {...}}]}``: y downwards, seconds, pressure in 0..1. Numbers are written so that reading gives the same values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError, InkError
from kalamos.formats import reading
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.sample_fields import sample_of
from kalamos.ink import Ink, Sample

MARK = '{"kalamos":'
MAX_BYTES = 2**30


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are Kalamos' JSON, or None."""
    return "JSON lines with the mark of Kalamos" if head.startswith(MARK.encode()) else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a file; a line that holds none is a refusal.

    Raises:
        FormatError: where the file is not Kalamos' JSON.
    """
    data = reading.read_bytes(path, MAX_BYTES)
    if sniff(data[:64]) is None:
        raise FormatError(path, f"does not begin with {MARK}: this is not the JSON that Kalamos writes")
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        report.expected["sample"] += 1
        try:
            record = json.loads(line)
            yield sample_of(record, _ink(record["strokes"]))
        except (InkError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            report.refusals.append(Refusal(path.name, f"line {number}", f"not a valid sample: {str(error)[:200]}"))


def _ink(strokes: list[dict[str, Any]]) -> Ink:
    if not strokes:
        return Ink.empty()
    xy = [
        np.stack([np.array(stroke["x"], np.float64), np.array(stroke["y"], np.float64)], axis=1) for stroke in strokes
    ]
    channels = {name: [stroke[name] for stroke in strokes] for name in ("t", "pressure") if name in strokes[0]}
    extra = {name: [stroke["extra"][name] for stroke in strokes] for name in strokes[0].get("extra", {})}
    return Ink.from_strokes(xy, **channels, **extra)
