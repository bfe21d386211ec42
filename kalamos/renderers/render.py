"""From inks and a style to pictures with their truth in pixels.

Geometry (the path is distorted), frame (it is placed), smoothing, nib and ink (:mod:`raster` measures what they cover),
paper, capture. Whatever is drawn at random comes from a generator of its own for each (seed, key, stage): an ink gives
the same bytes alone, in any batch and on any number of threads, and a change of one stage leaves the others alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import StyleError
from kalamos.image import OfflineImage, Placement, unchecked_image
from kalamos.ink import Ink, locked, unchecked_ink
from kalamos.machinery.arrays import Bytes, Floats, Floats32, Ints
from kalamos.machinery.seeding import rng_for, stable_hash
from kalamos.renderers import nib, warp
from kalamos.renderers.flat import Batch, flatten
from kalamos.renderers.frame import Frames, blank, place
from kalamos.renderers.raster import Paths, draw_exact, draw_fast, nib_matrix
from kalamos.renderers.smoothing import smooth
from kalamos.renderers.style import Style

_CHUNK_POINTS = 100_000
_SPAN_PIXELS = 1 << 18  # 1 MB of float32 stays in a core's cache


class Rendering(NamedTuple):
    """A picture of an ink.

    Attributes:
        image: what a recoverer is given.
        truth: the ink in the image's pixels, with its times and its pressure: it lies on the picture's ink.
        placement: the similarity from the ink's own units to pixels. Where the style distorts the geometry
            (``Style.distorts``) the truth departs from the placed ink as the picture does.
    """

    image: OfflineImage
    truth: Ink
    placement: Placement


def render(
    ink: Ink, style: Style | None = None, *, seed: int = 0, key: str = "", script: str | None = None
) -> Rendering:
    """Draw one ink.

    Args:
        ink: in any units, y downwards; an empty one gives a blank sheet.
        style: how; the default style where None.
        seed: seed of what the style leaves to chance; with ``key`` it decides the bytes.
        key: the sample's key.
        script: ISO 15924 code that the image is to carry.

    Raises:
        StyleError: where nib and margins do not fit the frame, or the image would be too large.
    """
    return render_batch([ink], style, seed=seed, keys=[key], scripts=[script])[0]


def render_batch(
    inks: Sequence[Ink],
    style: Style | None = None,
    *,
    seed: int = 0,
    keys: Sequence[str] | None = None,
    scripts: Sequence[str | None] | None = None,
    threads: int = 1,
) -> list[Rendering]:
    """Draw many inks in one style, each exactly as :func:`render` does, at a fraction of the cost.

    Images of a batch share memory: copy ``pixels`` to keep a few of many.

    Raises:
        StyleError: as :func:`render`; also where ``keys`` or ``scripts`` are not one for each ink.
    """
    style = style or Style()
    keys = [""] * len(inks) if keys is None else keys
    scripts = [None] * len(inks) if scripts is None else scripts
    if not len(inks) == len(keys) == len(scripts):
        raise StyleError(f"{len(inks)} inks need as many keys and scripts; got {len(keys)} and {len(scripts)}")
    return _draw(inks, scripts, style, _Chance(seed, keys), max(1, threads))


def placed_paths(inks: Sequence[Ink], style: Style, seed: int, keys: Sequence[str]) -> tuple[Batch, Frames]:
    """Return the distorted, smoothed paths of inks, none of them empty, in the pixels of their frames."""
    return _lay_out(flatten(inks), style, _Chance(seed, keys))


class _Chance(NamedTuple):
    """Where the random numbers of a batch come from: each image and stage has its own."""

    seed: int
    keys: Sequence[str]

    def rngs(self, stage: str) -> list[np.random.Generator]:
        return [rng_for(self.seed, key, stage) for key in self.keys]

    def seeds(self, stage: str) -> NDArray[np.uint64]:
        return np.array([stable_hash(f"{self.seed}\x1f{key}\x1f{stage}") for key in self.keys], np.uint64)

    def of(self, rows: Sequence[int]) -> _Chance:
        return _Chance(self.seed, [self.keys[row] for row in rows])


class _Job(NamedTuple):
    """Placed paths, ready to be drawn; ``batch`` in pixels, ``layout`` (m, 2) the images' heights and widths."""

    batch: Batch
    path: Floats
    ink: Floats32
    layout: Ints
    chance: _Chance


