"""Largest and smallest values in square windows, for whole pages: by doubling, a few passes whatever the window.

A window of 2 k values is two of k side by side, so a window of n takes log2 n passes of one vectorised operation. For
bytes and booleans that is several times quicker than a filter that walks along every row. At the picture's edge the
window is what lies inside: the edge is no limit.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", np.uint8, np.bool_)

_BAND_BYTES = 1 << 18
"""What is worked on at a time, so that the passes stay within the processor's cache."""


def largest(values: NDArray[Values], rows: int, columns: int | None = None) -> NDArray[Values]:
    """Return the largest value in the window around each pixel, ``(h, w)``.

    Args:
        values: bytes or booleans ``(h, w)``.
        rows: height of the window, odd.
        columns: its width, odd; by default its height.
    """
    return _windowed(np.maximum, values, rows, rows if columns is None else columns)


def smallest(values: NDArray[Values], rows: int, columns: int | None = None) -> NDArray[Values]:
    """Return the smallest value in the window around each pixel, as :func:`largest`."""
    return _windowed(np.minimum, values, rows, rows if columns is None else columns)


def closed(values: NDArray[Values], side: int) -> NDArray[Values]:
    """Return the values with what is darker and narrower than ``side`` filled in (a grey closing)."""
    return smallest(largest(values, side), side)


def _windowed(over: np.ufunc, values: NDArray[Values], rows: int, columns: int) -> NDArray[Values]:
    """Return ``over`` of the windows, band by band: along the rows first, then down the columns."""
    neutral = values.dtype.type(0 if over is np.maximum else 255)  # 255 is True of a boolean
    height, width = values.shape
    half = rows // 2
    out = np.empty(values.shape, values.dtype)
    band = max(1, 2 * rows, _BAND_BYTES // max(1, width))
    for top in range(0, height, band):
        low, high = max(0, top - half), min(height, top + band + half)
        wide = _across(over, values[low:high], columns, neutral)
        padded = np.full((min(band, height - top) + 2 * half, width), neutral, values.dtype)
        padded[low - top + half : high - top + half] = wide
        out[top : top + band] = _doubled(over, padded, rows)
    return out


def _across(over: np.ufunc, values: NDArray[Values], size: int, neutral: Values) -> NDArray[Values]:
    """Return ``over`` of windows along the rows, ``(h, w)``."""
    if size == 1:
        return values
    half = size // 2
    padded = np.full((values.shape[0], values.shape[1] + 2 * half), neutral, values.dtype)
    padded[:, half : half + values.shape[1]] = values
    return _doubled(over, padded.T, size).T


def _doubled(over: np.ufunc, padded: NDArray[Values], size: int) -> NDArray[Values]:
    """Return ``over`` of each ``size`` neighbours along the first axis, ``(n - size + 1, k)``."""
    held = 1
    while 2 * held <= size:
        padded = over(padded[:-held], padded[held:])
        held *= 2
    rest = size - held
    return over(padded[:-rest], padded[rest:]) if rest else padded
