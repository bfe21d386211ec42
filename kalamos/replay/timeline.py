"""When a replay shows each point of an ink, and in which colour.

A replay keeps the ink's relative speed: its times are shifted and stretched by one factor; only pen-up pauses are
shortened, to a stated maximum. An ink without times is drawn at constant speed, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.ndimage import gaussian_filter1d

from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats

ColourBy = Literal["time", "stroke", "speed"]

MAX_PAUSE_S = 0.6
_SHORTEST_S, _LONGEST_S = 1.5, 10.0
_TIME_LEVELS, _SPEED_LEVELS = 32, 12
_TURNS = (0.0, 0.9, -0.9, 1.8, -1.8, 2.6, -2.6)
_RAMP = ((36, 44, 150), (106, 32, 168), (176, 42, 143), (222, 80, 88), (240, 130, 40))
_PALETTE = ("#1f5fbf", "#d1495b", "#1a936f", "#8e4fb5", "#e07a1f", "#0b8ca6", "#a63d6b", "#5c7a1f")


class SpeedCurve(NamedTuple):
    """Pen speed against screen time: ``at_s`` and ``speed``, ``(m,)`` each; NaN where the pen is up."""

    at_s: Floats
    speed: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The plan of a replay.

    Attributes:
        shown_s: float64 ``(n,)``, the second on screen at which the pen reaches each point.
        duration_s: when the last point is reached.
        speed: float64 ``(n,)``, pen speed in the ink's units a second; None where the ink has no times.
        note: one line that says how screen time relates to the ink's own.
    """

    shown_s: Floats
    duration_s: float
    speed: Floats | None
    note: str


class Run(NamedTuple):
    """Neighbouring points of one stroke in one colour: ``xy`` ``(k, 2)``, ``shown_s`` ``(k,)``, ``#rrggbb``."""

    xy: Floats
    shown_s: Floats
    colour: str


def plan(ink: Ink, duration_s: float | None = None, max_pause_s: float = MAX_PAUSE_S) -> Timeline:
    """Plan a replay.

    Args:
        ink: what is to be shown.
        duration_s: seconds on screen; by default the ink's own duration, brought into 1.5 to 10 s.
        max_pause_s: the longest pen-up pause that is shown, in the ink's own seconds; longer ones are cut to it.

    Raises:
        KalamosError: where ``duration_s`` is not a positive number.
    """
    if duration_s is not None and not 0 < duration_s < np.inf:
        raise KalamosError(f"duration_s is a number of seconds above 0; got {duration_s}")
    if ink.n_points == 0:
        return Timeline(np.zeros(0), duration_s or _SHORTEST_S, None, "no ink")
    if ink.t is not None and ink.t[-1] > ink.t[0]:
        return _true_speed(ink, ink.t, duration_s, max_pause_s)
    return _constant_speed(ink, duration_s)


def speed_curve(ink: Ink, timeline: Timeline) -> SpeedCurve:
    """Return the pen's speed over the replay, for a chart; empty where the ink has no times."""
    if timeline.speed is None:
        return SpeedCurve(np.zeros(0), np.zeros(0))
    ends = ink.offsets[1:].astype(np.int64)
    at = np.insert(timeline.shown_s, ends, timeline.shown_s[ends - 1])
    return SpeedCurve(at, np.insert(timeline.speed, ends, np.nan))


def fastest(timeline: Timeline) -> float:
    """Return the speed that stands at the top of the scale: the 98th percentile, so that one slip does not set it."""
    if timeline.speed is None or not len(timeline.speed):
        return 1.0
    return float(np.percentile(timeline.speed, 98)) or 1.0


def coloured_runs(ink: Ink, timeline: Timeline, colour_by: ColourBy, longest_segment: float) -> list[list[Run]]:
    """Split every stroke into runs of one colour.

    Args:
        ink: the ink; its units are kept.
        timeline: from :func:`plan`.
        colour_by: what the colour says: ``"time"``, ``"stroke"`` or ``"speed"``.
        longest_segment: longer segments are divided, so that colour can change along them; in the ink's units.

    Raises:
        KalamosError: for another ``colour_by``, or ``"speed"`` where the ink has no times.
    """
    if colour_by not in get_args(ColourBy):
        raise KalamosError(f"colour an ink by one of {get_args(ColourBy)}, not by {colour_by!r}")
    if colour_by == "speed" and timeline.speed is None and ink.n_points:
        raise KalamosError("the ink has no times, so no speed; colour it by 'stroke' or 'time'")
    return [_stroke_runs(ink, timeline, colour_by, longest_segment, k) for k in range(ink.n_strokes)]


def number_places(runs: list[list[Run]], reach: float, low: Floats, high: Floats) -> Floats:
    """Return where to write each stroke's number, ``(s, 2)``: beside its start, away from where it goes.

    Where another number is in the way, the next of the directions around the start is taken.

    Args:
        runs: from :func:`coloured_runs`, where they are drawn.
        reach: distance from the start.
        low: least x and y ``(2,)``.
        high: greatest x and y ``(2,)``.
    """
    places = np.empty((len(runs), 2))
    for k, stroke in enumerate(runs):
        xy = np.concatenate([run.xy for run in stroke])
        far = np.linalg.norm(xy - xy[0], axis=1) >= reach
        ahead = xy[int(np.argmax(far)) if far.any() else -1] - xy[0]
        behind = np.arctan2(-ahead[1], -ahead[0]) if ahead.any() else np.pi / 4
        angles = behind + np.array(_TURNS)
        around = np.clip(xy[0] + reach * np.column_stack([np.cos(angles), np.sin(angles)]), low, high)
        gaps = np.linalg.norm(around[:, None] - places[None, :k], axis=2).min(axis=1, initial=np.inf)
        free = np.flatnonzero(gaps > 1.2 * reach)
        places[k] = around[free[0] if len(free) else int(np.argmax(gaps))]
    return places


