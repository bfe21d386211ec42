"""Find the pieces of writing on a cleaned scan: characters, words or lines.

Connected components are the atoms. Large ones are bodies; bodies that stand over each other make a character, and small
marks (dots, diacritics, accents) go with the nearest body. Characters that follow each other at about one height make a
line, and a gap wider than a share of the writing's height parts words. All distances are in units of that height, so
that resolution does not matter.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints, Ints32
from kalamos.scripts import direction_of
from kalamos.skeleton.binarise import otsu_threshold

SegmentLevel = Literal["page", "line", "word", "character"]

_MAX_COMPONENTS = 20_000
_BODY_SHARE = 0.45
_LINE_REACH = 4.0


class Piece(NamedTuple):
    """A piece of writing: uint8 ``pixels`` of its box alone, and the box ``(x0, y0, x1, y1)`` on the scan."""

    pixels: Bytes
    box: tuple[int, int, int, int]


class _Marks(NamedTuple):
    """Connected components: boxes float64 ``(n, 4)`` as x0, y0, x1, y1; the label image; the components' labels."""

    boxes: Floats
    labels: Ints32
    ids: Ints

    @property
    def height(self) -> Floats:
        """Return the heights of the boxes."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def width(self) -> Floats:
        """Return the widths of the boxes."""
        return self.boxes[:, 2] - self.boxes[:, 0]


def segment(
    grey: Bytes, *, level: SegmentLevel = "word", script: str | None = None, word_gap: float = 0.45
) -> list[Piece]:
    """Return the pieces of writing in reading order; an empty list where there is no ink.

    Args:
        grey: uint8 ``(h, w)``, paper white, ink dark, as :func:`~kalamos.scans.load.clean` leaves it.
        level: ``"page"`` (all ink as one piece), ``"line"``, ``"word"`` or ``"character"`` (of joined writing: each
            joined part with its marks).
        script: ISO 15924 code; Arab, Hebr and their kin are read from right to left.
        word_gap: the gap that parts words, as a share of the height of the writing.

    Raises:
        KalamosError: where the level is unknown.
    """
    if level not in get_args(SegmentLevel):
        raise KalamosError(f"segment into one of {', '.join(get_args(SegmentLevel))}, not {level!r}")
    marks = _marks(grey)
    if not len(marks.ids):
        return []
    if level == "page":
        return [_cut(grey, marks, np.arange(len(marks.ids)))]
    height = _writing_height(marks)
    character = _characters(marks, height)
    boxes = _hulls(marks.boxes, character)
    line = _lines(boxes, height)
    pieces = []
    for members in _top_down(boxes, line):
        ordered = members[np.argsort(boxes[members, 0], kind="stable")]
        groups = _grouped(boxes, ordered, level, word_gap * height)
        if direction_of(script) < 0:
            groups = groups[::-1]
        pieces += [_cut(grey, marks, np.flatnonzero(np.isin(character, group))) for group in groups]
    return pieces


def _marks(grey: Bytes) -> _Marks:
    """Label the ink and drop specks smaller than a quarter of a pen's dot."""
    nothing = _Marks(np.zeros((0, 4)), np.zeros((0, 0), np.int32), np.zeros(0, np.int64))
    if grey.min() == grey.max():
        return nothing
    ink = grey <= min(otsu_threshold(grey), 224)
    if not ink.any():
        return nothing
    labels, n = label(ink, np.ones((3, 3), bool))
    areas = np.bincount(labels.reshape(-1), minlength=n + 1)[1:]
    pen_px = _pen_width(ink)
    kept = np.flatnonzero(areas >= 0.25 * pen_px * pen_px) + 1
    if len(kept) > _MAX_COMPONENTS:
        kept = np.sort(np.argsort(-areas, kind="stable")[:_MAX_COMPONENTS] + 1)
    found = find_objects(labels)
    boxes = [(s[1].start, s[0].start, s[1].stop, s[0].stop) for s in (found[k - 1] for k in kept.tolist()) if s]
    return _Marks(np.array(boxes, np.float64).reshape(-1, 4), np.asarray(labels, np.int32), kept.astype(np.int64))


def _pen_width(ink: Bools) -> float:
    """Estimate the width of the strokes from area over outline, which pixels make 1.27 times longer on average."""
    edges = int(np.count_nonzero(ink[1:] != ink[:-1])) + int(np.count_nonzero(ink[:, 1:] != ink[:, :-1]))
    return max(1.0, 2 * 1.27 * int(np.count_nonzero(ink)) / max(edges, 1))


def _writing_height(marks: _Marks) -> float:
    """Return the height of usual writing: the median over components, weighted by their size."""
    weight = np.maximum(marks.width, marks.height)
    order = np.argsort(marks.height, kind="stable")
    total = np.cumsum(weight[order])
    return max(2.0, float(marks.height[order][np.searchsorted(total, 0.5 * float(weight.sum()))]))


