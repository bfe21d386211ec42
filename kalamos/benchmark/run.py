"""Bench: prepare a task, predict, score, and leave an entry's folder with three files that anybody can check.

``OUT/<task>/<entry>/`` holds ``predictions.parquet``, ``scores.parquet``, ``result.json``; ``OUT/<task>/task.parquet``
the images and truth that they refer to. A run that was cut short is continued by the same command.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kalamos.benchmark.control_answers import controls_of, predict_control
from kalamos.benchmark.entries import TASK_FILE, checked_name, entry_name, fingerprint, is_declared, reserved
from kalamos.benchmark.known_scores import KnownScores
from kalamos.benchmark.predict import declared_name, predict
from kalamos.benchmark.predictions import Predictions, read_predictions, write_predictions
from kalamos.benchmark.prepare import prepare
from kalamos.benchmark.result import Kind, Result, make_result, read_result, write_result
from kalamos.benchmark.score import score, write_known
from kalamos.benchmark.task import Task, file_name, load_task
from kalamos.errors import KalamosError, ModelError, StoreError, TaskError
from kalamos.machinery import engine
from kalamos.machinery.files import remove_abandoned, replacing, sha256_of, sole_run, write_text
from kalamos.recoverer import RECOVERERS, loadable_models
from kalamos.storage.parquet import file_metadata, read_rows

Progress = Callable[[int, int, str], None]


def no_progress(done: int, total: int, label: str) -> None:
    """Show nothing."""


def bench(  # noqa: PLR0913 - what a command asks
    task_name: str,
    models: Sequence[str],
    root: Path | None,
    out: Path,
    *,
    cache: Path | None = None,
    timeout_s: float = 20.0,
    memory_mb: float | None = None,
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
        memory_mb: what a model's processes may hold together; None for half of the machine's.
        controls: whether the control rows are made too.
        limit: fewer samples, for a first look.
        workers: local processes that score; models are always asked by one, so that their times can be compared.
        scheduler: address of a Dask scheduler: both asking and scoring are done there.
        progress: called with done, total and what is being done.

    Raises:
        TaskError: where there is no such task, or its images differ from the pinned ones.
        UnknownNameError: where nothing is called like a model that was asked for.
        IncompleteError: at the end, where a model could not be started; it holds the results of the others.
    """
    entries: list[tuple[str, Kind]] = [(spec, "model") for spec in dict.fromkeys(models or loadable_models())]
    for spec, _ in entries:
        if RECOVERERS.target(spec.partition("?")[0]) is None:
            RECOVERERS.load(spec.partition("?")[0])  # says what comes near
    with engine.executor(workers, scheduler) as pool:
        askers = pool if scheduler else engine.IN_PROCESS
        opened = open_task(task_name, root, out, cache=cache, limit=limit, pool=pool, progress=progress)
        if controls:
            entries += [(name, "control") for name in controls_of(opened.task_file)]
        journal = _Journal(opened.folder / ".running.json", opened.task.hash)
        asking = Asking(timeout_s, memory_mb, askers)
        named: dict[str, str] = {}
        made: dict[str, Result | None] = {}
        failed: list[str] = []
        for spec, kind in entries:
            try:
                entry = spec if kind == "control" else asking.name(spec)
                if entry in named:
                    raise TaskError(
                        f"{named[entry]} and {spec} are both called {entry!r}: give one another attribute `name`"
                    )
                made[entry] = opened.run(spec, entry, kind, asking, journal)
                named[entry] = spec
            except (ModelError, TaskError) as error:
                failed.append(str(error))
        journal.close()
    results = [result or read_result(opened.folder / entry / "result.json") for entry, result in made.items()]
    if failed:
        raise IncompleteError(results, failed)
    return results


class IncompleteError(KalamosError):
    """Some models could not be run.

    Attributes:
        results: of the other entries.
        reasons: a line for each model that is not among them.
    """

    def __init__(self, results: list[Result], reasons: list[str]) -> None:
        self.results, self.reasons = results, reasons
        super().__init__("; ".join(reasons))


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
    entry = checked_name(called(predictions) if name is None else name, "a submission")
    if entry in reserved():
        raise TaskError(f"a submission cannot be called {entry!r}, which is built in: give it another name with --name")
    with engine.executor(workers) as pool:
        opened = open_task(task_name, root, out, cache=cache, limit=limit, pool=pool, progress=progress)
        target = opened.home(entry) / "predictions.parquet"
        opened.refuse_other(entry, "submission", f"{entry} (a submission)")
        keep_predictions(predictions, target, opened.task_file)
        return opened.score(entry, "submission", target, submission=_brought(target))


LONGEST_NAME = 80
"""Characters of the name of whoever brings predictions."""


