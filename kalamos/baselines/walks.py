"""From pairs of edge ends to strokes: following the pairs, and drawing what was followed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32
from kalamos.machinery.kernels import inner, kernel
from kalamos.skeleton.chains import string_edges, strung
from kalamos.skeleton.from_image import smooth
from kalamos.skeleton.simplification import total_bend
from kalamos.skeleton.stroke_graph import StrokeGraph, bends

MOST_EDGES_TURNED, MOST_WAYS, MOST_BEND_RAD = 24, 4, 3.0
"""Other ways are sought in walks of so many edges, so many are kept, and they bend no more than this in addition."""
MOST_LOOKS = 5_000_000
"""Edges looked at, over all passes, for rings to open: 1,000 rings in a page of 5,000 edges."""
MOST_EXACT = 12
"""Branches at a node up to which the matching is exact (2 ** k states); beyond it the smallest bends are taken
first."""


@inner
def _matched(bend: Floats, lift: float) -> Ints32:
    """Pair the branches of a node at least cost: the bends of the pairs, and ``lift`` for each branch left over.

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


match_branches = kernel(_matched)


class Tracing(NamedTuple):
    """A multigraph to be walked: the edges of a stroke graph, some of them twice, and the pairs at their ends.

    Attributes:
        edge: ``(m',)``, the graph's edge of each copy.
        partner: ``(2 m',)``, for each copy's end the end with which it is one movement, -1 for a pen-down or pen-up.
    """

    edge: Ints32
    partner: Ints32

    def walks(self) -> list[list[int]]:
        """Return the walks as lists of the graph's own edge ends, each the end at which an edge is entered."""
        walk, offsets = string_edges(self.partner, np.zeros(len(self.edge), bool))
        base = 2 * self.edge[walk // 2] + walk % 2
        return [part.tolist() for part in np.split(base, offsets[1:-1])] if len(base) else []


def ends_by_node(graph: StrokeGraph, edge: Ints32) -> tuple[Ints32, Ints32]:
    """Return the ends of edge copies sorted by node, and offsets between nodes ``(n + 1,)``."""
    at = graph.edge_nodes[edge].ravel()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=graph.n_nodes))])
    return np.argsort(at, kind="stable").astype(np.int32), offsets.astype(np.int32)


