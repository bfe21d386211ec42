"""Group the strokes of a page into its lines, where the number of lines is known and nothing else is.

Two things are known of handwriting on a page: the strokes of a line lie near one height, and they follow one another in
time, except for dots and corrections added later. So a line's height is estimated first, and then each stroke is
assigned to a line by the cheapest path through time (Viterbi), on which a stroke pays for its distance from its line
and a change of line costs something unless it leads to the next one.

A grouping is accepted only where the heights that it ends with are plausible lines: each below the one before, no two
much closer and none much further apart than usual. A page with a word left out, written twice, or two on one line
cannot be grouped into the expected number of lines without breaking this.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.geometry import stroke_lengths
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel

MAX_STROKES = 2000
MAX_LINES = 100
NEXT_LINE = 0.2
"""What going on to the next line costs: the price of one stroke of middling length lying 0.2 line pitches off."""
OTHER_LINE = 1.0
"""What any other change of line costs."""
CLOSEST, FURTHEST = 0.4, 1.8
"""Neighbouring lines are no closer and no further apart than this, in multiples of the median line pitch."""


class Grouping(NamedTuple):
    """The line of each stroke ``(s,)``, from 0 at the top, and why it is not to be trusted; empty where it is."""

    lines: Ints
    objection: str


def group_lines(ink: Ink, n_lines: int) -> Grouping:
    """Return which of ``n_lines`` lines each stroke of a page belongs to, strokes in the order of writing.

    Args:
        ink: a page; y downwards, lines roughly horizontal and written from the top down.
        n_lines: how many there are.
    """
    nothing = np.zeros(ink.n_strokes, np.int64)
    if not 1 <= n_lines <= min(ink.n_strokes, MAX_LINES):
        return Grouping(nothing, "there are fewer strokes than lines")
    if ink.n_strokes > MAX_STROKES:
        return Grouping(nothing, f"there are more than {MAX_STROKES} strokes")
    if n_lines == 1:
        return Grouping(nothing, "")
    heights, weights = _heights(ink)
    candidates = [
        _refined(heights, weights, start)
        for start in (
            _centres(heights, weights, n_lines),
            _centres(*_sorted_by_first(heights, weights), n_lines),
        )
    ]
    return min(candidates, key=lambda found: (bool(found[0].objection), found[1]))[0]


def _heights(ink: Ink) -> tuple[Floats, Floats]:
    """Return each stroke's mean height along its path and its weight, the root of its length (1 for the median)."""
    y = ink.xy[:, 1].astype(np.float64)
    step = np.hypot(*np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1].astype(np.float64)).T)
    step[ink.offsets[:-1]] = 0.0
    middle = (y + np.concatenate([y[:1], y[:-1]])) / 2
    lengths = stroke_lengths(ink)
    starts = ink.offsets[:-1]
    along = np.add.reduceat(middle * step, starts)
    plain = np.add.reduceat(y, starts) / np.diff(ink.offsets)
    heights = np.where(lengths > 0, along / np.where(lengths > 0, lengths, 1.0), plain)
    usual = float(np.median(lengths))
    weights = np.sqrt(lengths + 0.1 * usual) if usual > 0 else np.ones(len(lengths))
    return heights, weights / np.median(weights)


def _sorted_by_first(heights: Floats, weights: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(heights, kind="stable")
    return heights[order], weights[order]


def _refined(heights: Floats, weights: Floats, centres: Floats) -> tuple[Grouping, float]:
    """Return the assignment to lines near ``centres``, which follow the strokes assigned to them, and its cost."""
    lines, cost = np.zeros(len(heights), np.int64), np.inf
    centres = np.sort(centres)
    for _ in range(6):
        pitch = float(np.median(np.diff(centres)))
        if pitch <= 0:
            return Grouping(lines, "lines lie at the same height"), np.inf
        previous = lines
        lines, cost = _assign(heights, weights, centres, pitch)
        if len(np.unique(lines)) < len(centres):
            return Grouping(lines, "a line would be left without a stroke"), cost
        centres = np.array([_weighted_median(heights[lines == k], weights[lines == k]) for k in range(len(centres))])
        if np.array_equal(previous, lines):
            break
    return Grouping(lines, _objection(centres)), cost


def _objection(centres: Floats) -> str:
    step = np.diff(centres)
    pitch = np.median(step)
    if (step <= 0).any():
        return "a line would lie above the one before it"
    if (step < CLOSEST * pitch).any():
        return "two lines would lie too close together"
    return "two lines would lie too far apart" if (step > FURTHEST * pitch).any() else ""


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    place = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order[min(int(place), len(order) - 1)]])


@kernel
def _centres(heights: Floats, weights: Floats, n_lines: int) -> Floats:
    """Cut the sequence into runs of least weighted variance (dynamic programming) and return their means."""
    n = len(heights)
    sums = np.zeros((3, n + 1))
    for i in range(n):
        sums[0, i + 1] = sums[0, i] + weights[i]
        sums[1, i + 1] = sums[1, i] + weights[i] * heights[i]
        sums[2, i + 1] = sums[2, i] + weights[i] * heights[i] ** 2
    best = np.full((n_lines + 1, n + 1), np.inf)
    cut = np.zeros((n_lines + 1, n + 1), np.int64)
    best[0, 0] = 0.0
    for k in range(1, n_lines + 1):
        for j in range(k, n + 1):
            for i in range(k - 1, j):
                weight = sums[0, j] - sums[0, i]
                mean = (sums[1, j] - sums[1, i]) / weight
                cost = best[k - 1, i] + sums[2, j] - sums[2, i] - weight * mean * mean
                if cost < best[k, j]:
                    best[k, j], cut[k, j] = cost, i
    centres = np.empty(n_lines)
    end = n
    for k in range(n_lines, 0, -1):
        start = cut[k, end]
        centres[k - 1] = (sums[1, end] - sums[1, start]) / (sums[0, end] - sums[0, start])
        end = start
    return centres


@kernel
def _assign(heights: Floats, weights: Floats, centres: Floats, pitch: float) -> tuple[Ints, float]:
    """Return the line of each stroke on the cheapest path through time, and its cost."""
    n, m = len(heights), len(centres)
    came = np.zeros((n, m), np.int64)
    cost = np.empty(m)
    for k in range(m):
        cost[k] = weights[0] * abs(heights[0] - centres[k]) / pitch + (OTHER_LINE if k else 0.0)
    for i in range(1, n):
        new = np.empty(m)
        for k in range(m):
            new[k] = np.inf
            for j in range(m):
                through = cost[j] + (0.0 if j == k else (NEXT_LINE if k == j + 1 else OTHER_LINE))
                if through < new[k]:
                    new[k], came[i, k] = through, j
            new[k] += weights[i] * abs(heights[i] - centres[k]) / pitch
        cost = new
    lines = np.zeros(n, np.int64)
    lines[n - 1] = np.argmin(cost)
    for i in range(n - 1, 0, -1):
        lines[i - 1] = came[i, lines[i]]
    return lines, cost.min()


def select_strokes(ink: Ink, chosen: Bools) -> Ink:
    """Return the strokes for which ``chosen`` ``(s,)`` is true, in their order and with their times."""
    lengths = np.diff(ink.offsets)
    points = np.repeat(chosen, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths[chosen])])
    return ink.with_points(ink.xy[points], offsets, ((name, values[points]) for name, values in ink.channels()))
