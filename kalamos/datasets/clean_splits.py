"""Make the table of a corpus by which no person and no ink stands on two sides of a split.

    python -m kalamos.datasets.clean_splits unipen ROOT --option categories=1a,1b,1c,1d,2,3,6,7,8

reads everything, as recorded, finds who is whom and which ink stands under several persons, and prints the table that
:mod:`kalamos.datasets.identity` describes and reads; ``--write`` puts it into the package.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kalamos.datasets import CORPORA, omniglot_stroke3
from kalamos.datasets.corpus import split_by_writer
from kalamos.datasets.identity import Identities, written
from kalamos.datasets.shared_ink import content, groups_of, shape
from kalamos.formats.report import UnitReport
from kalamos.ink import Split
from kalamos.machinery.arrays import Floats32
from kalamos.machinery.seeding import stable_hash

ORDER: tuple[Split, ...] = ("train", "validation", "test")
"""Of several sides the first one wins."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a sample as its corpus records it.

    Attributes:
        key: of the sample.
        writer: as recorded, not the person.
        content: hash of the ink.
        shape: of the ink, where it is not too simple.
    """

    key: str
    writer: str
    content: int
    shape: Floats32 | None = None


def first_side(sides: Iterable[Split]) -> Split:
    """Return the side on which a thing stands that stands on several: train, else validation, else test."""
    return min(sides, key=ORDER.index)


def clean(corpus: str, samples: Sequence[Recorded], person_of: Callable[[str], str]) -> Identities:
    """Return the splits that differ from the hash of the person, so that nobody and nothing stands on two sides."""
    writers: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        writers[person_of(sample.writer)].add(sample.writer)
    sides = {person: first_side(split_by_writer(corpus, name) for name in names) for person, names in writers.items()}
    moved = {stable_hash(person): side for person, side in sides.items() if split_by_writer(corpus, person) != side}
    return Identities(moved, _sideless(samples, [sides[person_of(sample.writer)] for sample in samples]))


def _sideless(samples: Sequence[Recorded], sides: Sequence[Split]) -> frozenset[int]:
    """Return the hashes of the keys of which the ink stands on a side that comes before their person's."""
    found: set[int] = set()
    for group in groups_of([sample.content for sample in samples], [sample.shape for sample in samples]):
        side = first_side(sides[k] for k in group)
        found.update(stable_hash(samples[k].key) for k in group if sides[k] != side)
    return frozenset(found)


def recorded(corpus: Any, root: Path, options: Mapping[str, str]) -> list[Recorded]:
    """Return all samples of a corpus that name a writer, each under the writer that its files name."""
    if hasattr(corpus, "person_of"):
        corpus = replace(corpus, person_of=str)
    return [
        Recorded(sample.key, sample.writer, content(sample.ink), shape(sample.ink))
        for unit in corpus.units(root, **options)
        for sample in corpus.read(root, unit, UnitReport())
        if sample.writer and sample.ink.n_points
    ]


def table(name: str, root: Path, options: Sequence[str]) -> str:
    """Return the text of the table of a corpus.

    Args:
        name: registered name of the corpus.
        root: its folder.
        options: its own choices, each ``name=value``.
    """
    corpus: Any = CORPORA.load(name)
    if name == "omniglot-stroke3":
        sketches = [sketch.ink for unit in corpus.units(root) for sketch in corpus.read(root, unit, UnitReport())]
        return omniglot_stroke3.table_of(omniglot_stroke3.split_by_likeness(sketches, omniglot_stroke3.drawings(root)))
    chosen = dict(option.split("=", 1) for option in options)
    found = clean(name, recorded(corpus, root, chosen), getattr(corpus, "person_of", str))
    if name == "omniglot":
        found = replace(found, inks=found.inks | _seen_as_sketches(root))
    made = "".join(f" --option {option}" for option in options)
    return written(found, f"Made by: python -m kalamos.datasets.clean_splits {name} ROOT{made}")


def _seen_as_sketches(root: Path) -> frozenset[int]:
    """Return the hashes of the keys of Omniglot's drawings whose sketch is training data."""
    sketches = list(omniglot_stroke3.CORPUS.read(root, omniglot_stroke3.FILE, UnitReport()))
    held_out = [sample for sample in omniglot_stroke3.drawings(root) if sample.split != "train"]
    return frozenset(map(stable_hash, omniglot_stroke3.seen_as_sketches(held_out, sketches)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print or write the table of a corpus."""
    parser = argparse.ArgumentParser(prog="python -m kalamos.datasets.clean_splits", description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("root", type=Path)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--write", action="store_true", help="into the package, instead of to the screen")
    asked = parser.parse_args(arguments)
    text = table(asked.corpus, asked.root, asked.option)
    if asked.write:
        (Path(__file__).parent / "identities" / f"{asked.corpus}.tsv").write_text(text, encoding="ascii")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
