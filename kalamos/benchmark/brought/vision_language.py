"""Answers of vision-language models: JSON lines of a name and a text, and the strict reading of such a text.

``{"image": "0123456789abcdef.png", "output": "..."}`` a line, the text as the model gave it. It has to be the JSON
object that was asked for, or hold it as its only fenced block. Nothing is repaired: what is not what was asked for is a
failed answer, and why is counted. Coordinates are in pixels of the image that the model saw.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.benchmark.brought.images import Frame, ImageSet
from kalamos.benchmark.brought.lines import answers_in
from kalamos.benchmark.brought.strokes import Found, Strokes
from kalamos.benchmark.result import no_number
from kalamos.recoverer import MAX_POINTS

MAX_TEXT = 4_000_000
"""Characters of one answer; a longer one has lost its way."""
_FENCED = re.compile(r"```[A-Za-z]*[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)


def read(source: Path, images: ImageSet) -> Iterator[Found]:
    """Yield the answers of a file of JSON lines.

    Raises:
        FormatError: where a line is no JSON object with a name and a text.
    """
    for name, text in answers_in(source):
        frame = images.frames.get(name)
        yield Found(name, "" if frame is None else strokes_in(text, frame, images.scale))


def strokes_in(text: str, frame: Frame, scale: int = 1) -> Strokes | str:
    """Return the strokes of an answer in pixels of the task's image, or why there are none.

    Args:
        text: what the model said.
        frame: the task's image.
        scale: pixels of the image that the model saw a pixel of it.
    """
    if len(text) > MAX_TEXT:
        return "the answer has no end"
    if not text.strip():
        return "no answer"
    found = _object(text)
    if isinstance(found, str):
        return found
    if set(found) != {"strokes"}:
        return "the object has other keys than strokes"
    return _strokes(found["strokes"], frame.width * scale, frame.height * scale, scale)


def _object(text: str) -> dict[str, Any] | str:
    """Return the one JSON object of an answer, or why there is none."""
    blocks = _FENCED.findall(text)
    if len(blocks) > 1:
        return "several blocks of code"
    try:
        text = blocks[0] if blocks else text
        found = json.loads(text, parse_constant=no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "no JSON" if "{" in text else "words in place of JSON"
    return found if isinstance(found, dict) else "JSON that is no object"


def _strokes(found: Any, width: int, height: int, scale: int) -> Strokes | str:
    if not isinstance(found, list) or not found:
        return "no strokes"
    strokes, points = [], 0
    for stroke in found:
        if not isinstance(stroke, list) or not stroke:
            return "a stroke without points"
        if not all(_is_point(point) for point in stroke):
            return "a point that is not two numbers"
        points += len(stroke)
        if points > MAX_POINTS:
            return f"more than {MAX_POINTS} points"
        if not all(0 <= x <= width and 0 <= y <= height for x, y in stroke):
            return "points outside the image"
        strokes.append(np.array(stroke, np.float64) / scale)
    return strokes


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and all(_is_number(value) for value in point)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
