"""From planned strokes to ink: the writer bends the plan, plans the pulses, and the tablet samples the pen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kalamos.datasets.synthetic.composition import layout
from kalamos.datasets.synthetic.glyphs import Hand
from kalamos.datasets.synthetic.kinematics import Path, Pulses, Timing, fit, parts, position, timing_of
from kalamos.datasets.synthetic.plans import StrokePlan
from kalamos.datasets.synthetic.writers import Waves, Writer, bent, waves
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints
from kalamos.machinery.seeding import rng_for

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
    habit = waves(rng_for(0, writer.name, "habit", text), 2, writer.habit) if writer.habit else None
    return write(strokes, writer, rng, habit)


def write(strokes: Sequence[StrokePlan], writer: Writer, rng: np.random.Generator, habit: Waves | None = None) -> Ink:
    """Write planned strokes one after another, with the pauses in which the pen is in the air.

    ``habit`` bends them beside what the writer does to all strokes.
    """
    dt_s = 1 / writer.rate_hz
    pens: list[Path] = []
    ticks: list[Ints] = []
    clock = 0
    for stroke, path in zip(strokes, _bent_paths(strokes, writer, rng, habit), strict=True):
        pulses = plan_pulses(stroke, writer, rng, path)
        tick = np.arange(int(np.ceil(pulses.timing.end / dt_s)) + 1)
        pen: Path = path[0] + position(pulses, _seconds(tick, dt_s))
        if pens:
            clock += round(max(_pause_s(abs(pen[0] - pens[-1][-1]), writer, rng) / dt_s, 1))
        pens.append(pen)
        ticks.append(clock + tick)
        clock += int(tick[-1])
    pen = np.concatenate(pens)
    t = _seconds(np.concatenate(ticks), dt_s)
    xy = np.stack([pen.real, pen.imag], axis=1) @ _plan_to_mm(writer) + _tremor(t, writer, rng)
    offsets = np.cumsum([0, *map(len, pens)]).astype(np.int32)
    return Ink((np.round(xy / RESOLUTION_MM) * RESOLUTION_MM).astype(np.float32), offsets, np.round(t, 6))


def _seconds(ticks: Ints, dt_s: float) -> Floats:
    t: Floats = ticks * np.float64(dt_s)
    return t


def _plan_to_mm(writer: Writer) -> Floats:
    """Return the matrix that takes row vectors of plan units, y upwards, to millimetres, y downwards."""
    scale = writer.size_mm / 100
    shape = np.array([[writer.aspect, 0.0], [np.tan(writer.slant_rad), 1.0]])
    cos, sin = np.cos(writer.rotation_rad), np.sin(writer.rotation_rad)
    turned = shape @ np.array([[cos, sin], [-sin, cos]])
    matrix: Floats = scale * turned @ np.diag([1.0, -1.0])
    return matrix


def _bent_paths(
    strokes: Sequence[StrokePlan], writer: Writer, rng: np.random.Generator, habit: Waves | None
) -> list[Path]:
    """Return the paths as this hand bends them, and as it misplaces them this time."""
    paths = [stroke.path for stroke in strokes]
    fields = [field for field in (writer.style, habit) if field is not None]
    if writer.wobble:
        fields.append(waves(rng, 2, writer.wobble))
    whole = np.concatenate(paths)
    if writer.proportion:
        y = whole.imag
        whole = whole + 1j * writer.proportion * y * (100 - y) / 100
    if fields:
        whole = bent(whole, np.concatenate(fields))
    slips = rng.normal(0.0, writer.wobble, (2, len(paths)))
    slips[:, 0] = 0.0  # the first stroke is where the letter is
    ends = np.cumsum([len(path) for path in paths])
    return [part + complex(*slip) for part, slip in zip(np.split(whole, ends[:-1]), slips.T, strict=True)]


def plan_pulses(
    stroke: StrokePlan, writer: Writer, rng: np.random.Generator | None = None, path: Path | None = None
) -> Pulses:
    """Return the motor plan of one stroke in plan units: pulses are timed, fitted to the path, and scattered.

    Args:
        stroke: what is planned.
        writer: the hand.
        rng: lets the commands scatter from one instance to the next; without it they do not.
        path: the stroke's path as this hand bends it; None for the plan's own.
    """
    path = stroke.path if path is None else path
    pulses = fit(path, stroke.breaks, _timing(stroke, path, writer, rng))
    if rng is None or not writer.jitter:
        return pulses
    count = len(pulses.distance)
    turn, size = rng.normal(0.0, writer.jitter, (2, count))
    return pulses._replace(
        distance=pulses.distance * np.exp(size), theta_s=pulses.theta_s + turn, theta_e=pulses.theta_e + turn
    )


def _timing(stroke: StrokePlan, path: Path, writer: Writer, rng: np.random.Generator | None) -> Timing:
    """Time the pulses: longer ones take longer, but less than in proportion; corners part them, bends run them on."""
    distance, _ = parts(path, stroke.breaks)
    width = PULSE_WIDTH * writer.period_s * np.clip(distance / REFERENCE_LENGTH, 0.1, 6.0) ** writer.isochrony
    sigma = np.full(len(distance), writer.sigma)
    overlap = writer.overlap + (writer.corner_overlap - writer.overlap) * stroke.sharp
    if rng is not None and writer.jitter:
        scatter = np.exp(rng.normal(0.0, writer.jitter, (2, len(distance))))
        width, sigma = width * scatter[0] ** 3, sigma * scatter[1] ** 4
    return timing_of(width, overlap, sigma)


def _pause_s(distance: float, writer: Writer, rng: np.random.Generator) -> float:
    """Return how long the pen is in the air over a distance in plan units."""
    scatter = np.exp(rng.normal(0.0, 0.15)) if writer.jitter else 1.0
    flight = writer.period_s * (distance / REFERENCE_LENGTH) ** 0.5
    return float((writer.pen_up_s + flight) * scatter)


def _tremor(t: Floats, writer: Writer, rng: np.random.Generator) -> Floats:
    """Return the tremor in mm, ``(n, 2)``: a carrier of the writer's frequency whose phase wanders."""
    if not writer.tremor_mm:
        return np.zeros((len(t), 2))
    phase = rng.uniform(0, 2 * np.pi, 2) + np.cumsum(rng.normal(0.0, 0.15, (len(t), 2)), axis=0)
    carrier: Floats = np.sin(2 * np.pi * writer.tremor_hz * t[:, None] + phase)
    return writer.tremor_mm * carrier
