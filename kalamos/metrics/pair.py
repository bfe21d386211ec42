"""A recovered ink beside the true one, with the views of both that the metrics share, each computed once.

The true side is a :class:`Reference` of its own: it is the same for every entry of a table, and half of the work.

Both inks are in pixels of the image. Three ways of looking at them occur:

- ``dense``: every stroke resampled at equal arc lengths of at most ``step_px``, the strokes one after another and no
  pen-up movement between them, a dot as one point. The step is 1 px; for a truth longer than 3,000 px it is a 3,000th
  of its length, and a recovered ink of more than 12,000 such points gets as wide a step as makes it 12,000, so that
  time and memory are bounded whatever a method answers.
- ``arc`` and ``time``: 256 positions at equal lengths, or equal times, along the whole pen-down path.
- the points as given, thinned evenly to 12,000 where there are more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Floats32
from kalamos.metrics.dense import MOST_POINTS, STEP_PX, TRUTH_POINTS, Dense, densify
from kalamos.metrics.dtw import Warping, dtw, frechet
from kalamos.metrics.junctions import Junction, junctions
from kalamos.metrics.stroke_matching import COPY_TAU, SPREAD, Matching, copies, match_strokes

T = TypeVar("T")
TRAJECTORY_POINTS = 256
TOLERANCE = 5.0 / 64.0


class _Views:
    """What several metrics look at, computed once."""

    _views: dict[Callable[[Any], Any], Any]

    def view(self, of: Callable[[Self], T]) -> T:
        """Return ``of(self)``, computed once: for what several metrics of one family share."""
        if of not in self._views:
            self._views[of] = of(self)
        made: T = self._views[of]
        return made


@dataclass(frozen=True, eq=False)
class Reference(_Views):
    """What answers are held against: the truth, the image, and the views of them, computed once for all answers.

    Attributes:
        truth: what the pen did, in pixels.
        image: what the method saw; without it the metrics that need it do not apply, and the frame is the truth's box.
        line_height_px: height of a line of writing, by which tolerances grow; by default the image's height, without an
            image the larger side of the truth's box. To be given where the image holds more than a line, as with pages.
        bounds: metric -> the worst value on this reference, NaN where the metric does not apply; filled as asked for.
    """

    truth: Ink
    image: OfflineImage | None = None
    line_height_px: float | None = None
    bounds: dict[str, float] = field(default_factory=dict, init=False, repr=False)
    _views: dict[Callable[[Any], Any], Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def frame_px(self) -> tuple[float, float]:
        """Return width and height of the image or, without one, of the truth's box; 1 px at least."""
        if self.image is not None:
            return float(self.image.width_px), float(self.image.height_px)
        if self.truth.n_points == 0:
            return 1.0, 1.0
        box = geometry.bounds(self.truth)
        return max(box.width, 1.0), max(box.height, 1.0)

    @cached_property
    def diagonal_px(self) -> float:
        """Return the diagonal of the frame: no distance between points in it is longer."""
        return float(np.hypot(*self.frame_px))

    @cached_property
    def tolerance_px(self) -> float:
        """Return the distance within which a place counts as hit: 5 px at a line height of 64 px, in proportion."""
        if self.line_height_px is not None:
            return TOLERANCE * self.line_height_px
        return TOLERANCE * (max(self.frame_px) if self.image is None else self.image.height_px)

    @cached_property
    def length_px(self) -> float:
        """Return the length of the true pen-down path."""
        return geometry.length(self.truth)

    @cached_property
    def step_px(self) -> float:
        """Return the distance of the truth's dense points."""
        return max(STEP_PX, self.length_px / TRUTH_POINTS)

    @cached_property
    def dense(self) -> Dense:
        """Return the truth at equal arc lengths."""
        return densify(self.truth, self.step_px)

    @cached_property
    def arc(self) -> Floats:
        """Return 256 positions at equal lengths along the truth."""
        return geometry.trajectory(self.truth, TRAJECTORY_POINTS, by="arc")

    @cached_property
    def time(self) -> Floats:
        """Return 256 positions at equal times along the truth, pen-up times left out."""
        return geometry.trajectory(self.truth, TRAJECTORY_POINTS, by="time")

    @cached_property
    def points(self) -> Floats:
        """Return the truth's points as they are, float64."""
        return thinned(self.truth.xy)

    @cached_property
    def spread(self) -> Floats:
        """Return 16 points along each true stroke, ``(s, 16, 2)``."""
        return self.dense.spread(SPREAD)

    @cached_property
    def copies(self) -> int:
        """Return how many true strokes lie on what was drawn before them."""
        return len(copies(self.dense, COPY_TAU * self.tolerance_px))

    @cached_property
    def junctions(self) -> tuple[Junction, ...]:
        """Return the truth's junctions and what is joined in each."""
        return tuple(junctions(self.dense, self.tolerance_px, self.step_px))


