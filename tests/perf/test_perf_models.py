"""Recovery by the shipped model and ONNX Runtime beside the same network by torch: batches and single characters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch_search import loaded, search

from kalamos.datasets.synthetic import CORPUS
from kalamos.formats.report import UnitReport
from kalamos.models.kalamos.kalamos import BEAMS, Kalamos
from kalamos.models.kalamos.pieces import cut_pieces
from kalamos.models.weights import SHIPPED
from kalamos.renderers import Style, render_batch
from kalamos.storage.weights import load_weights

COUNT = 256


@pytest.fixture(scope="module")
def images() -> list:
    units = CORPUS.units(Path(), scripts="Latn", writers="10")
    samples = [sample for unit in units for sample in CORPUS.read(Path(), unit, UnitReport())][:COUNT]
    made = render_batch([sample.ink for sample in samples], Style(), keys=[sample.key for sample in samples])
    return [one.image for one in made]


@pytest.fixture(scope="module")
def kalamos(images: list) -> Kalamos:
    made = Kalamos()
    made.recover(images[:4])
    return made


@pytest.mark.benchmark(group="recover 256 characters")
def test_kalamos_batch(benchmark, kalamos: Kalamos, images: list) -> None:
    benchmark.extra_info["images"] = COUNT
    assert len(benchmark(kalamos.recover, images)) == COUNT


@pytest.mark.benchmark(group="recover 256 characters")
def test_torch_batch(benchmark, kalamos: Kalamos, images: list) -> None:
    net = loaded(load_weights(SHIPPED / "kalamos", "kalamos").tensors, kalamos.sizes)
    torch.set_num_threads(2)
    found = benchmark.pedantic(lambda: search(net, [cut_pieces(one.pixels) for one in images], BEAMS), rounds=3)
    assert len(found) == COUNT


@pytest.mark.benchmark(group="recover 32 characters one at a time")
def test_kalamos_single(benchmark, kalamos: Kalamos, images: list) -> None:
    benchmark.extra_info["images"] = 32
    benchmark(lambda: [kalamos.recover([one]) for one in images[:32]])


@pytest.mark.benchmark(group="recover 32 characters one at a time")
def test_torch_single(benchmark, kalamos: Kalamos, images: list) -> None:
    net = loaded(load_weights(SHIPPED / "kalamos", "kalamos").tensors, kalamos.sizes)
    torch.set_num_threads(2)
    benchmark.pedantic(lambda: [search(net, [cut_pieces(one.pixels)], BEAMS) for one in images[:32]], rounds=3)
