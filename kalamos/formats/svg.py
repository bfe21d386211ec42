"""SVG drawings: their strokes, in the order of the file, with everything applied that a viewer applies.

The drawing is read by *svgelements* (MIT): transforms, styles, ``<use>``, ``path``, ``polyline``, ``polygon``,
``line``, ``rect``, ``circle`` and ``ellipse``. Curves become polylines within 0.05 units of the drawing. Coordinates
are those of the drawing (its ``viewBox``); where its width is in mm, cm, in, pt or pc the scale is known.

What is ink is what is stroked. A shape that is filled and not stroked is an outline, whose middle is not in the file:
it is left out (``left-out-filled-outline``), and a drawing of nothing else is refused. A drawing that says nothing of
stroke and fill is taken for pen paths: open ones are strokes, closed ones outlines. Definitions, clip paths, masks,
patterns and markers are never ink, nor is what is not displayed, not visible or wholly transparent
(``left-out-hidden``); text and pictures are counted.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

import numpy as np
import svgelements

from kalamos.errors import FormatError
from kalamos.formats.inkml.definitions import UNITS_PER_MM
from kalamos.formats.mending import mend
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.svgpath import MAX_NUMBER, bezier
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.ink import Sample
from kalamos.machinery.arrays import Floats

TOLERANCE = 0.05
"""How far a polyline may lie from its curve, in units of the drawing."""
MAX_POINTS = 5_000_000
MAX_USED = 100_000
"""Elements that all ``<use>`` of a drawing may show together."""
PX_PER_INCH = 96.0

_NEVER_INK = frozenset({"mask", "marker", "pattern", "metadata", "foreignObject", "filter", "script", "namedview"})
_LENGTH = re.compile(r"\s*([\d.]+(?:[eE][-+]?\d+)?)\s*(mm|cm|in|pt|pc)\s*")
_PAINT = re.compile(r"\b(?:stroke|fill)\s*[:=]")
_NOTHING = {"none", "transparent"}
Lines = list[Floats]


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are an SVG drawing, or None."""
    root = root_tag(head)
    return "an SVG drawing: what is stroked is read as ink" if root is not None and root[0] == "svg" else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the drawing as one sample.

    Raises:
        FormatError: where the file is not SVG, or what it draws cannot be read.
    """
    root = parse_xml(read_bytes(path), path)
    if root.tag != "svg":
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <svg>: this is no drawing")
    _bound_uses(root, path)
    for tag, rule in (("text", "left-out-text"), ("image", "left-out-picture")):
        if left := sum(1 for _ in root.iter(tag)):
            report.mendings[rule] += left
    per_mm = _scale(root)
    painted = _PAINT.search(" ".join(_paints(root))) is not None
    strokes = _strokes(root, painted, path, report.mendings)
    ink = mend(strokes, counts=report.mendings)
    if not ink.n_points:
        filled = report.mendings["left-out-filled-outline"]
        reason = (
            "the drawing holds filled outlines and no stroked path: the pen's path is not in it; draw it with strokes, "
            "or render it and use `kalamos recover`"
            if filled
            else "no ink: the drawing holds no path"
        )
        report.refusals.append(Refusal(path.name, "", reason))
        return
    yield Sample(
        path.stem, ink, level="page", units="px", points_per_mm=per_mm, source=path.name, provenance="authored"
    )


def _paints(root: Element) -> Iterator[str]:
    """Yield what the document says of paint: attributes as ``name=``, styles as they are."""
    for element in root.iter():
        yield from (f"{name}=" for name in element.keys() if name in ("stroke", "fill"))  # noqa: SIM118
        yield element.get("style", "")
        if element.tag == "style":
            yield element.text or ""


def _strokes(root: Element, painted: bool, path: Path, counts: Counter[str]) -> Lines:
    """Return the polylines of everything that is stroked."""
    strokes: Lines = []
    n_points = 0
    for shape in _shapes(root, path):
        if _is_hidden(shape.values):
            counts["left-out-hidden"] += 1
            continue
        try:
            lines = [line for line in _lines(svgelements.Path(shape)) if len(line)]
        except (ValueError, OverflowError, ArithmeticError, TypeError, AttributeError) as error:
            raise FormatError(path, f"malformed shape: {str(error)[:100]}", _name(shape)) from error
        for line in lines:
            if _is_outline(shape.values, line, painted):
                counts["left-out-filled-outline"] += 1
                continue
            strokes.append(line)
            n_points += len(line)
        if n_points > MAX_POINTS:
            raise FormatError(path, f"more than {MAX_POINTS} points")
    return strokes


def _shapes(root: Element, path: Path) -> Iterator[Any]:
    """Yield the shapes that a viewer would draw, in order, transforms applied."""
    size = _view_size(root)
    for name in ("viewBox", "width", "height", "preserveAspectRatio"):
        root.attrib.pop(name, None)
    _prune(root)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawing = svgelements.SVG.parse(
                io.BytesIO(tostring(root)), ppi=PX_PER_INCH, width=size[0], height=size[1], on_error="raise"
            )
    except FormatError:
        raise
    except Exception as error:  # its errors on hostile drawings are of any kind
        raise FormatError(path, f"malformed drawing: {str(error)[:100] or type(error).__name__}") from error
    if isinstance(drawing, svgelements.SVG):
        yield from (shape for shape in drawing.elements() if isinstance(shape, svgelements.Shape))


def _prune(root: Element) -> None:
    """Take out what is never ink; symbols become definitions, which show through ``<use>`` alone."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _NEVER_INK:
                parent.remove(child)
            elif child.tag == "symbol" and parent.tag != "defs":
                place = list(parent).index(child)
                parent.remove(child)
                holder = Element("defs")
                holder.append(child)
                parent.insert(place, holder)


