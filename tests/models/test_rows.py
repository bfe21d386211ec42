"""Several lines of writing in one picture are read one by one, from the top down."""

from __future__ import annotations

import numpy as np
import pytest

from kalamos import geometry
from kalamos.ink import Ink
from kalamos.metrics import METRICS, Pair
from kalamos.models.kalamos.kalamos import Kalamos
from kalamos.models.rows import rows_of
from kalamos.renderers import Rendering, Style, preset, render
from kalamos.skeleton.binarise import binarise

SEVEN = Ink.from_strokes([[(0, 0), (6, 0), (2, 10)]])
PLUS = Ink.from_strokes([[(0, 5), (10, 5)], [(5, 0), (5, 10)]])
TURN = np.array([[np.cos(0.25), -np.sin(0.25)], [np.sin(0.25), np.cos(0.25)]])


def written(*counts: int, apart: float = 22.0) -> Ink:
    """Return lines of so many letters, below each other."""
    lines = [
        geometry.concat([geometry.transform(PLUS if k % 2 else SEVEN, dx=14.0 * k, dy=apart * n) for k in range(count)])
        for n, count in enumerate(counts)
    ]
    return geometry.concat(lines)


def picture(ink: Ink, style: Style | None = None) -> Rendering:
    return render(ink, (style or Style()).replace(frame="height"))


@pytest.mark.parametrize(("look", "counts"), [("clean", (16, 9, 5)), ("scan", (16, 9, 5)), ("photo", (16, 9))])
def test_lines_are_found_from_the_top_down_and_hold_no_ink_of_others(look: str, counts: tuple[int, ...]) -> None:
    image = picture(written(*counts), preset(look)).image
    rows = rows_of(image)
    assert len(rows) == len(counts)
    assert [row.corner[1] for row in rows] == sorted(row.corner[1] for row in rows)
    ink = [int(binarise(row.image.pixels).sum()) for row in rows]
    assert np.array(ink) / sum(ink) == pytest.approx(np.array(counts) / sum(counts), abs=0.05)
    assert sum(ink) == pytest.approx(int(binarise(image.pixels).sum()), rel=0.2)


@pytest.mark.parametrize(
    "ink",
    [
        written(16),
        written(3, 3),  # two short words: perhaps letters with marks below
        geometry.concat([written(16), geometry.transform(written(1), dx=50.0, dy=-22.0)]),  # an accent above
        geometry.concat([written(16), Ink.from_strokes([[(9.0 * k, -12.0), (9.0 * k + 2, -12.0)] for k in range(16)])]),
        geometry.transform(written(16), matrix=TURN),
        Ink.from_strokes([[(0.0, 0.0), (90.0, 0.0)], [(0.0, 9.0), (90.0, 9.0)]]),  # an equals sign, long
    ],
)  # fmt: skip
def test_one_line_stays_the_picture_that_it_was(ink: Ink) -> None:
    image = picture(ink).image
    [row] = rows_of(image)
    assert row.image is image and not row.corner.any()


def test_kalamos_writes_the_first_line_to_its_end_before_the_second() -> None:
    made = picture(written(16, 9))
    [ink] = Kalamos().recover([made.image])
    assert METRICS["ldtw"].value(Pair(ink, made.truth, made.image)) < 4.0
    below = np.array([stroke[:, 1].mean() for stroke in ink.strokes()]) > made.image.height_px / 2
    assert below.any() and (np.diff(below.astype(int)) >= 0).all()


def test_alternatives_and_confidence_of_several_lines_belong_to_the_whole_picture() -> None:
    made = picture(written(16, 9))
    [recovery] = Kalamos().recover_many([[made.image]], 3)
    [piece] = recovery.pieces
    assert piece.covered > 0.99
    assert piece.stroke_confidence is not None and len(piece.stroke_confidence) == piece.ink.n_strokes
    assert all(METRICS["ink_f1"].value(Pair(other.ink, made.truth, made.image)) > 0.95 for other in piece.alternatives)
