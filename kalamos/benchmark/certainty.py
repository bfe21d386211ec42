"""How far what an entry states of itself can be trusted: its confidence, and its alternatives.

None of this ranks anything. The event is ``complete_trajectory``: the whole path is right. An entry that states a
confidence for some samples is taken to have been sure of the contrary where it states none: silence never helps.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from kalamos.benchmark.statistics.estimates import estimate
from kalamos.machinery.arrays import Bools, Floats

BINS = 10
FACTS = (
    ("confidence", pa.float64()),
    ("alternatives", pa.int32()),
    ("best:lcss", pa.float64()),
    ("best:complete_trajectory", pa.float64()),
)
"""Columns of ``scores.parquet``: what is stated, how many alternatives, and the best of all paths, which the truth
chooses."""
SAID = {
    "complete": "share of samples whose whole path is right",
    "confidence": "mean confidence that it is",
    "brier": "mean of (confidence - right)², 0 is best",
    "ece": f"expected calibration error: mean gap of confidence and share of right ones, {BINS} bins of equal counts",
    "aurc": "area under the risk-coverage curve: mean share of wrong ones among the k surest, over all k",
    "aurc_least": "the least that an order of as many wrong ones could give",
    "best_of": "paths an image, the chosen one among them",
    "best_lcss": "mean lcss of the best of them, chosen by the truth: an upper bound",
    "best_complete": "share of samples of which one of them is right all along, chosen by the truth",
}
"""What a result says of an entry's certainty, in plain words."""


def certainty(table: pa.Table) -> dict[str, float]:
    """Return what :data:`SAID` names of a table of scores, and bounds of means by writer; nothing where none is stated.

    ``brier``, ``best_lcss`` and ``best_complete`` have ``_low`` and ``_high``.
    """
    if not {name for name, _ in FACTS} <= set(table.column_names):
        return {}
    right = table.column("complete_trajectory").to_numpy()
    known = ~np.isnan(right)
    writers = [writer for writer, keep in zip(table.column("writer").to_pylist(), known, strict=True) if keep]
    columns = {name: table.column(name).to_numpy(zero_copy_only=False)[known] for name, _ in FACTS}
    found = {"samples": float(known.sum()), "complete": float(right[known].mean())} if known.any() else {}
    stated = _of_confidence(columns["confidence"], right[known], writers) if known.any() else {}
    best = _of_alternatives(columns, writers) if known.any() else {}
    return {**found, **stated, **best} if stated or best else {}


def _of_confidence(confidence: Floats, right: Floats, writers: list[str]) -> dict[str, float]:
    stated = ~np.isnan(confidence)
    if not stated.any():
        return {}
    p = np.where(stated, confidence, 1.0 - right)
    return {
        "stated": float(stated.sum()),
        "confidence": float(p.mean()),
        **_with_interval("brier", (p - right) ** 2, writers),
        "ece": calibration_error(p, right > 0.5),
        "aurc": risk_coverage_area(p, right > 0.5),
        "aurc_least": risk_coverage_area(right, right > 0.5),
    }


def _of_alternatives(columns: dict[str, Floats], writers: list[str]) -> dict[str, float]:
    most = np.nanmax(columns["alternatives"], initial=0.0)
    if not most > 0:
        return {}
    return {
        "best_of": 1.0 + float(most),
        **_with_interval("best_lcss", columns["best:lcss"], writers),
        **_with_interval("best_complete", columns["best:complete_trajectory"], writers),
    }


def _with_interval(name: str, values: Floats, writers: list[str]) -> dict[str, float]:
    found = estimate(values, writers)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def calibration_error(confidence: Floats, right: Bools) -> float:
    """Return the mean distance of confidence and share of right ones over bins of equal counts, weighted by count.

    After Naeini et al. (AAAI 2015), with bins of equal counts; equal confidences stand in one bin. With few samples it
    is larger than 0 for a perfectly calibrated method too.

    Args:
        confidence: in 0..1, ``(n,)``, at least one.
        right: whether it was right, ``(n,)``.
    """
    places = (rankdata(confidence) - 0.5) / len(confidence)
    bins = np.minimum((BINS * places).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, confidence - right, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def risk_coverage_area(confidence: Floats, right: Bools) -> float:
    """Return the area under :func:`risk_coverage`: its mean (Geifman et al., ICLR 2019)."""
    return float(risk_coverage(confidence, right).mean())


def risk_coverage(confidence: Floats, right: Bools) -> Floats:
    """Return the share of wrong ones among the k surest, k = 1..n, float64 ``(n,)``.

    Among equal confidences the wrong ones are taken to be spread evenly.

    Args:
        confidence: ``(n,)``, at least one.
        right: whether it was right, ``(n,)``.
    """
    values, group = np.unique(-confidence, return_inverse=True)
    size = np.bincount(group, minlength=len(values))
    share = np.bincount(group, ~right, len(values)) / size
    wrong = np.cumsum(np.repeat(share, size))
    return np.asarray(wrong / np.arange(1, len(wrong) + 1))
