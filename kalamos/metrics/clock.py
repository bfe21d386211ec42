"""The clock, the pauses and the width, each apart from the order: told where the answer goes right, and nowhere else.

Order errors drown a comparison of speed profiles bin by bin: after one stroke in the wrong place everything differs.
So the clocks are compared along the **true path**, at the samples that ``lcss`` matches. Times are relative, so only
shares are compared: of the time that the pen is down on the matched parts, how much has gone by at each place.

These are reported and never ranked: an answer that leaves the hard parts out is asked less.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.metrics.lcss import answer_samples, matched, true_samples
from kalamos.metrics.metric import Metric, Need
from kalamos.metrics.pair import Pair, Reference
from kalamos.metrics.samples import Samples
from kalamos.metrics.velocity import pearson

FEWEST_STEPS = 8
"""Matched steps below which a clock cannot be told from a wrong one: the worst value."""
LONGEST_STEP = 3
WORST_CLOCK = 0.5
_TIMES: frozenset[Need] = frozenset({"truth_time", "recovered_time"})


class Steps(NamedTuple):
    """Steps of the path that both inks take: from a matched pair of samples to the next, within one stroke of each.

    Attributes:
        true: index of the first and last true sample of each, ``(k, 2)``.
        answer: the same of the answer's samples.
    """

    true: Ints
    answer: Ints


def common_steps(pair: Pair) -> Steps:
    """Return the steps of at most three samples that both paths have."""
    path = pair.view(matched)
    true, answer = np.stack([path[:-1], path[1:]], axis=2).transpose(2, 0, 1).transpose(2, 1, 0)
    both: Bools = np.ones(len(true), bool)
    for ends, samples in ((true, pair.reference.view(true_samples)), (answer, pair.view(answer_samples))):
        both &= samples.stroke[ends[:, 0]] == samples.stroke[ends[:, 1]]
        both &= ends[:, 1] - ends[:, 0] <= LONGEST_STEP
    return Steps(true[both], answer[both])


def clock_error(pair: Pair) -> float:
    """Return the mean difference of the two clocks along the common path, as a share of the time spent on it.

    0: the pen is fast and slow where the writer's was. 0.5 is given where fewer than eight steps are common.
    """
    steps = pair.view(common_steps)
    if len(steps.true) < FEWEST_STEPS:
        return WORST_CLOCK
    true = _shares(pair.reference.view(_true_times), steps.true)
    answer = _shares(_sample_times(pair.recovered, pair.view(answer_samples)), steps.answer)
    return float(np.abs(true - answer).mean())


def pause_error(pair: Pair) -> float:
    """Return how far the pauses between strokes are off, 0 (all right) to 1 (none to be compared).

    A pause counts in units of the ink's pen-down time. It is compared where the partners of both its strokes follow
    each other: ``|p - q| / max(p, q)``. A pause that the answer does not have counts 1.
    """
    pauses, answers = pair.reference.view(_true_pauses), _pauses(pair.recovered)
    partner = np.full(pair.truth.n_strokes, -2, np.int64)
    partner[pair.matching.truth] = pair.matching.recovered
    follows = (partner[1:] == partner[:-1] + 1) & (partner[:-1] >= 0)
    errors = np.ones(len(pauses))
    given = answers[partner[:-1][follows]]
    largest = np.maximum(pauses[follows], given)
    errors[follows] = np.where(largest > 0, np.abs(pauses[follows] - given) / np.where(largest > 0, largest, 1.0), 0.0)
    return float(errors[pauses > 0].mean())


def pressure_correlation(pair: Pair) -> float:
    """Return Pearson's r of the recorded pressure and the answer's, at the samples that ``lcss`` matches."""
    return _correlation(pair, pair.recovered.pressure)


def width_correlation(pair: Pair) -> float:
    """Return Pearson's r of the recorded pressure and the width that the answer says (its channel ``width``)."""
    return _correlation(pair, pair.recovered.extra.get("width"))


def _correlation(pair: Pair, channel: Floats32 | None) -> float:
    path = pair.view(matched)
    if channel is None or len(path) < FEWEST_STEPS:
        return 0.0
    true = pair.reference.view(_true_pressure)[path[:, 0]]
    answer = at_samples(pair.recovered, pair.view(answer_samples), channel.astype(np.float64))
    return pearson(true, answer[path[:, 1]])


