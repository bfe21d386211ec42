import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kalamos import geometry
from kalamos.errors import InkError
from kalamos.ink import Ink

coordinate = st.floats(-1000, 1000, width=32)


@st.composite
def inks(draw, max_strokes=4, timed=None):
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=max_strokes))
    strokes = [draw(hnp.arrays(np.float32, (size, 2), elements=coordinate)) for size in sizes]
    if timed is False or (timed is None and not draw(st.booleans())):
        return Ink.from_strokes(strokes)
    steps = draw(hnp.arrays(np.float64, sum(sizes), elements=st.floats(0, 2)))
    times = np.split(np.cumsum(steps), np.cumsum(sizes)[:-1])
    return Ink.from_strokes(strokes, times)


L = Ink.from_strokes([[(0, 0), (3, 4), (3, 10)], [(5, 5)], [(0, 0), (10, 0)]], t=[[0, 1, 3], [4], [5, 7]])


def test_lengths_durations_and_box():
    assert geometry.stroke_lengths(L).tolist() == [11, 0, 10]
    assert geometry.stroke_durations(L).tolist() == [3, 0, 2]
    assert geometry.length(L) == 21
    assert geometry.bounds(L) == (0, 0, 10, 10)
    assert geometry.length(Ink.empty()) == 0
    with pytest.raises(InkError, match="empty"):
        geometry.bounds(Ink.empty())


def test_resampling_by_step_keeps_the_ends_and_dots():
    ink = geometry.resample(L, step=2.0)
    assert ink.offsets.tolist() == [0, 7, 8, 14]
    assert ink.xy[0].tolist() == [0, 0]
    assert ink.xy[6].tolist() == [3, 10]
    assert ink.xy[7].tolist() == [5, 5]
    np.testing.assert_allclose(ink.xy[8:, 0], [0, 2, 4, 6, 8, 10])
    np.testing.assert_allclose(ink.t[8:], [5, 5.4, 5.8, 6.2, 6.6, 7])


def test_resampling_by_count_shares_points_by_length():
    ink = geometry.resample(L, n=24)
    assert np.diff(ink.offsets).tolist() == [12, 1, 11]
    with pytest.raises(InkError, match="too few"):
        geometry.resample(L, n=2)
    with pytest.raises(InkError, match="either n"):
        geometry.resample(L)
    with pytest.raises(InkError, match="above 0"):
        geometry.resample(L, step=0)


def test_resampling_by_time_follows_the_clock():
    ink = geometry.resample(Ink.from_strokes([[(0, 0), (1, 0), (9, 0)]], t=[[0, 1, 2]]), by="time", step=0.5)
    np.testing.assert_allclose(ink.xy[:, 0], [0, 0.5, 1, 5, 9])
    with pytest.raises(InkError, match="no times"):
        geometry.resample(Ink.from_strokes([[(0, 0)]]), by="time", n=3)


def test_trajectory_runs_through_all_strokes_without_pen_up_movements():
    two = Ink.from_strokes([[(0, 0), (4, 0)], [(100, 0), (104, 0)]])
    np.testing.assert_allclose(geometry.trajectory(two, 5)[:, 0], [0, 2, 4, 102, 104])
    dots = Ink.from_strokes([[(1, 1)], [(7, 7)]])
    np.testing.assert_allclose(geometry.trajectory(dots, 3), [[1, 1], [1, 1], [7, 7]])


def test_reorder_keeps_durations_and_pauses():
    moved = geometry.reorder(L, [2, 0, 1], flip=[True, False, False])
    assert moved.xy[:2].tolist() == [[10, 0], [0, 0]]
    assert moved.t.tolist() == [0, 2, 3, 4, 6, 7]
    assert geometry.reorder(L, [0, 1, 2]) == L
    assert geometry.reorder(L, [1]).xy.tolist() == [[5, 5]]


def test_concat_in_sequence_and_as_recorded():
    a = Ink.from_strokes([[(0, 0), (1, 0)]], t=[[5, 6]])
    joined = geometry.concat([a, Ink.empty(), a], pause_s=0.5)
    assert joined.t.tolist() == [5, 6, 6.5, 7.5]
    assert joined.n_strokes == 2
    assert geometry.concat([a, Ink.from_strokes([[(2, 2)]])], pause_s=1.0).t is None
    with pytest.raises(InkError, match="backwards"):
        geometry.concat([a, a])
    assert geometry.concat([]) == Ink.empty()


def test_simplify_drops_what_a_line_already_says():
    ink = Ink.from_strokes([[(0, 0), (1, 0.01), (2, 0), (2, 5)]], t=[[0, 1, 2, 3]])
    assert geometry.simplify(ink, 0.1).t.tolist() == [0, 2, 3]
    assert geometry.simplify(ink, 0.001) == ink


@given(inks())
def test_reversing_twice_changes_nothing_but_rounding(ink):
    back = geometry.reverse(geometry.reverse(ink))
    np.testing.assert_array_equal(back.xy, ink.xy)
    np.testing.assert_array_equal(back.offsets, ink.offsets)
    if ink.t is not None:
        np.testing.assert_allclose(back.t, ink.t, atol=1e-9)
    each = geometry.reverse(geometry.reverse(ink, each_stroke=True), each_stroke=True)
    np.testing.assert_array_equal(each.xy, ink.xy)


