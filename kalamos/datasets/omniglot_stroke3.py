"""Omniglot's 50 alphabets as simplified sketches without labels, writers or times, split so that nothing leaks.

Layout: ``stroke3_all50alphabets.npz`` (32,000 drawings, stroke-3 with ``offsets``), published with Sketch-RNN's data,
beside the drawings themselves, ``strokes_*`` (:mod:`kalamos.datasets.omniglot`). Somebody drew the sketches out of
Omniglot, dropped strokes of one point, simplified them (Ramer, Douglas, Peucker), and shuffled them; which drawing a
sketch was, nobody says.

**Split.** A sketch that may be a drawing of Omniglot's validation or test drawers must not be trained on. Sketches are
compared as pictures, whatever their order of strokes: points along the ink, in a box of :data:`GRID` x :data:`GRID`
cells, blurred by one cell, by the cosine between them. With every held-out drawing go its :data:`NEAREST` most alike
sketches, and all that are at least :data:`ALIKE`; they get the split of that drawing, ``test`` before ``validation``.
All others are ``train``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from kalamos.datasets import omniglot
from kalamos.datasets.corpus import Card, Refusal, UnitReport
from kalamos.errors import CorpusError, FormatError
from kalamos.formats import stroke3
from kalamos.geometry import trajectory
from kalamos.ink import Ink, Sample, Split
from kalamos.machinery.arrays import Floats

FILE = "stroke3_all50alphabets.npz"
GRID = 20
ALIKE = 0.93
NEAREST = 3
POINTS_A_DRAWING = 400


@dataclass(frozen=True)
class OmniglotStroke3:
    """The corpus; its one unit is the file."""

    card: Card

    def units(self, root: Path, **options: str) -> Sequence[str]:
        """Return the name of the file.

        Raises:
            CorpusError: where it is not there, or an option is given.
        """
        if options:
            raise CorpusError(f"omniglot-stroke3 has no option {', '.join(options)}")
        if not (root / FILE).is_file():
            raise CorpusError(f"{root} holds no {FILE}; name the folder that holds it")
        return [FILE]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield the sketches, each with its split.

        Raises:
            CorpusError: where Omniglot's own drawings, by which they are split, are not beside the file.
        """
        held_out = [sample for sample in self._drawings(root) if sample.split in ("validation", "test")]
        try:
            sketches = list(stroke3.read(root / unit, report))
        except FormatError as error:
            report.refusals.append(Refusal(unit, error.where, error.reason))
            return
        splits = split_by_likeness([sketch.ink for sketch in sketches], held_out)
        for sketch, split in zip(sketches, splits, strict=True):
            yield replace(sketch, corpus=self.card.name, script="Zyyy", split=split, time_source="none")

    @staticmethod
    def _drawings(root: Path) -> Iterator[Sample]:
        for unit in omniglot.CORPUS.units(root):
            yield from omniglot.CORPUS.read(root, unit, UnitReport())


def split_by_likeness(sketches: Sequence[Ink], held_out: Sequence[Sample]) -> list[Split]:
    """Return the split of each sketch: that of a held-out drawing which it may be, or ``train``."""
    splits: list[Split] = ["train"] * len(sketches)
    if not sketches or not held_out:
        return splits
    pictures = np.stack([picture(ink) for ink in sketches])
    for split in ("validation", "test"):  # the later one wins
        drawings = [picture(sample.ink) for sample in held_out if sample.split == split]
        for drawing in drawings:
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


CORPUS = OmniglotStroke3(
    Card(
        name="omniglot-stroke3",
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
        layout=f"{FILE}, and beside it Omniglot's strokes_<part>/",
        verified="all 32,000 drawings; split beside the two small background parts of Omniglot",
        url="https://github.com/hardmaru/sketch-rnn-datasets",
    )
)
