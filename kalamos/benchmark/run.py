"""Bench: prepare a task, predict, score, and leave an entry's folder with three files that anybody can check.

``OUT/<task>/<entry>/`` holds ``predictions.parquet``, ``scores.parquet`` and ``result.json``; ``OUT/<task>/task.parquet``
the images and truth that they refer to. A run that was cut short is continued by the same command.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kalamos.benchmark.controls import CONTROLS
from kalamos.benchmark.predict import MEAN_TRAJECTORY, predict, predict_control
from kalamos.benchmark.result import Result, make_result, read_result, write_result
from kalamos.benchmark.score import score
from kalamos.benchmark.task import Task, load_task, prepare
from kalamos.recoverer import RECOVERERS
from kalamos.store import file_metadata, write_text

Progress = Callable[[int, int, str], None]


def no_progress(done: int, total: int, label: str) -> None:
    """Show nothing."""


def bench(
    task_name: str,
    models: Sequence[str],
    root: Path,
    out: Path,
    *,
    cache: Path | None = None,
    timeout_s: float = 20.0,
    controls: bool = True,
    limit: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress = no_progress,
) -> list[Result]:
    """Run models and controls on a task and return their results.

    Args:
        task_name: a task that ships with Kalamos, or a path to a TOML file.
        models: what :func:`kalamos.recoverer.load_recoverer` takes; empty for every built-in one that can be loaded.
        root: the corpus folder.
        out: folder of all results.
        cache: folder of prepared tasks; None for the user's cache folder.
        timeout_s: how long one image may take.
        controls: whether the control rows are made too.
        limit: fewer samples, for a first look.
        workers: local processes. With one, times can be compared.
        scheduler: address of a Dask scheduler, instead of local processes.
        progress: called with done, total and what is being done.

    Raises:
        TaskError: where there is no such task, or its images differ from the pinned ones.
        KalamosError: where a model that was asked for by name cannot be started.
    """
    task, task_file, folder = _open_task(task_name, root, out, cache, limit, progress)
    specs = list(models) or RECOVERERS.names()
    entries = [(spec, "model") for spec in specs] + [(name, "control") for name in (*CONTROLS, MEAN_TRAJECTORY) if controls]
    journal = _Journal(folder / ".running.json", task.hash)
    results = []
    for spec, kind in entries:
        home = folder / entry_name(spec)
        if not journal.has(spec):
            _run_entry(spec, kind, task_file, home, timeout_s, workers, scheduler, progress)
            journal.add(spec)
        results.append(read_result(home / "result.json"))
    journal.close()
    return results


def score_predictions(
    predictions: Path,
    task_name: str,
    root: Path,
    out: Path,
    *,
    name: str | None = None,
    cache: Path | None = None,
    limit: int | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> Result:
    """Score predictions that were made elsewhere; nothing that the file says of its own score is believed."""
    _, task_file, folder = _open_task(task_name, root, out, cache, limit, progress)
    entry = name or (file_metadata(predictions).get("entry") if predictions.is_file() else None) or predictions.stem
    home = folder / entry_name(entry)
    home.mkdir(parents=True, exist_ok=True)
    target = home / "predictions.parquet"
    if predictions.is_file() and predictions.resolve() != target.resolve():
        shutil.copyfile(predictions, target)
    source = target if predictions.is_file() else predictions
    return _score_entry(entry, "submission", task_file, source, home, workers, None, progress)


def entry_name(spec: str) -> str:
    """Return the folder and row name of a model: its registered name, or the class name of a path."""
    return re.sub(r"[^\w.+-]+", "-", spec.rpartition(":")[2]).strip("-") or "entry"


def user_cache() -> Path:
    """Return the folder where prepared tasks are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kalamos" / "tasks"


def _open_task(
    name: str, root: Path, out: Path, cache: Path | None, limit: int | None, progress: Progress
) -> tuple[Task, Path, Path]:
    task = load_task(name)
    task_file = prepare(task, root, cache or user_cache(), limit=limit, progress=lambda text: progress(0, 1, text))
    folder = out / (f"{task.name}-first{limit}" if "-first" in task_file.name else task.name)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "task.parquet"
    if not kept.exists() or file_metadata(kept) != file_metadata(task_file):
        shutil.copyfile(task_file, kept)
    return task, kept, folder


def _run_entry(
    spec: str,
    kind: str,
    task_file: Path,
    home: Path,
    timeout_s: float,
    workers: int,
    scheduler: str | None,
    progress: Progress,
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    if kind == "control":
        predictions = predict_control(spec, task_file, home)
    else:
        predictions = predict(
            spec,
            task_file,
            home,
            timeout_s=timeout_s,
            workers=workers,
            scheduler=scheduler,
            progress=lambda done, total: progress(done, total, f"{spec}: recovering"),
        )
    _score_entry(entry_name(spec), kind, task_file, predictions, home, workers, scheduler, progress)


def _score_entry(
    entry: str,
    kind: str,
    task_file: Path,
    predictions: Path,
    home: Path,
    workers: int,
    scheduler: str | None,
    progress: Progress,
) -> Result:
    scores = home / "scores.parquet"
    read = score(
        task_file,
        predictions,
        scores,
        workers=workers,
        scheduler=scheduler,
        progress=lambda done, total: progress(done, total, f"{entry}: scoring"),
    )
    result = make_result(entry, kind, task_file, scores, read, _checksum(predictions))
    write_result(result, home / "result.json")
    return result


def _checksum(path: Path) -> str:
    files = [path] if path.is_file() else sorted(path.iterdir())
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


class _Journal:
    """Which entries a run has finished: kept while it goes on, so that a run that was cut short can be continued."""

    def __init__(self, path: Path, task_hash: str) -> None:
        self._path = path
        self._state: dict[str, Any] = {"task_hash": task_hash, "done": []}
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.get("task_hash") == task_hash:
                self._state = found

    def has(self, entry: str) -> bool:
        return entry in self._state["done"]

    def add(self, entry: str) -> None:
        self._state["done"].append(entry)
        write_text(self._path, json.dumps(self._state))

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
