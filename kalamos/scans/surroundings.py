"""What lies round a sheet: the desk of a photograph, the black rim of a scanner, the wall behind a board.

What is clearly darker than the sheet, wide, touches the picture's edge and ends in a sharp step is no part of it,
unless it is written on: a shadow falls on the writing as well. Writing is sparse, strong marks on a smooth ground; the
grain of wood and the weave of cloth are not, and are left out where they lie round the sheet.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import (
    binary_dilation,
    binary_fill_holes,
    gaussian_gradient_magnitude,
    label,
    maximum_filter,
    minimum_filter,
)

from kalamos.machinery.arrays import Bools, Bytes, Floats32
from kalamos.skeleton.binarise import otsu_threshold

_SIDE_PX = 400
_LEAST_PX = 160
_LEAST_SHARE = 0.01
_LEAST_STEP = 0.25
_MOST_TONES = 3
_STEP = 0.1
_MARKS_SIDE_PX, _MARK_SPAN_PX, _BLOCK_PX = 1600, 31, 24
_SPARSE, _LEAST_MARK, _LEAST_LEVELS, _LEAST_BLOCKS = 0.2, 0.1, 8, 5
_MOST_GRAIN = 0.45
_LEAST_WEAVE, _LEAST_PAGE_BLOCKS = 0.25, 20


def surroundings(grey: Bytes) -> Bools | None:
    """Return what lies round the sheet and a little of its edge, ``(h, w)``; None where the sheet fills the picture.

    Writing is first closed over; then the darkest tone round the sheet is left out, and the next one, up to three. A
    corner that darkens slowly is part of the sheet, and so is what is written on.

    Args:
        grey: uint8 ``(h, w)``, sheet light, ink dark.
    """
    if min(grey.shape) < _LEAST_PX:
        return None
    step = max(1, min(max(grey.shape) // _SIDE_PX, min(grey.shape) // (_LEAST_PX // 2)))
    small = np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else grey
    reach = max(3, max(small.shape) // 40) | 1
    closed = minimum_filter(maximum_filter(small, reach, mode="nearest"), reach, mode="nearest")
    block = max(1, round(_BLOCK_PX * max(small.shape) / min(max(grey.shape), _MARKS_SIDE_PX)))
    written, woven = _written_and_woven(grey, closed.shape)
    stepped = gaussian_gradient_magnitude(np.log(closed.astype(np.float32) + 4), 1.0) > _STEP
    beside, shaded = np.zeros(closed.shape, bool), np.zeros(closed.shape, bool)
    for _ in range(_MOST_TONES):
        part = _darker_round(closed, beside, ~(beside | shaded))
        if part is None:
            break
        kept = _shaded(part, written, stepped, block)
        shaded |= kept
        beside |= part & ~kept
    beside |= woven & ~shaded
    if not _LEAST_SHARE <= beside.mean() <= 0.85:
        return None
    beside = maximum_filter(~_sheet(beside, shaded), 2 * max(2, max(small.shape) // 130) + 1)
    height, width = small.shape
    rows = np.minimum(np.arange(grey.shape[0]) // step, height - 1)
    columns = np.minimum(np.arange(grey.shape[1]) // step, width - 1)
    return np.asarray(beside[np.ix_(rows, columns)])


def _darker_round(closed: Bytes, beside: Bools, rest: Bools) -> Bools | None:
    """Return the parts of the darker tone of the rest that touch the edge, or what is beside, and end in a step."""
    if not rest.any() or int(closed[rest].min()) == int(closed[rest].max()):
        return None
    dark = rest & (closed <= otsu_threshold(closed[rest]))
    light = rest & ~dark
    if not dark.any() or not light.any():
        return None
    sheet, desk = float(np.median(closed[light])), float(np.median(closed[dark]))
    if desk > (1 - _LEAST_STEP) * sheet:
        return None
    labels, _ = label(dark)
    touching = maximum_filter(beside, 3)
    touching[[0, -1], :] = touching[:, [0, -1]] = True
    steep = gaussian_gradient_magnitude(closed.astype(np.float32), 1.0) > 0.1 * (sheet - desk)
    found = np.zeros(dark.shape, bool)
    for k in np.unique(labels[touching & dark]).tolist():
        part = labels == k
        edge = maximum_filter(part, 3) & light
        if part.mean() >= _LEAST_SHARE / 4 and edge.any() and steep[edge].mean() > 0.6:
            found |= part
    return found if found.any() else None


def _sheet(beside: Bools, shaded: Bools) -> Bools:
    """Return the sheet: the largest part that is not beside, and what else is written on; its holes are filled.

    Cups and fingers that reach in from the edge are left as holes of the largest part; all else lies beside it.
    """
    labels, n = label(~beside)
    sizes = np.bincount(labels.reshape(-1), minlength=n + 1)
    sizes[0] = 0
    kept = np.zeros(n + 1, bool)
    kept[labels[shaded]] = True
    kept[int(np.argmax(sizes))] = True
    return np.asarray(binary_fill_holes(kept[labels]) & ~beside)


def _written_and_woven(grey: Bytes, shape: tuple[int, int]) -> tuple[Bools, Bools]:
    """Return where there is writing, and where wood or cloth round it, on a grid of ``shape``.

    Writing: sparse marks, much darker than a smooth ground. Wood and cloth: marks everywhere, in a wide region at the
    picture's edge, beside far more writing than a stray mark.
    """
    step = max(1, -(-max(grey.shape) // _MARKS_SIDE_PX))
    small = np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else grey
    ground = minimum_filter(maximum_filter(small, _MARK_SPAN_PX, mode="nearest"), _MARK_SPAN_PX, mode="nearest")
    away = np.asarray(1 - small / np.maximum(ground, 8).astype(np.float32), np.float32)
    usual, strong = _quantiles(np.where(ground - small >= _LEAST_LEVELS, away, np.minimum(away, _LEAST_MARK / 2)))
    # the grain of a nearly black rim is strong for its tone, but everywhere
    sparse = (usual <= _SPARSE * strong) & (strong >= _LEAST_MARK) & (_quantiles(away)[0] <= _MOST_GRAIN * strong)
    if not sparse.any():
        return np.zeros(shape, bool), np.zeros(shape, bool)
    ink = float(np.percentile(strong[sparse], 80))
    marked = sparse & (strong >= 0.5 * ink)
    woven = (usual > _SPARSE * strong) & (strong >= _LEAST_WEAVE * ink)
    woven = maximum_filter(minimum_filter(woven, 3), 3)
    if marked.sum() >= _LEAST_PAGE_BLOCKS and woven.any():
        labels, _ = label(woven)
        rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        woven = np.isin(labels, rim[rim > 0])
    else:
        woven[:] = False
    rows, columns = (
        np.minimum((np.arange(n) + 0.5) * m / n, k * _BLOCK_PX - 1).astype(int) // _BLOCK_PX
        for n, m, k in zip(shape, small.shape, marked.shape, strict=True)
    )
    return np.asarray(marked[np.ix_(rows, columns)]), np.asarray(woven[np.ix_(rows, columns)])


def _shaded(part: Bools, written: Bools, stepped: Bools, block: int) -> Bools:
    """Return what of a dark part is written on, and a little around it: marks well inside it, several together.

    Args:
        part: ``(h, w)``.
        written: blocks with marks, ``(h, w)``.
        stepped: where the tone changes sharply, as at the edge of a sheet.
        block: side of a block.
    """
    inner = written & minimum_filter(part, 2 * block + 1) & ~maximum_filter(stepped, block + 1)
    if not inner.any():
        return inner
    labels, n = label(maximum_filter(inner, 2 * block + 1))
    sizes = np.bincount(labels.reshape(-1), inner.reshape(-1), minlength=n + 1)
    kept = sizes >= _LEAST_BLOCKS * block * block
    kept[0] = False
    grown = binary_dilation(inner & kept[labels], iterations=3 * block, mask=part & ~stepped)
    # the shadow's own edge is a step as well: its rim goes with it on the side of the light
    return np.asarray(grown | (part & maximum_filter(grown, block + 7) & maximum_filter(~part, 11)))


def _quantiles(away: Floats32) -> tuple[Floats32, Floats32]:
    """Return of each block the median and the 95th of a hundred, ``(rows, columns)``."""
    rows, columns = (-(-n // _BLOCK_PX) for n in away.shape)
    grown = [(0, rows * _BLOCK_PX - away.shape[0]), (0, columns * _BLOCK_PX - away.shape[1])]
    padded = np.pad(away, grown, mode="edge")
    blocks = padded.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    places = [blocks.shape[2] // 2, int(0.95 * blocks.shape[2])]
    ordered = np.partition(blocks, places, axis=2)
    return ordered[..., places[0]], ordered[..., places[1]]
