# ruff: noqa: ANN001, ANN202 - numba infers the kernels' types
# mypy: allow-untyped-calls
"""Paper under the ink: grain, clouds, rulings, stains, writing that shines through, uneven light.

Light comes back from paper that ink and dirt darken, so everything multiplies: ``grey = paper * (1 - darkness * ink) *
(1 - ruling) * ...``, and no ink is ever lighter than what it lies on. Grey is 0 (black) to 1 (white) until
:mod:`kalamos.renderers.capture` makes bytes of it. All randomness of an image comes from its one seed.

The ``*_flat`` functions work on a batch of images of any sizes that lie one after another in one array; the others do
the same for one image, to the same bytes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Floats, Floats32, Ints
from kalamos.machinery.kernels import inner, kernel
from kalamos.renderers.style import Style
from kalamos.renderers.texture import (
    SIDE,
    STRIP,
    UNIT,
    blur,
    gaussian_taps,
    grain_bank,
    halvings,
    random_bits,
    random_unit,
)

Seeds = NDArray[np.uint64]

_RULINGS = {"lines": 1, "grid": 2, "dots": 3}
_STAIN_SPREAD = 0.4
_MAX_STAINS = 4096
_PIXEL_US = 6.0  # what a step costs a pixel in plain Python


def compose(coverage: NDArray[np.floating], style: Style, rng: np.random.Generator) -> Floats32:
    """Lay one image of ink on paper.

    Args:
        coverage: ``(h, w)``, how much ink each pixel holds, 0 to 1.
        style: the ink and paper parameters of it are used.
        rng: gives one seed, whatever the style.

    Returns:
        float32 ``(h, w)``, grey from 0 (black) to 1 (white).
    """
    seed = rng.integers(0, 1 << 64, 1, np.uint64)
    height, width = coverage.shape
    flat = np.array(coverage, np.float32).reshape(-1)
    compose_flat(flat, np.array([[height, width, 0]]), style, seed)
    return flat.reshape(height, width)


def compose_flat(amount: Floats32, frames: Ints, style: Style, seeds: Seeds) -> None:
    """Lay a batch of images of ink on paper, in place.

    Args:
        amount: float32, how much ink each pixel holds, image after image; becomes grey, 0 to 1.
        frames: int64 ``(m, 3)``: height, width and start of each image.
        style: one style for all.
        seeds: uint64 ``(m,)``, one an image.
    """
    work_us = _PIXEL_US * len(amount)
    behind = amount.copy() if style.show_through > 0 else amount[:0]
    if style.bleed_px > 0:
        wet = amount.copy()
        blur(wet, frames, gaussian_taps(style.bleed_px))
        _bleed.for_work(work_us)(amount, wet, frames, seeds, grain_bank(max(1.0, 2 * style.bleed_px)), style.opacity)
    _blend.for_work(work_us)(
        amount,
        frames,
        seeds,
        (grain_bank(style.paper_grain_px), grain_bank(_cloud_px(style)), grain_bank(style.ink_texture_px)),
        halvings(style.paper_cloud_px),
        np.array(
            [style.paper_level, style.paper_grain / UNIT, style.paper_cloud / UNIT, style.ink_texture, style.darkness],
            np.float32,
        ),
    )
    if style.ruling != "none" and style.ruling_darkness > 0:
        _rule.for_work(work_us)(amount, frames, _ruling(style))
    if style.show_through > 0:
        _show_through.for_work(work_us)(amount, behind, frames, seeds, np.float32(style.show_through))
    if style.stains > 0 and style.stain_darkness > 0:
        _spill.for_work(work_us)(amount, frames, seeds, style.stains, style.stain_size_px, style.stain_darkness)
    if style.light > 0 or style.shadow > 0:
        _shade.for_work(work_us)(amount, frames, seeds, style.light, math.radians(style.light_angle_deg), style.shadow)


def _cloud_px(style: Style) -> float:
    return style.paper_cloud_px / float(2 ** halvings(style.paper_cloud_px))


def _ruling(style: Style) -> Floats:
    angle = math.radians(style.ruling_angle_deg)
    return np.array(
        [
            _RULINGS[style.ruling],
            math.cos(angle) / style.ruling_spacing_px,
            math.sin(angle) / style.ruling_spacing_px,
            style.ruling_phase,
            style.ruling_spacing_px,
            style.ruling_width_px,
            style.ruling_darkness,
        ]
    )


@kernel
def _blend(flat, frames, seeds, banks, halved, levels):  # type: ignore[no-untyped-def]
    """Turn ink into grey: paper with grain and clouds, and ink with holes over it.

    The ink is eaten by ``texture * u ** 2``, u being noise spread about evenly over 0 to 1, so that texture 1 leaves
    holes; where the pen covers a pixel in part less is left to eat, and edges get rough.
    """
    level, grain, cloud, texture, darkness = levels
    grains, clouds, inks = banks
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    spread = np.float32(0.27 / UNIT)
    plain = grain == zero and cloud == zero and texture == zero
    for i in range(len(frames)):
        height, width, start = frames[i]
        bits = random_bits(seeds[i], 0)
        more = random_bits(seeds[i], 1)
        at = np.empty(6, np.int64)
        for k in range(3):
            at[k] = np.int64((bits >> np.uint64(9 * k)) & np.uint64(SIDE - 1))
            at[3 + k] = np.int64((more >> np.uint64(9 * k)) & np.uint64(SIDE - 1))
        for r in range(height):
            out = flat[start + r * width : start + (r + 1) * width]
            if plain:
                for c in range(width):
                    out[c] = level * (one - darkness * out[c])
                continue
            grain_row = grains[(at[0] + r) & (SIDE - 1)]
            cloud_row = clouds[(at[1] + (r >> halved)) & (SIDE - 1)]
            ink_row = inks[(at[2] + r) & (SIDE - 1)]
            for first in range(0, width, STRIP):
                span = min(STRIP, width - first)
                part = out[first : first + span]
                fine = grain_row[(at[3] + first) & (SIDE - 1) :]
                eaten = ink_row[(at[5] + first) & (SIDE - 1) :]
                if halved == 0:
                    slow = cloud_row[(at[4] + first) & (SIDE - 1) :]
                    for c in range(span):
                        u = min(max(half + spread * np.float32(eaten[c]), zero), one)
                        ink = max(part[c] - texture * u * u, zero)
                        part[c] = (level + grain * np.float32(fine[c]) + cloud * np.float32(slow[c])) * (
                            one - darkness * ink
                        )
                else:
                    for c in range(span):
                        u = min(max(half + spread * np.float32(eaten[c]), zero), one)
                        ink = max(part[c] - texture * u * u, zero)
                        slow_value = cloud_row[(at[4] + ((first + c) >> halved)) & (SIDE - 1)]
                        part[c] = (level + grain * np.float32(fine[c]) + cloud * np.float32(slow_value)) * (
                            one - darkness * ink
                        )


@kernel
def _bleed(flat, wet, frames, seeds, bank, full):  # type: ignore[no-untyped-def]
    """Let ink creep to where the blurred ink exceeds what the fibres there hold back; ``full`` is one stroke's ink."""
    for i in range(len(frames)):
        height, width, start = frames[i]
        bits = random_bits(seeds[i], 2)
        top, left = np.int64(bits & np.uint64(SIDE - 1)), np.int64((bits >> np.uint64(9)) & np.uint64(SIDE - 1))
        for r in range(height):
            row = bank[(top + r) & (SIDE - 1)]
            for c in range(width):
                k = start + r * width + c
                u = min(max(0.5 + 0.27 / UNIT * row[(left + c) & (SIDE - 1)], 0.0), 1.0)
                crept = full * min(max((np.float64(wet[k]) / full - (0.02 + 0.35 * u)) * 4.0, 0.0), 1.0)
                flat[k] = max(flat[k], np.float32(crept))


