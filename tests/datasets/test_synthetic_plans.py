"""Letter plans: the notation, the curves between knots, the cuts into pulses, and every plan of every script."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks

from kalamos.datasets.synthetic import SCRIPTS, Writer, letters, words
from kalamos.datasets.synthetic.composition import layout
from kalamos.datasets.synthetic.curves import evenly, hobby, parse_knots, trace
from kalamos.datasets.synthetic.glyphs import Hand, glyph, plan_file
from kalamos.datasets.synthetic.kinematics import position
from kalamos.datasets.synthetic.plans import prominent_peaks, stroke_plan
from kalamos.datasets.synthetic.writing import plan_pulses

NEUTRAL = Hand(Writer.neutral().choice)


def every_text(script):
    return [*letters(script), *words(script), *plan_file(script).get("syllables", "").split()]


def away(points, path):
    """Return the distance of each point from a polyline."""
    steps = np.diff(path)
    along = np.clip(((points[:, None] - path[:-1]) / steps).real, 0, 1)
    return np.abs(points[:, None] - path[:-1] - along * steps).min(axis=1)


def test_notation():
    knots = parse_knots("0,0 - 10,0! 20,-5.5")
    np.testing.assert_array_equal(knots.points, [0, 10, 20 - 5.5j])
    assert knots.corner.tolist() == [False, True, False]
    assert knots.line.tolist() == [True, False]


@pytest.mark.parametrize("text", ["", "- 1,2", "1,2 -", "1", "a,b", "1,2 x 3,4"])
def test_notation_refuses_what_it_does_not_know(text):
    with pytest.raises(ValueError):
        parse_knots(text)


def test_hobby_draws_a_circle_through_its_knots():
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 9))
    assert np.abs(np.abs(hobby(50 * circle)) - 50).max() < 0.1, "one point in five hundred"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=3, max_size=7, unique=True))
def test_hobby_passes_through_every_knot(corners):
    points = np.array([complex(*corner) for corner in corners])
    curve = hobby(points, samples=10)
    np.testing.assert_allclose(curve[::10], points, atol=1e-9)
    assert np.isfinite(curve).all()


def test_a_curve_continues_a_line_and_a_corner_does_not():
    smooth, corners = trace(parse_knots("0,0 - 0,50 30,60"))
    turns = np.angle(np.diff(smooth)[1:] / np.diff(smooth)[:-1])
    assert np.abs(turns).max() < 0.2
    assert len(corners) == 0
    _, corners = trace(parse_knots("0,0 - 0,50! 30,60"))
    assert corners.tolist() == [50]
    path, corners = trace(parse_knots("0,0 - 0,50 - 30,50"))
    assert path[corners].tolist() == [50j], "two lines meet in a corner, marked or not"


def test_evenly_keeps_ends_and_steps():
    path = evenly(np.array([0, 3, 3 + 4j]), 0.5)
    assert path[0] == 0
    assert path[-1] == 3 + 4j
    np.testing.assert_allclose(np.abs(np.diff(path)), 0.5, atol=1e-9)


def test_a_single_knot_is_a_short_dot():
    plan = stroke_plan("10,20")
    assert len(plan.breaks) == 2
    assert np.abs(plan.path - (10 + 20j)).max() < 4


def test_pulses_are_cut_at_corners_and_where_the_path_bends():
    v = stroke_plan("0,100 - 30,0! - 60,100")
    assert v.path[v.breaks[1:-1]].tolist() == [30 + 0j]
    assert v.sharp.tolist() == [1.0]
    hook = stroke_plan("0,100 - 0,10 10,0 40,0")
    cuts = hook.path[hook.breaks[1:-1]]
    assert (np.abs(cuts - (4 + 4j)) < 12).any(), "a tight bend separates two pulses"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.05, 2.0))
def test_prominent_peaks_are_those_of_scipy(seed, least):
    height = np.cumsum(np.random.default_rng(seed).normal(0, 0.3, 80))
    assert prominent_peaks(height, least) == find_peaks(height, prominence=least)[0].tolist()


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_plan_is_cut_into_arcs(script):
    for text in every_text(script):
        for stroke in layout(text, script, NEUTRAL):
            assert stroke.breaks[0] == 0
            assert stroke.breaks[-1] == len(stroke.path) - 1
            assert (np.diff(stroke.breaks) > 0).all()
            assert len(stroke.sharp) == len(stroke.breaks) - 2
            assert ((stroke.sharp >= 0) & (stroke.sharp <= 1)).all()
            assert np.abs(np.diff(stroke.path)).min() > 0
            turns = np.angle(np.diff(stroke.path)[1:] / np.diff(stroke.path)[:-1])
            for a, b in zip(stroke.breaks[:-1], stroke.breaks[1:], strict=True):
                assert np.abs(turns[a : b - 1]).sum() < 2.7, text


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_neutral_hand_follows_every_plan(script):
    """On a grid where a capital is 100 high: 0.5 on average, 5 at the sharpest corner, 1 at the end of a stroke."""
    writer = Writer.neutral()
    for text in every_text(script):
        for stroke in layout(text, script, NEUTRAL):
            pulses = plan_pulses(stroke, writer)
            pen = stroke.path[0] + position(pulses, np.linspace(0.0, pulses.timing.end, 120))
            there, back = away(pen, stroke.path), away(stroke.path, pen[np.abs(np.diff(pen, prepend=np.inf)) > 1e-9])
            assert there.mean() < 0.5, text
            assert max(there.max(), back.max()) < 5.0, text
            assert abs(pen[-1] - stroke.path[-1]) < 1.0, text


@pytest.mark.parametrize("script", ["Latn", "Deva", "Taml"])
def test_letters_stay_on_the_grid(script):
    for letter, plans in plan_file(script)["letters"].items():
        for text in [plans] if isinstance(plans, str) else plans:
            strokes = glyph(text).strokes
            xy = np.concatenate([stroke.path for stroke in strokes])
            assert -70 < xy.imag.min() < 70, letter
            assert 50 < xy.imag.max() < 160, letter


def test_a_curve_that_turns_back_on_itself_stays_near_its_knots():
    """Hobby's rule has a pole there: without METAFONT's bound this curve reaches two million units away."""
    xy = [36.08835322 + 77.2034008j, 44.51027933 - 6.74788268j, 47.28084133 + 36.7593445j, 57.28864633 - 0.588489425j]
    xy += [69.57795765 + 13.7013021j, 71.66104349 - 5.00028137j, 75.44499911 + 23.2015204j, 80.88170497 - 4.60755888j]
    xy += [89.78751485 + 30.7498183j, 94.67135256 - 3.35071541j, 108.36214073 + 11.8707349j, 110.44522657]
    xy += [110.61374456 + 26.8256792j, 119.97709903 + 1.16258245j, 120.44152294 + 13.9131582j]
    path = hobby(np.array(xy))
    assert np.abs(path).max() < 1000
