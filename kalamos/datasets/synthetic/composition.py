"""From text to planned strokes in the order of writing: Latin here, :mod:`.arabic` and :mod:`.indic` beside it."""

from __future__ import annotations

import unicodedata

from kalamos.datasets.synthetic.arabic import arabic
from kalamos.datasets.synthetic.glyphs import LETTER_GAP, WORD_GAP, Hand, glyph, moved, plan_file, unknown
from kalamos.datasets.synthetic.indic import indic
from kalamos.datasets.synthetic.plans import StrokePlan
from kalamos.errors import KalamosError


def layout(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    """Return the strokes of a text in the order of writing, in plan units, y upwards, left edge near x = 0.

    Raises:
        UnknownNameError: where script or letter has no plan; names the letter.
        KalamosError: where there is nothing to write.
    """
    plan_file(script)
    if not text.strip():
        raise KalamosError("there is no letter to write in an empty text")
    arrange = {"Latn": _latin, "Arab": arabic, "Deva": indic, "Taml": indic}[script]
    return arrange(unicodedata.normalize("NFC", text), script, hand)


def _latin(text: str, script: str, hand: Hand) -> list[StrokePlan]:
    plans = plan_file(script)["letters"]
    strokes: list[StrokePlan] = []
    cursor = 0.0
    for letter in text:
        if letter == " ":
            cursor += WORD_GAP * hand.spacing
            continue
        if letter not in plans:
            raise unknown(letter, script)
        shape = glyph(plans[letter][hand.choose(letter, len(plans[letter]))])
        strokes += [moved(stroke, cursor - shape.left) for stroke in shape.strokes]
        cursor += shape.right - shape.left + LETTER_GAP * hand.spacing
    return strokes
