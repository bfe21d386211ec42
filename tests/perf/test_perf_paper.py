"""Paper, ink texture and capture on 64 characters of 64 x 64, one thread: compare rows as ratios, in one run.

``pytest tests/perf/test_perf_paper.py --benchmark-only --benchmark-columns=min,median``

The rows of the group ``texture`` lay uneven ink on grainy, cloudy paper; the peers do it as training scripts usually
do.
"""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from kalamos.renderers import capture, paper
from kalamos.renderers.presets import PRESETS
from kalamos.renderers.style import Style
from kalamos.scans.load import clean, segment

N, SIDE = 64, 64
TEXTURED = Style(paper_grain=0.02, paper_cloud=0.01, ink_texture=0.3)
FRAMES = np.column_stack([np.full(N, SIDE), np.full(N, SIDE), np.arange(N) * SIDE * SIDE])
SEEDS = np.arange(N, dtype=np.uint64)


def coverage() -> np.ndarray:
    rings = np.hypot(*(np.indices((SIDE, SIDE)) - SIDE / 2))
    return np.tile(np.clip(2 - np.abs(rings - 20), 0, 1).astype(np.float32), (N, 1, 1))


def bank_and_kernel():
    flat = coverage().reshape(-1)
    return lambda: paper.compose_flat(flat.copy(), FRAMES, TEXTURED, SEEDS)


def numpy_noise_drawn_anew():
    inks, rng = coverage(), np.random.default_rng(0)

    def run():
        for ink in inks:
            grain = rng.standard_normal(ink.shape, np.float32)
            cloud = gaussian_filter(rng.standard_normal(ink.shape, np.float32), 12) * 24
            holes = np.clip(0.5 + 0.27 * rng.standard_normal(ink.shape, np.float32), 0, 1) ** 2
            _ = (1 + 0.02 * grain + 0.01 * cloud) * (1 - np.maximum(ink - 0.3 * holes, 0))

    return run


def numpy_crops_of_a_bank():
    inks, rng = coverage(), np.random.default_rng(0)
    bank = rng.standard_normal((3, 1024, 1024), np.float32)

    def run():
        for ink in inks:
            at = rng.integers(0, 1024 - SIDE, (3, 2))
            grain, cloud, holes = (bank[k, y : y + SIDE, x : x + SIDE] for k, (y, x) in enumerate(at))
            eaten = np.clip(0.5 + 0.27 * holes, 0, 1) ** 2
            _ = (1 + 0.02 * grain + 0.01 * cloud) * (1 - np.maximum(ink - 0.3 * eaten, 0))

    return run


def copy_only():
    flat = coverage().reshape(-1)
    return flat.copy


TEXTURES = [bank_and_kernel, numpy_crops_of_a_bank, numpy_noise_drawn_anew, copy_only]


@pytest.mark.benchmark(group="texture")
@pytest.mark.parametrize("maker", TEXTURES, ids=lambda maker: maker.__name__)
def test_texture(benchmark, maker):
    benchmark(maker())


@pytest.mark.benchmark(group="presets: paper and capture")
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets(benchmark, name):
    flat = coverage().reshape(-1)

    def run():
        grey = flat.copy()
        paper.compose_flat(grey, FRAMES, PRESETS[name], SEEDS)
        return capture.apply_flat(grey, FRAMES, PRESETS[name], SEEDS)

    benchmark(run)


@pytest.mark.benchmark(group="presets: paper and capture")
def test_jpeg_alone(benchmark):
    """What the compression by itself costs: most of the presets ``scan`` and ``photo``."""
    images = [Image.fromarray(np.uint8(255 * (1 - ink))) for ink in coverage()]

    def run():
        for image in images:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=80)
            np.asarray(Image.open(file))

    benchmark(run)


@pytest.mark.benchmark(group="scan of 2480 x 3508 px")
@pytest.mark.parametrize("step", ["clean", "segment"])
def test_scan(benchmark, step):
    style = dataclasses.replace(PRESETS["scan"], jpeg_quality=0, show_through=0.0)
    ring = coverage()[0]
    sheet = np.zeros((3508, 2480), np.float32)
    for y in range(200, 3300, 160):
        for x in range(200, 2200, 80):
            sheet[y : y + SIDE, x : x + SIDE] = ring
    grey, _ = capture.apply(paper.compose(sheet, style, np.random.default_rng(0)), style, np.random.default_rng(1))
    cleaned = clean(grey)
    benchmark(lambda: clean(grey) if step == "clean" else segment(cleaned, level="word"))
