"""Lines of a page from heights and order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos.datasets.line_grouping import MAX_STROKES, group_lines, select_strokes
from kalamos.ink import Ink


def stroke(y: float, x: float = 0.0, width: float = 30.0) -> np.ndarray:
    u = np.linspace(0, 1, 8)
    return np.stack([x + width * u, y + 4 * np.sin(6 * u)], axis=1)


def dot(y: float, x: float = 0.0) -> np.ndarray:
    return np.array([[x, y], [x + 1, y]])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 10**6), st.floats(0.01, 1000))
def test_clear_lines_are_found_at_any_scale(n_lines: int, per_line: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    lines = np.repeat(np.arange(n_lines), per_line)
    strokes = [stroke(100 * k + rng.uniform(-10, 10), 40 * rng.random()) * scale for k in lines]
    found = group_lines(Ink.from_strokes(strokes), n_lines)
    assert found.objection == ""
    assert found.lines.tolist() == lines.tolist()


def test_dots_go_with_the_strokes_around_them() -> None:
    strokes = [stroke(0), dot(45), dot(-30), stroke(100), dot(60), dot(145), stroke(200), dot(160)]
    assert group_lines(Ink.from_strokes(strokes), 3).lines.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_word_written_again_at_the_end_goes_back_to_its_line() -> None:
    strokes = [stroke(0), stroke(100), stroke(200), stroke(300), stroke(102, 50), stroke(98, 90), stroke(101, 120)]
    assert group_lines(Ink.from_strokes(strokes), 4).lines.tolist() == [0, 1, 2, 3, 1, 1, 1]


@pytest.mark.parametrize("heights", [[0, 100, 200, 300], [0, 100, 200, 300, 400, 500], [0, 100, 200, 305, 800]])
def test_another_number_of_lines_is_objected_to(heights: list[float]) -> None:
    strokes = [stroke(y, x) for y in heights for x in (0, 40, 80)]
    assert group_lines(Ink.from_strokes(strokes), 5).objection


def test_corner_cases() -> None:
    assert group_lines(Ink.empty(), 1).objection
    assert group_lines(Ink.from_strokes([stroke(0)]), 2).objection
    assert group_lines(Ink.from_strokes([stroke(0)]), 0).objection
    assert group_lines(Ink.from_strokes([stroke(0)]), 1).objection == ""
    assert group_lines(Ink.from_strokes([stroke(0)] * 6), 3).objection
    assert group_lines(Ink.from_strokes([[[0, 0]], [[0, 10]], [[0, 20]]]), 3).lines.tolist() == [0, 1, 2]
    assert group_lines(Ink.from_strokes([[[0, 0]]] * (MAX_STROKES + 1)), 3).objection


def test_selected_strokes_keep_their_times_and_channels() -> None:
    ink = Ink.from_strokes([[[0, 0], [1, 1]], [[2, 2]], [[3, 3]]], t=[[0, 1], [2], [3]], tilt=[[5, 6], [7], [8]])
    part = select_strokes(ink, np.array([True, False, True]))
    assert part == Ink.from_strokes([[[0, 0], [1, 1]], [[3, 3]]], t=[[0, 1], [3]], tilt=[[5, 6], [8]])
    assert select_strokes(ink, np.zeros(3, bool)).n_strokes == 0
