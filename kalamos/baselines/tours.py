"""Tours through pieces of ink, each walked in one of its two directions: what the methods that look for one share.

A **variant** is a piece with a direction: 2 k and 2 k + 1 are the two of piece k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32
from kalamos.machinery.kernels import inner
from kalamos.skeleton.stroke_graph import StrokeGraph


def both_ends(pieces: Ints) -> Ints:
    """Return the edge ends at which the variants of edges are entered, ``(2 n,)``."""
    return np.stack([2 * pieces, 2 * pieces + 1], axis=1).reshape(-1)


class StepCosts(NamedTuple):
    """What going on from one piece to another costs, in radians of bend.

    Attributes:
        lift_rad: a pen lift.
        per_length: a way in the air as long as the ink is large.
        per_bend: a radian of bend.
    """

    lift_rad: float
    per_length: float = 1.0
    per_bend: float = 1.0


def steps_between(
    graph: StrokeGraph, branch: Floats, ends: Ints, size: float, costs: StepCosts
) -> tuple[Floats, Bools]:
    """Return what it costs to go on from each variant with each other, ``(v, v)``, and where the pen stays down.

    Args:
        graph: whose edges are the pieces.
        branch: its branches.
        ends: ``(v,)``, the edge end at which each variant is entered.
        size: of the ink, px.
        costs: of lifts, ways and bends.
    """
    nodes = graph.edge_nodes.ravel()
    out, into = nodes[ends ^ 1], nodes[ends]
    move = graph.node_xy[into][None] - graph.node_xy[out][:, None]
    air = costs.lift_rad + costs.per_length * np.hypot(move[..., 0], move[..., 1]) / size
    cosine = np.clip(-(branch[ends ^ 1, None, 2:] * branch[None, ends, 2:]).sum(axis=-1), -1.0, 1.0)
    bend = np.where(out[:, None] == into[None], costs.per_bend * np.arccos(cosine), np.inf)
    return np.minimum(air, bend), bend < air


def join_along(tour: Ints, ends: Ints, joined: Bools, partner: Ints32) -> None:
    """Make partners, in place, of the edge ends between which the pen stays down on a tour of variants."""
    for a, b in zip(tour[:-1].tolist(), tour[1:].tolist(), strict=True):
        if joined[a, b]:
            out, into = int(ends[a]) ^ 1, int(ends[b])
            partner[out], partner[into] = into, out


@inner
def inserted(step: Floats) -> Ints:
    """Return a tour in which each piece in turn was put where, and in the direction in which, it added least."""
    n = len(step) // 2
    tour = np.zeros(n, np.int64)
    for k in range(1, n):
        best, place, way = np.inf, 0, 0
        for at in range(k + 1):
            for v in (2 * k, 2 * k + 1):
                cost = 0.0
                if at > 0:
                    cost += step[tour[at - 1], v]
                if at < k:
                    cost += step[v, tour[at]]
                if 0 < at < k:
                    cost -= step[tour[at - 1], tour[at]]
                if cost < best:
                    best, place, way = cost, at, v
        for j in range(k, place, -1):
            tour[j] = tour[j - 1]
        tour[place] = way
    return tour


@inner
def tour_cost(step: Floats, tour: Ints) -> float:
    """Return the sum of the steps of a tour."""
    total = 0.0
    for k in range(1, len(tour)):
        total += step[tour[k - 1], tour[k]]
    return total
