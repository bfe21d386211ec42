"""A batch of inks as flat arrays, so that no step of a rendering loops over points in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class Batch:
    """Paths of several images, one after another.

    Attributes:
        xy: float64 ``(n, 2)``; units of the ink, then pixels.
        strokes: int64 ``(s + 1,)``, stroke k is the points ``strokes[k]:strokes[k + 1]``.
        images: int64 ``(m + 1,)``, image i is the strokes ``images[i]:images[i + 1]``, at least one.
        t: float64 ``(n,)`` s, NaN for an ink without times; None where no ink has any.
        pressure: float64 ``(n,)``, NaN for an ink without it; None where no ink has any.
        knots: int64 ``(k,)``: which points are the inks' own; the others were put between them.
    """

    xy: Floats
    strokes: Ints
    images: Ints
    t: Floats | None
    pressure: Floats | None
    knots: Ints

    @property
    def points(self) -> Ints:
        """Return int64 ``(m + 1,)``: image i is the points ``points[i]:points[i + 1]``."""
        return self.strokes[self.images]

    def at(self, xy: Floats) -> Batch:
        """Return the batch with its points elsewhere."""
        return replace(self, xy=xy)

    def per_point(self, values: NDArray[Any]) -> NDArray[Any]:
        """Repeat one value an image for each of its points."""
        return np.repeat(values, np.diff(self.points), axis=0)


def flatten(inks: Sequence[Ink]) -> Batch:
    """Lay inks, none of them empty, end to end."""
    counts = np.array([ink.n_points for ink in inks])
    stroke_counts = np.array([ink.n_strokes for ink in inks])
    first = np.concatenate([[0], np.cumsum(counts)])
    ends = np.concatenate([ink.offsets[1:] for ink in inks]) + np.repeat(first[:-1], stroke_counts)
    return Batch(
        xy=np.concatenate([ink.xy for ink in inks]).astype(np.float64),
        strokes=np.concatenate([[0], ends]).astype(np.int64),
        images=np.concatenate([[0], np.cumsum(stroke_counts)]),
        t=_joined([ink.t for ink in inks], counts),
        pressure=_joined([ink.pressure for ink in inks], counts),
        knots=np.arange(first[-1]),
    )


def _joined(channels: Sequence[NDArray[Any] | None], counts: Ints) -> Floats | None:
    if all(channel is None for channel in channels):
        return None
    whole = [np.full(n, np.nan) if values is None else values for values, n in zip(channels, counts, strict=True)]
    return np.concatenate(whole).astype(np.float64)
