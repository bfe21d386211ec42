"""Which line a mark of ink is in: skew, columns, and the ridges of ink along which lines run.

The ink, smeared along the lines much more than across them, has a ridge along the middle of every line, straight or
bent (the anisotropic smoothing of Bukhari, Shafait and Breuel, "Script-Independent Handwritten Textlines Segmentation
Using Active Contours", ICDAR 2009, without the contours). Blocks of text are told apart by white gutters (the
recursive cuts of Nagy and Seth 1984). All distances are in units of the height of the writing, and that height is some
ten to thirty widths of the pen: so a line is never a page.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, label

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints

LOWEST_PENS, USUAL_PENS, HIGHEST_PENS = 8.0, 20.0, 30.0
"""The height of a line of writing, in widths of its pen."""
_SMALL_PX = 10
_ALONG, _ACROSS = 2.6, 0.42
_GUTTER, _GAP = 1.8, 1.3
_CROWDED, _CROWDED_SHARE = 1.5, 0.55
_MOST_LEAN_DEG = 6.0


class Block(NamedTuple):
    """A part of a page that is read as one column: ``(x0, y0, x1, y1)`` on the straightened page."""

    x0: float
    y0: float
    x1: float
    y1: float


class Lines(NamedTuple):
    """The lines of a block: the middle row of each at each column, float32 ``(lines, columns)`` of a reduced page."""

    rows: Floats32
    first_px: float
    step_px: float


def lean_of(boxes: Floats, height: float) -> float:
    """Return the slope of the lines, rows a column, by which the middles of marks fall into the sharpest rows.

    Args:
        boxes: float64 ``(n, 4)``, those of marks of usual size.
        height: of the writing.
    """
    if len(boxes) < 8 or np.ptp(boxes[:, [0, 2]]) < 6 * height:
        return 0.0
    x, y = 0.5 * (boxes[:, 0] + boxes[:, 2]), boxes[:, 3]
    weight = np.minimum(boxes[:, 2] - boxes[:, 0], 3 * height)
    best, sharpest = 0.0, -1.0
    for degrees in np.arange(-_MOST_LEAN_DEG, _MOST_LEAN_DEG + 0.01, 0.25):
        slope = float(np.tan(np.deg2rad(degrees)))
        rows = (y - slope * x) / (0.25 * height)
        rows -= rows.min()
        low = np.floor(rows).astype(np.int64)
        counts = np.bincount(low, weight * (1 - rows + low), int(low.max()) + 2)
        counts[1:] += np.bincount(low, weight * (rows - low), int(low.max()) + 2)[:-1]
        sharp = float((counts**2).sum()) * (1 - 0.002 * abs(degrees))
        if sharp > sharpest:
            best, sharpest = slope, sharp
    return best


def blocks_of(boxes: Floats, height: float) -> list[Ints]:
    """Return the marks of each block of text, from left to right and top to bottom.

    Args:
        boxes: float64 ``(n, 4)`` on the straightened page.
        height: of the writing.
    """
    return _split(boxes, np.arange(len(boxes)), height, 0)


def _split(boxes: Floats, members: Ints, height: float, depth: int) -> list[Ints]:
    """Cut at the widest gutter; where there is none, at white rows, if that frees a gutter below."""
    if depth > 6 or len(members) < 6:
        return [members]
    own = boxes[members]
    tall = float(own[:, 3].max() - own[:, 1].min()) > 3.0 * height
    at = _widest_gap(own[:, 0], own[:, 2], _GUTTER * height) if tall else None
    if at is not None:
        left = own[:, 2] <= at
        wide = min(float(np.ptp(own[side][:, [0, 2]])) for side in (left, ~left)) > 3 * height
        high = min(float(np.ptp(own[side][:, [1, 3]])) for side in (left, ~left)) > 2.2 * height
        if wide and high:
            return _split(boxes, members[left], height, depth + 1) + _split(boxes, members[~left], height, depth + 1)
    at = _widest_gap(own[:, 1], own[:, 3], _GAP * height)
    if at is None:
        return [members]
    above = own[:, 3] <= at
    upper = _split(boxes, members[above], height, depth + 1)
    lower = _split(boxes, members[~above], height, depth + 1)
    return upper + lower if len(upper) + len(lower) > 2 else [members]


def _widest_gap(low: Floats, high: Floats, least: float) -> float | None:
    """Return the middle of the widest free interval between ``[low, high]`` ones; None where none is wide enough."""
    order = np.argsort(low, kind="stable")
    reached = np.maximum.accumulate(high[order])
    gaps = low[order][1:] - reached[:-1]
    k = int(np.argmax(gaps)) if len(gaps) else 0
    return float(reached[k] + gaps[k] / 2) if len(gaps) and gaps[k] >= least else None


def lines_of(ink: Bools, height: float, lean: float) -> Lines:
    """Return the lines of a block of writing.

    Args:
        ink: ``(h, w)``, of the block alone.
        height: of the writing, pixels.
        lean: slope of the lines, rows a column.
    """
    step = max(1.0, height / _SMALL_PX)
    density = _density(ink, step, lean)
    scale = height / step
    rows = _rows_of(density, scale, scale)
    apart = np.diff(np.sort(rows.mean(axis=1)))
    if len(apart) >= 2 and np.median(apart) < _CROWDED * scale:
        rows = _rows_of(density, _CROWDED_SHARE * float(np.median(apart)), scale)
    columns = np.arange(density.shape[1], dtype=np.float32)
    # back from the straightened, reduced page to rows of the block
    first = _offset(ink.shape[1], lean)
    rows = (
        (rows + np.float32(0.5)) * np.float32(step)
        + np.float32(lean * step) * (columns + np.float32(0.5))
        - np.float32(first)
    )
    return Lines(rows[np.argsort(rows.mean(axis=1), kind="stable")], 0.5 * step, step)


def _rows_of(density: Floats32, scale: float, along: float) -> Floats32:
    """Return the row of each line at each column of a reduced page, ``(lines, columns)``; lengths in its cells.

    Args:
        density: of the ink.
        scale: height of the writing, or of what parts the lines, where they stand closer.
        along: height of the writing.
    """
    smooth = gaussian_filter(density, (_ACROSS * scale, _ALONG * along), mode="constant")
    return _joined_ridges(_ridges(smooth), smooth, scale)


def line_of(lines: Lines, x: Floats, y: Floats) -> Ints:
    """Return for points ``(n,)`` of a block the number of the line whose middle is nearest."""
    column = np.clip(np.rint((x - lines.first_px) / lines.step_px).astype(np.int64), 0, lines.rows.shape[1] - 1)
    order = np.argsort(lines.rows, axis=0, kind="stable")
    rows = np.take_along_axis(lines.rows, order, axis=0).astype(np.float64)
    if not len(y) or len(rows) == 1:
        return np.zeros(len(y), np.int64)
    # half way between neighbours in each column, all columns end to end in one ascending row
    halves = 0.5 * (rows[1:] + rows[:-1])
    low = min(float(halves.min()), float(y.min()))
    reach = max(float(halves.max()), float(y.max())) - low + 1
    ends = (np.arange(rows.shape[1]) * reach + halves - low).T.reshape(-1)
    place = np.searchsorted(ends, column * reach + y - low) - column * len(halves)
    return np.asarray(order[place, column], np.int64)


def _offset(width: int, lean: float) -> float:
    """Return by how much the straightened rows are moved down so that none is negative."""
    return max(0.0, lean * width)


def _density(ink: Bools, step: float, lean: float) -> Floats32:
    """Return how much ink falls into each cell of the reduced, straightened block."""
    y, x = np.nonzero(ink)
    rows = y - lean * x + _offset(ink.shape[1], lean)
    height = int((ink.shape[0] + abs(lean) * ink.shape[1]) / step) + 2
    width = int(ink.shape[1] / step) + 1
    flat = (rows / step).astype(np.int64) * width + (x / step).astype(np.int64)
    return np.bincount(flat, minlength=height * width).reshape(height, width).astype(np.float32)


def _ridges(smooth: Floats32) -> Bools:
    """Return where the smeared ink is highest against the rows above and below."""
    above = np.pad(smooth, ((1, 0), (0, 0)))[:-1]
    below = np.pad(smooth, ((0, 1), (0, 0)))[1:]
    return np.asarray((smooth > above) & (smooth >= below) & (smooth > 0.08 * float(smooth.max())))


def _joined_ridges(ridges: Bools, smooth: Floats32, scale: float) -> Floats32:
    """Return the rows of whole lines, ``(lines, columns)``: fragments that continue each other, short ones left out."""
    labels, n = label(ridges, np.ones((3, 3), bool))
    y, x = np.nonzero(labels)
    order = np.lexsort((x, labels[y, x]))
    cuts = np.cumsum(np.bincount(labels[y, x], minlength=n + 1))[:-1]
    fragments = []
    for some in np.split(order, cuts[1:]) if n else []:
        rows, columns = y[some], x[some]
        if len(columns) and columns[-1] - columns[0] + 1 >= 0.8 * scale:
            fragments.append((columns, rows, float(smooth[rows, columns].sum())))
    if not fragments:
        row = int(np.argmax(smooth.sum(axis=1)))
        return np.full((1, smooth.shape[1]), row, np.float32)
    groups = _linked(fragments, scale)
    whole = np.arange(smooth.shape[1])
    lines, weights = [], []
    for group in groups:
        columns = np.concatenate([fragments[k][0] for k in group])
        rows = np.concatenate([fragments[k][1] for k in group]).astype(np.float64)
        order = np.argsort(columns, kind="stable")
        at, first = np.unique(columns[order], return_index=True)
        lines.append(np.interp(whole, at, rows[order][first]))
        weights.append(sum(fragments[k][2] for k in group))
    kept = _apart(np.array(lines), np.array(weights), scale)
    return np.array(lines, np.float32)[kept]


def _linked(fragments: list[tuple[Ints, Ints, float]], scale: float) -> list[list[int]]:
    """Join fragments whose ends face each other at about one row."""
    order = sorted(range(len(fragments)), key=lambda k: int(fragments[k][0][0]))
    groups: list[list[int]] = []
    for k in order:
        x, y = int(fragments[k][0][0]), float(np.median(fragments[k][1][:5]))
        best, least = -1, 0.75 * scale
        for g, group in enumerate(groups):
            columns, rows, _ = fragments[group[-1]]
            gap = x - int(columns[-1])
            off = abs(y - float(np.median(rows[-5:])))
            if gap > -1.0 * scale and off < least:
                best, least = g, off
        if best < 0:
            groups.append([k])
        else:
            groups[best].append(k)
    return groups


def _apart(lines: Floats, weights: Floats, scale: float) -> Ints:
    """Leave out what lies closer than half a height to a heavier line: accents and tails in a row of their own."""
    chosen: list[int] = []
    usual = float(np.median(weights))
    for k in np.argsort(-weights, kind="stable").tolist():
        off = [float(np.median(np.abs(lines[k] - lines[j]))) for j in chosen]
        light = weights[k] < 0.25 * usual
        if not off or min(off) > (1.1 if light else 0.7) * scale:
            chosen.append(k)
    return np.array(chosen, np.int64)
