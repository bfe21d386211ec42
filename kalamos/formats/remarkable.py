"""reMarkable ``.rm``: the lines of one page, versions 3, 5 and 6.

No specification is published. Versions 3 and 5: layers of lines, little-endian, as ``rm2svg`` and ``rmapi`` read them.
Version 6: tagged blocks, as *rmscene* (R. Lupton, MIT) documents them; read here by hand, because rmscene asks for
a version of ``packaging`` that current tools refuse. The tests compare with it where it is installed.

A line has a tool, a colour and points of x, y, speed, width, direction and pressure (0..1 in versions 3 and 5, a byte
in version 6). The screen has 226 dots an inch; y points down; x is counted from the middle in version 6. There are no
times.

Readings taken here: a sample is the page; erasers are no ink (``left-out-eraser``), lines that were deleted or stand in
a hidden layer of version 6 are not shown and not read (``left-out-hidden``). Ink that version 6 anchors to typed text
is counted as ``position-relative-to-text``: the text's height is not in the file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import mend_flat
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample

MAX_FILE_BYTES = 256 * 2**20
POINTS_PER_MM = 226 / 25.4
ERASERS = frozenset({6, 8, 19})
"""Tools that take ink away: eraser, erase area, and the eraser of selections."""
NAMES = ("x", "y", "speed", "direction", "width", "pressure")

_HEAD = re.compile(rb"reMarkable (?:lines|\.lines) (?:with selections and layers|file, version=(\d+))? *")
_OLD_POINT = np.dtype([(name, "<f4") for name in NAMES])
_NEW_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("speed", "<u2"), ("width", "<u2"), ("direction", "u1"), ("pressure", "u1")]
)
_TREE_NODE, _LINE_ITEM, _LINE = 0x02, 0x05, 0x03
_ID, _LENGTH, _BYTE8, _BYTE4, _BYTE1 = 0xF, 0xC, 0x8, 0x4, 0x1
HEADER_BYTES = 43


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is reMarkable's, or None."""
    match = _HEAD.match(head)
    if match is None:
        return None
    return f"names itself a reMarkable lines file, version {(match[1] or b'3').decode()}"


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the page of one file; a page without ink yields nothing and is counted.

    Raises:
        FormatError: where the file is no such page, of another version, or damaged.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    match = _HEAD.match(data)
    version = int(match[1] or 3) if match else 0
    if version not in (3, 5, 6):
        raise FormatError(path, f"is version {version} of reMarkable's lines; versions 3, 5 and 6 are read")
    try:
        lines = list(_new_lines(data, report) if version == 6 else _old_lines(data, version, report))
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise FormatError(path, f"is cut off or damaged: {str(error)[:100]}") from error
    report.expected["line"] += len(lines)
    lines = [_dot_of_one_point(line) for line in lines if len(line)]
    if not lines:
        report.mendings["left-out-blank-page"] += 1
        return
    points = np.concatenate(lines)
    offsets = np.cumsum([0, *map(len, lines)])
    extra = {name: points[name].astype(np.float64) for name in ("width", "speed", "direction")}
    ink = mend_flat(
        np.stack([points["x"], points["y"]], axis=1), offsets, None, points["pressure"], extra, counts=report.mendings
    )
    if not ink.n_points:
        raise FormatError(path, "no point of the page is a finite number")
    yield Sample(path.stem, ink, level="page", points_per_mm=POINTS_PER_MM, source=path.name)


