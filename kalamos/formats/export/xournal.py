"""Write Xournal++ ``.xopp``: a page for each sample, in points of 1/72 inch."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kalamos.formats.export.text import numbers
from kalamos.formats.xournal import POINTS_PER_MM
from kalamos.geometry import bounds
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats, Ints32
from kalamos.machinery.files import replacing

A4 = (595.275591, 841.889764)
"""Width and height of a page in points; larger ink gets a larger page."""
POINTS_PER_PX = 0.75
"""A pixel of an unknown size is 1/96 inch, as browsers have it."""
MARGIN = 36.0
PEN_WIDTH = 1.41
"""Xournal++'s medium pen."""


def write_xopp(samples: Iterable[Sample], path: Path) -> int:
    """Write samples into one ``.xopp`` file, a page each, and return how many; positions, order and widths are kept.

    Ink whose scale is known gets its true size; pixels are 1/96 inch; other units are made to fit an A4 page. The ink
    is moved onto the page where it would lie outside. Times, pressure and fields are lost.

    Raises:
        StoreError: where the file cannot be written.
    """
    return write_pages((_page_of(sample) for sample in samples), path)


class XournalPage(NamedTuple):
    """A page: positions in points ``(n, 2)``, where strokes begin and end, the width of each, the page's size."""

    xy: Floats
    offsets: Ints32
    pens: Sequence[str]
    width: float
    height: float


def write_pages(pages: Iterable[XournalPage], path: Path) -> int:
    """Write pages into one ``.xopp`` file and return how many.

    Raises:
        StoreError: where the file cannot be written.
    """
    texts = ["".join(_page(page)) for page in pages]
    head = '<?xml version="1.0" standalone="no"?>\n<xournal creator="Kalamos" fileversion="4">\n'
    text = f"{head}{''.join(texts)}</xournal>\n"
    with replacing(path) as part:
        part.write_bytes(gzip.compress(text.encode(), mtime=0))
    return len(texts)


def _page_of(sample: Sample) -> XournalPage:
    xy, width, height = _placed(sample)
    return XournalPage(xy, sample.ink.offsets, list(_pens(sample.ink)), width, height)


def _page(page: XournalPage) -> Iterator[str]:
    yield f'<page width="{page.width:.6f}" height="{page.height:.6f}">\n'
    yield '<background type="solid" color="#ffffffff" style="plain"/>\n<layer>\n'
    x, y = numbers(page.xy[:, 0]), numbers(page.xy[:, 1])
    points = [f"{a} {b}" for a, b in zip(x, y, strict=True)]
    for (a, b), pen in zip(itertools.pairwise(page.offsets.tolist()), page.pens, strict=True):
        # a stroke of one point is drawn as a dot only where it has a second point at the same place
        line = " ".join(points[a:b] if b > a + 1 else 2 * points[a:b])
        yield f'<stroke tool="pen" color="#000000ff" width="{pen}">{line}</stroke>\n'
    yield "</layer>\n</page>\n"


def _pens(ink: Ink) -> Iterator[str]:
    """Yield the width of each stroke, followed by those of its segments where the ink has widths."""
    widths = ink.extra.get("width")
    for a, b in itertools.pairwise(ink.offsets.tolist()):
        if widths is None:
            yield str(PEN_WIDTH)
        else:
            yield " ".join(numbers(np.concatenate([widths[a : a + 1], widths[a : b - 1]])))


def _placed(sample: Sample) -> tuple[Floats, float, float]:
    """Return positions in points on the page, and the page's width and height."""
    xy = sample.ink.xy.astype(np.float64)
    if not len(xy):
        return xy, *A4
    box = bounds(sample.ink)
    if sample.points_per_mm is not None:
        scale = POINTS_PER_MM / sample.points_per_mm
    elif sample.units == "px":
        scale = POINTS_PER_PX
    else:
        scale = min((A4[0] - 2 * MARGIN) / (box.width or 1.0), (A4[1] - 2 * MARGIN) / (box.height or 1.0))
    xy = xy if scale == 1.0 else xy * scale
    low, high = xy.min(axis=0), xy.max(axis=0)
    outside = (low < 0) | (scale != 1.0 and sample.points_per_mm is None and sample.units != "px")
    xy = np.where(outside, xy - low + MARGIN, xy)
    high = np.where(outside, high - low + MARGIN, high)
    return xy, max(A4[0], float(high[0]) + MARGIN), max(A4[1], float(high[1]) + MARGIN)
