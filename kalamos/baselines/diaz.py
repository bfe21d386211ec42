"""Clusters resolved one by one, components ordered one after another, after Diaz et al.

M. Diaz, G. Crispo, A. Parziale, A. Marcelli, M. A. Ferrer, "Writing Order Recovery in Complex and Long Static
Handwriting", IJIMAI 7(4), 2022 (arXiv 2406.03194). A **cluster** is an agglomeration of skeleton pixels where
traces meet; its rank is the number of branches. Clusters are resolved (which branch continues in which), then
pen-downs are chosen and their components ordered.

Followed here: a cluster of rank 3 is a retracing or a touch, a cluster of rank 4 a crossing, higher ranks are
peeled: the pair that continues best is taken off, and the rest looked at again with its own directions.
Continuation is judged by two angles, at the cluster's rim and further out, so that a curved branch is judged by
where it is going (``near_px`` and ``far_ratio`` times it); both count equally. Components are ordered by their
pen-downs: the leftmost start (rightmost in right-to-left scripts) begins, and from the end of each component the
pen goes to the nearest start not yet taken.

Left open in the abstract and decided so: the two angles are of chords from the rim; a pair may bend by
``widest_rad`` at most, else its branches end in the cluster; inside a component the traces are directed, ordered
and joined by the rules of the script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kalamos.baselines.combine import RIGHT_TO_LEFT, combine
from kalamos.baselines.graph import StrokeGraph
from kalamos.baselines.kinematics import Velocity, with_times
from kalamos.baselines.skeleton import skeleton
from kalamos.baselines.tracer import MOST_EDGES, as_found, touch_px
from kalamos.baselines.walks import Lines, Tracing, absorb_rings, draw, ends_by_node
from kalamos.binarise import Method
from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class Diaz:
    """Resolve clusters by two angles, order components by the nearest start.

    Args:
        method: binarisation.
        velocity: law of the times.
        near_px, far_ratio: lengths of the two chords from a cluster's rim.
        widest_rad: the most that a trace bends in a cluster.
    """

    name = "diaz"

    def __init__(
        self,
        *,
        method: Method = "otsu",
        velocity: Velocity = "constant",
        near_px: float = 4.0,
        far_ratio: float = 2.5,
        widest_rad: float = 1.2,
    ) -> None:
        self.method, self.velocity = method, velocity
        self.near_px, self.far_ratio, self.widest_rad = near_px, far_ratio, widest_rad

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with times."""
        return [self._one(image) for image in images]

    def _one(self, image: OfflineImage) -> Ink:
        graph = skeleton(image.pixels, self.method)
        if graph.n_edges > MOST_EDGES:
            return with_times(as_found(graph), self.velocity)
        walks = self._walks(graph)
        lines = [(int(graph.node_component[graph.node_of(walk[0])]), walk) for walk in walks]
        parts: dict[int, list[list[int]]] = {}
        for component, walk in lines:
            parts.setdefault(component, []).append(walk)
        inks = [self._component(graph, walks, image.script) for walks in parts.values()]
        inks += [Ink.from_strokes([graph.node_xy[[k]]]) for k in graph.dots()]
        side = -1.0 if image.script in RIGHT_TO_LEFT else 1.0
        return with_times(concat([inks[k] for k in nearest_start_order(inks, side)]), self.velocity)

    def _component(self, graph: StrokeGraph, walks: list[list[int]], script: str | None) -> Ink:
        closed = np.array([graph.is_closed(walk) for walk in walks])
        return combine(Lines.plain([draw(graph, walk) for walk in walks], closed), script, touch_px=touch_px(graph))

    def _walks(self, graph: StrokeGraph) -> list[list[int]]:
        """Return the resolved traces as walks, in no order."""
        edge = np.arange(graph.n_edges, dtype=np.int32)
        near, far = self._chords(graph)
        ends, offsets = ends_by_node(graph, edge)
        partner = np.full(len(ends), -1, np.int32)
        for node in np.flatnonzero(np.diff(offsets) > 1).tolist():
            here = ends[offsets[node] : offsets[node + 1]]
            for a, b in self._resolve(near[here], far[here]):
                partner[here[a]], partner[here[b]] = here[b], here[a]
        absorb_rings(graph.branches(), edge, ends, offsets, partner, self.widest_rad)
        return Tracing(edge, partner).walks()

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
        bend = 0.5 * (np.arccos(np.clip(-near @ near.T, -1, 1)) + np.arccos(np.clip(-far @ far.T, -1, 1)))
        bend[np.tril_indices(k)] = np.inf
        pairs: list[tuple[int, int]] = []
        while np.isfinite(bend).any():
            a, b = np.unravel_index(int(np.argmin(bend)), bend.shape)
            if bend[a, b] > self.widest_rad:
                break
            pairs.append((int(a), int(b)))
            bend[[a, b]] = np.inf
            bend[:, [a, b]] = np.inf
        return pairs


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
