"""Pictures as a model that learnt from clean ones knows them: white paper, black ink."""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Bytes, Floats32
from kalamos.skeleton.binarise import FLAT_GREY_LEVELS, otsu_threshold, without_shadows

CLEAN = 250
"""Paper as bright as this, in the median, needs nothing."""
BLACK, WHITE = 0.1, 0.85
"""Of the way from ink to paper: what is darker becomes black, what is brighter white; grain and blur lie beyond."""


def levelled(pixels: Bytes) -> Bytes:
    """Return a picture ``(h, w)`` with white paper and black ink, under even light; a clean one comes back as it is.

    Ink and paper are the medians of what Otsu's threshold parts. Where they are too near to tell them apart, nothing is
    changed.
    """
    if np.median(pixels) >= CLEAN:
        return pixels
    lit = without_shadows(pixels)
    is_ink = lit <= otsu_threshold(lit)
    if is_ink.all() or not is_ink.any():
        return pixels
    ink, paper = float(np.median(lit[is_ink])), float(np.median(lit[~is_ink]))
    if paper - ink <= FLAT_GREY_LEVELS:
        return pixels
    way: Floats32 = (lit.astype(np.float32) - ink) / (paper - ink)
    return np.asarray(np.rint(255 * np.clip((way - BLACK) / (WHITE - BLACK), 0, 1)).astype(np.uint8))
