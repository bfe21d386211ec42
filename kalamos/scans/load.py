"""Scans in: from a photo or a scan to the grey image that a recoverer reads, and back to the scan's own pixels.

:func:`load` does it all; its steps can be used alone: :func:`~kalamos.scans.read.read_pages` (any file to upright
pixels), :func:`prepare` (paper white, ink dark, alone on its sheet), :func:`~kalamos.scans.layout.lay_out` (lines and
words), :func:`~kalamos.scans.fit.fit` (a piece to the size that a model expects). Coordinates are those of the image
as it is displayed, after the orientation that a camera noted in it has been applied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage, Placement
from kalamos.machinery.arrays import Bools, Bytes
from kalamos.scans.fit import fit
from kalamos.scans.light import LEAST_CONTRAST, evened, grey_by_region, ink_alone, luma_of, stretched
from kalamos.scans.pen import THINNEST_PX, pen_width, widening
from kalamos.scans.polarity import beside_sheet, is_light_on_dark
from kalamos.scans.read import MAX_PIXELS, Page, read_pages
from kalamos.scans.rules import cleared_of_rules
from kalamos.scans.segment import Piece, SegmentLevel, segment
from kalamos.scans.surroundings import surroundings
from kalamos.skeleton.binarise import binarise, otsu_threshold, sauvola_surface

__all__ = [
    "MAX_PIXELS",
    "Fitted",
    "Piece",
    "Prepared",
    "clean",
    "closer",
    "fit",
    "fitted",
    "load",
    "pieces_of",
    "prepare",
    "read_image",
    "segment",
]

Binarise = Literal["none", "otsu", "sauvola"]
_MARGIN_PX, _HIGHEST_PX, _MOST_PIXELS = 5, 4096, 4_000_000
"""White around a piece that is looked at more closely, and how large it may become."""


class Fitted(NamedTuple):
    """A piece of writing at a model's size; ``placement`` takes the scan's pixels to the image's."""

    image: OfflineImage
    placement: Placement
    piece: Piece


class Prepared(NamedTuple):
    """A page as ink on white, and what was met on the way.

    Attributes:
        grey: uint8 ``(h, w)``, paper 255, full ink near 0.
        light_on_dark: the page was inverted.
        beside: what is no part of the sheet was left out.
        rules: lying and standing rules that were taken out.
    """

    grey: Bytes
    light_on_dark: bool
    beside: bool
    rules: tuple[int, int]


def load(
    path: Path | str,
    *,
    level: SegmentLevel = "page",
    script: str | None = None,
    rules: bool = True,
    binarise: Binarise = "none",
    size_px: int | None = 64,
    height_px: int | None = None,
) -> list[Fitted]:
    """Read the first page of a scan and return its pieces of writing, each at a model's size, in reading order.

    Args:
        path: a PNG, JPEG, TIFF, BMP, WebP, GIF, PDF or HEIC file.
        level: what a piece is: everything on the ``page``, or each ``line``, ``word`` or ``character``.
        script: ISO 15924 code, where known: it sets the reading order, and is handed on with the images.
        rules: take printed rulings out first, where there are any.
        binarise: reduce the scan to black and white.
        size_px: side of a square image; or
        height_px: height of an image as wide as its piece.

    Raises:
        FormatError: where the file is no image, is cut short or too large.
    """
    page = next(read_pages(path))
    return pieces_of(
        page, level=level, script=script, rules=rules, binarise=binarise, size_px=size_px, height_px=height_px
    )


def pieces_of(
    page: Page,
    *,
    level: SegmentLevel = "page",
    script: str | None = None,
    rules: bool = True,
    binarise: Binarise = "none",
    size_px: int | None = 64,
    height_px: int | None = None,
) -> list[Fitted]:
    """Return the pieces of writing of a page as :func:`load` does of a file."""
    grey = _binarised(prepare(page.pixels, page.opaque, rules=rules).grey, binarise, None, 0.2)
    return fitted(segment(grey, level=level, script=script), page, script, size_px=size_px, height_px=height_px)


def fitted(
    pieces: Sequence[Piece], page: Page, script: str | None, *, size_px: int | None = 64, height_px: int | None = None
) -> list[Fitted]:
    """Return pieces at a model's size; boxes and placements are in the pixels of the page's file."""
    if height_px is not None:
        size_px = None
    made = []
    for piece in pieces:
        image, placement = fit(piece, size_px=size_px, height_px=height_px, script=script)
        x0, y0, x1, y1 = piece.box
        box = (page.scale * x0, page.scale * y0, page.scale * x1, page.scale * y1)
        made.append(Fitted(image, placement._replace(scale=placement.scale / page.scale), piece._replace(box=box)))
    return made


