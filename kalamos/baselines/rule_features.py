"""What the rules of order and direction look at: numbers that describe strokes, pairs of strokes and pen-ups.

A **variant** is one way of drawing a stroke: an open stroke has two, forwards and backwards; a closed one sixteen,
eight places to begin in both directions. All lengths are in units of the ink's height (for a character or word: the
side of its box, see :func:`scale_of`), so that rules do not depend on resolution; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kalamos.baselines.walks import Lines
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel

SAMPLES = 33
CLOSED_STARTS = 8
DOT_SIZE = 0.12
"""A stroke whose box is smaller than this, in heights, counts as a dot."""

DRAWING = (
    "right",
    "down",
    "start_right",
    "start_down",
    "end_right",
    "end_down",
    "bend_3c",
    "bend_3s",
    "start_x",
    "start_y",
    "end_x",
    "end_y",
    "start_height",
    "end_height",
    "turning",
    "turning_early",
    "turning_late",
    "area",
    "hook_start",
    "start_touches",
    "end_touches",
    "bar_right",
    "stem_down",
    "closed_turning",
    "closed_start_x",
    "closed_start_y",
    "extra_bend",
)
"""Features of a variant; each has the opposite effect on its reverse, or says where it starts."""
GRID, COMPASS = 4, 4
FLOW = tuple(
    f"flow_{half}_{row}{column}_{way}"
    for half in ("early", "late")
    for row in range(GRID)
    for column in range(GRID)
    for way in ("e_w", "se_nw", "s_n", "sw_ne")
)
"""The field of directions: length drawn towards the first less towards the second of two opposite directions, in each
cell of a grid over the ink, in a stroke's first and second half."""
BEFORE = ("x", "y", "left", "top", "length", "bar", "dot", "right", "bottom")
"""Features of a pair of strokes, the later one's value less the earlier one's; ``bar``: how horizontal, 0..1."""
FIRST = ("first_x", "first_y", "last_x", "last_y")
LIFT = ("lift", "gap", "gap_left", "gap_down", "gap_up", "gap_far")
JOIN = ("join", "join_length", "join_bend", "join_bend_2", "join_head", "join_up", "join_down", "join_turn")
"""Features of a pen-up between two strokes, and of a join in its place, with or without a retraced piece."""


class Variants(NamedTuple):
    """All ways of drawing each of ``n`` strokes: ``v`` variants.

    Attributes:
        source: ``(v,)``, the line that is drawn.
        stroke: ``(v,)``, the stroke that the line belongs to.
        shift: ``(v,)``, sample at which a closed stroke begins, 0 for an open one.
        backwards: bool ``(v,)``.
        line: ``(v, SAMPLES, 2)`` px, at equal distances.
    """

    source: Ints
    stroke: Ints
    shift: Ints
    backwards: Bools
    line: Floats


@kernel
def even(line: Floats, n: int) -> Floats:
    """Return ``n`` positions at equal distances along a polyline ``(k, 2)``."""
    out = np.empty((n, 2))
    total = 0.0
    for j in range(1, len(line)):
        total += np.hypot(line[j, 0] - line[j - 1, 0], line[j, 1] - line[j - 1, 1])
    out[0] = line[0]
    j, done, step = 1, 0.0, total / (n - 1)
    for k in range(1, n - 1):
        goal = k * step
        while j < len(line) - 1:
            length = np.hypot(line[j, 0] - line[j - 1, 0], line[j, 1] - line[j - 1, 1])
            if done + length >= goal:
                break
            done += length
            j += 1
        if len(line) == 1:
            out[k] = line[0]
            continue
        length = np.hypot(line[j, 0] - line[j - 1, 0], line[j, 1] - line[j - 1, 1])
        share = min(1.0, (goal - done) / length) if length > 0 else 0.0
        out[k, 0] = line[j - 1, 0] + share * (line[j, 0] - line[j - 1, 0])
        out[k, 1] = line[j - 1, 1] + share * (line[j, 1] - line[j - 1, 1])
    out[n - 1] = line[-1]
    return out


def scale_of(strokes: Sequence[Floats]) -> tuple[Floats, float]:
    """Return the corner and the scale of an ink.

    The larger side of its box, but at most 1.5 heights (for words and lines).
    """
    low = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    high = np.max([stroke.max(axis=0) for stroke in strokes], axis=0)
    width, height = high - low
    return low, max(min(max(width, height), 1.5 * height if width > 3 * height else np.inf), 1.0)


