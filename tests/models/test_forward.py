"""The compiled forward pass against the torch network, and against weights that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_corpus import LETTERS, letter
from torch_search import loaded, search

from kalamos.models.kalamos.forward import gelu
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.kalamos.network import PathNetwork
from kalamos.models.kalamos.parameters import Sizes, as_net
from kalamos.models.kalamos.pieces import Pieces, cut_pieces
from kalamos.models.kalamos.search import recover_path
from kalamos.renderers import Style, render

SMALL = Sizes(channels=32, heads=2, encoder_layers=2, decoder_layers=1, motion_channels=16)


def weights_of(net: PathNetwork) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


@pytest.fixture(scope="module")
def drawn() -> list[Pieces]:
    return [cut_pieces(render(letter(name, k), Style()).image.pixels) for name in LETTERS for k in range(2)]


def agrees(tensors: dict[str, np.ndarray], sizes: Sizes, drawn: list[Pieces], width: int) -> None:
    net, network = as_net(tensors, sizes), loaded(tensors, sizes)
    for pieces in drawn:
        told = search(network, [pieces], width)[0]
        steps, lifts, offsets, slowness = recover_path(*pieces, width, net)
        assert steps.tolist() == told.steps.tolist()
        assert lifts.tolist() == told.lifts.tolist()
        assert np.allclose(offsets, told.offsets, atol=2e-3)
        assert np.allclose(slowness, told.slowness, atol=2e-3)


@pytest.mark.parametrize("width", [1, 4])
def test_shipped_weights_give_what_torch_gives(drawn: list[Pieces], width: int) -> None:
    kalamos = Kalamos()
    agrees(dict(kalamos.tensors), kalamos.sizes, drawn, width)


@pytest.mark.parametrize("width", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(4))
def test_random_weights_give_what_torch_gives(drawn: list[Pieces], seed: int, width: int) -> None:
    torch.manual_seed(seed)
    net = PathNetwork(SMALL)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    agrees(weights_of(net), SMALL, drawn, width)


def test_gelu_is_that_of_torch() -> None:
    x = np.linspace(-9, 9, 2001, dtype=np.float32)[None]
    told = torch.nn.functional.gelu(torch.from_numpy(x.copy())).numpy()
    gelu(x)
    assert np.abs(x - told).max() < 2e-6


def test_weights_that_do_not_fit_are_named() -> None:
    tensors = weights_of(PathNetwork(SMALL))
    with pytest.raises(ValueError, match=r"shape .* does not fit the sizes"):
        as_net({**tensors, "ask.weight": tensors["ask.weight"][:, 1:]}, SMALL)
    with pytest.raises(ValueError, match=r"ask\.bias"):
        as_net({name: array for name, array in tensors.items() if name != "ask.bias"}, SMALL)
    with pytest.raises(ValueError, match=r"encoder\.1"):
        as_net(tensors, Sizes(**{**SMALL.__dict__, "encoder_layers": 1}))
