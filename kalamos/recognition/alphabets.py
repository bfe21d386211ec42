"""Which classes a character is told apart from: those of its own category, never those of all scripts together.

A sample's category is known wherever its label is, and published accuracies are given by category too: a zero is not
marked wrong for looking like the letter O. What stands in no alphabet here (words, symbols, scripts without labels) is
not recognised at all: NaN, and not counted.
"""

from __future__ import annotations

from kalamos.ink import Sample

CONSONANTS = "Deva consonants"
_LETTERS = "क ख ग घ ङ च छ ज झ ञ ट ठ ड ढ ण त थ द ध न प फ ब भ म य र ल व श ष स ह"
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {CONSONANTS: ("Deva", tuple(_LETTERS.split()))}
"""Categories of scanned characters that are a part of an alphabet: name -> alphabet, labels."""
SYNTHETIC_SCRIPTS = ("Arab", "Deva", "Taml")
OMNIGLOT_ALPHABETS = ("Sanskrit",)


def category(sample: Sample) -> str | None:
    """Return the category of a character: digit, upper, lower, a script or a part of it, Sanskrit; or None."""
    label = sample.label
    if sample.level != "character" or not label:
        return None
    if len(label) == 1 and label.isascii():
        return "digit" if label.isdigit() else "upper" if label.isupper() else "lower" if label.islower() else None
    if sample.corpus == "paper-characters" and label in PARTS[CONSONANTS][1]:
        return CONSONANTS
    alphabet = label.partition("/")[0]
    if sample.corpus == "omniglot":
        return alphabet if alphabet in OMNIGLOT_ALPHABETS else None
    return sample.script if sample.script in SYNTHETIC_SCRIPTS else None


def candidates(name: str, alphabets: dict[str, list[str]]) -> tuple[list[str], list[int]]:
    """Return the labels of a category, and the class of each among those of all alphabets laid end to end.

    Raises:
        KeyError: where there is no such alphabet.
    """
    whole, labels = PARTS.get(name, (name, None))
    first = 0
    for known, members in alphabets.items():
        if known == whole:
            chosen = [(label, first + k) for k, label in enumerate(members) if labels is None or label in labels]
            return [label for label, _ in chosen], [place for _, place in chosen]
        first += len(members)
    raise KeyError(name)
