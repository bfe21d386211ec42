"""The planned letters of each script, read from ``plans/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from kalamos.datasets.synthetic.plans import StrokePlan, stroke_plan
from kalamos.errors import UnknownNameError

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


def unknown(letter: str, script: str) -> UnknownNameError:
    """Return the error that names a letter without a plan."""
    return UnknownNameError(
        f"the synthetic corpus has no plan for {letter!r} (U+{ord(letter[0]):04X}) in {script};"
        f" it has {' '.join(letters(script))}"
    )
