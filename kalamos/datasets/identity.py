"""On which side of a split an ink stands: no person and no ink stands on two.

A writer's split is a hash of the corpus' and the writer's name (:func:`kalamos.datasets.corpus.split_by_writer`). Two
things are wrong with that alone: a corpus may know one person under several names, and the same ink may stand under
several writers. What was found of both is kept in a table a corpus, ``identities/<corpus>.tsv``, made by
``python -m kalamos.datasets.clean_splits`` from the corpus itself:

- ``writer <hash> <split>``: a person whose split is not that of the hash of the name;
- ``ink <hash> <split>``: a sample whose ink stands under another person too, and whose split is not its writer's.

The hashes are those of names and sample keys (:func:`kalamos.machinery.seeding.stable_hash`): the tables name nobody.

**The rule.** A person or an ink of whom any part was training data of version 0.1 is training data for ever; one that
was validation data, and never training data, is validation data. So weights that were trained on the old splits can be
trained on, and no sample that they saw is tested on.
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
        inks: hash of a sample's key -> split.
    """

    writers: Mapping[int, Split]
    inks: Mapping[int, Split]


def split_of(corpus: str, key: str, writer: str, shares: SplitShares = SHARES) -> Split | None:
    """Return the split of a sample: that of its ink, else of its writer; None where no writer is known."""
    known = identities(corpus)
    if known.inks:
        split = known.inks.get(stable_hash(key))
        if split is not None:
            return split
    return split_of_writer(corpus, writer, shares) if writer else None


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
    found: dict[str, dict[int, Split]] = {"writer": {}, "ink": {}}
    splits = {str(split): split for split in get_args(Split)}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        kind, _, rest = line.partition("\t")
        code, _, split = rest.partition("\t")
        try:
            found[kind][int(code, 16)] = splits[split]
        except (KeyError, ValueError):
            raise CorpusError(f"{name}, line {number}: not a kind, a hash and a split: {line!r:.80}") from None
    return Identities(found["writer"], found["ink"])


def written(splits: Identities, head: str) -> str:
    """Return the text of a table, sorted; ``head`` says how it was made."""
    rows = [
        f"{kind}\t{code:016x}\t{split}\n"
        for kind, of in (("writer", splits.writers), ("ink", splits.inks))
        for code, split in sorted(of.items())
    ]
    return "".join([*(f"# {line}\n" for line in head.splitlines()), *rows])
