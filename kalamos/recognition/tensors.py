"""Weights read into numpy: scoring needs neither torch nor safetensors, and gives the same with and without them.

The format is that of :mod:`kalamos.models.weights`, which writes it: eight bytes for the length of the header, a JSON
header that says what lies where, the numbers. Nothing is unpickled, and the file must have the hash that its config
states.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Floats32

SHIPPED = Path(__file__).parent / "weights"
_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}


class Weights(NamedTuple):
    """What a folder of weights holds: ``config.json``, and name -> float32 array."""

    config: dict[str, Any]
    tensors: dict[str, Floats32]


def read_weights(folder: Path, model: str) -> Weights:
    """Read a folder of weights.

    Raises:
        ModelError: where a file is missing or broken, belongs to another model, or does not have the hash that the
            config states.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        data = (folder / "model.safetensors").read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no weights: {error}") from error
    if not isinstance(config, dict) or config.get("model") != model:
        raise ModelError(f"{folder}: these are not the weights of {model!r}")
    if hashlib.sha256(data).hexdigest() != config.get("sha256"):
        raise ModelError(
            f"{folder / 'model.safetensors'} does not have the hash that its config states: fetch it again"
        )
    try:
        return Weights(config, _tensors(data))
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ModelError(f"{folder / 'model.safetensors'} is no safetensors file: {error}") from error


def _tensors(data: bytes) -> dict[str, Floats32]:
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for name, told in header.items():
        if name == "__metadata__":
            continue
        first, _ = told["data_offsets"]
        values: NDArray[Any] = np.frombuffer(data, _TYPES[told["dtype"]], math.prod(told["shape"]), start + first)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds values that are not finite")
        tensors[name] = values.reshape(told["shape"]).astype(np.float32)
    return tensors


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
        raise ModelError(f"{folder / 'model.safetensors'} does not fit its config: {error}") from error
    if made != (1, classes):
        raise ModelError(f"{folder / 'model.safetensors'} gives {made[1]} logits, its config names {classes} classes")
    return network
