"""What cleaning a graph begins with: a count of edge ends, and nodes that can become one (union-find).

The forest: each node knows its parent, and a root is its own.
"""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Ints32
from kalamos.machinery.kernels import inner


@inner
def degrees(edge_nodes: Ints32, n: int) -> Ints32:
    """Return the number of edge ends at each of n nodes."""
    degree = np.zeros(n, np.int32)
    for e in range(len(edge_nodes)):
        degree[edge_nodes[e, 0]] += 1
        degree[edge_nodes[e, 1]] += 1
    return degree


@inner
def new_forest(n: int) -> Ints32:
    """Return n nodes, each its own root."""
    parent = np.empty(n, np.int32)
    for k in range(n):
        parent[k] = k
    return parent


@inner
def find_root(parent: Ints32, k: int) -> int:
    """Return the root of a node, halving the path to it (Tarjan and van Leeuwen 1984)."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@inner
def flatten(parent: Ints32) -> None:
    """Make each node know its root, in place."""
    for k in range(len(parent)):
        parent[k] = find_root(parent, k)