def at_samples(ink: Ink, samples: Samples, values: Floats) -> Floats:
    """Return a channel ``(points,)`` of an ink at its samples, interpolated along the path, ``(n,)``."""
    along = geometry.walked(ink) + np.repeat(np.arange(ink.n_strokes), np.diff(ink.offsets))
    found: Floats = np.interp(samples.where + samples.stroke, along, values)
    return found


def _sample_times(ink: Ink, samples: Samples) -> Floats:
    assert ink.t is not None  # noqa: S101 - for the type checker: the rows say that times are needed
    return at_samples(ink, samples, ink.t)


def _true_times(reference: Reference) -> Floats:
    return _sample_times(reference.truth, reference.view(true_samples))


def _true_pressure(reference: Reference) -> Floats:
    assert reference.truth.pressure is not None  # noqa: S101 - for the type checker: only then does the metric apply
    return at_samples(reference.truth, reference.view(true_samples), reference.truth.pressure.astype(np.float64))


def _shares(times: Floats, steps: Ints) -> Floats:
    """Return the share of the steps' time that is over after each; even shares where they take none."""
    spent = times[steps[:, 1]] - times[steps[:, 0]]
    total = float(spent.sum())
    shares: Floats = np.cumsum(spent / total if total > 0 else np.full(len(spent), 1.0 / len(spent)))
    return shares


def _pauses(ink: Ink) -> Floats:
    """Return the pauses between strokes over the pen-down time, ``(s - 1,)``; seconds where the pen is never down."""
    assert ink.t is not None  # noqa: S101 - for the type checker: the rows say that times are needed
    gaps: Floats = ink.t[ink.offsets[1:-1]] - ink.t[ink.offsets[1:-1] - 1]
    down = float(geometry.stroke_durations(ink).sum())
    return gaps / down if down > 0 else gaps


def _true_pauses(reference: Reference) -> Floats:
    return _pauses(reference.truth)


def _has_pauses(reference: Reference) -> bool:
    down = geometry.stroke_durations(reference.truth).sum()
    return bool(down > 0) and bool((reference.view(_true_pauses) > 0).any())


def _has_length(reference: Reference) -> bool:
    return len(reference.view(true_samples).xy) > 2 * FEWEST_STEPS and _down_times(reference)


def _down_times(reference: Reference) -> bool:
    return float(geometry.stroke_durations(reference.truth).sum()) > 0


def _pressed(reference: Reference) -> bool:
    pressure = reference.truth.pressure
    return pressure is not None and len(reference.view(true_samples).xy) > 2 * FEWEST_STEPS and _varies(reference)


def _varies(reference: Reference) -> bool:
    return float(np.ptp(reference.view(_true_pressure))) > 0.01


METRICS = (
    Metric(
        "clock_error",
        clock_error,
        "",
        "lower",
        lambda reference: WORST_CLOCK,
        "mean",
        "velocity",
        "mean |share of the time gone by, truth - recovered| along the steps that lcss matches",
        "Kalamos: the clock where the answer goes right",
        _TIMES,
        _has_length,
    ),
    Metric(
        "pause_error",
        pause_error,
        "",
        "lower",
        lambda reference: 1.0,
        "mean",
        "velocity",
        "mean over true pauses of |p - q| / max(p, q), in units of the pen-down time; 1 where the answer has none",
        "Kalamos",
        _TIMES,
        _has_pauses,
    ),
    Metric(
        "pressure_correlation",
        pressure_correlation,
        "",
        "higher",
        lambda reference: -1.0,
        "mean",
        "width",
        "Pearson r of recorded and recovered pressure at the samples that lcss matches",
        "Kalamos",
        frozenset({"recovered_pressure"}),
        _pressed,
    ),
    Metric(
        "width_correlation",
        width_correlation,
        "",
        "higher",
        lambda reference: -1.0,
        "mean",
        "width",
        "Pearson r of recorded pressure and recovered stroke width at the samples that lcss matches",
        "Kalamos; only its sign and order mean something, since no corpus records a width",
        frozenset({"recovered_width"}),
        _pressed,
    ),
)
