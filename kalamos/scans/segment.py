"""Find the pieces of writing on a cleaned scan: characters, words or lines.

Connected components are the atoms. Large ones are bodies, and belong to the line on whose ridge most of their ink lies
(:mod:`kalamos.scans.layout`); a body that lies on two lines, because they touch, is parted half way between them.
Small marks (dots, diacritics, accents) go with the nearest body. Bodies that stand over each other make a character,
and a gap wider than those inside words parts words. All distances are in units of the height of the writing, so that
resolution does not matter.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints
from kalamos.scans.layout import HIGHEST_PENS, LOWEST_PENS, USUAL_PENS, blocks_of, lean_of, line_of, lines_of
from kalamos.scans.marks import Marks, boxes_of, marks_of, without
from kalamos.scans.pen import pen_width
from kalamos.scans.printed import printed_bodies
from kalamos.scripts import RIGHT_TO_LEFT

SegmentLevel = Literal["page", "line", "word", "character"]

_BODY_SHARE, _WORD_GAP = 0.45, 0.45
_FAR = 2.0
"""A small mark further from all writing than so many heights is no part of it."""
_TALL, _ONE_LINE, _LEAST_PART = 1.7, 0.8, 0.12


class Piece(NamedTuple):
    """A piece of writing.

    Attributes:
        pixels: uint8 ``(h, w)``, of its box alone.
        box: ``(x0, y0, x1, y1)`` on the scan.
        line: the number of its line in reading order.
        line_px: the height of the writing of its line, by which a dash keeps its scale; 0 where nothing is known.
    """

    pixels: Bytes
    box: tuple[int, int, int, int]
    line: int = 0
    line_px: float = 0.0


class Layout(NamedTuple):
    """What lies where: marks, the line and the block of each, ``(n,)`` in reading order, the height of writing."""

    marks: Marks
    line: Ints
    block: Ints
    lean: float
    height: float
    leftwards: bool


class _Parted(NamedTuple):
    """A body that lies on several lines: its number, and its pixels with the line of each."""

    mark: int
    y: Ints
    x: Ints
    line: Ints


def segment(
    grey: Bytes, *, level: SegmentLevel = "word", script: str | None = None, word_gap: float | None = None
) -> list[Piece]:
    """Return the pieces of writing in reading order; an empty list where there is no ink.

    Args:
        grey: uint8 ``(h, w)``, paper white, ink dark, as :func:`~kalamos.scans.load.clean` leaves it.
        level: ``"page"`` (all ink as one piece), ``"line"``, ``"word"`` or ``"character"`` (of joined writing: each
            joined part with its marks).
        script: ISO 15924 code; Arab, Hebr and their kin are read from right to left. Where it is not known, a page
            whose lines end flush on the right and ragged on the left is.
        word_gap: the gap that parts words, as a share of the height of the writing; None for the page's own.

    Raises:
        KalamosError: where the level is unknown.
    """
    _check_level(level)
    marks = marks_of(grey)
    if not len(marks.ids):
        return []
    if level == "page":
        return [_cut(grey, marks, np.arange(len(marks.ids)), 0, 0.0)]
    return pieces_of_layout(grey, lay_out(marks, script), level, word_gap)


def _check_level(level: str) -> None:
    if level not in get_args(SegmentLevel):
        raise KalamosError(f"segment into one of {', '.join(get_args(SegmentLevel))}, not {level!r}")


class Written(NamedTuple):
    """The pieces of handwriting of a page, how many marks of print were left out, and which way the lines run.

    ``layout`` is None where there is no ink, or all of it is one piece.
    """

    pieces: list[Piece]
    printed: int
    layout: Layout | None = None


def segment_written(
    grey: Bytes, *, level: SegmentLevel = "word", script: str | None = None, printed: bool = False
) -> Written:
    """Return the pieces of handwriting as :func:`segment` does, print left out unless ``printed`` keeps it.

    Raises:
        KalamosError: where the level is unknown.
    """
    _check_level(level)
    marks = marks_of(grey)
    if not len(marks.ids):
        return Written([], 0)
    layout = lay_out(marks, script)
    print_marks = np.zeros(len(layout.marks.ids), bool)
    if not printed:
        print_marks = printed_bodies(layout.marks, layout.line, layout.height)
    if print_marks.any():
        print_marks |= _beside_print(layout, print_marks)
    count = int(print_marks.sum())
    if not count:
        if level == "page":
            return Written([_cut(grey, marks, np.arange(len(marks.ids)), 0, 0.0)], 0)
        return Written(pieces_of_layout(grey, layout, level), 0, layout)
    hand = without(layout.marks, print_marks)
    if not len(hand.ids):
        return Written([], count)
    if level == "page":
        return Written([_cut(grey, hand, np.arange(len(hand.ids)), 0, 0.0)], count)
    layout = lay_out(hand, script)
    return Written(pieces_of_layout(grey, layout, level), count, layout)


def _beside_print(layout: Layout, printed: Bools) -> Bools:
    """Return the small marks that lie nearest to print, ``(n,)``: its dots, and bars of letters that fell apart."""
    boxes = layout.marks.boxes
    small = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) < _BODY_SHARE * layout.height
    bodies, chosen = np.flatnonzero(~small | printed), np.flatnonzero(small & ~printed)
    found = np.zeros(len(boxes), bool)
    if len(chosen):
        found[chosen] = printed[bodies[_nearest(boxes[chosen], boxes[bodies], layout.height)]]
    return found


def turned(layout: Layout) -> Layout:
    """Return a layout that is read in the other direction: pieces of a line, and columns, the other way round."""
    boxes = _straightened(layout.marks.boxes, layout.lean)
    line = _in_reading_order(boxes, layout.line, layout.block, not layout.leftwards)
    return layout._replace(line=line, leftwards=not layout.leftwards)


def pieces_of_layout(grey: Bytes, layout: Layout, level: SegmentLevel, word_gap: float | None = None) -> list[Piece]:
    """Cut the lines of a layout into pieces."""
    marks, height = layout.marks, layout.height
    straight = _straightened(marks.boxes, layout.lean)
    lines = [np.flatnonzero(layout.line == k) for k in range(int(layout.line.max(initial=-1)) + 1)]
    characters = [_characters(marks.boxes[members], height) for members in lines]
    gap = word_gap * height if word_gap is not None else _word_gap(straight, lines, characters, height)
    pieces = []
    for number, (members, character) in enumerate(zip(lines, characters, strict=True)):
        hulls = _hulls(straight[members], character)
        ordered = np.argsort(hulls[:, 0], kind="stable")
        groups = _grouped(hulls, ordered, level, gap)
        line_px = _line_px(marks, members, height)
        in_order = groups[::-1] if layout.leftwards else groups
        pieces += [_cut(grey, marks, members[np.isin(character, group)], number, line_px) for group in in_order]
    return pieces


def lay_out(marks: Marks, script: str | None = None) -> Layout:
    """Return which line every mark belongs to; bodies on two lines are parted."""
    height = _writing_height(marks)
    body = np.maximum(marks.height, marks.width) >= _BODY_SHARE * height
    if not body.any():
        body[:] = True
    lean = lean_of(marks.boxes[body & (marks.height < 2.5 * height)], height)
    line, block = np.zeros(len(marks.ids), np.int64), np.zeros(len(marks.ids), np.int64)
    blocks = blocks_of(_straightened(marks.boxes[body], lean), height)
    first = 0
    chosen = np.flatnonzero(body)
    parted: list[_Parted] = []
    for number, members in enumerate(blocks):
        own = chosen[members]
        block[own] = number
        first += _lines_in_block(marks, own, height, lean, first, line, parted)
    small = np.flatnonzero(~body)
    if len(small):
        nearest = chosen[_nearest(marks.boxes[small], marks.boxes[chosen], height)]
        line[small], block[small] = line[nearest], block[nearest]
        far = _gap(marks.boxes[small], marks.boxes[nearest], 1) > _FAR * height
        line[small[far]] = first + _rows_apart(marks.boxes[small[far]], height)
    if parted:
        marks, line, block = _part(marks, line, block, parted)
    boxes = _straightened(marks.boxes, lean)
    leftwards = script in RIGHT_TO_LEFT if script is not None else _flush_right(boxes, line, block, height)
    return Layout(marks, _in_reading_order(boxes, line, block, leftwards), block, lean, height, leftwards)


def _writing_height(marks: Marks) -> float:
    """Return the height of usual writing.

    The height is the median over components, weighted by their size, and some ten to thirty pens: lines that hang
    together would make it a page, and a lone dash nothing.
    """
    chosen = np.zeros(int(marks.labels.max()) + 1, bool)
    chosen[marks.ids] = True
    pen_px = pen_width(chosen[marks.labels])
    weight = np.maximum(marks.width, marks.height)
    order = np.argsort(marks.height, kind="stable")
    total = np.cumsum(weight[order])
    height = float(marks.height[order][np.searchsorted(total, 0.5 * float(weight.sum()))])
    if float(marks.height.max()) < 0.5 * LOWEST_PENS * pen_px:
        return USUAL_PENS * pen_px
    return max(2.0, min(max(height, 0.5 * LOWEST_PENS * pen_px), HIGHEST_PENS * pen_px))


def _straightened(boxes: Floats, lean: float) -> Floats:
    """Return boxes moved up or down by the lean of the lines at their middles."""
    shift = lean * 0.5 * (boxes[:, 0] + boxes[:, 2])
    return np.asarray(boxes - np.stack([0 * shift, shift, 0 * shift, shift], axis=1))


def _lines_in_block(
    marks: Marks, own: Ints, height: float, lean: float, first: int, line: Ints, parted: list[_Parted]
) -> int:
    """Set the lines of a block's bodies, note bodies to part, and return how many lines there are."""
    x0, y0 = marks.boxes[own, :2].min(axis=0).astype(int)
    x1, y1 = marks.boxes[own, 2:].max(axis=0).astype(int)
    part = marks.labels[y0:y1, x0:x1]
    inside = np.zeros(int(marks.labels.max()) + 1, bool)
    inside[marks.ids[own]] = True
    lines = lines_of(inside[part], height, lean)
    y, x = np.nonzero(inside[part])
    which = line_of(lines, x.astype(np.float64), y.astype(np.float64))
    n = len(lines.rows)
    place = np.full(int(marks.labels.max()) + 1, -1)
    place[marks.ids[own]] = np.arange(len(own))
    share = np.bincount(place[part[y, x]] * n + which, minlength=len(own) * n).reshape(len(own), n)
    main = np.argmax(share, axis=1)
    tall = marks.height[own] > _TALL * height
    part_of = share / share.sum(axis=1, keepdims=True)
    for k in np.flatnonzero(tall & (part_of.max(axis=1) < _ONE_LINE)).tolist():
        several = np.flatnonzero(part_of[k] >= _LEAST_PART)
        if len(several) < 2:
            continue
        at = np.flatnonzero(place[part[y, x]] == k)
        chosen = lines._replace(rows=lines.rows[several])
        nearest = several[line_of(chosen, x[at].astype(np.float64), y[at].astype(np.float64))]
        parted.append(_Parted(int(own[k]), y[at] + y0, x[at] + x0, first + nearest))
    line[own] = first + main
    return n


