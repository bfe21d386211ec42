"""From text to planned strokes in the order of writing, script by script.

Latin letters stand side by side. Arabic letters take the form that their neighbours call for; the bodies of joined
letters are one stroke, and what is delayed (the bar of kaf, the stem of tah, all dots) follows from right to left.
Devanagari and Tamil vowel signs go where they belong, before, after, above or below their letter; the Devanagari
headline is drawn last, over the whole word.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from kalamos.datasets.synthetic.curves import Knots, parse_knots
from kalamos.datasets.synthetic.plans import StrokePlan, parse_strokes, plan_stroke, stroke_plan
from kalamos.errors import KalamosError, UnknownNameError

FILES = {"Latn": "latin", "Arab": "arabic", "Deva": "devanagari", "Taml": "tamil"}
SCRIPTS = tuple(FILES)
LETTER_GAP, WORD_GAP = 17.0, 50.0  # plan units
Choose = Callable[[str, int], int]  # (letter, how many allographs) -> which


class Hand(NamedTuple):
    """What the layout has to know of a writer: the choice of allographs, spacing, and the shape of Arabic dots."""

    choose: Choose
    spacing: float = 1.0
    fused_dots: bool = False


class Glyph(NamedTuple):
    """A letter as planned: its strokes, and the places where signs and headline are attached to it."""

    strokes: tuple[StrokePlan, ...]
    left: float
    right: float
    notes: dict[str, tuple[float, ...]]


@cache
def plan_file(script: str) -> dict[str, Any]:
    """Return the plans of one script as they stand in its TOML file.

    Raises:
        UnknownNameError: where the script has none.
    """
    if script not in FILES:
        raise UnknownNameError(f"the synthetic corpus has no script {script!r}; it has {', '.join(SCRIPTS)}")
    text = files("kalamos.datasets.synthetic").joinpath("plans", f"{FILES[script]}.toml").read_text("utf-8")
    return tomllib.loads(text)


def letters(script: str) -> tuple[str, ...]:
    """Return the letters of a script, in the order of its alphabet."""
    return tuple(plan_file(script)["letters"])


def words(script: str) -> tuple[str, ...]:
    """Return the words that the corpus writes in a script."""
    return tuple(plan_file(script)["words"].split())


def layout(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    """Return the strokes of a text in the order of writing, in plan units, y upwards, left edge near x = 0.

    Raises:
        UnknownNameError: where script or letter has no plan; names the letter.
        KalamosError: where there is nothing to write.
    """
    plan_file(script)
    if not text.strip():
        raise KalamosError("there is no letter to write in an empty text")
    arrange = {"Latn": _latin, "Arab": _arabic, "Deva": _indic, "Taml": _indic}[script]
    return arrange(unicodedata.normalize("NFC", text), script, hand)


def moved(stroke: StrokePlan, by: complex) -> StrokePlan:
    """Return the stroke at another place."""
    return stroke._replace(path=stroke.path + by)


@lru_cache(maxsize=4096)
def glyph(text: str) -> Glyph:
    """Return the glyph of a plan's text: strokes, then notes after ``;``, each a name and numbers."""
    body, *notes = text.split(";")
    strokes = tuple(stroke_plan(stroke) for stroke in body.split("|")) if body.strip() else ()
    xs = np.concatenate([stroke.path.real for stroke in strokes]) if strokes else np.zeros(1)
    words_of = (note.split() for note in notes)
    return Glyph(
        strokes, float(xs.min()), float(xs.max()), {name: tuple(map(float, values)) for name, *values in words_of}
    )


def _unknown(letter: str, script: str) -> UnknownNameError:
    return UnknownNameError(
        f"the synthetic corpus has no plan for {letter!r} (U+{ord(letter[0]):04X}) in {script};"
        f" it has {' '.join(letters(script))}"
    )


