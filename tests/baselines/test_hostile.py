"""Pictures that are no handwriting: every tracer has a defined answer within a bounded time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from kalamos.baselines import tracer
from kalamos.baselines.speed_models import SPEED_PX_S, with_times
from kalamos.image import OfflineImage
from kalamos.ink import Ink
from kalamos.recoverer import load_recoverer
from kalamos.skeleton.from_image import skeleton

GRAPH_TRACERS = ["good-continuation", "qiao", "kato-yasuhara", "jaeger", "diaz", "dinh", "elbaati"]
EVERY = [*GRAPH_TRACERS, "nearest"]
SIDE_PX = 4000


def noise(side_px, share=0.5):
    return ((np.random.default_rng(1).random((side_px, side_px)) >= share) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def noise_page():
    pixels = noise(SIDE_PX)
    start = time.process_time()
    graph = skeleton(pixels)
    assert time.process_time() - start < 60
    return pixels, graph


def timed(name, pixels):
    recoverer = load_recoverer(name)
    recoverer.recover([OfflineImage(noise(64, 0.2))])
    start = time.process_time()
    ink = recoverer.recover([OfflineImage(pixels)])[0]
    return ink, time.process_time() - start


@pytest.mark.parametrize("name", GRAPH_TRACERS)
def test_a_page_of_noise_is_given_back_as_found(name, noise_page, monkeypatch):
    """The graph of the page is made once for all tracers; what they add to it is timed."""
    pixels, graph = noise_page
    assert graph.n_edges > tracer.MOST_EDGES
    monkeypatch.setattr(
        tracer, "skeleton", lambda image, method: graph if image.shape == pixels.shape else skeleton(image)
    )
    ink, seconds = timed(name, pixels)
    assert seconds < 10
    assert ink.n_strokes == graph.n_edges + len(graph.dots())
    assert ink.xy[: ink.offsets[1]].tolist() == graph.points[: graph.edge_offsets[1]].astype(np.float32).tolist()
    assert ink.t is not None
    assert (np.diff(ink.t) >= 0).all()


def test_nearest_walks_a_page_of_noise():
    ink, seconds = timed("nearest", noise(SIDE_PX))
    assert seconds < 60
    assert ink.n_points > SIDE_PX**2 / 10


@pytest.mark.parametrize("name", EVERY)
def test_noise_of_just_fewer_edges_than_are_given_up_is_traced(name):
    pixels = noise(480, 0.4)
    assert 0.9 * tracer.MOST_EDGES < skeleton(pixels).n_edges <= tracer.MOST_EDGES
    ink, seconds = timed(name, pixels)
    assert seconds < 30
    assert np.isfinite(ink.xy).all()
    assert ink.n_strokes < 20_000


@pytest.mark.parametrize("name", EVERY)
def test_a_page_that_is_all_paper(name):
    paper = np.full((SIDE_PX, SIDE_PX), 255, np.uint8)
    ink, seconds = timed(name, paper)
    assert ink == Ink.empty()
    assert seconds < 5


@pytest.mark.parametrize("name", EVERY)
def test_a_page_that_is_all_ink(name):
    ink, seconds = timed(name, np.zeros((SIDE_PX, SIDE_PX), np.uint8))
    assert ink.n_strokes == 1
    assert np.isfinite(ink.xy).all()
    assert seconds < 10


@pytest.mark.parametrize("name", EVERY)
def test_a_page_with_one_pixel_inside_a_ring(name):
    y, x = np.ogrid[:SIDE_PX, :SIDE_PX]
    ring = np.abs((y - SIDE_PX // 2) ** 2 + (x - SIDE_PX // 2) ** 2 - 1500**2) < 3 * 1500
    ring[SIDE_PX // 2, SIDE_PX // 2] = True
    ink, seconds = timed(name, np.where(ring, 0, 255).astype(np.uint8))
    assert ink.n_strokes == 2
    assert [SIDE_PX / 2 + 0.5] * 2 in ink.xy.tolist()
    assert np.hypot(*(ink.xy - SIDE_PX / 2).T).max() == pytest.approx(1500, abs=3)
    assert seconds < 10


TEXTURES = {
    "chequerboard": lambda y, x: (x + y) % 2 == 0,
    "large chequerboard": lambda y, x: (x // 2 + y // 2) % 2 == 0,
    "stripes": lambda y, x: y % 2 + 0 * x == 0,
    "grid": lambda y, x: (x % 8 == 0) | (y % 8 == 0),
    "dots": lambda y, x: (x % 4 == 0) & (y % 4 == 0),
}


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("name", EVERY)
def test_a_page_of_a_texture(name, texture):
    side_px = 1000
    ink, seconds = timed(name, np.where(TEXTURES[texture](*np.ogrid[:side_px, :side_px]), 0, 255).astype(np.uint8))
    assert seconds < 30
    assert ink.n_strokes and np.isfinite(ink.xy).all()


def test_many_strokes_have_constant_speed_under_each_law():
    strokes = [[(k % 100, k // 100), (k % 100 + 3, k // 100), (k % 100 + 3, k // 100 + 9)] for k in range(10_001)]
    ink = with_times(Ink.from_strokes(strokes), "sigma-lognormal")
    assert np.allclose(np.hypot(*np.diff(ink.xy.astype(float), axis=0).T), np.diff(ink.t) * SPEED_PX_S, atol=1e-3)
