"""Rendering: the truth lies on the ink, bytes do not depend on company, bad input has a defined end."""

import hashlib
import time

import hypothesis.strategies as st
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from kalamos.errors import StyleError
from kalamos.ink import Ink
from kalamos.machinery.seeding import rng_for
from kalamos.renderers import PRESETS, Style, render, render_batch
from kalamos.renderers.outline import outline

coordinates = st.floats(-1e4, 1e4, width=32)
strokes = st.lists(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.just(2)), elements=coordinates), min_size=1, max_size=4
)

GEOMETRY = {
    "slant_deg": (-45, 45), "rotation_deg": (-180, 180), "aspect": (0.4, 2.5), "elastic_px": (0, 6),
    "tremor_px": (0, 2), "scale": (0.3, 1), "shift_x": (-1, 1), "shift_y": (-1, 1), "centring": ["box", "mass"],
    "smoothing": ["none", "catmull-rom", "bspline"], "frame": ["fixed", "height"],
}  # fmt: skip
NIB = {
    "nib_shape": ["round", "ellipse", "broad"], "nib_angle_deg": (-180, 180), "nib_aspect": (0.02, 1),
    "width_px": (0.1, 9),
    "width_law": ["constant", "speed", "pressure", "direction"], "width_low": (0.02, 1), "width_high": (0.5, 1.5),
    "taper_start_px": (0, 9), "taper_end_px": (0, 9), "pooling": (0, 1), "pooling_start": (0, 1), "opacity": (0.3, 1),
    "pressure_darkness": (0, 1), "dry_gaps": (0, 0.6), "tier": ["exact", "fast"],
}  # fmt: skip


def written(seed=0, points=30, count=3):
    """Return a timed ink with pressure."""
    rng = np.random.default_rng(seed)
    xy = [np.cumsum(np.cumsum(rng.normal(size=(points, 2)), 0), 0) + rng.uniform(-99, 99, 2) for _ in range(count)]
    t = np.cumsum(rng.uniform(0.004, 0.03, points * count)).reshape(count, points)
    return Ink.from_strokes(xy, t=list(t), pressure=list(rng.uniform(0, 1, (count, points))))


BROAD_ENOUGH = {"width_px": (1.5, 9), "width_low": (0.5, 1), "opacity": (0.5, 1)}


@settings(max_examples=60, deadline=None)
@given(strokes, st.integers(0, 1 << 30))
def test_every_truth_point_lies_in_the_outline_whatever_the_style(drawn, seed):
    style = Style.sample(rng_for(seed, "style"), GEOMETRY | NIB, Style(image_width_px=96, image_height_px=96))
    outlined = outline(timed(drawn), style, seed=seed, tolerance_px=0.01)
    points = shapely.points(outlined.truth.xy.astype(float))
    assert (shapely.distance(points, outlined.union()) < 1e-4).all()


@settings(max_examples=60, deadline=None)
@given(strokes, st.integers(0, 1 << 30))
def test_every_truth_point_lies_on_ink_whatever_the_style(drawn, seed):
    ranges = GEOMETRY | NIB | BROAD_ENOUGH
    del ranges["dry_gaps"]  # where a dry pen skipped there may be less ink than a grey level
    style = Style.sample(rng_for(seed, "style"), ranges, Style(image_width_px=96, image_height_px=96))
    image, truth, _ = render(timed(drawn), style, seed=seed)
    column, row = np.floor(truth.xy.T).astype(int)
    assert (column >= 0).all() and (row >= 0).all()
    assert (column < image.width_px).all() and (row < image.height_px).all()
    # a point on a pixel's edge may belong to either side of it
    xy = np.floor(truth.xy[:, None] + [(-0.05, -0.05), (-0.05, 0.05), (0.05, -0.05), (0.05, 0.05)]).astype(int)
    assert (image.pixels[xy[..., 1], xy[..., 0]].min(axis=1) < 255).all()


def timed(drawn):
    """Return strokes as an ink with evenly spaced times."""
    ends = np.cumsum([len(stroke) for stroke in drawn])
    return Ink.from_strokes(drawn, t=np.split(np.linspace(0, 1, ends[-1]), ends[:-1]))