def _latin(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    plans = plan_file(script)["letters"]
    strokes: list[StrokePlan] = []
    cursor = 0.0
    for letter in text:
        if letter == " ":
            cursor += WORD_GAP * hand.spacing
            continue
        if letter not in plans:
            raise _unknown(letter, script)
        shape = glyph(plans[letter][hand.choose(letter, len(plans[letter]))])
        strokes += [moved(stroke, cursor - shape.left) for stroke in shape.strokes]
        cursor += shape.right - shape.left + LETTER_GAP * hand.spacing
    return strokes


# Arabic


class Form(NamedTuple):
    """An Arabic letter in a word: its rasm (the shape without dots), its form there, and its dots."""

    rasm: str
    form: str
    dots: tuple[str, int] | None  # ("above" or "below", how many)


def _arabic(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    """Write words from right to left: the bodies of joined letters in one go, then what was delayed."""
    strokes: list[StrokePlan] = []
    cursor = 0.0
    for word in text.split():
        for forms in _joined_groups(_arabic_forms(word, script)):
            body, delayed = _joined(tuple(forms), hand.fused_dots)
            shift = cursor - max(stroke.path.real.max() for stroke in [*body, *delayed])
            group = [moved(stroke, shift) for stroke in [*body, *delayed]]
            strokes += group
            # tails below the line reach under the next letter
            cursor = min(_left_above(stroke, -6.0) for stroke in group) - 0.8 * LETTER_GAP * hand.spacing
        cursor -= 0.6 * WORD_GAP * hand.spacing
    left = min(stroke.path.real.min() for stroke in strokes)
    return [moved(stroke, -left) for stroke in strokes]


def _left_above(stroke: StrokePlan, y: float) -> float:
    above = stroke.path.real[stroke.path.imag > y]
    return float(above.min() if len(above) else stroke.path.real.max())


def _arabic_forms(word: str, script: str) -> list[Form]:
    """Choose the form of each letter: joined on the right, on the left, on both sides or on neither."""
    plans = plan_file(script)
    known = plans["letters"] | plans["extra"]
    units = _with_lamalef(word)
    for unit in units:
        if unit not in known:
            raise _unknown(unit, script)
    parts = [known[unit].split() for unit in units]
    shapes = [plans["rasm"][rasm] for rasm, *_ in parts]
    forms = []
    for k, (rasm, *dots) in enumerate(parts):
        right = k > 0 and "final" in shapes[k] and "initial" in shapes[k - 1]
        left = k + 1 < len(parts) and "initial" in shapes[k] and "final" in shapes[k + 1]
        form = {(False, False): "isolated", (False, True): "initial", (True, True): "medial", (True, False): "final"}
        forms.append(Form(rasm, form[right, left], (dots[0], int(dots[1])) if dots else None))
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


@lru_cache(maxsize=4096)
def _joined(forms: tuple[Form, ...], fused_dots: bool) -> tuple[tuple[StrokePlan, ...], tuple[StrokePlan, ...]]:
    """Return the body of joined letters, one stroke, and the strokes that wait for it."""
    rasms = plan_file("Arab")["rasm"]
    points, corners, lines = [], [], []
    delayed: list[StrokePlan] = []
    place = 0j
    for k, form in enumerate(forms):
        body, *rest = parse_strokes(rasms[form.rasm][form.form])
        first = 0 if k == 0 else 1  # where letters join, they share a knot
        points.append(body.points[first:] + place)
        corners.append(body.corner[first:])
        lines.append(body.line)
        delayed += [moved(plan_stroke(stroke), place) for stroke in rest]
        if form.dots:
            side, count = form.dots
            x, y = map(float, rasms[form.rasm][side][form.form].split(","))
            delayed += [moved(dot, place) for dot in _dots(complex(x, y), side, count, fused_dots)]
        place += body.points[-1]
    whole = Knots(np.concatenate(points), np.concatenate(corners), np.concatenate(lines))
    return (plan_stroke(whole),), tuple(delayed)


def _dots(place: complex, side: str, count: int, fused: bool) -> list[StrokePlan]:
    """Return one to three dots from right to left, the third outermost; fused into a dash or a caret on request."""
    out = 1 if side == "above" else -1
    if fused and count > 1:
        text = "9,0 - -9,1" if count == 2 else f"10,{-3 * out} 0,{9 * out}! -11,{-3 * out}"
        return [moved(stroke_plan(text), place)]
    spots = {1: [0j], 2: [9 + 0j, -9 + 0j], 3: [10 - 3j * out, -10 - 3j * out, 13j * out]}[count]
    return [moved(stroke_plan("0,0"), place + spot) for spot in spots]


# Devanagari and Tamil


def _indic(text: str, script: str, hand: Hand) -> list[StrokePlan]:
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
    raise _unknown(akshara[0], script)


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
        raise _unknown(sign, script)
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
