"""Times for a traced path: a picture shows where the pen went, not when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kalamos.ink import Ink

Floats = NDArray[np.float64]

SPEED_PX_S = 100.0
"""Mean speed; only relative times mean anything, an image has no clock."""


def with_times(ink: Ink, velocity: str = "constant") -> Ink:
    """Return the ink with times ``t`` in seconds."""
    if ink.n_points == 0:
        return ink
    steps = np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1].astype(np.float64))
    dt = np.hypot(steps[:, 0], steps[:, 1]) / SPEED_PX_S
    return ink.with_points(ink.xy, ink.offsets, {"t": np.cumsum(dt)})
