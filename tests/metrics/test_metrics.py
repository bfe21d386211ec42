"""The metrics by closed forms: inks for which every value can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from skimage.filters import threshold_otsu

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair, Reference
from kalamos.metrics.picture import adaptive_iou, drawn, otsu_ink
from kalamos.metrics.published import recovered_ticks, true_ticks
from kalamos.metrics.structure import kendall_tau, pairs_within
from kalamos.metrics.velocity import count_pulses, pearson, speed_profile

BLANK = OfflineImage(np.full((64, 64), 255, np.uint8))
DIAGONAL = 64 * math.sqrt(2)


def line(*ends, t=None):
    return Ink.from_strokes([np.array(ends, float)], None if t is None else [t])


def value(name, recovered, truth, image=BLANK, **options):
    return METRICS[name].value(Pair(recovered, truth, image), **options)


def cross(order=(0, 1), flip=(False, False)):
    """A cross of two strokes, 40 px long, through (32, 32): rightwards, then downwards."""
    strokes = [np.array([[12.0, 32.0], [52.0, 32.0]]), np.array([[32.0, 12.0], [32.0, 52.0]])]
    ends = [strokes[k][::-1] if flip[k] else strokes[k] for k in order]
    return Ink.from_strokes(ends, [np.array([0.0, 1.0]), np.array([2.0, 3.0])])


# order


@pytest.mark.parametrize("name", ["rmse_arc_v1", "rmse_time", "ldtw", "dtw_128", "dtw_segment", "frechet"])
def test_a_parallel_line_is_as_far_as_it_is(name):
    truth = line([10, 10], [50, 10], t=[0, 1])
    assert value(name, line([10, 13], [50, 13], t=[0, 2]), truth) == pytest.approx(3.0)


def test_dtw_sums_a_point_a_pixel():
    truth = line([10, 10], [50, 10])
    assert value("dtw", line([10, 13], [50, 13]), truth) == pytest.approx(3.0 * 41)
    assert value("dtw_points", line([10, 13], [50, 13]), truth) == pytest.approx(3.0 * 2)


def test_rmse_of_a_reversed_line():
    # positions 40 u against 40 (1 - u): the mean of 1600 (1 - 2u)^2 over 256 samples
    u = np.linspace(0, 1, 256)
    expected = math.sqrt(np.mean((40 * (1 - 2 * u)) ** 2))
    truth = line([10, 10], [50, 10])
    assert value("rmse_arc_v1", geometry.reverse(truth), truth) == pytest.approx(expected)


def test_rmse_by_time_sees_speed_and_by_arc_does_not():
    truth = line([0, 10], [10, 10], [50, 10], t=[0, 1, 2])
    even = line([0, 10], [50, 10], t=[0, 2])
    u = np.linspace(0, 1, 256)
    at = np.where(u <= 0.5, 20 * u, 10 + 80 * (u - 0.5))
    assert value("rmse_arc_v1", even, truth) == pytest.approx(0.0, abs=1e-9)
    assert value("rmse_time", even, truth) == pytest.approx(math.sqrt(np.mean((at - 50 * u) ** 2)))


def test_sampling_changes_dtw_of_points_only():
    t = np.linspace(0, 1, 30)
    arc = np.stack([32 + 20 * np.cos(3 * t), 32 + 20 * np.sin(3 * t)], axis=1)
    truth = Ink.from_strokes([arc])
    denser = Ink.from_strokes([np.stack([np.interp(np.arange(0, 29.1, 0.25), np.arange(30), c) for c in arc.T], 1)])
    assert value("dtw_points", denser, truth) > 10.0
    for name in ("dtw", "ldtw", "dtw_segment", "rmse_arc_v1", "rmse_arc", "frechet"):
        assert value(name, denser, truth) == pytest.approx(0.0, abs=1e-3)


def test_segments_do_not_care_where_samples_fall():
    truth = line([10, 10], [50.5, 10])
    longer = line([9.7, 10], [50.7, 10])
    assert value("ldtw", longer, truth) > 0.1
    assert value("dtw_segment", longer, truth) < 0.01


def test_shares_scale_with_line_height():
    truth, off = line([10, 10], [50, 10]), line([10, 13.5], [50, 13.5])
    assert value("ldtw_below_3", off, truth) == 0.0
    assert value("rmse_arc_below_5", off, truth) == 1.0
    larger = Pair(off, truth, BLANK, line_height_px=128)
    assert METRICS["ldtw_below_3"].value(larger) == 1.0
    assert larger.reference.tolerance_px == 10.0


# published


def published_pair():
    truth = line([0, 0], [10, 0], [10, 20], t=[0, 1, 2])
    return line([0, 0], [10, 4], [10, 20], t=[0, 1, 2]), truth


def test_published_variants_by_hand():
    recovered, truth = published_pair()
    # by time the middle sample of the recovered ink lies at (10, 4): 0.2 of the box's height off, one point of three
    square = 0.2**2 / 3
    assert value("rmse_wor", recovered, truth) == pytest.approx(math.sqrt(square))
    assert value("rmse_kaggle2013", recovered, truth) == pytest.approx(math.sqrt(square / 2))
    assert value("mse_half_icdar2013", recovered, truth) == pytest.approx(square / 2)
    centre = np.array([20 / 3, 20 / 3])
    signal = ((truth.xy - centre) ** 2).sum()
    assert value("snr", recovered, truth) == pytest.approx(10 * math.log10(signal / 16))


def test_kaggle_pools_over_points():
    metric = METRICS["rmse_kaggle2013"]
    assert metric.aggregate == "pooled_rms"
    assert metric.weight(Pair(*published_pair()).reference) == 3.0


def test_without_times_points_are_ticks():
    truth = Ink.from_strokes([[[0, 0], [1, 0], [9, 0]]])
    pair = Pair(Ink.from_strokes([[[0, 0], [4, 0]]]), truth)
    there, answer = true_ticks(pair.reference), recovered_ticks(pair)
    assert there.tolist() == [[0, 0], [1, 0], [9, 0]]
    assert answer.tolist() == [[0, 0], [2, 0], [4, 0]]


def test_an_axis_without_extent_is_not_scaled():
    truth = line([10, 10], [50, 10])
    assert value("rmse_wor", line([10, 10.5], [50, 10.5]), truth) == pytest.approx(0.5)


# structure


def test_a_cross_in_all_its_ways():
    truth = cross()
    for order in ((0, 1), (1, 0)):
        for flip in ((False, False), (True, False), (True, True)):
            answer = cross(order, flip)
            right = order == (0, 1) and not any(flip)
            assert value("complete_trajectory", answer, truth) == float(right)
            assert value("stroke_order_tau", answer, truth) == (1.0 if order == (0, 1) else -1.0)
            assert value("stroke_direction", answer, truth) == 1 - sum(flip) / 2
            assert value("junction", answer, truth) == 1.0
            assert value("pen_up_f1", answer, truth) == 1 - sum(flip) / 2
            assert value("ldtw_adaptive_truth", answer, truth) == pytest.approx(0.0, abs=1e-6)


def test_a_cross_drawn_as_two_corners_has_the_junction_wrong():
    corners = Ink.from_strokes([[[12, 32], [32, 32], [32, 52]], [[32, 12], [32, 32], [52, 32]]])
    assert value("junction", corners, cross()) == 0.0
    assert value("stroke_count", corners, cross()) == 1.0
    assert value("aiou", corners, cross(), OfflineImage(np.where(drawn(cross(), 64, 64), 0, 255).astype(np.uint8))) == 1


def test_a_cross_in_one_stroke_has_the_junction_right():
    one = Ink.from_strokes([[[12, 32], [52, 32], [52, 6], [32, 6], [32, 52]]])
    assert value("junction", one, cross()) == 1.0
    assert value("pen_up_precision", one, cross()) == 1.0
    assert value("pen_up_recall", one, cross()) == 0.5
    assert value("pen_up_f1", one, cross()) == pytest.approx(2 / 3)
    assert value("stroke_count_error", one, cross()) == 1.0


def test_a_line_too_much_through_a_junction_is_wrong():
    extra = Ink.from_strokes([*cross().strokes(), [[20, 20], [44, 44]]])
    assert value("junction", extra, cross()) == 0.0


def test_a_stroke_that_ends_at_another_is_a_junction():
    tee = Ink.from_strokes([[[12, 32], [52, 32]], [[32, 12], [32, 32]]])
    assert len(Reference(tee, BLANK).junctions) == 1
    assert value("junction", tee, tee) == 1.0
    assert value("junction", geometry.reverse(tee), tee) == 1.0
    assert value("junction", cross(), tee) == 0.0


def test_a_retraced_line_is_no_junction():
    there_and_back = line([10, 10], [50, 10], [10, 10])
    assert len(Reference(there_and_back, BLANK).junctions) == 0
    assert math.isnan(value("junction", there_and_back, there_and_back))


def test_a_loop_crosses_itself_once_and_may_bounce_off_itself():
    loop = line([12, 12], [52, 52], [52, 12], [12, 52])
    bounced = line([12, 12], [32, 32], [52, 12], [52, 52], [32, 32], [12, 52])
    (crossing,) = Reference(loop, BLANK).junctions
    assert crossing.centre == pytest.approx([32.0, 32.0], abs=1.0)
    assert value("junction", loop, loop) == 1.0
    assert value("junction", geometry.reverse(loop), loop) == 1.0
    assert value("junction", bounced, loop) == 0.0
    assert value("hausdorff", bounced, loop) < 1.0


def test_start_point_within_five_pixels():
    truth = line([10, 10], [50, 10])
    assert value("start_point", line([13, 14], [50, 10]), truth) == 1.0
    assert value("start_point", line([13, 14.1], [50, 10]), truth) == 0.0


def test_unmatched_strokes_count_in_the_order():
    strokes = [[[10 * k, 10], [10 * k, 50]] for k in range(1, 5)]
    truth = Ink.from_strokes(strokes)
    assert value("stroke_order_tau", Ink.from_strokes(strokes[:2]), truth) == pytest.approx(1 / 6)
    assert value("stroke_direction", Ink.from_strokes(strokes[:2]), truth) == 0.5


@given(st.permutations(range(9)))
def test_tau_agrees_with_scipy(order):
    assert kendall_tau(np.array(order), 9) == pytest.approx(scipy_stats.kendalltau(range(9), order).statistic)


def test_a_dot_tells_no_direction():
    truth = line([12, 32], [52, 32])
    assert value("stroke_direction", line([32, 32]), truth) == 0.0
    assert math.isnan(value("stroke_direction", truth, line([12, 32], [14, 32])))


def test_lifts_pair_off_one_to_one_and_as_many_as_can():
    # greedily the first would take the point that the second needs
    assert pairs_within(np.array([[0.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]]), 1.0) == 2
    assert pairs_within(np.zeros((3, 2)), np.zeros((1, 2)), 1.0) == 1
    assert pairs_within(np.zeros((1, 2)), np.full((1, 2), 9.0), 1.0) == 0


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_as_many_lifts_are_paired_as_can_be(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, (n, 2)).astype(float), rng.integers(0, 6, (m, 2)).astype(float)
    close = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) <= 2.0
    independent = maximum_bipartite_matching(csr_array(close), perm_type="column")
    assert pairs_within(a, b, 2.0) == (independent >= 0).sum()


# picture


def test_aiou_by_hand():
    ink = np.zeros((9, 9), bool)
    ink[3:6, 1:8] = True  # 21 pixels: the line below, 7 x 1, dilated once gives 9 x 3
    row = np.zeros((9, 9), bool)
    row[4, 1:8] = True
    assert adaptive_iou(ink, row) == pytest.approx(21 / 27)  # against 7 / 21 as it is and 21 / 45 after two
    assert adaptive_iou(row, row) == 1.0
    assert adaptive_iou(ink, np.zeros((9, 9), bool)) == 0.0


def test_aiou_goes_on_past_a_first_decrease():
    ink = np.zeros((21, 21), bool)
    ink[2:19, 2:19] = True
    ink[9:12, 9:12] = False
    ink[10, 10] = True
    dot = np.zeros((21, 21), bool)
    dot[10, 10] = True
    # 1/281, then 1/289 where the line fills the hole, and at last nearly all
    assert adaptive_iou(ink, dot) == pytest.approx(281 / 289)


def test_drawn_lines():
    mask = drawn(Ink.from_strokes([[[1.5, 1.5], [4.5, 1.5]], [[6.5, 6.5]], [[1.5, 3.5], [3.5, 5.5]]]), 8, 8)
    assert sorted(zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True)) == sorted(
        [(1, 1), (1, 2), (1, 3), (1, 4), (6, 6), (3, 1), (4, 2), (5, 3)]
    )


@given(st.lists(st.tuples(st.floats(-200, 200, width=32), st.floats(-200, 200, width=32)), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_drawn_lines_are_connected_and_near_the_line(points):
    ink = Ink.from_strokes([points])
    mask = drawn(ink, 64, 64)
    path = shapely.LineString(ink.xy.astype(float))
    for row, column in zip(*np.nonzero(mask), strict=True):
        assert path.distance(shapely.Point(column + 0.5, row + 0.5)) <= math.sqrt(2)
    inside = [xy for xy in ink.xy if (xy >= 0).all() and (xy < 64).all()]
    assert all(mask[int(y), int(x)] for x, y in inside)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
@settings(max_examples=40, deadline=None)
def test_otsu_agrees_with_skimage(seed, levels):
    pixels = np.random.default_rng(seed).integers(0, levels, (12, 17)).astype(np.uint8) * (255 // levels)
    assert np.array_equal(otsu_ink(pixels), pixels <= threshold_otsu(pixels))


def test_an_image_of_one_level_has_no_ink():
    assert not otsu_ink(BLANK.pixels).any()
    assert math.isnan(value("aiou", cross(), cross()))


def test_chamfer_tells_missing_from_extra():
    half = line([12, 32], [32, 32])
    whole = line([12, 32], [52, 32])
    assert value("chamfer_missing", half, whole) == pytest.approx(sum(range(1, 21)) / 41)
    assert value("chamfer_extra", half, whole) == 0.0
    assert value("chamfer_missing", whole, half) == 0.0


def test_hausdorff_agrees_with_shapely():
    rng = np.random.default_rng(2)
    for _ in range(20):
        a, b = (Ink.from_strokes([rng.uniform(0, 64, (5, 2))]) for _ in range(2))
        pair = Pair(a, b, BLANK)
        theirs = shapely.hausdorff_distance(
            *(shapely.MultiPoint(d.xy) for d in (pair.reference.dense, pair.recovered_dense))
        )
        assert METRICS["hausdorff"].value(pair) == pytest.approx(theirs, rel=1e-12)


# velocity


def test_speed_profile_by_hand():
    ink = line([0, 0], [30, 0], [40, 0], t=[0, 1, 2])
    assert speed_profile(ink, 2).tolist() == [1.5, 0.5]
    assert speed_profile(ink, 4) == pytest.approx([1.5, 1.5, 0.5, 0.5])


def test_speed_profile_leaves_pauses_out():
    lifted = Ink.from_strokes([[[0, 0], [30, 0]], [[99, 9], [109, 9]]], [[0, 1], [8, 9]])
    assert speed_profile(lifted, 2).tolist() == [1.5, 0.5]


def test_speed_profile_of_repeated_times_is_finite():
    jump = line([0, 0], [10, 0], [20, 0], [30, 0], t=[0, 1, 1, 2])
    profile = speed_profile(jump, 64)
    assert np.isfinite(profile).all()
    assert profile.mean() == pytest.approx(1.0)


def test_velocity_of_constant_speed():
    truth = line([0, 10], [30, 10], [40, 10], t=[0, 1, 2])
    even = line([0, 10], [40, 10], t=[0, 5])
    assert value("speed_correlation", even, truth) == 0.0
    assert value("speed_error", even, truth) == pytest.approx(0.5)
    assert value("velocity_snr", even, truth) == pytest.approx(0.0, abs=1e-9)
    assert value("speed_correlation", geometry.reverse(truth), truth) == pytest.approx(-1.0)
    assert math.isnan(value("speed_correlation", truth, even))
    assert value("speed_error", even, even) == pytest.approx(0.0, abs=1e-9)


def test_duration_is_no_error():
    truth = line([0, 10], [30, 10], [40, 10], t=[0, 1, 2])
    slow = line([0, 10], [30, 10], [40, 10], t=[5, 12, 19])
    assert value("speed_correlation", slow, truth) == pytest.approx(1.0)
    assert value("velocity_snr", slow, truth) == 100.0


def test_never_moving_at_the_same_time_is_the_worst_error():
    first = line([0, 10], [40, 10], [40, 10], t=[0, 1, 2])
    last = line([0, 10], [0, 10], [40, 10], t=[0, 1, 2])
    assert value("speed_error", last, first) == pytest.approx(2.0)


def test_pearson_agrees_with_scipy():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.normal(size=(2, 50))
        assert pearson(a, b) == pytest.approx(scipy_stats.pearsonr(a, b).statistic, rel=1e-12)


@pytest.mark.parametrize("pulses", [1, 2, 5, 9])
def test_pulses_are_counted(pulses):
    t = np.linspace(0, 1, 200)
    assert count_pulses(1.0 - np.cos(2 * np.pi * pulses * t)) == pulses
    assert count_pulses(np.ones(100)) == 1
