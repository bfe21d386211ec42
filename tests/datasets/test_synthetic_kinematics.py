"""The sigma-lognormal model against its definition: quadrature, scipy's lognormal, paths with a known answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import cumulative_simpson

from kalamos.datasets.synthetic import kinematics as kin
from kalamos.datasets.synthetic.curves import evenly


@st.composite
def pulses(draw: st.DrawFn) -> kin.Pulses:
    """Draw one to five pulses of human size."""
    count = draw(st.integers(1, 5))

    def values(low: float, high: float, n: int = count) -> np.ndarray:
        return np.array(draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    timing = kin.timing_of(values(0.08, 0.4), values(0.0, 0.6, count - 1), values(0.05, 0.4))
    start = values(-3.0, 3.0)
    return kin.Pulses(timing, values(1.0, 60.0), start, start + values(-4.0, 4.0))


@settings(max_examples=25, deadline=None)
@given(pulses())
def test_closed_form_is_the_integral_of_the_velocity(plan):
    t = np.linspace(0.0, plan.timing.end, 6001)
    v = kin.velocity(plan, t)
    integral = cumulative_simpson(v.real, x=t, initial=0) + 1j * cumulative_simpson(v.imag, x=t, initial=0)
    assert np.abs(kin.position(plan, t) - integral).max() < 1e-3 * plan.distance.sum()


@settings(max_examples=25, deadline=None)
@given(pulses())
def test_the_pen_rests_at_pen_down_and_nearly_rests_at_pen_up(plan):
    t = np.linspace(0.0, plan.timing.end, 4001)
    speed = np.abs(kin.velocity(plan, t))
    bells = kin.speed_profiles(plan.timing, t).max(axis=0) * plan.distance
    assert abs(kin.position(plan, t[:1])[0]) < 1e-3
    assert speed[0] < 1e-3 * bells.sum()
    assert speed[-1] < 0.05 * bells.sum()
    assert (kin.progress(plan.timing, t[-1:]) >= 0.9986).all()


def test_progress_and_speed_are_scipys_lognormal():
    timing = kin.Timing(np.array([0.05]), np.array([-1.8]), np.array([0.25]))
    t = np.linspace(0.06, 0.6, 200)
    reference = stats.lognorm(s=0.25, loc=0.05, scale=np.exp(-1.8))
    np.testing.assert_allclose(kin.progress(timing, t)[:, 0], reference.cdf(t), atol=1e-14)
    np.testing.assert_allclose(kin.speed_profiles(timing, t)[:, 0], reference.pdf(t), rtol=1e-12)


@pytest.mark.parametrize("delta", [1e-3, 1e-5, 1e-7, 0.0, -1e-7])
def test_a_hardly_turning_pulse_is_the_straight_one(delta):
    timing = kin.timing_of(np.array([0.2]), np.empty(0), np.array([0.2]))
    t = np.linspace(0, timing.end, 50)
    straight = kin.position(kin.Pulses(timing, np.array([10.0]), np.zeros(1), np.zeros(1)), t)
    bent = kin.position(kin.Pulses(timing, np.array([10.0]), np.zeros(1), np.array([delta])), t)
    assert np.abs(bent - straight).max() <= 10.0 * abs(delta)
    assert np.abs(straight.imag).max() == 0.0


def test_one_pulse_speeds_up_once_and_is_skewed():
    timing = kin.timing_of(np.array([0.3]), np.empty(0), np.array([0.3]))
    t = np.linspace(0, timing.end, 2001)
    speed = kin.speed_profiles(timing, t)[:, 0]
    peak = int(speed.argmax())
    assert (np.diff(speed[: peak + 1]) >= 0).all()
    assert (np.diff(speed[peak:]) <= 0).all()
    assert t[peak] < timing.end / 2, "a lognormal rises faster than it falls"
    mode = timing.t0[0] + np.exp(timing.mu[0] - timing.sigma[0] ** 2)
    assert t[peak] == pytest.approx(mode, abs=2e-4)


def test_timing_keeps_widths_and_overlaps():
    width, sigma = np.array([0.2, 0.3, 0.1]), np.array([0.1, 0.2, 0.3])
    timing = kin.timing_of(width, np.array([0.5, 0.25]), sigma)
    begin = timing.t0 + np.exp(timing.mu - kin.REACH * sigma)
    end = timing.t0 + np.exp(timing.mu + kin.REACH * sigma)
    np.testing.assert_allclose(end - begin, width)
    np.testing.assert_allclose(np.diff(begin), [0.1, 0.225])
    assert timing.t0[0] == pytest.approx(-np.exp(timing.mu[0] - kin.STILL * 0.1)), "pen-down is at time 0"


def test_fit_finds_the_pulse_of_an_arc():
    angle = np.linspace(0.0, 1.5, 100)
    path = 20 * np.exp(1j * angle)
    timing = kin.timing_of(np.array([0.25]), np.empty(0), np.array([0.2]))
    found = kin.fit(path, np.array([0, 99]), timing)
    assert found.distance[0] == pytest.approx(30.0, rel=5e-3)
    assert found.theta_s[0] == pytest.approx(np.pi / 2, abs=0.02)
    assert found.theta_e[0] - found.theta_s[0] == pytest.approx(1.5, abs=0.03)
    t = np.linspace(0.0, timing.end, 200)
    assert np.abs(np.abs(path[0] + kin.position(found, t)) - 20).max() < 0.1


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.0, 0.3),
    st.floats(0.05, 0.3),
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=3, max_size=5),
)
def test_fit_reaches_the_end_of_any_polyline(overlap, sigma, corners):
    points = np.array([complex(*corner) for corner in corners])
    if np.abs(np.diff(points)).min() < 5:
        return
    pieces = [evenly(points[k : k + 2], 1.0) for k in range(len(points) - 1)]
    path = np.concatenate([pieces[0], *[piece[1:] for piece in pieces[1:]]])
    breaks = np.cumsum([0, *[len(piece) - 1 for piece in pieces]])
    count = len(pieces)
    timing = kin.timing_of(np.full(count, 0.2), np.full(count - 1, overlap), np.full(count, sigma))
    found = kin.fit(path, breaks, timing)
    end = path[0] + kin.position(found, np.array([timing.end]))[0]
    assert abs(end - path[-1]) < 0.02 * np.abs(np.diff(points)).sum()


def test_parts_measures_a_square_without_its_corners():
    sides = [evenly(np.array([a, b]), 1.0) for a, b in [(0, 10), (10, 10 + 10j), (10 + 10j, 10j)]]
    path = np.concatenate([sides[0], sides[1][1:], sides[2][1:]])
    length, turn = kin.parts(path, np.array([0, 10, 20, 30]))
    np.testing.assert_allclose(length, 10.0)
    np.testing.assert_allclose(turn, 0.0, atol=1e-12)
    length, turn = kin.parts(path, np.array([0, 30]))
    np.testing.assert_allclose([length[0], turn[0]], [30.0, np.pi])
