# ruff: noqa: ANN001, ANN202 - numba infers the kernels' types
"""The scanner or the camera: from grey light to the bytes of a picture.

The steps follow the machine: the sheet is seen at an angle (perspective), its ink grows or is eaten (thickness), the
lens and a moving hand blur, the tone curve and the sensor's noise follow, then compression, threshold, and dust.
Perspective moves the ink, so its homography is given out and the truth moves along; a moving hand blurs evenly around
where the ink is.

The ``*_flat`` functions work on a batch of images of any sizes that lie one after another in one array; the others do
the same for one image, to the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kalamos.machinery.arrays import Bytes, Floats, Floats32, Ints
from kalamos.machinery.kernels import kernel
from kalamos.renderers.style import Style
from kalamos.renderers.texture import SIDE, STRIP, UNIT, blur, gaussian_taps, grain_bank, random_bits, random_unit

Seeds = NDArray[np.uint64]

_MOST_JPEG_ROWS = 16_384
_PIXEL_US, _CORNERS_US = 8.0, 60.0  # what a step costs a pixel, and the corners an image, in plain Python
_DISTANCES = (0.0, 1.0, 2**0.5, 2.0, 5**0.5, 8**0.5, 3.0)


def apply(grey: Floats32, style: Style, rng: np.random.Generator) -> tuple[Bytes, Floats]:
    """Capture one image.

    Args:
        grey: float32 ``(h, w)``, 0 (black) to 1 (white).
        style: the capture parameters of it are used.
        rng: gives one seed, whatever the style.

    Returns:
        uint8 ``(h, w)``, and the homography float64 ``(3, 3)`` that moved its points (the identity without
        perspective); see :func:`move`.
    """
    seed = rng.integers(0, 1 << 64, 1, np.uint64)
    height, width = grey.shape
    frames = np.array([[height, width, 0]])
    pixels, maps = apply_flat(np.array(grey, np.float32).reshape(-1), frames, style, seed)
    return pixels.reshape(height, width), maps[0]


def apply_flat(grey: Floats32, frames: Ints, style: Style, seeds: Seeds) -> tuple[Bytes, Floats]:
    """Capture a batch of images.

    Args:
        grey: float32, 0 to 1, image after image; used as working space.
        frames: int64 ``(m, 3)``: height, width and start of each image.
        style: one style for all.
        seeds: uint64 ``(m,)``, one an image.

    Returns:
        uint8 of the shape of ``grey``, and the homographies float64 ``(m, 3, 3)``.
    """
    maps = homographies(frames, style, seeds)
    work_us = _PIXEL_US * len(grey)
    if style.perspective > 0:
        seen = np.empty_like(grey)
        _look.for_work(2 * work_us)(grey, seen, frames, np.linalg.inv(maps))
        grey = seen
    if style.thickness_px != 0:
        grey = _thicken(grey, frames, style.thickness_px)
    if style.blur_px > 0:
        blur(grey, frames, gaussian_taps(style.blur_px))
    if style.motion_px > 0:
        work_us *= 2 + math.ceil(style.motion_px)
        grey = _smear.for_work(work_us)(grey, frames, seeds, style.motion_px)
    if style.gamma != 1:
        np.power(np.clip(grey, 0.0, 1.0, out=grey), np.float32(style.gamma), out=grey)
    pixels = np.empty(grey.shape, np.uint8)
    _expose.for_work(work_us)(grey, pixels, frames, seeds, grain_bank(1.0), np.float32(255 * style.noise / UNIT))
    if style.jpeg_quality > 0:
        _compress(pixels, frames, style.jpeg_quality)
    if style.binarise != "none":
        _each(pixels, frames, lambda image: _binarised(image, style))
    if style.salt > 0 or style.pepper > 0:
        _dust.for_work(work_us)(pixels, frames, seeds, style.salt, style.pepper)
    return pixels, maps


def homographies(frames: Ints, style: Style, seeds: Seeds) -> Floats:
    """Return how perspective moves the points of each image: float64 ``(m, 3, 3)``, pixels to pixels.

    Each corner moves inwards by up to ``style.perspective`` of the sides, so that nothing leaves the picture.
    """
    maps = np.broadcast_to(np.eye(3), (len(frames), 3, 3)).copy()
    if style.perspective > 0:
        for i, (height, width, _) in enumerate(frames.tolist()):
            shares = _corner_shares.for_work(_CORNERS_US)(seeds[i]) * style.perspective
            corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
            inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (width, height)
            maps[i] = _four_point_map(corners, corners + shares * inwards)
    return maps


def move(homography: Floats, xy: NDArray[np.floating]) -> Floats:
    """Return where a homography takes points ``(n, 2)``."""
    projected = np.column_stack([xy, np.ones(len(xy))]) @ homography.T
    return np.asarray(projected[:, :2] / projected[:, 2:])


def _four_point_map(source: Floats, target: Floats) -> Floats:
    """Solve for the homography that takes four points to four points (Hartley and Zisserman 2004, section 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows), target.reshape(-1))
    return np.asarray(np.append(solved, 1.0).reshape(3, 3))


