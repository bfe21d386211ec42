"""A hand's habits, from the likely paths of many of its images: which paths of one go with those of the others.

Each stroke of a path is a *mark*, and so is each jump of the lifted pen. A mark is supported by the marks alike it on
the other images of the hand, each counted by how likely its path is there. Three sums over a path say how well it
agrees:

- **direction**: the support of its strokes over that of the same strokes drawn backwards;
- **strokes**: the support of its strokes by likely paths over the support by any listed path, so that a stroke
  counts that the hand makes more often than the lists offer it;
- **jumps**: the same of the pen's jumps.

They are logarithms of ratios: without evidence they are 0, and a single image is answered as if it stood alone. Their
weights are fitted on training writers by ``python -m kalamos.training.habit``.

Lengths are in heights of the image that the network reads: images of one hand may be read at several sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from scipy.spatial.distance import cdist

from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats, Ints
from kalamos.models.scale import HEIGHT_PX

POINTS = 10
"""Points of a stroke, evenly along it."""
SHAPE_WIDTH, JUMP_WIDTH = 0.06, 0.12
"""Root mean square distance at which marks are still alike: standard deviations of a Gauss kernel."""
HEADING = 0.25
"""How much a heading of the pen before and after a jump weighs beside the jump."""
LOOSE = 0.3
"""Power of the probabilities by which any listed path counts."""
DOUBT = 0.1
"""Added to every support: with little evidence nothing is concluded."""
SMALL = 0.1
"""Strokes whose points lie closer about their middle tell less of a direction."""
MOST_MARKS = 4000
"""Of more strokes only those of every second, third, ... image are evidence, in the order of a hash of their marks."""
ROWS = 512
FEATURES = 3
DEFAULT = (0.15, 1.74, 0.40)
"""Weights of the three sums, of weights that bring none of their own: fitted on 12,000 samples of training writers."""


class Marks(NamedTuple):
    """What a path consists of.

    Attributes:
        strokes: float64 ``(s, 2 * POINTS)``, x and y of each point about the middle of the stroke's box.
        jumps: float64 ``(s - 1, 6)``: the jump, then the weighted headings before and after it.
    """

    strokes: Floats
    jumps: Floats


def read_habit(config: Mapping[str, Any]) -> Floats:
    """Take the weights of the three sums from the ``habit`` of a config, else :data:`DEFAULT`, ``(3,)``.

    Raises:
        ValueError, TypeError: where they are no weights.
    """
    found = np.array(config.get("habit", DEFAULT), np.float64)
    if found.shape != (FEATURES,) or not np.isfinite(found).all():
        raise ValueError(f"habit holds {FEATURES} finite numbers")
    return found


def marks_of(ink: Ink, height_px: int = HEIGHT_PX) -> Marks:
    """Return the marks of an ink in pixels of the image that the network reads, ``height_px`` high."""
    lines = [_evenly(stroke / height_px) for stroke in ink.strokes()]
    strokes = [(line - 0.5 * (line.min(axis=0) + line.max(axis=0))).reshape(-1) for line in lines]
    jumps = [np.concatenate([b[0] - a[-1], _heading(a[-1] - a[-3]), _heading(b[2] - b[0])]) for a, b in pairwise(lines)]
    return Marks(np.array(strokes).reshape(-1, 2 * POINTS), np.array(jumps).reshape(-1, 6))


def _evenly(stroke: Floats) -> Floats:
    """Return ``POINTS`` places evenly along a stroke, ``(POINTS, 2)``."""
    walked = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    at = np.linspace(0.0, walked[-1], POINTS)
    return np.column_stack([np.interp(at, walked, stroke[:, 0]), np.interp(at, walked, stroke[:, 1])])


def _heading(step: Floats) -> Floats:
    return HEADING * step / max(float(np.hypot(*step)), 1e-6)


def agreement(images: Sequence[Sequence[Marks]], log_p: Sequence[Floats]) -> list[Floats]:
    """Return how well each path agrees with the other images of its hand.

    Args:
        images: of each image the marks of its paths.
        log_p: of each image the natural log-probabilities of its paths.

    Returns:
        Of each image direction, strokes and jumps of its paths, float64 ``(k, 3)``; 0 where nothing speaks.
    """
    if not images:
        return []
    counts = np.array([len(paths) for paths in images])
    image = np.repeat(np.arange(len(images)), counts)
    belief = np.concatenate([np.column_stack([_shares(some), _shares(LOOSE * some)]) for some in log_p])
    every = [path for paths in images for path in paths]
    sums = np.zeros((len(every), FEATURES))

    strokes, at = _gathered([path.strokes for path in every])
    evidence = _evidence(strokes, at, image, belief)
    forward = _support(strokes, image[at], evidence, SHAPE_WIDTH * np.sqrt(POINTS))
    backward = _support(_reversed(strokes), image[at], evidence, SHAPE_WIDTH * np.sqrt(POINTS))
    size = np.sqrt((strokes**2).sum(axis=1) / POINTS)
    np.add.at(sums[:, 0], at, np.minimum(size / SMALL, 1.0) * _log_ratio(forward[:, 0], backward[:, 0]))
    np.add.at(sums[:, 1], at, _log_ratio(*forward.T))

    jumps, at = _gathered([path.jumps for path in every])
    found = _support(jumps, image[at], _evidence(jumps, at, image, belief), JUMP_WIDTH)
    np.add.at(sums[:, 2], at, _log_ratio(*found.T))
    return np.split(sums, np.cumsum(counts)[:-1])


def reranked(log_p: Floats, agreeing: Floats, weights: Floats) -> Floats:
    """Return the log-probabilities ``(k,)`` of paths with what the hand says; together they stay as likely."""
    score = log_p + agreeing @ weights
    return np.asarray(score - np.logaddexp.reduce(score) + np.logaddexp.reduce(log_p), np.float64)


class _Evidence(NamedTuple):
    """Marks that count, of which image each is, and its weights ``(n, 2)``: as likely as it is, and as any listed."""

    marks: Floats
    image: Ints
    belief: Floats


def _evidence(marks: Floats, at: Ints, image: Ints, belief: Floats) -> _Evidence:
    owner = image[at]
    every = -(-len(marks) // MOST_MARKS)
    if every <= 1:
        return _Evidence(marks, owner, belief[at])
    rank = _ranks_by_hash(marks, owner)
    kept = rank[owner] % every == 0
    return _Evidence(marks[kept], owner[kept], belief[at][kept])


def _ranks_by_hash(marks: Floats, owner: Ints) -> Ints:
    """Return the place of each image in an order in which it does not matter how they came, ``(n,)``."""
    parts = np.split(marks, np.searchsorted(owner, np.arange(1, int(owner[-1]) + 1)))
    return np.argsort(np.argsort([crc32(part.tobytes()) for part in parts], kind="stable"))


def _support(marks: Floats, image: Ints, evidence: _Evidence, width: float) -> Floats:
    """Return how much evidence of other images is alike each mark, ``(n, 2)``."""
    found = np.zeros((len(marks), 2))
    for k in range(0, len(marks), ROWS):
        rows = slice(k, k + ROWS)
        alike = np.exp(cdist(marks[rows], evidence.marks, "sqeuclidean") / (-2.0 * width**2))
        alike[image[rows, None] == evidence.image] = 0.0
        found[rows] = np.einsum("ij,jk->ik", alike, evidence.belief)  # no BLAS: the same on any number of cores
    return found


def _gathered(parts: Sequence[Floats]) -> tuple[Floats, Ints]:
    """Return all rows, and of which part each is."""
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _reversed(strokes: Floats) -> Floats:
    return strokes.reshape(-1, POINTS, 2)[:, ::-1].reshape(-1, 2 * POINTS)


def _log_ratio(support: Floats, other: Floats) -> Floats:
    return np.asarray(np.log((DOUBT + support) / (DOUBT + other)), np.float64)


def _shares(log_p: Floats) -> Floats:
    return np.asarray(np.exp(log_p - np.logaddexp.reduce(log_p)), np.float64)
