"""Grey PNG in a few lines: fast enough for corpora.

Pixels are deflated by ISA-L, three times as fast as zlib on textured paper; its bytes may differ between processors and
versions (the pixels do not).
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache

import numpy as np
from isal import isal_zlib

from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(pixels: Bytes, level: int = 1) -> bytes:
    """Encode a grey image ``(h, w)`` without row filters; ink compresses best so, and twice as fast.

    Args:
        pixels: uint8.
        level: 1 is made for corpora; 2 to 9 are zlib's, slower and smaller.
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with a 0, the filter "none"
    rows[:, 1:] = pixels
    body = isal_zlib.compress(rows.data, 1) if level == 1 else zlib.compress(rows.data, level)
    return b"".join((_beginning(height, width), _chunk(b"IDAT", body), _END))


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


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
