"""What a conversion is, what became of it, and which files it made: the records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kalamos
from kalamos.datasets.corpus import Card, Refusal
from kalamos.datasets.shards import LAYOUT, UNSPLIT
from kalamos.errors import StoreError
from kalamos.machinery.timelimit import FILE_TIMEOUT_S
from kalamos.renderers import Style

SHARDS = 32


@dataclass(frozen=True)
class Conversion:
    """What a conversion is: everything that its bytes depend on, beside the corpus files and the version.

    Attributes:
        corpus: registered name.
        root: the corpus folder.
        options: the corpus' own choices, see its card.
        style: how images are rendered; None for ink alone.
        seed: seed of the sampled parts of the style.
        shards: into how many files.
        strict: stop at the first piece that cannot be read.
        file_timeout_s: processor time that a unit may take without giving a sample.
    """

    corpus: str
    root: Path
    options: tuple[tuple[str, str], ...] = ()
    style: Style | None = None
    seed: int = 0
    shards: int = SHARDS
    strict: bool = False
    file_timeout_s: float = FILE_TIMEOUT_S

    def __post_init__(self) -> None:
        """Refuse settings that no conversion can have."""
        if self.shards < 1 or not self.file_timeout_s > 0:
            raise StoreError("a conversion needs at least one shard, and a time limit for files above 0 s")

    def plan(self) -> dict[str, Any]:
        """Return what must agree for a run to continue another."""
        style = None if self.style is None else self.style.hash
        return {
            "kalamos": kalamos.__version__,
            "corpus": self.corpus,
            "options": dict(sorted(self.options)),
            "style": style,
            "seed": self.seed,
            "shards": self.shards,
            "layout": LAYOUT,
        }


@dataclass(frozen=True)
class ConversionReport:
    """What became of a corpus; ``report.json`` holds the same.

    Attributes:
        samples: written, in all.
        counts: samples by split, by script, by level; ``label: none`` are those without a label.
        expected: pieces that the corpus' files announce, by name.
        mendings: rule -> how often.
        recognised: format and why it is that one -> files, where the corpus does not say which format its files have.
        refusals: every piece that gave no sample.
    """

    samples: int
    counts: dict[str, dict[str, int]]
    expected: dict[str, int]
    mendings: dict[str, int]
    recognised: dict[str, int]
    refusals: tuple[Refusal, ...]

    @property
    def is_unlabelled(self) -> bool:
        """Say whether there are samples, and none has a label."""
        return 0 < self.samples == self.counts.get("label", {}).get("none")

    def reasons(self) -> Counter[str]:
        """Return how often each reason refused something."""
        return Counter(refusal.reason for refusal in self.refusals)


@dataclass(frozen=True)
class ShardFile:
    """A Parquet file of a conversion.

    Attributes:
        name: without folder.
        split: ``train``, ``validation``, ``test``, or ``part`` for samples without a split.
        rows: how many samples.
        bytes: its size.
        sha256: of its content, in hexadecimal.
    """

    name: str
    split: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Converted:
    """A conversion that is done: all that its descriptions (data card, Croissant) say.

    Attributes:
        conversion: what was asked for.
        card: the corpus' card.
        report: what became of it.
        files: its Parquet files, by name.
    """

    conversion: Conversion
    card: Card
    report: ConversionReport
    files: tuple[ShardFile, ...]

    def splits(self) -> dict[str, tuple[ShardFile, ...]]:
        """Return the files with samples by the name of their split in the order train, validation, test, the rest.

        Samples without a split are ``train`` where no sample has one, as every loader calls what is not divided, and
        ``unsplit`` beside others.
        """
        found: dict[str, tuple[ShardFile, ...]] = {}
        for split in ("train", "validation", "test", UNSPLIT):
            files = tuple(file for file in self.files if file.split == split and file.rows)
            name = split if split != UNSPLIT else "unsplit" if found else "train"
            found |= {name: files} if files else {}
        return found
