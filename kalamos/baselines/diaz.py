"""Clusters resolved one by one, components ordered one after another, after Diaz et al.

M. Diaz, G. Crispo, A. Parziale, A. Marcelli, M. A. Ferrer, "Writing Order Recovery in Complex and Long Static
Handwriting", IJIMAI 7(4), 2022 (arXiv 2406.03194), and the authors' published MATLAB program. A **cluster** is an
agglomeration of skeleton pixels where traces meet; its rank is the number of branches. Clusters are resolved (which
branch continues in which), then pen-downs are chosen and their components ordered.

Followed here, in the program's order and with its thresholds where they are angles or shares:

- even ranks, and odd ones above 3, by good continuation: the pair that continues best is taken off first;
- rank 3 is a **T** where two branches are a line within ``tee_rad`` and the third stands off: it ends there;
- a **retracing** where the two branches that enclose the smallest angle, below ``fork_rad``, stand opposite one that
  is straight, open at its other end and no longer than ``retraced_share`` of the image: the pen went out and back;
- two clusters of rank 3 are **married** where their other branches continue each other in pairs along the segment
  between them, bending ``married_rad`` on the average at most: both traces run through that segment;
- what is left of rank 3 by good continuation.

From the end of each component the pen goes to the nearest start not yet taken.

Not as there: continuation is judged by two chords from the cluster's rim (``near_px`` and ``far_ratio`` times it),
counted equally, where the program takes a vote of three measures (inner and outer angles, curvature of the shortest
way); crossings torn apart by thinning are one node of the graph already; thresholds in pixels of their scans became
shares of the image; married segments may be as long as ``retraced_share``; a pair bends by ``widest_rad`` at most;
the first pen-down is the leftmost (rightmost in right-to-left scripts), where the program has an ellipse learnt from
signatures; inside a component traces are directed, ordered and joined by the rules of the script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kalamos.baselines.combine import combine
from kalamos.baselines.speed_models import Velocity
from kalamos.baselines.tracer import SkeletonMethod, touch_px
from kalamos.baselines.walks import Lines, Tracing, absorb_rings, draw, ends_by_node
from kalamos.geometry import concat
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints32
from kalamos.scripts import direction_of
from kalamos.skeleton.binarise import Method
from kalamos.skeleton.stroke_graph import StrokeGraph

Forced = dict[int, list[tuple[int, bool]]]
"""For a node four edge ends, the first two and the last two paired; True for the copy of a doubled edge."""
TEE_OFF_RAD = 1.19
"""The third branch of a T turns by more than this from both others: 19 % of a full turn."""
STRAIGHT = 0.93
"""A line whose chord is at least this share of its length is straight."""


class Diaz(SkeletonMethod):
    """Resolve clusters by two angles, order components by the nearest start.

    Args:
        method: binarisation.
        velocity: law of the times.
        near_px, far_ratio: lengths of the two chords from a cluster's rim.
        widest_rad: the most that a trace bends in a cluster.
        tee_rad, fork_rad, married_rad, retraced_share: see the module's rules for rank 3.
    """

    name = "diaz"

    def __init__(
        self,
        *,
        method: Method = "even",
        velocity: Velocity = "constant",
        near_px: float = 4.0,
        far_ratio: float = 2.5,
        widest_rad: float = 1.2,
        tee_rad: float = 0.19,
        fork_rad: float = 1.76,
        married_rad: float = 0.7,
        retraced_share: float = 0.2,
    ) -> None:
        super().__init__(method, velocity)
        self.near_px, self.far_ratio, self.widest_rad = near_px, far_ratio, widest_rad
        self.tee_rad, self.fork_rad, self.married_rad = tee_rad, fork_rad, married_rad
        self.retraced_share = retraced_share

    def ink_of(self, graph: StrokeGraph, script: str | None) -> Ink:
        """Return the ink of a graph, without times."""
        walks = self._walks(graph)
        lines = [(int(graph.node_component[graph.node_of(walk[0])]), walk) for walk in walks]
        parts: dict[int, list[list[int]]] = {}
        for component, walk in lines:
            parts.setdefault(component, []).append(walk)
        inks = [self._component(graph, walks, script) for walks in parts.values()]
        inks += [Ink.from_strokes([graph.node_xy[[k]]]) for k in graph.dots()]
        side = direction_of(script)
        return concat([inks[k] for k in nearest_start_order(inks, side)])

    def _component(self, graph: StrokeGraph, walks: list[list[int]], script: str | None) -> Ink:
        closed = np.array([graph.is_closed(walk) for walk in walks])
        return combine(Lines.plain([draw(graph, walk) for walk in walks], closed), script, touch_px=touch_px(graph))

    def _walks(self, graph: StrokeGraph) -> list[list[int]]:
        """Return the resolved traces as walks, in no order."""
        near, far = self._chords(graph)
        bends = _bends(near, far, graph)
        forced = self._rank_3(graph, bends, near, far)
        doubled = sorted({end // 2 for pairs in forced.values() for end, copy in pairs if copy})
        edge = np.concatenate([np.arange(graph.n_edges, dtype=np.int32), np.array(doubled, np.int32)])
        copy_of = {e: graph.n_edges + k for k, e in enumerate(doubled)}
        ends, offsets = ends_by_node(graph, edge)
        partner = np.full(len(ends), -1, np.int32)
        for node in np.flatnonzero(np.diff(offsets) > 1).tolist():
            here = ends[offsets[node] : offsets[node + 1]]
            if node in forced:
                at = [2 * (copy_of[end // 2] if copy else end // 2) + end % 2 for end, copy in forced[node]]
                pairs = [(at[0], at[1]), (at[2], at[3])]
            else:
                base = 2 * edge[here // 2] + here % 2
                pairs = [(int(here[a]), int(here[b])) for a, b in self._resolve(near[base], far[base])]
            for p, q in pairs:
                partner[p], partner[q] = q, p
        absorb_rings(graph.branches(), edge, ends, offsets, partner, self.widest_rad)
        return Tracing(edge, partner).walks()

    def _rank_3(self, graph: StrokeGraph, bends: dict[int, tuple[Ints32, Floats]], near: Floats, far: Floats) -> Forced:
        """Return for clusters of rank 3 that are retraced or married which edge ends, or their copies, are paired."""
        most_px = self.retraced_share * max(graph.owner.shape)
        degree = graph.degree
        forced: Forced = {}
        tee = set()
        for node, (here, bend) in bends.items():
            a, b = divmod(int(np.argmin(bend)), 3)
            others = bend[np.isfinite(bend)]
            if bend[a, b] < self.tee_rad and np.sort(others)[1] > TEE_OFF_RAD:
                tee.add(node)
                continue
            a, b = divmod(int(np.argmax(np.where(np.isfinite(bend), bend, -1.0))), 3)
            stem = int(here[3 - a - b])
            if bend[a, b] < np.pi - self.fork_rad or degree[graph.node_of(stem ^ 1)] != 1:
                continue
            if graph.edge_length[stem // 2] <= most_px and _is_straight(graph.edge(stem)):
                forced[node] = [(int(here[a]), False), (stem, False), (int(here[b]), False), (stem, True)]
        candidates = []
        for e in np.flatnonzero(graph.edge_length <= most_px).tolist():
            u, v = graph.edge_nodes[e].tolist()
            if u != v and {u, v} <= bends.keys() - tee - forced.keys():
                one, two = ([end for end in bends[node][0].tolist() if end // 2 != e] for node in (u, v))
                rank, pairs = _marriage(one, two, near, far)
                candidates.append((rank, e, u, v, pairs))
        for rank, e, u, v, ((a, c), (b, d)) in sorted(candidates):
            if rank <= self.married_rad and u not in forced and v not in forced:
                forced[u] = [(a, False), (2 * e, False), (b, False), (2 * e, True)]
                forced[v] = [(c, False), (2 * e + 1, False), (d, False), (2 * e + 1, True)]
        return forced

    def _chords(self, graph: StrokeGraph) -> tuple[Floats, Floats]:
        """Return the directions of the short and the long chord of each edge end, ``(2 m, 2)`` each."""
        near, far = graph.branches()[:, 2:].copy(), np.zeros((2 * graph.n_edges, 2))
        for h in range(2 * graph.n_edges):
            line = graph.edge(h)
            away = np.hypot(*(line - line[0]).T)
            rim = float(graph.node_radius[graph.node_of(h)])
            start = int(np.argmax(away >= rim)) if away.max() >= rim else 0
            reach = np.hypot(*(line[start:] - line[start]).T)
            long = reach >= self.near_px * self.far_ratio
            stop = start + (int(np.argmax(long)) if long.any() else int(np.argmax(reach)))
            chord = line[stop] - line[start]
            length = float(np.hypot(*chord))
            far[h] = chord / length if length > 0 else near[h]
        return near, far

    def _resolve(self, near: Floats, far: Floats) -> list[tuple[int, int]]:
        k = len(near)
        if k == 2:
            return [(0, 1)]
        bend = _mean_bend(near, far)
        pairs: list[tuple[int, int]] = []
        while np.isfinite(bend).any():
            a, b = np.unravel_index(int(np.argmin(bend)), bend.shape)
            if bend[a, b] > self.widest_rad:
                break
            pairs.append((int(a), int(b)))
            bend[[a, b]] = np.inf
            bend[:, [a, b]] = np.inf
        return pairs


def _bends(near: Floats, far: Floats, graph: StrokeGraph) -> dict[int, tuple[Ints32, Floats]]:
    """Return the edge ends of each cluster of rank 3 and the bends between them, ``(3, 3)`` above the diagonal."""
    ends, offsets = graph.ends()
    found = {}
    for node in np.flatnonzero(np.diff(offsets) == 3).tolist():
        here = ends[offsets[node] : offsets[node + 1]]
        found[node] = (here, _mean_bend(near[here], far[here]))
    return found


def _mean_bend(near: Floats, far: Floats) -> Floats:
    """Return the mean bends from branch to branch of one cluster, above the diagonal; infinite elsewhere."""
    bend = _bend(near, near, far, far)
    bend[np.tril_indices(len(bend))] = np.inf
    return bend


def _bend(near: Floats, near_other: Floats, far: Floats, far_other: Floats) -> Floats:
    """Return how far each branch bends to go on in each other one, radians: the mean over both chords."""
    at_rim, further = (np.clip(-one @ other.T, -1, 1) for one, other in ((near, near_other), (far, far_other)))
    return np.asarray(0.5 * (np.arccos(at_rim) + np.arccos(further)))


def _is_straight(line: Floats) -> bool:
    chord = float(np.hypot(*(line[-1] - line[0])))
    return chord >= STRAIGHT * float(np.hypot(*np.diff(line, axis=0).T).sum())


def _marriage(one: list[int], two: list[int], near: Floats, far: Floats) -> tuple[float, list[tuple[int, int]]]:
    """Return how two branches at one end of a segment continue in two at the other: mean bend, radians, and pairs."""
    bend = _bend(near[one], near[two], far[one], far[two])
    straight, crossed = 0.5 * float(bend[0, 0] + bend[1, 1]), 0.5 * float(bend[0, 1] + bend[1, 0])
    if straight <= crossed:
        return straight, [(one[0], two[0]), (one[1], two[1])]
    return crossed, [(one[0], two[1]), (one[1], two[0])]


def nearest_start_order(inks: Sequence[Ink], side: float) -> list[int]:
    """Return the order of components: the outermost start first, then always the start nearest to where the pen is."""
    if not inks:
        return []
    starts = np.array([ink.xy[0] for ink in inks], np.float64)
    left = np.ones(len(inks), bool)
    at = int(np.lexsort((starts[:, 1], side * starts[:, 0]))[0])
    order = [at]
    for _ in range(len(inks) - 1):
        left[at] = False
        away = np.hypot(*(starts - inks[at].xy[-1]).T)
        at = int(np.argmin(np.where(left, away, np.inf)))
        order.append(at)
    return order
