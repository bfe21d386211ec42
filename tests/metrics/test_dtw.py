"""DTW, its path, segments, Fréchet and the fast batch, against definitions written out and other libraries."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kalamos.errors import KalamosError
from kalamos.metrics.dtw import dtw, dtw_path, dtw_to_segments, frechet
from kalamos.metrics.wavefront import dtw_distances, dtw_matrix

LINE = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])


def walk(rng, n):
    return np.cumsum(rng.normal(size=(n, 2)), axis=0)


def all_warpings(n, m):
    """Yield every monotone path from (0, 0) to (n - 1, m - 1) as a list of index pairs."""
    if (n, m) == (1, 1):
        yield [(0, 0)]
        return
    for a, b in [(n - 1, m - 1), (n - 1, m), (n, m - 1)]:
        if a and b:
            for path in all_warpings(a, b):
                yield [*path, (n - 1, m - 1)]


def cost(path, a, b):
    return sum(np.hypot(*(a[i] - b[j])) for i, j in path)


integers = st.integers(-3, 3).map(float)
short = st.integers(1, 5).flatmap(lambda n: arrays(np.float64, (n, 2), elements=integers))
real = st.integers(1, 40).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(-50, 50, width=32)))


def test_closed_forms():
    assert dtw(LINE, LINE) == (0.0, 4)
    assert dtw(LINE, np.add(LINE, [0.0, 2.0])) == (8.0, 4)
    assert dtw(LINE, [[0.0, 0.0]]) == (6.0, 4)
    assert dtw(LINE, LINE[::-1]).total == 8.0
    assert dtw(LINE, np.add(LINE, [0.0, 2.0])).mean == 2.0


def test_equal_paths_go_diagonal_first_then_up_then_left():
    a = np.zeros((3, 2))
    assert dtw_path(a, np.zeros((3, 2)))[1].tolist() == [[0, 0], [1, 1], [2, 2]]
    # from the end the diagonal is taken while it can be, so that the leftover steps come first
    assert dtw_path(a, np.zeros((2, 2)))[1].tolist() == [[0, 0], [1, 0], [2, 1]]
    assert dtw_path(np.zeros((2, 2)), a)[1].tolist() == [[0, 0], [0, 1], [1, 2]]


def path_by_rule(a, b):
    """Return the path that the tie rule picks, from the matrix of costs written out."""
    n, m = len(a), len(b)
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0.0
    for i, j in itertools.product(range(n), range(m)):
        total[i + 1, j + 1] = np.hypot(*(a[i] - b[j])) + min(total[i, j], total[i, j + 1], total[i + 1, j])
    path = [(n, m)]
    while path[-1] != (1, 1):
        i, j = path[-1]
        path.append(min([(i - 1, j - 1), (i - 1, j), (i, j - 1)], key=lambda cell: total[cell]))
    return [[i - 1, j - 1] for i, j in reversed(path)]


tiny = st.integers(1, 8).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.sampled_from([0.0, 1.0])))


@given(tiny, tiny)
@settings(max_examples=200, deadline=None)
def test_ties_follow_the_rule(a, b):
    a, b = a * [1.0, 0.0], b * [1.0, 0.0]  # distances of 0 and 1 only: sums are exact and ties the rule
    assert dtw_path(a, b)[1].tolist() == path_by_rule(a, b)


@given(short, short)
@settings(max_examples=60, deadline=None)
def test_is_the_cheapest_of_all_paths(a, b):
    cheapest = min(cost(path, a, b) for path in all_warpings(len(a), len(b)))
    found, path = dtw_path(a, b)
    assert found.total == pytest.approx(cheapest, abs=1e-9)
    assert cost(path.tolist(), a, b) == pytest.approx(cheapest, abs=1e-9)


@given(short, short)
@settings(max_examples=60, deadline=None)
def test_length_is_that_of_the_path(a, b):
    warping, path = dtw_path(a, b)
    assert dtw(a, b) == warping
    steps = np.diff(path, axis=0)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [len(a) - 1, len(b) - 1]
    assert {tuple(step) for step in steps.tolist()} <= {(1, 1), (1, 0), (0, 1)}


def test_agrees_with_dtw_python_in_cost_and_path():
    script = """
