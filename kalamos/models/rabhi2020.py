"""``rabhi2020``: CNN, bidirectional GRU encoder, temporal attention, bidirectional GRU decoder.

After B. Rabhi, A. Elbaati, H. Boubaker, A. M. Alimi (TechRxiv 13072193, 2020). Its description gives the system: a
hidden representation of the offline image from a CNN and a bidirectional GRU, decoded by a BGRU with temporal attention
into dynamic information. Sizes, loss, number of points and training data are not public; **every number and detail in
this module is our choice**:

- the image is brought to a height of 64 px; four convolutions leave 16 columns for a width of 64;
- the decoder writes one point for each pixel of width (64 for a character) at uniform times, pen-up time left out, two
  points a step;
- each step asks by its place in time, and attends to the encoder's columns by multiplicative attention (Luong 2015);
- the loss is the mean absolute error of x and y (in heights of 64 px), and the cross-entropy of "the pen lifts
  here".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from numpy.typing import NDArray
from torch import Tensor, nn

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.models.scale import HEIGHT_PX, at_height
from kalamos.models.weights import SHIPPED, fill, load_weights

STEP_S = 0.02
"""Seconds between two points of the answer; only relative times mean anything."""
WIDEST_PX = 1024
LIFT_WEIGHT = 0.1
BATCH = 64


@dataclass(frozen=True)
class RabhiSizes:
    """How large the network is."""

    channels: tuple[int, ...] = (32, 48, 96, 128)
    encoder: int = 128
    decoder: int = 128
    attention: int = 96
    frequencies: int = 24


def sizes_of(told: dict[str, Any]) -> RabhiSizes:
    """Return the sizes that a recipe or a config tells; lists become tuples."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
    return RabhiSizes(**values)


