"""Scans in: from a photo or a scan to the grey image that a recoverer reads, and back to the scan's own pixels.

:func:`load` does it all; its steps can be used alone: :func:`read_image` (any file to upright grey),
:func:`clean` (paper white, ink dark, light evened out), :func:`~kalamos.scans.segment.segment` (the pieces of
writing on the sheet) and :func:`fit` (a piece to the size that a model expects). Coordinates are those of the image as
it is displayed, after the orientation that a camera noted in it has been applied.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy.ndimage import gaussian_filter, maximum_filter, percentile_filter, uniform_filter

from kalamos.errors import FormatError, KalamosError
from kalamos.image import OfflineImage, Placement
from kalamos.machinery.arrays import Bytes, Floats, Ints
from kalamos.scans.rules import remove_rules
from kalamos.scans.segment import Piece, SegmentLevel, segment
from kalamos.skeleton.binarise import otsu_threshold, sauvola_surface

__all__ = ["Fitted", "Piece", "clean", "fit", "grey_of", "load", "pieces_of", "read_image", "segment"]

Binarise = Literal["none", "otsu", "sauvola"]

MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
_LEAST_CONTRAST = 16
_SAMPLE = 400_000
_BACKGROUND_SIDE = 192
_POLARITY_SIDE = 1000


class Fitted(NamedTuple):
    """A piece of writing at a model's size; ``placement`` takes the scan's pixels to the image's."""

    image: OfflineImage
    placement: Placement
    piece: Piece


def load(
    path: Path | str,
    *,
    level: SegmentLevel = "page",
    script: str | None = None,
    rules: bool = False,
    binarise: Binarise = "none",
    size_px: int | None = 64,
    height_px: int | None = None,
) -> list[Fitted]:
    """Read a scan and return its pieces of writing, each at a model's size, in reading order; none on a blank sheet.

    Args:
        path: a PNG, JPEG, TIFF, BMP, WebP or GIF file.
        level: what a piece is: everything on the ``page``, or each ``line``, ``word`` or ``character``.
        script: ISO 15924 code, where known: it sets the reading order, and is handed on with the images.
        rules: remove printed rulings first.
        binarise: reduce the scan to black and white.
        size_px: side of a square image; or
        height_px: height of an image as wide as its piece.

    Raises:
        FormatError: where the file is no image, is cut short or too large.
    """
    grey = read_image(path)
    return pieces_of(
        grey, level=level, script=script, rules=rules, binarise=binarise, size_px=size_px, height_px=height_px
    )


def pieces_of(
    grey: Bytes,
    *,
    level: SegmentLevel = "page",
    script: str | None = None,
    rules: bool = False,
    binarise: Binarise = "none",
    size_px: int | None = 64,
    height_px: int | None = None,
) -> list[Fitted]:
    """Return the pieces of writing of an upright grey scan ``(h, w)`` as :func:`load` does of a file."""
    pieces = segment(clean(grey, rules=rules, binarise=binarise), level=level, script=script)
    if height_px is not None:
        size_px = None
    return [Fitted(*fit(piece, size_px=size_px, height_px=height_px, script=script), piece) for piece in pieces]


def read_image(path: Path | str) -> Bytes:
    """Read an image file as upright grey, uint8 ``(h, w)``; paper and ink as they are in the file.

    Colour becomes grey by whichever of red, green, blue and luma tells ink from paper best (Otsu's separability), so
    that blue ink is read in red, where it is darkest. What is transparent is paper. Of a file of several pages, the
    first is read.

    Raises:
        FormatError: where the file is missing, empty, no image, cut short, or has more than 40 million pixels.
    """
    file = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=FORMATS) as image:
                _check_size(file, image)
                upright = ImageOps.exif_transpose(image)
                return grey_of(upright)
    except UnidentifiedImageError as error:
        empty = file.stat().st_size == 0
        known = ", ".join(FORMATS)
        raise FormatError(path, "the file is empty" if empty else f"this is none of {known}") from error
    except Image.DecompressionBombError as error:
        raise FormatError(path, f"the image is too large: {error}; scale it down first") from error
    except FileNotFoundError as error:
        raise FormatError(path, "there is no such file") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise FormatError(path, f"the image cannot be decoded ({error}); is the file cut short?") from error


