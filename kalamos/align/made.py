"""Pairs of a recording and a scan of which the truth is known: a simulated hand signs, the paper moves, ink is lost.

The picture is drawn from the moved ink, less a part of its lines, in the look of a scan; so every point of the
recording has a known place on the picture.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kalamos.datasets.synthetic import Writer
from kalamos.datasets.synthetic.signatures import sign
from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import preset, render

HEIGHT_PX = 192
LOST = 0.1
SCALE, TURN_DEG, BEND = 0.2, 10.0, 0.03
"""Most that the paper is scaled and turned; standard deviation of its bend, of the ink's height."""


class MadePair(NamedTuple):
    """A recording, its scan, and where each of its points is on it.

    Attributes:
        ink: the recording, in its own unit.
        image: the scan.
        truth: float64 ``(n, 2)``, pixels.
        height_px: of the ink on the scan.
    """

    ink: Ink
    image: OfflineImage
    truth: Floats
    height_px: float


def made_pair(number: int, seed: int = 0, look: str = "scan") -> MadePair:
    """Return the pair of a number; other seeds have other hands."""
    rng = rng_for(seed, "made-pairs", number)
    ink = sign(Writer.from_seed(seed, number), rng)
    moved = _moved(ink, rng)
    drawn = render(
        _less(moved, rng),
        replace(preset(look), frame="height", image_height_px=HEIGHT_PX, width_px=float(rng.uniform(3.5, 7.0))),
        seed=seed,
        key=f"pair-{number}",
    )
    truth = drawn.placement.to_pixels(moved).xy.astype(np.float64)
    return MadePair(ink, drawn.image, truth, float(np.ptp(truth[:, 1])))


def second_time(number: int, seed: int = 0) -> Ink:
    """Return how the hand of a pair signs the next time: alike, and not what lies on the scan."""
    return sign(Writer.from_seed(seed, number), rng_for(seed, "made-pairs, next", number))


def _moved(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the ink as the paper moved it: scaled, turned, and bent by a few smooth waves."""
    xy = ink.xy.astype(np.float64)
    low, size = xy.min(axis=0), np.ptp(xy, axis=0)
    height = max(size[1], size[0] / 4)
    scale, turn = rng.uniform(1 - SCALE, 1 + SCALE, 2), np.radians(rng.uniform(-TURN_DEG, TURN_DEG))
    scale[1] = scale[0] * rng.uniform(0.97, 1.03)
    place = (xy - low) / height
    bend = np.zeros_like(xy)
    for _ in range(3):
        wave, phase = rng.normal(0.0, 2.0, 2), rng.uniform(0, 2 * np.pi)
        bend += rng.normal(0.0, BEND / np.sqrt(3), 2) * np.sin(place @ wave + phase)[:, None] * np.sqrt(2)
    c, s = np.cos(turn), np.sin(turn)
    return ink.with_points(
        (((xy + height * bend) * scale) @ np.array([[c, s], [-s, c]])).astype(np.float32), ink.offsets, ink.channels()
    )


def _less(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return an ink of which some stretches left no trace on the paper."""
    lengths = [np.hypot(*np.diff(stroke, axis=0).T) for stroke in ink.strokes()]
    total = sum(float(length.sum()) for length in lengths)
    gaps = np.sort(rng.uniform(0.0, total, 3))
    kept, done = [], 0.0
    for stroke, length in zip(ink.strokes(), lengths, strict=True):
        along = done + np.concatenate([[0.0], np.cumsum(length)])
        done = float(along[-1])
        lost = np.zeros(len(stroke), bool)
        for gap in gaps:
            lost |= (along >= gap) & (along < gap + LOST * total / 3)
        edges = np.flatnonzero(np.diff(np.concatenate([[True], lost, [True]]).astype(int)))
        kept += [stroke[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]
    return Ink.from_strokes(kept) if kept else concat([ink])
