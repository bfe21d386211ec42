"""Edges strung together at the pairs of their ends.

Edge end ``2 e`` is the first of edge e and ``2 e + 1`` the second, as in :mod:`kalamos.skeleton.stroke_graph`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Ints32
from kalamos.machinery.kernels import inner, kernel


class Chains(NamedTuple):
    """Edges strung together.

    Attributes:
        walk: int32, edge ends in walking order: ``2 e`` for edge e walked forwards, ``2 e + 1`` for backwards.
        offsets: int32 ``(c + 1,)``, chain k is the ends ``walk[offsets[k]:offsets[k + 1]]``.
    """

    walk: Ints32
    offsets: Ints32


@inner
def strung(partner: Ints32, left_out: Bools) -> Chains:
    """Return the chains that pairs of edge ends make: the open ones, then the rings, each from its lowest end.

    Args:
        partner: ``(2 m,)``, for each edge end the end with which it is one movement, -1 for none.
        left_out: ``(m,)``, edges that are in no chain.
    """
    m = len(left_out)
    walk, offsets, seen = np.empty(m, np.int32), np.zeros(m + 1, np.int32), left_out.copy()
    n, filled = 0, 0
    for ring in range(2):
        for h in range(2 * m):
            if seen[h // 2] or (ring == 0 and partner[h] >= 0):
                continue
            here = h
            while here >= 0 and not seen[here // 2]:
                seen[here // 2] = True
                walk[filled] = here
                filled += 1
                here = partner[here ^ 1]
            n += 1
            offsets[n] = filled
    return Chains(walk[:filled].copy(), offsets[: n + 1].copy())


string_edges = kernel(strung)
