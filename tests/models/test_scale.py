"""Pictures at the height of the models: what is thin stays whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes
from kalamos.models.scale import at_height
from kalamos.renderers import preset, render_batch
from kalamos.scans.pen import THINNEST_PX, pen_width, widened, widening
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


@pytest.mark.parametrize("scale", [0.4, 0.25, 0.15])
def test_lines_are_widened_to_what_is_seen_and_no_further(scale: float) -> None:
    thin = picture(SPIRAL, 420, 2.0)
    by = widening(thin, scale)
    assert by % 2 == 0
    asked = THINNEST_PX / scale
    assert pen_width(binarise(widened(thin, by))) == pytest.approx(
        asked, rel=0.3
    )  # a square widens slanting lines more


@pytest.mark.parametrize("pixels", [np.full((200, 300), 255, np.uint8), np.zeros((200, 300), np.uint8)])
def test_a_picture_of_one_grey_stays_so(pixels: Bytes) -> None:
    assert np.unique(at_height(pixels, 64, 4096).pixels).tolist() == [pixels[0, 0]]


def test_wide_lines_and_larger_pictures_are_let_be() -> None:
    assert widening(picture(SPIRAL, 128, 5.0), 0.5) == 0
    assert widening(picture(SPIRAL, 40, 1.0), 1.6) == 0
