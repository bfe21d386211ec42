"""The fit of a hand's habits: it finds the sums that tell, says what they bring, and writes them beside the weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kalamos.errors import ModelError
from kalamos.models.kalamos.writer import KalamosWriter
from kalamos.models.weights import SHIPPED
from kalamos.training.calibrate import RECIPE
from kalamos.training.habit import Listed, brought, fit, fit_habit, table
from kalamos.training.mixture import Source
from kalamos.training.recipe import Recipe

RNG = np.random.default_rng(3)


def lists(n: int = 300) -> list[Listed]:
    """Return samples of ten hands of which the third sum alone tells the right path."""
    made = []
    for k in range(n):
        right, sums = int(RNG.integers(2)), RNG.normal(size=(2, 3))
        sums[right, 2] += 2.0
        scores = np.zeros((2, 4))
        scores[right] = 1.0
        made.append(Listed(f"hand {k % 10}", np.log([0.5, 0.4]), scores, sums))
    return made


def test_the_sum_that_tells_gets_the_weight_and_the_gain_is_told_with_its_error():
    samples = lists()
    weights = fit(samples)
    assert weights[2] > 0.5 > np.abs(weights[:2]).max()
    found = brought(samples, weights)
    assert (found.samples, found.writers, found.best) == (300, 10, 1.0)
    assert found.gain[0] > 5 * found.error[0] > 0
    assert brought(samples, np.zeros(3)).gain == pytest.approx(np.zeros(4))
    assert "| mine (300; 10) |" in table({"mine": found})


def test_nothing_is_fitted_on_samples_without_a_choice():
    one = Listed("a", np.zeros(1), np.ones((1, 4)), np.zeros((1, 3)))
    with pytest.raises(ModelError, match="right path and a wrong one"):
        fit([one])


def test_weights_go_into_the_config_and_come_back(tmp_path: Path):
    folder = tmp_path / "weights"
    shutil.copytree(SHIPPED / "kalamos", folder)
    source = Source("synthetic", options={"seed": "1", "writers": "30"})
    found = fit_habit(folder, replace(Recipe.read(RECIPE), source=[source]), 60)
    assert list(found) == ["synthetic character"]
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert KalamosWriter(folder).habit.tolist() == config["habit"]
    config["habit"] = [1.0]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(ModelError, match="habit"):
        KalamosWriter(folder)