import sys, numpy as np
from dtw import dtw
data = np.load(sys.argv[1])
for k in range(len(data) // 2):
    found = dtw(data[f"a{k}"], data[f"b{k}"], dist_method="euclidean", step_pattern="symmetric1")
    print(repr(float(found.distance)), *found.index1.tolist(), *found.index2.tolist())
"""
    rng = np.random.default_rng(3)
    pairs = [(walk(rng, int(n)), walk(rng, int(m))) for n, m in rng.integers(2, 90, (25, 2))]
    lines = _in_a_process(script, pairs)
    for (a, b), line in zip(pairs, lines, strict=True):
        distance, *indices = line.split()
        theirs = np.array(indices, int).reshape(2, -1).T
        found, path = dtw_path(a, b)
        assert found.total == pytest.approx(float(distance), rel=1e-12)
        assert path.tolist() == theirs.tolist()


def _in_a_process(script, pairs, tmp=None):
    """Run in a process of its own: dtw-python greets on import and patches numpy's printing."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.npz"
        np.savez(
            file, **{f"{name}{k}": xy for k, pair in enumerate(pairs) for name, xy in zip("ab", pair, strict=True)}
        )
        run = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    return [line for line in run.stdout.splitlines() if line and (line[0].isdigit())]


@given(real, real)
@settings(max_examples=80, deadline=None)
def test_bounds(a, b):
    found = dtw(a, b)
    assert max(len(a), len(b)) <= found.length <= len(a) + len(b) - 1
    far = max(np.hypot(*(x - y)) for x, y in itertools.product(a, b))
    assert found.mean <= far + 1e-9
    assert found.total == pytest.approx(dtw(b, a).total, rel=1e-12, abs=1e-12)
    assert frechet(a, b) <= far + 1e-9


@given(short, short)
@settings(max_examples=60, deadline=None)
def test_frechet_is_the_least_of_the_longest_leashes(a, b):
    paths = all_warpings(len(a), len(b))
    assert frechet(a, b) == min(max(np.hypot(*(a[i] - b[j])) for i, j in path) for path in paths)


def test_frechet_agrees_with_shapely_on_paths_near_each_other():
    rng = np.random.default_rng(8)
    for n in rng.integers(2, 60, 40):
        a = walk(rng, n)
        b = a + np.array([3.0, 4.0]) + rng.normal(0, 0.01, a.shape)
        theirs = shapely.frechet_distance(shapely.LineString(a), shapely.LineString(b))
        assert frechet(a, b) == pytest.approx(theirs, rel=1e-12)


def test_frechet_is_never_above_shapely():
    # GEOS 3.14 misses the least leash for about one pair of random walks in eleven; the definition above settles it
    rng = np.random.default_rng(9)
    for n, m in rng.integers(2, 60, (40, 2)):
        a, b = walk(rng, n), walk(rng, m)
        assert frechet(a, b) <= shapely.frechet_distance(shapely.LineString(a), shapely.LineString(b)) + 1e-12


def test_segments():
    points = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    one = dtw_to_segments(points, [[0.0, 0.0]], [[4.0, 0.0]])
    assert one == (3.0, 3)
    # beyond its ends a segment is as far as its nearest end: 3-4-5
    assert dtw_to_segments([[-3.0, 4.0]], [[0.0, 0.0]], [[9.0, 0.0]]).total == 5.0
    # a segment without length is a point
    assert dtw_to_segments([[3.0, 4.0]], [[0.0, 0.0]], [[0.0, 0.0]]).total == 5.0


@given(real, real)
@settings(max_examples=80, deadline=None)
def test_segments_without_length_are_points(a, b):
    assert dtw_to_segments(a, b, b).total == pytest.approx(dtw(a, b).total, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("bad", [np.empty((0, 2)), np.zeros(4), np.zeros((3, 3))])
@pytest.mark.parametrize("function", [dtw, dtw_path, frechet])
def test_what_is_no_sequence_of_points_is_refused(function, bad):
    with pytest.raises(KalamosError, match="shape"):
        function(LINE, bad)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 9), (15, 16), (16, 16), (17, 33), (100, 100), (64, 256), (900, 1300)])
def test_fast_batch_is_within_1e_6(sizes):
    rng = np.random.default_rng(sum(sizes))
    a = [walk(rng, sizes[0]) + 2000.0 for _ in range(5)]
    b = [walk(rng, sizes[1]) + 2000.0 for _ in range(5)]
    exact = [dtw(x, y).total for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(dtw_distances(a, b), exact, rtol=1e-6)
    np.testing.assert_allclose(dtw_distances(b, a), exact, rtol=1e-6)


@given(st.lists(st.tuples(real, real), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_fast_batch_of_ragged_pairs(pairs):
    a, b = [one for one, _ in pairs], [other for _, other in pairs]
    exact = [dtw(x, y).total for x, y in pairs]
    found = dtw_distances(a, b)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-4)
    assert found.tolist() == dtw_distances(a, b, threads=3).tolist()
    assert np.diag(dtw_matrix(a, b)).tolist() == found.tolist()


def test_a_fast_distance_does_not_depend_on_its_company():
    rng = np.random.default_rng(5)
    pairs = [(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1) for n, m in rng.integers(2, 90, (60, 2))]
    together = dtw_distances([a for a, _ in pairs], [b for _, b in pairs])
    assert together.tolist() == [float(dtw_distances([a], [b])[0]) for a, b in pairs]


def test_fast_batch_takes_an_array_of_equal_lengths():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 30, 2)), rng.normal(size=(7, 20, 2))
    assert dtw_matrix(a, b).tolist() == dtw_matrix(list(a), list(b)).tolist()
    assert dtw_matrix(a, b).shape == (4, 7)
    assert dtw_distances([], []).shape == (0,)


def test_fast_batch_refuses_what_does_not_pair_up():
    with pytest.raises(KalamosError, match="1 sequences and 2"):
        dtw_distances([LINE], [LINE, LINE])
    for bad in ([LINE, np.empty((0, 2))], [np.zeros(3), LINE], [np.zeros((2, 3)), np.zeros((2, 3))]):
        with pytest.raises(KalamosError, match="shape"):
            dtw_distances(bad, [LINE, LINE])
