"""Which of two entries is better, and whether the data can tell.

Differences are paired by sample and tested by swapping the entries' names writer by writer. In a table every pair of
its ranked entries is compared in a metric, and the p-values are Holm-corrected over all of these pairs: the verdict on
any two entries holds, whichever two a reader picks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from kalamos.benchmark.result import Result
from kalamos.benchmark.score import TABLE, WEIGHTED, weight_column
from kalamos.benchmark.statistics.estimates import ALPHA, Difference, difference, holm, p_values
from kalamos.errors import TaskError
from kalamos.machinery.arrays import Floats


@dataclass(frozen=True)
class Comparison:
    """Two entries in one metric.

    Attributes:
        metric: the metric.
        values: entry -> its aggregate.
        difference: the first entry's aggregate less the second's, on the samples that both have.
        low: lower end of its 95 % interval, for this metric alone; NaN with fewer than two writers.
        high: upper end.
        n: samples that count.
        better: the better entry, None where the data cannot tell.
        p: p-value after Holm's correction.
        detectable: smallest difference that the task would show with 80 % power.
    """

    metric: str
    values: Mapping[str, float]
    difference: float
    low: float
    high: float
    n: int
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
        values = {first.entry: first.metrics[name].value, second.entry: second.metrics[name].value}
        told = p <= ALPHA and all(map(math.isfinite, values.values()))
        better = (first.entry if sign * item.value < 0 else second.entry) if told else None
        comparisons.append(
            Comparison(name, values, item.value, item.low, item.high, item.n, better, p, item.detectable)
        )
    return comparisons


def pairwise(results: Sequence[Result], metric: str) -> dict[frozenset[str], float]:
    """Return the p-value of every pair of entries in a metric, Holm-corrected over all pairs."""
    tables = [_paired(results[0], result)[1] for result in results]
    columns = [table.column(metric).to_numpy() for table in tables]
    writers = tables[0].column("writer").to_pylist()
    found = p_values(columns, writers, aggregate=TABLE[metric].aggregate, weights=_weights(tables[0], metric))
    corrected = holm(list(found.values()))
    return {frozenset({results[i].entry, results[j].entry}): p for (i, j), p in zip(found, corrected, strict=True)}


def indistinguishable(best: Result, results: Sequence[Result], metric: str) -> list[str]:
    """Return the entries that cannot be told from ``best`` in a metric, corrected over all pairs of entries."""
    p = pairwise(results, metric)
    others = [result.entry for result in results if result.entry != best.entry]
    return [entry for entry in others if not p[frozenset({best.entry, entry})] <= ALPHA]


def detectable(first: Result, second: Result, metric: str) -> float:
    """Return the smallest difference of two such entries that the task would show with 80 % power, uncorrected."""
    return _difference(*_paired(first, second), metric).detectable


def _difference(first: pa.Table, second: pa.Table, metric: str) -> Difference:
    return difference(
        first.column(metric).to_numpy(),
        second.column(metric).to_numpy(),
        first.column("writer").to_pylist(),
        aggregate=TABLE[metric].aggregate,
        weights=_weights(first, metric),
    )


def _weights(table: pa.Table, metric: str) -> Floats | None:
    return table.column(weight_column(metric)).to_numpy() if metric in WEIGHTED else None


def _paired(first: Result, second: Result) -> tuple[pa.Table, pa.Table]:
    a, b = first.scores(), second.scores()
    if a.column("key").combine_chunks() != b.column("key").combine_chunks():
        raise TaskError(f"{first.entry} and {second.entry} were scored on different samples of {first.task}")
    return a, b
