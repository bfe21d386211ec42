"""The file between predicting and scoring: what a method said of each image, and how long it took.

``predictions.parquet`` holds a row a sample: ``key``, the recovered ink in pixels of the image (``x``, ``y`` and, where
known, ``t``, ``pressure``, ``width``: a list of strokes, each a list of numbers), ``status``, ``message``, ``seconds``
and, where the method states them, ``confidence``, ``stroke_confidence``, ``log_probability`` and ``alternatives``.
Methods in other languages may write it themselves: only ``key``, ``x`` and ``y`` are needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kalamos.benchmark import stated_columns
from kalamos.benchmark.isolation import Answer, Status
from kalamos.errors import InkError, KalamosError, TaskError
from kalamos.ink import Ink
from kalamos.recoverer import MAX_POINTS
from kalamos.storage.parquet import (
    INK_FIELDS,
    file_metadata,
    in_groups,
    ink_columns,
    inks_from,
    parquet_files,
    write_batches,
)

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        *INK_FIELDS,
        ("status", pa.string()),
        ("message", pa.string()),
        ("seconds", pa.float64()),
        *stated_columns.FIELDS,
    ]
)
_ROWS, _NUMBERS = 256, 2_000_000


@dataclass(frozen=True)
class Predictions:
    """What a method said of a task.

    Attributes:
        answers: key -> answer; keys that are not there were not answered.
        metadata: the texts stored in the file (entry name, task hash, ...); empty for a foreign file.
        problems: what had to be put aside on reading (unknown or duplicate keys, broken inks), with counts.
    """

    answers: Mapping[str, Answer]
    metadata: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, int] = field(default_factory=dict)


def write_predictions(path: Path, rows: Iterable[tuple[str, Answer]], metadata: Mapping[str, str]) -> int:
    """Write ``(key, answer)`` pairs; return how many."""
    return write_batches(path, SCHEMA, (_batch(group) for group in in_groups(rows, 1024)), metadata)


def read_predictions(path: Path, keys: Iterable[str]) -> Predictions:
    """Read a predictions file, a folder of such files, or a folder of InkML, one file a sample.

    Args:
        path: the file or folder.
        keys: the task's keys; others are put aside and counted.

    Raises:
        TaskError: where the file has no ``key``, ``x`` and ``y``, or no key fits the task.
    """
    wanted = set(keys)
    answers: dict[str, Answer] = {}
    problems: Counter[str] = Counter()
    inkml = path.is_dir() and any(path.glob("*.inkml"))
    pairs = _from_inkml(path, wanted) if inkml else _from_parquet(path)
    for key, answer, remarks in pairs:
        if key not in wanted:
            problems["unknown key"] += 1
        elif key in answers:
            problems["duplicate key: the first counts"] += 1
        else:
            answers[key] = answer
            problems.update(remarks)
            if answer.status != "ok":
                problems[answer.message] += 1
    if not answers:
        raise TaskError(f"{path}: none of its keys belongs to the task; keys look like {sorted(wanted)[:2]}")
    return Predictions(answers, {} if inkml else file_metadata(parquet_files(path)[0]), dict(problems))


def _batch(group: Sequence[tuple[str, Answer]]) -> pa.RecordBatch:
    answers = [answer for _, answer in group]
    columns = {
        "key": pa.array([key for key, _ in group]),
        **ink_columns([stated_columns.without_width(answer.ink) for answer in answers]),
        "status": pa.array([answer.status for answer in answers]),
        "message": pa.array([answer.message for answer in answers]),
        "seconds": pa.array([answer.seconds for answer in answers], pa.float64()),
        **stated_columns.columns([answer.ink for answer in answers], [answer.stated for answer in answers]),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


_Told = tuple[str, Answer, tuple[str, ...]]
"""Key, answer, and what had to be put aside of it."""


def _from_parquet(path: Path) -> Iterator[_Told]:
    for file in parquet_files(path):
        try:
            with pq.ParquetFile(file) as parquet:
                missing = {"key", "x", "y"} - set(parquet.schema_arrow.names)
                if missing:
                    raise TaskError(f"{file} lacks the columns {', '.join(sorted(missing))}; see docs/protocol.md")
                for batch in parquet.iter_batches(batch_size=_rows_at_once(parquet.metadata)):
                    yield from list(_answers(_completed(file, batch)))
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise TaskError(f"{file} is not a Parquet file of predictions, or damaged: {error}") from error


def _rows_at_once(metadata: Any) -> int:
    """Return how many rows to read together, so that an average batch has no more than two million numbers."""
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    a_row = max((_numbers(group) / max(group.num_rows, 1) for group in groups), default=1.0)
    return int(min(_ROWS, max(1.0, _NUMBERS / max(a_row, 1.0))))


def _numbers(group: Any) -> int:
    return max((group.column(k).num_values for k in range(group.num_columns)), default=0)


def _completed(file: Path, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with every column of the schema, in its type; what is not there is null."""
    columns = []
    for wanted in SCHEMA:
        if wanted.name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, wanted.type))
            continue
        try:
            given = batch.column(wanted.name)
            rebuilt = wanted.name == "alternatives" and given.type != wanted.type
            columns.append(stated_columns.cast_alternatives(given) if rebuilt else given.cast(wanted.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise TaskError(f"{file}: column {wanted.name} is not of the type {wanted.type}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _answers(batch: pa.RecordBatch) -> Iterator[_Told]:
    """Yield the answers of a batch; an ink that breaks the rules fails alone."""
    rest = batch.select(["key", "status", "message", "seconds"]).to_pylist()
    for row, (values, beside) in enumerate(zip(rest, stated_columns.beside(batch), strict=True)):
        ink, reason = _ink_of(batch.slice(row, 1), beside.width)
        status: Status = values["status"] or "ok"
        message = values["message"] or ""
        if status == "ok" and reason:
            status, message, ink = "failed", reason, None
        seconds = float("nan") if values["seconds"] is None else values["seconds"]
        yield str(values["key"]), Answer(ink, status, message, seconds, beside.stated), beside.problems


def _ink_of(row: pa.RecordBatch, width: list[list[float]] | None) -> tuple[Ink | None, str]:
    try:
        ink = _safe_ink(row)
        return None if ink is None else stated_columns.with_width(ink, width), ""
    except (InkError, ValueError) as error:
        return None, f"broken ink: {error}"


def _safe_ink(row: pa.RecordBatch) -> Ink | None:
    points = len(row.column("x").flatten().flatten())
    if points > MAX_POINTS:
        raise InkError(f"more than {MAX_POINTS} points")
    if points != len(row.column("y").flatten().flatten()):
        raise InkError("x and y differ in length")
    return inks_from(row)[0]


def _from_inkml(folder: Path, wanted: set[str]) -> Iterator[_Told]:
    """Yield the first ink of each ``<key with / as _>.inkml``."""
    from kalamos.formats.inkml import read  # noqa: PLC0415
    from kalamos.formats.report import UnitReport  # noqa: PLC0415 - only for foreign files

    names = {key.replace("/", "_"): key for key in wanted}
    for file in sorted(folder.glob("*.inkml")):
        key = names.get(file.stem, file.stem)
        try:
            inks = [sample.ink for sample in read(file, UnitReport())]
        except KalamosError as error:
            yield key, Answer(None, "failed", f"broken file: {error}"), ()
            continue
        yield key, (Answer(inks[0]) if inks else Answer(None, "failed", "empty ink")), ()
