"""Truth on pieces: which directed pieces a known pen path ran over, in which order, and how it lies on them.

Map matching as in P. Newson and J. Krumm, "Hidden Markov map matching through noise and sparseness" (2009): each stroke
of the truth is walked in steps of one pixel; the states are the directed pieces; a step costs the squared distance to
the piece and the angle between the pen's direction and the piece's; from one step to the next the path stays on its
piece or goes on to a piece that is joined to it. The cheapest path is found by dynamic programming (Viterbi 1967).
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32
from kalamos.machinery.kernels import inner, kernel
from kalamos.models.kalamos.pieces import POINTS, Pieces

STEP_PX = 1.0
DISTANCE_VARIANCE_PX2 = 2.0
ANGLE_COST = 1.5
CROSS_COST = 0.3
TURN_BACK_COST = 1.0
KEPT_SHARE = 0.4
DOT_PX = 2.5

Grown = TypeVar("Grown", Floats, Ints, Bools)


class MatchedPath(NamedTuple):
    """A pen path on pieces, with where the truth lies.

    Attributes:
        steps: int64 ``(t,)``, directed pieces in the order of writing.
        lifts: bool ``(t,)``, True where the pen was lifted before this piece (True for the first).
        truth: float64 ``(t, POINTS, 2)``, the place of the truth at the pieces' points, in the direction of writing.
        clock: float64 ``(t, POINTS)``, seconds of the truth there; NaN where it has no times.
        distance_px: root mean squared distance between truth and pieces.
    """

    steps: Ints
    lifts: Bools
    truth: Floats
    clock: Floats
    distance_px: float


def match(ink: Ink, pieces: Pieces) -> MatchedPath:
    """Return the path of ``ink`` (in pixels) over ``pieces``; no step where nothing fits."""
    times = ink.t if ink.t is not None else np.full(ink.n_points, np.nan)
    steps, lifts, truth, clock, distance = _match(
        ink.xy.astype(np.float64), ink.offsets.astype(np.int64), times, pieces.points.astype(np.float64), pieces.joints
    )
    return MatchedPath(steps, lifts, truth, clock, float(distance))


@inner
def _walk_stroke(xy: Floats, t: Floats, step_px: float) -> tuple[Floats, Floats]:
    """Return points x, y, time at equal distances along a stroke, and the unit directions there."""
    along = np.zeros(len(xy))
    for i in range(1, len(xy)):
        along[i] = along[i - 1] + np.hypot(xy[i, 0] - xy[i - 1, 0], xy[i, 1] - xy[i - 1, 1])
    n = max(2, int(np.ceil(along[-1] / step_px)) + 1)
    at = along[-1] * np.arange(n) / (n - 1)
    points = np.empty((n, 3))
    points[:, 0], points[:, 1] = np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1])
    points[:, 2] = np.interp(at, along, t)
    ways = np.zeros((n, 2))
    for i in range(n):
        a, b = max(i - 1, 0), min(i + 1, n - 1)
        dx, dy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
        norm = max(np.hypot(dx, dy), 1e-9)
        ways[i, 0], ways[i, 1] = dx / norm, dy / norm
    return points, ways


@inner
def _costs(points: Floats, ways: Floats, lines: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the cost of each directed piece at each step, the place along each piece (0..1), and squared distances."""
    n, m = len(points), len(lines)
    cost, place, square = np.empty((n, 2 * m)), np.empty((n, m)), np.empty((n, m))
    for i in range(n):
        x, y = points[i, 0], points[i, 1]
        for j in range(m):
            best, where, bx, by = np.inf, 0.0, 0.0, 0.0
            for k in range(POINTS - 1):
                ax, ay = lines[j, k, 0], lines[j, k, 1]
                dx, dy = lines[j, k + 1, 0] - ax, lines[j, k + 1, 1] - ay
                norm2 = dx * dx + dy * dy
                u = 0.0
                if norm2 > 1e-12:
                    u = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / norm2))
                d = (x - ax - u * dx) ** 2 + (y - ay - u * dy) ** 2
                if d < best:
                    best, where, bx, by = d, (k + u) / (POINTS - 1), dx, dy
            norm = np.hypot(bx, by)
            cosine = (bx * ways[i, 0] + by * ways[i, 1]) / norm if norm > 1e-6 else 1.0
            near = best / DISTANCE_VARIANCE_PX2
            cost[i, 2 * j] = near + ANGLE_COST * (1.0 - cosine)
            cost[i, 2 * j + 1] = near + ANGLE_COST * ((1.0 + cosine) if norm > 1e-6 else 0.0)
            place[i, j], square[i, j] = where, best
    return cost, place, square


