"""Corpora that are folders of files in a format that Kalamos recognises, with conventions about their names.

What differs between such corpora is only where label, writer and split come from: three small functions. Labels and
writers that the files state themselves come first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from kalamos.datasets.corpus import Card, Refusal, UnitReport, split_by_writer
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import FORMATS, recognise
from kalamos.formats.reading import read_bytes, text_of
from kalamos.ink import Level, Sample, Split

MAX_LABEL_BYTES = 2**20


def no_text(root: Path, path: PurePosixPath) -> str:
    """Return nothing: neither label nor writer lies outside the file."""
    return ""


def text_beside(root: Path, path: PurePosixPath) -> str:
    """Return the text of the file of the same name that ends in ``.txt``; empty where there is none."""
    beside = root / path.with_suffix(".txt")
    return text_of(read_bytes(beside, MAX_LABEL_BYTES)).strip() if beside.is_file() else ""


def split_of_folder(path: PurePosixPath) -> Split | None:
    """Return the split that the name of a folder on the way to a file says; None where none does."""
    for part in path.parts[:-1]:
        name = part.lower()
        if "train" in name:
            return "train"
        if "valid" in name:
            return "validation"
        if "test" in name:
            return "test"
    return None


@dataclasses.dataclass(frozen=True)
class FolderCorpus:
    """One corpus; a unit is one file.

    Attributes:
        card: what a user has to know.
        suffixes: endings of the files that hold ink, lower case.
        formats: the formats that they may be in.
        script: of all samples.
        level: of all samples; None for what the files say.
        label: text of a file that states no label, from its root and path.
        writer: writer of a file, where it does not say.
        split: split of a file; where it gives None, the writer's hash decides.
    """

    card: Card
    suffixes: tuple[str, ...]
    formats: tuple[str, ...]
    script: str
    level: Level | None = None
    label: Callable[[Path, PurePosixPath], str] = no_text
    writer: Callable[[Path, PurePosixPath], str] = no_text
    split: Callable[[PurePosixPath], Split | None] = split_of_folder

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the files below ``root`` that hold ink.

        Raises:
            CorpusError: where an option is given, or there is no such file.
        """
        if options:
            raise CorpusError(f"{self.card.name} has no option {', '.join(options)}")
        files = [file for file in root.rglob("*") if file.suffix.lower() in self.suffixes and file.is_file()]
        found = sorted(file.relative_to(root).as_posix() for file in files)
        if not found:
            endings = " or ".join(self.suffixes)
            raise CorpusError(f"{root} holds no file that ends in {endings}; {self.card.name} is {self.card.layout}")
        return found

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one file."""
        try:
            name, _ = recognise(root / unit)
            if name not in self.formats:
                report.refusals.append(Refusal(unit, name, f"is not in a format of {self.card.name}"))
                return
            for sample in FORMATS.load(name).read(root / unit, report):
                yield self.placed(sample, root, unit)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))

    def placed(self, sample: Sample, root: Path, unit: str) -> Sample:
        """Return a sample of a file with the facts that the corpus adds."""
        path = PurePosixPath(unit)
        writer = sample.writer or self.writer(root, path)
        split = self.split(path)
        if split is None and writer:
            split = split_by_writer(self.card.name, writer)
        inner = sample.key.removeprefix(path.stem).removeprefix(path.name).strip("/#")
        return dataclasses.replace(
            sample,
            key=f"{path.with_suffix('')}/{inner}".rstrip("/"),
            label=sample.label or self.label(root, path),
            level=self.level or sample.level,
            script=self.script,
            writer=writer,
            corpus=self.card.name,
            split=split,
            source=f"{unit}#{inner}".rstrip("#"),
        )