def _part(marks: Marks, line: Ints, block: Ints, parted: list[_Parted]) -> tuple[Marks, Ints, Ints]:
    """Give every part of a parted body a label of its own."""
    labels = marks.labels.copy()
    ids, lines, blocks = marks.ids.tolist(), line.tolist(), block.tolist()
    following = int(labels.max()) + 1
    for body in parted:
        numbers, counts = np.unique(body.line, return_counts=True)
        lines[body.mark] = int(numbers[np.argmax(counts)])
        for number in numbers.tolist():
            if number == lines[body.mark]:
                continue
            at = body.line == number
            labels[body.y[at], body.x[at]] = following
            ids.append(following)
            lines.append(number)
            blocks.append(int(block[body.mark]))
            following += 1
    kept = np.array(ids, np.int64)
    return Marks(boxes_of(labels, kept), labels, kept), np.array(lines, np.int64), np.array(blocks, np.int64)


def _flush_right(boxes: Floats, line: Ints, block: Ints, height: float) -> bool:
    """Say whether lines end flush on the right and ragged on the left, as a page that is written leftwards does."""
    left, right = [], []
    for k in np.unique(line).tolist():
        own = boxes[line == k]
        same = np.isin(block, np.unique(block[line == k]))
        left.append((float(own[:, 0].min()) - float(boxes[same, 0].min())) / height)
        right.append((float(boxes[same, 2].max()) - float(own[:, 2].max())) / height)
    if len(left) < 4:
        return False
    return float(np.median(left)) > 2.5 * float(np.median(right)) + 1.0 and float(np.median(right)) < 1.0