def rescore(
    task_name: str,
    root: Path | None,
    out: Path,
    *,
    cache: Path | None = None,
    workers: int = 1,
    progress: Progress = no_progress,
) -> list[Result]:
    """Score anew what lies in the folder of a task, from its predictions; nobody is asked, and nothing is added.

    Entries of other images or of another version of the task are left as they are, and so are those that somebody sent
    (``kalamos verify-submission`` scores them).

    Raises:
        CorpusError, TaskError: where the task cannot be made, or differs from its pins.
    """
    made = []
    with engine.executor(workers) as pool:
        opened = open_task(task_name, root, out, cache=cache, limit=None, pool=pool, progress=progress)
        for path in sorted(opened.folder.glob("*/result.json")):
            before, predictions = read_result(path), path.with_name("predictions.parquet")
            mine = before.task_hash == opened.task.hash and before.kind in ("model", "control") and not before.partial
            if mine and predictions.is_file():
                with sole_run(path.parent, waiting=lambda whose: None):
                    made.append(opened.score(before.entry, before.kind, predictions))
    return made


def _brought(predictions: Path) -> dict[str, str]:
    """Return who brought predictions of a system that cannot be installed, as their file says; empty for others."""
    try:
        by = json.loads(file_metadata(predictions).get("provenance", "{}")).get("brought_by", "")
    except (ValueError, AttributeError):
        return {}
    return (
        {"run_by": f"{by} (brought)"}
        if isinstance(by, str) and 0 < len(by) <= LONGEST_NAME and by.isprintable()
        else {}
    )


def called(predictions: Path) -> str:
    """Return the name of a submission that is given none: what its file says, as far as that can be a name."""
    said = re.sub(r"[^\w.+=-]+", "-", _named(predictions) or predictions.stem).strip("-.")[:100] or "entry"
    return f"{said}-again" if said in reserved() else said  # predictions that Kalamos itself made, scored once more


def user_cache() -> Path:
    """Return the folder where prepared tasks are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "kalamos" / "tasks"


@dataclass(frozen=True)
class OpenTask:
    """One task made ready, and the means to run entries on it.

    Attributes:
        task: the task.
        task_file: its images and truth.
        folder: where its entries are, a folder each.
        known: what controls score on it, as far as that is kept.
        pool: where the scoring is done.
        progress: called with done, total and what is being done.
    """

    task: Task
    task_file: Path
    folder: Path
    known: KnownScores
    pool: engine.Workers
    progress: Progress

    def run(self, spec: str, entry: str, kind: Kind, asking: Asking, journal: _Journal) -> Result | None:
        """Predict and score one model or control; None where this run has done it before it was cut short."""
        made_with = "" if kind == "control" else fingerprint(spec)

        def waiting(whose: str) -> None:
            self.progress(0, 1, f"{entry}: waiting for another run in this folder ({whose})")

        with sole_run(self.folder / entry, waiting=waiting):
            if journal.has(entry, made_with):
                return None
            self.refuse_other(entry, kind, spec)
            result = self.control(entry) if kind == "control" else self.predict(spec, entry, kind, asking)
            journal.add(entry, made_with)
            return result

    def refuse_other(self, entry: str, kind: Kind, spec: str) -> None:
        """Refuse to write over the results of something else that is called the same.

        Raises:
            TaskError: naming both.
        """
        path = self.folder / entry / "result.json"
        if not path.exists():
            return
        before = read_result(path)
        there = _named(self.folder / entry / "predictions.parquet") if kind == before.kind == "model" else spec
        if before.kind != kind or there != spec:
            raise TaskError(
                f"{path.parent} holds the results of {there if before.kind == kind else 'a ' + before.kind}, which "
                f"{spec} is not: give it another name, or take another --out"
            )

    def predict(self, spec: str, entry: str, kind: Kind, asking: Asking) -> Result:
        """Predict and score one model."""
        predictions = predict(
            spec,
            self.task_file,
            self.home(entry),
            timeout_s=asking.timeout_s,
            memory_mb=asking.memory_mb,
            workers=asking.workers,
            progress=lambda done, total: self.progress(done, total, f"{spec}: recovering"),
        )
        return self.score(entry, kind, predictions)

    def control(self, name: str) -> Result:
        """Make a control's answers; score them, unless their scores are known."""
        home = self.home(name)
        self.progress(0, 1, f"{name}: answering")
        predictions, known = predict_control(name, self.task_file, home), self.known.find(name)
        if known is None:
            result = self.score(name, "control", predictions)
            self.known.keep(name, home / "scores.parquet", result.problems)
            return result
        write_known(home / "scores.parquet", known.table)
        read = Predictions({}, file_metadata(predictions), known.problems)
        return self._result(name, "control", predictions, read, scored=known.scored)

    def score(
        self, entry: str, kind: Kind, predictions: Path, *, submission: Mapping[str, Any] | None = None
    ) -> Result:
        """Score predictions and write the entry's result; ``submission`` is what its card says."""
        home = self.home(entry)
        scores = home / "scores.parquet"
        read = score(
            self.task_file,
            predictions,
            scores,
            workers=self.pool,
            progress=lambda done, total: self.progress(done, total, f"{entry}: scoring"),
        )
        return self._result(entry, kind, predictions, read, submission=submission)

    def _result(
        self,
        entry: str,
        kind: Kind,
        predictions: Path,
        read: Predictions,
        *,
        scored: Mapping[str, str] | None = None,
        submission: Mapping[str, Any] | None = None,
    ) -> Result:
        home, sha256 = self.folder / entry, sha256_of(predictions)
        scores = home / "scores.parquet"
        result = make_result(entry, kind, self.task_file, scores, read, predictions_sha256=sha256, scored=scored)
        result = replace(result, submission=submission or {})
        write_result(result, home / "result.json")
        return result

    def home(self, entry: str) -> Path:
        """Return the entry's folder, made where it is not there."""
        home = self.folder / entry
        home.mkdir(parents=True, exist_ok=True)
        remove_abandoned(home)
        return home


