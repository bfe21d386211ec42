"""Thinning to a skeleton one pixel wide, and the distance from it to the paper.

The thinner peels border pixels from north, south, east and west in turn, as in A. Rosenfeld, "A characterization of
parallel thinning algorithms", Information and Control 29 (1975), but deletes inside a turn one after another, each
only while it is **simple** (C. J. Hilditch's crossing number is 1) and has two neighbours at least. A simple pixel
can go without changing the number of components or holes, so the skeleton has exactly the image's topology: no dot
vanishes (as 2 x 2 squares do under Zhang and Suen's rule) and no loop opens. At the end no simple pixel but stroke
ends is left: the skeleton is one pixel wide everywhere.

Only a list of border pixels is looked at in each turn, so the cost is one look-up an ink pixel and layer.
"""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints32
from kalamos.machinery.kernels import inner, kernel

# an interpreted pass costs about so much for each pixel of the image and for each pixel of ink, microseconds
_THIN_US, _THIN_INK_US = 0.04, 5.0
_RADII_US, _RADII_INK_US = 0.09, 1.2


def _simple_and_not_end() -> Bytes:
    """Return for each neighbourhood code in which turns its centre may go, a bit each: north, south, east, west.

    Bits 0..7 of the code are E, NE, N, NW, W, SW, S, SE. In its turn a pixel has paper on that side.
    """
    deletable = np.zeros(256, np.uint8)
    for code in range(256):
        x = [(code >> bit) & 1 for bit in range(8)]
        crossings = sum(not x[i] and (x[i + 1] or x[(i + 2) % 8]) for i in (0, 2, 4, 6))
        if crossings == 1 and sum(x) >= 2:
            deletable[code] = sum((not x[side]) << turn for turn, side in enumerate((2, 6, 0, 4)))
    return deletable


DELETABLE = _simple_and_not_end()


def thin(mask: Bools) -> Bools:
    """Return the skeleton of a boolean image ``(h, w)``: True on lines one pixel wide, 8-connected.

    The number of 8-connected components and of holes is that of ``mask``. Pixels beyond the image count as paper.
    """
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = mask
    thin_in_place(padded.reshape(-1), padded.shape[1])
    return padded[1:-1, 1:-1].astype(bool)


def thin_in_place(grid: Bytes, stride: int) -> None:
    """Thin a flat image of 0 and 1 with rows of ``stride`` and one pixel of paper all around."""
    work_us = _THIN_US * grid.size + _THIN_INK_US * np.count_nonzero(grid)
    _thin.for_work(work_us)(grid, stride, DELETABLE)


def ink_radii(mask: Bytes, stride: int, at: Ints32) -> Floats:
    """Return the exact Euclidean distance from each pixel ``at`` to the nearest paper pixel, less half a pixel.

    The half pixel takes the distance from a pixel's centre to the edge between ink and paper.

    Args:
        mask: flat image of 0 and 1, padded with one pixel of paper.
        stride: columns, padding included.
        at: flat indices.
    """
    work_us = _RADII_US * mask.size + _RADII_INK_US * np.count_nonzero(mask)
    return _radii.for_work(work_us)(mask, stride, at)


@inner
def _code(grid: Bytes, p: int, stride: int) -> int:
    code: int = (
        grid[p + 1]
        | grid[p - stride + 1] << 1
        | grid[p - stride] << 2
        | grid[p - stride - 1] << 3
        | grid[p - 1] << 4
        | grid[p + stride - 1] << 5
        | grid[p + stride] << 6
        | grid[p + stride + 1] << 7
    )
    return code


@kernel
def _thin(grid: Bytes, stride: int, deletable: Bytes) -> None:
    """Thin in place.

    The code of a border pixel's neighbourhood is kept up to date: made once, when the pixel joins the border, and
    changed when a neighbour goes. A pixel that is not on the border has the code 0, which never goes.
    """
    size = grid.size
    frontier, code = np.empty(size, np.int32), np.zeros(size, np.uint8)
    around = (-stride, -1, 1, stride, 1 - stride, -stride - 1, stride - 1, stride + 1)
    without_us = (255 - 64, 255 - 1, 255 - 16, 255 - 4, 255 - 32, 255 - 128, 255 - 2, 255 - 8)
    n = 0
    for p in range(stride, size - stride):
        if grid[p] and not (grid[p - 1] and grid[p + 1] and grid[p - stride] and grid[p + stride]):
            frontier[n] = p
            code[p] = _code(grid, p, stride)
            n += 1
    chosen = np.empty(max(n, 64), np.int32)
    idle_turns, turn = 0, 0
    while idle_turns < 4:
        may_go = 1 << turn % 4
        turn += 1
        if chosen.size < n:
            chosen = np.empty(2 * n, np.int32)
        n_chosen, kept = 0, 0
        for k in range(n):
            p = frontier[k]
            frontier[kept] = p
            kept += grid[p] != 0
            chosen[n_chosen] = p
            n_chosen += (deletable[code[p]] & may_go) != 0
        n, n_gone = kept, 0
        for k in range(n_chosen):
            p = chosen[k]
            if deletable[code[p]]:
                grid[p], code[p] = 0, 0
                n_gone += 1
                for way in range(8):
                    q = p + around[way]
                    if code[q]:
                        code[q] &= without_us[way]
                    elif grid[q] and way < 4:
                        code[q] = _code(grid, q, stride)
                        frontier[n] = q
                        n += 1
        idle_turns = 0 if n_gone else idle_turns + 1


@kernel
def _radii(mask: Bytes, stride: int, at: Ints32) -> Floats:
    """Pass down and up the columns for all pixels, then search along the row from each pixel asked for.

    After A. Meijster et al., "A general algorithm for computing distance transforms in linear time" (2000).
    """
    column = np.zeros(mask.size, np.int32)
    for p in range(stride, mask.size):
        if mask[p]:
            column[p] = column[p - stride] + 1
    for p in range(mask.size - stride - 1, -1, -1):
        if mask[p] and column[p + stride] + 1 < column[p]:
            column[p] = column[p + stride] + 1
    radii = np.empty(at.size)
    for k in range(at.size):
        p = at[k]
        best = column[p] * column[p]
        for way in (-1, 1):
            d, q = 1, p + way
            while d * d < best:
                here = d * d + column[q] * column[q]
                best = min(here, best)
                if column[q] == 0:
                    break
                d += 1
                q += way
        radii[k] = np.sqrt(best) - 0.5
    return radii
