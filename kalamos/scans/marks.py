"""The marks of ink on a page: connected components, their boxes and their labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import find_objects, label

from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints, Ints32
from kalamos.scans.pen import pen_width
from kalamos.skeleton.binarise import otsu_threshold

_MAX_COMPONENTS = 20_000


class Marks(NamedTuple):
    """Connected components: boxes float64 ``(n, 4)`` as x0, y0, x1, y1; the label image; the components' labels."""

    boxes: Floats
    labels: Ints32
    ids: Ints

    @property
    def height(self) -> Floats:
        """Return the heights of the boxes."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def width(self) -> Floats:
        """Return the widths of the boxes."""
        return self.boxes[:, 2] - self.boxes[:, 0]


def marks_of(grey: Bytes) -> Marks:
    """Label the ink and drop specks smaller than a quarter of a pen's dot."""
    nothing = Marks(np.zeros((0, 4)), np.zeros((0, 0), np.int32), np.zeros(0, np.int64))
    if grey.min() == grey.max():
        return nothing
    ink = grey <= min(otsu_threshold(grey), 224)
    if not ink.any():
        return nothing
    found, n = label(ink, np.ones((3, 3), bool))
    labels: Ints32 = np.asarray(found, np.int32)
    areas = areas_of(labels, n)[1:]
    pen_px = pen_width(ink)
    kept = np.flatnonzero(areas >= 0.25 * pen_px * pen_px) + 1
    if len(kept) > _MAX_COMPONENTS:
        kept = np.sort(np.argsort(-areas, kind="stable")[:_MAX_COMPONENTS] + 1)
    return Marks(boxes_of(labels, kept), labels, kept.astype(np.int64))


def areas_of(labels: Ints32, n: int) -> Ints:
    """Return the pixels of labels 1 to n, ``(n + 1,)``; those of the ground, label 0, are not counted."""
    return np.bincount(labels[labels > 0], minlength=n + 1)


def boxes_of(labels: Ints32, ids: Ints) -> Floats:
    """Return the boxes of labels, ``(n, 4)`` as x0, y0, x1, y1."""
    found = find_objects(labels)
    boxes = [(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in (found[k - 1] for k in ids.tolist()) if s]
    return np.array(boxes, np.float64).reshape(-1, 4)


def without(marks: Marks, dropped: Bools) -> Marks:
    """Return the marks that are not dropped, ``(n,)``; the label image is the same, the others' labels mean nothing."""
    return Marks(marks.boxes[~dropped], marks.labels, marks.ids[~dropped])
