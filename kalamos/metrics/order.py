"""Order and geometry together: how far the pen was from where it should have been, all along the path."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.metrics.dense import Dense
from kalamos.metrics.dtw import dtw, dtw_to_segments
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import TRAJECTORY_POINTS, Pair, Reference

WORST_TAU = 4.0
"""Times the tolerance: no distance counts more in ``rmse_arc``."""


def rmse(truth: ArrayLike, recovered: ArrayLike) -> float:
    """Return ``sqrt(mean |r_i - q_i|^2)`` of two ``(n, 2)`` sequences: a distance in two dimensions, not a column's."""
    gap = np.asarray(truth, np.float64) - np.asarray(recovered, np.float64)
    return float(np.sqrt(np.mean(gap[:, 0] ** 2 + gap[:, 1] ** 2)))


def rmse_arc(pair: Pair) -> float:
    """Return the RMSE of 256 positions at the middles of equal parts of either path, each distance four tau at most.

    A stroke shorter than a pixel counts a pixel, so that a dot has its part of the path; ``rmse_arc_v1`` has not, and
    where the truth ends in a dot its last position stays on the stroke before.
    """
    gap = pair.reference.view(true_parts) - parts(pair.recovered)
    far = WORST_TAU * pair.reference.tolerance_px
    return float(np.sqrt(np.minimum(gap[:, 0] ** 2 + gap[:, 1] ** 2, far * far).mean()))


def parts(ink: Ink, n: int = TRAJECTORY_POINTS, least_px: float = 1.0) -> Floats:
    """Return ``n`` positions ``(n, 2)`` at ``(k + 1/2) / n`` of the path, a stroke counting ``least_px`` at least."""
    walked = geometry.walked(ink)
    start, end = walked[ink.offsets[:-1]], walked[ink.offsets[1:] - 1]
    counted = np.maximum(end - start, least_px)
    finish = np.cumsum(counted)
    along = (np.arange(n) + 0.5) / n * finish[-1]
    stroke = np.minimum(np.searchsorted(finish, along, side="left"), ink.n_strokes - 1)
    share = np.clip((along - (finish - counted)[stroke]) / counted[stroke], 0.0, 1.0)
    # A coordinate that also grows, by one, from stroke to stroke, so that no place on it belongs to two.
    at = walked + np.repeat(np.arange(ink.n_strokes), np.diff(ink.offsets))
    where = start[stroke] + share * (end - start)[stroke] + stroke
    return np.stack([np.interp(where, at, ink.xy[:, axis]) for axis in (0, 1)], axis=1)


def true_parts(reference: Reference) -> Floats:
    """Return the truth's 256 positions."""
    return parts(reference.truth)


def rmse_arc_v1(pair: Pair) -> float:
    """Return the RMSE of 256 positions at equal lengths along either path, ends included: version 1 of ``rmse_arc``."""
    return rmse(pair.reference.arc, pair.recovered_arc)


def rmse_time(pair: Pair) -> float:
    """Return the RMSE of 256 positions at equal times: order, geometry and, above all, velocity."""
    return rmse(pair.reference.time, pair.recovered_time)


def dtw_points(pair: Pair) -> float:
    """Return the DTW sum of the points as given: what most papers print, and what a denser sampling changes."""
    return dtw(pair.reference.points, pair.recovered_points).total


def dtw_128(pair: Pair) -> float:
    """Return the DTW of 128 points at equal lengths along either path, divided by the length of the warping path."""
    return dtw(pair.reference.view(_arc_128), geometry.trajectory(pair.recovered, 128, by="arc")).mean


def dtw_segment(pair: Pair) -> float:
    """Return DTW over path length from the truth's dense points to the segments between the recovered ones.

    The distance to a segment does not depend on where on it the samples fall, so that what the step of resampling adds
    to the other DTW values is gone.
    """
    starts, ends = segments(pair.recovered_dense)
    return dtw_to_segments(pair.reference.dense.xy, starts, ends).mean


def segments(dense: Dense) -> tuple[Floats, Floats]:
    """Return the starts and ends ``(m, 2)`` of the segments of all strokes; a dot is one without length."""
    sizes = np.diff(dense.offsets)
    first = np.ones(len(dense.xy), bool)
    first[dense.offsets[1:][sizes > 1] - 1] = False
    start = np.flatnonzero(first)
    return dense.xy[start], dense.xy[start + (sizes[dense.stroke[start]] > 1)]


