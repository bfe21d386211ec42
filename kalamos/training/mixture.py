"""Training data made on the way: inks in memory, a fresh rendering of each in every epoch, pieces and matched paths.

Everything is a function of (seed, key, epoch): the run's data are cut into numbered **chunks**; a chunk is a list of
batches, and neither the number of worker processes nor a restart changes what chunk k holds. Each rank of a distributed
run takes its share of every batch, so that the mean gradient over ranks is that of one process.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from kalamos.datasets import CORPORA
from kalamos.errors import ModelError
from kalamos.formats.report import UnitReport
from kalamos.geometry import reorder
from kalamos.image import OfflineImage
from kalamos.ink import Ink, Sample, Split
from kalamos.machinery.arrays import Floats32, Ints
from kalamos.machinery.seeding import rng_for
from kalamos.models.kalamos.blocks import blocks, part
from kalamos.models.kalamos.network import Route, Scene, collate_scene
from kalamos.models.kalamos.path_matching import MatchedPath, match
from kalamos.models.kalamos.pieces import POINTS, Pieces, cut_pieces, interval_lengths, walked_points
from kalamos.renderers import Style, preset, render_batch
from kalamos.training.parts import part_of

GROUP = 16
"""Samples that share one sampled style."""
PEN = "pen_px"
"""The name of the pen's width among the ranges, where it is drawn on a logarithmic scale."""
WORST_MATCH_PX = 1.6
WORST_PIECES = 260
"""A block that holds more, drawn without a gap, is left out: attention over it costs as much as forty characters."""
BLOCK_SIZES = (40, 80, 160)
"""Pieces after which a long line is cut at the next gap: one of these for each picture, as inference cuts it."""
BLOCK_TRIES = 3


@dataclass(frozen=True)
class Source:
    """One corpus as training data.

    Attributes:
        corpus: its registered name.
        folder: below the folder of all corpora.
        share: of the samples of every chunk.
        frame: ``"fixed"`` for 64 x 64 characters, ``"height"`` for 64 px high images of any width.
        options: passed to the corpus' ``units``.
        levels: what is taken.
        parts: share of the inks of which only a part is drawn, anew in every epoch (:mod:`kalamos.training.parts`).
    """

    corpus: str
    folder: str = ""
    share: float = 1.0
    frame: str = "fixed"
    options: dict[str, str] = field(default_factory=dict)
    levels: tuple[str, ...] = ("character",)
    parts: float = 0.0

    def shown(self, ink: Ink, seed: int, key: str) -> Ink:
        """Return what is drawn of an ink: all of it, or a part; a function of seed and key."""
        if not self.parts:
            return ink
        rng = rng_for(seed, "part", key)
        return part_of(ink, rng) if rng.random() < self.parts else ink


class TrainingInk(NamedTuple):
    """An ink in memory and what training needs to know of it."""

    key: str
    ink: Ink
    script: str


class Item(NamedTuple):
    """One training sample: pieces of its image and the truth on them."""

    pieces: Pieces
    path: MatchedPath
    script: str | None = None


class Batch(NamedTuple):
    """A batch as tensors; ``offsets`` and ``slowness`` are the targets of the motion, ``timed``: has times."""

    scene: Scene
    route: Route
    offsets: Tensor
    slowness: Tensor
    timed: Tensor

    def on(self, device: torch.device) -> Batch:
        """Return the batch on a device; itself where it is there."""
        if device == self.offsets.device:
            return self
        scene = Scene(*(one.to(device) for one in self.scene))
        route = Route(*(one.to(device) for one in self.route))
        return Batch(scene, route, self.offsets.to(device), self.slowness.to(device), self.timed.to(device))


def corpora_folder() -> Path:
    """Return the folder of all corpora, from the environment variable ``KALAMOS_CORPORA``."""
    if "KALAMOS_CORPORA" not in os.environ:
        raise ModelError("set KALAMOS_CORPORA to the folder that holds the corpora")
    return Path(os.environ["KALAMOS_CORPORA"])


def load_inks(source: Source) -> dict[Split, list[TrainingInk]]:
    """Return the inks of a corpus' training and validation splits, in the corpus' order; test inks are not kept.

    Raises:
        ModelError: where one of the two is empty.
    """
    inks: dict[Split, list[TrainingInk]] = {"train": [], "validation": []}
    for sample in samples_of(source):
        if sample.split in inks:
            inks[sample.split].append(TrainingInk(sample.key, sample.ink, sample.script))
    for split, found in inks.items():
        if not found:
            raise ModelError(
                f"corpus {source.corpus} below {_root(source)} has no {split} sample of {', '.join(source.levels)}"
            )
    return inks


def samples_of(source: Source) -> Iterator[Sample]:
    """Yield what a source has of its levels with ink, of all splits, in the corpus' order."""
    corpus: Any = CORPORA.load(source.corpus)
    root = _root(source)
    for unit in corpus.units(root, **source.options):
        for sample in corpus.read(root, unit, UnitReport()):
            if sample.level in source.levels and sample.ink.n_points:
                yield sample


