"""The measure of what a coarse grid costs."""

import numpy as np
import pytest

from kalamos.benchmark import grid_tolerance
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink, Sample
from kalamos.machinery.seeding import rng_for
from kalamos.storage.parquet import Row


def row(cell_units, scale):
    rng = rng_for(0, "grid")
    xy = cell_units * np.cumsum(rng.integers(-2, 3, (200, 2)), axis=0) + 40.0
    pixels = np.full((64, 64), 255, np.uint8)
    pixels[20:25, 5:60] = 0
    return Row(Sample("k", Ink.from_strokes([xy])), OfflineImage(pixels), Placement(scale, 3.3, 7.1))


@pytest.mark.parametrize(("units", "scale"), [(26.458, 0.02), (1.0, 0.5)])
def test_the_cell_is_found_in_pixels_of_the_image(units, scale):
    assert grid_tolerance.cell_px(row(units, scale)) == pytest.approx(units * scale, rel=0.01)


def test_the_width_of_a_line_is_that_of_its_band():
    assert grid_tolerance.line_px(row(1.0, 1.0)) == pytest.approx(5.0, rel=0.5)


def test_points_that_moved_further_score_less_and_none_is_perfect():
    rows = [row(1.0, 0.5)]
    one, four = (grid_tolerance.scores(rows, np.array([0.5]), share)["lcss"] for share in (1.0, 8.0))
    assert four < one < 1.0
