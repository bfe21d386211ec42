"""The shipped recognisers' weights, and whether a network made of them fits together."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Floats32
from kalamos.storage.weights import TENSORS

SHIPPED = Path(__file__).parent / "weights"


class Network(Protocol):
    """A network that can be asked with an input of zeros whether its tensors fit together."""

    alphabets: dict[str, list[str]]

    def logits(self, seen: Floats32) -> Floats32:
        """Return the logits ``(n, classes)``."""
        ...


N = TypeVar("N", bound=Network)


def checked(network: N, folder: Path, shape: tuple[int, ...]) -> N:
    """Return the network where its tensors fit together and give one logit a class.

    Raises:
        ModelError: where they do not.
    """
    classes = sum(map(len, network.alphabets.values()))
    try:
        made = network.logits(np.zeros((1, *shape), np.float32)).shape
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{folder / TENSORS} does not fit its config: {error}") from error
    if made != (1, classes):
        raise ModelError(f"{folder / TENSORS} gives {made[1]} logits, its config names {classes} classes")
    return network