def _draw(
    inks: Sequence[Ink], scripts: Sequence[str | None], style: Style, chance: _Chance, threads: int
) -> list[Rendering]:
    rows = [row for row, ink in enumerate(inks) if ink.n_points]
    done: dict[int, Rendering] = {}
    for row in set(range(len(inks))).difference(rows):
        done[row] = _blank_sheet(scripts[row], style, chance.of([row]))
    for some in _chunks(rows, inks):
        drawn = _draw_inked([inks[row] for row in some], style, chance.of(some), threads)
        named = (scripts[row] for row in some)
        done.update(zip(some, itertools.starmap(_rendering, zip(named, *drawn, strict=True)), strict=True))
    return [done[row] for row in range(len(inks))]


def _chunks(rows: Sequence[int], inks: Sequence[Ink]) -> Iterator[list[int]]:
    """Cut a batch so that the working arrays of its points stay small; an ink is never cut."""
    some: list[int] = []
    points = 0
    for row in rows:
        if some and points + inks[row].n_points > _CHUNK_POINTS:
            yield some
            some, points = [], 0
        some.append(row)
        points += inks[row].n_points
    if some:
        yield some


def _rendering(script: str | None, pixels: Bytes, truth: Ink, placement: Placement) -> Rendering:
    return Rendering(unchecked_image(pixels, script), truth, placement)


def _blank_sheet(script: str | None, style: Style, chance: _Chance) -> Rendering:
    height, width = blank(style, nib.reach_px(style))
    layout = np.array([[height, width, 0]])
    pixels, _ = _finish(np.zeros(height * width, np.float32), layout, style, chance)
    return Rendering(OfflineImage(pixels.reshape(height, width), script), Ink.empty(), Placement(1.0, 0.0, 0.0))


def _draw_inked(
    inks: Sequence[Ink], style: Style, chance: _Chance, threads: int
) -> tuple[list[Bytes], Iterator[Ink], Iterator[Placement]]:
    """Return the images, the truth on each of them, and where each ink was put."""
    batch, frames = _lay_out(flatten(inks), style, chance)
    path = np.column_stack([batch.xy, nib.half_widths(batch, style)])
    ink = nib.ink_amounts(batch, style, chance.rngs("ink") if style.dry_gaps > 0 else [])
    job = _Job(batch, path, ink, np.stack([frames.heights, frames.widths], axis=1), chance)
    spans = _spans(frames.heights * frames.widths, threads)
    if threads == 1 or len(spans) == 1:
        parts = [_draw_span(job, style, *span) for span in spans]
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(lambda span: _draw_span(job, style, *span), spans))
    images = [image for part in parts for image in part[0]]
    maps = np.concatenate([part[1] for part in parts])
    truths = _truths(inks, maps, batch.xy[batch.knots])
    return images, truths, map(Placement, frames.scale.tolist(), *frames.shift.T.tolist())


def _truths(inks: Sequence[Ink], maps: Floats, xy: Floats) -> Iterator[Ink]:
    """Yield the inks at ``xy`` (n, 2), moved by each image's homography where there are any."""
    bounds = list(itertools.accumulate((len(ink.xy) for ink in inks), initial=0))
    if len(maps):
        xy = np.concatenate(
            [_seen(seen, xy[a:b]) for seen, (a, b) in zip(maps, itertools.pairwise(bounds), strict=True)]
        )
    placed = locked(xy, np.float32)
    make = unchecked_ink if np.isfinite(placed).all() else Ink
    for ink, (a, b) in zip(inks, itertools.pairwise(bounds), strict=True):
        yield make(placed[a:b], ink.offsets, ink.t, ink.pressure, ink.extra)


