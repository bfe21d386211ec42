"""One pass over the bytes of a UNIPEN file: pen blocks to flat arrays, every other keyword to its place in the file.

A keyword is a dot at the beginning of a line, followed by a letter. What follows ``.PEN_DOWN`` and ``.PEN_UP`` up to
the next keyword is numbers; what follows any other keyword is text and is left alone. Inside a pen block a keyword may
be indented, because there nothing but numbers is expected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kalamos.machinery.arrays import Bools, Bytes, Floats, Ints
from kalamos.machinery.kernels import inner, kernel

_BYTE_US = 1.0  # what a byte costs in plain Python
_NEWLINE, _RETURN, _SPACE, _DOT, _MINUS, _PLUS = 10, 13, 32, 46, 45, 43
_PEN_DOWN = np.frombuffer(b"PEN_DOWN", np.uint8)
_PEN_UP = np.frombuffer(b"PEN_UP", np.uint8)
_CODE_BYTES = 8

KEYWORDS = (
    *("SEGMENT", "INCLUDE", "DT", "COORD", "HIERARCHY", "START_SET", "WRITER_ID", "POINTS_PER_SECOND"),
    *("X_POINTS_PER_INCH", "Y_POINTS_PER_INCH", "X_POINTS_PER_MM", "Y_POINTS_PER_MM"),
)
"""What says anything of ink or segments; half of the statements in real files do not (comments, dates, equipment)."""

_CODES = np.unique([int.from_bytes(name[:_CODE_BYTES].encode(), "big") for name in KEYWORDS]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one file holds, before any keyword is interpreted.

    Attributes:
        data: the bytes of the file.
        values: float64, every number of every pen block.
        starts: int64 ``(b + 1,)``; block k holds ``values[starts[k]:starts[k + 1]]``.
        down: bool ``(b,)``, whether the pen was on the paper.
        places: int64 ``(b,)``, the byte at which the numbers of a block begin.
        junk: int64 ``(b,)``, words in a block that are not numbers.
        statements: int64 ``(k, 3)``: first byte, byte after the last, and blocks seen before, of each other keyword
            that may be one of :data:`KEYWORDS`.
        n_keywords: how many keywords there are, of any name.
        n_bytes: how much memory it takes.
    """

    data: bytes
    values: Floats
    starts: Ints
    down: Bools
    places: Ints
    junk: Ints
    statements: Ints
    n_keywords: int
    n_bytes: int


