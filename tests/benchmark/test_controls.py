"""The controls behave as they must: each fails where it should, and only there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from kalamos import geometry
from kalamos.benchmark.controls import CONTROLS, mean_trajectory
from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.metrics import METRICS, Pair, score
from kalamos.metrics.picture import drawn


def writing(seed: int) -> Ink:
    """Make three curved strokes at natural speed on a frame of 64 px: two crossing each other, one apart."""
    rng = rng_for(seed, "writing")
    u = np.linspace(0, 1, 40)
    turn = rng.uniform(-0.5, 0.5, 3)
    a = np.stack([8 + 34 * u, 20 + 8 * u + 6 * np.sin(3 * u + turn[0])], axis=1)
    b = np.stack([26 + 5 * np.sin(2 * u + turn[1]), 8 + 36 * u], axis=1)
    c = np.stack([44 + 12 * u, 46 + 10 * np.sin(4 * u + turn[2])], axis=1)
    warp = u + 0.15 * np.sin(4 * np.pi * u) / (2 * np.pi) * 2 + rng.uniform(0.05, 0.1) * np.sin(2 * np.pi * u)
    times = np.maximum.accumulate(np.clip(warp, 0, 1)) * 0.4
    return Ink.from_strokes([a, b, c], [times, times + 0.5, times + 1.0])


def picture(ink: Ink) -> OfflineImage:
    """Draw it 3 px wide, which is one dilation of the line: the truth's AIoU is 1."""
    return OfflineImage(np.where(binary_dilation(drawn(ink, 64, 64), np.ones((3, 3))), 0, 255).astype(np.uint8))


TRUTHS = [writing(seed) for seed in range(12)]
ASKED = [name for name, metric in METRICS.items() if metric.family != "width"]  # the writing has no pressure
PERFECT = {"higher": 1.0, "lower": 0.0, "one": 1.0}


def scores(name: str, k: int) -> dict[str, float]:
    truth = TRUTHS[k]
    answer = CONTROLS[name](truth, rng_for(0, "control", name, k))
    return score(Pair(answer, truth, picture(truth)))


def mean_scores(name: str) -> dict[str, float]:
    rows = [scores(name, k) for k in range(len(TRUTHS))]
    return {metric: float(np.mean([row[metric] for row in rows])) for metric in ASKED}


def best(metric: str) -> float:
    return 100.0 if METRICS[metric].unit == "dB" else PERFECT[METRICS[metric].direction]


def test_truth_is_perfect_in_everything():
    for metric, value in mean_scores("truth").items():
        assert value == pytest.approx(best(metric), abs=1e-9), metric


def test_constant_speed_costs_velocity_and_nothing_else():
    found = mean_scores("constant_speed")
    touched = {name for name, value in found.items() if value != pytest.approx(best(name), abs=1e-6)}
    velocity = {name for name, metric in METRICS.items() if metric.family == "velocity"} - {"pause_error"}
    by_time = {"rmse_wor", "rmse_kaggle2013", "mse_half_icdar2013", "snr"}
    assert touched == velocity | by_time
    assert found["rmse_time"] > 1.0
    assert found["speed_correlation"] == 0.0


def test_constant_speed_is_constant_and_as_long():
    for truth in TRUTHS:
        even = CONTROLS["constant_speed"](truth, rng_for(0))
        speeds = geometry.stroke_lengths(even) / geometry.stroke_durations(even)
        np.testing.assert_allclose(speeds, speeds[0], rtol=1e-6)
        assert even.t is not None
        assert truth.t is not None
        assert even.t[-1] - even.t[0] == pytest.approx(truth.t[-1] - truth.t[0])


def test_reversal_keeps_the_picture_and_loses_the_order():
    found = mean_scores("reversed")
    for name, metric in METRICS.items():
        if metric.family == "picture" or name in {"junction", "stroke_count"}:
            assert found[name] == pytest.approx(best(name), abs=1e-9), name
    assert found["aiou"] == 1.0
    assert found["stroke_order_tau"] == -1.0
    for name in ("stroke_direction", "start_point", "complete_trajectory", "pen_up_f1"):
        assert found[name] == 0.0, name
    assert found["ldtw"] > 5.0
    for name in ("rmse_arc_oracle_direction", "ldtw_oracle_direction", "ldtw_adaptive_truth"):
        assert found[name] == pytest.approx(0.0, abs=1e-6), name


def test_each_stroke_reversed_keeps_order_and_loses_direction():
    found = mean_scores("each_stroke_reversed")
    assert found["stroke_order_tau"] == 1.0
    assert found["stroke_direction"] == 0.0
    assert found["complete_trajectory"] == 0.0
    assert found["aiou"] == 1.0
    assert found["ldtw_adaptive_truth"] == pytest.approx(0.0, abs=1e-6)
    assert found["ldtw_oracle_direction"] > 1.0


