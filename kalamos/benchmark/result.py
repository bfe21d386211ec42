"""What an entry reached on a task: aggregates with intervals, what failed, and where it was made.

A result is made from ``scores.parquet`` and nothing else; ``result.schema.json`` is its JSON Schema. The scores stay
beside it, because paired comparisons need them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kalamos.benchmark.certainty import certainty
from kalamos.benchmark.predictions import Predictions
from kalamos.benchmark.prepare import prepared_task
from kalamos.benchmark.provenance import provenance
from kalamos.benchmark.recognised import agreement
from kalamos.benchmark.score import TABLE, WEIGHTED, loss_column, metric_columns, weight_column
from kalamos.benchmark.statistics.clusters import effective_writers
from kalamos.benchmark.statistics.estimates import Estimate, estimate
from kalamos.benchmark.unpaired import with_unpaired
from kalamos.benchmark.version import VERSION
from kalamos.errors import KalamosError, TaskError
from kalamos.formats.reading import read_bytes
from kalamos.machinery.arrays import Floats
from kalamos.machinery.files import write_text
from kalamos.machinery.seeding import stable_hash
from kalamos.metrics.losses import LOSSES
from kalamos.registry import load_object
from kalamos.storage.parquet import file_metadata

FORMAT = "kalamos-result/1"
FIRST_SAID = 2
"""The version of the benchmark of results that do not say it."""
MAX_BYTES = 16 * 2**20
Kind = Literal["model", "control", "submission", "attack"]
"""Models are run here, submissions were run elsewhere; controls and attacks stand apart and are not ranked."""
PARTS = ("by_script", "by_strokes", "by_junctions", "by_length")
"""The breakdowns of a result."""


@dataclass(frozen=True)
class Summary:
    """A metric over a task.

    Attributes:
        value: the aggregate that the metric's row names (mean, median or pooled).
        low: lower end of the 95 % interval, bootstrapped by writer; NaN where one writer is all there is.
        high: upper end.
        median: the median over samples.
        n: samples that it applies to.
        not_applicable: samples that it does not apply to.
    """

    value: float
    low: float
    high: float
    median: float
    n: int
    not_applicable: int


@dataclass(frozen=True)
class Result:
    """One entry on one task.

    Attributes:
        entry: the row's name.
        kind: model, control, submission (predictions made elsewhere) or attack (an entry that tries to game a metric).
        task: the task's name.
        task_version: its version.
        task_hash: hash of everything that defines it.
        partial: whether it is only a first look at fewer samples.
        style: hash of the style of the images.
        samples: how many there are.
        writers: of how many writers.
        effective_writers: how many these amount to (Kish); NaN in results of version 0.1.
        coverage: share of the samples that were answered.
        failures: what went wrong, counted.
        problems: what was put aside on reading the predictions, counted.
        milliseconds: mean time an image, None where it was not measured.
        peak_memory_mb: of the process that held the model, None where it was not measured.
        metrics: name -> summary.
        by_script: script -> metric -> value.
        by_strokes: number of strokes of the truth ("1", "2", "3", "4+") -> metric -> value.
        by_junctions: number of junctions of the truth ("0", "1", "2", "3-4", "5+") -> metric -> value.
        by_length: length of the true path in line heights ("0-1", "1-2", "2-4", "4-8", "8+") -> metric -> value.
        recognition: share of the labelled characters that are read right: by the online recogniser from the recovered
            ink (``recovered``) and from the true ink (``ceiling``), by the image recogniser from the image (``image``),
            and ``ratio``, recovered over ceiling, with its interval; each for all of them and by category. Empty where
            none is labelled.
        losses: part of the loss of ``lcss`` (direction, order, merging, route, geometry) -> its mean; they add up to
            ``1 - lcss``. Empty in results of version 0.1.
        certainty: how far what the entry states of itself can be trusted, see :mod:`kalamos.benchmark.certainty`; empty
            where it states nothing.
        unknown_writers: samples whose writer nobody tells; each counts as a writer of its own.
        predictions_sha256: of the predictions.
        provenance: versions, commit, machine: of the predicting run where it says, and of the scoring run.
        submission: what the card of an entry that was sent says of it (:mod:`kalamos.benchmark.submission`): run_by,
            relation (first_party: run by those who made the model; third_party), date, trained_on_this_corpus, ...;
            empty for entries without a card.
        benchmark_version: of what the numbers mean (:mod:`kalamos.benchmark.version`).
        folder: where the entry's files are; not stored.
    """

    entry: str
    kind: Kind
    task: str
    task_version: int
    task_hash: str
    partial: bool
    style: str
    samples: int
    writers: int
    coverage: float
    failures: Mapping[str, int]
    problems: Mapping[str, int]
    milliseconds: float | None
    peak_memory_mb: float | None
    metrics: Mapping[str, Summary]
    by_script: Mapping[str, Mapping[str, float]]
    by_strokes: Mapping[str, Mapping[str, float]]
    predictions_sha256: str
    provenance: Mapping[str, Mapping[str, str]]
    by_junctions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    by_length: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recognition: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    effective_writers: float = math.nan
    losses: Mapping[str, float] = field(default_factory=dict)
    certainty: Mapping[str, float] = field(default_factory=dict)
    unknown_writers: int = 0
    submission: Mapping[str, Any] = field(default_factory=dict)
    benchmark_version: int = VERSION
    folder: Path = field(default=Path(), compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON knows it; what is not a number is null."""
        plain = asdict(self)
        del plain["folder"]
        return {"format": FORMAT, **_without_nan(plain)}

    @property
    def is_ranked(self) -> bool:
        """Say whether the entry has a place in the ranking: controls and attacks have none."""
        return self.kind in ("model", "submission")

    def _repr_html_(self) -> str:
        """Show the main metrics in a notebook, with their intervals."""
        return str(load_object("kalamos.benchmark.board.notebook:result_html")(self))

    def scores(self) -> pa.Table:
        """Return the entry's scores, a row a sample."""
        path = self.folder / "scores.parquet"
        try:
            return _scores(path, path.stat().st_mtime_ns, self.samples, tuple(self.metrics))
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
            raise TaskError(f"{path} cannot be used: {' '.join(str(error).split())[:200]}") from error

    def keys_hash(self) -> int:
        """Return a hash of the keys of the samples that were scored, in their order."""
        return stable_hash("\n".join(self.scores().column("key").to_pylist()))


