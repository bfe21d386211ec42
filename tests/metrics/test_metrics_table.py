"""The table: every row complete, every failure at its worst, nobody worse than failing, garbage bounded."""

from __future__ import annotations

import math
import re
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair, Reference, score
from kalamos.metrics.dense import MOST_POINTS, densify
from kalamos.metrics.pair import thinned

TRUTH = Ink.from_strokes(
    [[[10, 32], [30, 30], [54, 32]], [[32, 10], [30, 30], [32, 54]]],
    [[0.0, 0.3, 0.4], [0.6, 0.7, 1.0]],
    [[0.1, 0.5, 0.4], [0.3, 0.9, 0.8]],
    width=[[1, 5, 4], [3, 9, 8]],
)
GIVEN = {"recovered_time", "recovered_pressure", "recovered_width"}
BEST = {"higher": 1.0, "lower": 0.0, "one": 1.0}


def best(metric):
    return 100.0 if metric.unit == "dB" else BEST[metric.direction]


PIXELS = np.full((64, 64), 255, np.uint8)
PIXELS[30:34, 10:54] = PIXELS[10:54, 30:34] = 0
IMAGE = OfflineImage(PIXELS)
PROMISED = {
    "order": "lcss rmse_arc dtw ldtw dtw_segment frechet ldtw_below_3 rmse_arc_below_5",
    "structure": "stroke_count stroke_count_error pen_up_precision pen_up_recall pen_up_f1 stroke_order_tau "
    "stroke_direction start_point junction complete_trajectory",
    "picture": "ink_f1 aiou chamfer_missing chamfer_extra hausdorff",
    "velocity": "rmse_time speed_correlation speed_error velocity_snr velocity_pulses clock_error pause_error",
    "width": "pressure_correlation width_correlation",
    "diagnosis": "length_ratio points_ratio dtw_air",
    "published": "rmse_arc_v1 dtw_points dtw_128 rmse_wor rmse_kaggle2013 mse_half_icdar2013 snr",
    "optimistic": "rmse_arc_oracle_direction ldtw_oracle_direction ldtw_adaptive_truth",
}


def test_the_table_is_whole():
    for family, names in PROMISED.items():
        assert [name for name, row in METRICS.items() if row.family == family] == names.split()
    assert {row.family for row in METRICS.values()} == PROMISED.keys()
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.formula
        assert metric.source
        assert metric.aggregate in {"mean", "median", "pooled_rms"}
        assert math.isfinite(metric.worst(Reference(TRUTH, IMAGE)))
    assert all("oracle" in name or "adaptive" in name for name, row in METRICS.items() if row.family == "optimistic")


def test_the_documentation_defines_every_metric():
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    defined = text[: text.index("## Controls")]
    rows = {
        name for cell in re.findall(r"^\| (`.*?) \|", defined, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    assert METRICS.keys() <= rows


def test_every_metric_applies_to_a_full_pair():
    assert not [name for name, value in score(Pair(TRUTH, TRUTH, IMAGE)).items() if math.isnan(value)]


def test_a_failure_is_the_worst_value_of_each():
    pair = Pair(Ink.empty(), TRUTH, IMAGE)
    assert score(pair) == {name: metric.worst(pair.reference) for name, metric in METRICS.items()}


def no_worse(metric, value, worst):
    return value <= worst if metric.direction == "lower" else value >= worst  # a ratio: nothing is less than no ink


coordinates = st.floats(-1e6, 1e6, width=32)
strokes = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6), min_size=1, max_size=5)


