"""The cheapest way of drawing all strokes: exact for a few strokes, a beam for many."""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import kernel

MOST_EXACT = 8
MOST_VARIANTS = 48
BEAM = 24


@kernel
def best_exact(stroke: Ints, n: int, draw: Floats, first: Floats, last: Floats, step: Floats, pair: Floats) -> Ints:
    """Return the variants in the order of least cost, ``(n,)``.

    Dynamic programming over sets of strokes (Held and Karp).

    Args:
        stroke: ``(v,)``, the stroke of each variant.
        n: number of strokes.
        draw: ``(v,)``, cost of a variant anywhere.
        first: ``(v,)``, further cost as the first.
        last: ``(v,)``, further cost as the last.
        step: ``(v, v)``, cost of going on from one variant to the next.
        pair: ``(n, n)``, cost of a stroke coming anywhere before another.
    """
    v, full = len(stroke), (1 << n) - 1
    cost, back = np.full((full + 1, v), np.inf), np.full((full + 1, v), -1, np.int64)
    for b in range(v):
        cost[1 << stroke[b], b] = draw[b] + first[b]
    for done in range(1, full):
        for b in range(v):
            if done >> stroke[b] & 1:
                continue
            before = draw[b]
            for k in range(n):
                if done >> k & 1:
                    before += pair[k, stroke[b]]
            best, at = np.inf, -1
            for a in range(v):
                here = cost[done, a] + step[a, b]
                if here < best:
                    best, at = here, a
            if at >= 0:
                cost[done | 1 << stroke[b], b], back[done | 1 << stroke[b], b] = best + before, at
    order = np.empty(n, np.int64)
    here = np.argmin(cost[full] + last)
    done = full
    for k in range(n - 1, -1, -1):
        order[k] = here
        here, done = back[done, here], done & ~(1 << stroke[here])
    return order


@kernel
def best_beam(
    stroke: Ints, n: int, draw: Floats, first: Floats, last: Floats, step: Floats, pair: Floats, width: int
) -> Ints:
    """Return the variants in an order of low cost, ``(n,)``: the ``width`` best beginnings are carried along.

    A beginning already pays for every pair that it settles, those with strokes still to come included.
    """
    v = len(stroke)
    ahead = pair.sum(axis=1)
    done, tail, cost = np.zeros((1, n), np.bool_), np.full(1, -1), np.zeros(1)
    left = ahead.copy().reshape(1, n)
    orders = np.empty((1, n), np.int64)
    for place in range(n):
        live = len(cost)
        scores = np.full(live * v, np.inf)
        for s in range(live):
            for b in range(v):
                if done[s, stroke[b]]:
                    continue
                go = first[b] if place == 0 else step[tail[s], b]
                if place == n - 1:
                    go += last[b]
                scores[s * v + b] = cost[s] + go + draw[b] + left[s, stroke[b]]
        keep = np.argsort(scores, kind="mergesort")[:width]
        count = 0
        for at in keep:
            count += np.isfinite(scores[at])
        new_done, new_left = np.empty((count, n), np.bool_), np.empty((count, n))
        new_orders, new_tail, new_cost = np.empty((count, n), np.int64), np.empty(count, np.int64), np.empty(count)
        for k in range(count):
            s, b = keep[k] // v, keep[k] % v
            new_done[k], new_left[k], new_orders[k] = done[s], left[s], orders[s]
            new_done[k, stroke[b]] = True
            for i in range(n):
                new_left[k, i] -= pair[i, stroke[b]]
            new_orders[k, place], new_tail[k], new_cost[k] = b, b, scores[keep[k]]
        done, left, orders, tail, cost = new_done, new_left, new_orders, new_tail, new_cost
    best: Ints = orders[np.argmin(cost)]
    return best
