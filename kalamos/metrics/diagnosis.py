"""What to look at beside the ranked columns: how much was drawn, in how many points, and DTW with the air in it.

None of these ranks anything. The two ratios stand in every table, because whoever games a metric by more ink or more
points has to show it here; DTW with straight moves through the air says in pixels what ``lcss`` says in shares.
"""

from __future__ import annotations

import numpy as np

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.metrics.dense import MOST_POINTS
from kalamos.metrics.dtw import dtw
from kalamos.metrics.metric import Metric
from kalamos.metrics.order import diagonal
from kalamos.metrics.pair import Pair, Reference

MOST_TIMES = 100.0


def length_ratio(pair: Pair) -> float:
    """Return the length of the recovered pen-down path over that of the true one, 100 at most."""
    return min(geometry.length(pair.recovered) / pair.reference.length_px, MOST_TIMES)


def points_ratio(pair: Pair) -> float:
    """Return the number of recovered points over that of the true ones, 100 at most."""
    return min(pair.recovered.n_points / pair.truth.n_points, MOST_TIMES)


def dtw_air(pair: Pair) -> float:
    """Return the DTW sum of both paths at 1 px, moves through the air drawn straight, over the true path's points."""
    truth = pair.reference.view(_true_flight)
    length = float(_steps(pair.recovered).sum())
    step = max(pair.reference.step_px, length / MOST_POINTS)
    return dtw(truth, flight(pair.recovered, step)).total / len(truth)


def flight(ink: Ink, step_px: float) -> Floats:
    """Return the path of the pen, air included, at equal steps of at most so much, ``(n, 2)``."""
    along = np.cumsum(_steps(ink))
    at = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / step_px - 1e-9)) + 1)
    return np.stack([np.interp(at, along, ink.xy[:, axis]) for axis in (0, 1)], axis=1)


def _steps(ink: Ink) -> Floats:
    moves = np.diff(ink.xy.astype(np.float64), axis=0, prepend=ink.xy[:1].astype(np.float64))
    steps: Floats = np.hypot(moves[:, 0], moves[:, 1])
    return steps


def _true_flight(reference: Reference) -> Floats:
    return flight(reference.truth, reference.step_px)


def _nothing(reference: Reference) -> float:
    return 0.0


METRICS = (
    Metric(
        "length_ratio",
        length_ratio,
        "",
        "one",
        _nothing,
        "mean",
        "diagnosis",
        "length of the recovered path / length of the true one, pen down; at most 100",
        "Kalamos",
        applies=lambda reference: reference.length_px > 0.0,
    ),
    Metric(
        "points_ratio",
        points_ratio,
        "",
        "one",
        _nothing,
        "mean",
        "diagnosis",
        "recovered points / true points; at most 100",
        "Kalamos; what dilutes ldtw shows here",
    ),
    Metric(
        "dtw_air",
        dtw_air,
        "px",
        "lower",
        diagonal,
        "mean",
        "diagnosis",
        "min over warpings of sum |r_i - q_j| / n, points every 1 px, straight moves through the air",
        "Sakoe and Chiba 1978; air and divisor (the truth's points) ours",
    ),
)
