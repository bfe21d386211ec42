"""The picture: whether the ink is where the image shows it, in whatever order it was drawn.

Order-blind by nature. A complete reversal changes none of them, so they never stand alone.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_cdt
from scipy.spatial import cKDTree

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32, Ints32
from kalamos.machinery.kernels import inner, kernel_of
from kalamos.metrics.lcss import answer_samples, true_samples
from kalamos.metrics.metric import Metric
from kalamos.metrics.order import diagonal
from kalamos.metrics.pair import Pair, Reference

NEAR_TAU = 0.4
MORE_INK = 1.25
_DRAWN_US, _SEGMENT_US, _PIXEL_US = 200.0, 0.2, 0.1
"""What array language takes to draw an ink, for each segment and for each pixel, microseconds."""


def otsu_ink(pixels: Bytes) -> Bools:
    """Return where the image is ink: at or below the grey level that parts it best in two (Otsu 1979).

    Of several such levels the lowest counts. An image of one grey level has no ink.
    """
    counts = np.bincount(pixels.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    above = below[-1] - below
    weighted = np.cumsum(counts * np.arange(256.0))
    parted = (below > 0) & (above > 0)
    if not parted.any():
        return np.zeros(pixels.shape, bool)
    gap = weighted / np.maximum(below, 1.0) - (weighted[-1] - weighted) / np.maximum(above, 1.0)
    level = int(np.argmax(np.where(parted, below * above * gap * gap, -1.0)))
    mask: Bools = pixels <= level
    return mask


def drawn(ink: Ink, height_px: int, width_px: int) -> Bools:
    """Return the pixels of the ink drawn with a line one pixel wide (digital straight lines, 8-connected).

    What lies outside the frame is cut off; a dot is one pixel.
    """
    mask = np.zeros((height_px, width_px), bool)
    reach = np.minimum(np.abs(np.diff(ink.xy, axis=0)).max(axis=1, initial=0.0), max(height_px, width_px))
    work_us = _DRAWN_US + _SEGMENT_US * ink.n_points + _PIXEL_US * float(reach.sum())
    _draw.for_work(work_us)(ink.xy, ink.offsets, mask)
    return mask


def adaptive_iou(ink_mask: Bools, line_mask: Bools) -> float:
    """Return the best intersection over union of the image's ink and the line, over all widths of the line.

    The line is dilated by a 3 x 3 square again and again. Stop rule: none is too many, the maximum over every dilation
    up to the one that covers all ink; from there on the union only grows. A dilation by k is where the chessboard
    distance to the line is at most k, so one distance transform answers for all k.
    """
    if not line_mask.any() or not ink_mask.any():
        return 0.0
    distance = distance_transform_cdt(~line_mask, metric="chessboard")
    covered = np.cumsum(np.bincount(distance.ravel()))
    hit = np.cumsum(np.bincount(distance[ink_mask], minlength=len(covered)))
    return float(np.max(hit / (hit[-1] + covered - hit)))


def aiou(pair: Pair) -> float:
    """Return the AIoU of the image's ink (Otsu) and the recovered line in its best width."""
    ink = pair.reference.view(_image_ink)
    return adaptive_iou(ink, drawn(pair.recovered, *ink.shape))


def nearest(of: Floats, to: cKDTree) -> Floats:
    """Return for each of ``(n, 2)`` points the distance to the nearest point in a tree, ``(n,)``."""
    distances: Floats = np.asarray(to.query(of)[0], np.float64)
    return distances


def chamfer_missing(pair: Pair) -> float:
    """Return the mean distance from the truth to the recovered ink: large where ink is missing."""
    return float(pair.view(_from_truth).mean())


def chamfer_extra(pair: Pair) -> float:
    """Return the mean distance from the recovered ink to the truth: large where ink was invented."""
    return float(pair.view(_from_recovered).mean())


def hausdorff(pair: Pair) -> float:
    """Return the largest distance from a point of either ink to the nearest of the other."""
    return float(max(pair.view(_from_truth).max(), pair.view(_from_recovered).max()))


def ink_f1(pair: Pair) -> float:
    """Return the harmonic mean of the shares of true and of recovered ink within 0.4 tau of the other ink.

    In the samples of ``lcss``. Where the answer has more than 1.25 times as many as the truth, the share of its ink
    that counts is cut in proportion, so that filling the paper does not help.
    """
    truth, answer = pair.reference.view(true_samples), pair.view(answer_samples)
    if not len(answer.xy):
        return 0.0
    near = NEAR_TAU * pair.reference.tolerance_px
    recall = float((nearest(truth.xy, cKDTree(answer.xy)) <= near).mean())
    precision = float((nearest(answer.xy, pair.reference.view(_sample_tree)) <= near).mean())
    if answer.announced > MORE_INK * len(truth.xy):
        precision *= len(truth.xy) / answer.announced
    return 2.0 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _sample_tree(reference: Reference) -> cKDTree:
    return cKDTree(reference.view(true_samples).xy)


def _from_truth(pair: Pair) -> Floats:
    return nearest(pair.reference.dense.xy, cKDTree(pair.recovered_dense.xy))


def _from_recovered(pair: Pair) -> Floats:
    return nearest(pair.recovered_dense.xy, pair.reference.view(_true_tree))


def _true_tree(reference: Reference) -> cKDTree:
    return cKDTree(reference.dense.xy)


def _image_ink(reference: Reference) -> Bools:
    assert reference.image is not None  # noqa: S101 - for the type checker: the row says that it needs one
    return otsu_ink(reference.image.pixels)


