"""The shipped weights, on letters drawn here: not a benchmark, but broken weights or a broken path show."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest

from kalamos import geometry
from kalamos.errors import ModelError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.blocks import runs_leftwards
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.recoverer import Recoverer
from kalamos.renderers import Rendering, Style, render, render_batch


@pytest.fixture(scope="module")
def kalamos() -> Kalamos:
    return Kalamos()


def seven() -> Ink:
    return Ink.from_strokes([[(0, 0), (6, 0), (2, 10)]])


def plus() -> Ink:
    return Ink.from_strokes([[(0, 5), (10, 5)], [(5, 0), (5, 10)]])


def test_it_is_a_recoverer(kalamos: Kalamos) -> None:
    assert isinstance(kalamos, Recoverer)
    assert kalamos.name == "kalamos"


def test_a_seven_is_one_stroke_from_the_top_left(kalamos: Kalamos) -> None:
    made = render(seven(), Style())
    pair = Pair(kalamos.recover([made.image])[0], made.truth, made.image)
    assert METRICS["stroke_count"].value(pair) == 1
    assert METRICS["ldtw"].value(pair) < 1.5


def test_a_plus_is_two_strokes_on_the_ink(kalamos: Kalamos) -> None:
    made = render(plus(), Style())
    ink = kalamos.recover([made.image])[0]
    pair = Pair(ink, made.truth, made.image)
    assert ink.n_strokes == 2
    assert METRICS["chamfer_missing"].value(pair) < 1
    assert METRICS["chamfer_extra"].value(pair) < 1


def test_answers_do_not_depend_on_company_and_repeat_exactly(kalamos: Kalamos) -> None:
    made = [render(ink, Style()) for ink in (seven(), plus(), geometry.reverse(seven()))]
    together = kalamos.recover([one.image for one in made])
    assert kalamos.recover([one.image for one in made]) == together
    for one, ink in zip(made, together, strict=True):
        alone = kalamos.recover([one.image])[0]
        assert np.allclose(alone.xy, ink.xy, atol=0.01)
        assert np.array_equal(alone.offsets, ink.offsets)


def test_a_larger_image_gives_the_same_ink_larger(kalamos: Kalamos) -> None:
    small = render(seven(), Style())
    large = render(seven(), Style(image_width_px=256, image_height_px=256, margin_px=24.0, width_px=10.0))
    a, b = kalamos.recover([small.image, large.image])
    assert a.n_strokes == b.n_strokes
    gap = geometry.trajectory(a, 50) - geometry.trajectory(b, 50) / 4
    assert np.hypot(*gap.T).mean() < 1.5


@pytest.mark.parametrize("share", [0.5, 0.25, 0.15])
@pytest.mark.parametrize("draw", [seven, plus])
def test_small_writing_on_much_paper_is_read_as_if_it_filled_the_image(
    kalamos: Kalamos, draw: Callable[[], Ink], share: float
) -> None:
    style = Style(image_width_px=400, image_height_px=300, scale=share, width_px=2.5)
    made = render(draw(), style)
    pair = Pair(kalamos.recover([made.image])[0], made.truth, made.image)
    assert METRICS["stroke_count"].value(pair) == 1
    away = pair.recovered.xy[:, None] - geometry.resample(made.truth, step=0.5).xy[None]
    assert np.hypot(*away.T).min(axis=0).max() < 3  # px of the image, where the ink is


def test_a_second_look_finds_likelier_paths_and_never_a_less_likely_one() -> None:
    rng = np.random.default_rng(0)
    inks = [Ink.from_strokes([rng.uniform(0, 30, (6, 2)) for _ in range(2)]) for _ in range(12)]
    images = [render(ink, Style()).image for ink in inks]
    values = [[said.path for said in Kalamos(beams=1, looks=looks).log_probabilities(images)] for looks in (1, 2, 4)]
    once, twice, often = np.array(values)
    assert (twice >= once).all() and (twice > once).any()
    assert (often >= twice).all() and (often > twice).any()


def test_a_path_of_a_second_look_lies_on_the_ink_of_the_image() -> None:
    rng = np.random.default_rng(1)
    inks = [Ink.from_strokes([rng.uniform(0, 30, (5, 2))]) for _ in range(12)]
    made = render_batch(inks, Style(), keys=[str(k) for k in range(12)])
    once, twice = (Kalamos(looks=looks).recover([one.image for one in made]) for looks in (1, 2))
    others = [(ink, one) for ink, before, one in zip(twice, once, made, strict=True) if ink != before]
    assert others
    for ink, one in others:
        assert METRICS["chamfer_extra"].value(Pair(ink, one.truth, one.image)) < 1


@pytest.mark.parametrize("looks", [0, 5, "many", 1.5])
def test_a_number_of_looks_that_is_none_is_named(looks: object) -> None:
    with pytest.raises(ModelError, match="looks is"):
        Kalamos(looks=looks)  # type: ignore[arg-type]


def line(n: int) -> Rendering:
    letters = [geometry.transform(plus() if k % 2 else seven(), dx=14.0 * k) for k in range(n)]
    return render(geometry.concat(letters), Style(frame="height"))


def test_a_long_line_is_read_block_by_block_in_the_order_of_reading(kalamos: Kalamos) -> None:
    made = line(40)
    [scene] = kalamos.scenes([made.image], 1)
    assert len(scene.found) > 1
    paths = [found[0] for found in scene.found]
    for leftwards, sign in ((False, 1), (True, -1)):
        middles = np.array([stroke[:, 0].mean() for stroke in scene.ink(paths, leftwards=leftwards).strokes()])
        thirds = [part.mean() for part in np.array_split(middles, 3)]
        assert sign * thirds[0] < sign * thirds[1] < sign * thirds[2]
    [onward] = kalamos.recover([made.image])
    assert onward == scene.ink(paths, leftwards=False)
    pair = Pair(onward, made.truth, made.image)
    assert METRICS["chamfer_missing"].value(pair) < 1.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (64, 64), (500, 90), (64, 200)])
@pytest.mark.parametrize("kind", ["blank", "black", "noise"])
def test_odd_images_get_an_answer_in_bounded_time(kalamos: Kalamos, shape: tuple[int, int], kind: str) -> None:
    rng = np.random.default_rng(0)
    made = {"blank": np.full(shape, 255), "black": np.zeros(shape), "noise": rng.integers(0, 256, shape)}[kind]
    ink = kalamos.recover([OfflineImage(made.astype(np.uint8))])[0]
    assert kind != "blank" or ink == Ink.empty()
    assert np.isfinite(ink.xy).all()
    assert ink.t is None or (np.diff(ink.t) >= 0).all()


def test_the_package_and_its_recoverers_are_found_without_torch() -> None:
    code = "import sys, kalamos.recoverer, kalamos.renderers, kalamos.baselines; assert 'torch' not in sys.modules"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert time.perf_counter() > started


def drifting(sign: int, n: int = 6) -> Ink:
    return Ink.from_strokes([[(sign * 14 * k, 0), (sign * 14 * k + 5, 9)] for k in range(n)])


def test_a_number_in_a_line_that_runs_to_the_left_runs_to_the_right() -> None:
    assert not runs_leftwards([drifting(1), drifting(1)], "Arab")
    assert runs_leftwards([drifting(-1)], "Arab")
    assert runs_leftwards([drifting(-1)], None)
    assert runs_leftwards([drifting(1, 1), Ink.empty()], "Arab")  # no evidence: the script says it
    assert not runs_leftwards([drifting(1, 1), Ink.empty()], "Latn")
    assert not runs_leftwards([drifting(-1)], "Latn")  # strokes added from right to left
    dots = [(k, 20.0) for k in (60, 40, 50, 30, 10, 20)]  # written a little to and fro: still to the left
    assert runs_leftwards([Ink.from_strokes([[dot, (dot[0] + 1, 21.0)] for dot in dots])], None)
