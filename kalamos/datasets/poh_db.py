"""POH-Db: Persian written on phones, tablets and screens, collected by crowdsourcing (farsihandwriting.ir).

A page is one InkML file, ``Writepads/<type>/<number>.inkml``; what was to be written stands in
``GroundTruths/<type>/*.xml`` by the page's ``truthId``. Types: ``WordGroup`` (one word a line), ``WordGroup2`` and
``WordGroup3`` (two and three words a line), ``NumberGroup`` (a number or a small sum a line), ``Text`` (a sentence,
broken into lines where the writer pleased).

Readings taken here, beside those of :mod:`kalamos.formats.inkml`:

- **Lines.** The files do not say which stroke belongs to which line. :func:`kalamos.datasets.line_grouping.group_lines`
  finds them from heights and order; a page that does not fall into the expected number of lines is refused as lines
  (it can still be had as a page). ``Text`` is read as pages only.
- **Pressure.** A device without a force sensor reports a constant (0, 0.5 or 1) and 0 when the pen is lifted. Pressure
  that takes fewer than three values within the strokes of a page is left out (``poh-pressure-constant``).
- **Other channels.** Tilt, contact size and the like that never change on a page are the browser's defaults, not
  measurements, and are left out.
- **Units.** Positions are CSS pixels, of which the physical size is not recorded: no points a millimetre.
- **Script.** Numbers are in the digits that Persian shares with no Latin corpus: ``Arab`` like the words.
- **Writers.** Only the pseudonymous identifier is read; the files about sex, age and education are never opened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.datasets.folders import FolderCorpus, listed, need_folders, refuse_value
from kalamos.datasets.identity import split_of
from kalamos.datasets.line_grouping import group_lines, select_strokes
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import inkml
from kalamos.formats.xmltree import parse_xml, read_bytes
from kalamos.ink import Level, Sample

NAME = "poh-db"
TYPES: dict[str, Level] = {
    "WordGroup": "word",
    "WordGroup2": "line",
    "WordGroup3": "line",
    "NumberGroup": "line",
    "Text": "page",
}
"""Type of a page -> the level of its smallest labelled part."""
LEVELS = ("line", "word", "page")
REAL_PRESSURE_VALUES = 3


def _find(root: Path, level: str = "line", types: str = "") -> Sequence[str]:
    """Return the pages.

    Args:
        root: the folder that holds ``Writepads`` and ``GroundTruths``.
        level: ``line`` (all types but Text, cut into lines; a line of WordGroup is a word), ``word`` (WordGroup
            only) or ``page`` (all types, whole).
        types: a comma list of types, instead of all that the level allows.

    Raises:
        CorpusError: where the folders are not there.
    """
    refuse_value(NAME, "level", level, LEVELS)
    possible = [name for name, own in TYPES.items() if level == "page" or own in ("word", level)]
    chosen = listed(types) or possible
    if not set(chosen) <= set(possible):
        raise CorpusError(f"poh-db has pages of {', '.join(possible)} at the level {level}; not all of {types!r}")
    need_folders(root, ("Writepads", "GroundTruths"), "name the folder of POH-Db itself")
    files = [file for name in chosen for file in (root / "Writepads" / name).glob("*.inkml")]
    found = sorted(file.relative_to(root).as_posix() for file in files)
    return [f"{path}#page" for path in found] if level == "page" else found


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the lines of one page, or the page."""
    path, _, part = unit.partition("#")
    if part:
        report.expected["page"] += 1
    try:
        document = inkml.read_document(root / path)
        sheet = _page(document, root, path, report)
    except FormatError as error:
        report.refusals.append(Refusal(path, error.where, error.reason))
        return
    if sheet is None:
        return
    page, lines = sheet
    if part:
        yield page
    else:
        yield from _lines(page, lines, report)


