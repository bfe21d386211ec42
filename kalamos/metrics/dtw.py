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
from numpy.typing import ArrayLike

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import inner, kernel


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
    a, b = axes(points(truth)), axes(points(recovered)[::-1])
    total, length = _total_and_length(a, b, diagonals(a, np.inf), diagonals(a, 0.0))
    return Warping(total, length)


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
    a, start, end = axes(points(truth)), axes(points(starts)[::-1]), axes(points(ends)[::-1])
    run = end - start
    square = run[0] * run[0] + run[1] * run[1]
    square[square == 0.0] = 1.0  # a dot: nothing divided by anything
    segments = np.concatenate([start, run, square[None]])
    total, length = _to_segments(a, segments, diagonals(a, np.inf), diagonals(a, 0.0))
    return Warping(total, length)


def frechet(truth: ArrayLike, recovered: ArrayLike) -> float:
    """Return the discrete Fréchet distance of ``(n, 2)`` and ``(m, 2)`` points (Eiter and Mannila 1994).

    The largest distance that two walkers, one on each sequence and neither going back, cannot avoid.

    Raises:
        KalamosError: where one of them has no point.
    """
    a, b = axes(points(truth)), axes(points(recovered)[::-1])
    return float(_frechet(a, b, diagonals(a, np.inf)))


def points(values: ArrayLike) -> Floats:
    """Return ``(n, 2)`` float64 in C order, at least one point.

    Raises:
        KalamosError: where the shape is another.
    """
    array: Floats = np.ascontiguousarray(values, np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise KalamosError(f"a sequence of points has the shape (n, 2) with n > 0; got {array.shape}")
    return array


def axes(xy: Floats) -> Floats:
    """Return ``(n, 2)`` points as ``(2, n)``, in memory one axis after the other."""
    return np.ascontiguousarray(xy.T)


def diagonals(rows: Floats, value: float) -> Floats:
    """Return ``work`` for the rows ``(2, n)``, filled with a value."""
    return np.full(3 * (rows.shape[1] + 1), value)


# All but the path walk the anti-diagonals ``i + j = k``, whose cells do not depend on each other, so that several share
# a vector register; each cell is computed as a walk row by row would compute it, to the last bit. ``work`` holds three
# diagonals, cell i in place i + 1, infinite where no cell has been; columns are reversed, so that a diagonal's pairs of
# points lie one after another. Everything is loaded before it is chosen from: otherwise nothing is vectorised. They are
# given what they work on, axis by axis: numba takes longer to compile numpy's ways of making it than the walk itself.


@inner
def diagonal(k: int, n: int, m: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return the first row of diagonal k of n by m cells, its column in reversed order, and the number of its cells."""
    first = max(0, k - m + 1)
    return np.uint64(first), np.uint64(m - 1 - k + first), np.uint64(min(n - 1, k) - first + 1)


@inner
def places(n: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return where in ``work`` the diagonal at hand begins, the last and the one before, for n rows."""
    return np.uint64(0), np.uint64(n + 1), np.uint64(2 * (n + 1))


@inner
def _reach(work: Floats, steps: Floats, cell: np.uint64, up: np.uint64, diagonal: np.uint64, distance: float) -> None:
    """Write cost and length of the best path to a cell from its three neighbours'; the left one follows ``up``."""
    best, best_steps = work[diagonal], steps[diagonal]
    above, above_steps = work[up], steps[up]
    left, left_steps = work[up + np.uint64(1)], steps[up + np.uint64(1)]
    best_steps = above_steps if above < best else best_steps
    best = above if above < best else best
    best_steps = left_steps if left < best else best_steps
    best = left if left < best else best
    work[cell] = distance + best
    steps[cell] = best_steps + 1.0


@kernel
def _total_and_length(a: Floats, b: Floats, work: Floats, steps: Floats) -> tuple[float, int]:
    """Return the cost and the length of the optimal path; ``a`` is ``(2, n)``, ``b`` ``(2, m)`` and reversed."""
    n, m = a.shape[1], b.shape[1]
    ax, ay, bx, by = a[0], a[1], b[0], b[1]
    (now, last, before), one = places(n), np.uint64(1)
    work[before] = 0.0
    for k in range(n + m - 1):
        low, shift, cells = diagonal(k, n, m)
        for step in range(cells):
            i, j = low + step, shift + step
            dx, dy = ax[i] - bx[j], ay[i] - by[j]
            _reach(work, steps, now + i + one, last + i, before + i, np.sqrt(dx * dx + dy * dy))
        if k == 0:
            work[before] = np.inf
        now, last, before = before, now, last
    return work[last + np.uint64(n)], int(steps[last + np.uint64(n)])


@kernel
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


@kernel
def _to_segments(a: Floats, segments: Floats, work: Floats, steps: Floats) -> tuple[float, int]:
    """Do as _total_and_length does, with the distance from a point to a segment.

    The rows of ``segments`` ``(5, m)`` are start, run to the end and the square of the run's length.
    """
    n, m = a.shape[1], segments.shape[1]
    ax, ay, sx, sy = a[0], a[1], segments[0], segments[1]
    rx, ry, square = segments[2], segments[3], segments[4]
    (now, last, before), one = places(n), np.uint64(1)
    work[before] = 0.0
    for k in range(n + m - 1):
        low, shift, cells = diagonal(k, n, m)
        for step in range(cells):
            i, j = low + step, shift + step
            dx, dy = ax[i] - sx[j], ay[i] - sy[j]
            along = (dx * rx[j] + dy * ry[j]) / square[j]
            along = 0.0 if along < 0.0 else along
            along = 1.0 if along > 1.0 else along
            dx, dy = dx - along * rx[j], dy - along * ry[j]
            _reach(work, steps, now + i + one, last + i, before + i, np.sqrt(dx * dx + dy * dy))
        if k == 0:
            work[before] = np.inf
        now, last, before = before, now, last
    return work[last + np.uint64(n)], int(steps[last + np.uint64(n)])


@kernel
def _frechet(a: Floats, b: Floats, work: Floats) -> float:
    """Carry squared distances: the order of maxima and minima is the same, and one root at the end is enough."""
    n, m = a.shape[1], b.shape[1]
    ax, ay, bx, by = a[0], a[1], b[0], b[1]
    (now, last, before), one = places(n), np.uint64(1)
    work[before] = 0.0
    for k in range(n + m - 1):
        low, shift, cells = diagonal(k, n, m)
        for step in range(cells):
            i, j = low + step, shift + step
            dx, dy = ax[i] - bx[j], ay[i] - by[j]
            square = dx * dx + dy * dy
            best, up, left = work[before + i], work[last + i], work[last + i + one]
            best = up if up < best else best
            best = left if left < best else best
            work[now + i + one] = best if best > square else square
        if k == 0:
            work[before] = np.inf
        now, last, before = before, now, last
    return float(np.sqrt(work[last + np.uint64(n)]))
