"""``lcss``, by which entries are ranked: the longest common subsequence of two pen paths, direction included.

After Vlachos, Kollios and Gunopulos (ICDE 2002), who call two points of trajectories common where they lie within a
distance, and Chen, Özsu and Oria (SIGMOD 2005, EDR), whose matching is one to one. Here:

- both paths are looked at in samples (:mod:`kalamos.metrics.samples`), n of the truth and m of the answer;
- samples i and j may be matched where their distance d is at most the tolerance tau and the cosine of their tangents is
  at least 0.5. A true sample without a tangent, or on a stroke no longer than tau, asks for no direction; an answer's
  sample without a tangent has none;
- of all matchings that are one to one and monotone along both paths, S is the largest sum of ``1 - (d / tau)^2``;
- the value is ``S / max(n, m)``; 0 for an empty answer, or one with more than ``10 n + 10`` samples.

The divisor decides whether guessing pays: where a direction is unknown, an answer shrunk to half its size beats an
honest guess in DTW and RMSE, and drawing every line both ways beats it under ``2 S / (n + m)``; here neither does.
"""

from __future__ import annotations

import numpy as np

from kalamos import geometry
from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints
from kalamos.machinery.kernels import kernel
from kalamos.metrics.dense import MOST_POINTS
from kalamos.metrics.dtw import axes, diagonal, diagonals, places
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference
from kalamos.metrics.samples import Samples, answer_step, sampled

COSINE = 0.5
MOST_TIMES, MOST_MORE = 10, 10


def lcss(pair: Pair) -> float:
    """Return the value of the largest common part of both paths over the size of the larger, 0 to 1."""
    truth, answer = pair.reference.view(true_samples), pair.view(answer_samples)
    n, m = len(truth.xy), answer.announced
    if m > MOST_TIMES * n + MOST_MORE:
        return 0.0
    return float(_largest(*_arguments(pair))) / max(n, m)


def true_samples(reference: Reference) -> Samples:
    """Return the truth's samples."""
    return sampled(reference.truth, reference.step_px, MOST_POINTS)


def answer_samples(pair: Pair) -> Samples:
    """Return the answer's samples; none where they are too many strokes to be looked at."""
    step = answer_step(geometry.length(pair.recovered), pair.reference.length_px, pair.reference.step_px)
    return sampled(pair.recovered, step, MOST_TIMES * len(pair.reference.view(true_samples).xy) + MOST_MORE)


def matched(pair: Pair) -> Ints:
    """Return the matching itself, ``(k, 2)`` indices of true and of the answer's samples, ascending in both."""
    if not len(pair.view(answer_samples).xy):
        return np.empty((0, 2), np.int64)
    return _matching(*_arguments(pair))


def _arguments(pair: Pair) -> tuple[Floats, Floats, Floats, Floats, Bools, float]:
    truth, answer = pair.reference.view(true_samples), pair.view(answer_samples)
    return (
        truth.xy,
        truth.tangents,
        answer.xy,
        answer.tangents,
        pair.reference.view(_any_direction),
        pair.reference.tolerance_px**2,
    )


def _any_direction(reference: Reference) -> Bools:
    """Return which true samples ask for no direction, ``(n,)``."""
    samples = reference.view(true_samples)
    short = geometry.stroke_lengths(reference.truth) <= reference.tolerance_px
    free: Bools = short[samples.stroke] | ~samples.tangents.any(axis=1)
    return free


# Both kernels see a pair that may not be matched as one of weight 0, which adds nothing: the largest sum over monotone
# one-to-one matchings is then the plain recursion max(up, left, diagonal + weight). The first walks anti-diagonals, as
# the kernels of :mod:`kalamos.metrics.dtw` do, so that several cells share a vector register.


