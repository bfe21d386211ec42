"""The weights of the learned methods: where the shipped ones lie, and how torch gives and takes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalamos.errors import ModelError
from kalamos.storage.weights import TENSORS, Weights, save_tensors

if TYPE_CHECKING:
    from torch import Tensor, nn

SHIPPED = Path(__file__).parent / "weights"


def save_weights(folder: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write the tensors of a torch network; see :func:`kalamos.storage.weights.save_tensors`."""
    save_tensors(folder, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}, config)


def fill(net: nn.Module, weights: Weights, folder: Path) -> None:
    """Put weights into a torch network.

    Raises:
        ModelError: where names or shapes do not fit.
    """
    import torch  # noqa: PLC0415 - not needed to read weights

    try:
        net.load_state_dict({name: torch.from_numpy(array) for name, array in weights.tensors.items()})
    except RuntimeError as error:
        raise ModelError(f"{folder / TENSORS} does not fit its config: {' '.join(str(error).split())[:300]}") from error
