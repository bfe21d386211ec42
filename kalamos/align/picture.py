"""A picture of both: the scan in grey, the recording over it in colour from the first stroke to the last."""

from __future__ import annotations

import colorsys
import io

import numpy as np
from PIL import Image, ImageDraw

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes


def picture_of_both(grey: Bytes, ink: Ink) -> bytes:
    """Return a PNG of the scan with the ink on it, in the scan's pixels; strokes go from blue to red."""
    base = Image.fromarray((255 - (255 - grey.astype(np.int16)) // 2).astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(base)
    strokes = list(ink.strokes())
    width = max(1, round(max(grey.shape) / 600))
    for k, stroke in enumerate(strokes):
        hue = 0.66 * (1 - k / max(1, len(strokes) - 1))
        colour = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 1.0, 0.8))
        points = [(float(x), float(y)) for x, y in stroke]
        if len(points) == 1:
            points = [points[0], (points[0][0] + 1, points[0][1])]
        draw.line(points, fill=colour, width=width)
    out = io.BytesIO()
    base.save(out, "PNG")
    return out.getvalue()
