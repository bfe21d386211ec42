"""``rabhi2020``: CNN and bidirectional GRU encoder, GRU decoder with temporal attention, a path with its speed.

After B. Rabhi, A. Elbaati, H. Boubaker, A. M. Alimi (TechRxiv 13072193, 2020). Its description gives the system: a
hidden representation of the offline image from a CNN and a bidirectional GRU, decoded by a GRU with temporal attention
into dynamic information. Sizes, loss, number of points and training data are not public; **every number and detail in
this module and in** :mod:`kalamos.models.rabhi2020.network` **is our choice**:

- the image is brought to a height of 64 px and filled up with paper to a width of whole :data:`WIDTH_STEP_PX`;
- the decoder writes two points for every two pixels of width (64 for a character), at equal distances along the
  pen-down path, and how long the pen takes from each to the next;
- two other ways were tried and left. A decoder of coordinates at uniform times (mean absolute error, 107,000 samples)
  blurred start, order and direction. A pointer at uniform times learnt where to start (0.63 of UNIPEN validation
  characters after 44,000 samples) and then stood still (LDTW 19 px): where a pen is slow, the likeliest next place is
  the same place;
- attention is multiplicative (Luong 2015) and knows where the pen was already (coverage, Tu 2016); the decoder that
  writes goes forward in time, and a bidirectional GRU reads the written path before points and times are set.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import Tensor

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.arrays import Bools, Bytes, Floats, Floats32
from kalamos.models.levels import levelled
from kalamos.models.rabhi2020.network import CELL_PX, Map, RabhiNetwork, RabhiSizes, cell_of
from kalamos.models.scale import HEIGHT_PX, at_height, at_ink
from kalamos.models.weights import SHIPPED, fill
from kalamos.storage.weights import Weights, load_weights

STEP_S = 0.02
"""Mean seconds between two points of the answer; only relative times mean anything."""
WIDEST_PX = 1024
WIDTH_STEP_PX = 32
PLACE_WEIGHT, LIFT_WEIGHT, SPEED_WEIGHT = 0.5, 0.2, 0.1
BATCH = 64


def sizes_of(told: dict[str, Any]) -> RabhiSizes:
    """Return the sizes that a recipe or a config tells; lists become tuples."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
    return RabhiSizes(**values)


class RabhiItem(NamedTuple):
    """One training sample: the image and the truth at equal distances.

    Attributes:
        pixels: uint8 ``(64, w)``, paper to the right where the image was narrower.
        points: float32 ``(w, 2)``, pixels.
        lifts: bool ``(w,)``, True where the pen lifts after the point.
        slowness: float32 ``(w - 1,)``, log of the time to the next point, 0 at the mean speed.
        timed: whether the truth has times; where not, speed is not trained.
    """

    pixels: Bytes
    points: Floats32
    lifts: Bools
    slowness: Floats32
    timed: bool


