"""What happens to a sheet beside writing: the back showing through, tide marks, creases, glare, hard shadows, smears.

All pictures are float32 ``(h, w, 3)`` from 0 (black) to 1, and are changed as light and paper change them: stains, dirt
and shadows multiply, glare adds up to white. What is drawn by chance comes from the generator that is handed in.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from kalamos.machinery.arrays import Bytes, Floats32


def bleed(writing: Floats32, depth: float, chance: np.random.Generator) -> Floats32:
    """Return what the back's writing leaves of the light, ``(h, w, 1)``: this page mirrored, blurred, moved, uneven."""
    grey = writing.min(axis=2)
    back = gaussian_filter(grey[:, ::-1], 1.3)
    back = np.roll(back, (int(chance.integers(0, len(back))), int(chance.integers(-40, 41))), axis=(0, 1))
    uneven = 0.6 + 0.8 * clouds(grey.shape, 60, chance)
    return np.asarray(1 - np.clip(depth * uneven * (1 - back), 0, 0.9), np.float32)[..., None]


def tide_marks(shape: tuple[int, int], count: int, chance: np.random.Generator) -> Floats32:
    """Return what ``count`` water stains leave of the light, ``(h, w, 3)``: pale within, a brown rim, and foxing."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wobble = 0.35 * (clouds(shape, 50, chance) - 0.5)
    left = np.ones((*shape, 3), np.float32)
    for _ in range(count):
        radius = chance.uniform(0.08, 0.3) * min(shape)
        at = chance.uniform(0, height), chance.uniform(0, width)
        away = np.hypot(y - at[0], 0.8 * (x - at[1])) / radius + wobble
        rim = np.exp(-(((away - 1) / 0.06) ** 2)) * (0.6 + 0.4 * chance.random())
        dark = 0.1 * (away < 1) + 0.3 * rim
        left *= 1 - dark[..., None] * np.array([0.55, 0.75, 1.0], np.float32)
    for _ in range(12 * count):
        radius = chance.uniform(1.5, 6.0)
        at = int(chance.integers(0, height)), int(chance.integers(0, width))
        reach = int(4 * radius)
        rows, columns = (slice(max(0, at[k] - reach), at[k] + reach + 1) for k in (0, 1))
        spot = np.exp(-((y[rows, columns] - at[0]) ** 2 + (x[rows, columns] - at[1]) ** 2) / (2 * radius**2))
        left[rows, columns] *= 1 - 0.25 * spot[..., None] * np.array([0.5, 0.7, 1.0], np.float32)
    return left


def creases(shape: tuple[int, int], count: int, chance: np.random.Generator) -> Floats32:
    """Return what folds do to the light, ``(h, w, 1)``: a dark edge, a bright one beside it, and a step."""
    height, width = shape
    light = np.ones(shape, np.float32)
    for k in range(count):
        along, across = (width, height) if k % 2 else (height, width)
        at = (0.25 + 0.5 * chance.random()) * across + chance.normal(0, 0.01) * across
        course = (
            at
            + 0.02 * across * (clouds((1, along), 80, chance)[0] - 0.5)
            + chance.normal(0, 8) * np.linspace(-0.5, 0.5, along)
        )
        away = np.arange(across)[None, :] - course[:, None]
        edge = -0.16 * np.exp(-((away / 1.6) ** 2)) + 0.06 * np.exp(-(((away - 4) / 3) ** 2))
        step = 0.04 * np.tanh(away / 30) * np.exp(-np.abs(away) / (0.25 * across))
        one = (1 + edge + step).astype(np.float32)
        light *= one.T if k % 2 else one
    return light[..., None]


def smears(shape: tuple[int, int], depth: float, chance: np.random.Generator) -> Floats32:
    """Return what wiped-off marker leaves of the light, ``(h, w, 1)``: broad grey strokes of a sponge."""
    height, width = shape
    sheet = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(sheet)
    for _ in range(6):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        turn, reach = chance.uniform(-0.6, 0.6), chance.uniform(0.15, 0.4) * width
        end = x + reach * np.cos(turn), y + reach * np.sin(turn)
        draw.line([(x, y), end], fill=int(chance.integers(90, 255)), width=int(chance.uniform(0.04, 0.09) * height))
    grain = gaussian_filter(chance.normal(0, 1, shape), (1.5, 18.0))
    grain = 0.5 + 0.5 * np.clip(grain / (2 * grain.std() + 1e-9), -1, 1)
    soft = gaussian_filter(np.asarray(sheet, np.float32) / 255, 6) * grain
    return np.asarray(1 - depth * soft, np.float32)[..., None]


def glare(picture: Floats32, count: int, chance: np.random.Generator) -> Floats32:
    """Return a shiny board with ``count`` lamps mirrored in it: nearly burnt out in the middle, fading outwards."""
    height, width, _ = picture.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shine = np.zeros((height, width), np.float32)
    for _ in range(count):
        at = chance.uniform(0, height), chance.uniform(0, width)
        tall, wide = chance.uniform(0.03, 0.12) * height, chance.uniform(0.06, 0.2) * width
        away = np.maximum(np.abs(y - at[0]) / tall, np.abs(x - at[1]) / wide)  # a window or a tube is a rectangle
        round_ = np.hypot((y - at[0]) / tall, (x - at[1]) / wide)
        shape = away if chance.random() < 0.5 else round_
        shine = np.maximum(shine, 0.75 * np.clip(1.5 - shape, 0, 1) ** 0.5 + 0.25 * np.exp(-round_ / 3))
    shine = gaussian_filter(shine, 0.008 * width)[..., None]
    return np.asarray(picture + 0.7 * shine * (1.02 - picture), np.float32)


def hard_shadow(shape: tuple[int, int], depth: float, chance: np.random.Generator) -> Floats32:
    """Return what the shadow of a hand or a phone leaves of the light, ``(h, w, 1)``: a broad shape with an edge."""
    height, width = shape
    sheet = Image.new("L", (width, height), 255)
    corner = float(int(chance.integers(0, 2)) * width)
    reach = chance.uniform(0.35, 0.7)
    points = [(corner, float(height)), (corner, height * (1 - reach))]
    points += [(abs(corner - width * s), height * (1 - reach * t)) for s, t in ((0.2, 1.1), (0.45, 0.8), (0.6, 0.3))]
    ImageDraw.Draw(sheet).polygon([*points, (abs(corner - width * 0.7), height)], fill=0)
    soft = gaussian_filter(np.asarray(sheet, np.float32) / 255, 0.006 * max(shape))
    return np.asarray(1 - depth * (1 - soft), np.float32)[..., None]


def camera(
    picture: Floats32, blur_px: float, noise: float, jpeg: int, shrink: float, chance: np.random.Generator
) -> Bytes:
    """Return what a camera makes of a scene: out of focus, noisy, at a lower resolution, compressed; uint8."""
    blurred = gaussian_filter(picture, (blur_px, blur_px, 0)) if blur_px else picture
    noisy = blurred + chance.normal(0, noise, blurred.shape).astype(np.float32)
    pixels = np.clip(np.rint(255 * noisy), 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    if shrink != 1.0:
        size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
        image = image.resize(size, Image.Resampling.BOX if shrink < 1 else Image.Resampling.BICUBIC)
    if jpeg:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=jpeg)
        image = Image.open(file)
    return np.array(image)


def clouds(shape: tuple[int, int], scale: int, chance: np.random.Generator) -> Floats32:
    """Return smooth noise from 0 to 1, its spots ``scale`` px large."""
    coarse = chance.random((shape[0] // scale + 4, shape[1] // scale + 4))
    rows = np.arange(shape[0], dtype=np.float64)[:, None] / scale + 1
    columns = np.arange(shape[1], dtype=np.float64)[None, :] / scale + 1
    at = np.broadcast_arrays(rows, columns)
    return np.asarray(map_coordinates(coarse, at, order=2, mode="nearest"), np.float32)