def _largest(a: Floats, ta: Floats, b: Floats, tb: Floats, free: Bools, square: float) -> float:
    """Return the largest sum of weights."""
    rows = np.concatenate([axes(a), axes(ta), np.where(free, -2.0, COSINE - 1e-12)[None]])
    columns = np.concatenate([axes(b[::-1]), axes(tb[::-1])])
    return _largest_sum(rows, columns, square, diagonals(rows, 0.0))


@kernel
def _largest_sum(rows: Floats, columns: Floats, square: float, work: Floats) -> float:
    """Walk the diagonals of places and tangents, ``(5, n)`` with the least cosine and, reversed, ``(4, m)``."""
    n, m = rows.shape[1], columns.shape[1]
    ax, ay, ux, uy, least = rows[0], rows[1], rows[2], rows[3], rows[4]
    bx, by, vx, vy = columns[0], columns[1], columns[2], columns[3]
    (now, last, before), one = places(n), np.uint64(1)
    for k in range(n + m - 1):
        low, shift, cells = diagonal(k, n, m)
        for step in range(cells):
            i, j = low + step, shift + step
            dx, dy = ax[i] - bx[j], ay[i] - by[j]
            weight = 1.0 - (dx * dx + dy * dy) / square
            weight = weight if weight > 0.0 else 0.0
            weight = weight if ux[i] * vx[j] + uy[i] * vy[j] >= least[i] else 0.0
            best, up, left = work[before + i] + weight, work[last + i], work[last + i + one]
            best = up if up > best else best
            best = left if left > best else best
            work[now + i + one] = best
        now, last, before = before, now, last
    return float(work[last + np.uint64(n)])


def _matching(a: Floats, ta: Floats, b: Floats, tb: Floats, free: Bools, square: float) -> Ints:
    """Return the matching of the largest sum, ``(k, 2)``."""
    n, m = len(a), len(b)
    path, came, taken = np.empty((min(n, m), 2), np.int64), np.empty((n, m), np.uint8), np.zeros((n, m), np.bool_)
    first = _match(np.concatenate([a, ta], axis=1), np.concatenate([b, tb], axis=1), free, square, came, taken, path)
    return path[first:].copy()


@kernel
def _match(rows: Floats, columns: Floats, free: Bools, square: float, came: Bytes, taken: Bools, path: Ints) -> int:
    """Note for each cell where it was reached from (0 diagonal, 1 up, 2 left), then walk back; return where it begins.

    Places and tangents are ``(n, 4)`` and ``(m, 4)``.
    """
    n, m = taken.shape
    row = np.zeros(m + 1)
    for i in range(n):
        diagonal, left = 0.0, 0.0
        for j in range(m):
            dx, dy = rows[i, 0] - columns[j, 0], rows[i, 1] - columns[j, 1]
            weight = 1.0 - (dx * dx + dy * dy) / square
            along = free[i] or rows[i, 2] * columns[j, 2] + rows[i, 3] * columns[j, 3] >= COSINE - 1e-12
            weight = weight if weight > 0.0 and along else 0.0
            best, by, up = diagonal + weight, 0, row[j + 1]
            if up > best:
                best, by = up, 1
            if left > best:
                best, by = left, 2
            came[i, j], taken[i, j] = by, weight > 0.0
            diagonal, left, row[j + 1] = up, best, best
    i, j, k = n - 1, m - 1, min(n, m)
    while i >= 0 and j >= 0:
        by = came[i, j]
        if by == 0:
            if taken[i, j]:
                k -= 1
                path[k, 0], path[k, 1] = i, j
            i, j = i - 1, j - 1
        elif by == 1:
            i -= 1
        else:
            j -= 1
    return int(k)


METRICS = (
    Metric(
        "lcss",
        lcss,
        "",
        "higher",
        lambda reference: 0.0,
        "mean",
        "order",
        "max over monotone one-to-one matchings of sum (1 - (d / tau)^2) / max(n, m), d <= tau, cos of tangents >= 0.5",
        "after Vlachos et al., ICDE 2002 (LCSS) and Chen et al., SIGMOD 2005 (EDR); direction, weight and divisor ours",
    ),
)
