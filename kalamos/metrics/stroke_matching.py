"""Which recovered stroke is which true one, whatever its place in the order and its direction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel_of
from kalamos.metrics.dense import Dense

SPREAD = 16
COPY_TAU = 0.2
"""Of the tolerance: a stroke that lies within it of what was drawn before is a copy."""
_SAME_PX = 1e-6
_STROKE_US, _POINT_US, _COUPLE_US = 25.0, 0.03, 0.5
"""What array language takes for a stroke, for each of its 16 points held against another, and for two strokes."""


class Matching(NamedTuple):
    """A one-to-one matching of strokes; with unequal numbers of strokes some stay without a partner.

    Attributes:
        truth: index of a true stroke, ascending, ``(k,)``.
        recovered: index of its partner among the recovered strokes, ``(k,)``.
        forward: whether the partner runs in its direction, ``(k,)``; two strokes that fit equally well in both
            directions, as any stroke and a dot do, run in neither.
        backward: whether the partner runs against it, ``(k,)``.
    """

    truth: Ints
    recovered: Ints
    forward: Bools
    backward: Bools


def match_strokes(truth: Floats, recovered: Dense, left_out: Ints | None = None) -> Matching:
    """Match strokes so that their mean distances add up to the least (Hungarian method; Kuhn 1955, Munkres 1957).

    The distance of two strokes is the mean over points spread along each, in whichever direction it is smaller. Of a
    recovered ink with more strokes than four times the truth's and 64 only that many are looked at, the longest.

    Args:
        truth: 16 points spread along each true stroke, ``(s, 16, 2)``.
        recovered: the recovered strokes.
        left_out: indices of recovered strokes that may have no partner, ``(k,)``.
    """
    order = longest(recovered, 4 * len(truth) + 64)
    if left_out is not None:
        order = np.setdiff1d(order, left_out)
    spread = recovered.take(order).spread(SPREAD)
    work_us = SPREAD * (_STROKE_US + _COUPLE_US * len(truth) * len(spread))
    along, against = _mean_distances.for_work(work_us)(truth, spread)
    rows, columns = linear_sum_assignment(np.minimum(along, against))
    gap = along[rows, columns] - against[rows, columns]
    return Matching(rows.astype(np.int64), order[columns], gap < -_SAME_PX, gap > _SAME_PX)


def copies(dense: Dense, near_px: float) -> Ints:
    """Return the indices, ascending, of the strokes of which 16 points lie within ``near_px`` of earlier strokes."""
    spread = dense.spread(SPREAD)
    work_us = len(spread) * (_STROKE_US + _POINT_US * SPREAD * len(dense.xy))
    near = _are_copies.for_work(work_us)
    return np.flatnonzero(near(spread, dense.xy, np.asarray(dense.offsets, np.int64), near_px * near_px))


def _copies_of(spread: Floats, xy: Floats, offsets: Ints, square: float) -> Bools:
    """Do as :func:`_are_copies` does, a stroke at a time."""
    found = np.zeros(len(spread), np.bool_)
    for j in range(1, len(spread)):
        gap = xy[None, : offsets[j]] - spread[j][:, None]
        found[j] = (gap[..., 0] * gap[..., 0] + gap[..., 1] * gap[..., 1] <= square).any(axis=1).all()
    return found


@kernel_of(_copies_of)
def _are_copies(spread: Floats, xy: Floats, offsets: Ints, square: float) -> Bools:
    """Say of each stroke whether all its points are near one of the strokes before it."""
    found = np.zeros(len(spread), np.bool_)
    for j in range(1, len(spread)):
        copy = True
        for k in range(spread.shape[1]):
            near = False
            for p in range(offsets[j]):
                dx, dy = xy[p, 0] - spread[j, k, 0], xy[p, 1] - spread[j, k, 1]
                if dx * dx + dy * dy <= square:
                    near = True
                    break
            if not near:
                copy = False
                break
        found[j] = copy
    return found


def longest(dense: Dense, most: int) -> Ints:
    """Return the indices, ascending, of the ``most`` longest strokes."""
    if dense.n_strokes <= most:
        return np.arange(dense.n_strokes)
    return np.sort(np.argsort(-np.diff(dense.offsets), kind="stable")[:most])


def _mean_gaps(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Do as :func:`_mean_distances` does, all strokes at once and point after point."""
    n = a.shape[1]
    along, against = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    for k in range(n):
        here = a[:, None, k]
        one, other = here - b[None, :, k], here - b[None, :, n - 1 - k]
        along += np.hypot(one[..., 0], one[..., 1]) / n
        against += np.hypot(other[..., 0], other[..., 1]) / n
    return along, against


@kernel_of(_mean_gaps)
def _mean_distances(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the mean distances ``(s, r)`` of strokes ``(s, n, 2)`` and ``(r, n, 2)``, along and against each other."""
    n = a.shape[1]
    along, against = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            for k in range(n):
                along[i, j] += np.hypot(a[i, k, 0] - b[j, k, 0], a[i, k, 1] - b[j, k, 1]) / n
                against[i, j] += np.hypot(a[i, k, 0] - b[j, n - 1 - k, 0], a[i, k, 1] - b[j, n - 1 - k, 1]) / n
    return along, against
