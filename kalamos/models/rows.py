"""Several lines of writing in one picture: each is read by itself, at its own height, from the top down.

A model reads a picture as one line. Where its ink lies in two rows or more, letters would be half as high as usual, and
blocks of pieces would be read up and down between the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.image import OfflineImage, unchecked_image
from kalamos.machinery.arrays import Bools, Floats
from kalamos.models.levels import levelled
from kalamos.scans.marks import Marks, marks_of
from kalamos.scans.segment import Layout, lay_out, pieces_of_layout

WIDE = 2.5
"""A picture that is less wide, in heights, holds no lines."""
TALL, TALL_SHARE = 0.65, 0.25
"""Where more than such a share of the ink is in marks of such a share of its height, there is one line."""
WIDEST, SHORTEST, LAST = 12.0, 5.0, 2.0
"""How long the longest line is, any but the last, and the last, in heights of the writing: what is shorter is an accent
or a letter's part."""
APART, AS_DENSE = 1.25, 0.65
"""How far apart lines are, in heights of the writing; and how much ink the thinnest has for its length, as a share of
the thickest: the dots and bars of a script are none."""
MARGIN = 0.11
"""Paper around a line, as a share of its height; so much is usual."""


class Row(NamedTuple):
    """A line of writing: its picture, other lines' ink left out, and the picture's upper left corner, ``(2,)``."""

    image: OfflineImage
    corner: Floats


def rows_of(image: OfflineImage) -> list[Row]:
    """Return the lines of writing of a picture, from the top down; where there is one, the picture as it is."""
    whole = [Row(image, np.zeros(2))]
    if image.width_px < WIDE * image.height_px:
        return whole
    pixels = levelled(image.pixels)
    marks = marks_of(pixels)
    if not len(marks.ids) or _is_one_line(marks):
        return whole
    layout = lay_out(marks, image.script)
    if not _are_lines(layout):
        return whole
    rows = []
    for piece in pieces_of_layout(pixels, layout, "line"):
        margin = max(2, round(MARGIN * len(piece.pixels)))
        padded = np.pad(piece.pixels, margin, constant_values=255)
        rows.append(Row(unchecked_image(padded, image.script), np.array(piece.box[:2], np.float64) - margin))
    return rows


def _is_one_line(marks: Marks) -> bool:
    """Say by the boxes alone whether the ink can only be one line."""
    height = marks.boxes[:, 3].max() - marks.boxes[:, 1].min()
    extent = _extents(marks.boxes)
    return float(extent[marks.height > TALL * height].sum()) > TALL_SHARE * float(extent.sum())


def _are_lines(layout: Layout) -> bool:
    """Say whether what a layout takes for lines is lines, below each other."""
    n = int(layout.line.max()) + 1
    if n < 2 or (layout.block != layout.block[0]).any():
        return False
    found = [_line(layout, layout.line == k) for k in range(n)]
    middle, width, density = (np.array(values) / layout.height for values in zip(*found, strict=True))
    is_long = width.max() >= WIDEST and width[:-1].min() >= SHORTEST and width[-1] >= LAST
    return bool(is_long and np.diff(middle).min() >= APART and density.min() >= AS_DENSE * density.max())


def _line(layout: Layout, own: Bools) -> tuple[float, float, float]:
    """Return of a line its middle, its length, and its ink for its length in heights; all in pixels."""
    boxes = layout.marks.boxes[own]
    extent = _extents(boxes)
    width = float(np.ptp(boxes[:, ::2]))
    return (
        float(np.average(boxes[:, 1::2].mean(axis=1), weights=extent)), width,
        layout.height * float(extent.sum()) / width,
    )  # fmt: skip


def _extents(boxes: Floats) -> Floats:
    """Return the longer sides of boxes, ``(n,)``: how much ink they hold, nearly."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(axis=1))
