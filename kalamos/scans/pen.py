"""How wide the pen is, and lines wide enough to be seen in a smaller picture."""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes
from kalamos.scans.windows import smallest
from kalamos.skeleton.binarise import binarise

THINNEST_PX = 1.75
"""A line thinner than this breaks where it is thresholded, most of all on grain (`docs/models.md`)."""


def pen_width(ink: Bools) -> float:
    """Estimate the width of the strokes from area over outline, which pixels make 1.27 times longer on average."""
    edges = int(np.count_nonzero(ink[1:] != ink[:-1])) + int(np.count_nonzero(ink[:, 1:] != ink[:, :-1]))
    return max(1.0, 2 * 1.27 * int(np.count_nonzero(ink)) / max(edges, 1))


def widening(pixels: Bytes, scale: float) -> int:
    """Return by how many pixels the lines of an image are to grow before it is made ``scale`` times as large: even.

    0 where they will be about :data:`THINNEST_PX` wide or wider, or where the image becomes no smaller.
    """
    return max(0, 2 * round((THINNEST_PX / scale - pen_width(binarise(pixels))) / 2)) if scale < 1 else 0


def widened(pixels: Bytes, by: int) -> Bytes:
    """Return the image with its lines wider by an even number of pixels."""
    return smallest(pixels, by + 1) if by else pixels
