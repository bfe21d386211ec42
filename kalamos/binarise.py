"""Ink or paper: three thresholds, fixed, global and local.

Sources: N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. SMC 9 (1979), the criterion of
between-class variance (eq. 12 there); J. Sauvola and M. Pietikäinen, "Adaptive document image binarization", Pattern
Recognition 33 (2000), ``T = m * (1 + k * (s / R - 1))`` with ``R = 128``.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from kalamos.errors import KalamosError

Method = Literal["otsu", "fixed", "sauvola"]
PAPER_OR_INK = 128
FLAT_GREY_LEVELS = 16
"""An image whose grey levels span no more than this has no ink to tell from paper; it is all paper or all ink."""


def binarise(
    pixels: NDArray[np.uint8],
    method: Method = "otsu",
    *,
    threshold: int = PAPER_OR_INK,
    window_px: int = 25,
    k: float = 0.2,
) -> NDArray[np.bool_]:
    """Return True where there is ink, ``(h, w)``.

    Args:
        pixels: uint8 ``(h, w)``, paper light, ink dark.
        method: ``"otsu"`` (one threshold from the histogram), ``"fixed"`` (``threshold``) or ``"sauvola"`` (a threshold
            a pixel, for scans with uneven light).
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
    if int(pixels.max()) - int(pixels.min()) <= FLAT_GREY_LEVELS:
        return np.full(pixels.shape, bool(pixels.mean() < PAPER_OR_INK))
    if method == "otsu":
        return np.asarray(pixels <= otsu_threshold(pixels))
    return np.asarray(pixels < sauvola_surface(pixels, window_px, k))


def otsu_threshold(pixels: NDArray[np.uint8]) -> int:
    """Return the grey level that parts the histogram with the largest between-class variance: ink is at most this.

    Where a run of levels is equally good (two well separated peaks), the middle of the run is taken, so that the edge
    of an anti-aliased stroke is cut half way.
    """
    counts = np.bincount(pixels.ravel(), minlength=256).astype(np.float64)
    weight, moment = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    rest = weight[-1] - weight
    between = np.zeros(256)
    ok = (weight > 0) & (rest > 0)
    mean_difference = moment[ok] / weight[ok] - (moment[-1] - moment[ok]) / rest[ok]
    between[ok] = weight[ok] * rest[ok] * mean_difference**2
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return int(best[(len(best) - 1) // 2])


def sauvola_surface(pixels: NDArray[np.uint8], window_px: int = 25, k: float = 0.2) -> NDArray[np.float64]:
    """Return Sauvola's threshold at each pixel, float64 ``(h, w)``; the image is mirrored at its edges."""
    grey = pixels.astype(np.float64)
    mean = uniform_filter(grey, window_px, mode="reflect")
    deviation = np.sqrt(np.maximum(uniform_filter(grey * grey, window_px, mode="reflect") - mean * mean, 0.0))
    return np.asarray(mean * (1.0 + k * (deviation / 128.0 - 1.0)))
