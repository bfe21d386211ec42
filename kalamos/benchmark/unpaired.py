"""Ceilings of scanned characters: how well the online recogniser reads held-out online ink of the same classes.

Paper has no trajectory, so the ceiling of a scan's own ink is not to be had; online ink of other people is the next
best. Where no online ink of a class is at hand the built-in corpus stands in, of which the recogniser knows other
writers: that ceiling is too high, and tables say so. ``python -m kalamos.benchmark.unpaired CORPORA`` measures them
and writes ``unpaired.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from kalamos.benchmark.statistics.estimates import estimate
from kalamos.datasets import CORPORA
from kalamos.datasets.shared_root import find_corpus
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample
from kalamos.machinery.files import write_text
from kalamos.recognition.alphabets import CONSONANTS, candidates
from kalamos.recognition.online import OnlineRecogniser

FILE = "unpaired.json"
_NOBODY = "no people: built-in writers, for training too"
SOURCES = {
    "digit": ("unipen", {"categories": "1a"}, "people: test writers of UNIPEN"),
    CONSONANTS: (
        "synthetic",
        {"scripts": "Deva", "level": "character"},
        "no people: built-in writers, for training too",
    ),
    "Arab": ("synthetic", {"scripts": "Arab", "level": "character"}, _NOBODY),
}
"""Category of scanned characters -> corpus, its options, and whose ink it is."""


class Ceiling(NamedTuple):
    """How well held-out online ink of a category is read.

    Attributes:
        value: share read right.
        low: lower end of the 95 % interval by writer.
        high: upper end.
        characters: how many.
        writers: of how many writers.
        whose: whose ink it is, and what the recogniser learnt from.
    """

    value: float
    low: float
    high: float
    characters: int
    writers: int
    whose: str


@lru_cache(maxsize=1)
def ceilings() -> dict[str, Ceiling]:
    """Return the measured ceilings by category."""
    text = (resources.files("kalamos.benchmark") / FILE).read_text(encoding="utf-8")
    return {name: Ceiling(**values) for name, values in json.loads(text).items()}


def with_unpaired(recognition: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return shares by category with the ceilings of other people's ink, ``unpaired`` 1, where one was measured."""
    known = ceilings()
    made = {name: dict(shares) for name, shares in recognition.items()}
    for name, shares in made.items():
        if name in known:
            ratio = shares["recovered"] / known[name].value
            shares.update(ceiling=known[name].value, ratio=ratio, unpaired=1.0)
    return made


def measured(name: str, root: Path) -> Ceiling:
    """Read the held-out characters of a category.

    Raises:
        CorpusError: where their corpus is not there.
    """
    corpus, options, whose = SOURCES[name]
    recogniser = OnlineRecogniser.load()
    labels = set(candidates(name, recogniser.alphabets)[0])
    samples = [sample for sample in _test_samples(corpus, options, root) if sample.label in labels]
    read = recogniser.recognise([sample.ink for sample in samples], [name] * len(samples))
    right = np.array([found == sample.label for found, sample in zip(read, samples, strict=True)], np.float64)
    writers = [sample.writer for sample in samples]
    found = estimate(right, writers)
    low, high = (round(end, 4) for end in (found.low, found.high))
    return Ceiling(round(found.value, 4), low, high, len(samples), len(set(writers)), whose)


def _test_samples(corpus: str, options: dict[str, str], root: Path) -> Iterator[Sample]:
    reader = CORPORA.load(corpus)
    folder = find_corpus(corpus, root)
    for unit in reader.units(folder, **options):
        for sample in reader.read(folder, unit, UnitReport()):
            if sample.split == "test" and sample.ink.n_points and sample.level == "character":
                yield sample


@click.command()
@click.argument("corpora", type=click.Path(path_type=Path))
def main(corpora: Path) -> None:
    """Measure the ceilings on the corpora below CORPORA and write them."""
    made = {name: measured(name, corpora)._asdict() for name in SOURCES}
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    write_text(Path(__file__).with_name(FILE), text, overwrite=True)
    click.echo(text)


if __name__ == "__main__":
    main()
