"""The camera: each step against its definition, and the homography against what it did to the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import center_of_mass

from kalamos.renderers.capture import apply, apply_flat, homographies, move
from kalamos.renderers.presets import PRESETS
from kalamos.renderers.style import Style

SIZES = st.lists(st.tuples(st.integers(1, 70), st.integers(1, 300)), min_size=1, max_size=4)


def taken(grey: np.ndarray, style: Style, seed: int = 0) -> np.ndarray:
    return apply(np.asarray(grey, np.float32), style, np.random.default_rng(seed))[0]


def bar(size: int = 40) -> np.ndarray:
    grey = np.ones((size, size), np.float32)
    grey[15:25, 10:30] = 0
    return grey


def test_nothing_but_rounding_by_default():
    grey = np.arange(256, dtype=np.float32).reshape(16, 16) / 255
    assert np.array_equal(taken(grey, Style()), np.arange(256).reshape(16, 16))


def test_out_of_range_light_is_clipped():
    assert taken([[-1.0, 2.0]], Style()).tolist() == [[0, 255]]


def test_noise_has_its_deviation():
    noisy = taken(np.full((300, 300), 0.5), Style(noise=0.04)).astype(float)
    assert noisy.std() == pytest.approx(0.04 * 255, rel=0.05) and noisy.mean() == pytest.approx(127.5, abs=0.7)


def test_blur_spreads_and_keeps_the_ink():
    blurred = 255 - taken(bar(), Style(blur_px=1.5)).astype(float)
    assert blurred.sum() == pytest.approx(255 * 200, rel=0.01)
    assert 0 < blurred[13, 20] < 255


def test_gamma_is_a_power():
    assert taken([[0.5]], Style(gamma=2.0)).tolist() == [[64]]


@pytest.mark.parametrize(("by_px", "area"), [(1.0, 22 * 10 + 2 * 20 - 20 * 10 + 200), (-1.0, 18 * 8), (2.0, None)])
def test_thickness_moves_the_outline(by_px, area):
    ink = (255 - taken(bar(), Style(thickness_px=by_px)).astype(float)) / 255
    if area is not None:
        assert ink.sum() == area
    rows = np.flatnonzero(ink[:, 20] > 0.5)
    assert len(rows) == 10 + 2 * by_px


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_more_thickness_is_more_ink(a, b):
    low, high = sorted((a, b))
    thin = taken(bar(), Style(thickness_px=low)).astype(int).sum()
    assert taken(bar(), Style(thickness_px=high)).astype(int).sum() <= thin


def test_salt_and_pepper_have_their_shares():
    dusty = taken(np.full((300, 300), 0.5), Style(salt=0.05, pepper=0.1))
    assert (dusty == 255).mean() == pytest.approx(0.05, abs=0.005)
    assert (dusty == 0).mean() == pytest.approx(0.10, abs=0.005)


def test_jpeg_is_what_a_file_would_hold():
    grey = np.random.default_rng(0).random((33, 47)).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(taken(grey, Style())).save(file, "JPEG", quality=30)
    assert np.array_equal(taken(grey, Style(jpeg_quality=30)), np.asarray(Image.open(file)))


@pytest.mark.parametrize("width", [1, 13, 64])
def test_images_compressed_together_come_out_as_alone(width):
    heights = [64, 1, 9, 30, 8, 17]
    greys = [np.random.default_rng(h).random((h, width)).astype(np.float32) for h in heights]
    starts = np.cumsum([0, *(h * width for h in heights[:-1])])
    frames = np.column_stack([heights, np.full(len(heights), width), starts])
    style = Style(jpeg_quality=40)
    flat = np.concatenate([grey.reshape(-1) for grey in greys])
    together, _ = apply_flat(flat, frames, style, np.arange(6, dtype=np.uint64))
    assert np.array_equal(together, np.concatenate([taken(grey, style).reshape(-1) for grey in greys]))


@pytest.mark.parametrize("method", ["fixed", "otsu", "sauvola"])
def test_thresholds_part_ink_from_paper(method):
    grey = 0.3 + 0.6 * bar()
    binary = taken(grey, Style(binarise=method, blur_px=0.5))
    assert set(np.unique(binary)) == {0, 255}
    assert (binary == 0).sum() == pytest.approx(200, abs=12)


def test_a_fixed_threshold_is_where_it_says():
    grey = np.array([[0.29, 0.31]], np.float32)
    assert taken(grey, Style(binarise="fixed", threshold=0.3)).tolist() == [[0, 255]]


@pytest.mark.parametrize("method", ["fixed", "otsu", "sauvola"])
def test_a_blank_sheet_stays_white(method):
    assert (taken(np.ones((30, 30)), Style(binarise=method)) == 255).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 0.3), st.integers(40, 120), st.integers(40, 120))
def test_the_homography_says_where_the_ink_went(seed, perspective, height, width):
    style = Style(perspective=perspective)
    spots = np.array([[0.25 * width, 0.3 * height], [0.8 * width, 0.4 * height], [0.5 * width, 0.75 * height]])
    for spot in np.floor(spots):
        grey = np.ones((height, width), np.float32)
        x, y = spot.astype(int)
        grey[y - 2 : y + 2, x - 2 : x + 2] = 0
        pixels, homography = apply(grey, style, np.random.default_rng(seed))
        found = np.array(center_of_mass(255 - pixels.astype(float)))[::-1] + 0.5
        assert np.abs(move(homography, spot[None])[0] - found).max() < 0.25


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**63), st.floats(0.0, 0.3), st.integers(4, 300), st.integers(4, 300))
def test_perspective_keeps_every_corner_inside(seed, perspective, height, width):
    frames = np.array([[height, width, 0]])
    [homography] = homographies(frames, Style(perspective=perspective), np.array([seed], np.uint64))
    corners = move(homography, np.array([[0, 0], [width, 0], [width, height], [0, height]], float))
    assert corners.min() >= -1e-6 and (corners <= np.array([width, height]) + 1e-6).all()
    if perspective == 0:
        assert np.array_equal(homography, np.eye(3))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(PRESETS)),
    st.lists(st.tuples(st.integers(1, 70), st.integers(1, 300)), min_size=1, max_size=4),
)
def test_a_batch_gives_the_bytes_of_single_pictures(name, sizes):
    style = PRESETS[name].replace(perspective=0.1, thickness_px=0.6, salt=0.01)
    rng = np.random.default_rng(7)
    greys = [rng.random(size).astype(np.float32) for size in sizes]
    seeds = np.array([np.random.default_rng(k).integers(0, 1 << 64, 1, np.uint64)[0] for k in range(len(sizes))])
    cells = [grey.size for grey in greys]
    frames = np.array([(*size, at) for size, at in zip(sizes, np.cumsum([0, *cells[:-1]]).tolist(), strict=True)])
    pixels, _ = apply_flat(np.concatenate([grey.reshape(-1) for grey in greys]), frames, style, seeds)
    alone = [apply(grey, style, np.random.default_rng(k))[0].reshape(-1) for k, grey in enumerate(greys)]
    assert np.array_equal(pixels, np.concatenate(alone))


def test_the_callers_array_is_left_alone():
    grey = bar()
    before = grey.copy()
    apply(grey, PRESETS["photo"], np.random.default_rng(0))
    assert np.array_equal(grey, before)


def test_motion_smears_along_one_way_and_leaves_the_ink_where_it_was():
    grey = np.ones((41, 41), np.float32)
    grey[20, 20] = 0
    for seed in range(6):
        ink = 255 - taken(grey, Style(motion_px=9.0), seed).astype(float)
        y, x = np.nonzero(ink)
        assert ink.sum() == pytest.approx(255, rel=0.08)
        assert np.allclose(center_of_mass(ink), (20, 20), atol=0.15)
        spread = np.linalg.eigvalsh(np.cov(np.stack([x, y]), aweights=ink[y, x]))
        assert np.sqrt(12 * spread[1]) == pytest.approx(9, abs=1.6) and spread[0] < 0.5


def test_motion_leaves_even_grey_alone():
    assert (taken(np.full((7, 9), 0.4), Style(motion_px=25.0)) == 102).all()
