"""What every step of a search is told of its images: tables that are made once for a batch.

Shapes: b images, w paths of each, r = b w rows, m directed pieces.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kalamos.machinery.arrays import Ints
from kalamos.models.kalamos.engine import Encoded, pieces_names
from kalamos.models.kalamos.parameters import MASKED

ENOUGH = 0.98
"""The share of the ink, by length, before which no path ends."""
SPARE_PX = 20.0
"""So much may be left in any case: ends of a skeleton and specks of a photograph that no pen drew."""
OF_IMAGES = ("rest", "answer")
"""What a step is told of each image, beside keys and values of its pieces."""
OF_PATHS = ("length", "whole", "hidden", "base", "spare")
"""What a step is told of each path."""
CROWDED = 0.85
"""Images that have their paths are put away when no more than this share of a batch is still at work."""


def tables(encoded: Encoded, width: int, enough: float) -> dict[str, Any]:
    """Return what a step for ``width`` paths of each image takes, that is the same at every step.

    ``enough`` is the share of the ink before which no path ends, but for :data:`SPARE_PX`; 1 is all of it.
    """
    b, m = encoded.length.shape
    none = np.zeros_like(encoded.token[:, :1])
    whole = encoded.length.sum(axis=1, keepdims=True)
    spare_px = SPARE_PX if enough < 1 else 0.0
    spare = np.maximum(np.float32(1 - enough), np.float32(2 * spare_px) / np.maximum(whole, 1))  # both ways of a piece
    of_paths = {
        "length": encoded.length, "whole": whole, "base": np.arange(b) * (m + 1),
        "hidden": np.where(encoded.length > 0, np.float32(0), np.float32(MASKED))[:, None], "spare": spare,
    }  # fmt: skip
    return {
        "rest": encoded.rest, "answer": encoded.answer,
        **dict(zip(pieces_names(len(encoded.layers) // 2), encoded.layers, strict=True)),
        **{name: np.repeat(array, width, axis=0) for name, array in of_paths.items()},
        "token": np.concatenate([encoded.token, none], axis=1).reshape(b * (m + 1), -1),
        "look": encoded.look.reshape(b * (m + 1), m, -1), "barred": encoded.barred.reshape(b * (m + 1), 2, m),
        "rows": np.arange(b * width).reshape(b, width), "twin": np.arange(m) ^ 1,
    }  # fmt: skip


def keep(scene: dict[str, Any], going: Ints) -> Ints:
    """Put away all images but some, by their places; return the rows that stay, by theirs."""
    width = scene["rows"].shape[1]
    rows: Ints = (going[:, None] * width + np.arange(width)).reshape(-1)
    of_images = {*OF_IMAGES, *(name for name in scene if name[-1].isdigit())}
    for name in (*of_images, *OF_PATHS):
        scene[name] = scene[name][going if name in of_images else rows]
    scene["rows"] = np.arange(len(rows)).reshape(-1, width)
    return rows
