"""Spurs pruned, torn crossings mended, needless nodes dissolved: the pixel graph made into a stroke graph.

Thinning distorts where strokes meet: an X becomes two T-junctions with a bridge between them, and corners and rough
edges grow spurs. Three rules, all in proportion to the local stroke radius r (half the width):

1. **Spur**: an edge from a junction to an end that is no longer than ``spur_ratio * r + spur_px`` is taken away,
   shortest first, as long as the junction still has three branches. Its pixels become the junction's. A piece of ink
   that is nothing but so short an edge is a dot.
2. **Crossing**: two junctions nearer than ``merge_ratio * (r1 + r2)`` are one (their largest discs overlap). Two that
   lie further apart, up to ``cross_ratio * (r1 + r2)``, are one where their four branches pair off across the bridge,
   each pair bending less than ``cross_bend_rad``, and the bridge lies along neither pair alone: strokes that cross at
   a small angle (compare the ambiguous zones of Dinh et al. 2016 and the clusters of Diaz et al. 2022).
3. A junction left with two branches is dissolved and its branches become one edge.

No pixel is lost: what an edge or node gives up belongs to the node or edge that takes its place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Floats, Ints, Ints32
from kalamos.machinery.kernels import inner, kernel, kernel_taking
from kalamos.skeleton.chains import strung
from kalamos.skeleton.forest import degrees, find_root, flatten, new_forest
from kalamos.skeleton.pixel_graph import PixelGraph


class Measured(NamedTuple):
    """The geometry of a pixel graph of n nodes and m edges, pixels of the image.

    Attributes:
        node_xy: ``(n, 2)``.
        node_radius: ``(n,)``.
        node_weight: ``(n,)``, pixels of a junction, 0 for ends: what counts when centres are averaged.
        edge_xy: ``(p, 2)``, the edges' inner pixels.
        edge_length: ``(m,)``, from node centre to node centre.
    """

    node_xy: Floats
    node_radius: Floats
    node_weight: Floats
    edge_xy: Floats
    edge_length: Floats


class Merged(NamedTuple):
    """What has become of the nodes and edges of a pixel graph.

    Attributes:
        parent: ``(n,)``, the node that took each in, itself where it stands; in the end the one that stands for it.
        degree: ``(n,)``, edge ends at each standing node.
        state: ``(m,)``, -1 for a kept edge, else the node that took it in.
        xy: ``(n, 2)`` px, new centres; as the next, only those of standing nodes mean something.
        reach: ``(n,)`` px, new radii.
    """

    parent: Ints32
    degree: Ints32
    state: Ints32
    xy: Floats
    reach: Floats


class Rings(NamedTuple):
    """Circular lists of the edge ends at each node: one of them, and from each the next. Two merge by one swap."""

    head: Ints32
    ring: Ints32


@kernel_taking(3.0)
def reduce_graph(graph: PixelGraph, measured: Measured, order: Ints, rules: Floats) -> tuple[Merged, Ints32]:
    """Apply the three rules; return what became of every node and edge, and which edge ends are spliced.

    Args:
        graph: of the skeleton's pixels.
        measured: its geometry.
        order: ``(m,)``, the edges from the shortest to the longest.
        rules: ``spur_ratio, spur_px, merge_ratio, cross_ratio, cross_bend_rad``.

    Returns:
        What became of nodes and edges, and ``(2 m,)`` for each edge end (``2 e`` at the first node, ``2 e + 1`` at the
        second) the edge end with which it is spliced in a dissolved node, -1 for none.
    """
    edge_nodes, edge_length, node_radius = graph.edge_nodes, measured.edge_length, measured.node_radius
    n, m = len(node_radius), len(edge_length)
    parent, degree, state = new_forest(n), degrees(edge_nodes, n), np.full(m, -1, np.int32)
    xy, reach, weight = measured.node_xy.copy(), node_radius.copy(), measured.node_weight.copy()
    merged = Merged(parent, degree, state, xy, reach)
    _prune(merged, graph, measured, order, rules)
    rings = _rings(parent, edge_nodes)
    head, ring = rings.head, rings.ring
    for k in order:
        a, b = find_root(parent, edge_nodes[k, 0]), find_root(parent, edge_nodes[k, 1])
        both = node_radius[a] + node_radius[b]
        if state[k] >= 0 or a == b or degree[a] < 3 or degree[b] < 3 or edge_length[k] > max(rules[2], rules[3]) * both:
            continue
        # further apart than their discs reach: only where the strokes go on smoothly across the bridge
        if edge_length[k] > rules[2] * both and not _crosses(k, a, b, merged, rings, graph, measured, rules[4]):
            continue
        state[k] = a
        parent[b] = a
        ring[head[a]], ring[head[b]] = ring[head[b]], ring[head[a]]
        total = max(weight[a] + weight[b], 1.0)
        apart = np.hypot(xy[a, 0] - xy[b, 0], xy[a, 1] - xy[b, 1])
        # a disc around the middle that holds both discs' middles, and half of the smaller disc beyond
        reach[a] = max(reach[a], reach[b], 0.5 * apart + 0.5 * min(reach[a], reach[b]))
        for axis in range(2):
            xy[a, axis] = (xy[a, axis] * weight[a] + xy[b, axis] * weight[b]) / total
        weight[a] = total
        degree[a] += degree[b] - 2  # the bridge had an end at each
    flatten(parent)
    for e in range(m):
        if state[e] >= 0:
            state[e] = parent[state[e]]
    return merged, _splices(parent, degree, state, edge_nodes)


@inner
def _prune(merged: Merged, graph: PixelGraph, measured: Measured, order: Ints, rules: Floats) -> None:
    """Take away the spurs, shortest first; a piece of ink that is nothing but a spur becomes a dot in its middle."""
    parent, degree, state, xy = merged.parent, merged.degree, merged.state, merged.xy
    edge_nodes, edge_length, node_radius = graph.edge_nodes, measured.edge_length, measured.node_radius
    for e in order:
        a, b = edge_nodes[e, 0], edge_nodes[e, 1]
        if degree[a] == 1 and degree[b] == 1 and edge_length[e] <= rules[0] * node_radius[b] + rules[1]:
            state[e] = b
            parent[a] = b
            degree[b] = 0
            xy[b, 0], xy[b, 1] = 0.5 * (xy[a, 0] + xy[b, 0]), 0.5 * (xy[a, 1] + xy[b, 1])
            continue
        if degree[a] != 1:
            a, b = b, a
        if degree[a] == 1 and degree[b] >= 3 and edge_length[e] <= rules[0] * node_radius[b] + rules[1]:
            state[e] = b
            parent[a] = b
            degree[b] -= 1


@inner
def _rings(parent: Ints32, edge_nodes: Ints32) -> Rings:
    head, ring = np.full(len(parent), -1, np.int32), np.empty(2 * len(edge_nodes), np.int32)
    for h in range(len(ring)):
        node = find_root(parent, edge_nodes[h // 2, h % 2])
        if head[node] < 0:
            head[node] = h
            ring[h] = h
        else:
            ring[h] = ring[head[node]]
            ring[head[node]] = h
    return Rings(head, ring)


@inner
def branch_at(
    end: int, edge_xy: Floats, edge_offsets: Ints32, xy: Floats, node: int, other: int, skip: float, out: Floats
) -> None:
    """Write where a branch leaves the disc of ``skip`` px around its node into ``out``: x, y, unit direction there.

    ``end`` is the edge end at ``node``, twice its edge and one more for the second; ``other`` is the node at the other
    end; ``xy`` holds all nodes' centres.
    """
    lo, hi = edge_offsets[end // 2], edge_offsets[end // 2 + 1]
    x, y = xy[node, 0], xy[node, 1]
    near_x, near_y = xy[other, 0], xy[other, 1]
    far_x, far_y = near_x, near_y
    found = False
    for j in range(hi - lo):
        p = lo + j if end % 2 == 0 else hi - 1 - j
        far_x, far_y = edge_xy[p, 0], edge_xy[p, 1]
        d = np.hypot(far_x - x, far_y - y)
        if not found and d >= skip:
            near_x, near_y = far_x, far_y
            found = True
        if d >= skip + 5.0:
            break
    if not found or (far_x == near_x and far_y == near_y):
        if not found:
            far_x, far_y = xy[other, 0], xy[other, 1]
        near_x, near_y = x, y
    length = max(np.hypot(far_x - near_x, far_y - near_y), 1e-9)
    out[0], out[1] = near_x, near_y
    out[2], out[3] = (far_x - near_x) / length, (far_y - near_y) / length


@inner
def bend_between(one: Floats, two: Floats) -> float:
    """Return by how much a path turns that comes in along one branch, runs straight to the other and leaves along it.

    A branch is ``x, y`` where it leaves the junction's disc and its unit direction away from the junction. Both turns
    are counted without sign, radians, 0 to 2 pi: so is an offset between parallel branches.
    """
    cx, cy = two[0] - one[0], two[1] - one[1]
    length = np.hypot(cx, cy)
    straight = math.acos(min(1.0, max(-1.0, -(one[2] * two[2] + one[3] * two[3]))))
    if length < 1.0:
        return float(straight)
    first = math.acos(min(1.0, max(-1.0, -(one[2] * cx + one[3] * cy) / length)))
    second = math.acos(min(1.0, max(-1.0, (two[2] * cx + two[3] * cy) / length)))
    return float(max(straight, first + second))


total_bend = kernel(bend_between)


@inner
def _crosses(
    bridge: int, a: int, b: int, merged: Merged, rings: Rings, graph: PixelGraph, measured: Measured, limit: float
) -> bool:
    """Say whether the two branches at ``a`` continue smoothly in the two at ``b``."""
    xy, reach = merged.xy, merged.reach
    if merged.degree[a] != 3 or merged.degree[b] != 3:
        return False
    sides = np.empty((2, 2, 4))
    for k in range(2):
        node = a if k == 0 else b
        found, h = 0, rings.head[node]
        while True:
            e = h // 2
            if merged.state[e] < 0 and e != bridge and found < 2:
                far, skip = find_root(merged.parent, graph.edge_nodes[e, 1 - h % 2]), reach[node] + 0.5
                branch_at(h, measured.edge_xy, graph.edge_offsets, xy, node, far, skip, sides[k, found])
                found += 1
            h = rings.ring[h]
            if h == rings.head[node]:
                break
    parallel = max(bend_between(sides[0, 0], sides[1, 0]), bend_between(sides[0, 1], sides[1, 1]))
    crossed = max(bend_between(sides[0, 0], sides[1, 1]), bend_between(sides[0, 1], sides[1, 0]))
    return bool(min(parallel, crossed) < limit)


@inner
def _splices(group: Ints32, degree: Ints32, state: Ints32, edge_nodes: Ints32) -> Ints32:
    """Pair the edge ends at nodes of two branches; a ring of such nodes keeps one of them as its anchor."""
    m = len(state)
    partner = np.full(2 * m, -1, np.int32)
    first = np.full(len(group), -1, np.int32)
    for h in range(2 * m):
        if state[h // 2] >= 0:
            continue
        node = group[edge_nodes[h // 2, h % 2]]
        if degree[node] != 2:
            continue
        if first[node] < 0:
            first[node] = h
        elif first[node] != h ^ 1:
            partner[h] = first[node]
            partner[first[node]] = h
    chains = strung(partner, state >= 0)
    for k in range(len(chains.offsets) - 1):
        first = chains.walk[chains.offsets[k]]
        if partner[first] >= 0:
            partner[partner[first]] = -1
            partner[first] = -1
    return partner
