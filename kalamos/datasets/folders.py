"""A corpus that is a folder of files: find them, say clearly what is wrong with the folder, read them one by one.

What differs between such corpora is data of :class:`FolderCorpus`: which files, in which format, how samples are keyed,
and what the place of a file says of label, script, writer and split.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.identity import split_of
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import FORMATS, recognise
from kalamos.formats.reading import read_bytes, text_of
from kalamos.ink import Level, Sample, Split

MAX_LABEL_BYTES = 2**20


def files(root: Path, suffixes: Iterable[str], expected: str) -> Sequence[str]:
    """Return the files below ``root`` whose names end so (case ignored), relative and sorted.

    Raises:
        CorpusError: where ``root`` or a folder in it cannot be read, or there is no such file; ``expected`` says what
            should be there.
    """

    def complain(error: OSError) -> None:
        raise CorpusError(f"the folder {error.filename} cannot be read: {error.strerror}") from error

    endings = tuple(suffix.lower() for suffix in suffixes)
    found = [
        (Path(folder) / name).relative_to(root).as_posix()
        for folder, _, names in os.walk(root, onerror=complain)
        for name in names
        if name.lower().endswith(endings)
    ]
    if not found:
        raise CorpusError(f"{root} holds no {expected}")
    return sorted(found)


def refuse_options(card: Card, options: Iterable[str]) -> None:
    """Refuse options that the corpus does not have.

    Raises:
        CorpusError: naming them and those that it has.
    """
    unknown = sorted(options)
    if unknown:
        known = ", ".join(name for name, _ in card.options) or "none"
        raise CorpusError(f"{card.name} has no option {', '.join(unknown)}; it has: {known}")


def refuse_value(card: Card, option: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that an option of the corpus does not have.

    Raises:
        CorpusError: naming it and those that it has.
    """
    if value not in choices:
        raise CorpusError(f"{card.name} has the option {option}: {', '.join(choices)}; not {value!r}")


class Reads(Protocol):
    """What a format module offers to a corpus."""

    def read(self, path: Path, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of a file."""
        ...


Complete = Callable[[Sample, Path, str], Sample | None]
"""``(sample, root, unit)`` -> the sample with what the file's place and the corpus' conventions say, or None."""


@dataclass(frozen=True)
class FolderCorpus:
    """A corpus whose units are files below a folder.

    Attributes:
        card: what a user has to know.
        format: the module that reads every file; or the names of formats, one of which each file is recognised to be.
        suffixes: how the names of its files end.
        complete: gives a keyed sample its label, script, writer and split; None drops it, with a refusal of its own.
        keys: ``"unit"`` for ``a/b.txt#key in the file``, ``"path"`` for ``a/b/key in the file``, which leaves the
            suffix and, where the file gives one sample, the key out.
        named: what the stem of a file's name must match; other files are none of the corpus.
    """

    card: Card
    format: Reads | tuple[str, ...]
    suffixes: tuple[str, ...]
    complete: Complete
    keys: Literal["unit", "path"] = "unit"
    named: str = ".*"

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the corpus' files, sorted.

        Raises:
            CorpusError: where there is none, a folder cannot be read or an option is given.
        """
        refuse_options(self.card, options)
        pattern = re.compile(self.named)
        units = files(root, self.suffixes, self.card.layout)
        found = [unit for unit in units if pattern.fullmatch(PurePosixPath(unit).stem)]
        if not found:
            raise CorpusError(f"{root} holds no {self.card.layout}")
        return found

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one file."""
        own = UnitReport([], report.mendings, report.expected)
        try:
            for sample in self._reader(root / unit).read(root / unit, own):
                finished = self.complete(self._keyed(sample, unit), root, unit)
                if finished is None:
                    reason = "the file's place or name does not say what it is"
                    own.refusals.append(Refusal(unit, sample.source, reason))
                else:
                    yield finished
        except FormatError as error:
            own.refusals.append(Refusal(unit, error.where, error.reason))
        report.refusals.extend(replace(refusal, source=unit) for refusal in own.refusals)

    def _reader(self, path: Path) -> Reads:
        if not isinstance(self.format, tuple):
            return self.format
        name, _ = recognise(path)
        if name not in self.format:
            raise FormatError(path, f"is not in a format of {self.card.name}", name)
        reader: Reads = FORMATS.load(name)
        return reader

    def _keyed(self, sample: Sample, unit: str) -> Sample:
        if self.keys == "unit":
            _, _, place = sample.source.partition(", ")
            key, source = f"{unit}#{sample.key}", f"{unit}, {place}" if place else unit
        else:
            path = PurePosixPath(unit)
            inner = sample.key.removeprefix(path.stem).removeprefix(path.name).strip("/#")
            key, source = f"{path.with_suffix('')}/{inner}".rstrip("/"), f"{unit}#{inner}".rstrip("#")
        return replace(sample, key=key, corpus=self.card.name, source=source)


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


def placed_by(
    corpus: str,
    script: str,
    level: Level | None = None,
    *,
    label: Callable[[Path, PurePosixPath], str] = no_text,
    writer: Callable[[Path, PurePosixPath], str] = no_text,
    split: Callable[[PurePosixPath], Split | None] = split_of_folder,
) -> Complete:
    """Return what completes samples by conventions about the names of folders and files.

    Args:
        corpus: registered name.
        script: of all samples.
        level: of all samples; None for what the files say.
        label: text of a file that states no label.
        writer: of a file that states none.
        split: of a file; where it gives None, the writer's.
    """

    def complete(sample: Sample, root: Path, unit: str) -> Sample:
        path = PurePosixPath(unit)
        own_writer = sample.writer or writer(root, path)
        return replace(
            sample,
            label=sample.label or label(root, path),
            level=level or sample.level,
            script=script,
            writer=own_writer,
            split=split(path) or split_of(corpus, sample.key, own_writer),
        )

    return complete