def _in_reading_order(boxes: Floats, line: Ints, block: Ints, leftwards: bool) -> Ints:
    """Number the lines from 0 in reading order: block by block, in each from top to bottom."""
    used = np.unique(line)
    home = np.array([np.bincount(block[line == k]).argmax() for k in used])
    middle = np.array([float(np.median(boxes[line == k][:, [1, 3]].mean(axis=1))) for k in used])
    rank = _block_order(boxes, block, leftwards)
    order = np.lexsort((middle, rank[home]))
    number = np.empty(int(used.max()) + 1, np.int64)
    number[used[order]] = np.arange(len(used))
    return number[line]


def _block_order(boxes: Floats, block: Ints, leftwards: bool) -> Ints:
    """Return the place of each block: as they were cut, columns of one row from right to left where writing runs so."""
    n = int(block.max()) + 1
    rank = np.arange(n)
    if not leftwards:
        return rank
    hulls = _hulls(boxes, block)
    order: list[int] = []
    row: list[int] = []
    for k in range(n):
        if row and hulls[k, 0] < hulls[row[-1], 2]:  # not to the right of the last one: a new row of blocks
            order += row[::-1]
            row = []
        row.append(k)
    order += row[::-1]
    rank[np.array(order)] = np.arange(n)
    return rank


