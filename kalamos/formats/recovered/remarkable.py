"""A recovered page as a page of the reMarkable: the picture made to fit the screen's width, ink alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kalamos.formats.export.remarkable import POINTS_PER_PX, SCREEN, write_page
from kalamos.formats.recovered import RecoveredPage


def write_rm(page: RecoveredPage, path: Path) -> None:
    """Write one recovered page; a pixel is at most 1/96 inch, and less where the picture is larger than the screen.

    Raises:
        StoreError: where the file cannot be written.
    """
    scale = min(POINTS_PER_PX, SCREEN[0] / page.width_px, SCREEN[1] / page.height_px)
    ink = page.recovery.ink
    xy = scale * (ink.xy.astype(np.float64) - [page.width_px / 2, 0.0])
    pens = [np.full(piece.ink.n_points, scale * pen) for piece, pen in page.pens()]
    write_page(path, ink, xy, np.concatenate(pens) if pens else None)
