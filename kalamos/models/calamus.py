"""``kalamos``: our own model. The skeleton gives the exact line, a network gives order, direction, lifts and speed.

An image becomes pieces of line (:mod:`kalamos.models.pieces`); the network (:mod:`kalamos.models.network`) scores paths
over them and beam search (:mod:`kalamos.models.decode`) finds the likeliest; the network's motion head then moves the
path's points from the skeleton to where a pen would have been and gives each interval its duration.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from numpy.typing import NDArray
from torch import Tensor

from kalamos.geometry import concat
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.models.blocks import BLOCK_PIECES, blocks, part, runs_leftwards
from kalamos.models.decode import beam_search, best_route, motion
from kalamos.models.network import PathNetwork, Route, Scene, Sizes, order_loss
from kalamos.models.pieces import POINTS, Pieces, cut_pieces
from kalamos.models.scale import HEIGHT_PX, Scaled, at_height
from kalamos.models.stream import Batch, Item, collate, interval_lengths, make_item, walked_points
from kalamos.models.weights import SHIPPED, fill, load_weights

SPEED_PX_S = 100.0
"""Mean speed of the pen; an image has no clock, only relative times mean anything."""
PAUSE_S = 0.05
"""Least time of a pen-up movement."""
BATCH = 64
LIKE_PIECES = 80
"""With more pieces than this, batches shrink by the square of the number."""
LOWEST_PX, HIGHEST_PX = 40, 96
WIDEST_PX = 16384
OFFSET_WEIGHT, SLOWNESS_WEIGHT = 1.0, 0.3


class Kalamos:
    """Recovers ink with the shipped weights, or with those in ``weights``.

    Args:
        weights: a folder of weights, or None for the shipped ones.
        beams: paths kept by the search where a greedy one has a probability of less than a half (where it has more,
            no other can be likelier); 1, the default, is greedy always: on validation writers it has the lower LDTW.

    Raises:
        ModelError: where the weights cannot be used.
    """

    name = "kalamos"

    def __init__(self, weights: Path | str | None = None, beams: int = 1) -> None:
        folder = Path(weights) if weights is not None else SHIPPED / self.name
        found = load_weights(folder, self.name)
        net = PathNetwork(Sizes(**found.config["sizes"]))
        fill(net, found, folder)
        self._set(net, int(beams))

    @classmethod
    def from_network(cls, net: PathNetwork, beams: int = 1) -> Kalamos:
        """Return a recoverer around a network in memory, as training validates it."""
        made = cls.__new__(cls)
        made._set(net, beams)
        return made

    def _set(self, net: PathNetwork, beams: int) -> None:
        self.net, self.beams = net.eval(), beams

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with relative times; any size, an image without ink gives an empty ink.

        An image much higher or lower than 64 px is read at that height; one with many pieces is read in blocks.
        """
        scales = [_scale(image) for image in images]
        pieces = [cut_pieces(one.pixels) for one in scales]
        parts = [(k, part(one, chosen)) for k, one in enumerate(pieces) for chosen in blocks(one)]
        made: list[list[Ink]] = [[] for _ in images]
        for (k, _), ink in zip(parts, self._recover_parts([one for _, one in parts]), strict=True):
            made[k].append(ink)
        inks = []
        for image, scaled, some in zip(images, scales, made, strict=True):
            leftwards = len(some) > 1 and runs_leftwards(some, image.script)
            ink = concat(some[::-1] if leftwards else some, pause_s=PAUSE_S)
            inks.append(ink.with_points(ink.xy / scaled.scale, ink.offsets, ink.channels()))
        return inks

    def _recover_parts(self, pieces: Sequence[Pieces]) -> list[Ink]:
        """Return one ink for each set of pieces, read in batches of like sizes."""
        inks = [Ink.empty()] * len(pieces)
        order = sorted(range(len(pieces)), key=lambda k: len(pieces[k].points))
        while order:
            largest = len(pieces[order[-1]].points)
            count = max(1, min(BATCH, BATCH * LIKE_PIECES**2 // largest**2))
            order, chosen = order[:-count], order[-count:]
            for k, ink in zip(chosen, self._recover_batch([pieces[k] for k in chosen]), strict=True):
                inks[k] = ink
        return inks

    @torch.inference_mode()
    def _recover_batch(self, pieces: Sequence[Pieces]) -> list[Ink]:
        scene = collate_scene(pieces)
        memory = self.net.encode(scene)
        routes, sure = self._routes(scene, memory, 1)
        unsure = torch.nonzero(~sure & (scene.real.sum(1) <= BLOCK_PIECES))[:, 0]
        if self.beams > 1 and len(unsure):
            some = Scene(*(tensor[unsure] for tensor in scene))
            again, _ = self._routes(some, memory[unsure], self.beams)
            for k, route in zip(unsure.tolist(), again, strict=True):
                routes[k] = route
        return self._move(pieces, scene, memory, routes)

    def _routes(self, scene: Scene, memory: Tensor, beams: int) -> tuple[list[Route], Tensor]:
        """Return the best path of each image, and whether its probability leaves room for no better one."""
        found = beam_search(self.net, scene, beams, memory)
        best = best_route(found)
        return [Route(*(t[k : k + 1] for t in best)) for k in range(len(memory))], found.score[:, 0] > math.log(0.5)

    def _move(self, pieces: Sequence[Pieces], scene: Scene, memory: Tensor, routes: Sequence[Route]) -> list[Ink]:
        """Return the inks of paths, moved and timed by the motion head."""
        longest = max(route.steps.shape[1] for route in routes)
        padded = [Route(*(F.pad(t, (0, longest - t.shape[1])) for t in route)) for route in routes]
        route = Route(*(torch.cat(parts) for parts in zip(*padded, strict=True)))
        offsets, slowness = motion(self.net, scene, memory, route)
        inks = []
        for i, one in enumerate(pieces):
            n = int(route.real[i].sum())
            place, speed = offsets[i, :n].numpy().astype(np.float64), slowness[i, :n].numpy().astype(np.float64)
            inks.append(assemble(one, route.steps[i, :n].numpy(), route.lifts[i, :n].numpy(), place, speed))
        return inks


def _scale(image: OfflineImage) -> Scaled:
    """Return the image at the height that the network knows, as it is where it is near that."""
    if LOWEST_PX <= image.height_px <= HIGHEST_PX:
        return Scaled(image.pixels, np.ones(2))
    return at_height(image.pixels, HEIGHT_PX, WIDEST_PX)


def collate_scene(pieces: Sequence[Pieces]) -> Scene:
    """Return the pieces of several images as one padded batch."""
    b, n = len(pieces), max(len(one.points) for one in pieces)
    points, radii = np.zeros((b, n, POINTS, 2), np.float32), np.ones((b, n, POINTS), np.float32)
    joints, real = np.full((b, n, 2), -1, np.int64), np.zeros((b, n), bool)
    for i, one in enumerate(pieces):
        k = len(one.points)
        points[i, :k], radii[i, :k], joints[i, :k], real[i, :k] = one.points, one.radii, one.joints, True
    return Scene(*(torch.from_numpy(array) for array in (points, radii, joints, real)))


def assemble(
    pieces: Pieces,
    steps: NDArray[np.int64],
    lifts: NDArray[np.bool_],
    offsets: NDArray[np.float64],
    slowness: NDArray[np.float64],
) -> Ink:
    """Return the ink of a path: pieces moved by their offsets, joined where the pen went on, timed by their slowness.

    Args:
        pieces: the image's pieces.
        steps: ``(t,)`` directed pieces.
        lifts: ``(t,)``, True where the pen was lifted before.
        offsets: ``(t, POINTS, 2)`` pixels.
        slowness: ``(t, POINTS - 1)``, log of time over length, 0 at the mean speed.
    """
    if not len(steps):
        return Ink.empty()
    line = walked_points(pieces, steps)
    durations = interval_lengths(line) * np.exp(slowness) / SPEED_PX_S
    line = line + offsets
    starts = np.flatnonzero(lifts | (np.arange(len(steps)) == 0))
    goes_on = np.setdiff1d(np.arange(len(steps)), starts)
    shared = 0.5 * (line[goes_on, 0] + line[goes_on - 1, -1])
    line[goes_on, 0] = line[goes_on - 1, -1] = shared
    strokes: list[NDArray[np.float64]] = []
    times: list[NDArray[np.float64]] = []
    clock = 0.0
    for a, b in zip(starts, np.append(starts[1:], len(steps)), strict=True):
        stroke = np.concatenate([line[a, :1], line[a:b, 1:].reshape(-1, 2)])
        if strokes:
            clock += float(np.hypot(*(stroke[0] - strokes[-1][-1]))) / SPEED_PX_S + PAUSE_S
        at = clock + np.concatenate([[0.0], np.cumsum(durations[a:b])])
        strokes.append(stroke)
        times.append(at)
        clock = float(at[-1])
    return Ink.from_strokes(strokes, t=times)


class KalamosLearner:
    """What training needs to know of this model."""

    name = "kalamos"

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = Sizes(**sizes)
        self.net = PathNetwork(self.sizes)

    def config(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        return {"model": self.name, "sizes": dataclasses.asdict(self.sizes)}

    @staticmethod
    def item(image: OfflineImage, truth: Ink) -> Item | None:
        """Return the training sample of an image, or None where it has none."""
        return make_item(image, truth)

    @staticmethod
    def size(item: Item) -> int:
        """Return how long a sample is, for batches of like sizes."""
        return len(item.pieces.points) + len(item.path.steps)

    def losses(self, items: Sequence[Item]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the terms of the loss by name: weighted sum and the count by which it is divided."""
        batch: Batch = collate(items)
        scores, offsets, slowness = self.net(batch.scene, batch.route)
        walked = batch.route.real
        timed = walked & batch.timed[:, None]
        n_actions = walked.sum() + len(items)
        order = order_loss(scores, batch.route) * n_actions
        place = F.smooth_l1_loss(offsets[walked], batch.offsets[walked], reduction="sum") * OFFSET_WEIGHT
        speed = F.l1_loss(slowness[timed], batch.slowness[timed], reduction="sum") * SLOWNESS_WEIGHT
        return {
            "order": (order, n_actions),
            "place": (place, walked.sum() * 2 * POINTS),
            "speed": (speed, timed.sum() * (POINTS - 1)),
        }

    def recoverer(self) -> Kalamos:
        """Return the network as a recoverer, greedy for speed."""
        return Kalamos.from_network(self.net)
