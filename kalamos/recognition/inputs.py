"""What the recognisers see: sequences of pen movements without time, trajectories, small images. All float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats, Floats32

STEPS = 48
"""Points of a sequence, at equal arc lengths along the pen-down path."""
CHANNELS = 5
"""dx, dy, pen lifts after this point, x, y."""
PIXELS = 32
SHAPE_POINTS = 32
_PAPER_PERCENTILE = 75.0


def sequences(inks: Sequence[Ink]) -> Floats32:
    """Return ``(n, 48, 5)``: for each point dx, dy from the one before, 1 where the pen lifts after it, x and y.

    Positions are relative to the centre of the ink's box, in units of half its longer side; a dot is all zeros. No
    times: an ink is not judged by its timing twice. An ink that has fewer points (a dot) is filled up with zeros.
    """
    return np.stack([_sequence(ink) for ink in inks]) if inks else np.zeros((0, STEPS, CHANNELS), np.float32)


def shapes(inks: Sequence[Ink]) -> Floats:
    """Return ``(n, 32, 2)``: trajectories at equal arc lengths in the same box units, pen-up movements left out."""
    made = [_boxed(geometry.trajectory(ink, SHAPE_POINTS)) if ink.n_points else np.zeros((32, 2)) for ink in inks]
    return np.stack(made) if made else np.zeros((0, SHAPE_POINTS, 2))


def small_images(images: Sequence[OfflineImage]) -> Floats32:
    """Return ``(n, 1, 32, 32)``: ink 1 on paper 0, the image averaged down, centred in a square of its longer side.

    Paper is the 75th percentile of the pixels and full ink the darkest 1 %, so that grey paper and pale ink count as
    white and black.
    """
    made = [_small(image.pixels) for image in images]
    return np.stack(made)[:, None] if made else np.zeros((0, 1, PIXELS, PIXELS), np.float32)


def _sequence(ink: Ink) -> Floats32:
    sequence = np.zeros((STEPS, CHANNELS), np.float32)
    if ink.n_points == 0:
        return sequence
    xy, offsets = geometry.resampled(ink, n=max(STEPS, ink.n_strokes))
    xy = _boxed(xy)
    lifts = np.zeros(len(xy))
    lifts[offsets[1:] - 1] = 1.0
    if len(xy) > STEPS:  # more strokes than points: no letter, but an answer that must be bounded
        kept = np.linspace(0, len(xy) - 1, STEPS).astype(np.int64)
        xy, lifts = xy[kept], lifts[kept]
    n = len(xy)
    sequence[:n, 0:2] = np.diff(xy, axis=0, prepend=xy[:1])
    sequence[:n, 2], sequence[:n, 3:5] = lifts, xy
    return sequence


def _boxed(xy: Floats) -> Floats:
    low, high = xy.min(axis=0), xy.max(axis=0)
    half = float((high - low).max()) / 2
    return (xy - (low + high) / 2) / half if half > 0 else np.zeros_like(xy)


def _small(pixels: Bytes) -> Floats32:
    grey = pixels.astype(np.float32)
    paper, ink = np.percentile(grey, [_PAPER_PERCENTILE, 1.0])
    dark = np.clip((paper - grey) / max(float(paper - ink), 32.0), 0.0, 1.0)
    height, width = dark.shape
    side = -(-max(height, width) // PIXELS) * PIXELS
    square = np.zeros((side, side), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = dark
    fold = side // PIXELS
    small: Floats32 = square.reshape(PIXELS, fold, PIXELS, fold).mean(axis=(1, 3), dtype=np.float32)
    return small
