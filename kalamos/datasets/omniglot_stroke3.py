"""Omniglot's 50 alphabets as simplified sketches without labels, writers or times, split so that nothing leaks.

Layout: ``stroke3_all50alphabets.npz`` (32,000 drawings, stroke-3 with ``offsets``), published with Sketch-RNN's data,
beside the drawings themselves, ``strokes_*`` (:mod:`kalamos.datasets.omniglot`). Somebody drew the sketches out of
Omniglot, dropped strokes of one point, simplified them (Ramer, Douglas, Peucker), and shuffled them; which drawing a
sketch was, nobody says.

**Split.** A sketch that may be a drawing of Omniglot's validation or test drawers must not be trained on. Sketches are
compared as pictures, whatever their order of strokes: points along the ink, in a box of :data:`GRID` x :data:`GRID`
cells, blurred by one cell, by the cosine between them. With every held-out drawing go its :data:`NEAREST` most alike
sketches, and all that are at least :data:`ALIKE`; they get the split of that drawing, ``test`` before ``validation``.
All others are ``train``. What this gave beside the eight alphabets of the small background parts stands in a table,
``identities/omniglot-stroke3.tsv``, so that a sketch stands on the same side whatever lies beside the file.

The other way round, :func:`seen_as_sketches` looks for held-out drawings of which the sketch, by the order of drawing,
is ``train`` all the same; these have no side (``identities/omniglot.tsv``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from kalamos.datasets import omniglot
from kalamos.datasets.corpus import Card, UnitReport, split_by_writer
from kalamos.datasets.folders import FolderCorpus
from kalamos.errors import CorpusError
from kalamos.formats import stroke3
from kalamos.geometry import trajectory
from kalamos.ink import Ink, Sample, Split
from kalamos.machinery.arrays import Floats, Floats32, Ints

NAME = "omniglot-stroke3"
FILE = "stroke3_all50alphabets.npz"
GRID = 20
ALIKE = 0.93
NEAREST = 3
POINTS_A_DRAWING = 400
PATH_PLACES = 32
STROKE_WEIGHT = 0.2
"""What a stroke more or less weighs beside the distance of :data:`PATH_PLACES` places."""


def _find(root: Path) -> Sequence[str]:
    """Return the name of the file.

    Raises:
        CorpusError: where it is not there.
    """
    if not (root / FILE).is_file():
        raise CorpusError(f"{root} holds no {FILE}; name the folder that holds it")
    return [FILE]


def _read(root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
    """Yield the sketches, each with its split."""
    held_out = held_out_sketches()
    for number, sketch in enumerate(stroke3.read(root / unit, report)):
        split = held_out.get(number, "train")
        yield replace(sketch, corpus=NAME, script="Zyyy", split=split, time_source="none")


@lru_cache(maxsize=1)
def held_out_sketches() -> dict[int, Split]:
    """Return the numbers of the sketches that are not for training, and the split of each."""
    table = files("kalamos.datasets") / "identities" / "omniglot-stroke3.tsv"
    found: dict[int, Split] = {}
    for line in table.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            split, _, numbers = line.partition("\t")
            found.update((int(number), "test" if split == "test" else "validation") for number in numbers.split())
    return found


def table_of(splits: Sequence[Split]) -> str:
    """Return the text of the table: the numbers of the sketches of a split, twenty a line."""
    lines = ["# Made by: python -m kalamos.datasets.clean_splits omniglot-stroke3 ROOT"]
    for side in ("validation", "test"):
        numbers = [str(number) for number, split in enumerate(splits) if split == side]
        lines += [f"{side}\t{' '.join(numbers[k : k + 20])}" for k in range(0, len(numbers), 20)]
    return "\n".join(lines) + "\n"


def drawings(root: Path) -> list[Sample]:
    """Return Omniglot's drawings of the alphabets that are held out, each on the side of its drawer's hash alone."""
    units = omniglot.CORPUS.units(root)
    found = [sample for unit in units for sample in omniglot.CORPUS.read(root, unit, UnitReport())]
    return [
        replace(sample, split=split_by_writer("omniglot", sample.writer))
        for sample in found
        if sample.label.partition("/")[0] in omniglot.HELD_OUT
    ]


def seen_as_sketches(held_out: Sequence[Sample], sketches: Sequence[Sample]) -> list[str]:
    """Return the keys of held-out drawings whose sketch, the nearest by path and order, is training data."""
    known = [(sketch.split, path) for sketch in sketches if (path := path_of(sketch.ink)) is not None]
    tree = cKDTree(np.stack([path for _, path in known]))
    asked = [(sample.key, path) for sample in held_out if (path := path_of(sample.ink)) is not None]
    nearest: Ints = np.asarray(tree.query(np.stack([path for _, path in asked]))[1], np.int64)
    return [key for (key, _), k in zip(asked, list(nearest), strict=True) if known[k][0] == "train"]


def path_of(ink: Ink) -> Floats32 | None:
    """Return places at equal steps along an ink in its own box and its strokes; dots left out, as in the sketches."""
    long = np.diff(ink.offsets) > 1
    if not long.any():
        return None
    xy = ink.xy[np.repeat(long, np.diff(ink.offsets))].astype(np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    if along[-1] <= 0:
        return None
    steps = np.linspace(0, along[-1], PATH_PLACES)
    places = np.stack([np.interp(steps, along, xy[:, k]) for k in (0, 1)], axis=1)
    boxed = (places - (low + high) / 2) / (high - low).max()
    return np.append(boxed, STROKE_WEIGHT * long.sum()).astype(np.float32)


def split_by_likeness(sketches: Sequence[Ink], held_out: Sequence[Sample]) -> list[Split]:
    """Return the split of each sketch: that of a held-out drawing which it may be, or ``train``."""
    splits: list[Split] = ["train"] * len(sketches)
    if not sketches or not held_out:
        return splits
    pictures = np.stack([picture(ink) for ink in sketches])
    for split in ("validation", "test"):  # the later one wins
        pictures_held = [picture(sample.ink) for sample in held_out if sample.split == split]
        for drawing in pictures_held:
            likeness = pictures @ drawing
            nearest = np.argsort(-likeness, kind="stable")[:NEAREST]
            for k in {*nearest.tolist(), *np.flatnonzero(likeness >= ALIKE).tolist()}:
                splits[k] = split
    return splits


def picture(ink: Ink) -> Floats:
    """Return a drawing as a blurred picture in its own box, ``(GRID * GRID,)`` of length 1; no order, no lifts."""
    xy = trajectory(ink, POINTS_A_DRAWING)
    low, high = xy.min(axis=0), xy.max(axis=0)
    side = max(float((high - low).max()), 1e-6)
    cells = np.rint(((xy - 0.5 * (low + high)) / side + 0.5) * (GRID - 1)).astype(np.int64)
    grid = np.zeros((GRID, GRID))
    grid[cells[:, 1], cells[:, 0]] = 1.0
    blurred = gaussian_filter(grid, 1.0).ravel()
    return np.asarray(blurred / np.linalg.norm(blurred))


CORPUS = FolderCorpus(
    Card(
        name=NAME,
        title="Omniglot, simplified sketches of all alphabets",
        scripts=("Zyyy",),
        levels=("character",),
        size="32,000 drawings of 50 alphabets, unlabelled and shuffled",
        licence="MIT",
        citation=(
            "B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum: Human-level concept learning through probabilistic program"
            " induction. Science 350 (6266), 2015, pp. 1332-1338, doi:10.1126/science.aab3050; simplified for D. Ha, D."
            " Eck: A Neural Representation of Sketch Drawings, ICLR 2018"
        ),
        obtain="from the repository hardmaru/sketch-rnn-datasets, folder omniglot, into the folder of Omniglot itself",
        layout=FILE,
        verified="all 32,000 drawings; split beside the two small background parts of Omniglot",
        url="https://github.com/hardmaru/sketch-rnn-datasets",
    ),
    _find,
    _read,
)
