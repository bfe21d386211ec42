"""Distortions of the path: slant, rotation and aspect; a smooth elastic field; tremor. The truth goes with them.

Both random fields are sums of plane waves, in closed form: they have no grid, cost nothing to store, and displace every
point of any polyline alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from kalamos.machinery.arrays import Floats
from kalamos.renderers.flat import Batch
from kalamos.renderers.style import Style

_WAVES = 6


def linear_matrix(style: Style) -> Floats:
    """Return the 2 x 2 matrix that stretches by ``aspect``, leans by ``slant_deg``, then turns by ``rotation_deg``."""
    stretch = np.diag([np.sqrt(style.aspect), 1 / np.sqrt(style.aspect)])
    lean = np.array([[1.0, -np.tan(np.radians(style.slant_deg))], [0.0, 1.0]])
    cosine, sine = np.cos(np.radians(style.rotation_deg)), np.sin(np.radians(style.rotation_deg))
    matrix: Floats = np.array([[cosine, -sine], [sine, cosine]]) @ lean @ stretch
    return matrix


def straighten(batch: Batch, style: Style) -> Batch:
    """Return the batch under :func:`linear_matrix`; untouched where that is the identity."""
    if style.slant_deg == 0 and style.rotation_deg == 0 and style.aspect == 1:
        return batch
    (a, b), (c, d) = linear_matrix(style)
    x, y = batch.xy[:, 0], batch.xy[:, 1]
    return batch.at(np.stack([a * x + b * y, c * x + d * y], axis=1))


def shake(batch: Batch, style: Style, rngs: Sequence[np.random.Generator]) -> Batch:
    """Return the batch, in pixels, displaced by the elastic field and the tremor of each image's own generator."""
    xy = batch.xy
    if style.elastic_px > 0:
        waves = batch.per_point(np.stack([_waves(rng, style.elastic_scale_px) for rng in rngs]))
        phases = waves[:, 0] * xy[:, :1] + waves[:, 1] * xy[:, 1:] + waves[:, 2]
        xy = xy + style.elastic_px * _sum(phases, waves[:, 3])
    if style.tremor_px > 0:
        waves = batch.per_point(np.stack([_waves(rng, style.tremor_wavelength_px) for rng in rngs]))
        number = np.hypot(waves[:, 0], waves[:, 1])
        xy = xy + style.tremor_px * _sum(number * _arc(batch)[:, None] + waves[:, 2], waves[:, 3])
    return batch.at(xy)


def _waves(rng: np.random.Generator, wavelength: float) -> Floats:
    """Draw wave vectors (x, y), phases and directions of displacement, ``(4, waves)``."""
    number = 2 * np.pi / (wavelength * rng.uniform(0.7, 1.5, _WAVES))
    heading = rng.uniform(0, 2 * np.pi, _WAVES)
    phase, push = rng.uniform(0, 2 * np.pi, (2, _WAVES))
    return np.stack([number * np.cos(heading), number * np.sin(heading), phase, push])


def _sum(phases: Floats, push: Floats) -> Floats:
    """Add the waves up to displacements ``(n, 2)`` of RMS 1, one after another so that the order is fixed."""
    total = np.zeros((len(phases), 2))
    for k in range(_WAVES):
        height = np.sin(phases[:, k])
        total[:, 0] += height * np.cos(push[:, k])
        total[:, 1] += height * np.sin(push[:, k])
    scaled: Floats = total * np.sqrt(2 / _WAVES)
    return scaled


def _arc(batch: Batch) -> Floats:
    """Return the length of path from each image's first point, pen-up moves left out."""
    moves = np.diff(batch.xy, axis=0, prepend=batch.xy[:1])
    steps = np.hypot(moves[:, 0], moves[:, 1])
    steps[batch.strokes[:-1]] = 0.0
    arc = np.empty(len(steps))
    bounds = batch.points.tolist()
    for a, b in itertools.pairwise(bounds):
        arc[a:b] = np.cumsum(steps[a:b])
    return arc
