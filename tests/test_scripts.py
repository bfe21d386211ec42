"""What is known of scripts, held against Python's own Unicode database."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter, defaultdict

import pytest

from kalamos.baselines.combine import rules_for
from kalamos.datasets.omniglot import SCRIPTS
from kalamos.errors import UnknownNameError
from kalamos.models.kalamos.blocks import runs_leftwards
from kalamos.scripts import FAMILY, NAMES, RIGHT_TO_LEFT, checked_script, direction_of


def letters_by_first_words() -> dict[str, Counter[str]]:
    """Return the beginning of a letter's Unicode name -> how its letters run."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for code in range(sys.maxunicode + 1):
        name, _, rest = unicodedata.name(chr(code), "").partition(" LETTER ")
        if rest:
            found[name][unicodedata.bidirectional(chr(code))] += 1
    return found


def test_directions_are_those_of_unicode():
    runs = letters_by_first_words()
    checked = 0
    for code, name in NAMES.items():
        counts = runs.get(name.upper())
        if counts:
            leftwards = counts["R"] + counts["AL"] > counts["L"]
            assert (code in RIGHT_TO_LEFT) == leftwards, code
            checked += 1
    assert checked > 90


def test_every_code_is_one_and_stands_once():
    assert all(len(code) == 4 and code.isascii() and code.istitle() for code in NAMES)
    assert set(NAMES) >= RIGHT_TO_LEFT
    assert set(FAMILY) <= set(NAMES)
    assert set(SCRIPTS.values()) <= set(NAMES)
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.parametrize("script", ["Adlm", "Nkoo", "Hebr", "Rohg", "Armi", "Mand", "Samr"])
def test_a_script_from_right_to_left_is_so_for_rules_and_blocks(script: str):
    assert direction_of(script) == -1
    assert runs_leftwards([], script)
    assert rules_for(script) is rules_for("Arab")


@pytest.mark.parametrize("script", ["Latn", "Taml", "Zyyy", None])
def test_others_run_to_the_right(script: str | None):
    assert direction_of(script) == 1
    assert not runs_leftwards([], script)


def test_rules_are_a_scripts_own_then_its_familys_then_latin():
    assert rules_for("Deva") is rules_for("Beng")
    assert rules_for("Deva") is not rules_for("Latn")
    assert rules_for("Cyrl") is rules_for("Latn") is rules_for(None)


@pytest.mark.parametrize(
    ("given", "meant"), [("arab", "Arab"), ("Arabic", "Arab"), ("Lat", "Latn"), ("hebrew", "Hebr")]
)
def test_what_is_no_code_is_named_with_the_nearest(given: str, meant: str):
    with pytest.raises(UnknownNameError, match=rf"{meant} \("):
        checked_script(given)


def test_a_code_is_itself():
    assert checked_script("Adlm") == "Adlm"