def _line_px(marks: Marks, members: Ints, height: float) -> float:
    """Return the height of the writing of a line, between its higher tops and its lower bottoms."""
    boxes = marks.boxes[members]
    tall = boxes[:, 3] - boxes[:, 1]
    body = tall >= _BODY_SHARE * height
    return float(np.clip(np.percentile(tall[body], 80), 0.7 * height, 2.0 * height)) if body.any() else height


def _word_gap(boxes: Floats, lines: list[Ints], characters: list[Ints], height: float) -> float:
    """Return the gap that parts words: between the two kinds of gaps of the page, or a share of the height."""
    gaps = []
    for members, character in zip(lines, characters, strict=True):
        hulls = _hulls(boxes[members], character)
        hulls = hulls[np.argsort(hulls[:, 0], kind="stable")]
        free = hulls[1:, 0] - np.maximum.accumulate(hulls[:, 2])[:-1]
        gaps.append(free[(free > 0.04 * height) & (free < 6 * height)])
    found = np.sort(np.concatenate(gaps)) if gaps else np.zeros(0)
    usual = _WORD_GAP * height
    if len(found) < 4:
        return usual
    logs = np.log(found)
    k = np.arange(1, len(logs))
    total = np.cumsum(logs)
    low, high = total[:-1] / k, (total[-1] - total[:-1]) / (len(logs) - k)
    best = int(np.argmax(k * (len(logs) - k) * (high - low) ** 2))
    if high[best] - low[best] < np.log(2.2):
        return usual
    return float(np.clip(np.exp(0.5 * (logs[best] + logs[best + 1])), 0.28 * height, 0.9 * height))