@kernel
def _rule(flat, frames, ruling):  # type: ignore[no-untyped-def]
    """Print lines, a grid or dots; each is anti-aliased by its distance from the pixel's centre."""
    kind, cos, sin, phase, spacing, size, darkness = ruling
    most = min(1.0, size)
    for i in range(len(frames)):
        height, width, start = frames[i]
        for r in range(height):
            for c in range(width):
                x, y = c + 0.5, r + 0.5
                across = y * cos - x * sin - phase
                down = abs(across - np.floor(across + 0.5)) * spacing
                cover = min(max((size + 1.0) / 2 - down, 0.0), most)
                if kind > 1.5:
                    along = x * cos + y * sin - phase
                    aside = abs(along - np.floor(along + 0.5)) * spacing
                    if kind > 2.5:
                        cover = min(max((size + 1.0) / 2 - math.sqrt(down * down + aside * aside), 0.0), most)
                    else:
                        cover = max(cover, min(max((size + 1.0) / 2 - aside, 0.0), most))
                flat[start + r * width + c] *= np.float32(1.0 - darkness * cover)


@kernel
def _show_through(flat, ink, frames, seeds, depth):  # type: ignore[no-untyped-def]
    """Darken by writing of the same kind on the back: this ink mirrored, moved and blurred over 3 x 3 pixels."""
    for i in range(len(frames)):
        height, width, start = frames[i]
        image = ink[start : start + height * width].reshape(height, width)
        down = int(random_unit(seeds[i], 3) * height)
        aside = int((random_unit(seeds[i], 4) - 0.5) * 0.25 * width)
        for r in range(height):
            rows = ((r + down - 1) % height, (r + down) % height, (r + down + 1) % height)
            for c in range(width):
                k = (width - 1 - c + aside) % width
                before, after = (k - 1) % width, (k + 1) % width
                total = np.float32(0.0)
                for j in range(3):
                    weight = np.float32(2.0 if j == 1 else 1.0)
                    row = image[rows[j]]
                    total += weight * (row[before] + np.float32(2.0) * row[k] + row[after])
                flat[start + r * width + c] *= np.float32(1.0) - depth * total * np.float32(1 / 16)


