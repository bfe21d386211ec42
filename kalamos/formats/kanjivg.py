"""KanjiVG: one SVG drawing a character, one path a stroke, in the order and direction of writing.

The character is the ``element`` of the outermost group, or the code point in its identifier (``kvg:04e00``, a variant
after a hyphen) or in the file's name. The drawing is 109 x 109 units. Curves become polylines within 0.05 units of it.
Other drawings in SVG are read as well, one stroke a sub-path, where every ``<path>`` is a stroke and nothing is
transformed; so are those that Kalamos writes, which carry their samples' fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from kalamos.errors import FormatError, InkError
from kalamos.formats.mending import mend
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.sample_fields import sample_of
from kalamos.formats.svgpath import polylines
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

TOLERANCE = 0.05
"""How far a polyline may lie from its curve, in units of the drawing."""
MAX_POINTS = 5_000_000
_CODE = re.compile(r"([0-9a-fA-F]{4,6})(-\w+)?$")
_HIRAGANA, _KATAKANA = range(0x3040, 0x30A0), range(0x30A0, 0x3100)


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are an SVG drawing, or None."""
    root = root_tag(head)
    if root is None or root[0] != "svg":
        return None
    if b"kvg:" in head:
        return "an SVG drawing of KanjiVG"
    return "an SVG drawing that Kalamos wrote" if b"data-sample=" in head else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawing as one sample, or the samples that Kalamos wrote into it.

    Raises:
        FormatError: where the file is not SVG, its path data are malformed, or it transforms its paths.
    """
    root = parse_xml(read_bytes(path), path)
    if root.tag != "svg":
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <svg>: this is no drawing")
    written = [group for group in root.findall("g") if "data-sample" in group.attrib]
    if written:
        yield from _written(written, path, report)
        return
    ink = mend(_strokes(root, path), counts=report.mendings)
    if not ink.n_points:
        report.refusals.append(Refusal(path.name, "", "no ink: the drawing holds no path"))
        return
    label = label_of(root, path.stem)
    yield Sample(
        path.stem, ink, label, "character", script_of(label), units="px", source=path.name, provenance="authored"
    )


def label_of(root: Element, stem: str) -> str:
    """Return the character that a drawing shows; empty where it is no drawing of KanjiVG."""
    for group in root.iter("g"):
        if element := group.get("element"):
            return element
        code = _CODE.search(group.get("id", "").partition(":")[2])
        if code:
            return _character(code[1])
    code = _CODE.match(stem)
    return _character(code[1]) if code else ""


def script_of(label: str) -> str:
    """Return the script of a character of KanjiVG: Hira, Kana, Hani, or Zyyy for what is none of them."""
    code = ord(label[0]) if label else 0
    if code in _HIRAGANA:
        return "Hira"
    if code in _KATAKANA:
        return "Kana"
    return "Hani" if 0x2E80 <= code <= 0x2FDF or 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0x2FFFF else "Zyyy"


def _character(code: str) -> str:
    value = int(code, 16)
    return chr(value) if value < 0x110000 and not 0xD800 <= value < 0xE000 else ""


def _strokes(root: Element, path: Path) -> list[Floats]:
    """Return the polylines of all paths in the order of the file; numbers beside the strokes are text, not paths."""
    strokes: list[Floats] = []
    n_points = 0
    for element in root.iter():
        if element.get("transform") and element.find(".//path") is not None:
            raise FormatError(path, "its paths are transformed; apply the transforms first", element.get("id", "")[:40])
        if element.tag != "path":
            continue
        try:
            found = polylines(element.get("d", ""), TOLERANCE)
        except (ValueError, OverflowError) as error:
            raise FormatError(path, f"malformed path data: {error}", element.get("id", "")[:40]) from error
        n_points += sum(len(stroke) for stroke in found)
        if n_points > MAX_POINTS:
            raise FormatError(path, f"more than {MAX_POINTS} points")
        strokes.extend(found)
    return strokes


def _written(groups: list[Element], path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a drawing that :func:`kalamos.formats.export.write_svg` made."""
    for number, group in enumerate(groups, 1):
        try:
            fields = json.loads(group.get("data-sample", ""))
            strokes = [line for item in group.iter("path") for line in polylines(item.get("d", ""), TOLERANCE)]
            yield sample_of(fields, Ink.from_strokes(strokes))
        except (InkError, ValueError, AttributeError) as error:
            report.refusals.append(Refusal(path.name, f"sample {number}", f"not a valid sample: {error}"))
