"""What is said of an entry that was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NAMED = 5
"""Samples that a text names; ``--json`` has them all."""


@dataclass(frozen=True)
class Finding:
    """One thing about an entry.

    Attributes:
        level: ``wrong``: the entry cannot stand on a board; ``look``: a person should look before it does.
        what: which check, in a word or two: the same for the same fault, for programs to read.
        text: what is the matter and what to do, in a sentence.
        samples: the keys that it is about; empty where it is about the whole.
    """

    level: Literal["wrong", "look"]
    what: str
    text: str
    samples: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the finding as a line of text; of many samples the first ones are named."""
        return f"{self.level}: {self.what}: {self.text}{_naming(self.samples)}"


def wrong(what: str, text: str, samples: Sequence[str] = ()) -> Finding:
    """Return a finding for which an entry cannot stand on a board."""
    return Finding("wrong", what, printable(text), tuple(samples))


def look(what: str, text: str, samples: Sequence[str] = ()) -> Finding:
    """Return a finding at which a person should look."""
    return Finding("look", what, printable(text), tuple(samples))


def printable(text: str) -> str:
    """Return a text without what a terminal, or a log that obeys its lines, would take for more than text."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _naming(samples: Sequence[str]) -> str:
    if not samples:
        return ""
    shown = ", ".join(printable(key)[:100] for key in samples[:NAMED])
    return f" ({shown}{', ...' if len(samples) > NAMED else ''})"
