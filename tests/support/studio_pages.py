"""Pictures with their recovered ink beside them, small and known, as `kalamos recover` would have left them."""

import itertools

import numpy as np
from PIL import Image, ImageDraw

from kalamos.formats.recovered import RecoveredPage
from kalamos.formats.recovered.inkml import write_inkml
from kalamos.ink import Ink
from kalamos.recovery import RecoveredLine, RecoveredPiece, Recovery

WORDS = {
    (0, 0): [[[40, 60], [70, 140], [100, 60], [130, 140], [160, 60]], [[100, 30], [130, 30]]],
    (0, 1): [[[260, 60], [260, 140]], [[260, 100], [320, 100]], [[320, 60], [320, 140]]],
    (1, 0): [[[40, 220], [90, 300], [140, 220]], [[200, 220], [200, 300], [240, 300]]],
}


def dense(corners, step=4.0):
    """Return points along the corners of a stroke."""
    points = [np.array(corners[0], float)]
    for a, b in itertools.pairwise(np.array(corners, float)):
        n = max(1, round(np.hypot(*(b - a)) / step))
        points += [a + (b - a) * k / n for k in range(1, n + 1)]
    return np.array(points, np.float32)


def recovered(name, scale=1.0, timed=True, confidence=0.8):
    """Return the recovered page of the words."""
    lines = {}
    for (line, _), strokes in WORDS.items():
        xy = [scale * dense(stroke) for stroke in strokes]
        clock, t = 0.0, []
        for stroke in xy:
            t.append(clock + 0.01 * np.arange(len(stroke)))
            clock = t[-1][-1] + 0.2
        ink = Ink.from_strokes(xy, t if timed else None)
        low, high = ink.xy.min(axis=0) - 3 * scale, ink.xy.max(axis=0) + 3 * scale
        sure = np.linspace(0.9, 0.3, len(xy))
        piece = RecoveredPiece(
            ink, (*low.tolist(), *high.tolist()), covered=0.97, confidence=confidence, stroke_confidence=sure
        )
        lines.setdefault(line, []).append(piece)
    recovery = Recovery(tuple(RecoveredLine(tuple(some)) for some in lines.values()), "by-hand", "1")
    return RecoveredPage(recovery, name, round(400 * scale), round(340 * scale), (4.0 * scale,) * len(WORDS))


def picture(scale=1.0):
    """Return the picture of the words."""
    image = Image.new("L", (round(400 * scale), round(340 * scale)), 245)
    draw = ImageDraw.Draw(image)
    for strokes in WORDS.values():
        for stroke in strokes:
            draw.line([(x * scale, y * scale) for x, y in stroke], 30, round(4 * scale), joint="curve")
    return image


def make_page(folder, stem="page", scale=1.0, suffix=".png", **how):
    """Write a picture and its ink, and return the picture's path."""
    path = folder / f"{stem}{suffix}"
    picture(scale).save(path)
    write_inkml(recovered(path.name, scale, **how), folder / f"{stem}.inkml")
    return path
