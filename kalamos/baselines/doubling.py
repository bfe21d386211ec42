"""Double-traced lines, found by a maximum-weight matching of the odd nodes.

In the graph of a movement that never lifts the pen, all nodes but the first and the last have an even number of
branches: the pen that comes also goes. A node of odd degree is therefore where a stroke starts or ends, or it touches
a line that was drawn twice: down the stem of an n and up again into its arch. Doubling an edge between two odd nodes
makes both even, and no node needs more than one: the doubled edges form a matching.

The weight of an edge is what its doubling saves. Each odd node has a cost alone (the least bends of its branches with
one left over, which costs a pen lift; a lift at an open end) and a cost with that edge doubled (the least bends of
all branches; a turn at an open end); the difference at both ends, less ``per_length`` times the length retraced, is
the weight. As an odd node is in one matched edge at most, the sum is exact.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from kalamos.baselines.walks import copy_bends, match_branches
from kalamos.machinery.arrays import Floats, Ints, Ints32
from kalamos.skeleton.stroke_graph import StrokeGraph

MOST_EXACT = 14


@dataclass(frozen=True, slots=True)
class Costs:
    """What a movement costs beside its bends, all in radians of bend.

    Attributes:
        lift_rad: a pen-down or pen-up.
        turn_rad: turning back at an open end.
        per_length: retracing one ink height (side of the ink's box).
    """

    lift_rad: float = 0.75
    turn_rad: float = 0.6
    per_length: float = 0.3


def doubled_edges(graph: StrokeGraph, costs: Costs) -> Ints32:
    """Return the edges that are best drawn twice, ascending."""
    degree = graph.degree
    candidates = np.flatnonzero(
        (degree[graph.edge_nodes] % 2 == 1).all(axis=1) & (np.diff(graph.edge_nodes)[:, 0] != 0)
    )
    if not len(candidates):
        return np.empty(0, np.int32)
    scale = graph.size
    branch, (ends, offsets) = graph.branches(), graph.ends()
    weights = []
    for e in candidates.tolist():
        gain = -costs.per_length * float(graph.edge_length[e]) / scale
        for side in (0, 1):
            node = int(graph.edge_nodes[e, side])
            gain += _saved(branch, ends[offsets[node] : offsets[node + 1]], 2 * e + side, costs)
        weights.append(gain)
    value = np.array(weights)
    chosen = _best_matching(graph.edge_nodes[candidates], value)
    kept = _with_ends(graph, candidates, chosen, value)
    return candidates[kept].astype(np.int32)


def _with_ends(graph: StrokeGraph, candidates: Ints, chosen: list[int], value: Floats) -> list[int]:
    """Return the choice with two odd nodes left in each component: a movement starts and ends somewhere.

    Where the matching takes all, its lightest edge is given back.
    """
    odd = np.bincount(graph.node_component[graph.degree % 2 == 1], minlength=1)
    home = graph.node_component[graph.edge_nodes[candidates, 0]]
    kept = []
    for component, group in itertools.groupby(sorted(chosen, key=lambda k: int(home[k])), lambda k: int(home[k])):
        mine = sorted(group, key=lambda k: float(value[k]))
        kept += mine[1:] if 2 * len(mine) == odd[component] else mine
    return sorted(kept)


def _saved(branch: Floats, here: Ints32, end: int, costs: Costs) -> float:
    """Return what doubling the edge at ``end`` saves at this node."""
    if len(here) == 1:
        return costs.lift_rad - costs.turn_rad
    if len(here) > 9:
        return -np.inf
    return _cost(branch, here, costs) - _cost(branch, np.append(here, end).astype(np.int32), costs)


def _cost(branch: Floats, here: Ints32, costs: Costs) -> float:
    edge = np.arange(len(branch) // 2, dtype=np.int32)
    bend = copy_bends(branch, edge, here)
    partner = match_branches(bend, costs.lift_rad)
    paired = partner >= 0
    return float(bend[np.arange(len(here))[paired], partner[paired]].sum() / 2 + costs.lift_rad * (~paired).sum())


def _best_matching(pairs: Ints32, weights: Floats) -> list[int]:
    """Return the indices of disjoint pairs of greatest weight: exact for few, heaviest first for many."""
    useful = [k for k in np.argsort(-weights, kind="stable").tolist() if weights[k] > 0]
    if len(useful) <= MOST_EXACT:
        return _exact_matching(pairs, weights, useful)[1]
    taken: set[int] = set()
    chosen = []
    for k in useful:
        a, b = int(pairs[k, 0]), int(pairs[k, 1])
        if a not in taken and b not in taken:
            taken |= {a, b}
            chosen.append(k)
    return sorted(chosen)


def _exact_matching(pairs: Ints32, weights: Floats, useful: list[int]) -> tuple[float, list[int]]:
    if not useful:
        return 0.0, []
    k, rest = useful[0], useful[1:]
    without = _exact_matching(pairs, weights, rest)
    clear = [j for j in rest if not set(pairs[j].tolist()) & set(pairs[k].tolist())]
    if len(clear) == len(rest):
        return without[0] + float(weights[k]), sorted([*without[1], k])
    taken = _exact_matching(pairs, weights, clear)
    with_k = taken[0] + float(weights[k])
    return (with_k, sorted([*taken[1], k])) if with_k > without[0] else without
