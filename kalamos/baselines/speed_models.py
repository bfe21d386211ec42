"""Times for a traced path: a picture shows where the pen went, not when.

Three laws give a speed to every place of a path. All are relative: an image has no clock, so the mean speed is
fixed at SPEED_PX_S, and pen-ups are crossed in a straight line at the same mean speed.

- ``"constant"``: the same speed everywhere.
- ``"power-law"``: v = k * curvature ** (-1/3), the two-thirds power law of F. Lacquaniti, C. Terzuolo and P.
  Viviani, "The law relating the kinematic and figural aspects of drawing movements", Acta Psychologica 54 (1983),
  there written for the angular speed as A = K * C ** (2/3). The curvature is held between FLAT and SHARP (in units
  of one over the stroke's size), so that straight lines do not make the pen infinitely fast nor corners stop it.
- ``"sigma-lognormal"``: a stroke is cut at its curvature maxima; each piece is one movement whose speed is a
  lognormal of time (R. Plamondon, "A kinematic theory of rapid human movements", Biological Cybernetics 72 (1995)),
  begun before the one in front has ended. Left open there for recovery: sigma (SIGMA), the overlap (OVERLAP), and
  durations (growing with the square root of the length, between isochrony and constant speed); all three are ours
  and stated here.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr

from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats

Velocity = Literal["constant", "power-law", "sigma-lognormal"]

SPEED_PX_S = 100.0
FLAT, SHARP = 1.0, 50.0
SMOOTHING = 0.03
"""Standard deviation of the smoothing of directions before curvature is taken, in stroke sizes."""
SIGMA, OVERLAP = 0.3, 0.45
MOST_STROKES = 10_000
"""Strokes above which every speed is constant: no handwriting has so many."""
CORNER = 4.0
"""Curvature, in one over the stroke's size, above which a maximum parts two movements."""


def with_times(ink: Ink, velocity: Velocity = "constant") -> Ink:
    """Return the ink with times ``t`` in seconds, from 0; other channels are kept.

    Raises:
        KalamosError: where the law is unknown.
    """
    if velocity not in get_args(Velocity):
        raise KalamosError(f"velocity is one of {', '.join(get_args(Velocity))}, not {velocity!r}")
    if ink.n_points == 0:
        return ink
    xy = ink.xy.astype(np.float64)
    channels = {name: values for name, values in ink.channels() if name != "t"}
    if velocity == "constant" or ink.n_strokes > MOST_STROKES:
        return ink.with_points(ink.xy, ink.offsets, {**channels, "t": _constant(xy, 1.0)})
    size = max(float(np.ptp(xy, axis=0).max()), 1.0)
    t = np.empty(len(xy))
    now = 0.0
    for k, (a, b) in enumerate(zip(ink.offsets[:-1].tolist(), ink.offsets[1:].tolist(), strict=True)):
        if k:
            now += float(np.hypot(*(xy[a] - xy[a - 1]))) / SPEED_PX_S
        t[a:b] = now + _LAWS[velocity](xy[a:b], size)
        now = float(t[b - 1])
    return ink.with_points(ink.xy, ink.offsets, {**channels, "t": np.maximum.accumulate(t)})


def curvature(xy: Floats, size: float) -> tuple[Floats, Floats]:
    """Return arc length ``(n,)`` and unsigned curvature ``(n,)`` in 1/px.

    Directions are smoothed by SMOOTHING * size.
    """
    steps = np.diff(xy, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    n = max(int(np.ceil(2.0 * arc[-1] / max(SMOOTHING * size, 1e-9))), 4)
    even = np.linspace(0.0, arc[-1], n + 1)
    line = np.stack([np.interp(even, arc, xy[:, axis]) for axis in (0, 1)], axis=1)
    move = np.diff(line, axis=0)
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 2.0) ** 2)
    padded = np.pad(move, ((4, 4), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(padded[:, axis], kernel / kernel.sum(), "valid") for axis in (0, 1)], axis=1)
    angle = np.unwrap(np.arctan2(smooth[:, 1], smooth[:, 0]))
    bend = np.abs(np.diff(angle)) / max(arc[-1] / n, 1e-9)
    return arc, np.interp(arc, even, np.concatenate([bend[:1], bend, bend[-1:]]))


def _constant(xy: Floats, size: float) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]) / SPEED_PX_S


def _power_law(xy: Floats, size: float) -> Floats:
    if len(xy) < 3:
        return _constant(xy, size)
    arc, bend = curvature(xy, size)
    slowness = np.clip(bend * size, FLAT, SHARP) ** (1.0 / 3.0)
    t = np.concatenate([[0.0], np.cumsum(np.diff(arc) * 0.5 * (slowness[1:] + slowness[:-1]))])
    return np.asarray(t * (arc[-1] / SPEED_PX_S / max(t[-1], 1e-9)))


def _sigma_lognormal(xy: Floats, size: float) -> Floats:
    if len(xy) < 3:
        return _constant(xy, size)
    arc, bend = curvature(xy, size)
    peaks = np.flatnonzero((bend[1:-1] >= bend[:-2]) & (bend[1:-1] > bend[2:]) & (bend[1:-1] * size > CORNER)) + 1
    cuts = [0.0]
    for peak in peaks.tolist():
        if arc[peak] - cuts[-1] > 0.08 * size and arc[-1] - arc[peak] > 0.08 * size:
            cuts.append(float(arc[peak]))
    lengths = np.diff([*cuts, float(arc[-1])])
    durations = np.sqrt(np.maximum(lengths, 1e-9))
    starts = np.concatenate([[0.0], np.cumsum(durations[:-1] * (1.0 - OVERLAP))])
    clock = np.linspace(0.0, float((starts + durations).max()), 64 * len(lengths) + 1)
    done = np.zeros_like(clock)
    for start, duration, length in zip(starts, durations, lengths, strict=True):
        done += length * _lognormal_share((clock - start) / duration)
    done *= arc[-1] / max(done[-1], 1e-9)
    t = np.interp(arc, np.maximum.accumulate(done), clock)
    return np.asarray((t - t[0]) * (arc[-1] / SPEED_PX_S / max(t[-1] - t[0], 1e-9)))


def _lognormal_share(x: Floats) -> Floats:
    """Return the share of a movement done at ``x`` of its duration.

    The duration spans mu - 3 sigma to mu + 3 sigma in log time.
    """
    low, high = np.exp(-3 * SIGMA), np.exp(3 * SIGMA)
    tau = low + np.clip(x, 0.0, 1.0) * (high - low)
    share = ndtr(np.log(tau) / SIGMA)
    return np.asarray((share - share_low()) / (1.0 - 2.0 * share_low()))


def share_low() -> float:
    """Return the tail of the normal distribution below three standard deviations."""
    return 0.0013498980316300933


_LAWS = {"constant": _constant, "power-law": _power_law, "sigma-lognormal": _sigma_lognormal}