def _bound_uses(root: Element, path: Path) -> None:
    """Refuse drawings whose ``<use>`` go round in a circle or multiply without bound."""
    by_id = {name: element for element in root.iter() if (name := element.get("id"))}
    sizes: dict[Element, int] = {}
    waiting: set[Element] = set()

    def size(element: Element) -> int:
        if element in sizes:
            return sizes[element]
        if element in waiting or len(waiting) > 500:
            raise FormatError(path, "its <use> elements refer to each other in a circle", element.get("id", "")[:40])
        waiting.add(element)
        total = 1 + sum(size(child) for child in element)
        if element.tag == "use" and (target := by_id.get(element.get("href", "").lstrip("#"))) is not None:
            total += size(target)
        waiting.remove(element)
        sizes[element] = total
        return total

    if any(element.tag == "use" for element in root.iter()) and size(root) - sum(1 for _ in root.iter()) > MAX_USED:
        raise FormatError(path, f"its <use> elements show more than {MAX_USED:,} elements")


def _lines(shape: Any) -> Iterator[Floats]:
    """Yield the sub-paths of a shape as polylines ``(n, 2)``."""
    line: list[Floats] = []
    for segment in shape:
        kind = type(segment).__name__
        if kind == "Move":
            if line:
                yield np.concatenate(line)
            line = [_places(segment.end)]
            continue
        if not line:
            line = [_places(segment.start)]
        pieces = segment.as_cubic_curves() if kind == "Arc" else (segment,)
        for piece in pieces:
            controls = [getattr(piece, name) for name in ("start", "control", "control1", "control2", "end")
                        if getattr(piece, name, None) is not None]  # fmt: skip
            points = _places(*controls)
            line.append(bezier(points, TOLERANCE) if len(points) > 2 else points[-1:])
    if line:
        yield np.concatenate(line)


def _places(*points: Any) -> Floats:
    places = np.array([(point.x, point.y) for point in points], np.float64)
    if not (np.abs(places) <= MAX_NUMBER).all():
        raise ValueError(f"numbers are no larger than {MAX_NUMBER:g}")
    return places


def _is_outline(values: dict[str, Any], line: Floats, painted: bool) -> bool:
    """Say whether a line is the edge of a filled shape and not a pen's path."""
    if painted:
        return str(values.get("stroke") or "none").strip().lower() in _NOTHING
    return len(line) > 3 and bool((line[0] == line[-1]).all())


def _is_hidden(values: dict[str, Any]) -> bool:
    if str(values.get("visibility", "")).strip() in ("hidden", "collapse"):
        return True
    zero = [name for name in ("opacity", "stroke-opacity", "stroke-width") if _number(values.get(name)) == 0.0]
    return bool(zero)


def _number(text: object) -> float | None:
    try:
        return float(str(text).strip().removesuffix("px").removesuffix("%"))
    except ValueError:
        return None


def _view_size(root: Element) -> tuple[float, float]:
    """Return width and height of the drawing's own coordinates, which lengths in percent refer to."""
    view = [_number(word) for word in root.get("viewBox", "").replace(",", " ").split()]
    if len(view) == 4 and view[2] and view[3]:
        return view[2], view[3]
    return _number(root.get("width")) or 1000.0, _number(root.get("height")) or 1000.0


def _scale(root: Element) -> float | None:
    """Return units of the drawing a millimetre where its width is a length on paper."""
    width = _LENGTH.fullmatch(root.get("width", ""))
    view = [_number(word) for word in root.get("viewBox", "").replace(",", " ").split()]
    if width is None or float(width[1]) <= 0:
        return None
    across = view[2] if len(view) == 4 and view[2] else float(width[1]) / UNITS_PER_MM[width[2]] * PX_PER_INCH / 25.4
    return across / (float(width[1]) / UNITS_PER_MM[width[2]])


def _name(shape: Any) -> str:
    return str(shape.values.get("id") or "")[:40]
