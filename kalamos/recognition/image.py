"""The image recogniser: which character a picture shows. The way past recovery, which recovery has to beat.

Three convolutions and a linear layer on the image averaged down to 32 x 32; trained on renderings (clean, scanned,
photographed) of the same inks that the online recogniser learns from, and computed without torch as that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kalamos.image import OfflineImage
from kalamos.machinery.arrays import Floats32
from kalamos.recognition.inputs import PIXELS, small_images
from kalamos.recognition.online import best
from kalamos.recognition.product import product
from kalamos.recognition.tensors import SHIPPED, checked
from kalamos.storage.weights import Weights, load_weights

_CONVOLUTIONS = 3


class ImageRecogniser:
    """The network with its weights."""

    def __init__(self, weights: Weights) -> None:
        self.alphabets: dict[str, list[str]] = weights.config["alphabets"]
        self._tensors = weights.tensors

    @classmethod
    def load(cls, folder: Path = SHIPPED / "image") -> ImageRecogniser:
        """Load weights.

        Raises:
            ModelError: where the folder holds none, or others than its config says.
        """
        return checked(cls(load_weights(folder, "recogniser-image")), folder, (1, PIXELS, PIXELS))

    def logits(self, seen: Floats32) -> Floats32:
        """Return the logits ``(n, classes)`` of images ``(n, 1, 32, 32)``, ink 1 on paper 0."""
        maps = seen.transpose(0, 2, 3, 1)  # channels last: windows become rows of one matrix product
        for k in range(_CONVOLUTIONS):
            weight, bias = self._tensors[f"convs.{k}.weight"], self._tensors[f"convs.{k}.bias"]
            maps = np.maximum(_convolved(maps, weight, bias, stride=1 if k else 2), 0)
            maps = _halved(maps) if k else maps
        flat = maps.transpose(0, 3, 1, 2).reshape(len(maps), -1)
        made: Floats32 = product(flat, self._tensors["out.weight"].T) + self._tensors["out.bias"]
        return made

    def recognise(self, images: Sequence[OfflineImage], categories: Sequence[str]) -> list[str]:
        """Return the label of each image among those of its category."""
        return best(self.logits(small_images(images)), categories, self.alphabets)


def _convolved(maps: Floats32, weight: Floats32, bias: Floats32, stride: int) -> Floats32:
    """Return the convolution of ``(n, h, w, c)`` with weight ``(out, c, 3, 3)``, borders padded with zeros."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    n, height, width = windows.shape[:3]
    rows = product(windows.reshape(n * height * width, -1), weight.reshape(len(weight), -1).T)
    made: Floats32 = rows.reshape(n, height, width, -1) + bias
    return made


def _halved(maps: Floats32) -> Floats32:
    n, height, width, channels = maps.shape
    made: Floats32 = maps.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    return made
