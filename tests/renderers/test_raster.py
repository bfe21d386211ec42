"""The rasters against closed forms and against a supersampled analytic reference."""

import math

import numpy as np
import pytest

from kalamos.renderers.raster import Paths, draw_exact, draw_fast, nib_matrix

ROUND = nib_matrix("round", 0.0, 1.0)


def draw(strokes, size=(64, 64), *, nib=ROUND, tier="exact", ink=None, opacity=1.0):
    """Return the coverage float32 (h, w) of strokes of (x, y, half width) rows."""
    path = np.concatenate([np.asarray(stroke, float).reshape(-1, 3) for stroke in strokes])
    ends = np.concatenate([[0], np.cumsum([len(np.asarray(stroke).reshape(-1, 3)) for stroke in strokes])])
    amounts = np.ones(len(path), np.float32) if ink is None else np.asarray(ink, np.float32)
    frames, images = np.array([[*size, 0]]), np.array([0, len(strokes)])
    clear = np.empty(size[0] * size[1], np.float32)
    paths = Paths(path, amounts, ends, images)
    if tier == "fast":
        draw_fast(paths, frames, clear)
    else:
        draw_exact(paths, frames, nib, opacity, clear)
    return 1 - clear.reshape(size)


def cone_contains(x, y, a, b):
    """Return which points lie in the union of all discs between two: the hull of both."""
    (ax, ay, ar), (bx, by, br) = a, b
    length = math.hypot(bx - ax, by - ay)
    if length <= abs(ar - br):
        return np.hypot(x - ax, y - ay) <= ar if ar >= br else np.hypot(x - bx, y - by) <= br
    ux, uy, fall = (bx - ax) / length, (by - ay) / length, (ar - br) / length
    along, across = (x - ax) * ux + (y - ay) * uy, np.abs((x - ax) * uy - (y - ay) * ux)
    foot = np.clip(along - across * fall / math.sqrt(1 - fall * fall), 0, length)
    return across**2 + (along - foot) ** 2 <= (ar - fall * foot) ** 2


def reference(strokes, size=(64, 64), samples=32):
    """Return the coverage by ``samples`` x ``samples`` points a pixel."""
    rows, columns = (np.arange(side * samples) + 0.5 for side in size)
    inside = np.zeros((len(rows), len(columns)), bool)
    for stroke in strokes:
        points = np.asarray(stroke, float).reshape(-1, 3)
        for a, b in zip(points, points[1:] if len(points) > 1 else points, strict=False):
            reach = max(a[2], b[2]) + 1
            y0, y1 = ((np.array([min(a[1], b[1]) - reach, max(a[1], b[1]) + reach]) * samples).astype(int)).clip(
                0, len(rows)
            )
            x0, x1 = ((np.array([min(a[0], b[0]) - reach, max(a[0], b[0]) + reach]) * samples).astype(int)).clip(
                0, len(columns)
            )
            y, x = np.meshgrid(rows[y0:y1] / samples, columns[x0:x1] / samples, indexing="ij")
            inside[y0:y1, x0:x1] |= cone_contains(x, y, a, b)
    return inside.reshape(size[0], samples, size[1], samples).mean((1, 3))


def scribble(rng, points=40, strokes=3):
    """Return strokes of varying width that bend as handwriting does, cross and overlap."""
    drawn = []
    for _ in range(strokes):
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.3, points))
        xy = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * 1.9, 0)
        xy += 32 - xy.mean(0) + rng.uniform(-6, 6, 2)
        half = 0.7 + 0.75 * (1 + np.sin(np.linspace(0, 6, points) + rng.uniform(0, 6)))
        drawn.append(np.column_stack([xy, half]))
    return drawn


@pytest.mark.parametrize(("tier", "mean", "thousandth"), [("exact", 0.08, 5.0), ("fast", 0.35, 60.0)])
def test_tiers_keep_their_promised_error_on_crossing_strokes(tier, mean, thousandth):
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(6):
        strokes = scribble(rng)
        errors.append(255 * np.abs(draw(strokes, tier=tier) - reference(strokes)))
    assert np.mean(errors) <= mean
    assert np.quantile(errors, 0.999) <= thousandth


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 133])
def test_a_sharp_joint_and_a_crossing_are_the_union(angle):
    turn = np.array(
        [
            [math.cos(math.radians(angle)), -math.sin(math.radians(angle))],
            [math.sin(math.radians(angle)), math.cos(math.radians(angle))],
        ]
    )
    spike = np.array([[-20, 0], [20, 0], [-20, 3], [5, -18], [5, 18]]) @ turn.T + 32.3
    strokes = [np.column_stack([spike, [1.0, 2.5, 0.4, 1.5, 1.5]])]
    errors = 255 * np.abs(draw(strokes) - reference(strokes))
    assert errors.mean() <= 0.08
    assert errors.max() <= 12


def test_a_dot_has_the_area_of_a_disc():
    for x, y, radius in [(32.0, 32.0, 3.0), (20.3, 41.7, 1.25), (10.5, 10.5, 0.6)]:
        assert draw([[(x, y, radius)]]).sum() == pytest.approx(math.pi * radius**2, rel=1e-2)