@given(strokes, st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_answer_is_worse_than_none_or_undefined(points, timed):
    t = [np.arange(len(part)) * 0.01 + k for k, part in enumerate(points)] if timed else None
    pair = Pair(Ink.from_strokes(points, t), TRUTH, IMAGE)
    for name, metric in METRICS.items():
        value = metric.value(pair)
        if metric.needs & (GIVEN - ({"recovered_time"} if timed else set())):
            assert math.isnan(value)
        else:
            assert no_worse(metric, value, metric.worst(pair.reference)), name
            assert math.isfinite(value), name


near = st.floats(-100, 100, width=32)
strokes_near = st.lists(st.lists(st.tuples(near, near), min_size=1, max_size=5), min_size=1, max_size=4)


@given(strokes_near, strokes_near)
@settings(max_examples=60, deadline=None)
def test_what_applies_depends_on_the_truth_alone(truth, answer):
    there = Ink.from_strokes(truth, [np.arange(len(part)) * 0.01 + k for k, part in enumerate(truth)])
    some = Ink.from_strokes(answer, [np.arange(len(part)) * 0.01 + k for k, part in enumerate(answer)])
    left_out = [
        {name for name, value in score(Pair(ink, there, IMAGE)).items() if math.isnan(value)}
        for ink in (some, there, Ink.empty())
    ]
    assert left_out[0] == left_out[1] == left_out[2]


@given(strokes_near)
@settings(max_examples=60, deadline=None)
def test_the_truth_is_perfect_whatever_it_is(points):
    truth = Ink.from_strokes(points, [np.arange(len(part)) * 0.01 + k for k, part in enumerate(points)])
    for name, value in score(Pair(truth, truth, IMAGE)).items():
        metric = METRICS[name]
        assert math.isnan(value) or name == "aiou" or value == pytest.approx(best(metric), abs=1e-9), name


def test_nothing_applies_to_an_empty_truth():
    assert all(math.isnan(value) for value in score(Pair(TRUTH, Ink.empty(), IMAGE)).values())


def test_needs():
    untimed = Ink(TRUTH.xy, TRUTH.offsets, None, TRUTH.pressure, TRUTH.extra)
    without = {
        "truth_time": score(Pair(TRUTH, untimed, IMAGE)),
        "recovered_time": score(Pair(untimed, TRUTH, IMAGE)),
        "recovered_pressure": score(Pair(Ink(TRUTH.xy, TRUTH.offsets, TRUTH.t, None, TRUTH.extra), TRUTH, IMAGE)),
        "recovered_width": score(Pair(Ink(TRUTH.xy, TRUTH.offsets, TRUTH.t, TRUTH.pressure), TRUTH, IMAGE)),
        "image": score(Pair(TRUTH, TRUTH)),
    }
    for need, values in without.items():
        missing = {name for name, value in values.items() if math.isnan(value)}
        assert missing == {name for name, metric in METRICS.items() if need in metric.needs}, need


@pytest.mark.parametrize(
    ("need", "name"), [("recovered_time", "speed_correlation"), ("recovered_pressure", "pressure_correlation")]
)
def test_an_entry_that_gives_a_channel_fails_where_it_does_not(need, name):
    pair, silent = Pair(Ink(TRUTH.xy, TRUTH.offsets), TRUTH, IMAGE), Pair(Ink.empty(), TRUTH, IMAGE)
    metric = METRICS[name]
    for answer in (pair, silent):
        assert metric.value(answer, says=frozenset({need})) == metric.worst(pair.reference)
        assert math.isnan(metric.value(answer, says=frozenset()))


@pytest.mark.parametrize(
    "truth",
    [
        Ink.from_strokes([[[20, 20]]], [[0.0]]),
        Ink.from_strokes([[[20, 20]], [[40, 40]], [[20, 20]]], [[0.0], [1.0], [2.0]]),
        Ink.from_strokes([[[20, 20], [20, 20]], [[20, 20]]], [[0.0, 0.0], [0.0]]),
        Ink.from_strokes([[[20, 20], [20, 20], [40, 20], [40, 20]]], [[0.0, 0.0, 1.0, 1.0]]),
    ],
    ids=["a dot", "dots", "standing", "duplicates"],
)
def test_odd_truths_are_perfect_against_themselves_and_bounded_against_others(truth):
    for name, value in score(Pair(truth, truth, IMAGE)).items():
        metric = METRICS[name]
        assert math.isnan(value) or name == "aiou" or value == best(metric), name
    for name, value in score(Pair(TRUTH, truth, IMAGE)).items():
        assert math.isnan(value) or math.isfinite(value), name


def test_a_reference_that_other_answers_met_before_changes_nothing():
    shared = Reference(TRUTH, IMAGE)
    answers = [TRUTH, geometry.reverse(TRUTH), Ink.empty(), Ink.from_strokes([[[20, 20]]], [[0.0]])]
    for answer in [*answers, *answers[::-1]]:
        np.testing.assert_equal(score(Pair(answer, shared)), score(Pair(answer, TRUTH, IMAGE)))


@pytest.mark.long
def test_ten_million_points_are_bounded():
    n = 10_000_000
    xy = np.random.default_rng(0).uniform(0, 64, (n, 2)).astype(np.float32)
    flood = Ink(xy, np.array([0, n]), np.arange(n) * 0.01)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, value in score(Pair(flood, TRUTH, IMAGE)).items():
        assert math.isnan(value) == bool(METRICS[name].needs & {"recovered_pressure", "recovered_width"})
        assert math.isnan(value) or no_worse(METRICS[name], value, METRICS[name].worst(Reference(TRUTH, IMAGE))), name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_000_000  # kilobytes


def test_a_flood_is_thinned():
    xy = np.random.default_rng(0).uniform(0, 64, (200_000, 2))
    for flood in (Ink(xy, np.array([0, 200_000])), Ink(xy, np.arange(200_001))):
        pair = Pair(flood, TRUTH, IMAGE)
        assert len(pair.recovered_dense.xy) <= MOST_POINTS + 1
        assert len(pair.recovered_points) == MOST_POINTS
        assert pair.recovered_points[-1].tolist() == flood.xy[-1].tolist()
        values = score(pair)
        assert values["ldtw"] > 5.0
        assert values["complete_trajectory"] == values["stroke_count"] == 0.0


def test_dense_points():
    ink = Ink.from_strokes([[[0, 0], [3, 4]], [[9, 9]], [[0, 0], [0, 2.5]]])
    dense = densify(ink, 1.0)
    assert np.diff(dense.offsets).tolist() == [6, 1, 4]
    np.testing.assert_allclose(dense.xy[:6], np.linspace([0, 0], [3, 4], 6), atol=1e-12)
    assert dense.stroke.tolist() == [0] * 6 + [1] + [2] * 4
    assert dense.take(np.array([2, 0])).xy.tolist() == [*dense.xy[7:].tolist(), *dense.xy[:6].tolist()]
    assert dense.spread(2)[0].tolist() == [[0, 0], [3, 4]]
    again = geometry.resample(ink, step=1.0)
    np.testing.assert_array_equal(dense.xy.astype(np.float32), again.xy)


def test_a_long_truth_gets_a_wider_step_whatever_the_answer():
    long = Ink.from_strokes([[[0, 0], [6000, 0]]])
    assert Reference(long).step_px == 2.0
    assert Reference(TRUTH).step_px == 1.0
    assert thinned(long.xy).dtype == np.float64


def test_pairs_compute_each_view_once():
    pair, calls = Pair(TRUTH, TRUTH, IMAGE), []

    def counted(seen):
        calls.append(seen)
        return len(calls)

    assert pair.view(counted) == pair.view(counted) == 1
    assert calls == [pair]


def test_tolerance_grows_with_the_height_of_the_image():
    tall, flat = (OfflineImage(np.full(shape, 255, np.uint8)) for shape in [(128, 30), (32, 400)])
    assert Reference(TRUTH, IMAGE).tolerance_px == 5.0
    assert Reference(TRUTH, tall).tolerance_px == 10.0
    assert Reference(TRUTH, flat).tolerance_px == 2.5
    assert Reference(TRUTH).tolerance_px == pytest.approx(44 * 5 / 64)
