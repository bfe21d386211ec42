"""The replay: its timing in closed form, its SVG as XML and in a browser, its frames as pixels."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kalamos.errors import KalamosError
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.replay.animation import frames, to_apng, to_gif
from kalamos.replay.smil import number, thin
from kalamos.replay.svg import to_svg
from kalamos.replay.timeline import coloured_runs, fastest, number_places, plan, ramp, speed_curve

SVG = "{http://www.w3.org/2000/svg}"


def two_strokes(*, timed: bool = True) -> Ink:
    """Right at 10 px/s for 2 s, 5 s of pause, down at 20 px/s for 1 s."""
    across = np.column_stack([np.linspace(10, 30, 21), np.full(21, 20.0)])
    down = np.column_stack([np.full(21, 50.0), np.linspace(10, 30, 21)])
    t = [np.linspace(0, 2, 21), np.linspace(7, 8, 21)] if timed else None
    return Ink.from_strokes([across, down], t)


def sheet(size: tuple[int, int] = (40, 64)) -> OfflineImage:
    pixels = np.full(size, 255, np.uint8)
    pixels[20, 10:30] = 0
    return OfflineImage(pixels)


def test_screen_time_is_the_inks_time_but_for_long_pauses():
    timeline = plan(two_strokes(), max_pause_s=0.5)
    assert timeline.duration_s == pytest.approx(3.5)
    assert timeline.shown_s[20] == pytest.approx(2.0)
    assert timeline.shown_s[21] == pytest.approx(2.5)
    assert timeline.note == "true speed, pauses cut to 0.5 s"


def test_a_given_duration_scales_all_times_alike():
    timeline = plan(two_strokes(), duration_s=16.0, max_pause_s=10.0)
    assert np.allclose(timeline.shown_s, 2 * two_strokes().t)
    assert timeline.note == "0.5 × true speed"


def test_speed_is_path_over_time():
    timeline = plan(two_strokes())
    assert np.allclose(timeline.speed[:21], 10.0, rtol=1e-4)
    assert np.allclose(timeline.speed[21:], 20.0, rtol=1e-4)
    assert fastest(timeline) == pytest.approx(20.0, rel=1e-4)
    curve = speed_curve(two_strokes(), timeline)
    assert np.isnan(curve.speed).sum() == 2 and len(curve.at_s) == 44


def test_without_times_the_pen_moves_at_constant_speed():
    ink = two_strokes(timed=False)
    timeline = plan(ink)
    steps = np.diff(timeline.shown_s)
    assert np.allclose(np.delete(steps, 20), steps[0])
    assert "no times" in timeline.note


@pytest.mark.parametrize("t", [[[0.0, 0.0]], [[3.0, 3.0]]])
def test_times_that_stand_still_count_as_none(t):
    assert "no times" in plan(Ink.from_strokes([[[0, 0], [5, 5]]], t)).note


def test_colours_change_along_long_segments_and_never_break_a_stroke():
    ink = Ink.from_strokes([[[0, 0], [100, 0]], [[0, 10]]], [[0.0, 1.0], [1.5]])
    runs = coloured_runs(ink, plan(ink), "time", 2.0)
    assert len(runs[0]) > 10 and len(runs[1]) == 1
    for before, after in zip(runs[0], runs[0][1:], strict=False):
        assert np.array_equal(before.xy[-1], after.xy[0]) and before.colour != after.colour


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(-50, 90), st.integers(-50, 90)), min_size=1, max_size=12), max_size=6),
    st.sampled_from(["time", "stroke", "speed"]),
    st.booleans(),
)
def test_any_ink_gives_valid_xml_with_ordered_key_times(strokes, colour_by, timed):
    n = sum(map(len, strokes))
    t = np.split(np.arange(n) * 0.01, np.cumsum([len(s) for s in strokes])[:-1]) if timed and n else None
    ink = Ink.from_strokes(strokes, t)
    if colour_by == "speed" and plan(ink).speed is None and n:
        with pytest.raises(KalamosError, match="no times"):
            to_svg(ink, sheet(), colour_by=colour_by)
        return
    root = ElementTree.fromstring(to_svg(ink, sheet(), colour_by=colour_by, title="<a & b>"))
    for animation in root.iter(f"{SVG}animate"):
        keys = [float(key) for key in animation.get("keyTimes").split(";")]
        assert keys[0] == 0 and max(keys) <= 1 and keys == sorted(keys)
        assert len(keys) == len(animation.get("values").split(";"))
        assert animation.get("calcMode") == "discrete" or keys[-1] == 1


def test_the_resting_state_shows_the_whole_ink():
    root = ElementTree.fromstring(to_svg(two_strokes(), colour_by="stroke", speed_profile=False))
    drawn = [path for path in root.iter(f"{SVG}path") if path.get("stroke-dasharray") and path.get("stroke")]
    assert len(drawn) == 2
    for path in drawn:
        assert path.find(f"{SVG}animate").get("attributeName") == "stroke-dashoffset"
        assert path.get("stroke-dashoffset") is None and path.get("opacity") is None


def test_a_dash_covers_its_path():
    svg = to_svg(two_strokes(), sheet(), colour_by="stroke", speed_profile=False)
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        if path.get("stroke-dasharray") is None:
            continue
        xy = np.array([float(value) for value in re.findall(r"[\d.]+", path.get("d"))]).reshape(-1, 2)
        length = np.hypot(*np.diff(xy, axis=0).T).sum()
        assert length <= float(path.get("stroke-dasharray").split()[0]) <= length + 0.3


def test_same_bytes_again():
    ink, image = two_strokes(), sheet()
    assert to_svg(ink, image) == to_svg(ink, image)
    assert to_gif(ink, image, size_px=64) == to_gif(ink, image, size_px=64)


def test_the_svg_stands_alone():
    svg = to_svg(two_strokes(), sheet())
    assert "<script" not in svg
    assert set(re.findall(r'(?:href|src)="([^:"]*)', svg)) == {"data"}
    assert set(re.findall(r"https?://[^\"' )]+", svg)) == {"http://www.w3.org/2000/svg"}


def test_frames_grow_to_the_whole_ink():
    shots = [np.asarray(shot).astype(int) for shot in frames(two_strokes(), colour_by="stroke", size_px=120)]
    dark = [(shot.sum(axis=2) < 600).sum() for shot in shots]
    assert dark[0] < 0.4 * dark[-1]
    assert dark[0] < dark[len(dark) // 3] < dark[-1]
    assert len(shots) <= 400


def test_gif_and_apng_play_as_long_as_the_ink_and_loop():
    for data in (to_gif(two_strokes(), size_px=64), to_apng(two_strokes(), size_px=64)):
        with Image.open(io.BytesIO(data)) as image:
            total = 0.0
            for k in range(image.n_frames):
                image.seek(k)
                total += image.info["duration"]
            assert image.info["loop"] == 0
            assert total == pytest.approx(1000 * (plan(two_strokes()).duration_s + 1.4), rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour_by": "mood"}, "not by 'mood'"),
        ({"duration_s": 0}, "duration_s"),
        ({"duration_s": float("nan")}, "duration_s"),
        ({"size_px": 10**6}, "size_px"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(KalamosError, match=message):
        to_svg(two_strokes(), **options)
    with pytest.raises(KalamosError, match=message):
        to_gif(two_strokes(), **options)


@pytest.mark.parametrize("ink", [Ink.empty(), Ink.from_strokes([[[3, 3]]]), Ink.from_strokes([[[3, 3]] * 5])])
def test_inks_without_extent_have_a_picture(ink):
    assert ElementTree.fromstring(to_svg(ink)).tag == f"{SVG}svg"
    assert to_gif(ink, size_px=32)[:3] == b"GIF"


def test_a_page_of_ink_stays_small():
    angle = np.linspace(0, 400, 20_000)
    ink = Ink.from_strokes([np.column_stack([angle, 20 * np.sin(angle)])], [angle / 10])
    assert len(to_svg(ink)) < 1_500_000


def test_numbers_are_short():
    assert [number(value) for value in (-0.04, 1.0, 2.50, 100.0, 0.05)] == ["0", "1", "2.5", "100", "0.1"]


def test_thinning_keeps_times_too():
    xy = np.column_stack([np.linspace(0, 10, 11), np.zeros(11)])
    assert thin(xy).tolist() == [0, 10]
    late = np.where(np.arange(11) > 5, 5.0, 0.0) + np.arange(11) / 10
    assert {5, 6} <= set(thin(xy, late).tolist())


def test_numbers_of_strokes_that_start_together_stay_apart():
    ink = Ink.from_strokes([[[30, 30], [50, 30]]] * 3 + [[[30, 30]]])
    runs = coloured_runs(ink, plan(ink), "stroke", 5.0)
    places = number_places(runs, 6.0, np.zeros(2), np.full(2, 64.0))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2)[np.triu_indices(4, 1)]
    assert gaps.min() > 4.0
    assert np.allclose(places[0], [24, 30])
    assert np.allclose(np.linalg.norm(places - 30, axis=1), 6.0)


def test_the_ramp_ends_where_it_says():
    assert ramp(0) == ramp(-3) == "#242c96"
    assert ramp(1) == ramp(9) == "#f08228"


@pytest.mark.browser
def test_a_browser_draws_the_ink_in_its_order(browser):
    svg = to_svg(two_strokes(), colour_by="stroke", max_pause_s=0.5, speed_profile=False)
    set_time = "t => { const s = document.querySelector('svg'); s.pauseAnimations(); s.setCurrentTime(t) }"
    ink = []
    page = browser.new_page(viewport={"width": 420, "height": 520})
    page.set_content(f"<body style='margin:0'>{svg}</body>")
    for second in (0.0, 1.0, 2.1, 3.6):
        page.evaluate(set_time, second)
        shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
        blue = (shot[..., 2] - shot[..., 0] > 100).sum()
        red = (shot[..., 0] - shot[..., 2] > 100).sum()
        ink.append((blue, red))
    page.close()
    (b0, r0), (b1, r1), (b2, r2), (b3, r3) = ink
    assert b0 < 0.1 * b2 and 0.35 * b2 < b1 < 0.65 * b2 and b3 == pytest.approx(b2, rel=0.05)
    assert r0 == r1 == r2 == 0 < r3
