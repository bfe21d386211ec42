"""Deflate for pictures of ink, an order of magnitude faster than zlib: two distances and the fixed Huffman codes.

Ink on plain paper is long runs of one grey, rows that repeat the row above, and a few grey edges. It is enough to look
for matches one byte back and one row back (RFC 1951, *DEFLATE Compressed Data Format Specification*, 1996); there is
no hash table, no search and no second pass. The bytes depend on the picture alone, not on the version of a library.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kalamos.machinery.arrays import Bytes, Ints
from kalamos.machinery.kernels import inner, inner_of, kernel

MIN_MATCH, MAX_MATCH, MAX_DISTANCE = 3, 258, 32768


def deflate_rows(raw: Bytes, row_bytes: int, limit: int) -> bytes | None:
    """Return one final deflate block that holds ``raw`` ``(n,)``, rows of ``row_bytes`` bytes each.

    None where it would take more than ``limit`` bytes: textured paper, which needs a real compressor.
    """
    out = np.empty(limit + _ROOM, np.uint8)
    code, bits = _distance(row_bytes) if 1 < row_bytes <= MAX_DISTANCE else (0, 0)
    deflate = _DEFLATE.for_work(_BYTE_US * len(raw))
    size = deflate(raw, row_bytes if bits else 0, code, bits, out)
    return None if size < 0 else out[:size].tobytes()


def zlib_streams(images: Sequence[Bytes]) -> list[bytes | None]:
    """Return each grey image ``(h, w)`` as a zlib stream of its rows, a 0 (PNG's filter "none") before each of them.

    None where the stream would take more than half as many bytes as the rows: see :func:`deflate_rows`.
    """
    layout = np.empty((len(images), 4), np.int64)
    for k, image in enumerate(images):
        height, width = image.shape
        layout[k, 0], layout[k, 1] = height, width
        layout[k, 2:] = _distance(width + 1) if width < MAX_DISTANCE else (0, 0)
    sizes = layout[:, 0] * (layout[:, 1] + 1)
    rows = np.empty(int(sizes.max(initial=0)), np.uint8)
    out = np.empty(int((sizes // 2).sum()) + _STREAM_ROOM * len(images), np.uint8)
    ends = np.empty(len(images), np.int64)
    write = _streams.for_work(_BYTE_US * int(sizes.sum()))
    write(np.concatenate([image.reshape(-1) for image in images]), layout, rows, out, ends)
    done, data, begin = [], out[: max(ends.max(initial=0), 0)].tobytes(), 0
    for end in ends.tolist():
        done.append(data[begin:end] if end >= 0 else None)
        begin = max(begin, end)
    return done


def _reversed(code: int, bits: int) -> int:
    """Return a Huffman code with its first bit lowest: deflate fills bytes from the low end."""
    return int(f"{code:0{bits}b}"[::-1], 2)


def _literals() -> NDArray[np.uint32]:
    """Return ``(code, bits)`` of each byte (RFC 1951, 3.2.6)."""
    short = [(_reversed(0x30 + byte, 8), 8) for byte in range(144)]
    return np.array(short + [(_reversed(0x190 + byte, 9), 9) for byte in range(112)], np.uint32)


def _lengths() -> NDArray[np.uint32]:
    """Return ``(code, bits)`` of each length of a match with its extra bits (RFC 1951, 3.2.5); below 3 nothing."""
    table = np.zeros((MAX_MATCH + 1, 2), np.uint32)
    length = MIN_MATCH
    for symbol in range(257, 285):
        extra = max(0, (symbol - 261) // 4)
        huffman = (_reversed(symbol - 256, 7), 7) if symbol < 280 else (_reversed(0xC0 + symbol - 280, 8), 8)
        for more in range(1 << extra):
            table[length] = huffman[0] | more << huffman[1], huffman[1] + extra
            length += 1
    table[MAX_MATCH] = _reversed(0xC5, 8), 8
    return table


@lru_cache(maxsize=256)
def _distance(distance: int) -> tuple[int, int]:
    """Return code and bits of a distance with its extra bits (RFC 1951, 3.2.5)."""
    if distance <= 4:
        return _reversed(distance - 1, 5), 5
    extra = (distance - 1).bit_length() - 2
    symbol = 2 * extra + 2 + ((distance - 1) >> extra & 1)
    return _reversed(symbol, 5) | ((distance - 1) & ((1 << extra) - 1)) << 5, 5 + extra


_LITERALS, _LENGTHS = _literals(), _lengths()
_END_BITS = 7
_ROOM = 16  # more than one symbol and the end of the block take
_STREAM_ROOM = _ROOM + 6  # two bytes before the block, and the checksum
_BYTE_US = 3.0  # what a byte costs in plain Python
_ADLER_BASE, _ADLER_RUN = 65521, 4096  # sums over so few bytes stay below 2**32


@kernel
def _streams(
    pixels: Bytes,
    layout: Ints,
    rows: Bytes,
    out: Bytes,
    ends: Ints,
) -> None:
    """Write image after image; ``layout`` holds height, width, and code and bits of the distance of a row."""
    at, first = 0, 0
    for image in range(len(layout)):
        height, width = layout[image, 0], layout[image, 1]
        size = height * (width + 1)
        for row in range(height):
            rows[row * (width + 1)] = 0
            into, source = row * (width + 1) + 1, first + row * width
            for k in range(width):
                rows[into + k] = pixels[source + k]
        first += height * width
        raw, room = rows[:size], out[at + 2 : at + 2 + size // 2 + _ROOM]
        bits = layout[image, 3]
        length = _deflate(raw, width + 1 if bits else 0, layout[image, 2], bits, room)
        ends[image] = -1
        if length >= 0:
            out[at], out[at + 1] = 0x78, 0x01
            check = _checksum(raw)
            for k in range(4):
                out[at + 2 + length + k] = np.uint8(check >> (24 - 8 * k) & 255)
            at += length + 6
            ends[image] = at


def _checksum(raw: Bytes) -> int:
    return zlib.adler32(raw.data)


@inner_of(_checksum)
def _adler32(raw: Bytes) -> int:
    """Return the checksum of RFC 1950; sums of a run of bytes need no carry, so that the loop is vectorised."""
    a, b = 1, 0
    for begin in range(0, len(raw), _ADLER_RUN):
        run = raw[begin : begin + _ADLER_RUN]
        plain, weighted = np.uint32(0), np.uint64(0)
        for k in range(len(run)):
            plain += np.uint32(run[k])
            weighted += np.uint64(np.uint32(run[k]) * np.uint32(len(run) - k))
        b = int((b + len(run) * a + np.int64(weighted)) % _ADLER_BASE)
        a = int((a + np.int64(plain)) % _ADLER_BASE)
    return b << 16 | a


@inner
def _deflate(raw: Bytes, row: int, row_code: int, row_bits: int, out: Bytes) -> int:
    """Fill ``out`` and return how many bytes, -1 where there is no room; ``row`` is the second distance, 0 for none."""
    n, most, at, i = len(raw), len(out) - _ROOM, 0, 0
    held, n_held = np.uint64(3), np.int64(3)  # the last block, with fixed codes
    while i < n:
        run = _match(raw, i, 1) if i > 0 else 0
        above = _match(raw, i, row) if 0 < row <= i and run < MAX_MATCH else 0
        length = max(run, above)
        if length >= MIN_MATCH:
            held |= np.uint64(_LENGTHS[length, 0]) << np.uint64(n_held)
            n_held += np.int64(_LENGTHS[length, 1])
            if above > run:
                held |= np.uint64(row_code) << np.uint64(n_held)
                n_held += row_bits
            else:
                n_held += 5  # the code of distance 1 is five zeros
            i += length
        else:
            held |= np.uint64(_LITERALS[raw[i], 0]) << np.uint64(n_held)
            n_held += np.int64(_LITERALS[raw[i], 1])
            i += 1
        while n_held >= 8:
            out[at] = np.uint8(held & np.uint64(255))
            held >>= np.uint64(8)
            n_held -= 8
            at += 1
        if at > most:
            return -1
    n_held += _END_BITS  # the end of the block is seven zeros
    while n_held > 0:
        out[at] = np.uint8(held & np.uint64(255))
        held >>= np.uint64(8)
        n_held -= 8
        at += 1
    return at


_DEFLATE = kernel(_deflate)


@inner
def _match(raw: Bytes, i: int, distance: int) -> int:
    """Return how many bytes from ``i`` on repeat those ``distance`` before."""
    most = min(MAX_MATCH, len(raw) - i)
    k = 0
    while k < most and raw[i + k] == raw[i + k - distance]:
        k += 1
    return k