def ramp(position: float) -> str:
    """Return the colour ``#rrggbb`` at 0 (start, slow) to 1 (end, fast) of the scale; dark enough for white paper."""
    stops = np.asarray(_RAMP, np.float64)
    at = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(at), len(stops) - 2)
    red, green, blue = np.rint(stops[low] + (at - low) * (stops[low + 1] - stops[low])).astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def stroke_colour(k: int) -> str:
    """Return the colour of stroke ``k``; they repeat after eight."""
    return _PALETTE[k % len(_PALETTE)]


def _true_speed(ink: Ink, t: Floats, duration_s: float | None, max_pause_s: float) -> Timeline:
    steps = np.diff(t, prepend=t[0])
    pauses = ink.offsets[1:-1]
    cut = bool((steps[pauses] > max_pause_s).any())
    steps[pauses] = np.minimum(steps[pauses], max_pause_s)
    own = np.cumsum(steps)
    if own[-1] <= 0:
        return _constant_speed(ink, duration_s)
    shown = float(duration_s or np.clip(own[-1], _SHORTEST_S, _LONGEST_S))
    factor = float(own[-1]) / shown
    note = "true speed" if abs(factor - 1) < 0.005 else f"{factor:.2g} × true speed"
    if cut:
        note += f", pauses cut to {max_pause_s:g} s"
    return Timeline(own / factor, shown, _speeds(ink, t), note)


def _constant_speed(ink: Ink, duration_s: float | None) -> Timeline:
    moves = np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1].astype(np.float64))
    steps = np.hypot(moves[:, 0], moves[:, 1])
    size = float(np.hypot(*np.ptp(ink.xy.astype(np.float64), axis=0))) or 1.0
    pauses = ink.offsets[1:-1]
    steps[pauses] = 0.4 * steps[pauses] + 0.05 * size
    total = float(steps.sum())
    shown = float(duration_s or np.clip(0.9 * total / size, _SHORTEST_S, _LONGEST_S))
    note = "constant speed: the ink has no times"
    return Timeline(np.cumsum(steps) * (shown / total if total > 0 else 0.0), shown, None, note)


def _speeds(ink: Ink, t: Floats) -> Floats:
    """Return the speed at each point ``(n,)``: path length over time, smoothed by a Gaussian of about 15 ms."""
    parts = [
        _stroke_speed(xy.astype(np.float64), t[a:b])
        for xy, a, b in zip(ink.strokes(), ink.offsets[:-1], ink.offsets[1:], strict=True)
    ]
    return np.concatenate(parts)


def _stroke_speed(xy: Floats, t: Floats) -> Floats:
    duration = t[-1] - t[0]
    if len(xy) < 2 or duration <= 0:
        return np.zeros(len(xy))
    path = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    grid = np.linspace(t[0], t[-1], int(np.clip(duration / 0.005, 8, 4 * len(t) + 8)))
    step = grid[1] - grid[0]
    speed = gaussian_filter1d(np.gradient(np.interp(grid, t, path), step), min(0.015 / step, 3.0), mode="nearest")
    at_points: Floats = np.interp(t, grid, speed)
    return at_points


def _stroke_runs(ink: Ink, timeline: Timeline, by: ColourBy, longest: float, k: int) -> list[Run]:
    a, b = ink.offsets[k : k + 2].tolist()
    xy, shown = ink.xy[a:b].astype(np.float64), timeline.shown_s[a:b]
    if by == "stroke" or b - a == 1:
        position = float(shown[0] / timeline.duration_s) if by == "time" else 0.0
        return [Run(xy, shown, stroke_colour(k) if by == "stroke" else ramp(position))]
    share, levels = shown / timeline.duration_s, _TIME_LEVELS
    if by == "speed" and timeline.speed is not None:
        share, levels = timeline.speed[a:b] / fastest(timeline), _SPEED_LEVELS
    at = _subdivided(xy, longest)
    index = np.arange(b - a)
    xy = np.stack([np.interp(at, index, xy[:, axis]) for axis in (0, 1)], axis=1)
    shown, share = np.interp(at, index, shown), np.interp(at, index, share)
    level = np.clip((share[:-1] + share[1:]) / 2 * levels, 0, levels - 1).astype(np.int64)
    cuts = np.flatnonzero(np.diff(level)) + 1
    starts, stops = [0, *cuts.tolist()], [*cuts.tolist(), len(level)]
    return [
        Run(xy[i : j + 1], shown[i : j + 1], ramp(level[i] / (levels - 1))) for i, j in zip(starts, stops, strict=True)
    ]


def _subdivided(xy: Floats, longest: float) -> Floats:
    """Return point indices, fractions included, so that no step is longer than ``longest``."""
    lengths = np.hypot(*np.diff(xy, axis=0).T)
    pieces = np.clip(np.ceil(lengths / longest), 1, 256).astype(np.int64)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    segment = np.repeat(np.arange(len(pieces)), pieces)
    return np.append(segment + (np.arange(len(first)) - first) / pieces[segment], len(xy) - 1.0)