def closer(piece: Fitted, page: Page) -> Fitted | None:
    """Return a piece so large that its lines stand apart; None where they do in its image already.

    A piece that is much higher than writing (a drawing, lines that run into each other) has lines so thin in its image
    that they were widened, and may have become one.
    """
    writing, scale = piece.piece.pixels, piece.placement.scale * page.scale
    if not widening(writing, scale):
        return None
    x0, y0, x1, y1 = (side // page.scale for side in piece.piece.box)
    room = max(float(y1 - y0), piece.piece.line_px)
    wanted = min(1.0, THINNEST_PX / pen_width(binarise(writing)), math.sqrt(_MOST_PIXELS / (room * (x1 - x0))))
    height = min(_HIGHEST_PX, math.ceil(wanted * room) + 2 * _MARGIN_PX)
    if (height - 2 * _MARGIN_PX) / room <= scale:
        return None
    own = piece.piece._replace(box=(x0, y0, x1, y1))
    image, placement = fit(own, size_px=None, height_px=height, margin_px=_MARGIN_PX, script=piece.image.script)
    return Fitted(image, placement._replace(scale=placement.scale / page.scale), piece.piece)


def read_image(path: Path | str) -> Bytes:
    """Read the first page of an image file as upright grey, uint8 ``(h, w)``; paper and ink as they are in the file.

    Colour becomes grey by the direction in which the ink of each region departs from the paper, so that blue ink is
    read in red, where it is darkest. What is transparent is paper.

    Raises:
        FormatError: where the file is missing, empty, no image, cut short, or has more than 200 million pixels.
    """
    page = next(read_pages(path))
    if page.pixels.ndim == 2:
        return page.pixels
    luma = luma_of(page.pixels)
    if luma.min() == luma.max() or is_light_on_dark(luma):
        return luma
    return grey_by_region(page.pixels, evened(page.pixels))


def prepare(pixels: Bytes, opaque: Bools | None = None, *, rules: bool = True, even_light: bool = True) -> Prepared:
    """Bring a page to ink on white: polarity, what lies beside the sheet, light, colour, rules, in this order.

    Args:
        pixels: uint8, grey ``(h, w)`` or colour ``(h, w, 3)``.
        opaque: where the page covers the picture, None for everywhere.
        rules: take printed rulings out, where there are any.
        even_light: divide by the estimated light; leave it out for images that are clean already.
    """
    luma = luma_of(pixels)
    if int(luma.max()) - int(luma.min()) < LEAST_CONTRAST and pixels.ndim == 2:
        return Prepared(np.full(luma.shape, 255, np.uint8), False, False, (0, 0))
    beside = beside_sheet(luma, opaque)
    inverted = is_light_on_dark(luma, beside)
    if inverted:
        pixels, luma = 255 - pixels, 255 - luma
    pixels, luma = _papered(pixels, luma, beside)
    around = surroundings(luma)
    pixels, luma = _papered(pixels, luma, around)
    grey = evened(pixels) if even_light else pixels
    if grey.ndim == 3:
        grey = grey_by_region(grey)
    found = (0, 0)
    if rules:
        grey, *counts = cleared_of_rules(grey)
        found = (int(counts[0]), int(counts[1]))
    if int(grey.max()) - int(grey.min()) < LEAST_CONTRAST:
        return Prepared(np.full(luma.shape, 255, np.uint8), inverted, beside is not None, found)
    grey = ink_alone(grey) if even_light else stretched(grey)
    for lost in (beside, around):
        if lost is not None:
            grey[lost] = 255
    return Prepared(grey, inverted, beside is not None or around is not None, found)


def clean(
    grey: Bytes,
    *,
    even_light: bool = True,
    rules: bool = False,
    binarise: Binarise = "none",
    window_px: int | None = None,
    k: float = 0.2,
) -> Bytes:
    """Bring a grey scan to white paper and dark ink: :func:`prepare`, then black and white where asked.

    Args:
        grey: uint8 ``(h, w)``.
        even_light: divide by the estimated light; leave it out for images that are clean already.
        rules: remove printed lines.
        binarise: ``"otsu"`` (one threshold) or ``"sauvola"`` (a local one) for pure black and white.
        window_px: Sauvola's window; by default a thirtieth of the longer side, at least 15.
        k: Sauvola's k.

    Returns:
        uint8 ``(h, w)``; all white where the image spans fewer than 16 grey levels, as nothing can be told apart.

    Raises:
        KalamosError: where the array is no grey image or the method unknown.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or 0 in grey.shape:
        raise KalamosError(f"clean takes a grey image, uint8 (h, w); got {grey.dtype} {grey.shape}")
    if binarise not in get_args(Binarise):
        raise KalamosError(f"binarise by one of {', '.join(get_args(Binarise))}, not by {binarise!r}")
    return _binarised(prepare(grey, rules=rules, even_light=even_light).grey, binarise, window_px, k)


def _binarised(grey: Bytes, binarise: Binarise, window_px: int | None, k: float) -> Bytes:
    if binarise == "none" or grey.min() == grey.max():
        return grey
    if binarise == "otsu":
        ink = grey <= otsu_threshold(grey)
    else:
        ink = grey < sauvola_surface(grey, (window_px or max(15, max(grey.shape) // 30)) | 1, k)
    return np.where(ink, np.uint8(0), np.uint8(255))


def _papered(pixels: Bytes, luma: Bytes, lost: Bools | None) -> tuple[Bytes, Bytes]:
    """Paint what is no part of the sheet like the paper that lies nearest to it."""
    if lost is None or lost.all():
        return pixels, luma
    step = max(1, max(luma.shape) // 400)
    rows, columns = (np.arange(side) // step for side in luma.shape)
    coarse = luma[::step, ::step]
    free = ~maximum_filter(lost[::step, ::step], 7)
    ground = minimum_filter(maximum_filter(coarse, 9, mode="nearest"), 9, mode="nearest")
    paper = free & (coarse > 0.85 * ground)  # in a shadow too
    if not paper.any():
        return pixels, luma
    y, x = distance_transform_edt(~paper, return_distances=False, return_indices=True)
    pixels, luma = pixels.copy(), luma.copy()
    at = np.nonzero(lost)
    source = y[rows[at[0]], columns[at[1]]], x[rows[at[0]], columns[at[1]]]
    luma[at] = coarse[source]
    pixels[at] = pixels[::step, ::step][source]
    return pixels, luma
