"""Scoring: 2,000 characters, ten entries, all metrics with intervals, on two cores.

``pytest tests/perf/test_perf_metrics.py --benchmark-only --benchmark-columns=min,max``

The entries are the nine controls of the truth and one heuristic, on characters of the built-in corpus. Where the
true side of a sample is shared, as in every run, it is computed once a process; the other row scores each entry alone.
"""

from __future__ import annotations

import pytest

from kalamos.benchmark import score as scoring
from kalamos.benchmark.control_answers import predict_control
from kalamos.benchmark.controls import CONTROLS
from kalamos.benchmark.entries import MEAN_TRAJECTORY
from kalamos.benchmark.predict import predict
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.result import make_result
from kalamos.benchmark.task import load_task
from kalamos.machinery import engine

SAMPLES = 2000
TASK = f"""
name = "letters"
version = 1
title = "Characters of the built-in corpus"
corpus = "synthetic"
options = {{ level = "character" }}
limit = {SAMPLES}
"""


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scoring")
    (folder / "letters.toml").write_text(TASK)
    task_file = prepare(load_task(str(folder / "letters.toml")), folder, folder)
    homes = {name: folder / name for name in (*CONTROLS, MEAN_TRAJECTORY, "nearest")}
    for name, home in homes.items():
        home.mkdir()
        predict(name, task_file, home) if name == "nearest" else predict_control(name, task_file, home)
    return task_file, homes


def scored(task_file, homes, workers, *, alone=False):
    for name, home in homes.items():
        if alone:
            scoring._known.cache_clear()
        predictions = home / "predictions.parquet"
        read = scoring.score(task_file, predictions, home / "scores.parquet", workers=workers)
        result = make_result(name, "model", task_file, home / "scores.parquet", read, predictions_sha256="0" * 64)
        assert result.samples == SAMPLES
        assert result.coverage == 1.0


def test_ten_entries_on_two_cores(benchmark, entries):
    benchmark.group = f"{SAMPLES} samples, ten entries, all metrics"
    with engine.executor(2) as workers:
        benchmark.pedantic(scored, (*entries, workers), rounds=1)


@pytest.mark.parametrize("alone", [False, True], ids=["true side shared", "each entry alone"])
def test_ten_entries_on_one_core(benchmark, entries, alone):
    benchmark.group = f"{SAMPLES} samples, ten entries, all metrics"
    benchmark.pedantic(scored, (*entries, engine.IN_PROCESS), {"alone": alone}, rounds=1)
