"""An ink as points at equal arc lengths, stroke by stroke: what DTW, the picture metrics and matching look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints

STEP_PX = 1.0
TRUTH_POINTS = 3_000
MOST_POINTS = 12_000


@dataclass(frozen=True, eq=False)
class Dense:
    """Positions ``(n, 2)`` in float64 and the strokes' bounds ``(s + 1,)``."""

    xy: Floats
    offsets: Ints

    @property
    def n_strokes(self) -> int:
        """Return the number of strokes."""
        return len(self.offsets) - 1

    @cached_property
    def stroke(self) -> Ints:
        """Return the stroke of each point, ``(n,)``."""
        return np.repeat(np.arange(self.n_strokes), np.diff(self.offsets))

    def spread(self, n: int) -> Floats:
        """Return ``n`` points of each stroke, evenly along it, ends included, ``(s, n, 2)``."""
        size = np.diff(self.offsets)[:, None] - 1
        index = self.offsets[:-1, None] + np.round(np.linspace(0.0, 1.0, n) * size).astype(np.int64)
        points: Floats = self.xy[index]
        return points

    def take(self, strokes: Ints) -> Dense:
        """Return some of the strokes, in the order given."""
        sizes = np.diff(self.offsets)[strokes]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        start = np.repeat(self.offsets[:-1][strokes] - bounds[:-1], sizes)
        return Dense(self.xy[start + np.arange(bounds[-1])], bounds)


def densify(ink: Ink, step_px: float) -> Dense:
    """Resample every stroke at equal lengths of at most ``step_px``; a dot is one point.

    An ink of more than 12,000 strokes becomes 12,000 positions along its whole path, as if it were one stroke.
    """
    if ink.n_strokes > MOST_POINTS:
        return Dense(geometry.trajectory(ink, MOST_POINTS, by="arc"), np.array([0, MOST_POINTS]))
    return Dense(*geometry.resampled(ink, by="arc", step=step_px))
