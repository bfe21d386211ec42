"""Statistics that a leaderboard can be held to: intervals by writer, paired differences, ties, what a task can tell.

Samples of one writer resemble each other, so writers are resampled and not samples (clustered bootstrap, Davison and
Hinkley 1997, section 3.8; Field and Welsh 2007): each resample draws as many writers as there are, with replacement,
and each brings all its samples. Intervals are percentiles of 10,000 resamples, taken further out the fewer writers
effectively are (expanded percentiles, Hesterberg 2015, section 5.3): plain ones are too narrow by what a normal
quantile lacks to one of Student's t. Every entry and metric meets the same draws, so two entries are compared on the
same resampled writers, sample by sample (paired). Whether they differ is said by the randomisation test of
:mod:`kalamos.benchmark.statistics.swaps`, which holds its level with few writers too.

A sample to which a metric does not apply is NaN and left out; in a comparison, where either value is. A sample without
a writer is a writer of its own, which makes intervals too narrow where that is not so.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

from kalamos.benchmark.statistics.swaps import ALL_TRIED, p_of_many_sums, p_of_medians, p_of_sums
from kalamos.errors import KalamosError
from kalamos.machinery.arrays import Bools, Floats, Ints
from kalamos.machinery.kernels import kernel, kernel_of
from kalamos.machinery.seeding import rng_for

Counts = NDArray[np.uint16]
Aggregate = Literal["mean", "median", "pooled_rms"]

RESAMPLES = 10_000
MOST_SWAPS = 400_000
_LOOKED_AT_AGAIN = 20
LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8
FEW = 10
"""Writers below which an interval is shown with a warning: three hold the truth in 75 % of cases, not in 95 %."""
_CHUNK_CELLS = 2_000_000
_DRAW_US = 0.005
"""What array language takes to count a draw, microseconds."""


class Estimate(NamedTuple):
    """An aggregate and its 95 % interval.

    Attributes:
        value: the aggregate over all samples; NaN where there is none.
        low: lower end; NaN with fewer than two writers.
        high: upper end.
        n: samples that count.
        writers: writers that they come from; with fewer than :data:`FEW` the interval is too narrow.
    """

    value: float
    low: float
    high: float
    n: int
    writers: int


class Difference(NamedTuple):
    """The aggregate of one entry less that of another, on the samples that both have.

    Attributes:
        value: the difference; NaN where there is no common sample.
        low: lower end of its 95 % interval; NaN with fewer than two writers.
        high: upper end.
        p: two-sided p-value of no difference, by swapping writers; 1 where nothing can be said.
        n: samples that count.
        writers: writers that they come from.
        detectable: the smallest true difference that data like these show with 80 % power at the 5 % level.
    """

    value: float
    low: float
    high: float
    p: float
    n: int
    writers: int
    detectable: float


def estimate(
    values: ArrayLike,
    writers: Sequence[str],
    *,
    aggregate: Aggregate = "mean",
    weights: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return the aggregate of ``(n,)`` values with its interval; a rate is the mean of zeros and ones.

    An interval without width at a rate of 0 or 1 says only that no exception was met; with n independent samples as
    many as 3 in n may still be (rule of three).

    Args:
        values: one a sample; NaN counts as not there.
        writers: one a sample; empty for unknown.
        aggregate: mean, median, or ``pooled_rms``, the root of the weighted mean of squares.
        weights: one a sample, for the mean and the pooled root; the median takes none.
        seed: of the draws.
        resamples: number of draws.

    Raises:
        KalamosError: where lengths differ or an aggregate is unknown.
    """
    data = _checked(values, writers, weights)
    keep = ~np.isnan(data.values)
    data = data.where(keep)
    value = _aggregate(data, aggregate)
    if data.clusters < 2:
        return Estimate(value, math.nan, math.nan, len(data.values), data.clusters)
    low, high = _percentiles(_draws(data, aggregate, seed, resamples), data.effective)
    return Estimate(value, low, high, len(data.values), data.clusters)