@kernel
def _corner_shares(seed):  # type: ignore[no-untyped-def]
    shares = np.empty((4, 2))
    for k in range(8):
        shares[k // 2, k % 2] = random_unit(seed, 16 + k)
    return shares


@kernel
def _look(flat, seen, frames, inverses):  # type: ignore[no-untyped-def]
    """Sample each image where the inverse map points, bilinearly; the border is repeated outwards."""
    for i in range(len(frames)):
        height, width, start = frames[i]
        m = inverses[i]
        for r in range(height):
            for c in range(width):
                x, y = c + 0.5, r + 0.5
                w = m[2, 0] * x + m[2, 1] * y + m[2, 2]
                u = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / w - 0.5
                v = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / w - 0.5
                u, v = np.float64(min(max(u, 0.0), width - 1.0)), np.float64(min(max(v, 0.0), height - 1.0))
                left, top = min(int(u), max(width - 2, 0)), min(int(v), max(height - 2, 0))
                right, below = min(left + 1, width - 1), min(top + 1, height - 1)
                a, b = u - left, v - top
                upper = (1 - a) * flat[start + top * width + left] + a * flat[start + top * width + right]
                lower = (1 - a) * flat[start + below * width + left] + a * flat[start + below * width + right]
                seen[start + r * width + c] = np.float32((1 - b) * upper + b * lower)


def _thicken(grey: Floats32, frames: Ints, by_px: float) -> Floats32:
    """Grow ink by a disc (grey-scale erosion of the light), or eat it; between two discs of pixels, interpolate."""
    radius = abs(by_px)
    k = int(np.searchsorted(_DISTANCES, radius, side="right")) - 1
    nearer = _DISTANCES[k]
    share = 0.0 if k + 1 == len(_DISTANCES) else (radius - nearer) / (_DISTANCES[k + 1] - nearer)
    extreme = _extreme.for_work(len(grey) * _PIXEL_US)
    small = extreme(grey, frames, _disc(nearer), by_px > 0)
    if share == 0:
        return np.asarray(small)
    large = extreme(grey, frames, _disc(_DISTANCES[k + 1]), by_px > 0)
    return np.asarray(small + np.float32(share) * (large - small), np.float32)


def _disc(radius: float) -> Ints:
    span = range(-3, 4)
    return np.array([(dr, dc) for dr in span for dc in span if dr * dr + dc * dc <= radius * radius + 1e-9])


@kernel
def _extreme(flat, frames, offsets, darkest):  # type: ignore[no-untyped-def]
    """Return the darkest (or lightest) grey within a disc of every pixel; outside counts as the border."""
    out = np.empty_like(flat)
    for i in range(len(frames)):
        height, width, start = frames[i]
        image = flat[start : start + height * width].reshape(height, width)
        result = out[start : start + height * width].reshape(height, width)
        padded = np.empty((height + 6, width + 6), np.float32)
        for r in range(height + 6):
            row = image[min(max(r - 3, 0), height - 1)]
            padded[r, :3] = row[0]
            padded[r, 3 : width + 3] = row
            padded[r, width + 3 :] = row[width - 1]
        for r in range(height):
            into = result[r]
            into[:] = image[r]
            for k in range(len(offsets)):
                row = padded[r + 3 + offsets[k, 0]]
                part = row[3 + offsets[k, 1] : 3 + offsets[k, 1] + width]
                if darkest:
                    for c in range(width):
                        into[c] = min(into[c], part[c])
                else:
                    for c in range(width):
                        into[c] = max(into[c], part[c])
    return out


@kernel
def _smear(flat, frames, seeds, length):  # type: ignore[no-untyped-def]
    """Average each image over its places on a straight way of the camera, one direction an image; even, so in place."""
    out = np.empty_like(flat)
    looks = 2 * math.ceil(length) + 1
    reach = math.ceil(length / 2) + 1
    for i in range(len(frames)):
        height, width, start = frames[i]
        turn = math.pi * random_unit(seeds[i], 24)
        padded = np.empty((height + 2 * reach, width + 2 * reach), np.float32)
        for r in range(height + 2 * reach):
            source = start + min(max(r - reach, 0), height - 1) * width
            for c in range(width + 2 * reach):
                padded[r, c] = flat[source + min(max(c - reach, 0), width - 1)]
        for k in range(height * width):
            out[start + k] = np.float32(0.0)
        for look in range(looks):
            away = (look / (looks - 1) - 0.5) * length
            x, y = away * math.cos(turn), away * math.sin(turn)
            left, top = math.floor(x), math.floor(y)
            a, b = x - left, y - top
            weights = (
                np.float32((1 - a) * (1 - b) / looks),
                np.float32(a * (1 - b) / looks),
                np.float32((1 - a) * b / looks),
                np.float32(a * b / looks),
            )
            for r in range(height):
                upper = padded[r + reach + top, reach + left :]
                lower = padded[r + reach + top + 1, reach + left :]
                line = out[start + r * width : start + (r + 1) * width]
                for c in range(width):
                    above = weights[0] * upper[c] + weights[1] * upper[c + 1]
                    line[c] += above + weights[2] * lower[c] + weights[3] * lower[c + 1]
    return out


@kernel
def _expose(flat, pixels, frames, seeds, bank, noise):  # type: ignore[no-untyped-def]
    """Scale to 0..255, add noise, and round half up."""
    white, half, zero = np.float32(255.0), np.float32(0.5), np.float32(0.0)
    for i in range(len(frames)):
        height, width, start = frames[i]
        bits = random_bits(seeds[i], 8)
        top, left = np.int64(bits & np.uint64(SIDE - 1)), np.int64((bits >> np.uint64(9)) & np.uint64(SIDE - 1))
        for r in range(height):
            row = bank[(top + r) & (SIDE - 1)]
            for first in range(0, width, STRIP):
                span = min(STRIP, width - first)
                begin = start + r * width + first
                light, out = flat[begin : begin + span], pixels[begin : begin + span]
                part = row[(left + first) & (SIDE - 1) :]
                for c in range(span):
                    value = white * light[c] + noise * np.float32(part[c]) + half
                    out[c] = np.uint8(np.int32(min(max(value, zero), white)))


@kernel
def _dust(pixels, frames, seeds, salt, pepper):  # type: ignore[no-untyped-def]
    """Turn single pixels white or black, each by its own random number."""
    for i in range(len(frames)):
        height, width, start = frames[i]
        seed = random_bits(seeds[i], 9)
        for k in range(height * width):
            u = random_unit(seed, k)
            if u < salt:
                pixels[start + k] = 255
            elif u >= 1.0 - pepper:
                pixels[start + k] = 0


def _each(pixels: Bytes, frames: Ints, change: Callable[[Bytes], Bytes]) -> None:
    """Replace every image by what ``change`` makes of it."""
    for height, width, start in frames.tolist():
        image = pixels[start : start + height * width].reshape(height, width)
        image[:] = change(image)


def _compress(pixels: Bytes, frames: Ints, quality: int) -> None:
    """Compress and decompress by the library that will read it, many images of one width in one file.

    JPEG works on blocks of 8 x 8, independent of each other in a grey image; each image is filled up to whole blocks by
    its last row, as the library itself does, so every one comes out as it would alone.
    """
    group: list[Bytes] = []
    rows = 0
    for height, width, start in frames.tolist():
        image = pixels[start : start + height * width].reshape(height, width)
        if group and (group[0].shape[1] != width or rows + height + 7 > _MOST_JPEG_ROWS):
            _compress_stack(group, quality)
            group, rows = [], 0
        group.append(image)
        rows += -(-height // 8) * 8
    if group:
        _compress_stack(group, quality)


def _compress_stack(images: list[Bytes], quality: int) -> None:
    stack = images[0]
    if len(images) > 1:
        stack = np.concatenate([np.concatenate([image, *[image[-1:]] * (-len(image) % 8)]) for image in images])
    file = io.BytesIO()
    Image.fromarray(stack).save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        read = np.asarray(opened)
    top = 0
    for image in images:
        image[:] = read[top : top + len(image)]
        top += -(-len(image) // 8) * 8


def _binarised(image: Bytes, style: Style) -> Bytes:
    from kalamos.skeleton.binarise import otsu_threshold, sauvola_surface  # noqa: PLC0415 - scipy, which few styles need

    if style.binarise == "fixed":
        ink = image < 255 * style.threshold
    elif style.binarise == "otsu":
        ink = image <= otsu_threshold(image) if image.min() < image.max() else np.zeros(image.shape, bool)
    else:
        ink = image < sauvola_surface(image, style.sauvola_window_px | 1, style.sauvola_k)
    return np.where(ink, np.uint8(0), np.uint8(255))