@inner
def _copy_bends(branch: Floats, edge: Ints32, ends: Ints32) -> Floats:
    """Return the bends between copies' ends at one node, ``(k, k)``.

    Turning back into the same edge costs 2 pi.
    """
    base = 2 * edge[ends // 2] + ends % 2
    out = bends(branch, base.astype(np.int32))
    for i in range(len(ends)):
        for j in range(len(ends)):
            if i != j and base[i] == base[j]:
                out[i, j] = 6.2831853
    return out


copy_bends = kernel(_copy_bends)


@kernel
def match_copies(branch: Floats, edge: Ints32, ends: Ints32, offsets: Ints32, lift: float) -> Ints32:
    """Return the least-bending partner of every copy's end, ``(2 m',)``, -1 where the pen goes down or up."""
    partner = np.full(len(ends), -1, np.int32)
    for node in range(len(offsets) - 1):
        here = ends[offsets[node] : offsets[node + 1]]
        if len(here) < 2:
            continue
        if len(here) == 2:
            partner[here[0]], partner[here[1]] = here[1], here[0]
            continue
        local = _matched(_copy_bends(branch, edge, here), lift)
        for i in range(len(here)):
            if local[i] >= 0:
                partner[here[i]] = here[local[i]]
    return partner


@inner
def _walks_of(partner: Ints32) -> tuple[Ints32, Bools]:
    """Return the number of the walk that each copy of an edge belongs to, ``(m,)``, and which walks are closed."""
    m = len(partner) // 2
    chains = strung(partner, np.zeros(m, np.bool_))
    walk_of, closed = np.empty(m, np.int32), np.empty(len(chains.offsets) - 1, np.bool_)
    for n in range(len(closed)):
        closed[n] = partner[chains.walk[chains.offsets[n]]] >= 0
        for k in range(chains.offsets[n], chains.offsets[n + 1]):
            walk_of[chains.walk[k] // 2] = n
    return walk_of, closed


@inner
def _place(group: Ints32, end: int) -> int:
    """Return where an end stands in a group, -1 for nowhere."""
    for k in range(len(group)):
        if group[k] == end:
            return k
    return -1


@kernel
def absorb_rings(branch: Floats, edge: Ints32, ends: Ints32, offsets: Ints32, partner: Ints32, limit: float) -> None:
    """Open closed walks into those that pass through the same node.

    Only where that bends less than ``limit`` more; in place.

    Two pairs (p, q) and (r, s) at a node become (p, r) and (q, s) or (p, s) and (q, r), the better of them. This
    turns a loop that the matching cut off into part of the movement that it belongs to.
    """
    m = len(edge)
    for _ in range(min(m, MOST_LOOKS // max(m, 1))):
        walk_of, closed = _walks_of(partner)
        best, bp, br = limit, -1, -1
        for node in range(len(offsets) - 1):
            group = ends[offsets[node] : offsets[node + 1]]
            if len(group) < 4:
                continue
            bend = _copy_bends(branch, edge, group)
            for i in range(len(group)):
                if partner[group[i]] < 0 or not closed[walk_of[group[i] // 2]]:
                    continue
                for j in range(len(group)):
                    if partner[group[j]] < 0 or walk_of[group[j] // 2] == walk_of[group[i] // 2]:
                        continue
                    pi, pj = _place(group, partner[group[i]]), _place(group, partner[group[j]])
                    more = bend[i, j] + bend[pi, pj] - bend[i, pi] - bend[j, pj]
                    if more < best:
                        best, bp, br = more, group[i], group[j]
        if bp < 0:
            return
        q, s = partner[bp], partner[br]
        partner[bp], partner[br], partner[q], partner[s] = br, bp, s, q


def draw(graph: StrokeGraph, walk: list[int], smoothing: int = 2) -> Floats:
    """Return the smooth polyline of a walk, ``(k, 2)`` px.

    The corners that thinning leaves at crossings are rounded.
    """
    path = graph.path(walk).copy()
    smooth(path, smoothing, False)
    return path


class Lines(NamedTuple):
    """Polylines to be directed and ordered: one or several ways through the same ink for each stroke.

    Attributes:
        xy: polylines ``(k, 2)`` px; a dot is one point.
        closed: bool ``(l,)``, True for a ring, which may begin anywhere.
        stroke: ``(l,)``, the stroke that each is a way of drawing, ascending from 0.
        bend: ``(l,)`` radians, by how much it bends more at junctions than the stroke's first way.
    """

    xy: list[Floats]
    closed: Bools
    stroke: Ints
    bend: Floats

    @classmethod
    def plain(cls, xy: list[Floats], closed: Bools | None = None) -> Lines:
        """Return lines with one way each."""
        rings = np.zeros(len(xy), bool) if closed is None else closed
        return cls(xy, rings, np.arange(len(xy)), np.zeros(len(xy)))


def other_ways(graph: StrokeGraph, walk: list[int], branch: Floats) -> list[tuple[float, list[int]]]:
    """Return other walks over the same edges and their additional bend, least first.

    Where a walk comes back to a node, the loop between the two visits can be walked the other way round; one loop is
    turned in each.
    """
    if len(walk) > MOST_EDGES_TURNED:
        return []
    nodes = [graph.node_of(end) for end in walk] + [graph.node_of(walk[-1] ^ 1)]
    found = []
    for i in range(len(walk)):
        for j in range(i + 1, len(nodes)):
            if nodes[i] != nodes[j] or (i == 0 and j == len(walk)) or walk[i:j] == [h ^ 1 for h in reversed(walk[i:j])]:
                continue
            turned = walk[:i] + [h ^ 1 for h in reversed(walk[i:j])] + walk[j:]
            more = _bend_at(branch, turned, (i, j)) - _bend_at(branch, walk, (i, j))
            if more <= MOST_BEND_RAD:
                found.append((more, turned))
    return sorted(found)[:MOST_WAYS]


def _bend_at(branch: Floats, walk: list[int], places: tuple[int, int]) -> float:
    inner = [k for k in places if 0 < k < len(walk)]
    return sum(float(total_bend(branch[walk[k - 1] ^ 1], branch[walk[k]])) for k in inner)


def lines_of(graph: StrokeGraph, tracing: Tracing) -> Lines:
    """Return the polylines of all walks and dots, with the other ways through walks that come back to a node."""
    branch = graph.branches()
    xy, closed, stroke, bend = [], [], [], []
    walks, dots = tracing.walks(), graph.dots()
    for k, walk in enumerate(walks):
        ring = graph.is_closed(walk)
        ways = [(0.0, walk)] if len(walk) < 2 else [(0.0, walk), *other_ways(graph, walk, branch)]
        for more, way in ways:
            xy.append(draw(graph, way))
            closed.append(ring)
            stroke.append(k)
            bend.append(more)
    xy += [graph.node_xy[[k]] for k in dots]
    count = len(walks) + len(dots)
    return Lines(
        xy,
        np.array(closed + [False] * len(dots), bool),
        np.array([*stroke, *range(len(walks), count)], np.int64),
        np.array(bend + [0.0] * len(dots)),
    )
