"""A corpus of a few letters drawn with straight pens, for training in seconds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalamos.datasets.corpus import Card, UnitReport
from kalamos.ink import Ink, Sample

LETTERS = {
    "L": [[(0, 0), (0, 10), (6, 10)]],
    "T": [[(0, 0), (8, 0)], [(4, 0), (4, 10)]],
    "X": [[(0, 0), (8, 10)], [(8, 0), (0, 10)]],
    "V": [[(0, 0), (4, 10), (8, 0)]],
}


def letter(name: str, seed: int = 0) -> Ink:
    """Return a letter with times, its corners a little moved."""
    rng = np.random.default_rng(seed)
    strokes = [np.array(stroke) + rng.normal(0, 0.3, (len(stroke), 2)) for stroke in LETTERS[name]]
    dense = [np.concatenate([np.linspace(a, b, 12) for a, b in itertools.pairwise(s)]) for s in strokes]
    times, clock = [], 0.0
    for stroke in dense:
        times.append(clock + np.arange(len(stroke)) * 0.01)
        clock = float(times[-1][-1]) + 0.2
    return Ink.from_strokes(dense, t=times)


class Tiny:
    """A corpus whose units are letters."""

    card = Card("tiny", "Tiny", ("Latn",), ("character",), "48", "none", "none", "none", "none", "none")

    def units(self, root: Path, **options: str) -> list[str]:
        """Return the letters."""
        return list(LETTERS)

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield twelve samples of a letter, the last two for validation."""
        for k in range(12):
            yield Sample(
                f"{unit}/{k}", letter(unit, k), unit, "character", "Latn", f"w{k}", "tiny",
                split="train" if k < 10 else "validation", time_source="recorded",
            )  # fmt: skip


CORPUS = Tiny()
