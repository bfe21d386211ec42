"""InkML, the Ink Markup Language (W3C Recommendation, 20 September 2011), and the habits of the corpora written in it.

The whole recommendation is read, with these limits: references lead within the document only; canvas transforms in
MathML are refused, because they are programs; mappings inside channels describe how the device made the values, which
are already in the file, and are not applied. Y grows downwards unless its orientation is ``-ve``.

Habits that are read as well: no namespace or a wrong one; ``id`` for ``xml:id``; references without ``#``; a byte-order
mark; a trace format outside the definitions (CROHME, MathWriting), which then holds for all traces; none at all (X Y);
more values in a point than channels (left out, counted); T that begins at nought in each trace beside ``timeOffset``
(POH-Db); empty points and traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from kalamos.errors import FormatError, InkError
from kalamos.formats.inkml.channels import ContextArrays
from kalamos.formats.inkml.document import (
    GENERATOR,
    Document,
    Piece,
    document_of,
    is_own,
    notes,
    parse_document,
    read_document,
)
from kalamos.formats.inkml.groups import LABELS, Group, label_of, labelled_groups
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.sample_fields import sample_of
from kalamos.formats.xmltree import root_tag
from kalamos.ink import Level, Provenance, Sample, TimeSource

__all__ = [
    "GENERATOR",
    "ContextArrays",
    "Document",
    "Piece",
    "document_of",
    "notes",
    "parse_document",
    "read",
    "read_document",
    "samples_of",
    "sniff",
]

_WRITERS = ("writer", "writerId", "writerID", "Writer", "author")


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are InkML, or None."""
    root = root_tag(head)
    if root is None or root[0] != "ink":
        return None
    return "XML with the root element <ink>" + (f" of {uri}" if (uri := root[1].get("xmlns")) else "")


def read(path: Path, report: UnitReport, level: Level | None = None) -> Iterator[Sample]:
    """Yield the ink of one file as one sample of the level ``page``; its truth annotation is the label.

    With a ``level`` the groups of that level are the samples (:mod:`.groups`). What is labelled at another level than
    the one taken is counted as ``left-out-LEVEL``. A file that Kalamos wrote gives back the samples that were written.

    Raises:
        FormatError: where the file is not InkML, or breaks its rules.
    """
    yield from samples_of(read_document(path), path, report, level)


def samples_of(document: Document, path: Path, report: UnitReport, level: Level | None = None) -> Iterator[Sample]:
    """Yield the samples of a document that stands in the file ``path``."""
    report.expected["trace"] += len(document.traces)
    report.mendings.update(document.counts)
    if is_own(document.root):
        for sample in _written(document, path, report):
            if level in {None, sample.level}:
                yield sample
            else:
                report.mendings[f"left-out-{sample.level}"] += 1
        return
    groups = labelled_groups(document.root)
    chosen = [] if level in {None, "page"} else [group for group in groups if group.level == level]
    whole = _whole(document, path, report, len(groups))
    if whole is None:
        return
    outer = document.root.findall("traceGroup")
    for group in groups:
        is_page = len(outer) == 1 and group.element is outer[0] and group.label == whole.label
        if group.level == level or (is_page and not chosen):
            continue
        report.mendings[f"left-out-{group.level}"] += 1
    if level in {None, "page"}:
        yield whole
        return
    report.expected[f"labelled {level}"] += len(chosen)
    if not chosen:
        report.mendings["left-out-page"] += 1
    yield from _cut(document, whole, chosen, path, report)


def _whole(document: Document, path: Path, report: UnitReport, n_groups: int) -> Sample | None:
    """Return all ink of a document as one page; None where there is none, which is refused."""
    shown = document.pieces()
    ink = document.ink(shown, counts=report.mendings)
    if not ink.n_points:
        report.refusals.append(Refusal(path.name, "", "no ink: the file holds no trace with a point"))
        return None
    if n_groups:
        report.expected["labelled group"] += n_groups
    found = notes(document.root)
    outer = document.root.findall("traceGroup")
    if len(outer) == 1 and not any(found.get(name) for name in LABELS) and (label := label_of(outer[0])):
        found["truth"] = label
    for group in outer:
        found = {**{name: text for name, text in notes(group).items() if name not in LABELS}, **found}
    return Sample(
        path.stem,
        ink,
        next((found[name] for name in LABELS if found.get(name)), ""),
        "page",
        writer=next((found[name] for name in _WRITERS if found.get(name)), ""),
        points_per_mm=document.points_per_mm,
        time_source="none" if ink.t is None else _stated(found, "time_source", TimeSource, document.times_of(shown)),
        source=path.name,
        provenance=_stated(found, "provenance", Provenance, "recorded"),
    )


def _cut(
    document: Document, whole: Sample, groups: Sequence[Group], path: Path, report: UnitReport
) -> Iterator[Sample]:
    """Yield the ink of each of some groups; where one cannot be read, or is empty, the rest goes on."""
    for number, group in enumerate(groups, 1):
        try:
            pieces = document.pieces(group.element)
            ink = document.ink(pieces, counts=report.mendings)
            if not ink.n_points:
                raise InkError("the group holds no ink")
        except (FormatError, InkError) as error:
            reason = error.reason if isinstance(error, FormatError) else str(error)
            report.refusals.append(Refusal(path.name, f"{group.level} {number}", reason))
            continue
        yield replace(
            whole,
            key=f"{whole.key}#{number}",
            ink=ink,
            label=group.label,
            level=group.level,
            time_source="none" if ink.t is None else _times(whole, document.times_of(pieces)),
            source=f"{whole.source}#{group.level} {number}",
        )


def _times(whole: Sample, own: TimeSource) -> TimeSource:
    """Return where the times of a piece come from: what the page states, or what its traces say."""
    return whole.time_source if whole.time_source in {"estimated", "synthetic"} else own


def _stated(found: Mapping[str, str], name: str, words: Any, otherwise: str) -> Any:
    """Return what an annotation states where it is one of the words known (a recovered page says ``estimated``)."""
    stated = found.get(name, "")
    return stated if stated in get_args(words) and stated not in {"none", "equal-interval"} else otherwise


def _written(document: Document, path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a file that :func:`kalamos.formats.export.write_inkml` made."""
    for number, group in enumerate(document.root.findall("traceGroup"), 1):
        try:
            ink = document.ink(document.pieces(group), counts=report.mendings, mend=False)
            yield sample_of(notes(group, strip=False), ink)
        except (InkError, ValueError) as error:
            report.refusals.append(Refusal(path.name, f"traceGroup {number}", f"not a valid sample: {error}"))
