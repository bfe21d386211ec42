"""Which of two entries is better, and whether the data can tell: paired by sample, clustered by writer, Holm-corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kalamos.benchmark.metrics import METRICS
from kalamos.benchmark.result import Result
from kalamos.benchmark.stats import holm, paired_difference
from kalamos.errors import TaskError

ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two entries in one metric.

    Attributes:
        metric: the metric.
        values: entry -> its aggregate.
        better: the better entry, None where the data cannot tell.
        p: p-value after Holm's correction.
        detectable: smallest difference that the task would show with 80 % power.
    """

    metric: str
    values: Mapping[str, float]
    better: str | None
    p: float
    detectable: float


def compare(first: Result, second: Result, metrics: Sequence[str]) -> list[Comparison]:
    """Compare two entries of one task in several metrics; p-values are corrected over the metrics."""
    a, b = _paired(first, second)
    writers = a.column("writer").to_pylist()
    names = [name for name in metrics if name in first.metrics and name in second.metrics]
    found = [paired_difference(a.column(n).to_numpy(), b.column(n).to_numpy(), writers) for n in names]
    corrected = holm([item.p for item in found])
    comparisons = []
    for name, item, p in zip(names, found, corrected, strict=True):
        sign = 1 if METRICS[name].direction == "lower" else -1
        better = None if not p < ALPHA else (first.entry if sign * item.value < 0 else second.entry)
        values = {first.entry: first.metrics[name].value, second.entry: second.metrics[name].value}
        comparisons.append(Comparison(name, values, better, p, item.detectable))
    return comparisons


def indistinguishable(best: Result, results: Sequence[Result], metric: str) -> list[str]:
    """Return the entries that cannot be told from ``best`` in a metric, corrected over the entries."""
    others = [result for result in results if result.entry != best.entry]
    p_values = []
    for other in others:
        a, b = _paired(best, other)
        writers = a.column("writer").to_pylist()
        p_values.append(paired_difference(a.column(metric).to_numpy(), b.column(metric).to_numpy(), writers).p)
    corrected = holm(p_values)
    return [other.entry for other, p in zip(others, corrected, strict=True) if not p < ALPHA]


def _paired(first: Result, second: Result) -> tuple[pa.Table, pa.Table]:
    a, b = first.scores(), second.scores()
    if not np.array_equal(a.column("key").to_pylist(), b.column("key").to_pylist()):
        raise TaskError(f"{first.entry} and {second.entry} were scored on different samples of {first.task}")
    return a, b
