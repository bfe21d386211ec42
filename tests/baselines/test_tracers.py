"""All tracers: shapes with one right answer, scripts, odd images, the same answer every time."""

from __future__ import annotations

import importlib
import time

import numpy as np
import pytest
from shapes import CROSS, EIGHT, EN, TEE, THETA, circle, drawn, image

from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.recoverer import Recoverer, fault
from kalamos.skeleton.from_image import skeleton

NAMES = [
    "good_continuation:GoodContinuation",
    "qiao:Qiao",
    "kato_yasuhara:KatoYasuhara",
    "jaeger:Jaeger",
    "diaz:Diaz",
    "dinh:Dinh",
    "elbaati:Elbaati",
]
EVERY = [*NAMES, "nearest:Nearest"]


def tracer(name, **options):
    module, attribute = name.split(":")
    return getattr(importlib.import_module(f"kalamos.baselines.{module}"), attribute)(**options)


def away(ink, points):
    """Return the distance of each of the points to the nearest of the ink's."""
    return np.hypot(*(np.asarray(points)[:, None] - ink.xy[None].astype(float)).transpose(2, 0, 1)).min(axis=1)


def has_stroke(ink, a, b, within_px=3.0):
    """Say whether one stroke runs from a to b or back."""
    for stroke in ink.strokes():
        for p, q in ((a, b), (b, a)):
            if np.hypot(*(stroke[0] - p)) < within_px and np.hypot(*(stroke[-1] - q)) < within_px:
                return True
    return False


