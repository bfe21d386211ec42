"""Ask a recoverer for every image of a task and keep what it says; resumable, and it knows nothing of truth."""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kalamos.benchmark.entries import fingerprint
from kalamos.benchmark.isolation import Answer, IsolatedRecoverer
from kalamos.benchmark.predictions import read_predictions, write_predictions
from kalamos.benchmark.prepare import prepared_task, shown
from kalamos.benchmark.provenance import provenance
from kalamos.benchmark.stated import N_BEST
from kalamos.benchmark.task import Task
from kalamos.errors import StoreError
from kalamos.ink import Sample
from kalamos.machinery import engine
from kalamos.machinery.files import remove_abandoned, write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.storage.parquet import file_metadata, read_rows

CHUNK = 256
MOST_OF_A_GROUP = 256
"""A group of more images is told to a method in parts."""
PAGE_SLOWNESS = 15.0
"""How many times the limit of an image a whole page may take."""
LOG = "model.log"
"""The file in an entry's folder that holds what the model printed, where it printed anything."""


@dataclass(frozen=True)
class _ChunkJob:
    spec: str
    task_file: Path
    groups: tuple[tuple[int, ...], ...]
    path: Path
    batch: int
    timeout_s: float
    memory_mb: float | None
    give_script: bool
    pages: bool


def predict(
    spec: str,
    task_file: Path,
    destination: Path,
    *,
    batch: int = 64,
    timeout_s: float = 20.0,
    memory_mb: float | None = None,
    workers: engine.Workers = engine.IN_PROCESS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``predictions.parquet`` of a recoverer into ``destination`` and return its path.

    Args:
        spec: a registered name, ``package.module:Class`` or ``path/to/file.py:Class``.
        task_file: what :func:`kalamos.benchmark.task.prepare` made.
        destination: the entry's folder; chunks done in a run that was cut short are kept there and used again.
        batch: images a call.
        timeout_s: how long one image may take, on the average of a batch.
        memory_mb: what the model's processes may hold together; None for half of the machine's.
        workers: where the asking is done; only times of one asker at a time can be compared.
        progress: called with images done and images in all.

    Raises:
        ModelError: where the recoverer cannot be started at all.
        StoreError: where the folder holds answers of the model as it was before it was changed.
    """
    task, task_hash = prepared_task(task_file)
    groups = groups_of(task, [row.sample for row in read_rows(task_file, images=False)])
    total = sum(map(len, groups))
    parts = destination / f".parts-{task_hash}-{stable_hash(spec):016x}"
    _go_on(parts, spec)
    pages = task.input == "page"
    asked = (batch, timeout_s, memory_mb) if not pages else (1, timeout_s * PAGE_SLOWNESS, memory_mb)
    jobs = [
        _ChunkJob(spec, task_file, some, parts / f"{k:08d}.parquet", *asked, task.give_script, pages)
        for k, some in enumerate(_together(groups, CHUNK))
    ]
    waiting = [job for job in jobs if not job.path.exists()]
    done = total - sum(len(group) for job in waiting for group in job.groups)
    for _, count in engine.run(_predict_chunk, waiting, workers):
        done += count
        progress(done, total)
    _close_isolated()
    metadata = {"entry": spec, "task": task.name, "task_hash": task_hash, "provenance": json.dumps(provenance())}
    metadata["peak_memory_mb"] = str(max(float(file_metadata(job.path)["peak_memory_mb"]) for job in jobs))
    target = destination / "predictions.parquet"
    write_predictions(target, _merged(jobs, [row.sample.key for row in read_rows(task_file, images=False)]), metadata)
    shutil.rmtree(parts)
    return target


def declared_name(spec: str, timeout_s: float, memory_mb: float | None, workers: engine.Workers) -> str:
    """Start a recoverer and return what it calls itself.

    Raises:
        ModelError: where it cannot be started.
    """
    ((_, name),) = engine.run(_declared, [(spec, timeout_s, memory_mb)], workers)
    return name


def _declared(job: tuple[str, float, float | None]) -> str:
    return _isolated(*job).name


def _go_on(parts: Path, spec: str) -> None:
    """Note the model that answers are of; what a killed run left half is removed."""
    now, path = fingerprint(spec), parts / "model"
    remove_abandoned(parts)
    if not parts.is_dir():
        write_text(path, now)
    elif not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != now:
        raise StoreError(
            f"{parts} holds answers of {spec} as it was before its code or weights were changed; "
            "delete that folder to ask the model anew, or take another --out"
        )


def _merged(jobs: Sequence[_ChunkJob], keys: Sequence[str]) -> Iterator[tuple[str, Answer]]:
    for job in jobs:
        yield from read_predictions(job.path, keys).answers.items()


def groups_of(task: Task, samples: Sequence[Sample]) -> list[tuple[int, ...]]:
    """Return which samples a method may be told to be of one hand or page, by their places.

    Groups come in the order of their first sample and say nothing but what belongs together; without ``groups`` in the
    task, and where a sample does not tell its writer or page, a sample is a group of its own.
    """
    found: dict[object, list[int]] = {}
    for place, sample in enumerate(samples):
        name = {"writer": sample.writer, "page": sample.source}.get(task.groups, "")
        found.setdefault(name or place, []).append(place)
    return [
        tuple(places[k : k + MOST_OF_A_GROUP])
        for places in found.values()
        for k in range(0, len(places), MOST_OF_A_GROUP)
    ]


def _together(groups: Sequence[tuple[int, ...]], most: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield groups side by side, as many as have ``most`` images together; a larger one alone."""
    some: list[tuple[int, ...]] = []
    for group in groups:
        if some and sum(map(len, some)) + len(group) > most:
            yield tuple(some)
            some = []
        some.append(group)
    if some:
        yield tuple(some)


def _predict_chunk(job: _ChunkJob) -> int:
    first, last = min(map(min, job.groups)), max(map(max, job.groups))
    wanted = {place for group in job.groups for place in group}
    read = read_rows(job.task_file, start=first, stop=last + 1)
    rows = {place: row for place, row in enumerate(read, first) if place in wanted}
    recoverer = _isolated(job.spec, job.timeout_s, job.memory_mb)
    recoverer.pages = job.pages
    recoverer.log = job.path.parent.parent / LOG

    def answers() -> Iterator[tuple[str, Answer]]:
        for some in _together(job.groups, job.batch):
            images = [[shown(rows[place], job.give_script) for place in group] for group in some]
            keys = [rows[place].sample.key for group in some for place in group]
            yield from zip(keys, recoverer.recover_many(images, N_BEST), strict=True)

    done = list(answers())
    return write_predictions(job.path, done, {"peak_memory_mb": str(recoverer.peak_memory_mb)})


_RUNNING: dict[tuple[str, float, float | None], IsolatedRecoverer] = {}
"""This process' recoverer: starting one may take seconds, so it lives from chunk to chunk."""


def _isolated(spec: str, timeout_s: float, memory_mb: float | None) -> IsolatedRecoverer:
    wanted = spec, timeout_s, memory_mb
    if wanted not in _RUNNING:
        _close_isolated()
        _RUNNING[wanted] = IsolatedRecoverer(*wanted)
    return _RUNNING[wanted]


def _close_isolated() -> None:
    while _RUNNING:
        _RUNNING.popitem()[1].close()


atexit.register(_close_isolated)
