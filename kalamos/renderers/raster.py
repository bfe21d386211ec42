# ruff: noqa: ANN001, ANN202 - numba infers the kernels' types
# mypy: allow-untyped-defs, allow-untyped-calls
"""Area coverage of swept nibs: how much of each pixel the ink of a path hides.

A nib that moves and grows evenly from one point to the next sweeps the convex hull of its two outlines; the ink is the
union of these hulls. Two rasters measure it:

*exact*: 512 samples a pixel, in 16 rows of 32. A hull is convex, so each row of samples meets it in one interval,
whose ends are computed in closed form for several rows at a time; the interval is a run of bits, OR-ed into a bit map
of the union, and the coverage of a pixel is its number of bits. No seams, no doubling at crossings.

*fast*: the signed distance of a pixel's centre from each hull of discs, turned into the area that a straight edge at
that distance and angle cuts from the pixel; the maximum over the hulls.

An ellipse becomes a disc by a shear of x and two scales, which keeps rows of samples rows; a broad edge is a
rectangle. All arrays are flat: one call draws a batch of ragged inks into one array. Pixel ``[row, column]`` covers the
square from ``(column, row)`` to ``(column + 1, row + 1)``. Arithmetic is IEEE without reassociation, so that the bytes
are the same on every machine.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats, Floats32, Ints, Ints32
from kalamos.machinery.kernels import inner, inner_of, kernel
from kalamos.renderers.rows import PER, SHARE, SUB, Discs, Rows, disc_rows, fold, mark, polygon_rows, samples, weigh

LANES = 16
_BAND_BYTES = 1 << 19
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ODD = np.uint64(0x5555555555555555)
_PAIR = np.uint64(0x3333333333333333)
_NIBBLE = np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTE = np.uint64(0x00FF00FF00FF00FF)
_SHORT = np.uint64(0x0000FFFF0000FFFF)
_U = np.uint64
# what a hull and a pixel cost where they are drawn by plain Python
_HULL_US, _WEIGH_US, _FOLD_US, _SPLAT_US, _COPY_US = 130, 50, 0.1, 1500, 0.3


class Paths(NamedTuple):
    """Paths of a batch of images, one after another.

    Attributes:
        path: float64 ``(n, 3)``: x, y and half the nib's width, in px.
        ink: float32 ``(n,)`` in 0..1, how much ink the nib leaves after each point; where several hulls cover a pixel
            it gets their mean, weighted by their samples in it.
        strokes: int64 ``(s + 1,)``, stroke k is the points ``strokes[k]:strokes[k + 1]``.
        images: int64 ``(m + 1,)``, image i is the strokes ``images[i]:images[i + 1]``.
    """

    path: Floats
    ink: Floats32
    strokes: Ints
    images: Ints


class Workspace(NamedTuple):
    """What the exact raster works with, of one band of an image at a time.

    Attributes:
        bits: uint64, the samples that are marked, one column of words after another.
        passes: float32 ``(2, pixels)``, the samples of all hulls in a pixel and the sum of their ink; ``(2, 1)`` where
            all ink is full.
        dirty: int64 ``(4,)``, first and last row of pixels, first and last column of words that are marked.
        window: float64 ``(4,)``, top, left, bottom and right of the band, px.
        part: float64 ``(6,)``, x, y and half width at both ends of the hull at hand.
        edges: float64 ``(12, 4)``, the straight edges of that hull.
        spans: float32 ``(2, rows)``, where it begins and ends in each row of samples.
        runs: int32 ``(2, rows)``, its first and last sample there.
    """

    bits: NDArray[np.uint64]
    passes: Floats32
    dirty: Ints
    window: Floats
    part: Floats
    edges: Floats
    spans: Floats32
    runs: Ints32


def nib_matrix(shape: str, angle_deg: float, aspect: float) -> Floats:
    """Return what the kernels need to know of a nib of half width 1, ``(14,)``.

    ``[kind, su, shear, sv, x0, y0, .., x3, y3, rise, reach]``: kind 0 is an ellipse, which ``u = su * (x + shear * y)``
    and ``v = sv * y`` make a unit disc; kind 1 a rectangle with these corners, in order around it.
    """
    nib = np.zeros(14)
    nib[1:4] = 1.0, 0.0, 1.0
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    if shape == "ellipse":
        long, short = 1.0, 1.0 / aspect**2
        a = cosine**2 * long + sine**2 * short
        b = cosine * sine * (long - short)
        c = sine**2 * long + cosine**2 * short
        nib[1:4] = math.sqrt(a), b / a, math.sqrt(max(c - b * b / a, 1e-12))
    elif shape == "broad":
        nib[0] = 1.0
        for k, (along, across) in enumerate([(-1, -1), (1, -1), (1, 1), (-1, 1)]):
            nib[4 + 2 * k] = along * cosine - across * aspect * sine
            nib[5 + 2 * k] = along * sine + across * aspect * cosine
    nib[12] = max(abs(nib[5:12:2])) if nib[0] else 1.0 / nib[3]
    nib[13] = math.hypot(1.0, aspect) if nib[0] else 1.0
    return nib


@inner_of(disc_rows)
def _disc_rows(rows, discs, edges, spans):
    """Fill the interval of u in which each row meets the hull of two discs; left > right: nowhere."""
    (v0, dv, count), (ar, bu, bv, br) = rows, discs
    left, right = spans[0], spans[1]
    ar2, bu, bv, br2 = np.float32(ar * ar), np.float32(bu), np.float32(bv), np.float32(br * br)
    p0, p1, px, ps = edges[0, 0], edges[0, 1], edges[0, 2], edges[0, 3]
    q0, q1, qx, qs = edges[1, 0], edges[1, 1], edges[1, 2], edges[1, 3]
    far, zero = np.float32(1e9), np.float32(0.0)
    start, step = np.float32(v0), np.float32(dv)
    for j in range(count):
        v = start + step * np.float32(np.int32(j))
        low, high = far, -far
        h = ar2 - v * v
        w = np.sqrt(h if h > zero else zero)
        low = -w if h >= zero else low
        high = w if h >= zero else high
        h = br2 - (v - bv) * (v - bv)
        w = np.sqrt(h if h > zero else zero)
        e = bu - w if h >= zero else far
        low = e if e < low else low
        e = bu + w if h >= zero else -far
        high = e if e > high else high
        on = (v >= p0) & (v <= p1)
        e = px + ps * v
        f = e if on else far
        low = f if f < low else low
        f = e if on else -far
        high = f if f > high else high
        on = (v >= q0) & (v <= q1)
        e = qx + qs * v
        f = e if on else far
        low = f if f < low else low
        f = e if on else -far
        high = f if f > high else high
        left[j] = low
        right[j] = high


@inner_of(polygon_rows)
def _polygon_rows(rows, edges, spans):
    """Fill the interval in which each row meets any of the edges."""
    v0, dv, count = rows
    left, right = spans[0], spans[1]
    far = np.float32(1e9)
    start, step = np.float32(v0), np.float32(dv)
    for j in range(count):
        left[j] = far
        right[j] = -far
    for k in range(len(edges)):
        p0, p1, px, ps = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        for j in range(count):
            v = start + step * np.float32(np.int32(j))
            on = (v >= p0) & (v <= p1)
            e = px + ps * v
            f = e if on else far
            left[j] = f if f < left[j] else left[j]
            f = e if on else -far
            right[j] = f if f > right[j] else right[j]


@inner_of(samples)
def _samples(spans, rows, scale, base, drift, limit, runs):
    """Turn intervals of u into runs of samples of each row, clipped to the image; return the least and greatest."""
    left, right, first, last = spans[0], spans[1], runs[0], runs[1]
    least, greatest = np.int32(limit), np.int32(-1)
    zero, one, end = np.float32(0.0), np.float32(1.0), np.float32(limit)
    s, o, d = np.float32(scale), np.float32(base - 0.5), np.float32(drift)
    for j in range(rows):
        shift = o + d * np.float32(np.int32(j))
        a = np.ceil(left[j] * s + shift)
        b = np.floor(right[j] * s + shift)
        a = a if a > zero else zero
        a = a if a < end else end
        b = b if b < end - one else end - one
        b = b if b > -one else -one
        i0, i1 = np.int32(a), np.int32(b)
        first[j] = i0
        last[j] = i1
        least = i0 if i0 < least else least
        greatest = i1 if i1 > greatest else greatest
    return least, greatest


@inner_of(mark)
def _mark(bits, stride, row0, rows, least, greatest, runs):
    """OR the runs of samples into the bit map, one column of words after another."""
    first, last = runs[0], runs[1]
    for word in range(least >> 6, (greatest >> 6) + 1):
        column = bits[word * stride + row0 : word * stride + row0 + rows]
        base = np.int64(word) * 64
        for j in range(rows):
            i0 = np.int64(first[j]) - base
            i1 = np.int64(last[j]) - base
            lo = i0 if i0 > 0 else np.int64(0)
            hi = i1 if i1 < 63 else np.int64(63)
            some = lo <= hi
            lo = lo if lo < 63 else np.int64(63)
            hi = hi if hi > 0 else np.int64(0)
            mask = (_FULL << _U(lo)) & (_FULL >> _U(63 - hi))
            column[j] |= mask if some else _U(0)


@inner
def _edge(edges, k, x0, y0, x1, y1):
    """Store an edge as (top, bottom, x at y 0, slope), empty where it is level."""
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
    slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    edges[k, 0] = y0
    edges[k, 1] = y1 if y1 > y0 else y0 - 1.0
    edges[k, 2] = x0 - slope * y0
    edges[k, 3] = slope


@inner
def _hull_edges(dx, dy, ar, br, nib, edges):
    """Store the straight edges of the hull of two nibs ``(dx, dy)`` apart, relative to the first."""
    if nib[0] == 0.0:
        distance = math.sqrt(dx * dx + dy * dy)
        k = (ar - br) / distance if distance > 0.0 else 2.0
        inside = abs(k) >= 1.0
        c = 0.0 if inside else math.sqrt(1.0 - k * k)
        du, dv = (0.0, 0.0) if inside else (dx / distance, dy / distance)
        for side in range(2):
            c = -c
            nu, nv = k * du - c * dv, k * dv + c * du
            if inside:
                _edge(edges, side, 0.0, 0.0, 0.0, 0.0)
            else:
                _edge(edges, side, ar * nu, ar * nv, dx + br * nu, dy + br * nv)
    else:
        for corner in range(4):
            x0, y0 = nib[4 + 2 * corner], nib[5 + 2 * corner]
            after = (corner + 1) & 3
            x1, y1 = nib[4 + 2 * after], nib[5 + 2 * after]
            _edge(edges, corner, ar * x0, ar * y0, ar * x1, ar * y1)
            _edge(edges, 4 + corner, dx + br * x0, dy + br * y0, dx + br * x1, dy + br * y1)
            _edge(edges, 8 + corner, ar * x0, ar * y0, dx + br * x0, dy + br * y0)


@inner_of(weigh)
def _weigh(row0, rows, runs, ink, passes, width):
    """Add the samples of one hull to each pixel's count of passes, and to its sum of ink."""
    for j in range(rows):
        a, b = runs[0, j], runs[1, j]
        start = (row0 + j) // SUB * width
        for column in range(a // PER, b // PER + 1 if a <= b else 0):
            low, high = column * PER, column * PER + PER - 1
            inside = np.float32((b if b < high else high) - (a if a > low else low) + 1)
            passes[0, start + column] += inside
            passes[1, start + column] += inside * ink


@inner_of(fold)
def _fold(bits, stride, dirty, opacity, passes, clear, width):
    """Lay the marked ink over ``clear``, the share of paper still seen, and wipe the marks."""
    for word in range(dirty[2], dirty[3] + 1):
        for row in range(dirty[0], dirty[1] + 1):
            column = bits[word * stride + row * SUB : word * stride + row * SUB + SUB]
            marked = _U(0)
            for j in range(SUB):
                marked |= column[j]
            if marked == _U(0):  # most of the box is paper, which is not worth counting
                continue
            total = _U(0)
            for j in range(SUB):
                x = column[j]
                x = x - ((x >> _U(1)) & _ODD)
                x = (x & _PAIR) + ((x >> _U(2)) & _PAIR)
                total += (x + (x >> _U(4))) & _NIBBLE
                column[j] = _U(0)
            total = (total & _BYTE) + ((total >> _U(8)) & _BYTE)
            total = (total + (total >> _U(16))) & _SHORT
            for k in range(2):
                at = row * width + word * 2 + k
                amount = np.float32(np.int64(total & _U(0xFFFF))) * SHARE * opacity
                total = total >> _U(32)
                if at >= (row + 1) * width:
                    continue
                if passes.shape[1] > 1 and passes[0, at] > np.float32(0.0):
                    amount *= passes[1, at] / passes[0, at]
                    passes[0, at] = np.float32(0.0)
                    passes[1, at] = np.float32(0.0)
                clear[at] *= np.float32(1.0) - amount


@inner
def _clipped(x0, y0, dx, dy, window, edge):
    """Return the part ``t0..t1`` of a segment that lies in a box (Liang and Barsky 1984); t0 > t1: none of it."""
    t0, t1 = 0.0, 1.0
    for side in range(4):
        sign = -1.0 if side < 2 else 1.0
        delta = sign * (dx if side & 1 else dy)
        room = sign * (window[side] - (x0 if side & 1 else y0)) + edge
        at = room / delta if delta != 0.0 else 0.0
        if delta < 0.0:
            t0 = at if at > t0 else t0
        elif delta > 0.0:
            t1 = at if at < t1 else t1
        elif room < 0.0:
            return 1.0, 0.0
    return t0, t1


@inner
def _mark_hull(part, window, nib, edges, spans, runs, bits, dirty):
    """Mark the samples in the hull of the nibs at both ends of ``part``; return its rows."""
    ax, ay, ar, bx, by, br = part[0], part[1], part[2], part[3], part[4], part[5]
    top, rise = window[0], nib[12]
    low = ay - ar * rise if ay - ar * rise < by - br * rise else by - br * rise
    high = ay + ar * rise if ay + ar * rise > by + br * rise else by + br * rise
    row0 = math.floor((low - top) * SUB) - 1
    row0 = row0 if row0 > 0 else 0
    row1 = math.ceil((high - top) * SUB) + 1
    stride = int(window[2] - top) * SUB
    row1 = row1 if row1 < stride else stride
    rows = row1 - row0
    if rows <= 0:
        return 0, 0
    su, shear, sv = nib[1], nib[2], nib[3]
    y0 = top + (row0 + 0.5) / SUB
    au = su * (ax + shear * ay)
    du, dv = su * (bx + shear * by) - au, sv * (by - ay)
    _hull_edges(du, dv, ar, br, nib, edges)
    if nib[0] == 0.0:
        disc_rows(Rows(sv * (y0 - ay), sv / SUB, rows), Discs(ar, du, dv, br), edges, spans)
    else:
        polygon_rows(Rows(y0 - ay, 1.0 / SUB, rows), edges, spans)
    base = PER * (au / su - shear * y0)
    least, greatest = samples(spans, rows, PER / su, base, -shear * PER / SUB, int(window[3]) * PER, runs)
    if least > greatest:
        return 0, 0
    mark(bits, stride, row0, rows, least, greatest, runs)
    dirty[0] = row0 // SUB if row0 // SUB < dirty[0] else dirty[0]
    dirty[1] = (row1 - 1) // SUB if (row1 - 1) // SUB > dirty[1] else dirty[1]
    dirty[2] = least >> 6 if least >> 6 < dirty[2] else dirty[2]
    dirty[3] = greatest >> 6 if greatest >> 6 > dirty[3] else dirty[3]
    return row0, rows


@kernel
def _draw_all(paths, frames, nib, opacity, work, clear):
    """Draw image after image, band after band, so that the bit map stays in the cache, and stroke after stroke."""
    # taken apart once: to take arrays from tuples in the inner loop counts references, a quarter of the time
    path, ink, strokes, images = paths
    bits, passes, dirty, window, part, edges, spans, runs = work
    for image in range(len(frames)):
        height, width = frames[image, 0], frames[image, 1]
        words = (width + 1) // 2
        band_rows = _BAND_BYTES // (words * SUB * 8)
        band_rows = band_rows if band_rows > 1 else 1
        for band in range(0, height, band_rows):
            rows = band_rows if band_rows < height - band else height - band
            stride = rows * SUB
            seen = clear[frames[image, 2] + band * width : frames[image, 2] + (band + rows) * width]
            window[0], window[1], window[2], window[3] = band, 0.0, band + rows, width
            dirty[0], dirty[1], dirty[2], dirty[3] = rows, -1, words, -1
            for stroke in range(images[image], images[image + 1]):
                first, last = strokes[stroke], strokes[stroke + 1] - 1
                for i in range(first, last if last > first else first + 1):
                    other = i + 1 if i < last else i
                    x0, y0, r0 = path[i, 0], path[i, 1], path[i, 2]
                    dx, dy, dr = path[other, 0] - x0, path[other, 1] - y0, path[other, 2] - r0
                    biggest = r0 + dr if dr > 0.0 else r0
                    edge = biggest * nib[13] + 1.0
                    t0, t1 = _clipped(x0, y0, dx, dy, window, edge)
                    if t0 > t1:
                        continue
                    # pieces short enough to span few words
                    length = math.sqrt(dx * dx + dy * dy) * (t1 - t0)
                    longest = 2.0 * biggest if biggest > 3.0 else 6.0
                    pieces = math.ceil(length / longest) if length > longest else 1
                    for piece in range(pieces):
                        for end in range(2):
                            t = t0 + (t1 - t0) * (piece + end) / pieces
                            part[3 * end], part[3 * end + 1], part[3 * end + 2] = x0 + t * dx, y0 + t * dy, r0 + t * dr
                        row0, marked = _mark_hull(part, window, nib, edges, spans, runs, bits, dirty)
                        if passes.shape[1] > 1:
                            weigh(row0, marked, runs, ink[i], passes, width)
                if opacity < np.float32(1.0) or stroke == images[image + 1] - 1:
                    fold(bits, stride, dirty, opacity, passes, seen, width)
                    dirty[0], dirty[1], dirty[2], dirty[3] = rows, -1, words, -1


def draw_exact(paths: Paths, frames: Ints, nib: Floats, opacity: float, output: Floats32) -> None:
    """Draw a batch exactly.

    Args:
        paths: what the nib's centre does.
        frames: int64 ``(m, 3)``: height, width, and where the image begins in the output.
        nib: from :func:`nib_matrix`.
        opacity: share of the paper that a stroke hides; below 1 each stroke is laid over those before.
        output: float32, the share of paper that is still seen: 1 all of it, 0 full ink.
    """
    words = (frames[:, 1] + 1) // 2
    rows = np.minimum(frames[:, 0], np.maximum(_BAND_BYTES // (words * SUB * 8), 1))
    longest = int(rows.max()) * SUB
    varying = bool((paths.ink != 1.0).any())
    output[:] = 1.0
    folds = len(paths.strokes) if opacity < 1 else len(frames)
    hulls_us = len(paths.path) * (_HULL_US + varying * _WEIGH_US)
    folds_us = len(output) / len(frames) * folds * _FOLD_US
    work = Workspace(
        bits=np.zeros(int((rows * words).max()) * SUB, np.uint64),
        passes=np.zeros((2, int((rows * frames[:, 1]).max()) if varying else 1), np.float32),
        dirty=np.zeros(4, np.int64),
        window=np.zeros(4),
        part=np.zeros(6),
        edges=np.zeros((12, 4)),
        spans=np.empty((2, longest), np.float32),
        runs=np.empty((2, longest), np.int32),
    )
    draw = _draw_all.for_work(hulls_us + folds_us)
    draw(paths, frames, nib, np.float32(opacity), work, output)


@inner
def _cut(h, big, small, inverse, away):
    """Return the area of a unit square behind a straight edge ``h`` from its centre.

    The edge's normal is ``(big, small) / away`` with ``big >= small > 0``, ``inverse = 1 / (big * small)``: one
    division serves both edges of a path.
    """
    one, half = np.float32(1.0), np.float32(0.5)
    g = abs(h) * away
    t = (big + small) * half - g
    t = t if t > np.float32(0.0) else np.float32(0.0)
    corner = half * t * t * inverse
    side = half - g * small * inverse
    beyond = side if g < (big - small) * half else corner
    return one - beyond if h > np.float32(0.0) else beyond


@inner
def _nearest(dx, dy, ux, uy, length, lag):
    """Return the greater and smaller distance along the axes from a pixel's centre to the nearest disc's centre."""
    zero, least = np.float32(0.0), np.float32(1e-3)
    foot = dx * ux + dy * uy - abs(dx * uy - dy * ux) * lag
    foot = foot if foot > zero else zero
    foot = foot if foot < length else length
    ex, ey = abs(dx - foot * ux), abs(dy - foot * uy)
    big = ex if ex > ey else ey
    small = ey if ex > ey else ex
    return big if big > least else least, small if small > least else least, foot


@inner
def _splat(canvas, padded, row0, row1, column, origin, hull, ink):
    """Take the maximum with one hull's coverage in ``LANES`` columns of the rows ``row0..row1 - 1``.

    ``origin`` is point a; ``hull`` = (ux, uy, length, half width at a, its fall per px along, shift of the nearest
    disc per px across). At the scale of a pixel an edge is straight.
    """
    ux, uy, length, half, fall, lag = hull[0], hull[1], hull[2], hull[3], hull[4], hull[5]
    dx0 = np.float32(column + 0.5 - origin[0])
    for row in range(row0, row1):
        out = canvas[row * padded + column : row * padded + column + LANES]
        dy = np.float32(row + 0.5 - origin[1])
        for j in range(LANES):
            big, small, foot = _nearest(dx0 + np.float32(np.int32(j)), dy, ux, uy, length, lag)
            away, inverse = np.sqrt(big * big + small * small), np.float32(1.0) / (big * small)
            cover = _cut(half - fall * foot - away, big, small, inverse, away) * ink
            out[j] = cover if cover > out[j] else out[j]


@inner
def _splat_thin(canvas, padded, row0, row1, column, origin, hull, ink):
    """Do as :func:`_splat` for a path so thin that both its edges pass through one pixel."""
    ux, uy, length, half, fall, lag = hull[0], hull[1], hull[2], hull[3], hull[4], hull[5]
    dx0 = np.float32(column + 0.5 - origin[0])
    for row in range(row0, row1):
        out = canvas[row * padded + column : row * padded + column + LANES]
        dy = np.float32(row + 0.5 - origin[1])
        for j in range(LANES):
            big, small, foot = _nearest(dx0 + np.float32(np.int32(j)), dy, ux, uy, length, lag)
            away, inverse = np.sqrt(big * big + small * small), np.float32(1.0) / (big * small)
            radius = half - fall * foot
            near = _cut(radius - away, big, small, inverse, away)
            cover = (near - _cut(-radius - away, big, small, inverse, away)) * ink
            out[j] = cover if cover > out[j] else out[j]


@inner
def _splat_segment(path, i, other, ink, canvas, padded, window, hull):
    """Splat the hull of the nibs at points i and other, row by row of its box."""
    x0, y0, r0 = path[i, 0], path[i, 1], path[i, 2]
    dx, dy, r1 = path[other, 0] - x0, path[other, 1] - y0, path[other, 2]
    biggest = r0 if r0 > r1 else r1
    t0, t1 = _clipped(x0, y0, dx, dy, window, biggest + 1.0)
    if t0 > t1:
        return
    r0, r1 = r0 + t0 * (r1 - r0), r0 + t1 * (r1 - r0)
    x0, y0, dx, dy = x0 + t0 * dx, y0 + t0 * dy, (t1 - t0) * dx, (t1 - t0) * dy
    length = math.sqrt(dx * dx + dy * dy)
    fall = (r0 - r1) / length if length > 0.0 else 2.0
    if fall <= -1.0:
        x0, y0, r0 = x0 + dx, y0 + dy, r1
    inside = abs(fall) >= 1.0
    if inside:
        dx, dy, length, fall = 0.0, 0.0, 0.0, 0.0
    hull[0] = 1.0 if inside else dx / length
    hull[1] = 0.0 if inside else dy / length
    hull[2], hull[3], hull[4], hull[5] = length, r0, fall, fall / math.sqrt(1.0 - fall * fall)
    reach = biggest + 0.75
    left, right = (x0 + dx, x0) if dx < 0.0 else (x0, x0 + dx)
    top, bottom = (y0 + dy, y0) if dy < 0.0 else (y0, y0 + dy)
    row0, row1 = max(0, math.floor(top - reach)), min(int(window[2]), math.ceil(bottom + reach))
    column0, column1 = max(0, math.floor(left - reach)), min(int(window[3]), math.ceil(right + reach))
    origin = (x0, y0)
    for column in range(column0, column1, LANES):
        if min(r0, r1) < 0.75:
            _splat_thin(canvas, padded, row0, row1, column, origin, hull, ink)
        else:
            _splat(canvas, padded, row0, row1, column, origin, hull, ink)


@kernel
def _splat_all(paths, frames, window, hull, canvas, clear):
    """Draw image after image on one canvas, wider than they are by the overhang of the last ``LANES`` columns."""
    path, ink, strokes, images = paths
    for image in range(len(frames)):
        height, width, at = frames[image, 0], frames[image, 1], frames[image, 2]
        window[0], window[1], window[2], window[3] = 0.0, 0.0, height, width
        padded = width + LANES
        for k in range(height * padded):
            canvas[k] = np.float32(0.0)
        for stroke in range(images[image], images[image + 1]):
            first, last = strokes[stroke], strokes[stroke + 1] - 1
            for i in range(first, last if last > first else first + 1):
                _splat_segment(path, i, i + 1 if i < last else last, ink[i], canvas, padded, window, hull)
        for row in range(height):
            line, out = canvas[row * padded : row * padded + width], clear[at + row * width : at + (row + 1) * width]
            for k in range(width):
                out[k] = np.float32(1.0) - line[k]


def draw_fast(paths: Paths, frames: Ints, output: Floats32) -> None:
    """Draw a batch with round nibs by the maximum over the hulls' coverages; arguments as :func:`draw_exact`."""
    canvas = np.empty(int((frames[:, 0] * (frames[:, 1] + LANES)).max()), np.float32)
    draw = _splat_all.for_work(len(paths.path) * _SPLAT_US + len(output) * _COPY_US)
    draw(paths, frames, np.zeros(4), np.zeros(6, np.float32), canvas, output)
