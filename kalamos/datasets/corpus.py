"""What a corpus is to Kalamos: a card, a list of units, and a function that reads one unit.

A corpus module knows the layout of one corpus on disk, its labels, writers and splits; the syntax of its files is the
business of :mod:`kalamos.formats`. A **unit** is the smallest piece that is read in one go, most often a file;
units are what conversion shards and what a worker takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from kalamos.formats.report import Refusal, UnitReport
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Level, Sample, Split
from kalamos.machinery.seeding import stable_hash

__all__ = ["SHARES", "Card", "Corpus", "Pictured", "Refusal", "SplitShares", "UnitReport", "split_by_writer"]


@dataclass(frozen=True, slots=True)
class Card:
    """What a user has to know of a corpus before using it.

    Attributes:
        name: the registered name.
        title: the name in print.
        scripts: ISO 15924 codes.
        levels: what its samples are.
        size: how much there is, in words.
        licence: as its authors state it.
        citation: how to cite it.
        obtain: how to get it, step by step.
        layout: what the folder holds, with its names.
        verified: what was checked on real files, and what only against a published description.
        url: where it is published; empty where unknown.
        options: further choices of :class:`Corpus` as ``name: meaning`` (e.g. categories).
        beside: patterns of files that are read with the units and are none themselves: labels, included ink, splits.
    """

    name: str
    title: str
    scripts: tuple[str, ...]
    levels: tuple[Level, ...]
    size: str
    licence: str
    citation: str
    obtain: str
    layout: str
    verified: str
    url: str = ""
    options: tuple[tuple[str, str], ...] = ()
    beside: tuple[str, ...] = ()


class Corpus(Protocol):
    """One corpus: an instance is registered in :data:`kalamos.datasets.CORPORA`."""

    card: Card

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the units below ``root`` in a stable order, as text (a path relative to ``root``, or path#part).

        Raises:
            CorpusError: where the folder is not laid out as the card says.
        """
        ...

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one unit; what cannot be read is added to ``report`` and the rest goes on."""
        ...


@runtime_checkable
class Pictured(Protocol):
    """A corpus that has the picture of every ink: nothing is rendered for it."""

    def image(self, root: Path, sample: Sample) -> tuple[OfflineImage, Placement]:
        """Return the picture of a sample as a method gets it, and where its ink lies on it.

        Raises:
            KalamosError: where there is none.
        """
        ...


SplitShares = tuple[tuple[Split, float], ...]
SHARES: SplitShares = (("train", 0.8), ("validation", 0.1), ("test", 0.1))


@lru_cache(maxsize=4096)
def split_by_writer(corpus: str, writer: str, shares: SplitShares = SHARES) -> Split:
    """Return the split of a writer: a hash of corpus and writer, cut at 80 % and 90 %, the same for ever."""
    place = stable_hash(f"{corpus}/{writer}") / 2**64
    for split, share in shares:
        place -= share
        if place < 0:
            return split
    return shares[-1][0]
