"""The sigma-lognormal model of a pen stroke: vectors of lognormal speed that overlap in time and add up.

A stroke is the sum of pulses. Pulse i begins at ``t0``; its speed is ``D`` times a lognormal density and its direction
turns from ``theta_s`` to ``theta_e`` in step with the distance covered (an arc of a circle towards a virtual target):

    |v_i(t)| = D_i L(t - t0_i; mu_i, sigma_i),   L the lognormal density, F its integral from 0 to 1
    phi_i(t) = theta_s_i + (theta_e_i - theta_s_i) F(t - t0_i; mu_i, sigma_i)
    v(t)     = sum_i |v_i(t)| exp(j phi_i(t))

With delta = theta_e - theta_s the displacement has the closed form D exp(j theta_s) (exp(j delta F) - 1) / (j delta),
and D F exp(j theta_s) for a straight pulse. It is linear in the complex number D exp(j theta_s); so the pulses that
bring the pen along a given path at given times are the solution of a linear least-squares problem.

Sources: R. Plamondon, "A kinematic theory of rapid human movements", Biological Cybernetics 72 (1995), 295-307 and
309-320; R. Plamondon and M. Djioua, "A multi-level representation paradigm for handwriting stroke generation", Human
Movement Science 25 (2006), 586-607, equations 1 to 6.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.kernels import inner, kernel

Path = NDArray[np.complex128]
REACH = 3.0  # a pulse's window: from 3 sigma before to 3 sigma after its median in log time, 99.7 % of its distance
STILL = 4.5  # the pen is put down this many sigma before the median of the first pulse: still at rest
SAMPLES_A_PULSE = 6  # times at which the fit looks
WEIGHT_OF_END = 6.0  # the end of a stroke is where a reader notices a gap


class Timing(NamedTuple):
    """When the pulses of a stroke happen; each ``(m,)``: onset in s, log median in log s, log spread.

    Time 0 is pen-down. The first onset lies before it: a command is given some time before the pen moves.
    """

    t0: Floats
    mu: Floats
    sigma: Floats

    @property
    def end(self) -> float:
        """Return the time in s at which the last pulse has given 99.9 % of its distance."""
        return float((self.t0 + np.exp(self.mu + REACH * self.sigma)).max())


class Pulses(NamedTuple):
    """A stroke: its timing, and per pulse distance and first and last direction (radians), each ``(m,)``."""

    timing: Timing
    distance: Floats
    theta_s: Floats
    theta_e: Floats


def timing_of(width_s: Floats, overlap: Floats, sigma: Floats) -> Timing:
    """Return pulses that last ``width_s`` each and begin before their forerunner ends.

    Args:
        width_s: ``(m,)`` seconds from 0.1 % to 99.9 % of the distance.
        overlap: ``(m - 1,)``, the fraction of the earlier pulse's width that is still to come when the next begins.
        sigma: ``(m,)`` log spread, the skewness of the bell.
    """
    mu = np.log(width_s / (2 * np.sinh(REACH * sigma)))
    t0 = -np.exp(mu - REACH * sigma)
    t0[1:] += np.cumsum(width_s[:-1] * (1 - overlap))
    return Timing(t0 - (t0[0] + np.exp(mu[0] - STILL * sigma[0])), mu, sigma)


@inner
def _progress(since_s: float, mu: float, sigma: float) -> float:
    if since_s <= 0.0:
        return 0.0
    return 0.5 * math.erfc((mu - math.log(since_s)) / (sigma * math.sqrt(2.0)))


@inner
def _arc(covered: float, delta: float) -> complex:
    """Return the displacement of a pulse of distance 1 that sets out along x and turns by delta in all."""
    if abs(delta) < 1e-6:
        return complex(covered, 0.0)
    half = 0.5 * delta * covered
    return complex(2 * math.sin(half) * math.cos(half) / delta, 2 * math.sin(half) ** 2 / delta)


@kernel
def progress(timing: Timing, t: Floats) -> Floats:
    """Return the fraction of each pulse's distance covered at each time, ``(n, m)``: the lognormal distribution."""
    t0, mu, sigma = timing
    covered = np.empty((len(t), len(t0)))
    for k in range(len(t)):
        for i in range(len(t0)):
            covered[k, i] = _progress(t[k] - t0[i], mu[i], sigma[i])
    return covered


def speed_profiles(timing: Timing, t: Floats) -> Floats:
    """Return the lognormal density of each pulse at each time, ``(n, m)``, 1/s."""
    since = np.maximum(t[:, None] - timing.t0, 1e-12)
    z = (np.log(since) - timing.mu) / timing.sigma
    density: Floats = np.exp(-0.5 * z**2) / (timing.sigma * np.sqrt(2 * np.pi) * since)
    return density


def velocity(pulses: Pulses, t: Floats) -> Path:
    """Return the pen's velocity at each time, ``(n,)`` complex, units of distance a second."""
    angle = pulses.theta_s + (pulses.theta_e - pulses.theta_s) * progress(pulses.timing, t)
    moved: Path = (speed_profiles(pulses.timing, t) * np.exp(1j * angle)) @ pulses.distance
    return moved


