from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kalamos.ink import Ink
from kalamos.machinery.kernels import Kernel
from kalamos.models.kalamos.blocks import blocks, components, part
from kalamos.models.kalamos.pieces import PIECE_PX, POINTS, cut_pieces
from kalamos.renderers import Style, render


def drawn(*strokes: list[tuple[float, float]]) -> np.ndarray:
    return render(Ink.from_strokes(strokes), Style()).image.pixels


def test_a_straight_line_is_cut_into_equal_pieces_end_to_end() -> None:
    pieces = cut_pieces(drawn([(0, 0), (10, 0)]))
    assert len(pieces.points) == np.ceil(pieces.lengths.sum() / PIECE_PX)
    assert np.ptp(pieces.lengths) < 0.01
    assert pieces.lengths.sum() == pytest.approx(52, abs=2.5)
    joints, counts = np.unique(pieces.joints, return_counts=True)
    assert sorted(counts) == [1, 1] + [2] * (len(joints) - 2)


def test_the_radius_is_half_the_width() -> None:
    image = render(Ink.from_strokes([[(0, 0), (10, 0)]]), Style(width_px=6.0)).image
    assert np.median(cut_pieces(image.pixels).radii) == pytest.approx(3.0, abs=0.6)


def test_a_crossing_is_one_joint_of_four_pieces() -> None:
    pieces = cut_pieces(drawn([(0, 0), (10, 10)], [(10, 0), (0, 10)]))
    _, counts = np.unique(pieces.joints, return_counts=True)
    assert sorted(counts)[-1] == 4
    assert sorted(counts).count(1) == 4


def test_a_ring_is_closed_and_has_two_pieces_at_least() -> None:
    turn = np.linspace(0, 2 * np.pi, 60)
    pieces = cut_pieces(drawn(list(zip(np.cos(turn), np.sin(turn), strict=True))))
    assert len(pieces.points) >= 2
    assert set(np.unique(pieces.joints, return_counts=True)[1]) == {2}


def test_a_dot_is_one_piece_of_no_length() -> None:
    pieces = cut_pieces(drawn([(0, 0)]))
    assert len(pieces.points) == 1
    assert pieces.lengths[0] < 3


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 90, 255])))
def test_any_image_gives_finite_pieces_whose_neighbours_touch(pixels: np.ndarray) -> None:
    pieces = cut_pieces(pixels)
    n = len(pieces.points)
    assert pieces.points.shape == (n, POINTS, 2) and pieces.radii.shape == (n, POINTS)
    assert np.isfinite(pieces.points).all() and np.isfinite(pieces.radii).all()
    height, width = pixels.shape
    assert n == 0 or (pieces.points.min() >= 0 and (pieces.points.max((0, 1)) <= (width, height)).all())
    places: dict[int, np.ndarray] = {}
    for line, (a, b) in zip(pieces.points, pieces.joints, strict=True):
        for joint, place in ((a, line[0]), (b, line[-1])):
            assert np.allclose(places.setdefault(int(joint), place), place, atol=1e-3)


def test_blocks_cut_at_gaps_only_and_keep_every_piece() -> None:
    bars = [[(x, 0.0), (x, 10.0)] for x in np.arange(0, 120, 5.0)]
    image = render(Ink.from_strokes(bars), Style(frame="height")).image
    pieces = cut_pieces(image.pixels)
    cut = blocks(pieces, block_pieces=20, most_pieces=1000)
    assert len(cut) > 2
    assert np.array_equal(np.sort(np.concatenate(cut)), np.arange(len(pieces.points)))
    of = components(pieces)
    assert len({c for block in cut for c in set(of[block])}) == sum(len(set(of[block])) for block in cut)
    reach = [(part(pieces, b).points[..., 0].min(), part(pieces, b).points[..., 0].max()) for b in cut]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(reach))


def test_a_block_without_a_gap_is_cut_all_the_same() -> None:
    wave = [(x, 8 * (x % 2)) for x in range(60)]
    pieces = cut_pieces(render(Ink.from_strokes([wave]), Style(frame="height")).image.pixels)
    cut = blocks(pieces, block_pieces=20, most_pieces=30)
    assert max(map(len, cut)) <= 30
    begins = [part(pieces, block).points[..., 0].min(axis=1) for block in cut]
    assert all(before.max() <= after.min() for before, after in itertools.pairwise(begins))


def test_what_hangs_together_is_not_cut_where_one_search_can_read_it() -> None:
    wave = [(x, 8 * (x % 2)) for x in range(24)]
    pieces = cut_pieces(render(Ink.from_strokes([wave]), Style(frame="height")).image.pixels)
    assert 120 < len(pieces.points) < 240 and len(blocks(pieces)) == 1


def ladder(step: int, height: int) -> np.ndarray:
    """Return two lines with rungs between them: all of their junctions become one joint, far from most of them."""
    pixels = np.full((64, 64), 255, np.uint8)
    pixels[[30, 30 + height], 10:55] = 0
    pixels[30 : 31 + height, 10:55:step] = 0
    pixels[10:30, 12] = pixels[10:30, 50] = 0
    return pixels


@pytest.mark.parametrize(("step", "height"), [(2, 2), (2, 4), (3, 3)])
def test_edges_that_grow_when_their_joints_move_have_room(
    monkeypatch: pytest.MonkeyPatch, step: int, height: int
) -> None:
    monkeypatch.setattr(Kernel, "for_work", lambda k, us: k.interpreted)
    interpreted = cut_pieces(ladder(step, height))  # numpy's arrays, unlike compiled code, know their bounds
    monkeypatch.setattr(Kernel, "for_work", lambda k, us: k.compiled)
    compiled = cut_pieces(ladder(step, height))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(compiled, interpreted, strict=True))
