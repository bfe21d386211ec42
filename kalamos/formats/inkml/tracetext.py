"""The numbers in the text of InkML traces, in one compiled pass (InkML, section 3.2.1, "Trace data syntax").

A trace is points separated by commas; a point holds a value for each regular channel and then, where it gives them,
values of the intermittent ones. ``!``, ``'`` and ``"`` switch a channel to explicit values, first or second differences
until the next switch or the end of the trace; ``*`` repeats, ``?`` says "not reported", ``T`` and ``F`` are booleans,
``#`` begins a hexadecimal number. White space between values may be left out where no ambiguity arises (``3-5``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bytes, Floats, Ints
from kalamos.machinery.kernels import inner, kernel

SOUND, NOT_A_VALUE, TOO_FEW = 0, 1, 2
MAX_VALUES = 50_000_000
"""So many float64 values take 400 MB; the longest real documents hold some hundred thousand."""

# ruff: noqa: PLR1714, SIM109 - numba compiles chained comparisons to branches, sets and tuples to loops
_NUMBER, _SAME, _UNKNOWN = 0, 1, 2
"""A value that is given, the one before (or its difference) once more, one that is not known."""
_COMMA, _PRIME, _DOUBLE_PRIME, _BANG, _STAR, _QUESTION, _TRUE, _FALSE, _MINUS, _PLUS, _HASH, _POINT = b",'\"!*?TF-+#."
_SEPARATOR = 0x1F
_POWERS = 10.0 ** np.arange(23)
_EXACT = 2**53
_BYTE_US = 2.0  # what a byte costs in plain Python


class TraceValues(NamedTuple):
    """What :func:`scan_traces` found.

    Attributes:
        values: float64 ``(n, channels)``; NaN where a value was not reported.
        offsets: int64 ``(traces + 1,)``: trace k is the rows ``offsets[k]:offsets[k + 1]``.
        surplus: values beyond the last channel, left out.
        fault: :data:`SOUND`, :data:`NOT_A_VALUE` or :data:`TOO_FEW`.
        fault_trace: the trace that the fault is in.
        fault_point: the point of that trace, from 0.
        fault_text: what stands there.
    """

    values: Floats
    offsets: Ints
    surplus: int
    fault: int = SOUND
    fault_trace: int = 0
    fault_point: int = 0
    fault_text: str = ""


def scan_traces(texts: list[str], n_regular: int, defaults: Floats) -> TraceValues:
    """Return the numbers in the texts of traces that share one format.

    Args:
        texts: the text of each trace.
        n_regular: how many channels each point must give.
        defaults: what each channel is before its first value, ``(channels,)``; NaN where nothing.

    Raises:
        ValueError: where the values could number more than :data:`MAX_VALUES`.
    """
    if not texts:
        return TraceValues(np.empty((0, len(defaults))), np.zeros(1, np.int64), 0)
    blob = "\x1f".join(texts).encode("utf-8", "replace")
    data = np.frombuffer(blob, np.uint8)
    most = len(texts) + int(np.count_nonzero(data == 0x2C))
    rows = min(most, len(data) // max(1, n_regular) + 1)
    if rows * len(defaults) > MAX_VALUES:
        raise ValueError(f"the traces may hold more than {MAX_VALUES:,} values; split the document")
    values = np.empty((rows, len(defaults)))
    offsets = np.zeros(len(texts) + 1, np.int64)
    hard = np.empty((1024, 4), np.int64)
    while True:
        scan = _scan.for_work(_BYTE_US * len(data))
        counts = scan(data, n_regular, defaults, values, offsets, hard)
        if counts[1] <= len(hard):
            break
        hard = np.empty((counts[1], 4), np.int64)
    for begin, end, row, channel in hard[: counts[1]].tolist():
        values[row, channel] = _rounded(blob[begin:end])
    n_points, _, surplus, fault, fault_trace, fault_point, place = counts.tolist()
    text = blob[place : place + 20].decode("utf-8", "replace").split("\x1f")[0] if fault else ""
    return TraceValues(values[:n_points], offsets, surplus, fault, fault_trace, fault_point, text)


def _rounded(number: bytes) -> float:
    """Return the nearest float64; white space may stand behind the sign."""
    try:
        return float(number)
    except ValueError:
        return float(b"".join(number.split()))


@kernel
def _scan(  # noqa: PLR0912, PLR0915 - compiled whole: calls cost
    data: Bytes,
    n_regular: int,
    defaults: Floats,
    values: Floats,
    offsets: Ints,
    hard: Ints,
) -> Ints:
    """Fill ``values`` and ``offsets``; return points, hard numbers, surplus values, fault, its trace, point and byte.

    A hard number has more digits than a float64 can hold exactly on the way; ``hard`` says where it begins and ends and
    where it belongs, and the caller lets Python round it correctly.
    """
    n_channels = len(defaults)
    # of each channel in this trace: the order of its differences (0 values, 1 first, 2 second), its value and velocity
    order, value, speed = np.zeros(n_channels, np.int64), defaults.copy(), np.zeros(n_channels)
    counts = np.zeros(7, np.int64)
    i, n = 0, len(data)
    row, trace, channel, first_row = 0, 0, 0, 0
    while True:
        i = _after_space(data, i)
        byte = data[i] if i < n else _SEPARATOR
        if byte == _COMMA or byte == _SEPARATOR:  # the point is whole; intermittent channels may be left out
            if channel >= n_regular and channel > 0:
                for c in range(n_channels):
                    values[row, c] = value[c]
                row += 1
            elif channel > 0:
                counts[3], counts[4], counts[5], counts[6] = TOO_FEW, trace, row - first_row, max(i - 20, 0)
                return counts
            channel = 0
            if byte == _SEPARATOR:  # and so is the trace: the next begins with plain values
                trace += 1
                offsets[trace] = row
                if i >= n:
                    break
                first_row = row
                for c in range(n_channels):
                    order[c], value[c], speed[c] = 0, defaults[c], 0.0
            i += 1
            continue
        begin, prefix = i, -1
        if byte == _PRIME or byte == _DOUBLE_PRIME or byte == _BANG:  # from here on differences, or none
            prefix = 1 if byte == _PRIME else (2 if byte == _DOUBLE_PRIME else 0)
            i = _after_space(data, i + 1)
            byte = data[i] if i < n else _SEPARATOR
        number, kind, number_begin, hard_number = 0.0, _NUMBER, i, False
        if byte == _STAR or byte == _QUESTION:
            kind = _SAME if byte == _STAR else _UNKNOWN
            i += 1
        elif byte == _TRUE or byte == _FALSE:
            number = 1.0 if byte == _TRUE else 0.0
            i += 1
        else:
            sign = 1.0
            if byte == _MINUS or byte == _PLUS:
                sign = -1.0 if byte == _MINUS else 1.0
                i = _after_space(data, i + 1)
            if i < n and data[i] == _HASH:
                number, i, digits = _hexadecimal(data, i + 1)
            else:
                # a decimal, read in place: to call a function for each number takes twice as long
                mantissa, digits, scale = np.uint64(0), 0, 0
                significant = 0
                point_seen = False
                while i < n:
                    b = data[i]
                    if 0x30 <= b <= 0x39:
                        digits += 1
                        if significant < 19:  # as many as a uint64 surely holds; those beyond only move the point
                            mantissa = mantissa * np.uint64(10) + np.uint64(b - 0x30)
                            significant += 1 if mantissa > 0 else 0
                            scale -= 1 if point_seen else 0
                        else:
                            significant += 1
                            scale += 0 if point_seen else 1
                    elif b == _POINT and not point_seen:
                        point_seen = True
                    else:
                        break
                    i += 1
                if digits and i < n and (data[i] == 0x65 or data[i] == 0x45):
                    # an exponent, where a digit follows; else the letter is not of this number
                    j, exponent_sign = i + 1, 1
                    if j < n and (data[j] == _PLUS or data[j] == _MINUS):
                        exponent_sign = -1 if data[j] == _MINUS else 1
                        j += 1
                    exponent, exponent_digits = 0, 0
                    while j < n and 0x30 <= data[j] <= 0x39:
                        exponent = min(exponent * 10 + int(data[j]) - 0x30, 100_000)
                        exponent_digits += 1
                        j += 1
                    if exponent_digits:
                        scale += exponent_sign * exponent
                        i = j
                # up to 2^53 times a power of ten up to 22 is one operation on exact numbers: the nearest float64
                # (Clinger 1990)
                if mantissa <= np.uint64(_EXACT) and significant <= 19 and -22 <= scale <= 22:
                    number = mantissa * _POWERS[scale] if scale >= 0 else mantissa / _POWERS[-scale]
                else:
                    number, hard_number = _scaled(float(mantissa), scale), True
            if digits == 0:
                counts[3], counts[4], counts[5], counts[6] = NOT_A_VALUE, trace, row - first_row, begin
                return counts
            number *= sign
        if channel >= n_channels:  # more values than channels: counted, and passed over
            counts[2] += 1
            channel += 1
            continue
        c = channel
        if prefix >= 0:
            order[c] = prefix
        if kind == _UNKNOWN:
            value[c] = np.nan
        elif order[c] == 0:
            if kind != _SAME:
                speed[c] = number - value[c] if abs(value[c]) < np.inf else 0.0
                value[c] = number
                if hard_number:
                    if counts[1] < len(hard):
                        hard[counts[1], 0], hard[counts[1], 1] = number_begin, i
                        hard[counts[1], 2], hard[counts[1], 3] = row, c
                    counts[1] += 1
        else:
            if kind != _SAME:
                speed[c] = number if order[c] == 1 else speed[c] + number
            value[c] += speed[c]
        channel += 1
    counts[0] = row
    return counts


@inner
def _after_space(data: Bytes, i: int) -> int:
    """Return the first place from ``i`` on that is no white space."""
    while i < len(data) and (data[i] == 0x20 or data[i] == 0x0A or data[i] == 0x0D or data[i] == 0x09):
        i += 1
    return i


@inner
def _scaled(number: float, scale: int) -> float:
    """Return ``number * 10 ** scale``, nearly: infinite or 0 where that is out of range."""
    left = min(abs(scale), 400)
    while left > 0:
        step = min(left, len(_POWERS) - 1)
        number = number * _POWERS[step] if scale > 0 else number / _POWERS[step]
        left -= step
    return number


@inner
def _hexadecimal(data: Bytes, i: int) -> tuple[float, int, int]:
    """Return the hexadecimal number without a sign that begins at ``i``, where it ends, and its digits."""
    number, digits = 0.0, 0
    while i < len(data):
        b = data[i]
        if 0x30 <= b <= 0x39:
            digit = b - 0x30
        elif 0x41 <= b <= 0x46 or 0x61 <= b <= 0x66:
            digit = (b & 0xDF) - 0x41 + 10  # capitals differ from small letters by one bit
        else:
            break
        number = number * 16.0 + digit
        digits += 1
        i += 1
    return number, i, digits
