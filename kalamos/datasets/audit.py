"""What a split of a corpus is worth: writers and how many they amount to, persons and ink on two sides.

Everything is found in the samples themselves (:mod:`kalamos.datasets.shared_ink`), for any corpus and for a folder of
one's own: no table and no convention is believed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalamos.datasets import CORPORA
from kalamos.datasets.shared_ink import content, groups_of, shape
from kalamos.errors import CorpusError
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample
from kalamos.machinery.arrays import Floats32

NO_SPLIT = "none"
NO_WRITER = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an audit keeps of a sample.

    Attributes:
        corpus: of the sample.
        key: of the sample.
        writer: empty where unknown.
        split: :data:`NO_SPLIT` where there is none.
        level: of the sample.
        content: hash of its ink.
        shape: of its ink, where it is not too simple to be told from another's.
    """

    corpus: str
    key: str
    writer: str
    split: str
    level: str
    content: int
    shape: Floats32 | None


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One side of a split.

    Attributes:
        samples: how many.
        writers: how many, the unknown not counted.
        effective_writers: Kish's effective number, ``(sum n)^2 / sum n^2`` over the samples n of each writer: so many
            writers of equally many samples would say as much.
        unknown: samples without a writer.
    """

    samples: int
    writers: int
    effective_writers: float
    unknown: int


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        splits: of the corpus itself, by name.
        levels: samples by level.
        writers_on_two_sides: writer -> samples by split; what has no split stands on no side.
        shared: groups of keys that are one ink under several writers or corpora, with writer and split of each.
        refused: pieces that could not be read, by reason.
    """

    splits: dict[str, SplitFacts]
    levels: dict[str, int]
    writers_on_two_sides: dict[str, dict[str, int]]
    shared: tuple[tuple[Facts, ...], ...]
    refused: dict[str, int]

    @property
    def on_two_sides(self) -> list[tuple[Facts, ...]]:
        """Return the groups of one ink that stand on two sides of a split."""
        return [group for group in self.shared if len({one.split for one in group} - {NO_SPLIT}) > 1]

    @property
    def is_clean(self) -> bool:
        """Say whether nobody and nothing stands on two sides."""
        return not self.writers_on_two_sides and not self.on_two_sides


def effective_number(counts: Iterable[int]) -> float:
    """Return Kish's effective number of clusters of these sizes; 0 for none."""
    sizes = [float(count) for count in counts]
    return sum(sizes) ** 2 / sum(size**2 for size in sizes) if sizes else 0.0


def facts_of(sample: Sample, corpus: str) -> Facts:
    """Return what an audit keeps of a sample."""
    ink = sample.ink
    split = sample.split or NO_SPLIT
    return Facts(corpus, sample.key, sample.writer, split, sample.level, content(ink), shape(ink))


def read_facts(name: str, root: Path, options: Mapping[str, str], report: UnitReport) -> list[Facts]:
    """Read a corpus.

    Raises:
        CorpusError: where the folder is not that of the corpus, or holds no sample.
    """
    corpus: Any = CORPORA.load(name)
    units = corpus.units(root, **options)
    found = [facts_of(sample, name) for unit in units for sample in corpus.read(root, unit, report)]
    if not found:
        raise CorpusError(f"{root} holds no sample that {name} can read; {len(report.refusals)} pieces were refused")
    return found


def audit(
    name: str,
    root: Path,
    options: Mapping[str, str] | None = None,
    against: Sequence[tuple[str, Path]] = (),
) -> Audit:
    """Audit a corpus, and what of its ink stands in other corpora too.

    Args:
        name: registered name of the corpus; ``auto`` for a folder of one's own.
        root: its folder.
        options: its own choices.
        against: further corpora and their folders, searched for the same ink.

    Raises:
        CorpusError: as :func:`read_facts`.
    """
    report = UnitReport()
    own = read_facts(name, root, options or {}, report)
    others = [fact for other, folder in against for fact in read_facts(other, folder, {}, UnitReport())]
    sides: dict[str, list[Facts]] = defaultdict(list)
    for fact in own:
        sides[fact.split].append(fact)
    order = {"train": 0, "validation": 1, "test": 2}
    return Audit(
        {split: _split_facts(sides[split]) for split in sorted(sides, key=lambda name: (order.get(name, 3), name))},
        dict(sorted(Counter(fact.level for fact in own).items())),
        _writers_on_two_sides(own),
        tuple(_shared([*own, *others])),
        dict(sorted(Counter(refusal.reason for refusal in report.refusals).items())),
    )


def _split_facts(samples: Sequence[Facts]) -> SplitFacts:
    counts = Counter(fact.writer for fact in samples)
    unknown = counts.pop(NO_WRITER, 0)
    return SplitFacts(len(samples), len(counts), effective_number(counts.values()), unknown)


def _writers_on_two_sides(samples: Sequence[Facts]) -> dict[str, dict[str, int]]:
    sides: dict[str, Counter[str]] = defaultdict(Counter)
    for fact in samples:
        if fact.writer and fact.split != NO_SPLIT:
            sides[fact.writer][fact.split] += 1
    return {writer: dict(sorted(found.items())) for writer, found in sorted(sides.items()) if len(found) > 1}


def _shared(samples: Sequence[Facts]) -> Iterable[tuple[Facts, ...]]:
    """Yield the groups of one ink under several writers, corpora or splits; where nobody is named, all of it."""
    for numbers in groups_of([fact.content for fact in samples], [fact.shape for fact in samples]):
        group = tuple(samples[k] for k in numbers)
        if len({(fact.corpus, fact.writer, fact.split) for fact in group}) > 1:
            yield group
