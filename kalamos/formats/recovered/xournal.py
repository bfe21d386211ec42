"""A recovered page as a page of Xournal++: as large as the picture, at most A4; ink alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kalamos.formats.export.xournal import A4, POINTS_PER_PX, XournalPage, write_pages
from kalamos.formats.recovered import RecoveredPage


def write_xopp(page: RecoveredPage, path: Path) -> None:
    """Write one recovered page; a pixel is at most 1/96 inch, and less where the picture is larger than A4.

    Raises:
        StoreError: where the file cannot be written.
    """
    width, height = page.width_px, page.height_px
    scale = min(POINTS_PER_PX, max(A4) / max(width, height), min(A4) / min(width, height))
    ink = page.recovery.ink
    pens = [f"{max(0.01, scale * pen):.2f}" for piece, pen in page.pens() for _ in range(piece.ink.n_strokes)]
    made = XournalPage(np.round(scale * ink.xy.astype(np.float64), 3), ink.offsets, pens, scale * width, scale * height)
    write_pages([made], path)
