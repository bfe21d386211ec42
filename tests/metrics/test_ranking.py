"""What a metric has to be like to rank by it, held against ``lcss``; beside it the metrics that version 1 ranked by."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalamos import geometry
from kalamos.benchmark.cheats import CHEATS
from kalamos.benchmark.gaming import CHEATS as GAMES
from kalamos.benchmark.gaming import cheated
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair, Reference
from kalamos.metrics.lcss import _largest, _matching, answer_samples, matched, true_samples
from kalamos.metrics.order import parts
from kalamos.metrics.samples import sampled
from kalamos.renderers import preset, render

PAPER = OfflineImage(np.full((64, 64), 255, np.uint8))
TAU = 5.0


def value(name: str, answer: Ink, truth: Ink) -> float:
    return METRICS[name].value(Pair(answer, truth, PAPER))


def line(*places: tuple[float, float]) -> np.ndarray:
    return np.array(places, np.float64)


def wave(rng: np.random.Generator, strokes: int) -> Ink:
    """Return long curved strokes in a frame of 64 px, each in a band of its own, drawn left to right."""
    u = np.linspace(0, 1, 30)
    made = []
    for k in range(strokes):
        y = 10 + 44 * (k + 0.5) / strokes + rng.uniform(-2, 2)
        bend = 4 * np.sin(2 * np.pi * (rng.uniform(0.5, 1.2) * u + rng.uniform()))
        left, right = rng.uniform(6, 12), rng.uniform(45, 58)
        made.append(np.stack([left + (right - left) * u, y + bend], axis=1))
    return Ink.from_strokes(made, [np.linspace(k, k + 0.5, 30) for k in range(strokes)])


seeds = st.integers(0, 2**32 - 1)
inks = st.builds(lambda seed, n: wave(np.random.default_rng(seed), n), seeds, st.integers(1, 4))
some = settings(max_examples=40, deadline=None)


# the properties


@given(inks)
@some
def test_doubling_the_sampling_changes_nothing(truth):
    bounds = list(itertools.pairwise(truth.offsets.tolist()))
    steps = np.concatenate([[*np.arange(a, b - 1, 0.5), b - 1] for a, b in bounds])
    xy = np.stack([np.interp(steps, np.arange(truth.n_points), c) for c in truth.xy.T], axis=1)
    sizes = [2 * (b - a) - 1 for a, b in bounds]
    denser = Ink(xy.astype(np.float32), np.cumsum([0, *sizes]))
    for name in ("lcss", "ink_f1"):
        assert value(name, denser, truth) == pytest.approx(1.0, abs=1e-6)
    other = wave(np.random.default_rng(5), truth.n_strokes)
    assert value("lcss", truth, other) == pytest.approx(value("lcss", denser, other), abs=0.01)


@given(inks, seeds)
@some
def test_more_ink_or_points_never_improve(truth, seed):
    rng = np.random.default_rng(seed)
    answer = geometry.transform(truth, dx=1.5)
    before = value("lcss", answer, truth)
    extra = Ink.from_strokes([rng.uniform(5, 59, (rng.integers(1, 200), 2)) for _ in range(rng.integers(1, 30))])
    for more in (geometry.concat([answer, extra]), geometry.concat([extra, answer])):
        assert value("lcss", more, truth) <= before + 1e-9
    again = Ink(np.repeat(answer.xy, 7, axis=0), answer.offsets * 7)
    assert value("lcss", again, truth) == pytest.approx(before, abs=1e-9)


@given(inks, seeds)
@some
def test_who_draws_strokes_again_wins_no_partner_for_them(truth, seed):
    """Of joined strokes a second copy must not be taken for the second of them: drawing twice gained four points."""
    strokes = [stroke.astype(np.float64) for stroke in truth.strokes()]
    plain = Ink.from_strokes(strokes)
    answers = [plain, geometry.reverse(plain)]
    if len(strokes) > 1:
        answers.append(Ink.from_strokes([np.concatenate(strokes[:2]), *strokes[2:]]))
        answers.append(geometry.reorder(plain, np.roll(np.arange(len(strokes)), 1).tolist()))
    path = np.concatenate(strokes)
    dots = Ink.from_strokes(list(path[np.random.default_rng(seed).integers(0, len(path), 20)][:, None]))
    for answer in answers:
        for more in (geometry.concat([answer, answer]), geometry.concat([answer, dots])):
            made, before = (value("stroke_order_tau", ink, truth) for ink in (more, answer))
            assert made == pytest.approx(before, nan_ok=True)
    twice = geometry.concat([plain, plain])
    assert value("stroke_order_tau", twice, twice) == 1.0  # what the writer drew twice has two partners


@given(inks, seeds)
@some
def test_corruptions_make_it_worse(truth, seed):
    rng = np.random.default_rng(seed)
    strokes = [stroke.astype(np.float64) for stroke in truth.strokes()]
    wrong = {
        "reversed": geometry.reverse(truth),
        "each stroke reversed": geometry.reverse(truth, each_stroke=True),
        "trembling": Ink.from_strokes([s + rng.normal(0, 1.0, s.shape) for s in strokes]),
        "cut short": Ink.from_strokes([s[: len(s) * 3 // 4] for s in strokes]),
        "standing still": Ink.from_strokes([np.repeat(s[:1], len(s), axis=0) for s in strokes]),
        "both ways": Ink.from_strokes([np.concatenate([s, s[::-1]]) for s in strokes]),
        "rows of dots": Ink.from_strokes([p[None] for s in strokes for p in s]),
    }
    if len(strokes) > 1:
        wrong["shuffled"] = geometry.reorder(truth, np.roll(np.arange(len(strokes)), 1).tolist())
        wrong["merged"] = Ink.from_strokes([np.concatenate(strokes)])
        wrong["one left out"] = Ink.from_strokes(strokes[1:])
    for name, answer in wrong.items():
        assert value("lcss", answer, truth) < 0.97, name


@given(inks, st.lists(st.floats(0.05, 1.0), min_size=2, max_size=6))
@some
def test_the_less_is_drawn_the_worse(truth, shares):
    def kept(share: float) -> Ink:
        fine = geometry.resample(truth, step=0.5)
        return Ink.from_strokes([s[: max(1, round(len(s) * share))] for s in fine.strokes()])

    values = [value("lcss", kept(share), truth) for share in sorted(shares)]
    assert all(a <= b + 0.02 for a, b in itertools.pairwise(values))


@given(inks, seeds)
@some
def test_no_cheat_beats_a_right_answer_by_half_a_point(truth, seed):
    drawn = render(truth, preset("clean"), seed=0, key="k")
    reference = Reference(drawn.truth, drawn.image)
    for near in (drawn.truth, geometry.transform(drawn.truth, dx=1.0, dy=0.5)):
        honest = METRICS["lcss"].value(Pair(near, reference))
        for name in GAMES:
            made = METRICS["lcss"].value(Pair(cheated(name, near, drawn.image, seed, "k"), reference))
            if name in ("smoothed", "shrunk", "small_dropped"):  # which may move a wrong place towards the right one
                assert made <= honest + 0.05, name
            else:
                assert made <= honest + 0.005, name


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_on_the_image_lose_to_the_truth(name):
    drawn = render(wave(np.random.default_rng(3), 3), preset("clean"), seed=0, key="k")
    answers = [CHEATS[name](drawn.image, np.random.default_rng(k)) for k in range(6)]
    assert all(answer.n_points > 0 for answer in answers)
    assert np.mean([METRICS["lcss"].value(Pair(answer, drawn.truth, drawn.image)) for answer in answers]) < 0.6
    assert CHEATS[name](PAPER, np.random.default_rng(0)).n_points == 0


def test_what_version_one_ranked_by_can_be_won_by_a_dot_and_by_filling():
    """Keeps the reason why the ranking changed: were these ever false, the gaming table would be wrong too."""
    drawn = render(wave(np.random.default_rng(3), 3), preset("clean"), seed=0, key="k")
    honest = geometry.reorder(drawn.truth, [1, 0, 2], flip=[True, False, False])
    still, full = (CHEATS[name](drawn.image, np.random.default_rng(0)) for name in ("dot", "fill"))
    pairs = {
        name: Pair(ink, drawn.truth, drawn.image) for name, ink in [("honest", honest), ("dot", still), ("fill", full)]
    }
    found = {
        name: {m: METRICS[m].value(pair) for m in ("ldtw", "aiou", "lcss", "ink_f1")} for name, pair in pairs.items()
    }
    assert found["dot"]["ldtw"] < found["honest"]["ldtw"]
    assert found["fill"]["aiou"] > METRICS["aiou"].value(Pair(drawn.truth, drawn.truth, drawn.image))
    assert found["dot"]["lcss"] < 0.05 < found["honest"]["lcss"]
    assert found["fill"]["ink_f1"] < 0.8


# the definition, by hand and by brute force


def test_parallel_lines():
    truth = Ink.from_strokes([line((10, 20), (50, 20))])
    for gap in (0.0, 1.0, 3.0, 4.9):
        answer = Ink.from_strokes([line((10, 20 + gap), (50, 20 + gap))])
        assert value("lcss", answer, truth) == pytest.approx(1 - (gap / TAU) ** 2, abs=1e-5)
    assert value("lcss", Ink.from_strokes([line((10, 25.1), (50, 25.1))]), truth) == 0.0


def test_half_a_line_is_half():
    truth = Ink.from_strokes([line((10, 20), (50, 20))])
    assert value("lcss", Ink.from_strokes([line((10, 20), (30, 20))]), truth) == pytest.approx(0.5, abs=0.03)


def test_direction_is_asked_of_long_strokes_alone():
    for length, least, most in ((4.9, 0.3, 1.0), (5.2, 0.0, 0.0)):
        truth = Ink.from_strokes([line((30, 30), (30 + length, 30))])
        assert least <= value("lcss", geometry.reverse(truth), truth) <= most


def test_a_turn_of_sixty_degrees_is_the_limit():
    truth = Ink.from_strokes([line((20, 32), (32, 32))])
    for degrees, some_right in ((58, True), (62, False)):
        turn = np.deg2rad(degrees)
        ahead = np.array([np.cos(turn), np.sin(turn)])
        answer = Ink.from_strokes([np.array([26.0, 32.0]) + ahead * np.array([[-6.0], [6.0]])])
        assert (value("lcss", answer, truth) > 0) == some_right


def test_too_much_is_nothing():
    truth = Ink.from_strokes([line((10, 20), (30, 20))])
    lots = Ink.from_strokes([np.tile(line((10, 20), (30, 20)), (12, 1))])
    assert value("lcss", lots, truth) == 0.0
    assert value("lcss", Ink.from_strokes([np.tile(line((10, 20), (30, 20)), (2, 1))]), truth) > 0.2


def test_samples_are_at_the_middles():
    made = sampled(Ink.from_strokes([line((0, 0), (4, 0)), line((9, 9)), line((0, 5), (0, 6.5))]), 1.0, 1000)
    assert made.xy.tolist() == [[0.5, 0], [1.5, 0], [2.5, 0], [3.5, 0], [9, 9], [0, 5.375], [0, 6.125]]
    assert made.offsets.tolist() == [0, 4, 5, 7]
    assert made.where.tolist() == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.0, 4.375, 5.125])
    assert made.tangents.tolist() == [[1, 0]] * 4 + [[0, 0]] + [[0, 1]] * 2
    assert sampled(Ink.from_strokes([line((0, 0), (100, 0))]), 1.0, 10).announced == 100


def by_force(a, ta, b, tb, free, square):
    best = np.zeros((len(a) + 1, len(b) + 1))
    for i in range(len(a)):
        for j in range(len(b)):
            d = ((a[i] - b[j]) ** 2).sum() / square
            fits = d <= 1 and (free[i] or ta[i] @ tb[j] >= 0.5 - 1e-12)
            best[i + 1, j + 1] = max(best[i, j + 1], best[i + 1, j], best[i, j] + (1 - d if fits else 0.0))
    return best[-1, -1]


@given(seeds, st.integers(1, 25), st.integers(1, 25))
@some
def test_kernels_agree_with_the_plain_recursion(seed, n, m):
    rng = np.random.default_rng(seed)

    def some_samples(k):
        angle = rng.uniform(0, 2 * np.pi, k)
        tangents = np.stack([np.cos(angle), np.sin(angle)], 1) * (rng.random((k, 1)) > 0.2)
        return rng.uniform(0, 12, (k, 2)), tangents

    arguments = (*some_samples(n), *some_samples(m), rng.random(n) < 0.2, 25.0)
    expected = by_force(*arguments)
    assert _largest(*arguments) == pytest.approx(expected, abs=1e-12)
    path = _matching(*arguments)
    assert (np.diff(path, axis=0) > 0).all()
    a, _, b, _, _, square = arguments
    assert (1 - ((a[path[:, 0]] - b[path[:, 1]]) ** 2).sum(axis=1) / square).sum() == pytest.approx(expected, abs=1e-9)


def test_positions_reach_a_last_dot():
    """In version 1 the last position stayed on the stroke before: leaving the dot out cost nothing."""
    body = line((10, 40), (30, 40))
    truth = Ink.from_strokes([body, line((50, 10))])
    assert parts(truth)[-1].tolist() == [50, 10]
    for name, least in (("rmse_arc_v1", -1.0), ("rmse_arc", 1.0)):
        assert value(name, Ink.from_strokes([body]), truth) > least
    nearly = Ink.from_strokes([body, line((50, 10), (50.1, 10))])
    assert value("rmse_arc", nearly, truth) < 0.1
    assert value("rmse_arc_v1", nearly, truth) > 1.0


@given(inks)
@some
def test_rmse_arc_is_capped_and_perfect(truth):
    assert value("rmse_arc", truth, truth) == 0.0
    assert value("rmse_arc", geometry.transform(truth, dx=500), truth) == pytest.approx(4 * TAU)


# the clock, and what goes with it


def test_the_clock_is_told_where_the_order_is_right():
    u = np.linspace(0, 1, 60)
    path = np.stack([8 + 48 * u, 32 + 10 * np.sin(5 * u)], axis=1)
    other = path + np.array([0, 20])
    slow = Ink.from_strokes([path, other], [u**2, 2 + u**2])
    even = Ink.from_strokes([path, other], [u, 2 + u])
    swapped = geometry.reorder(slow, [1, 0])
    assert value("clock_error", slow, slow) == 0.0
    assert value("clock_error", even, slow) > 0.03
    assert value("clock_error", swapped, slow) < 0.01  # one stroke of both is common, and its clock is right
    doubled = Ink.from_strokes([path, other], [3 * u**2, 6 + 3 * u**2])
    assert value("clock_error", doubled, slow) == pytest.approx(0.0, abs=1e-9)
    assert value("clock_error", Ink.from_strokes([path[::-1]], [u]), slow) == 0.5


def test_pauses():
    strokes = [line((8, 8), (40, 8)), line((8, 30), (40, 30)), line((8, 50), (40, 50))]
    truth = Ink.from_strokes(strokes, [[0.0, 1.0], [2.0, 3.0], [5.0, 6.0]])
    same = Ink.from_strokes(strokes, [[0.0, 2.0], [4.0, 6.0], [10.0, 12.0]])
    hasty = Ink.from_strokes(strokes, [[0.0, 1.0], [1.5, 2.5], [3.5, 4.5]])
    assert value("pause_error", same, truth) == pytest.approx(0.0, abs=1e-9)
    assert value("pause_error", hasty, truth) == pytest.approx((0.5 + 0.5) / 2)
    assert value("pause_error", geometry.reorder(truth, [2, 1, 0]), truth) == 1.0
    assert value("pause_error", Ink.from_strokes(strokes[:1], [[0.0, 1.0]]), truth) == 1.0


def test_pressure_and_width():
    u = np.linspace(0, 1, 40)
    path = np.stack([8 + 48 * u, np.full(40, 32.0)], axis=1)
    truth = Ink.from_strokes([path], pressure=[u])
    assert value("pressure_correlation", truth, truth) == pytest.approx(1.0)
    assert value("pressure_correlation", Ink.from_strokes([path], pressure=[1 - u]), truth) == pytest.approx(-1.0)
    assert value("width_correlation", Ink.from_strokes([path], width=[3 * u + 1]), truth) == pytest.approx(1.0)


@given(inks)
@some
def test_matched_samples_belong_together(truth):
    pair = Pair(geometry.transform(truth, dx=0.5), truth, PAPER)
    path = pair.view(matched)
    assume(len(path))
    gap = pair.reference.view(true_samples).xy[path[:, 0]] - pair.view(answer_samples).xy[path[:, 1]]
    assert np.hypot(*gap.T).max() <= TAU
    assert len(path) > 0.9 * len(pair.reference.view(true_samples).xy)