def ldtw_below_3(pair: Pair) -> float:
    """Return 1 where LDTW is at most 3 px at a line height of 64 px, in proportion at others."""
    return float(pair.warping.mean <= pair.reference.tolerance_px * 3.0 / 5.0)


def rmse_arc_below_5(pair: Pair) -> float:
    """Return 1 where ``rmse_arc_v1`` is at most 5 px at a line height of 64 px, in proportion at others."""
    return float(pair.view(rmse_arc_v1) <= pair.reference.tolerance_px)


def diagonal(reference: Reference) -> float:
    """Return the frame's diagonal, the worst value of a distance."""
    return reference.diagonal_px


def _arc_128(reference: Reference) -> Floats:
    return geometry.trajectory(reference.truth, 128, by="arc")


def _whole_sum(reference: Reference) -> float:
    return reference.diagonal_px * len(reference.dense.xy)


def _points_sum(reference: Reference) -> float:
    return reference.diagonal_px * len(reference.points)


METRICS = (
    Metric(
        "rmse_arc",
        rmse_arc,
        "px",
        "lower",
        lambda reference: WORST_TAU * reference.tolerance_px,
        "mean",
        "order",
        "sqrt(1/N sum min(|r_i - q_i|, 4 tau)^2), N = 256 at the middles of equal parts, a stroke 1 px at least",
        "Kalamos: RMSE without its share of velocity, and without what one far point does to it",
    ),
    Metric(
        "rmse_arc_v1",
        lambda pair: pair.view(rmse_arc_v1),
        "px",
        "lower",
        diagonal,
        "mean",
        "published",
        "sqrt(1/N sum |r_i - q_i|^2), N = 256 at equal arc lengths, ends included",
        "Kalamos, version 1 of rmse_arc; a last dot of no length is never reached",
    ),
    Metric(
        "rmse_time",
        rmse_time,
        "px",
        "lower",
        diagonal,
        "mean",
        "velocity",
        "sqrt(1/N sum |r_i - q_i|^2), N = 256 at equal pen-down times",
        "the usual reading of RMSE in trajectory recovery; PEN-Net (Chen et al., ACCV 2022) leaves resampling open",
        frozenset({"truth_time", "recovered_time"}),
    ),
    Metric(
        "dtw",
        lambda pair: pair.warping.total,
        "px",
        "lower",
        _whole_sum,
        "mean",
        "order",
        "min over warpings of sum |r_i - q_j|, points every 1 px",
        "Sakoe and Chiba 1978, symmetric1 steps; resampling ours",
    ),
    Metric(
        "ldtw",
        lambda pair: pair.warping.mean,
        "px",
        "lower",
        diagonal,
        "mean",
        "order",
        "DTW / T, T the length of the optimal path (ties: diagonal, up, left)",
        "PEN-Net (Chen et al., ACCV 2022), Eq. 1; tie rule and resampling ours",
    ),
    Metric(
        "dtw_points",
        dtw_points,
        "px",
        "lower",
        _points_sum,
        "mean",
        "published",
        "DTW sum on the points as given",
        "most papers; depends on the sampling density (arXiv 2609.02251)",
    ),
    Metric(
        "dtw_128",
        dtw_128,
        "px",
        "lower",
        diagonal,
        "mean",
        "published",
        "DTW / T on 128 points at equal arc lengths",
        "Draw This First (2026); that the divisor is the warping path's length is our reading",
    ),
    Metric(
        "dtw_segment",
        dtw_segment,
        "px",
        "lower",
        diagonal,
        "mean",
        "order",
        "DTW / T, local cost from a true point to a recovered segment",
        "after Mohamed Moussa et al., ICPRAM 2023, whose abstract gives no formula; this one is ours",
    ),
    Metric(
        "frechet",
        lambda pair: pair.frechet_px,
        "px",
        "lower",
        diagonal,
        "mean",
        "order",
        "min over monotone walks of max |r_i - q_j|",
        "Eiter and Mannila 1994 (discrete)",
    ),
    Metric(
        "ldtw_below_3",
        ldtw_below_3,
        "",
        "higher",
        lambda reference: 0.0,
        "mean",
        "order",
        "[LDTW <= 3 px], at a line height of 64 px",
        "Kalamos: a share is not drowned by a few large errors",
    ),
    Metric(
        "rmse_arc_below_5",
        rmse_arc_below_5,
        "",
        "higher",
        lambda reference: 0.0,
        "mean",
        "order",
        "[rmse_arc_v1 <= 5 px], at a line height of 64 px",
        "Kalamos",
    ),
)
