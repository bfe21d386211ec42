"""The smoothest path through each component, cut into strokes, after Dinh et al.

M. Dinh, H.-J. Yang, G.-S. Lee, S.-H. Kim, L.-N. Do, "Recovery of drawing order from multi-stroke English
handwritten images based on graph models and ambiguous zone analysis", Expert Systems with Applications 64, 2016.
Four stages: the skeleton graph, with strokes that touch or cross in an ambiguous zone told apart; the smoothest
path that covers a component, by a greedy walk and, where it is stuck, by Dijkstra's algorithm with a cost of
unsmoothness; the path cut into strokes where it is unsmooth and where it goes over a line twice; the strokes'
pixels, ordered by rules of handwriting. Directions are principal components of the branches' first pixels.

Followed here in that order; the ambiguous zones are the merged crossings of :mod:`kalamos.skeleton.simplification`.
Left open in the abstract and summaries at hand, and decided so: unsmoothness is the bend in radians; a way over drawn
edges costs ``1 + length / ink size`` an edge beside its bends; the walk starts at the open end highest and furthest to
the left (right in right-to-left scripts), or at a branch of the topmost node where nothing is open; the path is cut at
bends above ``cut_rad`` that are no dead end; where the way back to new ink is longer than ``retrace_share`` of the ink
the pen is lifted and the walk begins anew.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tracer import Tracer
from kalamos.baselines.walks import Lines, draw
from kalamos.machinery.arrays import Floats
from kalamos.scripts import direction_of
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph

PRINCIPAL_PX = 8.0
MOST_EDGES = 300
"""Edges of a component up to which it is walked as a whole; each edge of a larger one is a stroke."""


class Dinh(Tracer):
    """Walk each component as smoothly as possible, then cut the walk into strokes.

    Args:
        method: binarisation.
        velocity: law of the times.
        cut_rad: bend above which the path is cut.
        retrace_share: longest line gone over twice inside a stroke, as a share of the ink's size.
        joins: whether strokes may still be joined along retraced lines by the rules of the script.
    """

    name = "dinh"

    def __init__(
        self,
        *,
        method: Method = "even",
        velocity: Velocity = "constant",
        cut_rad: float = 1.2,
        retrace_share: float = 0.2,
        joins: bool = True,
    ) -> None:
        super().__init__(method, velocity, joins=joins)
        self.cut_rad, self.retrace_share = cut_rad, retrace_share

    def decompose(self, graph: StrokeGraph, script: str | None = None) -> Lines:
        """Return the lines of a graph, not yet directed or ordered."""
        way = principal_directions(graph)
        size = graph.size
        walks: list[list[int]] = []
        home = graph.node_component[graph.edge_nodes[:, 0]] if graph.n_edges else np.empty(0, np.int32)
        order = np.argsort(home, kind="stable")
        for pieces in np.split(order, np.flatnonzero(np.diff(home[order])) + 1) if graph.n_edges else []:
            if len(pieces) > MOST_EDGES:
                walks += [[2 * int(e)] for e in pieces]
                continue
            side = direction_of(script)
            for path in _smoothest_paths(graph, way, pieces.tolist(), side, size, self.retrace_share):
                walks += self._cut(graph, way, path, size)
        closed = [graph.is_closed(walk) for walk in walks]
        dots = graph.dots()
        xy = [draw(graph, walk) for walk in walks] + [graph.node_xy[[k]] for k in dots]
        return Lines.plain(xy, np.array(closed + [False] * len(dots), bool))

    def _cut(self, graph: StrokeGraph, way: Floats, path: list[int], size: float) -> list[list[int]]:
        """Return the strokes of a path: cut where it bends, and long second passages left out."""
        strokes: list[list[int]] = [[]]
        drawn: set[int] = set()
        for end in path:
            again = end // 2 in drawn
            drawn.add(end // 2)
            if again and graph.edge_length[end // 2] > self.retrace_share * size:
                strokes.append([])
                continue
            before = strokes[-1][-1] if strokes[-1] else -1
            turned = before >= 0 and before // 2 == end // 2
            if before >= 0 and not turned and _bend(way, before, end) > self.cut_rad:
                strokes.append([])
            strokes[-1].append(end)
        return [_trimmed(stroke) for stroke in strokes if stroke]


def _trimmed(stroke: list[int]) -> list[int]:
    """Return the stroke without a second passage at its very end or a first at its start: the pen had no reason to."""
    while len(stroke) > 1 and any(end // 2 == stroke[-1] // 2 for end in stroke[:-1]):
        stroke = stroke[:-1]
    return stroke


def principal_directions(graph: StrokeGraph) -> Floats:
    """Return the direction of each edge end away from its node, ``(2 m, 2)``.

    The principal component of its first pixels.
    """
    out = np.zeros((2 * graph.n_edges, 2))
    for h in range(2 * graph.n_edges):
        line = graph.edge(h)
        away = np.hypot(*(line - line[0]).T)
        rim = float(graph.node_radius[graph.node_of(h)]) if len(line) > 3 else 0.0
        near = line[(away >= rim) & (away <= rim + PRINCIPAL_PX)]
        near = near if len(near) > 1 else line
        centred = near - near.mean(axis=0)
        xx, yy, xy = (centred[:, 0] ** 2).sum(), (centred[:, 1] ** 2).sum(), (centred[:, 0] * centred[:, 1]).sum()
        angle = 0.5 * math.atan2(2 * xy, xx - yy)
        axis = np.array([math.cos(angle), math.sin(angle)])
        out[h] = axis if axis @ (near[-1] - near[0]) >= 0 else -axis
    return out


def _bend(way: Floats, before: int, after: int) -> float:
    """Return by how much the pen turns from one walked edge to the next, radians."""
    a, b = way[before ^ 1], way[after]
    return math.acos(min(1.0, max(-1.0, -float(a[0] * b[0] + a[1] * b[1]))))


def _smoothest_paths(
    graph: StrokeGraph, way: Floats, pieces: list[int], side: float, size: float, share: float
) -> list[list[int]]:
    """Return paths that together cover a component: a new one begins where the way back would be a long retracing."""
    at_node: dict[int, list[int]] = {}
    for e in pieces:
        for end in (2 * e, 2 * e + 1):
            at_node.setdefault(graph.node_of(end), []).append(end)
    left = set(pieces)
    paths: list[list[int]] = []
    while left:
        path = [_start(graph, at_node, left, side)]
        left.discard(path[0] // 2)
        while left:
            ahead = [end for end in at_node[graph.node_of(path[-1] ^ 1)] if end // 2 in left]
            last = path[-1]
            more = [min(ahead, key=lambda end: _bend(way, last, end))] if ahead else []
            more = more or _way_to_new(graph, way, at_node, last, left, size)
            if sum(float(graph.edge_length[end // 2]) for end in more[:-1]) > share * size:
                break
            path += more
            left.discard(path[-1] // 2)
        paths.append(path)
    return paths


def _start(graph: StrokeGraph, at_node: dict[int, list[int]], left: set[int], side: float) -> int:
    """Return the edge end at which to begin: an open one where there is one, the highest and most outward."""
    rest = [[end for end in ends if end // 2 in left] for ends in at_node.values()]
    opens = [ends[0] for ends, all_ends in zip(rest, at_node.values(), strict=True) if len(all_ends) == 1 and ends]
    candidates = opens or [end for ends in rest for end in ends]
    return min(candidates, key=lambda end: float(graph.node_xy[graph.node_of(end)] @ (0.5 * side, 1.0)))


def _way_to_new(
    graph: StrokeGraph, way: Floats, at_node: dict[int, list[int]], start: int, left: set[int], size: float
) -> list[int]:
    """Return the cheapest way over drawn edges to one not drawn yet, that one included (Dijkstra)."""
    heap: list[tuple[float, int]] = [(0.0, start)]
    cost, back, done = {start: 0.0}, {start: -1}, set()
    while heap:
        so_far, here = heapq.heappop(heap)
        if here in done:
            continue
        done.add(here)
        if here // 2 in left:
            way_there = []
            while here != start:
                way_there.append(here)
                here = back[here]
            return way_there[::-1]
        for ahead in at_node[graph.node_of(here ^ 1)]:
            turn = 0.5 if ahead == here ^ 1 else _bend(way, here, ahead)
            again = 0.0 if ahead // 2 in left else 1.0 + float(graph.edge_length[ahead // 2]) / size
            if so_far + turn + again < cost.get(ahead, math.inf):
                cost[ahead], back[ahead] = so_far + turn + again, here
                heapq.heappush(heap, (cost[ahead], ahead))
    return [2 * min(left)]
