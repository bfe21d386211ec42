"""Recovery in batches against one at a time, and its parts; compare rows as ratios, absolute figures are the machine's.

``pytest tests/perf/test_perf_models.py --benchmark-only --benchmark-columns=median,ops``
"""

from __future__ import annotations

import numpy as np
import pytest

from kalamos.datasets.synthetic import CORPUS
from kalamos.models.calamus import Kalamos
from kalamos.models.matching import match
from kalamos.models.pieces import cut_pieces
from kalamos.renderers import Style, render_batch

COUNT = 64


@pytest.fixture(scope="module")
def made():
    from pathlib import Path

    from kalamos.datasets.corpus import UnitReport

    samples = []
    for unit in CORPUS.units(Path()):
        samples += [s for s in CORPUS.read(Path(), unit, UnitReport()) if s.level == "character"]
        if len(samples) >= COUNT:
            break
    samples = samples[:COUNT]
    return render_batch([s.ink for s in samples], Style(), keys=[s.key for s in samples])


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("together", [1, COUNT])
def test_recover(benchmark, made, beams: int, together: int) -> None:
    kalamos, images = Kalamos(beams=beams), [one.image for one in made]

    def run() -> list:
        return [ink for k in range(0, COUNT, together) for ink in kalamos.recover(images[k : k + together])]

    assert len(benchmark(run)) == COUNT


def test_cut_pieces(benchmark, made) -> None:
    assert all(len(p.points) for p in benchmark(lambda: [cut_pieces(one.image.pixels) for one in made]))


def test_match(benchmark, made) -> None:
    pieces = [cut_pieces(one.image.pixels) for one in made]
    paths = benchmark(lambda: [match(one.truth, p) for one, p in zip(made, pieces, strict=True)])
    assert np.mean([path.distance_px for path in paths]) < 1
