"""From an image to its stroke graph: binarise, thin, trace, simplify, smooth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints32
from kalamos.machinery.kernels import inner, inner_of, kernel, kernel_of, kernel_taking
from kalamos.skeleton.binarise import Method, binarise
from kalamos.skeleton.chains import Chains, string_edges
from kalamos.skeleton.forest import degrees, find_root, new_forest
from kalamos.skeleton.pixel_graph import PixelGraph, trace_pixels
from kalamos.skeleton.simplification import (
    Measured,
    Merged,
    reduce_graph,
)
from kalamos.skeleton.stroke_graph import StrokeGraph
from kalamos.skeleton.thinning import ink_radii, thin_in_place


@dataclass(frozen=True, slots=True)
class SkeletonRules:
    """The lengths and angles that decide what is a stroke and what is an artefact; ratios are to the stroke radius.

    Attributes:
        spur_ratio, spur_px: an open branch no longer than ``spur_ratio * radius + spur_px`` is a spur.
        merge_ratio: junctions nearer than this times the sum of their radii are one.
        cross_ratio, cross_bend_rad: so are junctions up to this far apart whose branches continue smoothly across.
        smoothing: passes of the smoother over a path (Taubin 1995: a pass shrinks and swells, so that loops keep
            their size).
        double_ratio: an edge wider than this times the typical stroke was probably drawn twice, not quite in one place.
        hidden_ratio: ink wider than this times the typical stroke may hide lines.
    """

    spur_ratio: float = 1.0
    spur_px: float = 1.0
    merge_ratio: float = 1.5
    cross_ratio: float = 5.0
    cross_bend_rad: float = 0.6
    smoothing: int = 4
    double_ratio: float = 1.25
    hidden_ratio: float = 1.7


RULES = SkeletonRules()
_EDGE_US, _REDUCE_US = 10.0, 40.0
"""What plain Python takes to do anything to an edge, and to reduce a graph, for each edge; microseconds."""
_MEASURE_US, _NUMBER_US = 6.0, 1.0
"""What it takes to measure and to number a pixel of the skeleton; microseconds."""
_LAY_US, _SMOOTH_US = 8.0, 0.3
"""What it takes to lay a point, and to smooth it once; microseconds."""
HOOK_RATIO = 1.5
"""How far from an open end, in radii, the stroke's body is looked for."""
CAP_RATIO = 0.85
"""Nearer to the paper than this share of the body's radius, a point at an open end lies in a corner of the cap."""


def skeleton(pixels: Bytes, method: Method = "even", rules: SkeletonRules = RULES) -> StrokeGraph:
    """Return the stroke graph of a grey image ``(h, w)``, ink dark on light paper."""
    return graph_of_mask(binarise(pixels, method), rules)


def graph_of_mask(mask: Bools, rules: SkeletonRules = RULES) -> StrokeGraph:
    """Return the stroke graph of a boolean image ``(h, w)``, True for ink."""
    height, stride = mask.shape[0] + 2, mask.shape[1] + 2
    ink = np.zeros((height, stride), np.uint8)
    ink[1:-1, 1:-1] = mask
    thinned = ink.copy()
    thin_in_place(thinned.reshape(-1), stride)
    lines = thinned.reshape(-1)
    at = np.flatnonzero(lines.view(np.bool_)).astype(np.int32)
    radii = np.zeros(lines.size)
    radii[at] = ink_radii(ink.reshape(-1), stride, at)
    graph = trace_pixels(lines, stride)
    edges = 1 + len(graph.edge_nodes)
    measured = _measure.for_work(_EDGE_US * edges + _MEASURE_US * len(at))(graph, radii, stride)
    limits = np.array([rules.spur_ratio, rules.spur_px, rules.merge_ratio, rules.cross_ratio, rules.cross_bend_rad])
    order = measured.edge_length.argsort(kind="stable")
    merged, partner = reduce_graph.for_work(_REDUCE_US * edges)(graph, measured, order, limits)
    chains = string_edges.for_work(_EDGE_US * edges)(partner, merged.state >= 0)
    number_us = _EDGE_US * edges + _NUMBER_US * len(at)
    number, new_nodes, owner = _number.for_work(number_us)(merged, chains, graph, lines.size)
    lay_us = _EDGE_US * edges + (_LAY_US + 2 * rules.smoothing * _SMOOTH_US) * len(at)
    node_xy, node_radius, points, point_radius, offsets, lengths = _lay.for_work(lay_us)(
        merged, number, new_nodes, chains, graph, measured, radii, rules.smoothing
    )
    component = _components.for_work(_EDGE_US * edges)(len(node_xy), new_nodes)
    typical = typical_radius(float(np.count_nonzero(mask)), float(lengths.sum()))
    width = np.add.reduceat(point_radius, offsets[:-1]) / (offsets[1:] - offsets[:-1]) if len(lengths) else np.zeros(0)
    wide = width > rules.hidden_ratio * max(typical, 0.5)
    return StrokeGraph(
        node_xy,
        node_radius,
        component,
        new_nodes,
        points,
        point_radius,
        offsets,
        lengths,
        edge_double=width > rules.double_ratio * max(typical, 0.5),
        edge_hidden=wide,
        owner=owner.reshape(height, stride)[1:-1, 1:-1],
        radius=typical,
    )