@dataclass(frozen=True)
class Asking:
    """How models are asked.

    Attributes:
        timeout_s: how long one image may take.
        memory_mb: what a model's processes may hold together; None for half of the machine's.
        workers: where they are asked.
    """

    timeout_s: float
    memory_mb: float | None
    workers: engine.Workers

    def name(self, spec: str) -> str:
        """Return what a model's row is called; one that is given by a path is started and asked."""
        declared = is_declared(spec)
        return entry_name(spec, declared_name(spec, self.timeout_s, self.memory_mb, self.workers) if declared else "")


def open_task(
    name: str,
    root: Path | None,
    out: Path,
    *,
    cache: Path | None,
    limit: int | None,
    pool: engine.Workers,
    progress: Progress,
) -> OpenTask:
    """Make a task ready and return it; ``OUT/TASK/task.parquet`` holds its images and truth.

    Raises:
        CorpusError, TaskError: where it cannot be made, or differs from its pins.
    """
    task = load_task(name)
    checked_name(task.name, "a task")
    store, out = Path(cache or user_cache()), Path(out)
    remove_abandoned(store)
    task_file = prepare(task, root, store, limit=limit, progress=lambda text: progress(0, 1, text))
    limited = file_metadata(task_file)["limited"]
    folder = out / (f"{task.name}-first{limited}" if limited else task.name)
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder)
    kept = folder / TASK_FILE
    if not kept.exists() or not filecmp.cmp(kept, task_file, shallow=False):
        with replacing(kept) as part:
            shutil.copyfile(task_file, part)
    return OpenTask(task, kept, folder, KnownScores(file_name(task), kept, store), pool, progress)


def _named(predictions: Path) -> str | None:
    if predictions.is_dir():
        return predictions.name
    try:
        return file_metadata(predictions).get("entry")
    except StoreError as error:
        raise TaskError(f"{predictions} is neither a Parquet file nor a folder of InkML: {error}") from error


def keep_predictions(predictions: Path, target: Path, task_file: Path) -> None:
    """Keep a submission beside its scores, in the project's own form where it came as a folder."""
    own = predictions / "predictions.parquet"
    predictions = own if own.is_file() else predictions
    if predictions.is_dir():
        read = read_predictions(predictions, [row.sample.key for row in read_rows(task_file, images=False)])
        brought = {name: told for name, told in read.metadata.items() if name == "provenance"}
        write_predictions(target, read.answers.items(), {**brought, "entry": target.parent.name})
    elif predictions.resolve() != target.resolve():
        with replacing(target) as part:
            shutil.copyfile(predictions, part)


class _Journal:
    """Which entries a run has finished: kept while it goes on, so that a run that was cut short can be continued."""

    def __init__(self, path: Path, task_hash: str) -> None:
        self._path, self._hash = path, task_hash
        self._done: dict[str, Any] = {}

    def has(self, entry: str, made_with: str) -> bool:
        """Say whether an entry is done, by this run, one that was cut short, or another that is at work here too."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(found, dict) and found.get("task_hash") == self._hash and isinstance(found.get("done"), dict):
                self._done |= found["done"]
        return bool(self._done.get(entry) == made_with)

    def add(self, entry: str, made_with: str) -> None:
        self._done[entry] = made_with
        write_text(self._path, json.dumps({"task_hash": self._hash, "done": self._done}))

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
