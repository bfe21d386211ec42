"""Calliar: Arabic calligraphy as JSON, one object a stroke.

Format: Z. Alyafeai et al., *Calliar: An Online Handwritten Dataset for Arabic Calligraphy*, 2021, and its public
repository. A file is a list of objects ``{"letter": stroke}`` in the order of tracing; a stroke is SVG path data
(the annotation tool's curves, flattened here to within a tenth of a unit) or a list of points ``[x, y]``. Dots and
marks are strokes of their own under names such as ``.``. The unlabelled drawings of the repository's web page are
JavaScript, ``stroke_0 = [[[x, y] ...] ...]``.

y points down; there are no times. The text is the name of the file, not in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError, InkError
from kalamos.formats.mending import mend
from kalamos.formats.reading import read_bytes, text_of
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.svgpath import polylines
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

MAX_FILE_BYTES = 64 * 2**20
TOLERANCE = 0.1
"""How far a flattened curve may be from the true one, in units of the file."""

_JSON_HEAD = re.compile(r'\s*\[\s*\{\s*"(?:[^"\\]|\\.){1,40}"\s*:\s*(?:"\s*[Mm][\s\d.,+-]|\[\s*\[)')
_SCRIPT_HEAD = re.compile(r"\s*stroke_\d+\s*=\s*\[\s*\[\s*\[")
_SCRIPT = re.compile(r"stroke_(\d{1,9})\s*=\s*")
_TRAILING_COMMA = re.compile(r",\s*\]")
_BAD = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, InkError)


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is Calliar, or None."""
    text = head[:4096].decode("utf-8", "replace")
    if _JSON_HEAD.match(text):
        return "a JSON list of objects {letter: stroke}"
    if _SCRIPT_HEAD.match(text):
        return "assigns lists of points to stroke_0, stroke_1 ... (Calliar's web page)"
    return None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawing of a JSON file, or the drawings of the web page's script; neither has a label inside.

    Raises:
        FormatError: where the file is neither; a bad drawing of a script is a refusal in ``report``.
    """
    text = text_of(read_bytes(path, MAX_FILE_BYTES))
    if _SCRIPT_HEAD.match(text[:4096]):
        yield from _read_script(path, text, report)
        return
    ink = _read_json(path, text, report.mendings)
    yield Sample(path.stem, ink, level="line", script="Arab", source=path.name, provenance="traced")


def _read_json(path: Path, text: str, counts: Counter[str]) -> Ink:
    try:
        strokes = [_points(stroke) for letter in json.loads(text) for stroke in letter.values()]
        ink = mend([points for stroke in strokes for points in stroke], counts=counts)
    except json.JSONDecodeError as error:
        raise FormatError(path, f"is no JSON: {error.msg}", f"line {error.lineno}") from error
    except _BAD as error:
        raise FormatError(path, f"is no list of objects {{letter: stroke}}: {str(error)[:120]}") from error
    if not ink.n_strokes:
        raise FormatError(path, "the drawing holds no point")
    return ink


def _read_script(path: Path, text: str, report: UnitReport) -> Iterator[Sample]:
    decoder = json.JSONDecoder()
    text = _TRAILING_COMMA.sub("]", text)
    for match in _SCRIPT.finditer(text):
        report.expected["drawings"] += 1
        where = f"stroke_{match[1]}"
        try:
            strokes, _ = decoder.raw_decode(text, match.end())
            ink = mend([points for stroke in strokes for points in _points(stroke)], counts=report.mendings)
            if not ink.n_strokes:
                raise ValueError("the drawing holds no point")
        except _BAD as error:
            report.refusals.append(Refusal(path.name, where, f"the drawing cannot be read: {str(error)[:80]}"))
            continue
        source = f"{path.name}, {where}"
        yield Sample(f"{path.stem}#{match[1]}", ink, level="line", script="Arab", source=source, provenance="traced")


def _points(stroke: Any) -> list[Floats]:
    """Return the polylines of path data or of a list of points."""
    if isinstance(stroke, str):
        return polylines(stroke, TOLERANCE)
    points = np.asarray(stroke, np.float64)
    if points.size and (points.ndim != 2 or points.shape[1] != 2):
        raise ValueError("a stroke is path data or a list of points [x, y]")
    return [points.reshape(-1, 2)]