def _root(source: Source) -> Path:
    return corpora_folder() / source.folder if source.folder else Path()


class Mixture:
    """Several sources in fixed shares; sample number k of a source is its k-th in the order of its epoch."""

    def __init__(
        self,
        inks: Sequence[Sequence[TrainingInk]],
        sources: Sequence[Source],
        ranges: dict[str, Any],
        item: Callable[[OfflineImage, Ink], Any | None],
        size: Callable[[Any], int],
        *,
        looks: Mapping[str, float] | None = None,
        hide_script: float = 0.0,
        seed: int = 0,
        chunk: int = 4096,
        budget: int = 6000,
    ) -> None:
        """Take inks by source, and how they are to look: presets in shares, each varied by the same ``ranges``.

        A range of :data:`PEN` is one of the pen's width that is drawn evenly on a logarithmic scale: thin pens are
        common, and thick ones must not be strange. ``hide_script`` is the share of groups whose script the model is
        not told.
        """
        self.inks, self.sources, self.seed = inks, sources, seed
        self.ranges, self.pen = {name: range_ for name, range_ in ranges.items() if name != PEN}, ranges.get(PEN)
        self.item, self.size = item, size
        self.looks, self.hide_script, self.budget = dict(looks or {"clean": 1.0}), hide_script, budget
        shares = np.array([source.share for source in sources])
        self.counts = np.maximum(1, np.round(chunk * shares / shares.sum() / GROUP)).astype(int) * GROUP
        self._orders: dict[tuple[int, int], Ints] = {}

    def draw(self, chunk: int, which: int) -> list[tuple[TrainingInk, int]]:
        """Return inks and epochs that chunk number ``chunk`` takes from source number ``which``."""
        count, size = int(self.counts[which]), len(self.inks[which])
        drawn = []
        for k in range(chunk * count, (chunk + 1) * count):
            epoch, place = divmod(k, size)
            drawn.append((self.inks[which][int(self._order(which, epoch)[place])], epoch))
        return drawn

    def items(self, chunk: int) -> list[Any]:
        """Return the samples of a chunk, in the order of drawing; those that cannot be matched are left out."""
        made: list[Any] = []
        for which, source in enumerate(self.sources):
            drawn = self.draw(chunk, which)
            for first in range(0, len(drawn), GROUP):
                group = drawn[first : first + GROUP]
                rng = rng_for(self.seed, "style", source.corpus, which, chunk, first)
                style = replace(self.style(rng), frame=source.frame)
                hidden = rng.random() < self.hide_script
                keys = [f"{ink.key}/{epoch}" for ink, epoch in group]
                scripts = [None if hidden else ink.script for ink, _ in group]
                inks = [source.shown(ink.ink, self.seed, key) for (ink, _), key in zip(group, keys, strict=True)]
                for one in render_batch(inks, style, seed=self.seed, keys=keys, scripts=scripts):
                    item = self.item(one.image, one.truth)
                    if item is not None:
                        made.append(item)
        return made

    def style(self, rng: np.random.Generator) -> Style:
        """Draw a style: one of the looks, with the parameters that have ranges drawn from them."""
        names, shares = list(self.looks), np.array(list(self.looks.values()), np.float64)
        base = preset(names[int(rng.choice(len(names), p=shares / shares.sum()))])
        style = Style.sample(rng, self.ranges, base)
        return replace(style, width_px=float(np.exp(rng.uniform(*np.log(self.pen))))) if self.pen else style

    def batches(self, chunk: int) -> list[list[Any]]:
        """Return the chunk cut into batches of like sizes, shuffled."""
        items = sorted(self.items(chunk), key=self.size)
        return [
            batch for _, batch in sorted(self._cut(items, rng_for(self.seed, "batches", chunk)), key=lambda b: b[0])
        ]

    def _cut(self, items: list[Any], rng: np.random.Generator) -> Iterator[tuple[float, list[Any]]]:
        """Cut from the longest on; where samples are long their squares count, as attention does."""
        end = len(items)
        while end > 0:
            size = self.size(items[end - 1])
            first = max(0, end - max(1, min(self.budget // size, 100 * self.budget // size**2)))
            yield float(rng.random()), items[first:end]
            end = first

    def _order(self, which: int, epoch: int) -> Ints:
        if (which, epoch) not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k[0] != which or k[1] >= epoch - 1}
            rng = rng_for(self.seed, "order", self.sources[which].corpus, epoch)
            self._orders[which, epoch] = rng.permutation(len(self.inks[which]))
        return self._orders[which, epoch]


def make_item(image: OfflineImage, truth: Ink) -> Item | None:
    """Return the sample of an image and its truth in pixels, or None where the truth cannot be laid on the pieces.

    Of a long line one block is taken, cut as inference cuts it; which, and how long, depends on the picture alone.
    """
    pieces = cut_pieces(image.pixels)
    if not len(pieces.points):
        return None
    rng = np.random.default_rng(zlib.crc32(pieces.points.tobytes()))
    cut = blocks(pieces, int(rng.choice(BLOCK_SIZES)), WORST_PIECES)
    if len(cut) == 1:
        return _laid(pieces, truth, image.script)
    owner = np.empty(len(pieces.points), np.int64)
    for number, chosen in enumerate(cut):
        owner[chosen] = number
    written = strokes_in(pieces, owner, truth)
    for number in rng.permutation(len(cut))[:BLOCK_TRIES]:
        ink = reorder(truth, np.flatnonzero(written == number).tolist())
        item = _laid(part(pieces, cut[number]), ink, image.script) if ink.n_points else None
        if item is not None:
            return item
    return None


def _laid(pieces: Pieces, truth: Ink, script: str | None) -> Item | None:
    if len(pieces.points) > WORST_PIECES:
        return None
    path = match(truth, pieces)
    if not len(path.steps) or path.distance_px > WORST_MATCH_PX:
        return None
    return Item(pieces, path, script)


def strokes_in(pieces: Pieces, owner: Ints, truth: Ink) -> Ints:
    """Return for each stroke of the truth the block whose pieces it runs along, ``(s,)``; -1 where there are several.

    A block that a stroke only grazes (less than a tenth of the stroke's points) does not count.
    """
    tree = cKDTree(pieces.points.reshape(-1, 2))
    _, nearest = tree.query(truth.xy)
    of_point = owner[np.asarray(nearest) // POINTS]
    found = np.full(truth.n_strokes, -1, np.int64)
    for k in range(truth.n_strokes):
        votes = np.bincount(of_point[truth.offsets[k] : truth.offsets[k + 1]])
        if votes.max() > 0.9 * votes.sum():
            found[k] = votes.argmax()
    return found


def collate(items: Sequence[Item], scripts: Sequence[int] | None = None) -> Batch:
    """Return a padded batch; ``scripts`` are the items' rows of ``script.weight``."""
    b, t = len(items), max(len(item.path.steps) for item in items)
    steps, lifts, walked = np.zeros((b, t), np.int64), np.zeros((b, t), bool), np.zeros((b, t), bool)
    offsets, slowness = np.zeros((b, t, POINTS, 2), np.float32), np.zeros((b, t, POINTS - 1), np.float32)
    timed = np.zeros(b, bool)
    for i, (pieces, path, _) in enumerate(items):
        m = len(path.steps)
        steps[i, :m], lifts[i, :m], walked[i, :m] = path.steps, path.lifts, True
        offsets[i, :m], slowness[i, :m], timed[i] = motion_targets(pieces, path)
    as_tensor = torch.from_numpy
    route = Route(as_tensor(steps), as_tensor(lifts), as_tensor(walked))
    scene = collate_scene([item.pieces for item in items], scripts)
    return Batch(scene, route, as_tensor(offsets), as_tensor(slowness), as_tensor(timed))


def motion_targets(pieces: Pieces, path: MatchedPath) -> tuple[Floats32, Floats32, bool]:
    """Return offsets of the truth from the pieces, log slowness (0 at constant speed), and whether timed."""
    line = walked_points(pieces, path.steps)
    offsets = (path.truth - line).clip(-6, 6).astype(np.float32)
    lengths = interval_lengths(line)
    durations = np.diff(path.clock, axis=1)
    total = durations.sum()
    if not np.isfinite(total) or total <= 0:
        return offsets, np.zeros_like(lengths, np.float32), False
    slowness = np.log((durations / total + 1e-5) / (lengths / lengths.sum()))
    return offsets, slowness.clip(-3, 3).astype(np.float32), True


def as_it_is(batches: list[list[Any]]) -> list[list[Any]]:
    """Return what it is given: a loader's collate function that leaves arrays alone."""
    return batches


class ChunkStream(IterableDataset[list[list[Any]]]):
    """The chunks from ``first`` on, for ever, in order whatever the number of workers."""

    def __init__(self, mixture: Mixture, first: int = 0) -> None:
        self.mixture, self.first = mixture, first

    def __iter__(self) -> Iterator[list[list[Any]]]:
        """Make chunk after chunk; worker w of W makes every W-th, and the loader takes turns."""
        info = get_worker_info()
        here, all_ = (info.id, info.num_workers) if info else (0, 1)
        chunk = self.first + here
        while True:
            yield self.mixture.batches(chunk)
            chunk += all_


def share_of(batch: Sequence[Any], rank: int, ranks: int) -> Sequence[Any]:
    """Return the part of a batch that one rank of a distributed run works on."""
    return batch[rank::ranks]