def _dot_of_one_point(line: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return a line of twice the same point with one: a dot has to be written so in order to be drawn."""
    twice = len(line) == 2 and line["x"][0] == line["x"][1] and line["y"][0] == line["y"][1]
    return line[:1] if twice else line


def _old_lines(data: bytes, version: int, report: UnitReport) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    """Yield the points of each line of versions 3 and 5."""
    at = HEADER_BYTES
    (n_layers,) = struct.unpack_from("<i", data, at)
    at += 4
    if not 0 <= n_layers <= 1000:
        raise ValueError(f"{n_layers} layers")
    for _ in range(n_layers):
        (n_lines,) = struct.unpack_from("<i", data, at)
        at += 4
        for _ in range(n_lines):
            (tool,) = struct.unpack_from("<i", data, at)
            at += 16 + 4 * (version == 5)
            (n_points,) = struct.unpack_from("<i", data, at)
            at += 4
            if n_points < 0 or n_points * _OLD_POINT.itemsize > len(data) - at:
                raise ValueError(f"a line of {n_points} points, more than there are")
            points = np.frombuffer(data, _OLD_POINT, n_points, at)
            at += n_points * _OLD_POINT.itemsize
            if tool in ERASERS:
                report.mendings["left-out-eraser"] += 1
            else:
                yield points


def _new_lines(data: bytes, report: UnitReport) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    """Yield the points of each line of version 6 in the order of the file."""
    hidden, anchored = _groups(data)
    for version, kind, block in _blocks(data):
        if kind != _LINE_ITEM:
            continue
        fields = _Block(block)
        parent = fields.identifier(1)
        for index in (2, 3, 4):
            fields.identifier(index)
        deleted = fields.number(5)
        if not fields.at_tag(6, _LENGTH):
            continue
        if deleted or parent in hidden:
            report.mendings["left-out-hidden"] += 1
            continue
        fields.enter(6)
        if fields.take(1)[0] != _LINE:
            continue
        line = _line(fields, version)
        if line is None:
            report.mendings["left-out-eraser"] += 1
            continue
        report.mendings["position-relative-to-text"] += parent in anchored
        yield line


def _line(fields: _Block, version: int) -> np.ndarray[Any, np.dtype[Any]] | None:
    """Return the points of a line as versions 3 and 5 have them; None for an eraser."""
    tool = fields.number(1)
    fields.number(2)
    fields.double(3)
    fields.number(4)
    content = fields.take(fields.enter(5))
    if tool in ERASERS:
        return None
    if version < 2:
        return np.frombuffer(content, _OLD_POINT)
    packed = np.frombuffer(content, _NEW_POINT)
    points = np.empty(len(packed), _OLD_POINT)
    for name, unit in (("x", 1.0), ("y", 1.0), ("speed", 4.0), ("width", 4.0), ("pressure", 255.0)):
        points[name] = packed[name] / unit
    points["direction"] = packed["direction"] * (2 * np.pi / 255)
    return points


def _groups(data: bytes) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Return the groups (layers) that are hidden, and those that are anchored to text."""
    hidden, anchored = set(), set()
    for _, kind, block in _blocks(data):
        if kind != _TREE_NODE:
            continue
        fields = _Block(block)
        name = fields.identifier(1)
        fields.skip(2)
        if fields.at_tag(3, _LENGTH):
            fields.enter(3)
            fields.identifier(1)
            if fields.at_tag(2, _BYTE1):
                fields.tag(2, _BYTE1)
                hidden |= set() if fields.take(1)[0] else {name}
        if fields.at_tag(7, _LENGTH):
            anchored.add(name)
    return hidden, anchored


def _blocks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield version, kind and content of the blocks of version 6."""
    at = HEADER_BYTES
    while at < len(data):
        size, _, _, version, kind = struct.unpack_from("<IBBBB", data, at)
        at += 8
        if size > len(data) - at:
            raise ValueError(f"a block of {size} bytes, more than there are")
        yield version, kind, data[at : at + size]
        at += size


@dataclass(slots=True)
class _Block:
    """Reads the tagged fields of a block from front to back."""

    data: bytes
    at: int = field(default=0)

    def take(self, n_bytes: int) -> bytes:
        piece = self.data[self.at : self.at + n_bytes]
        if len(piece) < n_bytes:
            raise ValueError(f"{n_bytes} bytes were announced, more than the block has")
        self.at += n_bytes
        return piece

    def varying(self) -> int:
        """Return a number of seven bits a byte."""
        value, shift = 0, 0
        while shift < 64:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
        raise ValueError("a number of more than 64 bits")

    def at_tag(self, index: int, kind: int) -> bool:
        """Say whether this field comes next."""
        if self.at >= len(self.data):
            return False
        place = self.at
        found = self.varying()
        self.at = place
        return found == index << 4 | kind

    def tag(self, index: int, kind: int) -> None:
        if not self.at_tag(index, kind):
            raise ValueError(f"field {index} is not at byte {self.at} of its block")
        self.varying()

    def identifier(self, index: int) -> tuple[int, int]:
        self.tag(index, _ID)
        return self.take(1)[0], self.varying()

    def number(self, index: int) -> int:
        self.tag(index, _BYTE4)
        return int.from_bytes(self.take(4), "little")

    def double(self, index: int) -> float:
        self.tag(index, _BYTE8)
        return float(struct.unpack("<d", self.take(8))[0])

    def enter(self, index: int) -> int:
        """Pass the head of a part with fields of its own and return its length in bytes."""
        self.tag(index, _LENGTH)
        return int.from_bytes(self.take(4), "little")

    def skip(self, index: int) -> None:
        """Pass over a part with fields of its own."""
        self.take(self.enter(index))
