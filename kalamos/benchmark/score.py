"""Hold predictions against the truth: a row a sample, a column a metric; then what it adds up to.

A sample that was not answered, or answered uselessly, gets each metric's worst value and lowers the coverage: refusing
hard samples never helps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kalamos.benchmark import certainty, scan_ink
from kalamos.benchmark import recognised as recognition
from kalamos.benchmark.isolation import Answer
from kalamos.benchmark.predictions import Predictions, read_predictions
from kalamos.benchmark.prepare import prepared_task
from kalamos.image import OfflineImage
from kalamos.ink import TRUE_TIMES, Ink
from kalamos.machinery import engine
from kalamos.metrics import METRICS, Pair, Reference
from kalamos.metrics import score as metric_values
from kalamos.metrics.losses import LOSSES, losses
from kalamos.metrics.metric import Need, Says, given
from kalamos.recoverer import fault
from kalamos.storage.parquet import Row, read_rows, write_batches

_FACTS = [
    ("key", pa.string()),
    ("writer", pa.string()),
    ("script", pa.string()),
    ("label", pa.string()),
    ("strokes", pa.int32()),
    ("junctions", pa.int32()),
    ("length_px", pa.float64()),
    ("height_px", pa.int32()),
    ("status", pa.string()),
    ("message", pa.string()),
    ("seconds", pa.float64()),
]
_CHUNK = 128
_CHUNKS_KNOWN = 16
"""Chunks of a task whose true side a process keeps for the next entry: 2,048 samples, some 40 kB each."""
TABLE = recognition.TABLE
WEIGHTED = tuple(name for name, metric in METRICS.items() if metric.aggregate == "pooled_rms")


@dataclass(frozen=True)
class _ScoreJob:
    task_file: Path
    start: int
    answers: tuple[Answer | None, ...]
    says: Says


def schema() -> pa.Schema:
    """Return the columns of ``scores.parquet``: facts of a sample, then a float64 a metric (NaN: not applicable)."""
    numbers = [*TABLE, *map(weight_column, WEIGHTED), *map(loss_column, LOSSES)]
    return pa.schema([*_FACTS, *recognition.FACTS, *certainty.FACTS, *((name, pa.float64()) for name in numbers)])


def weight_column(metric: str) -> str:
    """Return the column that holds the samples' weights of a pooled metric."""
    return f"weight:{metric}"


def loss_column(part: str) -> str:
    """Return the column that holds a part of the loss of ``lcss``, see :mod:`kalamos.metrics.losses`."""
    return f"loss:{part}"


