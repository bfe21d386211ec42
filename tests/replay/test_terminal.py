"""An ink in the terminal: dots where the ink is, bounded size, numbers and colours."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kalamos.errors import KalamosError
from kalamos.ink import Ink
from kalamos.replay.terminal import draw


def test_a_diagonal_sets_one_dot_a_row_of_dots():
    text = draw(Ink.from_strokes([[[0, 0], [7, 7]]]), columns=6, colour=False, numbers=False)
    dots = sum((ord(character) - 0x2800).bit_count() for character in text if character not in " \n")
    assert dots == 8
    assert "⠑⢄" in text


def test_a_level_line_is_one_row_as_wide_as_allowed():
    text = draw(Ink.from_strokes([[[0, 5], [100, 5]]]), columns=40, colour=False, numbers=False)
    rows = [row for row in text.split("\n") if row.strip()]
    assert len(rows) == 1 and set(rows[0].strip()) == {"⠉"} and len(rows[0]) <= 40


@pytest.mark.parametrize(
    "xy", [[[0, 0], [1e6, 1]], [[0, 0], [1, 1e6]], [[0, 0]], [[5, 5], [5, 5]], [[0, 0], [1e-9, 0]]]
)
def test_any_extent_stays_within_the_window(xy):
    rows = draw(Ink.from_strokes([xy]), columns=30, colour=False).split("\n")
    assert len(rows) <= 41 and max(map(len, rows)) <= 31


def test_strokes_are_numbered_and_coloured():
    ink = Ink.from_strokes([[[0, 0], [40, 0]], [[0, 30], [40, 30]]])
    plain, coloured = draw(ink, columns=30, colour=False), draw(ink, columns=30)
    assert "1" in plain and "2" in plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain
    assert len(set(re.findall(r"\x1b\[\d*;?(9\d)m", coloured))) == 2


def test_nothing_and_bad_widths():
    assert draw(Ink.empty()) == ""
    with pytest.raises(KalamosError, match="columns"):
        draw(Ink.from_strokes([[[0, 0]]]), columns=2)


def test_a_million_points_are_no_trouble():
    walk = np.cumsum(np.random.default_rng(0).normal(size=(10**5, 2)), axis=0)
    assert len(draw(Ink.from_strokes([walk]), columns=60, colour=False).split("\n")) <= 41
