"""Which recovered stroke is which true one, whatever its place in the order and its direction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.optimize import linear_sum_assignment

from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.metrics.dense import Dense

SPREAD = 16
_SAME_PX = 1e-6


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


def match_strokes(truth: Floats, recovered: Dense) -> Matching:
    """Match strokes so that their mean distances add up to the least (Hungarian method; Kuhn 1955, Munkres 1957).

    ``truth`` holds 16 points spread along each true stroke, ``(s, 16, 2)``. The distance of two strokes is the mean
    over such points, in whichever direction it is smaller. Of a recovered ink with more strokes than four times the
    truth's and 64 only that many are looked at, the longest.
    """
    order = longest(recovered, 4 * len(truth) + 64)
    along, against = _mean_distances(truth, recovered.take(order).spread(SPREAD))
    rows, columns = linear_sum_assignment(np.minimum(along, against))
    gap = along[rows, columns] - against[rows, columns]
    return Matching(rows.astype(np.int64), order[columns], gap < -_SAME_PX, gap > _SAME_PX)


def longest(dense: Dense, most: int) -> Ints:
    """Return the indices, ascending, of the ``most`` longest strokes."""
    if dense.n_strokes <= most:
        return np.arange(dense.n_strokes)
    return np.sort(np.argsort(-np.diff(dense.offsets), kind="stable")[:most])


@njit(cache=True, error_model="numpy", nogil=True)
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
