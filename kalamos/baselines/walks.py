"""From pairs of edge ends to strokes: following the pairs, and drawing what was followed."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from kalamos.baselines.graph import StrokeGraph, bends
from kalamos.baselines.skeleton import _smooth

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
MOST_EXACT = 12
"""Branches at a node up to which the matching is exact (2 ** k states); beyond it the smallest bends are taken first."""


@nb.njit(cache=True, error_model="numpy", nogil=True)
def match_branches(bend: Floats, lift: float) -> Ints:
    """Pair the branches of one node so that the bends of the pairs plus ``lift`` for each branch left over is least.

    A maximum-weight matching where each pair has the weight ``2 * lift - bend``. Exact by dynamic programming over sets
    of branches up to MOST_EXACT branches.

    Args:
        bend: ``(k, k)`` radians.
        lift: what a pen-down or pen-up here costs, radians.

    Returns:
        ``(k,)``: the partner of each branch, -1 for none.
    """
    k = len(bend)
    partner = np.full(k, -1, np.int32)
    if k > MOST_EXACT:
        while True:
            best, bi, bj = 2 * lift, -1, -1
            for i in range(k):
                for j in range(i + 1, k):
                    if partner[i] < 0 and partner[j] < 0 and bend[i, j] < best:
                        best, bi, bj = bend[i, j], i, j
            if bi < 0:
                return partner
            partner[bi], partner[bj] = bj, bi
    cost, choice = np.zeros(1 << k), np.zeros(1 << k, np.int32)
    for chosen in range(1, 1 << k):
        i = 0
        while not (chosen >> i) & 1:
            i += 1
        cost[chosen] = lift + cost[chosen & ~(1 << i)]
        choice[chosen] = i
        for j in range(i + 1, k):
            if (chosen >> j) & 1:
                here = bend[i, j] + cost[chosen & ~(1 << i) & ~(1 << j)]
                if here < cost[chosen]:
                    cost[chosen], choice[chosen] = here, j
    chosen = (1 << k) - 1
    while chosen:
        i = 0
        while not (chosen >> i) & 1:
            i += 1
        j = choice[chosen]
        chosen &= ~(1 << i)
        if j != i:
            partner[i], partner[j] = j, i
            chosen &= ~(1 << j)
    return partner


@nb.njit(cache=True, error_model="numpy", nogil=True)
def match_all(branch: Floats, ends: Ints, offsets: Ints, lift: float) -> Ints:
    """Return the partner of every edge end, ``(2 m,)``, -1 where the pen goes down or up."""
    partner = np.full(len(ends), -1, np.int32)
    for node in range(len(offsets) - 1):
        here = ends[offsets[node] : offsets[node + 1]]
        if len(here) < 2:
            continue
        if len(here) == 2:
            partner[here[0]], partner[here[1]] = here[1], here[0]
            continue
        local = match_branches(bends(branch, here), lift)
        for i in range(len(here)):
            if local[i] >= 0:
                partner[here[i]] = here[local[i]]
    return partner


@nb.njit(cache=True, error_model="numpy", nogil=True)
def follow(partner: Ints) -> tuple[Ints, Ints]:
    """Return the walks that the pairs make: edge ends in walking order, and offsets. Closed walks begin at their lowest end."""
    total = len(partner)
    walk, offsets = np.empty(total // 2, np.int32), np.zeros(total // 2 + 1, np.int32)
    seen = np.zeros(total // 2, np.uint8)
    n, filled = 0, 0
    for closed in range(2):
        for h in range(total):
            if seen[h // 2] or (closed == 0 and partner[h] >= 0):
                continue
            here = h
            while here >= 0 and not seen[here // 2]:
                seen[here // 2] = 1
                walk[filled] = here
                filled += 1
                here = partner[here ^ 1]
            n += 1
            offsets[n] = filled
    return walk, offsets[: n + 1].copy()


def draw(graph: StrokeGraph, walk: list[int], smoothing: int = 2) -> Floats:
    """Return the smooth polyline of a walk, ``(k, 2)`` px: the corners that thinning leaves at crossings are rounded."""
    path = graph.path(walk).copy()
    _smooth(path, smoothing, False)
    return path
