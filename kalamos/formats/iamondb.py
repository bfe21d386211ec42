"""The XML of IAM-OnDB: a whiteboard session, its strokes with an element for each point.

``<WhiteboardCaptureSession>`` holds a ``<WhiteboardDescription>`` (in which corner the sensor sits) and a
``<StrokeSet>`` of ``<Stroke>`` of ``<Point x y time>``, times in seconds. Complete forms have in front of that a
``<General>`` with the form's identifiers and a ``<Transcription>`` of ``<TextLine text>``. Read as a stream: no element
is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.xmltree import MAX_DEPTH, new_parser, read_bytes, root_tag, run_parser
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

ROOT = "WhiteboardCaptureSession"


@dataclass(slots=True)
class Session:
    """What one file says.

    Attributes:
        ink: its strokes, mended.
        lines: the text of each transcribed line, top to bottom; empty where the file has no transcription.
        attributes: those of ``<Form>`` (``writerID`` and others).
    """

    ink: Ink
    lines: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are IAM-OnDB's XML, or None."""
    root = root_tag(head)
    return f"XML with the root element <{ROOT}> of IAM-OnDB" if root is not None and root[0] == ROOT else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the ink of one file: a line where it has no transcription, else the page with all lines as its label.

    Raises:
        FormatError: where the file is not such XML.
    """
    session = read_session(path, report)
    if not session.ink.n_points:
        report.refusals.append(Refusal(path.name, "", "no ink: the file holds no stroke with a point"))
        return
    yield Sample(
        path.stem,
        session.ink,
        "\n".join(session.lines),
        "page" if session.lines else "line",
        "Latn",
        writer=session.attributes.get("writerID", ""),
        time_source="none" if session.ink.t is None else "recorded",
        source=path.name,
    )


def read_session(path: Path, report: UnitReport) -> Session:
    """Read one file; mendings are counted in ``report``.

    Raises:
        FormatError: where the file is not such XML, or a point is not three numbers.
    """
    data = read_bytes(path)
    parser = new_parser(path)
    parser.ordered_attributes = True
    points: list[list[str]] = []
    ends = [0]
    lines: list[str] = []
    form: dict[str, str] = {}
    depth, corner = 0, "top_left"

    def start(tag: str, attributes: list[str]) -> None:
        nonlocal depth, corner
        depth += 1
        if tag == "Point":
            points.append(attributes)
        elif depth > MAX_DEPTH:
            raise FormatError(path, f"elements nest deeper than {MAX_DEPTH}", f"line {parser.CurrentLineNumber}")
        elif depth == 1 and tag != ROOT:
            raise FormatError(path, f"the root element is <{tag[:40]}>, not <{ROOT}>: this is not XML of IAM-OnDB")
        elif tag == "TextLine":
            lines.append(_get(attributes, "text").strip())
        elif tag == "Form":
            form.update(zip(attributes[::2], attributes[1::2], strict=True))
        elif tag == "SensorLocation":
            corner = _get(attributes, "corner")

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if tag == "Stroke":
            ends.append(len(points))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    run_parser(parser, data, path)
    table = _table(points, path)
    xy = table[:, :2] * _signs(corner)
    if len(table) and np.isnan(table[:, 2]).any():
        report.mendings["channel-in-few-strokes"] += not np.isnan(table[:, 2]).all()
        t = None
    else:
        t = plausible_times(table[:, 2], np.array(ends), report.mendings)
    report.expected["Stroke"] += len(ends) - 1
    return Session(
        mend_flat(xy[: ends[-1]], ends, None if t is None else t[: ends[-1]], counts=report.mendings), lines, form
    )


def _table(points: Sequence[list[str]], path: Path) -> Floats:
    """Return x, y and time of each point, ``(n, 3)``; NaN for all times where one has none."""
    names = ["x", "y", "time"]
    try:
        if all(point[::2] == names for point in points):
            return np.array([float(text) for point in points for text in point[1::2]]).reshape(-1, 3)
        rows = [[float(_get(point, name) or "nan") for name in names] for point in points]
    except ValueError as error:
        raise FormatError(path, f"a Point holds something that is not a number: {error}") from error
    table = np.array(rows).reshape(-1, 3)
    if np.isnan(table[:, :2]).any():
        raise FormatError(path, "a Point has no x or no y")
    return table


def _get(attributes: list[str], name: str) -> str:
    place = attributes[::2].index(name) if name in attributes[::2] else None
    return "" if place is None else attributes[2 * place + 1]


def _signs(corner: str) -> Floats:
    """Return what turns coordinates counted from a corner into x to the right and y downwards."""
    return np.array([-1.0 if "right" in corner else 1.0, -1.0 if "bottom" in corner else 1.0])
