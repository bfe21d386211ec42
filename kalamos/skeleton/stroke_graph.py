"""The stroke graph: what is drawn where, as arrays, with nothing said yet about order or direction.

A **node** is an end, a junction, a dot, or the anchor of a ring; an **edge** is a line between two nodes, with a
smooth polyline as its geometry. An **edge end** is written ``h = 2 * e + side``: side 0 is the end at
``edge_nodes[e, 0]``, side 1 the one at ``edge_nodes[e, 1]``; ``h ^ 1`` is the other end of the same edge. Walking
edge e forwards means going in at ``2 * e`` and out at ``2 * e + 1``, so that the same number also says "edge e,
walked from this end".

To snap a rough trajectory onto exact geometry: all edges' points lie in one array, ``points``, cut into edges
by ``edge_offsets``; a nearest-neighbour search there gives edge and place along it, and ``edge_nodes`` says which edges
can follow. Coordinates are pixels of the image, the centre of the top left pixel at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints, Ints32
from kalamos.machinery.kernels import inner, kernel
from kalamos.skeleton.simplification import bend_between, branch_at


@dataclass(frozen=True, slots=True, eq=False)
class StrokeGraph:
    """Nodes and edges of one image's ink.

    Attributes:
        node_xy: float64 ``(n, 2)`` px.
        node_radius: float64 ``(n,)`` px, of the zone around a node in which the skeleton cannot be trusted.
        node_component: int32 ``(n,)``, number of the connected piece of ink.
        edge_nodes: int32 ``(m, 2)``; equal for a loop or ring.
        points: float64 ``(p, 2)`` px, the edges' smoothed polylines one after another, node centres at both ends.
        point_radius: float64 ``(p,)`` px, half the local stroke width.
        edge_offsets: int32 ``(m + 1,)``; edge e has the points ``edge_offsets[e]:edge_offsets[e + 1]``, at least two.
        edge_length: float64 ``(m,)`` px.
        edge_double: bool ``(m,)``, True where the ink is wider than one passage of the pen: see
            :class:`kalamos.skeleton.from_image.SkeletonRules`.
        edge_hidden: bool ``(m,)``, True where the ink is so wide that lines inside it cannot be seen.
        owner: int32 ``(h, w)``: -1 off the skeleton, k for node k, n + e for edge e; one for each skeleton pixel.
        radius: float, px, half the typical stroke width, from the ink's area and length.
    """

    node_xy: Floats
    node_radius: Floats
    node_component: Ints32
    edge_nodes: Ints32
    points: Floats
    point_radius: Floats
    edge_offsets: Ints32
    edge_length: Floats
    edge_double: Bools
    edge_hidden: Bools
    owner: Ints32
    radius: float

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.node_xy)

    @property
    def n_edges(self) -> int:
        """Return the number of edges."""
        return len(self.edge_nodes)

    @property
    def size(self) -> float:
        """Return the longer side of the box around all edges in pixels, 1 at least."""
        return max(float(np.ptp(self.points, axis=0).max()), 1.0) if self.n_edges else 1.0

    @property
    def degree(self) -> Ints:
        """Return the number of edge ends at each node, ``(n,)``.

        0 for a dot, 1 for an end, 2 for the anchor of a ring.
        """
        return np.bincount(self.edge_nodes.ravel(), minlength=self.n_nodes)

    def ends(self) -> tuple[Ints32, Ints32]:
        """Return the edge ends sorted by node, ``(2 m,)``, and offsets between nodes, ``(n + 1,)``."""
        at = self.edge_nodes.ravel()
        offsets = np.concatenate([[0], np.cumsum(self.degree)])
        return np.argsort(at, kind="stable").astype(np.int32), offsets.astype(np.int32)

    def edge(self, end: int) -> Floats:
        """Return the polyline of an edge walked from this edge end, ``(k, 2)``."""
        line = self.points[self.edge_offsets[end // 2] : self.edge_offsets[end // 2 + 1]]
        return line[::-1] if end % 2 else line

    def node_of(self, end: int) -> int:
        """Return the node at an edge end."""
        return int(self.edge_nodes[end // 2, end % 2])

    def dots(self) -> Ints:
        """Return the nodes that no edge touches."""
        return np.flatnonzero(self.degree == 0)

    def branches(self) -> Floats:
        """Return for each edge end where it leaves its node's disc and its direction there, ``(2 m, 4)``.

        The columns are x, y, dx, dy.
        """
        return branches(self.points, self.edge_offsets, self.edge_nodes, self.node_xy, self.node_radius)

    def path(self, walk: Sequence[int]) -> Floats:
        """Return the polyline of edges walked one after another, given by the end at which each is entered.

        Consecutive edges share a node; its centre stands once in the path.
        """
        parts = [self.edge(walk[0])] + [self.edge(end)[1:] for end in walk[1:]]
        return np.concatenate(parts)

    def is_closed(self, walk: Sequence[int]) -> bool:
        """Say whether the walk ends in the node in which it begins."""
        return self.node_of(walk[0]) == self.node_of(walk[-1] ^ 1)


@kernel
def branches(points: Floats, offsets: Ints32, edge_nodes: Ints32, node_xy: Floats, node_radius: Floats) -> Floats:
    """Return place and direction of each edge end outside its node's disc, ``(2 m, 4)``."""
    out = np.empty((2 * len(edge_nodes), 4))
    for h in range(len(out)):
        node, other = edge_nodes[h // 2, h % 2], edge_nodes[h // 2, 1 - h % 2]
        branch_at(h, points, offsets, node_xy, node, other, node_radius[node] + 0.5, out[h])
    return out


@inner
def bends(branch: Floats, ends: Ints32) -> Floats:
    """Return by how much a path turns between each two of the edge ends of a node, ``(k, k)`` radians."""
    k = len(ends)
    out = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1, k):
            out[i, j] = out[j, i] = bend_between(branch[ends[i]], branch[ends[j]])
    return out
