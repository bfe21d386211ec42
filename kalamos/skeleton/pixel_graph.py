"""From a skeleton's pixels to nodes and edges: every pixel goes to exactly one of them.

Two pixels are **joined** where they are neighbours along a row or column, or along a diagonal with no third pixel
between them (m-adjacency, as in Gonzalez and Woods). On a skeleton one pixel wide this leaves no false triangles: a
pixel joined to two others lies inside a line, to one is an end, to none a dot, to three or more a junction; touching
junction pixels are one node. A line of inner pixels only (a ring) gets an artificial node, its **anchor**.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Ints32
from kalamos.machinery.kernels import inner, kernel

_PIXEL_US = 4.0
"""What an interpreted trace costs for each pixel of the skeleton, microseconds."""


END, JUNCTION, DOT, ANCHOR = 1, 3, 0, 2
"""Kinds of node."""


class PixelGraph(NamedTuple):
    """Nodes and edges as lists of skeleton pixels (flat indices into the padded image).

    Attributes:
        node_kind: ``(n,)``, one of END, JUNCTION, DOT, ANCHOR.
        node_pixels: the nodes' pixels, one node after another; node k has ``node_offsets[k]:node_offsets[k + 1]``.
        node_offsets: ``(n + 1,)``.
        edge_nodes: ``(m, 2)``, the nodes at both ends; equal for a loop.
        edge_pixels: the edges' inner pixels, from the first node to the second; may be none (nodes touch).
        edge_offsets: ``(m + 1,)``.
    """

    node_kind: Ints32
    node_pixels: Ints32
    node_offsets: Ints32
    edge_nodes: Ints32
    edge_pixels: Ints32
    edge_offsets: Ints32


@inner
def _joined(grid: Bytes, p: int, stride: int, out: Ints32) -> int:
    """Write the pixels joined to ``p`` into ``out``, straight ones first; return their number."""
    east, north, west, south = grid[p + 1], grid[p - stride], grid[p - 1], grid[p + stride]
    n = 0
    if east:
        out[n] = p + 1
        n += 1
    if north:
        out[n] = p - stride
        n += 1
    if west:
        out[n] = p - 1
        n += 1
    if south:
        out[n] = p + stride
        n += 1
    if grid[p - stride + 1] and not (north or east):
        out[n] = p - stride + 1
        n += 1
    if grid[p - stride - 1] and not (north or west):
        out[n] = p - stride - 1
        n += 1
    if grid[p + stride - 1] and not (south or west):
        out[n] = p + stride - 1
        n += 1
    if grid[p + stride + 1] and not (south or east):
        out[n] = p + stride + 1
        n += 1
    return n


def trace_pixels(grid: Bytes, stride: int) -> PixelGraph:
    """Return the graph of a padded flat skeleton of 0 and 1.

    Cost: a fixed number of looks at each skeleton pixel, and one pass over the image.
    """
    pixels = np.flatnonzero(grid.view(np.bool_)).astype(np.int32)
    kind, node_pixels, node_offsets, edge_nodes, edge_pixels, edge_offsets, n, m = _trace.for_work(
        _PIXEL_US * pixels.size
    )(grid, stride, pixels)
    return PixelGraph(
        kind[:n].copy(),
        node_pixels[: node_offsets[n]].copy(),
        node_offsets[: n + 1].copy(),
        edge_nodes[:m].copy(),
        edge_pixels[: edge_offsets[m]].copy(),
        edge_offsets[: m + 1].copy(),
    )


@kernel
def _trace(grid: Bytes, stride: int, pixels: Ints32) -> tuple[Ints32, Ints32, Ints32, Ints32, Ints32, Ints32, int, int]:
    """Return the fields of :class:`PixelGraph` with room behind them, and the numbers of nodes and of edges.

    ``pixels`` are those of the skeleton in ascending order.
    """
    size = pixels.size
    degree = np.zeros(grid.size, np.uint8)
    near = np.empty(8, np.int32)
    for p in pixels:
        degree[p] = _joined(grid, p, stride, near)
    owner = np.full(grid.size, -1, np.int32)
    kind, node_pixels, node_offsets = np.empty(size, np.int32), np.empty(size, np.int32), np.zeros(size + 1, np.int32)
    n_nodes = _gather_nodes(grid, stride, pixels, degree, owner, kind, node_pixels, node_offsets)
    limit = 4 * size + 1
    edge_nodes, edge_offsets = np.empty((limit, 2), np.int32), np.zeros(limit + 1, np.int32)
    edge_pixels = np.empty(size, np.int32)
    taken = np.zeros(grid.size, np.uint8)
    n_edges, filled = 0, 0
    for node in range(n_nodes):
        for k in range(node_offsets[node], node_offsets[node + 1]):
            start = node_pixels[k]
            n_near = _joined(grid, start, stride, near)
            for j in range(n_near):
                q = near[j]
                if owner[q] == node and degree[q] != 2:
                    continue
                if (owner[q] >= 0 and q < start) or taken[q]:
                    continue
                end, filled = _follow(grid, stride, owner, taken, start, q, edge_pixels, filled)
                edge_nodes[n_edges, 0], edge_nodes[n_edges, 1] = node, end
                n_edges += 1
                edge_offsets[n_edges] = filled
    for p in pixels:
        if owner[p] < 0 and not taken[p]:
            owner[p] = n_nodes
            kind[n_nodes] = 2
            last = node_offsets[n_nodes]
            node_pixels[last] = p
            node_offsets[n_nodes + 1] = last + 1
            _joined(grid, p, stride, near)
            end, filled = _follow(grid, stride, owner, taken, p, near[0], edge_pixels, filled)
            edge_nodes[n_edges, 0], edge_nodes[n_edges, 1] = n_nodes, end
            n_edges += 1
            n_nodes += 1
            edge_offsets[n_edges] = filled
    return kind, node_pixels, node_offsets, edge_nodes, edge_pixels, edge_offsets, n_nodes, n_edges


@inner
def _gather_nodes(
    grid: Bytes,
    stride: int,
    pixels: Ints32,
    degree: Bytes,
    owner: Ints32,
    kind: Ints32,
    node_pixels: Ints32,
    node_offsets: Ints32,
) -> int:
    """Make a node of each end and dot, and of each group of joined junction pixels; return how many."""
    near = np.empty(8, np.int32)
    n_nodes, filled = 0, 0
    for p in pixels:
        if degree[p] == 2 or owner[p] >= 0:
            continue
        owner[p] = n_nodes
        node_pixels[filled] = p
        head = filled
        filled += 1
        kind[n_nodes] = min(degree[p], 3)
        while degree[p] > 2 and head < filled:
            n_near = _joined(grid, node_pixels[head], stride, near)
            head += 1
            for j in range(n_near):
                q = near[j]
                if degree[q] > 2 and owner[q] < 0:
                    owner[q] = n_nodes
                    node_pixels[filled] = q
                    filled += 1
        n_nodes += 1
        node_offsets[n_nodes] = filled
    return n_nodes


@inner
def _follow(
    grid: Bytes,
    stride: int,
    owner: Ints32,
    taken: Bytes,
    start: int,
    first: int,
    edge_pixels: Ints32,
    filled: int,
) -> tuple[int, int]:
    """Walk from node pixel ``start`` over ``first`` to the next node; return that node and the new end of the list."""
    near = np.empty(8, np.int32)
    before, here = start, first
    while owner[here] < 0:
        taken[here] = 1
        edge_pixels[filled] = here
        filled += 1
        n_near = _joined(grid, here, stride, near)
        ahead = near[0]
        if ahead == before and n_near > 1:
            ahead = near[1]
        before, here = here, ahead
    return owner[here], filled


def pixel_graph(skeleton: Bools) -> PixelGraph:
    """Return the graph of a skeleton ``(h, w)`` that is one pixel wide.

    Indices are those of the image padded by one.
    """
    padded = np.zeros((skeleton.shape[0] + 2, skeleton.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = skeleton
    return trace_pixels(padded.reshape(-1), padded.shape[1])
