from __future__ import annotations

import numpy as np
import pytest
from tiny_corpus import LETTERS, letter

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.kalamos import assemble
from kalamos.models.kalamos.path_matching import match
from kalamos.models.kalamos.paths import Motioned
from kalamos.models.kalamos.pieces import POINTS, cut_pieces, walked_points
from kalamos.renderers import Style, render
from kalamos.training.mixture import motion_targets


@pytest.mark.parametrize("name", LETTERS)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_matched_path_has_the_strokes_order_and_direction_of_the_truth(name: str, backwards: bool) -> None:
    ink = geometry.reverse(letter(name)) if backwards else letter(name)
    made = render(ink, Style())
    pieces = cut_pieces(made.image.pixels)
    path = match(made.truth, pieces)
    assert path.lifts.sum() == ink.n_strokes
    assert path.distance_px < 1
    still = np.zeros((len(path.steps), POINTS - 1))
    answer = assemble(pieces, Motioned(path.steps, path.lifts, np.zeros((len(path.steps), POINTS, 2)), still))
    assert METRICS["ldtw"].value(Pair(answer, made.truth)) < 1.2
    assert METRICS["ldtw"].value(Pair(geometry.reverse(answer), made.truth)) > 5


def test_the_truths_places_and_times_lie_along_the_path() -> None:
    made = render(letter("T"), Style())
    pieces = cut_pieces(made.image.pixels)
    path = match(made.truth, pieces)
    offsets, slowness, timed = motion_targets(pieces, path)
    assert timed and np.isfinite(slowness).all()
    exact = assemble(pieces, Motioned(path.steps, path.lifts, offsets, slowness))
    assert METRICS["ldtw"].value(Pair(exact, made.truth)) < 0.5
    first = geometry.trajectory(made.truth, 2)[0]
    assert np.allclose(exact.xy[0], first, atol=0.01)
    assert (np.diff(path.clock.reshape(-1)) >= 0).all()


def test_a_line_drawn_twice_is_walked_twice() -> None:
    ink = Ink.from_strokes([[(0, 0), (0, 10), (0, 0), (8, 0)]])
    made = render(ink, Style())
    path = match(made.truth, cut_pieces(made.image.pixels))
    walked = path.steps // 2
    assert len(set(walked)) < len(walked)
    assert path.lifts.sum() == 1


def test_steps_within_a_stroke_follow_each_other_on_the_graph() -> None:
    for name in LETTERS:
        made = render(letter(name, 3), Style())
        pieces = cut_pieces(made.image.pixels)
        path = match(made.truth, pieces)
        line = walked_points(pieces, path.steps)
        gaps = np.hypot(*(line[1:, 0] - line[:-1, -1]).T)
        assert (gaps[~path.lifts[1:]] < 0.01).all()


def test_ink_of_dots_and_images_without_ink_give_paths_without_fault() -> None:
    blank = cut_pieces(np.full((64, 64), 255, np.uint8))
    assert len(match(letter("L"), blank).steps) == 0
    made = render(Ink.from_strokes([[(0, 0), (10, 0)], [(5, -4)]]), Style())
    path = match(made.truth, cut_pieces(made.image.pixels))
    assert path.lifts.sum() == 2
    assert np.isnan(path.clock).all()


def test_without_times_nothing_is_said_of_speed() -> None:
    made = render(Ink.from_strokes([[(0, 0), (10, 0)]]), Style())
    pieces = cut_pieces(made.image.pixels)
    _, slowness, timed = motion_targets(pieces, match(made.truth, pieces))
    assert not timed
    assert not slowness.any()
