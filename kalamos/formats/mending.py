"""Mend what real files get wrong, by one stated rule for each irregularity, each counted under a stable name.

A reader hands over what a file says, and gets a valid :class:`~kalamos.ink.Ink`. The rules, in the order in which they
are applied (the names are those of ``UnitReport.mendings`` and never change):

``channel-not-finite``
    A channel (time, pressure, tilt ...) without one finite value says nothing: it is left out.
``point-not-finite``
    A point of which x, y or a remaining channel is NaN, infinite or beyond 1e15 in size is dropped.
``stroke-empty``
    A stroke without points, in the file or after the rule above, is dropped.
``time-constant``
    Times that rise above all earlier ones at fewer than a tenth of the steps within strokes are no recording (all 0;
    a value at the first and last point and 0 between them): the channel is left out. An ink of one-point strokes keeps
    its times where any two differ; a single point keeps its own.
``time-backwards``
    A time below an earlier one *within a stroke* is raised to it (running maximum); counted by the point.
``point-duplicate``
    A point at the same place and the same time as the one before it in its stroke is dropped. Without times nothing
    is dropped: a place said twice may be a pen at rest.
``clock-restart``
    A stroke that begins before the end of the one before it comes from a clock that was set back: it and all that
    follow are shifted so that it begins one mean sampling step after that end. Steps within the strokes stay.
``pressure-own-maximum``
    Pressure outside 0..1 is divided by the maximum that the format or the file declares (``pressure_max``; that is
    reading, not mending). Where none is declared, it is divided by its own maximum and this is counted.
``pressure-clipped``
    Pressure that is still outside 0..1 is clipped; counted by the point.
``channel-filled``
    A channel that some strokes of an ink lack, and at least half of its points have, is kept; the strokes that lack it
    get its median. Counted by the stroke.
``channel-in-few-strokes``
    A channel that fewer points have is left out.
``angle-implausible``
    Tilts beyond 90 degrees are no tilts, see :mod:`kalamos.formats.plausibility`: the channel is left out.

What is sound and left out on purpose is counted as well: ``left-out-word`` (delineated words of a file of which only
the characters are taken), ``left-out-text`` (typed text) and the like.

No rule invents a channel: times and pressures that are not in the file stay absent.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kalamos.errors import InkError
from kalamos.formats.plausibility import possible_angle
from kalamos.ink import Ink, locked, unchecked_ink
from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints, Ints32
from kalamos.machinery.kernels import inner, kernel

RULES: tuple[str, ...] = (
    "channel-not-finite",
    "point-not-finite",
    "stroke-empty",
    "time-constant",
    "time-backwards",
    "point-duplicate",
    "clock-restart",
    "pressure-own-maximum",
    "pressure-clipped",
)
"""The names of the rules, in the order in which they are applied."""

LIMIT = 1e15
"""No coordinate, time or channel value is larger: squares and differences stay finite in float32 and float64."""

MIN_RISES = 0.1
"""A clock advances at one step in ten at least: ticks of 50 ms at 200 points a second do."""

_POINT_US = 8.0  # what a point costs in plain Python

Channels = Mapping[str, ArrayLike]


class Span(NamedTuple):
    """How many strokes and points a part of an ink has."""

    strokes: int
    points: int


def fill_channel(parts: Sequence[Floats | None], spans: Sequence[Span], counts: Counter[str]) -> Floats | None:
    """Return a channel of which parts of an ink have their values ``(n,)`` and the others None, made whole.

    None where no part has it, or too few points have.
    """
    given = [part for part in parts if part is not None]
    if len(given) == len(parts):
        return np.concatenate(given) if given else None
    known, whole = sum(map(len, given)), sum(span.points for span in spans)
    if not known or 2 * known < whole:
        counts["channel-in-few-strokes"] += bool(given)
        return None
    neutral = float(np.nanmedian(np.concatenate(given)))
    counts["channel-filled"] += sum(span.strokes for part, span in zip(parts, spans, strict=True) if part is None)
    filled = [np.full(span.points, neutral) if part is None else part for part, span in zip(parts, spans, strict=True)]
    return np.concatenate(filled)


def mend(
    strokes: Sequence[ArrayLike],
    t: Sequence[ArrayLike] | None = None,
    pressure: Sequence[ArrayLike] | None = None,
    extra: Mapping[str, Sequence[ArrayLike]] | None = None,
    *,
    counts: Counter[str],
    pressure_max: float | None = None,
) -> Ink:
    """Return a valid ink from one array a stroke: ``(k, 2)`` positions and ``(k,)`` values of each channel.

    Args:
        strokes: positions, y downwards; strokes may be empty.
        t: times in seconds.
        pressure: 0..1, or 0..``pressure_max``.
        extra: further channels by name.
        counts: rule -> how often it mended something; added to.
        pressure_max: the declared maximum of the pressure.

    Raises:
        InkError: where a channel's length differs from that of its stroke.
    """
    parts = [np.asarray(stroke, np.float64).reshape(-1, 2) for stroke in strokes]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return mend_flat(
        np.concatenate(parts) if parts else np.empty((0, 2)),
        offsets,
        None if t is None else _flat("t", t, parts),
        None if pressure is None else _flat("pressure", pressure, parts),
        {name: _flat(name, values, parts) for name, values in (extra or {}).items()},
        counts=counts,
        pressure_max=pressure_max,
    )


def mend_flat(
    xy: ArrayLike,
    offsets: ArrayLike,
    t: ArrayLike | None = None,
    pressure: ArrayLike | None = None,
    extra: Channels | None = None,
    *,
    counts: Counter[str],
    pressure_max: float | None = None,
) -> Ink:
    """Return a valid ink from flat arrays: ``xy`` ``(n, 2)``, ``offsets`` ``(s + 1,)`` and ``(n,)`` for each channel.

    Arguments and errors are those of :func:`mend`; stroke k is ``offsets[k]:offsets[k + 1]`` and may be empty.
    """
    with np.errstate(over="ignore"):
        # in the precision of the ink, so that what is one place there is one place here
        places = np.asarray(xy, np.float32).astype(np.float64).reshape(-1, 2)
    bounds = _checked_offsets(offsets, len(places))
    channels = {"t": t, "pressure": pressure, **(extra or {})}
    known = _known_channels(channels, len(places), counts)
    times = known.pop("t", None)
    rest = np.stack(list(known.values()), axis=1) if known else np.empty((len(places), 0))
    mended_t = np.empty(0) if times is None else times.copy()
    sweep = _SWEEP.for_work(_POINT_US * len(places))
    keep, ends, tally = sweep(places, bounds, mended_t, rest)
    for rule, count in zip(RULES[1:7], tally.tolist(), strict=True):
        if count:
            counts[rule] += count
    if len(keep) != int(keep.sum()):
        places, mended_t, rest = places[keep], mended_t[keep] if len(mended_t) else mended_t, rest[keep]
    columns = {name: rest[:, k] for k, name in enumerate(known)}
    force = columns.pop("pressure", None)
    return Ink(
        places.astype(np.float32),
        ends.astype(np.int32),
        mended_t if times is not None and not tally[2] else None,
        None if force is None else _unit_pressure(force, pressure_max, counts),
        {name: column.astype(np.float32) for name, column in columns.items()},
    )


def mend_many(
    xy: Floats,
    offsets: Ints,
    inks: Ints,
    t: Floats | None = None,
    channels: Mapping[str, Floats] | None = None,
    *,
    counts: Counter[str],
    pressure_max: float | None = None,
) -> list[Ink]:
    """Return what :func:`mend_flat` gives for each of many inks that lie one after another, in one pass over all.

    Ink i is the strokes ``inks[i]:inks[i + 1]``, stroke k the points ``offsets[k]:offsets[k + 1]``; ``channels`` holds
    ``pressure`` and the further ones. Most inks of a corpus lose nothing: they are cut out of the mended arrays. The
    others, of which points, strokes or channels are dropped, are mended one by one.
    """
    with np.errstate(over="ignore"):
        places = xy.astype(np.float32)
    channels = channels or {}
    rest = np.stack(list(channels.values()), axis=1) if channels else np.empty((len(places), 0))
    times = np.empty(0) if t is None else t.copy()
    sweep = _sweep_many.for_work(_POINT_US * len(places))
    whole, tallies = sweep(places.astype(np.float64), offsets, inks, times, rest)
    for rule, count in zip(RULES[1:7], tallies.tolist(), strict=True):
        if count:
            counts[rule] += count
    places.flags.writeable = False
    times.flags.writeable = False
    narrow = {name: locked(values, np.float32) for name, values in channels.items() if name != "pressure"}
    pressures = _unit_pressures(channels.get("pressure"), offsets[inks], whole, pressure_max, counts)
    own, own_first = _own_offsets(offsets, inks)
    bounds, firsts = offsets[inks].tolist(), own_first.tolist()
    made = []
    for i, sound in enumerate(whole.tolist()):
        a, b = bounds[i], bounds[i + 1]
        strokes = own[firsts[i] : firsts[i + 1]]
        if sound:
            clock, extra = None if t is None else times[a:b], {name: values[a:b] for name, values in narrow.items()}
            made.append(unchecked_ink(places[a:b], strokes, clock, pressures[i] if pressures else None, extra))
            continue
        cut = {name: values[a:b] for name, values in channels.items()}
        own_force, clock = cut.pop("pressure", None), None if t is None else t[a:b]
        made.append(mend_flat(xy[a:b], strokes, clock, own_force, cut, counts=counts, pressure_max=pressure_max))
    return made


def _own_offsets(offsets: Ints, inks: Ints) -> tuple[Ints32, Ints]:
    """Return the offsets of every ink, counted from its own first point, end to end, and where those of each begin."""
    lengths = np.diff(inks) + 1
    firsts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=firsts[1:])
    places = np.arange(firsts[-1]) - np.repeat(firsts[:-1] - inks[:-1], lengths)
    return locked(offsets[places] - np.repeat(offsets[inks[:-1]], lengths), np.int32), firsts


def _unit_pressures(
    force: Floats | None,
    bounds: Ints,
    whole: Bools,
    declared: float | None,
    counts: Counter[str],
) -> list[Floats32 | None]:
    """Return the pressure of each ink that lost nothing, None for the others; an empty list where there is none."""
    if force is None:
        return []
    if declared is None or declared <= 0:
        spans = zip(whole.tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        return [
            locked(_unit_pressure(force[a:b], None, counts), np.float32) if sound else None for sound, a, b in spans
        ]
    share = force / declared
    outside = int((((share < 0) | (share > 1)) & np.repeat(whole, np.diff(bounds))).sum())
    if outside:
        counts["pressure-clipped"] += outside
    unit = locked(share.clip(0, 1), np.float32)
    return [unit[a:b] for a, b in itertools.pairwise(bounds.tolist())]


def _flat(name: str, values: Sequence[ArrayLike], parts: Sequence[NDArray[Any]]) -> Floats:
    flat = [np.asarray(part, np.float64).reshape(-1) for part in values]
    if [len(part) for part in flat] != [len(part) for part in parts]:
        raise InkError(f"channel {name} has not one value for each point of each stroke")
    return np.concatenate(flat) if flat else np.empty(0)


def _checked_offsets(offsets: ArrayLike, n: int) -> Ints:
    bounds = np.ascontiguousarray(offsets, np.int64).reshape(-1)
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != n or (bounds[1:] < bounds[:-1]).any():
        raise InkError(f"offsets run from 0 to the number of points, {n}, and never back; got {bounds[:9].tolist()}")
    return bounds


def _known_channels(channels: Mapping[str, ArrayLike | None], n: int, counts: Counter[str]) -> dict[str, Floats]:
    known: dict[str, Floats] = {}
    for name, given in channels.items():
        if given is None:
            continue
        values = np.ascontiguousarray(given, np.float64).reshape(-1)
        if len(values) != n:
            raise InkError(f"channel {name} needs one value for each of the {n} points; got {len(values)}")
        if n and not (np.abs(values) <= LIMIT).any():
            counts["channel-not-finite"] += 1
        elif not possible_angle(name, values):
            counts["angle-implausible"] += 1
        else:
            known[name] = values
    return known


def _unit_pressure(force: Floats, declared: float | None, counts: Counter[str]) -> Floats32:
    if declared is not None and declared > 0:
        force = force / declared
    elif len(force) and force.max() > 1:
        counts["pressure-own-maximum"] += 1
        force = force / force.max()
    outside = int(((force < 0) | (force > 1)).sum())
    if outside:
        counts["pressure-clipped"] += outside
        force = force.clip(0, 1)
    return force.astype(np.float32)


@inner
def _sweep(xy: Floats, offsets: Ints, t: Floats, rest: Floats) -> tuple[Bools, Ints, Ints]:
    """Mark the points to keep, mend ``t`` in place, return (keep, new offsets, counts of ``RULES[1:7]``)."""
    tally = np.zeros(6, np.int64)
    keep = _sound_points(xy, t, rest, tally)
    has_time = len(t) > 0 and _time_advances(offsets, keep, t)
    tally[2] = len(t) > 0 and not has_time
    ends = np.zeros(len(offsets), np.int64)
    n_strokes, n_points = 0, 0
    steps, n_steps = 0.0, 0
    for k in range(len(offsets) - 1):
        last = -1
        for i in range(offsets[k], offsets[k + 1]):
            if not keep[i]:
                continue
            if has_time and last >= 0:
                if t[i] < t[last]:
                    t[i] = t[last]
                    tally[3] += 1
                if t[i] == t[last] and xy[i, 0] == xy[last, 0] and xy[i, 1] == xy[last, 1]:
                    keep[i] = False
                    tally[4] += 1
                    continue
                steps += t[i] - t[last]
                n_steps += 1
            last = i
            n_points += 1
        if last < 0:
            tally[1] += 1
        else:
            n_strokes += 1
            ends[n_strokes] = n_points
    if has_time:
        tally[5] = _shift_restarts(offsets, keep, t, steps / n_steps if n_steps else 0.0)
    return keep, ends[: n_strokes + 1], tally


_SWEEP = kernel(_sweep)


@kernel
def _sweep_many(
    xy: Floats,
    offsets: Ints,
    inks: Ints,
    t: Floats,
    rest: Floats,
) -> tuple[Bools, Ints]:
    """Sweep each ink; return which lost nothing, and the counts of ``RULES[1:7]`` of these. Mends their ``t``."""
    whole = np.ones(len(inks) - 1, np.bool_)
    tallies = np.zeros(6, np.int64)
    for i in range(len(inks) - 1):
        strokes = offsets[inks[i] : inks[i + 1] + 1]
        a, b = strokes[0], strokes[-1]
        clock = t[a:b] if len(t) else t
        _, _, tally = _sweep(xy[a:b], strokes - a, clock, rest[a:b])
        whole[i] = b > a and tally[0] + tally[1] + tally[2] + tally[4] == 0
        if whole[i]:
            tallies += tally
    return whole, tallies


@inner
def _sound_points(xy: Floats, t: Floats, rest: Floats, tally: Ints) -> Bools:
    """Return which points are finite in every channel, and count the others in ``tally[0]``."""
    keep = np.ones(len(xy), np.bool_)
    for i in range(len(xy)):
        good = abs(xy[i, 0]) <= LIMIT and abs(xy[i, 1]) <= LIMIT and (len(t) == 0 or abs(t[i]) <= LIMIT)
        for c in range(rest.shape[1]):
            good = good and abs(rest[i, c]) <= LIMIT
        if not good:
            keep[i] = False
            tally[0] += 1
    return keep


@inner
def _time_advances(offsets: Ints, keep: Bools, t: Floats) -> bool:
    """Say whether times rise at a tenth of the steps within strokes or, where no stroke has two points, at all."""
    points, steps, rises, origin, differs = 0, 0, 0, 0.0, False
    for k in range(len(offsets) - 1):
        length, top = 0, 0.0
        for i in range(offsets[k], offsets[k + 1]):
            if not keep[i]:
                continue
            if points == 0:
                origin = t[i]
            differs = differs or t[i] != origin
            if length:
                steps += 1
                rises += t[i] > top
            top = max(top, t[i]) if length else t[i]
            length += 1
            points += 1
    return 0 < rises >= MIN_RISES * steps or (steps == 0 and (points <= 1 or differs))


@inner
def _shift_restarts(offsets: Ints, keep: Bools, t: Floats, step: float) -> int:
    """Shift strokes that begin before the end of the one before, and all after them; return how many."""
    restarts, shift, end, begun = 0, 0.0, 0.0, False
    for k in range(len(offsets) - 1):
        starts = True
        for i in range(offsets[k], offsets[k + 1]):
            if not keep[i]:
                continue
            if starts and begun and t[i] + shift < end:
                restarts += 1
                shift = end + step - t[i]
            # the sum may round below the end by a unit in the last place
            t[i] = max(t[i] + shift, end) if begun else t[i]
            starts, begun, end = False, True, t[i]
    return restarts
