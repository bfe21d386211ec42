"""What a person can do to a page: pure functions from a sheet and an action to a new sheet.

An action is a small JSON object: ``{"do": "reverse", "part": 3, "strokes": [0, 2]}``. Pieces and strokes are named by
their places, as they stand before the action. Everything in it is checked: it may come from anywhere.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kalamos.errors import KalamosError
from kalamos.geometry import line_length
from kalamos.studio.sheet import PAUSE_S, Part, Sheet, Stroke

Action = Mapping[str, Any]
MOST_POINTS = 20_000
"""Of a stroke that is drawn."""
MOST_LETTERS = 500
"""Of what is written in a piece."""
_FURTHEST_PX, _LONGEST_S = 1e6, 86_400.0
_LARGEST = 1e300
_UNSEEN = ("Cc", "Cs", "Cn", "Zl", "Zp")
"""Unicode categories that no line of writing has; joiners (Cf) belong to Persian and Indian text."""


class ActionError(KalamosError):
    """An action that cannot be done to the page as it is."""


def apply(sheet: Sheet, action: Action) -> Sheet:
    """Return the sheet after an action.

    Raises:
        ActionError: where the action is unknown, or names what is not there.
    """
    name = action.get("do")
    if not isinstance(name, str) or name not in ACTIONS:
        raise ActionError(f"no action is called {name!r}; known are: {', '.join(ACTIONS)}")
    return ACTIONS[name](sheet, action)


def _reverse(sheet: Sheet, action: Action) -> Sheet:
    """Let strokes run from their ends to their beginnings."""
    k, part, chosen = _chosen(sheet, action)
    strokes = [_reversed(stroke) if n in chosen else stroke for n, stroke in enumerate(part.strokes)]
    return sheet.with_part(k, strokes=tuple(strokes))


def _move(sheet: Sheet, action: Action) -> Sheet:
    """Write strokes at another time: put them, in their order, before the stroke ``to``, of this or another piece."""
    k, part, chosen = _chosen(sheet, action)
    target = _whole(action.get("to_part", k), len(sheet.parts), "to_part")
    to = _whole(action.get("to"), len(sheet.parts[target].strokes) + 1, "to")
    moved = tuple(part.strokes[n] for n in chosen)
    rest = tuple(stroke for n, stroke in enumerate(part.strokes) if n not in chosen)
    if target == k:
        place = to - sum(n < to for n in chosen)
        return sheet.with_part(k, strokes=(*rest[:place], *moved, *rest[place:]))
    there = sheet.parts[target].strokes
    return sheet.with_part(k, strokes=rest).with_part(target, strokes=(*there[:to], *moved, *there[to:]))


def _merge(sheet: Sheet, action: Action) -> Sheet:
    """Make one stroke of several, in the order of writing: the pen stayed down between them."""
    k, part, chosen = _chosen(sheet, action)
    if len(chosen) < 2:
        raise ActionError("merge takes at least two strokes; choose another one as well")
    joined = part.strokes[chosen[0]]
    for n in chosen[1:]:
        joined = _joined(joined, part.strokes[n])
    rest = [stroke for n, stroke in enumerate(part.strokes) if n not in chosen[1:]]
    rest[chosen[0]] = joined
    return sheet.with_part(k, strokes=tuple(rest))


def _split(sheet: Sheet, action: Action) -> Sheet:
    """Lift the pen within a stroke, at its point ``point``, at which the second stroke begins."""
    k, part, chosen = _chosen(sheet, action)
    if len(chosen) != 1:
        raise ActionError("split takes one stroke")
    stroke, point = part.strokes[chosen[0]], action.get("point")
    if isinstance(point, bool) or not isinstance(point, int) or not 0 < point < len(stroke.xy) - 1:
        raise ActionError(f"point is a number between the ends of the stroke, 1 to {len(stroke.xy) - 2}; got {point!r}")
    t = stroke.t
    first = replace(stroke, xy=stroke.xy[: point + 1], t=None if t is None else t[: point + 1], **_SURE)
    second = Stroke(stroke.xy[point:], None if t is None else t[point:] - t[point], **_SURE)
    n = chosen[0]
    return sheet.with_part(k, strokes=(*part.strokes[:n], first, second, *part.strokes[n + 1 :]))


def _delete(sheet: Sheet, action: Action) -> Sheet:
    """Take strokes out: no pen drew them."""
    k, part, chosen = _chosen(sheet, action)
    return sheet.with_part(k, strokes=tuple(s for n, s in enumerate(part.strokes) if n not in chosen))


def _redraw(sheet: Sheet, action: Action) -> Sheet:
    """Put a drawn stroke in the place of another."""
    k, part, chosen = _chosen(sheet, action)
    if len(chosen) != 1:
        raise ActionError("redraw takes one stroke")
    n = chosen[0]
    drawn = replace(_drawn(action), pause_s=part.strokes[n].pause_s)
    return sheet.with_part(k, strokes=(*part.strokes[:n], drawn, *part.strokes[n + 1 :]))


def _draw(sheet: Sheet, action: Action) -> Sheet:
    """Add a drawn stroke to a piece, before its stroke ``at``; to the end where that is left out."""
    k = _whole(action.get("part"), len(sheet.parts), "part")
    strokes = sheet.parts[k].strokes
    at = _whole(action.get("at", len(strokes)), len(strokes) + 1, "at")
    return sheet.with_part(k, strokes=(*strokes[:at], _drawn(action), *strokes[at:]))


def _choose(sheet: Sheet, action: Action) -> Sheet:
    """Take another of the paths that the method held to be possible."""
    k = _whole(action.get("part"), len(sheet.parts), "part")
    part = sheet.parts[k]
    path = _whole(action.get("path"), len(part.paths), "path")
    return sheet.with_part(k, strokes=part.paths[path], chosen=path)


def _order(sheet: Sheet, action: Action) -> Sheet:
    """Read a piece at another place: before the piece ``to``; it joins the line of the piece that is then before it.

    A piece that becomes the first joins the line of the one that follows.
    """
    parts = sheet.parts
    k = _whole(action.get("part"), len(parts), "part")
    to = _whole(action.get("to"), len(parts) + 1, "to")
    rest = [*parts[:k], *parts[k + 1 :]]
    place = to - (k < to)
    if place == k or not rest:
        return sheet
    beside = rest[place - 1] if place else rest[0]
    moved = replace(parts[k], line=beside.line)
    return Sheet((*rest[:place], moved, *rest[place:]))


def _label(sheet: Sheet, action: Action) -> Sheet:
    """Say what is written in a piece; nothing takes it back."""
    k = _whole(action.get("part"), len(sheet.parts), "part")
    text = action.get("text")
    if not isinstance(text, str) or len(text) > MOST_LETTERS or any(unicodedata.category(c) in _UNSEEN for c in text):
        raise ActionError(f"text is what is written in one piece: up to {MOST_LETTERS} characters, on one line")
    return sheet.with_part(k, label=text.strip())


ACTIONS: Mapping[str, Callable[[Sheet, Action], Sheet]] = {
    "reverse": _reverse,
    "move": _move,
    "merge": _merge,
    "split": _split,
    "delete": _delete,
    "redraw": _redraw,
    "draw": _draw,
    "choose": _choose,
    "order": _order,
    "label": _label,
}
"""Name of an action -> what it does."""
_SURE: dict[str, Any] = {"confidence": None, "by_hand": True}


def _chosen(sheet: Sheet, action: Action) -> tuple[int, Part, list[int]]:
    """Return the piece of an action and the places of its strokes, in the order of writing."""
    k = _whole(action.get("part"), len(sheet.parts), "part")
    named, part = action.get("strokes"), sheet.parts[k]
    if not isinstance(named, list) or not named or len(named) > len(part.strokes):
        raise ActionError(f"strokes is a list of places of strokes, 0 to {len(part.strokes) - 1}")
    return k, part, sorted({_whole(n, len(part.strokes), "strokes") for n in named})


def _whole(value: Any, below: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise ActionError(f"{name} is a whole number, 0 to {below - 1}; got {str(value)[:40]}")
    return value


def _reversed(stroke: Stroke) -> Stroke:
    t = None if stroke.t is None else stroke.t[-1] - stroke.t[::-1]
    return replace(stroke, xy=stroke.xy[::-1], t=t, **_SURE)


def _joined(a: Stroke, b: Stroke) -> Stroke:
    """Return two strokes as one; a point on which both end stands once, and a gap is crossed at their mean speed."""
    gap = float(np.hypot(*(b.xy[0] - a.xy[-1]).astype(np.float64)))
    skip = 1 if gap == 0 and len(b.xy) > 1 else 0
    t = None
    if a.t is not None and b.t is not None:
        lasting = float(a.t[-1] + b.t[-1])
        drawn = _length(a.xy) + _length(b.xy)
        bridge = gap * lasting / drawn if drawn > 0 else 0.0
        t = np.concatenate([a.t, b.t[skip:] + a.t[-1] + bridge])
    return replace(a, xy=np.concatenate([a.xy, b.xy[skip:]]), t=t, **_SURE)


def _length(xy: Any) -> float:
    return line_length(xy.astype(np.float64))


def _drawn(action: Action) -> Stroke:
    """Return a stroke that a person drew: ``xy`` as pairs of numbers, ``t`` as seconds or nothing."""
    xy = action.get("xy")
    if not isinstance(xy, list) or not 0 < len(xy) <= MOST_POINTS:
        raise ActionError(f"xy is a list of 1 to {MOST_POINTS} points")
    pairs = all(isinstance(point, list) and len(point) == 2 for point in xy)
    if not pairs or not all(_is_number(value) and abs(value) <= _FURTHEST_PX for point in xy for value in point):
        raise ActionError("a point is a pair of finite numbers, in pixels of the picture")
    t = action.get("t")
    if t is not None:
        numbers = isinstance(t, list) and len(t) == len(xy) and all(_is_number(value) for value in t)
        if not numbers or any(a > b for a, b in itertools.pairwise(t)) or t[-1] - t[0] > _LONGEST_S:
            raise ActionError("t is one time for each point, in seconds, never backwards, within a day")
        t = np.asarray(t, np.float64) - t[0]
    return Stroke(np.asarray(xy, np.float32), t, PAUSE_S, None, True)


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return -_LARGEST < value < _LARGEST  # a whole number of a thousand digits is none; NaN is not either
