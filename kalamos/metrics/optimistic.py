"""Upper bounds: what a method would score if somebody told it the direction, or the order and every direction.

Their names say so, they are a family of their own, and no table mixes them with the rest. *Oracle direction* takes the
better of the recovered ink and its whole reversal. *Adaptive truth* (TRACE: Archibald et al., ICDAR 2021) reorders and
reverses the true strokes towards the answer before comparing.
"""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Ints
from kalamos.metrics.dense import Dense
from kalamos.metrics.dtw import dtw
from kalamos.metrics.metric import Metric
from kalamos.metrics.order import diagonal, rmse, rmse_arc_v1
from kalamos.metrics.pair import Pair


def rmse_arc_oracle_direction(pair: Pair) -> float:
    """Return the smaller ``rmse_arc_v1`` of the recovered ink and its reversal."""
    return min(pair.view(rmse_arc_v1), rmse(pair.reference.arc, pair.recovered_arc[::-1]))


def ldtw_oracle_direction(pair: Pair) -> float:
    """Return the smaller LDTW of the recovered ink and its reversal."""
    return min(pair.warping.mean, pair.reversed_warping.mean)


def ldtw_adaptive_truth(pair: Pair) -> float:
    """Return LDTW against the truth with its strokes reordered and reversed towards the recovered ink."""
    adapted = adapt(pair.reference.dense, *placed(pair))
    return min(pair.warping.mean, dtw(adapted.xy, pair.recovered_dense.xy).mean)


def placed(pair: Pair) -> tuple[Ints, Ints]:
    """Return the true strokes in the order of their partners, and which of them are to be reversed.

    A true stroke without a partner stays right behind the true stroke before it.
    """
    matching = pair.matching
    place = np.full(pair.reference.dense.n_strokes, -1, np.int64)
    place[matching.truth] = matching.recovered
    known = place >= 0
    latest = np.maximum.accumulate(np.where(known, np.arange(len(place)), -1))
    place = np.where(latest >= 0, place[np.maximum(latest, 0)], -1)
    return np.argsort(place, kind="stable"), matching.truth[matching.backward]


def adapt(truth: Dense, order: Ints, backwards: Ints) -> Dense:
    """Return the strokes in this order, those in ``backwards`` (indices before reordering) reversed."""
    index = np.arange(len(truth.xy))
    for stroke in backwards.tolist():
        a, b = truth.offsets[stroke], truth.offsets[stroke + 1]
        index[a:b] = index[a:b][::-1]
    return Dense(truth.xy[index], truth.offsets).take(order)


METRICS = (
    Metric(
        "rmse_arc_oracle_direction",
        rmse_arc_oracle_direction,
        "px",
        "lower",
        diagonal,
        "mean",
        "optimistic",
        "min of rmse_arc_v1 over the recovered ink and its reversal",
        "Kalamos; an upper bound",
    ),
    Metric(
        "ldtw_oracle_direction",
        ldtw_oracle_direction,
        "px",
        "lower",
        diagonal,
        "mean",
        "optimistic",
        "min of LDTW over the recovered ink and its reversal",
        "Kalamos; an upper bound",
    ),
    Metric(
        "ldtw_adaptive_truth",
        ldtw_adaptive_truth,
        "px",
        "lower",
        diagonal,
        "mean",
        "optimistic",
        "LDTW against the truth's strokes reordered and reversed towards the answer",
        "after TRACE (Archibald et al., ICDAR 2021), by matching instead of search; an upper bound",
    ),
)
