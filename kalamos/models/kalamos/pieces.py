"""An image as short pieces of line: the alphabet in which the model spells a pen's path.

The skeleton's edges are cut into **pieces** of at most :data:`PIECE_PX` pixels, each given by :data:`POINTS` points
at equal distances. A pen path is then a sequence of *directed* pieces: the number ``2 * j`` is piece j from its first
point to its last, ``2 * j + 1`` is the same piece backwards. Two pieces are joined where they share a joint (a node of
the skeleton graph, or a cut).

Two irregularities that thinning makes are taken back first: an end shorter than :data:`SPUR_PX` that hangs at a
junction is dropped, and a link between two junctions shorter than :data:`LINK_PX` is contracted (two lines that cross
at a small angle become two junctions with a link between them).
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32, Ints, Ints32
from kalamos.skeleton.binarise import binarise
from kalamos.skeleton.pixel_graph import trace_pixels
from kalamos.skeleton.thinning import DELETABLE, ink_radii, thin_in_place

PIECE_PX = 8.0
POINTS = 5
SPUR_PX = 2.0
LINK_PX = 3.0


class Pieces(NamedTuple):
    """The pieces of one image.

    Attributes:
        points: float32 ``(n, POINTS, 2)``, pixels.
        radii: float32 ``(n, POINTS)``, half the line's width at these points, pixels.
        joints: int32 ``(n, 2)``, the joint at the first and at the last point; equal for a dot.
    """

    points: Floats32
    radii: Floats32
    joints: Ints32

    @property
    def lengths(self) -> Floats:
        """Return the length of each piece in pixels, ``(n,)``; 0 for a dot."""
        steps = np.diff(self.points.astype(np.float64), axis=1)
        return np.asarray(np.hypot(steps[..., 0], steps[..., 1]).sum(axis=1))


def cut_pieces(pixels: Bytes, piece_px: float = PIECE_PX) -> Pieces:
    """Return the pieces of the ink in a grey image ``(h, w)``; none where there is no ink."""
    mask = np.zeros((pixels.shape[0] + 2, pixels.shape[1] + 2), np.uint8)
    mask[1:-1, 1:-1] = binarise(pixels)
    grid = mask.copy()
    stride = mask.shape[1]
    thin_in_place(grid.reshape(-1), stride, DELETABLE)
    graph = trace_pixels(grid.reshape(-1), stride)
    at = np.flatnonzero(grid).astype(np.int32)
    field = np.zeros(grid.size)
    field[at] = ink_radii(mask.reshape(-1), mask.shape[0], stride, at)
    return Pieces(*_cut(*graph, field, stride, piece_px, SPUR_PX, LINK_PX))


def walked_points(pieces: Pieces, steps: Ints) -> Floats:
    """Return the points of directed pieces in the direction of writing, ``(t, POINTS, 2)``."""
    line = pieces.points[steps // 2].astype(np.float64)
    return np.where((steps % 2 == 1)[:, None, None], line[:, ::-1], line)


def interval_lengths(line: Floats) -> Floats:
    """Return the lengths between neighbouring points, ``(t, POINTS - 1)``; a quarter pixel more, for dots."""
    step = np.diff(line, axis=1)
    return np.asarray(np.hypot(step[..., 0], step[..., 1]) + 0.25)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _chains(
    node_pixels: Ints32,
    node_offsets: Ints32,
    edges: Ints32,
    pixels: Ints32,
    offsets: Ints32,
    field: Floats,
    stride: int,
) -> tuple[Floats, Ints, Floats]:
    """Return each edge as points x, y, radius from node to node, their offsets, and the edges' lengths.

    A node's place is the mean of its pixels; inner points are smoothed by (1, 2, 1) / 4.
    """
    n_nodes, n_edges = len(node_offsets) - 1, len(edges)
    nodes = np.zeros((n_nodes, 3))
    for k in range(n_nodes):
        for i in range(node_offsets[k], node_offsets[k + 1]):
            p = node_pixels[i]
            nodes[k, 0] += p % stride - 0.5
            nodes[k, 1] += p // stride - 0.5
            nodes[k, 2] += field[p]
        nodes[k] /= node_offsets[k + 1] - node_offsets[k]
    points = np.empty((len(pixels) + 2 * n_edges, 3))
    starts = np.zeros(n_edges + 1, np.int64)
    lengths = np.zeros(n_edges)
    n = 0
    for e in range(n_edges):
        points[n] = nodes[edges[e, 0]]
        first = n
        n += 1
        for i in range(offsets[e], offsets[e + 1]):
            p = pixels[i]
            points[n, 0], points[n, 1], points[n, 2] = p % stride - 0.5, p // stride - 0.5, field[p]
            n += 1
        points[n] = nodes[edges[e, 1]]
        n += 1
        starts[e + 1] = n
        before = points[first].copy()
        for i in range(first + 1, n - 1):
            here = points[i].copy()
            points[i] = 0.25 * before + 0.5 * here + 0.25 * points[i + 1]
            before = here
        for i in range(first + 1, n):
            lengths[e] += np.hypot(points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1])
    return points, starts, lengths


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _root(parent: Ints32, node: int) -> int:
    while parent[node] != node:
        node = parent[node]
    return node


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _clean(edges: Ints32, lengths: Floats, n_nodes: int, spur_px: float, link_px: float) -> tuple[Bools, Ints32]:
    """Say which edges stay, and which joint each node has become."""
    degree = np.zeros(n_nodes, np.int32)
    for e in range(len(edges)):
        degree[edges[e, 0]] += 1
        degree[edges[e, 1]] += 1
    stays = np.ones(len(edges), np.bool_)
    for e in range(len(edges)):
        a, b = edges[e]
        if lengths[e] < spur_px and a != b and (degree[a] == 1) != (degree[b] == 1):
            stays[e] = False
            degree[a] -= 1
            degree[b] -= 1
    parent = np.arange(n_nodes).astype(np.int32)
    for e in np.argsort(lengths, kind="mergesort"):
        a, b = edges[e]
        if stays[e] and lengths[e] < link_px and degree[a] >= 3 and degree[b] >= 3:
            a, b = _root(parent, a), _root(parent, b)
            if a != b:
                parent[a] = b
                stays[e] = False
    for k in range(n_nodes):
        parent[k] = _root(parent, k)
    return stays, parent


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _places(
    node_pixels: Ints32, node_offsets: Ints32, edges: Ints32, joint: Ints32, field: Floats, stride: int
) -> tuple[Floats, Bools]:
    """Return x, y and radius of each joint, the mean over the pixels of its nodes, and which nodes no edge touches."""
    n_nodes = len(joint)
    place, weight, alone = np.zeros((n_nodes, 3)), np.zeros(n_nodes), np.ones(n_nodes, np.bool_)
    for e in range(len(edges)):
        alone[edges[e, 0]] = alone[edges[e, 1]] = False
    for k in range(n_nodes):
        for i in range(node_offsets[k], node_offsets[k + 1]):
            p = node_pixels[i]
            place[joint[k], 0] += p % stride - 0.5
            place[joint[k], 1] += p // stride - 0.5
            place[joint[k], 2] += field[p]
            weight[joint[k]] += 1
    for k in range(n_nodes):
        place[k] /= max(weight[k], 1.0)
    return place, alone


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _cut(
    kind: Ints32,
    node_pixels: Ints32,
    node_offsets: Ints32,
    edges: Ints32,
    pixels: Ints32,
    offsets: Ints32,
    field: Floats,
    stride: int,
    piece_px: float,
    spur_px: float,
    link_px: float,
) -> tuple[Floats32, Floats32, Ints32]:
    """Return the fields of :class:`Pieces` for the fields of a pixel graph."""
    points, starts, lengths = _chains(node_pixels, node_offsets, edges, pixels, offsets, field, stride)
    n_nodes = len(kind)
    stays, joint = _clean(edges, lengths, n_nodes, spur_px, link_px)
    place, alone = _places(node_pixels, node_offsets, edges, joint, field, stride)
    count = 0
    for e in range(len(edges)):
        if stays[e]:
            a, b, first, last = joint[edges[e, 0]], joint[edges[e, 1]], starts[e], starts[e + 1] - 1
            # the ends go to the joints' places, which contracted links may have moved away: the edge grows by as much
            longer = np.hypot(place[a, 0] - points[first, 0], place[a, 1] - points[first, 1])
            longer += np.hypot(place[b, 0] - points[last, 0], place[b, 1] - points[last, 1])
            count += max(2, int(np.ceil((lengths[e] + longer) / piece_px)) + 1)
    count += int(alone.sum())
    xy, radii = np.empty((count, POINTS, 2), np.float32), np.empty((count, POINTS), np.float32)
    joints = np.empty((count, 2), np.int32)
    n, fresh = 0, n_nodes
    for e in range(len(edges)):
        if not stays[e]:
            continue
        a, b = joint[edges[e, 0]], joint[edges[e, 1]]
        chain = points[starts[e] : starts[e + 1]].copy()
        chain[0], chain[-1] = place[a], place[b]
        along = np.zeros(len(chain))
        for i in range(1, len(chain)):
            along[i] = along[i - 1] + np.hypot(chain[i, 0] - chain[i - 1, 0], chain[i, 1] - chain[i - 1, 1])
        parts = max(1, int(np.ceil(along[-1] / piece_px - 1e-9)))
        if a == b and along[-1] > 4.0:
            parts = max(parts, 2)
        for m in range(parts):
            at = along[-1] * (m + np.arange(POINTS) / (POINTS - 1)) / parts
            xy[n, :, 0] = np.interp(at, along, chain[:, 0])
            xy[n, :, 1] = np.interp(at, along, chain[:, 1])
            radii[n] = np.interp(at, along, chain[:, 2])
            joints[n, 0] = a if m == 0 else fresh - 1
            joints[n, 1] = b
            if m < parts - 1:
                joints[n, 1] = fresh
                fresh += 1
            n += 1
    for k in range(n_nodes):
        if alone[k]:
            xy[n, :, 0], xy[n, :, 1], radii[n] = place[k, 0], place[k, 1], place[k, 2]
            joints[n] = k
            n += 1
    return xy[:n].copy(), radii[:n].copy(), joints[:n].copy()
