"""An image as short pieces of line: the alphabet in which the model spells a pen's path.

The skeleton's edges are cut into **pieces** of at most :data:`PIECE_PX` pixels, each given by :data:`POINTS` points
at equal distances. A pen path is then a sequence of *directed* pieces: the number ``2 * j`` is piece j from its first
point to its last, ``2 * j + 1`` is the same piece backwards. Two pieces are joined where they share a joint (a node of
the skeleton graph, or a cut).

Two irregularities that thinning makes are taken back first: an end shorter than :data:`SPUR_PX` that hangs at a
junction is dropped, and a link between two junctions shorter than :data:`LINK_PX` is contracted (two lines that cross
at a small angle become two junctions with a link between them). The stroke graph has rules of its own
(:mod:`kalamos.skeleton.simplification`); ``docs/architecture.md`` says why these are not they.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32, Ints, Ints32
from kalamos.machinery.kernels import foresee, inner, kernel
from kalamos.skeleton.binarise import binarise
from kalamos.skeleton.forest import degrees, find_root, flatten, new_forest
from kalamos.skeleton.pixel_graph import PixelGraph, trace_pixels
from kalamos.skeleton.thinning import ink_radii, thin_in_place

PIECE_PX = 8.0
POINTS = 5
SPUR_PX = 2.0
LINK_PX = 3.0
_PIXEL_US, _EDGE_US = 4.0, 10.0
"""What an interpreted kernel costs for each pixel of the skeleton that it looks at, and for each edge."""
_IMAGE_PIXEL_US = 0.8
"""What all interpreted kernels cost for each pixel of an image of writing."""


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


class _EdgeLines(NamedTuple):
    """The edges of a skeleton graph as lines from node to node.

    Attributes:
        points: ``(p, 3)``: x, y and radius, pixels, one edge after another.
        starts: ``(m + 1,)``, where each edge begins among them.
        lengths: ``(m,)``, pixels.
    """

    points: Floats
    starts: Ints
    lengths: Floats


class _Joints(NamedTuple):
    """What the nodes of a skeleton graph have become.

    Attributes:
        of_node: ``(n,)``, the joint that each node is, or belongs to: the number of one of the nodes.
        place: ``(n, 3)``: x, y and radius of each joint, pixels.
        alone: ``(n,)``, which nodes no edge touches.
    """

    of_node: Ints32
    place: Floats
    alone: Bools


def cut_pieces(pixels: Bytes, piece_px: float = PIECE_PX) -> Pieces:
    """Return the pieces of the ink in a grey image ``(h, w)``; none where there is no ink."""
    mask = np.zeros((pixels.shape[0] + 2, pixels.shape[1] + 2), np.uint8)
    mask[1:-1, 1:-1] = binarise(pixels)
    grid = mask.copy()
    stride = mask.shape[1]
    thin_in_place(grid.reshape(-1), stride)
    graph = trace_pixels(grid.reshape(-1), stride)
    at = np.flatnonzero(grid).astype(np.int32)
    field = np.zeros(grid.size)
    field[at] = ink_radii(mask.reshape(-1), stride, at)
    few_us = _EDGE_US * (1 + len(graph.edge_nodes))
    work_us = few_us + _PIXEL_US * at.size
    lines = _EdgeLines(*_edge_lines.for_work(work_us)(graph, field, stride))
    order, n_nodes = lines.lengths.argsort(kind="stable"), len(graph.node_kind)
    stays, joint = _clean.for_work(few_us)(graph.edge_nodes, lines.lengths, order, n_nodes, SPUR_PX, LINK_PX)
    place, alone = _places.for_work(few_us)(graph, joint, field, stride)
    at_joints = _Joints(joint, place, alone)
    xy, radii, joints, n = _cut.for_work(work_us)(graph.edge_nodes, stays, lines, at_joints, piece_px)
    return Pieces(xy[:n].copy(), radii[:n].copy(), joints[:n].copy())


def cut_all(images: Sequence[Bytes]) -> list[Pieces]:
    """Return the pieces of each image."""
    foresee(_IMAGE_PIXEL_US * sum(pixels.size for pixels in images))
    return [cut_pieces(pixels) for pixels in images]


def walked_points(pieces: Pieces, steps: Ints) -> Floats:
    """Return the points of directed pieces in the direction of writing, ``(t, POINTS, 2)``."""
    line = pieces.points[steps // 2].astype(np.float64)
    return np.where((steps % 2 == 1)[:, None, None], line[:, ::-1], line)


def interval_lengths(line: Floats) -> Floats:
    """Return the lengths between neighbouring points, ``(t, POINTS - 1)``; a quarter pixel more, for dots."""
    step = np.diff(line, axis=1)
    return np.asarray(np.hypot(step[..., 0], step[..., 1]) + 0.25)


@kernel
def _edge_lines(graph: PixelGraph, field: Floats, stride: int) -> tuple[Floats, Ints, Floats]:
    """Return the fields of :class:`_EdgeLines`; ``field`` has the radius at each pixel of the skeleton.

    A node's place is the mean of its pixels; inner points are smoothed by (1, 2, 1) / 4.
    """
    _, node_pixels, node_offsets, edges, pixels, offsets = graph
    n_nodes, n_edges = len(node_offsets) - 1, len(edges)
    nodes = np.zeros((n_nodes, 3))
    for k in range(n_nodes):
        for i in range(node_offsets[k], node_offsets[k + 1]):
            p = node_pixels[i]
            nodes[k, 0] += p % stride - 0.5
            nodes[k, 1] += p // stride - 0.5
            nodes[k, 2] += field[p]
        for c in range(3):
            nodes[k, c] /= node_offsets[k + 1] - node_offsets[k]
    points = np.empty((len(pixels) + 2 * n_edges, 3))
    starts, lengths = np.zeros(n_edges + 1, np.int64), np.zeros(n_edges)
    n = 0
    for e in range(n_edges):
        first = n
        for c in range(3):
            points[n, c] = nodes[edges[e, 0], c]
        n += 1
        for i in range(offsets[e], offsets[e + 1]):
            p = pixels[i]
            points[n, 0], points[n, 1], points[n, 2] = p % stride - 0.5, p // stride - 0.5, field[p]
            n += 1
        for c in range(3):
            points[n, c] = nodes[edges[e, 1], c]
        n += 1
        starts[e + 1] = n
        for c in range(3):
            before = points[first, c]
            for i in range(first + 1, n - 1):
                here = points[i, c]
                points[i, c] = 0.25 * before + 0.5 * here + 0.25 * points[i + 1, c]
                before = here
        for i in range(first + 1, n):
            dx, dy = points[i, 0] - points[i - 1, 0], points[i, 1] - points[i - 1, 1]
            lengths[e] += sqrt(dx * dx + dy * dy)
    return points, starts, lengths


@kernel
def _clean(
    edges: Ints32, lengths: Floats, order: Ints, n_nodes: int, spur_px: float, link_px: float
) -> tuple[Bools, Ints32]:
    """Say which edges stay, and which joint each node has become; ``order`` has the edges from short to long."""
    degree = degrees(edges, n_nodes)
    stays = np.ones(len(edges), np.bool_)
    for e in range(len(edges)):
        a, b = edges[e, 0], edges[e, 1]
        if lengths[e] < spur_px and a != b and (degree[a] == 1) != (degree[b] == 1):
            stays[e] = False
            degree[a] -= 1
            degree[b] -= 1
    parent = new_forest(n_nodes)
    for e in order:
        if not lengths[e] < link_px:
            break
        if stays[e] and degree[edges[e, 0]] >= 3 and degree[edges[e, 1]] >= 3:
            i, j = find_root(parent, edges[e, 0]), find_root(parent, edges[e, 1])
            if i != j:
                parent[i] = j
                stays[e] = False
    flatten(parent)
    return stays, parent


@kernel
def _places(graph: PixelGraph, joint: Ints32, field: Floats, stride: int) -> tuple[Floats, Bools]:
    """Return x, y and radius of each joint, the mean over the pixels of its nodes, and which nodes no edge touches."""
    _, node_pixels, node_offsets, edges, _, _ = graph
    n_nodes = len(joint)
    place, weight, alone = np.zeros((n_nodes, 3)), np.zeros(n_nodes), np.ones(n_nodes, np.bool_)
    for e in range(len(edges)):
        alone[edges[e, 0]] = False
        alone[edges[e, 1]] = False
    for k in range(n_nodes):
        j = joint[k]
        for i in range(node_offsets[k], node_offsets[k + 1]):
            p = node_pixels[i]
            place[j, 0] += p % stride - 0.5
            place[j, 1] += p // stride - 0.5
            place[j, 2] += field[p]
            weight[j] += 1.0
    for k in range(n_nodes):
        for c in range(3):
            place[k, c] /= max(weight[k], 1.0)
    return place, alone


@inner
def _join(edges: Ints32, stays: Bools, lines: _EdgeLines, at_joints: _Joints, piece_px: float) -> int:
    """Lay the ends of the edges that stay onto their joints; return how many pieces there can be at most.

    Contracted links may have moved the joints away: an edge grows by as much.
    """
    points, place, count = lines.points, at_joints.place, 0
    for e in range(len(edges)):
        if not stays[e]:
            continue
        longer = lines.lengths[e]
        for end in range(2):
            i, j = lines.starts[e + end] - end, at_joints.of_node[edges[e, end]]
            dx, dy = place[j, 0] - points[i, 0], place[j, 1] - points[i, 1]
            longer += sqrt(dx * dx + dy * dy)
            for c in range(3):
                points[i, c] = place[j, c]
        count += max(2, ceil(longer / piece_px) + 1)
    for k in range(len(at_joints.alone)):
        count += at_joints.alone[k]
    return count


@kernel
def _cut(
    edges: Ints32, stays: Bools, lines: _EdgeLines, at_joints: _Joints, piece_px: float
) -> tuple[Floats32, Floats32, Ints32, int]:
    """Return the fields of :class:`Pieces` with room behind them, and their number; ``lines.points`` are changed."""
    (points, starts, _), (joint, place, alone) = lines, at_joints
    n_nodes, count = len(joint), _join(edges, stays, lines, at_joints, piece_px)
    xy, radii = np.empty((count, POINTS, 2), np.float32), np.empty((count, POINTS), np.float32)
    joints, along = np.empty((count, 2), np.int32), np.zeros(len(points))
    n, fresh = 0, n_nodes
    for e in range(len(edges)):
        if not stays[e]:
            continue
        a, b, i, last = joint[edges[e, 0]], joint[edges[e, 1]], starts[e], starts[e + 1] - 1
        for k in range(i + 1, last + 1):
            dx, dy = points[k, 0] - points[k - 1, 0], points[k, 1] - points[k - 1, 1]
            along[k] = along[k - 1] + sqrt(dx * dx + dy * dy)
        whole = along[last]
        parts = max(1, ceil(whole / piece_px - 1e-9))
        if a == b and whole > 4.0:
            parts = max(parts, 2)
        for m in range(parts):
            for k in range(POINTS):
                at = whole * (m + k / (POINTS - 1)) / parts
                while i < last and along[i + 1] <= at:
                    i += 1
                step, past = 1.0, 0.0
                nxt = min(i + 1, last)
                if i < last:
                    step, past = along[nxt] - along[i], at - along[i]
                xy[n, k, 0] = (points[nxt, 0] - points[i, 0]) / step * past + points[i, 0]
                xy[n, k, 1] = (points[nxt, 1] - points[i, 1]) / step * past + points[i, 1]
                radii[n, k] = (points[nxt, 2] - points[i, 2]) / step * past + points[i, 2]
            joints[n, 0] = a if m == 0 else fresh - 1
            joints[n, 1] = b
            if m < parts - 1:
                joints[n, 1] = fresh
                fresh += 1
            n += 1
    for j in range(n_nodes):
        if alone[j]:
            for k in range(POINTS):
                xy[n, k, 0], xy[n, k, 1], radii[n, k] = place[j, 0], place[j, 1], place[j, 2]
            joints[n, 0] = j
            joints[n, 1] = j
            n += 1
    return xy, radii, joints, n
