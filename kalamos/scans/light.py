"""Light and colour: from a picture under uneven light, inks of any colour, to white paper and dark ink.

The paper's brightness is the slow upper envelope of each channel and is divided out. What is left of a pixel against
the paper is a vector of red, green and blue; the direction in which the ink of its region departs from the paper turns
it into one grey, so that red and blue on one page are both read where they are dark. Ink is then told from stains,
shadows and what shines through by its contrast at the width of the pen.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import (
    gaussian_filter,
    gaussian_gradient_magnitude,
    label,
    maximum_filter,
    percentile_filter,
    uniform_filter,
)

from kalamos.machinery.arrays import Bools, Bytes, Floats32, Ints
from kalamos.machinery.threads import side_by_side
from kalamos.scans.sharpness import Edges, edges_of
from kalamos.scans.windows import closed, largest, smallest
from kalamos.skeleton.binarise import otsu_threshold

PAPER = 235
LEAST_CONTRAST = 16
_BACKGROUND_SIDE = 192
_TILE_PX = 64
_BAND_ROWS = 128
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_COLOURFUL = 24
_INK_SHARE, _FIRM_SHARE, _LEAST_FIRM = 0.38, 0.5, 0.04
_GRAIN = 5.0
_LEAST_PALE, _MOSTLY = 100, 0.65
_PALEST, _PALE_SHARE = 0.35, 0.2
_SMALL_PX = 100
_LARGE = 4_000_000
"""Pixels from which on some of them speak for all, where a share or a mean of them is asked for."""


def luma_of(pixels: Bytes) -> Bytes:
    """Return the brightness of a grey ``(h, w)`` or colour ``(h, w, 3)`` picture."""
    if pixels.ndim == 2:
        return pixels
    return np.concatenate([np.rint(pixels[at] @ _LUMA).astype(np.uint8) for at in _bands(len(pixels))])


def evened(pixels: Bytes) -> Bytes:
    """Divide each channel by the light that the paper gets, so that paper becomes :data:`PAPER`."""
    if pixels.ndim == 3:
        out = np.empty_like(pixels)

        def even_out(k: int) -> None:
            out[..., k] = evened(np.ascontiguousarray(pixels[..., k]))

        side_by_side(even_out, range(3))
        return out
    height, width = pixels.shape
    block = max(1, math.ceil(max(height, width) / _BACKGROUND_SIDE))
    rows, columns = math.ceil(height / block), math.ceil(width / block)
    padded = np.pad(pixels, ((0, rows * block - height), (0, columns * block - width)), mode="edge")
    thinned = padded.reshape(rows, block, columns, block)[:, :: 1 + (block > 11), :, :: 1 + (block > 11)]
    blocks = thinned.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    rank = 4 * (blocks.shape[2] - 1) // 5
    bright = np.partition(blocks, rank, axis=2)[..., rank].astype(np.float32)
    reach = max(3, round(max(rows, columns) / 10)) | 1
    bright = percentile_filter(maximum_filter(bright, reach, mode="nearest"), 25, reach, mode="nearest")
    bright = gaussian_filter(bright, reach / 3, mode="nearest")
    light = Image.fromarray(bright).resize((columns * block, rows * block), Image.Resampling.BILINEAR)
    lit, out = np.asarray(light)[:height, :width], np.empty_like(pixels)
    for at in _bands(height):
        band = pixels[at] * (np.float32(PAPER) / np.maximum(lit[at], np.float32(8.0)))
        out[at] = np.minimum(band + np.float32(0.5), np.float32(255.0))
    return out


def grey_by_region(pixels: Bytes, evened_pixels: Bytes | None = None) -> Bytes:
    """Turn an evened colour picture ``(h, w, 3)`` into grey, each region along the colour of its own ink.

    Where ``evened_pixels`` is given, the colours of ink are taken from it, and the grey from the picture as it is.

    The weights of a tile are those of the mean departure from paper, strong departures first, blended with the tiles
    around it; where there is no coloured ink, they are those of luma.
    """
    height, width, _ = pixels.shape
    weights = _tile_weights(pixels if evened_pixels is None else evened_pixels)
    size = (weights.shape[1] * _TILE_PX, weights.shape[0] * _TILE_PX)
    maps = [
        Image.fromarray(np.ascontiguousarray(weights[..., k])).resize(size, Image.Resampling.BILINEAR) for k in range(3)
    ]
    fields = [np.asarray(one)[:height, :width] for one in maps]
    grey = np.empty((height, width), np.uint8)

    def mix(at: slice) -> None:
        total = sum(pixels[at, :, k] * fields[k][at] for k in range(3))
        grey[at] = np.clip(total + np.float32(0.5), 0, 255)

    side_by_side(mix, _bands(height))
    return grey


def _tile_weights(pixels: Bytes) -> Floats32:
    """Return how much red, green and blue count in each tile, float32 ``(rows, columns, 3)``, 1 in all."""
    height, width, _ = pixels.shape
    rows, columns = -(-height // _TILE_PX), -(-width // _TILE_PX)
    sums = np.zeros((rows, columns, 3), np.float32)
    step = 2 if height * width > _LARGE else 1
    for r in range(rows):
        band = pixels[r * _TILE_PX : (r + 1) * _TILE_PX : step, ::step]
        away = np.clip(np.float32(PAPER) - band, 0, None)
        most = away.max(axis=2)
        strong = np.where(most > _COLOURFUL, most, 0)[..., None] * away
        edges = np.arange(0, strong.shape[1], _TILE_PX // step)
        sums[r, : len(edges)] = np.add.reduceat(strong.sum(axis=0), edges, axis=0)
    sums = gaussian_filter(sums, (1.0, 1.0, 0.0), mode="nearest")
    faint = 1e-3 * float(sums.sum(axis=2).max()) + 1e-6
    sums += faint * _LUMA
    return np.asarray(sums / sums.sum(axis=2, keepdims=True), np.float32)


def paper_and_grain(grey: Bytes) -> tuple[int, int]:
    """Return the median grey of a picture, and the median distance from it."""
    counts, levels = np.array(Image.fromarray(grey).histogram()), np.arange(256)
    paper = _quantile(levels, counts, 0.5)
    return paper, _quantile(np.abs(levels - paper), counts, 0.5)


def ink_alone(grey: Bytes) -> Bytes:
    """Turn an evened picture into ink on white: what is no ink is 255, full ink near 0, the rim of strokes in between.

    A mark is ink where it departs from its surroundings, at the scale of a few pen widths, by a share of what the ink
    of its region does, and by several times the paper's grain. Broad shadows, stains and what shines through do not.
    """
    if min(grey.shape) < _SMALL_PX:
        return stretched(grey)
    pen = _pen_of(grey)
    away, grain = _departures(grey, pen)
    usual = _usual_ink(away, grain)
    if usual is None:
        return np.full(grey.shape, 255, np.uint8)
    edges = edges_of(grey, away, usual.away, pen)
    level = _ink_level(away, usual, edges)
    blunt = edges.blunt if edges is not None else None
    weak, strong, firm = (np.empty(away.shape, bool) for _ in range(3))

    def sort_out(at: slice) -> None:
        strong[at] = away[at] > np.maximum(_INK_SHARE * level[at], _GRAIN * grain)
        weak[at] = away[at] > np.maximum(0.5 * _INK_SHARE * level[at], 0.6 * _GRAIN * grain)
        firm[at] = away[at] > _FIRM_SHARE * level[at]
        if blunt is not None:
            strong[at] &= ~blunt[at]
            weak[at] &= ~blunt[at]

    side_by_side(sort_out, _bands(len(away)))
    at = np.nonzero(largest(_held(weak, strong, firm), 5))
    out = np.full(grey.shape, 255, np.uint8)
    out[at] = 255 - np.clip(255 * (away[at] / np.maximum(level[at], 1.0)), 0, 255)
    return out


def _departures(grey: Bytes, pen: float) -> tuple[Floats32, float]:
    """Return how much darker each pixel is than its surroundings, and the grain of the paper."""
    span = 2 * int(min(max(6.0, 4 * pen), max(grey.shape) / 6)) + 1
    darker = closed(grey, span) - grey
    usual, off = paper_and_grain(darker)
    grain = max(1.0, 1.4826 * off)
    away = darker.astype(np.float32)
    away -= np.float32(usual)
    # a blot wider than the reach is its own surroundings: what is dark against a wider ground counts as well
    blot = _ground(grey, span)
    blot -= grey
    least = 0.85 * _strength(away, max(20.0, _GRAIN * grain))
    dark = _blots(blot > 0.6 * _strength(blot, 20.0), blot, span, least)
    return (np.where(dark, np.maximum(away, blot), away) if len(dark) else away), grain


def _pen_of(grey: Bytes) -> float:
    """Estimate the width of the pen on a picture that may have shadows: most runs of dark pixels cross a stroke.

    Shadows, desks and blots are few runs, however long. A slanted stroke is crossed at a slant: 1.2 widths on average.
    """
    window = max(31, min(grey.shape) // 12) | 1
    away = uniform_filter(grey.astype(np.float32), window, mode="nearest")
    away -= grey
    some = away[::3, ::3] if away.size > _LARGE else away
    grain = 1.4826 * float(np.median(np.abs(some - np.median(some))))
    few = max(30, some.size // 1000)
    top = float(np.partition(some.reshape(-1), -few)[-few]) if some.size > few else float(some.max())
    rough = away > max(8.0, _GRAIN * grain, 0.4 * top)
    runs = np.concatenate([_runs(rough), _runs(rough.T)])
    return max(1.0, float(np.percentile(runs, 70)) / 1.2) if len(runs) else 2.0


def _runs(mask: Bools) -> Ints:
    """Return the lengths of all runs along the rows."""
    flat = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8).reshape(-1)
    steps = np.diff(flat)
    return np.asarray(np.flatnonzero(steps < 0) - np.flatnonzero(steps > 0), np.int64)


def _blots(dark: Bools, blot: Floats32, span: int, least: float) -> Bools:
    """Return the wide parts of what is dark that are blots: as dark as strokes, with a sharp edge, and not vast.

    Shadows and glare are paler, or fade outwards.

    Args:
        dark: what is dark against its wider ground, strokes as well as wide parts.
        blot: by how much.
        span: what is wider than this is no stroke, and what is three times as wide no blot.
        least: how dark a blot is at least.
    """
    step = max(1, span // 8)
    small, depth = dark[::step, ::step], blot[::step, ::step]
    reach = max(1, span // step) | 1
    wide = largest(smallest(small, reach), reach)
    if not wide.any():
        return wide[:0]
    grown = largest(wide, reach) & small
    labels, n = label(grown)
    slope = maximum_filter(gaussian_gradient_magnitude(blot, 1.5), 2 * step + 1)[::step, ::step]
    steep = slope > 0.1 * np.maximum(maximum_filter(depth, 5), 1)
    edge = grown & ~smallest(grown, 3)
    sharp = np.bincount(labels[edge], steep[edge], n + 1) > 0.8 * np.bincount(labels[edge], minlength=n + 1)
    kept = sharp & (np.bincount(labels[wide], depth[wide], n + 1) > least * np.bincount(labels[wide], minlength=n + 1))
    kept[np.unique(labels[smallest(wide, 3 * reach)])] = False
    kept[0] = False
    if not kept.any():
        return wide[:0]
    rows, columns = (np.minimum(np.arange(k) // step, m - 1) for k, m in zip(dark.shape, small.shape, strict=True))
    return np.asarray(dark & largest(kept[labels], 3)[np.ix_(rows, columns)])


def _ground(grey: Bytes, span: int) -> Floats32:
    """Return the surroundings at four times the reach: wider than blots, narrower than shadows."""
    height, width = grey.shape
    small = np.asarray(Image.fromarray(grey).reduce(4)) if min(grey.shape) >= 8 else grey
    field = Image.fromarray(closed(small, span)).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(field, np.float32)


def _strength(away: Floats32, least: float) -> float:
    """Return how far full ink departs from the paper."""
    marks = away[::2, ::2][away[::2, ::2] > least]
    return float(np.percentile(marks, 80)) if marks.size > 16 else 255.0


class _Usual(NamedTuple):
    """How far ink departs: usual ink, the least that is surely ink, and the least that is more than grain."""

    away: float
    least: float
    grain: float


def _usual_ink(away: Floats32, grain: float) -> _Usual | None:
    """Return how far the ink of a page departs from its paper; None where there is none."""
    grains = max(_GRAIN * grain, 10.0)
    least = grains
    # noise has a tail, and ink may be a word on a large sheet: the darkest few pixels say what ink is
    few = max(30, away.size // 10_000)
    whole = away[away > least]
    if whole.size > few:
        least = max(least, 0.35 * float(np.partition(whole, -few)[-few]))
        whole = whole[whole > least]
    return _Usual(float(np.percentile(whole, 60)), least, grains) if whole.size else None


def _mostly(sharp: Bools, pale: Bools) -> Bools:
    """Return the tiles of which most pale marks are sharp: of wood, of smears and of what shines through, some are."""
    edges = [np.arange(0, n, _TILE_PX) for n in pale.shape]
    counts = [
        np.add.reduceat(np.add.reduceat(some, edges[0], axis=0, dtype=np.int64), edges[1], axis=1)
        for some in (sharp & pale, pale)
    ]
    rows, columns = (np.arange(n) // _TILE_PX for n in pale.shape)
    return np.asarray((counts[0] > _MOSTLY * counts[1])[np.ix_(rows, columns)])


def _ink_level(away: Floats32, usual: _Usual, edges: Edges | None) -> Floats32:
    """Return how far the ink of each region departs, ``(h, w)`` by tiles.

    What departs less than ink surely does counts where its edges are as steep as the ink's: a paler pen, or what a lamp
    that is mirrored in a board leaves of the ink.
    """
    rows, columns = (-(-n // _TILE_PX) for n in away.shape)
    levels, counts = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    marked = away > usual.least
    floor = _PALEST
    if edges is not None:
        pale = (away > max(usual.grain, _PALE_SHARE * usual.away)) & edges.pale
        marked |= pale & edges.sharp & _mostly(edges.sharp, pale)
        floor = _PALE_SHARE
    y, x = np.nonzero(marked)
    tile_of = (y // _TILE_PX) * columns + x // _TILE_PX
    order = np.argsort(tile_of, kind="stable")
    sizes = np.bincount(tile_of, minlength=rows * columns)
    for k, marks in enumerate(np.split(away[y[order], x[order]], np.cumsum(sizes)[:-1])):
        if marks.size > (12 if marks.max(initial=0) > usual.least else _LEAST_PALE):
            r, c = divmod(k, columns)
            levels[r, c] = np.partition(marks, (3 * marks.size) // 4)[(3 * marks.size) // 4]
            # writing is sparse on a smooth ground; wood and cloth, whose marks are everywhere, say nothing of ink
            tile = away[r * _TILE_PX : (r + 1) * _TILE_PX, c * _TILE_PX : (c + 1) * _TILE_PX]
            sparse = 2 * np.count_nonzero(tile < 0.25 * levels[r, c]) > tile.size
            counts[r, c] = min(marks.size, 400) if sparse else 0
    # a tile with little ink leans on its neighbours; full ink of the page keeps stains from passing for ink
    weight = gaussian_filter(counts, 1.5, mode="nearest")
    smooth = (gaussian_filter(levels * counts, 1.5, mode="nearest") + 20 * usual.away) / (weight + 20)
    smooth = np.clip(smooth, floor * usual.away, 1.5 * usual.away)
    size = (columns * _TILE_PX, rows * _TILE_PX)
    field = Image.fromarray(smooth.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(field, np.float32)[: away.shape[0], : away.shape[1]]


def _held(weak: Bools, strong: Bools, firm: Bools) -> Bools:
    """Return the weak marks that hold on to strong ones (hysteresis), of which some are as dark as ink of the region.

    What shines through, and the rims of stains, are strong in places and firm in none.
    """
    labels, n = label(weak, np.ones((3, 3), bool))
    dark, darkest = (np.bincount(labels[some], minlength=n + 1) for some in (strong, strong & firm))
    kept = (dark > 0) & (darkest >= _LEAST_FIRM * dark)
    kept[0] = False
    return np.asarray(kept[labels])


def stretched(grey: Bytes) -> Bytes:
    """Stretch grey so that paper with its grain becomes 255 and the darkest ink 0."""
    if int(grey.max()) - int(grey.min()) < LEAST_CONTRAST:
        return np.full(grey.shape, 255, np.uint8)
    counts = np.bincount(grey.reshape(-1), minlength=256)
    levels, threshold = np.arange(256), otsu_threshold(grey)
    black = _quantile(levels, np.where(levels <= threshold, counts, 0), 0.05)
    light = np.where(levels > threshold, counts, 0)
    middle = _quantile(levels, light, 0.5)
    grain = 1.4826 * _quantile(np.abs(levels - middle), light, 0.5)
    white = max(middle - 2.0 * grain, black + 8.0)
    table = np.clip(np.rint((levels - black) * (255.0 / (white - black))), 0, 255).astype(np.uint8)
    result: Bytes = table[grey]
    return result


def _quantile(values: Ints, counts: Ints, share: float) -> int:
    """Return the smallest value that at least this share of the counts do not exceed."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    return int(values[order][np.searchsorted(total, share * total[-1])])


def _bands(height: int) -> list[slice]:
    """Return the rows of a page in bands that stay in the processor's cache."""
    return [slice(top, top + _BAND_ROWS) for top in range(0, height, _BAND_ROWS)]
