"""Files in: every page of an image, a PDF or a multi-page TIFF as upright pixels of a size that can be worked on.

A page of more than :data:`WORKING_PIXELS` is reduced by a whole number, band by band, so that the memory beside the
decoded file stays bounded; ``scale`` says by how much. Coordinates are those of the picture as it is displayed, after
the orientation that a camera noted in it has been applied.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from kalamos.errors import FormatError, KalamosError, unreadable
from kalamos.machinery.arrays import Bools, Bytes

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".pdf", ".heic", ".heif")
MAX_PIXELS = 200_000_000
WORKING_PIXELS = 24_000_000
PDF_DPI = 300
_BAND_ROWS = 512
_ON_ITS_SIDE = (5, 6, 7, 8)
"""Orientations of EXIF that exchange width and height."""
_LIMIT_LOCK = threading.Lock()


class Page(NamedTuple):
    """One page of a file.

    Attributes:
        pixels: uint8, grey ``(h, w)`` or colour ``(h, w, 3)``.
        opaque: True where the page covers the picture, ``(h, w)``; None where it does everywhere.
        scale: pixels of the file's picture a pixel here, 1 or more.
        size: width and height of the file's picture, in its own pixels.
        number: of the page, from 1.
        pages: in the file.
    """

    pixels: Bytes
    opaque: Bools | None
    scale: int
    size: tuple[int, int]
    number: int
    pages: int


def read_pages(path: Path | str, most_pixels: int = WORKING_PIXELS, only: int | None = None) -> Iterator[Page]:
    """Yield the pages of a picture, a multi-page TIFF or a PDF, one at a time; of a number, ``only`` that one.

    Of moving pictures (GIF, WebP, PNG) the first frame counts. A PDF is drawn at 300 dpi, less where that would be more
    than :data:`WORKING_PIXELS`. A page of a picture that has more than ``most_pixels`` is reduced.

    Raises:
        FormatError: where the file is missing, empty, no picture, cut short, or a page has more than 200 million
            pixels; pages before a damaged one have been yielded.
    """
    file = Path(path)
    with _refusals(file):
        with file.open("rb") as opened:
            head = opened.read(1024)
        if b"%PDF-" in head:
            yield from _pdf_pages(file, only)
            return
        if head[4:8] == b"ftyp" and not _knows_heif():
            raise FormatError(file, "this is a HEIC/HEIF picture: install kalamos[scans] to read it")
        with _large_pictures():
            image = Image.open(file, formats=_formats())
        with image:
            count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            for number in _numbers(count, only):
                with _large_pictures():
                    image.seek(number - 1)
                yield _page(file, image, number, count, most_pixels)


def numbered_page(path: Path | str, number: int, most_pixels: int = WORKING_PIXELS) -> Page:
    """Return one page of a file by its number, from 1.

    Raises:
        FormatError: as :func:`read_pages`, and where the file has no such page.
    """
    for page in read_pages(path, most_pixels, number):
        return page
    raise FormatError(Path(path), f"it has no page {number} any more")


def size_of(path: Path | str, number: int) -> tuple[int, int]:
    """Return width and height of a page as it is displayed, without reading its pixels; a page of a PDF is drawn.

    Raises:
        FormatError: as :func:`numbered_page`.
    """
    file = Path(path)
    if file.suffix.lower() in {".pdf", ".heic", ".heif"}:
        return numbered_page(file, number).size
    with _refusals(file), _large_pictures(), Image.open(file, formats=_formats()) as image:
        if number > 1:
            image.seek(number - 1)
        width, height = image.size
        return (height, width) if image.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE else (width, height)


def _numbers(count: int, only: int | None) -> range:
    """Return the numbers of the pages that are wanted of a file, from 1."""
    return range(1, count + 1) if only is None else range(only, only + (1 <= only <= count))


def page_of(picture: Image.Image | Bytes) -> Page:
    """Return a picture in memory, a PIL image or uint8 ``(h, w)``, ``(h, w, 3)`` or ``(h, w, 4)``, as a page.

    Raises:
        KalamosError: where it is none of these, or has more than 200 million pixels.
    """
    if isinstance(picture, Image.Image):
        return _page(Path("picture"), picture, 1, 1)
    try:
        array = np.asarray(picture)
    except (TypeError, ValueError):
        array = np.empty((), object)
    if array.dtype == np.bool_ and array.ndim == 2:
        array = np.where(array, np.uint8(255), np.uint8(0))
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in {2, 3} or channels not in {1, 3, 4} or 0 in array.shape:
        known = "a path, a PIL image, or an array, uint8 (h, w), (h, w, 3) or (h, w, 4)"
        raise KalamosError(f"a picture is {known}; {_told(picture, array)}")
    return _page(Path("picture"), Image.fromarray(array[..., 0] if channels == 1 and array.ndim == 3 else array), 1, 1)


def _told(picture: object, array: NDArray[Any]) -> str:
    """Say what somebody gave in place of a picture, and how its pixels become some, where it has any."""
    if array.ndim == 0 or array.dtype.hasobject:
        return f"got {type(picture).__name__}"
    got = f"got {array.dtype} {array.shape}"
    if not array.size or array.dtype == np.uint8 or array.dtype.kind not in "iuf":
        return got
    if array.dtype.kind == "f" and array.min() >= 0 and array.max() <= 1:
        return f"{got}: take (255 * picture).astype('uint8')"
    return f"{got}: bring its values to 0..255, paper light, and take picture.astype('uint8')"


@contextmanager
def _refusals(file: Path) -> Iterator[None]:
    """Turn what libraries raise into the package's own error, which names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        known = ", ".join((*FORMATS, "PDF", "HEIC"))
        reason = "the file is empty" if file.stat().st_size == 0 else f"this is none of {known}"
        raise FormatError(file, reason) from error
    except Image.DecompressionBombError as error:
        raise FormatError(file, f"the image is too large: {error}; scale it down first") from error
    except FileNotFoundError as error:
        raise FormatError(file, "there is no such file") from error
    except (IsADirectoryError, PermissionError) as error:
        raise FormatError(file, f"it cannot be read: {error.strerror}") from error
    except OSError as error:
        if error.errno is not None:
            raise unreadable(file, error) from error
        raise FormatError(file, f"the image cannot be decoded ({error}); is the file cut short?") from error
    except KalamosError:
        raise
    except Exception as error:  # damaged files make decoders raise TypeError, KeyError, struct.error and others
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        raise FormatError(file, f"the image cannot be decoded ({told}); is the file damaged?") from error


