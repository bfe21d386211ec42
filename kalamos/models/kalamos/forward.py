"""The forward pass of :mod:`kalamos.models.kalamos.network` for one image, compiled, without torch: what recovers.

An image is some 20 pieces and 20 steps; torch spends its time between its many small calls. Here a whole image is one
compiled call: the encoder and the motion along a path are in this module, the decoder and the search for the path in
:mod:`kalamos.models.kalamos.search`. Results are those of the network to the rounding of float32
(``tests/models/test_forward.py``).

Shapes: n pieces, m = 2 n directed pieces, t steps, d channels, h heads, e = d / h. All weights are (in, out).
"""

# mypy: disable-error-code="no-any-return"
# (calls of compiled functions are Any)

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from kalamos.machinery.arrays import Bools, Floats32, Ints, Ints32
from kalamos.models.kalamos.parameters import (
    BOTH,
    DIRECT,
    ENCODED,
    ENCODER,
    ENCODER_ROWS,
    MOTION_PIECE,
    MOTION_ROWS,
    MOTION_SHAPE,
    NORM,
    OFFSETS,
    OUT,
    PAIR_IN,
    PAIR_OUT,
    PIECE_IN,
    PIECE_OUT,
    QUERY,
    SLOWNESS,
    UNIT_PX,
    Net,
)  # fmt: skip
from kalamos.models.kalamos.pieces import POINTS


class Motioned(NamedTuple):
    """A path over pieces and the pen's motion along it.

    Attributes:
        steps: int64 ``(t,)``, directed pieces.
        lifts: bool ``(t,)``, True where the pen was lifted before.
        offsets: float32 ``(t, POINTS, 2)``, pixels from the pieces' points.
        slowness: float32 ``(t, POINTS - 1)``, log of time over length, 0 at the mean speed.
    """

    steps: Ints
    lifts: Bools
    offsets: Floats32
    slowness: Floats32


ENCODER_STRIDE, MOTION_STRIDE = len(ENCODER_ROWS), len(MOTION_ROWS)
TINY = 1e-6


@nb.njit(cache=True, error_model="numpy", nogil=True)
def gelu(x: Floats32) -> None:
    """Apply x * (1 + erf(x / sqrt 2)) / 2 in place; the error function as a quotient of polynomials, within 5e-7."""
    f = np.float32
    flat = x.reshape(-1)
    for i in range(len(flat)):
        z = min(f(4.0), max(f(-4.0), flat[i] * f(0.70710678118654752)))
        q = z * z
        over = ((f(-2.72614225801306e-10) * q + f(2.77068142495902e-08)) * q + f(-2.10102402082508e-06)) * q
        over = ((over + f(-5.69250639462346e-05)) * q + f(-7.34990630326855e-04)) * q
        over = (over + f(-2.95459980854025e-03)) * q + f(-1.60960333262415e-02)
        under = ((f(-1.45660718464996e-05) * q + f(-2.13374055278905e-04)) * q + f(-1.68282697438203e-03)) * q
        under = (under + f(-7.37332916720468e-03)) * q + f(-1.42647390514189e-02)
        flat[i] = f(0.5) * flat[i] * (f(1.0) + z * over / under)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def row_times(x: Floats32, w: Floats32, out: Floats32) -> None:
    """Add ``x`` (in,) times ``w`` (in, out) to ``out`` (out,)."""
    n, m = w.shape
    for k in range(0, n - 3, 4):
        a, b, c, d = x[k], x[k + 1], x[k + 2], x[k + 3]
        wa, wb, wc, wd = w[k], w[k + 1], w[k + 2], w[k + 3]
        for j in range(m):
            out[j] += (a * wa[j] + b * wb[j]) + (c * wc[j] + d * wd[j])
    for k in range(n - n % 4, n):
        a, wa = x[k], w[k]
        for j in range(m):
            out[j] += a * wa[j]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def four_rows_times(x: Floats32, w: Floats32, out: Floats32) -> None:
    """Add ``x`` (4, in) times ``w`` (in, out) to ``out`` (4, out) as :func:`row_times`, reading each weight once."""
    n, m = w.shape
    p, q, r, s = out[0], out[1], out[2], out[3]
    for k in range(0, n - 3, 4):
        wa, wb, wc, wd = w[k], w[k + 1], w[k + 2], w[k + 3]
        pa, pb, pc, pd = x[0, k], x[0, k + 1], x[0, k + 2], x[0, k + 3]
        qa, qb, qc, qd = x[1, k], x[1, k + 1], x[1, k + 2], x[1, k + 3]
        ra, rb, rc, rd = x[2, k], x[2, k + 1], x[2, k + 2], x[2, k + 3]
        sa, sb, sc, sd = x[3, k], x[3, k + 1], x[3, k + 2], x[3, k + 3]
        for j in range(m):
            a, b, c, d = wa[j], wb[j], wc[j], wd[j]
            p[j] += (pa * a + pb * b) + (pc * c + pd * d)
            q[j] += (qa * a + qb * b) + (qc * c + qd * d)
            r[j] += (ra * a + rb * b) + (rc * c + rd * d)
            s[j] += (sa * a + sb * b) + (sc * c + sd * d)
    for i in range(4):
        for k in range(n - n % 4, n):
            for j in range(m):
                out[i, j] += x[i, k] * w[k, j]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def dense(x: Floats32, net: Net, row: int) -> Floats32:
    """Return the linear layer ``row`` of the rows of ``x`` (r, in)."""
    at, n, m = net.table[row]
    w, bias = net.values[at : at + n * m].reshape(n, m), net.values[at + n * m : at + n * m + m]
    y = np.empty((len(x), m), np.float32)
    y[:] = bias
    whole = len(x) - len(x) % 4
    for i in range(0, whole, 4):
        four_rows_times(x[i : i + 4], w, y[i : i + 4])
    for i in range(whole, len(x)):
        row_times(x[i], w, y[i])
    return y


