"""The part of MATLAB 5 files that data sets of handwriting use: cells, structures, text and arrays of numbers.

Format: The MathWorks, *MAT-File Format*, version 5. Written here because the usual reader, built for trusted files,
crashes the interpreter on damaged ones. Little-endian files only; what is compressed is unpacked up to a limit.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARK = b"MATLAB 5.0 MAT-file"
MAX_UNPACKED_BYTES = 512 * 2**20
MAX_ELEMENTS = 250_000
"""Elements of a file, those of all levels together; an element of nothing takes 8 bytes there and 100 here."""
MAX_DEPTH = 8

_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<i1"),
    2: np.dtype("<u1"),
    3: np.dtype("<i2"),
    4: np.dtype("<u2"),
    5: np.dtype("<i4"),
    6: np.dtype("<u4"),
    7: np.dtype("<f4"),
    9: np.dtype("<f8"),
    12: np.dtype("<i8"),
    13: np.dtype("<u8"),
    16: np.dtype("<u1"),
    17: np.dtype("<u2"),
}
_MATRIX, _COMPRESSED, _UTF_8 = 14, 15, 16
_CELL, _STRUCT, _CHAR, _NUMBERS = 1, 2, 4, range(6, 16)


def variables(data: bytes) -> dict[str, Any]:
    """Return the variables of a file by name.

    A cell is a list (in column order), a structure a dict of the fields of its first element, text a str, an array of
    numbers an array with the file's shape; what is none of these is None.

    Raises:
        ValueError: where the file is damaged, not little-endian, or unpacks to too much.
    """
    if len(data) < 128 or data[126:128] != b"IM":
        raise ValueError("the header is cut off or not little-endian")
    room, found, budget = MAX_UNPACKED_BYTES, {}, itertools.count(1)
    for kind, body in _elements(data[128:], budget):
        if kind == _COMPRESSED:
            unpacked = _unpacked(body, room)
            room -= len(unpacked)
            items = list(_elements(unpacked, budget))
        else:
            items = [(kind, body)]
        for inner, content in items:
            if inner == _MATRIX:
                name, value = _matrix(content, 0, budget)
                found[name] = value
    return found


def _unpacked(body: bytes, room: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(body, max(room, 1))
    except zlib.error as error:
        raise ValueError(f"the compressed part is damaged: {error}") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("the compressed part is cut off or too large")
    return content


def _elements(data: bytes, budget: Iterator[int]) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of the elements that follow one another; ``budget`` counts those of the whole file."""
    at = 0
    while at + 8 <= len(data):
        if next(budget) > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements")
        kind, size = struct.unpack_from("<II", data, at)
        if kind >> 16:
            kind, size, begin, padded = kind & 0xFFFF, kind >> 16, at + 4, 4
        else:
            begin, padded = at + 8, size if kind == _COMPRESSED else -(-size // 8) * 8
        if size > padded or begin + size > len(data):
            raise ValueError(f"the element at byte {at} is longer than what holds it")
        yield kind, data[begin : begin + size]
        at = begin + padded


def _matrix(data: bytes, depth: int, budget: Iterator[int]) -> tuple[str, Any]:
    if depth > MAX_DEPTH:
        raise ValueError("cells and structures are nested too deeply")
    parts = list(_elements(data, budget))
    if not parts:
        return "", None
    if len(parts) < 3 or len(parts[0][1]) < 4:
        raise ValueError("a matrix has no flags, dimensions or name")
    shape = tuple(_numbers(parts[1]).astype(np.int64).tolist())
    name, rest = parts[2][1].decode("latin-1"), parts[3:]
    kind = parts[0][1][0]
    if kind == _CELL:
        return name, [_matrix(content, depth + 1, budget)[1] for inner, content in rest if inner == _MATRIX]
    if kind == _STRUCT:
        return name, _structure(rest, depth, budget)
    if kind == _CHAR:
        return name, _text(rest[0]) if rest else ""
    if kind in _NUMBERS and rest:
        values = _numbers(rest[0])
        if any(side < 0 for side in shape) or int(np.prod(shape, dtype=object)) != len(values):
            raise ValueError(f"an array of {len(values)} values cannot have the shape {shape}")
        return name, values.reshape(shape, order="F")
    return name, None


def _structure(parts: list[tuple[int, bytes]], depth: int, budget: Iterator[int]) -> dict[str, Any]:
    if len(parts) < 2 or not len(_numbers(parts[0])):
        raise ValueError("a structure has no field names")
    length = int(_numbers(parts[0])[0])
    if not 0 < length <= 64:
        raise ValueError(f"field names of {length} bytes")
    text = parts[1][1]
    names = [text[k : k + length].split(b"\0")[0].decode("latin-1") for k in range(0, len(text), length)]
    values = [
        _matrix(content, depth + 1, budget)[1] for inner, content in parts[2 : 2 + len(names)] if inner == _MATRIX
    ]
    return dict(zip(names, values, strict=False))


def _text(part: tuple[int, bytes]) -> str:
    if part[0] == _UTF_8:
        return part[1].decode("utf-8", "replace")
    return "".join(chr(code) for code in _numbers(part).astype(np.int64).tolist() if 0 <= code < 0x110000)


def _numbers(part: tuple[int, bytes]) -> NDArray[Any]:
    kind, content = part
    if kind not in _TYPES or len(content) % _TYPES[kind].itemsize:
        raise ValueError(f"numbers of the unknown type {kind} or cut off")
    return np.frombuffer(content, _TYPES[kind])
