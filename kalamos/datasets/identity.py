"""On which side of a split an ink stands: no person and no ink stands on two.

A writer's split is a hash of the corpus' and the writer's name (:func:`kalamos.datasets.corpus.split_by_writer`). Two
things are wrong with that alone: a corpus may know one person under several names, and the same ink may stand under
several writers. What was found of both is kept in a table a corpus, ``identities/<corpus>.tsv``, made by
``python -m kalamos.datasets.clean_splits`` from the corpus itself:

- ``writer <hash> <split>``: a person whose split is not that of the hash of the name;
- ``ink <hash>``: a sample that stands on no side, because its ink stands under a person of another side too.

The hashes are those of names and sample keys (:func:`kalamos.machinery.seeding.stable_hash`): the tables name nobody.

**The rule.** A person or an ink of whom any part was training data of version 0.1 is training data for ever; one that
was validation data, and never training data, is validation data. So weights that were trained on the old splits can be
trained on, and no sample that they saw is tested on. Of an ink under persons of two sides, the copies that are not on
that side get no split at all: their person has a side of his own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import get_args

from kalamos.datasets.corpus import SHARES, SplitShares, split_by_writer
from kalamos.errors import CorpusError
from kalamos.ink import Split
from kalamos.machinery.seeding import stable_hash


@dataclass(frozen=True, slots=True)
class Identities:
    """What the table of one corpus says, by stable hash.

    Attributes:
        writers: hash of a writer's name -> split.
        inks: hashes of the keys of samples without a side.
    """

    writers: Mapping[int, Split]
    inks: frozenset[int]


def split_of(corpus: str, key: str, writer: str, shares: SplitShares = SHARES) -> Split | None:
    """Return the split of a sample: its writer's; None where no writer is known, or another side has its ink."""
    known = identities(corpus)
    if not writer or (known.inks and stable_hash(key) in known.inks):
        return None
    return split_of_writer(corpus, writer, shares)


@lru_cache(maxsize=16_384)
def split_of_writer(corpus: str, writer: str, shares: SplitShares = SHARES) -> Split:
    """Return the split of a writer: what the corpus' table says, else the hash of the name."""
    return identities(corpus).writers.get(stable_hash(writer)) or split_by_writer(corpus, writer, shares)


@lru_cache(maxsize=64)
def identities(corpus: str) -> Identities:
    """Return the table of a corpus; an empty one where there is none.

    Raises:
        CorpusError: where the table is damaged.
    """
    table = files("kalamos.datasets") / "identities" / f"{corpus}.tsv"
    return parsed(table.read_text(encoding="ascii"), f"identities/{corpus}.tsv") if table.is_file() else parsed("", "")


def parsed(text: str, name: str) -> Identities:
    """Read a table.

    Raises:
        CorpusError: naming the line that is none.
    """
    writers: dict[int, Split] = {}
    inks: set[int] = set()
    splits = {str(split): split for split in get_args(Split)}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        try:
            match line.split("\t"):
                case ["writer", code, split]:
                    writers[int(code, 16)] = splits[split]
                case ["ink", code]:
                    inks.add(int(code, 16))
                case _:
                    raise ValueError(line)
        except (KeyError, ValueError):
            raise CorpusError(f"{name}, line {number}: names no writer and no ink: {line!r:.80}") from None
    return Identities(writers, frozenset(inks))


def written(splits: Identities, head: str) -> str:
    """Return the text of a table, sorted; ``head`` says how it was made."""
    rows = [
        *(f"writer\t{code:016x}\t{split}\n" for code, split in sorted(splits.writers.items())),
        *(f"ink\t{code:016x}\n" for code in sorted(splits.inks)),
    ]
    return "".join([*(f"# {line}\n" for line in head.splitlines()), *rows])