class RabhiItem(NamedTuple):
    """One training sample: the image and the truth at uniform time steps.

    Attributes:
        pixels: uint8 ``(64, w)``.
        points: float32 ``(w, 2)``, pixels.
        lifts: bool ``(w,)``, True where the pen lifts after the point.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float32]
    lifts: NDArray[np.bool_]


class Convolution(nn.Sequential):
    """Convolution, group norm, ReLU and max pooling."""

    def __init__(self, before: int, after: int, pool: tuple[int, int]) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.GroupNorm(8, after), nn.ReLU(), nn.MaxPool2d(pool)
        )


class RabhiNetwork(nn.Module):
    """Image (b, 1, 64, w) to points (b, w, 2) in heights from the centre, and lift logits (b, w)."""

    def __init__(self, sizes: RabhiSizes) -> None:
        super().__init__()
        a, b, c, d = sizes.channels
        self.sizes = sizes
        self.stem = nn.Sequential(nn.Conv2d(1, a, 5, stride=2, padding=2), nn.ReLU())
        self.features = nn.Sequential(Convolution(a, b, (2, 2)), Convolution(b, c, (2, 1)), Convolution(c, d, (2, 1)))
        self.column = nn.Linear(4 * d, sizes.encoder)
        self.encoder = nn.GRU(sizes.encoder, sizes.encoder, batch_first=True, bidirectional=True)
        self.question = nn.Sequential(
            nn.Linear(4 * sizes.frequencies + 2 * sizes.encoder, 2 * sizes.attention),
            nn.GELU(),
            nn.Linear(2 * sizes.attention, sizes.attention),
        )
        self.key = nn.Linear(2 * sizes.encoder + 2 * sizes.frequencies, sizes.attention)
        self.decoder = nn.GRU(
            2 * sizes.encoder + sizes.attention, sizes.decoder, 2, batch_first=True, bidirectional=True
        )
        self.out = nn.Linear(2 * sizes.decoder, 6)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (b, w, 2) in heights from the image's centre, and lift logits (b, w)."""
        points, lifts, _ = self.read(images)
        return points, lifts

    def read(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return points, lift logits, and the attention (b, steps, columns) that they were read with."""
        b, _, _, width = images.shape
        x = self.features(self.stem(images.contiguous(memory_format=torch.channels_last)))
        columns = self.column(x.permute(0, 3, 1, 2).flatten(2))
        encoded, _ = self.encoder(columns)
        n = encoded.shape[1]
        steps = (width + 1) // 2
        time = waves(steps, steps, self.sizes.frequencies)
        hurry = waves(steps, HEIGHT_PX // 2, self.sizes.frequencies)
        asked = torch.cat([time, hurry], -1)[None].expand(b, -1, -1)
        ask = self.question(torch.cat([asked, encoded.mean(1, keepdim=True).expand(-1, steps, -1)], -1))
        place = waves(n, n, self.sizes.frequencies)[None].expand(b, -1, -1)
        key = self.key(torch.cat([encoded, place], -1))
        weight = (ask @ key.transpose(1, 2) / self.sizes.attention**0.5).softmax(-1)
        decoded, _ = self.decoder(torch.cat([weight @ encoded, ask], -1))
        out = self.out(decoded).float().view(b, 2 * steps, 3)[:, :width]
        return out[..., :2], out[..., 2], weight


def waves(n: int, period: int, frequencies: int) -> Tensor:
    """Return sines and cosines (n, 2 * frequencies) of the steps 0..n - 1 in units of ``period``."""
    at = (torch.arange(n) + 0.5) / period
    angle = torch.pi * at[:, None] * torch.arange(1, frequencies + 1)
    return torch.cat([angle.sin(), angle.cos()], -1)


class Rabhi2020:
    """Recovers ink with the shipped weights, or with those in ``weights``.

    Raises:
        ModelError: where the weights cannot be used.
    """

    name = "rabhi2020"

    def __init__(self, weights: Path | str | None = None) -> None:
        folder = Path(weights) if weights is not None else SHIPPED / self.name
        found = load_weights(folder, self.name)
        self.net = RabhiNetwork(sizes_of(found.config["sizes"]))
        fill(self.net, found, folder)
        self.net.eval()

    @classmethod
    def from_network(cls, net: RabhiNetwork) -> Rabhi2020:
        """Return a recoverer around a network in memory."""
        made = cls.__new__(cls)
        made.net = net.eval()
        return made

    def recover(self, images: Sequence[OfflineImage]) -> list[Ink]:
        """Return one ink an image, in pixels, with relative times; images of one width are read together."""
        scaled = [at_height(image.pixels, HEIGHT_PX, WIDEST_PX) for image in images]
        inks = [Ink.empty()] * len(images)
        written = [k for k, one in enumerate(scaled) if int(one.pixels.max()) - int(one.pixels.min()) > 16]
        by_width: dict[int, list[int]] = {}
        for k in written:
            by_width.setdefault(scaled[k].pixels.shape[1], []).append(k)
        for same in by_width.values():
            for first in range(0, len(same), BATCH):
                chosen = same[first : first + BATCH]
                points, lifts = self._read([scaled[k].pixels for k in chosen])
                for k, xy, lift in zip(chosen, points, lifts, strict=True):
                    inks[k] = written_ink(xy / scaled[k].scale, lift)
        return inks

    @torch.inference_mode()
    def _read(self, pixels: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        images = as_images(pixels)
        points, lifts = self.net(images)
        centre = torch.tensor([images.shape[3] / 2, HEIGHT_PX / 2])
        return (points.double() * HEIGHT_PX + centre).numpy(), (lifts > 0).numpy()


def as_images(pixels: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Return images as (b, 1, 64, w), ink 1 and paper 0."""
    return 1.0 - torch.from_numpy(np.stack(pixels))[:, None].float() / 255.0


def written_ink(xy: NDArray[np.float64], lifts: NDArray[np.bool_]) -> Ink:
    """Return the ink of points ``(n, 2)`` at uniform time steps, cut after each lift."""
    cuts = np.flatnonzero(lifts[:-1]) + 1
    t = np.arange(len(xy)) * STEP_S
    return Ink.from_strokes(np.split(xy, cuts), t=np.split(t, cuts))


class Rabhi2020Learner:
    """What training needs to know of this model."""

    name = "rabhi2020"

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = sizes_of(sizes)
        self.net = RabhiNetwork(self.sizes).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def config(self) -> dict[str, Any]:
        """Return what is needed to build the network again."""
        return {"model": self.name, "sizes": dataclasses.asdict(self.sizes)}

    @staticmethod
    def item(image: OfflineImage, truth: Ink) -> RabhiItem | None:
        """Return the training sample of an image, or None where the truth has no times or is all dots."""
        n = image.width_px
        if truth.t is None or image.height_px != HEIGHT_PX or n > WIDEST_PX // 2:
            return None
        lengths = geometry.stroke_durations(truth)
        if not lengths.sum() > 0:
            return None
        points = geometry.trajectory(truth, n, by="time").astype(np.float32)
        at = np.linspace(0.0, lengths.sum(), n)
        ends = np.cumsum(lengths)[:-1]
        lifts = np.zeros(n, bool)
        lifts[np.clip(np.searchsorted(at, ends, side="right") - 1, 0, n - 2)] = True
        return RabhiItem(image.pixels, points, lifts)

    @staticmethod
    def size(item: RabhiItem) -> int:
        """Return the width, for batches of like widths."""
        return int(item.pixels.shape[1])

    def losses(self, items: Sequence[RabhiItem]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the terms of the loss by name: weighted sum and the count by which it is divided."""
        total: list[Tensor] = []
        lift_total: list[Tensor] = []
        count = 0
        for same in _of_one_width(items):
            points, lifts = self.net(as_images([item.pixels for item in same]))
            centre = torch.tensor([same[0].pixels.shape[1] / 2, HEIGHT_PX / 2])
            truth = (torch.from_numpy(np.stack([item.points for item in same])) - centre) / HEIGHT_PX
            lifted = torch.from_numpy(np.stack([item.lifts for item in same])).float()
            total.append(F.l1_loss(points, truth, reduction="sum"))
            lift_total.append(
                F.binary_cross_entropy_with_logits(lifts, lifted, pos_weight=torch.tensor(4.0), reduction="sum")
            )
            count += truth.shape[0] * truth.shape[1]
        n = torch.tensor(count)
        return {
            "place": (torch.stack(total).sum(), 2 * n),
            "lift": (torch.stack(lift_total).sum() * LIFT_WEIGHT, n),
        }

    def recoverer(self) -> Rabhi2020:
        """Return the network as a recoverer."""
        return Rabhi2020.from_network(self.net)


def _of_one_width(items: Sequence[RabhiItem]) -> list[list[RabhiItem]]:
    groups: dict[int, list[RabhiItem]] = {}
    for item in items:
        groups.setdefault(item.pixels.shape[1], []).append(item)
    return list(groups.values())
