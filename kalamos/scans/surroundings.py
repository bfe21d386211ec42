"""What lies round a sheet: the desk of a photograph, the black rim of a scanner, the wall behind a board."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import binary_fill_holes, gaussian_gradient_magnitude, label, maximum_filter, minimum_filter

from kalamos.machinery.arrays import Bools, Bytes
from kalamos.skeleton.binarise import otsu_threshold

_SIDE_PX = 400
_LEAST_PX = 160
_LEAST_SHARE = 0.01
_LEAST_STEP = 0.25


def surroundings(grey: Bytes) -> Bools | None:
    """Return what lies round the sheet and a little of its edge, ``(h, w)``; None where the sheet fills the picture.

    Writing is first closed over; what is then clearly darker than the sheet, wide, touches the picture's edge and ends
    in a sharp step is no part of it. A corner that darkens slowly is.

    Args:
        grey: uint8 ``(h, w)``, sheet light, ink dark.
    """
    if min(grey.shape) < _LEAST_PX:
        return None
    step = max(1, max(grey.shape) // _SIDE_PX)
    small = np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else grey
    reach = max(3, max(small.shape) // 40) | 1
    closed = minimum_filter(maximum_filter(small, reach, mode="nearest"), reach, mode="nearest")
    threshold = otsu_threshold(closed)
    dark = closed <= threshold
    if dark.all() or not dark.any():
        return None
    sheet, desk = float(np.median(closed[~dark])), float(np.median(closed[dark]))
    if desk > (1 - _LEAST_STEP) * sheet:
        return None
    labels, n = label(dark)
    rim = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    beside = np.zeros(dark.shape, bool)
    steep = gaussian_gradient_magnitude(closed.astype(np.float32), 1.0) > 0.1 * (sheet - desk)
    for k in rim[rim > 0].tolist():
        part = labels == k
        edge = maximum_filter(part, 3) & ~part
        if part.mean() >= _LEAST_SHARE / 4 and edge.any() and steep[edge].mean() > 0.6:
            beside |= part
    if not _LEAST_SHARE <= beside.mean() <= 0.85:
        return None
    labels, n = label(~beside)
    sizes = np.bincount(labels.reshape(-1), minlength=n + 1)
    sizes[0] = 0
    # cups and fingers that reach in from the edge are left as holes of the largest part; all else lies beside it
    kept = binary_fill_holes(labels == int(np.argmax(sizes))) & ~beside
    beside = maximum_filter(~kept, 2 * max(2, max(small.shape) // 130) + 1)
    height, width = small.shape
    rows = np.minimum(np.arange(grey.shape[0]) // step, height - 1)
    columns = np.minimum(np.arange(grey.shape[1]) // step, width - 1)
    return np.asarray(beside[np.ix_(rows, columns)])