@pytest.mark.parametrize("name", PRESETS)
def test_bytes_are_the_same_alone_in_a_batch_and_on_two_threads(name):
    style = PRESETS[name].replace(elastic_px=1.0, tremor_px=0.3, dry_gaps=0.1)
    bare = Ink(written(7).xy, written(7).offsets)
    inks = [written(1), bare, Ink.empty(), Ink.from_strokes([[[3, 4]]]), written(4, 90, 2), written(5, 5, 9)]
    keys = [f"k{i}" for i in range(len(inks))]
    alone = [render(ink, style, seed=3, key=key) for ink, key in zip(inks, keys, strict=True)]
    for threads in (1, 2):
        many = render_batch(inks * 4, style, seed=3, keys=keys * 4, threads=threads)
        for one, other in zip(alone * 4, many, strict=True):
            np.testing.assert_array_equal(one.image.pixels, other.image.pixels)
            assert one.truth == other.truth
            assert one.placement == other.placement


@pytest.mark.parametrize("frame", ["fixed", "height", "tight"])
def test_frames_of_many_sizes_do_not_disturb_each_other(frame):
    style = Style(frame=frame, width_px=3.0, nib_shape="broad", opacity=0.7)
    inks = [written(i, 3 + 5 * i, 1 + i % 3) for i in range(12)]
    for ink, many in zip(inks, render_batch(inks, style, threads=2), strict=True):
        np.testing.assert_array_equal(render(ink, style).image.pixels, many.image.pixels)


def test_chance_follows_seed_and_key():
    style = PRESETS["scan"]
    base = render(written(), style, seed=1, key="a").image.pixels
    assert not np.array_equal(base, render(written(), style, seed=2, key="a").image.pixels)
    assert not np.array_equal(base, render(written(), style, seed=1, key="b").image.pixels)


def test_the_default_frame_puts_the_path_into_a_box_of_52_px():
    image, truth, placement = render(Ink.from_strokes([[[100, 10], [300, 110]]]))
    assert image.pixels.shape == (64, 64)
    np.testing.assert_allclose(truth.xy, [[6, 19], [58, 45]], atol=1e-5)
    assert placement.scale == pytest.approx(52 / 200)
    np.testing.assert_allclose(placement.to_pixels(Ink.from_strokes([[[200, 60]]])).xy, [[32, 32]], atol=1e-4)


def test_a_fixed_height_gives_a_width_that_follows_the_ink():
    wide = render(Ink.from_strokes([[[0, 0], [400, 100]]]), Style(frame="height")).image
    assert (wide.height_px, wide.width_px) == (64, 4 * 52 + 12)
    dash = render(Ink.from_strokes([[[0, 0], [400, 0]]]), Style(frame="height")).image
    assert dash.width_px <= 64 * 64


def test_the_placement_and_its_inverse_meet_where_geometry_is_left_alone():
    ink = written(3)
    _, truth, placement = render(ink, Style(shift_x=-0.5, scale=0.7, centring="mass"))
    np.testing.assert_allclose(placement.to_pixels(ink).xy, truth.xy, atol=1e-3)
    np.testing.assert_allclose(placement.from_pixels(truth).xy, ink.xy, atol=1e-2)


def test_shift_and_mass_never_push_the_path_over_the_margin():
    for style in (Style(scale=0.4, shift_x=1, shift_y=-1), Style(centring="mass", aspect=3.0, shift_x=-1)):
        truth = render(written(9), style).truth
        assert truth.xy.min() >= 6 - 1e-3
        assert truth.xy.max() <= 58 + 1e-3


def test_slant_leans_the_top_to_the_right_and_rotation_is_clockwise():
    upright = Ink.from_strokes([[[0, 100], [0, 0]]])
    bottom, top = render(upright, Style(slant_deg=30)).truth.xy
    assert np.degrees(np.arctan2(top[0] - bottom[0], bottom[1] - top[1])) == pytest.approx(30, abs=1e-3)
    start, end = render(Ink.from_strokes([[[0, 0], [10, 0]]]), Style(rotation_deg=90)).truth.xy
    assert end[1] > start[1] and end[0] == pytest.approx(start[0], abs=1e-4)


def test_a_b_spline_moves_the_truth_onto_itself_and_catmull_rom_leaves_it():
    ink = Ink.from_strokes([[[0, 0], [10, 0], [10, 10], [0, 10]]])
    plain = render(ink, Style()).truth.xy
    np.testing.assert_array_equal(render(ink, Style(smoothing="catmull-rom")).truth.xy, plain)
    spline = render(ink, Style(smoothing="bspline")).truth.xy
    np.testing.assert_allclose(spline[[0, 3]], plain[[0, 3]], atol=1e-4)
    expected = (plain[0] + 4 * plain[1] + plain[2]) / 6
    np.testing.assert_allclose(spline[1], expected, atol=1e-4)


