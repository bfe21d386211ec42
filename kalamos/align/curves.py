"""Both sides of an alignment as points along lines: where the recorded pen touched, and the middle of the scanned ink.

All is compared in *frames*: a unit of :data:`FRAME` to the height of the scanned ink, so that one tolerance serves a
stamp and a poster. Several lines of writing are compared at a finer unit too, that of the pen (:func:`units_px`).
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from kalamos.errors import KalamosError
from kalamos.geometry import line_length
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats
from kalamos.skeleton.binarise import PAPER_OR_INK
from kalamos.skeleton.from_image import graph_of_mask

FRAME = 64.0
MOST_POINTS = 120_000
"""A speckled scan has more than writing ever has."""
WIDEST = 4.0
"""Where the ink is more than so many times as wide as high, its width sets the frame."""
FINE_PX, LEAST_SHARE = 4.0, 0.4
"""A scan finer than so many pixels a unit is made coarser first; a cell with this share of ink is ink."""
THIN = 0.4
"""Half of a pen's width, frames, below which the ink is taken for several lines and compared at a finer unit too."""
THINNEST = 0.5
"""Half of a pen's width in the finest unit."""


class Curves(NamedTuple):
    """Points along lines, with the direction of the line in each.

    Attributes:
        xy: float64 ``(n, 2)``.
        angle: float64 ``(n,)``, radians; the line has no front, so it counts modulo pi.
    """

    xy: Floats
    angle: Floats


class Scanned(NamedTuple):
    """The ink of a scan.

    Attributes:
        lines: along its middle, each float64 ``(n, 2)``, pixels from ``origin``; a dot is one point.
        origin: float64 ``(2,)``, pixels of the scan.
        frame_px: pixels of the scan in a frame's unit.
        pen_px: half the width of the pen.
    """

    lines: list[Floats]
    origin: Floats
    frame_px: float
    pen_px: float

    def units_px(self) -> list[float]:
        """Return the units at which the ink is to be compared, coarse to fine, pixels."""
        units = [self.frame_px]
        if self.pen_px < THIN * self.frame_px:
            while self.pen_px < THINNEST * units[-1] and units[-1] > 1.0:
                units.append(max(units[-1] / 2, self.pen_px / THINNEST, 1.0))
        return units

    def curves(self, unit_px: float) -> Curves:
        """Return points at every unit along the lines, in that unit."""
        return _joined([_even(line / unit_px, 1.0) for line in self.lines])

    def length(self, unit_px: float) -> float:
        """Return the length of all lines."""
        return sum(line_length(line) for line in self.lines) / unit_px


def recorded_curves(ink: Ink, step: float) -> Curves:
    """Return points every ``step`` along the strokes of an ink, pen down; a dot is one point."""
    return _joined([_even(stroke.astype(np.float64), step) for stroke in ink.strokes()])


def scanned_ink(grey: Bytes) -> Scanned:
    """Return the middle lines of the ink of a picture that was brought to ink on white.

    Raises:
        KalamosError: where there is no ink.
    """
    mask: Bools = grey < PAPER_OR_INK
    if not mask.any():
        raise KalamosError("there is no ink on the scan")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    frame_px = max(y1 - y0, (x1 - x0) / WIDEST) / FRAME
    shrink = max(1, int(frame_px / FINE_PX)) if frame_px > FINE_PX else 1
    cut = np.ascontiguousarray(mask[y0:y1, x0:x1])
    graph = graph_of_mask(_shrunk(cut, shrink))
    if shrink > 1 and graph.radius < THIN * frame_px / shrink:  # a page: thin lines would break where it is coarser
        shrink, graph = 1, graph_of_mask(cut)
    edges = [graph.points[a:b] * shrink for a, b in itertools.pairwise(graph.edge_offsets.tolist())]
    lines = edges + [graph.node_xy[[k]] * shrink for k in graph.dots()]
    return Scanned(lines, np.array([x0, y0], np.float64), frame_px, graph.radius * shrink)


def _joined(parts: list[tuple[Floats, Floats]]) -> Curves:
    """Return all points, or every so many of them where there are too many."""
    xy, angle = (np.concatenate(column) for column in zip(*parts, strict=True))
    every = -(-len(xy) // MOST_POINTS)
    return Curves(xy[::every], angle[::every])


def _shrunk(mask: Bools, by: int) -> Bools:
    """Return a mask at a whole fraction of its size."""
    if by == 1:
        return mask
    height, width = -(-mask.shape[0] // by) * by, -(-mask.shape[1] // by) * by
    padded = np.zeros((height, width), np.float32)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    small: Bools = padded.reshape(height // by, by, width // by, by).mean(axis=(1, 3)) >= LEAST_SHARE
    return small


def _even(line: Floats, step: float) -> tuple[Floats, Floats]:
    """Return points at even steps along a line, and its direction in each."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if along[-1] == 0:
        return line[:1], np.zeros(1)
    at = np.linspace(0.0, along[-1], max(2, int(np.ceil(along[-1] / step)) + 1))
    xy = np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])
    slope = np.gradient(xy, axis=0)
    return xy, np.arctan2(slope[:, 1], slope[:, 0])
