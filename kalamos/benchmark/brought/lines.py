"""JSON lines of an image and what a model said to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from kalamos.errors import FormatError
from kalamos.formats.reading import lines_of

MAX_LINE_BYTES = 64 * 2**20
TEXTS = ("output", "text", "answer")
"""Keys under which the text may stand; the first that is there counts, and null is no answer."""


def answers_in(source: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of an image, without folder and suffix, and the text that belongs to it, line by line.

    Raises:
        FormatError: where a line is no JSON object with a name and a text; names the line.
    """
    for number, line in enumerate(lines_of(source, MAX_LINE_BYTES), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            image, key = told["image"], next((name for name in TEXTS if name in told), "output")
            text = told[key]
            if not isinstance(image, str) or not isinstance(text, str | None):
                raise TypeError("image and output are texts")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            about = f'is no object {{"image": NAME, "output": TEXT}}: {str(error)[:100]}'
            raise FormatError(source, about, f"line {number}") from error
        yield Path(image).name.removesuffix(".png"), text or ""
