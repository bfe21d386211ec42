"""Thinning and the stroke graph against their peers, in one run: compare the rows of a group as ratios.

``pytest tests/perf/test_perf_skeleton.py --benchmark-only --benchmark-group-by=group --benchmark-columns=median,ops``

Group ``graph``: from the same thinned mask to nodes and edges. Group ``whole``: from the grey picture; the peers are
given scikit-image's threshold and thinning, Kalamos prunes, merges and smooths besides.
"""

from __future__ import annotations

import numpy as np
import pytest
from shapes import drawn

from kalamos.skeleton.from_image import skeleton
from kalamos.skeleton.pixel_graph import pixel_graph
from kalamos.skeleton.thinning import thin

SIZES = {"character": (64, 64, 3, 40), "line": (128, 1024, 40, 38)}


def pictures(kind):
    height, width, n_strokes, n_points = SIZES[kind]
    rng = np.random.default_rng(3)
    found = []
    for _ in range(20 if kind == "character" else 3):
        strokes = []
        for _ in range(n_strokes):
            angle = np.cumsum(rng.normal(0, 0.3, n_points)) + rng.uniform(0, 6)
            path = np.cumsum(1.9 * np.stack([np.cos(angle), np.sin(angle)], axis=1), axis=0)
            middle = rng.uniform((20, 20), (width - 20, height - 20))
            strokes.append(np.clip(path - path.mean(axis=0) + middle, 4, (width - 4, height - 4)))
        found.append(drawn(strokes, size=(height, width)))
    return found


def kalamos_thin(mask):
    return thin(mask)


def skimage_zhang(mask):
    return pytest.importorskip("skimage.morphology").skeletonize(mask)


@pytest.mark.parametrize("run", [kalamos_thin, skimage_zhang], ids=lambda run: run.__name__)
@pytest.mark.parametrize("kind", SIZES)
def test_thinning(benchmark, run, kind):
    benchmark.group = f"thinning, {kind}"
    masks = [picture < 128 for picture in pictures(kind)]
    run(masks[0])
    benchmark(lambda: [run(mask) for mask in masks])


def kalamos_pixel_graph(lines, picture):
    return pixel_graph(lines)


def sknw_multi(lines, picture):
    return pytest.importorskip("sknw").build_sknw(lines.astype(np.uint16), multi=True)


def skan_skeleton(lines, picture):
    return pytest.importorskip("skan").Skeleton(lines)


@pytest.mark.parametrize("run", [kalamos_pixel_graph, sknw_multi, skan_skeleton], ids=lambda run: run.__name__)
@pytest.mark.parametrize("kind", SIZES)
def test_graph(benchmark, run, kind):
    benchmark.group = f"graph, {kind}"
    pairs = [(thin(picture < 128), picture) for picture in pictures(kind)]
    run(*pairs[0])
    benchmark(lambda: [run(*pair) for pair in pairs])


def kalamos_whole(picture):
    return skeleton(picture)


def thinned(picture):
    filters, morphology = (pytest.importorskip(f"skimage.{name}") for name in ("filters", "morphology"))
    return morphology.skeletonize(picture <= filters.threshold_otsu(picture))


def sknw_whole(picture):
    return sknw_multi(thinned(picture), picture)


def skan_whole(picture):
    return skan_skeleton(thinned(picture), picture)


@pytest.mark.parametrize("run", [kalamos_whole, sknw_whole, skan_whole], ids=lambda run: run.__name__)
@pytest.mark.parametrize("kind", SIZES)
def test_whole(benchmark, run, kind):
    benchmark.group = f"whole, {kind}"
    found = pictures(kind)
    run(found[0])
    benchmark(lambda: [run(picture) for picture in found])
