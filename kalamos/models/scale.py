"""Images at the height that the models were trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32, Ints
from kalamos.scans.pen import pen_width, widened, widening
from kalamos.skeleton.binarise import binarise

HEIGHT_PX = 64
INK_PX = 52
"""How much of that the ink takes in the pictures that the models were trained on."""
WIDEST_PEN_PX = 4.5
"""No picture is enlarged further than to such lines: a dash would fill it."""
SMALL = 0.7
"""Ink that takes a smaller share of the height than is usual by this factor is read closer."""
SQUARE, LONG = 0.1, 4.0
"""A picture that is square by so much holds a character, but where its ink is so many times as long as high."""


class Scaled(NamedTuple):
    """An image, or a window of it, at another size.

    Attributes:
        pixels: uint8 ``(h, w)``.
        scale: float64 ``(2,)``, new pixels an old one, x and y apart.
        window: uint8, the old pixels of the window.
        corner: float64 ``(2,)``, the window's upper left corner, old pixels.
    """

    pixels: Bytes
    scale: Floats
    window: Bytes
    corner: Floats

    def original(self, xy: Floats | Floats32) -> Floats:
        """Return places ``(n, 2)`` in the old image, in its pixels."""
        return np.asarray(xy / self.scale + self.corner)

    def enlarged(self, factor: float, widest_px: int) -> Scaled:
        """Return the same window ``factor`` times as large; as it is where that would be wider than ``widest_px``."""
        height = round(factor * len(self.pixels))
        if self.window.shape[1] * height > widest_px * len(self.window):
            return self
        return at_height(self.window, height, widest_px)._replace(corner=self.corner)


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
        return as_it_is(pixels)
    wide = widened(pixels, widening(pixels, height_px / h))
    resized = Image.fromarray(wide).resize(
        (width, height_px), Image.Resampling.BOX if h > height_px else Image.Resampling.BICUBIC
    )
    return Scaled(np.asarray(resized), np.array([width / w, height_px / h]), pixels, np.zeros(2))


def as_it_is(pixels: Bytes) -> Scaled:
    """Return the image at its own size."""
    return Scaled(pixels, np.ones(2), pixels, np.zeros(2))


def at_ink(scaled: Scaled, widest_px: int) -> Scaled:
    """Return the ink of an image at the height that is usual, where it is much smaller; else the image as it came.

    Writing in the midst of much paper is small in a picture at the height of the models, and loses its details.

    Args:
        scaled: a window of the image at the height of the models.
        widest_px: width of a picture that can still be read.
    """
    ink = binarise(scaled.pixels)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return scaled
    first = np.array([columns[0], rows[0]])
    size = np.array([columns[-1], rows[-1]]) + 1 - first
    wanted = max(_extent(size, ink) / INK_PX, pen_width(ink) / WIDEST_PEN_PX) * HEIGHT_PX
    if wanted > SMALL * len(ink):
        return scaled
    margin = (wanted - size[1]) / 2
    x0, y0 = np.floor((first - margin) / scaled.scale).astype(int).clip(0)
    x1, y1 = np.ceil((first + size + margin) / scaled.scale).astype(int)
    window = np.ascontiguousarray(scaled.window[y0:y1, x0:x1])
    if window.shape[1] * HEIGHT_PX > widest_px * window.shape[0]:
        return scaled
    closer = at_ink(at_height(window, HEIGHT_PX, widest_px), widest_px)  # where a thin pen shows as it is
    return closer._replace(corner=closer.corner + np.array([x0, y0]) + scaled.corner)


def _extent(size: Ints, ink: Bools) -> int:
    """Return the side of ink ``(w, h)`` that its picture was made for: of a character in a square the longer one."""
    h, w = ink.shape
    is_character = abs(w - h) < SQUARE * h and size[0] < LONG * size[1]
    return int(size.max() if is_character else size[1])
