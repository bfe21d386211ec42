"""Pictures as a browser can show them: tiles of 512 px at halved sizes, so that a page of 100 MP stays light."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from kalamos.errors import StoreError
from kalamos.machinery.files import write_bytes
from kalamos.scans.read import MAX_PIXELS, Page, numbered_page

TILE_PX = 512
THUMB_PX = 320
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
_KEPT_PIXELS = 2 * MAX_PIXELS
"""The pages that were looked at last stay in memory while they have no more pixels than this, the newest always."""


class Tiles:
    """The pages that were looked at last, at all their sizes."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[str, int, int, int], tuple[Page, list[Image.Image]]] = OrderedDict()
        self._lock = threading.Lock()

    def size(self, path: Path, number: int) -> tuple[int, int, int]:
        """Return width and height of the picture, and its pixels a pixel of the finest tiles."""
        page, _ = self._of(path, number)
        return page.size[0], page.size[1], page.scale

    def tile(self, path: Path, number: int, level: int, column: int, row: int) -> bytes:
        """Return a tile as JPEG; each level is half of the one before it.

        Raises:
            KeyError: where there is no such tile.
        """
        _, levels = self._of(path, number)
        if not 0 <= level < len(levels):
            raise KeyError(level)
        image = levels[level]
        x, y = column * TILE_PX, row * TILE_PX
        if not (0 <= x < image.width and 0 <= y < image.height):
            raise KeyError((column, row))
        return _jpeg(image.crop((x, y, min(x + TILE_PX, image.width), min(y + TILE_PX, image.height))))

    def _of(self, path: Path, number: int) -> tuple[Page, list[Image.Image]]:
        status = path.stat()
        key = str(path), number, status.st_size, status.st_mtime_ns
        with self._lock:
            if key not in self._pages:
                page = numbered_page(path, number, MAX_PIXELS)
                self._pages[key] = page, _levels(page)
                while len(self._pages) > 1 and self._pixels() > _KEPT_PIXELS:
                    self._pages.popitem(last=False)
            self._pages.move_to_end(key)
            return self._pages[key]

    def _pixels(self) -> int:
        return sum(page.size[0] * page.size[1] for page, _ in self._pages.values())


def thumbnail(path: Path, number: int, kept: Path) -> bytes:
    """Return a small picture as JPEG, made once; made again where what is kept is damaged, kept where there is room."""
    with suppress(OSError):
        data = kept.read_bytes()
        if data.startswith(_JPEG_BEGINS) and data.endswith(_JPEG_ENDS):
            return data
    page = numbered_page(path, number)
    image = Image.fromarray(page.pixels)
    image.thumbnail((THUMB_PX, THUMB_PX))
    data = _jpeg(image)
    with suppress(StoreError):
        write_bytes(kept, data)
    return data


def _levels(page: Page) -> list[Image.Image]:
    levels = [Image.fromarray(np.asarray(page.pixels))]
    while max(levels[-1].size) > TILE_PX:
        levels.append(levels[-1].reduce(2))
    return levels


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88)
    return stream.getvalue()