@inner
def _viterbi(cost: Floats, joints: Ints32) -> Ints:
    """Return the cheapest directed piece at each step."""
    n, m = cost.shape
    n_joints = joints.max() + 1
    first = np.zeros(n_joints + 1, np.int64)
    for j in range(m):
        first[joints[j // 2, 1 - j % 2] + 1] += 1
    first = np.cumsum(first)
    filled, arriving = first.copy(), np.empty(m, np.int64)
    for j in range(m):
        node = joints[j // 2, 1 - j % 2]
        arriving[filled[node]] = j
        filled[node] += 1
    total, fresh = cost[0].copy(), np.empty(m)
    before = np.zeros((n, m), np.int32)
    for i in range(1, n):
        for j in range(m):
            best, arg = total[j], j
            node = joints[j // 2, j % 2]
            for a in range(first[node], first[node + 1]):
                k = arriving[a]
                if k == j:
                    continue
                c = total[k] + (TURN_BACK_COST if k // 2 == j // 2 else CROSS_COST)
                if c < best:
                    best, arg = c, k
            fresh[j] = best + cost[i, j]
            before[i, j] = arg
        total, fresh = fresh, total
    path = np.empty(n, np.int64)
    path[-1] = np.argmin(total)
    for i in range(n - 1, 0, -1):
        path[i - 1] = before[i, path[i]]
    return path


@inner
def _runs(path: Ints, place: Floats, long: Bools) -> tuple[Ints, Floats]:
    """Return the directed pieces passed, and how far along them (in pieces) each step is; barely touched ones go.

    A piece at a stroke's end of which less than :data:`KEPT_SHARE` was drawn, and a short way up a piece and back, are
    left out.
    """
    n = len(path)
    first = np.empty(n + 1, np.int64)
    count = 0
    for i in range(n):
        if i == 0 or path[i] != path[i - 1]:
            first[count] = i
            count += 1
    first[count] = n
    share = np.ones(count)
    for r in range(count):
        j = path[first[r]] // 2
        if long[j]:
            span = place[first[r] : first[r + 1], j]
            share[r] = span.max() - span.min()
    kept = np.ones(count, np.bool_)
    left, right = 0, count - 1
    while left < right and share[left] < KEPT_SHARE:
        kept[left] = False
        left += 1
    while right > left and share[right] < KEPT_SHARE:
        kept[right] = False
        right -= 1
    for r in range(left + 1, right - 1):
        a, b = path[first[r]], path[first[r + 1]]
        if kept[r] and a // 2 == b // 2 and max(share[r], share[r + 1]) < KEPT_SHARE:
            kept[r] = kept[r + 1] = False
    pieces = np.empty(int(kept.sum()), np.int64)
    along = np.empty(n)
    passed = 0
    for r in range(count):
        j = path[first[r]]
        for i in range(first[r], first[r + 1]):
            along[i] = passed + (1.0 - place[i, j // 2] if j % 2 else place[i, j // 2]) if kept[r] else passed
        if kept[r]:
            pieces[passed] = j
            passed += 1
    for i in range(1, n):
        along[i] = max(along[i], along[i - 1])
    return pieces, along


@inner
def _lay(points: Floats, along: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the truth's places and times at the points of ``count`` pieces; a stroke's two ends go to the two ends."""
    rising = along + 1e-6 * np.arange(len(along))
    rising[0], rising[-1] = min(rising[0], 0.0), max(rising[-1], float(count))
    places, clock = np.empty((count, POINTS, 2)), np.empty((count, POINTS))
    for r in range(count):
        at = r + np.arange(POINTS) / (POINTS - 1)
        places[r, :, 0] = np.interp(at, rising, points[:, 0])
        places[r, :, 1] = np.interp(at, rising, points[:, 1])
        clock[r] = np.interp(at, rising, points[:, 2])
    return places, clock


@inner
def _dot(points: Floats, lines: Floats, long: Bools) -> int:
    """Return the short piece nearest to a dot, or -1 where none is near: the dot lies on another stroke."""
    x, y = points[:, 0].mean(), points[:, 1].mean()
    best, arg = 9.0, -1
    for j in range(len(lines)):
        for k in range(POINTS):
            d = (lines[j, k, 0] - x) ** 2 + (lines[j, k, 1] - y) ** 2
            if d < best:
                best, arg = d, j
    return arg if arg >= 0 and not long[arg] else -1


@kernel
def _match(
    xy: Floats, offsets: Ints, t: Floats, lines: Floats, joints: Ints32
) -> tuple[Ints, Bools, Floats, Floats, float]:
    """Match every stroke; see :func:`match`."""
    m = len(lines)
    lengths = np.zeros(m)
    for j in range(m):
        for k in range(POINTS - 1):
            lengths[j] += np.hypot(lines[j, k + 1, 0] - lines[j, k, 0], lines[j, k + 1, 1] - lines[j, k, 1])
    limit = 64
    steps, lifts = np.empty(limit, np.int64), np.empty(limit, np.bool_)
    truth, clock = np.empty((limit, POINTS, 2)), np.empty((limit, POINTS))
    n, total, count = 0, 0.0, 0
    for s in range(len(offsets) - 1):
        if m == 0:
            break
        points, ways = _walk_stroke(xy[offsets[s] : offsets[s + 1]], t[offsets[s] : offsets[s + 1]], STEP_PX)
        extent = np.hypot(points[:, 0].max() - points[:, 0].min(), points[:, 1].max() - points[:, 1].min())
        if extent < DOT_PX:
            j = _dot(points, lines, lengths > 2.5 * DOT_PX)
            if j < 0:
                continue
            pieces = np.array([2 * j])
            along = np.arange(len(points)) / (len(points) - 1)
        else:
            cost, place, square = _costs(points, ways, lines)
            path = _viterbi(cost, joints)
            pieces, along = _runs(path, place, lengths > 1.5)
            for i in range(len(path)):
                total += square[i, path[i] // 2]
            count += len(path)
        k = len(pieces)
        while n + k > limit:
            limit *= 2
            steps, lifts = _grown(steps, limit), _grown(lifts, limit)
            truth, clock = _grown(truth, limit), _grown(clock, limit)
        steps[n : n + k] = pieces
        lifts[n : n + k] = False
        lifts[n] = True
        truth[n : n + k], clock[n : n + k] = _lay(points, along, k)
        n += k
    return steps[:n], lifts[:n], truth[:n], clock[:n], np.sqrt(total / max(count, 1))


@inner
def _grown(values: Grown, limit: int) -> Grown:
    """Return an array with room for ``limit`` rows, the first of them filled."""
    fresh = np.empty((limit, *values.shape[1:]), values.dtype)
    fresh[: len(values)] = values
    return fresh
