"""Print told from handwriting: a printer makes the same letter twice, a hand never does.

Every mark of a letter's size is compared with all others of its own width and height. In print most letters of a line
have a twin that covers the same pixels but for the scanner's noise; of a hand's letters few do. A line of which many
letters have twins, and whose letters stand on one straight line to a pixel, is print. What counts as a twin was chosen
on print of four fonts at four sizes against three hands of the built-in corpus (seeds 301 to 303): 35 to 84 of a
hundred letters of print have one, at most 9 of a hundred of a hand.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.scans.marks import Marks, areas_of

_THUMB_PX = 16
_ALIKE = 0.98
_OFF_PX, _OFF_SHARE = 1.0, 0.04
_LEAST_LETTERS, _LINE_LETTERS, _LINE_SHARE, _ON_RULER = 4, 9, 0.28, 0.6
_LEAST_TWINS = 6
_MOST_LETTERS = 6000


def letters_with_twins(marks: Marks, chosen: Ints) -> Bools:
    """Return which of the chosen marks have a twin among them, ``(n,)``."""
    if not 2 <= len(chosen) <= _MOST_LETTERS:
        return np.zeros(len(chosen), bool)
    thumbs = np.stack([_thumb(marks, k) for k in chosen.tolist()])
    width, height = marks.width[chosen].astype(np.float32), marks.height[chosen].astype(np.float32)
    norm = (thumbs**2).sum(axis=1)
    twin = np.zeros(len(chosen), bool)
    for first in range(0, len(chosen), 512):
        rows = slice(first, first + 512)
        alike = 2 * thumbs[rows] @ thumbs.T / (norm[rows, None] + norm[None, :])
        off_w = np.abs(width[rows, None] - width) <= _OFF_PX + _OFF_SHARE * width
        off_h = np.abs(height[rows, None] - height) <= _OFF_PX + _OFF_SHARE * height
        same = (alike > _ALIKE) & off_w & off_h
        same[np.arange(same.shape[0]), first + np.arange(same.shape[0])] = False
        twin[rows] = same.any(axis=1)
    return twin


def _thumb(marks: Marks, k: int) -> Floats32:
    x0, y0, x1, y1 = marks.boxes[k].astype(int)
    mask = (marks.labels[y0:y1, x0:x1] == marks.ids[k]).astype(np.uint8) * 255
    small = Image.fromarray(mask).resize((_THUMB_PX, _THUMB_PX), Image.Resampling.BOX)
    return np.asarray(small, np.float32).reshape(-1) / np.float32(255)


def printed_bodies(marks: Marks, line: Ints, height: float) -> Bools:
    """Return which marks are print, ``(n,)``; small marks (dots, commas) are left to their neighbours.

    Args:
        marks: of the page.
        line: the line of each mark.
        height: of the writing.
    """
    printed = np.zeros(len(marks.ids), bool)
    usual = float(np.median(marks.height)) if len(marks.ids) else 0.0
    least, most = 0.35 * min(height, 1.5 * usual), 2.0 * height
    size = np.maximum(marks.width, marks.height)
    # bars and dots are alike in every hand: a letter is neither thin nor full
    area = areas_of(marks.labels, int(marks.labels.max(initial=0)))[marks.ids]
    full = area / np.maximum(marks.width * marks.height, 1)
    letter = (size >= least) & (size <= most) & (np.minimum(marks.width, marks.height) > 0.3 * size) & (full < 0.75)
    chosen = np.flatnonzero(letter)
    twin = letters_with_twins(marks, chosen)
    if twin.sum() < _LEAST_TWINS:
        return printed
    for k in np.unique(line[chosen]).tolist():
        own = np.flatnonzero(line[chosen] == k)
        for row in _rows(marks.boxes[chosen[own]]):
            order = own[row]
            letters, twins = marks.boxes[chosen[order]], twin[order]
            if len(order) >= _LINE_LETTERS and twins.mean() >= _LINE_SHARE and _on_a_ruler(letters):
                printed |= (line == k) & _of_print(marks, letters, twins)
    return printed


def _rows(boxes: Floats) -> list[Ints]:
    """Return the letters of each row of print in a line, from left to right: small print may be two rows of a line."""
    order = np.argsort(boxes[:, 3], kind="stable")
    gap = 0.4 * float(np.median(boxes[:, 3] - boxes[:, 1]))
    cuts = np.flatnonzero(np.diff(boxes[order, 3]) > gap) + 1
    return [some[np.argsort(boxes[some, 0], kind="stable")] for some in np.split(order, cuts)]


def _of_print(marks: Marks, letters: Floats, twins: Bools) -> Bools:
    """Return which marks belong to a row of printed letters; handwriting in it (a form), words without twins, stays."""
    found = np.zeros(len(marks.ids), bool)
    words = _runs(letters, 0.6 * float(np.median(letters[:, 3] - letters[:, 1])))
    hand = [len(word) > _LEAST_LETTERS and not twins[word].any() for word in words]
    if not any(hand):  # thin letters, which have no twins to be found by, go with their row
        words, hand = [np.arange(len(letters))], [False]
    for word, by_hand in zip(words, hand, strict=True):
        if by_hand:
            continue
        box = letters[word]
        top, bottom = float(box[:, 1].min()), float(box[:, 3].max())
        reach = 0.5 * (bottom - top) if len(words) == 1 else 1.0
        beside = (marks.boxes[:, 0] >= box[:, 0].min() - reach) & (marks.boxes[:, 2] <= box[:, 2].max() + reach)
        middle = 0.5 * (marks.boxes[:, 1] + marks.boxes[:, 3])
        found |= beside & (marks.height <= 1.6 * (bottom - top)) & (np.abs(2 * middle - top - bottom) <= bottom - top)
    return found


def _on_a_ruler(letters: Floats) -> bool:
    """Say whether most letters of a line stand on one straight line to a pixel or so."""
    x, y = 0.5 * (letters[:, 0] + letters[:, 2]), letters[:, 3]
    near = np.ones(len(x), bool)
    reach = max(1.1, 0.03 * float(np.median(letters[:, 3] - letters[:, 1])))
    away = y - np.median(y)
    for _ in range(6):
        if near.sum() > 2 and np.ptp(x[near]) > 1:
            slope, at = np.polyfit(x[near], y[near], 1)
            away = y - slope * x - at
        off = np.abs(away - np.median(away))
        near = off <= max(reach, float(np.percentile(off, 60)))
    return float((np.abs(away - np.median(away[near])) <= reach).mean()) >= _ON_RULER


def _runs(boxes: Floats, gap: float) -> list[Ints]:
    """Cut letters, sorted from left to right, where a gap is wider than usual: words."""
    cuts = np.flatnonzero(boxes[1:, 0] - np.maximum.accumulate(boxes[:, 2])[:-1] > gap) + 1
    return [np.asarray(some, np.int64) for some in np.split(np.arange(len(boxes)), cuts)]
