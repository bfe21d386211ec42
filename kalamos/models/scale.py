"""Images at the height that the models were trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.scans.pen import widened, widening

HEIGHT_PX = 64


class Scaled(NamedTuple):
    """An image at another size; a place in it is ``scale`` times the place in the original, x and y apart.

    Attributes:
        pixels: uint8 ``(h, w)``.
        scale: float64 ``(2,)``.
    """

    pixels: Bytes
    scale: Floats


def at_height(pixels: Bytes, height_px: int, widest_px: int) -> Scaled:
    """Return the image at a height, its aspect kept to the pixel; one of that height comes back as it is.

    Thin lines are widened before the image is made smaller.

    Raises:
        ModelError: where it would be wider than ``widest_px``.
    """
    h, w = pixels.shape
    width = max(4, round(w * height_px / h))
    if width > widest_px:
        raise ModelError(
            f"an image of {w} x {h} px would be {width} px wide at a height of {height_px} px, more than {widest_px}; "
            "cut it into lines or words first"
        )
    if h == height_px and width == w:
        return Scaled(pixels, np.ones(2))
    pixels = widened(pixels, widening(pixels, height_px / h))
    reduced = Image.fromarray(pixels).resize(
        (width, height_px), Image.Resampling.BOX if h > height_px else Image.Resampling.BICUBIC
    )
    return Scaled(np.asarray(reduced), np.array([width / w, height_px / h]))
