"""What a file says must be possible: one rule for every reader, and never silence.

No pen is sampled less than 20 or more than 1,000 times a second, no page is smaller than 1 mm or larger than 2 m, no
pen leans more than 90 degrees. What a file says beyond that is mended by a named rule, or given up, and counted:

``time-unit-mended``
    Times whose rate is impossible, and possible in another unit (a thousand or a million times smaller or larger), are
    in that unit: milliseconds that nobody named, seconds that were called milliseconds.
``rate-low``
    Times of 2 to 20 steps a second in no other unit: a page that sent few events. They are kept.
``time-implausible``
    Other times of an impossible rate say nothing: the channel is given up.
``scale-implausible``
    A scale by which all ink of the file together is smaller than 1 mm or larger than 2 m is given up. A file of one
    stroke may be a dot: there the least is 0.05 mm.
``angle-implausible``
    Tilts and altitudes beyond 90 degrees, azimuths and twists beyond 360, either way: the channel is given up.

The rate is that of all strokes of a file together. It counts as impossible only where the mean and the median step
agree on it: clocks that tick slower than the pen is sampled, and pens at rest, are common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Floats, Ints

RULES = ("time-unit-mended", "rate-low", "time-implausible", "scale-implausible", "angle-implausible")
"""The names of the rules; they never change."""
MIN_RATE_HZ, MAX_RATE_HZ = 20.0, 1000.0
SLOWEST_HZ = 2.0
"""Below 20 Hz, but still a pen: events of a page in a browser."""
LEAST_MM, MOST_MM = 1.0, 2000.0
LEAST_DOT_MM = 0.05
ENOUGH_STEPS = 4
"""So many steps say something of a rate."""
_ROUNDING = 1e-6
_UNITS = (1e-3, 1e3, 1e-6, 1e6, 1e-9)
_FULL_CIRCLE = frozenset({"azimuth", "azimuth_deg", "twist"})
_QUARTER = frozenset({"tilt", "tilt_x", "tilt_y", "altitude", "altitude_deg"})


class Clock(NamedTuple):
    """The times of some strokes: ``t`` ``(n,)`` in seconds, as far as one knows, and ``offsets`` ``(s + 1,)``."""

    t: Floats
    offsets: Ints


def clock_factor(clocks: Sequence[Clock], counts: Counter[str]) -> float | None:
    """Return what the times of a file are to be multiplied by: 1 where they are possible; None to give them up."""
    n_steps, duration = 0, 0.0
    for t, offsets in clocks:
        ends, starts = offsets[1:], offsets[:-1]
        filled = ends > starts
        n_steps += int(offsets[-1] - offsets[0] - filled.sum())
        with np.errstate(invalid="ignore"):
            duration += float((t[ends[filled] - 1] - t[starts[filled]]).sum())
    if n_steps < ENOUGH_STEPS or not duration > 0 or _possible(n_steps / duration):
        return 1.0
    return _factor(n_steps / duration, 1.0 / _median_step(clocks), counts)


def plausible_times(t: Floats | None, offsets: Ints, counts: Counter[str]) -> Floats | None:
    """Return times ``(n,)`` in the unit that their rate shows them to be in; None where they are given up."""
    factor = None if t is None else clock_factor([Clock(t, offsets)], counts)
    if t is None or factor is None:
        return None
    return t if factor == 1.0 else t * factor


def plausible_scale(per_mm: float | None, extent: float, n_strokes: int, counts: Counter[str]) -> float | None:
    """Return units a millimetre; None where ink of that extent, in units, would be smaller or larger than any page."""
    if per_mm is None or not extent > 0 or scale_fits(per_mm, extent, n_strokes):
        return per_mm
    counts["scale-implausible"] += 1
    return None


def scale_fits(per_mm: float, extent: float, n_strokes: int) -> bool:
    """Say whether ink of that extent, in units, is 1 mm to 2 m large."""
    least = LEAST_MM if n_strokes > 1 else LEAST_DOT_MM
    return least <= extent / per_mm <= MOST_MM


def extent_of(xy: Floats) -> float:
    """Return the larger side of the box around the finite points of ``xy`` ``(n, 2)``; 0 where there is none."""
    sound = xy[np.isfinite(xy).all(axis=1)]
    return float(np.ptp(sound, axis=0).max()) if len(sound) else 0.0


def possible_angle(name: str, values: Floats) -> bool:
    """Say whether the values of a channel ``(n,)``, in degrees, can be those of a pen; True for what is no angle."""
    limit = 90.0 if name in _QUARTER else 360.0 if name in _FULL_CIRCLE else None
    return limit is None or not len(values) or bool(np.nanmax(np.abs(values)) <= limit)


def _median_step(clocks: Sequence[Clock]) -> float:
    steps = []
    for t, offsets in clocks:
        within = np.ones(len(t), np.bool_)
        within[offsets[:-1][offsets[:-1] < len(t)]] = False
        steps.append(np.diff(t, prepend=t[:1])[within])
    every = np.concatenate(steps)
    rising = every[every > 0]
    return float(np.median(rising)) if len(rising) else float("inf")


def _possible(rate_hz: float) -> bool:
    """Say whether a pen can be sampled so often; sums of decimal steps are not exact."""
    return MIN_RATE_HZ * (1 - _ROUNDING) <= rate_hz <= MAX_RATE_HZ * (1 + _ROUNDING)


def _factor(mean_hz: float, median_hz: float, counts: Counter[str]) -> float | None:
    slow = max(mean_hz, median_hz) < MIN_RATE_HZ
    if _possible(mean_hz) or _possible(median_hz) or slow != (min(mean_hz, median_hz) < MIN_RATE_HZ):
        return 1.0
    for factor in _UNITS:
        if _possible(median_hz / factor):
            counts["time-unit-mended"] += 1
            return factor
    if slow and median_hz >= SLOWEST_HZ:
        counts["rate-low"] += 1
        return 1.0
    counts["time-implausible"] += 1
    return None
