"""From the pieces of many images to likely paths over them and the pen's motion: batches of images of one size.

Images of about as many pieces stand in one batch, padded to the same number, which depends on the image alone, as does
all that becomes of it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Floats32, Ints
from kalamos.models.kalamos.engine import Encoded, Engine, padded_pieces
from kalamos.models.kalamos.pieces import POINTS, Pieces
from kalamos.models.kalamos.search import FoundPath, cut_after, likeliest_paths
from kalamos.models.kalamos.tables import ENOUGH
from kalamos.models.kalamos.walk import ways_on

BATCH_PIECES = 1600
"""Images are put side by side until they have so many pieces together: more than the caches of a core can hold."""
PATH_SIDE = 16


class Motioned(NamedTuple):
    """A path over pieces and the pen's motion along it.

    Attributes:
        steps: int64 ``(t,)``, directed pieces.
        lifts: bool ``(t,)``, True where the pen was lifted before.
        offsets: float32 ``(t, POINTS, 2)``, pixels from the pieces' points.
        slowness: float32 ``(t, POINTS - 1)``, log of time over length, 0 at the mean speed.
        log_p: float64 ``(t + 1,)``, log-probability of each step and of the end; of a path that was cut, ``(t,)``.
    """

    steps: Ints
    lifts: Bools
    offsets: Floats32
    slowness: Floats32
    log_p: Floats = np.zeros(0)

    @property
    def total(self) -> float:
        """Return the log-probability of the path."""
        return float(self.log_p.sum())


def find_paths(
    engine: Engine,
    pieces: Sequence[Pieces],
    scripts: Sequence[int],
    width: int,
    n_best: int = 1,
    enough: float = ENOUGH,
) -> list[list[Motioned]]:
    """Return the likeliest paths found over each set of pieces, none of them empty, likeliest first, on all cores.

    Args:
        engine: the network.
        pieces: of each image, at least one.
        scripts: of each image, the row of the script's vector; 0 where it is unknown.
        width: paths that a search keeps.
        n_best: paths wanted of each; there may be fewer.
        enough: the share of the ink, by length, before which no path ends.
    """
    batches = _batches([len(one.points) for one in pieces])
    found: list[list[Motioned]] = [[] for _ in pieces]

    def run(batch: Sequence[int]) -> None:
        made = _of_batch(engine, [pieces[k] for k in batch], [scripts[k] for k in batch], width, n_best, enough)
        for k, one in zip(batch, made, strict=True):
            found[k] = one

    if len(batches) < 2:
        list(map(run, batches))
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, batches))
    return found


def _batches(counts: Sequence[int]) -> list[list[int]]:
    """Return the images of each batch, largest images first."""
    by_size = defaultdict(list)
    for k in sorted(range(len(counts)), key=lambda k: -counts[k]):
        by_size[padded_pieces(counts[k])].append(k)
    made = []
    for size, images in by_size.items():
        most = max(1, BATCH_PIECES // size)
        made += [images[k : k + most] for k in range(0, len(images), most)]
    return made


def _of_batch(
    engine: Engine, pieces: Sequence[Pieces], scripts: Sequence[int], width: int, n_best: int, enough: float
) -> list[list[Motioned]]:
    scene = collated(pieces)
    encoded = engine.encode(**scene, real=scene["joints"][..., 0] >= 0, script=np.array(scripts, np.int64))
    limits = cut_after([len(one.points) for one in pieces])
    ways = ways_on(scene["points"], scene["joints"])
    found = likeliest_paths(engine, encoded, ways, limits, max(width, n_best + 1 if n_best > 1 else 1), n_best, enough)
    return _in_motion(engine, encoded, scene, found)


def motion_along(engine: Engine, pieces: Pieces, path: FoundPath) -> Motioned:
    """Return a given path over the pieces of one image with the pen's motion."""
    scene = collated([pieces])
    encoded = engine.encode(**scene, real=scene["joints"][..., 0] >= 0, script=np.zeros(1, np.int64))
    return _in_motion(engine, encoded, scene, [[path]])[0][0]


def collated(pieces: Sequence[Pieces]) -> dict[str, Any]:
    """Return the pieces of images of one padded size as the graphs take them; joints are -1 for padding."""
    b, n = len(pieces), padded_pieces(max(len(one.points) for one in pieces))
    points, radii = np.zeros((b, n, POINTS, 2), np.float32), np.ones((b, n, POINTS), np.float32)
    joints = np.full((b, n, 2), -1, np.int64)
    for i, one in enumerate(pieces):
        k = len(one.points)
        points[i, :k], radii[i, :k], joints[i, :k] = one.points, one.radii, one.joints
    return {"points": points, "radii": radii, "joints": joints}


def _in_motion(
    engine: Engine, encoded: Encoded, scene: dict[str, Any], found: Sequence[Sequence[FoundPath]]
) -> list[list[Motioned]]:
    """Return the paths of each image with the pen's motion, paths of about one length side by side."""
    by_length = defaultdict(list)
    for k, paths in enumerate(found):
        for rank, path in enumerate(paths):
            by_length[-(-len(path.steps) // PATH_SIDE) * PATH_SIDE].append((k, rank, path))
    made: list[list[Motioned | None]] = [[None] * len(paths) for paths in found]
    for t, members in by_length.items():
        images = np.array([k for k, _, _ in members])
        steps, lifts = np.zeros((len(members), t), np.int64), np.zeros((len(members), t), np.bool_)
        walked = np.zeros((len(members), t), np.bool_)
        for i, (_, _, path) in enumerate(members):
            n = len(path.steps)
            steps[i, :n], lifts[i, :n], walked[i, :n] = path.steps, path.lifts, True
        offsets, slowness = engine.motion(
            memory=encoded.memory[images], points=scene["points"][images], radii=scene["radii"][images], steps=steps,
            lifts=lifts, walked=walked,
        )  # fmt: skip
        for i, (k, rank, path) in enumerate(members):
            n = len(path.steps)
            made[k][rank] = Motioned(path.steps, path.lifts, offsets[i, :n], slowness[i, :n], path.log_p)
    return [[one for one in paths if one is not None] for paths in made]
