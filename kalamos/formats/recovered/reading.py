"""Read back a page that :func:`kalamos.formats.recovered.inkml.write_inkml` wrote: lines, pieces, and what is said.

The placement of a piece's image is not in the file and does not come back; other paths come back without times.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError, KalamosError
from kalamos.formats.inkml import Document, notes, read_document
from kalamos.formats.recovered import RecoveredPage
from kalamos.ink import Ink
from kalamos.recovery import Alternative, Box, RecoveredLine, RecoveredPiece, Recovery

_ABOUT = ("writer", "licence", "picture")
_PROVENANCES = ("estimated", "corrected")


def read_page(path: Path) -> RecoveredPage:
    """Return the page of an InkML file that Kalamos wrote for a recovered or corrected picture.

    Raises:
        FormatError: where the file is no such page, or is damaged.
    """
    document = read_document(path)
    said = notes(document.root)
    sheet = next((group for group in document.root.findall("traceGroup") if notes(group).get("level") == "page"), None)
    if sheet is None or said.get("provenance") not in _PROVENANCES:
        raise FormatError(path, "this is no recovered page: `kalamos recover` and `kalamos studio` write such files")
    try:
        lines, pens = [], []
        for line in sheet.findall("traceGroup"):
            pieces = []
            for word in line.findall("traceGroup"):
                pieces.append(_piece(document, word, said["provenance"] == "estimated"))
                pens.append(_pen(document, word))
            if pieces:
                lines.append(RecoveredLine(tuple(pieces)))
        _, _, width, height = _box(notes(sheet)["box"])
        recovery = Recovery(tuple(lines), said.get("method", ""), said.get("version", ""), said.get("weights", ""))
        fields: dict[str, Any] = {"script": said.get("script", ""), "provenance": said["provenance"]}
        fields["about"] = {name: said[name] for name in _ABOUT if said.get(name)}
        number = int(said.get("page", "1"))
        return RecoveredPage(recovery, said.get("source", ""), int(width), int(height), tuple(pens), number, **fields)
    except FormatError:
        raise
    except (KeyError, ValueError, KalamosError) as error:
        raise FormatError(path, f"the page is damaged ({error}); recover the picture again") from error


def _piece(document: Document, word: Element, estimated: bool) -> RecoveredPiece:
    said = notes(word)
    shown = document.pieces(word)
    ink = document.ink(shown, counts=Counter(), mend=False) if shown else Ink.empty()
    sure = np.array(said.get("stroke_confidence", "").split(), np.float64)
    return RecoveredPiece(
        ink,
        _box(said["box"]),
        covered=float(said.get("covered", "1")),
        confidence=float(said["confidence"]) if estimated and "confidence" in said else None,
        stroke_confidence=sure if estimated and len(sure) == ink.n_strokes and len(sure) else None,
        alternatives=tuple(_alternatives(document, word)) if estimated else (),
        warning=said.get("warning", ""),
        label=said.get("truth", ""),
    )


def _alternatives(document: Document, word: Element) -> Iterator[Alternative]:
    """Yield the other paths of a piece, likeliest first."""
    for rank in itertools.count(1):
        group = document.find(f"{_name(word)}-or{rank}")
        if group is None or notes(group).get("level") != "alternative":
            return
        ink = document.ink(document.pieces(group), counts=Counter(), mend=False)
        yield Alternative(ink, float(notes(group).get("log_probability", "-inf")))


def _name(element: Element) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == "id"), "")


def _pen(document: Document, word: Element) -> float:
    """Return the width of the pen of a piece; 2 px where nothing is said."""
    shown = document.pieces(word)
    brush = document.find(document.traces[shown[0].trace].element.get("brushRef", "")) if shown else None
    for one in () if brush is None else brush.findall("brushProperty"):
        if one.get("name") == "width":
            return float(one.get("value", "2"))
    return 2.0


def _box(text: str) -> Box:
    x0, y0, x1, y1 = (float(side) for side in text.split())
    return x0, y0, x1, y1
