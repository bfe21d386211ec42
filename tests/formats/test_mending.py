"""Each rule of mending on its own, and what holds whatever a file says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalamos.errors import InkError
from kalamos.formats.mending import RULES, mend, mend_flat, mend_many

NAN, INF = float("nan"), float("inf")


def mended(*args, **kwargs):
    counts: Counter[str] = Counter()
    return mend(*args, counts=counts, **kwargs), counts


def test_sound_ink_passes_unchanged():
    ink, counts = mended([[(0, 0), (1, 2)], [(3, 4)]], t=[[0, 0.1], [0.5]], pressure=[[0.1, 1], [0]])
    assert ink.xy.tolist() == [[0, 0], [1, 2], [3, 4]]
    assert ink.t.tolist() == [0, 0.1, 0.5]
    assert ink.pressure.tolist() == [np.float32(0.1), 1, 0]
    assert not counts


def test_nothing_is_the_empty_ink():
    ink, counts = mended([])
    assert ink.n_strokes == 0 and not counts


@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e400, 1e16])
def test_points_that_are_not_finite_go(bad):
    ink, counts = mended([[(0, 0), (bad, 1), (2, 2)]], t=[[0, 1, 2]])
    assert ink.xy.tolist() == [[0, 0], [2, 2]]
    assert ink.t.tolist() == [0, 2]
    assert counts == {"point-not-finite": 1}


def test_a_channel_without_a_finite_value_goes_and_the_points_stay():
    ink, counts = mended([[(0, 0), (1, 1)]], t=[[NAN, NAN]], pressure=[[0.5, 0.5]])
    assert ink.t is None and ink.n_points == 2
    assert counts == {"channel-not-finite": 1}


def test_empty_strokes_go_in_the_file_or_after_the_rule_before():
    ink, counts = mended([[], [(0, 0)], [(NAN, 0)], [(1, 1)]])
    assert ink.offsets.tolist() == [0, 1, 2]
    assert counts == {"stroke-empty": 2, "point-not-finite": 1}


@pytest.mark.parametrize("t", [[[0, 0, 0], [0, 0]], [[13409, 0, 0], [7, 0]]])
def test_times_that_never_advance_are_no_recording(t):
    ink, counts = mended([[(0, 0), (0, 0), (2, 2)], [(3, 3), (4, 4)]], t=t)
    assert ink.t is None
    assert ink.n_points == 5, "without times a place said twice may be a pen at rest"
    assert counts == {"time-constant": 1}


def test_a_time_at_the_first_and_last_point_only_is_no_recording():
    ink, counts = mended([[(k, k) for k in range(30)]], t=[[34620, *[0] * 28, 43252]])
    assert ink.t is None and counts == {"time-constant": 1}


def test_single_points_keep_their_times():
    assert mended([[(0, 0)]], t=[[7.0]])[0].t.tolist() == [7.0]
    assert mended([[(0, 0)], [(1, 1)]], t=[[1.0], [2.0]])[0].t.tolist() == [1, 2]
    assert mended([[(0, 0)], [(1, 1)]], t=[[1.0], [1.0]])[0].t is None


def test_time_running_backwards_becomes_the_running_maximum():
    ink, counts = mended([[(0, 0), (1, 1), (2, 2), (3, 3)]], t=[[0, 2, 1, 3]])
    assert ink.t.tolist() == [0, 2, 2, 3]
    assert counts == {"time-backwards": 1}


def test_same_place_and_time_is_said_once():
    ink, counts = mended([[(0, 0), (0, 0), (0, 0), (1, 1)]], t=[[0, 0, 1, 2]])
    assert ink.t.tolist() == [0, 1, 2]
    assert counts == {"point-duplicate": 1}


def test_a_clock_set_back_is_shifted_and_the_gaps_after_it_stay():
    ink, counts = mended([[(0, 0), (1, 1)], [(2, 2), (3, 3)], [(4, 4), (5, 5)]], t=[[10, 11], [0, 1], [3, 4]])
    assert ink.t.tolist() == [10, 11, 12, 13, 15, 16]
    assert counts == {"clock-restart": 1}


def test_pressure_is_divided_by_what_is_declared_and_that_is_no_mending():
    ink, counts = mended([[(0, 0), (1, 1)]], pressure=[[0, 512]], pressure_max=1024)
    assert ink.pressure.tolist() == [0, 0.5] and not counts


def test_pressure_without_a_declared_maximum_takes_its_own_and_is_clipped():
    ink, counts = mended([[(0, 0), (1, 1), (2, 2)]], pressure=[[-3, 50, 200]])
    assert ink.pressure.tolist() == [0, 0.25, 1]
    assert counts == {"pressure-own-maximum": 1, "pressure-clipped": 1}


def test_channels_of_another_length_are_refused():
    with pytest.raises(InkError, match="tilt"):
        mended([[(0, 0), (1, 1)]], extra={"tilt": [[1]]})
    with pytest.raises(InkError, match="pressure"):
        mend_flat([[0, 0], [1, 1]], [0, 2], None, [1], counts=Counter())
    with pytest.raises(InkError, match="offsets"):
        mend_flat([[0, 0], [1, 1]], [0, 3], counts=Counter())


value = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-3, 3).map(float))
stroke = st.lists(st.tuples(value, value, value, value), max_size=6)


@settings(deadline=None, max_examples=300)
@given(st.lists(stroke, max_size=6), st.booleans(), st.booleans())
def test_whatever_comes_in_a_valid_ink_comes_out(strokes, timed, pressed):
    counts: Counter[str] = Counter()
    columns = [np.array(points, np.float64).reshape(-1, 4) for points in strokes]
    t = [points[:, 2] for points in columns] if timed else None
    force = [points[:, 3] for points in columns] if pressed else None
    ink = mend([points[:, :2] for points in columns], t, force, counts=counts)
    assert set(counts) <= set(RULES)
    assert all(count > 0 for count in counts.values())
    lost = counts["point-not-finite"] + counts["point-duplicate"]
    assert ink.n_points == sum(map(len, columns)) - lost
    assert ink.n_strokes == len(columns) - counts["stroke-empty"]
    assert (ink.t is None) or timed
    assert (ink.pressure is None) or pressed


# in thousandths: a step far below the size of the times is lost by rounding where a restarted clock is shifted
moderate = st.one_of(
    st.floats(-1e9, 1e9).map(lambda number: round(number, 3)),
    st.integers(-3, 3).map(float),
    st.sampled_from([NAN, INF]),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.tuples(moderate, moderate, moderate), max_size=6), max_size=4))
def test_mending_twice_mends_nothing_more(strokes):
    columns = [np.array(points, np.float64).reshape(-1, 3) for points in strokes]
    first = mend([points[:, :2] for points in columns], [points[:, 2] for points in columns], counts=Counter())
    assume(first.n_points > first.n_strokes or first.t is None)  # dots alone have no sampling step to shift by
    counts: Counter[str] = Counter()
    again = mend_flat(first.xy, first.offsets, first.t, counts=counts)
    assert again == first
    assert not counts


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_many_inks_are_mended_as_each_alone(seed, timed, pressed):
    rng = np.random.default_rng(seed)
    strokes_of_inks = [rng.integers(0, 5, rng.integers(1, 4)) for _ in range(rng.integers(1, 8))]
    sizes = np.concatenate(strokes_of_inks)
    offsets, n = np.concatenate([[0], np.cumsum(sizes)]), int(sizes.sum())
    inks = np.concatenate([[0], np.cumsum([len(strokes) for strokes in strokes_of_inks])])
    xy = rng.integers(0, 3, (n, 2)).astype(float)
    xy[rng.random(n) < 0.1] = np.nan
    t = rng.choice([np.cumsum(rng.random(n)), rng.random(n), np.zeros(n)]) if timed else None
    channels = {"tilt_x": rng.normal(size=n)} | ({"pressure": rng.uniform(-1, 9, n)} if pressed else {})
    if rng.random() < 0.3:
        channels["tilt_x"][: n // 2] = np.inf
    together, alone = Counter(), Counter()
    made = mend_many(xy, offsets, inks, t, channels, counts=together, pressure_max=8.0)
    for i, ink in enumerate(made):
        a, b = offsets[inks[i]], offsets[inks[i + 1]]
        cut = {name: values[a:b] for name, values in channels.items()}
        force, own = cut.pop("pressure", None), offsets[inks[i] : inks[i + 1] + 1] - a
        clock = None if t is None else t[a:b]
        assert ink == mend_flat(xy[a:b], own, clock, force, cut, counts=alone, pressure_max=8.0)
    assert together == alone
