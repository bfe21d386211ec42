"""Junctions: where the true path meets itself, and whether the recovered pen went through as the true one did.

No runnable definition of the literature's JP was found; this one is ours. A **junction** is a place where two parts of
the true path, of different strokes or at least two radii of path apart, come within 1.5 px at an angle of 30 degrees
or more: a crossing, or a stroke that ends at another. Its disc has the tolerance as radius. A **pass** is a piece of
path inside the disc that comes to within half a radius of its centre; it joins two **branches**, the places where the
true path crosses the disc's edge (places closer than half a radius are one branch), or one branch and the pen's start
or lift. A junction is traversed right where the recovered passes join the same branches as often as the true ones.
Direction does not count: ``stroke_direction`` and ``complete_trajectory`` are for that.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import inner, kernel_of
from kalamos.metrics.dense import Dense

TOUCH_PX = 1.5
SINE_OF_ANGLE = 0.5
MOST_JUNCTIONS = 1_000
_LIFT, _NOWHERE = -1, -2
_PAIRS_US, _PAIR_US = 300.0, 3.0
"""What it takes to find the pairs of points that touch, and for each point to look at them; microseconds."""
_ARM = 2

Ends = tuple[Floats | None, Floats | None]


class Junction(NamedTuple):
    """A junction of the truth.

    Attributes:
        centre: its place, ``(2,)``.
        branches: where the true path crosses the edge of its disc, ``(b, 2)``.
        joined: which branches the true passes join, and how often.
    """

    centre: Floats
    branches: Floats
    joined: Counter[tuple[int, ...]]


def junctions(truth: Dense, radius_px: float, step_px: float) -> Iterator[Junction]:
    """Yield the truth's junctions; of those closer than a radius the first counts."""
    find = _junctions.for_work(_PAIRS_US + _PAIR_US * len(truth.xy))
    for centre in find(truth.xy, truth.stroke, truth.offsets, radius_px, step_px):
        passes = list(_passes(truth, centre, radius_px))
        branches = _branches(passes, radius_px)
        yield Junction(centre, branches, Counter(_joined(ends, branches, radius_px) for ends in passes))


def traversed(recovered: Dense, place: Junction, radius_px: float) -> bool:
    """Return whether the recovered path joins the same branches of one junction as the true path."""
    passes = _passes(recovered, place.centre, radius_px)
    return place.joined == Counter(_joined(ends, place.branches, radius_px) for ends in passes)


def _passes(dense: Dense, centre: Floats, radius_px: float) -> Iterator[Ends]:
    """Yield where each pass enters and leaves the disc; None where the pen comes down or lifts within."""
    away = np.hypot(*(dense.xy - centre).T)
    inside = np.flatnonzero(away <= radius_px)
    if not len(inside):
        return
    cut = (np.diff(inside) > 1) | (np.diff(dense.stroke[inside]) != 0)
    for run in np.split(inside, np.flatnonzero(cut) + 1):
        if away[run].min() > radius_px / 2:
            continue
        first, last, stroke = int(run[0]), int(run[-1]), dense.stroke[run[0]]
        yield (
            None if first == dense.offsets[stroke] else dense.xy[first],
            None if last == dense.offsets[stroke + 1] - 1 else dense.xy[last],
        )


def _branches(passes: list[Ends], radius_px: float) -> Floats:
    """Return the places where passes cross the edge of the disc, ``(b, 2)``, each once."""
    branches: list[Floats] = []
    for end in itertools.chain.from_iterable(passes):
        if end is not None and all(np.hypot(*(end - known)) > radius_px / 2 for known in branches):
            branches.append(end)
    return np.array(branches).reshape(-1, 2)


def _joined(ends: Ends, branches: Floats, radius_px: float) -> tuple[int, ...]:
    """Return what a pass joins, in no direction: branches by number, a lift, or a place that is no branch."""
    return tuple(sorted(_branch(end, branches, radius_px) for end in ends))


def _branch(end: Floats | None, branches: Floats, radius_px: float) -> int:
    if end is None:
        return _LIFT
    if not len(branches):
        return _NOWHERE
    away = np.hypot(*(branches - end).T)
    nearest = int(np.argmin(away))
    return nearest if away[nearest] <= radius_px else _NOWHERE


def _found_by_tree(xy: Floats, stroke: Ints, offsets: Ints, radius: float, step: float) -> Floats:
    """Do as :func:`_junctions` does, on the pairs that a tree finds."""
    touch, gap = TOUCH_PX * step, 2.0 * radius / step
    near = cKDTree(xy).query_pairs(touch * (1.0 + 1e-9), output_type="ndarray")
    apart = xy[near[:, 0]] - xy[near[:, 1]]
    touching = ~(apart[:, 0] * apart[:, 0] + apart[:, 1] * apart[:, 1] > touch * touch)
    same = (stroke[near[:, 0]] == stroke[near[:, 1]]) & (near[:, 1] - near[:, 0] < gap)
    pairs = near[touching & ~same]
    centres: list[tuple[float, float]] = []
    for i, j in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if len(centres) < MOST_JUNCTIONS and _at_an_angle(xy, stroke, offsets, i, j):
            x, y = (xy[i, 0] + xy[j, 0]) / 2, (xy[i, 1] + xy[j, 1]) / 2
            if all(np.hypot(a - x, b - y) > radius for a, b in centres):
                centres.append((x, y))
    return np.array(centres).reshape(-1, 2)


@kernel_of(_found_by_tree)
def _junctions(xy: Floats, stroke: Ints, offsets: Ints, radius: float, step: float) -> Floats:
    centres = np.empty((MOST_JUNCTIONS, 2))
    touch, gap = TOUCH_PX * step, 2.0 * radius / step
    n = 0
    for i in range(len(xy)):
        for j in range(i + 1, len(xy)):
            if stroke[i] == stroke[j] and j - i < gap:
                continue
            dx, dy = xy[i, 0] - xy[j, 0], xy[i, 1] - xy[j, 1]
            if dx * dx + dy * dy > touch * touch or not _at_an_angle(xy, stroke, offsets, i, j):
                continue
            x, y = (xy[i, 0] + xy[j, 0]) / 2, (xy[i, 1] + xy[j, 1]) / 2
            new = True
            for k in range(n):
                new = new and np.hypot(centres[k, 0] - x, centres[k, 1] - y) > radius
            if new:
                centres[n, 0], centres[n, 1] = x, y
                n += 1
                if n == MOST_JUNCTIONS:
                    return centres
    return centres[:n].copy()


@inner
def _at_an_angle(xy: Floats, stroke: Ints, offsets: Ints, i: int, j: int) -> bool:
    ax, ay = _heading(xy, offsets[stroke[i]], offsets[stroke[i] + 1], i)
    bx, by = _heading(xy, offsets[stroke[j]], offsets[stroke[j] + 1], j)
    both = np.hypot(ax, ay) * np.hypot(bx, by)
    return bool(both > 0.0 and abs(ax * by - ay * bx) >= SINE_OF_ANGLE * both)


@inner
def _heading(xy: Floats, first: int, stop: int, i: int) -> tuple[float, float]:
    a, b = max(first, i - _ARM), min(stop - 1, i + _ARM)
    return xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
