"""File formats of online handwriting: one module each, and the recognition of a file by its content.

A format module has ``sniff(head: bytes) -> str | None``, which says why a file that begins so is in its format, and
``read(path: Path, report: UnitReport) -> Iterator[Sample]``. The layout of a corpus is not its business.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Protocol

from kalamos.errors import FormatError, KalamosError, unreadable
from kalamos.formats.identify import what_it_is
from kalamos.formats.reading import opened
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Level, Sample
from kalamos.machinery.timelimit import limited
from kalamos.registry import Registry

HEAD_BYTES = 65_536
"""How much of a file is looked at to recognise it."""

FORMATS = Registry(
    "format",
    "kalamos.formats",
    {
        "parquet": "kalamos.formats:parquet",
        "inkml": "kalamos.formats:inkml",
        "upx": "kalamos.formats:upx",
        "iamondb": "kalamos.formats:iamondb",
        "kanjivg": "kalamos.formats:kanjivg",
        "svg": "kalamos.formats:svg",
        "inkjson": "kalamos.formats:inkjson",
        "gesture": "kalamos.formats:gesture",
        "tegaki": "kalamos.formats:tegaki",
        "multipart": "kalamos.formats:multipart",
        "xournal": "kalamos.formats:xournal",
        "remarkable": "kalamos.formats:remarkable",
        "uim": "kalamos.formats:uim",
        "unipen": "kalamos.formats:unipen",
        "omniglot": "kalamos.formats:omniglot",
        "assamese": "kalamos.formats:assamese",
        "quickdraw": "kalamos.formats:quickdraw",
        "olhwdb": "kalamos.formats:olhwdb",
        "uci": "kalamos.formats:uci",
        "calliar": "kalamos.formats:calliar",
        "stroke3": "kalamos.formats:stroke3",
        "signature": "kalamos.formats:signature",
        "inkobjects": "kalamos.formats:inkobjects",
        "table": "kalamos.formats:table",
    },
)
"""Format name -> its module. Tried in this order: formats that name themselves come before those that are guessed."""


class Format(Protocol):
    """What a format module offers."""

    def sniff(self, head: bytes) -> str | None:
        """Say why a file that begins so is in this format, or None."""
        ...

    def read(self, path: Path, report: UnitReport) -> Iterator[Sample]:
        """Yield the samples of a file.

        Raises:
            FormatError: where the file breaks the rules of the format.
        """
        ...


def recognise(path: Path) -> tuple[str, str]:
    """Return the name of a file's format and why it is that one, by its content; its name does not matter.

    Raises:
        FormatError: where the file is empty, or is in no known format; says what was tried.
        UnreadableError: where it is not there, or the machine fails.
    """
    head = _head(path)
    if not head.strip():
        raise FormatError(path, "the file is empty")
    broken = []
    for name in FORMATS.names():
        try:
            reason = _module(name).sniff(head)
        except KalamosError as error:
            broken.append(f"{name} ({error})")
            continue
        if reason is not None:
            return name, reason
    unusable = f"; formats not usable here: {', '.join(broken)}" if broken else ""
    raise FormatError(path, f"{what_it_is(head)}: in no known format (`kalamos list formats` names them){unusable}")


def read_file(
    path: Path, report: UnitReport, level: Level | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Sample]:
    """Yield the samples of one file, in whatever format its content shows.

    Args:
        path: the file.
        report: what cannot be read is added to it.
        level: of formats that cut their ink into pieces of several sizes, which one; None for the smallest.
        columns: for tables, which column or key is what, see :mod:`kalamos.formats.columns`.

    Raises:
        FormatError: as :func:`recognise`, and where a file breaks the rules of its format.
    """
    name = mapped(path)[0] if columns else recognise(path)[0]
    yield from read_as(name, path, report, level, columns)


def mapped(path: Path) -> tuple[str, str]:
    """Return the format of a file whose columns or keys the caller names, and why it is that one."""
    begin = _head(path).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return ("inkobjects" if begin in (b"{", b"[") else "table"), "its columns were named by the user"


def read_as(
    name: str, path: Path, report: UnitReport, level: Level | None = None, columns: Mapping[str, str] | None = None
) -> Iterator[Sample]:
    """Yield the samples of one file of the format ``name``; arguments and errors as :func:`read_file`."""
    read = _module(name).read
    takes = inspect.signature(read).parameters if level or columns else {}
    chosen = {key: value for key, value in (("level", level), ("columns", columns)) if value and key in takes}
    for sample in read(path, report, **chosen):
        if level is None or "level" in takes or sample.level == level:
            yield sample
        else:
            report.mendings[f"left-out-{sample.level}"] += 1


def read_samples(
    path: Path,
    report: UnitReport | None = None,
    level: Level | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Sample]:
    """Yield the samples of a file, in whatever format its content shows, or of all files of a folder.

    Args:
        path: a file or a folder; files in a folder that are in no known format are refusals in the report.
        report: what cannot be read is added to it.
        level: as in :func:`read_file`.
        columns: as in :func:`read_file`.

    Raises:
        FormatError: as :func:`recognise`, and where a file breaks the rules of its format.
    """
    for _, sample in read_files(path, report, level, columns):
        yield sample


def read_files(
    path: Path,
    report: UnitReport | None = None,
    level: Level | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[tuple[Path, Sample]]:
    """Yield ``(file, sample)`` as :func:`read_samples` reads them."""
    report = UnitReport() if report is None else report
    if not path.is_dir():
        for sample in limited(read_file(path, report, level, columns), path):
            yield path, sample
        return
    # of a conversion its ink is read, and not what stands beside
    for file in sorted(path.glob("*.parquet")) if is_conversion(path) else files_below(path):
        try:
            for sample in limited(read_file(file, report, level, columns), file):
                yield file, sample
        except FormatError as error:
            report.refusals.append(Refusal(str(file.relative_to(path)), error.where, error.reason))


def files_below(path: Path) -> list[Path]:
    """Return the file itself, or all files of a folder and of those below it, in the order of their names."""
    return sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]


def is_conversion(folder: Path) -> bool:
    """Say whether ``kalamos convert`` made a folder."""
    plan = folder / "plan.json"
    if not plan.is_file():
        return False
    with opened(plan) as file:
        return b'"kalamos"' in file.read(HEAD_BYTES)


def __getattr__(name: str) -> ModuleType:
    """Import a format's module when it is first asked for."""
    if name.startswith("_") or importlib.util.find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def _module(name: str) -> Format:
    found: Format = FORMATS.load(name)
    return found


def _head(path: Path) -> bytes:
    try:
        folder = path.is_dir()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if folder:
        raise FormatError(path, "is a folder; name one of its files, or convert all of it with 'convert auto'")
    with opened(path) as file:
        return file.read(HEAD_BYTES)
