"""Wacom's Universal Ink Model, ``.uim`` version 3.1: a RIFF file of Protocol Buffers.

Format: developer-docs.wacom.com, *Universal Ink Model 3.1.0*, and its ``.proto`` files. ``INKD`` holds the strokes: a
Catmull-Rom spline each, whose first and last control points lead in and out and are not on the line; coordinates as
floats, or as whole-number differences with a power of ten. ``INPT`` holds what the sensors said: channels by name
(``.../Timestamp``, ``.../Pressure``), differences too, with a resolution; a stroke says which of their values are its
points'. Read here by hand, because Wacom's own package asks for a version of ``protobuf`` that current tools refuse.

Readings taken here: a sample is the file. Points are the control points on the line; a stroke that is cut
(``startParameter``, ``endParameter``) ends where its spline is cut. Times and pressure come from the sensors; times are
given up, and counted, where a stroke has none. The matrix of the file is applied; what a unit is on paper is not in the
file. Chunks that are packed are refused: the specification names no form that anybody writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kalamos.errors import FormatError
from kalamos.formats.mending import Span, fill_channel, mend_flat
from kalamos.formats.reading import read_bytes
from kalamos.formats.report import UnitReport
from kalamos.ink import Sample, TimeSource
from kalamos.machinery.arrays import Floats

MAX_FILE_BYTES = 256 * 2**20
VERSION = (3, 1)
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_CHANNELS = {b"will://input/3.0/channel/Timestamp": "t", b"will://input/3.0/channel/Pressure": "pressure"}


class _Field(NamedTuple):
    """One field of a message: its number, how it is written, and its value, bytes or a whole number."""

    number: int
    kind: int
    value: bytes | int


class _Channel(NamedTuple):
    """A sensor's channel: what it is, and how its numbers are written."""

    name: str
    scale: float
    low: float
    high: float


_Said = dict[str, Floats]
"""What sensors said during a stroke: name -> values, in seconds or in their own range."""


class _Stroke(NamedTuple):
    """A stroke: its control points ``(n, 2)``, where its ends are cut, and where its sensor values are."""

    xy: Floats
    start: float
    end: float
    sensed: bytes
    offset: int
    mapping: Sequence[int]


def sniff(head: bytes) -> str | None:
    """Say why a file that begins with ``head`` is in the Universal Ink Model, or None."""
    if head[:4] != b"RIFF" or head[8:12] != b"UINK":
        return None
    return "a RIFF file of the kind UINK: Wacom's Universal Ink Model"


