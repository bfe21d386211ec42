"""Which classes a character is told apart from: those of its own category, never those of all scripts together.

A sample's category is known wherever its label is, and published accuracies are given by category too: a zero is not
marked wrong for looking like the letter O. What stands in no alphabet here (words, symbols, scripts without labels) is
not recognised at all: NaN, and not counted.
"""

from __future__ import annotations

from kalamos.ink import Sample

SYNTHETIC_SCRIPTS = ("Arab", "Deva", "Taml")
OMNIGLOT_ALPHABETS = ("Sanskrit",)


def category(sample: Sample) -> str | None:
    """Return the category of a character: digit, upper, lower, a script of the built-in corpus or Sanskrit; or None."""
    label = sample.label
    if sample.level != "character" or not label:
        return None
    if len(label) == 1 and label.isascii():
        return "digit" if label.isdigit() else "upper" if label.isupper() else "lower" if label.islower() else None
    alphabet = label.partition("/")[0]
    if sample.corpus == "omniglot":
        return alphabet if alphabet in OMNIGLOT_ALPHABETS else None
    return sample.script if sample.script in SYNTHETIC_SCRIPTS else None
