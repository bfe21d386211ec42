"""Write reMarkable ``.rm`` version 6: one page, one layer, each stroke a line of the fineliner.

The blocks are those that a page of the tablet begins with, in its order, as *rmscene* (R. Lupton, MIT) documents them:
authors, migration, page, tree, layer, lines. They are written by hand for the reason for which they are read so, see
:mod:`kalamos.formats.remarkable`; the tests read them with rmscene where it is installed.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from kalamos.errors import StoreError
from kalamos.formats.remarkable import POINTS_PER_MM
from kalamos.geometry import bounds
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats
from kalamos.machinery.files import write_bytes

SCREEN = (1404.0, 1872.0)
"""Width and height of the page in its dots; x is counted from the middle, y from the top."""
POINTS_PER_PX = 226 / 96
"""A pixel of an unknown size is 1/96 inch, as browsers have it; a dot of the screen is 1/226 inch."""
MARGIN = 60.0
PEN_WIDTH = 4.0
"""Width in dots where the ink says none."""

_HEAD = b"reMarkable .lines file, version=6          "
_ID, _LENGTH, _BYTE8, _BYTE4, _BYTE1 = 0xF, 0xC, 0x8, 0x4, 0x1
_AUTHORS, _MIGRATION, _PAGE, _TREE, _NODE, _GROUP_ITEM, _LINE_ITEM = 0x09, 0x00, 0x0A, 0x01, 0x02, 0x04, 0x05
_FINELINER, _BLACK, _THICKNESS = 17, 0, 2.0
_NOBODY, _ROOT, _LAYER, _LABELLED, _LAYER_ITEM, _MADE = (0, 0), (0, 1), (0, 11), (0, 12), (0, 13), (1, 1)
_FIRST_LINE = 20
_AUTHOR = bytes(range(16))  # the same ink gives the same bytes
_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("speed", "<u2"), ("width", "<u2"), ("direction", "u1"), ("pressure", "u1")]
)


def write_rm(samples: Iterable[Sample], path: Path) -> int:
    """Write the one page that a ``.rm`` file holds and return how many samples these are, 1 or 0.

    Positions, order, pressure and widths are kept. Ink whose scale is known gets its true size; pixels are 1/96 inch;
    other units are made to fit the page, and so are pixels of more ink than it holds. The ink is moved onto the page
    where it would lie outside. Times and fields are lost; widths are kept to a quarter of a dot, pressure to 1/255.

    Raises:
        StoreError: where there is more than one sample, or the file cannot be written.
    """
    pages = list(itertools.islice(samples, 2))
    if len(pages) > 1:
        raise StoreError("a .rm file holds one page, and there are more samples: take one of them, or write xopp")
    sample = pages[0] if pages else Sample("none", Ink.empty())
    factor, widths = _scale(sample), sample.ink.extra.get("width")
    scaled = None if widths is None else widths.astype(np.float64) * factor
    write_page(path, sample.ink, _placed(sample, factor), scaled)
    return len(pages)


def write_page(path: Path, ink: Ink, xy: Floats, widths: Floats | None) -> None:
    """Write a page whose positions and widths are given in dots of the screen.

    Args:
        path: the file.
        ink: strokes and pressure.
        xy: ``(n, 2)``, x from the middle of the page, y from its top.
        widths: ``(n,)``; None for :data:`PEN_WIDTH`.

    Raises:
        StoreError: where the file cannot be written.
    """
    write_bytes(path, b"".join([_HEAD, *_heading(), *_lines(ink, _points(ink, xy, widths))]))


def _scale(sample: Sample) -> float:
    """Return dots of the screen a unit of the ink."""
    if sample.points_per_mm is not None:
        return POINTS_PER_MM / sample.points_per_mm
    if not sample.ink.n_points:
        return 1.0
    box = bounds(sample.ink)
    fit = min((SCREEN[0] - 2 * MARGIN) / (box.width or 1.0), (SCREEN[1] - 2 * MARGIN) / (box.height or 1.0))
    return min(POINTS_PER_PX, fit) if sample.units == "px" else fit


def _placed(sample: Sample, factor: float) -> Floats:
    """Return positions in dots of the screen, moved into the middle at the top where they would lie outside."""
    xy = sample.ink.xy.astype(np.float64)
    xy = xy if factor == 1.0 else xy * factor
    if not len(xy):
        return xy
    low, high = xy.min(axis=0), xy.max(axis=0)
    if low[0] >= -SCREEN[0] / 2 and high[0] <= SCREEN[0] / 2 and low[1] >= 0:  # the page scrolls downwards
        return xy
    return np.asarray(xy - [(low[0] + high[0]) / 2, low[1] - MARGIN])


def _points(ink: Ink, xy: Floats, widths: Floats | None) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return what the file holds of each point; the direction is that in which the pen goes on, 255 a turn."""
    points = np.zeros(len(xy), _POINT)
    points["x"], points["y"] = xy[:, 0], xy[:, 1]
    points["width"] = np.clip(np.rint(4 * (np.full(len(xy), PEN_WIDTH) if widths is None else widths)), 1, 65535)
    pressure = np.full(len(xy), 0.5) if ink.pressure is None else ink.pressure.astype(np.float64)
    points["pressure"] = np.rint(255 * pressure)
    ahead = np.diff(xy, axis=0, append=xy[-1:]) if len(xy) else xy
    ends = ink.offsets[1:][np.diff(ink.offsets) > 1] - 1
    ahead[ends] = ahead[ends - 1]
    angle = np.arctan2(ahead[:, 1], ahead[:, 0]) % (2 * np.pi)
    points["direction"] = np.minimum(np.rint(angle * (255 / (2 * np.pi))), 255)
    return points


