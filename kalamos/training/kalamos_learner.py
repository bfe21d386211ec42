"""What training needs to know of our own model: its samples, its losses, and the network as a recoverer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.kalamos.network import PathNetwork, deepened, order_loss
from kalamos.models.kalamos.parameters import Sizes
from kalamos.models.kalamos.pieces import POINTS
from kalamos.models.weights import fill
from kalamos.storage.weights import Weights
from kalamos.training.mixture import Batch, Item, collate, make_item

OFFSET_WEIGHT, SLOWNESS_WEIGHT = 1.0, 0.3


class KalamosLearner:
    """What training needs to know of this model."""

    name = "kalamos"

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = Sizes(**sizes)
        self.net = PathNetwork(self.sizes)

    def config(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        return {"model": self.name, "sizes": dataclasses.asdict(self.sizes)}

    def begin_with(self, weights: Weights, folder: Path) -> None:
        """Start from the weights of a folder; layers that they lack begin by passing on what they are given."""
        tensors = deepened(weights.tensors, self.net, weights.config["sizes"].get("scripts", ()))
        fill(self.net, weights._replace(tensors=tensors), folder)

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
        batch: Batch = collate(items, [self.sizes.script_row(item.script) for item in items])
        batch = batch.on(next(self.net.parameters()).device)
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
        """Return the network as a recoverer."""
        return Kalamos.from_network(self.net)
