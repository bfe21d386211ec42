"""Every metric of the benchmark: pure functions on a :class:`~kalamos.metrics.pair.Pair`, and their table.

    >>> from kalamos.metrics import METRICS, Pair
    >>> METRICS["ldtw"].value(Pair(recovered, truth, image))  # doctest: +SKIP

A metric is a function and a row (:class:`~kalamos.metrics.metric.Metric`) in the module of its family; a new
one is added there, and nowhere else. Formulas, worst values and pitfalls are told in ``docs/metrics.md``.
"""

from __future__ import annotations

from kalamos.metrics import optimistic, order, picture, published, structure, velocity
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference

_FAMILIES = ("order", "structure", "picture", "velocity", "published", "optimistic")
_ROWS = [row for family in (order, structure, picture, velocity, published, optimistic) for row in family.METRICS]

METRICS: dict[str, Metric] = {row.name: row for row in sorted(_ROWS, key=lambda row: _FAMILIES.index(row.family))}


def score(pair: Pair, *, says_time: bool | None = None) -> dict[str, float]:
    """Return the value of every metric, in the table's order; see :meth:`Metric.value` for NaN and failures."""
    return {name: metric.value(pair, says_time=says_time) for name, metric in METRICS.items()}


__all__ = ["METRICS", "Metric", "Pair", "Reference", "score"]
