"""Which of two entries is better, and whether the data can tell.

Differences are paired by sample, bootstrapped by writer, and Holm-corrected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kalamos.benchmark.result import Result
from kalamos.benchmark.score import TABLE, WEIGHTED, weight_column
from kalamos.benchmark.stats import ALPHA, Difference, difference, holm
from kalamos.errors import TaskError


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
    names = [name for name in metrics if name in first.metrics and name in second.metrics]
    found = [_difference(a, b, name) for name in names]
    corrected = holm([item.p for item in found])
    comparisons = []
    for name, item, p in zip(names, found, corrected, strict=True):
        sign = 1 if TABLE[name].direction == "lower" else -1
        better = None if not p <= ALPHA else (first.entry if sign * item.value < 0 else second.entry)
        values = {first.entry: first.metrics[name].value, second.entry: second.metrics[name].value}
        comparisons.append(Comparison(name, values, better, p, item.detectable))
    return comparisons


def indistinguishable(best: Result, results: Sequence[Result], metric: str) -> list[str]:
    """Return the entries that cannot be told from ``best`` in a metric, corrected over the entries."""
    others = [result for result in results if result.entry != best.entry]
    corrected = holm([_difference(*_paired(best, other), metric).p for other in others])
    return [other.entry for other, p in zip(others, corrected, strict=True) if not p <= ALPHA]


def _difference(first: pa.Table, second: pa.Table, metric: str) -> Difference:
    weights = first.column(weight_column(metric)).to_numpy() if metric in WEIGHTED else None
    return difference(
        first.column(metric).to_numpy(),
        second.column(metric).to_numpy(),
        first.column("writer").to_pylist(),
        aggregate=TABLE[metric].aggregate,
        weights=weights,
    )


def _paired(first: Result, second: Result) -> tuple[pa.Table, pa.Table]:
    a, b = first.scores(), second.scores()
    if not np.array_equal(a.column("key").to_pylist(), b.column("key").to_pylist()):
        raise TaskError(f"{first.entry} and {second.entry} were scored on different samples of {first.task}")
    return a, b