def clean(
    grey: Bytes,
    *,
    even_light: bool = True,
    rules: bool = False,
    binarise: Binarise = "none",
    window_px: int | None = None,
    k: float = 0.2,
) -> Bytes:
    """Bring a grey scan to white paper and dark ink.

    Light on dark is inverted; the paper's brightness is estimated as the slow upper envelope of the image and divided
    out; grey is stretched so that paper and its grain become 255 and full ink 0.

    Args:
        grey: uint8 ``(h, w)``.
        even_light: divide by the estimated light; leave it out for images that are clean already.
        rules: remove printed lines.
        binarise: ``"otsu"`` (one threshold) or ``"sauvola"`` (a local one) for pure black and white.
        window_px: Sauvola's window; by default a thirtieth of the longer side, at least 15.
        k: Sauvola's k.

    Returns:
        uint8 ``(h, w)``; all white where the image spans fewer than 16 grey levels, as nothing can be told apart.

    Raises:
        KalamosError: where the array is no grey image or the method unknown.
    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or 0 in grey.shape:
        raise KalamosError(f"clean takes a grey image, uint8 (h, w); got {grey.dtype} {grey.shape}")
    if binarise not in get_args(Binarise):
        raise KalamosError(f"binarise by one of {', '.join(get_args(Binarise))}, not by {binarise!r}")
    if int(grey.max()) - int(grey.min()) < _LEAST_CONTRAST:
        return np.full(grey.shape, 255, np.uint8)
    if _is_light_on_dark(grey):
        grey = 255 - grey
    if even_light:
        grey = _evened(grey)
    if rules:
        grey = remove_rules(grey)
    grey = _stretched(grey)
    if binarise == "none" or grey.min() == grey.max():
        return grey
    if binarise == "otsu":
        ink = grey <= otsu_threshold(grey)
    else:
        ink = grey < sauvola_surface(grey, (window_px or max(15, max(grey.shape) // 30)) | 1, k)
    return np.where(ink, np.uint8(0), np.uint8(255))


def fit(
    piece: Piece,
    *,
    size_px: int | None = 64,
    height_px: int | None = None,
    margin_px: float = 5.0,
    script: str | None = None,
) -> tuple[OfflineImage, Placement]:
    """Scale a piece of writing to a model's frame, aspect kept, centred.

    Args:
        piece: from :func:`segment`.
        size_px: side of a square image; or, where this is None,
        height_px: height of an image as wide as the piece needs.
        margin_px: white around the ink: the renderers leave 6 px around the path, about 5 around the ink.
        script: handed on with the image.

    Returns:
        the image, and the placement ``image = scale * scan + (dx, dy)``; its ``from_pixels`` takes recovered ink back
        onto the scan.

    Raises:
        KalamosError: where not exactly one size is given, or margins leave no room.
    """
    if (size_px is None) == (height_px is None):
        raise KalamosError("fit needs either size_px, the side of a square image, or height_px")
    side = size_px if size_px is not None else height_px
    assert side is not None  # noqa: S101 - for the type checker: excluded above
    room = side - 2 * margin_px
    if not 4 <= side <= 4096 or room < 1 or margin_px < 0:
        raise KalamosError(f"an image of {side} px with margins of {margin_px:g} px has no room for ink (4 to 4096 px)")
    x0, y0, x1, y1 = piece.box
    scale = room / (max(x1 - x0, y1 - y0) if height_px is None else y1 - y0)
    width = side if height_px is None else max(side, math.ceil(scale * (x1 - x0) + 2 * margin_px))
    if width > MAX_PIXELS // side:
        raise KalamosError(f"the piece is {x1 - x0} x {y1 - y0} px: too wide for a height of {side} px")
    dx, dy = width / 2 - scale * (x0 + x1) / 2, side / 2 - scale * (y0 + y1) / 2
    placement = Placement(scale, dx, dy)
    return OfflineImage(_resampled(piece, placement, side, width), script), placement


def _check_size(path: Path, image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        reason = (
            f"the image has {width} x {height} pixels, more than {MAX_PIXELS // 10**6} million; scale it down first"
        )
        raise FormatError(path, reason)


def grey_of(image: Image.Image) -> Bytes:
    """Return the grey of an upright picture as :func:`read_image` does of a file."""
    if image.mode in {"1", "L"}:
        return np.array(image.convert("L"))
    if image.mode.startswith(("I", "F")):
        return _from_deep(np.asarray(image))
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa", "P"}:
        image = _on_paper(image.convert("RGBA"))
    return _best_channel(image.convert("RGB"))


def _from_deep(values: NDArray[np.generic]) -> Bytes:
    """Bring 16-bit, 32-bit and floating-point pixels to 8 bits; the range is told from the largest value."""
    deep = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(deep.max())
    white = next((limit for limit in (1.0, 255.0, 65535.0) if top <= limit), top)
    if np.issubdtype(values.dtype, np.integer) and white < 65535.0:
        white = 65535.0 if values.dtype == np.uint16 else 255.0
    rounded: Bytes = np.clip(np.rint(deep * (255.0 / white)), 0, 255).astype(np.uint8)
    return rounded


def _on_paper(image: Image.Image) -> Image.Image:
    """Lay a transparent drawing on white, or on black where its ink is light."""
    grey, alpha = np.asarray(image.convert("L")), np.asarray(image.getchannel("A"))
    weight = int(alpha.sum(dtype=np.int64))
    light = (
        weight > 0
        and int(alpha.min()) < 128
        and int((grey * alpha.astype(np.int32)).sum(dtype=np.int64)) > 170 * weight
    )
    paper = Image.new("RGBA", image.size, "black" if light else "white")
    return Image.alpha_composite(paper, image)


def _best_channel(image: Image.Image) -> Bytes:
    """Return the channel in which Otsu's threshold separates best; luma where they are alike."""
    luma = np.array(image.convert("L"))
    step = max(1, int(math.sqrt(luma.size / _SAMPLE)))
    best, best_score = luma, 1.05 * _separability(luma[::step, ::step])
    for name in ("R", "G", "B"):
        channel = np.asarray(image.getchannel(name))
        score = _separability(channel[::step, ::step])
        if score > best_score:
            best, best_score = np.array(channel), score
    return best