def _lay_out(batch: Batch, style: Style, chance: _Chance) -> tuple[Batch, Frames]:
    """Distort and place the paths; what the random displacements push over the margin is fitted again."""
    reach = nib.reach_px(style)
    batch = warp.straighten(batch, style)
    frames = place(batch, style, reach)
    batch = smooth(_placed(batch, frames), style)
    if style.elastic_px > 0 or style.tremor_px > 0:
        shaken = warp.shake(batch, style, chance.rngs("geometry"))
        scaled = style.px_per_unit > 0 or style.frame == "tight"
        again = place(shaken, style.replace(px_per_unit=1.0, scale=1.0) if scaled else style, reach)
        batch = _placed(shaken, again)
        shift = frames.shift * again.scale[:, None] + again.shift
        frames = again._replace(scale=frames.scale * again.scale, shift=shift)
    return batch, frames


def _seen(homography: Floats, xy: Floats) -> Floats:
    from kalamos.renderers.capture import move  # noqa: PLC0415 - a plain style needs no capture

    return move(homography, xy)


def _placed(batch: Batch, frames: Frames) -> Batch:
    return batch.at(batch.xy * batch.per_point(frames.scale)[:, None] + batch.per_point(frames.shift))


def _spans(cells: Ints, threads: int) -> list[tuple[int, int]]:
    """Cut images into runs, one a thread at least, none of them of more pixels than fit a thread's share of memory."""
    most = max(1, min(_SPAN_PIXELS, -(-int(cells.sum()) // threads)))
    group = (np.cumsum(cells) - 1) // most
    cuts = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(cells)]
    return list(itertools.pairwise(cuts))


def _draw_span(job: _Job, style: Style, first: int, end: int) -> tuple[list[Bytes], Floats]:
    """Draw the images ``first..end - 1``; return them, and how the camera moved their points (nothing: not at all)."""
    cells = job.layout[first:end].prod(axis=1)
    layout = np.column_stack([job.layout[first:end], np.cumsum(cells) - cells])
    clear = np.empty(int(cells.sum()), np.float32)
    paths = Paths(job.path, job.ink, job.batch.strokes, job.batch.images[first : end + 1])
    if style.tier == "fast" and style.nib_shape == "round" and style.opacity == 1:
        draw_fast(paths, layout, clear)
    else:
        shape = nib_matrix(style.nib_shape, style.nib_angle_deg, nib.narrow_aspect(style))
        draw_exact(paths, layout, shape, style.opacity, clear)
    maps = np.empty((0, 3, 3))
    if style.is_plain:
        clear *= np.float32(255 * style.darkness)
        clear += np.float32(255.5 - 255 * style.darkness)
        grey = clear.astype(np.uint8)
    else:
        amount = np.subtract(1, clear, out=clear)
        grey, seen = _finish(amount, layout, style, job.chance.of(range(first, end)))
        maps = seen if style.perspective > 0 else maps
    grey.flags.writeable = False
    if (layout[:, :2] == layout[0, :2]).all():
        return list(grey.reshape(-1, *layout[0, :2])), maps
    return [grey[at : at + h * w].reshape(h, w) for h, w, at in layout.tolist()], maps


def _finish(amount: Floats32, layout: Ints, style: Style, chance: _Chance) -> tuple[Bytes, Floats]:
    """Lay ink on paper and take the picture; return it, and the homographies that moved its points."""
    from kalamos.renderers import capture, paper  # noqa: PLC0415 - a plain style needs neither them nor their imports

    paper.compose_flat(amount, layout, style, chance.seeds("paper"))
    return capture.apply_flat(amount, layout, style, chance.seeds("capture"))