@lru_cache(maxsize=512)
def _scores(path: Path, changed_ns: int, samples: int, metrics: tuple[str, ...]) -> pa.Table:
    """Read a table of scores once: every metric of every pair of entries asks for it."""
    rows = pq.read_metadata(path).num_rows
    if rows != samples:
        raise ValueError(f"it holds {rows} rows, and the result says {samples} samples")
    table = pq.read_table(path)
    for name in ("key", "writer"):
        if not pa.types.is_string(table.schema.field(name).type) or table.column(name).null_count:
            raise ValueError(f"the column {name} does not hold texts")
    keys = table.column("key").to_pylist()
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    needed = [name for name in metrics if name in TABLE]
    for name in [*needed, *(weight_column(name) for name in needed if name in WEIGHTED)]:
        place = table.schema.get_field_index(name)
        if place < 0:
            raise ValueError(f"the column {name} is missing")
        table = table.set_column(place, name, table.column(name).cast(pa.float64()))
    return table


def make_result(
    entry: str,
    kind: Kind,
    task_file: Path,
    scores: Path,
    read: Predictions,
    *,
    predictions_sha256: str,
    scored: Mapping[str, str] | None = None,
) -> Result:
    """Aggregate an entry's scores; ``scored`` says where they were computed, where that was not here and now."""
    task, task_hash = prepared_task(task_file)
    table = pq.read_table(scores).combine_chunks()
    columns = metric_columns(table)
    statuses, writers = (table.column(name).to_pylist() for name in ("status", "writer"))
    messages = [m for m, s in zip(table.column("message").to_pylist(), statuses, strict=True) if s != "ok"]
    seconds = table.column("seconds").to_numpy()
    timed = seconds[np.isfinite(seconds)]
    memory = float(read.metadata.get("peak_memory_mb", "nan"))
    made = json.loads(read.metadata.get("provenance", "{}"))
    return Result(
        entry=entry,
        kind=kind,
        task=task.name,
        task_version=task.version,
        task_hash=task_hash,
        partial=bool(file_metadata(task_file).get("limited")),
        style=task.resolved_style().hash,
        samples=table.num_rows,
        writers=len(set(writers) - {""}) + writers.count(""),
        unknown_writers=writers.count(""),
        effective_writers=effective_writers(writers),
        coverage=statuses.count("ok") / max(len(statuses), 1),
        failures=dict(Counter(messages).most_common()),
        problems=dict(read.problems),
        milliseconds=float(timed.mean() * 1000) if len(timed) else None,
        peak_memory_mb=memory if memory > 0 else None,
        metrics={name: _summary(name, table) for name in columns},
        by_script=_broken_down(columns, table.column("script").to_pylist()),
        by_strokes=_broken_down(columns, [_strokes_bin(n) for n in table.column("strokes").to_pylist()]),
        by_junctions=_broken_down(columns, [_junctions_bin(n) for n in table.column("junctions").to_pylist()]),
        by_length=_broken_down(columns, [_length_bin(n) for n in _heights(table)]),
        recognition=agreement(table) if task.has_truth else with_unpaired(agreement(table)),
        losses=_losses(table),
        certainty=certainty(table),
        predictions_sha256=predictions_sha256,
        provenance={"predicted": made, "scored": provenance() if scored is None else scored},
        folder=scores.parent,
    )


