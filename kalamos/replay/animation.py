"""The replay as frames of pixels: GIF and APNG, for places that show no animated SVG (slides, papers, mail)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kalamos.errors import KalamosError
from kalamos.geometry import bounds
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.replay.timeline import MAX_PAUSE_S, ColourBy, Run, Timeline, coloured_runs, number_places, plan

_OVERSAMPLE = 3
_HOLD_S = 1.4
_MAX_FRAMES = 400
_MAX_NUMBERS = 60
_INK = (36, 41, 47)


def to_gif(ink: Ink, image: OfflineImage | None = None, **options: Any) -> bytes:
    """Return the replay as an endlessly looping GIF of one palette; options as for :func:`frames`."""
    shots, step_ms = _shots(ink, image, options)
    palette = shots[-1].quantize(128, method=Image.Quantize.MEDIANCUT)
    indexed = [shot.quantize(palette=palette, dither=Image.Dither.NONE) for shot in shots]
    durations = _durations(len(shots), step_ms)
    out = io.BytesIO()
    indexed[0].save(
        out, "GIF", save_all=True, append_images=indexed[1:], duration=durations, loop=0, disposal=1, optimize=False
    )
    return out.getvalue()


def to_apng(ink: Ink, image: OfflineImage | None = None, **options: Any) -> bytes:
    """Return the replay as an endlessly looping animated PNG in full colour; options as for :func:`frames`."""
    shots, step_ms = _shots(ink, image, options)
    out = io.BytesIO()
    durations = _durations(len(shots), step_ms)
    shots[0].save(out, "PNG", save_all=True, append_images=shots[1:], duration=durations, loop=0, compress_level=9)
    return out.getvalue()


def frames(
    ink: Ink,
    image: OfflineImage | None = None,
    *,
    colour_by: ColourBy = "time",
    duration_s: float | None = None,
    max_pause_s: float = MAX_PAUSE_S,
    size_px: int | None = None,
    frames_per_s: float = 20.0,
) -> Iterator[Image.Image]:
    """Yield the frames of a replay as RGB images; the last one is the finished drawing.

    Args:
        ink: what to show; in the image's pixels where there is an image.
        image: laid under the ink, faded.
        colour_by: ``"time"``, ``"stroke"`` or ``"speed"``.
        duration_s: seconds of writing; by default the true duration, brought into 1.5 to 10 s.
        max_pause_s: the longest pen-up pause shown, in the ink's own seconds.
        size_px: the longer side; by default 320, and 640 for a wide picture.
        frames_per_s: 1 to 50; fewer where the replay would exceed 400 frames.

    Raises:
        KalamosError: for an option out of its range, or speed colours without times.
    """
    if not 1 <= frames_per_s <= 50:
        raise KalamosError(f"frames_per_s is 1 to 50; got {frames_per_s}")
    timeline = plan(ink, duration_s, max_pause_s)
    sheet, zoom, origin = _sheet(ink, image, size_px)
    runs = [
        [Run((run.xy - origin) * zoom, run.shown_s, run.colour) for run in stroke]
        for stroke in coloured_runs(ink, timeline, colour_by, 5.0 * _OVERSAMPLE / zoom)
    ]
    pieces = [piece for stroke in runs for run in stroke for piece in _pieces(run)]
    canvas, done = ImageDraw.Draw(sheet), 0
    edge = 8.0 * _OVERSAMPLE
    low, high = np.full(2, edge), np.array(sheet.size) - edge
    places = number_places(runs[:_MAX_NUMBERS], 11.0 * _OVERSAMPLE, low, high) / _OVERSAMPLE
    nib = max(0.013 * min(sheet.size), 2.0 * _OVERSAMPLE)
    for second in _ticks(timeline, frames_per_s):
        while done < len(pieces) and pieces[done][0] <= second + 1e-9:
            _draw(canvas, pieces[done], nib)
            done += 1
        shot = sheet.reduce(_OVERSAMPLE)
        _annotate(shot, runs, places, second)
        yield shot


def reduced(pixels: Bytes, side_px: float) -> Bytes:
    """Shrink a picture by a whole number, until its longer side is at most twice ``side_px``: scans are large."""
    factor = int(max(pixels.shape) // side_px)
    return np.asarray(Image.fromarray(pixels).reduce(factor)) if factor > 1 else pixels


def _shots(ink: Ink, image: OfflineImage | None, options: dict[str, Any]) -> tuple[list[Image.Image], int]:
    shots = list(frames(ink, image, **options))
    timeline = plan(ink, options.get("duration_s"), options.get("max_pause_s", MAX_PAUSE_S))
    return shots, max(20, round(1000 * timeline.duration_s / max(len(shots) - 1, 1)))


def _durations(n: int, step_ms: int) -> list[int]:
    return [step_ms] * (n - 1) + [round(1000 * _HOLD_S)]


def _ticks(timeline: Timeline, frames_per_s: float) -> Floats:
    n = int(np.clip(np.ceil(timeline.duration_s * frames_per_s), 1, _MAX_FRAMES - 1))
    return np.linspace(0.0, timeline.duration_s, n + 1)


def _sheet(ink: Ink, image: OfflineImage | None, size_px: int | None) -> tuple[Image.Image, float, Floats]:
    """Return the paper at the drawing scale, and the map from the ink onto it: ``zoom * (xy - origin)``."""
    if size_px is not None and not 16 <= size_px <= 4096:
        raise KalamosError(f"size_px is 16 to 4096 pixels; got {size_px}")
    box = np.array([0.0, 0.0, 64.0, 64.0])
    if image is not None:
        box = np.array([0.0, 0.0, image.width_px, image.height_px])
    elif ink.n_points:
        extent = bounds(ink)
        pad = 0.08 * max(extent.width, extent.height) or 1.0
        box = np.array(extent) + np.array([-pad, -pad, pad, pad])
    width, height = box[2] - box[0], box[3] - box[1]
    zoom = _OVERSAMPLE * (size_px or (640 if width > 2 * height else 320)) / max(width, height)
    size = tuple(max(_OVERSAMPLE, round(side * zoom / _OVERSAMPLE) * _OVERSAMPLE) for side in (width, height))
    if image is None:
        return Image.new("RGB", size, "white"), zoom, box[:2]
    small = reduced(image.pixels, max(size)).astype(np.float32)
    faded = (255 - (255 - small) * 0.26).astype(np.uint8)
    enlarge = Image.Resampling.NEAREST if zoom >= 3 * _OVERSAMPLE else Image.Resampling.BICUBIC
    return Image.fromarray(faded).resize(size, enlarge).convert("RGB"), zoom, box[:2]


def _pieces(run: Run) -> list[tuple[float, Floats, str]]:
    """Return the segments of a run with the second at which each is finished; a dot is a segment of one point."""
    if len(run.xy) == 1:
        return [(float(run.shown_s[0]), run.xy, run.colour)]
    return [(float(run.shown_s[k + 1]), run.xy[k : k + 2], run.colour) for k in range(len(run.xy) - 1)]


def _draw(canvas: ImageDraw.ImageDraw, piece: tuple[float, Floats, str], nib: float) -> None:
    _, xy, colour = piece
    width = max(1, round(nib))
    if len(xy) == 2:
        canvas.line([*xy.ravel().tolist()], fill=colour, width=width)
    radius = (width - 1) / 2 if len(xy) == 2 else 0.8 * nib
    for x, y in xy.tolist():
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _annotate(shot: Image.Image, runs: list[list[Run]], places: Floats, second: float) -> None:
    """Add the start numbers of the strokes begun so far, and the pen tip."""
    canvas = ImageDraw.Draw(shot)
    font = ImageFont.load_default(11)
    for k, (x, y) in enumerate(places.tolist()):
        if runs[k][0].shown_s[0] <= second:
            canvas.ellipse((x - 7, y - 7, x + 7, y + 7), fill="white")
            canvas.text((x, y), str(k + 1), fill=_INK, font=font, anchor="mm")
    if runs and second < runs[-1][-1].shown_s[-1]:
        xy = np.concatenate([run.xy for stroke in runs for run in stroke]) / _OVERSAMPLE
        shown = np.concatenate([run.shown_s for stroke in runs for run in stroke])
        x, y = float(np.interp(second, shown, xy[:, 0])), float(np.interp(second, shown, xy[:, 1]))
        down = any(stroke[0].shown_s[0] <= second <= stroke[-1].shown_s[-1] for stroke in runs)
        canvas.ellipse((x - 4, y - 4, x + 4, y + 4), fill=_INK if down else None, outline=_INK)
