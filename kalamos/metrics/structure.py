"""Structure: how many strokes, where they start and end, in which order and direction they were drawn.

"Within the tolerance" is, everywhere, 5 px at a line height of 64 px and in proportion at others
(:attr:`~kalamos.metrics.pair.Pair.tolerance_px`).
"""

from __future__ import annotations

import numpy as np

from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import inner, kernel
from kalamos.metrics.dense import Dense
from kalamos.metrics.junctions import traversed
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference
from kalamos.metrics.stroke_matching import longest

_PAIR_US = 2.0
"""What plain Python takes to hold a pen lift against another, microseconds."""


def stroke_count(pair: Pair) -> float:
    """Return 1 where the number of strokes is right, else 0."""
    return float(pair.recovered.n_strokes == pair.truth.n_strokes)


def stroke_count_error(pair: Pair) -> float:
    """Return by how many strokes the answer is off."""
    return float(abs(pair.recovered.n_strokes - pair.truth.n_strokes))


def start_point(pair: Pair) -> float:
    """Return 1 where the pen first touches the paper within the tolerance of the true place (SP)."""
    gap = pair.recovered.xy[0].astype(np.float64) - pair.truth.xy[0]
    return float(np.hypot(*gap) <= pair.reference.tolerance_px)


def junction(pair: Pair) -> float:
    """Return the share of the truth's junctions that the pen traverses as it did (JP), see the module junctions."""
    radius_px = pair.reference.tolerance_px
    return float(np.mean([traversed(pair.recovered_dense, place, radius_px) for place in pair.reference.junctions]))


def complete_trajectory(pair: Pair) -> float:
    """Return 1 where the whole path is right (CT): the Fréchet distance of the dense points is within the tolerance.

    That is: two pens can follow truth and answer from start to end, neither going back, and stay within the tolerance
    of each other all the way. A wrong order or direction fails, unless the strokes concerned are no longer, or no
    farther apart, than the tolerance. Where the pen lifts does not count: ``pen_up_f1`` is for that.
    """
    return float(pair.frechet_px <= pair.reference.tolerance_px)


def pen_up_precision(pair: Pair) -> float:
    """Return the share of recovered pen lifts that are true ones."""
    return pair.view(pen_up_hits) / pair.recovered.n_strokes


def pen_up_recall(pair: Pair) -> float:
    """Return the share of true pen lifts that were recovered."""
    return pair.view(pen_up_hits) / pair.truth.n_strokes


def pen_up_f1(pair: Pair) -> float:
    """Return the harmonic mean of precision and recall, ``2 hits / (s_recovered + s_truth)``."""
    return 2.0 * pair.view(pen_up_hits) / (pair.recovered.n_strokes + pair.truth.n_strokes)


def pen_up_hits(pair: Pair) -> int:
    """Return how many pen lifts can be paired off, one to one, within the tolerance of each other."""
    recovered = pair.recovered_dense.take(longest(pair.recovered_dense, 4 * pair.truth.n_strokes + 64))
    return pairs_within(pair.reference.view(_true_lifts), _lifts(recovered), pair.reference.tolerance_px)


def pairs_within(a: Floats, b: Floats, distance: float) -> int:
    """Return the largest number of one-to-one pairs of ``(n, 2)`` and ``(m, 2)`` points no farther apart than this."""
    return int(_matched.for_work(_PAIR_US * (1 + len(a)) * (1 + len(b)))(a, b, distance * distance))


@kernel
def _matched(a: Floats, b: Floats, square: float) -> int:
    """Return the size of the largest matching of points within a distance (augmenting paths; Kuhn 1955).

    Depth first from each point of ``a`` in turn: to a free point of ``b`` where one is near, otherwise on to the point
    that holds the next one near. No table of all pairs is made.
    """
    n, m = len(a), len(b)
    holder, seen = np.full(m, -1), np.full(m, -1)
    rows, columns = np.empty(n, np.int64), np.empty(n, np.int64)
    matched = 0
    for start in range(n):
        rows[0], columns[0], depth = start, 0, 0
        while depth >= 0:
            free = _next(a, b, square, rows[depth], 0, holder, -1)
            if free < m:
                columns[depth] = free
                for k in range(depth + 1):
                    holder[columns[k]] = rows[k]
                matched += 1
                break
            held = _next(a, b, square, rows[depth], columns[depth], seen, start)
            while held == m and depth > 0:
                depth -= 1
                held = _next(a, b, square, rows[depth], columns[depth] + 1, seen, start)
            if held == m:
                break
            seen[held], columns[depth] = start, held
            depth += 1
            rows[depth], columns[depth] = holder[held], 0
    return matched