def scan(data: bytes) -> Scan:
    """Scan a UNIPEN text; words that are not numbers are counted, nothing is refused here."""
    raw = np.frombuffer(data, np.uint8)
    most = _count_keywords.for_work(_BYTE_US * len(raw))(raw)
    values = np.empty(len(raw) // 2 + 1, np.float64)
    blocks = np.zeros((most + 1, 4), np.int64)
    statements = np.zeros((most, 3), np.int64)
    run = _scan.for_work(_BYTE_US * len(raw))
    n_values, n_blocks, n_statements, n_keywords = run(raw, _CODES, values, blocks, statements)
    blocks[n_blocks, 0] = n_values
    arrays = (
        values[:n_values].copy(),
        blocks[: n_blocks + 1, 0].copy(),
        blocks[:n_blocks, 1].astype(np.bool_),
        blocks[:n_blocks, 2].copy(),
        blocks[:n_blocks, 3].copy(),
        statements[:n_statements].copy(),
    )
    return Scan(data, *arrays, n_keywords, len(data) + sum(array.nbytes for array in arrays))


@inner
def _is_letter(c: int) -> bool:
    return 65 <= c <= 90 or 97 <= c <= 122


@kernel
def _count_keywords(data: Bytes) -> int:
    """Count the dots that stand before a letter: no text holds more keywords."""
    count = 0
    for i in range(len(data) - 1):
        count += data[i] == _DOT and data[i + 1] >= 65
    return count


@inner
def _is_word(data: Bytes, at: int, word: Bytes) -> bool:
    end = at + len(word)
    if end > len(data) or (end < len(data) and data[end] > _SPACE):
        return False
    for k in range(len(word)):  # noqa: SIM110 - numba compiles no all() over a generator
        if data[at + k] != word[k]:
            return False
    return True


@inner
def _is_of_use(data: Bytes, begin: int, end: int, codes: Ints) -> bool:
    """Say whether the first bytes of a word, in capitals, are those of a keyword."""
    code = np.int64(0)
    for k in range(begin, min(end, begin + _CODE_BYTES)):
        code = code * 256 + (data[k] - 32 if 97 <= data[k] <= 122 else data[k])
    for known in codes:  # noqa: SIM110 - numba compiles no any() over a generator
        if code == known:
            return True
    return False


@kernel
def _scan(
    data: Bytes,
    codes: Ints,
    values: Floats,
    blocks: Ints,
    statements: Ints,
) -> tuple[int, int, int, int]:
    """Fill ``values``, ``blocks`` (first value, down, place, junk) and ``statements``; return how many of each."""
    n, i = len(data), 0
    n_values, n_blocks, n_statements, n_keywords = 0, 0, 0, 0
    in_block, line_start, is_open = False, True, False
    while i < n:
        c = data[i]
        if line_start and c == _DOT and i + 1 < n and _is_letter(data[i + 1]):
            # a keyword: it ends the statement before it, and begins a block of numbers or a statement
            if is_open:
                statements[n_statements - 1, 1] = i
            down = _is_word(data, i + 1, _PEN_DOWN)
            in_block = down or _is_word(data, i + 1, _PEN_UP)
            begin = i
            while i < n and data[i] > _SPACE:
                i += 1
            if in_block:
                blocks[n_blocks, 0], blocks[n_blocks, 1], blocks[n_blocks, 2] = n_values, down, i
                n_blocks += 1
            n_keywords += not in_block
            # the end of a statement of use is not known yet: the end of the data, until another keyword comes
            is_open = not in_block and _is_of_use(data, begin + 1, i, codes)
            if is_open:
                statements[n_statements, 0], statements[n_statements, 1] = begin, n
                statements[n_statements, 2] = n_blocks
                n_statements += 1
            line_start = False
        elif not in_block:  # text of a statement: to the next line, where a keyword may stand
            while i < n and data[i] != _NEWLINE and data[i] != _RETURN:
                i += 1
            i += 1
            line_start = True
        elif c <= _SPACE:
            line_start = line_start or c in (_NEWLINE, _RETURN)
            i += 1
        else:
            line_start = False
            i, value, good = _number(data, i)
            if good:
                values[n_values] = value
                n_values += 1
            else:  # a word among numbers: junk of this block
                blocks[n_blocks - 1, 3] += 1
    return n_values, n_blocks, n_statements, n_keywords


@inner
def _number(data: Bytes, i: int) -> tuple[int, float, bool]:
    """Read the word that begins at ``i``; return the byte after it, its value and whether it is a number."""
    n = len(data)
    negative = data[i] == _MINUS
    if negative or data[i] == _PLUS:
        i += 1
    whole, digits = np.int64(0), 0
    while i < n and np.uint8(data[i] - 48) < 10:
        whole = whole * 10 + (data[i] - 48)
        i += 1
        digits += 1
    if 0 < digits < 18 and (i == n or data[i] <= _SPACE):
        return i, float(-whole if negative else whole), True
    i, value, good = _number_slow(data, i - digits, negative)
    return i, value, good


@inner
def _number_slow(data: Bytes, i: int, negative: bool) -> tuple[int, float, bool]:
    """Read a number with a fraction, an exponent or many digits; anything else is skipped as a word."""
    n = len(data)
    mantissa, digits, scale = 0.0, 0, 0
    fraction = False
    while i < n and (np.uint8(data[i] - 48) < 10 or (data[i] == _DOT and not fraction)):
        if data[i] == _DOT:
            fraction = True
        else:
            mantissa = mantissa * 10.0 + (data[i] - 48)
            digits += 1
            scale -= fraction
        i += 1
    good = digits > 0
    if good and i < n and (data[i] == 69 or data[i] == 101):
        i, exponent, good = _exponent(data, i + 1)
        scale += exponent
    if i < n and data[i] > _SPACE:
        good = False
        while i < n and data[i] > _SPACE:
            i += 1
    # dividing by an exact power of ten rounds once; multiplying by its inverse would round twice
    value = mantissa / _ten_to(-scale) if scale < 0 else mantissa * _ten_to(scale)
    return i, -value if negative else value, good


@inner
def _ten_to(exponent: int) -> float:
    """Return a power of ten by squaring: exact up to 22, infinite above 308."""
    power, square = 1.0, 10.0
    while exponent > 0:
        if exponent & 1:
            power *= square
        exponent >>= 1
        square *= square
    return power


@inner
def _exponent(data: Bytes, i: int) -> tuple[int, int, bool]:
    """Read the digits after an ``e``; beyond 9999 they change nothing any more."""
    n, digits, exponent = len(data), 0, 0
    negative = i < n and data[i] == _MINUS
    if i < n and (data[i] == _MINUS or data[i] == _PLUS):
        i += 1
    while i < n and np.uint8(data[i] - 48) < 10:
        exponent = min(exponent * 10 + int(data[i]) - 48, 9999)
        digits += 1
        i += 1
    return i, -exponent if negative else exponent, digits > 0


def block_lines(source: Scan, block: int) -> list[list[float]]:
    """Return the numbers of a block line by line, for a block whose lines are not all alike."""
    begin = int(source.places[block])
    end = int(source.places[block + 1]) if block + 1 < len(source.places) else len(source.data)
    rows = []
    for number, line in enumerate(source.data[begin:end].splitlines()):
        words = line.split()
        if number and words and words[0][:1] == b"." and words[0][1:2].isalpha():
            break
        row = [_float_or_nan(word) for word in words]
        if row:
            rows.append(row)
    return rows


def _float_or_nan(word: bytes) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
