"""CASIA-OLHWDB: ``.pot`` (isolated characters) and ``.wptt`` (pages of text lines), binary, little-endian.

Format: the tables of the databases' home page (National Laboratory of Pattern Recognition, CASIA).

``.pot`` is one record after another: size of the record (2 bytes, itself included), tag code (4), number of strokes
(2), then points of two int16; ``-1, 0`` ends a stroke and ``-1, -1`` the character. The tag is the GB code of the
character as a number: ``0x0000B0A1`` for the first.

``.wptt`` has a header (size, ``WPTT``, a free text, the code ``GB`` or ``ASCII`` and its length, the type
``short``), then a page: length and number of the page, strokes (number of points, points), lines (indices of
strokes, tags of the characters; ``0xFFFF`` is a character that nobody could read).

Readings taken here: y points down; no times; a record whose size is wrong ends the file, because the next cannot be
found.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import Refusal, UnitReport
from kalamos.ink import Ink, Sample

MAX_FILE_BYTES = 512 * 2**20
UNREADABLE = "\ufffd"
"""Stands in a label for a character that the corpus marks as unreadable."""

_WPTT_FIXED = 54
_RECORD_END = b"\xff\xff\xff\xff"


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is OLHWDB, or None."""
    if head[4:8] == b"WPTT":
        return "carries the mark WPTT"
    if len(head) < 12:
        return None
    size, tag, n_strokes = struct.unpack_from("<HIH", head)
    ends = head[size - 4 : size]
    if 16 <= size <= len(head) and ends == _RECORD_END and n_strokes and _character(tag.to_bytes(4, "big")):
        return "the first record ends with -1, -1 where its size says"
    return None


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the characters of a ``.pot`` or the lines of a ``.wptt``.

    Raises:
        FormatError: where the file cannot be read at all; a bad record is a refusal in ``report``.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    if data[4:8] == b"WPTT":
        yield from _read_page(path, data, report)
    elif sniff(data) is None:
        raise FormatError(path, "is neither a .pot (its first record does not end where its size says) nor a .wptt")
    else:
        yield from _read_characters(path, data, report)


def _read_characters(path: Path, data: bytes, report: UnitReport) -> Iterator[Sample]:
    at, number = 0, 0
    while at < len(data):
        report.expected["characters"] += 1
        where = f"record {number}, byte {at}"
        size = struct.unpack_from("<H", data, at)[0] if at + 2 <= len(data) else 0
        if size < 12 or at + size > len(data):
            report.refusals.append(Refusal(path.name, where, "the size of the record is wrong or the file is cut off"))
            return
        tag, n_strokes = struct.unpack_from("<IH", data, at + 2)
        points = np.frombuffer(data, "<i2", (size - 8) // 4 * 2, at + 8).reshape(-1, 2)
        label, ink = _character(tag.to_bytes(4, "big")), _pot_ink(points, n_strokes, report)
        if ink is None or not ink.n_strokes or label is None:
            reason = "the tag is no GB code" if label is None else "the record's points do not form its strokes"
            report.refusals.append(Refusal(path.name, where, reason))
        else:
            yield Sample(f"{path.stem}#{number}", ink, label, source=f"{path.name}, {where}")
        at += size
        number += 1


def _pot_ink(points: NDArray[np.int16], n_strokes: int, report: UnitReport) -> Ink | None:
    """Return the ink of a record's points with its end marks, or None where they do not match ``n_strokes``."""
    ends = np.flatnonzero((points[:, 0] == -1) & (points[:, 1] == 0))
    if not len(points) or tuple(points[-1]) != (-1, -1) or len(ends) != n_strokes:
        return None
    if len(ends) == 0 or ends[-1] != len(points) - 2:
        return None
    kept = np.delete(points, [*ends, len(points) - 1], axis=0)
    offsets = np.concatenate([[0], ends - np.arange(len(ends))])
    return mend_flat(kept, offsets, counts=report.mendings)


def _read_page(path: Path, data: bytes, report: UnitReport) -> Iterator[Sample]:
    page = _Cursor(path, data)
    header_size = page.number("<i")
    if not _WPTT_FIXED <= header_size <= len(data):
        raise FormatError(path, f"the header says that it is {header_size} bytes long", "byte 0")
    page.at = header_size - 42
    code = page.take(20).split(b"\0")[0].decode("ascii", "replace")
    code_length = page.number("<H")
    if code not in ("GB", "GBK", "ASCII") or code_length not in (1, 2):
        raise FormatError(path, f"unknown code {code!r} of {code_length} bytes a character", f"byte {header_size - 42}")
    page.take(20 + 8)
    strokes = [page.points() for _ in range(page.count("<i", 2))]
    for number in range(page.count("<H", 4)):
        report.expected["lines"] += 1
        indices = [page.number("<H") for _ in range(page.count("<H", 2))]
        tags = page.take(page.count("<H", code_length) * code_length)
        label = "".join(_character(tags[k : k + code_length]) or UNREADABLE for k in range(0, len(tags), code_length))
        if not indices or max(indices) >= len(strokes) or len(set(indices)) < len(indices):
            report.refusals.append(Refusal(path.name, f"line {number}", "the line's strokes are not on the page"))
            continue
        ink = _joined([strokes[k] for k in indices], report.mendings)
        if not ink.n_strokes:
            report.refusals.append(Refusal(path.name, f"line {number}", "the line holds no point"))
            continue
        yield Sample(f"{path.stem}#{number}", ink, label, "line", source=f"{path.name}, line {number}")


def _joined(strokes: list[NDArray[np.int16]], counts: Counter[str]) -> Ink:
    offsets = np.concatenate([[0], np.cumsum([len(stroke) for stroke in strokes])])
    return mend_flat(np.concatenate(strokes), offsets, counts=counts)


class _Cursor:
    """Reads a binary file from front to back and says where it ends too early."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.at = path, data, 0

    def take(self, n_bytes: int) -> bytes:
        piece = self.data[self.at : self.at + n_bytes]
        if len(piece) < n_bytes:
            raise FormatError(self.path, f"is cut off: {n_bytes} more bytes were announced", f"byte {self.at}")
        self.at += n_bytes
        return piece

    def number(self, kind: str) -> int:
        return int(struct.unpack(kind, self.take(struct.calcsize(kind)))[0])

    def count(self, kind: str, least_bytes: int) -> int:
        """Return a number of things to come, each at least ``least_bytes`` long."""
        place, number = self.at, self.number(kind)
        if number < 0 or number * least_bytes > len(self.data) - self.at:
            raise FormatError(self.path, f"announces {number} items, more than the file can hold", f"byte {place}")
        return number

    def points(self) -> NDArray[np.int16]:
        n_points = self.count("<H", 4)
        return np.frombuffer(self.take(4 * n_points), "<i2").reshape(-1, 2)


def _character(tag: bytes) -> str | None:
    """Return the character of a GB code, whichever end its zeros are at; None where it is none."""
    code = tag.strip(b"\0")
    if not code or code == b"\xff\xff":
        return None
    try:
        text = code.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return text if len(text) == 1 and text.isprintable() else None
