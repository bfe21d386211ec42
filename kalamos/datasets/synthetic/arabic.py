"""Arabic: letters take the form that their neighbours call for, and are joined.

The bodies of joined letters are one stroke; what is delayed (the bar of kaf, the stem of tah, all dots) follows from
right to left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kalamos.datasets.synthetic.curves import Knots
from kalamos.datasets.synthetic.glyphs import LETTER_GAP, WORD_GAP, Hand, moved, plan_file, unknown
from kalamos.datasets.synthetic.plans import StrokePlan, parse_strokes, plan_stroke, stroke_plan

FORMS = {(False, False): "isolated", (False, True): "initial", (True, True): "medial", (True, False): "final"}
LINE = -6.0  # plan units; what lies lower reaches under the next letter


class Form(NamedTuple):
    """An Arabic letter in a word: its rasm (the shape without dots), its form there, and its dots."""

    rasm: str
    form: str
    dots: tuple[str, int] | None  # ("above" or "below", how many)


def arabic(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    """Write words from right to left: the bodies of joined letters in one go, then what was delayed."""
    strokes: list[StrokePlan] = []
    above = below = 0.0  # what is written so far ends here, above and below the line
    for word in text.split():
        for forms in _joined_groups(_forms(word, script)):
            group = _joined(forms, hand.fused_dots)
            x = np.concatenate([stroke.path for stroke in group])
            high, low = x.real[x.imag > LINE], x.real[x.imag <= LINE]
            gap = 0.8 * LETTER_GAP * hand.spacing
            shift = min(above - high.max(initial=-np.inf), below - low.max(initial=-np.inf)) - gap
            strokes += [moved(stroke, shift) for stroke in group]
            above = min(above, high.min(initial=np.inf) + shift)
            below = min(below, low.min(initial=np.inf) + shift)
        above = below = min(above, below) - 0.6 * WORD_GAP * hand.spacing
    left = min(stroke.path.real.min() for stroke in strokes)
    return [moved(stroke, -left) for stroke in strokes]


def _forms(word: str, script: str) -> list[Form]:
    """Choose the form of each letter: joined on the right, on the left, on both sides or on neither."""
    plans = plan_file(script)
    known = plans["letters"] | plans["extra"]
    units = _with_lamalef(word)
    for unit in units:
        if unit not in known:
            raise unknown(unit, script)
    parts = [known[unit].split() for unit in units]
    shapes = [plans["rasm"][rasm] for rasm, *_ in parts]
    forms = []
    for k, (rasm, *dots) in enumerate(parts):
        right = k > 0 and "final" in shapes[k] and "initial" in shapes[k - 1]
        left = k + 1 < len(parts) and "initial" in shapes[k] and "final" in shapes[k + 1]
        forms.append(Form(rasm, FORMS[right, left], (dots[0], int(dots[1])) if dots else None))
    return forms


def _with_lamalef(word: str) -> list[str]:
    return [unit if unit != "\0" else "لا" for unit in word.replace("لا", "\0")]


def _joined_groups(forms: Sequence[Form]) -> Iterator[list[Form]]:
    group: list[Form] = []
    for form in forms:
        group.append(form)
        if form.form in ("isolated", "final"):
            yield group
            group = []


def _joined(forms: Sequence[Form], fused_dots: bool) -> list[StrokePlan]:
    """Return the strokes of joined letters: the body, then what waits for it, from right to left."""
    body, places = _body(tuple(forms))
    strokes = [body]
    for form, place in zip(forms, places, strict=True):
        rasm = plan_file("Arab")["rasm"][form.rasm]
        _, *rest = rasm[form.form].split("|")
        strokes += [moved(stroke_plan(stroke), place) for stroke in rest]
        if form.dots:
            side, count = form.dots
            x, y = map(float, rasm[side][form.form].split(","))
            strokes += _dots(place + complex(x, y), side, count, fused_dots)
    return strokes


@lru_cache(maxsize=4096)
def _body(forms: tuple[Form, ...]) -> tuple[StrokePlan, tuple[complex, ...]]:
    """Return the body of joined letters, one stroke, and where each letter begins."""
    points, corners, lines, places = [], [], [], [0j]
    for k, form in enumerate(forms):
        body = parse_strokes(plan_file("Arab")["rasm"][form.rasm][form.form])[0]
        first = 0 if k == 0 else 1  # where letters join, they share a knot
        points.append(body.points[first:] + places[-1])
        corners.append(body.corner[first:])
        lines.append(body.line)
        places.append(places[-1] + complex(body.points[-1]))
    whole = Knots(np.concatenate(points), np.concatenate(corners), np.concatenate(lines))
    return plan_stroke(whole), tuple(places[:-1])


def _dots(place: complex, side: str, count: int, fused: bool) -> list[StrokePlan]:
    """Return one to three dots from right to left, the third outermost; fused into a dash or a caret on request."""
    out = 1 if side == "above" else -1
    if fused and count > 1:
        text = "9,0 - -9,1" if count == 2 else f"10,{-3 * out} 0,{9 * out}! -11,{-3 * out}"
        return [moved(stroke_plan(text), place)]
    spots = {1: [0j], 2: [9 + 0j, -9 + 0j], 3: [10 - 3j * out, -10 - 3j * out, 13j * out]}[count]
    return [moved(stroke_plan("0,0"), place + spot) for spot in spots]