@pytest.mark.parametrize("name", EVERY)
def test_is_a_recoverer_made_without_arguments(name):
    assert isinstance(tracer(name), Recoverer)
    assert tracer(name).recover([]) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_crossing_is_two_straight_strokes(name):
    ink = tracer(name).recover([image(CROSS)])[0]
    assert ink.n_strokes == 2
    assert has_stroke(ink, *CROSS[0])
    assert has_stroke(ink, *CROSS[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_bar_of_a_tee_is_one_stroke(name):
    ink = tracer(name).recover([image(TEE)])[0]
    assert ink.n_strokes == 2
    assert has_stroke(ink, *TEE[0])


@pytest.mark.parametrize("name", ["good_continuation:GoodContinuation", "qiao:Qiao", "kato_yasuhara:KatoYasuhara"])
def test_an_n_is_one_stroke_that_goes_back_up_its_stem(name):
    ink = tracer(name).recover([image(EN)])[0]
    assert ink.n_strokes == 1
    assert np.hypot(*(ink.xy[0] - EN[0][0])) < 5
    assert np.hypot(*(ink.xy[-1] - EN[0][-1])) < 5


@pytest.mark.parametrize("name", NAMES)
def test_an_eight_is_one_stroke_through_its_crossing(name):
    ink = tracer(name).recover([image([EIGHT])])[0]
    assert ink.n_strokes == 1
    assert np.hypot(*(ink.xy[0] - ink.xy[-1])) < 4


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("strokes", [CROSS, TEE, EN, [EIGHT], THETA, [circle(32, 32, 18), [(32, 32)]]])
def test_all_ink_is_drawn_and_nothing_else(name, strokes):
    ink = tracer(name).recover([image(strokes)])[0]
    truth = np.concatenate([np.asarray(s, float).reshape(-1, 2) for s in strokes])
    graph = skeleton(drawn(strokes))
    assert away(ink, graph.points).max(initial=0.0) < 3.0
    assert away(ink, truth).max() < 4.0
    assert fault(ink, 64, 64) is None


@pytest.mark.parametrize("name", EVERY)
def test_times_run_forwards_under_each_law(name):
    for velocity in ("constant", "power-law", "sigma-lognormal"):
        ink = tracer(name, velocity=velocity).recover([image(THETA)])[0]
        assert ink.t is not None
        assert (np.diff(ink.t) >= 0).all()
        assert ink.t[-1] > 0


def odd_images():
    rng = np.random.default_rng(5)
    blank, black = np.full((64, 64), 255, np.uint8), np.zeros((64, 64), np.uint8)
    one = blank.copy()
    one[20, 30] = 0
    return {
        "blank": (blank, 0),
        "black": (black, 1),
        "one pixel": (one, 1),
        "ring": (drawn([circle(32, 32, 20)]), 1),
        "noise": (rng.integers(0, 256, (64, 64)).astype(np.uint8), None),
        "one by one": (np.zeros((1, 1), np.uint8), 1),
        "a row": (np.array([[255, 0, 0, 0, 255, 0]], np.uint8), None),
        "grey": (np.full((10, 7), 140, np.uint8), 0),
    }


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", odd_images())
def test_odd_images_have_an_answer(name, kind):
    pixels, n_strokes = odd_images()[kind]
    ink = tracer(name).recover([OfflineImage(pixels)])[0]
    assert np.isfinite(ink.xy).all()
    if n_strokes is not None:
        assert ink.n_strokes == n_strokes
    if n_strokes != 0:
        assert fault(ink, pixels.shape[1], pixels.shape[0]) is None
    if kind == "one pixel":
        assert ink.xy.tolist() == [[30.5, 20.5]]


@pytest.mark.parametrize("name", EVERY)
def test_a_large_page_takes_bounded_time(name):
    rng = np.random.default_rng(1)
    places = [(x, y) for x in range(200, 3900, 400) for y in range(150, 3900, 500)]
    strokes = [np.add(np.cumsum(rng.normal(0, 12, (12, 2)), axis=0), place) for place in places]
    pixels = np.full((4000, 4000), 255, np.uint8)
    for stroke in strokes:
        low = np.floor(stroke.min(axis=0) - 4).astype(int)
        high = np.ceil(stroke.max(axis=0) + 4).astype(int)
        patch = drawn([stroke - low], size=(high[1] - low[1], high[0] - low[0]), radius=1.5)
        spot = pixels[low[1] : high[1], low[0] : high[0]]
        np.minimum(spot, patch, out=spot)
    start = time.process_time()
    ink = tracer(name).recover([OfflineImage(pixels)])[0]
    assert time.process_time() - start < 30
    assert ink.n_strokes >= len(strokes) * 0.8


@pytest.mark.parametrize("name", EVERY)
def test_the_same_image_gives_the_same_ink(name):
    images = [image(EN), image(THETA), image(CROSS)]
    together = tracer(name).recover(images)
    alone = [tracer(name).recover([one])[0] for one in reversed(images)][::-1]
    assert together == alone


@pytest.mark.parametrize("script", ["Arab", "Hebr", "Adlm", "Nkoo", "Rohg", "Armi"])
@pytest.mark.parametrize("name", ["good_continuation:GoodContinuation", "diaz:Diaz", "nearest:Nearest"])
def test_right_to_left_scripts_begin_on_the_right(name, script):
    words = [[(8, 40), (8, 20)], [(30, 40), (30, 20)], [(54, 40), (54, 20)]]
    latin, leftwards = tracer(name).recover([image(words, "Latn"), image(words, script)])
    assert latin.xy[0, 0] < 20
    assert leftwards.xy[0, 0] > 44


def test_empty_ink_for_no_strokes():
    assert tracer(NAMES[0]).recover([OfflineImage(np.full((5, 5), 255, np.uint8))])[0] == Ink.empty()


def passages(ink, a, b):
    """Return how often strokes go through both places."""
    return sum(int(np.hypot(*(stroke - p).T).min() < 2.5) for stroke in ink.strokes() for p in (a, b))


def test_diaz_retraces_a_straight_open_stem_between_two_arms():
    """Down the one arm... up the stem, back, and down the other: the authors' retracing cluster."""
    ink = tracer("diaz:Diaz").recover([image([[(20, 58), (32, 24), (32, 14)], [(32, 24), (44, 58)]])])[0]
    assert ink.n_strokes == 1
    assert np.hypot(*np.diff(ink.xy.astype(float), axis=0).T).sum() == pytest.approx(36 + 36 + 20, abs=6)


def test_diaz_runs_two_strokes_through_the_segment_that_they_share():
    """The authors' married clusters: >-<, where both strokes come and go smoothly."""
    upper = [(6, 14), (26, 31), (38, 31), (58, 14)]
    lower = [(6, 50), (26, 33), (38, 33), (58, 50)]
    ink = tracer("diaz:Diaz").recover([image([upper, lower])])[0]
    assert ink.n_strokes == 2
    assert passages(ink, (29, 32), (35, 32)) == 4
