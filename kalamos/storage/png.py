"""Grey PNG in a few lines: fast enough for corpora.

Ink on plain paper is compressed by :mod:`kalamos.storage.deflate`, with the same bytes everywhere; textured paper by
zlib, with the same bytes for the same zlib. Which of the two is decided by the pixels alone.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bytes
from kalamos.storage.deflate import zlib_streams

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RUN_PIXELS = 1 << 20
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(pixels: Bytes, level: int = 1) -> bytes:
    """Encode a grey image ``(h, w)`` without row filters; ink compresses best so, and twice as fast.

    Args:
        pixels: uint8.
        level: 1 is made for corpora; 2 to 9 are zlib's, slower and smaller.
    """
    return encode_pngs([pixels], level)[0]


def encode_pngs(images: Sequence[Bytes], level: int = 1) -> list[bytes]:
    """Encode many images, each to the bytes that :func:`encode_png` gives, at a fraction of the cost."""
    made: list[bytes] = []
    for some in _runs(images):
        streams = zlib_streams(some) if level == 1 else [None] * len(some)
        for image, stream in zip(some, streams, strict=True):
            body = _by_zlib(image, level) if stream is None else stream
            made.append(b"".join((_beginning(*image.shape), _chunk(b"IDAT", body), _END)))
    return made


def decode_png(data: bytes) -> Bytes:
    """Decode any PNG to grey ``(h, w)``.

    Raises:
        KalamosError: where the bytes are no image.
    """
    from PIL import Image  # noqa: PLC0415 - Pillow is only needed by readers

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise KalamosError(f"the stored image cannot be decoded: {error}") from error


@lru_cache(maxsize=256)
def _beginning(height: int, width: int) -> bytes:
    """Return all that stands before the pixels of an 8-bit grey image."""
    return _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def _runs(images: Sequence[Bytes]) -> Iterator[Sequence[Bytes]]:
    """Cut a batch so that its copy stays small; an image is never cut."""
    first, pixels = 0, 0
    for k, image in enumerate(images):
        pixels += image.size
        if pixels > _RUN_PIXELS and k > first:
            yield images[first:k]
            first, pixels = k, image.size
    if first < len(images):
        yield images[first:]


def _by_zlib(image: Bytes, level: int) -> bytes:
    rows = np.zeros((image.shape[0], image.shape[1] + 1), np.uint8)
    rows[:, 1:] = image
    return zlib.compress(rows.data, level)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
