"""Dark on light, or light on dark; and what of a picture is no part of the sheet.

Ink never fills what lies around it, so of a small crop the edge tells the paper. A page may lie on a dark desk, hang on
a bright wall or darken to its corners: there both tones have wide areas, and the thin marks inside them tell.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import distance_transform_cdt, label, minimum_filter

from kalamos.machinery.arrays import Bools, Bytes, Floats32
from kalamos.scans.windows import largest, smallest
from kalamos.skeleton.binarise import otsu_threshold

_SIDE_PX = 1000
_LEAST_PAGE_PX = 100
_BLOCK_PX = 24
_EXTREME = 8
_LEAST_WEDGE, _LEAST_SHEET = 0.004, 0.15
_LEAST_CONTRAST = 24
_BOXED = 0.5


def is_light_on_dark(grey: Bytes, beside: Bools | None = None) -> bool:
    """Say whether a grey picture ``(h, w)`` shows light ink on a dark ground.

    Args:
        grey: uint8, at least two different values.
        beside: what is no part of the sheet, as :func:`beside_sheet` finds it.
    """
    small, aside = _reduced(grey, beside)
    inside = ~aside
    if not inside.any():
        return False
    dark = small <= otsu_threshold(small[inside])
    reach = max(3, min(small.shape) // 24)
    if min(small.shape) >= _LEAST_PAGE_PX:
        cores = _core(dark & inside, reach), _core(~dark & inside, reach)
        if cores[0].any() and cores[1].any():
            edge = _grown(cores[0], 2 * reach) & _grown(cores[1], 2 * reach)
            return _bright_marks(small, inside & ~edge) > 0
    if beside is None:
        dark = _within_box(dark)
        inside, aside = np.ones(dark.shape, bool), np.zeros(dark.shape, bool)
    rim = inside & (_grown(aside, 1) | _frame(dark.shape))
    return float(dark[rim].mean()) + _dark_corners(dark, inside) + _thickness(dark, inside) > 1.5


def _within_box(dark: Bools) -> Bools:
    """Return a small crop without the box of a form around it: a rim of the other tone than what lies within."""
    step = max(2, min(dark.shape) // 10)
    if min(dark.shape) < 5 * step:
        return dark
    within = dark[step:-step, step:-step]
    shares = [float(one[_frame(one.shape)].mean()) for one in (dark, within)]
    return within if abs(shares[0] - shares[1]) > _BOXED else dark


def _dark_corners(dark: Bools, inside: Bools) -> float:
    """Return how much of the four corners is dark, 0 to 1: writing that is cut to its ink leaves them free."""
    n = max(1, min(dark.shape) // 8)
    ends = (slice(0, n), slice(-n, None))
    corners = [(rows, columns) for rows in ends for columns in ends]
    shares = [float(dark[at][inside[at]].mean()) for at in corners if inside[at].any()]
    return float(np.mean(shares)) if shares else 0.5


def _thickness(dark: Bools, inside: Bools) -> float:
    """Return the dark tone's greatest thickness over that of both: ink is the thinner of them.

    Ink ends at the picture's edge, paper goes on; each tone is measured as if it were ink, and as if it were paper.
    """
    ink, paper = dark & inside, ~dark & inside
    as_ink = _depth(ink, goes_on=False), _depth(paper, goes_on=False)
    as_paper = _depth(ink, goes_on=True), _depth(paper, goes_on=True)
    dark_is_ink, light_is_ink = as_ink[0] / (as_ink[0] + as_paper[1]), as_ink[1] / (as_ink[1] + as_paper[0])
    return 0.5 + 0.5 * (dark_is_ink - light_is_ink)


def _depth(mask: Bools, *, goes_on: bool) -> float:
    padded = np.pad(mask, 1, mode="edge") if goes_on else np.pad(mask, 1)
    return max(1.0, float(distance_transform_cdt(padded, "chessboard").max()))


def beside_sheet(grey: Bytes, opaque: Bools | None = None) -> Bools | None:
    """Return what is no part of the sheet, ``(h, w)``: transparent, or flat black or white wedges round a polygon.

    A wedge is one extreme tone that touches the picture's edge, while the rest is a sheet with a paper of its own and
    marks on it. None where the sheet fills the picture.
    """
    beside = np.zeros(grey.shape, bool) if opaque is None else ~opaque
    if beside.all():
        return None
    for flat in (grey <= _EXTREME, grey >= 255 - _EXTREME):
        wedge = _at_edge(flat & ~beside)
        if wedge.mean() >= _LEAST_WEDGE and _is_sheet(grey, ~(wedge | beside), flat):
            beside = beside | wedge
    return beside if beside.any() else None


def _reduced(grey: Bytes, beside: Bools | None) -> tuple[Bytes, Bools]:
    step = max(1, min(max(grey.shape) // _SIDE_PX, min(grey.shape) // _LEAST_PAGE_PX))  # a long line stays a line
    small = np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else grey
    if beside is None:
        return small, np.zeros(small.shape, bool)
    rows, columns = (
        np.minimum(np.arange(n) * step + step // 2, m - 1) for n, m in zip(small.shape, grey.shape, strict=True)
    )
    return small, _grown(beside[np.ix_(rows, columns)], 1)


def _is_sheet(grey: Bytes, rest: Bools, flat: Bools) -> bool:
    """Say whether the rest of a picture, without the wedge, is paper with marks on it."""
    inner = minimum_filter(rest, 7, mode="constant")
    if rest.mean() < _LEAST_SHEET or inner.sum() < 0.4 * rest.sum():
        return False
    values = grey[inner]
    threshold = otsu_threshold(values)
    dark = values <= threshold
    share = float(dark.mean())
    if share in {0.0, 1.0} or float(values[~dark].mean() - values[dark].mean()) < _LEAST_CONTRAST:
        return False
    paper = values[dark] if share > 0.5 else values[~dark]
    # a clean white page within its own white margin is no sheet of another paper
    return min(share, 1 - share) < 0.45 and float((paper <= _EXTREME).mean() + (paper >= 255 - _EXTREME).mean()) < 0.5


def _at_edge(mask: Bools) -> Bools:
    """Return the wide parts of a mask that touch the picture's edge."""
    wide = _core(mask, max(2, min(mask.shape) // 40)) if min(mask.shape) > 8 else mask
    labels, n = label(mask)
    if not n:
        return mask
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.zeros(n + 1, bool)
    touching[rim] = True
    has_core = np.zeros(n + 1, bool)
    has_core[labels[wide]] = True
    touching[0] = False
    return np.asarray((touching & has_core)[labels])


def _core(mask: Bools, reach: int) -> Bools:
    """Return the pixels further than ``reach`` from all that is not of the mask; the picture's edge is no limit."""
    return smallest(mask, 2 * reach + 1)


def _grown(mask: Bools, reach: int) -> Bools:
    return largest(mask, 2 * reach + 1)


def _frame(shape: tuple[int, ...]) -> Bools:
    frame = np.ones(shape, bool)
    frame[1:-1, 1:-1] = False
    return frame


def _bright_marks(small: Bytes, chosen: Bools) -> float:
    """Return by how much bright marks outweigh dark ones, -1 to 1, against the median of their surroundings."""
    away = small.astype(np.float32) - _local_median(small)
    level = 0.35 * float(np.percentile(np.abs(away[chosen]), 99)) if chosen.any() else 0.0
    bright = float(np.clip(away[chosen] - level, 0, None).sum())
    dark = float(np.clip(-away[chosen] - level, 0, None).sum())
    return (bright - dark) / max(bright + dark, 1.0)


def _local_median(small: Bytes) -> Floats32:
    """Return the medians of blocks, bilinear between their middles."""
    rows, columns = (-(-n // _BLOCK_PX) for n in small.shape)
    padded = np.pad(
        small, ((0, rows * _BLOCK_PX - small.shape[0]), (0, columns * _BLOCK_PX - small.shape[1])), "symmetric"
    )
    blocks = padded.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    medians = Image.fromarray(np.median(blocks, axis=2).astype(np.float32))
    size = (columns * _BLOCK_PX, rows * _BLOCK_PX)
    return np.asarray(medians.resize(size, Image.Resampling.BILINEAR), np.float32)[: small.shape[0], : small.shape[1]]
