"""Any file or folder of online handwriting whose layout is no corpus that Kalamos knows: formats are found by content.

Labels, writers and scripts are what the files themselves say. Each file is recognised alone; the report counts each
format with the reason why it was taken, and names every file that is in none. Left out: hidden files and folders, and
folders that a conversion by Kalamos made. A UNIPEN file and the file that it includes are two files here, and both are
read; for the release train_r01_v07 take the corpus ``unipen``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import cast, get_args
from urllib.parse import parse_qsl, urlencode

from kalamos.datasets.corpus import Card, Refusal, UnitReport, split_by_writer
from kalamos.datasets.folders import refuse_options, walk
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import is_conversion, mapped, read_as, recognise
from kalamos.formats.columns import parse_columns
from kalamos.ink import Level, Sample

CHOICES = "\x1f?"
"""What stands between a file and the choices for its reading in the name of a unit; no file is called so."""


@dataclasses.dataclass(frozen=True)
class Auto:
    """The corpus; a unit is one file."""

    card: Card

    def units(self, root: Path, level: str = "", columns: str = "", **options: str) -> Sequence[str]:
        """Return the files below ``root``, or ``root`` where it is a file itself; choices follow behind a mark.

        Args:
            root: a file or folder.
            level: of files that cut their ink into pieces of several sizes, which: character, word, line or page.
            columns: which column of a table, or key of an object, is what.
            options: none.

        Raises:
            CorpusError: where an option is unknown or has no meaning, or ``root`` is not there or cannot be read.
        """
        refuse_options(self.card, options)
        if level not in ("", *get_args(Level)):
            raise CorpusError(f"{self.card.name}: level is one of {', '.join(get_args(Level))}, not {level!r}")
        if columns:
            parse_columns(columns)
        chosen = {name: value for name, value in (("level", level), ("columns", columns)) if value}
        tail = f"{CHOICES}{urlencode(chosen)}" if chosen else ""
        if root.is_file():
            return [root.name + tail]
        if not root.is_dir():
            raise CorpusError(f"{root} is neither a file nor a folder")
        return sorted(path.relative_to(root).as_posix() + tail for path in _files(root))

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of one file, in whatever format it is."""
        unit, _, tail = unit.partition(CHOICES)
        chosen = dict(parse_qsl(tail))
        columns = parse_columns(chosen["columns"]) if "columns" in chosen else None
        path = root if root.is_file() else root / unit
        try:
            name, why = recognise(path) if columns is None else mapped(path)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.reason, "in no known format"))
            return
        report.recognised[f"{name}: {why}"] += 1
        try:
            for sample in read_as(name, path, report, cast("Level | None", chosen.get("level")), columns):
                yield self._placed(sample, unit)
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))

    def _placed(self, sample: Sample, unit: str) -> Sample:
        path = PurePosixPath(unit)
        inner = sample.key.removeprefix(path.stem).removeprefix(path.suffix).strip("/#")
        split = sample.split
        if split is None and sample.writer:
            split = split_by_writer(self.card.name, sample.writer)
        return dataclasses.replace(
            sample, key=f"{unit}#{inner}".rstrip("#"), corpus=sample.corpus or self.card.name, split=split
        )


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if is_conversion(folder):
            folders.clear()
            if folder == root:  # it was asked for: its ink is read, and not what stands beside
                yield from sorted(root.glob("*.parquet"))
            continue
        yield from (folder / name for name in names if not name.startswith("."))


CORPUS = Auto(
    Card(
        name="auto",
        title="files of online handwriting, recognised by content",
        scripts=("Zyyy",),
        levels=("character", "word", "line", "page"),
        size="what is there",
        licence="that of the files",
        citation="that of the files",
        obtain="any file or folder of your own",
        layout="a file, or files in folders, in any of the formats that `kalamos list formats` shows",
        verified="on files of every format that Kalamos writes; see the table of corpora for real ones",
        options=(
            (
                "level",
                "character, word, line or page, of files that hold pieces of several sizes; default the smallest",
            ),
            ("columns", "which column or key is what in tables and JSON: x=..,y=..,t=..,stroke=..,pen=.."),
        ),
    )
)
