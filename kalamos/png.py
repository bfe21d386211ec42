"""Grey PNG in a few lines: fast enough for corpora, and the same bytes for the same pixels and zlib."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import KalamosError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encode_png(pixels: NDArray[np.uint8], level: int = 1) -> bytes:
    """Encode a grey image ``(h, w)`` without row filters; ink compresses best so, and twice as fast."""
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows.data, level)), _END))


def decode_png(data: bytes) -> NDArray[np.uint8]:
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


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
