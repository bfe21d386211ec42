"""Xournal++ and Xournal: ``.xopp`` and ``.xoj``, XML in gzip (or plain), a page with layers of strokes.

Format: the source of Xournal++ (``XmlParser``, ``SaveHandler``); no specification is published. A ``<stroke>`` holds
``x y x y ...`` in points of 1/72 inch, y downwards; its ``width`` is the nominal width and then, where a pen gave
pressure, the width of each segment. Order is that of the file: the order of writing within a layer. No times.

Readings taken here: a sample is a page, keyed by its number; pages without ink are passed over and counted. Pen and
highlighter are ink; eraser strokes (white paint) are not (``left-out-eraser``); typed text, pictures and formulas are
left out and counted. Widths are the extra channel ``width``; they are no pressure, because the pressure curve that made
them is not in the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.inkml.tracetext import scan_traces
from kalamos.formats.mending import mend_flat
from kalamos.formats.report import Refusal, UnitReport
from kalamos.formats.xmltree import parse_xml, read_bytes, root_tag
from kalamos.ink import Ink, Sample
from kalamos.machinery.arrays import Floats, Ints

POINTS_PER_MM = 72 / 25.4
MAX_UNPACKED_BYTES = 256 * 2**20
"""A larger file is refused; a page of close writing has a megabyte."""
GZIP = b"\x1f\x8b"
ROOTS = ("xournal", "xopp", "MrWriter")
_LEFT_OUT = {"text": "left-out-text", "image": "left-out-picture", "teximage": "left-out-formula"}
_BREAKS = str.maketrans(dict.fromkeys("\t\n\r ", ","))


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is Xournal, or None."""
    packed = head.startswith(GZIP)
    root = root_tag(_begun(head) if packed else head)
    if root is None or root[0] not in ROOTS:
        return None
    return f"XML with the root element <{root[0]}> of Xournal{', in gzip' if packed else ''}"


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield a sample for each page with ink.

    Raises:
        FormatError: where the file is no Xournal file, or unpacks to more than :data:`MAX_UNPACKED_BYTES`.
    """
    data = read_bytes(path)
    root = parse_xml(_unpacked(path, data) if data.startswith(GZIP) else data, path)
    if root.tag not in ROOTS:
        raise FormatError(path, f"the root element is <{root.tag[:40]}>, not <xournal>: this is no Xournal file")
    for number, page in enumerate(root.findall("page"), 1):
        report.expected["page"] += 1
        for tag, rule in _LEFT_OUT.items():
            if left := sum(1 for _ in page.iter(tag)):
                report.mendings[rule] += left
        place = f"page {number}"
        try:
            ink = _page_ink(page, report)
        except ValueError as error:
            report.refusals.append(Refusal(path.name, place, str(error)))
            continue
        if not ink.n_points:
            report.mendings["left-out-blank-page"] += 1
            continue
        key, source = f"{path.stem}/{number}", f"{path.name}, {place}"
        yield Sample(key, ink, level="page", points_per_mm=POINTS_PER_MM, source=source)


def _page_ink(page: Element, report: UnitReport) -> Ink:
    strokes = list(page.iter("stroke"))
    written = [stroke for stroke in strokes if stroke.get("tool") != "eraser"]
    if len(written) < len(strokes):
        report.mendings["left-out-eraser"] += len(strokes) - len(written)
    report.expected["stroke"] += len(written)
    values, ends = _numbers([stroke.text or "" for stroke in written])
    if (np.diff(ends) % 2).any():
        wrong = int(np.argmax(np.diff(ends) % 2)) + 1
        raise ValueError(f"stroke {wrong} of the page holds an odd number of coordinates")
    xy, offsets = values.reshape(-1, 2), ends // 2
    xy, offsets = _dots_of_one_point(xy, offsets)
    try:
        widths = _widths([stroke.get("width", "") for stroke in written], np.diff(offsets))
    except ValueError:
        widths = None
        report.mendings["channel-not-finite"] += 1
    extra = {} if widths is None else {"width": widths}
    return mend_flat(xy, offsets, extra=extra, counts=report.mendings)


def _dots_of_one_point(xy: Floats, offsets: Ints) -> tuple[Floats, Ints]:
    """Return strokes of twice the same point with one: a dot has to be written so in order to be drawn."""
    starts, sizes = offsets[:-1], np.diff(offsets)
    pairs = starts[sizes == 2]
    again = pairs[(xy[pairs] == xy[pairs + 1]).all(axis=1)] + 1
    if not len(again):
        return xy, offsets
    return np.delete(xy, again, axis=0), offsets - np.searchsorted(again, offsets)


def _widths(texts: list[str], sizes: Ints) -> Floats | None:
    """Return the width at each point: that of its segment, or the nominal one; None where a stroke states none.

    A width stands for the segment that begins at its point; the last point has the width of the last segment.
    """
    values, ends = _numbers(texts)
    counts = np.diff(ends)
    if not len(values) or (counts == 0).any():
        return None
    varying = (counts == sizes) & (sizes > 1)
    lasts = np.repeat(ends[1:] - 1, sizes)
    firsts = np.repeat(ends[:-1], sizes)
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    places = np.where(np.repeat(varying, sizes), np.minimum(firsts + 1 + within, lasts), firsts)
    return values[places]


def _numbers(texts: list[str]) -> tuple[Floats, Ints]:
    """Return the numbers of all texts end to end, and where those of each begin and end."""
    # with commas for spaces every number is a point of one channel to the scanner of InkML; it passes over empty points
    scanned = scan_traces([text.translate(_BREAKS) for text in texts], 1, np.full(1, np.nan))
    if scanned.fault:
        raise ValueError(f"stroke {scanned.fault_trace + 1} of the page holds {scanned.fault_text[:20]!r}: no number")
    return scanned.values[:, 0], scanned.offsets


def _begun(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 4096)
    except zlib.error:
        return b""


def _unpacked(path: Path, data: bytes) -> bytes:
    unpacker = zlib.decompressobj(31)
    try:
        content = unpacker.decompress(data, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise FormatError(path, f"the gzip data are damaged: {error}") from error
    if unpacker.unconsumed_tail:
        raise FormatError(path, f"unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB")
    if not unpacker.eof:
        raise FormatError(path, "is cut off within the gzip data")
    return content
