"""The frame: how large a picture is, and where the ink lies in it.

Every image of a batch is placed on its own: sums run over one image only, so that the same ink gets the same place in
any batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.errors import StyleError
from kalamos.machinery.arrays import Floats, Ints
from kalamos.renderers.flat import Batch
from kalamos.renderers.style import Style

MAX_PIXELS = 1 << 25
MAX_SIDE_PX = 16384
MAX_STRETCH = 64


class Frames(NamedTuple):
    """Sizes of a batch of images, and the similarity ``px = scale * xy + shift`` that places each ink."""

    heights: Ints
    widths: Ints
    scale: Floats
    shift: Floats


def margin_px(style: Style, reach_px: float) -> float:
    """Return how far the path stays from the edge, so that no nib of that reach is cut off.

    Raises:
        StyleError: where nothing is left between the margins.
    """
    margin = max(style.margin_px, reach_px + 1.0)
    sides = {"fixed": ["image_width_px", "image_height_px"], "height": ["image_height_px"], "tight": []}[style.frame]
    for name in sides:
        if 2 * margin >= getattr(style, name):
            raise StyleError(
                f"margins of {margin:g} px (margin_px {style.margin_px:g}; the nib reaches {reach_px:g} px) leave "
                f"nothing of {name} {getattr(style, name)}: make the image larger, or the nib or the margin smaller"
            )
    return margin


def place(batch: Batch, style: Style, reach_px: float) -> Frames:
    """Return the frame of each image and where its ink goes.

    Raises:
        StyleError: where an image would have more than ``MAX_PIXELS`` or a side above ``MAX_SIDE_PX``.
    """
    margin = margin_px(style, reach_px)
    low = np.minimum.reduceat(batch.xy, batch.points[:-1])
    size = np.maximum.reduceat(batch.xy, batch.points[:-1]) - low
    scale = _scales(size, style, margin)
    extent = size * scale[:, None]
    canvas = np.empty((len(scale), 2))
    canvas[:, 0] = style.image_width_px if style.frame == "fixed" else np.ceil(extent[:, 0] + 2 * margin - 1e-9)
    canvas[:, 1] = style.image_height_px if style.frame != "tight" else np.ceil(extent[:, 1] + 2 * margin - 1e-9)
    _check_size(canvas)
    shift = _shifts(batch, style, canvas, (low * scale[:, None], extent, scale), margin)
    return Frames(canvas[:, 1].astype(np.int64), canvas[:, 0].astype(np.int64), scale, shift)


def blank(style: Style, reach_px: float) -> tuple[int, int]:
    """Return height and width of a picture without ink."""
    smallest = int(np.ceil(2 * margin_px(style, reach_px)))
    height = smallest if style.frame == "tight" else style.image_height_px
    return height, style.image_width_px if style.frame == "fixed" else smallest


def _scales(size: Floats, style: Style, margin: float) -> Floats:
    if style.px_per_unit > 0 or style.frame == "tight":
        return np.full(len(size), (style.px_per_unit or 1.0) * style.scale)
    box = np.array([style.image_width_px, style.image_height_px]) - 2 * margin
    if style.frame == "height":
        box[0] = min(MAX_STRETCH * style.image_height_px, MAX_SIDE_PX) - 2 * margin
    share = (size / box).max(axis=1)
    # an ink without extent (a dot) has no size to fit
    return style.scale / np.where(share > 0, share, style.scale)


def _check_size(canvas: Floats) -> None:
    over = (canvas.max(axis=1) > MAX_SIDE_PX) | (canvas.prod(axis=1) > MAX_PIXELS)
    if over.any():
        width, height = canvas[int(np.argmax(over))]
        raise StyleError(
            f"an image of {width:g} x {height:g} px is too large: no side above {MAX_SIDE_PX} px and no more than "
            f"{MAX_PIXELS} px in all; lower px_per_unit, image_width_px or image_height_px"
        )


def _shifts(batch: Batch, style: Style, canvas: Floats, placed: tuple[Floats, Floats, Floats], margin: float) -> Floats:
    low, extent, scale = placed
    free = canvas - 2 * margin - extent
    start, end = margin - low, margin - low + free
    if style.frame == "tight":
        return (start + end) / 2
    middle = (start + end) / 2
    if style.centring == "mass":
        wanted = canvas / 2 - _mass(batch) * scale[:, None]
        middle = np.clip(wanted, np.minimum(start, end), np.maximum(start, end))
    share = np.array([style.shift_x, style.shift_y])
    return middle + np.where(share < 0, share * (middle - start), share * (end - middle))


def _mass(batch: Batch) -> Floats:
    """Return the mean of each image's path, weighted by length; of its points, where it has none."""
    moves = np.diff(batch.xy, axis=0, append=batch.xy[-1:])
    lengths: Floats = np.hypot(moves[:, 0], moves[:, 1])
    lengths[batch.strokes[1:] - 1] = 0.0
    total = np.add.reduceat(lengths, batch.points[:-1])
    weights = np.where(batch.per_point(total) > 0, lengths, 1.0)
    middles = np.where(batch.per_point(total)[:, None] > 0, batch.xy + moves / 2, batch.xy)
    sums = np.add.reduceat(middles * weights[:, None], batch.points[:-1])
    means: Floats = sums / np.add.reduceat(weights, batch.points[:-1])[:, None]
    return means
