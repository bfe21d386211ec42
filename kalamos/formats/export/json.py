"""Write Kalamos' JSON lines, as :mod:`kalamos.formats.inkjson` reads them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kalamos.formats.sample_fields import fields_of
from kalamos.ink import Ink, Sample
from kalamos.machinery.files import writing_text


def write_json(samples: Iterable[Sample], path: Path) -> int:
    """Write samples as JSON, one a line, and return how many; nothing is lost.

    Raises:
        StoreError: where the file cannot be written.
    """
    count = 0
    with writing_text(path) as file:
        for sample in samples:
            record = {"kalamos": 1, **fields_of(sample), "strokes": _strokes(sample.ink)}
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("\x85", "\\u0085") + "\n")
            count += 1
    return count


def _strokes(ink: Ink) -> list[dict[str, Any]]:
    bounds = ink.offsets.tolist()
    strokes: list[dict[str, Any]] = []
    for a, b in itertools.pairwise(bounds):
        stroke: dict[str, Any] = {"x": ink.xy[a:b, 0].tolist(), "y": ink.xy[a:b, 1].tolist()}
        for name in ("t", "pressure"):
            values = getattr(ink, name)
            if values is not None:
                stroke[name] = values[a:b].tolist()
        if ink.extra:
            stroke["extra"] = {name: values[a:b].tolist() for name, values in ink.extra.items()}
        strokes.append(stroke)
    return strokes
