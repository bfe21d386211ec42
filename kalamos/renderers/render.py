"""From inks and a style to pictures with their truth in pixels.

Geometry (the path is distorted), frame (it is placed), smoothing, nib and ink (:mod:`raster` measures what they cover),
paper, capture. Whatever is drawn at random comes from a generator of its own for each (seed, key, stage): an ink gives
the same bytes alone, in any batch and on any number of threads, and a change of one stage leaves the others alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import StyleError
from kalamos.image import OfflineImage, Placement
from kalamos.ink import Ink
from kalamos.renderers import nib, warp
from kalamos.renderers.flat import Batch, flatten
from kalamos.renderers.frame import Frames, blank, place
from kalamos.renderers.raster import draw_exact, nib_matrix
from kalamos.renderers.smoothing import smooth
from kalamos.renderers.style import Style
from kalamos.seeding import rng_for

_CHUNK_PIXELS = 1 << 24
_CHUNK_INKS = 1024
_NO_AMOUNT = np.empty(0, np.float32)
_NO_GREY = np.empty(0, np.uint8)


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
    done: list[Rendering] = []
    for span in _chunks(len(inks), style):
        drawn = _draw(inks[span], style, _Chance(seed, keys[span]), max(1, threads))
        done += [
            rendering if script is None else rendering._replace(image=OfflineImage(rendering.image.pixels, script))
            for rendering, script in zip(drawn, scripts[span], strict=True)
        ]
    return done


class _Chance(NamedTuple):
    """Where the generators of a chunk come from."""

    seed: int
    keys: Sequence[str]

    def rngs(self, stage: str, rows: Sequence[int]) -> list[np.random.Generator]:
        return [rng_for(self.seed, self.keys[row], stage) for row in rows]


def _chunks(n: int, style: Style) -> Iterator[slice]:
    """Cut a batch so that neither its pixels nor its points fill the memory."""
    pixels = style.image_width_px * style.image_height_px if style.frame == "fixed" else 1 << 17
    size = max(1, min(_CHUNK_INKS, _CHUNK_PIXELS // pixels))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _draw(inks: Sequence[Ink], style: Style, chance: _Chance, threads: int) -> list[Rendering]:
    rows = [row for row, ink in enumerate(inks) if ink.n_points]
    reach = nib.reach_px(style)
    done: list[Rendering | None] = [None] * len(inks)
    for row in set(range(len(inks))) - set(rows):
        image = _finish(np.zeros(blank(style, reach), np.float32), style, chance, row)
        done[row] = Rendering(OfflineImage(image), Ink.empty(), Placement(1.0, 0.0, 0.0))
    if rows:
        batch = flatten([inks[row] for row in rows])
        batch, frames = _lay_out(batch, style, chance, rows, reach)
        images = _images(batch, frames, style, chance, rows, threads=threads)
        truths = batch.xy[batch.knots].astype(np.float32)
        first = 0
        for i, row in enumerate(rows):
            ink = inks[row]
            truth = Ink(truths[first : first + ink.n_points], ink.offsets, ink.t, ink.pressure, ink.extra)
            first += ink.n_points
            placement = Placement(float(frames.scale[i]), *frames.shift[i].tolist())
            done[row] = Rendering(OfflineImage(images[i]), truth, placement)
    return [rendering for rendering in done if rendering is not None]


def _lay_out(batch: Batch, style: Style, chance: _Chance, rows: Sequence[int], reach: float) -> tuple[Batch, Frames]:
    """Distort and place the paths; what the random displacements push over the margin is fitted again."""
    batch = warp.straighten(batch, style)
    frames = place(batch, style, reach)
    batch = smooth(_placed(batch, frames), style)
    if style.elastic_px > 0 or style.tremor_px > 0:
        shaken = warp.shake(batch, style, chance.rngs("geometry", rows))
        fixed = style.px_per_unit > 0 or style.frame == "tight"
        again = place(shaken, style.replace(px_per_unit=1.0, scale=1.0) if fixed else style, reach)
        batch = _placed(shaken, again)
        scale = again.scale[:, None]
        frames = again._replace(scale=frames.scale * again.scale, shift=frames.shift * scale + again.shift)
    return batch, frames


def _placed(batch: Batch, frames: Frames) -> Batch:
    return batch.at(batch.xy * batch.per_point(frames.scale)[:, None] + batch.per_point(frames.shift))


def _images(
    batch: Batch, frames: Frames, style: Style, chance: _Chance, rows: Sequence[int], *, threads: int
) -> list[NDArray[np.uint8]]:
    path = np.column_stack([batch.xy, nib.half_widths(batch, style)])
    rngs = chance.rngs("ink", rows) if style.dry_gaps > 0 else []
    ink = nib.ink_amounts(batch, style, rngs)
    cells = frames.heights * frames.widths
    layout = np.stack([frames.heights, frames.widths, np.cumsum(cells) - cells], axis=1)
    plain = style.is_plain
    amount = _NO_AMOUNT if plain else np.empty(int(cells.sum()), np.float32)
    grey = np.empty(int(cells.sum()), np.uint8) if plain else _NO_GREY
    shape = nib_matrix(style.nib_shape, style.nib_angle_deg, nib.narrow_aspect(style))
    varying = bool((ink != 1.0).any())

    def work(a: int, b: int) -> None:
        draw_exact(
            path, ink, batch.strokes, batch.images[a : b + 1], layout[a:b], shape,
            np.float32(style.opacity), varying, np.float32(style.darkness), amount, grey,
        )  # fmt: skip

    _share_out(work, len(rows), threads)
    boxes = layout.tolist()
    if plain:
        return [grey[at : at + h * w].reshape(h, w) for h, w, at in boxes]
    amounts = [amount[at : at + h * w].reshape(h, w) for h, w, at in boxes]
    return [_finish(drawn, style, chance, row) for drawn, row in zip(amounts, rows, strict=True)]


def _share_out(work: Callable[[int, int], None], n: int, threads: int) -> None:
    """Call ``work(first, end)`` over 0..n, in this thread or on several."""
    if threads == 1 or n < 2:
        work(0, n)
        return
    cuts = np.linspace(0, n, min(n, threads) + 1).astype(int).tolist()
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        for future in [pool.submit(work, a, b) for a, b in itertools.pairwise(cuts)]:
            future.result()


def _finish(amount: NDArray[np.float32], style: Style, chance: _Chance, row: int) -> NDArray[np.uint8]:
    """Lay ink of that amount on paper and take the picture."""
    grey = 255.0 - 255.0 * np.float32(style.darkness) * amount
    return (grey + 0.5).astype(np.uint8)
