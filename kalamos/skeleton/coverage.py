"""How much of a picture's ink a path runs over."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats
from kalamos.skeleton.binarise import binarise

REACH, MORE_PX = 1.5, 1.0
"""Ink is covered up to this many half widths of the writing, and so many pixels, from the path."""
MOST_OFF = 8.0
"""A path that lies so many half widths of the writing off covers no line, however small the picture it was found on."""


def covered_share(ink: Ink, pixels: Bytes, scale: float = 1.0) -> float:
    """Return the share in 0..1 of the dark pixels of ``(h, w)`` over which a path runs; 1 where there is no ink.

    A pixel is covered where the path comes nearer than 1.5 times half the usual width of the writing, plus 1 px: wide
    enough for ink that the path crosses in its middle, too narrow for a neighbouring line.

    Args:
        ink: the path, in pixels.
        pixels: uint8 ``(h, w)``, paper 255.
        scale: pixels of the picture on which the path was found a pixel of this one; on a smaller picture, with a
            scale below 1, the pixel more is one of that picture, up to eight half widths of the writing.
    """
    mask = binarise(pixels)
    if not mask.any():
        return 1.0
    path = _drawn(ink, mask.shape)
    if not path.any():
        return 0.0
    # across a band the distance to the paper rises evenly to half the width: that is twice its mean
    half_px = 2.0 * float(distance_transform_edt(mask)[mask].mean())
    more_px = MORE_PX if scale >= 1 else max(MORE_PX, min(MORE_PX / scale, MOST_OFF * half_px))
    near = distance_transform_edt(~path) <= REACH * half_px + more_px
    return float(np.count_nonzero(near & mask) / np.count_nonzero(mask))


def _drawn(ink: Ink, shape: tuple[int, ...]) -> Bools:
    """Return the pixels through which the path's strokes go."""
    path = np.zeros(shape, np.bool_)
    for stroke in ink.strokes():
        at = np.floor(_dense(stroke.astype(np.float64))).astype(np.int64)
        inside = (at >= 0).all(axis=1) & (at[:, 0] < shape[1]) & (at[:, 1] < shape[0])
        path[at[inside, 1], at[inside, 0]] = True
    return path


def _dense(stroke: Floats) -> Floats:
    """Return the stroke with a point at least every half pixel."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    at = np.linspace(0.0, along[-1], int(2 * along[-1]) + 2)
    return np.column_stack([np.interp(at, along, stroke[:, axis]) for axis in range(2)])
