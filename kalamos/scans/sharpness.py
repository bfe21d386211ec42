"""Marks that are blunter than the pen's: the rims of stains, what shines through, what a sponge left, folds.

All strokes of a page went through one lens, so their edges are equally steep for their darkness. What soaked in, shines
through paper or was wiped is less steep, and paler than ink. The page's own ink says how steep its edges are, and how
much that varies: on a photograph that is partly out of focus, little is told apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from kalamos.machinery.arrays import Bools, Bytes, Floats32
from kalamos.machinery.threads import side_by_side
from kalamos.scans.windows import largest, smallest

_PALE = 0.75
_OF_USUAL, _OF_BLUNTEST = 0.7, 0.8
_LEAST_SHARP, _MOST_SHARP = 0.9, 1.3
_LEAST_PIXELS = 200
_BAND_ROWS = 128


class Edges(NamedTuple):
    """What the edges of marks say, each ``(h, w)``.

    Attributes:
        blunt: marks that are paler than ink, and their edges less steep.
        sharp: where edges are as steep as those of ink.
        pale: where nothing within a pen's width is as dark as ink.
    """

    blunt: Bools
    sharp: Bools
    pale: Bools


def edges_of(grey: Bytes, away: Floats32, usual: float, pen: float) -> Edges | None:
    """Compare the edges of marks with those of the page's full ink; None where there is too little of that.

    Args:
        grey: uint8 ``(h, w)``, evened.
        away: float32 ``(h, w)``, how much darker each pixel is than its surroundings.
        usual: how much darker ink is.
        pen: width of its strokes, pixels.
    """
    step = max(1, int(pen / 4))
    small = np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else grey
    depth = np.clip(away, 0, 255).astype(np.uint8)
    if step > 1:
        depth = np.asarray(Image.fromarray(depth).reduce(step))
    reach = 2 * max(1, round(pen / step)) + 1
    steepest, deepest = largest(_steepness(small), reach), largest(depth, reach)
    full = depth > _PALE * usual
    thick = 2 * round(1.5 * pen / step) + 1
    full &= ~largest(smallest(full, thick), thick)
    if np.count_nonzero(full) < _LEAST_PIXELS:
        return None
    bluntest, middle = np.percentile(steepest[full] / deepest[full].astype(np.float32), (10, 50)).tolist()
    limit = np.float32(min(_OF_USUAL * middle, _OF_BLUNTEST * bluntest))
    blunt = (steepest < limit * deepest) & (depth < _PALE * usual)
    least, most = np.float32(_LEAST_SHARP * middle), np.float32(_MOST_SHARP * middle)
    sharp = (steepest > least * deepest) & (steepest < most * deepest)
    pale = deepest < _PALE * usual
    if step == 1:
        return Edges(blunt, sharp, pale)
    rows, columns = (np.minimum(np.arange(n) // step, m - 1) for n, m in zip(grey.shape, blunt.shape, strict=True))
    at = np.ix_(rows, columns)
    return Edges(blunt[at], sharp[at], pale[at])


def _steepness(grey: Bytes) -> Bytes:
    """Return the slope of the grey at each pixel, in levels a pixel, by Sobel's differences; at most 255."""
    height, width = grey.shape
    out = np.zeros(grey.shape, np.uint8)

    def slope(top: int) -> None:
        end = min(top + _BAND_ROWS, height - 1)
        rows = grey[top - 1 : end + 1].astype(np.float32)
        down = rows[:-2] + 2 * rows[1:-1] + rows[2:]
        lying = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
        slope = np.hypot(down[:, 2:] - down[:, :-2], lying[2:] - lying[:-2])
        out[top:end, 1:-1] = np.minimum(slope * np.float32(0.125), np.float32(255))

    if height > 2 and width > 2:
        side_by_side(slope, range(1, height - 1, _BAND_ROWS))
    return out
