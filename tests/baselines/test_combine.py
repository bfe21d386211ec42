"""How strokes are joined and ordered, on lines that are given."""

from __future__ import annotations

import numpy as np
import pytest
from shapes import circle

from kalamos.baselines.combine import assemble, choices_of
from kalamos.baselines.walks import Lines


def longest_step(strokes):
    return max(np.hypot(*np.diff(stroke, axis=0).T).max() for stroke in strokes)


@pytest.mark.parametrize("degrees", [0, 40, 95, 180, 275, 350])
def test_a_ring_is_joined_only_where_the_pen_is_when_it_ends(degrees):
    """A ring may begin at any of its places; from its end the pen goes on along ink, never across the paper."""
    way = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    tail = 32 + np.linspace(14, 30, 17)[:, None] * way
    lines = Lines.plain([circle(32, 32, 14, n=90), tail], np.array([True, False]))
    choices = choices_of(lines, 2.0)
    joins = np.argwhere(choices.can_join)
    rings = {int(a) for a, _, _ in joins if choices.variants.stroke[a] == 0}
    assert len(rings) == 2 if degrees % 45 == 0 else len(rings) <= 2
    for a, b, how in joins.tolist():
        strokes = assemble(lines, choices, np.array([a, b]), np.array([-1, how]))
        assert len(strokes) == 1
        assert longest_step(strokes) < 3.0


def test_a_stem_is_retraced_from_its_foot_to_where_the_arch_leaves_it():
    stem = np.stack([np.full(41, 10.0), np.linspace(10, 50, 41)], axis=1)
    arch = np.concatenate([[[10, 30]], circle(20, 30, 10, start=np.pi, turn=np.pi, n=31), [[30, 50]]])
    lines = Lines.plain([stem, arch])
    choices = choices_of(lines, 2.0)
    down = int(np.flatnonzero((choices.variants.stroke == 0) & ~choices.variants.backwards)[0])
    over = int(np.flatnonzero((choices.variants.stroke == 1) & ~choices.variants.backwards)[0])
    assert choices.can_join[down, over, 0]
    assert choices.at[down, over, 0] == pytest.approx(20, abs=1.1)
    joined = assemble(lines, choices, np.array([down, over]), np.array([-1, 0]))
    assert len(joined) == 1
    foot = int(np.argmax(joined[0][:, 1] + 100 * (joined[0][:, 0] < 15)))
    assert joined[0][foot].tolist() == [10, 50]
    assert np.hypot(*np.diff(joined[0][foot:], axis=0).T).sum() == pytest.approx(20 + 10 * np.pi + 20, abs=2)