def write_result(result: Result, path: Path) -> None:
    """Write a result as JSON."""
    write_text(path, json.dumps(result.as_dict(), indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def read_result(path: Path) -> Result:
    """Read a result.

    Raises:
        TaskError: where the file is not a result, of another format, or breaks ``result.schema.json``.
    """
    plain = _checked(path)
    try:
        plain["metrics"] = {name: Summary(**_with_nan(summary)) for name, summary in plain["metrics"].items()}
        for name in (*PARTS, "recognition"):
            plain[name] = {part: _with_nan(values) for part, values in plain.get(name, {}).items()}
        plain["certainty"] = _with_nan(plain.get("certainty", {}))
        plain.setdefault("benchmark_version", FIRST_SAID)
        if plain.get("effective_writers") is None:
            plain["effective_writers"] = math.nan
        return Result(**plain, folder=path.parent)
    except (TypeError, KeyError, AttributeError) as error:
        raise TaskError(f"{path} is not a result: {error}") from error


def _checked(path: Path) -> dict[str, Any]:
    """Return the content of a result file that may come from anybody, without its format."""
    try:
        plain = json.loads(read_bytes(path, MAX_BYTES), parse_constant=no_number, parse_float=_finite)
    except (KalamosError, ValueError, RecursionError) as error:
        raise TaskError(f"{path} is not a result: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise TaskError(f"{path} is not a result of the format {FORMAT}; score the predictions again")
    fault = next(iter(_validator().iter_errors(plain)), None)
    if fault is not None:
        place = "/".join(map(str, fault.absolute_path)) or "the whole"
        raise TaskError(f"{path} breaks result.schema.json at {place[:100]}: {' '.join(fault.message.split())[:200]}")
    del plain["format"]
    return plain


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only where results are read

    return Draft202012Validator(json.loads((resources.files("kalamos.benchmark") / "result.schema.json").read_text()))


def no_number(text: str) -> float:
    """Refuse NaN and the infinities, which Python's reader takes and JSON does not have."""
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def aggregated(name: str, table: pa.Table) -> Estimate:
    """Return a metric's aggregate over a table of scores, with its interval by writer."""
    values = table.column(name).to_numpy()
    weights = table.column(weight_column(name)).to_numpy() if name in WEIGHTED else None
    return estimate(values, table.column("writer").to_pylist(), aggregate=TABLE[name].aggregate, weights=weights)


def _losses(table: pa.Table) -> dict[str, float]:
    columns = {part: table.column(loss_column(part)).to_numpy() for part in LOSSES}
    return {part: float(np.nanmean(values)) for part, values in columns.items() if np.isfinite(values).any()}


def _summary(name: str, table: pa.Table) -> Summary:
    values = table.column(name).to_numpy()
    known = values[~np.isnan(values)]
    found = aggregated(name, table)
    median = float(np.median(known)) if len(known) else math.nan
    return Summary(found.value, found.low, found.high, median, len(known), len(values) - len(known))


def _broken_down(columns: Mapping[str, Floats], parts: list[str]) -> dict[str, dict[str, float]]:
    """Return each metric's plain mean over the samples of each part."""
    members = np.array(parts)
    broken: dict[str, dict[str, float]] = {}
    for part in sorted(set(parts)):
        chosen = members == part
        broken[part] = {"samples": float(chosen.sum())}
        for name, values in columns.items():
            known = values[chosen & ~np.isnan(values)]
            broken[part][name] = float(known.mean()) if len(known) else math.nan
    return broken


def _strokes_bin(strokes: int) -> str:
    return str(strokes) if strokes < 4 else "4+"


def _junctions_bin(junctions: int) -> str:
    return str(junctions) if junctions < 3 else "3-4" if junctions < 5 else "5+"


def _length_bin(heights: float) -> str:
    """Return the bin of a path's length in line heights."""
    return next((f"{top // 2}-{top}" for top in (1, 2, 4, 8) if heights < top), "8+")


def _heights(table: pa.Table) -> list[float]:
    return (table.column("length_px").to_numpy() / table.column("height_px").to_numpy()).tolist()  # type: ignore[no-any-return]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.nan if item is None else item for key, item in values.items()}
