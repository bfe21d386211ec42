"""Each kind of mistake is found where it belongs, and the parts are the loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalamos import geometry
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.metrics.losses import LOSSES, losses

PAPER = OfflineImage(np.full((64, 64), 255, np.uint8))
U = np.linspace(0, 1, 40)
CROSS = [np.stack([10 + 44 * U, 14 + 36 * U], 1), np.stack([54 - 44 * U, 14 + 36 * U], 1)]
RING = np.stack([32 + 22 * np.cos(2 * np.pi * U[:-1]), 32 + 22 * np.sin(2 * np.pi * U[:-1])], 1)
ROWS = [np.stack([8 + 48 * U, np.full(40, y)], 1) for y in (12.0, 32.0, 52.0)]


def parted(strokes, truth):
    return losses(Pair(Ink.from_strokes(strokes), Ink.from_strokes(truth), PAPER))


def largest(found):
    return max(found, key=found.__getitem__)


def test_nothing_is_lost_by_the_truth():
    assert sum(parted(ROWS, ROWS).values()) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "strokes", "truth"),
    [
        ("direction", [row[::-1] for row in ROWS], ROWS),
        ("order", [ROWS[2], ROWS[0], ROWS[1]], ROWS),
        ("merging", [np.concatenate([ROWS[1], ROWS[0]]), ROWS[2]], ROWS),
        ("route", [np.concatenate([RING[20:], RING[:21]])], [np.concatenate([RING, RING[:1]])]),
        ("geometry", [row + np.array([0, 3.0]) for row in ROWS], ROWS),
        ("geometry", ROWS[:1], ROWS),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_belongs(kind, strokes, truth):
    found = parted(strokes, truth)
    assert largest(found) == kind, found
    assert found[kind] > 0.2


def test_corners_in_place_of_a_crossing_are_no_geometry():
    corners = [np.concatenate([CROSS[0][:20], CROSS[1][19::-1]]), np.concatenate([CROSS[1][:19:-1], CROSS[0][20:]])]
    found = parted(corners, CROSS)
    assert found["geometry"] < 0.1
    assert found["merging"] + found["route"] > 0.15


def test_no_answer_is_geometry():
    assert losses(Pair(Ink.empty(), Ink.from_strokes(ROWS), PAPER))["geometry"] == 1.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_the_parts_are_the_loss(seed):
    rng = np.random.default_rng(seed)
    truth = Ink.from_strokes([rng.uniform(5, 59, (rng.integers(1, 8), 2)) for _ in range(rng.integers(1, 5))])
    answer = Ink.from_strokes([rng.uniform(5, 59, (rng.integers(1, 8), 2)) for _ in range(rng.integers(1, 5))])
    for ink in (answer, geometry.reverse(truth), truth):
        pair = Pair(ink, truth, PAPER)
        found = losses(pair)
        assert tuple(found) == LOSSES
        assert min(found.values()) >= 0.0
        assert sum(found.values()) == pytest.approx(1.0 - METRICS["lcss"].value(pair), abs=1e-9)