def variants_of(lines: Lines) -> Variants:
    """Return all ways of drawing the lines."""
    base = np.stack([even(np.ascontiguousarray(line, np.float64), SAMPLES) for line in lines.xy])
    source, shift, drawn = [], [], []
    for k in range(len(base)):
        starts = range(0, SAMPLES - 1, (SAMPLES - 1) // CLOSED_STARTS) if lines.closed[k] else (0,)
        for start in starts:
            source.append(k)
            shift.append(start)
            drawn.append(np.concatenate([base[k, start:-1], base[k, : start + 1]]) if lines.closed[k] else base[k])
    both = np.stack(drawn)
    sources = np.repeat(np.array(source, np.int64), 2)
    return Variants(
        sources,
        lines.stroke[sources],
        np.repeat(np.array(shift, np.int64), 2),
        np.tile([False, True], len(source)),
        np.stack([both, both[:, ::-1]], axis=1).reshape(-1, SAMPLES, 2),
    )


def drawing_features(variants: Variants, low: Floats, scale: float, lines: Lines, touch: Floats) -> Floats:
    """Return DRAWING for each variant, ``(v, len(DRAWING))``.

    ``touch``: ``(v, 2)``, 1 where start or end lies on another stroke.
    """
    line = (variants.line - low) / scale
    steps = np.diff(line, axis=1)
    lengths = np.hypot(steps[..., 0], steps[..., 1])
    total = lengths.sum(axis=1)
    solid = np.maximum(total, 1e-9)[:, None]
    early, late = line[:, 5] - line[:, 0], line[:, -1] - line[:, -6]
    early = early / np.maximum(np.hypot(*early.T), 1e-9)[:, None]
    late = late / np.maximum(np.hypot(*late.T), 1e-9)[:, None]
    angle = np.arctan2(steps[..., 1], steps[..., 0])
    third = (lengths * np.cos(3 * angle)).sum(axis=1), (lengths * np.sin(3 * angle)).sum(axis=1)
    turns = (np.diff(angle, axis=1) + np.pi) % (2 * np.pi) - np.pi
    turns[np.minimum(lengths[:, 1:], lengths[:, :-1]) < 1e-9] = 0.0
    half = turns.shape[1] // 2
    first, second = turns[:, :half].sum(axis=1) / np.pi, turns[:, -half:].sum(axis=1) / np.pi
    hooks = (np.abs(turns[:, :half]).sum(axis=1) - np.abs(turns[:, -half:]).sum(axis=1)) / np.pi
    box_low, box_high = line.min(axis=1), line.max(axis=1)
    extent = box_high - box_low
    relative = (line[:, [0, -1]] - box_low[:, None]) / np.maximum(extent, 0.15)[:, None]
    area = 0.5 * (line[:, :-1, 0] * line[:, 1:, 1] - line[:, :-1, 1] * line[:, 1:, 0]).sum(axis=1)
    area += 0.5 * (line[:, -1, 0] * line[:, 0, 1] - line[:, -1, 1] * line[:, 0, 0])
    move = line[:, -1] - line[:, 0]
    sign = np.sign(move)
    flat = extent[:, 0] / np.maximum(extent.sum(axis=1), 1e-9)
    ring = lines.closed[variants.source].astype(np.float64)
    tanh = np.tanh
    columns = [
        tanh(2 * move[:, 0]),
        tanh(2 * move[:, 1]),
        early[:, 0],
        early[:, 1],
        late[:, 0],
        late[:, 1],
        third[0],
        third[1],
        relative[:, 0, 0],
        relative[:, 0, 1],
        relative[:, 1, 0],
        relative[:, 1, 1],
        line[:, 0, 1],
        line[:, -1, 1],
        tanh(0.5 * (first + second)),
        tanh(first),
        tanh(second),
        area / np.maximum(total * 0.1, 0.02),
        tanh(hooks),
        touch[:, 0],
        touch[:, 1],
        sign[:, 0] * np.maximum(flat - 0.7, 0) * 3,
        sign[:, 1] * np.maximum(0.3 - flat, 0) * 3,
        ring * np.sign(area),
        ring * relative[:, 0, 0],
        ring * relative[:, 0, 1],
        lines.bend[variants.source],
    ]
    features = np.stack(columns, axis=1)
    features[:, :8] *= np.minimum(1.0, solid / 0.1)
    return features


def flow_features(variants: Variants, low: Floats, scale: float) -> Floats:
    """Return FLOW for each variant, ``(v, len(FLOW))``.

    Rows are of the ink's box. Columns too where it is about square; in a word or line, where x says nothing, they are
    of the stroke's own box.
    """
    line = (variants.line - low) / scale
    middle, step = 0.5 * (line[:, 1:] + line[:, :-1]), np.diff(line, axis=1)
    high = line.reshape(-1, 2).max(axis=0)
    left, width = np.zeros(len(line)), np.full(len(line), max(high[0], 0.5))
    if high[0] > 1.5 * max(high[1], 0.3):
        left = line[..., 0].min(axis=1)
        width = np.maximum(line[..., 0].max(axis=1) - left, 0.5)
    column = np.clip(GRID * (middle[..., 0] - left[:, None]) / width[:, None], 0, GRID - 1).astype(np.int64)
    row = np.clip(GRID * middle[..., 1] / max(high[1], 0.5), 0, GRID - 1).astype(np.int64)
    half = np.broadcast_to(np.arange(step.shape[1]) >= step.shape[1] / 2, row.shape).astype(np.int64)
    angle = np.arctan2(step[..., 1], step[..., 0]) % (2 * np.pi) / (np.pi / COMPASS)
    sector = np.floor(angle).astype(np.int64)
    share = angle - sector
    length = np.minimum(np.hypot(step[..., 0], step[..., 1]), 0.1)
    out = np.zeros((len(line), 2 * GRID * GRID * COMPASS))
    which = np.broadcast_to(np.arange(len(line))[:, None], row.shape)
    for offset, weight in ((0, 1.0 - share), (1, share)):
        way = (sector + offset) % (2 * COMPASS)
        sign = np.where(way < COMPASS, 1.0, -1.0)
        cell = ((half * GRID + row) * GRID + column) * COMPASS + way % COMPASS
        np.add.at(out, (which, cell), sign * weight * length)
    return out


def before_features(strokes: Sequence[Floats], low: Floats, scale: float) -> Floats:
    """Return the values whose differences are BEFORE, ``(n, len(BEFORE))``, one row a stroke."""
    rows = []
    for stroke in strokes:
        a, b = (stroke.min(axis=0) - low) / scale, (stroke.max(axis=0) - low) / scale
        extent = b - a
        steps = np.diff(stroke, axis=0)
        length = float(np.hypot(steps[:, 0], steps[:, 1]).sum()) / scale
        bar = max(0.0, 2.0 * extent[0] / max(float(extent.sum()), 1e-9) - 1.0) if length > DOT_SIZE else 0.0
        dot = float(max(extent) < DOT_SIZE)
        rows.append([*((a + b) / 2), a[0], a[1], min(length, 3.0), bar, dot, b[0], b[1]])
    return np.array(rows)


@kernel
def contacts(queries: Floats, points: Floats, offsets: Ints, tolerance: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Find where each query lies on each stroke.

    Args:
        queries: ``(q, 2)``.
        points: ``(p, 2)``, the strokes' polylines, one after another.
        offsets: ``(n + 1,)``.
        tolerance: px.

    Returns:
        first, last: ``(q, n)``, arc length from the stroke's start to the first and the last point within the tolerance
            (the nearest of its run), -1 for none.
        first_way, last_way: ``(q, n, 2)``, the stroke's direction there.
    """
    q, n = len(queries), len(offsets) - 1
    first, last = np.full((q, n), -1.0), np.full((q, n), -1.0)
    first_way, last_way = np.zeros((q, n, 2)), np.zeros((q, n, 2))
    for s in range(n):
        lo, hi = offsets[s], offsets[s + 1]
        for k in range(q):
            arc, best, best_arc, best_j, inside = 0.0, np.inf, 0.0, -1, False
            for j in range(lo, hi):
                if j > lo:
                    arc += np.hypot(points[j, 0] - points[j - 1, 0], points[j, 1] - points[j - 1, 1])
                d = np.hypot(points[j, 0] - queries[k, 0], points[j, 1] - queries[k, 1])
                if d <= tolerance and d < best:
                    best, best_arc, best_j = d, arc, j
                    inside = True
                if inside and (d > tolerance or j == hi - 1):
                    a, b = max(lo, best_j - 3), min(hi - 1, best_j + 3)
                    wx, wy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
                    norm = max(np.hypot(wx, wy), 1e-9)
                    if first[k, s] < 0:
                        first[k, s] = best_arc
                        first_way[k, s, 0], first_way[k, s, 1] = wx / norm, wy / norm
                    last[k, s] = best_arc
                    last_way[k, s, 0], last_way[k, s, 1] = wx / norm, wy / norm
                    inside, best = False, np.inf
    return first, last, first_way, last_way