def _heading() -> Iterator[bytes]:
    """Yield the blocks of a page with one empty layer."""
    author = bytes([len(_AUTHOR)]) + _AUTHOR + struct.pack("<H", 1)
    yield _block(_AUTHORS, b"\x01" + _part(0, author))
    yield _block(_MIGRATION, _name(1, _MADE) + _flag(2, 1) + _flag(3, 0))
    yield _block(_PAGE, _number(1, 1) + b"".join(_number(k, 0) for k in range(2, 6)), (0, 1))
    yield _block(_TREE, _name(1, _LAYER) + _name(2, _NOBODY) + _flag(3, 1) + _part(4, _name(1, _ROOT)))
    yield _block(_NODE, _name(1, _ROOT) + _node("", _NOBODY), (1, 2))
    yield _block(_NODE, _name(1, _LAYER) + _node("Layer 1", _LABELLED), (1, 2))
    yield _block(_GROUP_ITEM, _item(_ROOT, _LAYER_ITEM, _NOBODY) + _part(6, b"\x02" + _name(2, _LAYER)))


def _node(label: str, when: tuple[int, int]) -> bytes:
    """Return the label of a group and that it is visible."""
    text = label.encode()
    said = _part(2, bytes([len(text), 1]) + text)
    return _part(2, _name(1, when) + said) + _part(3, _name(1, _NOBODY) + _flag(2, 1))


def _lines(ink: Ink, points: np.ndarray[tuple[int], np.dtype[np.void]]) -> Iterator[bytes]:
    """Yield a block for each stroke; each names the one before it, which sets their order."""
    before = _NOBODY
    for k, (a, b) in enumerate(zip(ink.offsets[:-1].tolist(), ink.offsets[1:].tolist(), strict=True)):
        own = (1, _FIRST_LINE + k)
        line = _number(1, _FINELINER) + _number(2, _BLACK)
        line += _tag(3, _BYTE8) + struct.pack("<d", _THICKNESS) + _tag(4, _BYTE4) + struct.pack("<f", 0.0)
        # a stroke of one point is drawn as a dot only where it has a second point at the same place
        line += _part(5, points[a:b].tobytes() * (2 if b == a + 1 else 1)) + _name(6, _ROOT)
        yield _block(_LINE_ITEM, _item(_LAYER, own, before) + _part(6, b"\x03" + line), (2, 2))
        before = own


def _block(kind: int, content: bytes, versions: tuple[int, int] = (1, 1)) -> bytes:
    return struct.pack("<IBBBB", len(content), 0, *versions, kind) + content


def _item(parent: tuple[int, int], own: tuple[int, int], before: tuple[int, int]) -> bytes:
    """Return the place of an item in its group: after ``before``, before nothing, not deleted."""
    return _name(1, parent) + _name(2, own) + _name(3, before) + _name(4, _NOBODY) + _number(5, 0)


def _tag(index: int, kind: int) -> bytes:
    return _varying(index << 4 | kind)


def _name(index: int, name: tuple[int, int]) -> bytes:
    return _tag(index, _ID) + bytes([name[0]]) + _varying(name[1])


def _number(index: int, value: int) -> bytes:
    return _tag(index, _BYTE4) + struct.pack("<I", value)


def _flag(index: int, value: int) -> bytes:
    return _tag(index, _BYTE1) + bytes([value])


def _part(index: int, content: bytes) -> bytes:
    return _tag(index, _LENGTH) + struct.pack("<I", len(content)) + content


def _varying(value: int) -> bytes:
    """Return a number of seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
