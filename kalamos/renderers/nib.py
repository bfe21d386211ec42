# ruff: noqa: ANN001, ANN202 - numba infers the kernels' types
# mypy: allow-untyped-defs, allow-untyped-calls
"""How wide the nib is and how much ink it leaves at each point of a path.

Speeds are compared with the image's own mean speed: ``share = v / (v + mean)`` is 0 at rest, 1/2 at the mean and
tends to 1. So neither the unit of time nor a repeated time stamp matters. Where an ink has no times (no pressure), what
follows the speed (the pressure) has no effect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kalamos.machinery.arrays import Floats, Floats32
from kalamos.machinery.kernels import inner, kernel
from kalamos.renderers.flat import Batch
from kalamos.renderers.style import Style

LEAST_WIDTH_PX = 0.1
DRY_INK = 0.1
_POINT_US = 12.0  # what a point costs in plain Python
_LAWS = {"constant": 0, "speed": 1, "pressure": 2, "direction": 3}


def widest(style: Style) -> float:
    """Return the largest factor by which the style may widen the nib."""
    law = 1.0 if style.width_law == "constant" else max(1.0, style.width_low, style.width_high)
    return law * (1.0 + style.pooling) * (1.0 + style.pooling_start)


def narrow_aspect(style: Style) -> float:
    """Return the nib's aspect, raised where its short side would fall between the raster's samples."""
    return min(1.0, max(style.nib_aspect, LEAST_WIDTH_PX / max(style.nib_width_px * style.width_low, LEAST_WIDTH_PX)))


def reach_px(style: Style) -> float:
    """Return the farthest that any nib of the style reaches from the path."""
    corner = math.hypot(1.0, narrow_aspect(style)) if style.nib_shape == "broad" else 1.0
    return max(style.nib_width_px, LEAST_WIDTH_PX) / 2 * widest(style) * corner


def half_widths(batch: Batch, style: Style) -> Floats:
    """Return half the nib's width at each point, ``(n,)`` px, never less than half ``LEAST_WIDTH_PX``."""
    half = np.full(len(batch.xy), max(style.nib_width_px, LEAST_WIDTH_PX) / 2)
    law = style.width_law
    steady = law == "constant" or (law == "speed" and batch.t is None) or (law == "pressure" and batch.pressure is None)
    tapered = style.taper_start_px > 0 or style.taper_end_px > 0
    if steady and not tapered and style.pooling_start == 0 and (style.pooling == 0 or batch.t is None):
        return half
    none = np.empty(0)
    laws = np.array(
        [
            0 if steady else _LAWS[law],
            style.width_low,
            style.width_high,
            math.radians(style.nib_angle_deg),
            style.width_smoothing_px,
            style.taper_start_px,
            style.taper_end_px,
            style.taper_width,
            style.pooling,
            style.pooling_start,
        ]
    )
    t = none if batch.t is None else batch.t
    pressure = none if batch.pressure is None else batch.pressure
    _apply_laws.for_work(_POINT_US * len(half))(batch.xy, batch.strokes, batch.images, t, pressure, laws, half)
    np.maximum(half, LEAST_WIDTH_PX / 2, out=half)
    return half


def ink_amounts(batch: Batch, style: Style, rngs: Sequence[np.random.Generator]) -> Floats32:
    """Return how much ink the nib leaves after each point, ``(n,)`` in 0..1: less at low pressure and in dry gaps."""
    amounts = np.ones(len(batch.xy))
    if style.pressure_darkness > 0 and batch.pressure is not None:
        amounts -= style.pressure_darkness * (1.0 - np.nan_to_num(batch.pressure, nan=1.0))
    if style.dry_gaps > 0:
        bounds = batch.points.tolist()
        for a, b, rng in zip(bounds[:-1], bounds[1:], rngs, strict=True):
            amounts[a:b] *= _dry(batch.xy[a:b], style, rng)
    return np.maximum(amounts, 0.02).astype(np.float32)


def _dry(xy: Floats, style: Style, rng: np.random.Generator) -> Floats:
    """Return the share of ink that is left where the pen skips, 1 elsewhere.

    Gaps and runs of ink alternate, their lengths exponentially distributed. A gap of two nib widths and more keeps
    ``DRY_INK``; into a shorter one the nib, as broad as long, spreads ink from both ends.
    """
    moves = np.diff(xy, axis=0, prepend=xy[:1])
    arc = np.cumsum(np.hypot(moves[:, 0], moves[:, 1]))
    run = style.dry_length_px * (1.0 - style.dry_gaps) / style.dry_gaps
    pairs = int(min(2.0 * arc[-1] / (run + style.dry_length_px) + 8, 1e6))
    lengths = (rng.exponential(1.0, (pairs, 2)) * (run, style.dry_length_px)).ravel()
    place = np.searchsorted(np.cumsum(lengths), arc, side="right")
    gap = np.where(place % 2 == 1, lengths[np.minimum(place, len(lengths) - 1)], 0.0)
    left: Floats = 1.0 - (1.0 - DRY_INK) * np.minimum(gap / (2.0 * max(style.nib_width_px, LEAST_WIDTH_PX)), 1.0)
    return left


