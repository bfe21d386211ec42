"""Take rulings out of a scan: printed lines, squares, margins and form lines; the ink that crosses them stays whole.

A rule is thin, as dark as itself all along, and long. Runs of marks along rows, with one pixel of play, are its
pieces: a line that leans by 3 degrees still runs for tens of pixels in one row. Pieces that continue each other are
chained to a line, and a chain that is long and lies on a smooth curve is a rule. Its band is painted in the paper's
colour but where ink touches it from above or below, or where it is darker than the rule: so strokes that cross it
stay.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from scipy.ndimage import find_objects, label, median_filter, uniform_filter1d

from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints
from kalamos.scans.light import paper_and_grain
from kalamos.scans.pen import pen_width
from kalamos.scans.windows import largest, smallest

_DARKER_THAN_PAPER = 10
_LEAN = 0.06
_PIECE_PX = 28
_LEAST_SHARE, _LEAST_PX = 0.3, 120
_JOIN_PX = 160
_OFF_PX = 2.5
_UNBROKEN = 0.8
_LEAST_SEEN = 0.12
_PEN_WIDTHS = 100
_RIM_PART, _RIM_SHARE = 10, 0.8
_STEM_PENS = 30
"""So far apart, in widths of the pen, the stems of letters that hang from one headline are at most."""


class Cleared(NamedTuple):
    """A picture without its rules, and how many were found lying and standing."""

    grey: Bytes
    lying: int
    standing: int


def remove_rules(grey: Bytes, min_length_px: int | None = None) -> Bytes:
    """Paint rules in the colour of the paper; see :func:`cleared_of_rules`."""
    return cleared_of_rules(grey, min_length_px).grey


def cleared_of_rules(grey: Bytes, min_length_px: int | None = None) -> Cleared:
    """Paint lying and standing rules in the colour of the paper.

    Args:
        grey: uint8 ``(h, w)``, paper light.
        min_length_px: the shortest rule, by default three tenths of the picture's side in its direction, at least 120.
    """
    paper, marks = _marks(grey)
    box = _box(marks)
    if box is None:
        return _cleared_of_lines(grey, min_length_px)
    within = _cleared_of_lines(grey[box], min_length_px)
    whole = np.full_like(grey, paper)
    whole[box] = within.grey
    return Cleared(whole, within.lying + 2, within.standing + 2)


def _cleared_of_lines(grey: Bytes, min_length_px: int | None) -> Cleared:
    paper, marks = _marks(grey)
    rows, columns = grey.shape
    lying, bands = _bands(grey, marks, min_length_px or max(_LEAST_PX, int(_LEAST_SHARE * columns)))
    turned = np.ascontiguousarray(grey.T), np.ascontiguousarray(marks.T)
    standing, columns_bands = _bands(*turned, min_length_px or max(_LEAST_PX, int(_LEAST_SHARE * rows)))
    if not (lying or standing):
        return Cleared(grey, 0, 0)
    band, level = bands
    down, down_level = columns_bands[0].T, columns_bands[1].T
    free = marks & ~band & ~down
    gone = band & ~_crossed(free, band) & ~_darker(grey, level, band, paper)
    gone |= down & ~_crossed(free.T, down.T).T & ~_darker(grey, down_level, down, paper)
    cleaned = grey.copy()
    cleaned[gone] = paper
    return Cleared(cleaned, lying, standing)


def _marks(grey: Bytes) -> tuple[int, Bools]:
    """Return the tone of the paper, and what is darker than it and its grain."""
    paper, grain = paper_and_grain(grey)
    return paper, grey < paper - max(_DARKER_THAN_PAPER, 4.5 * grain)


def _box(marks: Bools) -> tuple[slice, slice] | None:
    """Return what lies within the box of a form that is the picture's own rim; None where there is none.

    Each of the four edges has a line along four fifths of it, no thicker than a tenth of the picture. An empty box is
    what was written.
    """
    most = min(marks.shape) // _RIM_PART
    thick = [_rim(np.moveaxis(turned, axis, 0), most) for axis in (0, 1) for turned in (marks, marks[::-1, ::-1])]
    if most < 1 or min(thick) < 1:
        return None
    top, bottom, left, right = thick
    within = slice(top, marks.shape[0] - bottom), slice(left, marks.shape[1] - right)
    return within if marks[within].any() else None


def _rim(marks: Bools, most: int) -> int:
    """Return how many of the first rows are a line, one more for its grey edge; 0 where it is none, or thicker."""
    dark = marks[: most + 1].mean(axis=1) >= _RIM_SHARE
    n = int(np.argmin(dark))
    return 0 if dark.all() or not n else n + 1


def _bands(grey: Bytes, marks: Bools, shortest: int) -> tuple[int, tuple[Bools, Bytes]]:
    """Return how many rules lie in the picture, which marks they cover, and how dark each rule is there."""
    band, level = np.zeros(marks.shape, bool), np.zeros(marks.shape, np.uint8)
    if marks.shape[1] < shortest or not marks.any():
        return 0, (band, level)
    pieces = _pieces(marks)
    if not len(pieces.x0):
        return 0, (band, level)
    lines = [line for line in _lines(marks, pieces, shortest) if line.end - line.start >= shortest]
    chosen = _unlike_writing(grey, marks, lines)
    for line in chosen:
        _paint(marks, line, band, level, _tone(grey, marks, line))
    return len(chosen), (band, level)


class _Line(NamedTuple):
    """A straight or bent line: the row in each column from ``start`` to ``end - 1``, and how thick it is."""

    rows: Floats
    start: int
    end: int
    thick: float


class _Pieces(NamedTuple):
    """Pieces of line, by their left ends: first and last column, the row at each, and the thickness."""

    x0: Ints
    x1: Ints
    y0: Floats
    y1: Floats
    thick: Floats


def _pieces(marks: Bools) -> _Pieces:
    """Return the runs of marks that are long and thin."""
    # what is thicker holds a window of an odd height
    half = (max(12, min(marks.shape) // 60) + 1) // 2
    thick = smallest(marks, 2 * half + 1, 1)
    thick[:half] = thick[len(thick) - half :] = False
    thin = marks & ~largest(thick, 2 * half + 1, 1)
    loose = smallest(largest(largest(thin, 3, 1), 1, 3), 1, 3)
    length = _PIECE_PX | 1
    whole = smallest(loose, 1, length)
    whole[:, : length // 2] = whole[:, whole.shape[1] - length // 2 :] = False
    labels, _ = label(thin & largest(whole, 1, length), np.ones((3, 3), bool))
    rows = []
    for k, found in enumerate(find_objects(labels)):
        if found is None or found[1].stop - found[1].start < _PIECE_PX:
            continue
        mask = labels[found] == k + 1
        count = mask.sum(axis=0)
        middle = (mask * np.arange(mask.shape[0])[:, None]).sum(axis=0) / np.maximum(count, 1) + found[0].start
        x0, x1 = found[1].start, found[1].stop - 1
        rows += _straight_parts(x0, x1, middle, count)
    return _Pieces(*_columns(rows))


def _straight_parts(x0: int, x1: int, middle: Floats, count: Ints) -> list[tuple[float, ...]]:
    """Cut a run into parts of some 60 px, each with the median of its first and last rows."""
    parts = max(1, round((x1 - x0) / 60))
    edges = np.linspace(0, x1 - x0 + 1, parts + 1).astype(int)
    rows: list[tuple[float, ...]] = []
    for a, b in itertools.pairwise(edges.tolist()):
        if b - a < 6 or not (count[a:b] > 0).any():
            continue
        at = np.flatnonzero(count[a:b] > 0) + a
        third = max(1, len(at) // 3)
        head, tail = _median(middle[at[:third]]), _median(middle[at[-third:]])
        lean = (tail - head) / max(1.0, float(at[-third:].mean() - at[:third].mean()))
        if abs(lean) > _LEAN + 0.03:
            continue
        centre = _median(middle[at])
        span = (b - a) / 2
        rows.append((x0 + a, x0 + b - 1, centre - lean * span, centre + lean * span, _median(count[at])))
    return rows


def _median(values: Floats | Ints) -> float:
    """Return the median of a few numbers, for which sorting a list is the quickest."""
    ordered = sorted(values.tolist())
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def _columns(rows: list[tuple[float, ...]]) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    table = np.array(sorted(rows), np.float64).reshape(-1, 5)
    whole = table[:, :2].astype(np.int64)
    return whole[:, 0], whole[:, 1], table[:, 2], table[:, 3], table[:, 4]


class _End(NamedTuple):
    """Where a chain of pieces ends and leads to: its number, the column, the row there, the slope, the thickness."""

    chain: int
    x: int
    row: float
    slope: float
    thick: float


def _chained(pieces: _Pieces) -> list[list[int]]:
    """Chain pieces from left to right: the next begins soon after, where the last one leads to."""
    chains: list[list[int]] = []
    ends: list[_End] = []  # of the chains that may still go on
    first, rows, thick = pieces.x0.tolist(), pieces.y0.tolist(), pieces.thick.tolist()
    for k, (x, y) in enumerate(zip(first, rows, strict=True)):
        best, least = -1, np.inf
        ends = [end for end in ends if x - end.x <= _JOIN_PX]
        for place, (_, end, row, slope, thickness) in enumerate(ends):
            gap = x - end
            off = abs(row + slope * gap - y)
            if gap < -8 or off + 0.02 * abs(gap) >= least:
                continue
            if off < _OFF_PX + 0.012 * max(gap, 0) + 0.25 * (thickness + thick[k]):
                best, least = place, off + 0.02 * abs(gap)
        if best < 0:
            chains.append([k])
            ends.append(_end_of(pieces, chains[-1], len(chains) - 1))
        else:
            number = ends[best].chain
            chains[number].append(k)
            ends[best] = _end_of(pieces, chains[number], number)
    return chains


def _end_of(pieces: _Pieces, chain: list[int], number: int) -> _End:
    """Return where a chain ends and where it leads, from its last pieces."""
    last = chain[-6:]
    x = np.concatenate([pieces.x0[last], pieces.x1[last]]).astype(np.float64)
    y = np.concatenate([pieces.y0[last], pieces.y1[last]])
    aside = x - x.sum() / len(x)
    slope = float(aside @ y / (aside @ aside)) if x.max() - x.min() > 20 else 0.0
    slope = min(max(slope, -_LEAN), _LEAN)
    end = int(pieces.x1[chain[-1]])
    return _End(number, end, _median(y - slope * (x - end)), slope, _median(pieces.thick[last]))


def _extent(pieces: _Pieces, chain: list[int]) -> int:
    """Return the length of line in a chain."""
    return int((pieces.x1[chain] - pieces.x0[chain] + 1).sum())


def _lines(marks: Bools, pieces: _Pieces, shortest: int) -> list[_Line]:
    """Return the lines that marks follow without a break; writing on a line hides its pieces, never its marks.

    All rules of a sheet bend and lean alike, so the longest chain of pieces is the shape of all; pieces at one distance
    from it are one line, which is followed through the writing for as long as there are marks on it.
    """
    chains = sorted(_chained(pieces), key=lambda chain: -_extent(pieces, chain))
    columns = np.arange(marks.shape[1])
    shape = _shape(pieces, chains[0], columns)
    middle = (pieces.x0 + pieces.x1) // 2
    rows = 0.5 * (pieces.y0 + pieces.y1)
    lines: list[_Line] = []
    free = np.ones(len(rows), bool)
    for chain in chains:
        some = np.array(chain)[free[chain]]
        if not len(some) or (pieces.x1[some] - pieces.x0[some]).sum() < max(2 * _PIECE_PX, _LEAST_SEEN * shortest):
            continue
        own = _own_shape(pieces, some, shape, columns)
        line = _followed(marks, own, float(np.median(pieces.thick[some])), middle[some])
        if line is not None:
            lines.append(line)
            on = np.abs(rows - line.rows[middle]) <= _OFF_PX + line.thick
            free &= ~(on & (middle >= line.start) & (middle < line.end))
    return lines


def _shape(pieces: _Pieces, chain: list[int], columns: Ints) -> Floats:
    """Return the course of a chain over the whole width, as a smooth curve that goes on straight."""
    x = np.concatenate([pieces.x0[chain], pieces.x1[chain]]).astype(np.float64)
    y = np.concatenate([pieces.y0[chain], pieces.y1[chain]])
    degree = 3 if np.ptp(x) > 0.6 * len(columns) and len(chain) > 6 else 1
    curve = np.polynomial.Polynomial.fit(x, y, degree)
    keep = np.abs(y - curve(x)) <= 2 * max(1.0, float(np.median(np.abs(y - curve(x)))))
    if keep.sum() > 2 * degree:
        curve = np.polynomial.Polynomial.fit(x[keep], y[keep], degree)
    inside = np.clip(columns, x.min(), x.max())
    slope = curve.deriv()(inside)
    return np.asarray(curve(inside) + np.clip(slope, -_LEAN, _LEAN) * (columns - inside))


def _own_shape(pieces: _Pieces, some: Ints, shape: Floats, columns: Ints) -> Floats:
    """Return the shape shifted, and turned where the pieces reach far enough, to go through some pieces."""
    x = np.concatenate([pieces.x0[some], pieces.x1[some]])
    away = np.concatenate([pieces.y0[some], pieces.y1[some]]) - shape[x]
    if np.ptp(x) > 0.3 * len(columns):
        slope, at = np.polyfit(x, away, 1)
        return np.asarray(shape + slope * columns + at)
    return shape + float(np.median(away))


def _followed(marks: Bools, course: Floats, thick: float, seeds: Ints) -> _Line | None:
    """Follow a course over the marks from where its pieces lie; None where marks are missing too often.

    Where the marks lie a little off the course, the course bends after them, slowly.
    """
    height, width = marks.shape
    columns = np.arange(width)
    reach = int(np.ceil(3 + thick / 2))
    steps = np.arange(-reach, reach + 1)
    rows = np.rint(course).astype(int)[None, :] + steps[:, None]
    there = (rows >= 0) & (rows < height) & marks[np.clip(rows, 0, height - 1), columns]
    # the row of the rule: the offset that most of the marks of a stretch share
    window = 2 * min(60, width // 4) + 1
    count = uniform_filter1d(there.astype(np.float32), window, axis=1, mode="nearest")
    count = uniform_filter1d(count, max(1, round(thick)), axis=0, mode="constant")
    offset = steps[np.argmax(count - 0.004 * np.abs(steps)[:, None], axis=0)].astype(np.float64)
    line = np.rint(course) + uniform_filter1d(median_filter(offset, window, mode="nearest"), window, mode="nearest")
    near = np.rint(line).astype(int)
    hit = np.zeros(width, bool)
    for d in (-1, 0, 1):
        ok = (near + d >= 0) & (near + d < height)
        hit |= ok & marks[np.clip(near + d, 0, height - 1), columns]
    share = uniform_filter1d(hit.astype(np.float32), 41, mode="nearest")
    solid, n = label(share >= _UNBROKEN)
    held = np.bincount(solid[np.clip(seeds, 0, width - 1)], minlength=n + 1)[1:]
    if not held.any():
        return None
    at = np.flatnonzero(solid == 1 + int(np.argmax(held)))
    span = np.flatnonzero(hit[at[0] : at[-1] + 1]) + at[0]
    if not len(span) or hit[span[0] : span[-1] + 1].mean() < _UNBROKEN + 0.05:
        return None
    start, end = int(span[0]), int(span[-1]) + 1
    while start > 0 and hit[max(0, start - 3) : start].any():
        start -= 1
    while end < width and hit[end : end + 3].any():
        end += 1
    return _Line(line, start, end, thick)


def _tone(grey: Bytes, marks: Bools, line: _Line) -> int:
    """Return the grey of a line: of its marks, the lighter part, as writing on it is darker."""
    at = np.arange(line.start, line.end)
    rows = np.clip(np.rint(line.rows[at]).astype(int), 0, len(grey) - 1)
    on = marks[rows, at]
    return int(np.percentile(grey[rows, at][on], 60)) if on.any() else 255


def _unlike_writing(grey: Bytes, marks: Bools, lines: list[_Line]) -> list[_Line]:
    """Leave out strokes of the pen: a line as thick and as dark as the writing is a rule only if it is very long."""
    if not lines:
        return []
    paper, _ = paper_and_grain(grey)
    band, level = np.zeros(marks.shape, bool), np.zeros(marks.shape, np.uint8)
    for line in lines:
        _paint(marks, line, band, level, 0)
    rest = marks & ~band
    writing = bool(rest.sum() > 0.3 * band.sum())
    pen = pen_width(rest) if writing else 0.0
    dark = paper - float(np.percentile(grey[rest], 25)) if writing else 0.0
    chosen = []
    for line in lines:
        thin = writing and line.thick <= 0.6 * pen
        light = writing and paper - _tone(grey, marks, line) <= 0.7 * dark
        long = line.end - line.start >= _PEN_WIDTHS * max(pen, line.thick)
        alike = sum(abs(line.start - o.start) + abs(line.end - o.end) <= pen for o in lines)  # itself as well
        if thin or light or (long and (alike > 2 or not _is_headline(rest, line, max(pen, line.thick)))):
            chosen.append(line)
    return chosen


def _is_headline(rest: Bools, line: _Line, pen: float) -> bool:
    """Say whether letters hang from a line as they do in Devanagari and Bengali: many stems below, few above.

    Args:
        rest: the marks beside all lines, ``(h, w)``.
        line: as thick and as dark as writing.
        pen: width of the strokes.
    """
    at = np.arange(line.start, line.end)
    away = line.thick / 2 + 0.5 * pen  # beyond where the line itself trembles
    reach = np.arange(int(np.ceil(away)), int(np.ceil(away + 0.7 * pen)) + 1)
    stems = []
    for side in (-1, 1):
        rows = np.rint(line.rows[at] + side * reach[:, None]).astype(int)
        there = (rest[np.clip(rows, 0, len(rest) - 1), at] & (rows >= 0) & (rows < len(rest))).all(axis=0)
        stems.append(np.flatnonzero(np.diff(np.pad(there, 1).astype(np.int8)) > 0))
    above, below = stems
    furthest = int(np.diff([0, *below.tolist(), len(at)]).max())
    return furthest <= _STEM_PENS * pen and len(below) >= 3 * len(above)


def _paint(marks: Bools, line: _Line, band: Bools, level: Bytes, tone: int) -> None:
    """Mark the band of a line, and its tone."""
    at = np.arange(max(0, line.start - 3), min(marks.shape[1], line.end + 3))
    half = line.thick / 2 + 1.0
    rows = np.rint(line.rows[at]).astype(int)
    for d in range(-int(np.ceil(half)), int(np.ceil(half)) + 1):
        near = (rows + d >= 0) & (rows + d < marks.shape[0]) & (np.abs(rows + d - line.rows[at]) <= half)
        r, c = rows[near] + d, at[near]
        band[r, c] |= marks[r, c]
        level[r, c] = tone


def _crossed(free: Bools, band: Bools) -> Bools:
    """Return the marks of a lying band that ink touches from above or below: the column of the band there is ink."""
    above, below = np.zeros(band.shape, bool), np.zeros(band.shape, bool)
    wide = largest(free, 1, 3)
    for r in range(1, band.shape[0]):
        above[r] = band[r] & (wide[r - 1] | above[r - 1])
    for r in range(band.shape[0] - 2, -1, -1):
        below[r] = band[r] & (wide[r + 1] | below[r + 1])
    return _held_long(free, above | below, band)


def _held_long(free: Bools, touched: Bools, band: Bools) -> Bools:
    """Keep what is touched by more than a rim of the rule: free marks at least two rows high beside the band."""
    core = free.copy()
    core[1:] &= free[:-1]
    near = largest(core, 13, 5)
    return np.asarray(touched & near & band)


def _darker(grey: Bytes, level: Bytes, band: Bools, paper: int) -> Bools:
    """Return the marks of a band that are clearly darker than its rule: ink that lies on it."""
    darker = np.zeros(band.shape, bool)
    at = np.nonzero(band)
    contrast = np.maximum(paper - level[at].astype(np.int16), 8)
    darker[at] = paper - grey[at].astype(np.int16) > 1.7 * contrast + 10
    return darker
