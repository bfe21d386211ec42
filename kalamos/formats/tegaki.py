"""Tegaki: characters as XML, one ``<character>`` a file or many in a ``<character-collection>``.

Format: the Tegaki project (M. Blondel), ``tegaki-python``. ``<utf8>`` is the label; ``<strokes>`` holds ``<stroke>`` of
``<point x y>`` with pressure, xtilt, ytilt and timestamp where known; times are milliseconds, y points down, the box is
``<width>`` by ``<height>`` units. Collections group characters into ``<set name>``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError, InkError
from kalamos.formats.mending import Span, fill_channel, mend_flat
from kalamos.formats.plausibility import plausible_times
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats

ROOTS = ("character", "character-collection", "writing")
_CHANNELS = {"pressure": "pressure", "xtilt": "tilt_x", "ytilt": "tilt_y"}


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is Tegaki's XML, or None."""
    root = root_tag(head)
    return f"XML with the root element <{root[0]}> of Tegaki" if root is not None and root[0] in ROOTS else None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the characters of a file.

    Raises:
        FormatError: where the file is not Tegaki's XML.
    """
    root = parse_xml(read_bytes(path), path)
    if root.tag not in ROOTS:
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <character>: this is not Tegaki's XML")
    found = [root] if root.tag != "character-collection" else list(root.iter("character"))
    for number, character in enumerate(found, 1):
        report.expected["character"] += 1
        where = f"character {number}"
        try:
            ink = _ink(character, report)
            if not ink.n_points:
                raise ValueError("the character holds no point")
        except (ValueError, OverflowError, InkError) as error:
            report.refusals.append(Refusal(path.name, where, f"cannot be read: {str(error)[:100]}"))
            continue
        key, source = (path.stem, path.name) if len(found) == 1 else (f"{path.stem}/{number}", f"{path.name}, {where}")
        label = (character.findtext("utf8") or "").strip()
        yield Sample(key, ink, label, time_source="none" if ink.t is None else "recorded", source=source)


def _ink(character: Element, report: UnitReport) -> Ink:
    strokes = [list(stroke.iter("point")) for stroke in character.iter("stroke")]
    points = [point for stroke in strokes for point in stroke]
    offsets = np.cumsum([0, *map(len, strokes)])
    xy = np.array([(float(p.get("x", "nan")), float(p.get("y", "nan"))) for p in points]).reshape(-1, 2)
    times = _channel(points, "timestamp")
    t = None if np.isnan(times).any() else plausible_times(times / 1000.0, offsets, report.mendings)
    if t is None and not np.isnan(times).all():
        report.mendings["channel-in-few-strokes"] += 1
    channels = {}
    for name, own in _CHANNELS.items():
        values = _channel(points, name)
        parts = [None if np.isnan(values[a:b]).any() else values[a:b] for a, b in itertools.pairwise(offsets.tolist())]
        spans = [Span(1, len(stroke)) for stroke in strokes]
        whole = fill_channel(parts, spans, report.mendings) if any(part is not None for part in parts) else None
        if whole is not None and len(whole):
            channels[own] = whole
    return mend_flat(xy, offsets, t, channels.pop("pressure", None), channels, counts=report.mendings)


def _channel(points: list[Element], name: str) -> Floats:
    """Return an attribute of all points ``(n,)``; NaN where one has none."""
    return np.array([float(point.get(name, "nan")) for point in points], np.float64)
