"""Online Handwritten Assamese Characters: 183 classes, each once by 45 native writers (UCI data set 208).

Layout: ``W<writer>/<class>.<writer>.txt``, one character each (:mod:`kalamos.formats.assamese`). No times; coordinates
on a grid of 26.458 units, a pixel at 96 dpi in hundredths of a millimetre, so that 100 units are a millimetre.

- **Labels.** Class numbers and Latin names are the source's; what they mean in Unicode is not published with it. For
  the 62 single characters (1 to 52, the digits 174 to 183) it was read off name and shape. The 121 conjuncts are
  composed: their names spell consonants, which are joined by a hasanta; where a name can be spelled in two ways
  (``NTT`` is dental or retroflex) the shapes that 45 people wrote decided. :data:`COMPOSED` holds their class numbers.
  The sheet in ``docs/corpora/assamese.md`` shows every class beside a rendering of its text.
- **Split.** By writer and fixed: W1 to W30 train, W31 to W33 validation, W34 to W45 test. The source tests on W37 to
  W45 and trains on the others; three more are tested on here so that twelve people stand in the test.
- ``W6/15.5.txt`` is, byte for byte, ``W6/15.6.txt``: a file that names another writer than its folder is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import FolderCorpus, walk
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import assamese
from kalamos.ink import Sample, Split

NAME = "assamese"
LAYOUT = "W<writer>/<class>.<writer>.txt"
SPLITS: tuple[tuple[int, Split], ...] = ((30, "train"), (33, "validation"), (45, "test"))
"""Last writer of each split."""
COMPOSED = range(53, 174)
"""Classes whose text is composed by rule from the source's name, and not given by it."""
UNITS_PER_MM = 100.0
HASANTA = "\u09cd"
"""The sign that joins the consonants of a conjunct."""
_WRITER = re.compile(r"W([1-9]\d{0,3})")
_FILE = re.compile(r"([1-9]\d{0,3})\.([1-9]\d{0,3})\.txt")


class Class(NamedTuple):
    """A class of the corpus: its Latin name in the source, and its text."""

    name: str
    text: str


@lru_cache(maxsize=1)
def classes() -> dict[int, Class]:
    """Return the classes by number."""
    table = (files("kalamos.datasets") / "assamese_classes.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {int(number): Class(name, text.replace(" ", HASANTA)) for number, name, text in rows}


def _find(root: Path) -> Sequence[str]:
    """Return the writers' folders, in the order of their numbers.

    Raises:
        CorpusError: where there is none.
    """
    _, folders, _ = next(walk(root))
    found = [int(name[1]) for name in map(_WRITER.fullmatch, folders) if name]
    if not found:
        raise CorpusError(f"{root} holds no folder W1, W2 ...; assamese is {LAYOUT}")
    return [f"W{number}" for number in sorted(found)]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the characters of one writer, in the order of the classes."""
    found = [(name, path) for path in (root / unit).iterdir() if (name := _FILE.fullmatch(path.name))]
    for name, path in sorted(found, key=lambda one: (int(one[0][1]), one[1].name)):
        source = f"{unit}/{path.name}"
        report.expected["character"] += 1
        try:
            yield _sample(unit, name, path, report)
        except FormatError as error:
            report.refusals.append(Refusal(source, error.where, error.reason))


def _sample(unit: str, name: re.Match[str], path: Path, report: UnitReport) -> Sample:
    if f"W{name[2]}" != unit:
        raise FormatError(path, "names another writer than the folder that it lies in", f"writer {name[2]}")
    known = classes().get(int(name[1]))
    if known is None:
        raise FormatError(path, "is none of the classes 1 to 183", f"class {name[1]}")
    inside, ink = assamese.read_character(path, report)
    if inside != known.name:  # one recorder's name for E and one for PTT has a letter too many
        report.mendings["assamese-other-name"] += 1
    return Sample(
        key=f"{unit}/{path.stem}",
        ink=ink,
        label=known.text,
        level="character",
        script="Beng",
        writer=unit,
        corpus=NAME,
        split=split_of_writer(int(name[2])),
        points_per_mm=UNITS_PER_MM,
        source=f"{unit}/{path.name}",
    )


def split_of_writer(number: int) -> Split | None:
    """Return the split of a writer by number; None for one that the corpus does not have."""
    return next((split for last, split in SPLITS if number <= last), None)


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="Online Handwritten Assamese Characters (UCI)",
        scripts=("Beng",),
        levels=("character",),
        size="8,235 characters: 183 classes (52 letters and signs, 121 conjuncts, 10 digits), each once by 45 writers",
        licence="MIT (the repository); CC BY 4.0 (UCI Machine Learning Repository)",
        citation=(
            "U. Baruah, S. M. Hazarika: A Dataset of Online Handwritten Assamese Characters. Journal of Information"
            " Processing Systems 11(3), 2015, pp. 325-341, doi:10.3745/JIPS.02.0008"
        ),
        obtain="clone the repository ranjaykrishna/assamese_dataset (folder dataset), or data set 208 of UCI",
        layout=LAYOUT,
        verified="all 8,236 files: 8,235 characters, 23,743 strokes, 1,806,135 points; see docs/corpora/assamese.md",
        url="https://archive.ics.uci.edu/dataset/208/online+handwritten+assamese+characters+dataset",
    ),
    _find,
    _read,
)
