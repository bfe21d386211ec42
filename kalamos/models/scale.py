"""Images at the height that the models were trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import minimum_filter

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.scans.light import pen_width
from kalamos.skeleton.binarise import binarise

HEIGHT_PX = 64
THINNEST_PX = 1.75
"""Lines thinner than this, at the new size, are widened to it first: in a smaller picture they would break."""


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

    Of a higher image thin lines are widened beforehand (:data:`THINNEST_PX`).

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
    if h > height_px:
        pixels = widened(pixels, THINNEST_PX * h / height_px)
    reduced = Image.fromarray(pixels).resize(
        (width, height_px), Image.Resampling.BOX if h > height_px else Image.Resampling.BICUBIC
    )
    return Scaled(np.asarray(reduced), np.array([width / w, height_px / h]))


def widened(pixels: Bytes, least_px: float) -> Bytes:
    """Return the image with its lines about ``least_px`` wide; as it is where they are nearly so wide already."""
    by = 2 * round((least_px - pen_width(binarise(pixels))) / 2)
    return np.asarray(minimum_filter(pixels, by + 1, mode="nearest")) if by > 0 else pixels