def _separability(pixels: Bytes) -> float:
    """Return the between-class variance at Otsu's threshold, in squared grey levels."""
    if pixels.min() == pixels.max():
        return 0.0
    dark = pixels <= otsu_threshold(pixels)
    share = float(dark.mean())
    if share in {0.0, 1.0}:
        return 0.0
    return share * (1 - share) * float(pixels[~dark].mean() - pixels[dark].mean()) ** 2


def _is_light_on_dark(grey: Bytes) -> bool:
    """Ink is sparse: against the local mean it makes a long tail, and its side tells the polarity."""
    step = max(1, max(grey.shape) // _POLARITY_SIDE)
    small = np.asarray(Image.fromarray(grey).reduce(step), np.float32) if step > 1 else grey.astype(np.float32)
    window = max(3, max(small.shape) // 8) | 1
    away = small - uniform_filter(small, window, mode="nearest")
    return bool(np.mean(away.astype(np.float64) ** 3) > 0)


def _evened(grey: Bytes) -> Bytes:
    """Divide by the slow upper envelope of the image: block maxima without the specks, closed over the ink, blurred."""
    height, width = grey.shape
    block = max(1, math.ceil(max(height, width) / _BACKGROUND_SIDE))
    rows, columns = math.ceil(height / block), math.ceil(width / block)
    padded = np.pad(grey, ((0, rows * block - height), (0, columns * block - width)), mode="edge")
    blocks = padded.reshape(rows, block, columns, block).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    rank = 4 * (block * block - 1) // 5
    bright = np.partition(blocks, rank, axis=2)[..., rank].astype(np.float32)
    reach = max(3, round(max(rows, columns) / 10)) | 1
    bright = percentile_filter(maximum_filter(bright, reach, mode="nearest"), 25, reach, mode="nearest")
    bright = gaussian_filter(bright, reach / 3, mode="nearest")
    size = (columns * block, rows * block)
    light = np.asarray(Image.fromarray(bright).resize(size, Image.Resampling.BILINEAR))[:height, :width]
    evened = grey * (np.float32(235.0) / np.maximum(light, np.float32(8.0)))
    rounded: Bytes = np.minimum(evened + np.float32(0.5), np.float32(255.0)).astype(np.uint8)
    return rounded


def _stretched(grey: Bytes) -> Bytes:
    """Stretch grey so that paper with its grain becomes 255 and the darkest ink 0."""
    if int(grey.max()) - int(grey.min()) < _LEAST_CONTRAST:
        return np.full(grey.shape, 255, np.uint8)
    counts = np.bincount(grey.reshape(-1), minlength=256)
    levels, threshold = np.arange(256), otsu_threshold(grey)
    black = _quantile(levels, np.where(levels <= threshold, counts, 0), 0.05)
    light = np.where(levels > threshold, counts, 0)
    middle = _quantile(levels, light, 0.5)
    grain = 1.4826 * _quantile(np.abs(levels - middle), light, 0.5)
    white = max(middle - 2.0 * grain, black + 8.0)
    table = np.clip(np.rint((levels - black) * (255.0 / (white - black))), 0, 255).astype(np.uint8)
    stretched: Bytes = table[grey]
    return stretched


def _quantile(values: Ints, counts: Ints, share: float) -> int:
    """Return the smallest value that at least this share of the counts do not exceed."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    return int(values[order][np.searchsorted(total, share * total[-1])])


def _resampled(piece: Piece, placement: Placement, height: int, width: int) -> Bytes:
    """Draw the piece into a white frame: smaller by exact areas, as the renderers measure ink; larger by cubics."""
    scale, dx, dy = placement
    if scale > 1:
        return _enlarged(piece, placement, height, width)
    x0, y0, _, _ = piece.box
    rows = (np.arange(height + 1) - dy) / scale - y0
    columns = (np.arange(width + 1) - dx) / scale - x0
    ink = _ink_between(_ink_between(255 - piece.pixels, rows).T, columns).T * scale**2
    frame: Bytes = (255 - np.clip(np.rint(ink), 0, 255)).astype(np.uint8)
    return frame


def _ink_between(ink: NDArray[np.generic], edges: NDArray[np.floating]) -> Floats:
    """Integrate ``(n, k)`` down its rows between neighbouring edges: ``(len(edges) - 1, k)``; outside is nothing."""
    whole = np.uint32 if ink.dtype == np.uint8 else np.float64
    total = np.zeros((len(ink) + 1, ink.shape[1]), whole)
    np.cumsum(ink, axis=0, dtype=whole, out=total[1:])
    at = np.clip(edges, 0, len(ink))
    row = np.minimum(at.astype(np.int64), len(ink) - 1)
    below = total[row].astype(np.float64)
    return np.diff(below + (at - row)[:, None] * (total[row + 1] - below), axis=0)


def _enlarged(piece: Piece, placement: Placement, height: int, width: int) -> Bytes:
    """Resample only the whole pixels that the piece's ink can touch."""
    scale, dx, dy = placement
    x0, y0, x1, y1 = piece.box
    left, right = max(0, math.floor(scale * x0 + dx) - 1), min(width, math.ceil(scale * x1 + dx) + 1)
    top, bottom = max(0, math.floor(scale * y0 + dy) - 1), min(height, math.ceil(scale * y1 + dy) + 1)
    pad = 5
    box = (
        (left - dx) / scale - x0 + pad,
        (top - dy) / scale - y0 + pad,
        (right - dx) / scale - x0 + pad,
        (bottom - dy) / scale - y0 + pad,
    )
    source = Image.fromarray(np.pad(piece.pixels, pad, constant_values=255))
    frame = np.full((height, width), 255, np.uint8)
    frame[top:bottom, left:right] = source.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box)
    return frame
