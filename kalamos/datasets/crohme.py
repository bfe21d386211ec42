"""CROHME: handwritten mathematical expressions (competitions of 2011 to 2023), in InkML.

An expression is one file; its truth is LaTeX in ``<annotation type="truth">``. Symbols are ``<traceGroup>`` elements
with a truth of their own and a ``<traceView>`` for each of their strokes. What a file does not say of this is taken
from its label graph, ``NAME.lg`` beside it or the only one of that name below the corpus folder, and counted as
``label-from-lg`` (:mod:`.label_graph`). Files have no times; those that carry a third value a point beside X and Y
have it left out, as the trace format does not declare it.

Splits are those of the folders (train, valid, test), which separate the years' collections; where no folder tells, the
writer's hash decides. A writer is numbered within a collection, so the beginning of the ``UI`` is put in front.
Annotations about age, sex and hand are not read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from kalamos.datasets.corpus import Card, Refusal, UnitReport, split_by_writer
from kalamos.datasets.folders import FolderCorpus, files, refuse_value, split_of_folder
from kalamos.datasets.label_graph import LabelGraph, Symbol, read_label_graph
from kalamos.errors import FormatError, InkError
from kalamos.formats import inkml
from kalamos.ink import Sample

NAME = "crohme"
LEVELS = ("expression", "symbol")
SYMBOL_PART = "#symbols"
SCRIPT = "Zmth"


def _find(root: Path, level: str = "expression") -> Sequence[str]:
    """Return the InkML files below ``root``.

    Raises:
        CorpusError: where there is no such file.
    """
    refuse_value(NAME, "level", level, LEVELS)
    _graphs.cache_clear()
    found = files(root, (".inkml",), "*.inkml; unpack the archives of crohme first")
    return [unit + SYMBOL_PART * (level == "symbol") for unit in found]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the expression of one file, or its symbols."""
    path, _, part = unit.partition("#")
    try:
        document = inkml.read_document(root / path)
        report.mendings.update(document.counts)
        expression = _expression(document, path, report)
        if not expression.ink.n_points:
            report.refusals.append(Refusal(path, "", "the file holds no ink"))
        elif part:
            yield from _symbols(root, document, expression, report)
        else:
            report.expected["expression"] += 1
            yield _labelled(root, expression, report)
    except FormatError as error:
        report.refusals.append(Refusal(path, error.where, error.reason))


def _labelled(root: Path, expression: Sample, report: UnitReport) -> Sample:
    """Return the expression with the label of its label graph, where it has none of its own."""
    graph = None if expression.label else _graph_of(root, expression.source, report)
    latex = None if graph is None else graph.latex()
    if graph is not None and latex is None:
        reason = "the relations of its label graph form no tree: the label is left out"
        report.refusals.append(Refusal(expression.source, "label", reason))
    if latex is None:
        return expression
    report.mendings["label-from-lg"] += 1
    return dataclasses.replace(expression, label=f"${latex}$")


def _symbols(root: Path, document: inkml.Document, expression: Sample, report: UnitReport) -> Iterator[Sample]:
    groups = [(group, inkml.notes(group).get("truth", "")) for group in _leaves(document.root)]
    graph = None if any(label for _, label in groups) else _graph_of(root, expression.source, report)
    if graph is not None:
        groups = [(_view(symbol), symbol.label) for symbol in graph.symbols.values()]
        report.mendings["label-from-lg"] += len(groups)
    yield from _cut(document, expression, groups, report)


def _expression(document: inkml.Document, path: str, report: UnitReport) -> Sample:
    facts = inkml.notes(document.root)
    collection = facts.get("UI", "").rpartition("_")[0] or facts.get("UI", "")
    writer = f"{collection}/{facts['writer']}".lstrip("/") if facts.get("writer") else ""
    split = split_of_folder(PurePosixPath(path))
    if split is None and writer:
        split = split_by_writer(NAME, writer)
    ink = document.ink(counts=report.mendings)
    return Sample(
        str(PurePosixPath(path).with_suffix("")),
        ink,
        facts.get("truth", ""),
        "line",
        script=SCRIPT,
        writer=writer,
        corpus=NAME,
        split=split,
        points_per_mm=document.points_per_mm,
        time_source="none" if ink.t is None else document.time_source,
        source=path,
    )


def _cut(
    document: inkml.Document, expression: Sample, groups: Sequence[tuple[Element, str]], report: UnitReport
) -> Iterator[Sample]:
    """Yield the symbols of an expression: groups of traces with their labels."""
    for number, (group, label) in enumerate(groups, 1):
        report.expected["symbol"] += 1
        try:
            ink = document.ink(document.pieces(group), counts=report.mendings)
            if not ink.n_points:
                raise InkError("the symbol has no ink")
        except (FormatError, InkError) as error:
            reason = error.reason if isinstance(error, FormatError) else str(error)
            report.refusals.append(Refusal(expression.source, f"symbol {number}", reason))
            continue
        yield dataclasses.replace(
            expression,
            key=f"{expression.key}/{number}",
            ink=ink,
            label=label,
            level="character",
            source=f"{expression.source}#symbol {number}",
        )


def _view(symbol: Symbol) -> Element:
    """Return a group that shows the traces of a symbol."""
    group = Element("traceGroup")
    group.extend(Element("traceView", traceDataRef=name) for name in symbol.traces)
    return group


def _graph_of(root: Path, source: str, report: UnitReport) -> LabelGraph | None:
    """Return the label graph of an expression, where there is one; a bad one is a refusal of the label."""
    beside = str(PurePosixPath(source).with_suffix(".lg"))
    path = beside if (root / beside).is_file() else _graphs(root).get(PurePosixPath(source).stem)
    if path is None:
        return None
    try:
        return read_label_graph(root / path)
    except FormatError as error:
        report.refusals.append(Refusal(path, error.where, f"label graph: {error.reason}"))
        return None


@lru_cache(maxsize=8)
def _graphs(root: Path) -> dict[str, str]:
    """Return where the label graphs are whose names stand once below the folder: name -> path."""
    found: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*.lg")):
        found.setdefault(file.stem, []).append(file.relative_to(root).as_posix())
    return {name: places[0] for name, places in found.items() if len(places) == 1}


def _leaves(root: Element) -> Iterator[Element]:
    """Yield the groups that hold no further group."""
    for group in root.iter("traceGroup"):
        if group.find("traceGroup") is None and (
            group.find("traceView") is not None or group.find("trace") is not None
        ):
            yield group


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="CROHME, handwritten mathematical expressions",
        scripts=(SCRIPT,),
        levels=("line", "character"),
        size="release of 2019: 9,993 expressions for training, 986 for validation, 1,199 for test",
        licence="CC BY-NC-SA 3.0",
        citation="M. Mahdavi, R. Zanibbi, H. Mouchere, C. Viard-Gaudin, U. Garain: ICDAR 2019 CROHME + TFD. ICDAR 2019,"
        " pp. 1533-1538, doi:10.1109/ICDAR.2019.00247",
        obtain="download the archives of the TC11 collection and unpack them",
        beside=("**/*.lg",),
        layout="any folders of *.inkml, and *.lg of the same names for those that have no truth;"
        " folders called after train, valid and test are the splits",
        verified="only against published descriptions and files written after them; no real file was at hand",
        url="https://tc11.cvc.uab.es/datasets/ICDAR2019-CROHME-TDF_1",
        options=(("level", "expression (default) or symbol"),),
    ),
    _find,
    _read,
)
