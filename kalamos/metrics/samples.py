"""An ink as samples at the middles of equal parts of its strokes: what ``lcss`` and ``ink_f1`` look at.

A stroke of length l gives ``max(1, floor(l / h + 1/2))`` samples, at the middles of so many equal parts: so that no
sample sits on an end, which a stroke that is cut in two would have twice, and a dot weighs one sample. No sample lies
in the air. The truth's step h is 1 px (more for a truth longer than 3,000 px, see :mod:`kalamos.metrics.pair`); the
answer's is ``h * clamp(length of the answer / length of the truth, 0.9, 1.1)``, so that small differences in length
cost nothing by themselves, and large ones do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints

CLAMP = (0.9, 1.1)
_ARM = 2
_TIE = 1e-6
_STILL_PX = 1e-6


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of an ink.

    Attributes:
        xy: positions ``(n, 2)``.
        offsets: the strokes' bounds among them ``(s + 1,)``.
        where: the length of path walked before each sample, ``(n,)``.
        announced: how many there are by the rule; larger than n where they were too many to be made.
    """

    xy: Floats
    offsets: Ints
    where: Floats
    announced: int

    @cached_property
    def stroke(self) -> Ints:
        """Return the stroke of each sample, ``(n,)``."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @cached_property
    def tangents(self) -> Floats:
        """Return the direction of the pen at each sample, of length 1, ``(n, 2)``; 0 where it has none.

        It is that of the chord from the second sample before to the second one after, as far as the stroke goes.
        """
        at, stroke = np.arange(len(self.xy)), self.stroke
        first = np.maximum(at - _ARM, self.offsets[:-1][stroke])
        last = np.minimum(at + _ARM, self.offsets[1:][stroke] - 1)
        chord = self.xy[last] - self.xy[first]
        size = np.hypot(chord[:, 0], chord[:, 1])
        directions: Floats = np.where(size > _STILL_PX, 1.0 / np.where(size > _STILL_PX, size, 1.0), 0.0)[:, None]
        return directions * chord


def answer_step(length_px: float, truth_px: float, step_px: float) -> float:
    """Return the step of an answer's samples, from both lengths and the truth's step."""
    return step_px * (float(np.clip(length_px / truth_px, *CLAMP)) if truth_px > 0 else 1.0)


def sampled(ink: Ink, step_px: float, most: int) -> Samples:
    """Return the samples of an ink that has a point; of more than ``most`` only so many, in a wider step."""
    walked = geometry.walked(ink)
    ends = walked[ink.offsets[1:] - 1]
    lengths = ends - walked[ink.offsets[:-1]]
    counts = _counts(lengths, step_px)
    announced = int(counts.sum())
    if announced > most:
        if ink.n_strokes > most:
            return Samples(np.zeros((0, 2)), np.zeros(1, np.int64), np.zeros(0), announced)
        counts = _counts(lengths, max(step_px, float(lengths.sum()) / (most - ink.n_strokes + 1)))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    stroke = np.repeat(np.arange(ink.n_strokes), counts)
    part = (np.arange(offsets[-1]) - offsets[stroke] + 0.5) / counts[stroke]
    where = (ends - lengths)[stroke] + part * lengths[stroke]
    # A coordinate that also grows, by one, from stroke to stroke, so that no place on it belongs to two.
    at = walked + np.repeat(np.arange(ink.n_strokes), np.diff(ink.offsets))
    xy = np.stack([np.interp(where + stroke, at, ink.xy[:, axis]) for axis in (0, 1)], axis=1)
    return Samples(xy, offsets, where, announced)


def _counts(lengths: Floats, step_px: float) -> Ints:
    """Return the number of samples of each stroke; a millionth keeps halves from hanging on the last bit."""
    counts: Ints = np.maximum(1, np.floor(lengths / step_px + 0.5 + _TIE)).astype(np.int64)
    return counts