def typical_radius(ink_px: float, length_px: float) -> float:
    """Return half the stroke width of ink of this area and length: that of a band with round ends, px.

    Unlike distances between pixel centres it has no bias where strokes are an even number of pixels wide.
    """
    return float((np.sqrt(length_px**2 + np.pi * ink_px) - length_px) / np.pi)


@kernel
def _measure(graph: PixelGraph, radii: Floats, stride: int) -> Measured:
    """Return the geometry of a graph, in pixels of the image: the padded one begins half a pixel and one before it."""
    node_pixels, node_offsets = graph.node_pixels, graph.node_offsets
    edge_nodes, edge_pixels, edge_offsets = graph.edge_nodes, graph.edge_pixels, graph.edge_offsets
    n, m = len(graph.node_kind), len(edge_nodes)
    node_xy, node_radius, weight = np.zeros((n, 2)), np.zeros(n), np.zeros(n)
    for k in range(n):
        lo, hi = node_offsets[k], node_offsets[k + 1]
        for j in range(lo, hi):
            p = node_pixels[j]
            node_xy[k, 0] += (p % stride - 0.5) / (hi - lo)
            node_xy[k, 1] += (p // stride - 0.5) / (hi - lo)
            node_radius[k] = max(node_radius[k], radii[p])
        weight[k] = hi - lo if graph.node_kind[k] == 3 else 0.0
    edge_xy = np.empty((len(edge_pixels), 2))
    for j in range(len(edge_pixels)):
        edge_xy[j, 0] = edge_pixels[j] % stride - 0.5
        edge_xy[j, 1] = edge_pixels[j] // stride - 0.5
    length = np.empty(m)
    for e in range(m):
        x, y = node_xy[edge_nodes[e, 0], 0], node_xy[edge_nodes[e, 0], 1]
        total = 0.0
        for j in range(edge_offsets[e], edge_offsets[e + 1]):
            total += np.hypot(edge_xy[j, 0] - x, edge_xy[j, 1] - y)
            x, y = edge_xy[j, 0], edge_xy[j, 1]
        end = edge_nodes[e, 1]
        length[e] = total + np.hypot(node_xy[end, 0] - x, node_xy[end, 1] - y)
    return Measured(node_xy, node_radius, weight, edge_xy, length)


@kernel
def _number(merged: Merged, chains: Chains, graph: PixelGraph, size: int) -> tuple[Ints32, Ints32, Ints32]:
    """Number the standing nodes and the chained edges anew.

    Returns:
        number: ``(n,)``, the new number of each node, -1 for none.
        new_nodes: ``(m', 2)``, the nodes at both ends of each chain.
        owner: ``(size,)``, what each pixel belongs to, as in :class:`kalamos.skeleton.stroke_graph.StrokeGraph`.
    """
    group, state, walk, walk_offsets = merged.parent, merged.state, chains.walk, chains.offsets
    node_pixels, node_offsets = graph.node_pixels, graph.node_offsets
    edge_nodes, edge_pixels, edge_offsets = graph.edge_nodes, graph.edge_pixels, graph.edge_offsets
    n, n_chains = len(group), len(walk_offsets) - 1
    # the nodes inside a chain stand no more: their pixels become the chain's
    inside, number = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    for c in range(n_chains):
        for k in range(walk_offsets[c] + 1, walk_offsets[c + 1]):
            inside[group[edge_nodes[walk[k] // 2, walk[k] % 2]]] = c
    n_new = 0
    for k in range(n):
        if group[k] == k and inside[k] < 0:
            number[k] = n_new
            n_new += 1
    owner, place = np.full(size, -1, np.int32), np.empty(n, np.int32)
    for k in range(n):
        g = group[k]
        place[k] = number[g] if number[g] >= 0 else n_new + inside[g]
        for j in range(node_offsets[k], node_offsets[k + 1]):
            owner[node_pixels[j]] = place[k]
    for e in range(len(state)):
        if state[e] >= 0:
            for j in range(edge_offsets[e], edge_offsets[e + 1]):
                owner[edge_pixels[j]] = place[state[e]]
    new_nodes = np.empty((n_chains, 2), np.int32)
    for c in range(n_chains):
        for k in range(walk_offsets[c], walk_offsets[c + 1]):
            for j in range(edge_offsets[walk[k] // 2], edge_offsets[walk[k] // 2 + 1]):
                owner[edge_pixels[j]] = n_new + c
        first, last = walk[walk_offsets[c]], walk[walk_offsets[c + 1] - 1] ^ 1
        new_nodes[c, 0] = number[group[edge_nodes[first // 2, first % 2]]]
        new_nodes[c, 1] = number[group[edge_nodes[last // 2, last % 2]]]
    return number, new_nodes, owner


@kernel_taking(4.0)
def _lay(
    merged: Merged,
    number: Ints32,
    new_nodes: Ints32,
    chains: Chains,
    graph: PixelGraph,
    measured: Measured,
    radii: Floats,
    smoothing: int,
) -> tuple[Floats, Floats, Floats, Floats, Ints32, Floats]:
    """Write the geometry of the standing nodes and the chains.

    Returns:
        Centres and radii of the nodes; points, their radii, offsets and lengths of the chains.
    """
    group, xy, reach, walk, walk_offsets = merged.parent, merged.xy, merged.reach, chains.walk, chains.offsets
    edge_nodes, edge_pixels, edge_offsets = graph.edge_nodes, graph.edge_pixels, graph.edge_offsets
    n_new, n_chains = number.max() + 1 if len(number) else 0, len(new_nodes)
    new_xy, new_reach = np.empty((n_new, 2)), np.empty(n_new)
    for k in range(len(group)):
        if number[k] >= 0:
            new_xy[number[k], 0], new_xy[number[k], 1] = xy[k, 0], xy[k, 1]
            new_reach[number[k]] = reach[k]
    degree = degrees(new_nodes, n_new)
    points = np.empty((len(edge_pixels) + len(walk) + 2 * n_chains, 2))
    radius, offsets, lengths = np.empty(len(points)), np.zeros(n_chains + 1, np.int32), np.empty(n_chains)
    before = np.empty_like(points)
    filled = 0
    for c in range(n_chains):
        start, a, b = filled, new_nodes[c, 0], new_nodes[c, 1]
        for k in range(walk_offsets[c], walk_offsets[c + 1]):
            e, side = walk[k] // 2, walk[k] % 2
            joint = group[edge_nodes[e, side]]
            points[filled, 0], points[filled, 1], radius[filled] = xy[joint, 0], xy[joint, 1], reach[joint]
            filled += 1
            lo, hi = edge_offsets[e], edge_offsets[e + 1]
            for j in range(hi - lo):
                at = lo + j if side == 0 else hi - 1 - j
                points[filled, 0], points[filled, 1] = measured.edge_xy[at, 0], measured.edge_xy[at, 1]
                radius[filled] = radii[edge_pixels[at]]
                filled += 1
        points[filled, 0], points[filled, 1], radius[filled] = new_xy[b, 0], new_xy[b, 1], new_reach[b]
        filled = _leave_zones(points, radius, start, filled + 1, degree, a, b, new_reach)
        if degree[a] == 1:
            unhook(points, radius, start, filled - 1)
            new_xy[a, 0], new_xy[a, 1] = points[start, 0], points[start, 1]
        if degree[b] == 1:
            unhook(points, radius, filled - 1, start)
            new_xy[b, 0], new_xy[b, 1] = points[filled - 1, 0], points[filled - 1, 1]
        closed = a == b and degree[a] == 2
        _smooth(points, before, start, filled, smoothing, closed)
        if closed:
            new_xy[a, 0], new_xy[a, 1] = points[start, 0], points[start, 1]
        offsets[c + 1] = filled
        lengths[c] = 0.0
        for j in range(start + 1, filled):
            lengths[c] += np.hypot(points[j, 0] - points[j - 1, 0], points[j, 1] - points[j - 1, 1])
    return new_xy, new_reach, points[:filled].copy(), radius[:filled].copy(), offsets, lengths


@inner
def _leave_zones(
    points: Floats, radius: Floats, start: int, filled: int, degree: Ints32, a: int, b: int, reach: Floats
) -> int:
    """Drop the points inside the discs of the junctions at both ends, where thinning bends the line.

    Keep two at least.
    """
    low, high = start + 1, filled - 1
    if degree[a] > 2:
        while low < high and np.hypot(points[low, 0] - points[start, 0], points[low, 1] - points[start, 1]) < reach[a]:
            low += 1
    last = filled - 1
    if degree[b] > 2:
        while high > low and (
            np.hypot(points[high - 1, 0] - points[last, 0], points[high - 1, 1] - points[last, 1]) < reach[b]
        ):
            high -= 1
    if high - low < 1 and a == b:
        return filled
    end = start + 1
    for j in range(low, high):
        points[end, 0], points[end, 1], radius[end] = points[j, 0], points[j, 1], radius[j]
        end += 1
    points[end, 0], points[end, 1], radius[end] = points[last, 0], points[last, 1], radius[last]
    return end + 1


@inner
def unhook(line: Floats, radius: Floats, first: int, last: int) -> None:
    """Lay the open end at ``line[first]`` straight, in place, where thinning led it aside into a corner of the cap.

    Up to the middle of a round cap the distance to the paper is half the stroke's width; on the way into the corner
    it falls. The points on that way keep their distance along the line and lose that across it. ``last`` is the line's
    other end; it may lie before ``first``.
    """
    n, way = abs(last - first) + 1, 1 if last >= first else -1
    body, x, y = 0.0, line[first, 0], line[first, 1]
    for j in range(1, n):
        p = first + way * j
        if np.hypot(line[p, 0] - x, line[p, 1] - y) > HOOK_RATIO * max(body, 1.0) + 1.0:
            break
        body = max(body, radius[p])
    cut = 0
    while cut < n - 1 and radius[first + way * cut] < CAP_RATIO * body:
        cut += 1
    x, y = line[first + way * cut, 0], line[first + way * cut, 1]
    far = cut
    while far < n - 1 and np.hypot(line[first + way * far, 0] - x, line[first + way * far, 1] - y) < 2.0 * body + 1.0:
        far += 1
    dx, dy = x - line[first + way * far, 0], y - line[first + way * far, 1]
    norm = np.hypot(dx, dy)
    if cut == 0 or norm < body:
        return
    dx, dy = dx / norm, dy / norm
    for j in range(cut):
        p = first + way * j
        along = max(0.0, (line[p, 0] - x) * dx + (line[p, 1] - y) * dy)
        line[p, 0], line[p, 1] = x + along * dx, y + along * dy


def _smooth(line: Floats, before: Floats, start: int, stop: int, passes: int, closed: bool) -> None:
    """Smooth the points ``start:stop`` in place; the ends stay, or are smoothed as one point where the line is closed.

    ``before`` is scratch as large as ``line``.
    """
    if stop - start < 4:
        return
    part, was = line[start:stop], before[start:stop]
    for step in range(2 * passes):
        factor = 0.5 if step % 2 == 0 else -0.53
        was[:] = part
        part[1:-1] = was[1:-1] + factor * (0.5 * (was[:-2] + was[2:]) - was[1:-1])
        if closed:
            part[0] = was[0] + factor * (0.5 * (was[-2] + was[1]) - was[0])
            part[-1] = part[0]


@inner_of(_smooth)
def _smooth_points(line: Floats, before: Floats, start: int, stop: int, passes: int, closed: bool) -> None:
    """Do as :func:`_smooth` does, point by point."""
    if stop - start < 4:
        return
    for step in range(2 * passes):
        factor = 0.5 if step % 2 == 0 else -0.53
        for j in range(start, stop):
            before[j, 0], before[j, 1] = line[j, 0], line[j, 1]
        for j in range(start + 1, stop - 1):
            for axis in range(2):
                mean = 0.5 * (before[j - 1, axis] + before[j + 1, axis])
                line[j, axis] = before[j, axis] + factor * (mean - before[j, axis])
        if closed:
            for axis in range(2):
                mean = 0.5 * (before[stop - 2, axis] + before[start + 1, axis])
                line[start, axis] = before[start, axis] + factor * (mean - before[start, axis])
                line[stop - 1, axis] = line[start, axis]


smooth_between = kernel_of(_smooth)(_smooth_points)


def smooth(line: Floats, passes: int, closed: bool) -> None:
    """Smooth a polyline ``(k, 2)`` in place; the ends stay, or are smoothed as one point where the line is closed."""
    work_us = 2 * passes * _SMOOTH_US * len(line)
    smooth_between.for_work(work_us)(line, np.empty_like(line), 0, len(line), passes, closed)


@kernel
def _components(n: int, edge_nodes: Ints32) -> Ints32:
    """Return the connected piece of each node, numbered in order of first node."""
    parent = new_forest(n)
    for e in range(len(edge_nodes)):
        a, b = find_root(parent, edge_nodes[e, 0]), find_root(parent, edge_nodes[e, 1])
        parent[max(a, b)] = min(a, b)
    component = np.empty(n, np.int32)
    count = 0
    for k in range(n):
        root = find_root(parent, k)
        if root == k:
            component[k] = count
            count += 1
        else:
            component[k] = component[root]
    return component