def _page(document: inkml.Document, root: Path, path: str, report: UnitReport) -> tuple[Sample, list[str]] | None:
    """Return a page and the text of its lines; None where it holds no ink."""
    facts = {item.tag: (item.text or "").strip() for note in document.root.iter("annotationXML") for item in note}
    kind, writer = facts.get("type", ""), facts.get("writerId", "").removeprefix("urn:uuid:")
    truth = _truths(root, kind).get(facts.get("truthId", "")) if kind in TYPES else None
    if truth is None:
        where = f"type {kind!r:.20}, truthId {facts.get('truthId', '')!r:.20}"
        raise FormatError(path, "no ground truth belongs to the page", where)
    measured = dataclasses.replace(document, arrays=_measured(document, report))
    ink = measured.ink(counts=report.mendings)
    report.mendings.update(document.counts)
    if not ink.n_points:
        report.refusals.append(Refusal(path, "", "the page holds no ink"))
        return None
    key = f"{kind}/{Path(path).stem}"
    page = Sample(
        key,
        ink,
        "\n".join(truth),
        "page",
        script="Arab",
        writer=writer,
        corpus=NAME,
        split=split_of(NAME, key, writer),
        time_source="none" if ink.t is None else document.time_source,
        source=path,
    )
    return page, truth


def _lines(page: Sample, labels: Sequence[str], report: UnitReport) -> Iterator[Sample]:
    """Yield a page's lines, or refuse them all."""
    kind = page.key.partition("/")[0]
    level = TYPES[kind]
    report.expected[level] += len(labels)
    grouping = group_lines(page.ink, len(labels))
    if grouping.objection:
        reason = f"the page does not fall into the expected lines: {grouping.objection}"
        report.refusals.append(Refusal(page.source, f"{len(labels)} lines", reason))
        return
    for k, label in enumerate(labels):
        yield dataclasses.replace(
            page,
            key=f"{page.key}/{k}",
            ink=select_strokes(page.ink, grouping.lines == k),
            label=label,
            level=level,
            source=f"{page.source}#line {k + 1}",
        )


def _measured(document: inkml.Document, report: UnitReport) -> inkml.ContextArrays:
    """Return the arrays without the channels that hold a default instead of a measurement."""
    arrays = document.arrays
    inner = np.ones(len(arrays.xy), bool)
    filled = np.diff(arrays.offsets) > 0
    inner[arrays.offsets[:-1][filled]] = inner[arrays.offsets[1:][filled] - 1] = False
    pressure = arrays.pressure
    if pressure is not None and len(np.unique(pressure[inner])) < REAL_PRESSURE_VALUES:
        report.mendings["poh-pressure-constant"] += 1
        pressure = None
    extra = {name: values for name, values in arrays.extra.items() if len(values) and (values != values[0]).any()}
    return dataclasses.replace(arrays, pressure=pressure, extra=extra)


@lru_cache(maxsize=16)
def _truths(root: Path, kind: str) -> dict[str, list[str]]:
    """Return the texts of one type by their identifier: the lines of each, or one line where it has no lines."""
    found: dict[str, list[str]] = {}
    for file in sorted((root / "GroundTruths" / kind).glob("*.xml")):
        for text in parse_xml(read_bytes(file), file).iter("text"):
            content = text.find("content")
            if content is not None:
                lines = [(line.text or "").strip() for line in content.findall("line")]
                found[text.get("id", "")] = lines or [(content.text or "").strip()]
    return found


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="POH-Db, Persian online handwriting",
        scripts=("Arab",),
        levels=("word", "line", "page"),
        size="9,308 pages in the whole repository; tried: 7,519 by 294 writers: 4,149 of words, 861 of word pairs and"
        " triples, 100 of numbers, 2,409 of text",
        licence="AGPL-3.0; other terms from its authors on request",
        citation="Speech and Language Technology Laboratory, Amirkabir University of Technology: POH-Db, Persian Online"
        " Handwriting Database, https://github.com/SLTLabAUT/POH-Db",
        obtain="git clone https://github.com/SLTLabAUT/POH-Db",
        beside=("GroundTruths/**/*.xml",),
        layout="Writepads/<type>/<number>.inkml and GroundTruths/<type>/<number>.xml",
        verified="every one of 7,519 pages; see docs/corpora/poh-db.md",
        url="https://github.com/SLTLabAUT/POH-Db",
        options=(
            ("level", "line (default), word or page"),
            ("types", f"comma list of {', '.join(TYPES)}; default all that the level allows"),
        ),
    ),
    _find,
    _read,
)