class Rabhi2020:
    """The sequence model of the paper: characters and Persian words; needs torch.

    Recovers ink with the shipped weights, or with those in ``weights``.

    Raises:
        ModelError: where the weights cannot be used.
    """

    name = "rabhi2020"
    network: type[RabhiNetwork] = RabhiNetwork

    def __init__(self, weights: Path | str | None = None) -> None:
        folder = Path(weights) if weights is not None else SHIPPED / self.name
        found = load_weights(folder, self.name)
        self.net = self.network(sizes_of(found.config["sizes"]))
        fill(self.net, found, folder)
        self.net.eval()

    @classmethod
    def from_network(cls, net: RabhiNetwork) -> Self:
        """Return a recoverer around a network in memory."""
        made = cls.__new__(cls)
        made.net = net.eval()
        return made

    @staticmethod
    def prepared(pixels: Bytes) -> Bytes:
        """Return a picture as the model has learnt to read them: white paper and black ink."""
        return levelled(pixels)

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with relative times; images of one width are read together."""
        ready = [self.prepared(image.pixels) for image in images]
        scaled = [at_ink(at_height(pixels, HEIGHT_PX, WIDEST_PX), WIDEST_PX) for pixels in ready]
        inks = [Ink.empty()] * len(images)
        written = [k for k, one in enumerate(scaled) if int(one.pixels.max()) - int(one.pixels.min()) > 16]
        padded = {k: filled_up(scaled[k].pixels) for k in written}
        by_width: dict[int, list[int]] = {}
        for k in written:
            by_width.setdefault(padded[k].shape[1], []).append(k)
        for same in by_width.values():
            for first in range(0, len(same), BATCH):
                chosen = same[first : first + BATCH]
                points, told, _ = self.net.write(as_images([padded[k] for k in chosen]))
                lifts, slowness = (told[..., 0] > 0).numpy(), told[:, :-1, 1].double().numpy()
                for k, xy, lift, slow in zip(chosen, points.double().numpy(), lifts, slowness, strict=True):
                    inks[k] = written_ink(scaled[k].original(xy), lift, slow)
        return inks


def filled_up(pixels: Bytes) -> Bytes:
    """Return the image with paper at its right, so that its width is a multiple of :data:`WIDTH_STEP_PX`."""
    return np.pad(pixels, ((0, 0), (0, -pixels.shape[1] % WIDTH_STEP_PX)), constant_values=255)


def as_images(pixels: Sequence[Bytes]) -> Tensor:
    """Return images as (b, 1, 64, w), ink 1 and paper 0."""
    return 1.0 - torch.from_numpy(np.stack(pixels))[:, None].float() / 255.0


def written_ink(xy: Floats, lifts: Bools, slowness: Floats) -> Ink:
    """Return the ink of points ``(n, 2)``, cut after each lift ``(n,)``, timed by log slowness ``(n - 1,)``."""
    cuts = np.flatnonzero(lifts[:-1]) + 1
    t = np.concatenate([[0.0], np.cumsum(STEP_S * np.exp(slowness.clip(-4, 4)))])
    return Ink.from_strokes(np.split(xy, cuts), t=np.split(t, cuts))


class Rabhi2020Learner:
    """What training needs to know of this model."""

    name = "rabhi2020"
    kind: type[Rabhi2020] = Rabhi2020

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = sizes_of(sizes)
        self.net = self.kind.network(self.sizes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def config(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        return {"model": self.name, "sizes": dataclasses.asdict(self.sizes)}

    def begin_with(self, weights: Weights, folder: Path) -> None:
        """Start from the weights of a folder in place of random ones."""
        fill(self.net, weights, folder)

    @classmethod
    def item(cls, image: OfflineImage, truth: Ink) -> RabhiItem | None:
        """Return the training sample of an image as the model reads it.

        None where the truth is all dots or the image too wide.
        """
        pixels = filled_up(cls.kind.prepared(image.pixels))
        n = pixels.shape[1]
        if image.height_px != HEIGHT_PX or n > WIDEST_PX // 2:
            return None
        along = geometry.walked(truth)
        if not along[-1] > 0:
            return None
        clock = along if truth.t is None else geometry.walked(truth, by="time")
        timed = truth.t is not None and bool(clock[-1] > 0)
        at = np.linspace(0.0, along[-1], n)
        points = geometry.trajectory(truth, n).astype(np.float32)
        took = np.diff(np.interp(at, along, clock)) / max(clock[-1], 1e-9)
        slowness = np.log((took + 1e-5) * (n - 1)).clip(-3, 3).astype(np.float32)
        lifts = np.zeros(n, bool)
        lifts[np.clip(np.searchsorted(at, along[truth.offsets[1:-1]], side="right") - 1, 0, n - 2)] = True
        return RabhiItem(pixels, points, lifts, slowness, timed)

    @staticmethod
    def size(item: RabhiItem) -> int:
        """Return the width, for batches of like widths."""
        return int(item.pixels.shape[1])

    def losses(self, items: Sequence[RabhiItem]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the terms of the loss by name: weighted sum and the count by which it is divided."""
        order, place, lift, speed, steps, n_timed = [], [], [], [], 0, 0
        more: dict[str, tuple[Tensor, Tensor]] = {}
        device = next(self.net.parameters()).device
        for same in _of_one_width(items):
            images = as_images([item.pixels for item in same]).to(device)
            truth = torch.from_numpy(np.stack([item.points for item in same])).to(device)
            lifted = torch.from_numpy(np.stack([item.lifts for item in same])).float().to(device)
            slowness = torch.from_numpy(np.stack([item.slowness for item in same])).to(device)
            seen = self.net.encoder(images)
            scores, places, points, told = self.net.follow(seen, truth)
            for name, (total, count) in self.more_losses(seen, truth, lifted).items():
                before = more.get(name, (torch.zeros(()), torch.tensor(0)))
                more[name] = before[0] + total, before[1] + count
            cells = cell_of(truth[:, ::2], images.shape[-1] // CELL_PX)
            order.append(F.cross_entropy(scores.flatten(0, 1), cells.flatten(), reduction="sum"))
            place.append((places - truth[:, ::2]).abs().sum() + 0.5 * (points - truth).abs().sum())
            weight = torch.tensor(4.0)
            lift.append(F.binary_cross_entropy_with_logits(told[..., 0], lifted, pos_weight=weight, reduction="sum"))
            timed = torch.tensor([item.timed for item in same])
            speed.append((told[:, :-1, 1] - slowness)[timed].abs().sum())
            steps += cells.numel()
            n_timed += cells.shape[1] * int(timed.sum())
        n = torch.tensor(steps)
        return {
            "order": (torch.stack(order).sum(), n),
            "place": (torch.stack(place).sum() / CELL_PX * PLACE_WEIGHT, 4 * n),
            "lift": (torch.stack(lift).sum() * LIFT_WEIGHT, 2 * n),
            "speed": (torch.stack(speed).sum() * SPEED_WEIGHT, torch.tensor(2 * n_timed)),
            **more,
        }

    def more_losses(self, seen: Map, truth: Tensor, lifted: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Return further terms for images of one width, as :meth:`losses` does; this model has none."""
        return {}

    def recoverer(self) -> Rabhi2020:
        """Return the network as a recoverer."""
        return self.kind.from_network(self.net)


def _of_one_width(items: Sequence[RabhiItem]) -> list[list[RabhiItem]]:
    groups: dict[int, list[RabhiItem]] = {}
    for item in items:
        groups.setdefault(item.pixels.shape[1], []).append(item)
    return list(groups.values())