class Pair(_Views):
    """One answer and its truth.

    Attributes:
        recovered: what a method said, in pixels; without a stroke where it failed.
        reference: the truth and the image.
    """

    def __init__(
        self,
        recovered: Ink,
        truth: Ink | Reference,
        image: OfflineImage | None = None,
        line_height_px: float | None = None,
    ) -> None:
        """Pair an answer with its truth, or with a reference that other answers are held against too.

        Args:
            recovered: what a method said, in pixels.
            truth: what the pen did, in pixels; or a :class:`Reference`, and then nothing more.
            image: what the method saw.
            line_height_px: as in :class:`Reference`.
        """
        self.recovered = recovered
        self.reference = truth if isinstance(truth, Reference) else Reference(truth, image, line_height_px)
        self._views = {}

    @property
    def truth(self) -> Ink:
        """Return what the pen did."""
        return self.reference.truth

    @property
    def failed(self) -> bool:
        """Return whether there is nothing to compare."""
        return self.recovered.n_points == 0

    @cached_property
    def recovered_dense(self) -> Dense:
        """Return the recovered ink at equal arc lengths."""
        return densify(self.recovered, max(self.reference.step_px, geometry.length(self.recovered) / MOST_POINTS))

    @cached_property
    def recovered_arc(self) -> Floats:
        """Return 256 positions at equal lengths along the recovered ink."""
        return geometry.trajectory(self.recovered, TRAJECTORY_POINTS, by="arc")

    @cached_property
    def recovered_time(self) -> Floats:
        """Return 256 positions at equal times along the recovered ink, pen-up times left out."""
        return geometry.trajectory(self.recovered, TRAJECTORY_POINTS, by="time")

    @cached_property
    def recovered_points(self) -> Floats:
        """Return the recovered points as they are, float64."""
        return thinned(self.recovered.xy)

    @cached_property
    def warping(self) -> Warping:
        """Return the DTW of the dense points."""
        return dtw(self.reference.dense.xy, self.recovered_dense.xy)

    @cached_property
    def reversed_warping(self) -> Warping:
        """Return the DTW with the whole recovered ink drawn backwards."""
        return dtw(self.reference.dense.xy, self.recovered_dense.xy[::-1])

    @cached_property
    def frechet_px(self) -> float:
        """Return the discrete Fréchet distance of the dense points."""
        return frechet(self.reference.dense.xy, self.recovered_dense.xy)

    @cached_property
    def matching(self) -> Matching:
        """Return which recovered stroke is which true one."""
        return match_strokes(self.reference.spread, self.recovered_dense)

    @cached_property
    def first_matching(self) -> Matching:
        """Return the matching in which strokes that are drawn again, more often than in the truth, have no partner."""
        found = copies(self.recovered_dense, COPY_TAU * self.reference.tolerance_px)[self.reference.copies :]
        return match_strokes(self.reference.spread, self.recovered_dense, found) if len(found) else self.matching


def thinned(xy: Floats32, most: int = MOST_POINTS) -> Floats:
    """Return points as float64, at most ``most`` of them, evenly by index, first and last included."""
    if len(xy) > most:
        xy = xy[np.linspace(0, len(xy) - 1, most).astype(np.int64)]
    return xy.astype(np.float64)
