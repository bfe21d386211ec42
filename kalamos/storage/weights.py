"""Weights on disk: ``model.safetensors``, ``config.json`` with its SHA-256, and a model card. Nothing is unpickled.

Read into numpy: whoever recovers or scores needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from kalamos.errors import ModelError
from kalamos.machinery.arrays import Floats32
from kalamos.machinery.files import write_bytes

TENSORS, CONFIG = "model.safetensors", "config.json"


class Weights(NamedTuple):
    """What a folder of weights holds.

    Attributes:
        config: the whole of ``config.json``: ``model``, ``sizes``, ``sha256``, and what the training says of itself.
        tensors: name -> float32 array.
    """

    config: dict[str, Any]
    tensors: dict[str, Floats32]


def save_tensors(folder: Path, tensors: Mapping[str, Floats32], config: Mapping[str, Any]) -> None:
    """Write tensors (as float16) and config with the tensors' hash; each file is replaced whole."""
    folder.mkdir(parents=True, exist_ok=True)
    # in C order: a tensor with its channels last is not, and would be written as it lies
    data = save({name: np.ascontiguousarray(tensor, np.float16) for name, tensor in sorted(tensors.items())})
    write_bytes(folder / TENSORS, data)
    save_config(folder, {**config, "sha256": hashlib.sha256(data).hexdigest()})


def save_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the config of a folder of weights; the file is replaced whole."""
    write_bytes(folder / CONFIG, (json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())


def load_weights(folder: Path, *models: str) -> Weights:
    """Read a folder of weights of one of the models.

    Raises:
        ModelError: where a file is missing or broken, belongs to another model, does not have the hash that the
            config states, or holds a value that is not finite.
    """
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        data = (folder / TENSORS).read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no weights: {error}") from error
    if not isinstance(config, dict) or config.get("model") not in models:
        found = config.get("model") if isinstance(config, dict) else config
        raise ModelError(f"{folder / CONFIG}: the weights belong to the model {found!r}, not to {models[0]!r}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != config.get("sha256"):
        raise ModelError(
            f"{folder / TENSORS} has the SHA-256 {digest[:16]}..., "
            f"its config says {str(config.get('sha256'))[:16]}...; the file was changed or cut short: fetch it again"
        )
    try:
        halves = load(data)
    except SafetensorError as error:
        raise ModelError(f"{folder / TENSORS} is no safetensors file: {error}") from error
    tensors = {name: tensor.astype(np.float32) for name, tensor in halves.items()}
    if broken := [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]:
        raise ModelError(f"{folder / TENSORS}: {broken[0]} holds values that are not finite")
    return Weights(config, tensors)
