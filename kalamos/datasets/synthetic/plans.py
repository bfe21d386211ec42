"""Letter plans: what the pen does for a letter, written down as knots, and cut into the pulses of one motor command.

The plans are data, one TOML file a script in ``plans/``, drawn by hand for this corpus. A plan is text: strokes in the
order in which they are taught, separated by ``|``, each a row of knots (see :mod:`.curves`), on a grid where y grows
**upwards** from the baseline 0 and 100 is the height of a capital, of an alif, or of the headline.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kalamos.datasets.synthetic.curves import Knots, Path, parse_knots, trace
from kalamos.machinery.arrays import Floats, Ints

STEP = 1.0  # plan units, while planning
THIN = 3
MOST_TURN = 1.9  # radians that one pulse turns at most: about a third of a circle
ARC_TOLERANCE = 1.6  # plan units that a part may stray from an arc
LEAST_PART = 6  # steps
PROMINENCE = 0.45  # by which a peak of log curvature stands out: a factor of 1.6
SHARP_BEND = 0.35  # radians a step; as much as this counts as a corner
LEAST_BEND = 0.004  # radians a step; what is straighter is straight
SMOOTHING = np.exp(-0.5 * (np.arange(-8, 9) / 2.0) ** 2) / np.sqrt(2 * np.pi * 4.0)
DOT = np.array([-1.5 + 2.0j, 2.0 - 2.5j])  # a dot is a short slanting touch


class StrokePlan(NamedTuple):
    """One planned stroke, in plan units, y upwards.

    Attributes:
        path: ``(n,)`` complex, steps of at most three units.
        breaks: ``(m + 1,)`` indices where one pulse follows another.
        sharp: ``(m - 1,)``, how little the pulses overlap there: 1 at a corner, 0 where the path hardly bends.
    """

    path: Path
    breaks: Ints
    sharp: Floats


def parse_strokes(text: str) -> list[Knots]:
    """Read a whole plan: strokes separated by ``|``."""
    return [parse_knots(stroke) for stroke in text.split("|")]


@lru_cache(maxsize=8192)
def stroke_plan(text: str) -> StrokePlan:
    """Return the plan of one stroke given as text."""
    return plan_stroke(parse_knots(text))


def plan_stroke(knots: Knots) -> StrokePlan:
    """Return the path of one stroke, cut where its curvature peaks: there the hand slows down and a new pulse begins.

    A part that still turns by more than :data:`MOST_TURN` is cut into equal turns. A single knot is a dot.
    """
    if len(knots.points) == 1:
        knots = Knots(knots.points[0] + DOT, np.zeros(2, bool), np.ones(1, bool))
    path, corners = trace(knots, STEP)
    ends = [0, *corners.tolist(), len(path) - 1]
    breaks, sharp = [0], []
    for a, b in itertools.pairwise(ends):
        inner, bend = _inner_breaks(path[a : b + 1])
        breaks += [*(a + inner), b]
        sharp += [*bend, 1.0]
    return _thinned(path, np.array(breaks, np.int64), np.array(sharp[:-1]))


def _thinned(path: Path, breaks: Ints, sharp: Floats) -> StrokePlan:
    """Keep every :data:`THIN`-th point beside the breaks: enough to write by, and quicker."""
    kept = np.union1d(np.arange(0, len(path), THIN), breaks)
    return StrokePlan(path[kept], np.searchsorted(kept, breaks), sharp)


def _inner_breaks(path: Path) -> tuple[Ints, Floats]:
    """Return where a smooth path is cut, and how sharp its bend is there."""
    if len(path) < 8:
        return np.empty(0, np.int64), np.empty(0)
    steps = np.diff(path)
    turn = np.concatenate([[0.0], np.angle(steps[1:] / steps[:-1]), [0.0]])
    bend = np.convolve(turn, SMOOTHING, mode="same")
    peaks = prominent_peaks(np.log(np.abs(bend) + LEAST_BEND), PROMINENCE)
    total = np.concatenate([[0.0], np.cumsum(np.abs(turn))])
    inside = [peak for peak in peaks if LEAST_PART <= peak < len(path) - LEAST_PART]
    marks = [0, *inside, len(path) - 1]
    cuts = [cut for a, b in itertools.pairwise(marks) for cut in [*_arc_cuts(path, total, a, b), b]]
    inner = np.array(cuts[:-1], np.int64)
    sharp: Floats = np.clip(np.abs(bend[inner]) / SHARP_BEND, 0.0, 0.8)
    return inner, sharp


def prominent_peaks(height: Floats, least: float) -> list[int]:
    """Return the peaks that stand out from the valleys beside them by ``least``; of two with no such valley the higher.

    Both ends count as valleys as deep as they are.
    """
    rising = np.diff(height) > 0
    peaks = (np.flatnonzero(rising[:-1] & ~rising[1:]) + 1).tolist()
    k = 0
    while k < len(peaks):
        before = height[peaks[k - 1] if k else 0 : peaks[k] + 1].min()
        after = height[peaks[k] : (peaks[k + 1] if k + 1 < len(peaks) else len(height) - 1) + 1].min()
        if height[peaks[k]] - max(before, after) >= least:
            k += 1
            continue
        # the valley on one side is too shallow: this peak goes, unless the one across that valley is lower
        across = k - 1 if before > after else k + 1
        lower = across if 0 <= across < len(peaks) and height[peaks[across]] < height[peaks[k]] else k
        del peaks[lower]
        k = max(min(k, lower) - 1, 0)
    return peaks


def _arc_cuts(path: Path, total: Floats, a: int, b: int) -> list[int]:
    """Cut ``path[a:b + 1]`` until every part turns little enough and is near to an arc of a circle."""
    if b - a < 2 * LEAST_PART:
        return []
    turn = total[b] - total[a]
    if turn > MOST_TURN:
        middle = int(np.searchsorted(total, total[a] + turn / 2))
    elif arc_distance(path[a : b + 1]) > ARC_TOLERANCE:
        candidates = np.unique(np.linspace(a + LEAST_PART, b - LEAST_PART, 15).astype(int)).tolist()
        middle = min(candidates, key=lambda c: max(arc_distance(path[a : c + 1]), arc_distance(path[c : b + 1])))
    else:
        return []
    middle = min(max(middle, a + LEAST_PART), b - LEAST_PART)
    return [*_arc_cuts(path, total, a, middle), middle, *_arc_cuts(path, total, middle, b)]


def arc_distance(path: Path) -> float:
    """Return how far a path strays, at most, from the arc with its ends that turns as much as it does."""
    steps = np.diff(path)
    turn = float(np.angle(steps[1:] / steps[:-1]).sum()) or 1e-9
    turn *= len(steps) / max(len(steps) - 1, 1)
    u = np.linspace(0.0, 1.0, len(path))
    arc = (np.exp(1j * turn * u) - 1) / (np.exp(1j * turn) - 1)
    return float(np.abs(path - path[0] - (path[-1] - path[0]) * arc).max())
