"""Bench: prepare a task, predict, score, and leave an entry's folder with three files that anybody can check.

``OUT/<task>/<entry>/`` holds ``predictions.parquet``, ``scores.parquet``, ``result.json``; ``OUT/<task>/task.parquet``
the images and truth that they refer to. A run that was cut short is continued by the same command.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalamos.benchmark.predict import controls_of, predict, predict_control
from kalamos.benchmark.predictions import read_predictions, write_predictions
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.result import Kind, Result, make_result, read_result, write_result
from kalamos.benchmark.score import score
from kalamos.benchmark.task import Task, load_task
from kalamos.errors import StoreError, TaskError
from kalamos.machinery import engine
from kalamos.machinery.files import replacing, write_text
from kalamos.recoverer import loadable_models
from kalamos.storage.parquet import file_metadata, read_rows

Progress = Callable[[int, int, str], None]


def no_progress(done: int, total: int, label: str) -> None:
    """Show nothing."""


def bench(
    task_name: str,
    models: Sequence[str],
    root: Path | None,
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
        models: what :func:`kalamos.recoverer.load_recoverer` takes; empty for all that can be loaded.
        root: the corpus folder, or the folder of all corpora; None for what ``KALAMOS_CORPORA`` names.
        out: folder of all results.
        cache: folder of prepared tasks; None for the user's cache folder.
        timeout_s: how long one image may take.
        controls: whether the control rows are made too.
        limit: fewer samples, for a first look.
        workers: local processes that score; models are always asked by one, so that their times can be compared.
        scheduler: address of a Dask scheduler: both asking and scoring are done there.
        progress: called with done, total and what is being done.

    Raises:
        TaskError: where there is no such task, or its images differ from the pinned ones.
        KalamosError: where a model that was asked for by name cannot be started.
    """
    entries: list[tuple[str, Kind]] = [(spec, "model") for spec in models or loadable_models()]
    with engine.executor(workers, scheduler) as pool:
        askers = pool if scheduler else engine.IN_PROCESS
        opened = _open_task(task_name, root, out, cache=cache, limit=limit, pool=pool, progress=progress)
        if controls:
            entries += [(name, "control") for name in controls_of(opened.task_file)]
        journal = _Journal(opened.folder / ".running.json", opened.task.hash)
        for spec, kind in entries:
            if not journal.has(spec):
                opened.predict(spec, kind, timeout_s, askers)
                journal.add(spec)
        journal.close()
    return [read_result(opened.home(spec) / "result.json") for spec, _ in entries]


def score_predictions(
    predictions: Path,
    task_name: str,
    root: Path | None,
    out: Path,
    *,
    name: str | None = None,
    cache: Path | None = None,
    limit: int | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> Result:
    """Score predictions that were made elsewhere; nothing that the file says of its own score is believed."""
    entry = name or _named(predictions) or predictions.stem
    with engine.executor(workers) as pool:
        opened = _open_task(task_name, root, out, cache=cache, limit=limit, pool=pool, progress=progress)
        target = opened.home(entry) / "predictions.parquet"
        _keep(predictions, target, opened.task_file)
        return opened.score(entry_name(entry), "submission", target)


def entry_name(spec: str) -> str:
    """Return the folder and row name of a model: its registered name or the class name of a path, and its options."""
    plain, _, options = spec.partition("?")
    named = "+".join([plain.rpartition(":")[2], *options.split("&")] if options else [plain.rpartition(":")[2]])
    return re.sub(r"[^\w.+=-]+", "-", named).strip("-") or "entry"


def user_cache() -> Path:
    """Return the folder where prepared tasks are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kalamos" / "tasks"


@dataclass(frozen=True)
class _Bench:
    """One task made ready, and the means to run entries on it."""

    task: Task
    task_file: Path
    folder: Path
    pool: engine.Workers
    progress: Progress

    def predict(self, spec: str, kind: Kind, timeout_s: float, askers: engine.Workers) -> None:
        """Predict and score one model or control."""
        home = self.home(spec)
        if kind == "control":
            predictions = predict_control(spec, self.task_file, home)
        else:
            predictions = predict(
                spec,
                self.task_file,
                home,
                timeout_s=timeout_s,
                workers=askers,
                progress=lambda done, total: self.progress(done, total, f"{spec}: recovering"),
            )
        self.score(entry_name(spec), kind, predictions)

    def score(self, entry: str, kind: Kind, predictions: Path) -> Result:
        """Score predictions and write the entry's result."""
        home = self.home(entry)
        scores = home / "scores.parquet"
        read = score(
            self.task_file,
            predictions,
            scores,
            workers=self.pool,
            progress=lambda done, total: self.progress(done, total, f"{entry}: scoring"),
        )
        result = make_result(entry, kind, self.task_file, scores, read, predictions_sha256=_checksum(predictions))
        write_result(result, home / "result.json")
        return result

    def home(self, entry: str) -> Path:
        """Return the entry's folder, made where it is not there."""
        home = self.folder / entry_name(entry)
        home.mkdir(parents=True, exist_ok=True)
        return home


def _open_task(
    name: str,
    root: Path | None,
    out: Path,
    *,
    cache: Path | None,
    limit: int | None,
    pool: engine.Workers,
    progress: Progress,
) -> _Bench:
    task = load_task(name)
    task_file = prepare(task, root, cache or user_cache(), limit=limit, progress=lambda text: progress(0, 1, text))
    limited = file_metadata(task_file)["limited"]
    folder = out / (f"{task.name}-first{limited}" if limited else task.name)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "task.parquet"
    if not kept.exists() or not filecmp.cmp(kept, task_file, shallow=False):
        with replacing(kept) as part:
            shutil.copyfile(task_file, part)
    return _Bench(task, kept, folder, pool, progress)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _named(predictions: Path) -> str | None:
    if predictions.is_dir():
        return predictions.name
    try:
        return file_metadata(predictions).get("entry")
    except StoreError as error:
        raise TaskError(f"{predictions} is neither a Parquet file nor a folder of InkML: {error}") from error


def _keep(predictions: Path, target: Path, task_file: Path) -> None:
    """Keep a submission beside its scores, in the project's own form where it came as InkML."""
    if predictions.is_dir() and not any(predictions.glob("*.parquet")):
        read = read_predictions(predictions, [row.sample.key for row in read_rows(task_file, images=False)])
        write_predictions(target, read.answers.items(), {"entry": target.parent.name})
    elif predictions.resolve() != target.resolve():
        with replacing(target) as part:
            shutil.copyfile(predictions, part)


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
