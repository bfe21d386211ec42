"""The offline side: an image of handwriting, and where its ink lies on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kalamos.errors import KalamosError
from kalamos.geometry import transform
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes


@dataclass(frozen=True, slots=True, eq=False)
class OfflineImage:
    """A grey image of handwriting: all that a recoverer is given.

    Attributes:
        pixels: uint8 ``(h, w)``, paper 255, ink dark; read-only.
        script: ISO 15924 code where the task tells it, else None.
    """

    pixels: Bytes
    script: str | None = None

    def __post_init__(self) -> None:
        """Check the array and lock it."""
        pixels = np.asarray(self.pixels)
        if pixels.ndim != 2 or pixels.dtype != np.uint8 or 0 in pixels.shape:
            raise KalamosError(
                f"an offline image is a non-empty uint8 array (h, w); got {pixels.dtype} {pixels.shape}. "
                "Use kalamos.scans.load to turn a colour scan into one."
            )
        view = pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    @property
    def height_px(self) -> int:
        """Return the number of rows."""
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        """Return the number of columns."""
        return int(self.pixels.shape[1])


def unchecked_image(pixels: Bytes, script: str | None = None) -> OfflineImage:
    """Return an image of an array that is known to be read-only, uint8, ``(h, w)`` and not empty."""
    image = object.__new__(OfflineImage)
    object.__setattr__(image, "pixels", pixels)
    object.__setattr__(image, "script", script)
    return image


class Placement(NamedTuple):
    """The similarity from an ink's own units to pixels: ``px = scale * xy + (dx, dy)``.

    Pixel ``[row, column]`` covers the square from ``(column, row)`` to ``(column + 1, row + 1)``, so the centre of
    the top left pixel lies at (0.5, 0.5).
    """

    scale: float
    dx: float
    dy: float

    def to_pixels(self, ink: Ink) -> Ink:
        """Return the ink in pixel coordinates."""
        return transform(ink, scale=self.scale, dx=self.dx, dy=self.dy)

    def from_pixels(self, ink: Ink) -> Ink:
        """Return an ink given in pixels in the original units again."""
        inverse = 1.0 / self.scale
        return transform(ink, scale=inverse, dx=-self.dx * inverse, dy=-self.dy * inverse)