def _characters(boxes: Floats, height: float) -> Ints:
    """Return which character each mark of a line belongs to, ``(n,)``."""
    body = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= _BODY_SHARE * height
    if not body.any():
        body[:] = True
    bodies, small = np.flatnonzero(body), np.flatnonzero(~body)
    links = [_stacked(boxes, bodies, height)]
    if len(small):
        nearest = bodies[_nearest(boxes[small], boxes[bodies], height)]
        near = _gap(boxes[small], boxes[nearest], 0) <= _FAR * height
        links.append(np.column_stack([small[near], nearest[near]]))
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


def _nearest(small: Floats, bodies: Floats, height: float) -> Ints:
    """Return for every small mark the body nearest by box; what lies beside counts double what lies above or below."""
    nearest = np.empty(len(small), np.int64)
    for k, (x0, y0, x1, y1) in enumerate(small.tolist()):
        aside = np.maximum(0.0, np.maximum(bodies[:, 0] - x1, x0 - bodies[:, 2]))
        above = np.maximum(0.0, np.maximum(bodies[:, 1] - y1, y0 - bodies[:, 3]))
        off = np.minimum(np.abs(bodies[:, 0] + bodies[:, 2] - x0 - x1) / 2, 4 * height)
        nearest[k] = int(np.argmin(2 * aside + above + 0.05 * off))
    return nearest


def _gap(boxes: Floats, others: Floats, axis: int) -> Floats:
    """Return the free space between boxes and others, ``(n,)``, along x (axis 0) or y (1); 0 where they overlap."""
    space = np.maximum(boxes[:, axis] - others[:, axis + 2], others[:, axis] - boxes[:, axis + 2])
    return np.asarray(np.maximum(space, 0.0))


def _rows_apart(boxes: Floats, height: float) -> Ints:
    """Number marks that belong to no line from 0, those of about one height alike, ``(n,)``."""
    middle = 0.5 * (boxes[:, 1] + boxes[:, 3])
    order = np.argsort(middle, kind="stable")
    number = np.zeros(len(boxes), np.int64)
    number[order[1:]] = np.cumsum(np.diff(middle[order]) > 0.5 * height)
    return number


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


def _grouped(boxes: Floats, ordered: Ints, level: SegmentLevel, gap: float) -> list[Ints]:
    """Cut a line, sorted from left to right, into its pieces."""
    if level == "line":
        return [ordered]
    if level == "character":
        return [ordered[k : k + 1] for k in range(len(ordered))]
    reached = np.maximum.accumulate(boxes[ordered, 2])
    cuts = np.flatnonzero(boxes[ordered[1:], 0] - reached[:-1] > gap) + 1
    return list(np.split(ordered, cuts))


def _cut(grey: Bytes, marks: Marks, members: Ints, line: int, line_px: float) -> Piece:
    """Cut out some components with the grey rim around them, and leave their neighbours out."""
    box = marks.boxes[members]
    height, width = grey.shape
    x0, y0 = np.maximum(box[:, :2].min(axis=0).astype(int) - 1, 0).tolist()
    x1, y1 = np.minimum(box[:, 2:].max(axis=0).astype(int) + 1, (width, height)).tolist()
    part, labels = grey[y0:y1, x0:x1].copy(), marks.labels[y0:y1, x0:x1]
    own = np.isin(labels, marks.ids[members])
    others = (labels > 0) & ~own
    if others.any():
        part[_nearer(others, own)] = 255
    return Piece(part, (x0, y0, x1, y1), line, line_px)


def _nearer(others: Bools, own: Bools) -> Bools:
    """Return the pixels that lie nearer to the others' ink than to one's own."""
    return np.asarray(distance_transform_edt(~others) < distance_transform_edt(~own))