@nb.njit(cache=True, error_model="numpy", nogil=True)
def bent(x: Floats32, net: Net, row: int) -> Floats32:
    """Return the linear layer ``row`` of ``x``, bent."""
    y = dense(x, net, row)
    gelu(y)
    return y


@nb.njit(cache=True, error_model="numpy", nogil=True)
def add(x: Floats32, y: Floats32) -> None:
    """Add ``y`` to ``x``, both (r, d), in place."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] += y[i, k]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def normed(x: Floats32, net: Net, row: int) -> Floats32:
    """Return the rows of ``x`` (r, d) with mean 0 and variance 1, scaled and shifted (layer norm)."""
    at, d = net.table[row, 0], x.shape[1]
    y = np.empty_like(x)
    for i in range(len(x)):
        mean, square = 0.0, 0.0
        for k in range(d):
            mean += x[i, k]
        mean /= d
        for k in range(d):
            square += (x[i, k] - mean) ** 2
        inverse = 1.0 / np.sqrt(square / d + 1e-5)
        for k in range(d):
            y[i, k] = (x[i, k] - mean) * inverse * net.values[at + k] + net.values[at + d + k]
    return y


@nb.njit(cache=True, error_model="numpy", nogil=True)
def feed(x: Floats32, net: Net, row: int) -> None:
    """Add the two-layer block whose norm is ``row`` to ``x`` (r, d), in place."""
    add(x, dense(bent(normed(x, net, row), net, row + 1), net, row + 2))


@nb.njit(cache=True, error_model="numpy", nogil=True)
def read(query: Floats32, keys: Floats32, values: Floats32, bias: Floats32, count: int, found: Floats32) -> None:
    """Write into ``found`` (d,) what a query (d,) reads from the first ``count`` of keys (d, k) and values (k, d).

    ``bias`` is (h, k).
    """
    heads = len(bias)
    e = len(query) // heads
    score = np.empty(count, np.float32)
    share = np.float32(1.0 / np.sqrt(e))
    for h in range(heads):
        for j in range(count):
            score[j] = bias[h, j]
        for c in range(h * e, (h + 1) * e):
            factor = query[c] * share
            for j in range(count):
                score[j] += factor * keys[c, j]
        top, total = score[0], np.float32(0.0)
        for j in range(count):
            top = max(top, score[j])
        for j in range(count):
            score[j] = np.exp(score[j] - top)
            total += score[j]
        for c in range(h * e, (h + 1) * e):
            found[c] = 0.0
        for j in range(count):
            factor = score[j] / total
            for c in range(h * e, (h + 1) * e):
                found[c] += factor * values[j, c]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def split(both: Floats32, keys: Floats32, values: Floats32) -> None:
    """Part keys, laid (d, k), from values (k, d) where they stand side by side, (k, 2 d)."""
    d = values.shape[1]
    for j in range(len(both)):
        for c in range(d):
            keys[c, j], values[j, c] = both[j, c], both[j, d + c]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def squash(x: float) -> float:
    """Return a distance in pixels on a scale that is linear near 0 and logarithmic far off."""
    return np.sign(x) * np.log1p(abs(x) / UNIT_PX)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def directed(points: Floats32, joints: Ints32) -> tuple[Floats32, Ints32]:
    """Return geometry (m, 9) and joints (m, 2) of directed pieces: start, end, way in, way out, length."""
    n, z = len(points), POINTS - 1
    geo, ends = np.zeros((2 * n, 9), np.float32), np.empty((2 * n, 2), np.int32)
    for i in range(n):
        length = 0.0
        for k in range(z):
            length += np.hypot(points[i, k + 1, 0] - points[i, k, 0], points[i, k + 1, 1] - points[i, k, 1])
        for back in range(2):
            j, a, b, way = 2 * i + back, z * back, z * (1 - back), 1 - 2 * back
            for axis in range(2):
                geo[j, axis], geo[j, 2 + axis] = points[i, a, axis], points[i, b, axis]
                geo[j, 4 + axis] = points[i, a + way, axis] - points[i, a, axis]
                geo[j, 6 + axis] = points[i, b, axis] - points[i, b - way, axis]
            for at in range(4, 8, 2):
                norm = max(np.hypot(geo[j, at], geo[j, at + 1]), TINY)
                geo[j, at] /= norm
                geo[j, at + 1] /= norm
            geo[j, 8] = length
            ends[j, 0], ends[j, 1] = joints[i, back], joints[i, 1 - back]
    return geo, ends


@nb.njit(cache=True, error_model="numpy", nogil=True)
def piece_features(points: Floats32, radii: Floats32, joints: Ints32) -> Floats32:
    """Return what a piece is by itself and in the whole: ``network.piece_features``."""
    n = len(points)
    x = np.empty((n, 4 * POINTS + 9), np.float32)
    low, high = np.full(2, np.float32(1e6)), np.full(2, np.float32(-1e6))
    degree = np.zeros(joints.max() + 1)
    for i in range(n):
        for axis in range(2):
            degree[joints[i, axis]] += 1
            for k in range(POINTS):
                low[axis], high[axis] = min(low[axis], points[i, k, axis]), max(high[axis], points[i, k, axis])
    size = np.maximum(high - low, np.float32(1.0))
    for i in range(n):
        p = points[i]
        row = x[i]
        middle = np.zeros(2)
        for k in range(POINTS):
            middle[0] += p[k, 0] / POINTS
            middle[1] += p[k, 1] / POINTS
        length, at = 0.0, 3 * POINTS
        ways = np.zeros((POINTS - 1, 2))
        for k in range(POINTS):
            row[2 * k], row[2 * k + 1] = (p[k, 0] - middle[0]) / 4.0, (p[k, 1] - middle[1]) / 4.0
            row[2 * POINTS + k] = radii[i, k] - 1.0
            if k < POINTS - 1:
                dx, dy = p[k + 1, 0] - p[k, 0], p[k + 1, 1] - p[k, 1]
                step = np.hypot(dx, dy)
                length += step
                ways[k, 0], ways[k, 1] = dx / max(step, TINY), dy / max(step, TINY)
        for k in range(POINTS - 2):
            row[at + k] = ways[k, 0] * ways[k + 1, 0] + ways[k, 1] * ways[k + 1, 1]
        at += POINTS - 2
        row[at] = length / 8.0
        for side in range(2):
            row[at + 1 + side] = min(degree[joints[i, side]], 4) - 1.0
            row[at + 3 + side] = (middle[side] - low[side]) / size[side]
            row[at + 5 + side] = squash(middle[side] - low[side])
            row[at + 7 + side] = squash(high[side] - middle[side])
            row[at + 9 + side] = squash(size[side])
    return x


@nb.njit(cache=True, error_model="numpy", nogil=True)
def pair_features(points: Floats32, joints: Ints32) -> Floats32:
    """Return how two pieces lie to each other, (n n, 12): ``network.pair_features``."""
    n, last = len(points), POINTS - 1
    x = np.zeros((n * n, 12), np.float32)
    middle, ways = np.zeros((n, 2)), np.zeros((n, 2, 2))
    for i in range(n):
        for k in range(POINTS):
            middle[i, 0] += points[i, k, 0] / POINTS
            middle[i, 1] += points[i, k, 1] / POINTS
        for side in range(2):
            a, b = (1, 0) if side == 0 else (last - 1, last)
            dx, dy = points[i, b, 0] - points[i, a, 0], points[i, b, 1] - points[i, a, 1]
            norm = max(np.hypot(dx, dy), TINY)
            ways[i, side, 0], ways[i, side, 1] = dx / norm, dy / norm
    for i in range(n):
        for j in range(n):
            row = x[i * n + j]
            dx, dy = middle[j, 0] - middle[i, 0], middle[j, 1] - middle[i, 1]
            row[0], row[1], row[2] = squash(dx), squash(dy), squash(np.hypot(dx, dy))
            gap = np.inf
            for a in range(2):
                for b in range(2):
                    p, q = points[i, a * last], points[j, b * last]
                    gap = min(gap, np.hypot(p[0] - q[0], p[1] - q[1]))
                    if joints[i, a] == joints[j, b]:
                        row[4 + 2 * a + b] = 1.0
                        row[8 + 2 * a + b] = ways[i, a, 0] * ways[j, b, 0] + ways[i, a, 1] * ways[j, b, 1]
            row[3] = squash(gap)
    return x


@nb.njit(cache=True, error_model="numpy", nogil=True)
def encode(points: Floats32, radii: Floats32, joints: Ints32, net: Net) -> Floats32:
    """Return the vectors of directed pieces, (m, d)."""
    n = len(points)
    x = dense(bent(piece_features(points, radii, joints), net, PIECE_IN), net, PIECE_OUT)
    d = x.shape[1]
    lies = dense(bent(pair_features(points, joints), net, PAIR_IN), net, PAIR_OUT)
    bias = np.empty((net.heads, n), np.float32)
    keys, values, found = np.empty((d, n), np.float32), np.empty((n, d), np.float32), np.empty((n, d), np.float32)
    for row in range(ENCODER, net.decoder, ENCODER_STRIDE):
        y = normed(x, net, row + NORM)
        query = dense(y, net, row + QUERY)
        split(dense(y, net, row + BOTH), keys, values)
        for i in range(n):
            for j in range(n):
                for h in range(net.heads):
                    bias[h, j] = lies[i * n + j, h]
            read(query[i], keys, values, bias, n, found[i])
        add(x, dense(found, net, row + OUT))
        feed(x, net, row + OUT + 1)
    return dense(normed(x, net, ENCODED), net, DIRECT).reshape(2 * n, d)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def motion_features(points: Floats32, radii: Floats32, geo: Floats32, steps: Ints, lifts: Bools) -> Floats32:
    """Return what the motion head reads of each step beside the piece's vector, (t, 3 POINTS + 8)."""
    t, flags = len(steps), 3 * POINTS
    x = np.zeros((t, flags + 8), np.float32)
    after, before = np.zeros(len(points)), np.zeros(len(points))
    for k in range(t):
        after[steps[k] // 2] += 1
    for k in range(t):
        step = steps[k]
        i = step // 2
        for axis in range(2):
            middle = 0.0
            for a in range(POINTS):
                middle += points[i, a, axis] / POINTS
            for a in range(POINTS):
                b = POINTS - 1 - a if step % 2 == 1 else a
                x[k, 2 * a + axis] = (points[i, b, axis] - middle) / 4.0
                x[k, 2 * POINTS + a] = radii[i, b] - 1.0
        x[k, flags] = 1.0 if lifts[k] else 0.0
        x[k, flags + 1] = 1.0 if k + 1 < t and lifts[k + 1] else 0.0
        if k > 0 and not lifts[k]:
            x[k, flags + 2] = geo[steps[k - 1], 6] * geo[step, 4] + geo[steps[k - 1], 7] * geo[step, 5]
            x[k, flags + 3] = geo[steps[k - 1], 6] * geo[step, 5] - geo[steps[k - 1], 7] * geo[step, 4]
        x[k, flags + 4], x[k, flags + 5], x[k, flags + 6] = before[i], after[i], geo[step, 8] / 8.0
        x[k, flags + 7] = x[k, flags] * x[k, flags + 1]
        before[i] += 1
    return x


@nb.njit(cache=True, error_model="numpy", nogil=True)
def motion(memory: Floats32, look: Floats32, steps: Ints, net: Net) -> tuple[Floats32, Floats32]:
    """Return offsets (t, POINTS, 2) in pixels and log slowness (t, POINTS - 1) of a path's motion features."""
    t, d = len(steps), memory.shape[1]
    passed = np.empty((t, d), np.float32)
    for k in range(t):
        for c in range(d):
            passed[k, c] = memory[steps[k], c]
    left, right = dense(passed, net, MOTION_PIECE), dense(look, net, MOTION_SHAPE)
    c = left.shape[1]
    x = np.empty((t, 2 * c), np.float32)
    for k in range(t):
        for a in range(c):
            x[k, a], x[k, c + a] = left[k, a], right[k, a]
    for row in range(net.motion, len(net.table), MOTION_STRIDE):
        y = normed(x, net, row)
        taps = net.table[row + 1, 1] // (2 * c)
        wide = np.zeros((t, taps * 2 * c), np.float32)
        for k in range(t):
            for tap in range(taps):
                other = k + tap - taps // 2
                if 0 <= other < t:
                    for a in range(2 * c):
                        wide[k, tap * 2 * c + a] = y[other, a]
        add(x, dense(bent(wide, net, row + 1), net, row + 2))
    return dense(x, net, OFFSETS).reshape(t, POINTS, 2), dense(x, net, SLOWNESS)
