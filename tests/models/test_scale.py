"""Pictures at the height of the models: what is thin stays whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes
from kalamos.models.scale import THINNEST_PX, at_height, widened
from kalamos.renderers import preset, render_batch
from kalamos.scans.light import pen_width
from kalamos.skeleton.binarise import binarise

AT = np.linspace(0, 4 * np.pi, 300)
SPIRAL = Ink.from_strokes([np.stack([(5 + AT) * np.cos(AT), (5 + AT) * np.sin(AT)], 1)])
DOTTED = Ink.from_strokes([[[0, 0], [0, 100]], [[50, 60], [50, 100]], [[50, 20], [52, 22]]])


def picture(ink: Ink, height_px: int, pen_px: float, look: str = "clean") -> Bytes:
    style = preset(look).replace(frame="height", image_height_px=height_px, width_px=pen_px)
    return render_batch([ink], style)[0].image.pixels


def marks(pixels: Bytes) -> int:
    ink = np.asarray(binarise(pixels))
    return int(label(ink, np.ones((3, 3)))[1])


@pytest.mark.parametrize("look", ["clean", "scan", "photo", "pencil"])
@pytest.mark.parametrize(("height_px", "pen_px"), [(128, 1.5), (256, 1.5), (420, 2.0), (420, 6.0)])
def test_a_thin_line_is_whole_in_a_smaller_picture(look: str, height_px: int, pen_px: float) -> None:
    assert marks(at_height(picture(SPIRAL, height_px, pen_px, look), 64, 4096).pixels) == 1
    assert marks(at_height(picture(DOTTED, height_px, pen_px, look), 64, 4096).pixels) == 3


def test_lines_are_widened_to_what_was_asked_and_no_further() -> None:
    thin = picture(SPIRAL, 420, 2.0)
    for asked in (6.0, 9.0, 12.0):
        assert pen_width(binarise(widened(thin, asked))) == pytest.approx(
            asked, rel=0.3
        )  # a square widens slanting lines more
    assert widened(thin, 2.0) is thin


@pytest.mark.parametrize("pixels", [np.full((200, 300), 255, np.uint8), np.zeros((200, 300), np.uint8)])
def test_a_picture_of_one_grey_stays_so(pixels: Bytes) -> None:
    assert np.unique(at_height(pixels, 64, 4096).pixels).tolist() == [pixels[0, 0]]


def test_a_picture_of_wide_lines_is_only_made_smaller() -> None:
    wide = picture(SPIRAL, 128, 2 * THINNEST_PX + 1)
    assert widened(wide, 2 * THINNEST_PX) is wide
