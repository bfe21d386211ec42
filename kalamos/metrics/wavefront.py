"""Fast DTW distances: many pairs at once, along anti-diagonals, in float32.

For nearest neighbours and screening, where nothing but the distance is asked for; whatever is reported comes from the
float64 kernels of :mod:`kalamos.metrics.dtw`, from which these differ by less than 1e-6 of the value. The
cells of an anti-diagonal do not depend on each other, so that 16 of them share one vector register. Diagonals are
padded to whole registers; a cell outside the matrix is so far away that no path goes there. Every 64 diagonals what
all cells have in common is moved to a float64 sum, since float32 adds long sums badly.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Floats, Floats32, Ints
from kalamos.machinery.kernels import inner, kernel

Points = Sequence[NDArray[np.floating]] | NDArray[np.floating]

_LANES = 16
_OUTSIDE = np.float32(1e30)
_FAR = np.float32(1e15)
_REBASE = 64


def dtw_distances(a: Sequence[NDArray[np.floating]], b: Sequence[NDArray[np.floating]], *, threads: int = 1) -> Floats:
    """Return the DTW distance of each ``a[k]`` and ``b[k]``, ragged ``(n, 2)`` and ``(m, 2)`` points; ``(k,)``.

    The sum of Euclidean distances along the optimal path, steps and weights as in
    :func:`kalamos.metrics.dtw.dtw`. The values do not depend on the number of threads.

    Raises:
        KalamosError: where a sequence has no point or another shape, or there are more of one than of the other.
    """
    if len(a) != len(b):
        raise KalamosError(f"distances are between pairs; got {len(a)} sequences and {len(b)}")
    return _computed(a, b, np.stack([np.arange(len(a))] * 2, axis=1), threads)


def dtw_matrix(a: Points, b: Points, *, threads: int = 1) -> Floats:
    """Return the DTW distance of each ``a[i]`` and each ``b[j]``, ``(len(a), len(b))``; as :func:`dtw_distances`.

    Raises:
        KalamosError: where a sequence has no point or another shape.
    """
    pairs = np.stack([np.repeat(np.arange(len(a)), len(b)), np.tile(np.arange(len(b)), len(a))], axis=1)
    return _computed(a, b, pairs, threads).reshape(len(a), len(b))


def _computed(a: Points, b: Points, pairs: Ints, threads: int) -> Floats:
    distances = np.empty(len(pairs))
    if not len(pairs):
        return distances
    rows, columns = _flat(a), _flat(b)
    sizes = np.stack([np.diff(rows.bounds)[pairs[:, 0]], np.diff(columns.bounds)[pairs[:, 1]]])
    width = (int(sizes.min(axis=0).max()) // _LANES + 2) * _LANES
    room = int(sizes.max()) + 2 * width

    def fill(span: tuple[int, int]) -> None:
        held = np.zeros((2, width), np.float32), np.empty((2, room), np.float32)
        work = np.empty(3 * (width + _LANES), np.float32)
        part = slice(*span)
        _distances(rows, columns, pairs[part], distances[part], *held, work)

    if threads <= 1:
        fill((0, len(pairs)))
        return distances
    cuts = np.linspace(0, len(pairs), min(threads, len(pairs)) + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        list(pool.map(fill, itertools.pairwise(cuts)))
    return distances


class _Flat(NamedTuple):
    """Sequences end to end: all points ``(sum n, 2)`` and the bounds of the parts ``(k + 1,)``."""

    points: Floats
    bounds: Ints


def _flat(parts: Points) -> _Flat:
    """Return the sequences end to end."""
    if isinstance(parts, np.ndarray) and parts.ndim == 3:
        bounds = np.arange(len(parts) + 1) * parts.shape[1]
        flat = np.ascontiguousarray(parts, np.float64).reshape(-1, parts.shape[2])
    else:
        bounds = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        try:
            flat = np.ascontiguousarray(np.concatenate(parts), np.float64)
        except ValueError as error:
            raise KalamosError(f"each sequence of points has the shape (n, 2): {error}") from error
    if flat.ndim != 2 or flat.shape[1] != 2 or (np.diff(bounds) == 0).any():
        raise KalamosError(f"each sequence of points has the shape (n, 2) with n > 0; together they have {flat.shape}")
    return _Flat(flat, bounds)


@kernel
def _distances(
    one: _Flat, other: _Flat, pairs: Ints, distances: Floats, row_xy: Floats32, column_xy: Floats32, work: Floats32
) -> None:
    """Fill in the distances of the pairs ``(k, 2)`` of indices, the shorter sequence as rows."""
    (a, bounds_a), (b, bounds_b) = one, other
    width, columns = row_xy.shape[1], column_xy.shape[1]
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        n, m = bounds_a[i + 1] - bounds_a[i], bounds_b[j + 1] - bounds_b[j]
        for at in range(columns):
            column_xy[0, at] = _FAR
            column_xy[1, at] = _FAR
        if n <= m:
            _place(a, bounds_a[i], n, b, bounds_b[j], m, row_xy, column_xy)
        else:
            _place(b, bounds_b[j], m, a, bounds_a[i], n, row_xy, column_xy)
        distances[k] = _distance(row_xy, min(n, m), column_xy, max(n, m), width, work)


@inner
def _place(
    rows: Floats, row: int, n: int, columns: Floats, column: int, m: int, row_xy: Floats32, column_xy: Floats32
) -> None:
    """Copy a pair, ``n`` points from ``row`` and ``m`` from ``column`` on, relative to its start.

    There float32 is finest. The columns are reversed and begin at the width of a row.
    """
    x, y, width = rows[row, 0], rows[row, 1], row_xy.shape[1]
    for i in range(n):
        row_xy[0, i], row_xy[1, i] = rows[row + i, 0] - x, rows[row + i, 1] - y
    for j in range(m):
        at = width + m - 1 - j
        column_xy[0, at], column_xy[1, at] = columns[column + j, 0] - x, columns[column + j, 1] - y


@inner
def _distance(row_xy: Floats32, n: int, column_xy: Floats32, m: int, width: int, work: Floats32) -> float:
    """Walk the diagonals ``i + j = k``; ``work`` holds three of them, cell i in place i + 1 of each."""
    ax, ay, bx, by, stride = row_xy[0], row_xy[1], column_xy[0], column_xy[1], width + _LANES
    for i in range(3 * stride):
        work[i] = _OUTSIDE
    work[stride] = np.float32(0.0)
    now, last, before = np.uint64(0), np.uint64(2 * stride), np.uint64(stride)
    common = 0.0
    for k in range(n + m - 1):
        first = max(0, k - m + 1) // _LANES * _LANES
        stop = (min(n - 1, k) // _LANES + 1) * _LANES
        shift = np.uint64(width + m - 1 - k + first)
        low = np.uint64(first)
        for step in range(np.uint64(stop - first)):
            i = low + step  # type: ignore[assignment]
            dx, dy = ax[i] - bx[shift + step], ay[i] - by[shift + step]
            up, left, diagonal = work[last + i], work[last + i + np.uint64(1)], work[before + i]
            best = up if up < left else left
            best = diagonal if diagonal < best else best
            work[now + i + np.uint64(1)] = np.sqrt(dx * dx + dy * dy) + best
        if k == 0:
            work[stride] = _OUTSIDE
        if k % _REBASE == _REBASE - 1:
            common += _rebase(work, int(now), int(last), max(0, k - m + 1) + 1, min(n - 1, k) + 2, stop + 1)
        now, last, before = before, now, last
    return float(common + work[last + np.uint64(n)])


@inner
def _rebase(work: Floats32, now: int, last: int, start: int, end: int, stop: int) -> float:
    """Take the least cell of the newest diagonal off that diagonal and the one before; return it.

    Only the pair's own cells, ``start`` to ``end``, are asked for the least: the padding up to ``stop`` may hold what
    was left of another pair, and a distance must not depend on its company.
    """
    least = work[now + start]
    for i in range(start, end):
        least = min(least, work[now + i])
    for i in range(1, stop):
        work[now + i] -= least
        work[last + i] -= least
    return float(least)
