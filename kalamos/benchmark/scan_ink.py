"""Recovered ink on paper: is all ink drawn, and nothing but ink?

Against the scan where nobody knows how the pen moved; against the true ink on composed pages, whose picture holds
rules, print and stains too. Two metrics of the family *picture*. They say nothing of order, and a recoverer that draws
to and fro over the ink gets both: they stand beside ``recognised`` or ``lcss``, never alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from kalamos.ink import Ink
from kalamos.machinery.arrays import Bytes, Floats
from kalamos.metrics.metric import Metric
from kalamos.metrics.pair import Pair, Reference
from kalamos.metrics.picture import NEAR_TAU
from kalamos.metrics.samples import sampled
from kalamos.skeleton.binarise import binarise
from kalamos.skeleton.coverage import covered_share

NEAR_PX = 1.0
"""How far beside the ink a path may lie and still be on it: half a pixel of the scan, at 28 px for a character."""
STEP_PX = 1.0
_MOST_SAMPLES = 100_000


def _by_task(pair: Pair) -> float:
    raise TypeError("ink on a scan is computed by the benchmark, for tasks without a truth")


def _nothing(reference: Reference) -> float:
    return 0.0


def _row(name: str, formula: str) -> Metric:
    return Metric(name, _by_task, "", "higher", _nothing, "mean", "picture", formula, "ours")


METRICS = {
    "scan_recall": _row(
        "scan_recall",
        "share of the dark pixels within 1.5 half widths + 1 px of the path; of a page's truth within 0.4 tau",
    ),
    "scan_precision": _row(
        "scan_precision", "share of the path within 1 px of a dark pixel; on a page within 0.4 tau of the truth"
    ),
}
"""Applicable where a task has no truth, and to whole pages."""


def scan_precision(ink: Ink, pixels: Bytes) -> float:
    """Return the share in 0..1 of a path that lies within 1 px of a dark pixel of ``(h, w)``; 0 of an empty one."""
    mask = binarise(pixels)
    if not ink.n_points or not mask.any():
        return 0.0
    away = distance_transform_edt(~mask)
    at = np.floor(sampled(ink, STEP_PX, _MOST_SAMPLES).xy).astype(np.int64)
    if not len(at):
        return 0.0
    inside = (at >= 0).all(axis=1) & (at[:, 0] < mask.shape[1]) & (at[:, 1] < mask.shape[0])
    near = away[at[inside, 1], at[inside, 0]] <= NEAR_PX
    return float(np.count_nonzero(near) / len(at))


def columns(references: Sequence[Reference], recovered: Sequence[Ink], *, pages: bool) -> list[dict[str, float]]:
    """Return the values of each sample; NaN where a truth is known, and it is no page."""
    return [
        _of(reference, ink, pages=pages) if pages or not reference.truth.n_points else dict.fromkeys(METRICS, np.nan)
        for reference, ink in zip(references, recovered, strict=True)
    ]


def _of(reference: Reference, ink: Ink, *, pages: bool) -> dict[str, float]:
    if not ink.n_points:
        return dict.fromkeys(METRICS, 0.0)
    if pages:
        return dict(zip(METRICS, page_shares(ink, reference), strict=True))
    assert reference.image is not None  # noqa: S101 - a prepared task has an image in every row
    pixels = reference.image.pixels
    return {"scan_recall": covered_share(ink, pixels), "scan_precision": scan_precision(ink, pixels)}


def page_shares(ink: Ink, reference: Reference) -> tuple[float, float]:
    """Return which shares of the true path lie near the recovered one, and of the recovered one near the true one."""
    found, truth = (sampled(one, STEP_PX, _MOST_SAMPLES).xy for one in (ink, reference.truth))
    if not len(found):
        return 0.0, 0.0
    near = NEAR_TAU * reference.tolerance_px
    return _near_share(truth, found, near), _near_share(found, truth, near)


def _near_share(of: Floats, to: Floats, near_px: float) -> float:
    distances = np.asarray(cKDTree(to).query(of, distance_upper_bound=2 * near_px)[0])
    return float((distances <= near_px).mean())
