"""Ink or paper: thresholds, fixed, global and local, and a global one under even light.

Sources: N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. SMC 9 (1979), the criterion of
between-class variance (eq. 12 there); J. Sauvola and M. Pietikäinen, "Adaptive document image binarization", Pattern
Recognition 33 (2000), ``T = m * (1 + k * (s / R - 1))`` with ``R = 128``.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter, uniform_filter

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32, Ints
from kalamos.machinery.kernels import kernel, kernel_of

Method = Literal["even", "otsu", "fixed", "sauvola"]
PAPER_OR_INK = 128
_OTSU_US, _PIXEL_US = 400.0, 0.002  # what a threshold costs, and a pixel, in plain Python and array language
FLAT_GREY_LEVELS = 16
"""An image whose grey levels span no more than this has no ink to tell from paper; it is all paper or all ink."""
UNEVEN = 0.08
"""The share of its brightness that paper may lose before its light is uneven."""
_SHADOW, _SOFT = 0.5, 0.58  # a pen of pale ink wider than the window goes from paper to ink within a pixel or two
_BLOCK_PX, _HEIGHT_PX, _WINDOW_PX = 16, 64, 13
_PAPER = np.float32(235)


def binarise(
    pixels: Bytes,
    method: Method = "even",
    *,
    threshold: int = PAPER_OR_INK,
    window_px: int = 25,
    k: float = 0.2,
) -> Bools:
    """Return True where there is ink, ``(h, w)``.

    Args:
        pixels: uint8 ``(h, w)``, paper light, ink dark.
        method: ``"even"`` (as ``"otsu"``, where the paper's light is uneven after it was divided out), ``"otsu"`` (one
            threshold from the histogram), ``"fixed"`` (``threshold``) or ``"sauvola"`` (a threshold a pixel).
        threshold: for ``"fixed"``: darker than this is ink.
        window_px: for ``"sauvola"``: side of the square window.
        k: for ``"sauvola"``: how far below the local mean ink must lie.

    Raises:
        KalamosError: where the method is unknown.
    """
    if method not in get_args(Method):
        raise KalamosError(f"binarise by one of {', '.join(get_args(Method))}, not by {method!r}")
    if method == "fixed":
        return np.asarray(pixels < threshold)
    if method == "even":
        pixels = without_shadows(pixels)
    counts = _histogram_of(pixels)
    levels = np.flatnonzero(counts)
    if levels[-1] - levels[0] <= FLAT_GREY_LEVELS:
        return np.full(pixels.shape, bool(pixels.mean() < PAPER_OR_INK))
    if method in ("even", "otsu"):
        return np.asarray(pixels <= np.uint8(_otsu.for_work(_OTSU_US)(counts)))
    return np.asarray(pixels < sauvola_surface(pixels, window_px, k))


def without_shadows(pixels: Bytes) -> Bytes:
    """Return a picture of one piece of writing under even light; as it is where its paper is about equally bright.

    The paper's light is what closing leaves: no pen is as wide as its window. (:mod:`kalamos.scans.light` does whole
    pages.) Where it is so dark in places, or so sharply darker, that these may be ink after all, nothing is changed.
    """
    lightest = np.maximum.reduceat(pixels, np.arange(0, pixels.shape[0], _BLOCK_PX), axis=0)
    lightest = np.maximum.reduceat(lightest, np.arange(0, pixels.shape[1], _BLOCK_PX), axis=1)
    if int(lightest.max()) - int(lightest.min()) <= UNEVEN * int(lightest.max()):
        return pixels
    from PIL import Image  # noqa: PLC0415 - a thing that even light does without

    height, width = pixels.shape
    small = Image.fromarray(pixels).reduce(max(1, round(min(height, width) / _HEIGHT_PX)))
    smooth = gaussian_filter(np.asarray(small, np.float32), 1.0)
    closed = minimum_filter(maximum_filter(smooth, _WINDOW_PX, mode="nearest"), _WINDOW_PX, mode="nearest")
    light = gaussian_filter(closed, _WINDOW_PX / 3, mode="nearest")
    depth = 1 - float(light.min()) / float(light.max())
    if not UNEVEN < depth < _SHADOW or _steepest(closed) > _SOFT * (float(closed.max()) - float(closed.min())):
        return pixels
    spread = np.asarray(Image.fromarray(light).resize((width, height), Image.Resampling.BILINEAR))
    return np.asarray(np.minimum(pixels * (_PAPER / np.maximum(spread, np.float32(8))) + 0.5, 255).astype(np.uint8))


def _steepest(grey: Floats32) -> float:
    """Return the greatest difference between pixels that lie two apart; 0 where there are none."""
    steps = (np.abs(grey[2:] - grey[:-2]), np.abs(grey[:, 2:] - grey[:, :-2]))
    return max(float(some.max(initial=0)) for some in steps)


def otsu_threshold(pixels: Bytes) -> int:
    """Return the grey level that parts the histogram with the largest between-class variance: ink is at most this.

    Where a run of levels is equally good (two well separated peaks), the middle of the run is taken, so that the edge
    of an anti-aliased stroke is cut half way.
    """
    return int(_otsu.for_work(_OTSU_US)(_histogram_of(pixels)))


def _histogram_of(pixels: Bytes) -> Ints:
    return _histogram.for_work(_PIXEL_US * pixels.size)(np.ascontiguousarray(pixels).reshape(-1))


def _counted(pixels: Bytes) -> Ints:
    return np.bincount(pixels, minlength=256)


@kernel_of(_counted)
def _histogram(pixels: Bytes) -> Ints:
    parts, counts = np.zeros((4, 256), np.int64), np.empty(256, np.int64)
    rest = pixels.size % 4  # most pixels are paper: one counter would wait for itself
    for k in range(rest):
        parts[0, pixels[k]] += 1
    for k in range(rest, pixels.size, 4):
        parts[0, pixels[k]] += 1
        parts[1, pixels[k + 1]] += 1
        parts[2, pixels[k + 2]] += 1
        parts[3, pixels[k + 3]] += 1
    for level in range(256):
        counts[level] = parts[0, level] + parts[1, level] + parts[2, level] + parts[3, level]
    return counts


@kernel
def _otsu(counts: Ints) -> int:
    """Return the threshold of a histogram: the middle one of the levels of greatest between-class variance."""
    total, whole = 0, 0
    for level in range(256):
        total += counts[level]
        whole += level * counts[level]
    between = np.zeros(256)
    most, weight, moment = 0.0, 0, 0
    for level in range(256):
        weight += counts[level]
        moment += level * counts[level]
        if weight > 0 and weight < total:
            apart = moment / weight - (whole - moment) / (total - weight)
            between[level] = float(weight) * float(total - weight) * (apart * apart)
            most = max(most, between[level])
    best, n = np.empty(256, np.int64), 0
    for level in range(256):
        if between[level] >= most * (1 - 1e-12):
            best[n] = level
            n += 1
    return int(best[(n - 1) // 2])


def sauvola_surface(pixels: Bytes, window_px: int = 25, k: float = 0.2) -> Floats:
    """Return Sauvola's threshold at each pixel, float64 ``(h, w)``; the image is mirrored at its edges."""
    grey = pixels.astype(np.float64)
    mean = uniform_filter(grey, window_px, mode="reflect")
    deviation = np.sqrt(np.maximum(uniform_filter(grey * grey, window_px, mode="reflect") - mean * mean, 0.0))
    return np.asarray(mean * (1.0 + k * (deviation / 128.0 - 1.0)))
