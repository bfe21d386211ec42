"""A picture of both: the scan in grey, the recording over it, and what does not agree in colour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from kalamos.align.verdict import Alignment
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.skeleton.binarise import PAPER_OR_INK

LARGEST_PX = 1600
ON_INK, OFF_INK, LEFT_OVER = (0, 90, 200), (213, 30, 30), (240, 160, 60)
"""Recorded line on ink; recorded line without ink; ink that the recording does not run over."""
NEAR_PX = 3.0


def picture_of_both(grey: Bytes, found: Alignment, scale: float = 1.0) -> bytes:
    """Return a PNG file: recorded lines blue on ink and red off it, ink without a recording orange, the rest grey.

    Args:
        grey: uint8 ``(h, w)``, ink on white.
        found: what lies on it, in pixels that are ``scale`` times as fine.
        scale: pixels of the alignment a pixel of ``grey``.
    """
    image = Image.fromarray(grey)
    image.thumbnail((LARGEST_PX, LARGEST_PX), Image.Resampling.BOX)
    factor = image.width / grey.shape[1]
    lines = [stroke.astype(np.float64) * factor / scale for stroke in found.ink.strokes()]
    ink = np.asarray(image) < PAPER_OR_INK
    pen = 1.0 + NEAR_PX * max(1.0, factor)
    path = np.zeros((image.height, image.width), np.uint8)
    drawn = Image.fromarray(path)
    for line in lines:
        ImageDraw.Draw(drawn).line([tuple(point) for point in line.tolist()], 255, 1)
    thick = float(distance_transform_edt(ink).max()) if ink.any() else 0.0
    left = ink & (distance_transform_edt(np.asarray(drawn) == 0) > thick + pen)
    colours = np.repeat((160 + np.asarray(image) * (95 / 255)).astype(np.uint8)[..., None], 3, axis=2)
    colours[left] = LEFT_OVER
    shown = Image.fromarray(colours)
    off = distance_transform_edt(~ink) if ink.any() else np.full(ink.shape, np.inf)
    for line in lines:
        _draw(ImageDraw.Draw(shown), line, off, pen)
    target = io.BytesIO()
    shown.save(target, "PNG")
    return target.getvalue()


def _draw(draw: ImageDraw.ImageDraw, line: Floats, off: Floats, near: float) -> None:
    """Draw a line in pieces of one colour."""
    height, width = off.shape
    at = np.floor(line).astype(int)
    inside = (at[:, 0] >= 0) & (at[:, 0] < width) & (at[:, 1] >= 0) & (at[:, 1] < height)
    on = np.zeros(len(line), bool)
    on[inside] = off[at[inside, 1], at[inside, 0]] <= near
    points = [tuple(point) for point in np.clip(line, -1e5, 1e5).tolist()]
    if len(points) == 1:
        points, on = points * 2, np.repeat(on, 2)
    for k in range(len(points) - 1):
        draw.line(points[k : k + 2], ON_INK if on[k] and on[k + 1] else OFF_INK, 2)
