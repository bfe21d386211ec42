"""Take printed rulings out of a scan and leave the ink that crosses them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, maximum_filter1d, minimum_filter1d

from kalamos.machinery.arrays import Bools, Bytes, Ints32

_DARKER_THAN_PAPER = 12


def remove_rules(grey: Bytes, min_length_px: int | None = None) -> Bytes:
    """Paint straight horizontal and vertical lines in the colour of the paper.

    A line is what remains of the marks after an opening by a straight segment, one pixel of play to either side, so
    that a sheet may lie askew by a degree. Where a stroke crosses, the marks are thicker than the line, and stay.

    Args:
        grey: uint8 ``(h, w)``, paper light.
        min_length_px: the shortest line, by default two fifths of the image's side in its direction, at least 40.
    """
    paper = int(np.median(grey))
    grain = float(np.median(np.abs(grey.astype(np.int16) - paper)))
    marks = grey < paper - max(_DARKER_THAN_PAPER, 5 * grain)
    rows, columns = grey.shape
    lines = _lines(marks, min_length_px or max(40, 2 * columns // 5))
    lines |= _lines(marks.T, min_length_px or max(40, 2 * rows // 5)).T
    cleaned = grey.copy()
    cleaned[lines] = paper
    return cleaned


def _lines(marks: Bools, length: int) -> Bools:
    """Return the pixels of thin horizontal lines."""
    if length > marks.shape[1] or not marks.any():
        return np.zeros(marks.shape, bool)
    loose = binary_dilation(marks, np.ones((3, 1), bool))
    opened = minimum_filter1d(loose.view(np.uint8), length, axis=1, mode="constant")
    # the origin of an even window is off the middle by one: shift the dilation the other way
    opened = maximum_filter1d(opened, length, axis=1, mode="constant", origin=-1 if length % 2 == 0 else 0)
    line = marks & opened.view(bool)
    if not line.any():
        return np.asarray(line, np.bool_)
    thickness = _runs_down(marks)
    usual = float(np.median(thickness[line]))
    thin = line & (thickness <= 1.5 * usual + 1)
    rim = binary_dilation(thin, np.ones((3, 1), bool)) & marks & (thickness <= 1.5 * usual + 1)
    return np.asarray(thin | rim, np.bool_)


def _runs_down(marks: Bools) -> Ints32:
    """Return for every marked pixel the length of its vertical run, 0 elsewhere."""
    count = np.zeros(marks.shape, np.int32)
    running = np.zeros(marks.shape[1], np.int32)
    for r in range(marks.shape[0]):
        running = np.where(marks[r], running + 1, 0)
        count[r] = running
    for r in range(marks.shape[0] - 2, -1, -1):
        count[r] = np.where(marks[r] & marks[r + 1], count[r + 1], count[r])
    return count