@contextmanager
def _large_pictures() -> Iterator[None]:
    """Let Pillow open what :data:`MAX_PIXELS` allows; it refuses at twice its own number, which is global."""
    with _LIMIT_LOCK:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _knows_heif() -> bool:
    try:
        import pillow_heif  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _formats() -> tuple[str, ...]:
    return (*FORMATS, *(("HEIF",) if "HEIF" in Image.OPEN else ()))


def _pdf_pages(file: Path, only: int | None) -> Iterator[Page]:
    try:
        import pypdfium2  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise FormatError(file, "this is a PDF: install kalamos[scans] to read it") from error
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        raise FormatError(
            file, f"the PDF cannot be opened ({error}); is it damaged or locked by a password?"
        ) from error
    try:
        for number in _numbers(len(document), only):
            yield _pdf_page(file, document, number - 1)
    finally:
        document.close()


def _pdf_page(file: Path, document: Any, k: int) -> Page:
    """Draw one page: points are 1/72 inch."""
    import pypdfium2  # noqa: PLC0415

    try:
        page = document[k]
        width, height = page.get_size()
        scale = PDF_DPI / 72
        scale *= min(1.0, math.sqrt(WORKING_PIXELS / max(1.0, width * height * scale * scale)))
        pixels = np.array(page.render(scale=scale).to_pil().convert("RGB"))
        page.close()
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise FormatError(file, f"page {k + 1} of the PDF cannot be drawn ({error})") from error
    return Page(_without_colour(pixels), None, 1, (pixels.shape[1], pixels.shape[0]), k + 1, len(document))


def _page(file: Path, image: Image.Image, number: int, count: int, most_pixels: int = WORKING_PIXELS) -> Page:
    width, height = image.size
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 10**6
        reason = f"the image has {width} x {height} pixels, more than {limit} million; scale it down first"
        raise FormatError(file, reason)
    upright = ImageOps.exif_transpose(image)
    scale = max(1, math.ceil(math.sqrt(width * height / most_pixels)))
    pixels, opaque = _pixels(upright, scale)
    return Page(pixels, opaque, scale, upright.size, number, count)


def _pixels(image: Image.Image, scale: int) -> tuple[Bytes, Bools | None]:
    """Return the picture, reduced band by band, as grey or colour, and where it is opaque."""
    if image.mode.startswith(("I", "F")):
        deep = Image.fromarray(_from_deep(np.asarray(image)))
        return np.array(deep.reduce(scale) if scale > 1 else deep), None
    clear = image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info
    mode = "RGBA" if clear else "L" if image.mode in {"1", "L"} else "RGB"
    rows = _BAND_ROWS * scale
    bands = []
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height))).convert(mode)
        bands.append(np.asarray(band.reduce(scale) if scale > 1 else band))
    pixels: Bytes = np.concatenate(bands) if len(bands) > 1 else np.array(bands[0])
    if not clear:
        return _without_colour(pixels), None
    opaque = pixels[..., 3] >= 128
    return _without_colour(_on_paper(pixels)), None if _is_drawing(opaque) else opaque


def _is_drawing(opaque: Bools) -> bool:
    """Say whether the clear part is the paper of a drawing (ink alone is opaque), not what surrounds a sheet."""
    from scipy.ndimage import minimum_filter  # noqa: PLC0415 - only pictures with alpha need it

    share = float(opaque.mean())
    if share in {0.0, 1.0}:
        return True
    inner = minimum_filter(opaque, max(3, min(opaque.shape) // 12) | 1, mode="constant")
    return float(inner.sum()) < 0.2 * float(opaque.sum())


def _on_paper(pixels: Bytes) -> Bytes:
    """Lay RGBA on white, or on black where what is opaque is light."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    luma = pixels[..., :3].mean(axis=2, keepdims=True, dtype=np.float32)
    weight = float(alpha.sum())
    light = weight > 0 and float(alpha.min()) < 0.5 and float((luma * alpha).sum()) > 170 * weight
    return np.rint(pixels[..., :3] * alpha + (0.0 if light else 255.0) * (1 - alpha)).astype(np.uint8)


def _without_colour(pixels: Bytes) -> Bytes:
    """Return grey ``(h, w)`` where red, green and blue are alike everywhere."""
    if pixels.ndim == 2:
        return pixels
    first = pixels[..., 0]
    if np.array_equal(first, pixels[..., 1]) and np.array_equal(first, pixels[..., 2]):
        return np.ascontiguousarray(first)
    return pixels


def _from_deep(values: NDArray[np.generic]) -> Bytes:
    """Bring 16-bit, 32-bit and floating-point pixels to 8 bits; the range is told from the largest value."""
    deep = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(deep.max())
    white = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), top)
    if np.issubdtype(values.dtype, np.integer) and white < 65535.0:
        white = 65535.0 if values.dtype == np.uint16 else 255.0
    rounded: Bytes = np.clip(np.rint(deep * (255.0 / white)), 0, 255).astype(np.uint8)
    return rounded
