"""DTW against its peers, in one run: compare the groups' rows as ratios, absolute figures are the machine's.

``pytest tests/perf/test_perf_dtw.py --benchmark-only --benchmark-group-by=group --benchmark-columns=median,ops``

Every row but aeon's computes the same: the distances of the same pairs, Euclidean local cost, one thread. aeon adds up
squared distances and has no choice (a root less a cell); it wants older numpy and numba than the rest of the tests, so
its row needs an environment of its own: ``pip install aeon dtaidistance pytest-benchmark pytest -e .``.
"""

from __future__ import annotations

import numpy as np
import pytest

from kalamos.metrics.dtw import dtw, dtw_path, frechet
from kalamos.metrics.wavefront import dtw_distances

PAIRS = {100: 200, 1000: 20}


def walks(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return tuple(np.cumsum(rng.normal(size=(2, PAIRS[n], n, 2)), axis=2))


def kalamos_batch(a, b):
    return dtw_distances(a, b)


def kalamos_float64_with_length(a, b):
    return [dtw(x, y).total for x, y in zip(a, b, strict=True)]


def kalamos_path(a, b):
    return [dtw_path(x, y)[0].total for x, y in zip(a, b, strict=True)]


def dtaidistance_c(a, b):
    dtw_ndim = pytest.importorskip("dtaidistance.dtw_ndim")
    return [dtw_ndim.distance_fast(x, y, inner_dist="euclidean") for x, y in zip(a, b, strict=True)]


def dtw_python(a, b):
    library = pytest.importorskip("dtw")
    options = {"dist_method": "euclidean", "step_pattern": "symmetric1", "distance_only": True}
    return [library.dtw(x, y, **options).distance for x, y in zip(a, b, strict=True)]


def kalamos_frechet(a, b):
    return [frechet(x, y) for x, y in zip(a, b, strict=True)]


def aeon_squares(a, b):
    aeon = pytest.importorskip("aeon.distances", exc_type=ImportError)
    return [aeon.dtw_distance(x.T, y.T) for x, y in zip(a, b, strict=True)]


ROWS = [kalamos_batch, kalamos_float64_with_length, kalamos_path, dtaidistance_c, dtw_python]
OTHER_COST = [kalamos_frechet, aeon_squares]


@pytest.mark.parametrize("run", [*ROWS, *OTHER_COST], ids=lambda run: run.__name__)
@pytest.mark.parametrize("n", [100, 1000])
def test_dtw_distances(benchmark, run, n):
    benchmark.group = f"dtw of {PAIRS[n]} pairs, {n} x {n} points"
    a, b = walks(n)
    found = run(a, b)
    if run in ROWS:
        np.testing.assert_allclose(found, kalamos_float64_with_length(a, b), rtol=1e-6)
    benchmark.pedantic(run, (a, b), rounds=7 if n == 100 else 3, iterations=1, warmup_rounds=1)