def read(path: Path, report: UnitReport) -> Iterator[Sample]:
    """Yield the ink of one file; a file without strokes yields nothing and is counted.

    Raises:
        FormatError: where the file is no such file, of another version, packed, or damaged.
    """
    data = read_bytes(path, MAX_FILE_BYTES)
    if sniff(data) is None:
        raise FormatError(path, "is no RIFF file of the kind UINK")
    try:
        chunks = _chunks(data)
        sensed = _sensed(chunks.get(b"INPT", b""))
        strokes, matrix = _strokes(chunks.get(b"INKD", b""))
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise FormatError(path, f"is damaged, or none that is read: {str(error)[:120]}") from error
    report.expected["stroke"] += len(strokes)
    strokes = [stroke for stroke in strokes if len(stroke.xy)]
    if not strokes:
        report.mendings["left-out-blank-page"] += 1
        return
    lines = [_on_line(stroke) for stroke in strokes]
    xy = np.concatenate(lines) @ matrix[:, :2].T + matrix[:, 2]
    offsets = np.cumsum([0, *map(len, lines)])
    times, pressure = _channels_of(strokes, lines, sensed, report)
    ink = mend_flat(xy, offsets, times, pressure, counts=report.mendings)
    if not ink.n_points:
        raise FormatError(path, "no point of the file is a finite number")
    timed: TimeSource = "none" if ink.t is None else "recorded"
    yield Sample(path.stem, ink, level="page", time_source=timed, source=path.name)


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the contents of the chunks by their names.

    Raises:
        ValueError: where the file is of another version, cut off, or a chunk is packed or is no Protocol Buffers.
    """
    if data[12:16] != b"HEAD":
        raise ValueError("the heading is missing")
    (size,) = struct.unpack_from("<I", data, 16)
    if tuple(data[20:22]) != VERSION:
        raise ValueError(f"version {data[20]}.{data[21]}; version 3.1 is read, which Wacom's programs write today")
    if 20 + size > len(data):
        raise ValueError(f"the heading is cut off: {size} bytes of it are named, and the file has {len(data)}")
    kinds = [data[at : at + 8] for at in range(24, 20 + size, 8)]
    found, at = {}, 20 + size
    for kind in kinds:
        name, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > len(data):
            raise ValueError(f"the chunk {name!r} is cut off")
        if name in (b"INPT", b"INKD") and (kind[3], kind[4]) != (1, 0):
            raise ValueError(f"the chunk {name!r} is packed, or written in another way than Protocol Buffers")
        found[name] = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return found


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield the fields of a message of Protocol Buffers.

    Raises:
        ValueError: where it is cut off, or holds what no message may.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield _Field(tag >> 3, kind, value)
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(kind)
        if kind == _LENGTH:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError(f"a field of the kind {kind} at byte {at} is cut off or unknown")
        yield _Field(tag >> 3, kind, message[at : at + size])
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError(f"a number at byte {at} has no end")


def _whole(value: bytes | int) -> int:
    if not isinstance(value, int):
        raise ValueError("bytes stand where a whole number is expected")
    return value


def _bytes(value: bytes | int) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number stands where bytes are expected")
    return value


def _numbers(message: bytes) -> dict[int, float]:
    """Return the floating-point fields of a message by their numbers."""
    kinds = {_FOUR: "<f", _EIGHT: "<d"}
    return {
        field.number: float(struct.unpack(kinds[field.kind], _bytes(field.value))[0])
        for field in _fields(message)
        if field.kind in kinds
    }


def _uints(packed: bytes) -> list[int]:
    """Return packed whole numbers."""
    values, at = [], 0
    while at < len(packed):
        value, at = _varint(packed, at)
        values.append(value)
    return values


def _signed(value: int) -> int:
    """Return a whole number whose sign stands in its last bit (``sint32``)."""
    return (value >> 1) ^ -(value & 1)


def _summed(packed: bytes) -> Floats:
    """Return the values of which packed whole numbers with a sign are the differences, float64."""
    return np.cumsum(np.array([_signed(value) for value in _uints(packed)], np.float64))


def _strokes(message: bytes) -> tuple[list[_Stroke], Floats]:
    """Return the strokes of ``InkData`` in their order, and the matrix ``(2, 3)`` of all."""
    strokes, matrix = [], np.eye(2, 3)
    for field in _fields(message):
        if field.number == 1:
            strokes.append(_stroke(_bytes(field.value)))
        elif field.number == 3:
            said = _numbers(_bytes(field.value))
            rows = [[said.get(n, 0.0) for n in (1, 2, 4)], [said.get(n, 0.0) for n in (5, 6, 8)]]
            matrix = np.array(rows) if any(said.values()) else matrix
    return strokes, matrix


def _stroke(message: bytes) -> _Stroke:
    precision, start, end, sensed, offset = 0, 0.0, 1.0, b"", 0
    mapping: list[int] = []
    plain: bytes | None = None
    packed: bytes | None = None
    for field in _fields(message):
        match field.number:
            case 2:
                precision = _signed(_whole(field.value))
            case 3 | 4:
                (value,) = struct.unpack("<f", _bytes(field.value))
                start, end = (value, end) if field.number == 3 else (start, value)
            case 5:
                plain = _bytes(field.value)
            case 6:
                packed = _bytes(field.value)
            case 14:
                offset = _whole(field.value)
            case 15:
                sensed = _bytes(field.value)
            case 16:
                mapping += [field.value] if isinstance(field.value, int) else _uints(field.value)
    xy = _plain_spline(plain) if plain is not None else _packed_spline(packed or b"", 10.0 ** -(precision & 0xF))
    return _Stroke(xy, start, end, sensed, offset, mapping)


def _plain_spline(message: bytes) -> Floats:
    axes = [
        np.frombuffer(b"".join(_bytes(f.value) for f in _fields(message) if f.number == axis), "<f4") for axis in (1, 2)
    ]
    return _joined(axes)


def _packed_spline(message: bytes, unit: float) -> Floats:
    axes = []
    for axis in (1, 2):
        parts = [f.value for f in _fields(message) if f.number == axis]
        axes.append(_summed(b"".join(map(_bytes, parts))) * unit)
    return _joined(axes)


def _joined(axes: list[Floats]) -> Floats:
    if len(axes[0]) != len(axes[1]):
        raise ValueError(f"a stroke has {len(axes[0])} x and {len(axes[1])} y")
    return np.stack([axis.astype(np.float64) for axis in axes], axis=1)


def _on_line(stroke: _Stroke) -> Floats:
    """Return the points of a stroke that are on its line, its ends where they are cut."""
    xy = stroke.xy
    if len(xy) < 4:
        return xy
    points = xy[1:-1].copy()
    if 0.0 < stroke.start < 1.0:
        points[0] = _catmull_rom(xy[:4], stroke.start)
    if 0.0 < stroke.end < 1.0:
        points[-1] = _catmull_rom(xy[-4:], stroke.end)
    return points


def _catmull_rom(four: Floats, at: float) -> Floats:
    """Return the place at ``at`` in 0..1 between the middle two of four control points ``(4, 2)``."""
    a, b, c, d = four
    curve = 2 * b + (c - a) * at + (2 * a - 5 * b + 4 * c - d) * at**2 + (3 * b - a - 3 * c + d) * at**3
    return np.asarray(0.5 * curve)


def _sensed(message: bytes) -> dict[bytes, _Said]:
    """Return what sensors said by its identifier, of ``InputData``."""
    channels: dict[bytes, _Channel] = {}
    said: list[bytes] = []
    for field in _fields(message):
        if field.number == 1:
            for context in _fields(_bytes(field.value)):
                if context.number == 5:
                    channels.update(_channels(_bytes(context.value)))
        elif field.number == 2:
            said.append(_bytes(field.value))
    return dict(_of_sensors(one, channels) for one in said)


def _channels(context: bytes) -> Iterator[tuple[bytes, _Channel]]:
    """Yield the channels of a ``SensorContext`` that are known, by identifier."""
    for group in _fields(context):
        for field in _fields(_bytes(group.value)) if group.number == 2 else ():
            if field.number != 2:
                continue
            parts = {one.number: one.value for one in _fields(_bytes(field.value))}
            numbers = _numbers(_bytes(field.value))
            name = _CHANNELS.get(_bytes(parts.get(2, b"")))
            scale = (numbers.get(4, 0.0) or 1.0) * 10.0 ** min(_whole(parts.get(7, 0)), 15)
            if name is not None:
                channel = _Channel(name, scale, numbers.get(5, 0.0), numbers.get(6, 0.0))
                yield _bytes(parts.get(1, b"")), channel


def _of_sensors(message: bytes, channels: dict[bytes, _Channel]) -> tuple[bytes, _Said]:
    """Return identifier and values of a ``SensorData``."""
    name, began, parts = b"", 0, []
    for field in _fields(message):
        if field.number == 1:
            name = _bytes(field.value)
        elif field.number == 4:
            began = _whole(field.value)
        elif field.number == 5:
            parts.append(_bytes(field.value))
    values: dict[str, Floats] = {}
    for part in parts:
        found = {field.number: field.value for field in _fields(part)}
        channel = channels.get(_bytes(found.get(1, b"")))
        if channel is not None:
            values[channel.name] = _measured(_summed(_bytes(found.get(2, b""))), channel, began)
    return name, values


def _measured(sums: Floats, channel: _Channel, began: int) -> Floats:
    """Return the values of a channel: seconds, or pressure in 0..1 where its range is told."""
    if channel.name == "t":
        return np.asarray((began + sums) / channel.scale)
    values = sums / channel.scale
    spread = channel.high - channel.low
    inside = spread > 0 and bool(((values >= channel.low) & (values <= channel.high)).all())
    return np.asarray((values - channel.low) / spread if inside else values)


def _channels_of(
    strokes: Sequence[_Stroke], lines: Sequence[Floats], sensed: dict[bytes, _Said], report: UnitReport
) -> tuple[Floats | None, Floats | None]:
    """Return times, from 0, and pressure at the points of all lines; None where too few strokes have them."""
    told = {
        name: [
            _at_points(sensed[stroke.sensed].get(name), stroke, line) if stroke.sensed in sensed else None
            for stroke, line in zip(strokes, lines, strict=True)
        ]
        for name in ("t", "pressure")
    }
    spans = [Span(1, len(line)) for line in lines]
    pressure = fill_channel(told["pressure"], spans, report.mendings)
    times = [values for values in told["t"] if values is not None]
    if len(times) < len(lines):
        report.mendings["channel-in-few-strokes"] += bool(times)
        return None, pressure
    whole = np.concatenate(times)
    return whole - whole[0], pressure


def _at_points(values: Floats | None, stroke: _Stroke, line: Floats) -> Floats | None:
    """Return a sensor's values at the points of a line; None where there are not enough.

    A stroke from the beginning of its sensor data has a control point before the first value, any other has not.
    """
    if values is None or not len(values):
        return None
    first = 1 if len(stroke.xy) > len(line) else 0
    at = np.arange(len(line)) + first - (1 if first and stroke.offset == 0 else 0)
    if len(stroke.mapping):
        at = np.array(stroke.mapping, np.int64)[np.minimum(at, len(stroke.mapping) - 1)]
    else:
        at = at + stroke.offset
    return values[at] if int(at.max()) < len(values) and int(at.min()) >= 0 else None
