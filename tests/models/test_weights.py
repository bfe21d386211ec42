from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from kalamos.errors import ModelError
from kalamos.models.weights import fill, save_weights
from kalamos.storage.weights import CONFIG, TENSORS, load_weights


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_weights(tmp_path, {"weight": torch.eye(3), "bias": torch.arange(3.0)}, {"model": "kalamos", "sizes": {}})
    return tmp_path


def test_what_is_saved_is_loaded(saved: Path) -> None:
    net = torch.nn.Linear(3, 3)
    found = load_weights(saved, "kalamos")
    fill(net, found, saved)
    assert torch.equal(net.weight, torch.eye(3)) and net.weight.dtype == torch.float32
    assert found.config["model"] == "kalamos"


def test_tensors_with_their_channels_last_are_saved_as_what_they_are(tmp_path: Path) -> None:
    tensor = torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    save_weights(tmp_path, {"weight": tensor}, {"model": "kalamos"})
    assert load_weights(tmp_path, "kalamos").tensors["weight"].tolist() == tensor.tolist()


def test_the_same_weights_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    save_weights(again, {"bias": torch.arange(3.0), "weight": torch.eye(3)}, {"sizes": {}, "model": "kalamos"})
    assert (again / TENSORS).read_bytes() == (saved / TENSORS).read_bytes()
    assert (again / CONFIG).read_bytes() == (saved / CONFIG).read_bytes()


def test_a_changed_byte_is_refused(saved: Path) -> None:
    data = bytearray((saved / TENSORS).read_bytes())
    data[-1] ^= 1
    (saved / TENSORS).write_bytes(data)
    with pytest.raises(ModelError, match="SHA-256"):
        load_weights(saved, "kalamos")


def test_cut_short_weights_are_refused_even_where_the_hash_fits(saved: Path) -> None:
    import hashlib

    data = (saved / TENSORS).read_bytes()[:-4]
    (saved / TENSORS).write_bytes(data)
    config = json.loads((saved / CONFIG).read_text())
    (saved / CONFIG).write_text(json.dumps({**config, "sha256": hashlib.sha256(data).hexdigest()}))
    with pytest.raises(ModelError, match="no safetensors file"):
        load_weights(saved, "kalamos")


@pytest.mark.parametrize("text", ["", "[]", '{"model": "other"}', "{"])
def test_a_config_that_is_none_is_refused(saved: Path, text: str) -> None:
    (saved / CONFIG).write_text(text)
    with pytest.raises(ModelError):
        load_weights(saved, "kalamos")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no weights"):
        load_weights(tmp_path / "nowhere", "kalamos")


def test_weights_of_another_shape_or_not_finite_are_refused(tmp_path: Path) -> None:
    net = torch.nn.Linear(3, 3)
    save_weights(tmp_path, {"weight": torch.eye(4), "bias": torch.zeros(4)}, {"model": "kalamos"})
    with pytest.raises(ModelError, match="does not fit"):
        fill(net, load_weights(tmp_path, "kalamos"), tmp_path)
    save_weights(tmp_path, {"weight": torch.eye(3) * torch.nan, "bias": torch.zeros(3)}, {"model": "kalamos"})
    with pytest.raises(ModelError, match="not finite"):
        fill(net, load_weights(tmp_path, "kalamos"), tmp_path)
