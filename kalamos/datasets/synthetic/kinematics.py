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

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Path = NDArray[np.complex128]
REACH = 3.0  # a pulse's window: from 3 sigma before to 3 sigma after its median in log time, 99.7 % of its distance


class Timing(NamedTuple):
    """When the pulses of a stroke happen; each ``(m,)``: onset in s, log median in log s, log spread."""

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
    begin = np.concatenate([[0.0], np.cumsum(width_s[:-1] * (1 - overlap))])
    t0 = begin - np.exp(mu - REACH * sigma)
    return Timing(t0 - t0[0], mu, sigma)


def progress(timing: Timing, t: Floats) -> Floats:
    """Return the fraction of each pulse's distance covered at each time, ``(n, m)``: the lognormal distribution."""
    since = np.maximum(t[:, None] - timing.t0, 1e-12)
    covered: Floats = ndtr((np.log(since) - timing.mu) / timing.sigma)
    return covered


def speed_profiles(timing: Timing, t: Floats) -> Floats:
    """Return the lognormal density of each pulse at each time, ``(n, m)``, 1/s."""
    since = np.maximum(t[:, None] - timing.t0, 1e-12)
    z = (np.log(since) - timing.mu) / timing.sigma
    density: Floats = np.exp(-0.5 * z**2) / (timing.sigma * np.sqrt(2 * np.pi) * since)
    return density


def arcs(covered: Floats, delta: Floats) -> Path:
    """Return the displacement of pulses of unit distance that set out along x and turn by ``delta``, ``(n, m)``."""
    turn = np.where(np.abs(delta) < 1e-6, 1e-6, delta)
    unit: Path = (np.exp(1j * turn * covered) - 1) / (1j * turn)
    return unit


def position(pulses: Pulses, t: Floats) -> Path:
    """Return the pen's displacement from pen-down at each time, ``(n,)`` complex."""
    delta = pulses.theta_e - pulses.theta_s
    moved: Path = arcs(progress(pulses.timing, t), delta) @ (pulses.distance * np.exp(1j * pulses.theta_s))
    return moved


def velocity(pulses: Pulses, t: Floats) -> Path:
    """Return the pen's velocity at each time, ``(n,)`` complex, units of distance a second."""
    angle = pulses.theta_s + (pulses.theta_e - pulses.theta_s) * progress(pulses.timing, t)
    moved: Path = (speed_profiles(pulses.timing, t) * np.exp(1j * angle)) @ pulses.distance
    return moved


def fit(path: Path, breaks: NDArray[np.int64], timing: Timing, ridge: float = 2e-3) -> Pulses:
    """Return pulses of this timing that bring the pen along ``path``.

    Each pulse turns as much as its part of the path, ``path[breaks[i]:breaks[i + 1] + 1]``. Distance and first
    direction solve the linear problem: at times spread over the stroke, be where the path is after the length that the
    pulses have covered by then. The ridge draws them towards the arcs of the path itself, so that neighbours that
    overlap much do not pull against each other.

    Args:
        path: ``(n,)`` complex.
        breaks: ``(m + 1,)`` indices into it, the first 0 and the last n - 1.
        timing: of the m pulses.
        ridge: weight of that pull.
    """
    steps = np.diff(path)
    along = np.concatenate([[0.0], np.cumsum(np.abs(steps))])
    share = np.diff(along[breaks])
    delta, guess = _arcs_of_path(path, steps, breaks, share)
    t = np.linspace(0.0, timing.end, 6 * len(share) + 4)[1:]
    covered = progress(timing, t)
    target = np.interp(covered @ share, along, path) - path[0]
    unit = arcs(covered, delta)
    weight = np.ones(len(t))
    weight[-1] = 6.0  # the end of the stroke is where a reader notices a gap
    normal = (unit.conj().T * weight) @ unit
    pull = ridge * len(t) * np.eye(len(share))
    solved = np.linalg.solve(normal + pull, (unit.conj().T * weight) @ target + pull @ guess)
    theta_s = np.angle(solved)
    return Pulses(timing, np.abs(solved), theta_s, theta_s + delta)


def _arcs_of_path(path: Path, steps: Path, breaks: NDArray[np.int64], share: Floats) -> tuple[Floats, Path]:
    """Return the turning of each part of a path, and its arc as distance and first direction in one number."""
    turns = np.concatenate([np.angle(steps[1:] * steps[:-1].conj()), [0.0]])
    total = np.concatenate([[0.0], np.cumsum(turns)])
    # a part from a to b takes in the bends between its own steps: those at the vertices a + 1 ... b - 1
    delta = np.clip(total[breaks[1:] - 1] - total[breaks[:-1]], -1.5 * np.pi, 1.5 * np.pi)
    chord = np.angle(path[breaks[1:]] - path[breaks[:-1]])
    return delta, share * np.exp(1j * (chord - delta / 2))
