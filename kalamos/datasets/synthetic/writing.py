"""From planned strokes to ink: the writer bends the plan, plans the pulses, and the tablet samples the pen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kalamos.datasets.synthetic.kinematics import Path, Pulses, Timing, fit, position, timing_of
from kalamos.datasets.synthetic.layout import Hand, layout
from kalamos.datasets.synthetic.plans import StrokePlan
from kalamos.datasets.synthetic.writers import Writer, bent, waves
from kalamos.ink import Ink

RESOLUTION_MM = 0.01  # of the simulated tablet; also keeps the bytes equal between machines
REFERENCE_LENGTH = 30.0  # plan units; a pulse of this length takes the writer's standard time
PULSE_WIDTH = 1.75  # of a pulse against the writer's period


def synthesise(text: str, script: str, writer: Writer, rng: np.random.Generator) -> Ink:
    """Write a letter, a word or words as this writer would: millimetres, y downwards, seconds from the first pen-down.

    Args:
        text: Unicode; letters of one script, see :func:`kalamos.datasets.synthetic.letters`.
        script: ISO 15924 code: Latn, Arab, Deva or Taml.
        writer: the hand.
        rng: what differs from one instance to the next is drawn from it.

    Raises:
        UnknownNameError: where script or letter has no plan.
        KalamosError: where there is nothing to write.
    """
    strokes = layout(text, script, Hand(writer.choice, writer.spacing, writer.fused_dots))
    return write(strokes, writer, rng)


def write(strokes: Sequence[StrokePlan], writer: Writer, rng: np.random.Generator) -> Ink:
    """Write planned strokes one after another, with the pauses in which the pen is in the air."""
    to_mm = _plan_to_mm(writer)
    wobble = waves(rng, 2, writer.wobble) if writer.wobble else None
    positions, times = [], []
    clock, last = 0.0, None
    dt_s = 1 / writer.rate_hz
    for stroke in strokes:
        path = _bent_path(stroke.path, writer, wobble)
        pulses = _pulses(stroke, path, writer, rng)
        t: NDArray[np.float64] = dt_s * np.arange(int(np.ceil(pulses.timing.end / dt_s)) + 1, dtype=np.float64)
        pen = path[0] + position(pulses, t)
        clock += 0.0 if last is None else _pause(abs(pen[0] - last), writer, rng, dt_s)
        xy = np.stack([pen.real, pen.imag], axis=1) @ to_mm
        xy += _tremor(t + clock, writer, rng)
        positions.append(np.round(xy / RESOLUTION_MM) * RESOLUTION_MM)
        times.append(np.round((clock + t) * 1e6) / 1e6)
        clock, last = clock + t[-1], pen[-1]
    return Ink.from_strokes(positions, times)


def plan_pulses(stroke: StrokePlan, writer: Writer, rng: np.random.Generator | None = None) -> Pulses:
    """Return the motor plan of one stroke in plan units; without ``rng`` it has no jitter."""
    return _pulses(stroke, _bent_path(stroke.path, writer, None), writer, rng)


def _plan_to_mm(writer: Writer) -> NDArray[np.float64]:
    """Return the matrix that takes row vectors of plan units, y upwards, to millimetres, y downwards."""
    scale = writer.size_mm / 100
    shape = np.array([[writer.aspect, 0.0], [np.tan(writer.slant_rad), 1.0]])
    cos, sin = np.cos(writer.rotation_rad), np.sin(writer.rotation_rad)
    turned = shape @ np.array([[cos, sin], [-sin, cos]])
    matrix: NDArray[np.float64] = scale * turned @ np.diag([1.0, -1.0])
    return matrix


def _bent_path(path: Path, writer: Writer, wobble: NDArray[np.float64] | None) -> Path:
    fields = [field for field in (writer.style, wobble) if field is not None]
    return bent(path, np.concatenate(fields)) if fields else path


def _pulses(stroke: StrokePlan, path: Path, writer: Writer, rng: np.random.Generator | None) -> Pulses:
    """Time the pulses, fit them to the path, and let the commands scatter from one instance to the next."""
    pulses = fit(path, stroke.breaks, _timing(stroke, path, writer, rng))
    if rng is None or not writer.jitter:
        return pulses
    count = len(pulses.distance)
    turn, size = rng.normal(0.0, writer.jitter, (2, count))
    return pulses._replace(
        distance=pulses.distance * np.exp(size), theta_s=pulses.theta_s + turn, theta_e=pulses.theta_e + turn
    )


def _timing(stroke: StrokePlan, path: Path, writer: Writer, rng: np.random.Generator | None) -> Timing:
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(path)))])
    distance = np.diff(along[stroke.breaks])
    width = PULSE_WIDTH * writer.period_s * np.clip(distance / REFERENCE_LENGTH, 0.1, 6.0) ** writer.isochrony
    sigma = np.full(len(distance), writer.sigma)
    overlap = writer.overlap + (writer.corner_overlap - writer.overlap) * stroke.sharp
    if rng is not None and writer.jitter:
        width = width * np.exp(rng.normal(0.0, 3 * writer.jitter, len(width)))
        sigma = sigma * np.exp(rng.normal(0.0, 4 * writer.jitter, len(sigma)))
    return timing_of(width, overlap, sigma)


def _pause(distance: float, writer: Writer, rng: np.random.Generator, dt_s: float) -> float:
    """Return how long the pen is in the air over a distance in plan units, in whole sampling intervals."""
    scatter = np.exp(rng.normal(0.0, 0.15)) if writer.jitter else 1.0
    flight = writer.period_s * (distance / REFERENCE_LENGTH) ** 0.5
    return float(max(np.round((writer.pen_up_s + flight) * scatter / dt_s), 1) * dt_s)


def _tremor(t: NDArray[np.float64], writer: Writer, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the tremor in mm, ``(n, 2)``: a carrier of the writer's frequency whose phase wanders."""
    if not writer.tremor_mm:
        return np.zeros((len(t), 2))
    phase = rng.uniform(0, 2 * np.pi, 2) + np.cumsum(rng.normal(0.0, 0.15, (len(t), 2)), axis=0)
    carrier: NDArray[np.float64] = np.sin(2 * np.pi * writer.tremor_hz * t[:, None] + phase)
    return writer.tremor_mm * carrier
