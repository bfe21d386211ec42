"""Find the files of a corpus folder, and say clearly what is wrong with the folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.errors import CorpusError, FormatError
from kalamos.ink import Sample


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


class Reads(Protocol):
    """What a format module offers to a corpus."""

    def read(self, path: Path, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of a file."""
        ...


@dataclass(frozen=True)
class FolderCorpus:
    """A corpus whose units are files below a folder, all of one format.

    Attributes:
        card: what a user has to know.
        format: the module that reads a file.
        suffixes: how the names of its files end.
        complete: gives a sample the label, script, writer and split that the file's place and the corpus' conventions
            say; the key is already ``unit#key in the file``. None drops the sample, with a refusal of its own.
    """

    card: Card
    format: Reads
    suffixes: tuple[str, ...]
    complete: Callable[[Sample, str], Sample | None]

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the corpus' files, sorted.

        Raises:
            CorpusError: where there is none, a folder cannot be read or an option is given.
        """
        refuse_options(self.card, options)
        return files(root, self.suffixes, self.card.layout)

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one file."""
        own = UnitReport([], report.mendings, report.expected)
        try:
            for sample in self.format.read(root / unit, own):
                keyed = replace(sample, key=f"{unit}#{sample.key}", corpus=self.card.name, source=_source(unit, sample))
                finished = self.complete(keyed, unit)
                if finished is None:
                    own.refusals.append(
                        Refusal(unit, sample.source, "the file's place or name does not say what it is")
                    )
                else:
                    yield finished
        except FormatError as error:
            own.refusals.append(Refusal(unit, error.where, error.reason))
        report.refusals.extend(replace(refusal, source=unit) for refusal in own.refusals)


def _source(unit: str, sample: Sample) -> str:
    """Return the unit and the place in it, where the format gave ``file name, place``."""
    _, _, place = sample.source.partition(", ")
    return f"{unit}, {place}" if place else unit
