"""Every metric of the benchmark: pure functions on a :class:`~kalamos.metrics.pair.Pair`, and their table.

    >>> from kalamos.metrics import METRICS, Pair
    >>> kalamos.metrics.rmse_arc(xy_recovered, xy_truth)  # on plain arrays (n, 2), or inks  # doctest: +SKIP
    >>> METRICS["lcss"].value(Pair(recovered, truth, image))  # doctest: +SKIP

A metric is a function and a row (:class:`~kalamos.metrics.metric.Metric`) in the module of its family; a new
one is added there, and nowhere else. Formulas, worst values and pitfalls are told in ``docs/metrics.md``.
"""

from __future__ import annotations

from collections.abc import Callable

from kalamos.ink import as_ink
from kalamos.metrics import clock, diagnosis, lcss, optimistic, order, picture, published, structure, velocity
from kalamos.metrics.metric import Metric, Says
from kalamos.metrics.pair import Pair, Reference

_FAMILIES = ("order", "structure", "picture", "velocity", "width", "diagnosis", "published", "optimistic")
_MODULES = (lcss, order, structure, picture, velocity, clock, diagnosis, published, optimistic)
_ROWS = [row for module in _MODULES for row in module.METRICS]

METRICS: dict[str, Metric] = {row.name: row for row in sorted(_ROWS, key=lambda row: _FAMILIES.index(row.family))}


def score(pair: Pair, *, says: Says | None = None) -> dict[str, float]:
    """Return the value of every metric, in the table's order; see :meth:`Metric.value` for NaN and failures."""
    return {name: metric.value(pair, says=says) for name, metric in METRICS.items()}


def _on_arrays(metric: Metric) -> Callable[[object, object], float]:
    def of(recovered: object, truth: object) -> float:
        return metric.value(Pair(as_ink(recovered), as_ink(truth)))

    of.__name__ = of.__qualname__ = metric.name
    of.__doc__ = (
        f"Return {metric.name}: {metric.formula}\n\n"
        "Both sides are an ink, whatever has one, positions ``(n, 2)`` as one stroke, or ``(xy, offsets)``; the same\n"
        f"pixels for both. NaN where it does not apply.\n\n"
        f"Unit: {metric.unit or 'none'}; {metric.direction} is better.\n"
        f"Source: {metric.source}"
    )
    return of


def __getattr__(name: str) -> Callable[[object, object], float]:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; metrics are: {', '.join(METRICS)}")


# each metric as a function of this module; the module of the same name (dtw) is still found by its import
globals().update({name: _on_arrays(metric) for name, metric in METRICS.items()})

__all__ = ["METRICS", "Metric", "Pair", "Reference", "score"]