def difference(
    first: ArrayLike,
    second: ArrayLike,
    writers: Sequence[str],
    *,
    aggregate: Aggregate = "mean",
    weights: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Difference:
    """Return ``aggregate(first) - aggregate(second)`` on the samples that both have, paired; arguments as above.

    Raises:
        KalamosError: where lengths differ or an aggregate is unknown.
    """
    one, two = _checked(first, writers, weights), _checked(second, writers, weights)
    keep = ~(np.isnan(one.values) | np.isnan(two.values))
    one, two = one.where(keep), two.where(keep)
    value = _aggregate(one, aggregate) - _aggregate(two, aggregate)
    n, clusters = len(one.values), one.clusters
    if clusters < 2:
        return Difference(value, math.nan, math.nan, 1.0, n, clusters, math.inf)
    draws = _draws(one, aggregate, seed, resamples) - _draws(two, aggregate, seed, resamples)
    low, high = _percentiles(draws, one.effective)
    quantiles = stdtrit(one.effective - 1, [1 - ALPHA / 2, POWER])
    detectable = float(quantiles.sum()) * float(np.std(draws, ddof=1)) * math.sqrt(clusters / (clusters - 1))
    return Difference(value, low, high, _p(one, two, aggregate, seed, resamples), n, clusters, detectable)


def ratio(
    part: ArrayLike, whole: ArrayLike, writers: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """Return ``sum(part) / sum(whole)`` of values, one a sample, with its interval; both are drawn together.

    NaN where the whole is 0; resamples in which it is 0 are left out.

    Raises:
        KalamosError: where lengths differ.
    """
    above, below = _checked(part, writers, None), _checked(whole, writers, None)
    n, clusters = len(above.values), above.clusters
    sums, sizes = above.sums(above.values), below.sums(below.values)
    if not sizes.sum() > 0:
        return Estimate(math.nan, math.nan, math.nan, n, clusters)
    value = float(sums.sum() / sizes.sum())
    if clusters < 2:
        return Estimate(value, math.nan, math.nan, n, clusters)
    draws = np.concatenate([_ratios(counts, sums, sizes) for counts in _resampled(clusters, seed, resamples)])
    low, high = _percentiles(draws[np.isfinite(draws)], above.effective)
    return Estimate(value, low, high, n, clusters)


def smallest_p(writers: int) -> float:
    """Return the smallest p-value that a comparison on so many writers can have, before any correction."""
    return 2.0 ** (1 - writers) if writers <= ALL_TRIED else 1.0 / (RESAMPLES + 1)


def p_values(
    columns: Sequence[ArrayLike],
    writers: Sequence[str],
    *,
    aggregate: Aggregate = "mean",
    weights: ArrayLike | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[tuple[int, int], float]:
    """Return the p-value of :func:`difference`, uncorrected, of every two of some columns; in the order of pairs.

    The more pairs, the smaller a p-value has to be after correction; a share of 10,000 swaps is 1 in 10,001 at least,
    and from 33 entries on nothing could be told apart. So pairs whose p is small are tried again, with so many swaps
    that the smallest p is a tenth of what Holm asks of the best pair (:func:`swaps_for`); a p-value of independent
    swaps that is looked at only where the first was small keeps its level.

    Raises:
        KalamosError: where lengths differ or an aggregate is unknown.
    """
    held = [_checked(values, writers, weights) for values in columns]
    pairs = list(itertools.combinations(range(len(held)), 2))
    found = dict.fromkeys(pairs, 1.0)
    more = swaps_for(len(pairs))
    for keep, members in _by_samples(held, pairs):
        used = {
            k: held[k] if keep.all() else held[k].where(keep) for k in sorted({k for pair in members for k in pair})
        }
        found |= _ps(used, members, aggregate, seed, resamples)
        small = [pair for pair in members if found[pair] < _LOOKED_AT_AGAIN / resamples]
        if small and more > resamples and used[small[0][0]].clusters > ALL_TRIED:
            found |= _ps(used, small, aggregate, seed + 1, more)
    return found


Pairs = Sequence[tuple[int, int]]


def _by_samples(held: Sequence[_Data], pairs: Pairs) -> Iterator[tuple[Bools, list[tuple[int, int]]]]:
    """Yield which samples both of a pair have, ``(n,)``, with all pairs of which that is so."""
    unknown = [np.isnan(data.values) for data in held]
    names = [mask.tobytes() for mask in unknown]
    groups: dict[frozenset[bytes], list[tuple[int, int]]] = {}
    for i, j in pairs:
        groups.setdefault(frozenset((names[i], names[j])), []).append((i, j))
    for members in groups.values():
        i, j = members[0]
        yield ~(unknown[i] | unknown[j]), members


def _ps(
    data: Mapping[int, _Data], pairs: Pairs, aggregate: Aggregate, seed: int, draws: int
) -> dict[tuple[int, int], float]:
    """Return the p-values of pairs of columns that have the same samples."""
    first = next(iter(data.values()))
    root = aggregate == "pooled_rms"
    sums = np.stack([_sums(one, root=root) for one in data.values()])
    if aggregate == "median" or first.clusters < 2 or not np.isfinite(sums).all():
        return {(i, j): _p(data[i], data[j], aggregate, seed, draws) for i, j in pairs}
    place = {k: row for row, k in enumerate(data)}
    rows = np.array([(place[i], place[j]) for i, j in pairs], np.int64)
    found = p_of_many_sums(sums, rows, root=root, seed=seed, draws=draws)
    return dict(zip(pairs, found.tolist(), strict=True))


def swaps_for(comparisons: int) -> int:
    """Return how many swaps let the best of so many comparisons be significant, ten times over; 400,000 at most."""
    return int(min(max(RESAMPLES, 10 * comparisons / ALPHA), MOST_SWAPS))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, step down (Holm 1979): none of them false with probability 95 %."""
    order = np.argsort(p_values, kind="stable")
    steps = [min(1.0, (len(order) - rank) * p_values[i]) for rank, i in enumerate(order)]
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(steps) if steps else []
    return [float(p) for p in corrected]


class _Data(NamedTuple):
    """Values ``(n,)``, weights ``(n,)``, the cluster of each ``(n,)`` and the number of clusters."""

    values: Floats
    weights: Floats
    cluster: Ints
    clusters: int

    @property
    def effective(self) -> float:
        """Return the effective number of clusters by their weights (Kish 1965), 2 at least."""
        sizes = self.sums(self.weights)
        square = float((sizes**2).sum())
        return max(float(sizes.sum()) ** 2 / square, 2.0) if square > 0 else 2.0

    def sums(self, values: Floats) -> Floats:
        """Return the sum of values ``(n,)`` over each cluster."""
        return np.bincount(self.cluster, values, self.clusters).astype(np.float64)

    def where(self, keep: Bools) -> _Data:
        """Return the samples to keep, clusters numbered anew."""
        names, cluster = np.unique(self.cluster[keep], return_inverse=True)
        return _Data(self.values[keep], self.weights[keep], cluster.astype(np.int64), len(names))


def _checked(values: ArrayLike, writers: Sequence[str], weights: ArrayLike | None) -> _Data:
    array = np.asarray(values, np.float64)
    weight = np.ones(len(array)) if weights is None else np.asarray(weights, np.float64)
    if array.ndim != 1 or len(array) != len(writers) or weight.shape != array.shape:
        raise KalamosError(
            f"values, writers and weights go sample by sample; got {array.shape}, {len(writers)} and {weight.shape}"
        )
    names = [name or f"\0{i}" for i, name in enumerate(writers)]
    clusters, cluster = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    return _Data(array, weight, cluster.astype(np.int64), len(clusters))


def _aggregate(data: _Data, aggregate: Aggregate) -> float:
    """Return the aggregate of the samples as they are: the resample in which every writer occurs once."""
    if not len(data.values):
        return math.nan
    return float(_over(data, aggregate, [np.ones((1, data.clusters), np.uint16)])[0])


def _draws(data: _Data, aggregate: Aggregate, seed: int, resamples: int) -> Floats:
    """Return the aggregate of each resample, ``(resamples,)``."""
    return _over(data, aggregate, _resampled(data.clusters, seed, resamples))


def _over(data: _Data, aggregate: Aggregate, chunks: Iterator[Counts] | list[Counts]) -> Floats:
    if aggregate == "median":
        order = np.argsort(data.values, kind="stable")
        values, cluster = data.values[order], data.cluster[order]
        return np.concatenate([_medians(counts, values, cluster) for counts in chunks])
    if aggregate not in ("mean", "pooled_rms"):
        raise KalamosError(f"values combine by mean, median or pooled_rms, not by {aggregate!r}")
    sums, sizes = _sums(data, root=aggregate == "pooled_rms"), data.sums(data.weights)
    means = np.concatenate([_ratios(counts, sums, sizes) for counts in chunks])
    return np.sqrt(means) if aggregate == "pooled_rms" else means


def _resampled(clusters: int, seed: int, resamples: int) -> Iterator[Counts]:
    """Yield how often each cluster is drawn, ``(rows, clusters)``, in chunks of bounded memory."""
    rows = max(1, _CHUNK_CELLS // clusters)
    for start in range(0, resamples, rows):
        yield _chunk(clusters, seed, start, min(rows, resamples - start))


@lru_cache(maxsize=12)
def _chunk(clusters: int, seed: int, start: int, rows: int) -> Counts:
    drawn = rng_for(seed, "bootstrap", clusters, start).integers(0, clusters, (rows, clusters), dtype=np.uint32)
    return _counted.for_work(_DRAW_US * drawn.size)(drawn)


def _percentiles(draws: Floats, effective: float) -> tuple[float, float]:
    """Return the ends of the interval: quantiles at the normal level of Student's t, ``sqrt(g / (g - 1))`` further.

    g is the effective number of writers: of fifteen who wrote very unequally much, intervals for fifteen hold the truth
    in 92 % of cases (``python -m kalamos.benchmark.statistics.coverage``).
    """
    reach = float(stdtrit(effective - 1, (1 + LEVEL) / 2)) * math.sqrt(effective / (effective - 1))
    low, high = np.quantile(draws, [float(ndtr(-reach)), float(ndtr(reach))])
    return float(low), float(high)


def _p(one: _Data, two: _Data, aggregate: Aggregate, seed: int, draws: int) -> float:
    if one.clusters < 2:
        return 1.0
    if aggregate == "median":
        return p_of_medians(one.values, two.values, one.cluster, one.clusters, seed=seed, draws=draws)
    root = aggregate == "pooled_rms"
    first, second = (_sums(data, root=root) for data in (one, two))
    return p_of_sums(first, second, root=root, seed=seed, draws=draws)


def _sums(data: _Data, *, root: bool) -> Floats:
    """Return the weighted sum of the values, or of their squares, of each writer, ``(g,)``."""
    return data.sums(data.weights * (data.values**2 if root else data.values))


def _counted_at_once(drawn: NDArray[np.uint32]) -> Counts:
    rows, clusters = drawn.shape
    cells = np.arange(rows)[:, None] * clusters + drawn
    return np.bincount(cells.ravel(), minlength=rows * clusters).reshape(rows, clusters).astype(np.uint16)


@kernel_of(_counted_at_once)
def _counted(drawn: NDArray[np.uint32]) -> Counts:
    rows, clusters = drawn.shape
    counts = np.zeros((rows, clusters), np.uint16)
    for row in range(rows):
        for k in range(clusters):
            counts[row, drawn[row, k]] += 1
    return counts


@kernel
def _ratios(counts: Counts, sums: Floats, sizes: Floats) -> Floats:
    """Return weighted sum over weighted size for each row, added up in one fixed order."""
    ratios = np.empty(len(counts))
    for row in range(len(counts)):
        total, size = 0.0, 0.0
        for k in range(len(sums)):
            times = float(counts[row, k])
            total += times * sums[k]
            size += times * sizes[k]
        ratios[row] = total / size
    return ratios


@kernel
def _medians(counts: Counts, values: Floats, cluster: Ints) -> Floats:
    """Return the median of each resample; ``values`` ascend. Two middle values give their mean."""
    medians = np.empty(len(counts))
    for row in range(len(counts)):
        size = 0
        for k in range(len(values)):
            size += counts[row, cluster[k]]
        lower, upper = (size - 1) // 2, size // 2
        seen, first = 0, np.nan
        for k in range(len(values)):
            seen += counts[row, cluster[k]]
            if np.isnan(first) and seen > lower:
                first = values[k]
            if seen > upper:
                medians[row] = 0.5 * (first + values[k])
                break
    return medians