def test_a_stroke_has_the_area_of_a_capsule_and_of_a_cone():
    assert draw([[(12.2, 20.1, 1.5), (50.7, 41.3, 1.5)]]).sum() == pytest.approx(
        math.pi * 1.5**2 + 3 * math.hypot(38.5, 21.2), rel=1e-3
    )
    length, a, b = 30.0, 4.0, 1.0
    tilt = math.asin((a - b) / length)
    area = (math.pi / 2 + tilt) * a**2 + (math.pi / 2 - tilt) * b**2 + (a + b) * length * math.cos(tilt)
    assert draw([[(15, 30, a), (15 + length, 30, b)]]).sum() == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize(("tier", "tolerance"), [("exact", 1e-6), ("fast", 5e-3)])
def test_no_seam_where_segments_meet_and_no_doubling_where_they_overlap(tier, tolerance):
    whole = draw([[(8, 20.3, 1.3), (56, 20.3, 1.3)]], tier=tier)
    many = draw([[(x, 20.3, 1.3) for x in np.linspace(8, 56, 33)]], tier=tier)
    there_and_back = draw([[(8, 20.3, 1.3), (56, 20.3, 1.3), (8, 20.3, 1.3)]], tier=tier)
    np.testing.assert_allclose(many, whole, atol=tolerance)
    np.testing.assert_allclose(there_and_back, whole, atol=tolerance)


def test_an_ellipse_nib_covers_its_area_and_thickens_by_direction():
    for angle in (0.0, 30.0, 90.0, -65.0):
        nib = nib_matrix("ellipse", angle, 0.3)
        assert draw([[(32, 32, 10)]], nib=nib).sum() == pytest.approx(math.pi * 10 * 3, rel=2e-3)
        for heading in (0.0, 30.0, 77.0):
            dx, dy = math.cos(math.radians(heading)), math.sin(math.radians(heading))
            path = [[(32 - 15 * dx, 32 - 15 * dy, 4), (32 + 15 * dx, 32 + 15 * dy, 4)]]
            off = math.radians(angle - heading)
            width = 2 * 4 * math.hypot(math.sin(off), 0.3 * math.cos(off))
            assert draw(path, nib=nib).sum() == pytest.approx(width * 30 + math.pi * 16 * 0.3, rel=1e-2)


def test_a_broad_nib_sweeps_a_rectangle():
    nib = nib_matrix("broad", 30.0, 0.2)
    assert draw([[(32, 32, 10)]], nib=nib).sum() == pytest.approx(20 * 4, rel=2e-3)
    off = math.radians(30)
    width = 2 * 4 * (math.sin(off) + 0.2 * math.cos(off))
    assert draw([[(20, 32, 4), (44, 32, 4)]], nib=nib).sum() == pytest.approx(width * 24 + 8 * 1.6, rel=2e-3)


def test_a_growing_broad_nib_is_the_hull_of_its_outlines():
    from shapely.geometry import MultiPoint

    nib = nib_matrix("broad", 20.0, 0.3)
    corners = nib[4:12].reshape(4, 2)
    points = np.concatenate([corners * 2 + (20, 22), corners * 7 + (41, 40)])
    assert draw([[(20, 22, 2), (41, 40, 7)]], nib=nib).sum() == pytest.approx(
        MultiPoint(points).convex_hull.area, rel=1e-3
    )


def test_wide_images_are_drawn_in_bands_without_a_seam():
    strokes = [[(5, 3, 2), (2990, 197, 9), (40, 100, 2)]]
    wide = draw(strokes, (200, 3000))
    left = draw(strokes, (200, 64))
    np.testing.assert_array_equal(wide[:, :64], left)


def test_what_lies_outside_is_cut_off_wherever_it_comes_from():
    far = draw([[(-1e9, 32, 1.5), (1e9, 32, 1.5)]])
    near = draw([[(-5, 32, 1.5), (70, 32, 1.5)]])
    np.testing.assert_allclose(far, near, atol=1 / 256)
    assert draw([[(1e9, -1e9, 2.0)]]).sum() == 0
    assert draw([[(-1e9, 32, 1.5), (1e9, 32, 1.5)]], tier="fast").sum() == pytest.approx(near.sum(), rel=1e-3)


def test_opacity_darkens_where_strokes_cross_and_nowhere_else():
    cross = [[(10, 32, 3), (54, 32, 3)], [(32, 10, 3), (32, 54, 3)]]
    drawn = draw(cross, opacity=0.6)
    assert drawn[32, 32] == pytest.approx(1 - 0.4**2)
    assert drawn[32, 15] == pytest.approx(0.6)
    assert draw(cross)[32, 32] == 1.0


def test_ink_varies_along_a_stroke_and_is_averaged_over_passes():
    drawn = draw([[(10, 32, 3), (32, 32, 3), (54, 32, 3)]], ink=[1.0, 0.4, 0.4])
    assert drawn[32, 15] == pytest.approx(1.0)
    assert drawn[32, 50] == pytest.approx(0.4)
    twice = draw([[(10, 32, 3), (54, 32, 3)], [(10, 32, 3), (54, 32, 3)]], ink=[1.0, 1.0, 0.5, 0.5])
    assert twice[32, 30] == pytest.approx(0.75)


@pytest.mark.parametrize("tier", ["exact", "fast"])
def test_hairlines_keep_their_weight(tier):
    for x in (20.0, 20.5, 20.8):
        assert draw([[(x, 10, 0.2), (x + 3, 50, 0.2)]], tier=tier).sum() == pytest.approx(
            0.4 * math.hypot(3, 40), rel=0.05
        )
