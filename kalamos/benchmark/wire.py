"""Messages between the benchmark and the process that holds a model: JSON and plain numbers, nothing that can run.

A message is ``KLM1``, the lengths of its two parts as 32-bit little-endian numbers, a head in JSON and a body of
numbers. The model's side is not trusted: every length, type and value of an answer is checked where it arrives.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kalamos.errors import InkError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.files import utf8
from kalamos.recoverer import MAX_POINTS

Head = Mapping[str, Any]

MARK = b"KLM1"
MAX_HEAD_BYTES = 16 * 2**20
MAX_BODY_BYTES = 2**30
MAX_TEXT = 500
MAX_CHANNELS = 16
MOST_VALUE = float(np.finfo(np.float32).max)
_LENGTHS = struct.Struct("<4sII")
_CHUNK = 1 << 20


class BrokenMessageError(Exception):
    """What arrived is no message, or does not hold what it says."""


def send(connection: socket.socket, head: Head, body: bytes = b"") -> None:
    """Send a message; text that UTF-8 cannot hold goes as JSON escapes."""
    text = json.dumps(head).encode("ascii")
    connection.sendall(_LENGTHS.pack(MARK, len(text), len(body)) + text + body)


def receive(connection: socket.socket, timeout_s: float | None = None) -> tuple[dict[str, Any], bytes]:
    """Return head and body of the next message.

    Raises:
        TimeoutError: where it is not whole in time, however many bytes have come.
        EOFError: where the other side has ended.
        BrokenMessageError: where it is no message.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    mark, head_bytes, body_bytes = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, end))
    if mark != MARK or head_bytes > MAX_HEAD_BYTES or body_bytes > MAX_BODY_BYTES:
        raise BrokenMessageError("something else than an answer came from the model's process")
    text = _exactly(connection, head_bytes, end)
    body = _exactly(connection, body_bytes, end)
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenMessageError("the head of an answer is no JSON") from error
    if not isinstance(head, dict):
        raise BrokenMessageError("the head of an answer is no object")
    return head, body


def _exactly(connection: socket.socket, size: int, end: float | None) -> bytes:
    parts, missing = [], size
    while missing:
        if end is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        part = connection.recv(min(missing, _CHUNK))
        if not part:
            raise EOFError
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def pack_images(images: Sequence[OfflineImage]) -> tuple[Head, bytes]:
    """Return images as a message."""
    told = [[*image.pixels.shape, image.script] for image in images]
    return {"images": told}, b"".join(np.ascontiguousarray(image.pixels).tobytes() for image in images)


def pack_groups(groups: Sequence[Sequence[OfflineImage]], n_best: int, *, pages: bool = False) -> tuple[Head, bytes]:
    """Return groups of images as a message: the images of all, how many each has, and how many paths are wanted.

    ``pages`` says that the images are whole pages, to be prepared and cut into pieces first.
    """
    head, body = pack_images([image for group in groups for image in group])
    return {**head, "groups": [len(group) for group in groups], "n_best": n_best, "pages": pages}, body


def unpack_images(head: Head, body: bytes) -> list[OfflineImage]:
    """Return the images of a message of :func:`pack_images`."""
    images, at = [], 0
    for height, width, script in head["images"]:
        pixels = np.frombuffer(body, np.uint8, height * width, at).reshape(height, width)
        images.append(OfflineImage(pixels.copy(), script))
        at += height * width
    return images


def pack_inks(inks: Sequence[Ink]) -> tuple[list[Head], bytes]:
    """Return inks as the list in a head, and a body; an ink that cannot be sent is a ``fault`` in words."""
    told: list[Head] = []
    parts: list[bytes] = []
    for ink in inks:
        try:
            head, body = _pack_ink(ink)
        except Exception as error:  # somebody else's object may do anything when it is looked at
            head, body = {"fault": f"the ink cannot be read: {text_of(error)}"}, b""
        told.append(head)
        parts.append(body)
    return told, b"".join(parts)


def _pack_ink(ink: Ink) -> tuple[Head, bytes]:
    xy, offsets = np.asarray(ink.xy, "<f4"), np.asarray(ink.offsets, "<i4")
    if len(xy) > MAX_POINTS:
        return {"fault": f"more than {MAX_POINTS} points"}, b""
    channels = {name: np.asarray(values, "<f8") for name, values in ink.channels()}
    if xy.shape != (len(xy), 2) or any(values.shape != (len(xy),) for values in channels.values()):
        return {"fault": "its arrays do not fit together"}, b""
    body = b"".join(array.tobytes() for array in (xy, offsets, *channels.values()))
    return {"points": len(xy), "ends": len(offsets), "channels": list(channels)}, body


def unpack_inks(told: object, body: bytes, number: int) -> list[Ink | str]:
    """Return the inks of an answer, as many as were asked for; a text where one is none.

    Raises:
        BrokenMessageError: where the message does not hold what it says.
    """
    if not isinstance(told, list) or len(told) != number:
        raise BrokenMessageError(f"an answer does not hold {number} inks")
    inks: list[Ink | str] = []
    at = 0
    for head in told:
        if not isinstance(head, dict):
            raise BrokenMessageError("an ink of an answer is no object")
        if "fault" in head:
            inks.append(clean(head["fault"]))
            continue
        arrays, at = _arrays(head, body, at)
        inks.append(_ink(arrays, head["channels"]))
    return inks


def _arrays(head: Head, body: bytes, at: int) -> tuple[list[Any], int]:
    points, ends, channels = head.get("points"), head.get("ends"), head.get("channels")
    sound = isinstance(points, int) and isinstance(ends, int) and 0 <= points <= MAX_POINTS and 1 <= ends <= points + 1
    names = isinstance(channels, list) and all(isinstance(name, str) and 0 < len(name) <= 100 for name in channels)
    if not sound or not names or len(channels) > MAX_CHANNELS or len(set(channels)) < len(channels):  # type: ignore[arg-type]
        raise BrokenMessageError("an ink of an answer has impossible sizes or channels")
    arrays = []
    sizes: Iterator[tuple[str, int]] = iter(
        [("<f4", 2 * points), ("<i4", ends), *[("<f8", points)] * len(channels)]  # type: ignore[operator, list-item, arg-type]
    )
    for kind, count in sizes:
        width = count * np.dtype(kind).itemsize
        if at + width > len(body):
            raise BrokenMessageError("an answer is shorter than it says")
        arrays.append(np.frombuffer(body, kind, count, at).copy())
        at += width
    return arrays, at


def _ink(arrays: Sequence[Any], names: Sequence[str]) -> Ink | str:
    channels = dict(zip(map(clean, names), arrays[2:], strict=True))
    try:
        t, pressure = channels.pop("t", None), channels.pop("pressure", None)
        if any(len(x) and np.abs(x).max() > MOST_VALUE for x in (pressure, *channels.values()) if x is not None):
            raise InkError(f"a channel holds a number beyond {MOST_VALUE:g}")
        return Ink(arrays[0].reshape(-1, 2), arrays[1], t, pressure, channels)
    except (InkError, ValueError, TypeError) as error:
        return clean(str(error))


def clean(text: object) -> str:
    """Return a short text in one line that every file can hold, whatever it was."""
    return utf8(" ".join(str(text)[: 4 * MAX_TEXT].split())[:MAX_TEXT]).decode("utf-8")


def text_of(error: BaseException) -> str:
    """Return what an exception says, even where its own text fails."""
    try:
        return clean(f"{type(error).__name__}: {error}")
    except Exception:
        return "an exception whose text cannot be made"
