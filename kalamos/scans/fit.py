"""A piece of writing at a model's size, and the way back onto the scan."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage, Placement
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.scans.pen import widened, widening
from kalamos.scans.segment import Piece

MOST_PIXELS = 40_000_000


def fit(
    piece: Piece,
    *,
    size_px: int | None = 64,
    height_px: int | None = None,
    margin_px: float = 5.0,
    script: str | None = None,
    widen: bool = True,
) -> tuple[OfflineImage, Placement]:
    """Scale a piece of writing to a model's frame, aspect kept, centred.

    Args:
        piece: from :func:`segment`.
        size_px: side of a square image; or, where this is None,
        height_px: height of an image as wide as the piece needs.
        margin_px: white around the ink: the renderers leave 6 px around the path, about 5 around the ink.
        script: handed on with the image.
        widen: make lines wider first that would become too thin to be seen whole.

    Returns:
        the image, and the placement ``image = scale * scan + (dx, dy)``; its ``from_pixels`` takes recovered ink back
        onto the scan.

    Raises:
        KalamosError: where not exactly one size is given, or margins leave no room.
    """
    if (size_px is None) == (height_px is None):
        raise KalamosError("fit needs either size_px, the side of a square image, or height_px")
    side = size_px if size_px is not None else height_px
    assert side is not None  # noqa: S101 - for the type checker: excluded above
    room = side - 2 * margin_px
    if not 4 <= side <= 4096 or room < 1 or margin_px < 0:
        raise KalamosError(f"an image of {side} px with margins of {margin_px:g} px has no room for ink (4 to 4096 px)")
    x0, y0, x1, y1 = piece.box
    scale = room / (max(x1 - x0, y1 - y0) if height_px is None else max(y1 - y0, piece.line_px))
    width = side if height_px is None else max(side, math.ceil(scale * (x1 - x0) + 2 * margin_px))
    if width > MOST_PIXELS // side:
        raise KalamosError(f"the piece is {x1 - x0} x {y1 - y0} px: too wide for a height of {side} px")
    dx, dy = width / 2 - scale * (x0 + x1) / 2, side / 2 - scale * (y0 + y1) / 2
    placement = Placement(scale, dx, dy)
    return OfflineImage(_resampled(piece, placement, side, width, widen=widen), script), placement


def _resampled(piece: Piece, placement: Placement, height: int, width: int, *, widen: bool) -> Bytes:
    """Draw the piece into a white frame: smaller by exact areas, as the renderers measure ink; larger by cubics."""
    scale, dx, dy = placement
    if scale > 1:
        return _enlarged(piece, placement, height, width)
    by = widening(piece.pixels, scale) if widen else 0
    pixels = widened(np.pad(piece.pixels, by // 2, constant_values=255), by)
    x0, y0 = piece.box[0] - by // 2, piece.box[1] - by // 2
    rows = (np.arange(height + 1) - dy) / scale - y0
    columns = (np.arange(width + 1) - dx) / scale - x0
    ink = _ink_between(_ink_between(255 - pixels, rows).T, columns).T * scale**2
    frame: Bytes = (255 - np.clip(np.rint(ink), 0, 255)).astype(np.uint8)
    return frame


def _ink_between(ink: NDArray[np.generic], edges: NDArray[np.floating]) -> Floats:
    """Integrate ``(n, k)`` down its rows between neighbouring edges: ``(len(edges) - 1, k)``; outside is nothing."""
    whole = np.uint32 if ink.dtype == np.uint8 else np.float64
    total = np.zeros((len(ink) + 1, ink.shape[1]), whole)
    np.cumsum(ink, axis=0, dtype=whole, out=total[1:])
    at = np.clip(edges, 0, len(ink))
    row = np.minimum(at.astype(np.int64), len(ink) - 1)
    below = total[row].astype(np.float64)
    return np.diff(below + (at - row)[:, None] * (total[row + 1] - below), axis=0)


def _enlarged(piece: Piece, placement: Placement, height: int, width: int) -> Bytes:
    """Resample only the whole pixels that the piece's ink can touch."""
    scale, dx, dy = placement
    x0, y0, x1, y1 = piece.box
    left, right = max(0, math.floor(scale * x0 + dx) - 1), min(width, math.ceil(scale * x1 + dx) + 1)
    top, bottom = max(0, math.floor(scale * y0 + dy) - 1), min(height, math.ceil(scale * y1 + dy) + 1)
    pad = 5
    box = (
        (left - dx) / scale - x0 + pad,
        (top - dy) / scale - y0 + pad,
        (right - dx) / scale - x0 + pad,
        (bottom - dy) / scale - y0 + pad,
    )
    source = Image.fromarray(np.pad(piece.pixels, pad, constant_values=255))
    frame = np.full((height, width), 255, np.uint8)
    frame[top:bottom, left:right] = source.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box)
    return frame
