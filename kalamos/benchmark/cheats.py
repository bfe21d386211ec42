"""Controls that see the image and cheat: what a metric gives to ink that says nothing of how the pen moved.

They stand in every table, beside the controls that have seen the truth (:mod:`kalamos.benchmark.controls`). A metric
under which one of them beats an honest tracer can be won without the task being done: length-normalised DTW by the
dot and the tremble, AIoU by the fill. The ranked metrics give each of them less than the worst honest entry.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kalamos.geometry import line_length
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Floats
from kalamos.skeleton.binarise import binarise
from kalamos.skeleton.from_image import skeleton

Cheat = Callable[[OfflineImage, np.random.Generator], Ink]
TREMBLES = 12_000
TREMBLE_PX = 1.0
TINY_PX = 3.0
POINT_S = 0.01
_IMAGES_KNOWN = 2048
"""Images whose skeletons are kept for the next control: some 10 kB each."""


def scribble(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return one stroke to and fro over the box of the ink, its lines four pixels apart: no look at the writing."""
    rows, columns = np.nonzero(_ink(image))
    if not len(rows):
        return Ink.empty()
    left, right = columns.min(), columns.max() + 1.0
    lines = np.arange(rows.min() + 0.5, rows.max() + 1.0, 4.0)
    ends = np.array([[left, right] if k % 2 == 0 else [right, left] for k in range(len(lines))])
    return timed([np.stack([ends.ravel(), np.repeat(lines, 2)], axis=1)])


def fill(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return every run of ink in every row of the picture as a stroke: all of the ink and nothing of the pen."""
    return timed(runs(_ink(image)))


def dot(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return 12,000 points in one place, the middle of the ink: they cost next to nothing and make the path long."""
    rows, columns = np.nonzero(_ink(image))
    if not len(rows):
        return Ink.empty()
    return timed([trembling(np.array([columns.mean() + 0.5, rows.mean() + 0.5]), rng)])


def random_order(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return the edges of the skeleton in any order and direction: geometry alone, all else left to chance."""
    return timed(_lines(image, rng))


def tremble(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return the skeleton in any order with 12,000 points trembling at the end of its longest edge."""
    lines = _lines(image, rng)
    if not lines:
        return Ink.empty()
    longest = max(range(len(lines)), key=lambda k: line_length(lines[k]))
    lines[longest] = np.concatenate([lines[longest], trembling(lines[longest][-1], rng)])
    return timed(lines)


def tiny_strokes(image: OfflineImage, rng: np.random.Generator) -> Ink:
    """Return the skeleton in strokes of three pixels, from left to right: no direction is ever wrong for long."""
    pieces = [piece for line in _lines(image, rng) for piece in cut(line, TINY_PX)]
    return timed(sorted(pieces, key=lambda piece: (float(piece[0, 0]), float(piece[0, 1]))))


CHEATS: dict[str, Cheat] = {
    "scribble": scribble,
    "fill": fill,
    "dot": dot,
    "tremble": tremble,
    "tiny_strokes": tiny_strokes,
    "random_order": random_order,
}


def runs(ink: Bools) -> list[Floats]:
    """Return the runs of true pixels of each row as lines ``(2, 2)``, rows from the top, to and fro."""
    lines = []
    for row in np.flatnonzero(ink.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(np.concatenate([[False], ink[row], [False]]).astype(np.int8)))
        made = [np.array([[a + 0.5, row + 0.5], [b - 0.5, row + 0.5]]) for a, b in edges.reshape(-1, 2).tolist()]
        lines += made if row % 2 == 0 else [line[::-1] for line in made[::-1]]
    return lines


def trembling(at: Floats, rng: np.random.Generator) -> Floats:
    """Return 12,000 points within a pixel of a place, ``(n, 2)``."""
    return at + rng.uniform(-TREMBLE_PX, TREMBLE_PX, (TREMBLES, 2))


def cut(line: Floats, size_px: float) -> list[Floats]:
    """Return a line ``(n, 2)`` in pieces of at most this length, parted where one ends and the next begins."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if along[-1] <= size_px:
        return [line]
    at = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / size_px)) + 1)
    places = np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)
    return [places[k : k + 2] for k in range(len(places) - 1)]


def timed(strokes: list[Floats]) -> Ink:
    """Return strokes as an ink with a point every hundredth of a second."""
    if not strokes:
        return Ink.empty()
    starts = np.cumsum([0, *(len(stroke) for stroke in strokes)])
    times = [(start + np.arange(len(stroke))) * POINT_S for start, stroke in zip(starts[:-1], strokes, strict=True)]
    return Ink.from_strokes(strokes, times)


def _ink(image: OfflineImage) -> Bools:
    return binarise(image.pixels, "otsu")


def _lines(image: OfflineImage, rng: np.random.Generator) -> list[Floats]:
    """Return the skeleton's edges and dots in any order and direction."""
    lines = _edges_and_dots(image.pixels.tobytes(), image.pixels.shape)
    turned = [line[::-1] if flip else line for line, flip in zip(lines, rng.random(len(lines)) < 0.5, strict=True)]
    return [turned[k] for k in rng.permutation(len(turned))]


@lru_cache(maxsize=_IMAGES_KNOWN)
def _edges_and_dots(pixels: bytes, shape: tuple[int, int]) -> tuple[Floats, ...]:
    """Return the lines of the skeleton of an image; three controls ask for those of every image of a task."""
    graph = skeleton(np.frombuffer(pixels, np.uint8).reshape(shape), "otsu")
    edges = [graph.points[a:b].astype(np.float64) for a, b in itertools.pairwise(graph.edge_offsets.tolist())]
    return (*edges, *(place[None].astype(np.float64) for place in graph.node_xy[graph.dots()]))
