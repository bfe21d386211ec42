"""Dynamic time warping in float64: the kernels behind every value that is reported.

Local cost: the Euclidean distance between two points (libraries differ: aeon sums squares, tslearn takes the root of
that sum, dtw-python sums distances as here). Steps (1, 1), (1, 0) and (0, 1), each of weight one, no window; the path
runs from the first pair of points to the last. Rows are the first argument, in Kalamos always the **truth**.

Where several paths are optimal their lengths may differ, by up to several per cent on integer ink, so the tie rule is
part of the definition: of equal predecessors the diagonal one is taken, then the one above (the row before, the same
column), then the one to the left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from kalamos.errors import KalamosError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Warping(NamedTuple):
    """What warping one sequence of points on another costs.

    Attributes:
        total: sum of the distances along the optimal path, in the unit of the points.
        length: number of pairs on that path.
    """

    total: float
    length: int

    @property
    def mean(self) -> float:
        """Return the length-normalised cost: total over path length (LDTW)."""
        return self.total / self.length


def dtw(truth: ArrayLike, recovered: ArrayLike) -> Warping:
    """Return cost and path length of the optimal warping of ``(n, 2)`` on ``(m, 2)`` points, in O(n + m) memory.

    Raises:
        KalamosError: where one of them has no point.
    """
    a, b = points(truth), points(recovered)
    total, length = _total_and_length(a, b)
    return Warping(total, length)


def dtw_distance(truth: ArrayLike, recovered: ArrayLike) -> float:
    """Return the cost alone, the same float64 as :func:`dtw`, in about half the time.

    Raises:
        KalamosError: where one of them has no point.
    """
    return float(_total(points(truth), points(recovered)))


def dtw_path(truth: ArrayLike, recovered: ArrayLike) -> tuple[Warping, Ints]:
    """Return the warping and its path, ``(length, 2)`` indices into truth and recovered.

    Needs a byte for each of the ``n * m`` cells.

    Raises:
        KalamosError: where one of them has no point.
    """
    total, path = _path(points(truth), points(recovered))
    return Warping(total, len(path)), path


def dtw_to_segments(truth: ArrayLike, starts: ArrayLike, ends: ArrayLike) -> Warping:
    """Warp points ``(n, 2)`` on segments ``starts[k]`` to ``ends[k]``, each ``(m, 2)``; a dot starts where it ends.

    The local cost is the distance from the point to the nearest point of the segment; all else is as in :func:`dtw`.

    Raises:
        KalamosError: where there is no point or no segment.
    """
    total, length = _to_segments(points(truth), points(starts), points(ends))
    return Warping(total, length)


def frechet(truth: ArrayLike, recovered: ArrayLike) -> float:
    """Return the discrete Fréchet distance of ``(n, 2)`` and ``(m, 2)`` points (Eiter and Mannila 1994).

    The largest distance that two walkers, one on each sequence and neither going back, cannot avoid.

    Raises:
        KalamosError: where one of them has no point.
    """
    return float(_frechet(points(truth), points(recovered)))


def points(values: ArrayLike) -> Floats:
    """Return ``(n, 2)`` float64 in C order, at least one point.

    Raises:
        KalamosError: where the shape is another.
    """
    array: Floats = np.ascontiguousarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise KalamosError(f"a sequence of points has the shape (n, 2) with n > 0; got {array.shape}")
    return array


@njit(cache=True, error_model="numpy", nogil=True)
def _total(a: Floats, b: Floats) -> float:
    """Keep one row; distances and the row above in a first, vectorised pass, the chain to the left in a second."""
    n, m = len(a), len(b)
    bx, by = b[:, 0].copy(), b[:, 1].copy()
    row = np.full(m + 1, np.inf)
    row[0] = 0.0
    above, cost = np.empty(m), np.empty(m)
    for i in range(n):
        x, y = a[i, 0], a[i, 1]
        for j in range(m):
            dx, dy = x - bx[j], y - by[j]
            cost[j] = np.sqrt(dx * dx + dy * dy)
            above[j] = min(row[j], row[j + 1])
        left = np.inf
        row[0] = np.inf
        for j in range(m):
            left = cost[j] + min(above[j], left)
            row[j + 1] = left
    return float(row[m])


@njit(cache=True, error_model="numpy", nogil=True)
def _total_and_length(a: Floats, b: Floats) -> tuple[float, int]:
    """Keep one row of costs and one of path lengths."""
    n, m = len(a), len(b)
    row = np.full(m + 1, np.inf)
    steps = np.zeros(m + 1, np.int64)
    row[0] = 0.0
    for i in range(n):
        x, y = a[i, 0], a[i, 1]
        diagonal, diagonal_steps = row[0], steps[0]
        left, left_steps = np.inf, 0
        row[0] = np.inf
        for j in range(m):
            up, up_steps = row[j + 1], steps[j + 1]
            best, best_steps = diagonal, diagonal_steps
            if up < best:
                best, best_steps = up, up_steps
            if left < best:
                best, best_steps = left, left_steps
            dx, dy = x - b[j, 0], y - b[j, 1]
            left, left_steps = np.sqrt(dx * dx + dy * dy) + best, best_steps + 1
            diagonal, diagonal_steps = up, up_steps
            row[j + 1], steps[j + 1] = left, left_steps
    return row[m], steps[m]


@njit(cache=True, error_model="numpy", nogil=True)
def _path(a: Floats, b: Floats) -> tuple[float, Ints]:
    """Note for each cell where it was reached from (0 diagonal, 1 up, 2 left), then walk back."""
    n, m = len(a), len(b)
    row = np.full(m + 1, np.inf)
    row[0] = 0.0
    came = np.empty((n, m), np.uint8)
    for i in range(n):
        diagonal, left = row[0], np.inf
        row[0] = np.inf
        for j in range(m):
            up = row[j + 1]
            best, by = diagonal, 0
            if up < best:
                best, by = up, 1
            if left < best:
                best, by = left, 2
            dx, dy = a[i, 0] - b[j, 0], a[i, 1] - b[j, 1]
            left = np.sqrt(dx * dx + dy * dy) + best
            came[i, j] = by
            diagonal = up
            row[j + 1] = left
    path = np.empty((n + m - 1, 2), np.int64)
    i, j, k = n - 1, m - 1, n + m - 1
    while True:
        k -= 1
        path[k, 0], path[k, 1] = i, j
        if i == 0 and j == 0:
            break
        by = came[i, j]
        if by != 2:
            i -= 1
        if by != 1:
            j -= 1
    return row[m], path[k:].copy()


@njit(cache=True, error_model="numpy", nogil=True)
def _to_segments(a: Floats, start: Floats, end: Floats) -> tuple[float, int]:
    """Do as _total_and_length does, with the distance from a point to a segment."""
    n, m = len(a), len(start)
    row = np.full(m + 1, np.inf)
    steps = np.zeros(m + 1, np.int64)
    row[0] = 0.0
    run = end - start
    square = run[:, 0] * run[:, 0] + run[:, 1] * run[:, 1]
    for i in range(n):
        diagonal, diagonal_steps = row[0], steps[0]
        left, left_steps = np.inf, 0
        row[0] = np.inf
        for j in range(m):
            up, up_steps = row[j + 1], steps[j + 1]
            best, best_steps = diagonal, diagonal_steps
            if up < best:
                best, best_steps = up, up_steps
            if left < best:
                best, best_steps = left, left_steps
            dx, dy = a[i, 0] - start[j, 0], a[i, 1] - start[j, 1]
            if square[j] > 0.0:
                along = min(1.0, max(0.0, (dx * run[j, 0] + dy * run[j, 1]) / square[j]))
                dx, dy = dx - along * run[j, 0], dy - along * run[j, 1]
            left, left_steps = np.sqrt(dx * dx + dy * dy) + best, best_steps + 1
            diagonal, diagonal_steps = up, up_steps
            row[j + 1], steps[j + 1] = left, left_steps
    return row[m], steps[m]


@njit(cache=True, error_model="numpy", nogil=True)
def _frechet(a: Floats, b: Floats) -> float:
    """Carry squared distances: the order of maxima and minima is the same, and one root at the end is enough."""
    n, m = len(a), len(b)
    row = np.full(m + 1, np.inf)
    row[0] = 0.0
    for i in range(n):
        diagonal, left = row[0], np.inf
        row[0] = np.inf
        for j in range(m):
            up = row[j + 1]
            dx, dy = a[i, 0] - b[j, 0], a[i, 1] - b[j, 1]
            left = max(dx * dx + dy * dy, min(diagonal, up, left))
            diagonal = up
            row[j + 1] = left
    return float(np.sqrt(row[m]))
