"""What the text formats share: numbers that read back exactly, text that XML can hold, files that are never half."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

from numpy.typing import NDArray

from kalamos.errors import StoreError

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def numbers(values: NDArray[Any]) -> list[str]:
    """Return float32 or float64 values ``(n,)`` as the shortest text that reads back as the same value."""
    texts: list[str] = values.astype(str).tolist()
    return [text.removesuffix(".0") for text in texts]


def xml_text(text: str) -> str:
    """Return text for the inside of an element; characters that XML cannot hold become U+FFFD."""
    return escape(_NOT_XML.sub("�", text), {"\r": "&#13;"})


def xml_attribute(text: str) -> str:
    """Return text as an attribute's value, quotes included."""
    return quoteattr(_NOT_XML.sub("�", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


@contextmanager
def replaced(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that takes its place only when all is written.

    Raises:
        StoreError: where it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
