"""Canvas transforms of InkML (section 6): identity, affine, lookup and product mappings of X and Y.

Mappings inside a ``<channel>`` tell how the device made the recorded values and are not applied: the values are the
recorded ones. Only a ``<canvasTransform>`` moves ink. A mapping in MathML there is refused: it is a program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError
from kalamos.machinery.arrays import Floats

Target = Callable[[str, Element, str], Element]
_CHAIN = 50
_MAX_STEPS = 1000
_MAX_ROWS = 1_000_000


class CanvasMapping(Protocol):
    """From positions of a trace to positions on the canvas."""

    def __call__(self, xy: Floats) -> Floats:
        """Return the positions ``(n, 2)`` on the canvas."""
        ...


@dataclass(frozen=True, slots=True)
class Affine:
    """``matrix @ (x, y, 1)``, with a 2 x 3 matrix."""

    matrix: Floats

    def __call__(self, xy: Floats) -> Floats:
        """Return the positions on the canvas."""
        return xy @ self.matrix[:, :2].T + self.matrix[:, 2]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table for one axis; ``absolute`` gives the new value, otherwise what is added to the old one."""

    axis: int
    keys: Floats
    results: Floats
    interpolation: str
    absolute: bool

    def __call__(self, xy: Floats) -> Floats:
        """Return the positions on the canvas; beyond the table its ends count."""
        old = xy[:, self.axis]
        last = len(self.keys) - 1
        if self.interpolation == "linear":
            found = np.interp(old, self.keys, self.results)
        elif self.interpolation == "ceiling":
            found = self.results[np.minimum(np.searchsorted(self.keys, old, "left"), last)]
        else:
            below = np.clip(np.searchsorted(self.keys, old, "right") - 1, 0, last)
            if self.interpolation == "middle":
                above = np.minimum(below + 1, last)
                below = np.where(old - self.keys[below] < self.keys[above] - old, below, above)
            found = self.results[below]
        mapped = xy.copy()
        mapped[:, self.axis] = found if self.absolute else old + found
        return mapped


@dataclass(frozen=True, slots=True)
class Product:
    """Mappings one after another, in the order of the document."""

    steps: tuple[CanvasMapping, ...]

    def __call__(self, xy: Floats) -> Floats:
        """Return the positions on the canvas."""
        for step in self.steps:
            xy = step(xy)
        return xy


def canvas_mapping(element: Element, target: Target, path: object) -> CanvasMapping | None:
    """Return the mapping that a ``<mapping>`` element means; None for identity.

    Raises:
        FormatError: where it is MathML, unknown, malformed, or refers to itself.
    """
    steps: list[CanvasMapping] = []
    _collect(element, target, path, 0, steps)
    return None if not steps else (steps[0] if len(steps) == 1 else Product(tuple(steps)))


def _collect(element: Element, target: Target, path: object, depth: int, steps: list[CanvasMapping]) -> None:
    where = f"mapping {element.get('id', '')}".strip()
    if depth > _CHAIN or len(steps) > _MAX_STEPS:
        raise FormatError(path, "mappings refer to each other in a circle, or are too many", where)
    if reference := element.get("mappingRef"):
        _collect(target(reference, element, "mapping"), target, path, depth + 1, steps)
        return
    kind = element.get("type", "unknown")
    if kind == "affine":
        steps.append(_affine(element, path, where))
    elif kind == "lookup":
        steps.append(_lookup(element, path, where))
    elif kind == "product":
        for part in element.findall("mapping"):
            _collect(part, target, path, depth + 1, steps)
    elif kind not in {"identity", "unknown"}:
        reason = (
            f"a canvas transform of the type {kind!r:.20} cannot be applied; identity, affine, lookup and product can"
        )
        raise FormatError(path, reason, where)


def _affine(element: Element, path: object, where: str) -> Affine:
    body = element.find("affine")
    rows = _numbers(body if body is not None else element, path, where)
    if rows.shape not in {(2, 3), (3, 3), (2, 2)}:
        raise FormatError(path, f"an affine mapping of X and Y is a matrix of 2 x 3; got {rows.shape}", where)
    matrix = np.zeros((2, 3))
    matrix[:, : rows.shape[1]] = rows[:2]
    binds = element.findall("bind")
    if [bind.get("source") for bind in binds if bind.get("source")][:2] == ["Y", "X"]:
        matrix = matrix[:, [1, 0, 2]]
    if [bind.get("target") for bind in binds if bind.get("target")][:2] == ["Y", "X"]:
        matrix = matrix[[1, 0]]
    return Affine(matrix)


def _lookup(element: Element, path: object, where: str) -> Lookup:
    table = element.find("table")
    bound = {bind.get("source") or bind.get("target") for bind in element.findall("bind")} - {None}
    if table is None or len(bound) != 1 or not bound <= {"X", "Y"}:
        raise FormatError(path, "a lookup mapping needs a table and a bind of X or of Y to itself", where)
    interpolation = table.get("interpolation", "linear")
    if interpolation not in {"floor", "middle", "ceiling", "linear"}:
        raise FormatError(path, f"the interpolation {interpolation!r:.20} cannot be applied", where)
    rows = _numbers(table, path, where)
    if rows.ndim != 2 or rows.shape[1] != 2 or not len(rows):
        raise FormatError(path, "a lookup table has rows of two numbers", where)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    absolute = table.get("apply", "absolute") == "absolute"
    return Lookup(int("Y" in bound), rows[:, 0].copy(), rows[:, 1].copy(), interpolation, absolute)


def _numbers(element: Element, path: object, where: str) -> Floats:
    text = element.text or ""
    try:
        rows = [[float(word) for word in row.split()] for row in text.split(",", _MAX_ROWS) if row.strip()]
        table = np.array(rows, np.float64)
    except ValueError as error:
        raise FormatError(path, "holds something that is not a matrix of numbers", where) from error
    if not np.isfinite(table).all():
        raise FormatError(path, "holds a number that is not finite", where)
    return table
