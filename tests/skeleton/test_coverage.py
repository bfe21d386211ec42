"""How much of a picture's ink a path runs over, also where the path was found on a smaller picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kalamos.ink import Ink
from kalamos.skeleton.coverage import covered_share

LINE = np.array([[20.0, 30.0], [380.0, 30.0]])


def picture(*heights: float, width: int = 2) -> np.ndarray:
    sheet = Image.new("L", (400, 400), 255)
    for y in heights:
        ImageDraw.Draw(sheet).line([(20, y), (380, y)], fill=0, width=width)
    return np.asarray(sheet)


def test_half_of_the_lines_is_half_of_the_ink() -> None:
    assert covered_share(Ink.from_strokes([LINE]), picture(30, 90)) == pytest.approx(0.5, abs=0.02)


def test_a_path_from_a_smaller_picture_may_lie_off_by_one_of_its_pixels() -> None:
    off = Ink.from_strokes([LINE + np.array([0.0, 7.5])])
    assert covered_share(off, picture(30)) < 0.1
    assert covered_share(off, picture(30), scale=1 / 6) > 0.9


def test_but_not_by_many_widths_of_the_pen_however_small_it_was() -> None:
    off = Ink.from_strokes([LINE + np.array([0.0, 30.0])])
    assert covered_share(off, picture(30, 100), scale=1 / 60) < 0.1
