"""Both sides of an alignment as points along lines: where the recorded pen touched, and the middle of the scanned ink.

All is measured in *frames*: units in which the scanned ink is :data:`FRAME` high (or, where it is flat, a quarter as
wide), so that one tolerance serves a stamp and a poster.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats
from kalamos.skeleton.binarise import PAPER_OR_INK
from kalamos.skeleton.from_image import graph_of_mask
from kalamos.skeleton.stroke_graph import StrokeGraph

FRAME = 64.0
STEP = 1.0
"""Distance between two points along a line, frames."""
MOST_POINTS = 6000
LEAST_PX = 0.25
"""A frame's unit is never less, however small the ink."""
FINE_PX, LEAST_SHARE = 4.0, 0.4
"""A scan finer than so many pixels a frame's unit is made coarser first; a cell with this share of ink is ink."""
WIDEST = 4.0
"""Where the ink is more than so many times as wide as high, its width sets the frame."""


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
        curves: along its middle, in frames from ``origin``.
        origin: float64 ``(2,)``, pixels of the scan.
        px: pixels of the scan in a frame's unit.
        pen: half the width of the pen, frames.
    """

    curves: Curves
    origin: Floats
    px: float
    pen: float


def recorded_curves(ink: Ink, step: float) -> Curves:
    """Return points every ``step`` along the strokes of an ink, pen down; a dot is one point."""
    xy, angle = zip(*(_even(stroke.astype(np.float64), step) for stroke in ink.strokes()), strict=True)
    return Curves(np.concatenate(xy), np.concatenate(angle))


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
    px = max((y1 - y0) / FRAME, (x1 - x0) / WIDEST / FRAME, LEAST_PX)
    shrink = max(1, int(px / FINE_PX))
    cut = _shrunk(np.ascontiguousarray(mask[y0:y1, x0:x1]), shrink)
    curves, radius = _along(graph_of_mask(cut), px / shrink)
    return Scanned(curves, np.array([x0, y0], np.float64), px, radius)


def _shrunk(mask: Bools, by: int) -> Bools:
    """Return a mask at a whole fraction of its size; a cell is ink where :data:`LEAST_SHARE` of it is."""
    if by == 1:
        return mask
    height, width = -(-mask.shape[0] // by) * by, -(-mask.shape[1] // by) * by
    padded = np.zeros((height, width), np.float32)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    small: Bools = padded.reshape(height // by, by, width // by, by).mean(axis=(1, 3)) >= LEAST_SHARE
    return small


def _along(graph: StrokeGraph, px: float) -> tuple[Curves, float]:
    """Return points along the edges and dots of a graph, and half the width of the pen, in frames."""
    edges = [graph.points[a:b] for a, b in itertools.pairwise(graph.edge_offsets.tolist())]
    parts = [_even(line, STEP * px) for line in edges] + [(graph.node_xy[[k]], np.zeros(1)) for k in graph.dots()]
    xy, angle = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Curves(xy / px, angle), graph.radius / px


def _even(line: Floats, step: float) -> tuple[Floats, Floats]:
    lengths = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    if along[-1] == 0:
        return line[:1], np.zeros(1)
    count = max(2, min(int(np.ceil(along[-1] / step)) + 1, MOST_POINTS))
    at = np.linspace(0.0, along[-1], count)
    xy = np.column_stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])])
    slope = np.gradient(xy, axis=0)
    return xy, np.arctan2(slope[:, 1], slope[:, 0])
