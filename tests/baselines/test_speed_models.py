"""The three laws of velocity, against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.baselines.speed_models import FLAT, SHARP, SPEED_PX_S, with_times
from kalamos.errors import KalamosError
from kalamos.ink import Ink

LAWS = ["constant", "power-law", "sigma-lognormal"]


def ellipse(a, b, n=400):
    t = np.linspace(0, 2 * np.pi, n)
    return np.stack([a * np.cos(t), b * np.sin(t)], axis=1)


def speeds(ink):
    return np.hypot(*np.diff(ink.xy.astype(float), axis=0).T) / np.diff(ink.t)


def test_constant_speed_is_constant():
    assert np.allclose(speeds(with_times(Ink.from_strokes([ellipse(20, 8)]))), SPEED_PX_S, rtol=1e-3)


def test_power_law_on_an_ellipse():
    """On an ellipse the curvature is known: speeds at the ends of both axes stand as their curvatures to the -1/3."""
    a, b = 20.0, 10.0
    v = speeds(with_times(Ink.from_strokes([ellipse(a, b)]), "power-law"))
    flat, sharp = v[100], v[200]
    assert flat / sharp == pytest.approx(((a / b**2) / (b / a**2)) ** (1 / 3), rel=0.1)


def test_power_law_is_held_between_floor_and_ceiling():
    corner = np.array([[0, 0], [30, 0], [30, 30]], float)
    path = np.concatenate([np.linspace(corner[0], corner[1], 60), np.linspace(corner[1], corner[2], 60)[1:]])
    v = speeds(with_times(Ink.from_strokes([path]), "power-law"))
    assert v.max() / v.min() <= (SHARP / FLAT) ** (1 / 3) + 1e-6
    assert np.argmin(v) == pytest.approx(59, abs=4)


def test_sigma_lognormal_is_slow_at_the_ends_and_at_corners():
    path = np.concatenate([np.linspace((0, 0), (30, 0), 61), np.linspace((30, 0), (30, 30), 61)[1:]])
    v = speeds(with_times(Ink.from_strokes([path]), "sigma-lognormal"))
    assert v[0] < 0.5 * v.max()
    assert v[-1] < 0.5 * v.max()
    middle = v[55:66].min()
    assert middle < v[10:50].max() * 0.8


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LAWS), st.integers(1, 5))
def test_times_never_run_backwards_and_keep_the_mean_speed(seed, law, n_strokes):
    rng = np.random.default_rng(seed)
    strokes = [np.cumsum(rng.normal(size=(int(rng.integers(1, 40)), 2)), axis=0) * 3 for _ in range(n_strokes)]
    timed = with_times(Ink.from_strokes(strokes), law)
    assert timed.t[0] == 0
    assert (np.diff(timed.t) >= 0).all()
    way = np.hypot(*np.diff(timed.xy.astype(float), axis=0).T).sum()
    assert timed.t[-1] == pytest.approx(way / SPEED_PX_S, rel=1e-3, abs=1e-6)


def test_unknown_law_is_refused_and_empty_ink_stays():
    with pytest.raises(KalamosError, match="power-law"):
        with_times(Ink.empty(), "fast")
    assert with_times(Ink.empty()) == Ink.empty()
