"""Union-find: nodes that become one, as a forest in which each node knows its parent and a root is its own."""

from __future__ import annotations

from kalamos.machinery.arrays import Ints32
from kalamos.machinery.kernels import inner


@inner
def find_root(parent: Ints32, k: int) -> int:
    """Return the root of a node, halving the path to it (Tarjan and van Leeuwen 1984)."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k