def test_shuffling_keeps_direction_and_loses_order():
    found = mean_scores("shuffled_strokes")
    assert found["stroke_direction"] == 1.0
    assert found["pen_up_f1"] == 1.0
    assert found["aiou"] == 1.0
    assert found["complete_trajectory"] == 0.0
    assert found["stroke_order_tau"] < 0.5
    for k, truth in enumerate(TRUTHS):
        assert CONTROLS["shuffled_strokes"](truth, rng_for(0, k)) != truth


def test_jitter_costs_the_picture_more_than_the_order():
    found = mean_scores("jitter_1px")
    assert found["aiou"] < 0.85
    for name in ("start_point", "complete_trajectory", "stroke_order_tau", "stroke_count", "ldtw_below_3"):
        assert found[name] > 0.9, name
    # noise lengthens densely sampled strokes more than others and so shifts all that follows along the path
    assert found["rmse_arc"] > 2 * found["rmse_time"]
    assert 0.4 < found["lcss"] < 0.9
    assert 0.9 < found["rmse_time"] < 3.0


def test_a_constant_point_beats_a_reversed_perfect_trace():
    middle, backwards = mean_scores("centroid"), mean_scores("reversed")
    assert middle["rmse_arc_v1"] < backwards["rmse_arc_v1"]
    assert middle["rmse_wor"] < backwards["rmse_wor"]
    assert middle["stroke_direction"] == middle["complete_trajectory"] == 0.0
    assert middle["aiou"] < backwards["aiou"]


def test_denser_sampling_changes_dtw_of_points_only():
    found = mean_scores("denser_2x")
    assert found["dtw_points"] > 10.0
    for name in set(ASKED) - {"dtw_points", "aiou", "points_ratio"}:
        assert found[name] == pytest.approx(best(name), abs=2e-4), name
    assert found["aiou"] > 0.95  # digital lines depend a little on where they are cut


def test_twice_as_dense_has_a_point_between_any_two():
    denser = CONTROLS["denser_2x"](TRUTHS[0], rng_for(0))
    assert denser.n_points == 2 * TRUTHS[0].n_points - TRUTHS[0].n_strokes
    assert geometry.length(denser) == pytest.approx(geometry.length(TRUTHS[0]), rel=1e-6)


def test_mean_trajectory_is_the_mean():
    flat = Ink.from_strokes([[[0, 10], [10, 10]]], [[0, 1]])
    high = Ink.from_strokes([[[0, 30], [10, 30]]], [[0, 1]])
    answer = mean_trajectory([flat, Ink.empty(), high])(TRUTHS[0], rng_for(0))
    np.testing.assert_allclose(answer.xy, np.stack([np.linspace(0, 10, 256), np.full(256, 20)], axis=1), rtol=1e-6)
    assert answer.n_strokes == 1
    with pytest.raises(KalamosError, match="mean trajectory"):
        mean_trajectory([Ink.empty()])


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize(
    "ink",
    [
        Ink.empty(),
        Ink.from_strokes([[[5, 5]]], [[0.0]]),
        Ink.from_strokes([[[5, 5]], [[9, 9]]]),
        Ink.from_strokes([[[5, 5], [5, 5]]], [[1.0, 1.0]]),
    ],
    ids=["empty", "dot", "dots", "standing"],
)
def test_odd_inks_have_an_answer(name, ink):
    answer = CONTROLS[name](ink, rng_for(0, name))
    assert (answer.n_points == 0) == (ink.n_points == 0)
    assert (answer.t is None) == (ink.t is None)


def test_the_same_key_gives_the_same_answer():
    for name, control in CONTROLS.items():
        assert control(TRUTHS[0], rng_for(0, name, "k")) == control(TRUTHS[0], rng_for(0, name, "k"))


@pytest.mark.corpora
def test_truth_and_reversal_on_real_ink(corpora):
    """On real characters, scaled into a frame: duplicates, repeated times and dots as people write them."""
    unipen = pytest.importorskip("kalamos.datasets.unipen")
    from kalamos.formats.report import UnitReport

    root = next(corpora.glob("*unipen*"))
    samples = []
    for unit in list(unipen.CORPUS.units(root))[:40:8]:
        samples += list(unipen.CORPUS.read(root, unit, UnitReport()))[:20]
    assert len(samples) > 30
    for sample in samples:
        box = geometry.bounds(sample.ink)
        scale = 52 / max(box.width, box.height, 1e-6)
        truth = geometry.transform(sample.ink, scale=scale, dx=6 - box.x0 * scale, dy=6 - box.y0 * scale)
        image = picture(truth)
        for name, value in score(Pair(truth, truth, image)).items():
            assert math.isnan(value) or value == pytest.approx(best(name), abs=1e-6), (sample.key, name)
        backwards = score(Pair(geometry.reverse(truth), truth, image))
        assert backwards["aiou"] == 1.0
        assert backwards["ldtw_oracle_direction"] == pytest.approx(0.0, abs=1e-3)
