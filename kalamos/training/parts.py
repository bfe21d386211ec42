"""Parts of inks as training data: the letters of a word that stand by themselves, as a script writes them alone.

A corpus of Arabic script that has words and no letters still holds its unjoined letters and groups: what has no other
ink above or below it.
"""

from __future__ import annotations

import numpy as np

from kalamos.geometry import bounds, reorder
from kalamos.ink import Ink
from kalamos.machinery.arrays import Ints

MOST_GROUPS = 3
SMALLEST = 0.3
"""A part smaller than this share of the ink's height is left (a dot, a comma): by itself it means nothing."""


def part_of(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return one to :data:`MOST_GROUPS` groups of strokes side by side, in the order of writing; else the ink."""
    group = side_by_side(ink)
    count = int(group.max(initial=0)) + 1
    wide = min(int(rng.integers(1, MOST_GROUPS + 1)), count)
    first = int(rng.integers(count - wide + 1))
    taken = reorder(ink, np.flatnonzero((group >= first) & (group < first + wide)).tolist())
    return taken if bounds(taken).height >= SMALLEST * bounds(ink).height else ink


def side_by_side(ink: Ink) -> Ints:
    """Return for each stroke the number of its group, from left to right, ``(s,)``; groups share no x."""
    if not ink.n_strokes:
        return np.zeros(0, np.int64)
    x, starts = ink.xy[:, 0], ink.offsets[:-1]
    low, high = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts)
    order = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[order])
    begins = np.concatenate([[0], low[order][1:] > reach[:-1]])
    group = np.empty(ink.n_strokes, np.int64)
    group[order] = np.cumsum(begins)
    return group
