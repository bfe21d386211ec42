"""Pictures of writing in every file type that is read, and damage to their bytes or to their pixels."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

KINDS: list[tuple[str, str, dict[str, Any]]] = [
    *[("PNG", mode, {}) for mode in ("L", "LA", "RGBA", "1", "P", "I;16")],
    *[("JPEG", mode, {}) for mode in ("L", "RGB", "CMYK")],
    *[("TIFF", mode, {"compression": by}) for mode, by in [("L", "tiff_lzw"), ("1", "group4"), ("RGB", "jpeg")]],
    *[(kind, mode, {}) for kind in ("TIFF", "BMP") for mode in ("L", "RGB")],
    *[("TIFF", "F", {}), ("WEBP", "RGB", {}), ("WEBP", "RGBA", {}), ("GIF", "P", {}), ("PDF", "L", {})],
    ("HEIF", "RGB", {}),
]
LEVELS = ("page", "line", "word", "character")


def writing(height: int = 40, width: int = 60) -> Any:
    """Return the pixels of two crossing strokes, uint8 ``(h, w)``."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[height // 2 - 2 : height // 2 + 2, 8:-8] = 0
    pixels[8:-8, width // 2 - 2 : width // 2 + 2] = 40
    return pixels


def encoded(pixels: Any, kind: str, mode: str, **options: Any) -> bytes:
    """Return the pixels as a file of a kind."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    picture = Image.fromarray(pixels)
    picture = picture.convert("I").convert(mode) if mode == "I;16" else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def pictures() -> list[bytes]:
    """Return small pictures of writing in every file type that is read, two of several pages, and one turned."""
    pixels = writing()
    found = [encoded(pixels, kind, mode, **options) for kind, mode, options in KINDS]
    pages = [Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())]
    found += [
        encoded(pixels, kind, mode, save_all=True, append_images=pages) for kind, mode in (("TIFF", "L"), ("GIF", "P"))
    ]
    turned = Image.Exif()
    turned[0x0112] = 6
    return [*found, encoded(pixels, "JPEG", "L", exif=turned)]


def damaged_picture(seeds: list[bytes], rng: random.Random) -> bytes:
    """Return a seed whose bytes were damaged, or a sound file of pixels that no scanner would give."""
    import test_fuzz_formats

    if rng.random() < 0.5:
        return test_fuzz_formats.mutated(rng.choice(seeds), rng)
    numbers = np.random.default_rng(rng.getrandbits(32))
    side = rng.choice([(1, 1), (1, 300), (300, 1), (2, 40), (40, 60), (97, 31), (160, 120)])
    pixels = writing(*side) if min(side) > 20 else np.full(side, 255, np.uint8)
    for _ in range(rng.randint(1, 5)):
        _spoil(pixels, rng, numbers)
    kind, mode, options = rng.choice(KINDS[:-2] if min(side) < 2 else KINDS[:-1])
    return encoded(pixels, kind, mode, **options)


def _spoil(pixels: Any, rng: random.Random, numbers: np.random.Generator) -> None:
    """Change pixels in place: boxes, noise, rules, shadows, dots, the other polarity."""
    h, w = pixels.shape
    kind = rng.randrange(7)
    y, x = sorted((rng.randint(0, h), rng.randint(0, h))), sorted((rng.randint(0, w), rng.randint(0, w)))
    if kind == 0:
        pixels[slice(*y), slice(*x)] = rng.randrange(256)
    elif kind == 1:
        pixels[slice(*y), slice(*x)] = numbers.integers(0, 256, (y[1] - y[0], x[1] - x[0]), np.uint8)
    elif kind == 2:
        pixels[:: rng.randint(1, 9)] = rng.randrange(256)
    elif kind == 3:
        pixels[:, :: rng.randint(1, 9)] = rng.randrange(256)
    elif kind == 4:
        pixels[:] = (pixels * np.linspace(rng.random(), rng.random(), w)).astype(np.uint8)
    elif kind == 5:
        pixels[numbers.random((h, w)) < rng.random() ** 3] = rng.randrange(256)
    else:
        pixels[:] = 255 - pixels


def read_picture(path: Path) -> None:
    """Read every page of a picture as `recover` does, up to the pieces of writing at some level."""
    from kalamos.scans.load import pieces_of
    from kalamos.scans.read import read_pages

    level = LEVELS[path.stat().st_size % len(LEVELS)]
    for page in read_pages(path):
        pieces_of(page, level=level)  # type: ignore[arg-type]