def _has_ink(reference: Reference) -> bool:
    return reference.image is not None and bool((reference.image.pixels != reference.image.pixels[0, 0]).any())


def _draw_at_once(xy: Floats32, offsets: Ints32, mask: Bools) -> None:
    """Do as :func:`_draw` does, all segments at once."""
    index = np.arange(len(xy))
    index[1:] -= 1
    index[offsets[:-1]] = offsets[:-1]
    end = xy.astype(np.float64)
    start = end[index]
    run = end - start
    first, last = np.zeros(len(xy)), np.ones(len(xy))
    for axis, size in ((0, float(mask.shape[1])), (1, float(mask.shape[0]))):
        at, still = start[:, axis], run[:, axis] == 0.0
        with np.errstate(all="ignore"):
            a, b = (0.0 - at) / run[:, axis], (size - at) / run[:, axis]
        first = np.where(still, first, np.maximum(first, np.minimum(a, b)))
        last = np.where(still, last, np.minimum(last, np.maximum(a, b)))
        last = np.where(still & ((at < 0.0) | (at >= size)), -1.0, last)
    kept = ~(first > last)
    start, run = start[kept], run[kept]
    end = start + last[kept, None] * run
    start = start + first[kept, None] * run
    run = end - start
    steps = np.abs(np.floor(end) - np.floor(start)).max(axis=1, initial=0.0).astype(np.int64)
    segment = np.repeat(np.arange(len(steps)), steps + 1)
    step = np.arange(len(segment)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    along = step / np.maximum(steps, 1)[segment]
    place = np.floor(start[segment] + along[:, None] * run[segment]).astype(np.int64)
    inside = (place >= 0).all(axis=1) & (place < mask.shape[::-1]).all(axis=1)
    mask[place[inside, 1], place[inside, 0]] = True


@kernel_of(_draw_at_once)
def _draw(xy: Floats32, offsets: Ints32, mask: Bools) -> None:
    for k in range(len(offsets) - 1):
        for i in range(offsets[k], offsets[k + 1]):
            j = max(i - 1, offsets[k])
            _draw_segment(np.float64(xy[j, 0]), np.float64(xy[j, 1]), np.float64(xy[i, 0]), np.float64(xy[i, 1]), mask)


@inner
def _draw_segment(x0: float, y0: float, x1: float, y1: float, mask: Bools) -> None:
    """Mark a pixel in each column (or row, on the longer axis) that the segment crosses, and both ends."""
    first, last = _inside(x0, y0, x1, y1, mask.shape)
    if first > last:
        return
    dx, dy = x1 - x0, y1 - y0
    x1, y1 = x0 + last * dx, y0 + last * dy
    x0, y0 = x0 + first * dx, y0 + first * dy
    height, width = mask.shape
    column, row = int(np.floor(x0)), int(np.floor(y0))
    steps = max(abs(int(np.floor(x1)) - column), abs(int(np.floor(y1)) - row))
    for step in range(steps + 1):
        along = step / steps if steps else 0.0
        column, row = int(np.floor(x0 + along * (x1 - x0))), int(np.floor(y0 + along * (y1 - y0)))
        if 0 <= column < width and 0 <= row < height:
            mask[row, column] = True


@inner
def _inside(x0: float, y0: float, x1: float, y1: float, shape: tuple[int, int]) -> tuple[float, float]:
    """Return the part of the segment within the frame as two fractions of it (Liang and Barsky 1984)."""
    first, last = 0.0, 1.0
    for start, run, size in ((x0, x1 - x0, float(shape[1])), (y0, y1 - y0, float(shape[0]))):
        if run == 0.0:
            if start < 0.0 or start >= size:
                return 1.0, 0.0
        else:
            a, b = (0.0 - start) / run, (size - start) / run
            first, last = max(first, min(a, b)), min(last, max(a, b))
    return first, last


METRICS = (
    Metric(
        "ink_f1",
        ink_f1,
        "",
        "higher",
        lambda reference: 0.0,
        "mean",
        "picture",
        "2PR / (P + R), P and R the shares of samples within 0.4 tau of the other ink, P n / m where m > 1.25 n",
        "Kalamos, in place of AIoU: more ink never helps, and the truth is perfect",
    ),
    Metric(
        "aiou",
        aiou,
        "",
        "higher",
        lambda reference: 0.0,
        "mean",
        "picture",
        "max over k of IoU(G, dilate_3x3^k(P)), G the Otsu ink of the image, P the recovered line 1 px wide",
        "PEN-Net (Chen et al., ACCV 2022); stop rule ours: the full maximum",
        frozenset({"image"}),
        _has_ink,
    ),
    Metric(
        "chamfer_missing",
        chamfer_missing,
        "px",
        "lower",
        diagonal,
        "mean",
        "picture",
        "mean over true points of the distance to the nearest recovered point",
        "one side of the Chamfer distance (Barrow et al. 1977); TRACE's nearest-neighbour distance, in px",
    ),
    Metric(
        "chamfer_extra",
        chamfer_extra,
        "px",
        "lower",
        diagonal,
        "mean",
        "picture",
        "mean over recovered points of the distance to the nearest true point",
        "the other side of the Chamfer distance",
    ),
    Metric(
        "hausdorff",
        hausdorff,
        "px",
        "lower",
        diagonal,
        "mean",
        "picture",
        "max of both one-sided largest nearest distances, points every 1 px",
        "Hausdorff distance",
    ),
)