def position(pulses: Pulses, t: Floats) -> Path:
    """Return the pen's displacement from pen-down at each time, ``(n,)`` complex."""
    command = pulses.distance * np.exp(1j * pulses.theta_s)
    return _positions(pulses.timing, command, pulses.theta_e - pulses.theta_s, t)


@kernel
def _positions(timing: Timing, command: Path, delta: Floats, t: Floats) -> Path:
    t0, mu, sigma = timing
    moved = np.zeros(len(t), np.complex128)
    for k in range(len(t)):
        for i in range(len(t0)):
            moved[k] += command[i] * _arc(_progress(t[k] - t0[i], mu[i], sigma[i]), delta[i])
    return moved


def fit(path: Path, breaks: Ints, timing: Timing, ridge: float = 2e-3) -> Pulses:
    """Return pulses of this timing that bring the pen along ``path``.

    Each pulse turns as much as its part of the path, ``path[breaks[i]:breaks[i + 1] + 1]``. Distance and first
    direction solve the linear problem: at times spread over the stroke, be where the path is after the length that the
    pulses have covered by then. The ridge draws them towards the arcs of the path itself, so that neighbours that
    overlap much do not pull against each other.

    Args:
        path: ``(n,)`` complex, no two neighbours equal.
        breaks: ``(m + 1,)`` indices into it, the first 0 and the last n - 1.
        timing: of the m pulses.
        ridge: weight of that pull.
    """
    command, delta = _fitted(path, breaks, timing, timing.end, ridge)
    theta_s = np.angle(command)
    return Pulses(timing, np.abs(command), theta_s, theta_s + delta)


@inner
def _parts(path: Path, breaks: Ints) -> tuple[Floats, Floats]:
    """Return length and turning (radians, at most 270 degrees) of each part of a path between breaks, ``(m,)`` each.

    A part takes in the bends at its inner points only: the jump at a corner belongs to no pulse.
    """
    count = len(breaks) - 1
    length, turn = np.zeros(count), np.zeros(count)
    for i in range(count):
        for k in range(breaks[i], breaks[i + 1]):
            step = path[k + 1] - path[k]
            length[i] += abs(step)
            if k > breaks[i]:
                bend = step * (path[k] - path[k - 1]).conjugate()
                turn[i] += math.atan2(bend.imag, bend.real)
        turn[i] = min(max(turn[i], -1.5 * math.pi), 1.5 * math.pi)
    return length, turn


parts = kernel(_parts)


@kernel
def _fitted(path: Path, breaks: Ints, timing: Timing, end_s: float, ridge: float) -> tuple[Path, Floats]:
    """Return the commands D exp(j theta_s) of :func:`fit` and the turning of each pulse."""
    share, delta = _parts(path, breaks)
    m = len(share)
    rows = SAMPLES_A_PULSE * m + 3
    normal, right = _normal_equations(path, share, delta, timing, np.linspace(0.0, end_s, rows + 1)[1:])
    for i in range(m):
        chord = path[breaks[i + 1]] - path[breaks[i]]
        angle = math.atan2(chord.imag, chord.real) - 0.5 * delta[i]
        normal[i, i] += ridge * (rows + 1)
        right[i] += ridge * (rows + 1) * share[i] * complex(math.cos(angle), math.sin(angle))
    return _solved(normal, right), delta


@inner
def _solved(matrix: Path, right: Path) -> Path:
    """Solve a Hermitian positive definite system in place: elimination needs no pivots there."""
    m = len(right)
    for k in range(m):
        for i in range(k + 1, m):
            factor = matrix[i, k] / matrix[k, k]
            for j in range(k, m):
                matrix[i, j] -= factor * matrix[k, j]
            right[i] -= factor * right[k]
    for k in range(m - 1, -1, -1):
        for j in range(k + 1, m):
            right[k] -= matrix[k, j] * right[j]
        right[k] /= matrix[k, k]
    return right


@inner
def _normal_equations(path: Path, share: Floats, delta: Floats, timing: Timing, t: Floats) -> tuple[Path, Path]:
    """Return matrix and right side of the weighted least-squares problem of :func:`fit`."""
    t0, mu, sigma = timing
    m = len(share)
    normal, right = np.zeros((m, m), np.complex128), np.zeros(m, np.complex128)
    unit = np.empty(m, np.complex128)
    k, along = 0, 0.0  # the path from point k on begins at this length
    for row in range(len(t)):
        reached = 0.0
        for i in range(m):
            covered = _progress(t[row] - t0[i], mu[i], sigma[i])
            reached += share[i] * covered
            unit[i] = _arc(covered, delta[i])
        while k < len(path) - 2 and along + abs(path[k + 1] - path[k]) < reached:
            along += abs(path[k + 1] - path[k])
            k += 1
        step = path[k + 1] - path[k]
        target = path[k] - path[0] + step * min((reached - along) / abs(step), 1.0)
        weight = WEIGHT_OF_END if row == len(t) - 1 else 1.0
        for i in range(m):
            right[i] += weight * unit[i].conjugate() * target
            for other in range(m):
                normal[i, other] += weight * unit[i].conjugate() * unit[other]
    return normal, right