def test_a_smoothed_polygon_of_a_circle_is_round():
    angles = np.linspace(0, 2 * np.pi, 17)
    ink = Ink.from_strokes([np.stack([np.cos(angles), np.sin(angles)], 1)])
    fine = np.linspace(0, 2 * np.pi, 721)
    circle = Ink.from_strokes([np.stack([np.cos(fine), np.sin(fine)], 1)])
    wanted = render(circle).image.pixels.astype(float)
    rough = np.abs(render(ink).image.pixels - wanted).mean()
    smooth = np.abs(render(ink, Style(smoothing="catmull-rom")).image.pixels - wanted).mean()
    assert smooth < rough / 3


def dark(image):
    return 255.0 - image.pixels


def test_width_laws_thicken_where_they_should():
    xy = np.stack([np.linspace(0, 100, 41), np.zeros(41)], 1)
    t = np.concatenate([np.linspace(0, 1, 21), 1 + np.linspace(0, 0.1, 21)[1:]])
    ink = Ink.from_strokes([xy], t=[t], pressure=[np.linspace(0, 1, 41)])
    flat = render(ink, Style(width_px=4)).image
    assert dark(flat)[:, 16].sum() == pytest.approx(dark(flat)[:, 48].sum())
    speed = dark(render(ink, Style(width_px=4, width_law="speed", width_smoothing_px=0)).image)
    assert speed[:, 16].sum() > 1.2 * speed[:, 48].sum()
    pressure = dark(render(ink, Style(width_px=4, width_law="pressure", width_smoothing_px=0)).image)
    assert pressure[:, 48].sum() > 1.3 * pressure[:, 16].sum()
    paler = dark(render(ink, Style(width_px=4, pressure_darkness=0.8)).image)
    assert paler[32, 12] < 0.6 * paler[32, 52]
    along = dark(render(ink, Style(width_px=4, width_law="direction", nib_angle_deg=0)).image)
    across = dark(render(ink, Style(width_px=4, width_law="direction", nib_angle_deg=90)).image)
    assert across[:, 32].sum() == pytest.approx(1.3 / 0.5 * along[:, 32].sum(), rel=0.03)


def test_tapers_thin_the_ends_pools_thicken_the_start_and_a_dot_stays_a_dot():
    line = Ink.from_strokes([[[x, 0] for x in range(53)]])
    tapered = dark(render(line, Style(width_px=4, taper_start_px=12, taper_end_px=12)).image)
    assert tapered[:, 8].sum() < 0.6 * tapered[:, 32].sum() and tapered[:, 56].sum() < 0.6 * tapered[:, 32].sum()
    pooled = dark(render(line, Style(width_px=4, pooling_start=0.8)).image)
    assert pooled[:, 6].sum() > 1.3 * pooled[:, 32].sum()
    dot = Ink.from_strokes([[[5, 5]]])
    np.testing.assert_array_equal(render(dot).image.pixels, render(dot, Style(taper_start_px=9)).image.pixels)


def test_a_dry_pen_leaves_about_the_share_it_is_told():
    line = Ink.from_strokes([[[x / 4, 0] for x in range(4001)]])
    style = Style(frame="tight", width_px=2, dry_gaps=0.3, dry_length_px=5)
    row = dark(render(line, style, key="dry").image).sum(0)[10:-10]
    assert 0.15 < (row < 0.5 * row.max()).mean() < 0.45


def test_an_ink_without_times_or_pressure_is_drawn_at_its_plain_width():
    bare = Ink(written(2).xy, written(2).offsets)
    plain = render(bare, Style()).image.pixels
    for law in ("speed", "pressure"):
        np.testing.assert_array_equal(render(bare, Style(width_law=law)).image.pixels, plain)


def test_an_empty_ink_is_a_blank_sheet_and_a_dot_is_a_dot():
    image, truth, _ = render(Ink.empty())
    assert (image.pixels == 255).all() and image.pixels.shape == (64, 64) and truth.n_points == 0
    dot = render(Ink.from_strokes([[[3, 4]]]), Style(width_px=8)).image
    assert dark(dot).sum() / 255 == pytest.approx(np.pi * 16, rel=0.01)
    same = Ink.from_strokes([[[3, 4]] * 5])
    np.testing.assert_array_equal(render(same, Style(width_px=8)).image.pixels, dot.pixels)


