"""Paper and its texture bank: what each parameter does to a blank or inked sheet, in numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from kalamos.renderers.paper import compose, compose_flat
from kalamos.renderers.presets import PRESETS
from kalamos.renderers.style import Style
from kalamos.renderers.texture import SIDE, STRIP, UNIT, blur, gaussian_taps, grain_bank, halvings, random_unit

SIZES = st.lists(st.tuples(st.integers(1, 70), st.integers(1, 700)), min_size=1, max_size=4)


def sheet(style: Style, size: tuple[int, int] = (96, 160), ink: float = 0.0, seed: int = 0) -> np.ndarray:
    return compose(np.full(size, ink, np.float32), style, np.random.default_rng(seed))


def correlation_px(noise: np.ndarray) -> float:
    """Return the lag at which the correlation along rows falls below one half."""
    centred = noise - noise.mean()
    spectrum = np.abs(np.fft.fft(centred, axis=1)) ** 2
    along = np.fft.ifft(spectrum, axis=1).real.mean(axis=0)
    return float(np.argmax(along < along[0] / 2))


@pytest.mark.parametrize("size_px", [0.3, 1, 2, 5, 12, 30, 64])
def test_a_bank_has_unit_deviation_no_mean_and_the_grain_asked_for(size_px):
    bank = grain_bank(size_px)
    tile = bank[:, :SIDE].astype(float) / UNIT
    assert np.array_equal(bank[:, SIDE:], bank[:, :STRIP])
    assert abs(tile.mean()) < 0.02 and tile.std() == pytest.approx(1.0, abs=0.02)
    assert 0.4 * size_px <= correlation_px(tile) <= 1.6 * max(size_px, 1)


def test_a_bank_closes_at_its_edges():
    tile = grain_bank(12)[:, :SIDE].astype(float)
    inner = np.abs(np.diff(tile, axis=0)).mean()
    assert np.abs(tile[0] - tile[-1]).mean() == pytest.approx(inner, rel=0.3)


def test_grains_beyond_the_bank_are_halved_into_it():
    assert [halvings(size) for size in (4, 64, 65, 128, 500)] == [0, 0, 1, 1, 3]


def test_random_units_are_even_and_depend_on_seed_and_place():
    with np.errstate(over="ignore"):
        values = np.array([random_unit(np.uint64(seed), k) for seed in range(60) for k in range(60)])
    assert values.min() >= 0 and values.max() < 1 and len(np.unique(values)) == 3600
    assert np.histogram(values, 10, (0, 1))[0].min() > 280


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 6.0), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_blur_is_scipys_gaussian_and_keeps_constants(sigma, height, width, seed):
    image = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    flat = image.reshape(-1).copy()
    blur(flat, np.array([[height, width, 0]]), gaussian_taps(sigma))
    if sigma > 1:
        assert np.abs(flat.reshape(height, width) - gaussian_filter(image, sigma, mode="nearest")).max() < 0.03
    constant = np.full(height * width, 0.7, np.float32)
    blur(constant, np.array([[height, width, 0]]), gaussian_taps(sigma))
    assert np.allclose(constant, 0.7, atol=1e-6)


def test_the_default_style_only_inverts():
    coverage = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    assert np.array_equal(compose(coverage, Style(), np.random.default_rng(0)), 1 - coverage)


def test_paper_level_and_darkness_multiply():
    style = Style(paper_level=0.8, darkness=0.5)
    assert np.allclose(sheet(style), 0.8) and np.allclose(sheet(style, ink=1.0), 0.4)


@pytest.mark.parametrize(("name", "value"), [("paper_grain", 0.05), ("paper_cloud", 0.05)])
def test_grain_and_clouds_have_their_deviation(name, value):
    deviations = [sheet(Style(**{name: value}), (256, 256), seed=seed).std() for seed in range(8)]
    assert np.mean(deviations) == pytest.approx(value, rel=0.25)


def test_ink_texture_one_leaves_holes_and_paper_alone():
    style = Style(ink_texture=1.0)
    inked = sheet(style, (256, 256), ink=1.0)
    assert (inked > 0.9).mean() > 0.01 and (inked < 0.1).mean() > 0.2
    assert np.allclose(sheet(style), 1.0)


@pytest.mark.parametrize("angle", [0.0, 5.0])
def test_lines_lie_at_their_spacing(angle):
    style = Style(ruling="lines", ruling_spacing_px=20, ruling_width_px=2, ruling_darkness=0.5, ruling_angle_deg=angle)
    ruled = sheet(style, (200, 200))
    assert ruled.min() == pytest.approx(0.5) and ruled.max() == 1.0
    assert (1 - ruled).mean() == pytest.approx(0.5 * 2 / 20, rel=0.03)
    if angle == 0:
        assert np.flatnonzero(ruled[:, 0] < 0.6).tolist() == [k for y in range(10, 200, 20) for k in (y - 1, y)]


def test_grids_and_dots():
    grid = sheet(Style(ruling="grid", ruling_spacing_px=16, ruling_width_px=1, ruling_phase=0.25), (160, 160))
    assert np.allclose(grid, grid.T)
    dots = sheet(Style(ruling="dots", ruling_spacing_px=16, ruling_width_px=3, ruling_darkness=1.0), (160, 160))
    assert (1 - dots).sum() == pytest.approx(100 * np.pi / 4 * 9, rel=0.05)


def test_stains_cover_about_their_share():
    style = Style(stains=0.2, stain_darkness=0.5, stain_size_px=20)
    covered = np.mean([(sheet(style, (256, 256), seed=seed) < 0.99).mean() for seed in range(12)])
    assert 0.1 < covered < 0.3


def test_show_through_is_the_ink_mirrored():
    ink = np.zeros((40, 60), np.float32)
    ink[10:13, 5:20] = 1
    through = 1 - compose(ink, Style(show_through=0.5, darkness=0.02), np.random.default_rng(1))
    through[10:13, 5:20] = 0
    assert through.max() == pytest.approx(0.5, abs=0.02)
    assert through.sum() == pytest.approx(0.5 * ink.sum(), rel=0.25)


def test_light_fades_across_the_sheet():
    lit = sheet(Style(light=0.4, light_angle_deg=0.0), (20, 200))
    assert np.all(np.diff(lit[0]) < 0) and np.allclose(lit, lit[:1])
    assert lit[0, 0] == pytest.approx(1.0, abs=0.005) and lit[0, -1] == pytest.approx(0.6, abs=0.005)


def test_a_shadow_is_as_deep_as_asked():
    depths = [1 - sheet(Style(shadow=0.5), (120, 120), seed=seed).min() for seed in range(6)]
    assert max(depths) == pytest.approx(0.5, abs=0.01)
    assert max(depths) - min(depths) < 0.1


def test_bleeding_ink_grows_and_never_shrinks():
    ink = np.zeros((60, 60), np.float32)
    ink[25:35, 10:50] = 1
    wet = 1 - compose(ink, Style(bleed_px=2.0), np.random.default_rng(0))
    assert (wet >= ink - 1e-6).all()
    assert 1.05 * ink.sum() < wet.sum() < 1.8 * ink.sum()


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(PRESETS)),
    st.lists(st.tuples(st.integers(1, 70), st.integers(1, 700)), min_size=1, max_size=4),
)
def test_a_batch_gives_the_bytes_of_single_sheets(name, sizes):
    style = PRESETS[name]
    rng = np.random.default_rng(5)
    inks = [rng.random(size).astype(np.float32) for size in sizes]
    seeds = [np.random.default_rng(k).integers(0, 1 << 64, 1, np.uint64)[0] for k in range(len(sizes))]
    cells = [ink.size for ink in inks]
    frames = np.array([(*size, at) for size, at in zip(sizes, np.cumsum([0, *cells[:-1]]).tolist(), strict=True)])
    flat = np.concatenate([ink.reshape(-1) for ink in inks])
    compose_flat(flat, frames, style, np.array(seeds, np.uint64))
    alone = [compose(ink, style, np.random.default_rng(k)).reshape(-1) for k, ink in enumerate(inks)]
    assert np.array_equal(flat, np.concatenate(alone))


def test_seeds_decide():
    style = PRESETS["photo"]
    assert np.array_equal(sheet(style, seed=3), sheet(style, seed=3))
    assert not np.array_equal(sheet(style, seed=3), sheet(style, seed=4))


def test_ink_that_bleeds_keeps_its_transparency():
    ink = np.zeros((60, 60), np.float32)
    ink[20:40] = 0.6
    ink[:, 20:40] += 0.6 * (1 - ink[:, 20:40])
    wet = 1 - compose(ink, Style(bleed_px=1.0, opacity=0.6), np.random.default_rng(0))
    assert wet[30, 5] == pytest.approx(0.6) and wet[30, 30] == pytest.approx(0.84)
