# ruff: noqa: ANN001, ANN202 - numba infers the kernels' types
"""Texture from a bank: noise of a given grain, made once, of which every image takes a crop at random.

Drawing noise anew costs ten times the drawing of a character. The bank is built from integers alone (random bytes,
smoothed by running sums), so that it is the same on every machine.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats32, Ints
from kalamos.machinery.kernels import inner, kernel
from kalamos.machinery.seeding import rng_for

SIDE = 512
STRIP = 128
UNIT = 32
_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64)
_TAP_US = 0.6  # what a pixel and a tap cost in plain Python
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@lru_cache(maxsize=256)
def grain_bank(size_px: float) -> NDArray[np.int8]:
    """Return noise that repeats every ``SIDE`` pixels: int8 ``(SIDE, SIDE + STRIP)``, ``UNIT`` is a standard deviation.

    The last columns repeat the first, so that a strip of ``STRIP`` pixels can be read from any column below ``SIDE``.
    Bytes, so that three banks stay in a core's own cache.

    Args:
        size_px: size of the grains; the nearest of sixteen from 1 to 64 px is taken.
    """
    return _bank(min(_WIDTHS, key=lambda width: abs(math.log(size_px / width))))


def halvings(size_px: float) -> int:
    """Return how often a grain larger than the bank's largest must be halved to fit into it."""
    return max(0, math.ceil(math.log2(size_px / _WIDTHS[-1])))


@lru_cache(maxsize=len(_WIDTHS))
def _bank(width: int) -> NDArray[np.int8]:
    noise = rng_for(0, "texture", width).integers(0, 256, (SIDE, SIDE), dtype=np.uint8).astype(np.int64)
    for _ in range(3 if width > 1 else 0):
        noise = _running_sum(_running_sum(noise, width, 0), width, 1)
    if width == 1:  # the sum of four bytes is nearer to a Gaussian than one
        noise = noise + np.roll(noise, 101, 0) + np.roll(noise, 173, 1) + np.roll(noise, (59, 241), (0, 1))
    centred = noise.astype(np.float64) - int(noise.sum()) / noise.size
    spread = np.sqrt(np.add.reduce(np.add.reduce(centred * centred, 0)) / noise.size)
    scaled = np.clip(np.rint(centred * (UNIT / spread)), -127, 127).astype(np.int8)
    tiled = np.ascontiguousarray(np.concatenate([scaled, scaled[:, :STRIP]], axis=1))
    tiled.flags.writeable = False
    return tiled


def _running_sum(values: Ints, width: int, axis: int) -> Ints:
    """Add up ``width`` neighbours along an axis that closes into a ring."""
    ends = np.cumsum(values, axis=axis)
    whole = np.take(ends, [-1], axis=axis)
    before = np.roll(ends, width, axis=axis)
    index = [slice(None), slice(None)]
    index[axis] = slice(0, width)
    before[tuple(index)] -= whole
    return np.asarray(ends - before)


@inner
def random_bits(seed: np.uint64, k: int) -> np.uint64:
    """Return the k-th 64 random bits of a seed (the mixing of splitmix64, Steele, Lea and Flood 2014)."""
    z = seed + np.uint64(k + 1) * _STEP
    z = (z ^ (z >> _S30)) * _MIX[0]
    z = (z ^ (z >> _S27)) * _MIX[1]
    return z ^ (z >> _S31)


@inner
def random_unit(seed: np.uint64, k: int) -> float:
    """Return the k-th random number of a seed, evenly from [0, 1)."""
    return np.float64(random_bits(seed, k) >> _S11) * (1.0 / 9007199254740992.0)


def blur(flat: Floats32, frames: Ints, taps: Floats32) -> None:
    """Blur every image in place by a separable, even kernel; the border is repeated outwards.

    Args:
        flat: the images one after another.
        frames: ``(m, 3)``: height, width and start of each image.
        taps: ``(radius + 1,)``, centre first.
    """
    _blur.for_work(len(flat) * len(taps) * _TAP_US)(flat, frames, taps)


def gaussian_taps(sigma_px: float) -> Floats32:
    """Return half a Gaussian kernel, centre first, float32 ``(radius + 1,)``; each tap the integral over its pixel."""
    radius = max(1, int(np.ceil(3.0 * sigma_px)))
    edges = [math.erf((k + 0.5) / (sigma_px * 2**0.5)) for k in range(radius + 1)]
    taps = np.array([2 * edges[0], *np.diff(edges)]) / 2
    return np.asarray(taps / (taps[0] + 2 * taps[1:].sum()), np.float32)


@kernel
def _blur(flat, frames, taps):  # type: ignore[no-untyped-def]
    radius = len(taps) - 1
    for i in range(len(frames)):
        height, width, start = frames[i]
        image = flat[start : start + height * width].reshape(height, width)
        padded = np.empty(width + 2 * radius, np.float32)
        between = np.empty((height, width), np.float32)
        for r in range(height):
            padded[:radius] = image[r, 0]
            padded[radius : radius + width] = image[r]
            padded[radius + width :] = image[r, width - 1]
            row = between[r]
            middle = padded[radius : radius + width]
            for c in range(width):
                row[c] = taps[0] * middle[c]
            for k in range(1, radius + 1):
                left, right, tap = padded[radius - k :], padded[radius + k :], taps[k]
                for c in range(width):
                    row[c] += tap * (left[c] + right[c])
        for r in range(height):
            row = image[r]
            middle = between[r]
            for c in range(width):
                row[c] = taps[0] * middle[c]
            for k in range(1, radius + 1):
                above, below, tap = between[max(r - k, 0)], between[min(r + k, height - 1)], taps[k]
                for c in range(width):
                    row[c] += tap * (above[c] + below[c])
