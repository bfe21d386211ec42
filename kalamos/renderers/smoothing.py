"""Curves through or near the points of a polyline, so that a sparsely sampled stroke is round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.renderers.flat import Batch
from kalamos.renderers.style import Style

MAX_CURVE_POINTS = 1 << 20


def smooth(batch: Batch, style: Style) -> Batch:
    """Return the batch, in pixels, with the style's curve in place of its straight lines.

    Channels are interpolated linearly. ``knots`` tells where the inks' own points are: a Catmull-Rom curve passes
    through them, a B-spline moves them. Never more than ``MAX_CURVE_POINTS`` points an image: the pieces get longer.
    """
    if style.smoothing == "none":
        return batch
    n = len(batch.xy)
    last = np.zeros(n, bool)
    last[batch.strokes[1:] - 1] = True
    counts = np.where(last, 1, _pieces(batch, style.smoothing_step_px, last))
    start = np.repeat(np.arange(n), counts)
    knots = np.concatenate([[0], np.cumsum(counts)])
    u = (np.arange(len(start)) - knots[start]) / counts[start]
    xy = _CURVES[style.smoothing](batch.xy, _corners(batch, last), start, u[:, None])
    return replace(
        batch,
        xy=xy,
        strokes=knots[batch.strokes],
        t=_between(batch.t, start, u, last),
        pressure=_between(batch.pressure, start, u, last),
        knots=knots[batch.knots],
    )


def _between(values: Floats | None, start: Ints, u: Floats, last: Bools) -> Floats | None:
    if values is None:
        return None
    steps = np.where(last, 0.0, np.diff(values, append=values[-1:]))
    between: Floats = values[start] + u * steps[start]
    return between


def _pieces(batch: Batch, step: float, last: Bools) -> Ints:
    moves = np.diff(batch.xy, axis=0, append=batch.xy[-1:])
    lengths = np.where(last, 0.0, np.hypot(moves[:, 0], moves[:, 1]))
    room = np.maximum(MAX_CURVE_POINTS - np.diff(batch.points), 1)
    step_px = np.maximum(step, np.add.reduceat(lengths, batch.points[:-1]) / room)
    counts: Ints = np.maximum(np.ceil(lengths / batch.per_point(step_px)), 1).astype(np.int64)
    return counts


def _corners(batch: Batch, last: Bools) -> tuple[Ints, Ints, Ints]:
    """Return the point before each point, after it, and after that; the stroke's own end where there is none."""
    index = np.arange(len(last))
    before = np.maximum(index - 1, 0)
    before[batch.strokes[:-1]] = batch.strokes[:-1]
    after = np.where(last, index, index + 1)
    return before, after, after[after]


def _catmull_rom(xy: Floats, corners: tuple[Ints, Ints, Ints], start: Ints, u: Floats) -> Floats:
    """Evaluate the centripetal Catmull-Rom curve (Barry and Goldman 1988; Yuksel 2011) in Hermite form."""
    before, after, _ = corners
    steps = xy[after] - xy
    gaps = np.sqrt(np.hypot(steps[:, 0], steps[:, 1]))[:, None]
    rates = steps / np.where(gaps > 0, gaps, 1.0)
    # where a stroke ends, or a point repeats, there is no neighbour: the tangent is the chord's
    own, left, right = gaps[start], gaps[before[start]], gaps[after[start]]
    alone = (before == np.arange(len(xy)))[start, None]
    left = np.where(alone | (left == 0), own, left)
    right = np.where(right == 0, own, right)
    chord = rates[start]
    back = np.where(alone | (gaps[before[start]] == 0), chord, rates[before[start]])
    front = np.where(gaps[after[start]] == 0, chord, rates[after[start]])
    both = np.where(own > 0, own, 1.0)
    m1 = (chord * left + back * own) / (left + both) * own
    m2 = (chord * right + front * own) / (right + both) * own
    u2, u3 = u * u, u * u * u
    p1, p2 = xy[start], xy[after[start]]
    curve = (2 * u3 - 3 * u2 + 1) * p1 + (u3 - 2 * u2 + u) * m1 + (3 * u2 - 2 * u3) * p2 + (u3 - u2) * m2
    return np.where(u == 0, p1, curve)


def _bspline(xy: Floats, corners: tuple[Ints, Ints, Ints], start: Ints, u: Floats) -> Floats:
    """Evaluate the uniform cubic B-spline; phantom points beyond the ends make it begin and end on the points."""
    before, after, beyond = corners
    index = np.arange(len(xy))
    follows = np.where((after == index)[:, None], 2 * xy - xy[before], xy[after])
    leads = np.where((before == index)[:, None], 2 * xy - follows, xy[before])
    beyonds = np.where((beyond == after)[:, None], 2 * xy[after] - xy, xy[beyond])
    w = 1 - u
    curve: Floats = (
        w**3 * leads[start]
        + (3 * u**3 - 6 * u**2 + 4) * xy[start]
        + (3 * w**3 - 6 * w**2 + 4) * follows[start]
        + u**3 * beyonds[start]
    ) / 6
    return curve


_CURVES = {"catmull-rom": _catmull_rom, "bspline": _bspline}
