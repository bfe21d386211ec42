"""Long lines in blocks: pieces between gaps in the writing, each short enough for one search, and their order.

The network was trained on characters and words. A longer line is cut where no ink stands above another (a vertical gap
between connected pieces); the blocks are recovered one by one and put in the order of reading.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kalamos.geometry import drift
from kalamos.ink import Ink
from kalamos.machinery.arrays import Ints
from kalamos.models.kalamos.pieces import Pieces
from kalamos.scripts import direction_of

BLOCK_PIECES = 60
"""A block is closed at the first gap after so many pieces."""
MOST_PIECES = 240
"""A block without a gap is cut all the same after so many; training has seen 260."""
CLEAR_DRIFT = 0.3
"""Where strokes drift to one side more clearly than this, they say more than the script."""


def components(pieces: Pieces) -> Ints:
    """Return the connected component of each piece, ``(n,)``."""
    n = len(pieces.points)
    n_joints = int(pieces.joints.max(initial=0)) + 1
    at = np.repeat(np.arange(n), 2)
    graph = coo_array((np.ones(2 * n), (at, n + pieces.joints.reshape(-1))), shape=(n + n_joints,) * 2)
    return np.asarray(connected_components(graph, directed=False)[1][:n], np.int64)


def blocks(pieces: Pieces, block_pieces: int = BLOCK_PIECES, most_pieces: int = MOST_PIECES) -> list[Ints]:
    """Return the blocks, each the indices of its pieces, from left to right; one block for a short image.

    What hangs together stays together; only where it is more than ``most_pieces`` is it cut from left to right.
    """
    n = len(pieces.points)
    if n <= block_pieces:
        return [np.arange(n)] if n else []
    of = components(pieces)
    left, right = np.full(of.max() + 1, np.inf), np.full(of.max() + 1, -np.inf)
    begins = pieces.points[..., 0].min(axis=1)
    np.minimum.at(left, of, begins)
    np.maximum.at(right, of, pieces.points[..., 0].max(axis=1))
    order = np.lexsort((begins, of, left[of]))
    made, first, reach = [], 0, -np.inf
    for k, piece in enumerate(order):
        gap = left[of[piece]] > reach
        if k > first and (k - first >= most_pieces or (gap and k - first >= block_pieces)):
            made.append(np.sort(order[first:k]))
            first = k
        reach = max(reach, right[of[piece]])
    return [*made, np.sort(order[first:])]


def part(pieces: Pieces, chosen: Ints) -> Pieces:
    """Return some of the pieces."""
    return Pieces(pieces.points[chosen], pieces.radii[chosen], pieces.joints[chosen])


def runs_leftwards(inks: Sequence[Ink], script: str | None) -> bool:
    """Say whether blocks follow each other from right to left: as their strokes do, in doubt as the script does.

    A line of a script that runs to the left may hold a number, which runs to the right; one of a script that runs to
    the right holds nothing that runs to the left.
    """
    aside = drift(inks)
    if script is not None and (direction_of(script) > 0 or abs(aside) < CLEAR_DRIFT):
        return direction_of(script) < 0
    return aside < 0
