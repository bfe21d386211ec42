"""Devanagari and Tamil: vowel signs before, after, above and below their letter, and the headline.

The Devanagari headline is drawn last, over the whole word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from kalamos.datasets.synthetic.curves import parse_knots
from kalamos.datasets.synthetic.glyphs import LETTER_GAP, WORD_GAP, Glyph, Hand, glyph, moved, plan_file, unknown
from kalamos.datasets.synthetic.plans import StrokePlan, plan_stroke, stroke_plan


def indic(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    """Write letters with their vowel signs from left to right, then the headline where the script has one."""
    strokes: list[StrokePlan] = []
    cursor = 0.0
    gap = plan_file(script)["gap"] * hand.spacing
    for word in text.split():
        bars: list[tuple[float, float]] = []
        for akshara in _aksharas(word):
            parts, width = _akshara(akshara, script, hand)
            for place, shape in parts:
                strokes += [moved(stroke, place + cursor) for stroke in shape.strokes]
                bars += [(a + place.real + cursor, b + place.real + cursor) for a, b in _bars(shape)]
            cursor += width + gap
        strokes += _headline(bars)
        cursor += WORD_GAP * hand.spacing
    return strokes


def _aksharas(word: str) -> list[str]:
    """Cut a word before every character that is not a combining sign."""
    units: list[str] = []
    for character in word:
        if units and unicodedata.category(character).startswith("M"):
            units[-1] += character
        else:
            units.append(character)
    return units


def _akshara(akshara: str, script: str, hand: Hand) -> tuple[list[tuple[complex, Glyph]], float]:
    """Return the parts of a letter with its signs in the order of writing, each with its place, and the width."""
    plans = plan_file(script)
    whole, signs = _whole_and_signs(akshara, script)
    letter = glyph(_pick(whole, akshara, hand))
    column = _Column(plans["gap"])
    before = [(sign, column.put(glyph(sign["plan"]))) for sign in signs if sign["place"] == "left"]
    origin = column.put(letter)[0]
    top = origin + complex(*_anchor(letter, "top"))
    parts = [part for sign, put in before for part in [put, *_over(sign, put[0] + _stem(put[1]), top)]]
    parts.append((origin, letter))
    for sign in [sign for sign in signs if sign["place"] != "left"]:
        shape = glyph(sign["plan"])
        if sign["place"] == "right":
            put = column.put(shape)
            parts += [*([put] if shape.strokes else []), *_over(sign, top, put[0] + _stem(shape))]
            top = put[0] + complex(*shape.notes.get("top", (top.real - put[0].real, 100.0)))
        else:
            where = {
                "top": top,
                "bottom": origin + complex(*_anchor(letter, "bottom")),
                "centre": origin + _centre(letter),
            }
            parts.append((where[sign["place"]], shape))
    return parts, column.right


class _Column:
    """Puts glyphs side by side from left to right."""

    def __init__(self, gap: float) -> None:
        self.right, self.gap = -gap, gap

    def put(self, shape: Glyph) -> tuple[complex, Glyph]:
        """Return the place of the next glyph, and the glyph."""
        place = self.right + self.gap - _left(shape)
        self.right = place + _right(shape)
        return place + 0j, shape


def _whole_and_signs(akshara: str, script: str) -> tuple[str | list[str], list[dict[str, str]]]:
    """Return the plan of the longest beginning that has one, and the signs that follow."""
    plans = plan_file(script)
    for cut in range(len(akshara), 0, -1):
        whole = plans["letters"].get(akshara[:cut]) or plans["ligatures"].get(akshara[:cut])
        if whole:
            return whole, [part for sign in akshara[cut:] for part in _sign_parts(sign, script)]
    raise unknown(akshara[0], script)


def _over(sign: dict[str, str], a: complex, b: complex) -> list[tuple[complex, Glyph]]:
    """Return the arch of a sign from x = a to x = b: it is planned 100 wide and stretched to what it spans."""
    if "over" not in sign:
        return []
    arch = _arch(sign["over"], round(b.real - a.real, 1))
    return [(a.real + 0j, Glyph((arch,), 0.0, b.real - a.real, {}))]


@lru_cache(maxsize=1024)
def _arch(text: str, width: float) -> StrokePlan:
    knots = parse_knots(text)
    return plan_stroke(knots._replace(points=knots.points.real * width / 100 + 1j * knots.points.imag))


def _stem(shape: Glyph) -> float:
    """Return where the upright of a sign stands."""
    return float(shape.strokes[0].path[0].real) if shape.strokes else shape.notes["stem"][0]


def _centre(shape: Glyph) -> complex:
    return complex((shape.left + shape.right) / 2, 100.0)


def _sign_parts(sign: str, script: str) -> list[dict[str, str]]:
    plans = plan_file(script)
    names = plans.get("split", {}).get(sign, [sign])
    if not all(name in plans["signs"] for name in names):
        raise unknown(sign, script)
    return [plans["signs"][name] for name in names]


def _pick(plan: str | list[str], letter: str, hand: Hand) -> str:
    return plan if isinstance(plan, str) else plan[hand.choose(letter, len(plan))]


def _anchor(letter: Glyph, place: str) -> tuple[float, float]:
    """Return where a sign above or below is attached: as noted, else at the right edge."""
    default = {"top": (letter.right, 100.0), "bottom": (letter.right, 0.0)}
    x, y = letter.notes.get(place, default[place])
    return x, y


def _bars(shape: Glyph) -> list[tuple[float, float]]:
    """Return the stretch of headline over a shape; none where it is noted as having none."""
    bar = shape.notes.get("bar")
    return [] if not bar else [(bar[0], bar[1])]


def _left(shape: Glyph) -> float:
    return min([shape.left, *shape.notes.get("bar", ())[:1]])


def _right(shape: Glyph) -> float:
    return max([shape.right, *shape.notes.get("bar", ())[1:], *shape.notes.get("stem", ())])


def _headline(bars: Sequence[tuple[float, float]]) -> list[StrokePlan]:
    """Return the headline from left to right: stretches that come nearer than a letter gap are one stroke."""
    merged: list[list[float]] = []
    for a, b in sorted(bars):
        if merged and a - merged[-1][1] < LETTER_GAP:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return [stroke_plan(f"{a:.1f},100 - {b:.1f},100") for a, b in merged]
