"""Direction and order of strokes, by rules for each script."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kalamos.ink import Ink

Floats = NDArray[np.float64]


def combine(strokes: Sequence[Floats], script: str | None = None) -> Ink:
    """Return the ink of these polylines, each ``(k, 2)``, directed and ordered by the rules of the script."""
    if not strokes:
        return Ink.empty()
    sign = -1.0 if script in ("Arab", "Hebr", "Syrc") else 1.0
    height = max(float(max(s[:, 1].max() for s in strokes) - min(s[:, 1].min() for s in strokes)), 1.0)
    directed = [_directed(stroke, sign) for stroke in strokes]
    small = [float(np.ptp(s, axis=0).max()) < 0.15 * height for s in directed]
    order = sorted(range(len(directed)), key=lambda k: (small[k], sign * directed[k][0, 0] + 0.5 * directed[k][0, 1]))
    return Ink.from_strokes([directed[k] for k in order])


def _directed(stroke: Floats, sign: float) -> Floats:
    a, b = stroke[0], stroke[-1]
    if len(stroke) > 3 and np.hypot(*(a - b)) < 1.0:
        top = int(np.argmin(stroke[:-1, 1] - 0.2 * sign * stroke[:-1, 0]))
        ring = np.concatenate([stroke[top:-1], stroke[: top + 1]])
        x, y = ring[:, 0], ring[:, 1]
        area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
        return ring[::-1] if area > 0 else ring
    return stroke if sign * a[0] + 1.2 * a[1] <= sign * b[0] + 1.2 * b[1] else stroke[::-1]