def _characters(marks: _Marks, height: float) -> Ints:
    """Return which character each component belongs to, ``(n,)``."""
    boxes = marks.boxes
    body = np.maximum(marks.height, marks.width) >= _BODY_SHARE * height
    if not body.any():
        body[:] = True
    bodies, small = np.flatnonzero(body), np.flatnonzero(~body)
    links = [_stacked(boxes, bodies, height)]
    if len(small):
        links.append(np.column_stack([small, bodies[_nearest(boxes[small], boxes[bodies])]]))
    return _joined(np.concatenate(links), len(boxes))


def _stacked(boxes: Floats, chosen: Ints, height: float) -> Ints:
    """Return pairs of bodies that share most of their width and lie close above each other."""
    pairs = []
    order = chosen[np.argsort(boxes[chosen, 0], kind="stable")]
    lefts = boxes[order, 0]
    for k, a in enumerate(order.tolist()):
        near = order[k + 1 : np.searchsorted(lefts, boxes[a, 2])]
        shared = np.minimum(boxes[a, 2], boxes[near, 2]) - np.maximum(boxes[a, 0], boxes[near, 0])
        narrower = np.minimum(boxes[a, 2] - boxes[a, 0], boxes[near, 2] - boxes[near, 0])
        gap = np.maximum(boxes[a, 1], boxes[near, 1]) - np.minimum(boxes[a, 3], boxes[near, 3])
        together = (shared > 0.5 * narrower) & (gap < 0.3 * height)
        pairs += [(a, b) for b in near[together].tolist()]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _nearest(small: Floats, bodies: Floats) -> Ints:
    """Return for every small mark the body nearest by box; what lies beside counts double what lies above or below."""
    nearest = np.empty(len(small), np.int64)
    for k, (x0, y0, x1, y1) in enumerate(small.tolist()):
        aside = np.maximum(0.0, np.maximum(bodies[:, 0] - x1, x0 - bodies[:, 2]))
        above = np.maximum(0.0, np.maximum(bodies[:, 1] - y1, y0 - bodies[:, 3]))
        off = np.abs(bodies[:, 0] + bodies[:, 2] - x0 - x1) / 2
        nearest[k] = int(np.argmin(2 * aside + above + 0.05 * off))
    return nearest


def _lines(boxes: Floats, height: float) -> Ints:
    """Return which line each character belongs to: neighbours that share most of their height are in one line."""
    pairs = []
    order = np.argsort(boxes[:, 0], kind="stable")
    lefts = boxes[order, 0]
    for k, a in enumerate(order.tolist()):
        near = order[k + 1 : np.searchsorted(lefts, boxes[a, 2] + _LINE_REACH * height)]
        shared = np.minimum(boxes[a, 3], boxes[near, 3]) - np.maximum(boxes[a, 1], boxes[near, 1])
        lower = np.minimum(boxes[a, 3] - boxes[a, 1], boxes[near, 3] - boxes[near, 1])
        pairs += [(a, b) for b in near[shared > 0.5 * lower].tolist()]
    return _joined(np.array(pairs, np.int64).reshape(-1, 2), len(boxes))


def _joined(pairs: Ints, n: int) -> Ints:
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _hulls(boxes: Floats, group: Ints) -> Floats:
    """Return the box around each group, ``(groups, 4)``."""
    n = int(group.max()) + 1
    low, high = np.full((n, 2), np.inf), np.full((n, 2), -np.inf)
    np.minimum.at(low, group, boxes[:, :2])
    np.maximum.at(high, group, boxes[:, 2:])
    return np.concatenate([low, high], axis=1)


def _top_down(boxes: Floats, line: Ints) -> list[Ints]:
    """Return the characters of each line, the lines sorted by the mean height of their middles."""
    lines = [np.flatnonzero(line == k) for k in range(int(line.max()) + 1)]
    return sorted(lines, key=lambda members: float(boxes[members][:, [1, 3]].mean()))


def _grouped(boxes: Floats, ordered: Ints, level: SegmentLevel, gap: float) -> list[Ints]:
    """Cut a line, sorted from left to right, into its pieces."""
    if level == "line":
        return [ordered]
    if level == "character":
        return [ordered[k : k + 1] for k in range(len(ordered))]
    reached = np.maximum.accumulate(boxes[ordered, 2])
    cuts = np.flatnonzero(boxes[ordered[1:], 0] - reached[:-1] > gap) + 1
    return list(np.split(ordered, cuts))


def _cut(grey: Bytes, marks: _Marks, members: Ints) -> Piece:
    """Cut out some components with the grey rim around them, and leave their neighbours out."""
    box = marks.boxes[members]
    height, width = grey.shape
    x0, y0 = np.maximum(box[:, :2].min(axis=0).astype(int) - 1, 0).tolist()
    x1, y1 = np.minimum(box[:, 2:].max(axis=0).astype(int) + 1, (width, height)).tolist()
    part, labels = grey[y0:y1, x0:x1].copy(), marks.labels[y0:y1, x0:x1]
    others = (labels > 0) & ~np.isin(labels, marks.ids[members])
    if others.any():
        own = (labels > 0) & ~others
        part[_nearer(others, own)] = 255
    return Piece(part, (x0, y0, x1, y1))


def _nearer(others: Bools, own: Bools) -> Bools:
    """Return the pixels that lie nearer to the others' ink than to one's own."""
    return np.asarray(distance_transform_edt(~others) < distance_transform_edt(~own))
