"""Published conventions under names of their own, so that a number can be held against a paper.

They compare point by point, which needs as many recovered points as true ones: both inks are sampled at as many equal
pen-down times as the truth has points, or, where an ink has no times, evenly along its list of points (a point a tick,
as published code has it). Coordinates are mapped by the truth's own box to 0..1, each axis by itself; an axis without
extent is left unscaled.
"""

from __future__ import annotations

import numpy as np

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.machinery.arrays import Floats
from kalamos.metrics.dense import MOST_POINTS
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference
from kalamos.metrics.velocity import WORST_DB, decibels


def ticks(ink: Ink, n: int) -> Floats:
    """Return ``n`` positions at equal times ``(n, 2)``; without times evenly along the list of points."""
    if ink.t is not None and float(ink.t[-1] - ink.t[0]) > 0.0:
        return geometry.trajectory(ink, n, by="time")
    at = np.linspace(0.0, ink.n_points - 1.0, n)
    return np.stack([np.interp(at, np.arange(ink.n_points), ink.xy[:, axis]) for axis in (0, 1)], axis=1)


def true_ticks(reference: Reference) -> Floats:
    """Return the truth with as many points as it has, 12,000 at most."""
    return ticks(reference.truth, min(reference.truth.n_points, MOST_POINTS))


def recovered_ticks(pair: Pair) -> Floats:
    """Return the recovered ink with as many points as the truth."""
    return ticks(pair.recovered, len(pair.reference.view(true_ticks)))


def unit_box(reference: Reference) -> tuple[Floats, Floats]:
    """Return the corner ``(2,)`` and the size ``(2,)`` of the truth's box, which is mapped to 0..1."""
    truth = reference.view(true_ticks)
    size = np.ptp(truth, axis=0)
    return truth.min(axis=0), np.where(size > 0.0, size, 1.0)


def mean_square(pair: Pair) -> float:
    """Return ``1/N sum (dx^2 + dy^2)`` in the truth's unit box, each axis by itself."""
    low, size = pair.reference.view(unit_box)
    truth = (pair.reference.view(true_ticks) - low) / size
    recovered = (pair.view(recovered_ticks) - low) / size
    return float(((truth - recovered) ** 2).sum(axis=1).mean())


def rmse_wor(pair: Pair) -> float:
    """Return ``sqrt(1/N sum (dx^2 + dy^2))`` in the truth's unit box."""
    return float(np.sqrt(pair.view(mean_square)))


def rmse_kaggle2013(pair: Pair) -> float:
    """Return ``sqrt(1/2N sum (dx^2 + dy^2))``, over columns and not points; pooled over all points of a task."""
    return float(np.sqrt(pair.view(mean_square) / 2.0))


def mse_half_icdar2013(pair: Pair) -> float:
    """Return ``1/2N sum (dx^2 + dy^2)``: called RMSE where it was published, with no root."""
    return pair.view(mean_square) / 2.0


def snr(pair: Pair) -> float:
    """Return the trajectory's ratio of signal to error, ``10 log10(sum |r - mean r|^2 / sum |r - q|^2)``, in pixels."""
    truth, recovered = pair.reference.view(true_ticks), pair.view(recovered_ticks)
    return decibels(float(((truth - truth.mean(axis=0)) ** 2).sum()), float(((truth - recovered) ** 2).sum()))


def _n_points(reference: Reference) -> float:
    return float(reference.truth.n_points)


def _extended(reference: Reference) -> bool:
    return bool((np.ptp(reference.truth.xy, axis=0) > 0).any())


METRICS = (
    Metric(
        "rmse_wor",
        rmse_wor,
        "box",
        "lower",
        lambda reference: float(np.sqrt(2.0)),
        "mean",
        "published",
        "sqrt(1/N sum (dx^2 + dy^2)), axes 0..1 by the truth's box",
        "m_rmse of gioelecrispo/wor (Diaz et al., IJIMAI 2022); theirs brings the lengths together by a spline",
    ),
    Metric(
        "rmse_kaggle2013",
        rmse_kaggle2013,
        "box",
        "lower",
        lambda reference: 1.0,
        "pooled_rms",
        "published",
        "sqrt(1/2N sum (dx^2 + dy^2)), axes 0..1, N over all points of the task",
        "Kaggle, icdar2013-stroke-recovery-from-offline-data; the number of points was given there",
        weight=_n_points,
    ),
    Metric(
        "mse_half_icdar2013",
        mse_half_icdar2013,
        "box^2",
        "lower",
        lambda reference: 1.0,
        "mean",
        "published",
        "1/2N sum (dx^2 + dy^2), axes 0..1; no root",
        "m_rmse_ICDAR2013 of gioelecrispo/wor, where it is called RMSE",
    ),
    Metric(
        "snr",
        snr,
        "dB",
        "higher",
        lambda reference: WORST_DB,
        "median",
        "published",
        "10 log10(sum |r - mean r|^2 / sum |r - q|^2), cut to -20..100",
        "WOR (Diaz et al., IJIMAI 2022), by sums instead of the trapezium rule; the lower cut is ours",
        applies=_extended,
    ),
)