@given(inks())
def test_what_is_reversed_runs_backwards(ink):
    """A reverse that does nothing, or turns the strokes only or their order only, is undone by itself as well."""
    back = geometry.reverse(ink)
    np.testing.assert_array_equal(back.xy, ink.xy[::-1])
    assert [len(stroke) for stroke in back.strokes()] == [len(stroke) for stroke in ink.strokes()][::-1]
    if ink.t is not None and ink.n_points:
        np.testing.assert_allclose(np.diff(back.t), np.diff(ink.t)[::-1], atol=1e-9)
        assert (back.t[0], back.t[-1]) == pytest.approx((ink.t[0], ink.t[-1]))
    each = geometry.reverse(ink, each_stroke=True)
    for turned, stroke in zip(each.strokes(), ink.strokes(), strict=True):
        np.testing.assert_array_equal(turned, stroke[::-1])


def test_channels_are_reversed_with_their_points():
    ink = Ink.from_strokes([[(0, 0), (1, 0)], [(2, 0)]], pressure=[[0.25, 0.5], [1.0]])
    assert geometry.reverse(ink).pressure.tolist() == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("lengths", "n", "counts"),
    [
        ([1.0, 2.6, 6.4], 13, [2, 4, 7]),  # shares of the ten points to deal: 1, 2.6, 6.4; the spare one to 2.6
        ([1.0, 2.4, 6.6], 13, [2, 3, 8]),
        ([3.3, 3.4, 3.3], 5, [2, 2, 1]),  # 0.66, 0.68, 0.66: two spare, the earlier of equal ones first
        ([5.0, 5.0], 3, [2, 1]),
        ([0.0, 7.0], 4, [1, 3]),
    ],
)
def test_points_are_shared_out_by_largest_remainder(lengths, n, counts):
    ink = Ink.from_strokes([[(0, k), (length, k)] for k, length in enumerate(lengths)])
    assert np.diff(geometry.resample(ink, n=n).offsets).tolist() == counts


@given(inks(), st.floats(0.5, 200))
def test_resampling_stays_on_the_path_and_bounds_the_step(ink, step):
    dense = geometry.resample(ink, step=step)
    assert dense.n_strokes == ink.n_strokes
    np.testing.assert_allclose(dense.xy[dense.offsets[:-1]], ink.xy[ink.offsets[:-1]], atol=2e-3)
    np.testing.assert_allclose(dense.xy[dense.offsets[1:] - 1], ink.xy[ink.offsets[1:] - 1], atol=2e-3)
    for stroke in dense.strokes():
        assert (np.hypot(*np.diff(stroke.astype(float), axis=0).T) <= step * (1 + 1e-5) + 2e-3).all()
    assert geometry.length(dense) <= geometry.length(ink) * (1 + 1e-6) + 1e-2


@given(inks(), st.integers(4, 60))
def test_resampling_by_count_gives_that_count(ink, n):
    assert geometry.resample(ink, n=n).n_points == n
    assert geometry.trajectory(ink, n).shape == (n, 2)


@given(inks(timed=True), st.permutations(range(4)))
def test_reordering_loses_no_point_and_no_time(ink, order):
    order = [k for k in order if k < ink.n_strokes]
    moved = geometry.reorder(ink, order, flip=[k % 2 == 0 for k in order])
    assert sorted(map(tuple, moved.xy.tolist())) == sorted(map(tuple, ink.xy.tolist()))
    np.testing.assert_allclose(moved.t[-1] - moved.t[0], ink.t[-1] - ink.t[0], atol=1e-9)


@given(inks(), st.floats(0.01, 100), coordinate, coordinate)
def test_transform_and_its_inverse(ink, scale, dx, dy):
    from kalamos.image import Placement

    place = Placement(scale, dx, dy)
    np.testing.assert_allclose(place.from_pixels(place.to_pixels(ink)).xy, ink.xy, atol=0.05)


def test_walked_counts_what_is_drawn_and_not_what_lies_between_strokes():
    ink = Ink.from_strokes([[(0, 0), (3, 4)], [(9, 9), (9, 10), (9, 12)]], t=[[0.0, 1.0], [5.0, 5.5, 7.0]])
    assert geometry.walked(ink).tolist() == [0, 5, 5, 6, 8]
    assert geometry.walked(ink, by="time").tolist() == [0, 1, 1, 1.5, 3]


def test_drift_says_whether_strokes_go_on_to_the_right() -> None:
    strokes = [[[x, 0], [x + 1, 3]] for x in (0, 5, 9)]
    assert geometry.drift([Ink.from_strokes(strokes)]) == 1.0
    assert geometry.drift([Ink.from_strokes(strokes[::-1]), Ink.from_strokes(strokes[:1])]) == -1.0
    assert geometry.drift([Ink.from_strokes([strokes[1], strokes[0], strokes[2]])]) == pytest.approx(1 / 3)
    assert geometry.drift([]) == 0.0


def test_one_long_word_does_not_outvote_four_that_run_the_other_way() -> None:
    long = Ink.from_strokes([[(x, 0.0), (x + 1.0, 0.0)] for x in range(9)])
    short = Ink.from_strokes([[(x, 0.0), (x + 1.0, 0.0)] for x in (3, 2, 1, 0)])
    assert geometry.drift([long, *[short] * 4]) < 0 < geometry.drift([long, short])
