"""Rows of samples against one hull, in array language, for the raster where it is interpreted.

Compiled, the loops of the same names in :mod:`kalamos.renderers.raster` take their place; both do the same arithmetic
to the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats, Floats32, Ints, Ints32

SUB = 16
"""Rows of samples in a pixel."""
PER = 32
"""Samples of a pixel in each of them."""
SHARE = np.float32(1 / (SUB * PER))

_FAR = np.float32(1e9)
_ZERO = np.float32(0.0)
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Rows(NamedTuple):
    """Rows of samples: row j of a hull lies at ``v = v0 + j * dv``, from the middle of its first nib.

    Attributes:
        v0: v of the first row.
        dv: step of v from row to row.
        n: number of rows.
    """

    v0: float
    dv: float
    n: int


class Discs(NamedTuple):
    """Two discs, the first around ``(0, 0)``.

    Attributes:
        radius: of the first.
        u, v: the second's centre.
        other_radius: of the second.
    """

    radius: float
    u: float
    v: float
    other_radius: float


def disc_rows(rows: Rows, discs: Discs, edges: Floats, spans: Floats32) -> None:
    """Fill the interval of u in which each row meets the hull of two discs; left > right: nowhere.

    Args:
        rows: where they lie.
        discs: at the ends of the hull.
        edges: the hull's two straight edges, ``(2.., 4)``: top, bottom, u at v 0, slope.
        spans: filled, ``(2, rows..)``: left and right ends.
    """
    v, n = _heights(rows), rows.n
    h = np.float32(discs.radius * discs.radius) - v * v
    w = np.sqrt(np.maximum(h, _ZERO))
    low, high = np.where(h >= _ZERO, -w, _FAR), np.where(h >= _ZERO, w, -_FAR)
    away = v - np.float32(discs.v)
    h = np.float32(discs.other_radius * discs.other_radius) - away * away
    w = np.sqrt(np.maximum(h, _ZERO))
    low = np.minimum(low, np.where(h >= _ZERO, np.float32(discs.u) - w, _FAR))
    high = np.maximum(high, np.where(h >= _ZERO, np.float32(discs.u) + w, -_FAR))
    spans[0, :n], spans[1, :n] = low, high
    _widen(v, edges[:2], spans)


def polygon_rows(rows: Rows, edges: Floats, spans: Floats32) -> None:
    """Fill the interval in which each row meets any of the edges ``(k, 4)``; arguments as of :func:`disc_rows`."""
    spans[0, : rows.n], spans[1, : rows.n] = _FAR, -_FAR
    _widen(_heights(rows), edges, spans)


def samples(
    spans: Floats32, rows: int, scale: float, base: float, drift: float, limit: int, runs: Ints32
) -> tuple[int, int]:
    """Turn intervals of u into runs of samples of each row, clipped to the image; return the least and greatest.

    Args:
        spans: left and right ends of the intervals, ``(2, rows..)``.
        rows: number of rows.
        scale: samples a unit of u.
        base: sample of u = 0 in the first row.
        drift: its step from row to row.
        limit: samples in the image's width.
        runs: filled, ``(2, rows..)``: first and last sample; first > last: none.
    """
    end = np.float32(limit)
    shift = np.float32(base - 0.5) + np.float32(drift) * np.arange(rows, dtype=np.float32)
    first = np.ceil(spans[0, :rows] * np.float32(scale) + shift)
    last = np.floor(spans[1, :rows] * np.float32(scale) + shift)
    runs[0, :rows] = np.minimum(np.maximum(first, _ZERO), end)
    runs[1, :rows] = np.maximum(np.minimum(last, end - np.float32(1.0)), np.float32(-1.0))
    return min(int(runs[0, :rows].min()), limit), max(int(runs[1, :rows].max()), -1)


def mark(bits: NDArray[np.uint64], stride: int, row0: int, rows: int, least: int, greatest: int, runs: Ints32) -> None:
    """OR the runs of samples into the bit map, one column of 64 samples after another.

    Args:
        bits: the map, ``stride`` words a column.
        stride: rows of samples in the map.
        row0: first row of the hull in the map.
        rows: number of rows.
        least: first sample of any run.
        greatest: last sample of any run.
        runs: first and last sample of each row, ``(2, rows..)``.
    """
    ends = runs[:, :rows].astype(np.int64)
    for word in range(least >> 6, (greatest >> 6) + 1):
        first, last = np.maximum(ends[0] - word * 64, 0), np.minimum(ends[1] - word * 64, 63)
        some = first <= last
        left = np.minimum(first, 63).astype(np.uint64)
        right = (63 - np.maximum(last, 0)).astype(np.uint64)
        mask = (_FULL << left) & (_FULL >> right)
        bits[word * stride + row0 : word * stride + row0 + rows] |= np.where(some, mask, np.uint64(0))


def weigh(row0: int, rows: int, runs: Ints32, ink: np.float32, passes: Floats32, width: int) -> None:
    """Add the samples of one hull to each pixel's count of passes, and to its sum of ink.

    Args:
        row0: first row of the hull in the map.
        rows: number of rows.
        runs: first and last sample of each row, ``(2, rows..)``.
        ink: how much of it the hull leaves.
        passes: counts and sums, ``(2, pixels)``.
        width: pixels in a row.
    """
    if rows == 0:
        return
    first, last = runs[0, :rows, None].astype(np.int64), runs[1, :rows, None].astype(np.int64)
    columns = np.arange(int(first.min()) // PER, int(last.max()) // PER + 1)
    inside = np.minimum(last, columns * PER + PER - 1) - np.maximum(first, columns * PER) + 1
    some = inside > 0
    at = ((row0 + np.arange(rows)) // SUB * width)[:, None] + columns
    samples_in = inside[some].astype(np.float32)
    # one after another, row by row: sums of float32 depend on their order
    np.add.at(passes[0], at[some], samples_in)
    np.add.at(passes[1], at[some], samples_in * ink)


def fold(
    bits: NDArray[np.uint64],
    stride: int,
    dirty: Ints,
    opacity: np.float32,
    passes: Floats32,
    clear: Floats32,
    width: int,
) -> None:
    """Lay the marked ink over ``clear``, the share of paper still seen, and wipe the marks.

    Args:
        bits: the map, ``stride`` words a column.
        stride: rows of samples in the map.
        dirty: first and last row of pixels, first and last column of words that were marked.
        opacity: share of the paper that a stroke hides.
        passes: counts and sums of ink, ``(2, pixels)``, or ``(2, 1)`` where all of it is full.
        clear: the pixels, row after row.
        width: pixels in a row.
    """
    top, bottom, left, right = dirty.tolist()
    if top > bottom or left > right:
        return
    marks = bits[left * stride : (right + 1) * stride].reshape(-1, stride)[:, top * SUB : (bottom + 1) * SUB]
    halves = np.stack([marks & np.uint64(0xFFFFFFFF), marks >> np.uint64(32)], axis=-1)
    counts = np.bitwise_count(halves).reshape(len(marks), -1, SUB, 2).sum(axis=2, dtype=np.int64)
    marks[:] = 0
    found = counts.transpose(1, 0, 2).reshape(bottom + 1 - top, -1)[:, : width - 2 * left]
    row, column = np.nonzero(found)
    at = (top + row) * width + 2 * left + column
    amount = found[row, column].astype(np.float32) * SHARE * opacity
    if passes.shape[1] > 1:
        passed = passes[0, at] > 0
        amount[passed] *= passes[1, at[passed]] / passes[0, at[passed]]
        passes[:, at[passed]] = 0
    clear[at] *= np.float32(1.0) - amount


def _heights(rows: Rows) -> Floats32:
    heights: Floats32 = np.float32(rows.v0) + np.float32(rows.dv) * np.arange(rows.n, dtype=np.float32)
    return heights


def _widen(v: Floats32, edges: Floats, spans: Floats32) -> None:
    """Widen the intervals to the edges that a row meets."""
    left, right = spans[0, : len(v)], spans[1, : len(v)]
    for top, bottom, at_zero, slope in edges:
        on = (v >= top) & (v <= bottom)
        u = at_zero + slope * v
        left[:] = np.where(on, np.minimum(u, left), left)
        right[:] = np.where(on, np.maximum(u, right), right)