@inner
def _next(a: Floats, b: Floats, square: float, row: int, column: int, mark: Ints, start: int) -> int:
    """Return the next column near the row: a free one (``start`` -1), or one not yet seen from this start."""
    for j in range(column, len(b)):
        if (mark[j] < 0) if start < 0 else (mark[j] != start):
            dx, dy = a[row, 0] - b[j, 0], a[row, 1] - b[j, 1]
            if dx * dx + dy * dy <= square:
                return j
    return len(b)


def stroke_order_tau(pair: Pair) -> float:
    """Return Kendall's tau of the stroke order after matching, over all pairs of true strokes.

    A pair of true strokes adds 1 where their partners were drawn in the same order, takes 1 where in the other, and
    adds nothing where one of them has no partner, so that leaving strokes out does not help. A recovered stroke that is
    drawn again has no partner, so that a stroke that joins two of the truth's does not win by its copy.
    """
    return kendall_tau(pair.first_matching.recovered, pair.truth.n_strokes)


def kendall_tau(ranks: Ints, n: int) -> float:
    """Return ``(concordant - discordant) / (n (n - 1) / 2)`` for the ranks, all different, of some of n items."""
    signs = np.sign(ranks[None, :] - ranks[:, None])
    return float(np.triu(signs, 1).sum()) / (n * (n - 1) / 2)


def stroke_direction(pair: Pair) -> float:
    """Return the share of true strokes whose partner runs in their direction.

    Strokes no longer than the tolerance, or nearly the same backwards, have no direction and are left out. A stroke
    without a partner counts as wrong. Guessing is right half of the time.
    """
    counted = pair.reference.view(directed)
    right = np.zeros(len(counted), bool)
    right[pair.matching.truth] = pair.matching.forward
    return float(right[counted].mean())


def zero(reference: Reference) -> float:
    """Return the worst value of a rate."""
    return 0.0


def _lifts(dense: Dense) -> Floats:
    return dense.xy[dense.offsets[1:] - 1]


def _true_lifts(reference: Reference) -> Floats:
    return _lifts(reference.dense)


def directed(reference: Reference) -> Bools:
    """Return which true strokes have a direction to get right, ``(s,)``.

    Those longer than the tolerance whose reversal is another path: a line drawn there and back has none.
    """
    spread = reference.spread
    turned = np.hypot(*np.moveaxis(spread - spread[:, ::-1], -1, 0)).mean(axis=1)
    long = (np.diff(reference.dense.offsets) - 1) * reference.step_px > reference.tolerance_px
    counted: Bools = long & (turned > reference.tolerance_px / 5)
    return counted


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
        lambda reference: float(max(10, reference.truth.n_strokes)),
        "mean",
        "structure",
        "|s_recovered - s_truth|",
        "Kalamos",
    ),
    Metric(
        "pen_up_precision",
        pen_up_precision,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "lifts paired off within the tolerance / recovered lifts; the last lift counts too",
        "Kalamos",
    ),
    Metric(
        "pen_up_recall",
        pen_up_recall,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "lifts paired off within the tolerance / true lifts",
        "Kalamos",
    ),
    Metric(
        "pen_up_f1",
        pen_up_f1,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "2 lifts paired off / (s_recovered + s_truth)",
        "Kalamos",
    ),
    Metric(
        "stroke_order_tau",
        stroke_order_tau,
        "",
        "higher",
        lambda reference: -1.0,
        "mean",
        "structure",
        "(concordant - discordant) / all pairs of true strokes, after Hungarian matching",
        "Draw This First (2026); Kendall 1938; that a stroke without partner adds 0 is ours",
        applies=lambda reference: reference.truth.n_strokes > 1,
    ),
    Metric(
        "stroke_direction",
        stroke_direction,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "right directions / true strokes that have one",
        "Kalamos",
        applies=lambda reference: bool(reference.view(directed).any()),
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
        "SP of Lallican et al. and Kato and Yasuhara; tolerance ours",
    ),
    Metric(
        "junction",
        junction,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "junctions traversed along the true branches / true junctions",
        "JP of Lallican et al. and Kato and Yasuhara; definition ours",
        applies=lambda reference: len(reference.junctions) > 0,
    ),
    Metric(
        "complete_trajectory",
        complete_trajectory,
        "",
        "higher",
        zero,
        "mean",
        "structure",
        "[Frechet distance <= tolerance]",
        "CT of Lallican et al. and Kato and Yasuhara; definition ours",
    ),
)
