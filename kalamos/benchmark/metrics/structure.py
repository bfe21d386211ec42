"""Structure: how many strokes, where they start and end, in which order and direction they were drawn."""

from __future__ import annotations

import numpy as np

from kalamos.benchmark.metrics.metric import Metric
from kalamos.benchmark.metrics.pair import Pair


def stroke_count(pair: Pair) -> float:
    """Return 1 where the number of strokes is right, else 0."""
    return float(pair.recovered.n_strokes == pair.truth.n_strokes)


def stroke_count_error(pair: Pair) -> float:
    """Return by how many strokes the answer is off."""
    return float(abs(pair.recovered.n_strokes - pair.truth.n_strokes))


def start_point(pair: Pair) -> float:
    """Return 1 where the pen first touches the paper within the tolerance of the true place (SP)."""
    gap = pair.recovered.xy[0].astype(np.float64) - pair.truth.xy[0]
    return float(np.hypot(*gap) <= pair.tolerance_px)


def zero(pair: Pair) -> float:
    """Return the worst value of a rate."""
    return 0.0


METRICS = (
    Metric(
        "stroke_count",
        stroke_count,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "[s_recovered = s_truth]",
        "rate of right stroke counts",
    ),
    Metric(
        "stroke_count_error",
        stroke_count_error,
        "strokes",
        "lower",
        lambda pair: float(max(10, pair.truth.n_strokes)),
        "mean",
        "structure",
        "|s_recovered - s_truth|",
        "Kalamos",
    ),
    Metric(
        "start_point",
        start_point,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "[|q_1 - r_1| <= tolerance]",
        "SP of Lallican et al. and Kato and Yasuhara; tolerance ours: 5 px at a line height of 64 px",
    ),
)
