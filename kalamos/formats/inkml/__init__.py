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

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from xml.etree.ElementTree import Element

from kalamos.errors import InkError
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
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.sample_fields import sample_of
from kalamos.formats.xmltree import root_tag
from kalamos.ink import Provenance, Sample, TimeSource

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

_LABELS = ("truth", "label", "transcription", "Transcription", "text", "textField", "normalizedLabel")
_WRITERS = ("writer", "writerId", "writerID", "Writer", "author")


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are InkML, or None."""
    root = root_tag(head)
    if root is None or root[0] != "ink":
        return None
    return "XML with the root element <ink>" + (f" of {uri}" if (uri := root[1].get("xmlns")) else "")


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the ink of one file as one sample of the level ``page``; its truth annotation is the label.

    A file that Kalamos wrote gives back the samples that were written.

    Raises:
        FormatError: where the file is not InkML, or breaks its rules.
    """
    yield from samples_of(read_document(path), path, report)


def samples_of(document: Document, path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a document that stands in the file ``path``."""
    report.expected["trace"] += len(document.traces)
    report.mendings.update(document.counts)
    found = notes(document.root)
    if is_own(document.root):
        yield from _written(document, path, report)
        return
    shown = document.pieces()
    ink = document.ink(shown, counts=report.mendings)
    if not ink.n_points:
        report.refusals.append(Refusal(path.name, "", "no ink: the file holds no trace with a point"))
        return
    for group in document.root.findall("traceGroup"):
        found = {**notes(group), **found, **_ground_truth(group)}
        labelled = sum(bool(_ground_truth(inner)) for inner in group.iter("traceGroup"))
        report.expected.update({"labelled group": labelled} if labelled else {})
    yield Sample(
        path.stem,
        ink,
        next((found[name] for name in _LABELS if found.get(name)), ""),
        "page",
        writer=next((found[name] for name in _WRITERS if found.get(name)), ""),
        points_per_mm=document.points_per_mm,
        time_source="none" if ink.t is None else _stated(found, "time_source", TimeSource, document.times_of(shown)),
        source=path.name,
        provenance=_stated(found, "provenance", Provenance, "recorded"),
    )


def _stated(found: Mapping[str, str], name: str, words: Any, otherwise: str) -> Any:
    """Return what an annotation states where it is one of the words known (a recovered page says ``estimated``)."""
    stated = found.get(name, "")
    return stated if stated in get_args(words) and stated not in {"none", "equal-interval"} else otherwise


def _ground_truth(group: Element) -> dict[str, str]:
    """Return the label of a group in an ``<annotationXML type="Ground truth">``, as ImadocSen-OnDB writes it."""
    for note in group.findall("annotationXML"):
        if note.get("type") == "Ground truth" and note.findtext("label"):
            return {"truth": (note.findtext("label") or "").strip()}
    return {}


def _written(document: Document, path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the samples of a file that :func:`kalamos.formats.export.write_inkml` made."""
    for number, group in enumerate(document.root.findall("traceGroup"), 1):
        try:
            ink = document.ink(document.pieces(group), counts=report.mendings, mend=False)
            yield sample_of(notes(group, strip=False), ink)
        except (InkError, ValueError) as error:
            report.refusals.append(Refusal(path.name, f"traceGroup {number}", f"not a valid sample: {error}"))