@kernel
def _apply_laws(xy, strokes, images, t, pressure, laws, half):
    """Multiply ``half`` by the width law, smoothed along the path, the tapers and the pools of each stroke."""
    low, high = laws[1], laws[2]
    n = len(half)
    arc, slow, factor = np.zeros(n), np.zeros(n), np.ones(n)
    for image in range(len(images) - 1):
        mean = 0.0
        timed = len(t) > 0 and not math.isnan(t[strokes[images[image]]])
        pressed = len(pressure) > 0 and not math.isnan(pressure[strokes[images[image]]])
        if timed:
            path, duration = 0.0, 0.0
            for stroke in range(images[image], images[image + 1]):
                a, b = strokes[stroke], strokes[stroke + 1]
                for i in range(a + 1, b):
                    path += _distance(xy, i - 1, i)
                duration += t[b - 1] - t[a]
            mean = path / duration if duration > 0.0 else 0.0
        for stroke in range(images[image], images[image + 1]):
            a, b = strokes[stroke], strokes[stroke + 1]
            for i in range(a, b):
                before, after = i - 1 if i > a else i, i + 1 if i < b - 1 else i
                dx, dy = xy[after, 0] - xy[before, 0], xy[after, 1] - xy[before, 1]
                step = _distance(xy, before, i)
                arc[i] = arc[before] + step if i > a else 0.0
                share = 0.5
                if timed and after > before:
                    ahead = _distance(xy, i, after)
                    # v / (v + mean), multiplied by the time so that no step of no duration divides by it
                    passed = mean * (t[after] - t[before])
                    share = (step + ahead) / (step + ahead + passed) if step + ahead + passed > 0.0 else 0.5
                slow[i] = (1.0 - 2.0 * share) ** 2 if share < 0.5 else 0.0
                if laws[0] == 1.0 and timed:
                    factor[i] = high + (low - high) * share
                elif laws[0] == 2.0 and pressed:
                    factor[i] = low + (high - low) * pressure[i]
                elif laws[0] == 3.0 and (dx != 0.0 or dy != 0.0):
                    across = abs(math.sin(math.atan2(dy, dx) - laws[3]))
                    factor[i] = low + (high - low) * across
            _smooth(arc, factor, a, b, laws[4])
            for i in range(a, b):
                ends = _taper(arc[i], arc[b - 1], laws)
                near = 1.0 - arc[i] / (4.0 * half[i])
                pool = 1.0 + laws[9] * near * near if near > 0.0 else 1.0
                half[i] *= factor[i] * ends * pool * (1.0 + laws[8] * slow[i])


@inner
def _distance(xy, i, j):
    dx, dy = xy[j, 0] - xy[i, 0], xy[j, 1] - xy[i, 1]
    return math.sqrt(dx * dx + dy * dy)


@inner
def _smooth(arc, values, a, b, length):
    """Average values ``a..b - 1`` along the path with weights that fall by e every half ``length``, both ways."""
    if length <= 0.0:
        return
    forth = values[a:b].copy()
    for i in range(1, b - a):
        keep = math.exp(-2.0 * (arc[a + i] - arc[a + i - 1]) / length)
        forth[i] += keep * (forth[i - 1] - forth[i])
    back = values[b - 1]
    for i in range(b - 1, a - 1, -1):
        if i < b - 1:
            back = values[i] + math.exp(-2.0 * (arc[i + 1] - arc[i]) / length) * (back - values[i])
        values[i] = 0.5 * (forth[i - a] + back)


@inner
def _taper(at, end, laws):
    """Return the tapers' factor at arc length ``at``: a taper is at most half the stroke, so that a dot has none."""
    factor = 1.0
    for side in range(2):
        length = min(laws[5 + side], 0.5 * end)
        away = at if side == 0 else end - at
        if length > 0.0 and away < length:
            u = away / length
            factor = min(factor, laws[7] + (1.0 - laws[7]) * u * u * (3.0 - 2.0 * u))
    return factor
