"""Gestures of the $-family of recognisers: ``<Gesture Name Subject>`` with a ``<Point X Y T>`` for each point.

Strokes are ``<Stroke>`` elements around the points ($N, $P, MMG); where there are none the gesture is one stroke ($1).
X and Y are pixels, y down, T is milliseconds; a point without T takes the times from the whole file. The name is
``arrowhead~01``, ``line-1`` or ``arrow01``: class and repetition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.ink import Sample
from kalamos.machinery.arrays import Floats

ROOT = "Gesture"
_REPETITION = re.compile(r"[~_-]?\d+$")


def sniff(head: bytes) -> str | None:
    """Say why these first bytes of a file are a gesture, or None."""
    root = root_tag(head)
    if root is None or root[0] != ROOT or "Name" not in root[1] or b"<Point" not in head:
        return None
    return f"XML with the root element <{ROOT}> of the $-family of gesture recognisers"


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the one gesture of a file, labelled with its class.

    Raises:
        FormatError: where the file is no such XML, or a point has no X and Y that are numbers.
    """
    root = parse_xml(read_bytes(path), path)
    if root.tag != ROOT:
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <{ROOT}>")
    strokes = root.findall("Stroke") or [root]
    values = [_points(stroke, path) for stroke in strokes]
    offsets = np.concatenate([[0], np.cumsum([len(points) for points in values])]).astype(np.int64)
    points = np.concatenate(values)
    timed = None if np.isnan(points[:, 2]).any() else points[:, 2] / 1000.0
    times = plausible_times(timed, offsets, report.mendings)
    ink = mend_flat(points[:, :2], offsets, times, counts=report.mendings)
    if not ink.n_points:
        report.refusals.append(Refusal(path.name, "", "no ink: the gesture holds no point"))
        return
    yield Sample(
        path.stem,
        ink,
        _REPETITION.sub("", root.get("Name", "")),
        "character",
        writer=root.get("Subject", ""),
        units="px",
        time_source="none" if ink.t is None else "recorded",
        source=path.name,
    )


def _points(stroke: Element, path: Path) -> Floats:
    """Return x, y and t of a stroke's points, ``(n, 3)``; t is NaN where a point has none."""
    rows = []
    for number, point in enumerate(stroke.findall("Point"), 1):
        try:
            rows.append((float(point.attrib["X"]), float(point.attrib["Y"]), float(point.get("T", "nan"))))
        except (KeyError, ValueError):
            raise FormatError(path, "a point without X and Y that are numbers", f"point {number}") from None
    return np.array(rows, np.float64).reshape(-1, 3)
