"""The answers of controls: made from the truth, or from the image by those that cheat, the same on every run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from kalamos.benchmark.cheats import CHEATS
from kalamos.benchmark.controls import CONTROLS, Control
from kalamos.benchmark.entries import MEAN_TRAJECTORY
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import write_predictions
from kalamos.benchmark.prepare import prepared_task, shown
from kalamos.benchmark.provenance import provenance
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.storage.parquet import Row, file_metadata, read_rows

MOST_KEPT = 512
"""Rows up to which a task's are kept between controls."""


def controls_of(task_file: Path) -> list[str]:
    """Return the controls of a task: without training writers no mean trajectory, without a truth those that cheat.

    Cheats are made for single pieces of writing: of pages there are none.
    """
    task = prepared_task(task_file)[0]
    if not task.has_truth:
        return list(CHEATS)
    if task.input == "page":
        return list(CONTROLS)
    fitted = [MEAN_TRAJECTORY] if file_metadata(task_file).get("mean_trajectory") else []
    return [*CONTROLS, *fitted, *CHEATS]


def predict_control(name: str, task_file: Path, destination: Path) -> Path:
    """Write the predictions of a control, which sees the truth or cheats, into ``destination``."""
    task, task_hash = prepared_task(task_file)
    control = None if name in CHEATS else CONTROLS[name] if name != MEAN_TRAJECTORY else _mean_trajectory(task_file)

    def answers() -> Iterator[tuple[str, Answer]]:
        for row in _rows(task_file):
            rng = rng_for(task.seed, "control", name, row.sample.key)
            ink = CHEATS[name](shown(row, task.give_script), rng) if control is None else control(row.truth(), rng)
            yield row.sample.key, Answer(ink)

    target = destination / "predictions.parquet"
    metadata = {"entry": name, "kind": "control", "task": task.name, "task_hash": task_hash}
    write_predictions(target, answers(), metadata | {"provenance": json.dumps(provenance())})
    return target


def _rows(task_file: Path) -> Iterable[Row]:
    """Return a task's rows; those of a small one are read once for all controls."""
    if pq.read_metadata(task_file).num_rows > MOST_KEPT:
        return read_rows(task_file)
    return _kept_rows(task_file, task_file.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _kept_rows(task_file: Path, changed_ns: int) -> tuple[Row, ...]:
    return tuple(read_rows(task_file))


def _mean_trajectory(task_file: Path) -> Control:
    positions = json.loads(file_metadata(task_file)["mean_trajectory"])
    mean = Ink.from_strokes([positions], [np.linspace(0.0, 1.0, len(positions))])
    return lambda truth, rng: mean