def score(
    task_file: Path,
    predictions: Path,
    target: Path,
    *,
    workers: engine.Workers = engine.IN_PROCESS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Score predictions on a prepared task and write ``scores.parquet`` to ``target``; return what was read.

    Beside it stands ``confusion.csv``: which characters the online recogniser took for which.

    Args:
        task_file: what :func:`kalamos.benchmark.task.prepare` made.
        predictions: a predictions file or a folder, see :mod:`kalamos.benchmark.predictions`.
        target: the file to write.
        workers: where the scoring is done.
        progress: called with samples done and samples in all.
    """
    keys = [row.sample.key for row in read_rows(task_file, images=False)]
    read = read_predictions(predictions, keys)
    says = frozenset[Need]().union(*(given(answer.ink) for answer in read.answers.values() if answer.ink is not None))
    jobs = [
        _ScoreJob(task_file, start, tuple(read.answers.get(key) for key in keys[start : start + _CHUNK]), says)
        for start in range(0, len(keys), _CHUNK)
    ]
    parts: dict[int, pa.RecordBatch] = {}
    for job, part in engine.run(_score_chunk, jobs, workers):
        parts[job.start] = part
        progress(min(len(keys), len(parts) * _CHUNK), len(keys))
    write_scores(target, (parts[start] for start in sorted(parts)))
    return read


def write_scores(target: Path, parts: Iterable[pa.RecordBatch]) -> None:
    """Write ``scores.parquet``, and ``confusion.csv`` beside it."""
    write_batches(target, schema(), parts)
    named = ["category", "label", "recognised_as"]
    recognition.write_confusion(pq.read_table(target, columns=named), target.with_name("confusion.csv"))


def write_known(target: Path, table: pa.Table) -> None:
    """Write a table of scores that is there already, to the bytes that scoring writes."""
    write_scores(target, table.combine_chunks().to_batches(_CHUNK))


@dataclass(frozen=True)
class _Known:
    """What the answers to a chunk are held against: the same for every entry, and half of the work."""

    facts: tuple[dict[str, object], ...]
    references: tuple[Reference, ...]
    questions: recognition.Questions
    pages: bool


def _score_chunk(job: _ScoreJob) -> pa.RecordBatch:
    known = _known(job.task_file, job.task_file.stat().st_mtime_ns, job.start, job.start + len(job.answers))
    answers = [_checked(given, to) for given, to in zip(job.answers, known.references, strict=True)]
    inks = [_ink(answer) for answer in answers]
    read = recognition.columns(known.questions, inks)
    on_scan = scan_ink.columns(known.references, inks, pages=known.pages)
    scored = zip(known.facts, _scored(known.references, answers, job.says), read, on_scan, strict=True)
    return _record([{**facts, **item, **more, **beside} for facts, item, more, beside in scored])


@lru_cache(maxsize=_CHUNKS_KNOWN)
def _known(task_file: Path, changed_ns: int, start: int, stop: int) -> _Known:
    """Return the true side of a chunk; a file that has changed is another file."""
    rows = list(read_rows(task_file, start=start, stop=stop))
    task = prepared_task(task_file)[0]
    references = tuple(Reference(_known_truth(row), _image(row), task.line_height_px) for row in rows)
    facts = tuple(_facts(row, reference) for row, reference in zip(rows, references, strict=True))
    asked = recognition.questions(
        [row.sample for row in rows], [row.truth() for row in rows], [_image(row) for row in rows]
    )
    return _Known(facts, references, asked, task.input == "page")


def _facts(row: Row, reference: Reference) -> dict[str, object]:
    return {
        "key": row.sample.key,
        "writer": row.sample.writer,
        "script": row.sample.script,
        "label": row.sample.label,
        "strokes": reference.truth.n_strokes,
        "junctions": len(reference.junctions) if reference.truth.n_points else 0,
        "length_px": reference.length_px,
        "height_px": _image(row).height_px,
        **{weight_column(name): METRICS[name].weight(reference) for name in WEIGHTED},
    }


def _record(scored: Sequence[Mapping[str, object]]) -> pa.RecordBatch:
    columns = [pa.array([item[field.name] for item in scored], field.type) for field in schema()]
    return pa.RecordBatch.from_arrays(columns, schema=schema())


def _scored(references: Sequence[Reference], answers: Sequence[Answer], says: Says) -> Iterator[dict[str, object]]:
    for reference, answer in zip(references, answers, strict=True):
        pair = Pair(_ink(answer), reference)
        values = metric_values(pair, says=says)
        parts = dict.fromkeys(LOSSES, math.nan) if math.isnan(values["lcss"]) else losses(pair)
        yield {
            "status": answer.status,
            "message": answer.message,
            "seconds": answer.seconds,
            **_beside(answer, reference, values),
            **values,
            **{loss_column(part): value for part, value in parts.items()},
        }


def _beside(answer: Answer, reference: Reference, values: Mapping[str, float]) -> dict[str, object]:
    """Return what a scores table keeps of what an answer states; alternatives that are no answers do not count."""
    image, stated = reference.image, answer.stated
    assert image is not None  # noqa: S101 - a prepared task has an image in every row
    others = [one.ink for one in stated.alternatives if fault(one.ink, image.width_px, image.height_px) is None]
    pairs = [] if math.isnan(values["lcss"]) else [Pair(ink, reference) for ink in others]
    best = {
        f"best:{name}": max([values[name], *(METRICS[name].value(pair) for pair in pairs)])
        for name in ("lcss", "complete_trajectory")
    }
    confidence = math.nan if stated.confidence is None else stated.confidence
    return {"confidence": confidence, "alternatives": len(others), **best}


def _known_truth(row: Row) -> Ink:
    """Return the truth in pixels; times that were neither recorded, counted from a rate nor simulated are no truth."""
    truth = row.truth()
    return truth if row.sample.time_source in TRUE_TIMES else Ink(truth.xy, truth.offsets, None, truth.pressure)


def _checked(answer: Answer | None, reference: Reference) -> Answer:
    """Return the answer, or why it is none: foreign files come here unchecked."""
    if answer is None:
        return Answer(None, "failed", "not answered")
    if answer.status != "ok" or answer.ink is None:
        status = "failed" if answer.status == "ok" else answer.status
        return Answer(None, status, answer.message or "empty ink", answer.seconds)
    assert reference.image is not None  # noqa: S101 - a prepared task has an image in every row
    reason = fault(answer.ink, reference.image.width_px, reference.image.height_px)
    return answer if reason is None else Answer(None, "failed", reason, answer.seconds)


def _ink(answer: Answer) -> Ink:
    return Ink.empty() if answer.ink is None else answer.ink


def _image(row: Row) -> OfflineImage:
    assert row.image is not None  # noqa: S101 - a prepared task has an image in every row
    return row.image


def metric_columns(table: pa.Table) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the metric columns of a scores table as arrays ``(n,)``."""
    return {name: table.column(name).to_numpy() for name in TABLE if name in table.column_names}
