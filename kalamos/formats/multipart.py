"""Answers of OneNote's service to ``GET .../pages/ID/content?includeInkML=true``: ``multipart`` with InkML in it.

The parts lie between lines of ``--`` and a boundary (RFC 2046); the page is HTML and its ink a part of the type
``application/inkml+xml``, which is read as any InkML is. Other parts are counted as left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kalamos.errors import FormatError
from kalamos.formats import inkml
from kalamos.formats.report import UnitReport
from kalamos.formats.xmltree import read_bytes
from kalamos.ink import Sample

_HEAD = re.compile(rb"\s*(?:(?:[\w-]+: [^\r\n]*\r?\n)+\r?\n)?--([^\r\n]{1,200}?)[ \t]*\r?\n(?:[\w-]+: ?[^\r\n]*\r?\n)+")
_TYPE = re.compile(rb"^content-type:\s*application/inkml\+xml", re.IGNORECASE | re.MULTILINE)


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is such an answer, or None."""
    match = _HEAD.match(head[:4096])
    return (
        "parts between boundaries, as OneNote's service answers"
        if match and b"content-type:" in match[0].lower()
        else None
    )


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the ink of each part that is InkML.

    Raises:
        FormatError: where no part is, or one breaks the rules of InkML.
    """
    data = read_bytes(path)
    match = _HEAD.match(data[:4096])
    if match is None:
        raise FormatError(path, "does not begin with a boundary and the heading of a part")
    parts = re.split(rb"\r?\n?--" + re.escape(match[1]) + rb"(?:--)?[ \t]*\r?\n?", data)
    inks = 0
    for part in parts:
        heading, _, body = part.replace(b"\r\n", b"\n", 20).partition(b"\n\n")
        if _TYPE.search(heading) is not None:
            inks += 1
            yield from inkml.samples_of(inkml.parse_document(body.strip(), path), path, report)
        elif heading.strip():
            report.mendings["left-out-part"] += 1
    if not inks:
        raise FormatError(path, "holds parts of which none is InkML; ask the service for them with includeInkML=true")
