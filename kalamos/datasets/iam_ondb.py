"""IAM-OnDB: lines of English text written on a whiteboard, 221 writers.

Layout, as unpacked: ``lineStrokes/a01/a01-000/a01-000u-01.xml`` is a line; ``ascii/a01/a01-000/a01-000u.txt`` holds
the text of a form, what was written after ``CSR:``, a line of text for each line of ink;
``original/a01/a01-000/strokesu.xml`` names the writer of a form in ``<Form writerID>``. ``trainset.txt``,
``testset_v.txt``, ``testset_t.txt`` and ``testset_f.txt`` list forms: the published split by writer (task 2), where v
and t both serve for validation and f is the test set. Where these lists are missing the writer's hash decides.

Three things in the transcripts are mended or refused: a run of ``%`` stands for the break between two lines; ``Please
Enter Transcription here`` is no label; a line number beyond the lines of the text is refused, because its label would
be a guess. Forms of which the writer is not known (``original`` is not unpacked, or names none) are counted
(``iam-writer-unknown``), a line at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from kalamos.datasets.corpus import Card, Refusal, UnitReport, split_by_writer
from kalamos.datasets.folders import FolderCorpus, need_folders
from kalamos.formats import iamondb
from kalamos.formats.reading import read_bytes, text_of
from kalamos.ink import Sample, Split

NAME = "iam-ondb"
LISTS: dict[str, Split] = {
    "trainset.txt": "train",
    "testset_v.txt": "validation",
    "testset_t.txt": "validation",
    "testset_f.txt": "test",
}
"""List of forms -> split."""
NOT_TRANSCRIBED = "Please Enter Transcription here"
_BREAK = re.compile(r"%{2,}")
"""A run of percent signs: a break between lines. One sign alone may be writing."""
_LINE = re.compile(r"(?P<form>(?P<sheet>[a-z]\d\d-\d+)(?P<part>[a-z]?))-(?P<line>\d+)")
_WRITER = re.compile(rb'<Form\b[^>]*\bwriterID\s*=\s*"([^"]*)"')


def _find(root: Path) -> Sequence[str]:
    """Return the line files.

    Raises:
        CorpusError: where the folders are not there.
    """
    need_folders(root, ("lineStrokes", "ascii"), "unpack lineStrokes-all and ascii-all into it")
    return sorted(file.relative_to(root).as_posix() for file in (root / "lineStrokes").rglob("*.xml"))


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the line of one file."""
    report.expected["line"] += 1
    name = _LINE.fullmatch(Path(unit).stem)
    if name is None:
        report.refusals.append(Refusal(unit, "", "is not named <form>-<line>.xml, as a01-000u-01.xml is"))
        return
    session = iamondb.read_session(root / unit, report)
    lines = _text(root, name["sheet"], name["form"])
    number = int(name["line"])
    if not session.ink.n_points or not 1 <= number <= len(lines):
        reason = "the text of the form has fewer lines" if session.ink.n_points else "the file holds no ink"
        report.refusals.append(Refusal(unit, f"line {number} of {len(lines)}", reason))
        return
    if lines[number - 1] == NOT_TRANSCRIBED:
        report.refusals.append(Refusal(unit, f"line {number}", "the line was not transcribed"))
        return
    writer = _writer(root, name["sheet"], name["part"])
    report.mendings.update({} if writer else {"iam-writer-unknown": 1})
    split = _splits(root).get(name["form"]) or _splits(root).get(name["sheet"])
    if split is None and writer and not _splits(root):
        split = split_by_writer(NAME, writer)
    yield Sample(
        Path(unit).stem,
        session.ink,
        lines[number - 1],
        "line",
        "Latn",
        writer,
        NAME,
        split,
        time_source="none" if session.ink.t is None else "recorded",
        source=unit,
    )


@lru_cache(maxsize=64)
def _text(root: Path, sheet: str, form: str) -> list[str]:
    """Return the lines that were written on a form: those after ``CSR:``."""
    data = read_bytes(root / "ascii" / sheet[:3] / sheet / f"{form}.txt", 2**20)
    written = text_of(data).partition("CSR:")[2]
    return [line.strip() for line in _BREAK.sub("\n", written).splitlines() if line.strip()]


@lru_cache(maxsize=64)
def _writer(root: Path, sheet: str, part: str) -> str:
    """Return the writer of a form; empty where the original forms are not unpacked."""
    file = root / "original" / sheet[:3] / sheet / f"strokes{part}.xml"
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        found = _WRITER.search(opened.read(65_536))
    return found[1].decode("ascii", "replace") if found else ""


@lru_cache(maxsize=8)
def _splits(root: Path) -> dict[str, Split]:
    """Return the split of each form that the published lists name."""
    found: dict[str, Split] = {}
    for name, split in LISTS.items():
        file = root / name
        if file.is_file():
            found.update((form, split) for form in text_of(read_bytes(file, 2**20)).split())
    return found


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="IAM On-Line Handwriting Database",
        scripts=("Latn",),
        levels=("line",),
        size="13,049 lines of 1,700 forms by 221 writers",
        licence="free for non-commercial research, on registration",
        citation="M. Liwicki, H. Bunke: IAM-OnDB, an on-line English sentence database acquired from handwritten text"
        " on a whiteboard. ICDAR 2005, pp. 956-961, doi:10.1109/ICDAR.2005.132",
        obtain="register at the address below; download lineStrokes-all, ascii-all, original-xml-all and the lists",
        beside=("ascii/**/*.txt", "*.txt"),
        layout="lineStrokes/, ascii/, original/ and trainset.txt, testset_v.txt, testset_t.txt, testset_f.txt",
        verified="only against published descriptions and files written after them; no real file was at hand",
        url="https://fki.tic.heia-fr.ch/databases/iam-on-line-handwriting-database",
    ),
    _find,
    _read,
)
