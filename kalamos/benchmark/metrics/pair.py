"""A recovered ink beside the true one, with the views of both that the metrics share, each computed once.

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
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kalamos import geometry
from kalamos.benchmark.metrics.dense import MOST_POINTS, STEP_PX, TRUTH_POINTS, Dense, densify
from kalamos.benchmark.metrics.dtw import Floats, Warping, dtw, frechet
from kalamos.benchmark.metrics.junctions import junctions
from kalamos.benchmark.metrics.matching import Matching, match_strokes
from kalamos.image import OfflineImage
from kalamos.ink import Ink

T = TypeVar("T")
TRAJECTORY_POINTS = 256
TOLERANCE = 5.0 / 64.0


@dataclass(frozen=True, eq=False)
class Pair:
    """One answer and its truth.

    Attributes:
        recovered: what a method said, in pixels; without a stroke where it failed.
        truth: what the pen did, in pixels.
        image: what the method saw; without it the metrics that need it do not apply, and the frame is the truth's box.
        line_height_px: height of a line of writing, by which tolerances grow; by default the image's height, without an
            image the larger side of the truth's box. To be given where the image holds more than a line, as with pages.
    """

    recovered: Ink
    truth: Ink
    image: OfflineImage | None = None
    line_height_px: float | None = None
    _views: dict[Callable[[Pair], Any], Any] = field(default_factory=dict, init=False, repr=False)

    def view(self, of: Callable[[Pair], T]) -> T:
        """Return ``of(self)``, computed once: for what several metrics of one family share."""
        if of not in self._views:
            self._views[of] = of(self)
        made: T = self._views[of]
        return made

    @property
    def failed(self) -> bool:
        """Return whether there is nothing to compare."""
        return self.recovered.n_points == 0

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
    def truth_length_px(self) -> float:
        """Return the length of the true pen-down path."""
        return geometry.length(self.truth)

    @cached_property
    def step_px(self) -> float:
        """Return the distance of the truth's dense points; it depends on the truth alone."""
        return max(STEP_PX, self.truth_length_px / TRUTH_POINTS)

    @cached_property
    def truth_dense(self) -> Dense:
        """Return the truth at equal arc lengths."""
        return densify(self.truth, self.step_px)

    @cached_property
    def recovered_dense(self) -> Dense:
        """Return the recovered ink at equal arc lengths."""
        return densify(self.recovered, max(self.step_px, geometry.length(self.recovered) / MOST_POINTS))

    @cached_property
    def truth_arc(self) -> Floats:
        """Return 256 positions at equal lengths along the truth."""
        return geometry.trajectory(self.truth, TRAJECTORY_POINTS, by="arc")

    @cached_property
    def recovered_arc(self) -> Floats:
        """Return 256 positions at equal lengths along the recovered ink."""
        return geometry.trajectory(self.recovered, TRAJECTORY_POINTS, by="arc")

    @cached_property
    def truth_time(self) -> Floats:
        """Return 256 positions at equal times along the truth, pen-up times left out."""
        return geometry.trajectory(self.truth, TRAJECTORY_POINTS, by="time")

    @cached_property
    def recovered_time(self) -> Floats:
        """Return 256 positions at equal times along the recovered ink, pen-up times left out."""
        return geometry.trajectory(self.recovered, TRAJECTORY_POINTS, by="time")

    @cached_property
    def truth_points(self) -> Floats:
        """Return the truth's points as they are, float64."""
        return thinned(self.truth.xy)

    @cached_property
    def recovered_points(self) -> Floats:
        """Return the recovered points as they are, float64."""
        return thinned(self.recovered.xy)

    @cached_property
    def warping(self) -> Warping:
        """Return the DTW of the dense points."""
        return dtw(self.truth_dense.xy, self.recovered_dense.xy)

    @cached_property
    def reversed_warping(self) -> Warping:
        """Return the DTW with the whole recovered ink drawn backwards."""
        return dtw(self.truth_dense.xy, self.recovered_dense.xy[::-1])

    @cached_property
    def frechet_px(self) -> float:
        """Return the discrete Fréchet distance of the dense points."""
        return frechet(self.truth_dense.xy, self.recovered_dense.xy)

    @cached_property
    def junctions(self) -> Floats:
        """Return the centres of the truth's junctions, ``(j, 2)``."""
        return junctions(self.truth_dense, self.tolerance_px, self.step_px)

    @cached_property
    def matching(self) -> Matching:
        """Return which recovered stroke is which true one."""
        return match_strokes(self.truth_dense, self.recovered_dense)


def thinned(xy: NDArray[np.float32], most: int = MOST_POINTS) -> Floats:
    """Return points as float64, at most ``most`` of them, evenly by index, first and last included."""
    if len(xy) > most:
        xy = xy[np.linspace(0, len(xy) - 1, most).astype(np.int64)]
    return xy.astype(np.float64)