@pytest.mark.parametrize("smoothing", ["none", "catmull-rom", "bspline"])
def test_huge_tiny_and_endless_inks_are_drawn_in_bounded_time(smoothing):
    style = Style(smoothing=smoothing)
    for reach in (1e9, 1e-30, 3e37):
        ink = Ink.from_strokes([[[-reach, -reach], [reach, reach], [reach, -reach]]])
        image, truth, _ = render(ink, style)
        assert image.pixels.min() == 0
        np.testing.assert_allclose(truth.xy[[0, 2]], [[6, 6], [58, 6]], atol=1e-3)
    million = Ink.from_strokes(
        [np.random.default_rng(0).normal(size=(200_000 if smoothing != "none" else 1_000_000, 2))]
    )
    started = time.perf_counter()
    render(million, style)
    assert time.perf_counter() - started < 60


def test_coordinates_far_outside_a_frame_of_fixed_scale_cost_nothing():
    ink = Ink.from_strokes([[[-1e9, 0], [1e9, 1]], [[0, -1e9], [0, 1e9]]])
    image = render(ink, Style(px_per_unit=1.0)).image
    assert (image.pixels[:, 32] < 128).all() and (image.pixels[32] < 128).all()


def test_what_does_not_fit_is_refused_by_name():
    line = Ink.from_strokes([[[0, 0], [1e6, 1e6]]])
    with pytest.raises(StyleError, match="px_per_unit"):
        render(line, Style(frame="tight", px_per_unit=1.0))
    with pytest.raises(StyleError, match="margin_px"):
        render(line, Style(margin_px=40))
    with pytest.raises(StyleError, match="nib reaches"):
        render(line, Style(width_px=200))
    with pytest.raises(StyleError, match="keys"):
        render_batch([line], keys=["a", "b"])


def test_the_script_is_carried_and_the_channels_stay():
    ink = written(2)
    image, truth, _ = render(ink, script="Latn")
    assert image.script == "Latn"
    np.testing.assert_array_equal(truth.t, ink.t)
    np.testing.assert_array_equal(truth.pressure, ink.pressure)


def test_perspective_moves_the_truth_with_the_ink():
    style = Style(perspective=0.2, width_px=3)
    for seed in range(5):
        image, truth, _ = render(written(seed), style, seed=seed)
        column, row = np.floor(truth.xy.T).astype(int)
        assert (image.pixels[row, column] < 200).all()


def test_golden_bytes():
    """Bytes of the default style are part of its meaning: benchmarks pin checksums of such images."""
    ink = Ink.from_strokes([[[0, 0], [30, 40], [60, 5]], [[10, 30]]])
    digests = {
        tier: hashlib.sha256(render(ink, Style(tier=tier)).image.pixels).hexdigest()[:16] for tier in ("exact", "fast")
    }
    assert digests == {"exact": "d1a35bfa523e0ad1", "fast": "83b90d092c1b366e"}


def test_a_scaled_picture_is_the_picture_at_another_resolution():
    style = Style(width_px=3.0, taper_end_px=8.0, smoothing="catmull-rom", width_law="speed")
    small = render(written(3), style).image.pixels
    large = render(written(3), style.scaled(4)).image.pixels
    assert large.shape == (256, 256)
    again = large.reshape(64, 4, 64, 4).mean((1, 3))
    assert np.abs(again - small).mean() < 0.3


def test_a_skipping_ballpoint_rarely_looks_like_a_lifted_pen():
    from scipy.ndimage import label

    inks = [written(seed, 40, 1) for seed in range(150)]
    keys = [str(k) for k in range(len(inks))]

    def pieces(style):
        drawn = render_batch(inks, style, keys=keys)
        return np.array([label(255 - one.image.pixels > 60, np.ones((3, 3)))[1] for one in drawn])

    ballpoint = PRESETS["ballpoint"]
    assert (pieces(ballpoint) > pieces(ballpoint.replace(dry_gaps=0.0))).mean() < 0.02
    assert (pieces(ballpoint.replace(dry_length_px=5.0)) > pieces(ballpoint.replace(dry_gaps=0.0))).mean() > 0.1
