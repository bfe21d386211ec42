"""Controls: answers made from the truth, whose scores are known beforehand.

Each covers one trap. A table that shows them beside the methods tells what a number is worth: how much of an RMSE is
velocity, that AIoU is blind to order, that a constant point may beat a perfect trace drawn backwards. They see the
truth, so they are no recoverers and enter no ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from kalamos import geometry
from kalamos.errors import KalamosError
from kalamos.ink import Ink

Control = Callable[[Ink, np.random.Generator], Ink]
JITTER_PX = 1.0
MEAN_POINTS = 256


def truth(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the truth itself: perfect in every metric but AIoU, where no line of one width need fit the image."""
    return ink


def constant_speed(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the same points reached at constant speed, with the true pen-down time in all and the true pauses.

    Perfect in order and geometry; what it loses in ``rmse_time`` is velocity and nothing else.
    """
    if ink.t is None or ink.n_points == 0:
        return ink
    steps = np.hypot(*np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1]).T)
    lift = ink.offsets[1:-1]
    steps[lift] = 0.0
    path, down = steps.sum(), geometry.stroke_durations(ink).sum()
    steps *= down / path if path > 0 else 0.0
    steps[lift] = ink.t[lift] - ink.t[lift - 1]
    channels = {**dict(ink.channels()), "t": ink.t[0] + np.cumsum(steps)}
    return ink.with_points(ink.xy, ink.offsets, channels)


def reversed_whole(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the ink drawn backwards: the same picture, everything else wrong."""
    return geometry.reverse(ink)


def each_stroke_reversed(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return every stroke backwards, in its right place: order right, direction wrong."""
    return geometry.reverse(ink, each_stroke=True)


def shuffled_strokes(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the strokes in another order, never the true one where there are two: direction right, order wrong."""
    order = rng.permutation(ink.n_strokes)
    if ink.n_strokes > 1 and (np.diff(order) == 1).all():
        order = np.roll(order, 1)
    return geometry.reorder(ink, order.tolist())


def jitter_1px(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return every point moved by normal noise of 1 px in x and in y: all but the picture nearly right."""
    return ink.with_points(ink.xy + rng.normal(0.0, JITTER_PX, ink.xy.shape), ink.offsets, ink.channels())


def centroid(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return one point, the mean of the true ones: knows nothing of order, yet beats the reversed truth in RMSE."""
    if ink.n_points == 0:
        return ink
    middle = ink.xy.astype(np.float64).mean(axis=0, keepdims=True)
    return Ink(middle.astype(np.float32), np.array([0, 1], np.int32), None if ink.t is None else ink.t[:1])


def denser_2x(ink: Ink, rng: np.random.Generator) -> Ink:
    """Return the ink with a point halfway between any two neighbours: the same path, sampled twice as often."""
    if ink.n_points == 0:
        return ink
    old = np.arange(ink.n_points, dtype=np.float64)
    inner = np.ones(ink.n_points, bool)
    inner[ink.offsets[1:] - 1] = False
    new = np.sort(np.concatenate([old, old[inner] + 0.5]))
    counts = 2 * np.diff(ink.offsets) - 1
    xy = np.stack([np.interp(new, old, ink.xy[:, axis]) for axis in (0, 1)], axis=1)
    channels = {name: np.interp(new, old, values) for name, values in ink.channels()}
    return ink.with_points(xy, np.concatenate([[0], np.cumsum(counts)]), channels)


CONTROLS: dict[str, Control] = {
    "truth": truth,
    "constant_speed": constant_speed,
    "reversed": reversed_whole,
    "each_stroke_reversed": each_stroke_reversed,
    "shuffled_strokes": shuffled_strokes,
    "jitter_1px": jitter_1px,
    "centroid": centroid,
    "denser_2x": denser_2x,
}


def mean_trajectory(inks: Iterable[Ink]) -> Control:
    """Fit the control ``mean_trajectory``: the mean of the training split's inks, in pixels, whatever the image shows.

    Each ink gives 256 positions along its path, by time where it has times; their mean is one stroke, drawn in a
    second. A method that does not beat it has learned how people write, and nothing from the image.

    Raises:
        KalamosError: where no ink has a point.
    """
    total, count = np.zeros((MEAN_POINTS, 2)), 0
    for ink in inks:
        if ink.n_points:
            total += geometry.trajectory(ink, MEAN_POINTS, by="arc" if ink.t is None else "time")
            count += 1
    if not count:
        raise KalamosError("the mean trajectory needs one ink with a point; the training split gave none")
    mean = Ink.from_strokes([total / count], t=[np.linspace(0.0, 1.0, MEAN_POINTS)])

    def fitted(ink: Ink, rng: np.random.Generator) -> Ink:
        return mean

    return fitted
