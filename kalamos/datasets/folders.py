"""A corpus that lies in a folder: find its units, say clearly what is wrong with the folder, read them one by one.

What differs between such corpora is data of :class:`FolderCorpus`: what finds the units and what reads one. Most are
:func:`of_files`: which files, in which format, how samples are keyed, and what the place of a file says of label,
script, writer and split.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from ``root`` down with the names of its folders (take out whose are left out) and its files.

    Raises:
        CorpusError: where one cannot be read.
    """

    def complain(error: OSError) -> None:
        raise CorpusError(f"the folder {error.filename} cannot be read: {error.strerror}") from error

    for folder, folders, names in os.walk(root, onerror=complain):
        yield Path(folder), folders, names


def files(root: Path, suffixes: Iterable[str], expected: str) -> Sequence[str]:
    """Return the files below ``root`` whose names end so (case ignored), relative and sorted.

    Raises:
        CorpusError: where ``root`` or a folder in it cannot be read, or there is no such file; ``expected`` says what
            should be there.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    found = [
        (folder / name).relative_to(root).as_posix()
        for folder, _, names in walk(root)
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
    unknown = sorted(set(options) - dict(card.options).keys())
    if unknown:
        known = ", ".join(name for name, _ in card.options) or "none"
        raise CorpusError(f"{card.name} has no option {', '.join(unknown)}; it has: {known}")


def refuse_value(corpus: str, option: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value that an option of the corpus does not have.

    Raises:
        CorpusError: naming it and those that it has.
    """
    if value not in choices:
        raise CorpusError(f"{corpus} has the option {option}: {', '.join(choices)}; not {value!r}")


def need_folders(root: Path, names: Iterable[str], remedy: str) -> None:
    """Refuse a folder that does not hold all of these.

    Raises:
        CorpusError: naming the first that is missing, and the remedy.
    """
    for name in names:
        if not (root / name).is_dir():
            raise CorpusError(f"{root} has no folder {name!r}; {remedy}")


def listed(text: str) -> list[str]:
    """Return the entries of a comma list, each once, in their order."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


class Reads(Protocol):
    """What a format module offers to a corpus."""

    def read(self, path: Path, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of a file."""
        ...


Complete = Callable[[Sample, Path, str], Sample | None]
"""``(sample, root, unit)`` -> the sample with what the file's place and the corpus' conventions say, or None."""


@dataclass(frozen=True)
class FolderCorpus:
    """A corpus that lies in a folder.

    Attributes:
        card: what a user has to know; options that it does not name are refused.
        find: ``(root, **options)`` -> the units; raises :class:`CorpusError` where the folder is not laid out so.
        parse: ``(root, unit, report)`` -> the samples of a unit; where it raises :class:`FormatError`, the rest of the
            unit is refused.
    """

    card: Card
    find: Callable[..., Sequence[str]]
    parse: Callable[[Path, str, UnitReport], Iterator[Sample]]

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the corpus' units, in a stable order.

        Raises:
            CorpusError: where there is none, a folder cannot be read, or an option is unknown or has no meaning.
        """
        refuse_options(self.card, options)
        return self.find(root, **options)

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one unit."""
        try:
            yield from self.parse(root, unit, report)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))


@contextmanager
def refused_as(unit: str, report: UnitReport) -> Iterator[UnitReport]:
    """Give a report whose refusals go on to another in the end, all with the unit as their source."""
    own = UnitReport([], report.mendings, report.expected)
    try:
        yield own
    finally:
        report.refusals.extend(replace(refusal, source=unit) for refusal in own.refusals)


def of_files(
    card: Card,
    reader: Reads | tuple[str, ...],
    suffixes: tuple[str, ...],
    complete: Complete,
    *,
    keys: Literal["unit", "path"] = "unit",
    named: str = ".*",
) -> FolderCorpus:
    """Return a corpus whose units are files in a format that Kalamos reads.

    Args:
        card: what a user has to know.
        reader: the module that reads every file; or the names of formats, one of which each file is recognised to be.
        suffixes: how the names of its files end.
        complete: gives a keyed sample its label, script, writer and split; None drops it, with a refusal of its own.
        keys: ``"unit"`` for ``a/b.txt#key in the file``, ``"path"`` for ``a/b/key in the file``, which leaves the
            suffix and, where the file gives one sample, the key out.
        named: what the stem of a file's name must match; other files are none of the corpus.
    """
    pattern, keyed = re.compile(named), _by_unit if keys == "unit" else _by_path

    def find(root: Path) -> Sequence[str]:
        found = files(root, suffixes, card.layout)
        chosen = [unit for unit in found if pattern.fullmatch(PurePosixPath(unit).stem)]
        if not chosen:
            raise CorpusError(f"{root} holds no {card.layout}")
        return chosen

    def parse(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        with refused_as(unit, report) as own:
            chosen = _recognised(root / unit, reader, card.name) if isinstance(reader, tuple) else reader
            for sample in chosen.read(root / unit, own):
                finished = complete(replace(keyed(sample, unit), corpus=card.name), root, unit)
                if finished is None:
                    reason = "the file's place or name does not say what it is"
                    own.refusals.append(Refusal(unit, sample.source, reason))
                else:
                    yield finished

    return FolderCorpus(card, find, parse)


def _recognised(path: Path, formats: tuple[str, ...], corpus: str) -> Reads:
    name, _ = recognise(path)
    if name not in formats:
        raise FormatError(path, f"is not in a format of {corpus}", name)
    reader: Reads = FORMATS.load(name)
    return reader


def _by_unit(sample: Sample, unit: str) -> Sample:
    _, _, place = sample.source.partition(", ")
    return replace(sample, key=f"{unit}#{sample.key}", source=f"{unit}, {place}" if place else unit)


def _by_path(sample: Sample, unit: str) -> Sample:
    path = PurePosixPath(unit)
    inner = sample.key.removeprefix(path.stem).removeprefix(path.name).strip("/#")
    return replace(sample, key=f"{path.with_suffix('')}/{inner}".rstrip("/"), source=f"{unit}#{inner}".rstrip("#"))


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