@inner
def _stain(image, x, y, radius, shape):  # type: ignore[no-untyped-def]
    """Paint one stain; ``shape``: aspect, two phases of the wavy outline, darkness."""
    height, width = image.shape
    aspect, phase, other, darkness = shape
    reach = radius * max(aspect, 1 / aspect) * 1.3 + 1.0
    for r in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
        for c in range(max(0, int(x - reach)), min(width, int(x + reach) + 2)):
            dx, dy = (c + 0.5 - x) / aspect, (r + 0.5 - y) * aspect
            away = math.sqrt(dx * dx + dy * dy)
            if away > 1.14 * radius + 1.0:
                continue
            angle = math.atan2(dy, dx)
            wave = 1.0 + 0.08 * math.sin(3 * angle + phase) + 0.05 * math.sin(5 * angle + other)
            rho = away / (radius * wave)
            inside = min(max((1.0 - rho) * radius / 1.5 + 0.5, 0.0), 1.0)
            rim = min(max(1.0 - abs(rho - 0.92) / 0.16, 0.0), 1.0)
            image[r, c] *= np.float32(1.0 - darkness * inside * (0.45 + 0.55 * rim))


@kernel
def _spill(flat, frames, seeds, share, size, darkness):  # type: ignore[no-untyped-def]
    """Spill stains: a Poisson number, log-normal diameters around the median, darkest at the rim where they dried."""
    mean_area = np.pi / 4 * size * size * math.exp(2 * _STAIN_SPREAD * _STAIN_SPREAD)
    for i in range(len(frames)):
        height, width, start = frames[i]
        seed = random_bits(seeds[i], 10)
        expected = share * (height + 2 * size) * (width + 2 * size) / mean_area
        waited = -math.log(1.0 - random_unit(seed, 0))
        n = 0
        while waited < expected and n < _MAX_STAINS:
            k = 1 + 10 * n
            x = random_unit(seed, k) * (width + 2 * size) - size
            y = random_unit(seed, k + 1) * (height + 2 * size) - size
            bell = math.sqrt(-2 * math.log(1.0 - random_unit(seed, k + 2))) * math.cos(
                2 * np.pi * random_unit(seed, k + 3)
            )
            radius = size / 2 * math.exp(_STAIN_SPREAD * bell)
            shape = (
                0.7 + 0.7 * random_unit(seed, k + 4),
                2 * np.pi * random_unit(seed, k + 5),
                2 * np.pi * random_unit(seed, k + 6),
                (0.4 + 0.6 * random_unit(seed, k + 7)) * darkness,
            )
            _stain(flat[start : start + height * width].reshape(height, width), x, y, radius, shape)
            waited -= math.log(1.0 - random_unit(seed, k + 8))
            n += 1


@kernel
def _shade(flat, frames, seeds, light, angle, shadow):  # type: ignore[no-untyped-def]
    """Let light fade across the sheet, and cast one soft-edged shadow of a random direction and place."""
    for i in range(len(frames)):
        height, width, start = frames[i]
        cos, sin = math.cos(angle), math.sin(angle)
        reach = (width * abs(cos) + height * abs(sin)) / 2
        turn = 2 * np.pi * random_unit(seeds[i], 5)
        shadow_cos, shadow_sin = math.cos(turn), math.sin(turn)
        shadow_reach = (width * abs(shadow_cos) + height * abs(shadow_sin)) / 2
        edge = (random_unit(seeds[i], 6) * 1.2 - 0.6) * shadow_reach
        soft = (0.08 + 0.3 * random_unit(seeds[i], 7)) * min(height, width)
        for r in range(height):
            y = r + 0.5 - height / 2
            for c in range(width):
                x = c + 0.5 - width / 2
                fading = 0.5 + (x * cos + y * sin) / (2 * reach)
                depth = min(max((x * shadow_cos + y * shadow_sin - edge) / soft + 0.5, 0.0), 1.0)
                depth = depth * depth * (3.0 - 2.0 * depth)
                flat[start + r * width + c] *= np.float32((1.0 - light * fading) * (1.0 - shadow * depth))
