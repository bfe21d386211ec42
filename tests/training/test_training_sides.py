"""No test ink is trained on, and the control that is fitted to training ink sees no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kalamos.benchmark import prepare
from kalamos.benchmark import task as tasks
from kalamos.datasets.corpus import Card
from kalamos.formats.report import UnitReport
from kalamos.ink import Ink, Sample
from kalamos.training.mixture import Source, load_inks

SIDES = ("train", "validation", "test", None)


class Sided:
    """A corpus with an ink for every side in each unit, and one that has no side; x of the first point says which."""

    card = Card("sided", "Sided", ("Latn",), ("character",), "8", "none", "none", "none", "none", "none")

    def units(self, root: Path, **options: str) -> list[str]:
        """Return two units."""
        return ["a", "b"]

    def read(self, root: Path, unit: str, report: UnitReport) -> Iterator[Sample]:
        """Yield an ink a side, test first."""
        for number, side in enumerate(reversed(SIDES)):
            xy = np.array([(number, 0), (number, 9), (number + 5, 9)], np.float32)
            ink = Ink(xy, np.array([0, 3], np.int32), np.array([0.0, 0.1, 0.2]))
            yield Sample(f"{unit}/{side}", ink, split=side, time_source="recorded", corpus="sided")


CORPUS = Sided()
NAME = f"{Path(__file__)}:CORPUS"


def test_only_training_and_validation_ink_is_loaded_for_training(monkeypatch, tmp_path):
    monkeypatch.setenv("KALAMOS_CORPORA", str(tmp_path))
    inks = load_inks(Source(NAME))
    assert {side: [ink.key for ink in found] for side, found in inks.items()} == {
        "train": ["a/train", "b/train"],
        "validation": ["a/validation", "b/validation"],
    }


def test_the_mean_trajectory_is_that_of_training_ink(tmp_path):
    task = tasks.Task("sided", 1, "Sided", NAME, split="test")
    found = list(prepare._training_samples(task, tmp_path, UnitReport()))
    assert sorted(sample.key for sample in found) == ["a/train", "b/train"]
