"""What training draws: parts of words, pens thin and thick."""

from __future__ import annotations

import numpy as np
import pytest

from kalamos.ink import Ink
from kalamos.training.mixture import Mixture, Source
from kalamos.training.parts import part_of, side_by_side


def ink_of(*strokes: list[tuple[float, float]]) -> Ink:
    offsets = np.cumsum([0, *(len(one) for one in strokes)])
    xy = [point for one in strokes for point in one]
    return Ink(xy, offsets, np.arange(len(xy)) / 100.0)


# right to left, as Persian is written: a letter, the next, the first one's dot, and an alef; the dot comes last but one
WORD = ink_of([(90, 0), (80, 30)], [(60, 0), (40, 30)], [(84, 40), (86, 40)], [(10, 0), (12, 30)])


def test_strokes_above_each_other_are_one_group() -> None:
    assert side_by_side(WORD).tolist() == [2, 1, 2, 0]


def test_a_stroke_below_all_others_joins_them() -> None:
    under = ink_of([(0, 0), (10, 9)], [(20, 0), (30, 9)], [(-5, 12), (40, 12)], [(50, 0), (60, 9)])
    assert side_by_side(under).tolist() == [0, 0, 0, 1]


def test_an_ink_of_nothing_has_no_group() -> None:
    assert side_by_side(Ink.empty()).tolist() == []


def test_parts_are_whole_groups_that_stand_side_by_side_in_the_order_of_writing() -> None:
    seen = set()
    strokes = {
        WORD.xy[a:b].tobytes(): k for k, (a, b) in enumerate(zip(WORD.offsets[:-1], WORD.offsets[1:], strict=True))
    }
    for seed in range(60):
        part = part_of(WORD, np.random.default_rng(seed))
        taken = [strokes[part.xy[a:b].tobytes()] for a, b in zip(part.offsets[:-1], part.offsets[1:], strict=True)]
        assert taken == sorted(taken)
        assert part.t is not None and (np.diff(part.t) > 0).all()
        seen.add(tuple(taken))
    assert seen == {(0, 2), (1,), (3,), (0, 1, 2), (1, 3), (0, 1, 2, 3)}


def test_a_lone_dot_is_no_part() -> None:
    dotted = ink_of([(0, 0), (5, 100)], [(20, 50), (21, 52)])
    sizes = {part_of(dotted, np.random.default_rng(seed)).n_strokes for seed in range(40)}
    heights = {float(np.ptp(part_of(dotted, np.random.default_rng(seed)).xy[:, 1])) for seed in range(40)}
    assert sizes == {1, 2}
    assert heights == {100.0}


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.5, 20, 80), (1.0, 60, 100)])
def test_a_source_shows_parts_of_its_share_and_the_same_ones_each_time(share: float, least: int, most: int) -> None:
    source = Source("tiny", parts=share)
    shown = [source.shown(WORD, 3, f"ink/{k}") for k in range(100)]
    again = [source.shown(WORD, 3, f"ink/{k}") for k in range(100)]
    assert least <= sum(one.n_strokes < WORD.n_strokes for one in shown) <= most
    assert all(np.array_equal(a.xy, b.xy) for a, b in zip(shown, again, strict=True))
    assert share == 0 or len({one.n_points for one in shown}) > 1


def test_half_of_the_pens_are_thinner_than_the_geometric_mean() -> None:
    mixture = Mixture([[]], [Source("tiny")], {"pen_px": [1.0, 9.0], "tier": ["fast"]}, lambda *_: None, lambda _: 1)
    widths = [mixture.style(np.random.default_rng(seed)).width_px for seed in range(400)]
    assert 1.0 <= min(widths) < 1.2
    assert 8.0 < max(widths) <= 9.0
    assert np.median(widths) == pytest.approx(3.0, rel=0.15)
