"""What the text formats share: numbers that read back exactly, and text that XML can hold."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from numpy.typing import NDArray

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
